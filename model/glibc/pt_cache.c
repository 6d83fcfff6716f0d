/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/glibc/pt_cache.h"

/**
 * The tcache (2.26): per-thread lists of chunks that look in use. Counters count chunks up to 2.41 and
 * free slots from 2.42; lists hold user memory, mangled from 2.32. From 2.42 there are twelve
 * more lists, of large chunks, kept ascending by size.
 */

bool pt_has_tcache(struct ptmalloc *pt)
{
	return pt->lay->tcache.bins && tcache(pt) > TCACHE_DISABLED;
}

uint64_t pt_csize2tidx(const struct ptmalloc *pt, uint64_t nb)
{
	return (nb - pt->lay->min_size + pt->lay->alignment - 1) / pt->lay->alignment;
}

static void count_add(struct ptmalloc *pt, uint64_t cache, uint64_t tc_idx, int chunks)
{
	uint64_t value = count_get(pt, cache, tc_idx);

	value += (uint64_t)(pt->lay->tcache.counts_down ? -chunks : chunks);
	if (pt->lay->tcache.count_bytes == 2)
		image_set2(pt->image, cache + 2 * tc_idx, (uint16_t)value);
	else
		image_set1(pt->image, cache + tc_idx, (uint8_t)value);
}

bool pt_tcache_serves(struct ptmalloc *pt, uint64_t tc_idx)
{
	return tc_idx < min_u64(mp_word(pt, tcache_bins), pt->lay->tcache.small_bins);
}

bool pt_tcache_has_room(struct ptmalloc *pt, uint64_t tc_idx)
{
	uint64_t cache = tcache(pt);

	if (cache <= TCACHE_DISABLED)
		return false;
	if (pt->lay->tcache.counts_down)
		return count_get(pt, cache, tc_idx) != 0;
	return count_get(pt, cache, tc_idx) < mp_word(pt, tcache_count);
}

/* Puts a chunk in front of what *slot leads to. The list's head is plain, links are mangled. */
static void put_at(struct ptmalloc *pt, uint64_t chunk, uint64_t tc_idx, uint64_t slot,
                   bool is_head)
{
	uint64_t e = chunk2mem(pt, chunk), next = ld(pt, slot);

	if (!is_head)
		next = protect_ptr(pt, slot, next);
	if (pt->rules.tcache_key)
		st(pt, e + word_size(pt), key_of(pt));
	st(pt, e, protect_ptr(pt, e, next));
	st(pt, slot, is_head ? e : protect_ptr(pt, slot, e));
	count_add(pt, tcache(pt), tc_idx, 1);
}

static uint64_t get_at(struct ptmalloc *pt, uint64_t tc_idx, uint64_t slot, bool is_head)
{
	uint64_t e = ld(pt, slot), next;

	if (!is_head)
		e = protect_ptr(pt, slot, e);
	if (pt->lay->safe_linking && !is_aligned(e, pt->lay->alignment)) {
		pt_abort(pt, "malloc(): unaligned tcache chunk detected");
		return 0;
	}
	next = protect_ptr(pt, e, ld(pt, e));
	st(pt, slot, is_head ? next : protect_ptr(pt, slot, next));
	count_add(pt, tcache(pt), tc_idx, -1);
	if (pt->rules.tcache_key)
		st(pt, e + word_size(pt), 0);
	return e;
}

void pt_tcache_put(struct ptmalloc *pt, uint64_t chunk, uint64_t tc_idx)
{
	why(pt->why, WHY_TCACHE_PUT, chunk, tc_idx);
	put_at(pt, chunk, tc_idx, entry_at(pt, tcache(pt), tc_idx), true);
}

uint64_t pt_tcache_get(struct ptmalloc *pt, uint64_t tc_idx)
{
	return get_at(pt, tc_idx, entry_at(pt, tcache(pt), tc_idx), true);
}

/* --- large classes (2.42) ------------------------------------------------------------------------------ */

