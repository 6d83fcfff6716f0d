/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The heap map's list of chunks: what each is, and what lies before and after it. */
#include <inttypes.h>
#include <stdio.h>

#include "model/base/units.h"
#include "tui/view_map.h"
#include "tui/view_rows.h"
#include "tui/widget_list.h"

/* The list slides along with the selection, so that it may be as long as the heap. */
enum { LIST_BEFORE = 256, LIST_ALL = 1024, LIST_MARGIN = 96 };

/* --- words ------------------------------------------------------------------------------------ */

const char *map_state_word(enum chunk_state state)
{
	static const char *const words[CHUNK_STATE_COUNT] = {
		[CHUNK_IN_USE] = "in use",   [CHUNK_FREE] = "free", [CHUNK_FAST] = "fastbin",
		[CHUNK_TCACHE] = "tcache",   [CHUNK_TOP] = "top",   [CHUNK_FENCEPOST] = "fencepost",
		[CHUNK_MMAPPED] = "mmapped",
	};

	return state < CHUNK_STATE_COUNT ? words[state] : "?";
}

enum role map_state_role(enum chunk_state state)
{
	static const enum role roles[CHUNK_STATE_COUNT] = {
		[CHUNK_IN_USE] = ROLE_HEAP_USED,     [CHUNK_FREE] = ROLE_HEAP_FREE,
		[CHUNK_FAST] = ROLE_HEAP_FREE_FAST,  [CHUNK_TCACHE] = ROLE_HEAP_USED_TCACHE,
		[CHUNK_TOP] = ROLE_HEAP_TOP,         [CHUNK_FENCEPOST] = ROLE_TEXT_DIM,
		[CHUNK_MMAPPED] = ROLE_HEAP_MMAPPED,
	};

	return state < CHUNK_STATE_COUNT ? roles[state] : ROLE_HEAP_UNKNOWN;
}

char *map_bin_word(char buf[TEXT_NUMBER], const struct window_chunk *chunk)
{
	switch (chunk->bin) {
	case WINDOW_BIN_NONE:
		(void)snprintf(buf, TEXT_NUMBER, "-");
		break;
	case WINDOW_BIN_UNKNOWN:
		(void)snprintf(buf, TEXT_NUMBER, "?");
		break;
	case WINDOW_BIN_TCACHE:
		(void)snprintf(buf, TEXT_NUMBER, "tcache %u", chunk->bin_index);
		break;
	case WINDOW_BIN_FAST:
		(void)snprintf(buf, TEXT_NUMBER, "fast %u", chunk->bin_index);
		break;
	case WINDOW_BIN_UNSORTED:
		(void)snprintf(buf, TEXT_NUMBER, "unsorted");
		break;
	case WINDOW_BIN_SMALL:
		(void)snprintf(buf, TEXT_NUMBER, "small %u", chunk->bin_index);
		break;
	case WINDOW_BIN_LARGE:
		(void)snprintf(buf, TEXT_NUMBER, "large %u", chunk->bin_index);
		break;
	}
	return buf;
}

char *map_flag_word(char buf[TEXT_NUMBER], const struct window_chunk *chunk)
{
	if (!chunk->has_header)
		(void)snprintf(buf, TEXT_NUMBER, "?");
	else
		(void)snprintf(buf, TEXT_NUMBER, "%s%s%s%s", chunk->raw & 1 ? "P" : "",
		               chunk->raw & 2 ? "M" : "", chunk->raw & 4 ? "A" : "",
		               chunk->raw & 7 ? "" : "-");
	return buf;
}

/* --- the list --------------------------------------------------------------------------------- */

enum column {
	COL_ADDR,
	COL_SIZE,
	COL_STATE,
	COL_BIN,
	COL_FLAGS,
	COL_ARENA,
	COL_BEFORE,
	COL_AFTER,
	COL_COUNT
};

static const struct list_column columns[COL_COUNT] = {
	[COL_ADDR] = { .title = "address", .width = 12 },
	[COL_SIZE] = { .title = "size B", .width = 13, .is_right = true },
	[COL_STATE] = { .title = "state", .width = 9 },
	[COL_BIN] = { .title = "bin", .width = 10, .rank = 1 },
	[COL_FLAGS] = { .title = "flags", .width = 5, .rank = 3 },
	[COL_ARENA] = { .title = "arena", .width = 6, .rank = 5 },
	[COL_BEFORE] = { .title = "before it", .width = 24, .rank = 4 },
	[COL_AFTER] = { .title = "after it", .width = 24, .rank = 2, .grows = true },
};

static uint64_t key(const void *ctx, size_t row)
{
	const struct map *map = ctx;

	return map->window->chunks[row].addr;
}

/* A neighbour, or the list's end; a gap is told as such. */
static void draw_neighbour(const struct map *map, size_t row, bool is_after, struct area cell)
{
	const struct window *w = map->window;
	const struct window_chunk *c = &w->chunks[row], *other = is_after ? c + 1 : c - 1;
	bool at_end = is_after ? row + 1 >= w->chunk_count : row == 0;
	char size[TEXT_NUMBER];

	if (at_end)
		draw_text(cell, 0, 0, ROLE_TEXT_DIM,
		          (is_after ? w->has_after : w->has_before) ? "…"
		          : c->state == CHUNK_MMAPPED || !is_after  ? "-"
		                                                    : "the heap's end");
	else if (is_after ? c->addr + c->size != other->addr : other->addr + other->size != c->addr)
		draw_text(cell, 0, 0, ROLE_STATUS_WARN, "a gap");
	else
		draw_textf(cell, 0, 0, map_state_role(other->state), "%s %s B",
		           map_state_word(other->state), text_count(size, other->size));
}

