/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/glibc/pt_world.h"

/**
 * Heaps of arenas other than main: reservations of HEAP_MAX_SIZE, aligned to it, of which the front is
 * made accessible as it is needed (glibc malloc/arena.c).
 */

enum { MAP_ANON_PRIVATE = SYS_MAP_PRIVATE | SYS_MAP_ANONYMOUS };

#define HEAP_MIN_SIZE (32 * KIB)

static uint64_t heap_word(struct ptmalloc *pt, uint64_t heap, uint32_t field)
{
	return ld(pt, heap + field);
}

uint64_t pt_heap_size(struct ptmalloc *pt, uint64_t heap)
{
	return heap_word(pt, heap, pt->lay->heap.size_field);
}

uint64_t pt_heap_for_ptr(const struct ptmalloc *pt, uint64_t p)
{
	return p & ~(pt->heap_max - 1);
}

uint64_t pt_arena_for_chunk(struct ptmalloc *pt, uint64_t p)
{
	if (!(size_word(pt, p) & NON_MAIN_ARENA))
		return pt->main_arena;
	return heap_word(pt, pt_heap_for_ptr(pt, p), pt->lay->heap.ar_ptr);
}

/* Page size of a heap: its own field from 2.35. */
static uint64_t heap_page(struct ptmalloc *pt, uint64_t heap)
{
	uint64_t page = pt->page;

	if (pt->lay->heap.pagesize != FIELD_NONE)
		page = heap_word(pt, heap, pt->lay->heap.pagesize);
	/* A hostile one must not break the rounding. */
	if (!is_power_of_two(page))
		page = pt->page;
	return page;
}

static uint64_t map_none(struct ptmalloc *pt, uint64_t hint, uint64_t len, uint32_t flags)
{
	int64_t at = pt_mmap(pt, hint, len, SYS_PROT_NONE, MAP_ANON_PRIVATE | flags);

	return sys_failed(at) ? 0 : (uint64_t)at;
}

/* An aligned reservation next to the last one, if the kernel gives just that. */
static uint64_t reserve_by_hint(struct ptmalloc *pt, uint32_t flags)
{
	uint64_t hint = var(pt, VAR_ALIGNED_HEAP_AREA), at;

	if (!hint)
		return 0;
	at = map_none(pt, hint, pt->heap_max, flags);
	set_var(pt, VAR_ALIGNED_HEAP_AREA, 0);
	if (at && !is_aligned(at, pt->heap_max)) {
		why(pt->why, WHY_HEAP_HINT_BAD, at);
		pt_munmap(pt, at, pt->heap_max);
		at = 0;
	}
	return at;
}

static uint64_t reserve(struct ptmalloc *pt, uint32_t flags)
{
	uint64_t max = pt->heap_max, at = reserve_by_hint(pt, flags), aligned, lead;

	if (at) {
		why(pt->why, WHY_HEAP_HINT, at);
		return at;
	}
	at = map_none(pt, 0, 2 * max, flags);
	if (!at) {
		at = map_none(pt, 0, max, flags);
		if (at && !is_aligned(at, max)) {
			pt_munmap(pt, at, max);
			at = 0;
		}
		return at;
	}
	aligned = align_up(at, max);
	lead = aligned - at;
	why(pt->why, WHY_HEAP_DOUBLE, at, lead);
	if (lead)
		pt_munmap(pt, at, lead);
	else
		set_var(pt, VAR_ALIGNED_HEAP_AREA, aligned + max);
	pt_munmap(pt, aligned + max, max - lead);
	return aligned;
}

static uint64_t try_new_heap(struct ptmalloc *pt, uint64_t size, uint64_t top_pad, uint64_t page,
                             uint32_t flags)
{
	uint64_t max = pt->heap_max, min = HEAP_MIN_SIZE, heap;

	if (pt->lay->par.hp_pagesize != FIELD_NONE && mp_word(pt, hp_pagesize) &&
	    mp_word(pt, hp_pagesize) <= max)
		min = mp_word(pt, hp_pagesize);
	if (size + top_pad < min)
		size = min;
	else if (size + top_pad <= max)
		size += top_pad;
	else if (size > max)
		return 0;
	else
		size = max;
	size = align_up(size, page);
	heap = reserve(pt, flags | (pt->rules.heap_noreserve ? SYS_MAP_NORESERVE : 0));
	if (!heap)
		return 0;
	if (pt_mprotect(pt, heap, size, SYS_PROT_READ | SYS_PROT_WRITE)) {
		pt_munmap(pt, heap, max);
		return 0;
	}
	if (!flags)
		pt_madvise_thp(pt, heap, size);
	st(pt, heap + pt->lay->heap.size_field, size);
	st(pt, heap + pt->lay->heap.mprotect_size, size);
	if (pt->lay->heap.pagesize != FIELD_NONE)
		st(pt, heap + pt->lay->heap.pagesize, page);
	return heap;
}

