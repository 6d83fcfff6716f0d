/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arenas: the list on top, what the selected one holds below it. Where there is no room for all
 * four panes Tab turns from one to the next.
 */
#include "tui/view_arenas.h"

#include <stdio.h>

#include "model/facts/source.h"
#include "tui/view_parts.h"
#include "tui/view_rows.h"
#include "tui/widget_list.h"

enum { TWO_COLUMNS = 108, ALL_PANES = 28, PANES = 4, TOP_PANE_ROWS = 13 };

enum column {
	COL_NAME,
	COL_ADDR,
	COL_THREADS,
	COL_HEAPS,
	COL_SYSTEM,
	COL_IN_USE,
	COL_TCACHE,
	COL_FAST,
	COL_BINS,
	COL_TOP,
	COL_FREE,
	COL_COUNT
};

static const struct list_column columns[COL_COUNT] = {
	[COL_NAME] = { .title = "arena", .width = 6 },
	[COL_ADDR] = { .title = "state at", .width = 12, .rank = 5 },
	[COL_THREADS] = { .title = "thr", .width = 3, .rank = 1, .is_right = true },
	[COL_HEAPS] = { .title = "heaps", .width = 5, .rank = 6, .is_right = true },
	[COL_SYSTEM] = { .title = "system", .width = 11, .is_right = true },
	[COL_IN_USE] = { .title = "in use", .width = 11, .is_right = true },
	[COL_TCACHE] = { .title = "tcache", .width = 9, .rank = 4, .is_right = true },
	[COL_FAST] = { .title = "fast", .width = 9, .rank = 7, .is_right = true },
	[COL_BINS] = { .title = "bins", .width = 11, .rank = 3, .is_right = true },
	[COL_TOP] = { .title = "top", .width = 11, .rank = 2, .is_right = true },
	[COL_FREE] = { .title = "free%", .width = 5, .is_right = true },
};

enum sort { SORT_RING, SORT_SYSTEM, SORT_IN_USE, SORT_FREE, SORT_TOP, SORT_THREADS, SORT_COUNT };

static const char *const sort_names[SORT_COUNT] = {
	[SORT_RING] = "ring",         [SORT_SYSTEM] = "system", [SORT_IN_USE] = "in use",
	[SORT_FREE] = "bins and top", [SORT_TOP] = "top",       [SORT_THREADS] = "threads",
};

static struct fact free_bytes(struct fact bins, struct fact top)
{
	return fact_known(bins) && fact_known(top) ? fact_of(bins.v + top.v) : fact_unknown();
}

static uint64_t sort_value(const struct arena *arena, enum sort sort)
{
	switch (sort) {
	case SORT_SYSTEM:
		return arena->system_mem;
	case SORT_IN_USE:
		return fact_or(arena->in_use.bytes, 0);
	case SORT_FREE:
		return fact_or(free_bytes(arena->free_total.bytes, arena->top_size), 0);
	case SORT_TOP:
		return fact_or(arena->top_size, 0);
	case SORT_THREADS:
		return fact_or(arena->attached_threads, 0);
	case SORT_RING:
	case SORT_COUNT:
		break;
	}
	return 0;
}

/* Largest first. */
static int compare_arenas(const void *ctx, uint32_t a, uint32_t b)
{
	const struct view_frame *frame = ctx;
	const struct malloc_state *ms = snapshot_malloc(frame->snap);
	enum sort sort = (enum sort)frame->state->sort;
	uint64_t left = sort_value(&ms->arenas[a], sort), right = sort_value(&ms->arenas[b], sort);

	return left > right ? -1 : left < right;
}

static void arenas_prepare(const struct view_frame *frame)
{
	const struct malloc_state *ms = snapshot_malloc(frame->snap);
	const struct rows_maker maker = {
		.part = frame->snap->parts[PART_HEAP],
		.count = ms ? ms->arena_count : 0,
		.ctx = frame,
		.compare = frame->state->sort == SORT_RING ? NULL : compare_arenas,
	};

	view_rows_prepare(frame->state, &maker);
}

static size_t arena_of_row(const struct view_frame *frame, size_t row)
{
	return view_rows_object(frame->state, frame->snap->parts[PART_HEAP], row);
}

static uint64_t arena_key(const void *ctx, size_t row)
{
	const struct view_frame *frame = ctx;

	return snapshot_malloc(frame->snap)->arenas[arena_of_row(frame, row)].addr;
}

static void draw_total_cell(const struct malloc_state *ms, enum column column, struct area cell)
{
	struct arena_sums sums = arena_sums(ms);
	struct fact system = fact_of(sums.system);
	const struct fact figures[COL_COUNT] = {
		[COL_HEAPS] = fact_of(sums.heaps),
		[COL_SYSTEM] = system,
		[COL_IN_USE] = sums.in_use,
		[COL_TCACHE] = sums.tcache,
		[COL_FAST] = sums.fast,
		[COL_BINS] = sums.bins,
		[COL_TOP] = sums.top,
	};

	if (column == COL_NAME)
		draw_text(cell, 0, 0, ROLE_TEXT_STRONG, "total");
	else if (column == COL_THREADS)
		draw_count(cell, cell.width, 0, fact_of(ms->thread_count));
	else if (column == COL_HEAPS)
		draw_count(cell, cell.width, 0, figures[column]);
	else if (column == COL_FREE)
		draw_percent(cell, cell.width, 0, free_bytes(sums.bins, sums.top), system);
	else if (column != COL_ADDR)
		draw_bytes(cell, cell.width, 0, figures[column]);
}

