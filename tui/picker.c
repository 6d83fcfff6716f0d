/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/picker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/cli.h"
#include "tui/keymap.h"
#include "tui/picker_private.h"
#include "tui/view_rows.h"

enum { REFRESH_MS = 2000, DRAW_EVERY_MS = 33, WHEEL_ROWS = 3 };

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

/* --- keys and clicks -------------------------------------------------------------------------- */

static void choose(struct picker *p)
{
	struct list list = picker_list(p);

	if (!p->shown)
		return;
	p->chosen = picker_row_at(p, list_selected_row(&list, &p->state))->pid;
	p->is_leaving = true;
}

static void sort_by(struct picker *p, enum picker_column column)
{
	p->sort_reversed = column == p->sort && !p->sort_reversed;
	p->sort = column;
	arrange(p);
}

static void move(struct picker *p, enum command_id command)
{
	struct list list = picker_list(p);

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
	enum command_id command = keymap_command(VIEW_HELP, key);

	p->is_dirty = true;
	if (control_key(p, key))
		return;
	/* Letters are the filter's, and in a filter the keys that move inside a line. */
	if (key >= KEYCODE_UP && command >= CMD_UP && command <= CMD_LAST &&
	    (!p->filter.len || command <= CMD_PAGE_DOWN))
		move(p, command);
	else if (key == 'q' && !p->filter.len)
		p->is_leaving = true;
	else if (line_key(&p->filter, key))
		arrange(p);
}

static void on_mouse(struct picker *p, const struct event *event)
{
	int row = p->state.top_row + event->y - PICKER_TITLES - 1;
	enum picker_column column;

	p->is_dirty = true;
	if (event->action == MOUSE_WHEEL_UP || event->action == MOUSE_WHEEL_DOWN) {
		for (int i = 0; i < WHEEL_ROWS; i++)
			move(p, event->action == MOUSE_WHEEL_UP ? CMD_UP : CMD_DOWN);
	} else if (event->y == PICKER_TITLES && picker_column_at(p, event->x, &column)) {
		sort_by(p, column);
	} else if (event->y > PICKER_TITLES && event->y < p->canvas.height - 2 && row >= 0 &&
	           (size_t)row < p->shown) {
		p->state.selected_row = row;
		p->state.selected = (uint64_t)picker_row_at(p, (size_t)row)->pid;
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
			picker_draw(p);
	}
}

int picker_run(const struct app_options *options, const struct picker_source *source,
               int32_t *ret_pid)
{
	struct picker p = { .source = source, .config = &options->config, .sort = COLUMN_RSS };
	struct err err;

	*ret_pid = 0;
	if (!app_open_terminal(&options->config, &p.theme, &p.problems, &err))
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
