/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/glibc/pt_bins_take.h"

enum { MAX_ITERS = 10000 }; /* chunks that one pass sorts */

void pt_stash_prepare(struct ptmalloc *pt, struct pt_request *r)
{
	if (!pt->lay->tcache.bins)
		return;
	r->tc_idx = pt_csize2tidx(pt, r->nb);
	if ((pt->rules.tcache_birth == GLIBC_TCACHE_FREE || pt_has_tcache(pt)) &&
	    pt_tcache_serves(pt, r->tc_idx))
		r->tcache_nb = r->nb;
}

/* What glibc checks of each chunk before it moves it; false after an abort. */
static bool is_sound(struct ptmalloc *pt, uint64_t av, uint64_t victim, uint64_t size)
{
	uint64_t unsorted = unsorted_chunks(pt, av), system_mem = av_word(pt, av, system_mem);
	uint64_t hdr = chunk_hdr_sz(pt), next, next_word;

	if (!pt->rules.checks_unsorted) {
		uint64_t word = size_word(pt, victim);

		if (word <= hdr || word > system_mem)
			pt_abort(pt, "malloc(): memory corruption");
		return pt_ok(pt);
	}
	if (size <= hdr || size > system_mem) {
		pt_abort(pt, "malloc(): invalid size (unsorted)");
		return false;
	}
	next = victim + size;
	next_word = size_word(pt, next);
	if (next_word < hdr || next_word > system_mem)
		pt_abort(pt, "malloc(): invalid next size (unsorted)");
	else if ((prev_size(pt, next) & ~(uint64_t)SIZE_BITS) != size)
		pt_abort(pt, "malloc(): mismatching next->prev_size (unsorted)");
	else if (fd(pt, bk(pt, victim)) != victim || fd(pt, victim) != unsorted)
		pt_abort(pt, "malloc(): unsorted double linked list corrupted");
	else if (next_word & PREV_INUSE)
		pt_abort(pt, "malloc(): invalid next->prev_inuse (unsorted)");
	return pt_ok(pt);
}

/* The only chunk is the last remainder: its front serves, its rest stays. */
static uint64_t split_last_remainder(struct ptmalloc *pt, const struct pt_request *r,
                                     uint64_t victim, uint64_t size)
{
	uint64_t av = r->av, unsorted = unsorted_chunks(pt, av);
	uint64_t rest = victim + r->nb, rest_size = size - r->nb;

	why(pt->why, WHY_LAST_REMAINDER, size, r->nb);
	set_bk(pt, unsorted, rest);
	set_fd(pt, unsorted, rest);
	set_av_word(pt, av, last_remainder, rest);
	set_bk(pt, rest, unsorted);
	set_fd(pt, rest, unsorted);
	if (!in_smallbin_range(pt, rest_size)) {
		set_fd_nextsize(pt, rest, 0);
		set_bk_nextsize(pt, rest, 0);
	}
	set_head(pt, victim, r->nb | PREV_INUSE | arena_bit(pt, av));
	set_head(pt, rest, rest_size | PREV_INUSE);
	set_foot(pt, rest, rest_size);
	return victim;
}

/* Finds the place of a chunk in a large bin that is not empty: between *ret_bck and *ret_fwd. */
static void place_large(struct ptmalloc *pt, uint64_t av, uint64_t victim, uint64_t size,
                        uint64_t *ret_bck, uint64_t *ret_fwd)
{
	uint64_t bck = *ret_bck, fwd = *ret_fwd, fuel = pt_fuel(pt, av);

	size |= PREV_INUSE;
	if (size < size_word(pt, bk(pt, bck))) {
		fwd = bck;
		bck = bk(pt, bck);
		if (pt->rules.checks_large_ring_end &&
		    fd_nextsize(pt, bk_nextsize(pt, fd(pt, fwd))) != fd(pt, fwd))
			pt_abort(pt, "malloc(): largebin double linked list corrupted (nextsize)");
		set_fd_nextsize(pt, victim, fd(pt, fwd));
		set_bk_nextsize(pt, victim, bk_nextsize(pt, fd(pt, fwd)));
		set_fd_nextsize(pt, bk_nextsize(pt, victim), victim);
		set_bk_nextsize(pt, fd(pt, fwd), victim);
		*ret_bck = bck;
		*ret_fwd = fwd;
		return;
	}
	while (size < size_word(pt, fwd) && pt_turn(pt, &fuel))
		fwd = fd_nextsize(pt, fwd);
	if (size == size_word(pt, fwd)) {
		fwd = fd(pt, fwd); /* second of its size: the ring stays as it is */
	} else {
		set_fd_nextsize(pt, victim, fwd);
		set_bk_nextsize(pt, victim, bk_nextsize(pt, fwd));
		if (pt->rules.checks_large_lists && fd_nextsize(pt, bk_nextsize(pt, fwd)) != fwd)
			pt_abort(pt, "malloc(): largebin double linked list corrupted (nextsize)");
		set_bk_nextsize(pt, fwd, victim);
		set_fd_nextsize(pt, bk_nextsize(pt, victim), victim);
	}
	*ret_bck = bk(pt, fwd);
	*ret_fwd = fwd;
	if (pt->rules.checks_large_lists && fd(pt, *ret_bck) != fwd)
		pt_abort(pt, "malloc(): largebin double linked list corrupted (bk)");
}

