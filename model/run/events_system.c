/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events of the process's life, its cgroup and the machine. */
#include <string.h>

#include "model/run/events_rules.h"

/* A tenth of the time, in hundredths of a percent. */
enum { PRESSURE_LEVEL = 1000 };

static bool has_ended(const struct process_facts *process)
{
	return process->life == PROCESS_EXITED || process->life == PROCESS_ZOMBIE;
}

static bool is_stopped(const struct process_facts *process)
{
	return process->state == 'T';
}

void events_of_process(struct event_list *list)
{
	const struct process_facts *from = snapshot_process(list->before);
	const struct process_facts *to = snapshot_process(list->after);
	struct run_event *event;

	if (!from || !to || has_ended(from))
		return;
	if (has_ended(to)) {
		event = event_add(list, RUN_EVENT_EXITED, 0);
		event->a = fact_or(to->exit_status, 0);
		event->b = fact_known(to->exit_status);
		return;
	}
	/* what lost its memory and has no other is ending: its end is told with the next sample */
	if (to->life == PROCESS_EXECED && from->life != PROCESS_EXECED && fact_known(to->vm_size))
		event_name(event_add(list, RUN_EVENT_EXECED, 0), to->comm, sizeof(to->comm));
	if (is_stopped(to) && !is_stopped(from))
		event_add(list, RUN_EVENT_STOPPED, 0);
	if (!is_stopped(to) && is_stopped(from))
		event_add(list, RUN_EVENT_CONTINUED, 0);
	if (to->tracer_pid && !from->tracer_pid)
		event_add(list, RUN_EVENT_TRACED, 0)->a = (uint64_t)to->tracer_pid;
	if (!to->tracer_pid && from->tracer_pid)
		event_add(list, RUN_EVENT_UNTRACED, 0)->a = (uint64_t)from->tracer_pid;
}

/* A counter that only rises; one that was set back is another one. */
static uint64_t risen(struct fact from, struct fact to)
{
	return fact_known(from) && fact_known(to) && to.v > from.v ? to.v - from.v : 0;
}

/* A path's end says more than its beginning. */
static void name_level(struct run_event *event, const struct cgroup_level *level)
{
	size_t len = strlen(level->path), room = sizeof(event->name) - 1;

	event_name(event, len > room ? level->path + (len - room) : level->path, room + 1);
}

static void level_changed(struct event_list *list, const struct cgroup_level *from,
                          const struct cgroup_level *to)
{
	const struct {
		enum run_event_kind kind;
		struct fact from, to;
	} counters[] = {
		{ RUN_EVENT_CGROUP_HIGH, from->events_high, to->events_high },
		{ RUN_EVENT_CGROUP_MAX, from->events_max, to->events_max },
		{ RUN_EVENT_CGROUP_OOM, from->events_oom, to->events_oom },
		{ RUN_EVENT_CGROUP_KILL, from->events_oom_kill, to->events_oom_kill },
	};
	struct run_event *event;

	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
		uint64_t more = risen(counters[i].from, counters[i].to);

		if (!more)
			continue;
		event = event_add(list, counters[i].kind, 0);
		event->a = more;
		name_level(event, to);
	}
	if (fact_known(from->max) && fact_known(to->max) && from->max.v != to->max.v) {
		event = event_add(list, RUN_EVENT_CGROUP_LIMIT, 0);
		event->a = from->max.v;
		event->b = to->max.v;
		name_level(event, to);
	}
}

/* Levels of the same path alone are compared: a process may be moved. */
static void events_of_cgroup(struct event_list *list)
{
	const struct cgroup_facts *from = snapshot_cgroup(list->before);
	const struct cgroup_facts *to = snapshot_cgroup(list->after);

	if (!from || !to || from == to)
		return;
	for (size_t i = 0; i < from->level_count && i < to->level_count; i++) {
		if (from->levels[i].path && to->levels[i].path &&
		    !strcmp(from->levels[i].path, to->levels[i].path))
			level_changed(list, &from->levels[i], &to->levels[i]);
	}
}

void events_of_system(struct event_list *list)
{
	const struct system_facts *from = snapshot_system(list->before);
	const struct system_facts *to = snapshot_system(list->after);
	struct fact was, is;
	uint64_t kills;

	events_of_cgroup(list);
	if (!from || !to || from == to)
		return;
	kills = risen(from->oom_kills, to->oom_kills);
	if (kills)
		event_add(list, RUN_EVENT_HOST_KILL, 0)->a = kills;
	was = from->some.avg10;
	is = to->some.avg10;
	if (!fact_known(was) || !fact_known(is))
		return;
	if (was.v < PRESSURE_LEVEL && is.v >= PRESSURE_LEVEL)
		event_add(list, RUN_EVENT_PRESSURE_UP, 0)->b = is.v;
	if (was.v >= PRESSURE_LEVEL && is.v < PRESSURE_LEVEL)
		event_add(list, RUN_EVENT_PRESSURE_DOWN, 0)->b = is.v;
}
