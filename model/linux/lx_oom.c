/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whom the OOM killer chooses. Linux 4.3 … 7.2, mm/oom_kill.c: out_of_memory, select_bad_process,
 * oom_evaluate_task (4.3: oom_scan_process_thread), oom_badness, oom_kill_process; and
 * fs/proc/base.c:proc_oom_score. All sums are in pages, divided in the kernel's order.
 */
#include "model/linux/lx.h"

#include <stdlib.h>

#define PAGE_BYTES     4096
#define ADJ_UNKILLABLE (-1000)

static bool has_flag(const struct oom_task *task, enum oom_task_flag flag)
{
	return (task->flags & flag) != 0;
}

/* Figures of a table that was handed in may be anything: a sum ends at the top of the range. */
static int64_t sum_pages(const struct oom_task *task)
{
	uint64_t sum;

	if (__builtin_add_overflow(task->rss_pages, task->swap_pages, &sum) ||
	    __builtin_add_overflow(sum, task->pgtables_bytes / PAGE_BYTES, &sum) ||
	    sum > INT64_MAX / 4)
		return INT64_MAX / 4;
	return (int64_t)sum;
}

/* One step of oom_score_adj is a thousandth of totalpages, rounded down before it is multiplied. */
static int64_t adj_pages(int16_t adj, uint64_t totalpages)
{
	uint64_t step = totalpages / 1000;

	if (step > INT64_MAX / 8000)
		step = INT64_MAX / 8000;
	return adj * (int64_t)step;
}

static const char *why_never(const struct linux_rules *rules, const struct oom_task *task)
{
	if (has_flag(task, OOM_TASK_INIT))
		return "init is never killed";
	if (has_flag(task, OOM_TASK_KTHREAD))
		return "kernel thread";
	if (has_flag(task, OOM_TASK_ELSEWHERE))
		return "none of its memory is on the nodes that are short";
	if (has_flag(task, OOM_TASK_NO_MM))
		return "has no memory left to free";
	if (has_flag(task, OOM_TASK_REAPED) && rules->oom_skips_reaped)
		return "its memory was reaped already";
	return NULL;
}

static const char *why_not_now(const struct linux_rules *rules, const struct oom_task *task)
{
	if (task->adj == ADJ_UNKILLABLE)
		return "oom_score_adj -1000";
	if (has_flag(task, OOM_TASK_VFORK) && rules->oom_skips_vfork)
		return "borrows its parent's memory until exec (vfork)";
	return NULL;
}

bool lx_oom_badness(const struct linux_rules *rules, const struct oom_task *task,
                    uint64_t totalpages, int64_t *ret_points, const char **ret_why)
{
	const char *why = why_never(rules, task);
	int64_t points;

	/* oom_task_origin() is asked before oom_badness(), so that adj -1000 does not save a task. */
	if (!why && has_flag(task, OOM_TASK_ORIGIN)) {
		*ret_points = INT64_MAX;
		return true;
	}
	if (!why)
		why = why_not_now(rules, task);
	if (why) {
		*ret_why = why;
		return false;
	}
	points = sum_pages(task);
	if (rules->oom_root_bonus && has_flag(task, OOM_TASK_SYS_ADMIN))
		points -= points * 3 / 100;
	points += adj_pages(task->adj, totalpages);
	if (!rules->oom_points_signed && points < 1)
		points = 1;
	*ret_points = points;
	return true;
}

/* proc_oom_score() calls oom_badness() itself: being an origin does not show in it. */
int64_t lx_oom_score(const struct linux_rules *rules, const struct oom_task *task,
                     uint64_t totalpages)
{
	struct oom_task plain = *task;
	int64_t points, share;
	const char *why;

	plain.flags &= ~(uint32_t)OOM_TASK_ORIGIN;
	if (!totalpages || totalpages > INT64_MAX ||
	    !lx_oom_badness(rules, &plain, totalpages, &points, &why))
		return 0;
	if (__builtin_mul_overflow(points, 1000, &share))
		return 0;
	share /= (int64_t)totalpages;
	return rules->oom_score_two_thirds ? (1000 + share) * 2 / 3 : share;
}

/* --- ranking ---------------------------------------------------------------------------------- */

static int compare_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* <0: a stands before b in the kernel's task list. Pids settle what one clock tick can't. */
static int compare_age(const struct oom_task *a, const struct oom_task *b)
{
	int order = compare_u64(a->start_ticks, b->start_ticks);

	return order ? order : (a->pid > b->pid) - (a->pid < b->pid);
}

static int compare_points(const struct oom_task *a, const struct oom_task *b)
{
	if (a->is_eligible != b->is_eligible)
		return a->is_eligible ? -1 : 1;
	if (a->is_eligible && a->badness != b->badness)
		return a->badness > b->badness ? -1 : 1;
	return 0;
}

