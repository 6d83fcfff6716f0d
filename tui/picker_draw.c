/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "model/base/text.h"
#include "tui/picker_private.h"

const struct list_column picker_columns[COLUMN_COUNT] = {
	[COLUMN_PID] = { .title = "pid", .width = 7, .rank = 0, .is_right = true },
	[COLUMN_USER] = { .title = "user", .width = 10, .rank = 3 },
	[COLUMN_RSS] = { .title = "RSS", .width = 10, .rank = 1, .is_right = true },
	[COLUMN_SWAP] = { .title = "swap", .width = 10, .rank = 5, .is_right = true },
	[COLUMN_SCORE] = { .title = "OOM score", .width = 9, .rank = 6, .is_right = true },
	[COLUMN_READ] = { .title = "malloc", .width = 6, .rank = 2 },
	[COLUMN_COMM] = { .title = "name", .width = 16, .rank = 0 },
	[COLUMN_CMDLINE] = { .title = "command line", .width = 24, .rank = 4, .grows = true },
};

/* --- drawing ---------------------------------------------------------------------------------- */

static uint64_t row_key(const void *ctx, size_t row)
{
	return (uint64_t)picker_row_at(ctx, row)->pid;
}

static void draw_raw(struct area cell, enum role role, const char *bytes, size_t size)
{
	char clean[256];

	draw_text(cell, 0, 0, role, text_clean(clean, sizeof(clean), bytes, strnlen(bytes, size)));
}

static void draw_cell(const void *ctx, size_t row, size_t column, struct area cell)
{
	const struct picker_row *r = picker_row_at(ctx, row);
	enum role role = r->may_read ? ROLE_TEXT : ROLE_TEXT_DIM;
	char number[TEXT_NUMBER];

	switch ((enum picker_column)column) {
	case COLUMN_PID:
		(void)snprintf(number, sizeof(number), "%d", r->pid);
		draw_right(cell, cell.width, 0, role, number);
		break;
	case COLUMN_USER:
		draw_raw(cell, role, r->user, sizeof(r->user));
		break;
	case COLUMN_RSS:
		draw_right(cell, cell.width, 0, role, text_bytes(number, r->rss_bytes));
		break;
	case COLUMN_SWAP:
		draw_right(cell, cell.width, 0, role,
		           r->swap_bytes ? text_bytes(number, r->swap_bytes) : "-");
		break;
	case COLUMN_SCORE:
		draw_right(cell, cell.width, 0, role, text_signed(number, r->oom_score));
		break;
	case COLUMN_READ:
		draw_text(cell, 0, 0, r->may_read ? ROLE_STATUS_OK : ROLE_TEXT_DIM,
		          r->may_read ? "yes" : "no");
		break;
	case COLUMN_COMM:
		draw_raw(cell, r->may_read ? ROLE_TEXT_STRONG : role, r->comm, sizeof(r->comm));
		break;
	case COLUMN_CMDLINE:
		draw_raw(cell, ROLE_TEXT_DIM, r->cmdline, sizeof(r->cmdline));
		break;
	case COLUMN_COUNT:
		break;
	}
}

struct list picker_list(const struct picker *p)
{
	return (struct list){ .columns = picker_columns,
		              .column_count = COLUMN_COUNT,
		              .row_count = p->shown,
		              .empty = p->count ? "no process matches the filter" : "no processes",
		              .ctx = p,
		              .key = row_key,
		              .cell = draw_cell };
}

/* Returns the cursor's column. */
static int draw_filter(const struct picker *p, struct area row)
{
	char head[LINE_ROOM];
	int x = draw_text(row, 0, 0, ROLE_KEY, "filter: ");

	if (!p->filter.len)
		draw_text(row, x + 1, 0, ROLE_TEXT_DIM,
		          "type a part of a name, user, pid or command");
	draw_text(row, x, 0, ROLE_TEXT_STRONG, p->filter.text);
	memcpy(head, p->filter.text, p->filter.cursor);
	head[p->filter.cursor] = '\0';
	return x + text_columns(head);
}

