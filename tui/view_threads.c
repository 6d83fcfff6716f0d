/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads: each one's arena, tcache and stack; the selected one in detail. */
#include "tui/view_threads.h"

#include <stdio.h>
#include <string.h>

#include "model/facts/source.h"
#include "tui/view_parts.h"
#include "tui/view_rows.h"
#include "tui/widget_list.h"

enum { TWO_COLUMNS = 96, DETAIL_ROWS = 7, DETAIL_MORE = 6, LIST_LEAST = 8 };

enum column {
	COL_TID,
	COL_NAME,
	COL_ARENA,
	COL_CHUNKS,
	COL_BYTES,
	COL_STACK,
	COL_RSS,
	COL_START,
	COL_COUNT
};

static const struct list_column columns[COL_COUNT] = {
	[COL_TID] = { .title = "tid", .width = 8, .is_right = true },
	[COL_NAME] = { .title = "name", .width = 15, .rank = 2, .grows = true },
	[COL_ARENA] = { .title = "arena", .width = 6 },
	[COL_CHUNKS] = { .title = "tcache", .width = 7, .rank = 1, .is_right = true },
	[COL_BYTES] = { .title = "bytes", .width = 10, .is_right = true },
	[COL_STACK] = { .title = "stack", .width = 10, .rank = 4, .is_right = true },
	[COL_RSS] = { .title = "resident", .width = 10, .rank = 3, .is_right = true },
	[COL_START] = { .title = "stack at", .width = 12, .rank = 5 },
};

/* --- list --------------------------------------------------------------------------------------- */

static uint64_t thread_key(const void *ctx, size_t row)
{
	return (uint64_t)thread_at(ctx, row)->tid;
}

static bool matches(const void *ctx, size_t row, const char *needle)
{
	return thread_contains(ctx, thread_at(ctx, row), needle);
}

static void draw_arena(const struct malloc_state *ms, const struct malloc_thread *thread,
                       struct area cell)
{
	char name[TEXT_NUMBER];

	if (!fact_known(thread->arena))
		draw_text(cell, 0, 0, ROLE_TEXT_DIM, "?");
	else if (!thread->arena.v)
		draw_text(cell, 0, 0, ROLE_TEXT_DIM, "-");
	else
		draw_text(cell, 0, 0,
		          thread->arena.v == ms->main_arena_addr ? ROLE_ARENA_MAIN
		                                                 : ROLE_ARENA_THREAD,
		          arena_name(name, ms, arena_index(ms, thread->arena.v)));
}

static void draw_thread_cell(const struct view_frame *frame, const struct malloc_thread *thread,
                             enum column column, struct area cell)
{
	struct thread_stack stack = thread_stack(frame->snap, thread);
	char text[THREAD_NAME];

	switch (column) {
	case COL_TID:
		(void)snprintf(text, sizeof(text), "%d", thread->tid);
		draw_right(cell, cell.width, 0, ROLE_NUMBER, text);
		break;
	case COL_NAME:
		draw_text(cell, 0, 0, ROLE_TEXT, thread_name(text, thread));
		break;
	case COL_ARENA:
		draw_arena(snapshot_malloc(frame->snap), thread, cell);
		break;
	case COL_CHUNKS:
		draw_count(cell, cell.width, 0, thread->total.count);
		break;
	case COL_BYTES:
		draw_bytes(cell, cell.width, 0, thread->total.bytes);
		break;
	case COL_STACK:
		draw_bytes(cell, cell.width, 0, stack.size);
		break;
	case COL_RSS:
		draw_bytes(cell, cell.width, 0, stack.rss);
		break;
	case COL_START:
		draw_text(cell, 0, 0, stack.start ? ROLE_ADDRESS : ROLE_TEXT_DIM,
		          stack.start ? text_addr(text, stack.start) : "?");
		break;
	case COL_COUNT:
		break;
	}
}

/* --- total -------------------------------------------------------------------------------------- */

struct list_ctx {
	const struct view_frame *frame;
	struct fact chunks, bytes, stack, rss;
};

static void add_fact(struct fact *sum, struct fact figure)
{
	if (!fact_known(figure))
		*sum = fact_unknown();
	else if (fact_known(*sum))
		sum->v += figure.v;
}

