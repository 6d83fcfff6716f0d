/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/widget_graph.h"

#include <stdio.h>
#include <string.h>

#include "model/base/text.h"
#include "model/base/units.h"

enum { AXIS_COLUMNS = GRAPH_AXIS_COLUMNS, EIGHTHS = 8, BRAILLE_DOTS = 4 };

#define NS_PER_S UINT64_C(1000000000)

/* Values between `low` and `high` are spread over the rows. */
struct range {
	uint64_t low, high;
};

/* The newest sample at or before `time_ns` that is not older than the window; from *at on. */
static struct fact value_at(const struct history *history, enum history_series series,
                            uint64_t time_ns, uint32_t *at)
{
	const struct history_sample *sample;

	while ((sample = history_at(history, *at)) && sample->time_ns > time_ns)
		(*at)++;
	return sample ? sample->value[series] : fact_unknown();
}

void graph_from_history(struct graph *graph, const struct history *history,
                        enum history_series series, uint32_t window_s, size_t count)
{
	const struct history_sample *newest = history ? history_at(history, 0) : NULL;
	uint64_t window_ns = window_s * NS_PER_S, step;
	uint32_t at = 0;

	graph->count = count < GRAPH_POINTS_MAX ? count : GRAPH_POINTS_MAX;
	graph->window_s = window_s;
	step = graph->count > 1 ? window_ns / (graph->count - 1) : 0;
	for (size_t i = 0; i < graph->count; i++) {
		uint64_t age = i * step;

		graph->points[graph->count - 1 - i] =
		        newest && age <= newest->time_ns
		                ? value_at(history, series, newest->time_ns - age, &at)
		                : fact_unknown();
	}
}

static int chart_columns(const struct area *area)
{
	return area->width > AXIS_COLUMNS ? area->width - AXIS_COLUMNS : 0;
}

static bool is_braille(const struct canvas *canvas, enum graph_glyphs glyphs)
{
	return canvas->symbols == SYMBOLS_BRAILLE && !canvas->ascii && glyphs == GRAPH_BRAILLE;
}

size_t graph_points_for(const struct area *area, enum graph_glyphs glyphs)
{
	size_t columns = (size_t)chart_columns(area);
	size_t points = is_braille(area->canvas, glyphs) ? 2 * columns : columns;

	return points < GRAPH_POINTS_MAX ? points : GRAPH_POINTS_MAX;
}

/* A power of two that makes four steps of the range, and a difference in the axis' labels. */
static uint64_t step_of(uint64_t range, uint64_t high)
{
	uint64_t unit = 1, step = 1;

	while (unit <= high / 1024)
		unit *= 1024;
	while (step < UINT64_MAX / 4 && (step < range / 4 || step < unit / 8))
		step *= 2;
	return step;
}

/* 1, 2 or 5 times a power of ten that makes at least four steps of the range. */
static uint64_t decimal_step(uint64_t range)
{
	static const uint64_t factors[] = { 2, 5, 10 };
	uint64_t ten = 1, step = 1;

	while (step < range / 4) {
		size_t i = 0;

		while (i < 2 && ten * factors[i] < range / 4)
			i++;
		step = ten * factors[i];
		if (step >= range / 4 || ten > UINT64_MAX / 1000)
			break;
		ten *= 10;
	}
	return step;
}

/* False when not one point is known. */
static bool range_of(const struct graph *graph, struct range *ret)
{
	uint64_t low = UINT64_MAX, high = 0, step;

	for (size_t i = 0; i < graph->count; i++) {
		if (!fact_known(graph->points[i]))
			continue;
		low = min_u64(low, graph->points[i].v);
		high = max_u64(high, graph->points[i].v);
	}
	if (low > high)
		return false;
	if (fact_known(graph->limit))
		high = max_u64(high, graph->limit.v);
	step = graph->unit == GRAPH_BYTES ? step_of(high - low, high) : decimal_step(high - low);
	ret->low = low - low % step;
	ret->high = high >= UINT64_MAX - step ? UINT64_MAX : high - high % step + step;
	return true;
}

