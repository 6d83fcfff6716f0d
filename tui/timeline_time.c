/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Timeline: which part of the past is shown, and moving about in it. */
#include <stdio.h>

#include "model/base/units.h"
#include "tui/view_timeline.h"

#define NS_PER_S UINT64_C(1000000000)

static const uint32_t spans_s[] = { 60, 120, 300, 600, 1800, 3600, 10800, 21600, 43200, 86400 };

enum { SPANS = sizeof(spans_s) / sizeof(spans_s[0]), AUTO_MOST = 4, PAGES = 4 };

static uint64_t oldest_ns(const struct view_frame *frame)
{
	uint64_t oldest = frame->history ? history_oldest_ns(frame->history) : 0;

	return oldest ? oldest : frame->snap->sample.time_ns;
}

/* Row of the table of spans, from 1. Nobody chose: what there is, up to ten minutes. */
static unsigned zoom_of(const struct view_frame *frame)
{
	const struct view_time *time = &frame->state->time;
	uint64_t end = time->cursor_ns ? time->end_ns : frame->snap->sample.time_ns;
	uint64_t oldest = oldest_ns(frame), age = end > oldest ? end - oldest : 0;
	unsigned zoom = 1;

	if (time->zoom)
		return time->zoom <= SPANS ? time->zoom : SPANS;
	while (zoom < AUTO_MOST && spans_s[zoom - 1] * NS_PER_S < age)
		zoom++;
	return zoom;
}

static uint64_t span_ns(const struct view_frame *frame)
{
	return spans_s[zoom_of(frame) - 1] * NS_PER_S;
}

struct time_window timeline_window(const struct view_frame *frame)
{
	const struct view_time *time = &frame->state->time;
	struct time_window window = { .now_ns = frame->snap->sample.time_ns };
	uint64_t span = span_ns(frame);

	window.to_ns = time->cursor_ns ? time->end_ns : window.now_ns;
	window.at_ns = time->cursor_ns ? time->cursor_ns : window.now_ns;
	window.from_ns = window.to_ns > span ? window.to_ns - span : 0;
	return window;
}

/* The window stands still under a cursor, and follows it over its edges. */
static void put_cursor(const struct view_frame *frame, uint64_t at_ns)
{
	struct view_time *time = &frame->state->time;
	uint64_t now = frame->snap->sample.time_ns, span = span_ns(frame);

	if (!time->cursor_ns)
		time->end_ns = now;
	if (at_ns >= now) {
		time->cursor_ns = time->end_ns = 0;
		return;
	}
	at_ns = max_u64(at_ns, min_u64(oldest_ns(frame), now - 1));
	if (at_ns > time->end_ns)
		time->end_ns = at_ns;
	if (time->end_ns > span && at_ns < time->end_ns - span)
		time->end_ns = at_ns + span;
	time->cursor_ns = at_ns;
}

static void move(const struct view_frame *frame, int direction, uint64_t by_ns)
{
	uint64_t at = timeline_window(frame).at_ns;

	if (direction < 0)
		put_cursor(frame, at > by_ns ? at - by_ns : 0);
	else
		put_cursor(frame, at + by_ns);
}

/* The cursor keeps its place on the screen. */
static void zoom(const struct view_frame *frame, int direction)
{
	struct view_time *time = &frame->state->time;
	unsigned to = zoom_of(frame);
	uint64_t before = span_ns(frame), behind;

	if ((direction > 0 && to == 1) || (direction < 0 && to == SPANS)) {
		(void)snprintf(frame->state->note, sizeof(frame->state->note), "%s",
		               to == 1 ? "a minute is the shortest span" : "a day is the longest");
		return;
	}
	time->zoom = (uint8_t)(direction > 0 ? to - 1 : to + 1);
	if (!time->cursor_ns)
		return;
	behind = time->end_ns - time->cursor_ns;
	/* A span of seconds first, or the product of two days in ns would not fit. */
	time->end_ns = time->cursor_ns + behind / (before / NS_PER_S) * (span_ns(frame) / NS_PER_S);
	time->end_ns = min_u64(max_u64(time->end_ns, time->cursor_ns), frame->snap->sample.time_ns);
}

bool timeline_time_command(const struct view_frame *frame, enum command_id command)
{
	struct view_time *time = &frame->state->time;
	uint64_t step = time->step_ns ? time->step_ns : NS_PER_S;

	switch ((int)command) {
	case CMD_LEFT:
		move(frame, -1, step);
		return true;
	case CMD_RIGHT:
		move(frame, 1, step);
		return true;
	case CMD_PAGE_UP:
		move(frame, -1, span_ns(frame) / PAGES);
		return true;
	case CMD_PAGE_DOWN:
		move(frame, 1, span_ns(frame) / PAGES);
		return true;
	case CMD_FIRST:
		put_cursor(frame, 0);
		return true;
	case CMD_LAST:
		put_cursor(frame, UINT64_MAX);
		return true;
	case CMD_ZOOM_IN:
		zoom(frame, 1);
		return true;
	case CMD_ZOOM_OUT:
		zoom(frame, -1);
		return true;
	default:
		return false;
	}
}
