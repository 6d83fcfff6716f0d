/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_RUN_WORLD_WORDS_H
#define HEAPTOP_MODEL_RUN_WORLD_WORDS_H

/* Where malloc's own memory lies in a world: to be compared, byte for byte, with a process that
 * did the same. */
#include "model/run/world.h"

struct world_range {
	uint64_t addr, len;
};

/**
 * mp_, the arenas, and all heaps up to the end of their top: at most `max` of them. Of a main heap
 * that is no longer in one piece only its arena is told.
 */
size_t world_malloc_ranges(const struct world *world, struct world_range *ret, size_t max);

#endif
