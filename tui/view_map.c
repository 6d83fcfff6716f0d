/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Heap map: a heap in cells, from gigabytes down to single chunks; the chunks of a place; the bytes of
 * a chunk. What it draws is a part of the snapshot that it asked for (model/facts/window.h): until the
 * answer is there it draws the coarser picture that it has, and says so.
 */
#include "tui/view_map.h"

#include <inttypes.h>
#include <stdio.h>

#include "model/base/units.h"
#include "model/facts/source.h"

enum { TWO_PANES = 100, THREE_PANES = 150, SCOPE_STEP = 1 << 20 };

/* --- what is shown ---------------------------------------------------------------------------- */

/* The heap that holds the address to go to, else the one shown before, else the first. */
static bool choose_scope(const struct malloc_state *ms, struct map_state *s, struct map_scope *ret)
{
	uint64_t wanted = s->jump ? s->jump : s->scope;
	size_t count = map_scope_count(ms);

	if (!wanted || map_scope_find(ms, wanted, ret) == count) {
		if (!map_scope_at(ms, 0, ret))
			return false;
		s->jump = 0;
	}
	if (s->scope != ret->start) {
		s->scope = ret->start;
		s->cell = 0;
		s->top = s->cursor = ret->start;
		s->mode = MAP_CELLS;
	}
	if (s->jump) {
		s->cursor = s->jump;
		s->mode = MAP_CELLS;
		s->wants_chunks = false;
		s->trail_len = 0;
	}
	s->jump = 0;
	return true;
}

/* A row of cells was clicked: its address is the item's, the cell in it told by the column. */
static void take_click(const struct map *map)
{
	struct view_state *state = map->frame->state;
	int column = state->clicked - 1 - MAP_ADDRESS;

	if (map->state->mode == MAP_CELLS && column >= 0 && column < map->state->columns)
		map->state->cursor = state->selected + (uint64_t)column * map->cell;
	state->clicked = 0;
}

static bool map_of(const struct view_frame *frame, struct map *ret)
{
	const struct malloc_state *ms = snapshot_malloc(frame->snap);
	const struct window *window = snapshot_window(frame->snap);
	struct map_state *s = &frame->state->map;

	*ret = (struct map){ .frame = frame, .ms = ms, .state = s };
	if (!ms || !choose_scope(ms, s, &ret->scope))
		return false;
	if (window && window->asked.scope_start == ret->scope.start)
		ret->window = window;
	ret->cell = s->cell ? s->cell : s->fit ? s->fit : MAP_CELL_LEAST;
	take_click(ret);
	return true;
}

void map_waiting(const struct map *map, char *to, size_t size)
{
	const struct process_facts *process = snapshot_process(map->frame->snap);

	if (process && (process->life == PROCESS_EXITED || process->life == PROCESS_ZOMBIE))
		(void)snprintf(to, size, "… not read before the process ended");
	else if (map->frame->is_paused)
		(void)snprintf(to, size, "… not read before the pause; Space goes on");
	else
		(void)snprintf(to, size, "… reading: needs a walk of every chunk");
}

/* --- geometry --------------------------------------------------------------------------------- */

/* The smallest power of two from a page on by which the heap fits. */
static uint64_t fitting_cell(const struct map_scope *scope, uint64_t room)
{
	uint64_t cell = MAP_CELL_LEAST;

	while (room && (scope->end - scope->start + cell - 1) / cell > room && cell < 1ull << 60)
		cell *= 2;
	return cell;
}

/* Keeps the cursor in the heap and on the screen; cells are counted from the heap's start. */
static void settle(struct map *map, int columns, int rows)
{
	struct map_state *s = map->state;
	uint64_t row, start = map->scope.start, last_row, cursor_row, top_row;

	s->columns = columns;
	s->rows = rows;
	s->fit = fitting_cell(&map->scope, (uint64_t)columns * (uint64_t)rows);
	if (s->cell >= s->fit)
		s->cell = 0;
	map->cell = s->cell ? s->cell : s->fit;
	row = map->cell * (uint64_t)columns;
	if (s->cursor < start || s->cursor >= map->scope.end)
		s->cursor = s->cursor < start ? start : map->scope.end - 1;
	s->cursor = start + (s->cursor - start) / map->cell * map->cell;
	last_row = (map->scope.end - 1 - start) / row;
	cursor_row = (s->cursor - start) / row;
	top_row = s->top > start ? (s->top - start) / row : 0;
	if (cursor_row < top_row)
		top_row = cursor_row;
	if (cursor_row >= top_row + (uint64_t)rows)
		top_row = cursor_row - (uint64_t)rows + 1;
	if (top_row + (uint64_t)rows > last_row + 1)
		top_row = last_row + 1 > (uint64_t)rows ? last_row + 1 - (uint64_t)rows : 0;
	s->top = start + top_row * row;
}

/* --- what is asked for ------------------------------------------------------------------------ */

