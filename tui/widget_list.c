/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/widget_list.h"

#include <stdio.h>

enum { MARGIN_LEFT = 3, MARGIN_RIGHT = 1, GAP_WIDE = 2, GAP_NARROW = 1 };

static int min_int(int a, int b)
{
	return a < b ? a : b;
}

/* Where each column is drawn; width 0: dropped. */
struct layout {
	int x[LIST_COLUMNS_MAX], width[LIST_COLUMNS_MAX];
};

static int needed(const struct list *list, const bool *dropped, int gap)
{
	int sum = MARGIN_LEFT + MARGIN_RIGHT - gap;

	for (size_t i = 0; i < list->column_count; i++) {
		if (!dropped[i])
			sum += list->columns[i].width + gap;
	}
	return sum;
}

/* Drops the column that can best be done without; false when only those of rank 0 are left. */
static bool drop_one(const struct list *list, bool *dropped)
{
	size_t worst = list->column_count;

	for (size_t i = 0; i < list->column_count; i++) {
		if (dropped[i] || !list->columns[i].rank)
			continue;
		if (worst == list->column_count ||
		    list->columns[i].rank > list->columns[worst].rank)
			worst = i;
	}
	if (worst == list->column_count)
		return false;
	dropped[worst] = true;
	return true;
}

static struct layout lay_out(const struct list *list, int width)
{
	bool dropped[LIST_COLUMNS_MAX] = { false };
	struct layout layout = { 0 };
	int gap = GAP_WIDE, x = MARGIN_LEFT, spare;

	for (size_t i = 0; i < list->column_count; i++)
		dropped[i] = list->hidden_columns & UINT32_C(1) << i;
	while (needed(list, dropped, gap) > width) {
		if (gap == GAP_WIDE)
			gap = GAP_NARROW;
		else if (drop_one(list, dropped))
			gap = GAP_WIDE;
		else
			break;
	}
	spare = width - needed(list, dropped, gap);
	for (size_t i = 0; i < list->column_count; i++) {
		if (dropped[i])
			continue;
		layout.x[i] = x;
		layout.width[i] = list->columns[i].width;
		if (list->columns[i].grows && spare > 0)
			layout.width[i] += spare;
		x += layout.width[i] + gap;
	}
	return layout;
}

static void draw_titles(const struct list *list, const struct layout *layout, struct area area)
{
	for (size_t i = 0; i < list->column_count; i++) {
		const struct list_column *column = &list->columns[i];
		struct area cell = area_part(area, layout->x[i], 0, layout->width[i], 1);

		if (!layout->width[i])
			continue;
		if (column->is_right)
			draw_right(cell, cell.width, 0, ROLE_TEXT_DIM, column->title);
		else
			draw_text(cell, 0, 0, ROLE_TEXT_DIM, column->title);
	}
}

static void draw_row(const struct list *list, const struct layout *layout, size_t row,
                     struct area line)
{
	for (size_t i = 0; i < list->column_count; i++) {
		if (layout->width[i])
			list->cell(list->ctx, row, i,
			           area_part(line, layout->x[i], 0, layout->width[i], 1));
	}
}

size_t list_selected_row(const struct list *list, const struct view_state *state)
{
	size_t guess = state->selected_row > 0 ? (size_t)state->selected_row : 0;

	if (!list->row_count || !state->selected)
		return 0;
	if (guess >= list->row_count)
		guess = list->row_count - 1;
	if (list->key(list->ctx, guess) == state->selected)
		return guess;
	for (size_t row = 0; row < list->row_count; row++) {
		if (list->key(list->ctx, row) == state->selected)
			return row;
	}
	return guess;
}

