/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_PICKER_PRIVATE_H
#define HEAPTOP_TUI_PICKER_PRIVATE_H

/** The picker's state; for picker*.c alone. */
#include "tui/app_private.h"
#include "tui/line_edit.h"
#include "tui/picker.h"
#include "tui/widget_list.h"

enum { PICKER_TITLES = 3 }; /* the row of the column titles */

enum picker_column {
	COLUMN_PID,
	COLUMN_USER,
	COLUMN_RSS,
	COLUMN_SWAP,
	COLUMN_SCORE,
	COLUMN_READ,
	COLUMN_COMM,
	COLUMN_CMDLINE,
	COLUMN_COUNT
};

struct picker {
	const struct picker_source *source;
	const struct config *config;
	const struct picker_row *rows; /* the source's */
	uint32_t *order;               /* of the rows that are shown */
	size_t count, room;            /* all rows; space in `order` */
	size_t shown;
	struct view_state state;
	struct line_edit filter;
	enum picker_column sort;
	bool sort_reversed;
	struct canvas canvas;
	struct theme theme;
	struct file_problems problems;
	struct err error; /* of the last refresh; kind ERR_NONE: it went well */
	uint64_t refreshed_ns, drawn_ns;
	bool is_dirty, is_leaving;
	int signal;
	int32_t chosen;
};

static inline const struct picker_row *picker_row_at(const struct picker *picker, size_t row)
{
	return &picker->rows[picker->order[row]];
}

extern const struct list_column picker_columns[COLUMN_COUNT];

/* --- picker_draw.c ---------------------------------------------------------------------------- */

/** The rows on show, in their order. */
struct list picker_list(const struct picker *picker);
void picker_draw(struct picker *picker);
/** The column whose title was drawn at x; false: none. */
bool picker_column_at(const struct picker *picker, int x, enum picker_column *ret);

#endif
