/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "model/glibc/pt_bins_take.h"

/** glibc malloc/malloc.c:alloc_perturb */
void pt_alloc_perturb(struct ptmalloc *pt, uint64_t mem, uint64_t bytes)
{
	uint64_t perturb = var(pt, VAR_PERTURB_BYTE);

	pt_enter(pt, FN_ALLOC_PERTURB, mem, bytes);
	if (__builtin_expect(perturb == 0, 1)) {
		why(pt->why, WHY_PERTURB_NONE);
	} else {
		why(pt->why, WHY_PERTURB, bytes, perturb);
		image_fill(pt->image, mem, (uint8_t)(perturb ^ 0xff), bytes);
	}
	pt_leave(pt, FN_ALLOC_PERTURB);
}

/* The result of a stage: user memory, filled when M_PERTURB is on. */
static uint64_t give(struct ptmalloc *pt, const struct pt_request *r, uint64_t chunk)
{
	uint64_t mem = chunk2mem(pt, chunk);

	pt_alloc_perturb(pt, mem, r->bytes);
	return mem;
}

/* --- fast bins ------------------------------------------------------------------------------------------ */

static uint64_t fast_pop(struct ptmalloc *pt, uint64_t slot, const char *message)
{
	uint64_t p = ld(pt, slot);

	if (pt->lay->safe_linking && is_misaligned_chunk(pt, p)) {
		pt_abort(pt, message);
		return 0;
	}
	st(pt, slot, protect_ptr(pt, chunk2mem(pt, p), fd(pt, p)));
	return p;
}

/* More of the same size go from the fast bin into the tcache, in reverse. */
static void stash_fast(struct ptmalloc *pt, const struct pt_request *r, uint64_t slot)
{
	uint64_t tc_idx = pt_csize2tidx(pt, r->nb), fuel = pt_fuel(pt, r->av);

	if (!pt_has_tcache(pt) || !pt_tcache_serves(pt, tc_idx))
		return;
	while (pt_tcache_has_room(pt, tc_idx) && ld(pt, slot) && pt_turn(pt, &fuel)) {
		uint64_t p = fast_pop(pt, slot, "malloc(): unaligned fastbin chunk detected 3");

		if (!p)
			return;
		why(pt->why, WHY_STASH, p, tc_idx);
		pt_tcache_put(pt, p, tc_idx);
	}
}

static uint64_t take_fast(struct ptmalloc *pt, const struct pt_request *r)
{
	unsigned idx = fastbin_index(pt, r->nb);
	uint64_t slot = fastbin_at(pt, r->av, idx), p;

	if (!ld(pt, slot)) {
		why(pt->why, WHY_FAST_EMPTY, idx);
		return 0;
	}
	p = fast_pop(pt, slot, "malloc(): unaligned fastbin chunk detected 2");
	if (!p)
		return 0;
	if (fastbin_index(pt, chunksize(pt, p)) != idx) {
		pt_abort(pt, "malloc(): memory corruption (fast)");
		return 0;
	}
	why(pt->why, WHY_FAST_HIT, idx);
	stash_fast(pt, r, slot);
	return give(pt, r, p);
}

/* --- small bins ------------------------------------------------------------------------------- */

/* Takes `victim`, the last of a small bin. */
static void small_take(struct ptmalloc *pt, const struct pt_request *r, uint64_t bin,
                       uint64_t victim)
{
	uint64_t back = bk(pt, victim);

	set_inuse_bit_at(pt, victim, r->nb);
	set_bk(pt, bin, back);
	set_fd(pt, back, bin);
	if (r->av != pt->main_arena)
		set_head(pt, victim, size_word(pt, victim) | NON_MAIN_ARENA);
}

static void stash_small(struct ptmalloc *pt, const struct pt_request *r, uint64_t bin)
{
	uint64_t tc_idx = pt_csize2tidx(pt, r->nb), p, fuel = pt_fuel(pt, r->av);

	if (!pt->lay->tcache.bins)
		return;
	if (pt->rules.tcache_birth == GLIBC_TCACHE_FREE) {
		if (!pt_tcache_serves(pt, tc_idx))
			return;
		if (thread_var(pt, THREAD_TCACHE) == TCACHE_INACTIVE)
			pt_tcache_init(pt, r->av);
	}
	if (!pt_has_tcache(pt) || !pt_tcache_serves(pt, tc_idx))
		return;
	while (pt_tcache_has_room(pt, tc_idx) && (p = bk(pt, bin)) != bin && pt_turn(pt, &fuel)) {
		if (!p)
			continue;
		why(pt->why, WHY_STASH, p, tc_idx);
		small_take(pt, r, bin, p);
		pt_tcache_put(pt, p, tc_idx);
	}
}

