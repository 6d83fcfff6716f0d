/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "model/glibc/pt_world.h"

/** Where top comes from and goes to: sysmalloc, systrim, sbrk (glibc malloc/malloc.c, misc/sbrk.c). */

#define MORECORE_FAILURE      UINT64_MAX
#define MMAP_AS_MORECORE_SIZE MIB

enum {
	ANON_RW = SYS_PROT_READ | SYS_PROT_WRITE,
	ANON_PRIVATE = SYS_MAP_PRIVATE | SYS_MAP_ANONYMOUS
};

/* --- sbrk ------------------------------------------------------------------------------------- */

/* brk(2); libc keeps what the kernel answers. */
static bool set_brk(struct ptmalloc *pt, uint64_t addr)
{
	uint64_t now;

	if (!pt_ok(pt))
		return false;
	now = sys_brk(pt->sys, addr);
	set_var(pt, VAR_CURBRK, now);
	if (now >= addr)
		return true;
	pt->error = ENOMEM;
	return false;
}

static uint64_t do_sbrk(struct ptmalloc *pt, int64_t increment)
{
	uint64_t old = var(pt, VAR_CURBRK), wanted;

	if (!old) {
		if (!set_brk(pt, 0))
			return MORECORE_FAILURE;
		old = var(pt, VAR_CURBRK);
	}
	if (increment == 0)
		return old;
	wanted = old + (uint64_t)increment;
	if (increment > 0 ? wanted < old : wanted > old) {
		pt->error = ENOMEM;
		return MORECORE_FAILURE;
	}
	return set_brk(pt, wanted) ? old : MORECORE_FAILURE;
}

/** glibc misc/sbrk.c:__sbrk */
uint64_t pt_sbrk(struct ptmalloc *pt, int64_t increment)
{
	uint64_t old;

	pt_enter(pt, FN_SBRK, (uint64_t)increment, 0);
	old = do_sbrk(pt, increment);
	pt_leave(pt, FN_SBRK);
	return old;
}

/* MORECORE: sbrk, but with huge pages, where it always fails. (A libc that dlmopen() has loaded has no sbrk
 * either; the one that the program uses is simulated.) */
uint64_t pt_morecore(struct ptmalloc *pt, int64_t increment)
{
	uint64_t at;

	if ((pt->rules.thp && pt->lay->par.hp_pagesize != FIELD_NONE && mp_word(pt, hp_pagesize)))
		return MORECORE_FAILURE;
	pt_enter(pt, FN_DEFAULT_MORECORE, (uint64_t)increment, 0);
	pt_enter(pt, FN_GLIBC_MORECORE, (uint64_t)increment, 0);
	at = pt_sbrk(pt, increment);
	pt_leave(pt, FN_GLIBC_MORECORE);
	pt_leave(pt, FN_DEFAULT_MORECORE);
	return at;
}

/* --- growing ---------------------------------------------------------------------------------- */

/* A fencepost of two headers behind what is left of an old top, which is then freed. */
static void fence_old_top(struct ptmalloc *pt, uint64_t av, uint64_t old_top, uint64_t old_size)
{
	uint64_t hdr = chunk_hdr_sz(pt), size;

	size = (old_size - 2 * hdr) & ~(uint64_t)(pt->lay->alignment - 1);
	why(pt->why, WHY_FENCEPOST, old_top, size);
	set_head(pt, old_top, size | PREV_INUSE);
	set_head(pt, old_top + size, hdr | PREV_INUSE);
	set_head(pt, old_top + size + hdr, hdr | PREV_INUSE);
	if (size >= pt->lay->min_size)
		pt_inner_free(pt, av, old_top);
}

/* The same at the end of a heap whose arena goes on in another heap (sysmalloc). */
static void fence_old_heap(struct ptmalloc *pt, uint64_t av, uint64_t old_top, uint64_t old_size)
{
	uint64_t hdr = chunk_hdr_sz(pt), min = pt->lay->min_size;
	uint64_t size = (old_size - min) & ~(uint64_t)(pt->lay->alignment - 1);

	why(pt->why, WHY_FENCEPOST, old_top, size);
	set_head(pt, old_top + size + hdr, 0 | PREV_INUSE);
	if (size >= min) {
		set_head(pt, old_top + size, hdr | PREV_INUSE);
		set_foot(pt, old_top + size, hdr);
		set_head(pt, old_top, size | PREV_INUSE | NON_MAIN_ARENA);
		pt_inner_free(pt, av, old_top);
	} else {
		set_head(pt, old_top, (size + hdr) | PREV_INUSE);
		set_foot(pt, old_top, size + hdr);
	}
}

