/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TESTS_DIFF_TRACE_H
#define HEAPTOP_TESTS_DIFF_TRACE_H

/* A scenario run for real, with its memory system calls recorded by operation. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/diff/shared.h"

struct call {
	uint64_t n; /* of the operation */
	uint64_t arg[6];
	int64_t result;
	uint32_t kind; /* index of call_names */
};

enum { CALL_BRK, CALL_MMAP, CALL_MUNMAP, CALL_MREMAP, CALL_MPROTECT, CALL_MADVISE, CALL_KINDS };

extern const char *const call_names[CALL_KINDS];
extern const unsigned call_args[CALL_KINDS];

struct run {
	const char *scenario; /* file */
	char **command;       /* loader and its arguments, interpreter; NULL at the end */
	const char *work;     /* directory for files of this run */
	bool wants_rests;
	/* Called while the whole process stands still. */
	void (*stopped)(struct run *run, enum diff_stop why);
	void *ctx;

	pid_t pid;
	struct diff_head *head;
	struct diff_record *records;
	struct call *calls;
	size_t call_count, call_room;
	int status; /* as of waitpid() */
};

/** Runs it to its end; false (and a message on stderr) when that could not be done. */
bool run_for_real(struct run *run);
void run_end(struct run *run);

/** Drops what the kernel does not look at: the upper half of an int, an address that mremap is not
 * told to use. */
void normalize_call(struct call *call);
/** WORK/NAME in a buffer of the caller's. */
const char *work_path(const struct run *run, const char *name, char to[512]);
/** The calls of operation `n`; `*from` is where to look from and is moved on. */
const struct call *calls_of(const struct run *run, uint64_t n, size_t *from, size_t *ret_count);

#endif