static void draw_arena_cell(const struct malloc_state *ms, size_t i, enum column column,
                            struct area cell)
{
	const struct arena *arena = &ms->arenas[i];
	const struct fact figures[COL_COUNT] = {
		[COL_THREADS] = arena->attached_threads,   [COL_HEAPS] = fact_of(arena->heap_count),
		[COL_SYSTEM] = fact_of(arena->system_mem), [COL_IN_USE] = arena->in_use.bytes,
		[COL_TCACHE] = arena->tcache_total.bytes,  [COL_FAST] = arena->fastbin_total.bytes,
		[COL_BINS] = arena->free_total.bytes,      [COL_TOP] = arena->top_size,
	};
	char text[TEXT_NUMBER];

	if (column == COL_NAME)
		draw_textf(cell, 0, 0, arena->is_main ? ROLE_ARENA_MAIN : ROLE_ARENA_THREAD, "%s%s",
		           arena_name(text, ms, i), arena->is_torn ? "!" : "");
	else if (column == COL_ADDR)
		draw_text(cell, 0, 0, ROLE_ADDRESS, text_addr(text, arena->addr));
	else if (column == COL_THREADS || column == COL_HEAPS)
		draw_count(cell, cell.width, 0, figures[column]);
	else if (column == COL_FREE)
		draw_percent(cell, cell.width, 0, free_bytes(figures[COL_BINS], figures[COL_TOP]),
		             figures[COL_SYSTEM]);
	else
		draw_bytes(cell, cell.width, 0, figures[column]);
}

static void draw_cell(const void *ctx, size_t row, size_t column, struct area cell)
{
	const struct view_frame *frame = ctx;
	const struct malloc_state *ms = snapshot_malloc(frame->snap);

	if (row == LIST_TOTAL)
		draw_total_cell(ms, (enum column)column, cell);
	else
		draw_arena_cell(ms, arena_of_row(frame, row), (enum column)column, cell);
}

/* An arena is found by its name or its address. */
static bool matches(const void *ctx, size_t row, const char *needle)
{
	const struct view_frame *frame = ctx;
	const struct malloc_state *ms = snapshot_malloc(frame->snap);
	size_t i = arena_of_row(frame, row);
	char name[TEXT_NUMBER], addr[TEXT_NUMBER];

	arena_name(name, ms, i);
	text_addr(addr, ms->arenas[i].addr);
	return view_contains(name, sizeof(name) - 1, needle) ||
	       view_contains(addr, sizeof(addr) - 1, needle);
}

static struct list arena_list(const struct view_frame *frame)
{
	const struct malloc_state *ms = snapshot_malloc(frame->snap);

	return (struct list){
		.hidden_columns = frame->state->hidden_columns,
		.columns = columns,
		.column_count = COL_COUNT,
		.row_count = ms ? view_rows_count(frame->state, frame->snap->parts[PART_HEAP],
		                                  ms->arena_count)
		                : 0,
		.has_total = true,
		.empty = "no arena",
		.ctx = frame,
		.key = arena_key,
		.cell = draw_cell,
		.matches = matches,
	};
}

static void draw_list(const struct view_frame *frame, const struct list *list, struct area area)
{
	char title[48], right[80];

	(void)snprintf(title, sizeof(title), "arenas %zu", list->row_count);
	(void)snprintf(right, sizeof(right), "sort: %s %s",
	               sort_names[frame->state->sort % SORT_COUNT],
	               frame->state->sort_reversed ? "▲" : "▼");
	list_draw(list, frame->state, pane_area(area, title, right), true);
}

static void pane_title(const struct view_frame *frame, size_t arena, const char *what, char *to,
                       size_t size)
{
	char name[TEXT_NUMBER];

	arena_name(name, snapshot_malloc(frame->snap), arena);
	(void)snprintf(to, size, "arena %s · %s", name, what);
}

static void draw_four(const struct view_frame *frame, size_t arena, struct area area)
{
	int x = (area.width - 2) / 2;
	char heaps[64], bins[64];
	struct pane_pair pair;

	pane_title(frame, arena, "heaps", heaps, sizeof(heaps));
	pane_title(frame, arena, "free chunks", bins, sizeof(bins));
	pair = pane_pair(take_rows(&area, TOP_PANE_ROWS + (area.height - 2 * TOP_PANE_ROWS) / 2), x,
	                 heaps, bins);
	arenas_heaps(frame, arena, pair.left);
	arenas_bins(frame, arena, pair.right);
	pair = pane_pair(area, x, "threads and their tcaches", "settings and mmapped chunks");
	arenas_threads(frame, arena, pair.left);
	arenas_settings(frame, pair.right);
}