/** glibc 2.35 malloc/arena.c:alloc_new_heap; before it part of new_heap */
static uint64_t alloc_new_heap(struct ptmalloc *pt, uint64_t size, uint64_t top_pad, uint64_t page,
                               uint32_t flags)
{
	uint64_t heap;

	pt_enter(pt, FN_ALLOC_NEW_HEAP, size, top_pad);
	heap = try_new_heap(pt, size, top_pad, page, flags);
	pt_leave(pt, FN_ALLOC_NEW_HEAP);
	return heap;
}

/** glibc malloc/arena.c:new_heap */
uint64_t pt_new_heap(struct ptmalloc *pt, uint64_t size, uint64_t top_pad)
{
	uint64_t heap = 0, hp = 0, thp = 0;

	pt_enter(pt, FN_NEW_HEAP, size, top_pad);
	if (pt->rules.thp && pt->lay->par.hp_pagesize != FIELD_NONE) {
		hp = mp_word(pt, hp_pagesize);
		thp = pt->rules.thp_in_heaps ? mp_word(pt, thp_pagesize) : 0;
	}
	if (hp && hp <= pt->heap_max)
		heap = alloc_new_heap(pt, size, top_pad, hp, mp_int(pt, hp_flags_int));
	else if (thp && thp <= pt->heap_max)
		heap = alloc_new_heap(pt, size, top_pad, thp, 0);
	if (!heap && pt_ok(pt))
		heap = alloc_new_heap(pt, size, top_pad, pt->page, 0);
	pt_leave(pt, FN_NEW_HEAP);
	return heap;
}

/** glibc malloc/arena.c:grow_heap; false when the heap is full or the kernel refuses */
bool pt_grow_heap(struct ptmalloc *pt, uint64_t heap, uint64_t diff)
{
	uint64_t size = pt_heap_size(pt, heap), accessible, grown;

	pt_enter(pt, FN_GROW_HEAP, heap, diff);
	grown = size + align_up(diff, heap_page(pt, heap));
	if (grown > pt->heap_max) {
		why(pt->why, WHY_HEAP_FULL, grown, pt->heap_max);
		pt_leave(pt, FN_GROW_HEAP);
		return false;
	}
	why(pt->why, WHY_HEAP_GROWS, grown, pt->heap_max);
	accessible = heap_word(pt, heap, pt->lay->heap.mprotect_size);
	if (grown > accessible) {
		if (pt_mprotect(pt, heap + accessible, grown - accessible,
		                SYS_PROT_READ | SYS_PROT_WRITE)) {
			pt_leave(pt, FN_GROW_HEAP);
			return false;
		}
		st(pt, heap + pt->lay->heap.mprotect_size, grown);
	}
	if (pt->rules.thp_in_heaps && size < mp_word(pt, thp_pagesize))
		pt_madvise_thp(pt, heap, grown);
	st(pt, heap + pt->lay->heap.size_field, grown);
	pt_leave(pt, FN_GROW_HEAP);
	return true;
}

/* Asked once a process, by overcommit mode (sysdeps/unix/sysv/linux/malloc-sysdep.h). */
static bool may_shrink_heap(struct ptmalloc *pt)
{
	uint64_t known = var(pt, VAR_MAY_SHRINK_HEAP);

	if (!known) {
		known = pt->is_secure || pt->overcommit_mode == 2 ? 2 : 1;
		set_var(pt, VAR_MAY_SHRINK_HEAP, known);
	}
	return known == 2;
}

