/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_VIEW_OVERVIEW_H
#define HEAPTOP_TUI_VIEW_OVERVIEW_H

/* Private to view_overview.c and overview_*.c: the sections that it is put together from. */
#include "model/run/findings.h"
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

/* What can be selected; rows of one section stand in their order on the screen. */
enum overview_item {
	ITEM_WHERE = 1, /* and one for each row of the partition */
	ITEM_TOTAL = ITEM_WHERE + SPACE_ROW_COUNT,
	ITEM_RAM,
	ITEM_SWAP,
	ITEM_COMMIT,
	ITEM_CGROUP,
	ITEM_PSI,
	ITEM_OOM,
	ITEM_FAULTS,
	ITEM_GROWTH,
	ITEM_SYSTEM,
	ITEM_IN_USE,
	ITEM_TCACHE,
	ITEM_FAST,
	ITEM_BINS,
	ITEM_TOP,
	ITEM_MMAPPED,
	ITEM_TRIM,
	ITEM_EXPLAINED,              /* those before have a text of their own */
	ITEM_ARENA = ITEM_EXPLAINED, /* object: its address */
	ITEM_FINDING,                /* object: its id and what it is about */
};

enum { ITEM_SHIFT = 56 };

static inline uint64_t overview_key(uint64_t item, uint64_t object)
{
	return item << ITEM_SHIFT | (object & ((UINT64_C(1) << ITEM_SHIFT) - 1));
}

/** The same finding about the same object keeps its key from sample to sample. */
uint64_t overview_finding_key(const struct finding *finding);

/** See view_ops: what Enter leads to, what it says, and the selected row in a line. */
bool overview_open(const struct view_frame *frame, struct view_target *ret);
bool overview_explain(const struct view_frame *frame, struct view_words *to);

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
