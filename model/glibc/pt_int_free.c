/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/glibc/pt_world.h"

static void free_perturb(struct ptmalloc *pt, uint64_t p, uint64_t size)
{
	uint64_t perturb = var(pt, VAR_PERTURB_BYTE);

	if (__builtin_expect(perturb != 0, 0))
		image_fill(pt->image, chunk2mem(pt, p), (uint8_t)perturb, size - chunk_hdr_sz(pt));
}

/* --- unlink ------------------------------------------------------------------------------------------- */

/* The ring of distinct sizes closes around `p`, or its neighbour of the same size takes its place. */
static void unlink_nextsize(struct ptmalloc *pt, uint64_t p, uint64_t next)
{
	uint64_t fwd = fd_nextsize(pt, p), back = bk_nextsize(pt, p);

	if (bk_nextsize(pt, fwd) != p || fd_nextsize(pt, back) != p) {
		pt_abort(pt, "corrupted double-linked list (not small)");
		return;
	}
	if (fd_nextsize(pt, next) != 0) {
		set_bk_nextsize(pt, fwd, back);
		set_fd_nextsize(pt, back, fwd);
	} else if (fwd == p) {
		set_fd_nextsize(pt, next, next);
		set_bk_nextsize(pt, next, next);
	} else {
		set_fd_nextsize(pt, next, fwd);
		set_bk_nextsize(pt, next, back);
		set_bk_nextsize(pt, fwd, next);
		set_fd_nextsize(pt, back, next);
	}
}

static void unlink_chunk(struct ptmalloc *pt, uint64_t p)
{
	uint64_t next, back;

	if (pt->rules.checks_unlink_size &&
	    chunksize(pt, p) != prev_size(pt, p + chunksize(pt, p))) {
		pt_abort(pt, "corrupted size vs. prev_size");
		return;
	}
	next = fd(pt, p);
	back = bk(pt, p);
	if (bk(pt, next) != p || fd(pt, back) != p) {
		pt_abort(pt, "corrupted double-linked list");
		return;
	}
	set_bk(pt, next, back);
	set_fd(pt, back, next);
	if (!in_smallbin_range(pt, size_word(pt, p)) && fd_nextsize(pt, p) != 0)
		unlink_nextsize(pt, p, next);
}

/** glibc malloc/malloc.c:unlink_chunk (to 2.28 the macro unlink) */
void pt_unlink_chunk(struct ptmalloc *pt, uint64_t p)
{
	pt_enter(pt, FN_UNLINK, p, 0);
	pt_enter(pt, FN_UNLINK_CHUNK, p, 0);
	unlink_chunk(pt, p);
	pt_leave(pt, FN_UNLINK_CHUNK);
	pt_leave(pt, FN_UNLINK);
}

/* --- fast bins -------------------------------------------------------------------------------- */

bool pt_have_fastchunks(struct ptmalloc *pt, uint64_t av)
{
	if (pt->lay->fastchunks_flag_bit)
		return !(image_get4(pt->image, av + pt->lay->arena.flags) & FASTCHUNKS_BIT);
	if (pt->lay->arena.have_fastchunks == FIELD_NONE)
		return false;
	return image_get4(pt->image, av + pt->lay->arena.have_fastchunks) != 0;
}

static void set_fastchunks(struct ptmalloc *pt, uint64_t av, bool have)
{
	uint64_t at = av + pt->lay->arena.flags;

	if (pt->lay->fastchunks_flag_bit) {
		uint32_t flags = image_get4(pt->image, at) & ~(uint32_t)FASTCHUNKS_BIT;

		image_set4(pt->image, at, have ? flags : flags | FASTCHUNKS_BIT);
	} else if (pt->lay->arena.have_fastchunks != FIELD_NONE) {
		image_set4(pt->image, av + pt->lay->arena.have_fastchunks, have);
	}
}

