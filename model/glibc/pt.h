/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_GLIBC_PT_H
#define HEAPTOP_MODEL_GLIBC_PT_H

/**
 * Private to model/glibc: what the decoder's files share.
 *
 * Lists and walk share their work. There are three ways to count bins, fastbins and tcaches:
 *
 *   few free chunks	pt_read_lists(), pt_read_tcache(): lists are followed by gathered reads, all
 *			lists in lockstep. ~2 us per node.
 *   many		pt_walk() without a set: the streamed pass puts every free chunk and every
 *			chunk that may be a fastbin or tcache entry into a `struct chunk_links`,
 *			counts free chunks by size into one bin_counter per arena, and then calls
 *			pt_resolve_links(), which follows the lists in that copy.
 *   with a sink	the state of each chunk must be known when it is met: lists first, into a
 *			`struct chunk_set`, then the walk with that set.
 */
#include <string.h>

#include "model/base/units.h"
#include "model/glibc/decode.h"
#include "model/glibc/pt_bits.h"
#include "model/glibc/pt_chunk_set.h"

/* --- words and chunks ---------------------------------------------------------------------------- */

/** The target's word at `at`, which the caller knows to be inside its copy. Targets are LE. */
static inline uint64_t pt_word(const struct malloc_layout *lay, const uint8_t *at)
{
	uint64_t wide;
	uint32_t narrow;

	if (lay->word == 8) {
		memcpy(&wide, at, sizeof(wide));
		return wide;
	}
	memcpy(&narrow, at, sizeof(narrow));
	return narrow;
}

static inline uint32_t pt_int(const uint8_t *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return v;
}

static inline uint64_t pt_chunk_size(uint64_t raw)
{
	return raw & ~(uint64_t)SIZE_BITS;
}

/** User memory of a chunk, and back. */
static inline uint64_t pt_mem(const struct malloc_layout *lay, uint64_t chunk)
{
	return chunk + 2 * (uint64_t)lay->word;
}

static inline uint64_t pt_chunk_of_mem(const struct malloc_layout *lay, uint64_t mem)
{
	return mem - 2 * (uint64_t)lay->word;
}

/** A chunk's address is aligned when its user memory is (on i386 chunks may end in 8). */
static inline bool pt_is_chunk_aligned(const struct malloc_layout *lay, uint64_t chunk)
{
	return is_aligned(pt_mem(lay, chunk), lay->alignment);
}

/** The first address from `addr` on where a chunk may start. */
static inline uint64_t pt_chunk_align_up(const struct malloc_layout *lay, uint64_t addr)
{
	return pt_chunk_of_mem(lay, align_up(pt_mem(lay, addr), lay->alignment));
}

/** A size that an ordinary chunk can have (a fencepost's is smaller). */
static inline bool pt_is_chunk_size(const struct malloc_layout *lay, uint64_t size)
{
	return size >= lay->min_size && is_aligned(size, lay->alignment);
}

/** Size of a fencepost: CHUNK_HDR_SZ; two of them end a piece of an arena that could not go on. */
static inline uint64_t pt_fencepost_size(const struct malloc_layout *lay)
{
	return 2 * (uint64_t)lay->word;
}

/* --- heaps (pt_arena.c) ---------------------------------------------------------------------------- */

/** The first chunk of heap number `i` (0-based) of an arena: behind its headers, aligned. */
uint64_t pt_first_chunk(const struct decode *d, const struct arena *arena, size_t i);

/**
 * Behind the fenceposts of main_arena: the lowest address in [from, stop) whose chunks lead to `stop`
 * (a known chunk, as a rule top), or `stop`. What lies before it is not malloc's (a foreign sbrk).
 * *reads_left bounds the reads of all searches of a walk: a hostile gap can make each one dear.
 */
uint64_t pt_next_piece(const struct decode *d, uint64_t from, uint64_t stop, uint64_t *reads_left);

/* All heaps of all arenas by address. */
struct heap_span {
	uint64_t start, end;
	uint32_t arena, heap; /* indices */
};

struct heap_map {
	struct heap_span *at;
	size_t count;
};

/** False when out of memory. */
bool pt_map_heaps(struct region *region, const struct malloc_state *ms, struct heap_map *ret);

/** The heap that holds `addr`, or NULL. O(log n). */
const struct heap_span *pt_heap_at(const struct heap_map *map, uint64_t addr);

/* --- free chunks by size (pt_count.c) ------------------------------------------------------------------ */

enum { PT_FASTBINS_MAX = 11, PT_BINS = 127, PT_TCACHE_BINS_MAX = 76 };

/* Free chunks of one arena by the bin that their size belongs to. */
struct bin_counter {
	uint64_t fast[PT_FASTBINS_MAX];
	uint64_t count[PT_BINS]; /* [1]: unsorted; [2 … 63]: small; [64 … 126]: large */
	uint64_t bytes[PT_BINS];
};

/** A free chunk seen in a walk: counted into the bin of its size (there is none for unsorted). */
void bin_counter_add(struct bin_counter *counter, const struct malloc_layout *lay, uint64_t size);

/** A chunk counted by bin_counter_add() turned out to lie in the unsorted list. */
void bin_counter_unsort(struct bin_counter *counter, const struct malloc_layout *lay,
                        uint64_t size);

/**
 * Puts the counts into arena->unsorted, small, large, fastbins, fastbin_total and free_total, which
 * get `state`; sets has_lists. False when out of memory.
 */
bool bin_counter_store(const struct bin_counter *counter, const struct decode *d,
                       enum fact_state state, struct arena *arena);

/**
 * After a streamed pass: follows the unsorted list and the fastbins of every arena and the tcache
 * of every thread in `links`; marks each entry found there, and adds fastbin and tcache chunks to
 * `found` (may be NULL). `counters` (one per arena) hold the free
 * chunks by size. Fills the arenas' lists, free_total and tcache_total and the threads' tcaches. A list
 * that leaves the copy is counted as far as it goes, as FACT_TORN, with a heap_error.
 * False when out of memory.
 */
bool pt_resolve_links(const struct decode *d, struct malloc_state *ms, struct chunk_links *links,
                      struct bin_counter *counters, struct chunk_set *found);

/**
 * True when an in-use looking chunk of `size` whose first user word is `word` may be an entry of a
 * fastbin or tcache, and so belongs into the links; *ret_next is then the decoded pointer.
 */
bool pt_may_be_cached(const struct decode *d, uint64_t chunk, uint64_t size, uint64_t word,
                      uint64_t *ret_next);

/**
 * Lists of all arenas and tcaches, many in lockstep: bins and fastbins of every arena, the threads'
 * tcaches, and each arena's tcache_total. False when the budget is spent or memory ran out; what was
 * stored until then stays.
 */
bool pt_read_all_lists(const struct decode *d, struct malloc_state *ms, struct chunk_set *set,
                       uint64_t budget_nodes);

/* --- reading ---------------------------------------------------------------------------------- */

/** Private, readable and writable memory, without a gap. */
static inline bool pt_is_writable(const struct decode *d, uint64_t addr, uint64_t len)
{
	return vma_is_writable(d->vmas, addr, len);
}

#endif
