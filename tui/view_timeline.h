/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_VIEW_TIMELINE_H
#define HEAPTOP_TUI_VIEW_TIMELINE_H

/* Private to view_timeline.c and timeline_*.c. */
#include "tui/view.h"
#include "tui/widget_graph.h"

/* One graph that can be shown, in the order of the table. */
struct timeline_series {
	enum history_series id;
	const char *name;
	enum graph_unit unit;
	bool is_low_worst; /* a column shows the least of its time, not the most */
	const char *meaning;
};

enum { TIMELINE_SERIES = 17 };

extern const struct timeline_series timeline_series[TIMELINE_SERIES];

/* The part of the past that is shown. */
struct time_window {
	uint64_t from_ns, to_ns;
	uint64_t now_ns; /* of the snapshot on screen */
	uint64_t at_ns;  /* the instant looked at: the cursor's, or now */
};

struct time_window timeline_window(const struct view_frame *frame);

/** Moves, zooms and leaves the time; false: another command. */
bool timeline_time_command(const struct view_frame *frame, enum command_id command);

/** The value of a series at the instant looked at. */
struct fact timeline_value(const struct view_frame *frame, const struct time_window *window,
                           enum history_series series);

/** Graphs and the time axis below them; *area shrinks to what is left. */
void timeline_graphs(const struct view_frame *frame, const struct time_window *window,
                     struct area area);

/** The series whose names contain the filter, as places in the table; returns how many. */
size_t timeline_shown(const struct view_frame *frame, uint8_t ret[TIMELINE_SERIES]);

/** The place in `shown` of the selected one. */
size_t timeline_selected(const struct view_frame *frame, const uint8_t *shown, size_t count);

/** Events around the instant looked at. */
void timeline_events(const struct view_frame *frame, const struct time_window *window,
                     struct area area);

/** The event nearest to the cursor; NULL: none is near, or there is no cursor. */
const struct run_event *timeline_near(const struct view_frame *frame,
                                      const struct time_window *window);

/* --- growth since a mark ------------------------------------------------------------------------- */

/** The mark that is compared with; NULL: none was set before this snapshot. */
const struct mark *timeline_mark(const struct view_frame *frame);

/** "since mark 2, 45 s ago: note"; what to do where there is none. Clean text. */
void timeline_mark_title(const struct view_frame *frame, char *to, size_t size);

/** Totals only, for a small pane. */
void timeline_growth_brief(const struct view_frame *frame, struct area area);

/** Everything that changed, in a list. */
void timeline_growth_list(const struct view_frame *frame, struct area area);
bool timeline_growth_command(const struct view_frame *frame, enum command_id command);
bool timeline_growth_open(const struct view_frame *frame, struct view_target *ret);
bool timeline_growth_explain(const struct view_frame *frame, struct view_words *to);
bool timeline_growth_copy(const struct view_frame *frame, struct text *to);

#define CHANGE_WORDS 64

/** "+1.2 MiB", "-3", "±0"; with `per_minute` "+0.9 MiB/min". */
char *change_words(char buf[CHANGE_WORDS], int64_t change, enum graph_unit unit, bool per_minute);

#endif
