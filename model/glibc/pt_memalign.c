/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "model/glibc/pt_world.h"

/** glibc malloc/malloc.c:_mid_memalign, _int_memalign and those that come down to them */

/* A mapping: the chunk's header moves up to the aligned place. */
static uint64_t align_mmapped(struct ptmalloc *pt, uint64_t mem, uint64_t alignment)
{
	uint64_t p = mem2chunk(pt, mem), aligned = align_up(mem, alignment), place, lead;

	if (pt->lay->mmapped_size_without_header) {
		uint64_t base = p - pt_mmap_base_offset(pt, p);

		p = pt_mmap_set_chunk(pt, base, pt_mmap_size(pt, p), mem2chunk(pt, aligned) - base,
		                      prev_size(pt, p) & 1);
		return chunk2mem(pt, p);
	}
	if (aligned == mem)
		return mem;
	place = mem2chunk(pt, aligned);
	if (place - p < pt->lay->min_size)
		place += alignment;
	lead = place - p;
	st(pt, place, prev_size(pt, p) + lead);
	set_head(pt, place, (chunksize(pt, p) - lead) | IS_MMAPPED);
	return chunk2mem(pt, place);
}

/* Frees what lies in front of the aligned chunk. */
static uint64_t cut_lead(struct ptmalloc *pt, uint64_t av, uint64_t p, uint64_t alignment)
{
	uint64_t place = mem2chunk(pt, align_up(chunk2mem(pt, p), alignment)), lead, size;

	if (place - p < pt->lay->min_size)
		place += alignment;
	lead = place - p;
	size = chunksize(pt, p) - lead;
	why(pt->why, WHY_MEMALIGN_LEAD, lead, size);
	set_head(pt, place, size | PREV_INUSE | arena_bit(pt, av));
	set_inuse_bit_at(pt, place, size);
	set_head_size(pt, p, lead | arena_bit(pt, av));
	if (pt->rules.memalign_rest == GLIBC_MEMALIGN_FREE)
		pt_inner_free(pt, av, p);
	else
		pt_int_free_merge_chunk(pt, av, p, lead);
	return place;
}

/* Frees what the aligned chunk has too much. */
static void cut_memalign_tail(struct ptmalloc *pt, uint64_t av, uint64_t p, uint64_t nb)
{
	uint64_t size = chunksize(pt, p), rest = size - nb, next = p + size, next_size, min;

	min = pt->lay->min_size;
	if (pt->rules.memalign_rest == GLIBC_MEMALIGN_FREE) {
		if (size <= nb + min)
			return;
		why(pt->why, WHY_MEMALIGN_TAIL, size, nb);
		set_head(pt, p + nb, rest | PREV_INUSE | arena_bit(pt, av));
		set_head_size(pt, p, nb);
		pt_inner_free(pt, av, p + nb);
		return;
	}
	next_size = chunksize(pt, next);
	if (pt->rules.memalign_rest == GLIBC_MEMALIGN_MERGE_MIN) {
		if (rest < min)
			return;
	} else if (size <= nb || (rest < min && next != av_word(pt, av, top) &&
	                          inuse_bit_at(pt, next, next_size))) {
		return;
	}
	why(pt->why, WHY_MEMALIGN_TAIL, size, nb);
	set_head_size(pt, p, nb);
	size = pt_int_free_create_chunk(pt, av, p + nb, rest, next, next_size);
	pt_int_free_maybe_trim(pt, av, size);
}

static uint64_t int_memalign(struct ptmalloc *pt, uint64_t av, uint64_t alignment, uint64_t bytes)
{
	uint64_t half = pt->is_64 ? INT64_MAX : INT32_MAX, nb, mem, p;

	nb = pt_checked_request2size(pt, bytes);
	if (!nb || (pt->rules.memalign_ptrdiff && alignment > half)) {
		why(pt->why, WHY_TOO_LARGE, bytes);
		pt->error = ENOMEM;
		return 0;
	}
	pt_enter(pt, FN_INT_MEMALIGN, alignment, bytes);
	mem = pt_int_malloc(pt, av, as_word(pt, nb + alignment + pt->lay->min_size));
	if (mem && pt_ok(pt)) {
		p = mem2chunk(pt, mem);
		if (is_mmapped(pt, p)) {
			mem = align_mmapped(pt, mem, alignment);
		} else {
			if (!is_aligned(mem, alignment))
				p = cut_lead(pt, av, p, alignment);
			cut_memalign_tail(pt, av, p, nb);
			mem = chunk2mem(pt, p);
		}
	}
	pt_leave(pt, FN_INT_MEMALIGN);
	return mem;
}

