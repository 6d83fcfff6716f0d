/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/glibc/pt_header.h"

#include "model/base/vec.h"

/* Every arena's memory ends on a page: glibc asserts it before it extends one
 * (glibc malloc/malloc.c:sysmalloc, old_end). Pages may be larger than this, never smaller. */
#define PAGE_MIN 4096u

static uint64_t field(const struct malloc_layout *lay, const uint8_t *copy, uint32_t offset)
{
	return pt_word(lay, copy + offset);
}

void pt_parse_arena(const struct decode *d, uint64_t addr, const uint8_t *copy, struct arena *arena)
{
	const struct malloc_layout *lay = d->lay;
	const struct arena_layout *a = &lay->arena;

	arena->addr = addr;
	arena->is_main = addr == d->main_arena_addr;
	arena->mutex = pt_int(copy + a->mutex);
	arena->flags = pt_int(copy + a->flags);
	arena->is_contiguous = !(arena->flags & NONCONTIGUOUS_BIT);
	arena->top_addr = field(lay, copy, a->top);
	arena->last_remainder = field(lay, copy, a->last_remainder);
	arena->next = field(lay, copy, a->next);
	arena->next_free = field(lay, copy, a->next_free);
	arena->system_mem = field(lay, copy, a->system_mem);
	arena->max_system_mem = field(lay, copy, a->max_system_mem);
	arena->attached_threads = a->attached_threads == FIELD_NONE
	                                  ? fact_unknown()
	                                  : fact_of(field(lay, copy, a->attached_threads));
	arena->top_size = pt_is_initial_top(d, arena) ? fact_of(0) : fact_unknown();
}

bool pt_is_initial_top(const struct decode *d, const struct arena *arena)
{
	return arena->top_addr == 0 || arena->top_addr == pt_bin_addr(d->lay, arena->addr, 1);
}

const char *pt_take_top_size(const struct decode *d, struct arena *arena, uint64_t raw)
{
	uint64_t size = pt_chunk_size(raw), end;

	if (!(raw & PREV_INUSE) || (raw & IS_MMAPPED) || size < d->lay->min_size)
		return "top's size word is no chunk's";
	if (__builtin_add_overflow(arena->top_addr, size, &end) || !is_aligned(end, PAGE_MIN))
		return "top does not end on a page";
	if (size > arena->system_mem)
		return "top is larger than its arena";
	arena->top_size = fact_of(size);
	return NULL;
}

/** Why a header is none, or NULL. */
static const char *judge_arena(const struct decode *d, const struct arena *arena)
{
	if (!arena->next || !is_aligned(arena->next, d->lay->word))
		return "an arena's link is no address";
	if (!arena->is_main && arena->addr % pt_heap_max(d) != d->lay->heap.size)
		return "an arena does not lie at the start of a heap";
	return NULL;
}

/** The size of top, which the caller's header says is real. */
static const char *read_top(const struct decode *d, struct arena *arena)
{
	uint64_t at = arena->top_addr + d->lay->word;
	uint8_t word[8];

	if (!pt_is_chunk_aligned(d->lay, arena->top_addr) || !pt_is_writable(d, at, d->lay->word))
		return "top lies outside the process's memory";
	if (!mem_read_all(d->mem, at, word, d->lay->word))
		return "top can't be read";
	return pt_take_top_size(d, arena, pt_word(d->lay, word));
}

bool pt_read_arena(const struct decode *d, uint64_t addr, struct arena *ret)
{
	uint8_t copy[PT_ARENA_MAX];
	const char *why = NULL;

	if (d->lay->arena.size > sizeof(copy))
		return false;
	for (int i = 0; i < PT_TRIES; i++) {
		struct arena arena = { 0 };

		if (!mem_read_all(d->mem, addr, copy, d->lay->arena.size)) {
			heap_error_add(d->heap, addr, "an arena can't be read");
			return false;
		}
		pt_parse_arena(d, addr, copy, &arena);
		why = judge_arena(d, &arena);
		if (why) {
			heap_error_add(d->heap, addr, why);
			return false;
		}
		why = pt_is_initial_top(d, &arena) ? NULL : read_top(d, &arena);
		arena.is_torn = why != NULL;
		*ret = arena;
		if (!why)
			return true;
	}
	heap_error_add(d->heap, ret->top_addr, why);
	return true;
}

static bool is_in(const struct arena *arenas, size_t count, uint64_t addr)
{
	for (size_t i = 0; i < count; i++) {
		if (arenas[i].addr == addr)
			return true;
	}
	return false;
}

/** Follows the ring until it closes or breaks; false when out of memory or without main_arena. */
static bool read_ring(const struct decode *d, struct malloc_state *ms)
{
	VEC(struct arena) ring = { 0 };
	uint64_t addr = d->main_arena_addr;

	do {
		struct arena arena, *slot;

		if (ring.count == DECODE_ARENAS_MAX || is_in(ring.at, ring.count, addr)) {
			heap_error_add(d->heap, addr, "the ring of arenas does not close");
			break;
		}
		if (!pt_read_arena(d, addr, &arena))
			break;
		slot = VEC_ADD(d->region, &ring);
		if (!slot)
			return false;
		*slot = arena;
		addr = arena.next;
	} while (addr != d->main_arena_addr);
	ms->arenas = ring.at;
	ms->arena_count = ring.count;
	return ring.count > 0;
}

bool pt_read_arenas(const struct decode *d, struct malloc_state *ms)
{
	ms->main_arena_addr = d->main_arena_addr;
	ms->mp_addr = d->mp_addr;
	pt_read_params(d, &ms->params);
	if (!read_ring(d, ms))
		return false;
	for (size_t i = 0; i < ms->arena_count; i++) {
		struct arena *arena = &ms->arenas[i];

		if (!(arena->is_main ? pt_read_main_pieces(d, &ms->params, arena)
		                     : pt_read_heap_chain(d, arena)))
			return false;
	}
	ms->is_used = ms->arenas[0].system_mem || ms->arena_count > 1 ||
	              fact_or(ms->params.max_n_mmaps, 0);
	return true;
}