/* All cells when they are few; else those on screen and two screens around. */
static void request_cells(const struct map *map, struct window_request *request)
{
	const struct map_state *s = map->state;
	uint64_t page = (uint64_t)s->columns * (uint64_t)s->rows * map->cell;
	uint64_t start = map->scope.start, step = page / 2 ? page / 2 : 1;

	request->cell = map->cell;
	request->start = start;
	request->end = request->scope_end;
	if ((request->end - start) / map->cell <= WINDOW_CELLS_MAX)
		return;
	/* in steps, so that moving by a row asks for nothing new */
	step = align_up(step, map->cell);
	request->start = start + (s->top - start) / step * step;
	request->start -= min_u64(request->start - start, step);
	request->end = min_u64(request->start + 5 * step, request->scope_end);
}

static void make_request(const struct map *map)
{
	struct window_request *request = &map->state->request;

	*request = (struct window_request){ .scope_start = map->scope.start };
	/* A heap that grows is not asked for anew with every page. */
	request->scope_end = align_up(map->scope.end, SCOPE_STEP);
	if (map->state->columns > 0 && map->state->rows > 0)
		request_cells(map, request);
	if (map->state->wants_chunks) {
		map_request_chunks(map, request);
	} else if (map_shows_chunks(map)) {
		request->chunks_at = map->state->top;
		request->chunks_before = 1;
		request->chunks_max = WINDOW_CHUNKS_MAX;
	}
	if (map->state->mode == MAP_BYTES)
		map_request_bytes(map, request);
	map->state->has_request = true;
}

/* --- drawing ---------------------------------------------------------------------------------- */

static void title_of(const struct map *map, char *to, size_t size)
{
	char name[MAP_SCOPE_NAME], a[TEXT_NUMBER], b[TEXT_NUMBER], bytes[TEXT_NUMBER];

	(void)snprintf(to, size, "%s · %s-%s · %s", map_scope_name(name, map->ms, &map->scope),
	               text_addr(a, map->scope.start), text_addr(b, map->scope.end),
	               text_bytes(bytes, map->scope.end - map->scope.start));
}

/* "1 cell = 64 KiB": a power of two, so without a fraction. */
static void scale_of(const struct map *map, char *to, size_t size)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	uint64_t cell = map->cell;
	size_t unit = 0;

	while (cell >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		cell /= 1024;
		unit++;
	}
	(void)snprintf(to, size, "1 cell = %" PRIu64 " %s", cell, units[unit]);
}

enum lower { LOWER_CELL, LOWER_LEGEND, LOWER_CLASSES, LOWER_COUNT };

static void draw_lower(const struct map *map, enum lower which, struct area area)
{
	switch (which) {
	case LOWER_CELL:
		map_draw_cell(map, area);
		break;
	case LOWER_LEGEND:
		map_draw_legend(map, area);
		break;
	case LOWER_CLASSES:
	case LOWER_COUNT:
		map_draw_classes(map, area);
		break;
	}
}

static const char *const lower_titles[LOWER_COUNT] = {
	[LOWER_CELL] = "cell under the cursor",
	[LOWER_LEGEND] = "legend, share of the cell",
	[LOWER_CLASSES] = "size classes of the heap",
};

static void draw_lowers(const struct map *map, struct area area)
{
	struct view_state *state = map->frame->state;
	struct pane_pair pair;

	if (area.width >= THREE_PANES) {
		state->pane_count = 1;
		pair = pane_pair(area, area.width / 3, lower_titles[LOWER_LEGEND],
		                 lower_titles[LOWER_CELL]);
		map_draw_legend(map, pair.left);
		/* the divider is there: its second half gets the third title */
		area = area_part(area, area.width / 3 + 1, 0, -1, -1);
		pair = pane_pair(area, area.width / 2, lower_titles[LOWER_CELL],
		                 lower_titles[LOWER_CLASSES]);
		map_draw_cell(map, pair.left);
		map_draw_classes(map, pair.right);
	} else if (area.width >= TWO_PANES) {
		enum lower right = state->pane % 2 ? LOWER_CLASSES : LOWER_CELL;

		state->pane_count = 2;
		pair = pane_pair(area, (area.width - 2) / 2, lower_titles[LOWER_LEGEND],
		                 lower_titles[right]);
		map_draw_legend(map, pair.left);
		draw_lower(map, right, pair.right);
	} else {
		enum lower which = (enum lower)(state->pane % LOWER_COUNT);

		state->pane_count = LOWER_COUNT;
		draw_lower(map, which,
		           pane_area(area, lower_titles[which],
		                     which == LOWER_CELL     ? "Tab: legend"
		                     : which == LOWER_LEGEND ? "Tab: sizes"
		                                             : "Tab: cell"));
	}
}

static int lower_height(int height)
{
	if (height < 14)
		return 0;
	return height >= 40 ? 12 : height >= 26 ? 8 : 7;
}

