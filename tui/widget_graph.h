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
#include "model/facts/history.h"
#include "tui/canvas.h"

enum graph_glyphs { GRAPH_BRAILLE, GRAPH_BLOCKS };

enum { GRAPH_POINTS_MAX = 512 };

/* Points at even distances in time, oldest first; the last one is now. */
struct graph {
	struct fact points[GRAPH_POINTS_MAX];
	size_t count;
	uint32_t window_s;        /* that they span */
	struct fact limit;        /* a line across; unknown: none */
	enum graph_glyphs glyphs; /* ASCII where the canvas asks for it */
	enum role role;
};

/** Fills `count` points from a series; a point holds the last value known until then. */
void graph_from_history(struct graph *graph, const struct history *history,
                        enum history_series series, uint32_t window_s, size_t count);

/** How many points a chart of `columns` cells, axis included, can show. */
size_t graph_points_for(const struct area *area, enum graph_glyphs glyphs);

/** Draws chart, value axis at the left (bytes) and time axis in the last row. */
void graph_draw(const struct graph *graph, struct area area);

#endif
