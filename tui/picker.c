/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/picker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/base/text.h"
#include "tui/app_private.h"
#include "tui/cli.h"
#include "tui/keymap.h"
#include "tui/view_rows.h"
#include "tui/widget_list.h"

enum { REFRESH_MS = 2000, DRAW_EVERY_MS = 33, WHEEL_ROWS = 3, FIRST_ROW = 3 };

enum column {
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

static const struct list_column columns[COLUMN_COUNT] = {
	[COLUMN_PID] = { .title = "pid", .width = 7, .rank = 0, .is_right = true },
	[COLUMN_USER] = { .title = "user", .width = 10, .rank = 3 },
	[COLUMN_RSS] = { .title = "RSS", .width = 10, .rank = 1, .is_right = true },
	[COLUMN_SWAP] = { .title = "swap", .width = 10, .rank = 4, .is_right = true },
	[COLUMN_SCORE] = { .title = "OOM score", .width = 9, .rank = 5, .is_right = true },
	[COLUMN_READ] = { .title = "malloc", .width = 6, .rank = 2 },
	[COLUMN_COMM] = { .title = "name", .width = 16, .rank = 0 },
	[COLUMN_CMDLINE] = { .title = "command line", .width = 12, .rank = 6, .grows = true },
};

struct picker {
	const struct picker_source *source;
	const struct picker_row *rows; /* the source's */
	uint32_t *order;               /* of the rows that are shown */
	size_t count, room;            /* all rows; space in `order` */
	size_t shown;
	struct view_state state;
	struct line_edit filter;
	enum column sort;
	bool sort_reversed;
	struct canvas canvas;
	struct theme theme;
	struct theme_problems problems;
	struct err error; /* of the last refresh; kind ERR_NONE: it went well */
	uint64_t refreshed_ns, drawn_ns;
	bool is_dirty, is_leaving;
	int signal;
	int32_t chosen;
};

/* --- rows ------------------------------------------------------------------------------------- */

static int compare_numbers(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

/* Texts and pids rise, amounts fall: what is looked for stands on top. */
static int by_column(const struct picker *p, const struct picker_row *a, const struct picker_row *b)
{
	switch (p->sort) {
	case COLUMN_USER:
		return strncmp(a->user, b->user, sizeof(a->user));
	case COLUMN_SWAP:
		return compare_numbers(b->swap_bytes, a->swap_bytes);
	case COLUMN_SCORE:
		return (b->oom_score > a->oom_score) - (b->oom_score < a->oom_score);
	case COLUMN_READ:
		return b->may_read - a->may_read;
	case COLUMN_COMM:
		return strncmp(a->comm, b->comm, sizeof(a->comm));
	case COLUMN_CMDLINE:
		return strncmp(a->cmdline, b->cmdline, sizeof(a->cmdline));
	case COLUMN_PID:
		return (a->pid > b->pid) - (a->pid < b->pid);
	case COLUMN_RSS:
	case COLUMN_COUNT:
		break;
	}
	return compare_numbers(b->rss_bytes, a->rss_bytes);
}

static int compare(const void *a, const void *b, void *ctx)
{
	const struct picker *p = ctx;
	uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;
	int result = by_column(p, &p->rows[i], &p->rows[k]);

	if (p->sort_reversed)
		result = -result;
	return result ? result : (i > k) - (i < k);
}

static bool matches(const struct picker_row *row, const char *needle)
{
	char pid[16];
	int len = snprintf(pid, sizeof(pid), "%d", row->pid);

	return view_contains(pid, (size_t)len, needle) ||
	       view_contains(row->comm, strnlen(row->comm, sizeof(row->comm)), needle) ||
	       view_contains(row->user, strnlen(row->user, sizeof(row->user)), needle) ||
	       view_contains(row->cmdline, strnlen(row->cmdline, sizeof(row->cmdline)), needle);
}

static void arrange(struct picker *p)
{
	p->shown = 0;
	for (uint32_t i = 0; i < p->count && i < p->room; i++) {
		if (!p->filter.len || matches(&p->rows[i], p->filter.text))
			p->order[p->shown++] = i;
	}
	qsort_r(p->order, p->shown, sizeof(*p->order), compare, p);
	p->is_dirty = true;
}

static void refresh(struct picker *p)
{
	const struct picker_row *rows;
	size_t count;
	uint32_t *order;

	p->refreshed_ns = app_now_ns();
	p->error.kind = ERR_NONE;
	if (p->source->refresh(p->source->ctx, &rows, &count, &p->error)) {
		p->rows = rows;
		p->count = count;
	}
	if (p->count > p->room) {
		order = reallocarray(p->order, p->count, sizeof(*order));
		if (order) {
			p->order = order;
			p->room = p->count;
		}
	}
	arrange(p);
}

/* --- drawing ---------------------------------------------------------------------------------- */

static const struct picker_row *row_at(const struct picker *p, size_t row)
{
	return &p->rows[p->order[row]];
}

static uint64_t row_key(const void *ctx, size_t row)
{
	return (uint64_t)row_at(ctx, row)->pid;
}

static void draw_raw(struct area cell, enum role role, const char *bytes, size_t size)
{
	char clean[256];

	draw_text(cell, 0, 0, role, text_clean(clean, sizeof(clean), bytes, strnlen(bytes, size)));
}

static void draw_cell(const void *ctx, size_t row, size_t column, struct area cell)
{
	const struct picker_row *r = row_at(ctx, row);
	enum role role = r->may_read ? ROLE_TEXT : ROLE_TEXT_DIM;
	char number[TEXT_NUMBER];

	switch ((enum column)column) {
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

static struct list list_of(const struct picker *p)
{
	return (struct list){ .columns = columns,
		              .column_count = COLUMN_COUNT,
		              .row_count = p->shown,
		              .empty = p->count ? "no process matches the filter" : "no processes",
		              .ctx = p,
		              .key = row_key,
		              .cell = draw_cell };
}

static int draw_filter(const struct picker *p, struct area row)
{
	char head[LINE_ROOM], cut[LINE_ROOM];
	int x = draw_text(row, 0, 0, ROLE_KEY, "filter: ");

	memcpy(cut, p->filter.text, sizeof(cut));
	memcpy(head, p->filter.text, p->filter.cursor);
	head[p->filter.cursor] = '\0';
	if (!p->filter.len)
		draw_text(row, x + 1, 0, ROLE_TEXT_DIM,
		          "type a part of a name, user, pid or command");
	else
		draw_text(row, x, 0, ROLE_TEXT_STRONG, cut);
	return x + text_columns(head);
}

static void draw_border(struct area screen, int y, const char *text)
{
	struct area row = area_part(screen, 2, y, screen.width - 4, 1);
	int x;

	draw_fill(row, 0, 0, 1, ROLE_FRAME, " ");
	x = 1 + draw_text(area_part(row, 1, 0, row.width - 2, 1), 0, 0,
	                  y ? ROLE_KEY_LABEL : ROLE_FRAME_TITLE, text);
	draw_fill(row, x, 0, 1, ROLE_FRAME, " ");
}

static void draw_list(struct picker *p, struct area screen)
{
	struct list list = list_of(p);
	struct area inside = area_part(screen, 1, 1, screen.width - 2, screen.height - 3);
	char right[80], error[sizeof(p->error.why) * 2];

	draw_frame(screen, ROLE_FRAME);
	draw_border(screen, 0, "heaptop: which process?");
	p->canvas.ascii = term_is_ascii();
	(void)snprintf(right, sizeof(right), "%zu of %zu · sorted by %s %s", p->shown, p->count,
	               columns[p->sort].title, p->sort_reversed ? "▲" : "▼");
	draw_divider(inside, 1, "processes", right);
	list_draw(&list, &p->state, area_part(inside, 0, FIRST_ROW - 1, -1, -1), true);
	if (p->error.kind != ERR_NONE) {
		(void)snprintf(error, sizeof(error), "%s: %s", p->error.what, p->error.why);
		draw_text(screen, 2, screen.height - 2, ROLE_STATUS_ERROR, error);
	} else if (p->shown && !row_at(p, list_selected_row(&list, &p->state))->may_read) {
		draw_text(screen, 2, screen.height - 2, ROLE_STATUS_WARN,
		          "its memory may not be read: only VMAs, commit and OOM as far as "
		          "permitted");
	}
	draw_border(screen, screen.height - 1,
	            "Enter Attach ─ ↑↓ PgUp PgDn Select ─ Tab Sort ─ Shift-Tab Invert ─ Esc Leave");
}

static void draw(struct picker *p)
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
	p->canvas.ascii = term_is_ascii();
	screen = canvas_area(&p->canvas);
	if (app_draw_too_small(screen)) {
		cursor = -1;
	} else {
		draw_list(p, screen);
		cursor = 2 + draw_filter(p, area_part(screen, 2, 1, screen.width - 4, 1));
	}
	term_show(&p->canvas, cursor, cursor < 0 ? -1 : 1);
	p->drawn_ns = app_now_ns();
	p->is_dirty = false;
}

/* --- keys and clicks -------------------------------------------------------------------------- */

static void choose(struct picker *p)
{
	struct list list = list_of(p);

	if (!p->shown)
		return;
	p->chosen = row_at(p, list_selected_row(&list, &p->state))->pid;
	p->is_leaving = true;
}

static void sort_by(struct picker *p, enum column column)
{
	p->sort_reversed = column == p->sort && !p->sort_reversed;
	p->sort = column;
	arrange(p);
}

static void move(struct picker *p, enum command_id command)
{
	struct list list = list_of(p);

	list_command(&list, &p->state, command);
}

static void escape(struct picker *p)
{
	if (!p->filter.len) {
		p->is_leaving = true;
		return;
	}
	line_set(&p->filter, "");
	arrange(p);
}

/* Keys that have a meaning here; false: the key belongs to the filter. */
static bool control_key(struct picker *p, uint32_t key)
{
	switch (key) {
	case KEYCODE_ENTER:
		choose(p);
		return true;
	case KEYCODE_ESC:
		escape(p);
		return true;
	case KEYCODE_CTRL('C'):
	case KEYCODE_F(10):
		p->is_leaving = true;
		return true;
	case KEYCODE_CTRL('Z'):
		term_suspend(true);
		return true;
	case KEYCODE_CTRL('L'):
		term_redraw();
		return true;
	case KEYCODE_TAB:
	case KEYCODE_F(6):
		p->sort_reversed = false;
		p->sort = (p->sort + 1) % COLUMN_COUNT;
		arrange(p);
		return true;
	case KEYCODE_BACKTAB:
		sort_by(p, p->sort);
		return true;
	default:
		return false;
	}
}

static void on_key(struct picker *p, uint32_t key)
{
	enum command_id command = keymap_command(key);

	p->is_dirty = true;
	if (control_key(p, key))
		return;
	/* Letters are the filter's, so only keys without a character move the selection. */
	if (key >= KEYCODE_UP && command >= CMD_UP && command <= CMD_LAST && !p->filter.len)
		move(p, command);
	else if (key >= KEYCODE_UP && command >= CMD_UP && command <= CMD_PAGE_DOWN)
		move(p, command);
	else if (key == 'q' && !p->filter.len)
		p->is_leaving = true;
	else if (line_key(&p->filter, key))
		arrange(p);
}

/* The column whose title stands at x: titles are found as they were drawn. */
static bool column_at(const struct picker *p, int x, enum column *ret)
{
	const struct cell *row = p->canvas.cells + (size_t)FIRST_ROW * (size_t)p->canvas.width;
	char line[512];
	struct text text = text_in(line, sizeof(line));
	int best = -1;

	for (int i = 0; i < p->canvas.width; i++)
		text_add(&text, row[i].utf8[0] && (unsigned char)row[i].utf8[0] < 0x80 ? row[i].utf8
		                                                                       : " ");
	for (size_t i = 0; i < COLUMN_COUNT; i++) {
		const char *found = strstr(line, columns[i].title);
		int at = found ? (int)(found - line) : -1;
		int end = at + (int)strlen(columns[i].title);

		if (at >= 0 && x >= at && x < end && at > best) {
			best = at;
			*ret = (enum column)i;
		}
	}
	return best >= 0;
}

static void on_mouse(struct picker *p, const struct event *event)
{
	int row = p->state.top_row + event->y - FIRST_ROW - 1;
	enum column column;

	p->is_dirty = true;
	if (event->action == MOUSE_WHEEL_UP || event->action == MOUSE_WHEEL_DOWN) {
		for (int i = 0; i < WHEEL_ROWS; i++)
			move(p, event->action == MOUSE_WHEEL_UP ? CMD_UP : CMD_DOWN);
	} else if (event->y == FIRST_ROW && column_at(p, event->x, &column)) {
		sort_by(p, column);
	} else if (event->y > FIRST_ROW && event->y < p->canvas.height - 2 && row >= 0 &&
	           (size_t)row < p->shown) {
		p->state.selected_row = row;
		p->state.selected = (uint64_t)row_at(p, (size_t)row)->pid;
		if (event->action == MOUSE_DOUBLE_CLICK)
			choose(p);
	}
}

static void on_event(struct picker *p, const struct event *event)
{
	switch (event->kind) {
	case EVENT_KEY:
		on_key(p, event->key);
		break;
	case EVENT_MOUSE:
		on_mouse(p, event);
		break;
	case EVENT_SUSPEND:
		term_suspend(false);
		p->is_dirty = true;
		break;
	case EVENT_RESIZE:
		p->is_dirty = true;
		break;
	case EVENT_LEAVE:
		p->is_leaving = true;
		p->signal = event->signal;
		break;
	case EVENT_NONE:
		break;
	}
}

/* --- the loop --------------------------------------------------------------------------------- */

static int until_ms(uint64_t then)
{
	uint64_t now = app_now_ns();

	return then <= now ? 0 : (int)((then - now) / 1000000 + 1);
}

static void loop(struct picker *p)
{
	while (!p->is_leaving) {
		uint64_t refresh_at = p->refreshed_ns + (uint64_t)REFRESH_MS * 1000000;
		uint64_t draw_at = p->drawn_ns + (uint64_t)DRAW_EVERY_MS * 1000000;
		struct event event;

		(void)term_wait(-1, until_ms(p->is_dirty ? draw_at : refresh_at));
		for (event = term_event(); event.kind != EVENT_NONE && !p->is_leaving;
		     event = term_event())
			on_event(p, &event);
		if (!until_ms(refresh_at))
			refresh(p);
		if (p->is_dirty && !until_ms(draw_at))
			draw(p);
	}
}

int picker_run(const struct app_options *options, const struct picker_source *source,
               int32_t *ret_pid)
{
	struct picker p = { .source = source, .sort = COLUMN_RSS };
	struct err err;

	*ret_pid = 0;
	if (!app_open_terminal(options, &p.theme, &p.problems, &err))
		return cli_fail(&err);
	refresh(&p);
	loop(&p);
	term_close();
	view_state_fini(&p.state);
	canvas_fini(&p.canvas);
	free(p.order);
	if (p.signal)
		return 128 + p.signal;
	*ret_pid = p.chosen;
	return 0;
}
