/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commit·OOM: commit accounting, the ranking by true badness, the cgroup path, who would die. Where
 * there is no room for all, Tab turns from page to page; the ranking is on the first.
 */
#include "tui/view_oom.h"

#include <stdio.h>
#include <string.h>

#include "model/facts/source.h"
#include "tui/view_parts.h"
#include "tui/view_rows.h"
#include "tui/widget_list.h"

enum { TWO_COLUMNS = 108, LIST_LEAST = 8, CHART_ROWS = 5, ALL_NARROW = 52 };

static void draw_list(const struct view_frame *frame, struct area area)
{
	const struct oom_table *oom = snapshot_oom(frame->snap);
	const struct view_state *state = frame->state;
	struct list list = oom_task_list(frame);
	char title[80], right[120], total[TEXT_NUMBER] = "?";
	int last;

	if (oom)
		text_count(total, oom->totalpages);
	(void)snprintf(title, sizeof(title), "OOM ranking · totalpages %s", total);
	list_draw(&list, frame->state, area_part(area, 0, 1, -1, -1), true);
	last = state->top_row + state->page_rows;
	if (last > state->row_count)
		last = state->row_count;
	(void)snprintf(right, sizeof(right), "sort: %s%s   rows %d-%d of %zu processes",
	               oom_sort_names[state->sort % OOM_SORT_COUNT],
	               state->sort_reversed ? " reversed" : "",
	               state->row_count ? state->top_row + 1 : 0, last, list.row_count);
	draw_divider(area, 0, title, right);
}

static void draw_commit_pair(const struct view_frame *frame, struct area area)
{
	struct pane_pair pair = pane_pair(area, (area.width - 2) / 2, "commit (kB as in meminfo)",
	                                  "headroom for the next private writable mapping");

	oom_commit(frame, pair.left);
	oom_headroom(frame, pair.right);
}

static void draw_cgroup_pair(const struct view_frame *frame, struct area area)
{
	struct pane_pair pair = pane_pair(area, (area.width - 2) / 2, "cgroup path, root first",
	                                  "who dies, and when");

	oom_cgroup(frame, pair.left);
	oom_victims(frame, pair.right);
}

static void draw_chart(const struct view_frame *frame, struct area area)
{
	char title[64];

	oom_chart_title(frame, title, sizeof(title));
	oom_chart(frame, pane_area(area, title, NULL));
}

static void draw_wide(const struct view_frame *frame, struct area area)
{
	int fixed = COMMIT_ROWS + 1 + CGROUP_ROWS + 1, left = area.height - fixed;
	int chart = left >= 2 * LIST_LEAST + 8        ? left / 3
	            : left >= LIST_LEAST + CHART_ROWS ? CHART_ROWS
	                                              : 0;

	draw_commit_pair(frame, take_rows(&area, COMMIT_ROWS + 1));
	draw_list(frame, take_rows(&area, left - chart));
	draw_cgroup_pair(frame, take_rows(&area, CGROUP_ROWS + 1));
	if (chart)
		draw_chart(frame, area);
}

static void draw_commit_stack(const struct view_frame *frame, struct area *area)
{
	oom_commit(frame,
	           pane_area(take_rows(area, COMMIT_ROWS + 1), "commit (kB as in meminfo)", NULL));
	oom_headroom(frame, pane_area(take_rows(area, COMMIT_ROWS + 1),
	                              "headroom for the next private writable mapping", NULL));
}

/* A small terminal's pages: ranking and victim, commit, cgroup and chart. */
static void draw_page(const struct view_frame *frame, struct area area)
{
	bool is_wide = area.width >= TWO_COLUMNS;

	frame->state->pane_count = 3;
	switch (frame->state->pane % 3) {
	case 0:
		draw_list(frame,
		          take_rows(&area, area.height > 16 ? area.height - 9 : area.height));
		if (area.height > 2)
			oom_victims(frame, pane_area(area, "who dies, and when", "Tab: commit"));
		return;
	case 1:
		if (is_wide)
			draw_commit_pair(frame, take_rows(&area, COMMIT_ROWS + 1));
		else
			draw_commit_stack(frame, &area);
		break;
	default:
		oom_cgroup(frame, pane_area(take_rows(&area, CGROUP_ROWS + 1),
		                            "cgroup path, root first", "Tab: ranking"));
		break;
	}
	if (area.height >= CHART_ROWS)
		draw_chart(frame, area);
}

static void draw_stacked(const struct view_frame *frame, struct area area)
{
	draw_commit_stack(frame, &area);
	draw_list(frame, take_rows(&area, area.height - 2 * (CGROUP_ROWS + 1)));
	oom_cgroup(frame,
	           pane_area(take_rows(&area, CGROUP_ROWS + 1), "cgroup path, root first", NULL));
	oom_victims(frame, pane_area(area, "who dies, and when", NULL));
}

static void oom_draw(const struct view_frame *frame, struct area area)
{
	int needed = COMMIT_ROWS + 1 + CGROUP_ROWS + 1 + LIST_LEAST;

	frame->state->pane_count = 1;
	if (area.width >= TWO_COLUMNS && area.height >= needed)
		draw_wide(frame, area);
	else if (area.height >= ALL_NARROW)
		draw_stacked(frame, area);
	else
		draw_page(frame, area);
}

static bool oom_command(const struct view_frame *frame, enum command_id command)
{
	struct view_state *state = frame->state;
	struct list list = oom_task_list(frame);

	if (command == CMD_NEXT_PANE && state->pane_count > 1) {
		state->pane = (uint8_t)((state->pane + 1) % state->pane_count);
		return true;
	}
	return view_sort_command(state, OOM_SORT_COUNT, command) ||
	       list_command(&list, state, command);
}

static bool explain_selected(const struct view_frame *frame, struct view_words *to)
{
	const struct oom_task *task = oom_selected_task(frame);

	if (task)
		oom_explain(frame, task, to);
	return task;
}

static bool copy_selected(const struct view_frame *frame, struct text *to)
{
	const struct oom_task *task = oom_selected_task(frame);
	char comm[3 * sizeof(task->comm)], badness[TEXT_NUMBER];

	if (!task)
		return false;
	text_clean(comm, sizeof(comm), task->comm, strnlen(task->comm, sizeof(task->comm)));
	text_addf(to, "%d %s adj %d badness %s", task->pid, comm, task->adj,
	          task->is_eligible ? text_signed(badness, task->badness) : "-");
	return true;
}

static void oom_status(const struct view_frame *frame, char *to, size_t size)
{
	const struct oom_table *oom = snapshot_oom(frame->snap);

	if (oom && oom->unreadable)
		(void)snprintf(to, size,
		               "%llu processes could not be read: the ranking is without them",
		               (unsigned long long)oom->unreadable);
	else
		(void)snprintf(to, size,
		               "score is what /proc shows; badness, in pages, is what the kernel "
		               "compares   ● in the cgroup of the first limit");
}

const struct view_ops view_oom = {
	.id = VIEW_OOM,
	.key = '5',
	.title = "Commit·OOM",
	.tab = "OOM",
	.takes = TAKE_PROCESS | TAKE_VMAS | TAKE_SYSTEM | TAKE_OOM,
	.prepare = oom_tasks_prepare,
	.draw = oom_draw,
	.status = oom_status,
	.command = oom_command,
	.explain = explain_selected,
	.copy = copy_selected,
};
