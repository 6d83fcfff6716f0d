/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events: what happened in this run, newest first, and what the selected one means. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "model/facts/source.h"
#include "tui/clock_words.h"
#include "tui/event_words.h"
#include "tui/view_parts.h"
#include "tui/view_rows.h"
#include "tui/widget_list.h"

enum { DETAIL_ROWS = 5, LIST_LEAST = 6 };

enum column { COL_TIME, COL_AGE, COL_SIGN, COL_KIND, COL_TEXT, COL_COUNT };

static const struct list_column columns[COL_COUNT] = {
	[COL_TIME] = { .title = "time", .width = 8 },
	[COL_AGE] = { .title = "ago", .width = 7, .rank = 2, .is_right = true },
	[COL_SIGN] = { .title = " ", .width = 1 },
	[COL_KIND] = { .title = "event", .width = 14, .rank = 1 },
	[COL_TEXT] = { .title = "what happened", .width = 30, .grows = true },
};

enum sort { SORT_TIME, SORT_SEVERITY, SORT_KIND, SORT_COUNT };

static const char *const sort_names[SORT_COUNT] = {
	[SORT_TIME] = "newest first",
	[SORT_SEVERITY] = "worst first",
	[SORT_KIND] = "kind",
};

/* The i-th newest of those that the picture knows. */
static const struct run_event *event_at(const struct view_frame *frame, size_t i)
{
	size_t first = 0;

	(void)events_until(frame, &first);
	return event_log_at(&frame->past->events, first + i);
}

/* Rows are places in the log as it is now, below this snapshot. */
static uint64_t stamp_of(const struct view_frame *frame)
{
	return frame->past ? frame->past->events.revision * 1000003 + frame->snap->sample.seq : 0;
}

static const void *log_of(const struct view_frame *frame)
{
	return frame->past ? &frame->past->events : NULL;
}

static const struct run_event *event_of_row(const struct view_frame *frame, size_t row)
{
	return event_at(frame,
	                view_rows_object_from(frame->state, log_of(frame), stamp_of(frame), row));
}

static int compare_events(const void *ctx, uint32_t a, uint32_t b)
{
	const struct view_frame *frame = ctx;
	const struct run_event *left = event_at(frame, a), *right = event_at(frame, b);
	int l = left->kind, r = right->kind;

	if (frame->state->sort == SORT_SEVERITY) {
		l = (int)event_kind_facts(left->kind)->severity;
		r = (int)event_kind_facts(right->kind)->severity;
	}
	return (l > r) - (l < r);
}

static bool event_contains(const struct view_frame *frame, const struct run_event *event,
                           const char *needle)
{
	char words[EVENT_TEXT], line[EVENT_TEXT + 64];

	(void)snprintf(line, sizeof(line), "%s %s", event_kind_facts(event->kind)->name,
	               event_words(event, frame, words));
	return view_contains(line, strlen(line), needle);
}

static bool keep_event(const void *ctx, uint32_t object)
{
	const struct view_frame *frame = ctx;

	return event_contains(frame, event_at(frame, object), frame->state->filter);
}

static void events_prepare(const struct view_frame *frame)
{
	size_t first;
	const struct rows_maker maker = {
		.from = log_of(frame),
		.stamp = stamp_of(frame),
		.count = events_until(frame, &first),
		.ctx = frame,
		.keep = frame->state->filter[0] ? keep_event : NULL,
		.compare = frame->state->sort == SORT_TIME ? NULL : compare_events,
	};

	view_rows_prepare(frame->state, &maker);
}

/* --- list --------------------------------------------------------------------------------------- */

static uint64_t event_key(const void *ctx, size_t row)
{
	return event_of_row(ctx, row)->number;
}

static bool matches(const void *ctx, size_t row, const char *needle)
{
	return event_contains(ctx, event_of_row(ctx, row), needle);
}

static void draw_cell(const void *ctx, size_t row, size_t column, struct area cell)
{
	const struct view_frame *frame = ctx;
	const struct run_event *event = event_of_row(frame, row);
	char words[EVENT_TEXT], time[CLOCK_WORDS];

	switch ((enum column)column) {
	case COL_TIME:
		draw_text(cell, 0, 0, ROLE_TEXT, clock_words(time, event->time_ns));
		break;
	case COL_AGE:
		draw_right(cell, cell.width, 0, ROLE_TEXT_DIM,
		           span_words(time, frame->snap->sample.time_ns - event->time_ns));
		break;
	case COL_SIGN:
		draw_text(cell, 0, 0, event_role(event), event_sign(event));
		break;
	case COL_KIND:
		draw_text(cell, 0, 0, event_role(event), event_kind_facts(event->kind)->name);
		break;
	case COL_TEXT:
		draw_text(cell, 0, 0, ROLE_TEXT, event_words(event, frame, words));
		break;
	case COL_COUNT:
		break;
	}
}

static struct list event_list(const struct view_frame *frame)
{
	size_t first, count = events_until(frame, &first);