/* Of the threads that the list shows; unknown when one of them is. */
static void sum_up(struct list_ctx *ctx, size_t rows)
{
	ctx->chunks = ctx->bytes = ctx->stack = ctx->rss = fact_of(0);
	for (size_t i = 0; i < rows; i++) {
		const struct malloc_thread *thread = thread_at(ctx->frame, i);
		struct thread_stack stack = thread_stack(ctx->frame->snap, thread);

		add_fact(&ctx->chunks, thread->total.count);
		add_fact(&ctx->bytes, thread->total.bytes);
		add_fact(&ctx->stack, stack.size);
		add_fact(&ctx->rss, stack.rss);
	}
}

static void draw_cell(const void *data, size_t row, size_t column, struct area cell)
{
	const struct list_ctx *ctx = data;

	if (row != LIST_TOTAL) {
		draw_thread_cell(ctx->frame, thread_at(ctx->frame, row), (enum column)column, cell);
		return;
	}
	if (column == COL_TID)
		draw_right(cell, cell.width, 0, ROLE_TEXT_STRONG, "total");
	else if (column == COL_CHUNKS)
		draw_count(cell, cell.width, 0, ctx->chunks);
	else if (column == COL_BYTES)
		draw_bytes(cell, cell.width, 0, ctx->bytes);
	else if (column == COL_STACK)
		draw_bytes(cell, cell.width, 0, ctx->stack);
	else if (column == COL_RSS)
		draw_bytes(cell, cell.width, 0, ctx->rss);
}

static uint64_t list_key(const void *data, size_t row)
{
	return thread_key(((const struct list_ctx *)data)->frame, row);
}

static bool list_matches(const void *data, size_t row, const char *needle)
{
	return matches(((const struct list_ctx *)data)->frame, row, needle);
}

static struct list thread_list(const struct list_ctx *ctx)
{
	const struct view_frame *frame = ctx->frame;
	const struct malloc_state *ms = snapshot_malloc(frame->snap);

	return (struct list){
		.hidden_columns = frame->state->hidden_columns,
		.columns = columns,
		.column_count = COL_COUNT,
		.row_count = ms ? view_rows_count(frame->state, frame->snap->parts[PART_HEAP],
		                                  ms->thread_count)
		                : 0,
		.has_total = true,
		.empty = frame->state->filter[0] ? "no thread matches the filter (f changes it)"
		                                 : "… the threads have not been read yet",
		.ctx = ctx,
		.key = list_key,
		.cell = draw_cell,
		.matches = list_matches,
	};
}

static const struct malloc_thread *selected_thread(const struct view_frame *frame)
{
	const struct list_ctx ctx = { .frame = frame };
	struct list list = thread_list(&ctx);

	return list.row_count ? thread_at(frame, list_selected_row(&list, frame->state)) : NULL;
}

/* --- view --------------------------------------------------------------------------------------- */

static void draw_list(const struct view_frame *frame, struct area area)
{
	const struct malloc_state *ms = snapshot_malloc(frame->snap);
	struct list_ctx ctx = { .frame = frame };
	struct list list = thread_list(&ctx);
	char title[64], right[96], count[TEXT_NUMBER];

	sum_up(&ctx, list.row_count);
	(void)snprintf(title, sizeof(title), "threads %s", text_count(count, ms->thread_count));
	(void)snprintf(right, sizeof(right), "%s%ssort: %s%s",
	               frame->state->filter[0] ? text_count(count, list.row_count) : "",
	               frame->state->filter[0] ? " match   " : "",
	               thread_sort_names[frame->state->sort % THREAD_SORT_COUNT],
	               frame->state->sort_reversed ? ", reversed" : "");
	list_draw(&list, frame->state, pane_area(area, title, right), true);
}

static void draw_detail(const struct view_frame *frame, const struct malloc_thread *thread,
                        struct area area)
{
	char tcache[64], about[64 + THREAD_NAME], name[THREAD_NAME];
	struct pane_pair pair;