/* Alignment as malloc takes it: a power of two of at least MINSIZE. 0: EINVAL. */
static uint64_t round_alignment(struct ptmalloc *pt, uint64_t alignment)
{
	uint64_t top_bit = pt->is_64 ? UINT64_C(1) << 63 : UINT64_C(1) << 31;
	uint64_t a = 2 * (uint64_t)pt->lay->alignment;

	alignment = max_u64(alignment, pt->lay->min_size);
	if (alignment > top_bit)
		return 0;
	if (is_power_of_two(alignment))
		return alignment;
	while (a < alignment)
		a <<= 1;
	return a;
}

static uint64_t mid_memalign(struct ptmalloc *pt, uint64_t alignment, uint64_t bytes)
{
	uint64_t av, mem, nb = pt_checked_request2size(pt, bytes), max;

	if (pt_hooked(pt, PT_HOOK_MEMALIGN))
		return 0;
	pt_ensure_init(pt);
	if (alignment <= pt->lay->alignment)
		return pt_libc_malloc(pt, bytes);
	alignment = round_alignment(pt, alignment);
	if (!alignment) {
		pt->error = EINVAL;
		return 0;
	}
	max = pt->is_64 ? UINT64_MAX : UINT32_MAX;
	if (pt->rules.memalign_overflow_first && bytes > max - alignment - pt->lay->min_size) {
		why(pt->why, WHY_TOO_LARGE, bytes);
		pt->error = ENOMEM;
		return 0;
	}
	if (nb || pt->rules.tcache_birth == GLIBC_TCACHE_FREE) {
		mem = nb ? pt_tcache_get_align(pt, nb, alignment) : 0;
		if (mem || !pt_ok(pt))
			return mem;
	} else if (pt->rules.tcache_memalign) {
		why(pt->why, WHY_TOO_LARGE, bytes);
		pt->error = ENOMEM;
		return 0;
	}
	if (pt_single_thread(pt))
		return int_memalign(pt, pt->main_arena, alignment, bytes);
	av = pt_arena_get(pt, as_word(pt, bytes + alignment + pt->lay->min_size));
	mem = int_memalign(pt, av, alignment, bytes);
	if (!mem && av && pt_ok(pt)) {
		av = pt_arena_get_retry(pt, av, bytes);
		mem = int_memalign(pt, av, alignment, bytes);
	}
	return mem;
}

static uint64_t call_memalign(struct ptmalloc *pt, uint64_t alignment, uint64_t bytes)
{
	uint64_t mem;

	pt_begin(pt);
	pt_enter(pt, FN_MID_MEMALIGN, alignment, bytes);
	mem = mid_memalign(pt, alignment, bytes);
	pt_leave(pt, FN_MID_MEMALIGN);
	pt_end(pt);
	return pt->stop == PT_RUNNING ? mem : 0;
}

uint64_t pt_memalign(struct ptmalloc *pt, uint64_t alignment, uint64_t bytes)
{
	return call_memalign(pt, alignment, bytes);
}

uint64_t pt_aligned_alloc(struct ptmalloc *pt, uint64_t alignment, uint64_t bytes)
{
	if (pt->rules.aligned_alloc_strict && !is_power_of_two(alignment)) {
		pt_begin(pt);
		pt->error = EINVAL;
		return 0;
	}
	return call_memalign(pt, alignment, bytes);
}

int pt_posix_memalign(struct ptmalloc *pt, uint64_t *ret, uint64_t alignment, uint64_t bytes)
{
	uint64_t mem;

	if (alignment % pt->lay->word || !is_power_of_two(alignment)) {
		pt_begin(pt);
		return EINVAL;
	}
	mem = call_memalign(pt, alignment, bytes);
	if (!mem)
		return ENOMEM;
	*ret = mem;
	return 0;
}

uint64_t pt_valloc(struct ptmalloc *pt, uint64_t bytes)
{
	return call_memalign(pt, pt->page, bytes);
}

uint64_t pt_pvalloc(struct ptmalloc *pt, uint64_t bytes)
{
	uint64_t rounded;

	if (__builtin_add_overflow(bytes, pt->page - 1, &rounded) ||
	    rounded != as_word(pt, rounded)) {
		pt_begin(pt);
		pt_ensure_init(pt);
		pt_end(pt);
		pt->error = ENOMEM;
		return 0;
	}
	return call_memalign(pt, pt->page, align_down(rounded, pt->page));
}