	return (struct list){
		.columns = columns,
		.column_count = COL_COUNT,
		.row_count =
		        view_rows_count_from(frame->state, log_of(frame), stamp_of(frame), count),
		.empty = frame->state->filter[0] ? "no event matches the filter (f changes it)"
		                                 : "nothing has happened yet",
		.ctx = frame,
		.key = event_key,
		.cell = draw_cell,
		.matches = matches,
	};
}

static const struct run_event *selected_event(const struct view_frame *frame)
{
	struct list list = event_list(frame);

	return list.row_count ? event_of_row(frame, list_selected_row(&list, frame->state)) : NULL;
}

/* --- view --------------------------------------------------------------------------------------- */

static void draw_list(const struct view_frame *frame, const struct list *list, struct area area)
{
	const struct view_state *state = frame->state;
	char title[64], right[160], number[TEXT_NUMBER];
	size_t first, count = events_until(frame, &first);
	uint64_t dropped = frame->past ? frame->past->events.total - frame->past->events.count : 0;
	struct text text = text_in(right, sizeof(right));

	list_draw(list, frame->state, area_part(area, 0, 1, -1, -1), true);
	(void)snprintf(title, sizeof(title), "events of this run %s",
	               text_count(number, count + dropped));
	if (dropped)
		text_addf(&text, "%s oldest dropped   ", text_count(number, dropped));
	if (state->filter[0])
		text_addf(&text, "%zu match   ", list->row_count);
	text_addf(&text, "sort: %s%s", sort_names[state->sort % SORT_COUNT],
	          state->sort_reversed ? ", reversed" : "");
	draw_divider(area, 0, title, right);
}

static void draw_detail(const struct view_frame *frame, const struct run_event *event,
                        struct area area)
{
	const struct event_kind_facts *kind = event_kind_facts(event->kind);
	char title[64], words[EVENT_TEXT], right[64] = "", number[TEXT_NUMBER];
	int y;

	(void)snprintf(title, sizeof(title), "event %s · %s", text_count(number, event->number),
	               kind->name);
	if (event_target_word(event))
		(void)snprintf(right, sizeof(right), "Enter goes to %s", event_target_word(event));
	area = pane_area(area, title, right[0] ? right : NULL);
	y = draw_wrapped(area, 0, ROLE_TEXT_STRONG, event_words(event, frame, words));
	draw_wrapped(area, y, ROLE_TEXT, kind->meaning);
}

static void events_draw(const struct view_frame *frame, struct area area)
{
	struct list list = event_list(frame);
	bool has_detail = area.height >= LIST_LEAST + DETAIL_ROWS + 1;
	const struct run_event *event;

	frame->state->pane_count = 1;
	draw_list(frame, &list,
	          take_rows(&area, has_detail ? area.height - DETAIL_ROWS - 1 : area.height));
	event = selected_event(frame);
	if (has_detail && event)
		draw_detail(frame, event, area);
}

static bool events_command(const struct view_frame *frame, enum command_id command)
{
	struct list list = event_list(frame);

	return view_sort_command(frame->state, SORT_COUNT, command) ||
	       list_command(&list, frame->state, command);
}

static void events_status(const struct view_frame *frame, char *to, size_t size)
{
	(void)frame;
	(void)snprintf(to, size,
	               "x error  ! warning  i information  m mark   seen from sample to sample: a "
	               "faster rate sees more");
}

static bool events_open(const struct view_frame *frame, struct view_target *ret)
{
	const struct run_event *event = selected_event(frame);

	return event && event_target(event, ret);
}

static bool events_explain(const struct view_frame *frame, struct view_words *to)
{
	const struct run_event *event = selected_event(frame);
	char words[EVENT_TEXT], time[CLOCK_WORDS];

	if (!event)
		return false;
	text_addf(&to->title, "%s, %s", event_kind_facts(event->kind)->name,
	          clock_words(time, event->time_ns));
	text_addf(&to->body, "%s\n\n%s", event_words(event, frame, words),
	          event_kind_facts(event->kind)->meaning);
	return true;
}

static bool events_copy(const struct view_frame *frame, struct text *to)
{
	const struct run_event *event = selected_event(frame);
	char words[EVENT_TEXT], time[CLOCK_WORDS];

	if (!event)
		return false;
	text_addf(to, "%s %s %s", clock_words(time, event->time_ns),
	          event_kind_facts(event->kind)->name, event_words(event, frame, words));
	return true;
}

const struct view_ops view_events = {
	.id = VIEW_EVENTS,
	.key = '8',
	.title = "Events",
	.enter = "Go to",
	.takes = TAKE_PROCESS | TAKE_VMAS | TAKE_HEADERS | TAKE_SYSTEM,
	.prepare = events_prepare,
	.draw = events_draw,
	.status = events_status,
	.command = events_command,
	.open = events_open,
	.explain = events_explain,
	.copy = events_copy,
};
