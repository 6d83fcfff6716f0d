/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_RUN_EVENTS_RULES_H
#define HEAPTOP_MODEL_RUN_EVENTS_RULES_H

/* Private to events*.c: what the rules look at, and the list that they add to. */
#include "model/run/events.h"

/* Of one kind, between two samples: a program that starts a thousand threads fills no log. */
enum { EVENTS_OF_KIND = 24 };

struct event_list {
	const struct snapshot *before, *after;
	struct run_event *at;
	size_t count, room;
	uint32_t of_kind[RUN_EVENT_KIND_COUNT];
	struct run_event spill; /* what has no place */
};

/** Adds an event at the time of `after`; never NULL. */
struct run_event *event_add(struct event_list *list, enum run_event_kind kind, uint64_t object);

/** Sets its name from raw bytes of a buffer that may lack a NUL. */
void event_name(struct run_event *event, const char *name, size_t size);

void events_of_arenas(struct event_list *list);
void events_of_threads(struct event_list *list);
void events_of_vmas(struct event_list *list);
void events_of_process(struct event_list *list);
void events_of_system(struct event_list *list);

#endif
