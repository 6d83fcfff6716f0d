/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_REPORT_H
#define HEAPTOP_TUI_REPORT_H

/**
 * What the text and the JSON writer both start from: a snapshot, what Linux's rules make of it and,
 * when asked for, its chunks. Borrowed, not owned.
 */
#include <stdbool.h>
#include <stdio.h>

#include "model/facts/chunk_spool.h"
#include "model/facts/snapshot.h"
#include "model/linux/lx.h"
#include "model/run/findings.h"

enum { REPORT_FINDINGS_MAX = 24 };

struct report {
	const struct snapshot *snap;
	const struct linux_rules *rules;
	struct commit_facts commit;
	struct first_limit first;
	struct finding findings[REPORT_FINDINGS_MAX]; /* worst first */
	size_t finding_count;
	const struct oom_task *task;      /* the target in the OOM table; NULL: not there */
	const struct chunk_spool *chunks; /* NULL: not asked for */
	bool wants_vmas;                  /* text: the table of VMAs too */
};

void report_init(struct report *report, const struct snapshot *snap);

/** The word of a constraint: "none", "cpuset", "memory_policy", "memcg". */
const char *constraint_word(enum oom_constraint constraint);

/** "error", "warning", "info". */
const char *severity_word(enum severity severity);

/** One line of JSON (schema heaptop.snapshot/1); false when heaptop ran out of memory. */
bool json_write_snapshot(FILE *out, const struct report *report);

/** Text for people. */
void text_write_snapshot(FILE *out, const struct report *report);

#endif