static uint64_t take_small(struct ptmalloc *pt, const struct pt_request *r)
{
	uint64_t bin = bin_at(pt, r->av, r->idx), victim = bk(pt, bin);

	if (victim == bin) {
		why(pt->why, WHY_SMALL_EMPTY, r->idx);
		return 0;
	}
	if (victim == 0 && pt->rules.bins_by_consolidate) {
		why(pt->why, WHY_BINS_UNINITIALIZED);
		pt_malloc_consolidate(pt, r->av);
		return 0;
	}
	if (fd(pt, bk(pt, victim)) != victim) {
		pt_abort(pt, "malloc(): smallbin double linked list corrupted");
		return 0;
	}
	why(pt->why, WHY_SMALL_HIT, r->idx);
	small_take(pt, r, bin, victim);
	stash_small(pt, r, bin);
	return give(pt, r, victim);
}

/* --- the whole -------------------------------------------------------------------------------- */

/* A chunk of the request's own large bin, of any larger bin, or top's; 0: none, or malloc stopped. */
static uint64_t take_fitting(struct ptmalloc *pt, struct pt_request *r)
{
	uint64_t chunk = in_smallbin_range(pt, r->nb) ? 0 : pt_take_large(pt, r);

	if (!chunk && pt_ok(pt))
		chunk = pt_scan_binmap(pt, r);
	if (!chunk && pt_ok(pt))
		chunk = pt_use_top(pt, r);
	return chunk;
}

/* Unsorted, large and all larger bins, then top; again when fast chunks had to be consolidated. */
static uint64_t search(struct ptmalloc *pt, struct pt_request *r)
{
	for (int turn = 0; pt_ok(pt); turn++) {
		uint64_t chunk = pt_scan_unsorted(pt, r), mem;

		if (chunk && r->return_cached)
			return chunk;
		if (!chunk && pt_ok(pt))
			chunk = take_fitting(pt, r);
		if (chunk)
			return give(pt, r, chunk);
		if (!pt_ok(pt))
			return 0;
		if (pt->rules.has_fastbins && pt_have_fastchunks(pt, r->av) && turn < 2) {
			why(pt->why, WHY_CONSOLIDATE_AND_RETRY);
			pt_malloc_consolidate(pt, r->av);
			r->idx = bin_index(pt, r->nb);
			continue;
		}
		mem = pt_sysmalloc(pt, r->nb, r->av);
		if (mem)
			pt_alloc_perturb(pt, mem, r->bytes);
		return mem;
	}
	return 0;
}

/* Fast and small bins, which are looked at before anything is moved. */
static uint64_t take_exact(struct ptmalloc *pt, struct pt_request *r)
{
	if (pt->rules.has_fastbins) {
		if (r->nb <= var(pt, VAR_GLOBAL_MAX_FAST)) {
			uint64_t mem = take_fast(pt, r);

			if (mem || !pt_ok(pt))
				return mem;
		} else {
			why(pt->why, WHY_NOT_FAST, r->nb, var(pt, VAR_GLOBAL_MAX_FAST));
		}
	}
	if (in_smallbin_range(pt, r->nb))
		return take_small(pt, r);
	why(pt->why, WHY_LARGE, r->nb, r->idx);
	if (pt->rules.has_fastbins && pt_have_fastchunks(pt, r->av))
		pt_malloc_consolidate(pt, r->av);
	return 0;
}

/** glibc malloc/malloc.c:_int_malloc. User memory, or 0 with error ENOMEM. */
uint64_t pt_int_malloc(struct ptmalloc *pt, uint64_t av, uint64_t bytes)
{
	struct pt_request r = { .av = av, .bytes = bytes };
	uint64_t mem;

	if (pt_is_too_large(pt, bytes)) {
		why(pt->why, WHY_TOO_LARGE, bytes);
		pt->error = ENOMEM;
		return 0;
	}
	r.nb = pt_request2size(pt, bytes);
	pt_enter(pt, FN_INT_MALLOC, r.nb, 0);
	if (!av) {
		why(pt->why, WHY_NO_ARENA);
		mem = pt_sysmalloc(pt, r.nb, 0);
		if (mem)
			pt_alloc_perturb(pt, mem, bytes);
		pt_leave(pt, FN_INT_MALLOC);
		return mem;
	}
	r.idx = bin_index(pt, r.nb);
	mem = take_exact(pt, &r);
	if (!mem && pt_ok(pt)) {
		pt_stash_prepare(pt, &r);
		mem = search(pt, &r);
	}
	pt_leave(pt, FN_INT_MALLOC);
	return mem;
}