static void put_fast(struct ptmalloc *pt, uint64_t av, uint64_t p, uint64_t size, bool have_lock)
{
	uint64_t next_word = size_word(pt, p + size), old, slot;
	unsigned idx = fastbin_index(pt, size);

	if (next_word <= chunk_hdr_sz(pt) ||
	    (next_word & ~(uint64_t)SIZE_BITS) >= av_word(pt, av, system_mem)) {
		pt_abort(pt, "free(): invalid next size (fast)");
		return;
	}
	free_perturb(pt, p, size);
	set_fastchunks(pt, av, true);
	slot = fastbin_at(pt, av, idx);
	old = ld(pt, slot);
	if (old == p) {
		pt_abort(pt, "double free or corruption (fasttop)");
		return;
	}
	why(pt->why, WHY_FAST_PUT, size, idx);
	set_fd(pt, p, protect_ptr(pt, chunk2mem(pt, p), old));
	st(pt, slot, p);
	if (have_lock && old && fastbin_index(pt, chunksize(pt, old)) != idx)
		pt_abort(pt, "invalid fastbin entry (free)");
}

/* One chunk of a fast bin is merged with its neighbours into the unsorted bin or top. */
static void consolidate_one(struct ptmalloc *pt, uint64_t av, uint64_t p)
{
	uint64_t size = chunksize(pt, p), next = p + size, next_size = chunksize(pt, next);

	if (!prev_inuse(pt, p)) {
		uint64_t prev = prev_size(pt, p);

		size += prev;
		p -= prev;
		if (pt->rules.checks_prev_size && chunksize(pt, p) != prev)
			pt_abort(pt, "corrupted size vs. prev_size in fastbins");
		pt_unlink_chunk(pt, p);
	}
	if (next == av_word(pt, av, top)) {
		size += next_size;
		set_head(pt, p, size | PREV_INUSE);
		set_av_word(pt, av, top, p);
		return;
	}
	if (!inuse_bit_at(pt, next, next_size)) {
		size += next_size;
		pt_unlink_chunk(pt, next);
	} else {
		clear_inuse_bit(pt, next);
	}
	uint64_t unsorted = unsorted_chunks(pt, av), first = fd(pt, unsorted);

	set_fd(pt, unsorted, p);
	set_bk(pt, first, p);
	if (!in_smallbin_range(pt, size)) {
		set_fd_nextsize(pt, p, 0);
		set_bk_nextsize(pt, p, 0);
	}
	set_head(pt, p, size | PREV_INUSE);
	set_bk(pt, p, unsorted);
	set_fd(pt, p, first);
	set_foot(pt, p, size);
}

/** glibc malloc/malloc.c:malloc_consolidate. To 2.26 the first call initialises main_arena. */
void pt_malloc_consolidate(struct ptmalloc *pt, uint64_t av)
{
	uint64_t fuel = pt_fuel(pt, av), count = 0;

	pt_enter(pt, FN_MALLOC_CONSOLIDATE, av, 0);
	if (pt->rules.bins_by_consolidate && var(pt, VAR_GLOBAL_MAX_FAST) == 0) {
		why(pt->why, WHY_INIT_STATE, av);
		pt_malloc_init_state(pt, av);
		pt_leave(pt, FN_MALLOC_CONSOLIDATE);
		return;
	}
	set_fastchunks(pt, av, false);
	for (unsigned idx = 0; idx < pt->lay->fastbins; idx++) {
		uint64_t slot = fastbin_at(pt, av, idx), p = ld(pt, slot);

		if (p)
			st(pt, slot, 0);
		while (p && pt_turn(pt, &fuel)) {
			uint64_t next;

			if (pt->lay->safe_linking && is_misaligned_chunk(pt, p)) {
				pt_abort(pt, "malloc_consolidate(): "
				             "unaligned fastbin chunk detected");
				break;
			}
			if (pt->rules.checks_fast_index &&
			    fastbin_index(pt, chunksize(pt, p)) != idx) {
				pt_abort(pt, "malloc_consolidate(): invalid chunk size");
				break;
			}
			next = protect_ptr(pt, chunk2mem(pt, p), fd(pt, p));
			consolidate_one(pt, av, p);
			count++;
			p = next;
		}
	}
	why(pt->why, WHY_CONSOLIDATED, count);
	pt_leave(pt, FN_MALLOC_CONSOLIDATE);
}

