/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TESTS_DIFF_SHARED_H
#define HEAPTOP_TESTS_DIFF_SHARED_H

/*
 * Between the interpreter, which runs a scenario for real, and the driver that watches it: a file
 * mapped by both. Shared memory and not a pipe, so that what was logged outlives an abort, and a
 * traced system call can be told to belong to an operation.
 */
#include <stddef.h>
#include <stdint.h>

/* A system call of this number does not exist; the driver's filter stops the interpreter there. */
enum { DIFF_STOP_NR = 0x48000 };
enum diff_stop { DIFF_STOP_START, DIFF_STOP_PAUSE, DIFF_STOP_END };

enum { DIFF_HEAD_SIZE = 4096, DIFF_RECORDS_DEFAULT = 1 << 21 };

/* How the interpreter ends. */
enum { DIFF_EXIT_OK = 0, DIFF_EXIT_REFUSED = 2, DIFF_EXIT_UNSUPPORTED = 3 };

struct diff_head {
	uint64_t capacity; /* records; by the driver */
	uint64_t n;        /* the operation under way */
	uint64_t done;     /* operations that have ended */
	uint32_t is_quiet; /* system calls under way are the interpreter's own */
	uint32_t prefix;   /* operations that stand before the rest of the scenario in its file */
	uint32_t has_rest; /* at a pause: the rest was written and can be predicted */
	uint32_t pauses;   /* so far; the rest is in PREFIX.PAUSES */
	uint32_t tid;      /* of the thread that runs */
	uint64_t stacks, stacks_end; /* with stacks=own: where they lie */
};

enum diff_has {
	DIFF_HAS_ADDR = 1 << 0,
	DIFF_HAS_BLOCK = 1 << 1, /* usable and hdr */
	DIFF_HAS_RET = 1 << 2,
	DIFF_HAS_DTV = 1 << 3,
	DIFF_IS_SKIPPED = 1 << 4,
	DIFF_IS_ENOMEM = 1 << 5,
};

/* What became of one operation. */
struct diff_record {
	uint64_t addr, usable, hdr;
	int64_t ret;
	uint64_t dtv, dtv_usable;
	uint64_t text_hash; /* of its words, a blank between them */
	int32_t error;
	uint32_t has; /* enum diff_has */
};

/* FNV-1a, 64 bits. */
#define DIFF_HASH_START UINT64_C(0xcbf29ce484222325)

static inline uint64_t diff_hash(uint64_t hash, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
	return hash;
}

#endif