static void draw_cell(const void *ctx, size_t row, size_t column, struct area cell)
{
	const struct map *map = ctx;
	const struct window_chunk *c = &map->window->chunks[row];
	char text[TEXT_NUMBER];

	switch ((enum column)column) {
	case COL_ADDR:
		draw_text(cell, 0, 0, ROLE_ADDRESS, text_addr(text, c->addr));
		break;
	case COL_SIZE:
		draw_right(cell, cell.width, 0, ROLE_NUMBER, text_count(text, c->size));
		break;
	case COL_STATE:
		draw_text(cell, 0, 0, map_state_role(c->state), map_state_word(c->state));
		break;
	case COL_BIN:
		draw_text(cell, 0, 0, ROLE_TEXT, map_bin_word(text, c));
		break;
	case COL_FLAGS:
		draw_text(cell, 0, 0, ROLE_TEXT, map_flag_word(text, c));
		break;
	case COL_ARENA:
		draw_text(cell, 0, 0, ROLE_TEXT,
		          c->arena < 0 ? "-" : arena_name(text, map->ms, (size_t)c->arena));
		break;
	case COL_BEFORE:
	case COL_AFTER:
	case COL_COUNT:
		draw_neighbour(map, row, column == COL_AFTER, cell);
		break;
	}
}

/* By address, size, state or bin. */
static bool matches(const void *ctx, size_t row, const char *needle)
{
	const struct map *map = ctx;
	const struct window_chunk *c = &map->window->chunks[row];
	char addr[TEXT_NUMBER], size[TEXT_NUMBER], bin[TEXT_NUMBER], line[160];
	int len = snprintf(line, sizeof(line), "%s %s %" PRIu64 " %s %s", text_addr(addr, c->addr),
	                   text_count(size, c->size), c->size, map_state_word(c->state),
	                   map_bin_word(bin, c));

	return view_contains(line, (size_t)len, needle);
}

static struct list list_of(const struct map *map)
{
	return (struct list){
		.columns = columns,
		.column_count = COL_COUNT,
		.row_count = map->window ? map->window->chunk_count : 0,
		.empty = "no chunk here",
		.ctx = map,
		.key = key,
		.cell = draw_cell,
		.matches = matches,
	};
}

/* True when the list on hand is the one around the anchor. */
static bool is_answered(const struct map *map)
{
	return map->window && map->window->asked.chunks_max &&
	       map->window->asked.chunks_at == map->state->anchor;
}

static size_t row_of(const struct window *w, uint64_t addr)
{
	size_t row = 0;

	while (row + 1 < w->chunk_count && w->chunks[row].addr + w->chunks[row].size <= addr)
		row++;
	return row;
}

/* The answer to a jump is there: its chunk becomes the selected one. */
static void land(const struct map *map)
{
	struct view_state *state = map->frame->state;
	const struct window *w = map->window;
	size_t row;

	if (!map->state->is_seeking || !is_answered(map) || !w->chunk_count)
		return;
	row = row_of(w, map->state->anchor);
	state->selected = w->chunks[row].addr;
	state->selected_row = (int)row;
	state->top_row = (int)row;
	map->state->is_seeking = false;
}

/* Near an end of the list that is not the heap's the next request is around the selection. */
static void slide(const struct map *map)
{
	const struct view_state *state = map->frame->state;
	const struct window *w = map->window;
	size_t row;

	if (!is_answered(map) || map->state->is_seeking || !w->chunk_count)
		return;
	row = row_of(w, state->selected);
	if ((w->has_before && row < LIST_MARGIN) ||
	    (w->has_after && row + LIST_MARGIN >= w->chunk_count))
		map->state->anchor = state->selected;
}

void map_request_chunks(const struct map *map, struct window_request *request)
{
	slide(map);
	request->chunks_at = map->state->anchor;
	request->chunks_before = LIST_BEFORE;
	request->chunks_max = LIST_ALL;
}

void map_draw_chunks(const struct map *map, struct area area)
{
	struct list list = list_of(map);
	char name[MAP_SCOPE_NAME], title[120], text[120];
	struct area inside;

	(void)snprintf(title, sizeof(title), "chunks · %s",
	               map_scope_name(name, map->ms, &map->scope));
	inside = pane_area(area, title, "Enter: bytes   Esc: map");
	if (!map->window || !map->window->asked.chunks_max) {
		map_waiting(map, text, sizeof(text));
		(void)draw_wrapped(inside, 0, ROLE_TEXT_DIM, text);
		return;
	}
	land(map);
	list_draw(&list, map->frame->state, inside, true);
}

static bool jump(const struct map *map, uint64_t addr)
{
	map->state->anchor = addr;
	map->state->is_seeking = true;
	return true;
}

bool map_chunks_command(const struct map *map, enum command_id command)
{
	struct list list = list_of(map);

	if (command == CMD_FIRST)
		return jump(map, map->scope.start);
	if (command == CMD_LAST)
		return jump(map, map->scope.end - 1);
	if (!list.row_count)
		return false;
	if (list_command(&list, map->frame->state, command)) {
		map->state->cursor = map->frame->state->selected;
		return true;
	}
	return false;
}