/** glibc malloc/arena.c:shrink_heap */
static bool shrink_heap(struct ptmalloc *pt, uint64_t heap, uint64_t diff)
{
	uint64_t size = pt_heap_size(pt, heap) - diff;

	if ((int64_t)size < (int64_t)pt->lay->heap.size)
		return false;
	pt_enter(pt, FN_SHRINK_HEAP, heap, diff);
	if (may_shrink_heap(pt)) {
		why(pt->why, WHY_SHRINK_MAP);
		if (sys_failed(pt_mmap(pt, heap + size, diff, SYS_PROT_NONE,
		                       MAP_ANON_PRIVATE | SYS_MAP_FIXED))) {
			pt_leave(pt, FN_SHRINK_HEAP);
			return false;
		}
		st(pt, heap + pt->lay->heap.mprotect_size, size);
	} else {
		why(pt->why, WHY_SHRINK_ADVISE);
		pt_madvise(pt, heap + size, diff, SYS_MADV_DONTNEED);
	}
	st(pt, heap + pt->lay->heap.size_field, size);
	pt_leave(pt, FN_SHRINK_HEAP);
	return true;
}

/* The heap holds nothing but top: it goes if the heap before it has room for a new top. */
static bool drop_heap(struct ptmalloc *pt, uint64_t av, uint64_t *heap, uint64_t pad, uint64_t *top)
{
	const struct heap_layout *lay = &pt->lay->heap;
	uint64_t hdr = chunk_hdr_sz(pt), end = pt->lay->min_size - hdr;
	uint64_t before = heap_word(pt, *heap, lay->prev), before_size, p, misalign, size;

	if (!before) {
		pt_stop_with(pt, PT_SEGV, "heap_trim: the heap has no predecessor");
		return false;
	}
	before_size = pt_heap_size(pt, before);
	p = before + before_size - end;
	misalign = p & (pt->lay->alignment - 1);
	p -= misalign;
	if (size_word(pt, p) != PREV_INUSE) {
		pt_assert_failed(pt, PT_ASSERT_FENCEPOST);
		return false;
	}
	p -= prev_size(pt, p);
	size = chunksize(pt, p) + end + misalign;
	if (!prev_inuse(pt, p))
		size += prev_size(pt, p);
	if (size + (pt->heap_max - before_size) < pad + pt->lay->min_size + heap_page(pt, *heap)) {
		why(pt->why, WHY_HEAP_STAYS, size, pad);
		return false;
	}
	why(pt->why, WHY_HEAP_GOES, *heap);
	set_av_word(pt, av, system_mem, av_word(pt, av, system_mem) - pt_heap_size(pt, *heap));
	if (*heap + pt->heap_max == var(pt, VAR_ALIGNED_HEAP_AREA))
		set_var(pt, VAR_ALIGNED_HEAP_AREA, 0);
	pt_munmap(pt, *heap, pt->heap_max);
	*heap = before;
	if (!prev_inuse(pt, p)) {
		p -= prev_size(pt, p);
		pt_unlink_chunk(pt, p);
	}
	*top = p;
	set_av_word(pt, av, top, p);
	set_head(pt, p, size | PREV_INUSE);
	return pt_ok(pt);
}

/** glibc malloc/arena.c:heap_trim. To 2.22 the part to give back is compared, later top. */
void pt_heap_trim(struct ptmalloc *pt, uint64_t heap, uint64_t pad)
{
	uint64_t av = heap_word(pt, heap, pt->lay->heap.ar_ptr), top = av_word(pt, av, top);
	uint64_t threshold = mp_word(pt, trim_threshold), top_size, extra, fuel = 65536;

	pt_enter(pt, FN_HEAP_TRIM, heap, pad);
	while (top == heap + pt->lay->heap.size && pt_turn(pt, &fuel) &&
	       drop_heap(pt, av, &heap, pad, &top))
		;
	top_size = chunksize(pt, top);
	if (!pt_ok(pt) || (pt->rules.heap_trim_by_top && top_size < threshold)) {
		why(pt->why, WHY_NO_TRIM, top_size, threshold);
	} else if (top_size >= pt->lay->min_size + 1 && top_size - pt->lay->min_size - 1 > pad) {
		extra = align_down(top_size - pt->lay->min_size - 1 - pad, heap_page(pt, heap));
		/* 2.22 gives nothing back when the threshold is 0, and asks for it all the same. */
		if (pt->rules.heap_trim_by_top ? extra != 0 : extra >= threshold) {
			why(pt->why, WHY_TRIM, top_size, threshold);
			if (shrink_heap(pt, heap, extra)) {
				set_av_word(pt, av, system_mem,
				            av_word(pt, av, system_mem) - extra);
				set_head(pt, top, (top_size - extra) | PREV_INUSE);
			}
		}
	}
	pt_leave(pt, FN_HEAP_TRIM);
}