	(void)snprintf(tcache, sizeof(tcache), "tcache of %d", thread->tid);
	(void)snprintf(about, sizeof(about), "thread %d %s", thread->tid,
	               thread_name(name, thread));
	if (area.width >= TWO_COLUMNS) {
		pair = pane_pair(area, (area.width - 2) / 2, about, tcache);
		threads_about(frame, thread, pair.left);
		threads_tcache(frame, thread, pair.right);
		return;
	}
	frame->state->pane_count = 2;
	if (frame->state->pane % 2)
		threads_tcache(frame, thread, pane_area(area, tcache, "Tab: arena and stack"));
	else
		threads_about(frame, thread, pane_area(area, about, "Tab: tcache"));
}

/* As many rows as there are threads, and no less than the detail needs left below. */
static int list_height(const struct view_frame *frame, int height)
{
	size_t rows = view_rows_count(frame->state, frame->snap->parts[PART_HEAP],
	                              snapshot_malloc(frame->snap)->thread_count);
	int wanted = rows < 1000 ? (int)rows + 3 : 1000, least = height / 3;
	int most = height - DETAIL_ROWS - 1 - (height > 40 ? DETAIL_MORE : 0);

	if (height < LIST_LEAST + DETAIL_ROWS + 1)
		return height;
	return wanted < least ? least : wanted < most ? wanted : most;
}

static void threads_draw(const struct view_frame *frame, struct area area)
{
	const struct malloc_thread *thread;
	char why[400];

	frame->state->pane_count = 1;
	malloc_absence(frame->snap, why, sizeof(why));
	if (why[0]) {
		draw_wrapped(pane_area(area, "threads", NULL), 1, ROLE_TEXT, why);
		return;
	}
	draw_list(frame, take_rows(&area, list_height(frame, area.height)));
	thread = selected_thread(frame);
	if (area.height > 1 && thread)
		draw_detail(frame, thread, area);
}

static bool threads_command(const struct view_frame *frame, enum command_id command)
{
	const struct list_ctx ctx = { .frame = frame };
	struct list list = thread_list(&ctx);
	struct view_state *state = frame->state;

	if (command == CMD_NEXT_PANE && state->pane_count > 1) {
		state->pane = (uint8_t)((state->pane + 1) % state->pane_count);
		return true;
	}
	return view_sort_command(state, THREAD_SORT_COUNT, command) ||
	       list_command(&list, state, command);
}

static void threads_status(const struct view_frame *frame, char *to, size_t size)
{
	if (snapshot_malloc(frame->snap))
		(void)snprintf(
		        to, size,
		        "tcache: chunks kept for this thread alone   - has not called malloc "
		        "yet   Enter goes to the arena");
}

static bool threads_open(const struct view_frame *frame, struct view_target *ret)
{
	const struct malloc_thread *thread = selected_thread(frame);

	if (!thread || !fact_or(thread->arena, 0))
		return false;
	*ret = (struct view_target){ VIEW_ARENAS, thread->arena.v };
	return true;
}

static bool threads_explain(const struct view_frame *frame, struct view_words *to)
{
	const struct malloc_thread *thread = selected_thread(frame);

	if (!thread)
		return false;
	text_addf(&to->title, "thread %d", thread->tid);
	text_add(
	        &to->body,
	        "This thread has no arena yet, or it could not be read: it gets one with its first "
	        "malloc, from the free list, or a new one while there are fewer than the limit, or "
	        "one that others use (glibc malloc/arena.c:arena_get2).");
	return true;
}

static bool threads_copy(const struct view_frame *frame, struct text *to)
{
	const struct malloc_thread *thread = selected_thread(frame);
	char name[THREAD_NAME], arena[TEXT_NUMBER], bytes[TEXT_NUMBER];

	if (!thread)
		return false;
	text_addf(to, "%d %s arena %s tcache %s", thread->tid, thread_name(name, thread),
	          fact_or(thread->arena, 0) ? text_addr(arena, thread->arena.v) : "-",
	          figure_bytes(bytes, thread->total.bytes));
	return true;
}

const struct view_ops view_threads = {
	.id = VIEW_THREADS,
	.key = '9',
	.title = "Threads",
	.enter = "Arena",
	.takes = TAKE_PROCESS | TAKE_VMAS | TAKE_HEADERS | TAKE_RESIDENCY,
	.prepare = threads_prepare,
	.draw = threads_draw,
	.status = threads_status,
	.command = threads_command,
	.open = threads_open,
	.explain = threads_explain,
	.copy = threads_copy,
};