/* --- free ------------------------------------------------------------------------------------- */

/** glibc 2.41 malloc/malloc.c:_int_free_chunk; before it the rest of _int_free */
void pt_int_free_chunk(struct ptmalloc *pt, uint64_t av, uint64_t p, uint64_t size, bool have_lock)
{
	if (!pt_ok(pt))
		return;
	pt_enter(pt, FN_INT_FREE_CHUNK, p, size);
	if (pt->rules.has_fastbins && size <= var(pt, VAR_GLOBAL_MAX_FAST))
		put_fast(pt, av, p, size, have_lock);
	else if (!is_mmapped(pt, p))
		pt_int_free_merge_chunk(pt, av, p, size);
	else
		pt_free_mmapped(pt, p);
	pt_leave(pt, FN_INT_FREE_CHUNK);
}

static void int_free(struct ptmalloc *pt, uint64_t av, uint64_t p, bool have_lock)
{
	uint64_t size = chunksize(pt, p), limit = as_word(pt, -size);

	pt_enter(pt, FN_INT_FREE, p, size);
	if (p > limit || is_misaligned_chunk(pt, p))
		pt_abort(pt, "free(): invalid pointer");
	else if (size < pt->lay->min_size || !is_aligned(size, pt->lay->alignment))
		pt_abort(pt, "free(): invalid size");
	else if (!pt_tcache_free(pt, p, size))
		pt_int_free_chunk(pt, av, p, size, have_lock);
	pt_leave(pt, FN_INT_FREE);
}

/** glibc malloc/malloc.c:_int_free with its checks and the tcache (to 2.41) */
void pt_int_free(struct ptmalloc *pt, uint64_t av, uint64_t p)
{
	int_free(pt, av, p, false);
}

void pt_inner_free(struct ptmalloc *pt, uint64_t av, uint64_t p)
{
	if (!pt_ok(pt))
		return;
	if (pt->rules.inner_free == GLIBC_INNER_INT_FREE)
		int_free(pt, av, p, true);
	else
		pt_int_free_chunk(pt, av, p, chunksize(pt, p), true);
}

/** glibc 2.39 malloc/malloc.c:_int_free_merge_chunk; before it part of _int_free */
void pt_int_free_merge_chunk(struct ptmalloc *pt, uint64_t av, uint64_t p, uint64_t size)
{
	uint64_t next = p + size, top = av_word(pt, av, top), next_size;

	pt_enter(pt, FN_INT_FREE_MERGE_CHUNK, p, size);
	next_size = chunksize(pt, next);
	if (p == top)
		pt_abort(pt, "double free or corruption (top)");
	else if (contiguous(pt, av) && next >= top + chunksize(pt, top))
		pt_abort(pt, "double free or corruption (out)");
	else if (!prev_inuse(pt, next))
		pt_abort(pt, "double free or corruption (!prev)");
	else if (size_word(pt, next) <= chunk_hdr_sz(pt) ||
	         next_size >= av_word(pt, av, system_mem))
		pt_abort(pt, "free(): invalid next size (normal)");
	if (pt_ok(pt)) {
		free_perturb(pt, p, size);
		if (!prev_inuse(pt, p)) {
			uint64_t prev = prev_size(pt, p);

			size += prev;
			p -= prev;
			why(pt->why, WHY_MERGE_BACK, prev);
			if (pt->rules.checks_prev_size && chunksize(pt, p) != prev)
				pt_abort(pt, "corrupted size vs. prev_size while consolidating");
			pt_unlink_chunk(pt, p);
		}
		size = pt_int_free_create_chunk(pt, av, p, size, next, next_size);
		pt_int_free_maybe_trim(pt, av, size);
	}
	pt_leave(pt, FN_INT_FREE_MERGE_CHUNK);
}