static void draw_one(const struct view_frame *frame, size_t arena, struct area area)
{
	char title[64];

	frame->state->pane_count = PANES;
	switch (frame->state->pane % PANES) {
	case 0:
		pane_title(frame, arena, "heaps", title, sizeof(title));
		arenas_heaps(frame, arena, pane_area(area, title, "Tab: free chunks"));
		return;
	case 1:
		pane_title(frame, arena, "free chunks", title, sizeof(title));
		arenas_bins(frame, arena, pane_area(area, title, "Tab: threads"));
		return;
	case 2:
		arenas_threads(frame, arena,
		               pane_area(area, "threads and their tcaches", "Tab: settings"));
		return;
	default:
		arenas_settings(frame,
		                pane_area(area, "settings and mmapped chunks", "Tab: heaps"));
		return;
	}
}

static int list_height(const struct list *list, int height)
{
	int wanted = list->row_count < 1000 ? (int)list->row_count + 3 : 1000;
	int most = height > 40 ? height / 2 : height * 2 / 5;

	return wanted < most ? wanted : most;
}

static void arenas_draw(const struct view_frame *frame, struct area area)
{
	struct list list = arena_list(frame);
	char why[400];
	size_t arena;

	malloc_absence(frame->snap, why, sizeof(why));
	if (why[0]) {
		draw_wrapped(pane_area(area, "arenas", NULL), 1, ROLE_TEXT, why);
		return;
	}
	frame->state->pane_count = 1;
	draw_list(frame, &list, take_rows(&area, list_height(&list, area.height)));
	if (!list.row_count)
		return;
	arena = arena_of_row(frame, list_selected_row(&list, frame->state));
	if (area.width >= TWO_COLUMNS && area.height >= ALL_PANES - 8)
		draw_four(frame, arena, area);
	else
		draw_one(frame, arena, area);
}

static bool arenas_command(const struct view_frame *frame, enum command_id command)
{
	struct view_state *state = frame->state;
	struct list list = arena_list(frame);

	if (command == CMD_NEXT_PANE && state->pane_count > 1) {
		state->pane = (uint8_t)((state->pane + 1) % state->pane_count);
		return true;
	}
	return view_sort_command(state, SORT_COUNT, command) || list_command(&list, state, command);
}

static void arenas_status(const struct view_frame *frame, char *to, size_t size)
{
	const struct malloc_state *ms = snapshot_malloc(frame->snap);
	const struct heap_facts *heap = snapshot_heap(frame->snap);

	if (!ms || !heap)
		(void)snprintf(to, size, "malloc's state: not decoded");
	else
		(void)snprintf(to, size,
		               "found by %s, confidence %c, layout %s   torn chunks %llu   "
		               "free%% is bins and top",
		               heap->found_by ? heap->found_by : "?", heap->confidence,
		               heap->layout ? heap->layout : "?",
		               (unsigned long long)ms->walk.torn_chunks);
}

static bool explain_selected(const struct view_frame *frame, struct view_words *to)
{
	struct list list = arena_list(frame);

	if (list.row_count)
		arenas_explain(frame, arena_of_row(frame, list_selected_row(&list, frame->state)),
		               to);
	return list.row_count;
}

static bool copy_selected(const struct view_frame *frame, struct text *to)
{
	const struct malloc_state *ms = snapshot_malloc(frame->snap);
	struct list list = arena_list(frame);
	char name[TEXT_NUMBER], addr[TEXT_NUMBER], system[TEXT_NUMBER], in_use[TEXT_NUMBER];
	size_t i;

	if (!ms || !list.row_count)
		return false;
	i = arena_of_row(frame, list_selected_row(&list, frame->state));
	text_addf(to, "arena %s at %s system %s in use %s", arena_name(name, ms, i),
	          text_addr(addr, ms->arenas[i].addr), text_bytes(system, ms->arenas[i].system_mem),
	          figure_bytes(in_use, ms->arenas[i].in_use.bytes));
	return true;
}

/* Its newest heap: where top is. */
static bool place_of_selected(const struct view_frame *frame, uint64_t *ret_addr)
{
	const struct malloc_state *ms = snapshot_malloc(frame->snap);
	struct list list = arena_list(frame);
	const struct arena *arena;

	if (!ms || !list.row_count)
		return false;
	arena = &ms->arenas[arena_of_row(frame, list_selected_row(&list, frame->state))];
	if (arena->heap_count)
		*ret_addr = arena->heaps[arena->heap_count - 1].start;
	return arena->heap_count;
}

const struct view_ops view_arenas = {
	.id = VIEW_ARENAS,
	.key = '2',
	.title = "Arenas",
	.takes = TAKE_PROCESS | TAKE_VMAS | TAKE_HEADERS | TAKE_LISTS | TAKE_WALK | TAKE_MMAPPED |
	         TAKE_RESIDENCY,
	.prepare = arenas_prepare,
	.draw = arenas_draw,
	.status = arenas_status,
	.command = arenas_command,
	.explain = explain_selected,
	.copy = copy_selected,
	.place = place_of_selected,
};
