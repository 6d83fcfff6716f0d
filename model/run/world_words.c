/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/run/world_words.h"

#include "model/base/units.h"
#include "model/glibc/pt_bits.h"

struct ranges {
	const struct world *world;
	struct world_range *at;
	size_t count, max;
};

static void add(struct ranges *to, uint64_t start, uint64_t end)
{
	if (end > start && to->count < to->max)
		to->at[to->count++] = (struct world_range){ start, end - start };
}

/* 0 where nothing is known. */
static uint64_t word_at(const struct ranges *r, uint64_t addr)
{
	uint64_t word = 0;

	if (!image_peek(&r->world->image, addr, &word, r->world->pt.lay->word))
		return 0;
	return word;
}

static void add_main(struct ranges *r)
{
	const struct malloc_layout *lay = r->world->pt.lay;
	uint64_t arena = r->world->pt.main_arena, mp = r->world->pt.mp;
	uint64_t base = word_at(r, mp + lay->par.sbrk_base);
	uint64_t top = word_at(r, arena + lay->arena.top);
	uint64_t flags = word_at(r, arena + lay->arena.flags);
	uint64_t size = word_at(r, top + lay->word) & ~(uint64_t)SIZE_BITS;

	add(r, mp, mp + lay->par.size);
	add(r, arena, arena + lay->arena.size);
	if (!(flags & NONCONTIGUOUS_BIT) && base && top >= base)
		add(r, base, top + size);
}

static void add_heaps(struct ranges *r, uint64_t arena)
{
	const struct malloc_layout *lay = r->world->pt.lay;
	uint64_t heap = align_down(word_at(r, arena + lay->arena.top), r->world->pt.heap_max);

	for (size_t left = r->max; heap && left; left--) {
		add(r, heap, heap + word_at(r, heap + lay->heap.size_field));
		heap = word_at(r, heap + lay->heap.prev);
	}
}

size_t world_malloc_ranges(const struct world *world, struct world_range *ret, size_t max)
{
	struct ranges r = { .world = world, .at = ret, .max = max };
	uint64_t main_arena = world->pt.main_arena;
	uint64_t arena = word_at(&r, main_arena + world->pt.lay->arena.next);

	add_main(&r);
	for (size_t left = max; arena && arena != main_arena && left; left--) {
		add_heaps(&r, arena);
		arena = word_at(&r, arena + world->pt.lay->arena.next);
	}
	return r.count;
}
