/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Timeline: the events around the instant that is looked at. */
#include <stdio.h>

#include "tui/clock_words.h"
#include "tui/event_words.h"
#include "tui/view_parts.h"
#include "tui/view_timeline.h"

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* The place in the log of the newest event that is not behind the instant; below it all are older. */
static size_t place_of(const struct event_log *log, size_t first, uint64_t at_ns)
{
	const struct run_event *event;

	while ((event = event_log_at(log, first)) && event->time_ns > at_ns)
		first++;
	return first;
}

const struct run_event *timeline_near(const struct view_frame *frame,
                                      const struct time_window *window)
{
	const struct event_log *log = frame->past ? &frame->past->events : NULL;
	uint64_t reach = 2 * frame->state->time.step_ns;
	const struct run_event *older, *newer = NULL;
	size_t first, at;

	if (!events_until(frame, &first) || !frame->state->time.cursor_ns)
		return NULL;
	at = place_of(log, first, window->at_ns);
	older = event_log_at(log, at);
	if (at > first)
		newer = event_log_at(log, at - 1);
	if (!older || (newer && distance(newer->time_ns, window->at_ns) <
	                                distance(older->time_ns, window->at_ns)))
		older = newer;
	return older && distance(older->time_ns, window->at_ns) <= reach ? older : NULL;
}

static void draw_event(const struct view_frame *frame, const struct run_event *event, bool is_near,
                       struct area line)
{
	char time[CLOCK_WORDS], words[EVENT_TEXT];

	if (is_near)
		draw_text(line, 0, 0, ROLE_MARK, "▶");
	draw_text(line, 1, 0, ROLE_TEXT_DIM, clock_words(time, event->time_ns));
	draw_text(line, 10, 0, event_role(event), event_sign(event));
	draw_text(area_part(line, 12, 0, line.width - 13, 1), 0, 0,
	          is_near ? ROLE_TEXT_STRONG : ROLE_TEXT, event_words(event, frame, words));
}

void timeline_events(const struct view_frame *frame, const struct time_window *window,
                     struct area area)
{
	const struct event_log *log = frame->past ? &frame->past->events : NULL;
	const struct run_event *near = timeline_near(frame, window), *event;
	size_t first, count = events_until(frame, &first), at;
	size_t rows = area.height > 0 ? (size_t)area.height : 0;

	if (!log || !count) {
		draw_text(area, 1, 0, ROLE_TEXT_DIM, "nothing has happened yet");
		return;
	}
	/* half of them later than the instant, half earlier, where there are as many */
	at = place_of(log, first, window->at_ns);
	at = at - first > rows / 2 ? at - rows / 2 : first;
	if (at + rows > log->count)
		at = log->count > first + rows ? log->count - rows : first;
	for (size_t i = 0; i < rows && (event = event_log_at(log, at + i)); i++)
		draw_event(frame, event, event == near, area_part(area, 0, (int)i, -1, 1));
}