static void draw_cells(struct map *map, struct area area)
{
	int lower = lower_height(area.height), columns = area.width - MAP_ADDRESS - 1;
	struct area upper = take_rows(&area, area.height - lower);
	char title[160], right[48];

	settle(map, columns > 0 ? columns : 1, upper.height > 2 ? upper.height - 2 : 1);
	title_of(map, title, sizeof(title));
	scale_of(map, right, sizeof(right));
	map_draw_cells(map, pane_area(upper, title, right));
	if (lower)
		draw_lowers(map, area);
}

static void map_draw(const struct view_frame *frame, struct area area)
{
	struct map map;
	char why[400];

	malloc_absence(frame->snap, why, sizeof(why));
	frame->state->pane_count = 1;
	frame->state->map.has_request = false;
	if (why[0] || !map_of(frame, &map)) {
		if (!why[0])
			(void)snprintf(why, sizeof(why),
			               "malloc has no memory yet: no heap to draw");
		(void)draw_wrapped(pane_area(area, "heap map", NULL), 1, ROLE_TEXT, why);
		return;
	}
	switch ((enum map_mode)map.state->mode) {
	case MAP_CHUNKS:
		map_draw_chunks(&map, area);
		break;
	case MAP_BYTES:
		map_draw_bytes(&map, area);
		break;
	case MAP_CELLS:
		draw_cells(&map, area);
		break;
	}
	make_request(&map);
}

/* --- commands, Enter and Esc ------------------------------------------------------------------ */

static bool map_command(const struct view_frame *frame, enum command_id command)
{
	struct map map;

	if (!map_of(frame, &map))
		return false;
	if (map_any_command(&map, command))
		return true;
	switch ((enum map_mode)map.state->mode) {
	case MAP_CHUNKS:
		return map_chunks_command(&map, command);
	case MAP_BYTES:
		return map_bytes_command(&map, command);
	case MAP_CELLS:
		break;
	}
	return map_cells_command(&map, command);
}

/* Enter goes deeper inside this view: from a cell to chunks, to bytes, along a pointer. */
static bool map_open(const struct view_frame *frame, struct view_target *ret)
{
	struct map map;

	if (!map_of(frame, &map))
		return false;
	switch ((enum map_mode)map.state->mode) {
	case MAP_CELLS:
		map_open_chunks(&map);
		break;
	case MAP_CHUNKS:
		if (!frame->state->selected || !map.window || !map.window->chunk_count) {
			(void)snprintf(frame->state->note, sizeof(frame->state->note),
			               "the chunks are still being read");
			break;
		}
		map_open_bytes(map.state, frame->state->selected, 0);
		break;
	case MAP_BYTES:
		if (!map_follow(&map))
			return false;
		break;
	}
	*ret = (struct view_target){ VIEW_MAP, frame->state->selected };
	return true;
}

static bool map_back(const struct view_frame *frame)
{
	struct map_state *s = &frame->state->map;

	if (s->mode == MAP_BYTES && s->trail_len) {
		const struct map_place *place = &s->trail[--s->trail_len];

		map_open_bytes(s, place->chunk, place->word);
		return true;
	}
	if (s->mode == MAP_BYTES) {
		s->mode = MAP_CHUNKS;
		return true;
	}
	if (s->mode == MAP_CHUNKS) {
		s->mode = MAP_CELLS;
		s->wants_chunks = false;
		return true;
	}
	return false;
}

/* Enter that leads nowhere: on a word among bytes. */
static bool map_explain(const struct view_frame *frame, struct view_words *to)
{
	struct map map;

	return map_of(frame, &map) && map.state->mode == MAP_BYTES && map_explain_word(&map, to);
}

static bool map_wants(const struct view_frame *frame, struct window_request *ret)
{
	*ret = frame->state->map.request;
	return frame->state->map.has_request;
}

static void map_status(const struct view_frame *frame, char *to, size_t size)
{
	struct map map;

	if (!map_of(frame, &map))
		return;
	if (!map.window) {
		map_waiting(&map, to, size);
		return;
	}
	if (map.window->chunks_lost)
		(void)snprintf(to, size, "%" PRIu64 " chunks found no room here: shown as ?",
		               map.window->chunks_lost);
	else if (map.state->mode == MAP_CELLS)
		map_short_legend(&map, to, size);
}

static bool map_copy(const struct view_frame *frame, struct text *to)
{
	struct map map;
	char addr[TEXT_NUMBER];

	if (!map_of(frame, &map))
		return false;
	text_add(to, text_addr(addr, map.state->mode == MAP_CELLS    ? map.state->cursor
	                             : map.state->mode == MAP_CHUNKS ? frame->state->selected
	                                                             : map.state->word));
	return true;
}

const struct view_ops view_map = {
	.id = VIEW_MAP,
	.key = '3',
	.title = "Heap map",
	.tab = "Map",
	.enter = "Open",
	.takes = TAKE_PROCESS | TAKE_VMAS | TAKE_HEADERS | TAKE_LISTS | TAKE_WALK | TAKE_MMAPPED |
	         TAKE_RESIDENCY,
	.draw = map_draw,
	.status = map_status,
	.command = map_command,
	.open = map_open,
	.explain = map_explain,
	.copy = map_copy,
	.back = map_back,
	.wants = map_wants,
};
