/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/glibc/pt_cache.h"

/** free's part of the tcache: has it been freed before, and is there room? */

/* A key matches: is it there? glibc malloc/malloc.c:tcache_double_free_verify */
static bool is_double_free(struct ptmalloc *pt, uint64_t e, uint64_t tc_idx)
{
	uint64_t count = 0, fuel = pt_fuel(pt, pt->main_arena);

	for (uint64_t at = ld(pt, entry_at(pt, tcache(pt), tc_idx)); at && pt_turn(pt, &fuel);
	     at = protect_ptr(pt, at, ld(pt, at)), count++) {
		if (pt->rules.checks_tcache_loop && count >= mp_word(pt, tcache_count)) {
			pt_abort(pt, "free(): too many chunks detected in tcache");
			return true;
		}
		if (pt->lay->safe_linking && !is_aligned(at, pt->lay->alignment)) {
			pt_abort(pt, "free(): unaligned chunk detected in tcache 2");
			return true;
		}
		if (at == e) {
			why(pt->why, WHY_DOUBLE_FREE, e);
			pt_abort(pt, "free(): double free detected in tcache 2");
			return true;
		}
	}
	return !pt_ok(pt);
}

/* 2.42: every bin is searched, then the key is cleared. */
static bool is_double_free_anywhere(struct ptmalloc *pt, uint64_t e)
{
	for (uint64_t i = 0; pt_has_tcache(pt) && i < pt->lay->tcache.bins; i++)
		if (is_double_free(pt, e, i))
			return true;
	st(pt, e + word_size(pt), 0);
	return false;
}

static bool free_by_index(struct ptmalloc *pt, uint64_t p, uint64_t size)
{
	uint64_t tc_idx = pt_csize2tidx(pt, size), e = chunk2mem(pt, p);

	if (!pt_has_tcache(pt) || !pt_tcache_serves(pt, tc_idx))
		return false;
	if (pt->rules.tcache_key && ld(pt, e + word_size(pt)) == key_of(pt) &&
	    is_double_free(pt, e, tc_idx))
		return true;
	if (!pt_tcache_has_room(pt, tc_idx)) {
		why(pt->why, WHY_TCACHE_FULL, tc_idx, count_get(pt, tcache(pt), tc_idx));
		return false;
	}
	pt_tcache_put(pt, p, tc_idx);
	return true;
}

bool pt_tcache_free(struct ptmalloc *pt, uint64_t p, uint64_t size)
{
	uint64_t e = chunk2mem(pt, p), tc_idx = 0;
	bool is_lazy = pt->rules.tcache_birth == GLIBC_TCACHE_FREE;

	if (!pt->lay->tcache.bins)
		return false;
	if (!pt->rules.tcache_below_max)
		return free_by_index(pt, p, size);
	if (size >= mp_word(pt, tcache_max_bytes) || (!is_lazy && !pt_has_tcache(pt)))
		return false;
	for (int turn = 0; turn < 2 && pt_ok(pt); turn++) {
		if (ld(pt, e + word_size(pt)) == var(pt, VAR_TCACHE_KEY) &&
		    is_double_free_anywhere(pt, e))
			return true;
		tc_idx = pt_csize2tidx(pt, size);
		if (tc_idx < pt->lay->tcache.small_bins) {
			if (pt_tcache_has_room(pt, tc_idx)) {
				pt_tcache_put(pt, p, tc_idx);
				return true;
			}
		} else {
			tc_idx = large_csize2tidx(pt, size);
			if (size >= pt->lay->min_size && (is_lazy || !is_mmapped(pt, p)) &&
			    pt_tcache_has_room(pt, tc_idx)) {
				pt_tcache_put_large(pt, p, size, tc_idx);
				return true;
			}
		}
		if (!is_lazy || thread_var(pt, THREAD_TCACHE) != TCACHE_INACTIVE)
			break;
		pt_tcache_init(pt, 0);
	}
	if (pt_has_tcache(pt))
		why(pt->why, WHY_TCACHE_FULL, tc_idx, count_get(pt, tcache(pt), tc_idx));
	return !pt_ok(pt);
}