/* How many of `levels` a value fills. */
static int level_of(struct range range, uint64_t value, int levels)
{
	uint64_t span = range.high - range.low, part;

	if (value <= range.low)
		return 0;
	part = min_u64(value - range.low, span);
	while (part > UINT64_MAX / 8192) {
		part /= 2;
		span /= 2;
	}
	return (int)((part * (uint64_t)levels + span / 2) / span);
}

/* Level of a point; what is known shows at least a dot, what is not shows none. */
static int point_level(const struct graph *graph, size_t i, struct range range, int levels)
{
	int level;

	if (i >= graph->count || !fact_known(graph->points[i]))
		return 0;
	level = level_of(range, graph->points[i].v, levels);
	return level > 1 ? level : 1;
}

/* Dots of one braille column, from the bottom, as bits of U+2800's block. */
static unsigned braille_column(int dots, bool is_right)
{
	static const unsigned left[] = { 0x40, 0x04, 0x02, 0x01 };
	static const unsigned right[] = { 0x80, 0x20, 0x10, 0x08 };
	unsigned bits = 0;

	for (int i = 0; i < dots && i < BRAILLE_DOTS; i++)
		bits |= is_right ? right[i] : left[i];
	return bits;
}

/* What of a level falls into the row that begins at `below`. */
static int in_row(int level, int below, int height)
{
	level -= below;
	return level < 0 ? 0 : level > height ? height : level;
}

static void braille_glyph(char utf8[4], unsigned bits)
{
	utf8[0] = (char)0xe2;
	utf8[1] = (char)(0xa0 | bits >> 6);
	utf8[2] = (char)(0x80 | (bits & 0x3f));
	utf8[3] = '\0';
}

static void draw_braille(const struct graph *graph, struct range range, struct area chart)
{
	int levels = chart.height * BRAILLE_DOTS;

	for (int x = 0; x < chart.width; x++) {
		size_t first = 2 * (size_t)x;
		int left = point_level(graph, first, range, levels);
		int right = point_level(graph, first + 1, range, levels);

		for (int row = 0; row < chart.height; row++) {
			int below = row * BRAILLE_DOTS;
			unsigned bits = braille_column(in_row(left, below, BRAILLE_DOTS), false) |
			                braille_column(in_row(right, below, BRAILLE_DOTS), true);
			char utf8[4];

			if (!bits)
				continue;
			braille_glyph(utf8, bits);
			draw_fill(chart, x, chart.height - 1 - row, 1, graph->role, utf8);
		}
	}
}

