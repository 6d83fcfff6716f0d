/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/run/events.h"

#include <string.h>

#include "model/run/events_rules.h"

#define NS_PER_S UINT64_C(1000000000)

/* Sums take up what follows within this time of their beginning. */
#define SUM_NS (10 * NS_PER_S)

/* Samples are 10 s apart at the slowest rate. */
#define GAP_NS (12 * NS_PER_S)

enum { SUM_LOOKS_BACK = 64 };

static const struct event_kind_facts kinds[RUN_EVENT_KIND_COUNT] = {
#define EVENT(id, name, severity, object, is_summed, meaning)                                      \
	[RUN_EVENT_##id] = { name, SEVERITY_##severity, EVENT_OF_##object, is_summed, meaning },
#include "model/run/events.def"
#undef EVENT
};

const struct event_kind_facts *event_kind_facts(unsigned kind)
{
	return kind < RUN_EVENT_KIND_COUNT ? &kinds[kind] : NULL;
}

/* --- between two snapshots ---------------------------------------------------------------------- */

struct run_event *event_add(struct event_list *list, enum run_event_kind kind, uint64_t object)
{
	struct run_event *event = &list->spill;

	/* beyond that they are told in sum, not one by one */
	if (++list->of_kind[kind] <= EVENTS_OF_KIND) {
		if (list->count < list->room)
			event = &list->at[list->count];
		list->count++;
	}
	*event = (struct run_event){
		.time_ns = list->after->sample.time_ns,
		.until_ns = list->after->sample.time_ns,
		.object = object,
		.times = 1,
		.kind = (uint8_t)kind,
	};
	return event;
}

void event_name(struct run_event *event, const char *name, size_t size)
{
	size_t len = strnlen(name, size);

	if (len >= sizeof(event->name))
		len = sizeof(event->name) - 1;
	memcpy(event->name, name, len);
	event->name[len] = '\0';
}

static void add_omitted(struct event_list *list)
{
	uint64_t omitted = 0;

	for (size_t i = 0; i < RUN_EVENT_KIND_COUNT; i++) {
		if (list->of_kind[i] > EVENTS_OF_KIND)
			omitted += list->of_kind[i] - EVENTS_OF_KIND;
	}
	if (omitted)
		event_add(list, RUN_EVENT_OMITTED, 0)->a = omitted;
}

static void events_of_sample(struct event_list *list)
{
	const struct sample_facts *from = &list->before->sample, *to = &list->after->sample;

	if (to->time_ns > from->time_ns && to->time_ns - from->time_ns > GAP_NS)
		event_add(list, RUN_EVENT_GAP, 0)->a = to->time_ns - from->time_ns;
	if (to->is_frozen)
		event_add(list, RUN_EVENT_FROZEN, 0)->a = to->stopped_ns;
}

/* Another program's memory is compared with nothing. */
static bool is_same_program(const struct snapshot *before, const struct snapshot *after)
{
	const struct process_facts *from = snapshot_process(before), *to = snapshot_process(after);

	return from && to && to->life == PROCESS_ALIVE && from->life != PROCESS_EXITED &&
	       from->life != PROCESS_ZOMBIE;
}

size_t events_between(const struct snapshot *before, const struct snapshot *after,
                      struct run_event *ret, size_t room)
{
	struct event_list list = { .before = before, .after = after, .at = ret, .room = room };
	const struct process_facts *process = snapshot_process(after);

	if (!before) {
		if (process) {
			struct run_event *event = event_add(&list, RUN_EVENT_ATTACHED, 0);

			event->a = (uint64_t)process->id.pid;
			event_name(event, process->comm, sizeof(process->comm));
		}
		return list.count;
	}
	events_of_sample(&list);
	events_of_process(&list);
	if (is_same_program(before, after)) {
		events_of_threads(&list);
		events_of_arenas(&list);
		events_of_vmas(&list);
	}
	events_of_system(&list);
	add_omitted(&list);
	return list.count;
}

/* --- log ---------------------------------------------------------------------------------------- */

const struct run_event *event_log_at(const struct event_log *log, size_t i)
{
	if (i >= log->count)
		return NULL;
	return &log->at[(log->next + EVENT_LOG_ROOM - 1 - i) % EVENT_LOG_ROOM];
}

/* The sum that an event of a summed kind belongs to; NULL: it begins one. */
static struct run_event *sum_of(struct event_log *log, const struct run_event *event)
{
	for (size_t i = 0; i < log->count && i < SUM_LOOKS_BACK; i++) {
		struct run_event *old =
		        &log->at[(log->next + EVENT_LOG_ROOM - 1 - i) % EVENT_LOG_ROOM];

		if (event->time_ns < old->time_ns || event->time_ns - old->time_ns > SUM_NS)
			return NULL;
		if (old->kind == event->kind && old->object == event->object &&
		    !strcmp(old->name, event->name))
			return old;
	}
	return NULL;
}

void event_log_add(struct event_log *log, const struct run_event *event)
{
	const struct event_kind_facts *facts = event_kind_facts(event->kind);
	struct run_event *sum = facts && facts->is_summed ? sum_of(log, event) : NULL;

	log->revision++;
	if (sum) {
		sum->until_ns = event->time_ns;
		sum->times += event->times;
		sum->a += event->a;
		sum->b = event->b;
		return;
	}
	log->at[log->next] = *event;
	log->at[log->next].number = ++log->total;
	log->next = (log->next + 1) % EVENT_LOG_ROOM;
	if (log->count < EVENT_LOG_ROOM)
		log->count++;
}
