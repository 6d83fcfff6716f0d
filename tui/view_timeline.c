/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Timeline: this run's past as graphs below one another with one time axis, the events around the
 * instant looked at, and what grew since a mark. Tab turns to the whole list of the latter.
 */
#include "tui/view_timeline.h"

#include <stdio.h>
#include <string.h>

#include "model/facts/source.h"
#include "tui/clock_words.h"
#include "tui/event_words.h"
#include "tui/view_parts.h"

enum { PANE_GRAPHS, PANE_GROWTH, PANES };
enum { TWO_COLUMNS = 96, FOOT_LEAST = 14 };

static void span_title(const struct view_frame *frame, const struct time_window *window, char *to,
                       size_t size)
{
	char span[CLOCK_WORDS], at[CLOCK_WORDS], ago[CLOCK_WORDS];

	span_words(span, window->to_ns - window->from_ns);
	if (!frame->state->time.cursor_ns)
		(void)snprintf(to, size, "last %s", span);
	else
		(void)snprintf(to, size, "%s, at %s, %s ago", span, clock_words(at, window->at_ns),
		               span_words(ago, window->now_ns - window->at_ns));
}

/* "1 column = 2.5 s   graphs 1-5 of 17"; the scale is known once it was drawn. */
static void graphs_title(const struct view_frame *frame, char *to, size_t size)
{
	const struct view_state *state = frame->state;
	struct text text = text_in(to, size);
	int last = state->top_row + state->page_rows;
	char step[CLOCK_WORDS];

	if (state->time.step_ns)
		text_addf(&text, "1 column = %s   ", span_words(step, state->time.step_ns));
	text_addf(&text, "graphs %d-%d of %d", state->row_count ? state->top_row + 1 : 0,
	          last < state->row_count ? last : state->row_count, state->row_count);
}

static void draw_foot(const struct view_frame *frame, const struct time_window *window,
                      struct area area)
{
	bool has_cursor = frame->state->time.cursor_ns != 0;
	const char *events = has_cursor ? "events around the cursor" : "latest events";
	char since[4 * MARK_NOTE + 64];
	struct pane_pair pair;

	timeline_mark_title(frame, since, sizeof(since));
	if (area.width < TWO_COLUMNS) {
		timeline_events(frame, window, pane_area(area, events, "Tab: what grew"));
		return;
	}
	pair = pane_pair(area, (area.width - 2) / 2, events, since);
	timeline_events(frame, window, pair.left);
	timeline_growth_brief(frame, pair.right);
}

static int foot_rows(const struct view_frame *frame, int height)
{
	(void)frame;
	if (height < FOOT_LEAST)
		return 0;
	return height >= 40 ? 13 : height >= 28 ? 9 : 5;
}

static void draw_graphs(const struct view_frame *frame, struct area area)
{
	struct time_window window = timeline_window(frame);
	int foot = foot_rows(frame, area.height);
	char left[96], right[96];
	struct area graphs = take_rows(&area, area.height - foot);

	timeline_graphs(frame, &window, area_part(graphs, 0, 1, -1, -1));
	span_title(frame, &window, left, sizeof(left));
	graphs_title(frame, right, sizeof(right));
	draw_divider(graphs, 0, left, right);
	if (foot)
		draw_foot(frame, &window, area);
}

static void draw_growth(const struct view_frame *frame, struct area area)
{
	char title[4 * MARK_NOTE + 64];

	timeline_mark_title(frame, title, sizeof(title));
	timeline_growth_list(frame, pane_area(area, title, "Tab: graphs"));
}

static void timeline_draw(const struct view_frame *frame, struct area area)
{
	frame->state->pane_count = PANES;
	if (frame->state->pane % PANES == PANE_GROWTH)
		draw_growth(frame, area);
	else
		draw_graphs(frame, area);
}

/* --- commands ----------------------------------------------------------------------------------- */

static void select_graph(const struct view_frame *frame, int step)
{
	uint8_t shown[TIMELINE_SERIES];
	size_t count = timeline_shown(frame, shown);
	int at = (int)timeline_selected(frame, shown, count) + step;

	if (!count)
		return;
	at = at < 0 ? 0 : at >= (int)count ? (int)count - 1 : at;
	frame->state->selected = shown[at] + 1u;
}

/* The next older one, from the oldest on the newest again. */
static void next_mark(const struct view_frame *frame)
{
	const struct past *past = frame->past;
	const struct mark *mark = timeline_mark(frame);
	struct view_state *state = frame->state;

	if (!mark || past->mark_count < 2) {
		(void)snprintf(state->note, sizeof(state->note), "%s",
		               mark ? "there is only one mark" : "no mark is set: m sets one");
		return;
	}
	state->time.mark =
	        mark == past->marks ? past->marks[past->mark_count - 1].number : (mark - 1)->number;
	(void)snprintf(state->note, sizeof(state->note), "compared with mark %u", state->time.mark);
}