/* Settles which row is selected, and scrolls so that it is seen. */
static void follow(const struct list *list, struct view_state *state, int page_rows)
{
	int count = (int)list->row_count, row = (int)list_selected_row(list, state);
	int last_top = count > page_rows ? count - page_rows : 0;

	state->row_count = count;
	state->page_rows = page_rows;
	state->selected_row = row;
	/* The object is gone: its neighbour takes over. */
	if (state->selected && count)
		state->selected = list->key(list->ctx, (size_t)row);
	if (state->top_row > row)
		state->top_row = row;
	if (state->top_row < row - page_rows + 1)
		state->top_row = row - page_rows + 1;
	if (state->top_row > last_top)
		state->top_row = last_top;
	if (state->top_row < 0)
		state->top_row = 0;
}

void list_draw(const struct list *list, struct view_state *state, struct area area, bool has_focus)
{
	struct layout layout = lay_out(list, area.width);
	bool has_total = list->has_total && area.height > 3 && list->row_count;
	int page_rows = area.height - 1 - has_total;

	if (page_rows < 1 || area.width < 1)
		return;
	follow(list, state, page_rows);
	draw_titles(list, &layout, area);
	if (!list->row_count && list->empty)
		draw_text(area, MARGIN_LEFT, 1, ROLE_TEXT_DIM, list->empty);
	if (has_total)
		draw_row(list, &layout, LIST_TOTAL,
		         area_part(area, 0, 1 + min_int(page_rows, state->row_count), -1, 1));
	for (int i = 0; i < page_rows && state->top_row + i < state->row_count; i++) {
		int row = state->top_row + i;
		struct area line = area_part(area, 0, 1 + i, -1, 1);

		draw_row(list, &layout, (size_t)row, line);
		if (state->item_count < VIEW_ITEMS)
			state->items[state->item_count++] =
			        (struct view_item){ list->key(list->ctx, (size_t)row), line.x,
				                    line.y, line.width };
		if (row == state->selected_row) {
			draw_role(line, 0, 0, line.width,
			          has_focus ? ROLE_SELECT : ROLE_SELECT_INACTIVE);
			draw_text(area_part(line, 1, 0, 1, 1), 0, 0,
			          has_focus ? ROLE_SELECT : ROLE_SELECT_INACTIVE, "▶");
		}
	}
}

static bool select_row(const struct list *list, struct view_state *state, int row)
{
	int count = (int)list->row_count;

	if (row >= count)
		row = count - 1;
	if (row < 0)
		row = 0;
	state->selected_row = row;
	state->selected = count ? list->key(list->ctx, (size_t)row) : 0;
	return true;
}

/* From the selected row on (`next`: from the one below it), round the end. */
static bool search(const struct list *list, struct view_state *state, bool next)
{
	size_t start = list_selected_row(list, state) + (next ? 1 : 0);

	if (!list->matches || !state->search[0])
		return false;
	for (size_t i = 0; i < list->row_count; i++) {
		size_t row = (start + i) % list->row_count;

		if (!list->matches(list->ctx, row, state->search))
			continue;
		if (start + i >= list->row_count)
			(void)snprintf(state->note, sizeof(state->note),
			               "search went on at the top");
		return select_row(list, state, (int)row);
	}
	(void)snprintf(state->note, sizeof(state->note), "nothing in this list contains it");
	return true;
}

bool list_command(const struct list *list, struct view_state *state, enum command_id command)
{
	int row = (int)list_selected_row(list, state);
	int page = state->page_rows > 1 ? state->page_rows - 1 : 1;

	switch ((int)command) {
	case CMD_UP:
		return select_row(list, state, row - 1);
	case CMD_DOWN:
		return select_row(list, state, row + 1);
	case CMD_PAGE_UP:
		return select_row(list, state, row - page);
	case CMD_PAGE_DOWN:
		return select_row(list, state, row + page);
	case CMD_FIRST:
		return select_row(list, state, 0);
	case CMD_LAST:
		return select_row(list, state, (int)list->row_count - 1);
	case CMD_SEARCH:
		return search(list, state, false);
	case CMD_SEARCH_NEXT:
		return search(list, state, true);
	default:
		return false;
	}
}
