/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_GLIBC_PT_MMAPPED_H
#define HEAPTOP_MODEL_GLIBC_PT_MMAPPED_H

/**
 * Private to pt_mmapped*.c: the search for chunks that have a mapping of their own.
 */
#include "model/base/vec.h"
#include "model/glibc/pt.h"

/* A stretch of private anonymous memory that may hold mmapped chunks, and how far it was searched. */
struct mm_stretch {
	uint64_t at, end;
	uint64_t limit;       /* memory goes on to here without a gap: a chunk may reach so far */
	uint64_t present_end; /* pages from `at` to here are present */
	uint64_t stride;      /* size of the last mapping: neighbours often are of one size */
	uint32_t ahead;       /* headers to read at once, at multiples of `stride` */
};

struct mm_search {
	const struct decode *d;
	struct region *scratch;
	VEC(struct mm_stretch) stretches;
	VEC(struct mmapped_chunk) found;
	uint64_t found_bytes;
	struct fact want_count, want_bytes; /* mp_.n_mmaps, mp_.mmapped_mem */
	uint64_t headers_left; /* bounds the search in what the program mapped itself */
	bool met_unreadable;
};

/** Searches all stretches until mp_'s figures are met. False when out of memory. */
bool mm_scan(struct mm_search *m);

/** True when as many chunks and bytes were found as mp_ has. */
bool mm_is_complete(const struct mm_search *m);

#endif