/* The link that leads to the first entry with a size of at least `nb`; *ret_entry is 0 at the end. */
static uint64_t location_large(struct ptmalloc *pt, uint64_t nb, uint64_t tc_idx,
                               uint64_t *ret_entry, bool *ret_is_head)
{
	uint64_t slot = entry_at(pt, tcache(pt), tc_idx), e = ld(pt, slot);
	uint64_t fuel = pt_fuel(pt, pt->main_arena);

	*ret_is_head = true;
	while (e && chunksize(pt, mem2chunk(pt, e)) < nb && pt_turn(pt, &fuel)) {
		slot = e;
		e = protect_ptr(pt, e, ld(pt, e));
		*ret_is_head = false;
	}
	*ret_entry = e;
	return slot;
}

static uint64_t get_large(struct ptmalloc *pt, uint64_t tc_idx, uint64_t nb)
{
	bool is_head;
	uint64_t e, slot = location_large(pt, nb, tc_idx, &e, &is_head);

	if (!e || (pt->rules.tcache_large_exact && chunksize(pt, mem2chunk(pt, e)) != nb))
		return 0;
	return get_at(pt, tc_idx, slot, is_head);
}

void pt_tcache_put_large(struct ptmalloc *pt, uint64_t p, uint64_t size, uint64_t tc_idx)
{
	bool is_head;
	uint64_t e, slot = location_large(pt, size, tc_idx, &e, &is_head);

	why(pt->why, WHY_TCACHE_PUT, p, tc_idx);
	put_at(pt, p, tc_idx, slot, is_head);
}

/* --- birth ------------------------------------------------------------------------------------ */

static void fill_new(struct ptmalloc *pt, uint64_t mem)
{
	const struct tcache_layout *lay = &pt->lay->tcache;

	set_thread_var(pt, THREAD_TCACHE, mem);
	image_fill(pt->image, mem, 0, lay->size);
	if (lay->counts_down)
		for (uint64_t i = 0; i < lay->bins; i++)
			image_set2(pt->image, mem + 2 * i, (uint16_t)mp_word(pt, tcache_count));
}

void pt_maybe_init_tcache(struct ptmalloc *pt)
{
	uint64_t bytes = pt->lay->tcache.size, av, mem;

	if (pt->rules.tcache_birth != GLIBC_TCACHE_ANY_CALL || tcache(pt) ||
	    thread_var(pt, THREAD_SHUTTING_DOWN))
		return;
	pt_enter(pt, FN_TCACHE_INIT, bytes, 0);
	why(pt->why, WHY_TCACHE_BIRTH, bytes);
	av = pt_arena_get(pt, bytes);
	mem = pt_int_malloc(pt, av, bytes);
	if (!mem && av && pt_ok(pt)) {
		av = pt_arena_get_retry(pt, av, bytes);
		mem = pt_int_malloc(pt, av, bytes);
	}
	if (mem)
		fill_new(pt, mem);
	pt_leave(pt, FN_TCACHE_INIT);
}

/** glibc 2.43 malloc/malloc.c:tcache_init. Inside _int_malloc the size is converted twice. */
void pt_tcache_init(struct ptmalloc *pt, uint64_t av)
{
	uint64_t bytes = pt->lay->tcache.size, mem;

	pt_enter(pt, FN_TCACHE_INIT, bytes, 0);
	why(pt->why, WHY_TCACHE_BIRTH, bytes);
	if (pt->rules.tcache_birth == GLIBC_TCACHE_FREE) {
		set_thread_var(pt, THREAD_TCACHE, TCACHE_DISABLED);
		if (mp_word(pt, tcache_count) == 0) {
			pt_leave(pt, FN_TCACHE_INIT);
			return;
		}
	} else if (thread_var(pt, THREAD_SHUTTING_DOWN)) {
		pt_leave(pt, FN_TCACHE_INIT);
		return;
	}
	mem = av ? pt_int_malloc(pt, av, pt_request2size(pt, bytes)) : pt_libc_malloc2(pt, bytes);
	if (mem)
		fill_new(pt, mem);
	pt_leave(pt, FN_TCACHE_INIT);
}

/* --- malloc ----------------------------------------------------------------------------------- */

/* Emptiness as the version tells it. */
static bool has_entry(struct ptmalloc *pt, uint64_t cache, uint64_t tc_idx)
{
	if (pt->rules.tcache_by_entries || pt->lay->tcache.counts_down)
		return ld(pt, entry_at(pt, cache, tc_idx)) != 0;
	return count_get(pt, cache, tc_idx) > 0;
}

