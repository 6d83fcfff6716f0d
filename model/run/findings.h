/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_RUN_FINDINGS_H
#define HEAPTOP_MODEL_RUN_FINDINGS_H

/**
 * What a snapshot says that its reader should not have to find alone. Each finding is a rule with
 * an id, and states the numbers that made it true. A rule that lacks a number stays silent.
 * Pure functions; nothing is allocated.
 */
#include <stddef.h>

#include "model/facts/history.h"
#include "model/facts/snapshot.h"
#include "model/linux/lx.h"

/* Worst first. */
enum severity { SEVERITY_ERROR, SEVERITY_WARN, SEVERITY_INFO };

enum finding_id {
	FINDING_HEAP_ERRORS,    /* malloc's structures contradict themselves */
	FINDING_TORN_WALK,      /* chunks that no retry could place */
	FINDING_UNREADABLE,     /* parts of the heap that the walk had to skip */
	FINDING_CGROUP_NEAR,    /* a cgroup on the path is close to memory.max or above .high */
	FINDING_COMMIT_NEAR,    /* mode 2, and Committed_AS close to the limit */
	FINDING_OOM_RANK,       /* the target would be chosen first */
	FINDING_MAP_COUNT,      /* VMAs close to vm.max_map_count */
	FINDING_TRIMMABLE,      /* malloc_trim(0) would give back a good part of RSS */
	FINDING_TOP_KEPT,       /* a large top below the trim threshold */
	FINDING_TOP_PINNED,     /* an in-use chunk keeps much free memory from being trimmed */
	FINDING_MMAP_THRESHOLD, /* the dynamic mmap threshold has grown */
	FINDING_ARENA_IDLE,     /* a large arena that no thread uses */
	FINDING_LIMIT_AHEAD,    /* at today's growth the first limit is reached soon */
	FINDING_SECOND_MALLOC,  /* a second C library has a heap of its own */
	FINDING_TRACED,         /* a debugger is attached */
	FINDING_STOPPED,        /* by a signal: what stands still is no fault of the screen */
	FINDING_COUNT
};

struct finding {
	enum finding_id id;
	enum severity severity;
	uint64_t object; /* what it is about: an arena's address, a pid; 0: the whole */
	char text[200];  /* one sentence, trusted UTF-8: no foreign strings in it */
};

/* A finding's rule in words, for whoever asks why it is shown. Static text. */
struct finding_rule {
	const char *rule;   /* what makes it true, and what that means */
	const char *remedy; /* what can be done */
	const char *source; /* whose rule it is */
};

/** NULL beyond FINDING_COUNT. */
const struct finding_rule *finding_rule(enum finding_id id);

/* What the rules look at; only `snap` is needed. */
struct findings_input {
	const struct snapshot *snap;
	const struct history *history;
	const struct commit_facts *commit;
	const struct first_limit *first_limit;
};

/** The rule's name as scripts and the explain pop-up use it: "top-kept", … */
const char *finding_name(enum finding_id id);

/**
 * Writes at most `room` findings, worst first, and returns how many there are (may exceed `room`:
 * the ones left out are the least severe).
 */
size_t findings_make(const struct findings_input *input, struct finding *ret, size_t room);

#endif
