/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Timeline: the graphs, one below the other, with the time axis that they share. */
#include <stdio.h>
#include <string.h>

#include "model/base/units.h"
#include "tui/clock_words.h"
#include "tui/event_words.h"
#include "tui/view_parts.h"
#include "tui/view_rows.h"
#include "tui/view_timeline.h"

enum {
	MARGIN = 2, /* the sign of the selected graph */
	FIGURES = 30,
	FIGURES_NARROW = 24,
	WIDE = 100,
	AXIS_ROWS = 2,
	BAND_LEAST = 3,
	BAND_MOST = 7,
	CHART_MOST = GRAPH_POINTS_MAX / 2,
};

const struct timeline_series timeline_series[TIMELINE_SERIES] = {
	{ HISTORY_RSS, "RSS", GRAPH_BYTES, false,
	  "Resident memory of the process: VmRSS of /proc/PID/status." },
	{ HISTORY_IN_USE, "in use", GRAPH_BYTES, false,
	  "Bytes in chunks that the program holds, as of the last walk of the heaps: neither free "
	  "nor kept in a tcache or fastbin." },
	{ HISTORY_SYSTEM_MEM, "arena system", GRAPH_BYTES, false,
	  "Memory that all arenas got from the kernel: the sum of their system_mem." },
	{ HISTORY_FREE, "free in bins", GRAPH_BYTES, false,
	  "Bytes in unsorted, small and large bins: kept by malloc for later requests." },
	{ HISTORY_TOP, "top chunks", GRAPH_BYTES, false,
	  "Bytes at the ends of the heaps that were never handed out, or came back." },
	{ HISTORY_TCACHE, "tcaches", GRAPH_BYTES, false,
	  "Bytes kept in the caches of single threads." },
	{ HISTORY_MMAPPED, "mmapped", GRAPH_BYTES, false,
	  "Bytes in chunks that are mappings of their own: mp_.mmapped_mem." },
	{ HISTORY_VM_SIZE, "VmSize", GRAPH_BYTES, false,
	  "Size of the address space, touched or not." },
	{ HISTORY_SWAP, "swapped out", GRAPH_BYTES, false,
	  "Pages of the process that are in swap: VmSwap." },
	{ HISTORY_MIN_RATE, "minor faults", GRAPH_PER_SECOND, false,
	  "Pages that became present without a read from disk, per second." },
	{ HISTORY_MAJ_RATE, "major faults", GRAPH_PER_SECOND, false,
	  "Pages that had to be read, from swap or a file, per second." },
	{ HISTORY_THREADS, "threads", GRAPH_COUNT, false, "Threads of the process." },
	{ HISTORY_VMAS, "VMAs", GRAPH_COUNT, false, "Mappings; vm.max_map_count limits them." },
	{ HISTORY_CGROUP, "cgroup", GRAPH_BYTES, false,
	  "memory.current of the cgroup that the process is in: it may hold others, and page "
	  "cache." },
	{ HISTORY_COMMITTED, "Committed_AS", GRAPH_BYTES, false,
	  "What the whole machine has promised to its processes." },
	{ HISTORY_MEM_AVAILABLE, "MemAvailable", GRAPH_BYTES, true,
	  "What the whole machine can still give without swapping; each column shows the least." },
	{ HISTORY_PRESSURE, "PSI memory some", GRAPH_PERCENT, false,
	  "Share of the last 10 s in which some task of the machine waited for memory." },
};

/* --- which -------------------------------------------------------------------------------------- */

size_t timeline_shown(const struct view_frame *frame, uint8_t ret[TIMELINE_SERIES])
{
	const char *filter = frame->state->filter;
	size_t count = 0;

	for (size_t i = 0; i < TIMELINE_SERIES; i++) {
		const char *name = timeline_series[i].name;

		if (!filter[0] || view_contains(name, strlen(name), filter))
			ret[count++] = (uint8_t)i;
	}
	return count;
}

/* Keys are places in the table, from 1. */
size_t timeline_selected(const struct view_frame *frame, const uint8_t *shown, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (shown[i] + 1u == frame->state->selected)
			return i;
	}
	return 0;
}

