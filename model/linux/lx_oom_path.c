/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way of a shortage through the kernel, told by its functions' names: 4.3 mm/memcontrol.c and
 * mm/oom_kill.c, and what became of them. To 4.18 a cgroup's shortage is only remembered where the
 * charge fails, and dealt with at the end of the page fault.
 */
#include "model/linux/lx_memory_path.h"

enum { TOLD_TASKS = 5 };

/* The charge's functions from outside in. */
struct charge_names {
	enum why_fn outer, middle, inner;
};

static struct charge_names charge_names(const struct linux_rules *rules)
{
	if (lx_rules_since(rules, 6, 0))
		return (struct charge_names){ FN_MEM_CGROUP_CHARGE2, FN_CHARGE_MEMCG,
			                      FN_TRY_CHARGE_MEMCG };
	if (lx_rules_since(rules, 5, 9))
		return (struct charge_names){ FN_MEM_CGROUP_CHARGE, FN_COUNT, FN_TRY_CHARGE };
	return (struct charge_names){ FN_MEM_CGROUP_TRY_CHARGE, FN_COUNT, FN_TRY_CHARGE };
}

/* "mm, oom: one select_bad_process for global and memcg" (4.9); the rows know 4.12. */
static bool memcg_uses_out_of_memory(const struct linux_rules *rules)
{
	return lx_rules_since(rules, 4, 12);
}

static bool is_memcg(const struct lx_memory *memory, uint32_t over)
{
	return over < memory->level_count;
}

void lx_path_enter(const struct lx_memory *memory, uint32_t over, uint64_t addr, struct why *why)
{
	struct charge_names names = charge_names(memory->rules);
	const struct lx_cgroup *level = &memory->level[over];

	why_enter(why, FN_HANDLE_MM_FAULT, addr, 0, 0);
	why_enter(why, FN_DO_ANONYMOUS_PAGE, addr, 0, 0);
	if (!is_memcg(memory, over)) {
		why_enter(why, FN_ALLOC_PAGES_SLOWPATH, 0, 0, 0);
		why(why, WHY_WATERMARK, memory->free, memory->watermark_min);
		return;
	}
	why_enter(why, names.outer, 0, 0, 0);
	if (names.middle != FN_COUNT)
		why_enter(why, names.middle, 0, 0, 0);
	why_enter(why, names.inner, 0, 0, 0);
	why(why, WHY_MEMCG_OVER, over, level->current, level->max);
}

/* Functions that were left already are not left again. */
void lx_path_leave(const struct lx_memory *memory, uint32_t over, struct why *why)
{
	struct charge_names names = charge_names(memory->rules);

	if (!is_memcg(memory, over)) {
		why_leave(why, FN_ALLOC_PAGES_SLOWPATH);
	} else {
		why_leave(why, names.inner);
		if (names.middle != FN_COUNT)
			why_leave(why, names.middle);
		why_leave(why, names.outer);
	}
	why_leave(why, FN_DO_ANONYMOUS_PAGE);
	why_leave(why, FN_HANDLE_MM_FAULT);
}

void lx_path_enter_oom(const struct lx_memory *memory, uint32_t over, struct why *why)
{
	if (!is_memcg(memory, over)) {
		why_enter(why, FN_ALLOC_PAGES_MAY_OOM, 0, 0, 0);
		why_enter(why, FN_OUT_OF_MEMORY, 0, 0, 0);
		return;
	}
	why_enter(why, FN_MEM_CGROUP_OOM, 0, 0, 0);
	if (!memory->rules->memcg_kill_at_charge) {
		why(why, WHY_MEMCG_OOM_RECORDED);
		why_leave(why, FN_MEM_CGROUP_OOM);
		lx_path_leave(memory, over, why);
		why_enter(why, FN_PAGEFAULT_OUT_OF_MEMORY, 0, 0, 0);
		why_enter(why, FN_MEM_CGROUP_OOM_SYNCHRONIZE, 0, 0, 0);
		why(why, WHY_MEMCG_OOM_REMEMBERED);
	}
	why_enter(why, FN_MEM_CGROUP_OUT_OF_MEMORY, 0, 0, 0);
	if (memcg_uses_out_of_memory(memory->rules)) {
		why(why, WHY_MEMCG_MARGIN, 0);
		why_enter(why, FN_OUT_OF_MEMORY, 0, 0, 0);
	}
}

void lx_path_leave_oom(const struct lx_memory *memory, uint32_t over, struct why *why)
{
	why_leave(why, FN_OUT_OF_MEMORY);
	if (!is_memcg(memory, over)) {
		why_leave(why, FN_ALLOC_PAGES_MAY_OOM);
		return;
	}
	why_leave(why, FN_MEM_CGROUP_OUT_OF_MEMORY);
	why_leave(why, FN_MEM_CGROUP_OOM_SYNCHRONIZE);
	why_leave(why, FN_PAGEFAULT_OUT_OF_MEMORY);
	why_leave(why, FN_MEM_CGROUP_OOM);
}

/* --- the choice ------------------------------------------------------------------------------- */

static void tell_constraint(const struct lx_memory *memory, uint32_t over,
                            const struct oom_table *table, struct why *why)
{
	bool has_own_loop = is_memcg(memory, over) && !memcg_uses_out_of_memory(memory->rules);
	enum why_fn limit = has_own_loop ? FN_MEM_CGROUP_GET_LIMIT : FN_MEM_CGROUP_GET_MAX;

	if (!has_own_loop)
		why_enter(why, FN_CONSTRAINED_ALLOC, 0, 0, 0);
	if (is_memcg(memory, over)) {
		why_enter(why, limit, 0, 0, 0);
		why(why, WHY_CONSTRAINT_MEMCG, table->totalpages, table->totalpages / 1000);
		why_leave(why, limit);
	} else {
		why(why, WHY_CONSTRAINT_NONE, memory->mem_total, memory->swap_total);
	}
	why_leave(why, FN_CONSTRAINED_ALLOC);
}