/* Another arena's top grows in its heap, or in a new one. False when neither is possible. */
static bool grow_other(struct ptmalloc *pt, uint64_t av, uint64_t nb)
{
	uint64_t top = av_word(pt, av, top), size = chunksize(pt, top), min = pt->lay->min_size;
	uint64_t heap = pt_heap_for_ptr(pt, top), before = pt_heap_size(pt, heap), fresh;

	if ((int64_t)(min + nb - size) > 0 && pt_grow_heap(pt, heap, min + nb - size)) {
		set_av_word(pt, av, system_mem,
		            av_word(pt, av, system_mem) + pt_heap_size(pt, heap) - before);
		set_head(pt, top, (heap + pt_heap_size(pt, heap) - top) | PREV_INUSE);
		return true;
	}
	fresh = pt_new_heap(pt, nb + min + pt->lay->heap.size, mp_word(pt, top_pad));
	if (!fresh)
		return false;
	st(pt, fresh + pt->lay->heap.ar_ptr, av);
	st(pt, fresh + pt->lay->heap.prev, heap);
	set_av_word(pt, av, system_mem, av_word(pt, av, system_mem) + pt_heap_size(pt, fresh));
	set_av_word(pt, av, top, fresh + pt->lay->heap.size);
	set_head(pt, fresh + pt->lay->heap.size,
	         (pt_heap_size(pt, fresh) - pt->lay->heap.size) | PREV_INUSE);
	fence_old_heap(pt, av, top, size);
	return true;
}

/* What main_arena asks of brk: room for the request beyond top, whole pages. */
static uint64_t morecore_size(struct ptmalloc *pt, uint64_t av, uint64_t nb, uint64_t old_size)
{
	uint64_t size = nb + mp_word(pt, top_pad) + pt->lay->min_size, thp = 0, brk;

	if (contiguous(pt, av))
		size -= old_size;
	if (pt->rules.thp && pt->lay->par.thp_pagesize != FIELD_NONE)
		thp = mp_word(pt, thp_pagesize);
	if (!is_power_of_two(thp))
		return as_word(pt, align_up(size, pt->page));
	brk = pt->rules.thp_in_heaps ? pt_morecore(pt, 0) : var(pt, VAR_CURBRK);
	return align_up(brk + size, thp) - brk;
}

/* brk refused: a mapping serves as more core, and the arena is contiguous no more. */
static uint64_t mmap_as_morecore(struct ptmalloc *pt, uint64_t av, uint64_t nb, uint64_t old_size,
                                 uint64_t *size)
{
	uint64_t unit = pt->page, min = MMAP_AS_MORECORE_SIZE, len = *size;
	int64_t at;

	if (pt->rules.fallback == GLIBC_FALLBACK_TRANSPOSED) {
		/* Two parameters change places there: whole MiB, at least a page. */
		unit = MMAP_AS_MORECORE_SIZE;
		min = pt->page;
	}
	if (pt->rules.fallback == GLIBC_FALLBACK_FRESH)
		len = align_up(nb + mp_word(pt, top_pad) + pt->lay->min_size, unit);
	else if (contiguous(pt, av))
		len = align_up(len + old_size, unit);
	len = max_u64(len, min);
	if (len <= nb)
		return MORECORE_FAILURE;
	pt_enter(pt, FN_SYSMALLOC_MMAP_FALLBACK, len, nb);
	why(pt->why, WHY_BRK_FAILED, len);
	at = pt_mmap(pt, 0, len, ANON_RW, ANON_PRIVATE);
	if (!sys_failed(at)) {
		uint64_t flags_at = av + pt->lay->arena.flags;

		pt_madvise_thp(pt, (uint64_t)at, len);
		image_set4(pt->image, flags_at,
		           image_get4(pt->image, flags_at) | NONCONTIGUOUS_BIT);
		*size = len;
	}
	pt_leave(pt, FN_SYSMALLOC_MMAP_FALLBACK);
	return sys_failed(at) ? MORECORE_FAILURE : (uint64_t)at;
}

