/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the heap map can show: the heaps of every arena, and each mmapped chunk. */
#include <stdio.h>

#include "model/base/units.h"
#include "tui/view_map.h"

static size_t heap_count(const struct malloc_state *ms)
{
	size_t count = 0;

	for (size_t i = 0; i < ms->arena_count; i++)
		count += ms->arenas[i].heap_count;
	return count;
}

size_t map_scope_count(const struct malloc_state *ms)
{
	return heap_count(ms) + ms->mmapped_count;
}

static struct map_scope heap_scope(const struct arena *arena, size_t index, size_t heap)
{
	const struct malloc_heap *at = &arena->heaps[heap];

	return (struct map_scope){ .start = at->start,
		                   .end = max_u64(at->end, at->rw_end),
		                   .arena = (int)index,
		                   .heap = heap,
		                   .of = arena->heap_count };
}

static struct map_scope mmapped_scope(const struct malloc_state *ms, size_t index)
{
	return (struct map_scope){ .start = ms->mmapped[index].base,
		                   .end = ms->mmapped[index].base + ms->mmapped[index].size,
		                   .arena = -1,
		                   .heap = index,
		                   .of = ms->mmapped_count };
}

bool map_scope_at(const struct malloc_state *ms, size_t index, struct map_scope *ret)
{
	for (size_t i = 0; i < ms->arena_count; i++) {
		const struct arena *arena = &ms->arenas[i];

		if (index < arena->heap_count) {
			*ret = heap_scope(arena, i, index);
			return true;
		}
		index -= arena->heap_count;
	}
	if (index >= ms->mmapped_count)
		return false;
	*ret = mmapped_scope(ms, index);
	return true;
}

static bool is_inside(const struct map_scope *scope, uint64_t addr)
{
	return addr >= scope->start && addr < scope->end;
}

size_t map_scope_find(const struct malloc_state *ms, uint64_t addr, struct map_scope *ret)
{
	size_t index = 0;

	for (size_t i = 0; i < ms->arena_count; i++) {
		for (size_t k = 0; k < ms->arenas[i].heap_count; k++, index++) {
			*ret = heap_scope(&ms->arenas[i], i, k);
			if (is_inside(ret, addr))
				return index;
		}
	}
	for (size_t i = 0; i < ms->mmapped_count; i++, index++) {
		*ret = mmapped_scope(ms, i);
		if (is_inside(ret, addr))
			return index;
	}
	return index;
}

char *map_scope_name(char buf[MAP_SCOPE_NAME], const struct malloc_state *ms,
                     const struct map_scope *scope)
{
	char name[TEXT_NUMBER];

	if (scope->arena < 0)
		(void)snprintf(buf, MAP_SCOPE_NAME, "mmapped chunk %zu of %zu", scope->heap + 1,
		               scope->of);
	else if (scope->of > 1)
		(void)snprintf(buf, MAP_SCOPE_NAME, "arena %.12s, heap %zu of %zu",
		               arena_name(name, ms, (size_t)scope->arena), scope->heap + 1,
		               scope->of);
	else
		(void)snprintf(buf, MAP_SCOPE_NAME, "arena %.12s",
		               arena_name(name, ms, (size_t)scope->arena));
	return buf;
}
