/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TESTS_LIB_MM_TWIN_H
#define HEAPTOP_TESTS_LIB_MM_TWIN_H

/**
 * A real process and its simulated address space, side by side: each step is made by both, and must
 * end the same. Failures are cmocka's. The process is the test program itself, started anew as
 * "mm_twin IN OUT", so that nothing in it was inherited over fork.
 */
#include <sys/types.h>

#include "model/linux/lx_mm.h"

enum { PAGE = 4096, KEPT_STEPS = 12, TOUCH = SYS_NR_COUNT, END };

struct step {
	uint32_t op; /* enum sys_nr, or TOUCH: writes to each page, as far as it may */
	uint64_t arg[4];
};

struct mm_twin {
	pid_t pid;
	int to, from, maps_fd, smaps_fd;
	uint64_t seed, random;
	size_t number;
	struct region *region, *scratch;
	struct image_pool *pool;
	struct image image;
	struct lx_mm *mm;
	const struct linux_rules *rules;
	struct vma_set start; /* not to be harmed */
	uint64_t mmap_base, brk_start, ram_swap_pages;
	struct step last[KEPT_STEPS];
	char *text;
};

/** What the child does until it is told to end: calls from `in`, results to `out`. */
int mm_twin_act(int in, int out);

/** For main(): when the program is to be the process, it is that and ends here. */
void mm_twin_serve(int argc, char *argv[]);

void mm_twin_start(struct mm_twin *twin, uint64_t seed);
/** The same with a process that was forked and has not execed: most of its memory is inherited. */
void mm_twin_start_forked(struct mm_twin *twin, uint64_t seed);
void mm_twin_end(struct mm_twin *twin);

/** Makes a step in both and compares the results. */
void mm_twin_step(struct mm_twin *twin, const struct step *s);
/** Makes it in an address space only. */
int64_t mm_twin_predict(struct lx_mm *mm, const struct step *s);
/** Compares the whole list of VMAs. */
void mm_twin_compare_maps(struct mm_twin *twin);
/** Compares the pages that are there. */
void mm_twin_compare_resident(struct mm_twin *twin);
/** Compares what is charged and what is mapped. */
void mm_twin_compare_counters(struct mm_twin *twin);

/** The number behind `key` in a small file; "": the first. */
uint64_t mm_twin_number(const char *path, const char *key);

#endif
