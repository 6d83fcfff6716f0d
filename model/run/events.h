/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_RUN_EVENTS_H
#define HEAPTOP_MODEL_RUN_EVENTS_H

/**
 * What happened between two neighbouring snapshots, and a bounded log of it. events_between() is a
 * pure function; a change whose numbers are not known on both sides is no event.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/facts/snapshot.h"
#include "model/run/findings.h"

enum run_event_kind {
#define EVENT(id, name, severity, object, is_summed, meaning) RUN_EVENT_##id,
#include "model/run/events.def"
#undef EVENT
	RUN_EVENT_KIND_COUNT
};

/* What an event is about; says what run_event.object is. */
enum event_object {
	EVENT_OF_NONE,
	EVENT_OF_ARENA,  /* its address */
	EVENT_OF_THREAD, /* its tid */
	EVENT_OF_VMA,    /* its start */
	EVENT_OF_OOM,    /* the machine's memory, or a cgroup's: 0 */
};

struct run_event {
	uint64_t number;   /* 1, 2 … in this run: the key of it */
	uint64_t time_ns;  /* of the snapshot that showed it */
	uint64_t until_ns; /* the last time of a sum; else time_ns */
	uint64_t object;
	uint64_t a, b; /* amounts, addresses: see events_text.c */
	uint32_t times;
	uint8_t kind;  /* enum run_event_kind */
	char name[48]; /* raw bytes: a thread's name, a cgroup's path, a note */
};

struct event_kind_facts {
	const char *name; /* "arena-new" */
	enum severity severity;
	enum event_object object;
	bool is_summed;
	const char *meaning;
};

/** NULL beyond RUN_EVENT_KIND_COUNT. */
const struct event_kind_facts *event_kind_facts(unsigned kind);

/**
 * Writes at most `room` events and returns how many there are (may exceed `room`). `before` NULL:
 * this is the first snapshot. Numbers are left 0.
 */
size_t events_between(const struct snapshot *before, const struct snapshot *after,
                      struct run_event *ret, size_t room);

enum { EVENT_TEXT = 256 };

/** The event as one sentence, arenas named as in `ms` (may be NULL). Holds foreign bytes. */
void event_text(const struct run_event *event, const struct malloc_state *ms, char *to,
                size_t size);

/* --- log ---------------------------------------------------------------------------------------- */

enum { EVENT_LOG_ROOM = 4096 };

struct event_log {
	struct run_event at[EVENT_LOG_ROOM]; /* ring */
	uint32_t next, count;
	uint64_t total;    /* ever added: total - count were dropped */
	uint64_t revision; /* another number whenever anything in here changed */
};

/** Adds a copy, or adds to the sum of the same kind and object some seconds ago. */
void event_log_add(struct event_log *log, const struct run_event *event);

/** The i-th newest (0: the newest); NULL beyond the oldest. */
const struct run_event *event_log_at(const struct event_log *log, size_t i);

#endif