static int compare_last_tie(const void *left, const void *right)
{
	const struct oom_task *a = left, *b = right;
	int order = compare_points(a, b);

	return order ? order : -compare_age(a, b);
}

/* Of several origins it was always the last. */
static int compare_first_tie(const void *left, const void *right)
{
	const struct oom_task *a = left, *b = right;
	int order = compare_points(a, b);

	if (order)
		return order;
	return a->is_eligible && a->badness == INT64_MAX ? -compare_age(a, b) : compare_age(a, b);
}

/* The first `count` tasks. */
static void sort_by(const struct linux_rules *rules, struct oom_table *table, size_t count,
                    uint64_t totalpages)
{
	for (size_t i = 0; i < count; i++) {
		struct oom_task *task = &table->tasks[i];

		task->badness = 0;
		task->why_not = NULL;
		task->is_eligible =
		        lx_oom_badness(rules, task, totalpages, &task->badness, &task->why_not);
	}
	if (count)
		qsort(table->tasks, count, sizeof(*table->tasks),
		      rules->oom_last_tie_wins ? compare_last_tie : compare_first_tie);
}

/* Brings the tasks of the domain to the front; returns their number. */
static size_t domain_first(struct oom_table *table)
{
	size_t count = 0;

	for (size_t i = 0; i < table->count; i++) {
		struct oom_task task = table->tasks[i];

		if (!task.in_domain)
			continue;
		table->tasks[i] = table->tasks[count];
		table->tasks[count++] = task;
	}
	return count;
}

static void number_domain(struct oom_table *table)
{
	uint32_t rank = 0;

	for (size_t i = 0; i < table->count; i++) {
		struct oom_task *task = &table->tasks[i];

		task->domain_rank = task->is_eligible && task->in_domain ? ++rank : 0;
	}
}

void lx_oom_rank(const struct linux_rules *rules, struct oom_table *table)
{
	bool is_weighed_anew =
	        table->domain_totalpages && table->domain_totalpages != table->totalpages;

	/* adj weighs less in a small domain, so the order inside may be another one. */
	if (is_weighed_anew) {
		sort_by(rules, table, domain_first(table), table->domain_totalpages);
		number_domain(table);
	}
	sort_by(rules, table, table->count, table->totalpages);
	if (!is_weighed_anew)
		number_domain(table);
}

uint32_t lx_oom_position(const struct oom_table *table, int32_t pid, bool in_domain)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct oom_task *task = &table->tasks[i];

		if (task->pid != pid)
			continue;
		if (in_domain)
			return task->domain_rank;
		return task->is_eligible ? (uint32_t)i + 1 : 0;
	}
	return 0;
}

/* --- the choice ------------------------------------------------------------------------------- */

static const struct oom_task *find_pid(const struct oom_table *table, int32_t pid)
{
	for (size_t i = 0; pid && i < table->count; i++)
		if (table->tasks[i].pid == pid)
			return &table->tasks[i];
	return NULL;
}

/* A dying victim stops the scan, unless its memory has been reaped without ending it. */
static bool is_being_killed(const struct linux_rules *rules, const struct oom_task *task)
{
	if (task->flags & (OOM_TASK_INIT | OOM_TASK_KTHREAD | OOM_TASK_ELSEWHERE))
		return false;
	if (rules->oom_waits_for_exiting && has_flag(task, OOM_TASK_EXITING) &&
	    !has_flag(task, OOM_TASK_NO_MM))
		return true;
	return has_flag(task, OOM_TASK_VICTIM) &&
	       !(has_flag(task, OOM_TASK_REAPED) && rules->oom_skips_reaped);
}

static bool any_being_killed(const struct linux_rules *rules, const struct oom_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		if (is_being_killed(rules, &table->tasks[i]))
			return true;
	return false;
}

/* oom_badness() itself, which knows of no origins. */
static int64_t plain_badness(const struct linux_rules *rules, const struct oom_task *task,
                             uint64_t totalpages)
{
	struct oom_task plain = *task;
	const char *why;
	int64_t points;

	plain.flags &= ~(uint32_t)OOM_TASK_ORIGIN;
	return lx_oom_badness(rules, &plain, totalpages, &points, &why) ? points : INT64_MIN;
}

/*
 * 4.3 … 5.0, oom_kill_process(): the worst child with a memory of its own dies in its parent's
 * place. Among equals the oldest; a child needs more than 0 points.
 */
