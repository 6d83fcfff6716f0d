/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sums, names and bars of arenas. */
#include <stdio.h>

#include "model/base/units.h"
#include "tui/view_parts.h"
#include "tui/widget_bar.h"

static void add(struct fact *sum, struct fact part)
{
	if (!fact_known(*sum))
		return;
	if (!fact_known(part) || __builtin_add_overflow(sum->v, part.v, &sum->v))
		*sum = fact_unknown();
	else if (part.state != FACT_KNOWN)
		sum->state = part.state;
}

struct arena_sums arena_sums(const struct malloc_state *ms)
{
	struct arena_sums sums = { 0 };

	sums.in_use = sums.tcache = sums.fast = sums.bins = sums.top = sums.trimmable = fact_of(0);
	for (size_t i = 0; i < ms->arena_count; i++) {
		const struct arena *arena = &ms->arenas[i];

		sums.system += arena->system_mem;
		sums.heaps += arena->heap_count;
		add(&sums.in_use, arena->in_use.bytes);
		add(&sums.tcache, arena->tcache_total.bytes);
		add(&sums.fast, arena->fastbin_total.bytes);
		add(&sums.bins, arena->free_total.bytes);
		add(&sums.top, arena->top_size);
		add(&sums.trimmable, arena->trimmable);
	}
	return sums;
}

size_t arena_index(const struct malloc_state *ms, uint64_t addr)
{
	size_t i = 0;

	while (i < ms->arena_count && ms->arenas[i].addr != addr)
		i++;
	return i;
}

char *arena_name(char buf[TEXT_NUMBER], const struct malloc_state *ms, size_t index)
{
	if (index >= ms->arena_count)
		(void)snprintf(buf, TEXT_NUMBER, "?");
	else if (ms->arenas[index].is_main)
		(void)snprintf(buf, TEXT_NUMBER, "main");
	else
		(void)snprintf(buf, TEXT_NUMBER, "#%zu", index);
	return buf;
}

/* What is left of `whole` after parts that may be unknown: those are then inside the rest. */
static uint64_t rest_of(uint64_t whole, const struct bar_part *parts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		whole -= min_u64(whole, parts[i].value);
	return whole;
}

void draw_arena_bar(struct area area, int y, const struct arena *arena, uint64_t total)
{
	bool is_walked = fact_known(arena->in_use.bytes), has_lists = arena->has_lists || is_walked;
	const struct canvas *canvas = area.canvas;
	struct bar_part parts[] = {
		{ 0, has_lists ? shade(canvas, 0) : "?",
		  has_lists ? ROLE_HEAP_USED : ROLE_HEAP_UNKNOWN },
		{ fact_or(arena->tcache_total.bytes, 0) + fact_or(arena->fastbin_total.bytes, 0),
		  shade(canvas, 1), ROLE_HEAP_USED_TCACHE },
		{ fact_or(arena->free_total.bytes, 0), shade(canvas, 2), ROLE_HEAP_FREE },
		{ fact_or(arena->top_size, 0), "T", ROLE_HEAP_TOP },
	};

	parts[0].value = rest_of(arena->system_mem, parts + 1, 3);
	bar_draw(area, 0, y, area.width, parts, 4, total);
}
