/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/run/growth.h"

#include <stdlib.h>

enum {
	ARENAS_SHOWN = 48,
	CLASSES_SHOWN = 32,
	CLASS_STEP = 16,
	CLASSES = 256, /* chunk sizes below 4 KiB; tcaches of new versions have larger ones, too */
};

struct growth_list {
	struct growth_row *at;
	size_t count;
};

static struct growth_row *add_row(struct growth_list *list, enum growth_group group, size_t index)
{
	struct growth_row *row = &list->at[list->count++];

	*row = (struct growth_row){ .group = group, .index = index, .is_bytes = true };
	return row;
}

static int64_t saturated(uint64_t then, uint64_t now)
{
	uint64_t change = now > then ? now - then : then - now;
	int64_t size = change > INT64_MAX ? INT64_MAX : (int64_t)change;

	return now > then ? size : -size;
}

bool growth_change(const struct growth_row *row, int64_t *ret)
{
	if (!fact_known(row->then) || !fact_known(row->now))
		return false;
	*ret = saturated(row->then.v, row->now.v);
	return true;
}

/* Largest change first, whichever its sign; the unknown last; equals as they came. */
static uint64_t size_of_change(const struct growth_row *row)
{
	int64_t change;

	if (!growth_change(row, &change))
		return 0;
	return change < 0 ? (uint64_t)-change + 1 : (uint64_t)change + 1;
}

static int compare_rows(const void *left, const void *right)
{
	const struct growth_row *a = left, *b = right;
	uint64_t l = size_of_change(a), r = size_of_change(b);

	if (l != r)
		return l > r ? -1 : 1;
	return a->object != b->object ? (a->object < b->object ? -1 : 1)
	                              : (a->index > b->index) - (a->index < b->index);
}

static void add_totals(struct growth_list *list, const struct mark *mark,
                       const struct snapshot *now)
{
	static const enum history_series totals[] = {
		HISTORY_RSS,  HISTORY_VM_SIZE, HISTORY_SYSTEM_MEM, HISTORY_IN_USE,
		HISTORY_FREE, HISTORY_TOP,     HISTORY_TCACHE,     HISTORY_MMAPPED,
		HISTORY_SWAP, HISTORY_CGROUP,  HISTORY_THREADS,    HISTORY_VMAS,
	};
	struct history_sample values;

	history_values(now, &values);
	for (size_t i = 0; i < sizeof(totals) / sizeof(totals[0]); i++) {
		struct growth_row *row;

		if (!fact_known(mark->values.value[totals[i]]) &&
		    !fact_known(values.value[totals[i]]))
			continue;
		row = add_row(list, GROWTH_TOTAL, totals[i]);
		row->is_bytes = totals[i] != HISTORY_THREADS && totals[i] != HISTORY_VMAS;
		row->then = mark->values.value[totals[i]];
		row->now = values.value[totals[i]];
	}
}

/* --- arenas ------------------------------------------------------------------------------------- */

static const struct malloc_state *malloc_of(const struct mark *mark)
{
	return mark->heap && mark->heap->heap.instance_count ? mark->heap->heap.instances : NULL;
}

/* Both rings are in the same order but for what came new. */
static const struct arena *find_arena(const struct malloc_state *ms, uint64_t addr, size_t *at)
{
	for (size_t tried = 0; tried < ms->arena_count; tried++) {
		const struct arena *arena = &ms->arenas[(*at + tried) % ms->arena_count];

		if (arena->addr == addr) {
			*at = (*at + tried + 1) % ms->arena_count;
			return arena;
		}
	}
	return NULL;
}

/* The row that has to give way to a larger change; the list itself while there is room. */
static struct growth_row *place_for(struct growth_list *list, size_t first, size_t room,
                                    enum growth_group group, size_t index, uint64_t change)
{
	struct growth_row *least = NULL;

	if (list->count - first < room)
		return add_row(list, group, index);
	for (size_t i = first; i < list->count; i++) {
		if (!least || size_of_change(&list->at[i]) < size_of_change(least))
			least = &list->at[i];
	}
	if (!least || size_of_change(least) >= change)
		return NULL;
	*least = (struct growth_row){ .group = group, .index = index, .is_bytes = true };
	return least;
}

