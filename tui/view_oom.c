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

enum column {
	COL_PID,
	COL_USER,
	COL_ADJ,
	COL_SCORE,
	COL_BADNESS,
	COL_RSS,
	COL_SWAP,
	COL_TABLES,
	COL_DOMAIN,
	COL_COMMAND,
	COL_COUNT
};

static const struct list_column columns[COL_COUNT] = {
	[COL_PID] = { .title = "pid", .width = 8, .is_right = true },
	[COL_USER] = { .title = "user", .width = 8, .rank = 5 },
	[COL_ADJ] = { .title = "adj", .width = 5, .rank = 3, .is_right = true },
	[COL_SCORE] = { .title = "score", .width = 5, .rank = 1, .is_right = true },
	[COL_BADNESS] = { .title = "badness", .width = 11, .is_right = true },
	[COL_RSS] = { .title = "rss", .width = 10, .rank = 2, .is_right = true },
	[COL_SWAP] = { .title = "swap", .width = 10, .rank = 4, .is_right = true },
	[COL_TABLES] = { .title = "pgtables", .width = 9, .rank = 6, .is_right = true },
	[COL_DOMAIN] = { .title = "cg", .width = 2, .rank = 7 },
	[COL_COMMAND] = { .title = "command", .width = 15, .grows = true },
};

enum sort { SORT_BADNESS, SORT_RSS, SORT_SWAP, SORT_ADJ, SORT_PID, SORT_COUNT };

static const char *const sort_names[SORT_COUNT] = {
	[SORT_BADNESS] = "badness", [SORT_RSS] = "rss", [SORT_SWAP] = "swap",
	[SORT_ADJ] = "adj",         [SORT_PID] = "pid",
};

static const struct oom_task *task_at(const struct view_frame *frame, size_t row)
{
	const struct part *part = frame->snap->parts[PART_OOM];

	return &part->oom.tasks[view_rows_object(frame->state, part, row)];
}

static int32_t target_pid(const struct view_frame *frame)
{
	const struct process_facts *process = snapshot_process(frame->snap);

	return process ? process->id.pid : 0;
}

/* --- order -------------------------------------------------------------------------------------- */

static int compare_tasks(const void *ctx, uint32_t a, uint32_t b)
{
	const struct view_frame *frame = ctx;
	const struct oom_task *left = &snapshot_oom(frame->snap)->tasks[a];
	const struct oom_task *right = &snapshot_oom(frame->snap)->tasks[b];

	switch ((enum sort)frame->state->sort) {
	case SORT_RSS:
		return (left->rss_pages < right->rss_pages) - (left->rss_pages > right->rss_pages);
	case SORT_SWAP:
		return (left->swap_pages < right->swap_pages) -
		       (left->swap_pages > right->swap_pages);
	case SORT_ADJ:
		return (left->adj < right->adj) - (left->adj > right->adj);
	case SORT_PID:
		return (left->pid > right->pid) - (left->pid < right->pid);
	case SORT_BADNESS:
	case SORT_COUNT:
		break;
	}
	return 0;
}

/* A user's name where it is at hand, else the number; never asked from here. */
static void user_words(const struct view_frame *frame, const struct oom_task *task, char *to,
                       size_t size)
{
	const struct process_facts *process = snapshot_process(frame->snap);
	const char *name = frame->user_name_of_target;

	if (task->uid == 0)
		(void)snprintf(to, size, "root");
	else if (name && process && process->uid == task->uid)
		text_clean(to, size, name, strlen(name));
	else
		(void)snprintf(to, size, "%u", task->uid);
}

static bool task_contains(const struct view_frame *frame, const struct oom_task *task,
                          const char *needle)
{
	char comm[3 * sizeof(task->comm)], user[32], line[128];

	text_clean(comm, sizeof(comm), task->comm, strnlen(task->comm, sizeof(task->comm)));
	user_words(frame, task, user, sizeof(user));
	(void)snprintf(line, sizeof(line), "%d %s %s", task->pid, user, comm);
	return view_contains(line, strlen(line), needle);
}

static bool keep_task(const void *ctx, uint32_t object)
{
	const struct view_frame *frame = ctx;

	return task_contains(frame, &snapshot_oom(frame->snap)->tasks[object],
	                     frame->state->filter);
}

static void oom_prepare(const struct view_frame *frame)
{
	const struct oom_table *oom = snapshot_oom(frame->snap);
	const struct rows_maker maker = {
		.part = frame->snap->parts[PART_OOM],
		.count = oom ? oom->count : 0,
		.ctx = frame,
		.keep = frame->state->filter[0] ? keep_task : NULL,
		.compare = frame->state->sort == SORT_BADNESS ? NULL : compare_tasks,
	};

	view_rows_prepare(frame->state, &maker);
	/* The target is what one came for. */
	if (!frame->state->selected && oom)
		frame->state->selected = (uint64_t)(uint32_t)target_pid(frame);
}

/* --- list --------------------------------------------------------------------------------------- */

static uint64_t task_key(const void *ctx, size_t row)
{
	return (uint64_t)(uint32_t)task_at(ctx, row)->pid;
}