/* New memory that does not continue top: top moves there, the old one ends in fenceposts. */
static void move_top(struct ptmalloc *pt, uint64_t av, uint64_t brk, uint64_t size,
                     uint64_t snd_brk, uint64_t old_size)
{
	uint64_t mask = pt->lay->alignment - 1, old_top = av_word(pt, av, top);
	uint64_t misalign = chunk2mem(pt, brk) & mask, aligned = brk, correction = 0, end;

	if (misalign)
		aligned += pt->lay->alignment - misalign;
	if (contiguous(pt, av)) {
		if (old_size) {
			set_av_word(pt, av, system_mem,
			            av_word(pt, av, system_mem) + brk - (old_top + old_size));
			why(pt->why, WHY_FOREIGN_SBRK, brk - (old_top + old_size), old_size);
		}
		correction = aligned - brk + old_size;
		end = brk + size + correction;
		correction += align_up(end, pt->page) - end;
		snd_brk = pt_morecore(pt, (int64_t)correction);
		if (snd_brk == MORECORE_FAILURE) {
			correction = 0;
			snd_brk = pt_morecore(pt, 0);
		} else {
			pt_madvise_thp(pt, snd_brk, correction);
		}
	} else if (snd_brk == MORECORE_FAILURE) {
		snd_brk = pt_morecore(pt, 0);
	}
	if (snd_brk == MORECORE_FAILURE || !pt_ok(pt))
		return;
	set_av_word(pt, av, top, aligned);
	set_head(pt, aligned, as_word(pt, snd_brk - aligned + correction) | PREV_INUSE);
	set_av_word(pt, av, system_mem, av_word(pt, av, system_mem) + correction);
	if (old_size)
		fence_old_top(pt, av, old_top, old_size);
}

static void grow_main(struct ptmalloc *pt, uint64_t av, uint64_t nb)
{
	uint64_t top = av_word(pt, av, top), old_size = chunksize(pt, top),
	         old_end = top + old_size;
	uint64_t size = morecore_size(pt, av, nb, old_size), brk = MORECORE_FAILURE;
	uint64_t snd_brk = MORECORE_FAILURE;

	if ((pt->is_64 ? (int64_t)size : (int64_t)(int32_t)size) > 0) {
		brk = pt_morecore(pt, (int64_t)size);
		if (brk != MORECORE_FAILURE)
			pt_madvise_thp(pt, brk, size);
	}
	if (brk == MORECORE_FAILURE && pt_ok(pt)) {
		brk = mmap_as_morecore(pt, av, nb, old_size, &size);
		if (brk != MORECORE_FAILURE)
			snd_brk = brk + size;
	}
	if (brk == MORECORE_FAILURE || !pt_ok(pt))
		return;
	if (mp_word(pt, sbrk_base) == 0)
		set_mp_word(pt, sbrk_base, brk);
	set_av_word(pt, av, system_mem, av_word(pt, av, system_mem) + size);
	if (brk == old_end && snd_brk == MORECORE_FAILURE) {
		why(pt->why, WHY_TOP_GROWS, size);
		set_head(pt, top, (size + old_size) | PREV_INUSE);
	} else if (contiguous(pt, av) && old_size && brk < old_end) {
		pt_abort(pt, "break adjusted to free malloc space");
	} else {
		move_top(pt, av, brk, size, snd_brk, old_size);
	}
}

/* The mmap test that comes first. True: *ret is the result. */
static bool try_mmap(struct ptmalloc *pt, uint64_t nb, uint64_t av, uint64_t *ret)
{
	uint64_t threshold = mp_word(pt, mmap_threshold), hp = 0;
	int32_t count = (int32_t)mp_int(pt, n_mmaps_int),
	        max = (int32_t)mp_int(pt, n_mmaps_max_int);

	*ret = 0;
	if (av && nb < threshold) {
		why(pt->why, WHY_BELOW_THRESHOLD, nb, threshold);
		return false;
	}
	if (av && count >= max) {
		why(pt->why, WHY_TOO_MANY_MMAPS, (uint64_t)count, (uint64_t)max);
		return false;
	}
	why(pt->why, WHY_ABOVE_THRESHOLD, nb, threshold, (uint64_t)count, (uint64_t)max);
	if (pt->rules.thp && pt->lay->par.hp_pagesize != FIELD_NONE)
		hp = mp_word(pt, hp_pagesize);
	if (nb >= hp && is_power_of_two(hp))
		*ret = pt_sysmalloc_mmap(pt, nb, hp, mp_int(pt, hp_flags_int));
	if (!*ret && pt_ok(pt))
		*ret = pt_sysmalloc_mmap(pt, nb, pt->page, 0);
	return true;
}