/* 2.26-2.41: nb by index. */
static uint64_t try_by_index(struct ptmalloc *pt, uint64_t nb)
{
	uint64_t tc_idx = pt_csize2tidx(pt, nb);

	pt_maybe_init_tcache(pt);
	if (!pt_has_tcache(pt)) {
		why(pt->why, WHY_TCACHE_NONE);
		return 0;
	}
	if (!pt_tcache_serves(pt, tc_idx)) {
		why(pt->why, WHY_TCACHE_TOO_LARGE, nb);
		return 0;
	}
	if (!has_entry(pt, tcache(pt), tc_idx)) {
		why(pt->why, WHY_TCACHE_EMPTY, tc_idx);
		return 0;
	}
	why(pt->why, WHY_TCACHE_HIT, tc_idx);
	return pt_tcache_get(pt, tc_idx);
}

uint64_t pt_tcache_try_malloc(struct ptmalloc *pt, uint64_t nb)
{
	uint64_t tc_idx;

	if (!pt->lay->tcache.bins)
		return 0;
	if (!pt->rules.tcache_below_max)
		return try_by_index(pt, nb);
	if (nb >= mp_word(pt, tcache_max_bytes)) {
		why(pt->why, WHY_TCACHE_TOO_LARGE, nb);
		return 0;
	}
	if (!pt_has_tcache(pt)) {
		/* 2.42 makes one here, and does not look into it yet. */
		if (pt->rules.tcache_birth == GLIBC_TCACHE_MALLOC)
			pt_tcache_init(pt, 0);
		else
			why(pt->why, WHY_TCACHE_NONE);
		return 0;
	}
	tc_idx = pt_csize2tidx(pt, nb);
	if (tc_idx >= pt->lay->tcache.small_bins) {
		uint64_t mem = get_large(pt, large_csize2tidx(pt, nb), nb);

		if (mem)
			why(pt->why, WHY_TCACHE_HIT, large_csize2tidx(pt, nb));
		else
			why(pt->why, WHY_TCACHE_EMPTY, large_csize2tidx(pt, nb));
		return mem;
	}
	if (!has_entry(pt, tcache(pt), tc_idx)) {
		why(pt->why, WHY_TCACHE_EMPTY, tc_idx);
		return 0;
	}
	why(pt->why, WHY_TCACHE_HIT, tc_idx);
	return pt_tcache_get(pt, tc_idx);
}

/* 2.42: lists by size; 2.38-2.41: one size a list. */
uint64_t pt_tcache_get_align(struct ptmalloc *pt, uint64_t nb, uint64_t alignment)
{
	uint64_t tc_idx = pt_csize2tidx(pt, nb), slot, e, fuel = pt_fuel(pt, pt->main_arena);
	bool is_head = true;

	if (!pt->rules.tcache_memalign)
		return 0;
	if (pt->rules.tcache_below_max) {
		if (nb >= mp_word(pt, tcache_max_bytes))
			return 0;
		if (!pt_has_tcache(pt)) {
			if (pt->rules.tcache_birth == GLIBC_TCACHE_MALLOC)
				pt_tcache_init(pt, 0);
			return 0;
		}
		if (tc_idx >= pt->lay->tcache.small_bins)
			tc_idx = large_csize2tidx(pt, nb);
	} else if (!pt_has_tcache(pt) || !pt_tcache_serves(pt, tc_idx) ||
	           !has_entry(pt, tcache(pt), tc_idx)) {
		return 0;
	}
	slot = entry_at(pt, tcache(pt), tc_idx);
	e = ld(pt, slot);
	while (e && pt_turn(pt, &fuel)) {
		uint64_t size = pt->rules.tcache_below_max ? chunksize(pt, mem2chunk(pt, e)) : nb;

		if (size > nb)
			return 0;
		if (size == nb && is_aligned(e, alignment)) {
			why(pt->why, WHY_TCACHE_ALIGNED, e, alignment);
			return get_at(pt, tc_idx, slot, is_head);
		}
		slot = e;
		e = protect_ptr(pt, e, ld(pt, e));
		is_head = false;
	}
	return 0;
}