static void put_into_bin(struct ptmalloc *pt, uint64_t av, uint64_t victim, uint64_t size)
{
	unsigned index = bin_index(pt, size);
	uint64_t bck = bin_at(pt, av, index), fwd = fd(pt, bck);

	why(pt->why, WHY_SORTED, size, index);
	if (!in_smallbin_range(pt, size)) {
		if (fwd != bck) {
			place_large(pt, av, victim, size, &bck, &fwd);
		} else {
			set_fd_nextsize(pt, victim, victim);
			set_bk_nextsize(pt, victim, victim);
		}
	}
	mark_bin(pt, av, index);
	set_bk(pt, victim, bck);
	set_fd(pt, victim, fwd);
	set_bk(pt, fwd, victim);
	set_fd(pt, bck, victim);
}

static void take_out(struct ptmalloc *pt, uint64_t av, uint64_t victim)
{
	uint64_t unsorted = unsorted_chunks(pt, av), bck = bk(pt, victim);

	if (pt->rules.checks_unsorted_link && fd(pt, bck) != victim)
		pt_abort(pt, "malloc(): corrupted unsorted chunks 3");
	set_bk(pt, unsorted, bck);
	set_fd(pt, bck, unsorted);
}

/* An exact fit: true when it went to the tcache and the scan goes on. */
static bool stash_exact(struct ptmalloc *pt, struct pt_request *r, uint64_t victim, uint64_t size)
{
	set_inuse_bit_at(pt, victim, size);
	if (r->av != pt->main_arena)
		set_head(pt, victim, size_word(pt, victim) | NON_MAIN_ARENA);
	if (pt->rules.tcache_birth == GLIBC_TCACHE_FREE &&
	    thread_var(pt, THREAD_TCACHE) == TCACHE_INACTIVE)
		pt_tcache_init(pt, r->av);
	if (!r->tcache_nb || !pt_tcache_has_room(pt, r->tc_idx)) {
		why(pt->why, WHY_UNSORTED_EXACT, size);
		return false;
	}
	why(pt->why, WHY_STASH, victim, r->tc_idx);
	pt_tcache_put(pt, victim, r->tc_idx);
	r->return_cached = true;
	return true;
}

uint64_t pt_scan_unsorted(struct ptmalloc *pt, struct pt_request *r)
{
	uint64_t av = r->av, unsorted = unsorted_chunks(pt, av), victim;
	uint64_t fuel = pt_fuel(pt, av);
	unsigned iters = 0;

	r->return_cached = false;
	while ((victim = bk(pt, unsorted)) != unsorted && pt_turn(pt, &fuel)) {
		uint64_t size = chunksize(pt, victim), limit;

		if (!is_sound(pt, av, victim, size))
			return 0;
		if (in_smallbin_range(pt, r->nb) && bk(pt, victim) == unsorted &&
		    victim == av_word(pt, av, last_remainder) && size > r->nb + pt->lay->min_size) {
			r->return_cached = false;
			return split_last_remainder(pt, r, victim, size);
		}
		take_out(pt, av, victim);
		if (size == r->nb) {
			if (!stash_exact(pt, r, victim, size)) {
				r->return_cached = false;
				return victim;
			}
			continue;
		}
		put_into_bin(pt, av, victim, size);
		limit = r->return_cached ? mp_word(pt, tcache_unsorted_limit) : 0;
		r->unsorted_count++;
		if (limit && r->unsorted_count > limit) {
			why(pt->why, WHY_UNSORTED_LIMIT, r->unsorted_count, limit);
			return pt_tcache_get(pt, r->tc_idx);
		}
		if (++iters >= MAX_ITERS) {
			why(pt->why, WHY_UNSORTED_ITERS, MAX_ITERS);
			break;
		}
	}
	if (!r->return_cached) {
		why(pt->why, WHY_UNSORTED_NONE);
		return 0;
	}
	why(pt->why, WHY_RETURN_CACHED, r->tc_idx);
	return pt_tcache_get(pt, r->tc_idx);
}