static bool tell_panic(const struct oom_call *call, struct why *why)
{
	bool panics = call->panic_on_oom == 2 ||
	              (call->panic_on_oom && call->constraint == OOM_CONSTRAINT_NONE);

	why_enter(why, FN_CHECK_PANIC_ON_OOM, 0, 0, 0);
	if (panics)
		why(why, WHY_PANIC_ON_OOM, call->panic_on_oom);
	else
		why(why, WHY_NO_PANIC_ON_OOM, call->panic_on_oom);
	why_leave(why, FN_CHECK_PANIC_ON_OOM);
	return panics;
}

static void tell_badness(const struct linux_rules *rules, const struct oom_table *table,
                         const struct oom_task *task, struct why *why)
{
	uint64_t pages = task->rss_pages + task->swap_pages, tables = task->pgtables_bytes / 4096;
	uint64_t adj = (uint64_t)task->adj, weight = table->totalpages / 1000;

	why_enter(why, FN_OOM_BADNESS, (uint64_t)task->pid, 0, 0);
	if (rules->oom_root_bonus && task->flags & OOM_TASK_SYS_ADMIN)
		why(why, WHY_BADNESS_ROOT, pages, tables, adj, weight);
	else
		why(why, WHY_BADNESS, pages, tables, adj, weight);
	why_leave(why, FN_OOM_BADNESS);
}

/* Of all tasks the first few are told, worst first. */
static void tell_scan(const struct linux_rules *rules, const struct oom_table *table,
                      struct why *why)
{
	size_t eligible = 0;

	why_enter(why, FN_SELECT_BAD_PROCESS, 0, 0, 0);
	for (size_t i = 0; i < table->count && table->tasks[i].is_eligible; i++, eligible++)
		if (i < TOLD_TASKS)
			tell_badness(rules, table, &table->tasks[i], why);
	if (eligible)
		why(why, WHY_BADNESS_BEST, (uint64_t)table->tasks[0].badness,
		    (uint64_t)table->tasks[0].pid, eligible);
	why_leave(why, FN_SELECT_BAD_PROCESS);
}

static void tell_kill(const struct linux_rules *rules, const struct oom_verdict *verdict,
                      struct why *why)
{
	uint64_t pid = (uint64_t)verdict->victim->pid;
	bool has_inner = lx_rules_since(rules, 4, 19);

	why_enter(why, FN_OOM_KILL_PROCESS, pid, 0, 0);
	if (verdict->instead_of)
		why(why, WHY_OOM_CHILD, pid, (uint64_t)verdict->points,
		    (uint64_t)verdict->instead_of->pid);
	if (has_inner)
		why_enter(why, FN_OOM_KILL_PROCESS2, pid, 0, 0);
	why(why, WHY_OOM_KILL, pid, (uint64_t)verdict->points);
	why_enter(why, FN_MARK_OOM_VICTIM, pid, 0, 0);
	why_leave(why, FN_MARK_OOM_VICTIM);
	why_leave(why, FN_OOM_KILL_PROCESS2);
	if (verdict->group_count) {
		why_enter(why, FN_OOM_KILL_MEMCG_MEMBER, 0, 0, 0);
		why(why, WHY_OOM_GROUP, verdict->group_count);
		why_leave(why, FN_OOM_KILL_MEMCG_MEMBER);
	}
	why_leave(why, FN_OOM_KILL_PROCESS);
}

void lx_path_choice(const struct lx_memory *memory, uint32_t over, const struct oom_table *table,
                    const struct oom_call *call, const struct oom_verdict *verdict, struct why *why)
{
	uint64_t adj = (uint64_t)memory->self.adj;
	bool is_current = verdict->outcome == OOM_OUTCOME_KILL && call->kill_allocating_task &&
	                  call->constraint == OOM_CONSTRAINT_NONE && memory->self.adj != -1000;

	if (!why)
		return;
	why_enter(why, FN_TASK_WILL_FREE_MEM, (uint64_t)memory->self.pid, 0, 0);
	if (memory->self.flags & OOM_TASK_EXITING)
		why(why, WHY_CURRENT_ENDS);
	else
		why(why, WHY_NOT_DYING);
	why_leave(why, FN_TASK_WILL_FREE_MEM);
	if (memory->self.flags & OOM_TASK_EXITING)
		return;
	tell_constraint(memory, over, table, why);
	if (tell_panic(call, why))
		return;
	if (is_current)
		why(why, WHY_ALLOCATING_TASK, call->kill_allocating_task, adj);
	else if (call->kill_allocating_task)
		why(why, WHY_ALLOCATING_TASK_IGNORED, call->kill_allocating_task, adj);
	if (!is_current)
		tell_scan(memory->rules, table, why);
	if (verdict->outcome == OOM_OUTCOME_KILL)
		tell_kill(memory->rules, verdict, why);
	else if (verdict->outcome == OOM_OUTCOME_PANIC)
		why(why, WHY_OOM_PANIC);
	else if (verdict->outcome == OOM_OUTCOME_NOBODY)
		why(why, WHY_OOM_NOBODY);
}
