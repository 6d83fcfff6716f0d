/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_VIEW_OOM_H
#define HEAPTOP_TUI_VIEW_OOM_H

/* Private to view_oom.c and oom_*.c: the panes around the ranking. */
#include "tui/view.h"
#include "tui/widget_list.h"

enum { COMMIT_ROWS = 8, CGROUP_ROWS = 8 };

enum oom_sort {
	OOM_SORT_BADNESS,
	OOM_SORT_RSS,
	OOM_SORT_SWAP,
	OOM_SORT_ADJ,
	OOM_SORT_PID,
	OOM_SORT_COUNT
};

extern const char *const oom_sort_names[OOM_SORT_COUNT];

/** Orders the ranking and selects the target at first. */
void oom_tasks_prepare(const struct view_frame *frame);

/** The ranking as a list; it refers to `frame`. */
struct list oom_task_list(const struct view_frame *frame);

/** Limit, what is committed, reserves; needs COMMIT_ROWS. */
void oom_commit(const struct view_frame *frame, struct area area);

/** What may still be mapped, by mode, and mode 2's sum; needs COMMIT_ROWS. */
void oom_headroom(const struct view_frame *frame, struct area area);

/** The path with limits and events, root first; needs CGROUP_ROWS. */
void oom_cgroup(const struct view_frame *frame, struct area area);

/** The first limit and whom it would kill; needs CGROUP_ROWS. */
void oom_victims(const struct view_frame *frame, struct area area);

/** Committed_AS over time. */
void oom_chart(const struct view_frame *frame, struct area area);

/** Its title, with the time it spans. */
void oom_chart_title(const struct view_frame *frame, char *to, size_t size);

/** What Enter says of a task of the ranking. */
void oom_explain(const struct view_frame *frame, const struct oom_task *task,
                 struct view_words *to);

/** The task of the selected row; NULL when there is none. */
const struct oom_task *oom_selected_task(const struct view_frame *frame);

#endif