static void show_pane(struct view_state *state, uint8_t pane)
{
	state->pane = pane;
	state->selected = 0;
	state->selected_row = state->top_row = 0;
}

/* From the list of growth to the graphs, from the past to now. */
static bool timeline_back(const struct view_frame *frame)
{
	struct view_state *state = frame->state;

	if (state->pane % PANES == PANE_GROWTH) {
		show_pane(state, PANE_GRAPHS);
		return true;
	}
	return state->time.cursor_ns && timeline_time_command(frame, CMD_LAST);
}

static bool timeline_command(const struct view_frame *frame, enum command_id command)
{
	struct view_state *state = frame->state;

	switch ((int)command) {
	case CMD_NEXT_PANE:
		show_pane(state, (uint8_t)((state->pane + 1) % PANES));
		return true;
	case CMD_MARK_NEXT:
		next_mark(frame);
		return true;
	case CMD_FILTER:
		return true;
	default:
		break;
	}
	if (state->pane % PANES == PANE_GROWTH)
		return timeline_growth_command(frame, command);
	if (command == CMD_UP || command == CMD_DOWN) {
		select_graph(frame, command == CMD_UP ? -1 : 1);
		return true;
	}
	return timeline_time_command(frame, command);
}

static void timeline_status(const struct view_frame *frame, char *to, size_t size)
{
	if (frame->state->pane % PANES == PANE_GROWTH)
		(void)snprintf(
		        to, size,
		        "M another mark   of: total, arena (system memory), mappings by kind, "
		        "free and tcache chunks by size");
	else
		(void)snprintf(to, size,
		               "columns show highest values   (…) growth of the span's quarters   "
		               "axis: x ! · events, 1 2 marks");
}

static bool timeline_open(const struct view_frame *frame, struct view_target *ret)
{
	struct time_window window = timeline_window(frame);
	const struct run_event *event;

	if (frame->state->pane % PANES == PANE_GROWTH)
		return timeline_growth_open(frame, ret);
	event = timeline_near(frame, &window);
	if (!event)
		return false;
	*ret = (struct view_target){ VIEW_EVENTS, event->number };
	return true;
}

static bool timeline_explain(const struct view_frame *frame, struct view_words *to)
{
	uint8_t shown[TIMELINE_SERIES];
	size_t count = timeline_shown(frame, shown);
	const struct timeline_series *series;
	struct time_window window = timeline_window(frame);
	struct fact value;
	char words[TEXT_NUMBER], at[CLOCK_WORDS];

	if (frame->state->pane % PANES == PANE_GROWTH)
		return timeline_growth_explain(frame, to);
	if (!count)
		return false;
	series = &timeline_series[shown[timeline_selected(frame, shown, count)]];
	value = timeline_value(frame, &window, series->id);
	text_addf(&to->title, "%s at %s", series->name, clock_words(at, window.at_ns));
	text_addf(&to->body, "%s\n\n  value          %s\n", series->meaning,
	          graph_value(words, value, series->unit));
	if (series->unit == GRAPH_BYTES && fact_known(value))
		text_addf(&to->body, "  exactly        %s bytes\n", text_count(words, value.v));
	text_add(
	        &to->body,
	        "\nThe last 600 samples are kept as they were; of what is older lowest, highest "
	        "and "
	        "last value of each second, ten seconds, two minutes, for a day. Growth per minute "
	        "is "
	        "from the first to the last value of the span; behind it stand the slowest and the "
	        "fastest of the span's quarters: where they differ much, it is no steady growth.");
	return true;
}

static bool timeline_copy(const struct view_frame *frame, struct text *to)
{
	struct time_window window = timeline_window(frame);
	char words[TEXT_NUMBER], at[CLOCK_WORDS];

	if (frame->state->pane % PANES == PANE_GROWTH)
		return timeline_growth_copy(frame, to);
	text_add(to, clock_words(at, window.at_ns));
	for (size_t i = 0; i < TIMELINE_SERIES; i++) {
		struct fact value = timeline_value(frame, &window, timeline_series[i].id);

		if (fact_known(value))
			text_addf(to, ", %s %s", timeline_series[i].name,
			          graph_value(words, value, timeline_series[i].unit));
	}
	return true;
}

const struct view_ops view_timeline = {
	.id = VIEW_TIMELINE,
	.key = '7',
	.title = "Timeline",
	.tab = "Time",
	.takes = TAKE_PROCESS | TAKE_VMAS | TAKE_HEADERS | TAKE_LISTS | TAKE_WALK | TAKE_SYSTEM,
	.draw = timeline_draw,
	.status = timeline_status,
	.command = timeline_command,
	.open = timeline_open,
	.explain = timeline_explain,
	.copy = timeline_copy,
	.back = timeline_back,
};
