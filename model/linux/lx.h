/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_LINUX_LX_H
#define HEAPTOP_MODEL_LINUX_LX_H

/**
 * Linux's rules on plain facts: what a VMA is and whether it is charged, how much may still be
 * committed, who the OOM killer would choose. Pure functions.
 */
#include <stdbool.h>
#include <stdint.h>

#include "model/base/region.h"
#include "model/facts/snapshot.h"
#include "model/rules/linux.h"

/* --- lx_vma.c --------------------------------------------------------------------------------- */

/**
 * Gives every VMA of a set its kind, owner and charge, from maps' text, the decoded heap (may be
 * NULL) and smaps' flags where they were read.
 */
void lx_classify_vmas(struct vma_set *set, const struct heap_facts *heap,
                      const struct process_facts *process, uint64_t overcommit_mode);

/** mm->map_count: what vm.max_map_count limits. [vsyscall] is listed but belongs to no process. */
size_t lx_map_count(const struct vma_set *set);

/**
 * Fills brk_end from the [heap] VMAs, to the page: the exact break is shown nowhere. Before it first
 * grows it is brk_start. Where that is hidden it is estimated from the same VMAs.
 */
void lx_find_break(const struct vma_set *set, struct process_facts *process);

/* --- lx_commit.c ------------------------------------------------------------------------------ */

struct commit_facts {
	struct fact limit,
	        committed; /* bytes; limit as the kernel computes it (checked with meminfo) */
	struct fact target_charged; /* bytes of the target's charged VMAs */
	bool target_is_estimate;    /* some VMAs' charge is a guess */
	struct fact headroom[3];    /* bytes: largest single private writable mmap now, by mode */
	const char *decided_by[3];  /* static text: what the headroom of a mode ends at */
	struct fact uncertainty;    /* bytes: per-CPU batch bound of the mode-2 decision */
	struct fact reserve_admin, reserve_user; /* bytes actually subtracted in mode 2 */
	const char *mode0_rule;                  /* static text: "RAM + swap" or 4.3's sum */
};

void lx_commit(const struct snapshot *snap, const struct linux_rules *rules,
               struct commit_facts *ret);

/* --- lx_oom.c --------------------------------------------------------------------------------- */

enum oom_constraint {
	OOM_CONSTRAINT_NONE,
	OOM_CONSTRAINT_CPUSET,
	OOM_CONSTRAINT_MEMORY_POLICY,
	OOM_CONSTRAINT_MEMCG,
	OOM_CONSTRAINT_COUNT
};

/**
 * oom_badness() of one task, after the tests that come before it in the scan: true when it may be
 * chosen; else *ret_why says why not. oom_task_origin() tasks are eligible with INT64_MAX.
 */
bool lx_oom_badness(const struct linux_rules *rules, const struct oom_task *task,
                    uint64_t totalpages, int64_t *ret_points, const char **ret_why);

/** /proc/PID/oom_score as the kernel would print it. */
int64_t lx_oom_score(const struct linux_rules *rules, const struct oom_task *task,
                     uint64_t totalpages);

/**
 * Fills badness and domain_rank of every task and sorts: the order in which they would be chosen,
 * ties included. The order of the kernel's task list is taken from start_ticks, then pid.
 */
void lx_oom_rank(const struct linux_rules *rules, struct oom_table *table);

/** Rank (1-based) of a pid, globally or (in_domain) among the tasks of its OOM domain; 0: none. */
uint32_t lx_oom_position(const struct oom_table *table, int32_t pid, bool in_domain);

enum oom_outcome {
	OOM_OUTCOME_KILL,
	OOM_OUTCOME_PANIC, /* panic_on_oom, or nobody can be killed on a global OOM */
	OOM_OUTCOME_WAIT,  /* a victim is already dying: nobody else is chosen meanwhile */
	OOM_OUTCOME_NOBODY, /* cgroup OOM without a killable task: the page fault is retried for ever */
	OOM_OUTCOME_COUNT
};

/* The circumstances of one out_of_memory() call. */
struct oom_call {
	enum oom_constraint constraint;
	int32_t invoker;                             /* pid of the allocating task; 0: unknown */
	uint64_t panic_on_oom, kill_allocating_task; /* the sysctls */
};

struct oom_verdict {
	enum oom_outcome outcome;
	const struct oom_task *victim;     /* OOM_OUTCOME_KILL */
	const struct oom_task *instead_of; /* the parent it is sacrificed for (to 5.0), or NULL */
	int64_t points;
	size_t group_count; /* others that die with it (memory.oom.group) */
	const char *why;    /* static text: the rule that decided */
};

/** out_of_memory() on a ranked table whose totalpages and tasks are those of the OOM domain. */
void lx_oom_choose(const struct linux_rules *rules, const struct oom_table *table,
                   const struct oom_call *call, struct oom_verdict *ret);

/** Whether a task is killed after the victim because their cgroup dies as a whole. */
bool lx_oom_dies_with(const struct linux_rules *rules, const struct oom_task *victim,
                      const struct oom_task *task);

const char *lx_outcome_word(enum oom_outcome outcome); /* "kill", "panic", "wait", "nobody" */

/* --- lx_limit.c ------------------------------------------------------------------------------- */

/** totalpages of a cgroup OOM at a level (mem_cgroup_get_max); global ones without a limit. */
uint64_t lx_memcg_totalpages(const struct cgroup_level *level, const struct system_facts *sys);

/**
 * Which limit bites first for the target, and at what distance. A limit bites when nothing is left
 * to reclaim, so the first one is chosen by the room with what reclaim could give: page cache, and
 * swap where there is some. That part is an estimate, the bare distance is exact.
 */
struct first_limit {
	enum oom_constraint constraint;
	const struct cgroup_level *level; /* OOM_CONSTRAINT_MEMCG: the level; else NULL */
	struct fact distance;             /* bytes until it bites, reclaim not counted */
	struct fact room;                 /* bytes with what could be reclaimed: an estimate */
};

void lx_first_limit(const struct snapshot *snap, struct first_limit *ret);

#endif
