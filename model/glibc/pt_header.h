/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_GLIBC_PT_HEADER_H
#define HEAPTOP_MODEL_GLIBC_PT_HEADER_H

/**
 * Private to model/glibc: malloc's own structures in copied bytes. A copy holds as many bytes as the
 * layout says (`lay->arena.size`, …); offsets of a layout always lie inside.
 */
#include "model/glibc/pt.h"

/* Sizes of the largest versions. */
enum { PT_ARENA_MAX = 2200, PT_PARAMS_MAX = 144, PT_TCACHE_MAX = 760, PT_HEAP_INFO_MAX = 48 };

/* How often contradicting reads of a moving target are tried. */
enum { PT_TRIES = 3 };

static inline uint64_t pt_heap_max(const struct decode *d)
{
	return d->heap_max ? d->heap_max : d->lay->heap.heap_max;
}

/* --- struct malloc_state ------------------------------------------------------------------------- */

static inline uint64_t pt_bin_first(const struct malloc_layout *lay, const uint8_t *copy,
                                    unsigned bin)
{
	return pt_word(lay, copy + lay->arena.bins + (size_t)2 * lay->word * (bin - 1));
}

static inline uint64_t pt_bin_last(const struct malloc_layout *lay, const uint8_t *copy,
                                   unsigned bin)
{
	return pt_word(lay, copy + lay->arena.bins + (size_t)2 * lay->word * (bin - 1) + lay->word);
}

static inline uint64_t pt_fastbin_first(const struct malloc_layout *lay, const uint8_t *copy,
                                        unsigned i)
{
	return pt_word(lay, copy + lay->arena.fastbins + (size_t)i * lay->word);
}

/** Header fields into *arena; top_size becomes 0 for an initial top, else unknown. */
void pt_parse_arena(const struct decode *d, uint64_t addr, const uint8_t *copy,
                    struct arena *arena);

/** True while top is what initialisation left there, or zero. */
bool pt_is_initial_top(const struct decode *d, const struct arena *arena);

/**
 * Judges the size word read at top: fills arena->top_size, or returns why not (static text). A moving
 * target contradicts itself now and then: read header and word again before believing it.
 */
const char *pt_take_top_size(const struct decode *d, struct arena *arena, uint64_t raw);

/* --- heaps (pt_heaps.c, pt_pieces.c) ---------------------------------------------------------------- */

/** A heap_info at `start` into *heap; why it is none (static text), or NULL. */
const char *pt_parse_heap_info(const struct decode *d, uint64_t start, const uint8_t *copy,
                               uint64_t arena_addr, struct malloc_heap *heap);

/** The chain of heaps of a thread's arena into arena->heaps. False when out of memory. */
bool pt_read_heap_chain(const struct decode *d, struct arena *arena);

/** main_arena's pieces into arena->heaps. False when out of memory. */
bool pt_read_main_pieces(const struct decode *d, const struct malloc_params *params,
                         struct arena *arena);

/* --- others --------------------------------------------------------------------------------------------- */

void pt_parse_params(const struct malloc_layout *lay, const uint8_t *copy,
                     struct malloc_params *ret);

/**
 * A copied tcache into thread->bins and total; reads it again when the copy contradicts itself. False
 * when that failed or memory ran out.
 */
bool pt_parse_tcache(const struct decode *d, const uint8_t *copy, uint64_t tcache_count,
                     struct malloc_thread *thread);

#endif
