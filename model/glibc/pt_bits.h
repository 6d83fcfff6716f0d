/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_GLIBC_PT_BITS_H
#define HEAPTOP_MODEL_GLIBC_PT_BITS_H

/** What both the decoder and the allocator know of a chunk's size word and of an arena. */
#include <stdint.h>

#include "model/rules/glibc.h"

/* Low bits of a size word (glibc malloc/malloc.c:PREV_INUSE and following). */
enum pt_size_bits { PREV_INUSE = 1, IS_MMAPPED = 2, NON_MAIN_ARENA = 4, SIZE_BITS = 7 };

/* struct malloc_state's flags (glibc malloc/malloc.c:NONCONTIGUOUS_BIT). */
enum pt_arena_flags {
	FASTCHUNKS_BIT = 1, /* to 2.26, inverted */
	NONCONTIGUOUS_BIT = 2,
};

/**
 * Address of a bin's pseudo chunk: a chunk whose fd and bk would be the two words of that bin. Bin 1's
 * is also what top points to while an arena has no memory (glibc malloc/malloc.c:initial_top).
 */
static inline uint64_t pt_bin_addr(const struct malloc_layout *lay, uint64_t arena_addr,
                                   unsigned bin)
{
	return arena_addr + lay->arena.bins + (uint64_t)2 * lay->word * ((uint64_t)bin - 2);
}

#endif