struct fact timeline_value(const struct view_frame *frame, const struct time_window *window,
                           enum history_series series)
{
	struct history_slice slice;
	uint64_t step = max_u64(frame->state->time.step_ns, 1000000000);

	if (!frame->history || !window->at_ns)
		return fact_unknown();
	history_slices(frame->history, series, window->at_ns > step ? window->at_ns - step : 0,
	               window->at_ns, &slice, 1);
	return slice.last;
}

/* --- one graph ---------------------------------------------------------------------------------- */

char *change_words(char buf[CHANGE_WORDS], int64_t change, enum graph_unit unit, bool per_minute)
{
	uint64_t size = change < 0 ? (uint64_t)-change : (uint64_t)change;
	char number[TEXT_NUMBER];

	(void)snprintf(buf, CHANGE_WORDS, "%s%s%s",
	               change > 0   ? "+"
	               : change < 0 ? "-"
	                            : "±",
	               change ? graph_value(number, fact_of(size), unit) : "0",
	               per_minute ? "/min" : "");
	return buf;
}

static enum role change_role(int64_t change)
{
	return change > 0 ? ROLE_CHANGED_UP : change < 0 ? ROLE_CHANGED_DOWN : ROLE_TEXT_DIM;
}

/* Rates and shares have no growth worth a word. */
static bool has_growth(const struct history_trend *trend, enum graph_unit unit)
{
	return trend->is_known && unit != GRAPH_PER_SECOND && unit != GRAPH_PERCENT;
}

static void draw_growth(const struct history_trend *trend, enum graph_unit unit, struct area area,
                        int x_end, int y)
{
	char rate[CHANGE_WORDS];

	if (has_growth(trend, unit))
		draw_right(area, x_end, y, change_role(trend->per_minute),
		           change_words(rate, trend->per_minute, unit, true));
}

/* Slowest and fastest quarter: "(-1.2 MiB to +3.0 MiB)". */
static void draw_spread(const struct history_trend *trend, enum graph_unit unit, struct area area,
                        int y)
{
	char low[CHANGE_WORDS], high[CHANGE_WORDS], words[5 * TEXT_NUMBER];

	if (!has_growth(trend, unit) || trend->slowest == trend->fastest)
		return;
	(void)snprintf(words, sizeof(words), "(%s to %s)",
	               change_words(low, trend->slowest, unit, false),
	               change_words(high, trend->fastest, unit, false));
	if (strcmp(low, high) != 0 && text_columns(words) < area.width)
		draw_right(area, area.width - 1, y, ROLE_TEXT_DIM, words);
}

/* Name and value at the instant, then what the span says in sum; as many rows as there are. */
static void draw_figures(const struct view_frame *frame, const struct timeline_series *series,
                         const struct time_window *window, const struct history_trend *trend,
                         bool is_selected, struct area area)
{
	char now[TEXT_NUMBER], low[TEXT_NUMBER], high[TEXT_NUMBER], mean[TEXT_NUMBER];
	struct fact value = timeline_value(frame, window, series->id);
	enum graph_unit unit = series->unit;
	int end = area.width - 1;

	graph_value(now, value, unit);
	draw_text(area_part(area, 0, 0, end - text_columns(now), 1), 1, 0,
	          is_selected ? ROLE_TEXT_STRONG : ROLE_TEXT, series->name);
	draw_right(area, end, 0, frame->state->time.cursor_ns ? ROLE_MARK : figure_role(value),
	           now);
	if (!fact_known(trend->low))
		return;
	graph_value(low, trend->low, unit);
	graph_value(high, trend->high, unit);
	if (area.width < FIGURES) {
		draw_growth(trend, unit, area, end, 1);
		draw_textf(area, 1, 2, ROLE_TEXT_DIM, "%s … %s", low, high);
		draw_spread(trend, unit, area, 3);
		return;
	}
	draw_textf(area, 1, 1, ROLE_TEXT_DIM, "min %s", low);
	draw_textf(area, end / 2 + 1, 1, ROLE_TEXT_DIM, "max %s", high);
	draw_textf(area, 1, 2, ROLE_TEXT_DIM, "avg %s", graph_value(mean, trend->mean, unit));
	draw_growth(trend, unit, area, end, 2);
	draw_spread(trend, unit, area, 3);
}

