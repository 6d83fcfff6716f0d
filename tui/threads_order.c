/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads: which are shown, in which order, and what there is to know of one. */
#include <stdio.h>
#include <string.h>

#include "tui/view_parts.h"
#include "tui/view_rows.h"
#include "tui/view_threads.h"

const char *const thread_sort_names[THREAD_SORT_COUNT] = {
	[THREAD_SORT_TID] = "tid",      [THREAD_SORT_NAME] = "name",
	[THREAD_SORT_ARENA] = "arena",  [THREAD_SORT_CHUNKS] = "tcache",
	[THREAD_SORT_BYTES] = "bytes",  [THREAD_SORT_STACK] = "stack",
	[THREAD_SORT_RSS] = "resident",
};

char *thread_name(char buf[THREAD_NAME], const struct malloc_thread *thread)
{
	return text_clean(buf, THREAD_NAME, thread->name,
	                  strnlen(thread->name, sizeof(thread->name)));
}

struct thread_stack thread_stack(const struct snapshot *snap, const struct malloc_thread *thread)
{
	const struct vma_set *set = snapshot_vmas(snap);
	const struct vma *v =
	        set && thread->stack_start ? vma_find(set, thread->stack_start) : NULL;
	struct thread_stack stack = { .start = thread->stack_start };

	if (thread->stack_start && thread->stack_end > thread->stack_start)
		stack.size = fact_of(thread->stack_end - thread->stack_start);
	/* a stack inside a larger mapping of the program's shares that one's figure with others */
	if (v && v->has_residency && v->kind == VMA_STACK)
		stack.rss = fact_of(v->rss);
	return stack;
}

const struct malloc_thread *thread_at(const struct view_frame *frame, size_t row)
{
	const struct part *part = frame->snap->parts[PART_HEAP];

	return &snapshot_malloc(frame->snap)->threads[view_rows_object(frame->state, part, row)];
}

/* --- order -------------------------------------------------------------------------------------- */

/* main_arena first, then by address; who has none comes last. */
static uint64_t arena_rank(const struct malloc_state *ms, const struct malloc_thread *thread)
{
	if (!fact_known(thread->arena) || !thread->arena.v)
		return UINT64_MAX;
	return thread->arena.v == ms->main_arena_addr ? 0 : thread->arena.v;
}

static uint64_t sort_value(const struct view_frame *frame, const struct malloc_thread *thread)
{
	switch ((enum thread_sort)frame->state->sort) {
	case THREAD_SORT_CHUNKS:
		return fact_or(thread->total.count, 0);
	case THREAD_SORT_BYTES:
		return fact_or(thread->total.bytes, 0);
	case THREAD_SORT_STACK:
		return fact_or(thread_stack(frame->snap, thread).size, 0);
	case THREAD_SORT_RSS:
		return fact_or(thread_stack(frame->snap, thread).rss, 0);
	case THREAD_SORT_ARENA:
		return UINT64_MAX - arena_rank(snapshot_malloc(frame->snap), thread);
	case THREAD_SORT_TID:
	case THREAD_SORT_NAME:
	case THREAD_SORT_COUNT:
		break;
	}
	return 0;
}

/* Largest first; names by letter. */
static int compare_threads(const void *ctx, uint32_t a, uint32_t b)
{
	const struct view_frame *frame = ctx;
	const struct malloc_state *ms = snapshot_malloc(frame->snap);
	const struct malloc_thread *left = &ms->threads[a], *right = &ms->threads[b];
	uint64_t l, r;

	if (frame->state->sort == THREAD_SORT_NAME)
		return strncmp(left->name, right->name, sizeof(left->name));
	l = sort_value(frame, left);
	r = sort_value(frame, right);
	return l > r ? -1 : l < r;
}

bool thread_contains(const struct view_frame *frame, const struct malloc_thread *thread,
                     const char *needle)
{
	const struct malloc_state *ms = snapshot_malloc(frame->snap);
	char line[THREAD_NAME + 2 * TEXT_NUMBER], name[THREAD_NAME], arena[TEXT_NUMBER] = "-";

	if (fact_known(thread->arena) && thread->arena.v)
		arena_name(arena, ms, arena_index(ms, thread->arena.v));
	(void)snprintf(line, sizeof(line), "%d %s %s", thread->tid, thread_name(name, thread),
	               arena);
	return view_contains(line, strlen(line), needle);
}

static bool keep_thread(const void *ctx, uint32_t object)
{
	const struct view_frame *frame = ctx;

	return thread_contains(frame, &snapshot_malloc(frame->snap)->threads[object],
	                       frame->state->filter);
}

void threads_prepare(const struct view_frame *frame)
{
	const struct malloc_state *ms = snapshot_malloc(frame->snap);
	const struct rows_maker maker = {
		.part = frame->snap->parts[PART_HEAP],
		.count = ms ? ms->thread_count : 0,
		.ctx = frame,
		.keep = frame->state->filter[0] ? keep_thread : NULL,
		.compare = frame->state->sort == THREAD_SORT_TID ? NULL : compare_threads,
	};

	view_rows_prepare(frame->state, &maker);
}
