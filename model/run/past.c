/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/run/past.h"

#include <string.h>

/* As many as one step may bring: see EVENTS_OF_KIND. */
enum { STEP_EVENTS = 128 };

void past_fini(struct past *past)
{
	for (size_t i = 0; i < past->mark_count; i++)
		part_unref(past->marks[i].heap);
	snapshot_unref(past->latest);
	memset(past, 0, sizeof(*past));
}

void past_add(struct past *past, const struct snapshot *snap)
{
	struct run_event events[STEP_EVENTS];
	size_t count = events_between(past->latest, snap, events, STEP_EVENTS);

	for (size_t i = 0; i < count && i < STEP_EVENTS; i++)
		event_log_add(&past->events, &events[i]);
	if (count > STEP_EVENTS) {
		struct run_event rest = { .kind = RUN_EVENT_OMITTED,
			                  .time_ns = snap->sample.time_ns,
			                  .until_ns = snap->sample.time_ns,
			                  .times = 1,
			                  .a = count - STEP_EVENTS };

		event_log_add(&past->events, &rest);
	}
	history_add(&past->history, snap);
	snapshot_unref(past->latest);
	past->latest = snapshot_ref(snap);
}

void past_note_rate(struct past *past, uint32_t from_ms, uint32_t to_ms)
{
	struct run_event event = { .kind = RUN_EVENT_RATE, .times = 1, .a = from_ms, .b = to_ms };

	if (!past->latest)
		return;
	event.time_ns = event.until_ns = past->latest->sample.time_ns;
	event_log_add(&past->events, &event);
}

/* --- marks -------------------------------------------------------------------------------------- */

static void add_to(struct fact *sum, bool is_known, uint64_t bytes)
{
	if (!is_known)
		*sum = fact_unknown();
	else if (fact_known(*sum))
		sum->v += bytes;
}

void vma_kind_sums(const struct snapshot *snap, struct vma_kind_sum ret[VMA_KIND_COUNT])
{
	const struct vma_set *set = snapshot_vmas(snap);
	bool is_known = set && set->count;

	for (size_t i = 0; i < VMA_KIND_COUNT; i++) {
		ret[i] = (struct vma_kind_sum){ 0 };
		if (is_known)
			ret[i].count = ret[i].size = ret[i].rss = fact_of(0);
	}
	for (size_t i = 0; is_known && i < set->count; i++) {
		const struct vma *v = &set->at[i];

		if (v->kind >= VMA_KIND_COUNT)
			continue;
		add_to(&ret[v->kind].count, true, 1);
		add_to(&ret[v->kind].size, true, vma_size(v));
		add_to(&ret[v->kind].rss, v->has_residency, v->rss);
	}
}

static void log_mark(struct past *past, const struct mark *mark)
{
	struct run_event event = { .kind = RUN_EVENT_MARK,
		                   .times = 1,
		                   .time_ns = mark->time_ns,
		                   .until_ns = mark->time_ns,
		                   .a = mark->number };
	size_t len = strnlen(mark->note, sizeof(event.name) - 1);

	memcpy(event.name, mark->note, len);
	event_log_add(&past->events, &event);
}

const struct mark *past_mark(struct past *past, const struct snapshot *snap, const char *note)
{
	struct mark *mark;
	size_t len = strnlen(note, MARK_NOTE - 1);

	if (!snap)
		return NULL;
	if (past->mark_count == PAST_MARKS) {
		part_unref(past->marks[0].heap);
		memmove(past->marks, past->marks + 1, (PAST_MARKS - 1) * sizeof(past->marks[0]));
		past->mark_count--;
	}
	mark = &past->marks[past->mark_count++];
	*mark = (struct mark){ .number = ++past->marks_ever,
		               .time_ns = snap->sample.time_ns,
		               .seq = snap->sample.seq,
		               .heap = part_ref(snap->parts[PART_HEAP]) };
	memcpy(mark->note, note, len);
	history_values(snap, &mark->values);
	vma_kind_sums(snap, mark->kinds);
	log_mark(past, mark);
	return mark;
}
