/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events of malloc: arenas, heaps, thresholds, threads, corruption. */
#include "model/run/events_rules.h"

/* The malloc of both snapshots, when it is the same one and was read anew. */
static bool both_mallocs(const struct event_list *list, const struct malloc_state **from,
                         const struct malloc_state **to)
{
	*from = snapshot_malloc(list->before);
	*to = snapshot_malloc(list->after);
	return *from && *to && *from != *to && (*from)->main_arena_addr == (*to)->main_arena_addr;
}

/* --- arenas ------------------------------------------------------------------------------------- */

static const struct malloc_thread *thread_of_arena(const struct malloc_state *ms, uint64_t arena)
{
	for (size_t i = 0; i < ms->thread_count; i++) {
		if (fact_known(ms->threads[i].arena) && ms->threads[i].arena.v == arena)
			return &ms->threads[i];
	}
	return NULL;
}

static void name_thread(struct run_event *event, const struct malloc_thread *thread)
{
	if (!thread)
		return;
	event->a = (uint64_t)thread->tid;
	event_name(event, thread->name, sizeof(thread->name));
}

static void attached_changed(struct event_list *list, const struct arena *from,
                             const struct arena *to, const struct malloc_state *ms)
{
	if (!fact_known(from->attached_threads) || !fact_known(to->attached_threads))
		return;
	if (from->attached_threads.v && !to->attached_threads.v)
		event_add(list, RUN_EVENT_ARENA_LEFT, to->addr)->a = to->system_mem;
	else if (!from->attached_threads.v && to->attached_threads.v)
		name_thread(event_add(list, RUN_EVENT_ARENA_REUSED, to->addr),
		            thread_of_arena(ms, to->addr));
}

static void heaps_changed(struct event_list *list, const struct arena *from, const struct arena *to)
{
	struct run_event *event;

	if (to->heap_count > from->heap_count && !to->is_main) {
		event = event_add(list, RUN_EVENT_HEAP_NEW, to->addr);
		event->a = to->heaps[to->heap_count - 1].start;
		event->b = to->heap_count;
	} else if (to->heap_count < from->heap_count && !to->is_main) {
		event = event_add(list, RUN_EVENT_HEAP_GONE, to->addr);
		event->a = from->heaps[from->heap_count - 1].start;
		event->b = to->heap_count;
	}
	if (to->system_mem > from->system_mem)
		event_add(list, RUN_EVENT_HEAP_GROWN, to->addr)->a =
		        to->system_mem - from->system_mem;
	else if (to->system_mem < from->system_mem)
		event_add(list, RUN_EVENT_TOP_TRIMMED, to->addr)->a =
		        from->system_mem - to->system_mem;
}

/* New arenas stand behind main_arena in the ring, so the next one sought is behind the last found. */
static const struct arena *find_arena(const struct malloc_state *ms, uint64_t addr, size_t *at)
{
	for (size_t tried = 0; tried < ms->arena_count; tried++) {
		const struct arena *arena = &ms->arenas[(*at + tried) % ms->arena_count];

		if (arena->addr != addr)
			continue;
		*at = (*at + tried + 1) % ms->arena_count;
		return arena;
	}
	return NULL;
}

static void thresholds_changed(struct event_list *list, const struct malloc_params *from,
                               const struct malloc_params *to)
{
	const struct {
		enum run_event_kind kind;
		struct fact from, to;
	} thresholds[] = {
		{ RUN_EVENT_MMAP_THRESHOLD, from->mmap_threshold, to->mmap_threshold },
		{ RUN_EVENT_TRIM_THRESHOLD, from->trim_threshold, to->trim_threshold },
	};

	for (size_t i = 0; i < sizeof(thresholds) / sizeof(thresholds[0]); i++) {
		struct run_event *event;

		if (!fact_known(thresholds[i].from) || !fact_known(thresholds[i].to) ||
		    thresholds[i].from.v == thresholds[i].to.v)
			continue;
		event = event_add(list, thresholds[i].kind, 0);
		event->a = thresholds[i].from.v;
		event->b = thresholds[i].to.v;
	}
}

