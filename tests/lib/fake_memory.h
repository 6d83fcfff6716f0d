/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TESTS_LIB_FAKE_MEMORY_H
#define HEAPTOP_TESTS_LIB_FAKE_MEMORY_H

/**
 * A target made of bytes: segments at made-up addresses, read through struct memory. A segment can be
 * swapped out, guarded or refused; the k-th read can be made to fail. Allocation failures abort: it is
 * a test's tool.
 */
#include "model/facts/memory.h"
#include "model/facts/vma.h"

struct fake_memory {
	struct memory mem; /* first: the decoder's handle */
	size_t reads;      /* read calls and pieces of gathers so far */
	size_t gathers;    /* gather calls so far */
	size_t fail_at;    /* this read (1: the first) fails; 0: none */
	enum mem_status fail_status;
	struct fake_segment *segments; /* by address, without overlaps */
	size_t count;
	struct vma_set vmas; /* one per segment, made by fake_memory_vmas() */
	char *names;
	size_t names_len;
};

struct fake_segment {
	uint64_t start, len;
	uint8_t *bytes;
	enum mem_status status; /* MEM_OK: readable */
	uint8_t prot;           /* enum vma_prot */
	const char *name;       /* static text */
};

void fake_memory_init(struct fake_memory *fake);
void fake_memory_fini(struct fake_memory *fake);

/** Maps `len` zeroed bytes (private, readable, writable) and returns them. */
uint8_t *fake_memory_map(struct fake_memory *fake, uint64_t start, uint64_t len, const char *name);

/** Maps a copy of (part of) the test's own memory at its own address. */
void fake_memory_copy(struct fake_memory *fake, const void *at, uint64_t len, const char *name);

/** The segment that holds `addr`; NULL: none. Change its status or protection freely. */
struct fake_segment *fake_memory_segment(struct fake_memory *fake, uint64_t addr);

/** The bytes at `addr`; aborts when [addr, addr + len) is not inside one segment. */
uint8_t *fake_memory_at(struct fake_memory *fake, uint64_t addr, uint64_t len);

/** Writes a little-endian word of 1, 2, 4 or 8 bytes. */
void fake_memory_put(struct fake_memory *fake, uint64_t addr, unsigned word, uint64_t value);

/** The segments as VMAs; valid until the next mapping. */
const struct vma_set *fake_memory_vmas(struct fake_memory *fake);

#endif