static void draw_band(const struct view_frame *frame, const struct timeline_series *series,
                      const struct time_window *window, bool is_selected, struct area area,
                      int figures)
{
	struct history_slice slices[GRAPH_POINTS_MAX];
	struct graph graph = { .unit = series->unit,
		               .role = is_selected ? ROLE_GRAPH_2 : ROLE_GRAPH_1 };
	struct area left = area_part(area, MARGIN, 0, area.width - figures - MARGIN, -1);
	struct history_trend trend;

	graph.count = graph_points_for(&left, graph.glyphs);
	if (!frame->history || !graph.count)
		return;
	history_slices(frame->history, series->id, window->from_ns, window->to_ns, slices,
	               graph.count);
	for (size_t i = 0; i < graph.count; i++)
		graph.points[i] = series->is_low_worst ? slices[i].low : slices[i].high;
	history_trend(slices, graph.count, window->to_ns - window->from_ns, &trend);
	graph_draw_chart(&graph, left);
	draw_figures(frame, series, window, &trend, is_selected,
	             area_part(area, area.width - figures, 0, figures, -1));
	if (is_selected)
		draw_text(area, 0, 0, ROLE_SELECT, "▶");
}

/* --- time axis ---------------------------------------------------------------------------------- */

static int column_of(const struct time_window *window, uint64_t time_ns, int columns)
{
	uint64_t span = window->to_ns - window->from_ns;
	uint64_t at = time_ns > window->from_ns ? time_ns - window->from_ns : 0;
	int column = (int)(at / 1000 * (uint64_t)columns / (span / 1000 ? span / 1000 : 1));

	return column < columns ? column : columns - 1;
}

/* Marks win over errors, those over warnings: what is the better worth a look. */
static unsigned weight_of(const struct run_event *event)
{
	return event->kind == RUN_EVENT_MARK
	               ? 3
	               : 2 - (unsigned)event_kind_facts(event->kind)->severity;
}

static void draw_signs(const struct view_frame *frame, const struct time_window *window,
                       struct area axis)
{
	uint8_t weights[CHART_MOST] = { 0 };
	const struct run_event *event;
	size_t first;

	(void)events_until(frame, &first);
	for (size_t i = first; frame->past && (event = event_log_at(&frame->past->events, i));
	     i++) {
		int x = column_of(window, event->time_ns, axis.width);
		unsigned weight = weight_of(event) + 1;
		char sign[2] = { (char)('0' + event->a % 10), '\0' };

		if (event->time_ns < window->from_ns || event->time_ns > window->to_ns ||
		    x >= CHART_MOST || weights[x] >= weight)
			continue;
		weights[x] = (uint8_t)weight;
		draw_text(axis, x, 0, event_role(event),
		          event->kind == RUN_EVENT_MARK ? sign
		          : weight == 1                 ? "·"
		                                        : event_sign(event));
	}
}

enum { LABEL = 8 }; /* "12:04:31" */

/* One instant below the axis, unless the cursor's stands there. */
static void draw_label(struct area axis, int x, int cursor_x, const char *words)
{
	if (cursor_x < 0 || x + LABEL < cursor_x || x > cursor_x + LABEL)
		draw_text(axis, x, 1, ROLE_GRAPH_AXIS, words);
}

static void draw_axis(const struct view_frame *frame, const struct time_window *window,
                      struct area axis)
{
	uint64_t middle_ns = window->from_ns + (window->to_ns - window->from_ns) / 2;
	bool has_cursor = frame->state->time.cursor_ns != 0,
	     is_now = window->to_ns == window->now_ns;
	int columns = axis.width, x = column_of(window, window->at_ns, columns), cursor_x = -1;
	char label[CLOCK_WORDS];

