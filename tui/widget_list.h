/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_WIDGET_LIST_H
#define HEAPTOP_TUI_WIDGET_LIST_H

/**
 * A table with one selected row. The selection follows the object, whatever row it moves to; only
 * the rows that are seen are drawn; columns drop by rank when there is no room for all.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/view.h"

struct list_column {
	const char *title;
	uint8_t width; /* cells, at least */
	uint8_t rank;  /* 0 always stays; the highest goes first */
	bool is_right; /* the title stands at the right edge, as the numbers below it */
	bool grows;    /* takes what is left */
};

enum { LIST_COLUMNS_MAX = 16 };

/* The row that cell() is asked for below the others: sums. */
#define LIST_TOTAL SIZE_MAX

struct list {
	const struct list_column *columns;
	size_t column_count; /* at most LIST_COLUMNS_MAX */
	size_t row_count;
	uint32_t hidden_columns; /* a bit for each that the user does not want */
	bool has_total;          /* the area's last row shows LIST_TOTAL, if there is room */
	const char *empty;       /* what to say when there is no row */
	const void *ctx;
	/** Identifies the object of a row; never 0. */
	uint64_t (*key)(const void *ctx, size_t row);
	/** Draws one cell; the area is the cell, one row high. */
	void (*cell)(const void *ctx, size_t row, size_t column, struct area cell);
	/** For search; NULL: nothing to be found. */
	bool (*matches)(const void *ctx, size_t row, const char *needle);
};

/** Draws title line and rows; keeps state's selected_row, top_row, page_rows and row_count. */
void list_draw(const struct list *list, struct view_state *state, struct area area, bool has_focus);

/** Moves the selection and searches; false: not a list's command. Says misses in state->note. */
bool list_command(const struct list *list, struct view_state *state, enum command_id command);

/** The row of the selected object, or the one that took its place; 0 in an empty list. */
size_t list_selected_row(const struct list *list, const struct view_state *state);

#endif
