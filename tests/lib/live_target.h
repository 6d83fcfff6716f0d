/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TESTS_LIB_LIVE_TARGET_H
#define HEAPTOP_TESTS_LIB_LIVE_TARGET_H

/**
 * A program of its own as a target, compiled by the test if need be, and read through the real
 * probes. Failures to set one up come back as false with a reason to skip.
 */
#include <sys/types.h>

#include "model/facts/snapshot.h"
#include "probes/find.h"
#include "probes/read.h"

struct live_target {
	pid_t pid;
	char said[8192]; /* what it wrote until it was ready */
	struct proc proc;
	struct maps_cache *maps;
	struct part *vmas;
	struct memory *mem;
	struct region *region;
	struct heap_facts heap;
	struct found found;
};

/**
 * Compiles a program of tests/programs by `cc` with further arguments (NULL-terminated) into a
 * temporary directory; `path` has room for the result. False: it cannot be done here.
 */
bool live_target_build(const char *source, const char *const *flags, char *path, size_t size);

/** Starts a program, its standard output read until a line "ready"; ends with the test. */
bool live_target_start(struct live_target *target, char *const argv[], char *const env[]);

/**
 * The same with one of the highest ids there are, so that its threads get lower ones. Needs Linux 5.5
 * and CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE.
 */
bool live_target_start_highest(struct live_target *target, char *const argv[], char *const env[]);

/** Opens a running process: its VMAs and memory. Aborts on failure. */
void live_target_open(struct live_target *target, pid_t pid);

/** find_malloc(), then the arenas and threads of everything found. */
void live_target_find(struct live_target *target);

/** Ends it and frees everything. */
void live_target_end(struct live_target *target);

/** Removes what live_target_build() made. */
void live_target_clean(void);

#endif