static const struct oom_task *worst_child(const struct linux_rules *rules,
                                          const struct oom_table *table,
                                          const struct oom_task *parent, int64_t *ret_points)
{
	const struct oom_task *worst = NULL;

	*ret_points = 0;
	for (size_t i = 0; i < table->count; i++) {
		const struct oom_task *task = &table->tasks[i];
		int64_t points;

		if (task->ppid != parent->pid || task == parent || has_flag(task, OOM_TASK_VFORK))
			continue;
		points = plain_badness(rules, task, table->totalpages);
		if (points < 1 || points < *ret_points ||
		    (worst && points == *ret_points && compare_age(task, worst) > 0))
			continue;
		worst = task;
		*ret_points = points;
	}
	return worst;
}

/* Linux 4.19 … 7.2 mm/oom_kill.c:oom_kill_memcg_member */
bool lx_oom_dies_with(const struct linux_rules *rules, const struct oom_task *victim,
                      const struct oom_task *task)
{
	return rules->memcg_kill_at_charge && victim->group && task != victim &&
	       task->group == victim->group && task->adj != ADJ_UNKILLABLE &&
	       !(task->flags & (OOM_TASK_INIT | OOM_TASK_KTHREAD | OOM_TASK_NO_MM));
}

static void kill_task(const struct linux_rules *rules, const struct oom_table *table,
                      const struct oom_task *task, const char *why, struct oom_verdict *ret)
{
	bool may_spare =
	        rules->oom_sacrifices_child && task->pid && !has_flag(task, OOM_TASK_EXITING);
	int64_t points = 0;
	const struct oom_task *child = may_spare ? worst_child(rules, table, task, &points) : NULL;

	*ret = (struct oom_verdict){
		.outcome = OOM_OUTCOME_KILL,
		.victim = child ? child : task,
		.instead_of = child ? task : NULL,
		.points = child ? points : task->badness,
		.why = why,
	};
	for (size_t i = 0; ret->victim->group && i < table->count; i++)
		ret->group_count += lx_oom_dies_with(rules, ret->victim, &table->tasks[i]);
}

/* oom_kill_allocating_task asks less than the scan: vfork and reaping do not matter. */
static bool may_end_itself(const struct oom_task *task)
{
	return task->adj != ADJ_UNKILLABLE &&
	       !(task->flags &
	         (OOM_TASK_INIT | OOM_TASK_KTHREAD | OOM_TASK_NO_MM | OOM_TASK_ELSEWHERE));
}

/* task_will_free_mem(current): who asks is given the reserves to end with, and nobody is looked for. */
static bool is_ending(const struct linux_rules *rules, const struct oom_task *task)
{
	return has_flag(task, OOM_TASK_EXITING) && !has_flag(task, OOM_TASK_NO_MM) &&
	       !(has_flag(task, OOM_TASK_REAPED) && rules->oom_skips_reaped);
}

void lx_oom_choose(const struct linux_rules *rules, const struct oom_table *table,
                   const struct oom_call *call, struct oom_verdict *ret)
{
	bool is_memcg = call->constraint == OOM_CONSTRAINT_MEMCG;
	const struct oom_task *invoker = find_pid(table, call->invoker);

	*ret = (struct oom_verdict){ .outcome = OOM_OUTCOME_PANIC };
	if (invoker && is_ending(rules, invoker)) {
		ret->outcome = OOM_OUTCOME_WAIT;
		ret->why = "the task that asks for memory is ending already";
	} else if (call->panic_on_oom == 2) {
		ret->why = "vm.panic_on_oom is 2";
	} else if (call->panic_on_oom && call->constraint == OOM_CONSTRAINT_NONE) {
		ret->why = "vm.panic_on_oom is 1 and the shortage is global";
	} else if (!is_memcg && call->kill_allocating_task && invoker && may_end_itself(invoker)) {
		kill_task(rules, table, invoker, "vm.oom_kill_allocating_task is set", ret);
	} else if (any_being_killed(rules, table)) {
		ret->outcome = OOM_OUTCOME_WAIT;
		ret->why = "a victim is dying already";
	} else if (table->count && table->tasks[0].is_eligible) {
		kill_task(rules, table, &table->tasks[0], "highest badness", ret);
	} else if (is_memcg) {
		ret->outcome = OOM_OUTCOME_NOBODY;
		ret->why =
		        "no task of the cgroup may be killed: its page faults are retried for ever";
	} else {
		ret->why = "no task may be killed";
	}
}

const char *lx_outcome_word(enum oom_outcome outcome)
{
	static const char *const words[OOM_OUTCOME_COUNT] = {
		[OOM_OUTCOME_KILL] = "kill",
		[OOM_OUTCOME_PANIC] = "panic",
		[OOM_OUTCOME_WAIT] = "wait",
		[OOM_OUTCOME_NOBODY] = "nobody",
	};

	return words[outcome];
}