	draw_fill(axis, 0, 0, columns, ROLE_GRAPH_AXIS, "─");
	draw_signs(frame, window, axis);
	if (has_cursor) {
		cursor_x = x < LABEL / 2             ? 0
		           : x + LABEL / 2 > columns ? columns - LABEL
		                                     : x - LABEL / 2;
		draw_text(axis, x, 0, ROLE_MARK, "▲");
		draw_text(axis, cursor_x, 1, ROLE_MARK, clock_words(label, window->at_ns));
	}
	draw_label(axis, 0, cursor_x, clock_words(label, window->from_ns));
	if (columns > 40)
		draw_label(axis, (columns - LABEL) / 2, cursor_x, clock_words(label, middle_ns));
	draw_label(axis, columns - (is_now ? 3 : LABEL), cursor_x,
	           is_now ? "now" : clock_words(label, window->to_ns));
}

/* A line through all graphs; where there is nothing it is a line without colour, too. */
static void draw_cursor(const struct view_frame *frame, const struct time_window *window,
                        struct area chart)
{
	int x = column_of(window, window->at_ns, chart.width);

	if (!frame->state->time.cursor_ns)
		return;
	for (int y = 0; y < chart.height; y++) {
		struct cell *cell = area_cell(chart, x, y);

		if (cell && cell->utf8[0] == ' ')
			draw_text(chart, x, y, ROLE_MARK, "│");
		else
			draw_role(chart, x, y, 1, ROLE_SELECT);
	}
}

/* --- all ---------------------------------------------------------------------------------------- */

/* A click on any of its rows selects a graph. */
static void add_items(struct view_state *state, struct area area, uint64_t key)
{
	for (int y = 0; y < area.height && state->item_count < VIEW_ITEMS; y++)
		state->items[state->item_count++] =
		        (struct view_item){ key, area.x, area.y + y, area.width };
}

/* Scrolls so that the selected graph is seen; rows are graphs here. */
static void follow(struct view_state *state, size_t selected, size_t count, int room)
{
	state->row_count = (int)count;
	state->page_rows = room;
	state->selected_row = (int)selected;
	if (state->top_row > (int)selected)
		state->top_row = (int)selected;
	if (state->top_row < (int)selected - room + 1)
		state->top_row = (int)selected - room + 1;
	if (state->top_row > (int)count - room)
		state->top_row = (int)count - room;
	if (state->top_row < 0)
		state->top_row = 0;
}

void timeline_graphs(const struct view_frame *frame, const struct time_window *window,
                     struct area area)
{
	uint8_t shown[TIMELINE_SERIES];
	size_t count = timeline_shown(frame, shown);
	size_t selected = timeline_selected(frame, shown, count);
	int figures = area.width >= WIDE ? FIGURES : FIGURES_NARROW, rows = area.height - AXIS_ROWS;
	int room, band, most = CHART_MOST + GRAPH_AXIS_COLUMNS + MARGIN + figures;
	struct area axis;

	if (area.width > most)
		area = area_part(area, 0, 0, most, -1);
	if (!count || rows < BAND_LEAST) {
		draw_text(area, 1, 0, ROLE_TEXT_DIM,
		          "no graph has a name like that (f changes it)");
		return;
	}
	room = rows / (rows >= 30 ? 5 : 4);
	room = room < 1 ? 1 : room > (int)count ? (int)count : room;
	band = rows / room > BAND_MOST ? BAND_MOST : rows / room;
	follow(frame->state, selected, count, room);
	for (int i = 0; i < room; i++) {
		size_t at = (size_t)frame->state->top_row + (size_t)i;

		struct area place = area_part(area, 0, i * band, -1, band);

		draw_band(frame, &timeline_series[shown[at]], window, at == selected, place,
		          figures);
		add_items(frame->state, place, shown[at] + 1u);
	}
	axis = graph_chart(area_part(area, MARGIN, 0, area.width - figures - MARGIN, -1));
	draw_cursor(frame, window, area_part(axis, 0, 0, -1, room * band));
	draw_text(area, MARGIN + GRAPH_AXIS_COLUMNS - 1, room * band, ROLE_GRAPH_AXIS, "└");
	axis = area_part(axis, 0, room * band, -1, AXIS_ROWS);
	if (axis.width > 8)
		draw_axis(frame, window, axis);
	frame->state->time.step_ns =
	        axis.width > 0 ? (window->to_ns - window->from_ns) / (uint64_t)axis.width : 0;
}