/* An arena that was not there then had nothing: that is known. */
static void add_arenas(struct growth_list *list, const struct malloc_state *then,
                       const struct malloc_state *now)
{
	size_t first = list->count, at = 0;

	if (!then || !now || then->main_arena_addr != now->main_arena_addr)
		return;
	for (size_t i = 0; i < now->arena_count; i++) {
		const struct arena *arena = &now->arenas[i];
		const struct arena *old = find_arena(then, arena->addr, &at);
		uint64_t was = old ? old->system_mem : 0, is = arena->system_mem;
		struct growth_row *row = place_for(list, first, ARENAS_SHOWN, GROWTH_ARENA, i,
		                                   (is > was ? is - was : was - is) + 1);

		if (!row)
			continue;
		row->object = arena->addr;
		row->then = fact_of(was);
		row->now = fact_of(is);
	}
	qsort(&list->at[first], list->count - first, sizeof(list->at[0]), compare_rows);
}

/* --- kinds of VMA ------------------------------------------------------------------------------- */

static void add_kinds(struct growth_list *list, const struct mark *mark, const struct snapshot *now)
{
	struct vma_kind_sum sums[VMA_KIND_COUNT];
	size_t first = list->count;

	vma_kind_sums(now, sums);
	for (size_t i = 0; i < VMA_KIND_COUNT; i++) {
		const struct vma_kind_sum *then = &mark->kinds[i];
		struct growth_row *row;

		if (!fact_or(then->count, 0) && !fact_or(sums[i].count, 0))
			continue;
		row = add_row(list, GROWTH_KIND, i);
		row->then = then->size;
		row->now = sums[i].size;
		row->count_then = then->count;
		row->count_now = sums[i].count;
	}
	qsort(&list->at[first], list->count - first, sizeof(list->at[0]), compare_rows);
}

/* --- size classes ------------------------------------------------------------------------------- */

/* Chunks by size; larger ones are in bins that span sizes, and not compared. */
static void count_chunks(const struct size_count *at, size_t count, uint64_t chunks[CLASSES])
{
	for (size_t i = 0; i < count; i++) {
		if (at[i].size / CLASS_STEP < CLASSES)
			chunks[at[i].size / CLASS_STEP] += at[i].count;
	}
}

/* False when the lists of one arena were not followed. */
static bool count_free(const struct malloc_state *ms, uint64_t chunks[CLASSES])
{
	for (size_t i = 0; i < ms->arena_count; i++) {
		const struct arena *arena = &ms->arenas[i];

		if (!arena->has_lists)
			return false;
		count_chunks(arena->fastbins, arena->fastbin_count, chunks);
		count_chunks(arena->small, arena->small_count, chunks);
	}
	for (size_t i = 0; i < ms->thread_count; i++) {
		if (!fact_known(ms->threads[i].tcache))
			return false;
		count_chunks(ms->threads[i].bins, ms->threads[i].bin_count, chunks);
	}
	return true;
}

/*
 * What is free and what tcaches keep, by size. Chunks in use by size are not in a snapshot; rows of
 * theirs belong behind these, in a group of their own.
 */
static void add_classes(struct growth_list *list, const struct malloc_state *then,
                        const struct malloc_state *now)
{
	uint64_t was[CLASSES] = { 0 }, is[CLASSES] = { 0 };
	size_t first = list->count;

	if (!then || !now || !count_free(then, was) || !count_free(now, is))
		return;
	for (size_t i = 0; i < CLASSES; i++) {
		uint64_t size = i * CLASS_STEP;
		uint64_t change = (is[i] > was[i] ? is[i] - was[i] : was[i] - is[i]) * size;
		struct growth_row *row;

		if (!change)
			continue;
		row = place_for(list, first, CLASSES_SHOWN, GROWTH_CLASS, i, change + 1);
		if (!row)
			continue;
		row->object = size;
		row->then = fact_of(was[i] * size);
		row->now = fact_of(is[i] * size);
		row->count_then = fact_of(was[i]);
		row->count_now = fact_of(is[i]);
	}
	qsort(&list->at[first], list->count - first, sizeof(list->at[0]), compare_rows);
}

size_t growth_since(const struct mark *mark, const struct snapshot *now,
                    struct growth_row ret[GROWTH_ROWS])
{
	struct growth_list list = { .at = ret };

	_Static_assert(HISTORY_SERIES_COUNT + ARENAS_SHOWN + VMA_KIND_COUNT + CLASSES_SHOWN <=
	                       GROWTH_ROWS,
	               "there is room for all groups");
	add_totals(&list, mark, now);
	add_arenas(&list, malloc_of(mark), snapshot_malloc(now));
	add_kinds(&list, mark, now);
	add_classes(&list, malloc_of(mark), snapshot_malloc(now));
	return list.count;
}
