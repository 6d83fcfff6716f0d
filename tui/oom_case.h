/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_OOM_CASE_H
#define HEAPTOP_TUI_OOM_CASE_H

/**
 * What `heaptop oom` decides and prints: one shortage of memory, on this machine or as described by
 * a file. Everything is borrowed from a snapshot or lives on the region it was read with.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "model/base/err.h"
#include "model/base/region.h"
#include "model/linux/lx.h"

struct oom_case {
	const char *file;   /* where the table comes from; NULL: this machine */
	const char *cgroup; /* the cgroup that is out of memory; NULL: the machine, or not named */
	const struct linux_rules *rules;
	bool has_kernel_scores; /* scores are /proc's, by the rules of this kernel */
	uint64_t page_size;
	uint64_t mem_total_pages, swap_total_pages;
	struct oom_table table; /* of the OOM domain; totalpages is the domain's */
	struct oom_call call;
	struct oom_verdict verdict; /* set by oom_case_decide() */
};

/**
 * Reads the table that --tasks gives. `file` names it in errors, which say which key is wrong.
 * Tasks keep their order in the array: it is the kernel's task list.
 */
bool oom_case_from_json(const json_t *root, const char *file, struct region *region,
                        struct oom_case *ret, struct err *reterr);

/** Ranks the table and decides. */
void oom_case_decide(struct oom_case *oom);

/** The score of a task as /proc/PID/oom_score shows it, or would show it. */
struct fact oom_case_score(const struct oom_case *oom, const struct oom_task *task);

/** One line of JSON; false when heaptop ran out of memory. */
bool oom_case_write_json(FILE *out, const struct oom_case *oom);

/** Text for people. */
void oom_case_write_text(FILE *out, const struct oom_case *oom);

#endif