/* Errors of a process that ran while it was read are contradictions between instants. */
static void errors_changed(struct event_list *list)
{
	const struct heap_facts *from = snapshot_heap(list->before),
	                        *to = snapshot_heap(list->after);
	struct run_event *event;

	if (!from || !to || from == to || !to->error_count || to->has_moved ||
	    (from->error_count && !from->has_moved))
		return;
	event = event_add(list, RUN_EVENT_CORRUPT, 0);
	event->a = to->errors[0].addr;
	event->b = to->error_count;
	event_name(event, to->errors[0].what, sizeof(event->name));
}

void events_of_arenas(struct event_list *list)
{
	const struct malloc_state *from, *to;
	size_t at = 0;

	if (!both_mallocs(list, &from, &to))
		return;
	for (size_t i = 0; i < to->arena_count; i++) {
		const struct arena *now = &to->arenas[i];
		const struct arena *old =
		        from->arena_count ? find_arena(from, now->addr, &at) : NULL;

		if (!old) {
			name_thread(event_add(list, RUN_EVENT_ARENA_NEW, now->addr),
			            thread_of_arena(to, now->addr));
			continue;
		}
		if (old->is_torn || now->is_torn)
			continue;
		attached_changed(list, old, now, to);
		heaps_changed(list, old, now);
	}
	thresholds_changed(list, &from->params, &to->params);
	errors_changed(list);
	if (to->has_walk && to->walk.torn_chunks && to->walk_taken_ns != from->walk_taken_ns)
		event_add(list, RUN_EVENT_TORN, 0)->a = to->walk.torn_chunks;
}

/* --- threads ------------------------------------------------------------------------------------ */

static void add_thread(struct event_list *list, enum run_event_kind kind,
                       const struct malloc_thread *thread)
{
	bool has_ended = kind == RUN_EVENT_THREAD_ENDED;
	struct run_event *event = event_add(
	        list, kind, has_ended ? fact_or(thread->arena, 0) : (uint64_t)thread->tid);

	event->a = (uint64_t)thread->tid;
	event->b = fact_or(thread->total.bytes, 0);
	event_name(event, thread->name, sizeof(thread->name));
}

static bool is_sorted(const struct malloc_state *ms)
{
	for (size_t i = 1; i < ms->thread_count; i++) {
		if (ms->threads[i - 1].tid >= ms->threads[i].tid)
			return false;
	}
	return ms->thread_count > 0;
}

static void count_changed(struct event_list *list)
{
	const struct process_facts *from = snapshot_process(list->before);
	const struct process_facts *to = snapshot_process(list->after);
	struct run_event *event;

	if (!from || !to || from->thread_count <= 0 || to->thread_count <= 0 ||
	    from->thread_count == to->thread_count)
		return;
	event = event_add(list, RUN_EVENT_THREADS, 0);
	event->b = (uint64_t)to->thread_count;
}

void events_of_threads(struct event_list *list)
{
	const struct malloc_state *from, *to;
	size_t i = 0, k = 0;

	if (!snapshot_malloc(list->before) || !snapshot_malloc(list->after)) {
		count_changed(list);
		return;
	}
	if (!both_mallocs(list, &from, &to) || !is_sorted(from) || !is_sorted(to))
		return;
	while (i < from->thread_count || k < to->thread_count) {
		if (k == to->thread_count ||
		    (i < from->thread_count && from->threads[i].tid < to->threads[k].tid))
			add_thread(list, RUN_EVENT_THREAD_ENDED, &from->threads[i++]);
		else if (i == from->thread_count || to->threads[k].tid < from->threads[i].tid)
			add_thread(list, RUN_EVENT_THREAD_STARTED, &to->threads[k++]);
		else {
			i++;
			k++;
		}
	}
}
