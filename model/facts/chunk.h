/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_FACTS_CHUNK_H
#define HEAPTOP_MODEL_FACTS_CHUNK_H

/** What a walk tells of each chunk. */
#include <stdint.h>

enum chunk_state {
	CHUNK_IN_USE,
	CHUNK_FREE, /* in the unsorted, a small or a large bin */
	CHUNK_FAST,
	CHUNK_TCACHE,
	CHUNK_TOP,
	CHUNK_FENCEPOST,
	CHUNK_MMAPPED,
	CHUNK_STATE_COUNT
};

/** Told each chunk of a walk, in address order within a heap; then the mmapped chunks, of arena -1. */
struct chunk_sink {
	void (*chunk)(void *ctx, uint64_t addr, uint64_t size, enum chunk_state state, int arena);
	void (*restart)(void *ctx); /* all told so far is void; NULL: it can't be taken back */
	void *ctx;
};

#endif
