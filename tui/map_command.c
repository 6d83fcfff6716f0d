/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What keys do in the heap map's cells: moving, zooming, other heaps, layers. */
#include <stdio.h>
#include <stdlib.h>

#include "model/base/units.h"
#include "tui/view_map.h"

enum { ZOOM = 4 };

static void move_cells(const struct map *map, int64_t cells)
{
	struct map_state *s = map->state;
	uint64_t index = (s->cursor - map->scope.start) / map->cell;
	uint64_t last = (map->scope.end - 1 - map->scope.start) / map->cell;

	if (cells < 0)
		index -= min_u64(index, (uint64_t)0 - (uint64_t)cells);
	else
		index = min_u64(index + (uint64_t)cells, last);
	s->cursor = map->scope.start + index * map->cell;
}

/* From the size that fits in steps of four to a page, and then to single chunks. */
static void zoom(const struct map *map, bool is_in)
{
	struct map_state *s = map->state;
	uint64_t page = (uint64_t)s->columns * (uint64_t)s->rows / 2;

	if (is_in && map->cell <= WINDOW_CELL_LEAST) {
		(void)snprintf(map->frame->state->note, sizeof(map->frame->state->note),
		               "this is the smallest cell: 16 bytes; Enter lists the chunks");
		return;
	}
	if (!is_in && !s->cell) {
		(void)snprintf(map->frame->state->note, sizeof(map->frame->state->note),
		               "this is the whole heap; < and > show others");
		return;
	}
	if (is_in)
		s->cell = map->cell <= MAP_CELL_LEAST ? WINDOW_CELL_LEAST
		                                      : max_u64(map->cell / ZOOM, MAP_CELL_LEAST);
	else
		s->cell = map->cell < MAP_CELL_LEAST ? MAP_CELL_LEAST : map->cell * ZOOM;
	if (s->cell >= s->fit)
		s->cell = 0;
	/* the cursor stays in the middle of what is shown */
	page *= s->cell ? s->cell : s->fit;
	s->top = s->cursor - min_u64(s->cursor - map->scope.start, page);
}

static void other_heap(const struct map *map, bool is_next)
{
	struct map_scope scope;
	size_t count = map_scope_count(map->ms), at;

	at = map_scope_find(map->ms, map->scope.start, &scope);
	at = is_next ? at + 1 : at + count - 1;
	if (map_scope_at(map->ms, at % count, &scope))
		map->state->jump = scope.start;
}

bool map_any_command(const struct map *map, enum command_id command)
{
	switch ((int)command) {
	case CMD_HEAP_NEXT:
		other_heap(map, true);
		return true;
	case CMD_HEAP_PREVIOUS:
		other_heap(map, false);
		return true;
	case CMD_LAYER_USE:
		map->state->layer = MAP_USE;
		return true;
	case CMD_LAYER_RESIDENT:
		map->state->layer = MAP_RESIDENT;
		return true;
	case CMD_LAYER_BIN:
		map->state->layer = MAP_BIN;
		return true;
	case CMD_LAYER_PAGE:
		map->state->layer = MAP_PAGE;
		return true;
	default:
		return false;
	}
}

void map_open_chunks(const struct map *map)
{
	struct map_state *s = map->state;

	s->mode = MAP_CHUNKS;
	s->wants_chunks = true;
	s->anchor = s->cursor;
	s->is_seeking = true;
	map->frame->state->selected_row = map->frame->state->top_row = 0;
}

/* In cells there is no text: what is searched for is an address, in whatever heap. */
static bool search_address(const struct map *map)
{
	struct view_state *state = map->frame->state;
	struct map_scope scope;
	char *end;
	uint64_t addr = strtoull(state->search, &end, 16);

	if (!state->search[0])
		return false;
	if (*end)
		(void)snprintf(state->note, sizeof(state->note),
		               "in the map an address is searched for, as 7f2a2c000030");
	else if (map_scope_find(map->ms, addr, &scope) == map_scope_count(map->ms))
		(void)snprintf(state->note, sizeof(state->note), "no heap of malloc's holds it");
	else
		map->state->jump = addr;
	return true;
}

bool map_cells_command(const struct map *map, enum command_id command)
{
	struct map_state *s = map->state;
	int64_t row = s->columns, page = row * (s->rows > 1 ? s->rows - 1 : 1);

	switch ((int)command) {
	case CMD_LEFT:
		move_cells(map, -1);
		return true;
	case CMD_RIGHT:
		move_cells(map, 1);
		return true;
	case CMD_UP:
		move_cells(map, -row);
		return true;
	case CMD_DOWN:
		move_cells(map, row);
		return true;
	case CMD_PAGE_UP:
		move_cells(map, -page);
		return true;
	case CMD_PAGE_DOWN:
		move_cells(map, page);
		return true;
	case CMD_FIRST:
		s->cursor = map->scope.start;
		return true;
	case CMD_LAST:
		move_cells(map, INT64_MAX);
		return true;
	case CMD_ZOOM_IN:
		zoom(map, true);
		return true;
	case CMD_ZOOM_OUT:
		zoom(map, false);
		return true;
	case CMD_SEARCH:
		return search_address(map);
	case CMD_CHUNKS:
		map_open_chunks(map);
		return true;
	case CMD_NEXT_PANE:
		if (map->frame->state->pane_count < 2)
			return false;
		map->frame->state->pane =
		        (uint8_t)((map->frame->state->pane + 1) % map->frame->state->pane_count);
		return true;
	default:
		return false;
	}
}
