/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/glibc/pt_find.h"

/*
 * Through heap_info: a thread's arena lies at the start of a heap, heaps are aligned to HEAP_MAX_SIZE,
 * and from any arena the ring leads to main_arena, the only member that does not lie so. This needs no
 * symbol and no knowledge of where libc is.
 */
enum {
	PAGE = 4096,
	AT_ONCE = 64,
	LOOKED_AT_MAX = 1 << 20, /* heaps of 64 MiB: 64 TiB */
};

static bool is_page_size(uint64_t size)
{
	return size == 4 * KIB || size == 16 * KIB || size == 64 * KIB || size == 2 * MIB ||
	       size == 32 * MIB || size == 512 * MIB || size == 1 * GIB;
}

static bool is_heap_info(const struct decode *d, uint64_t start, const uint8_t *copy)
{
	const struct heap_layout *h = &d->lay->heap;
	uint64_t ar_ptr = pt_word(d->lay, copy + h->ar_ptr);
	uint64_t prev = pt_word(d->lay, copy + h->prev), max = pt_heap_max(d);
	struct malloc_heap heap;

	if (ar_ptr % max != h->size || prev % max != 0 || prev == start)
		return false;
	if ((ar_ptr - h->size == start) != (prev == 0))
		return false;
	if (h->pagesize != FIELD_NONE && !is_page_size(pt_word(d->lay, copy + h->pagesize)))
		return false;
	return pt_parse_heap_info(d, start, copy, ar_ptr, &heap) == NULL;
}

/** The ring's one member that is no heap's, or 0. */
static uint64_t main_arena_of(const struct decode *d, uint64_t arena)
{
	uint64_t at = arena, found = 0;
	uint8_t word[8];

	if (!ring_closes(d, d->lay, arena))
		return 0;
	/* It closes, so this ends too; a ring that changes meanwhile is bounded all the same. */
	for (int i = 0; i < DECODE_ARENAS_MAX; i++) {
		if (at % pt_heap_max(d) != d->lay->heap.size) {
			if (found)
				return 0;
			found = at;
		}
		if (!mem_read_all(d->mem, at + d->lay->arena.next, word, d->lay->word))
			return 0;
		at = pt_word(d->lay, word);
		if (at == arena)
			return found;
	}
	return 0;
}

/* Places that are looked at in one gathered read. */
struct look {
	const struct decode *d;
	struct mem_piece pieces[AT_ONCE];
	uint8_t copies[AT_ONCE][PT_HEAP_INFO_MAX];
	size_t count, total;
};

static uint64_t look_now(struct look *look)
{
	uint64_t found = 0;

	mem_gather(look->d->mem, look->pieces, look->count);
	for (size_t i = 0; i < look->count && !found; i++) {
		const uint8_t *copy = look->copies[i];

		if (look->pieces[i].status == MEM_OK &&
		    is_heap_info(look->d, look->pieces[i].addr, copy))
			found = main_arena_of(
			        look->d, pt_word(look->d->lay, copy + look->d->lay->heap.ar_ptr));
	}
	look->count = 0;
	return found;
}

static uint64_t look_through(struct look *look, const struct vma *v)
{
	uint64_t max = pt_heap_max(look->d), size = look->d->lay->heap.size, found = 0;

	for (uint64_t at = align_up(v->start, max); at >= v->start && at + size <= v->end && !found;
	     at += max) {
		if (look->total++ == LOOKED_AT_MAX)
			break;
		look->pieces[look->count] = (struct mem_piece){ .addr = at,
			                                        .buf = look->copies[look->count],
			                                        .len = (uint32_t)size };
		if (++look->count == AT_ONCE)
			found = look_now(look);
	}
	return found;
}

uint64_t pt_main_arena_by_heaps(const struct decode *d)
{
	struct look look = { .d = d };
	uint64_t found = 0;

	if (d->lay->heap.size > PT_HEAP_INFO_MAX)
		return 0;
	/* A heap need not begin a VMA: neighbours merge. */
	for (size_t i = 0; i < d->vmas->count && !found; i++) {
		const struct vma *v = &d->vmas->at[i];

		if (v->inode == 0 &&
		    (v->prot & (VMA_READ | VMA_WRITE | VMA_SHARED)) == (VMA_READ | VMA_WRITE))
			found = look_through(&look, v);
	}
	return found ? found : look_now(&look);
}
