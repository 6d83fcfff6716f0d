/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TESTS_LIB_WORLD_MEMORY_H
#define HEAPTOP_TESTS_LIB_WORLD_MEMORY_H

/**
 * A world seen as a target: its image read through struct memory, its VMAs as facts. The decoder of
 * live processes is then a second opinion on what the allocator model has written.
 */
#include "model/glibc/decode.h"
#include "model/run/world.h"

struct world_memory {
	struct memory mem; /* first: the decoder's handle */
	struct world *world;
	struct region *region;
	struct vma_set vmas;
	struct heap_facts heap;
	struct malloc_state ms;
	struct decode d;
};

/** Decodes the world's malloc as it is now: headers, lists, every chunk, mmapped chunks. Aborts when
 * it can't. */
void world_memory_decode(struct world_memory *wm, struct world *world);
void world_memory_free(struct world_memory *wm);

/** A hash of malloc's memory and variables, VMAs, threads, resident pages: equal when nothing changed. */
uint64_t world_memory_hash(const struct world *world);

#endif