static enum role task_role(const struct view_frame *frame, const struct oom_task *task)
{
	if (task->pid == target_pid(frame))
		return ROLE_MARK;
	if (!task->is_eligible)
		return ROLE_OOM_PROTECTED;
	return task->badness > 0 ? ROLE_TEXT : ROLE_OOM_SAFE;
}

static void draw_command(const struct view_frame *frame, const struct oom_task *task,
                         struct area cell)
{
	char comm[3 * sizeof(task->comm)];
	int x;

	text_clean(comm, sizeof(comm), task->comm, strnlen(task->comm, sizeof(task->comm)));
	x = draw_text(cell, 0, 0, task_role(frame, task), comm) + 1;
	if (task->pid == target_pid(frame))
		draw_text(cell, x, 0, ROLE_MARK, "◀ this process");
	else if (!task->is_eligible)
		draw_textf(cell, x, 0, ROLE_TEXT_DIM, "(never: %s)",
		           task->why_not ? task->why_not : "?");
	else if (task->is_partial)
		draw_text(cell, x, 0, ROLE_TEXT_DIM, "(~ partly from an older reading)");
}

static void draw_pages(const struct view_frame *frame, uint64_t pages, struct area cell)
{
	const struct system_facts *sys = snapshot_system(frame->snap);
	uint64_t page_size = sys && sys->page_size ? sys->page_size : 4096, bytes;

	draw_bytes(cell, cell.width, 0,
	           __builtin_mul_overflow(pages, page_size, &bytes) ? fact_unknown()
	                                                            : fact_of(bytes));
}

static void draw_number_cell(const struct oom_task *task, enum column column, struct area cell)
{
	char number[TEXT_NUMBER];

	if (column == COL_PID)
		(void)snprintf(number, sizeof(number), "%d", task->pid);
	else if (column == COL_ADJ)
		(void)snprintf(number, sizeof(number), "%d", task->adj);
	else if (column == COL_SCORE)
		text_count_fact(number, task->score);
	else if (task->is_eligible)
		text_signed(number, task->badness);
	else
		(void)snprintf(number, sizeof(number), "-");
	draw_right(cell, cell.width, 0, ROLE_NUMBER, number);
}

static void draw_cell(const void *ctx, size_t row, size_t column, struct area cell)
{
	const struct view_frame *frame = ctx;
	const struct oom_task *task = task_at(frame, row);
	char user[32];

	switch ((enum column)column) {
	case COL_USER:
		user_words(frame, task, user, sizeof(user));
		draw_text(cell, 0, 0, ROLE_TEXT, user);
		return;
	case COL_RSS:
		draw_pages(frame, task->rss_pages, cell);
		return;
	case COL_SWAP:
		draw_pages(frame, task->swap_pages, cell);
		return;
	case COL_TABLES:
		draw_bytes(cell, cell.width, 0, fact_of(task->pgtables_bytes));
		return;
	case COL_DOMAIN:
		draw_text(cell, 0, 0, ROLE_MARK, task->in_domain ? "●" : "");
		return;
	case COL_COMMAND:
		draw_command(frame, task, cell);
		return;
	case COL_PID:
	case COL_ADJ:
	case COL_SCORE:
	case COL_BADNESS:
	case COL_COUNT:
		break;
	}
	draw_number_cell(task, (enum column)column, cell);
}

static bool matches(const void *ctx, size_t row, const char *needle)
{
	return task_contains(ctx, task_at(ctx, row), needle);
}

static struct list task_list(const struct view_frame *frame)
{
	const struct part *part = frame->snap->parts[PART_OOM];

	return (struct list){
		.columns = columns,
		.column_count = COL_COUNT,
		.row_count = part ? view_rows_count(frame->state, part, part->oom.count) : 0,
		.empty = part ? "no process matches the filter (f changes it)"
		              : "… the processes have not been ranked yet",
		.ctx = frame,
		.key = task_key,
		.cell = draw_cell,
		.matches = matches,
	};
}

/* --- view --------------------------------------------------------------------------------------- */

static void draw_list(const struct view_frame *frame, struct area area)
{
	const struct oom_table *oom = snapshot_oom(frame->snap);
	const struct view_state *state = frame->state;
	struct list list = task_list(frame);
	char title[80], right[120], total[TEXT_NUMBER] = "?";

	if (oom)
		text_count(total, oom->totalpages);
	(void)snprintf(title, sizeof(title), "OOM ranking · totalpages %s", total);
	(void)snprintf(right, sizeof(right), "sort: %s%s   %zu of %zu processes",
	               sort_names[state->sort % SORT_COUNT],
	               state->sort_reversed ? " reversed" : "", list.row_count,
	               oom ? oom->count : 0);
	list_draw(&list, frame->state, pane_area(area, title, right), true);
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
	struct list list = task_list(frame);

	if (command == CMD_NEXT_PANE && state->pane_count > 1) {
		state->pane = (uint8_t)((state->pane + 1) % state->pane_count);
		return true;
	}
	return view_sort_command(state, SORT_COUNT, command) || list_command(&list, state, command);
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
	.takes = TAKE_PROCESS | TAKE_VMAS | TAKE_SYSTEM | TAKE_OOM,
	.prepare = oom_prepare,
	.draw = oom_draw,
	.status = oom_status,
	.command = oom_command,
};
