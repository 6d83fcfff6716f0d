/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "model/base/vec.h"
#include "model/glibc/pt_header.h"

/* A heap never gets smaller than a page (glibc malloc/arena.c:HEAP_MIN_SIZE is larger still). */
#define HEAP_LEAST 4096u

const char *pt_parse_heap_info(const struct decode *d, uint64_t start, const uint8_t *copy,
                               uint64_t arena_addr, struct malloc_heap *heap)
{
	const struct malloc_layout *lay = d->lay;
	uint64_t size = pt_word(lay, copy + lay->heap.size_field);
	uint64_t mprotect_size = pt_word(lay, copy + lay->heap.mprotect_size);

	if (pt_word(lay, copy + lay->heap.ar_ptr) != arena_addr)
		return "a heap belongs to another arena";
	if (size < HEAP_LEAST || size > mprotect_size || mprotect_size > pt_heap_max(d) ||
	    !is_aligned(size, HEAP_LEAST) || !is_aligned(mprotect_size, HEAP_LEAST))
		return "a heap's size is impossible";
	*heap = (struct malloc_heap){
		.start = start,
		.end = start + size,
		.rw_end = start + mprotect_size,
		.reserve_end = start + pt_heap_max(d),
	};
	return NULL;
}

/** Reads the heap_info at `start` and its link; why the chain ends there, or NULL. */
static const char *read_heap_info(const struct decode *d, uint64_t start, uint64_t arena_addr,
                                  struct malloc_heap *heap, uint64_t *ret_prev)
{
	uint8_t copy[PT_HEAP_INFO_MAX];
	const char *why;

	if (d->lay->heap.size > sizeof(copy) || !pt_is_writable(d, start, d->lay->heap.size) ||
	    !mem_read_all(d->mem, start, copy, d->lay->heap.size))
		return "a heap can't be read";
	why = pt_parse_heap_info(d, start, copy, arena_addr, heap);
	if (why)
		return why;
	*ret_prev = pt_word(d->lay, copy + d->lay->heap.prev);
	if (*ret_prev && !is_aligned(*ret_prev, pt_heap_max(d)))
		return "a heap's link is no heap";
	return NULL;
}

static void reverse(struct malloc_heap *heaps, size_t count)
{
	for (size_t i = 0; i < count / 2; i++) {
		struct malloc_heap h = heaps[i];

		heaps[i] = heaps[count - 1 - i];
		heaps[count - 1 - i] = h;
	}
}

/*
 * From the heap of top backwards (glibc malloc/arena.c:heap_for_ptr, heap_info.prev) to the one that
 * begins with the arena itself. Heaps of one arena do not overlap and each is accounted in system_mem,
 * so their number is bounded by it. A chain that loops meets a heap again that was met at a power of two
 * (Brent): a hostile ring can have thousands of arenas with such a chain each.
 */
bool pt_read_heap_chain(const struct decode *d, struct arena *arena)
{
	uint64_t mask = pt_heap_max(d) - 1, first = arena->addr & ~mask;
	uint64_t start = (arena->top_addr ? arena->top_addr : arena->addr) & ~mask;
	uint64_t most = min_u64(arena->system_mem / HEAP_LEAST + 1, DECODE_HEAPS_MAX);
	VEC(struct malloc_heap) heaps = { 0 };
	uint64_t met = 0;
	const char *why = NULL;

	if (pt_is_initial_top(d, arena))
		start = first;
	for (;;) {
		struct malloc_heap heap, *slot;
		uint64_t prev = 0;

		if (heaps.count >= most || (heaps.count && start == met)) {
			why = "an arena's chain of heaps does not end";
			break;
		}
		if ((heaps.count & (heaps.count - 1)) == 0)
			met = start;
		why = read_heap_info(d, start, arena->addr, &heap, &prev);
		if (why)
			break;
		slot = VEC_ADD(d->region, &heaps);
		if (!slot)
			return false;
		*slot = heap;
		if (start == first || !prev)
			break;
		start = prev;
	}
	if (!why && start != first)
		why = "an arena's chain of heaps misses its first";
	if (why) {
		heap_error_add(d->heap, start, why);
		arena->is_torn = true;
	}
	reverse(heaps.at, heaps.count);
	arena->heaps = heaps.at;
	arena->heap_count = heaps.count;
	return true;
}

uint64_t pt_first_chunk(const struct decode *d, const struct arena *arena, size_t i)
{
	uint64_t start = arena->heaps[i].start;

	if (!arena->is_main) {
		start += d->lay->heap.size;
		if (start == arena->addr)
			start += d->lay->arena.size;
	}
	return pt_chunk_align_up(d->lay, start);
}

static int by_start(const void *a, const void *b)
{
	const struct heap_span *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

bool pt_map_heaps(struct region *region, const struct malloc_state *ms, struct heap_map *ret)
{
	size_t count = 0;

	for (size_t i = 0; i < ms->arena_count; i++)
		count += ms->arenas[i].heap_count;
	ret->at = region_alloc(region, count * sizeof(*ret->at));
	if (!ret->at)
		return false;
	ret->count = 0;
	for (size_t i = 0; i < ms->arena_count; i++) {
		for (size_t j = 0; j < ms->arenas[i].heap_count; j++) {
			const struct malloc_heap *h = &ms->arenas[i].heaps[j];

			ret->at[ret->count++] =
			        (struct heap_span){ h->start, h->end, (uint32_t)i, (uint32_t)j };
		}
	}
	if (count)
		qsort(ret->at, count, sizeof(*ret->at), by_start);
	return true;
}

const struct heap_span *pt_heap_at(const struct heap_map *map, uint64_t addr)
{
	size_t low = 0, high = map->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (map->at[mid].start <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low && addr < map->at[low - 1].end ? &map->at[low - 1] : NULL;
}
