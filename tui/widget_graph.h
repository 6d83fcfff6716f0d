/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_WIDGET_GRAPH_H
#define HEAPTOP_TUI_WIDGET_GRAPH_H

/**
 * A filled chart of one series with its axes, in braille (2 × 4 dots a cell), blocks (eighths) or
 * ASCII. What is not known is a gap, never a zero.
 */
#include <stddef.h>
#include <stdint.h>

#include "model/base/fact.h"
#include "model/base/text.h"
#include "model/facts/history.h"
#include "tui/canvas.h"

enum graph_glyphs { GRAPH_BRAILLE, GRAPH_BLOCKS };

/* What the value axis says of a number; hundredths are of one per second, of a percent. */
enum graph_unit { GRAPH_BYTES, GRAPH_COUNT, GRAPH_PER_SECOND, GRAPH_PERCENT };

enum { GRAPH_POINTS_MAX = 512, GRAPH_AXIS_COLUMNS = 11 };

/* Points at even distances in time, oldest first; the last one is now. */
struct graph {
	struct fact points[GRAPH_POINTS_MAX];
	size_t count;
	uint32_t window_s;        /* that they span */
	struct fact limit;        /* a line across; unknown: none */
	enum graph_glyphs glyphs; /* ASCII where the canvas asks for it */
	enum graph_unit unit;
	enum role role;
};

/** Fills `count` points from a series; a point holds the last value known until then. */
void graph_from_history(struct graph *graph, const struct history *history,
                        enum history_series series, uint32_t window_s, size_t count);

/** How many points a chart of `columns` cells, axis included, can show. */
size_t graph_points_for(const struct area *area, enum graph_glyphs glyphs);

/** The part of a graph's area behind its value axis. */
struct area graph_chart(struct area area);

/** Draws chart and value axis without a time axis: for graphs that share one. */
void graph_draw_chart(const struct graph *graph, struct area area);

/** A value as the axis writes it: "402.7 MiB", "1,204/s", "0.12 %"; "?" when unknown. */
char *graph_value(char buf[TEXT_NUMBER], struct fact value, enum graph_unit unit);

/** Draws chart, value axis at the left (bytes) and time axis in the last row. */
void graph_draw(const struct graph *graph, struct area area);

#endif
