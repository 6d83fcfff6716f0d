/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_GLIBC_DECODE_H
#define HEAPTOP_MODEL_GLIBC_DECODE_H

/**
 * From a target's bytes to facts/heap.h. Every read goes through struct memory; nothing that is read
 * is trusted: pointers are checked against the VMA set, lists are bounded and watched for cycles,
 * sizes are checked before they move anything. What does not fit becomes a heap_error, never a
 * crash, and what is sound is still decoded.
 */
#include "model/base/err.h"
#include "model/base/region.h"
#include "model/facts/heap.h"
#include "model/facts/memory.h"
#include "model/facts/source.h"
#include "model/facts/vma.h"
#include "model/facts/window.h"
#include "model/rules/glibc.h"

/* Bounds against hostile targets. */
enum {
	DECODE_ARENAS_MAX = 4096,
	DECODE_HEAPS_MAX = 65536, /* of one arena */
	DECODE_THREADS_MAX = 65536,
};

/** What every decoding function needs; lives in the caller's frame. */
struct decode {
	struct memory *mem;
	const struct malloc_layout *lay;
	const struct vma_set *vmas;
	struct region *region;          /* owner of what is decoded */
	struct heap_facts *heap;        /* where errors go */
	uint64_t main_arena_addr;       /* of this instance */
	uint64_t mp_addr;               /* 0: unknown */
	struct walk_progress *progress; /* of a walk; NULL: nobody asks */
	uint64_t heap_max; /* HEAP_MAX_SIZE in force (huge pages change it in 2.35-2.41) */
};

/* --- pt_params.c, pt_arena.c: headers --------------------------------------------------------- */

/** mp_; false when it can't be read. */
bool pt_read_params(const struct decode *d, struct malloc_params *ret);

/** One arena's header (no lists, no heaps); false when unreadable or nonsense. */
bool pt_read_arena(const struct decode *d, uint64_t addr, struct arena *ret);

/** The ring from main_arena on, with heaps; arenas in ring order. */
bool pt_read_arenas(const struct decode *d, struct malloc_state *ms);

/**
 * Every tick: headers, tops, tcache counters and mp_ of the arenas and threads that `ms` already
 * names, in few gathered reads. False when the set itself changed (new ring member, top moved to
 * another heap): the caller then reads all anew.
 */
bool pt_tick(const struct decode *d, struct malloc_state *ms);

/* --- pt_bins.c, pt_tcache.c: lists ------------------------------------------------------------- */

/** A set of chunk addresses that look in use but are not (tcache, fastbin entries). */
struct chunk_set; /* pt_chunk_set.h */

/**
 * Bins and fastbins of one arena, counted by size. `set` (may be NULL) receives fastbin chunks.
 * A list that breaks leaves its count as FACT_TORN and adds an error.
 * `budget_nodes`: give up (has_lists stays false, returns false) beyond so many nodes; 0: no budget.
 */
bool pt_read_lists(const struct decode *d, struct arena *arena, struct chunk_set *set,
                   uint64_t budget_nodes);

/** One thread's tcache by its counters and, with `set`, its entries. */
bool pt_read_tcache(const struct decode *d, struct malloc_thread *thread, uint64_t tcache_count,
                    struct chunk_set *set);

/* --- pt_walk.c: every chunk -------------------------------------------------------------------- */

/**
 * Walks all heaps of all arenas of `ms` in one streamed pass (256 KiB pieces, bounded memory); fills
 * the arenas' in_use, free_total, fencepost_bytes, trimmable, top_pin, below_pin, and ms->walk. Top and
 * system_mem become those that the walk met.
 *
 * `set` holds the tcache and fastbin chunks, read before; each chunk's state is then known as it is met,
 * as `sink` (may be NULL) needs it. Without a set the pass notes what may be one and follows the lists
 * afterwards in those notes: that fills the arenas' lists and the threads' tcaches, too, and is the
 * cheap way where many chunks are free. With a sink a set is needed.
 *
 * What stays contradictory is counted in ms->walk.torn_chunks, what is swapped out in unreadable; the
 * sums of such an arena are FACT_TORN, those of one that changed meanwhile FACT_ESTIMATE. False when
 * out of memory.
 */
bool pt_walk(const struct decode *d, struct malloc_state *ms, const struct chunk_set *set,
             const struct chunk_sink *sink);

/**
 * pt_walk() without a set or sink that also puts every fastbin and tcache chunk into `found`: what a
 * second walk with a sink then starts from. chunk_set_is_complete() says whether all fitted.
 */
bool pt_walk_cached(const struct decode *d, struct malloc_state *ms, struct chunk_set *found);

/* --- pt_mmapped.c ------------------------------------------------------------------------------ */

/** Searches the VMAs for mmapped chunks and reconciles them with mp_ (marks the excess). */
bool pt_find_mmapped(const struct decode *d, struct malloc_state *ms);

/* --- pt_decode.c: all of it -------------------------------------------------------------------- */

/**
 * Decodes one instance as far as `what` (enum take_what: HEADERS, LISTS, WALK, MMAPPED) asks;
 * ms->threads must be filled in with tid, name, arena and tcache addresses by the caller.
 */
bool pt_decode(const struct decode *d, struct malloc_state *ms, uint32_t what,
               const struct chunk_sink *sink);

/** Sums arenas, threads and mmapped chunks into ms->totals. */
void pt_total(struct malloc_state *ms);

/* --- pt_window.c: a look at chunks and bytes ----------------------------------------------------- */

/**
 * Answers a view's request from the chunks of the last walk, and from memory as it is now: residency,
 * headers, bins, bytes, where their words lead to. On d->region. False when out of memory.
 */
bool pt_window(const struct decode *d, const struct malloc_state *ms,
               const struct chunk_spool *spool, const struct window_request *request,
               struct window *ret);

/* --- pt_find.c: recognising main_arena and mp_ in bytes (pure) ----------------------------------- */

struct pt_candidate {
	uint64_t addr;
	const struct malloc_layout *lay;
	int score;
	bool never_used;
};

/**
 * Scans `bytes` (a copy of libc's writable segment at `base`) for main_arena in every layout of `abi`
 * (or only `only`), best first; returns the number found, at most `room`.
 */
size_t pt_scan_main_arena(const struct decode *d, const uint8_t *bytes, size_t len, uint64_t base,
                          enum abi abi, const struct malloc_layout *only, struct pt_candidate *ret,
                          size_t room);

/** The same for mp_, given main_arena's candidate. Accepted at a score of 11 or more. */
size_t pt_scan_mp(const struct decode *d, const uint8_t *bytes, size_t len, uint64_t base,
                  const struct pt_candidate *main_arena, struct pt_candidate *ret, size_t room);

/** Through heap_info at every heap_max-aligned address of writable anonymous VMAs: main_arena, 0 if none. */
uint64_t pt_main_arena_by_heaps(const struct decode *d);

#endif
