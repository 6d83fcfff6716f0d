/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commit·OOM: the ranking, its order and its cells. */
#include <stdio.h>
#include <string.h>

#include "tui/view_oom.h"
#include "tui/view_parts.h"
#include "tui/view_rows.h"
#include "tui/widget_list.h"

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

const char *const oom_sort_names[OOM_SORT_COUNT] = {
	[OOM_SORT_BADNESS] = "badness", [OOM_SORT_RSS] = "rss", [OOM_SORT_SWAP] = "swap",
	[OOM_SORT_ADJ] = "adj",         [OOM_SORT_PID] = "pid",
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

	switch ((enum oom_sort)frame->state->sort) {
	case OOM_SORT_RSS:
		return (left->rss_pages < right->rss_pages) - (left->rss_pages > right->rss_pages);
	case OOM_SORT_SWAP:
		return (left->swap_pages < right->swap_pages) -
		       (left->swap_pages > right->swap_pages);
	case OOM_SORT_ADJ:
		return (left->adj < right->adj) - (left->adj > right->adj);
	case OOM_SORT_PID:
		return (left->pid > right->pid) - (left->pid < right->pid);
	case OOM_SORT_BADNESS:
	case OOM_SORT_COUNT:
		break;
	}
	return 0;
}

/* A user's name; the number of one who has none. */
static void user_words(const struct oom_task *task, char *to, size_t size)
{
	if (task->user[0])
		text_clean(to, size, task->user, strnlen(task->user, sizeof(task->user)));
	else
		(void)snprintf(to, size, "%u", task->uid);
}

static bool task_contains(const struct oom_task *task, const char *needle)
{
	char comm[3 * sizeof(task->comm)], user[3 * sizeof(task->user)], line[128];

	text_clean(comm, sizeof(comm), task->comm, strnlen(task->comm, sizeof(task->comm)));
	user_words(task, user, sizeof(user));
	(void)snprintf(line, sizeof(line), "%d %s %s", task->pid, user, comm);
	return view_contains(line, strlen(line), needle);
}

static bool keep_task(const void *ctx, uint32_t object)
{
	const struct view_frame *frame = ctx;

	return task_contains(&snapshot_oom(frame->snap)->tasks[object], frame->state->filter);
}

void oom_tasks_prepare(const struct view_frame *frame)
{
	const struct oom_table *oom = snapshot_oom(frame->snap);
	const struct rows_maker maker = {
		.part = frame->snap->parts[PART_OOM],
		.count = oom ? oom->count : 0,
		.ctx = frame,
		.keep = frame->state->filter[0] ? keep_task : NULL,
		.compare = frame->state->sort == OOM_SORT_BADNESS ? NULL : compare_tasks,
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
		draw_text(cell, x, 0, ROLE_TEXT_DIM, "(~ status unreadable)");
}

/* Without a cgroup that bites first everybody is in the domain, which is no news. */
static bool is_in_cgroup(const struct view_frame *frame, const struct oom_task *task)
{
	return task->in_domain && frame->first_limit &&
	       frame->first_limit->constraint == OOM_CONSTRAINT_MEMCG;
}

static void draw_pages(const struct view_frame *frame, struct fact pages, struct area cell)
{
	const struct system_facts *sys = snapshot_system(frame->snap);
	uint64_t page_size = sys && sys->page_size ? sys->page_size : 4096, bytes;

	if (!fact_known(pages) || __builtin_mul_overflow(pages.v, page_size, &bytes))
		draw_bytes(cell, cell.width, 0, fact_unknown());
	else
		draw_bytes(cell, cell.width, 0, fact_of(bytes));
}

static void draw_number_cell(const struct oom_task *task, enum column column, struct area cell)
{
	char number[TEXT_NUMBER + 1], badness[TEXT_NUMBER];

	if (column == COL_PID)
		(void)snprintf(number, sizeof(number), "%d", task->pid);
	else if (column == COL_ADJ)
		(void)snprintf(number, sizeof(number), "%d", task->adj);
	else if (column == COL_SCORE)
		text_count_fact(number, task->score);
	else if (task->is_eligible)
		(void)snprintf(number, sizeof(number), "%s%s", task->is_partial ? "~" : "",
		               text_signed(badness, task->badness));
	else
		(void)snprintf(number, sizeof(number), "-");
	draw_right(cell, cell.width, 0, ROLE_NUMBER, number);
}

static void draw_cell(const void *ctx, size_t row, size_t column, struct area cell)
{
	const struct view_frame *frame = ctx;
	const struct oom_task *task = task_at(frame, row);
	char user[3 * sizeof(task->user)];

	switch ((enum column)column) {
	case COL_USER:
		user_words(task, user, sizeof(user));
		draw_text(cell, 0, 0, ROLE_TEXT, user);
		return;
	case COL_RSS:
		draw_pages(frame, fact_of(task->rss_pages), cell);
		return;
	case COL_SWAP:
		draw_pages(frame, task->is_partial ? fact_unknown() : fact_of(task->swap_pages),
		           cell);
		return;
	case COL_TABLES:
		draw_bytes(cell, cell.width, 0,
		           task->is_partial ? fact_unknown() : fact_of(task->pgtables_bytes));
		return;
	case COL_DOMAIN:
		draw_text(cell, 0, 0, ROLE_MARK, is_in_cgroup(frame, task) ? "●" : "");
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
	return task_contains(task_at(ctx, row), needle);
}

struct list oom_task_list(const struct view_frame *frame)
{
	const struct part *part = frame->snap->parts[PART_OOM];

	return (struct list){
		.hidden_columns = frame->state->hidden_columns,
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

const struct oom_task *oom_selected_task(const struct view_frame *frame)
{
	struct list list = oom_task_list(frame);

	return list.row_count ? task_at(frame, list_selected_row(&list, frame->state)) : NULL;
}
