/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_VIEW_OVERVIEW_H
#define HEAPTOP_TUI_VIEW_OVERVIEW_H

/* Private to view_overview.c and overview_*.c: the sections that it is put together from. */
#include "tui/view.h"

enum {
	BAR_ROWS = 2,
	WHERE_ROWS = SPACE_ROW_COUNT + 2 + BAR_ROWS, /* titles, rows, total */
	PRESSURE_ROWS = 11,
	MALLOC_ROWS = 8,
	MALLOC_COMPACT_ROWS = 3,
	LIMITS_COMPACT_ROWS = 3,
	FINDINGS_MAX = 32,
	MAPPINGS_MAX = 16,
};

/** The partition of VmSize; needs WHERE_ROWS, or BAR_ROWS less without its bars. */
void overview_where(const struct view_frame *frame, struct area area);

/** Its divider's title, "where the memory is (VmSize 745.6 MiB)". */
void overview_where_title(const struct view_frame *frame, char *to, size_t size);

/** What may run out; needs PRESSURE_ROWS. */
void overview_pressure(const struct view_frame *frame, struct area area);
void overview_limits_compact(const struct view_frame *frame, struct area area);

/** Sums over all arenas; needs MALLOC_ROWS, and says more with three rows more. */
void overview_malloc(const struct view_frame *frame, struct area area);
void overview_malloc_compact(const struct view_frame *frame, struct area area);

/** The chart of the last minute. */
void overview_graph(const struct view_frame *frame, struct area area);

/** One bar for each arena, the largest first. */
void overview_arenas(const struct view_frame *frame, struct area area);
void overview_arenas_title(const struct view_frame *frame, char *to, size_t size);

/** The mappings with most resident memory, as many as there are rows below a line of titles. */
void overview_mappings(const struct view_frame *frame, struct area area);

/** Findings, worst first; returns how many there are. */
size_t overview_findings(const struct view_frame *frame, struct area area);

#endif