/** glibc 2.39 malloc/malloc.c:_int_free_create_chunk. Returns the size of the chunk that is free now. */
uint64_t pt_int_free_create_chunk(struct ptmalloc *pt, uint64_t av, uint64_t p, uint64_t size,
                                  uint64_t next, uint64_t next_size)
{
	uint64_t bck, fwd;

	pt_enter(pt, FN_INT_FREE_CREATE_CHUNK, p, size);
	if (next == av_word(pt, av, top)) {
		size += next_size;
		why(pt->why, WHY_MERGE_TOP, size);
		set_head(pt, p, size | PREV_INUSE);
		set_av_word(pt, av, top, p);
		pt_leave(pt, FN_INT_FREE_CREATE_CHUNK);
		return size;
	}
	if (!inuse_bit_at(pt, next, next_size)) {
		why(pt->why, WHY_MERGE_FORWARD, next_size);
		pt_unlink_chunk(pt, next);
		size += next_size;
	} else {
		clear_inuse_bit(pt, next);
	}
	if (pt->rules.small_to_smallbin && in_smallbin_range(pt, size)) {
		unsigned index = bin_index(pt, size);

		why(pt->why, WHY_TO_SMALL, size, index);
		bck = bin_at(pt, av, index);
		fwd = fd(pt, bck);
		if (bk(pt, fwd) != bck)
			pt_abort(pt, "free(): chunks in smallbin corrupted");
		mark_bin(pt, av, index);
	} else {
		why(pt->why, WHY_TO_UNSORTED, size);
		bck = unsorted_chunks(pt, av);
		fwd = fd(pt, bck);
		if (bk(pt, fwd) != bck)
			pt_abort(pt, "free(): corrupted unsorted chunks");
		if (!in_smallbin_range(pt, size)) {
			set_fd_nextsize(pt, p, 0);
			set_bk_nextsize(pt, p, 0);
		}
	}
	set_bk(pt, p, bck);
	set_fd(pt, p, fwd);
	set_fd(pt, bck, p);
	set_bk(pt, fwd, p);
	set_head(pt, p, size | PREV_INUSE);
	set_foot(pt, p, size);
	pt_leave(pt, FN_INT_FREE_CREATE_CHUNK);
	return size;
}

/** glibc 2.39 malloc/malloc.c:_int_free_maybe_consolidate (2.43: _int_free_maybe_trim) */
void pt_int_free_maybe_trim(struct ptmalloc *pt, uint64_t av, uint64_t size)
{
	uint64_t top_size;

	if (size < FASTBIN_CONSOLIDATION_THRESHOLD || !pt_ok(pt))
		return;
	pt_enter(pt, FN_INT_FREE_MAYBE_CONSOLIDATE, size, 0);
	pt_enter(pt, FN_INT_FREE_MAYBE_TRIM, size, 0);
	why(pt->why, WHY_LARGE_FREE, size, FASTBIN_CONSOLIDATION_THRESHOLD);
	if (pt->rules.has_fastbins && pt_have_fastchunks(pt, av))
		pt_malloc_consolidate(pt, av);
	if (av == pt->main_arena) {
		top_size = chunksize(pt, av_word(pt, av, top));
		if (top_size >= mp_word(pt, trim_threshold)) {
			why(pt->why, WHY_TRIM, top_size, mp_word(pt, trim_threshold));
			pt_systrim(pt, mp_word(pt, top_pad));
		} else {
			why(pt->why, WHY_NO_TRIM, top_size, mp_word(pt, trim_threshold));
		}
	} else if (pt_ok(pt)) {
		uint64_t heap = pt_heap_for_ptr(pt, av_word(pt, av, top));

		if (ld(pt, heap + pt->lay->heap.ar_ptr) != av)
			pt_assert_failed(pt, PT_ASSERT_HEAP_ARENA);
		else
			pt_heap_trim(pt, heap, mp_word(pt, top_pad));
	}
	pt_leave(pt, FN_INT_FREE_MAYBE_TRIM);
	pt_leave(pt, FN_INT_FREE_MAYBE_CONSOLIDATE);
}