/* Cuts the request from a top that has grown. */
static uint64_t cut_top(struct ptmalloc *pt, uint64_t av, uint64_t nb)
{
	uint64_t p = av_word(pt, av, top), size = chunksize(pt, p);

	if (av_word(pt, av, system_mem) > av_word(pt, av, max_system_mem))
		set_av_word(pt, av, max_system_mem, av_word(pt, av, system_mem));
	if (size < nb + pt->lay->min_size) {
		why(pt->why, WHY_ENOMEM, size, nb + pt->lay->min_size);
		pt->error = ENOMEM;
		return 0;
	}
	set_av_word(pt, av, top, p + nb);
	set_head(pt, p, nb | PREV_INUSE | arena_bit(pt, av));
	set_head(pt, p + nb, (size - nb) | PREV_INUSE);
	return chunk2mem(pt, p);
}

/* Top is as sysmalloc left it, or untouched (the assertion at sysmalloc's start). */
static bool is_top_sound(struct ptmalloc *pt, uint64_t av)
{
	uint64_t top = av_word(pt, av, top), size = chunksize(pt, top);

	if (top == unsorted_chunks(pt, av) && size == 0)
		return true;
	return size >= pt->lay->min_size && prev_inuse(pt, top) && is_aligned(top + size, pt->page);
}

/** glibc malloc/malloc.c:sysmalloc. User memory, or 0 with error ENOMEM. */
uint64_t pt_sysmalloc(struct ptmalloc *pt, uint64_t nb, uint64_t av)
{
	uint64_t mem;
	bool tried_mmap;

	if (!pt_ok(pt))
		return 0;
	pt_enter(pt, FN_SYSMALLOC, nb, 0);
	tried_mmap = try_mmap(pt, nb, av, &mem);
	if (!mem && !av)
		pt->error = ENOMEM;
	if (mem || !av || !pt_ok(pt)) {
		pt_leave(pt, FN_SYSMALLOC);
		return mem;
	}
	if (!is_top_sound(pt, av)) {
		pt_assert_failed(pt, PT_ASSERT_TOP);
	} else if (av == pt->main_arena) {
		grow_main(pt, av, nb);
	} else if (!grow_other(pt, av, nb) && !tried_mmap && pt_ok(pt)) {
		why(pt->why, WHY_LAST_RESORT_MMAP, nb);
		mem = pt_sysmalloc_mmap(pt, nb, pt->page, 0);
		if (!mem && pt->rules.mmap_retries_heap && pt_ok(pt))
			(void)grow_other(pt, av, nb);
	}
	if (!mem && pt_ok(pt))
		mem = cut_top(pt, av, nb);
	pt_leave(pt, FN_SYSMALLOC);
	return mem;
}

/* --- giving back ------------------------------------------------------------------------------ */

/** glibc malloc/malloc.c:systrim; main_arena only */
bool pt_systrim(struct ptmalloc *pt, uint64_t pad)
{
	uint64_t av = pt->main_arena, top = av_word(pt, av, top), size = chunksize(pt, top);
	uint64_t area = as_word(pt, size - pt->lay->min_size - 1), unit = pt->page, extra, brk, now;
	bool trimmed = false;

	pt_enter(pt, FN_SYSTRIM, pad, 0);
	if (pt->rules.thp && pt->lay->par.thp_pagesize != FIELD_NONE) {
		uint64_t thp = mp_word(pt, thp_pagesize);

		if (is_power_of_two(thp))
			unit = thp;
	}
	/* Compared unsigned: a top of MINSIZE wraps, and brk grows. */
	extra = area > pad ? as_word(pt, align_down(as_word(pt, area - pad), unit)) : 0;
	if (!extra) {
		why(pt->why, WHY_TRIM_NOTHING, size, pad);
		pt_leave(pt, FN_SYSTRIM);
		return false;
	}
	brk = pt_morecore(pt, 0);
	if (brk != top + size) {
		why(pt->why, WHY_TRIM_FOREIGN, brk, top + size);
	} else {
		int64_t less = pt->is_64 ? (int64_t)extra : (int64_t)(int32_t)extra;

		pt_morecore(pt, -less);
		now = pt_morecore(pt, 0);
		if (now != MORECORE_FAILURE && now != brk) {
			uint64_t released = brk - now;

			why(pt->why, WHY_TRIMMED, released, size);
			set_av_word(pt, av, system_mem,
			            as_word(pt, av_word(pt, av, system_mem) - released));
			set_head(pt, top, as_word(pt, size - released) | PREV_INUSE);
			trimmed = true;
		}
	}
	pt_leave(pt, FN_SYSTRIM);
	return trimmed;
}