static void draw_title(struct area screen)
{
	int x = draw_text(screen, 2, 0, ROLE_FRAME_TITLE, " heaptop: which process?");

	draw_fill(screen, 2 + x, 0, 1, ROLE_FRAME, " ");
}

static void draw_hints(struct area screen)
{
	static const struct {
		const char *key, *label;
	} hints[] = {
		{ "Enter", "Attach" },     { "↑↓ PgUp PgDn", "Select" }, { "Tab", "Sort" },
		{ "Shift-Tab", "Invert" }, { "Esc", "Leave" },
	};
	struct area row = area_part(screen, 2, screen.height - 1, screen.width - 4, 1);
	int x = 0;

	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
		int columns = text_columns(hints[i].key) + text_columns(hints[i].label) + 3;

		if (x + columns > row.width)
			return;
		draw_fill(row, x, 0, columns, ROLE_FRAME, " ");
		x += 1 + draw_text(row, x + 1, 0, ROLE_KEY, hints[i].key);
		x += 1 + draw_text(row, x + 1, 0, ROLE_KEY_LABEL, hints[i].label);
		x += 2;
	}
}

static void draw_list(struct picker *p, struct area screen)
{
	struct list list = picker_list(p);
	struct area inside = area_part(screen, 1, 1, screen.width - 2, screen.height - 3);
	char right[80], error[sizeof(p->error.why) * 2];

	draw_frame(screen, ROLE_FRAME);
	draw_title(screen);
	(void)snprintf(right, sizeof(right), "%zu of %zu · sorted by %s %s", p->shown, p->count,
	               picker_columns[p->sort].title, p->sort_reversed ? "▲" : "▼");
	draw_divider(inside, 1, "processes", right);
	list_draw(&list, &p->state, area_part(inside, 0, PICKER_TITLES - 1, -1, -1), true);
	if (p->error.kind != ERR_NONE) {
		(void)snprintf(error, sizeof(error), "%s: %s", p->error.what, p->error.why);
		draw_text(screen, 2, screen.height - 2, ROLE_STATUS_ERROR, error);
	} else if (p->shown && !picker_row_at(p, list_selected_row(&list, &p->state))->may_read) {
		draw_text(screen, 2, screen.height - 2, ROLE_STATUS_WARN,
		          "its memory may not be read: only VMAs, commit and OOM as far as "
		          "permitted");
	}
	draw_hints(screen);
}

void picker_draw(struct picker *p)
{
	struct area screen;
	int width, height, cursor = -1;

	term_size(&width, &height);
	if (width != p->canvas.width || height != p->canvas.height) {
		canvas_fini(&p->canvas);
		if (!canvas_init(&p->canvas, width, height))
			return;
	}
	canvas_clear(&p->canvas);
	canvas_use_symbols(&p->canvas, app_symbols(p->config));
	screen = canvas_area(&p->canvas);
	if (!app_draw_too_small(screen)) {
		draw_list(p, screen);
		cursor = 2 + draw_filter(p, area_part(screen, 2, 1, screen.width - 4, 1));
	}
	term_show(&p->canvas, cursor, cursor < 0 ? -1 : 1);
	p->drawn_ns = app_now_ns();
	p->is_dirty = false;
}

/* The column whose title stands at x: titles are found as they were drawn. */
bool picker_column_at(const struct picker *p, int x, enum picker_column *ret)
{
	const struct cell *row = p->canvas.cells + (size_t)PICKER_TITLES * (size_t)p->canvas.width;
	char line[512];
	struct text text = text_in(line, sizeof(line));
	int best = -1;

	for (int i = 0; i < p->canvas.width; i++)
		text_add(&text, row[i].utf8[0] && (unsigned char)row[i].utf8[0] < 0x80 ? row[i].utf8
		                                                                       : " ");
	for (size_t i = 0; i < COLUMN_COUNT; i++) {
		const char *found = strstr(line, picker_columns[i].title);
		int at = found ? (int)(found - line) : -1;
		int end = at + (int)strlen(picker_columns[i].title);

		if (at >= 0 && x >= at && x < end && at > best) {
			best = at;
			*ret = (enum picker_column)i;
		}
	}
	return best >= 0;
}