static const char *block_glyph(const struct canvas *canvas, int eighths)
{
	static const char *const blocks[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char *const ascii[] = { " ", "_", "_", "-", "-", "-", "^", "^", "#" };

	return canvas->ascii ? ascii[eighths] : blocks[eighths];
}

static void draw_blocks(const struct graph *graph, struct range range, struct area chart)
{
	int levels = chart.height * EIGHTHS;

	for (int x = 0; x < chart.width; x++) {
		int level = point_level(graph, (size_t)x, range, levels);

		for (int row = 0; row * EIGHTHS < level; row++)
			draw_fill(chart, x, chart.height - 1 - row, 1, graph->role,
			          block_glyph(chart.canvas, in_row(level, row * EIGHTHS, EIGHTHS)));
	}
}

/* The limit's line, behind the chart. */
static void draw_limit(const struct graph *graph, struct range range, struct area chart)
{
	int level;

	if (!fact_known(graph->limit) || chart.height < 1)
		return;
	level = level_of(range, graph->limit.v, chart.height);
	draw_fill(chart, 0, chart.height - (level > 1 ? level : 1), chart.width, ROLE_GAUGE_LIMIT,
	          "┄");
}

static char *hundredths(char buf[TEXT_NUMBER], uint64_t value, const char *unit)
{
	char whole[TEXT_NUMBER];

	/* where the hundredths say nothing they are left out */
	if (value >= 10000 || value % 100 == 0)
		(void)snprintf(buf, TEXT_NUMBER, "%.20s%s", text_count(whole, (value + 50) / 100),
		               unit);
	else
		(void)snprintf(buf, TEXT_NUMBER, "%.20s.%02u%s", text_count(whole, value / 100),
		               (unsigned)(value % 100), unit);
	return buf;
}

char *graph_value(char buf[TEXT_NUMBER], struct fact value, enum graph_unit unit)
{
	if (!fact_known(value))
		return text_copy(buf, TEXT_NUMBER, "?");
	switch (unit) {
	case GRAPH_COUNT:
		return text_count(buf, value.v);
	case GRAPH_PER_SECOND:
		return hundredths(buf, value.v, "/s");
	case GRAPH_PERCENT:
		return hundredths(buf, value.v, " %");
	case GRAPH_BYTES:
		break;
	}
	return text_bytes(buf, value.v);
}

static void draw_value_axis(const struct graph *graph, struct range range, struct area area,
                            int rows)
{
	char number[TEXT_NUMBER];

	for (int y = 0; y < rows; y++)
		draw_text(area, AXIS_COLUMNS - 1, y, ROLE_GRAPH_AXIS, "┤");
	draw_right(area, AXIS_COLUMNS - 2, 0, ROLE_GRAPH_AXIS,
	           graph_value(number, fact_of(range.high), graph->unit));
	if (rows > 1)
		draw_right(area, AXIS_COLUMNS - 2, rows - 1, ROLE_GRAPH_AXIS,
		           graph_value(number, fact_of(range.low), graph->unit));
}

/* "-60 s", "-10 min" */
static void time_text(char to[16], uint32_t seconds)
{
	if (seconds >= 120 && seconds % 60 == 0)
		(void)snprintf(to, 16, "-%u min", seconds / 60);
	else
		(void)snprintf(to, 16, "-%u s", seconds);
}

static void draw_time_axis(const struct graph *graph, struct area area, int y)
{
	int columns = chart_columns(&area);
	struct area chart = area_part(area, AXIS_COLUMNS, y, -1, 1);
	char label[16];

	draw_text(area, AXIS_COLUMNS - 1, y, ROLE_GRAPH_AXIS, "└");
	draw_fill(chart, 0, 0, columns, ROLE_GRAPH_AXIS, "─");
	time_text(label, graph->window_s);
	draw_textf(chart, 0, 0, ROLE_GRAPH_AXIS, " %s ", label);
	if (columns > 36) {
		time_text(label, graph->window_s / 2);
		draw_textf(chart, columns / 2 - 4, 0, ROLE_GRAPH_AXIS, " %s ", label);
	}
	draw_right(chart, columns, 0, ROLE_GRAPH_AXIS, " now ");
}

struct area graph_chart(struct area area)
{
	return area_part(area, AXIS_COLUMNS, 0, -1, -1);
}

/* False when there is nothing to be drawn. */
static bool draw_chart(const struct graph *graph, struct area area, int rows)
{
	struct area chart = area_part(area, AXIS_COLUMNS, 0, -1, rows);
	struct range range;

	if (!range_of(graph, &range))
		return false;
	draw_limit(graph, range, chart);
	if (is_braille(area.canvas, graph->glyphs))
		draw_braille(graph, range, chart);
	else
		draw_blocks(graph, range, chart);
	draw_value_axis(graph, range, area, rows);
	return true;
}

void graph_draw_chart(const struct graph *graph, struct area area)
{
	if (area.height < 1 || graph_chart(area).width < 2)
		return;
	if (!draw_chart(graph, area, area.height))
		draw_text(area, 1, area.height / 2, ROLE_TEXT_DIM, "not known in this span");
}

void graph_draw(const struct graph *graph, struct area area)
{
	int rows = area.height - 1;

	if (rows < 1 || graph_chart(area).width < 2)
		return;
	if (draw_chart(graph, area, rows))
		draw_time_axis(graph, area, rows);
	else
		draw_text(area, 1, rows / 2, ROLE_TEXT_DIM, "… no sample knows this figure yet");
}
