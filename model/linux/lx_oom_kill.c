/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The OOM killer in a world: the table of those who are left, the process itself among them, the
 * choice, and what it does to them. What a dead task gives back is an estimate: shared pages stay.
 */
#include <string.h>

#include "model/base/units.h"
#include "model/linux/lx_cow.h"
#include "model/linux/lx_memory_path.h"

bool lx_memory_is_gone(const struct lx_memory *memory, int32_t pid)
{
	for (const struct lx_gone *gone = memory->gone; gone; gone = gone->older)
		if (gone->pid == pid)
			return true;
	return false;
}

static bool mark_gone(struct lx_memory *memory, int32_t pid)
{
	struct lx_gone *gone = region_alloc(memory->region, sizeof(*gone));

	if (!gone)
		return false;
	*gone = (struct lx_gone){ memory->gone, pid };
	memory->gone = gone;
	return true;
}

/* --- children --------------------------------------------------------------------------------- */

/* Linux mm/memory.c:copy_page_range: of VMAs that were never written to nothing is copied, a file's pages
 * and shared memory fault in again. */
const struct lx_child *lx_memory_fork(struct lx_mm *mm, struct lx_memory *memory, uint32_t name,
                                      const struct lx_forked *forked, struct lx_pressure *ret)
{
	struct lx_child *child = region_alloc(memory->region, sizeof(*child));

	if (!child) {
		ret->end = LX_NO_MEMORY;
		return NULL;
	}
	*child = (struct lx_child){ .older = memory->children,
		                    .pid = memory->next_pid,
		                    .name = name,
		                    .number = forked->number,
		                    .swap = memory->self.swap_pages };
	lx_fork_share(mm, &child->rss, &child->tables);
	child->rss = min_u64(child->rss + memory->shares, memory->self.rss_pages);
	child->tables = min_u64(max_u64(child->tables, 1), memory->self.pgtables_bytes / 4096);
	if (!lx_memory_get(mm, memory, child->tables, ret))
		return NULL;
	/* Who died for it may have been a child. */
	child->older = memory->children;
	memory->children = child;
	memory->next_pid++;
	return child;
}

void lx_memory_follow_children(struct lx_mm *mm, struct lx_memory *memory)
{
	uint64_t kept;

	for (const struct lx_child *child = memory->children; child; child = child->older)
		if (lx_memory_is_gone(memory, child->pid))
			(void)lx_cow_exit(mm, child->number);
	kept = lx_mm_kept(mm);
	if (memory->kept <= kept)
		return;
	lx_memory_uncharge(memory, memory->kept - kept);
	memory->kept = kept;
}

static const struct lx_child *find_child(const struct lx_memory *memory, int32_t pid)
{
	const struct lx_child *child = memory->children;

	while (child && child->pid != pid)
		child = child->older;
	return child;
}

/* Its pages are the parent's, not written since; the page tables are its own. */
bool lx_memory_exit(struct lx_memory *memory, int32_t pid)
{
	const struct lx_child *child = find_child(memory, pid);

	if (!child || lx_memory_is_gone(memory, pid))
		return true;
	lx_memory_uncharge(memory, child->tables);
	return mark_gone(memory, pid);
}

/* --- the table -------------------------------------------------------------------------------- */

/* A task is known to be below a level when that is at or above the one whose members were listed. */
static bool is_member(const struct lx_memory *memory, const struct oom_task *task, uint32_t level)
{
	return task->in_domain && memory->task_level < memory->level_count &&
	       level <= memory->task_level;
}

/* The highest level from the domain down that dies as a whole; 0: none, else its number + 1. */
static uint32_t group_of(const struct lx_memory *memory, uint32_t over)
{
	for (uint32_t i = over < memory->level_count ? over : 0; i < memory->level_count; i++)
		if (memory->level[i].oom_group)
			return i + 1;
	return 0;
}

static void add_self(const struct lx_memory *memory, uint32_t group, struct oom_table *table)
{
	struct oom_task *self = &table->tasks[table->count++];
	*self = memory->self;
	self->group = group;
	for (const struct lx_child *child = memory->children; child; child = child->older) {
		struct oom_task *task = &table->tasks[table->count];

		if (lx_memory_is_gone(memory, child->pid))
			continue;
		*task = *self;
		task->pid = child->pid;
		task->ppid = memory->self.pid;
		task->rss_pages = child->rss;
		task->swap_pages = child->swap;
		task->pgtables_bytes = child->tables * 4096;
		task->flags &= ~(uint32_t)OOM_TASK_INIT;
		/* Nobody was started after them. */
		task->start_ticks = UINT64_MAX;
		table->count++;
	}
}

static bool make_table(const struct lx_memory *memory, uint32_t over, struct region *region,
                       struct oom_table *ret)
{
	bool is_memcg = over < memory->level_count;
	uint32_t group = group_of(memory, over);
	size_t room = memory->task_count + 1;

	for (const struct lx_child *child = memory->children; child; child = child->older)
		room++;
	*ret = (struct oom_table){ .tasks = region_alloc(region, room * sizeof(*ret->tasks)),
		                   .totalpages = lx_memory_totalpages(memory, over) };
	if (!ret->tasks)
		return false;
	for (size_t i = 0; i < memory->task_count; i++) {
		const struct oom_task *task = &memory->tasks[i];

		if (task->pid == memory->self.pid || (is_memcg && !is_member(memory, task, over)) ||
		    lx_memory_is_gone(memory, task->pid))
			continue;
		ret->tasks[ret->count] = *task;
		ret->tasks[ret->count++].group =
		        group && is_member(memory, task, group - 1) ? group : 0;
	}
	add_self(memory, group, ret);
	return true;
}

/* --- what it does ----------------------------------------------------------------------------- */

static uint64_t bury(struct lx_memory *memory, uint32_t over, const struct oom_task *task,
                     struct lx_pressure *ret)
{
	const struct lx_child *child = find_child(memory, task->pid);
	uint64_t pages = task->rss_pages + task->pgtables_bytes / 4096;
	uint32_t levels = over < memory->level_count ? over + 1 : 0;

	if (child) {
		pages = child->tables;
		levels = memory->level_count;
	} else if (!levels && is_member(memory, task, memory->task_level)) {
		levels = memory->task_level + 1;
	}
	lx_memory_give_back(memory, levels, pages);
	memory->swap_free += task->swap_pages;
	if (!mark_gone(memory, task->pid))
		ret->end = LX_NO_MEMORY;
	return pages;
}

static void note_kill(const struct lx_memory *memory, uint32_t over, uint64_t page,
                      const struct oom_verdict *verdict, struct lx_pressure *ret)
{
	struct lx_kill *kill = &ret->kills[min_u64(ret->kill_count, LX_KILLS - 1)];

	*kill = (struct lx_kill){
		.pid = verdict->victim->pid,
		.points = verdict->points,
		.cgroup = over < memory->level_count ? memory->level[over].path : NULL,
		.page = page,
		.group_count = verdict->group_count,
	};
	memcpy(kill->comm, verdict->victim->comm, sizeof(kill->comm));
	ret->kill_count++;
}

static void kill_victim(struct lx_memory *memory, uint32_t over, const struct oom_table *table,
                        const struct oom_verdict *verdict, struct why *why, struct lx_pressure *ret)
{
	uint64_t freed = 0;

	for (size_t i = 0; i < table->count; i++) {
		const struct oom_task *task = &table->tasks[i];

		if (task != verdict->victim &&
		    !lx_oom_dies_with(memory->rules, verdict->victim, task))
			continue;
		if (task->pid == memory->self.pid)
			ret->end = LX_KILLED;
		else
			freed += bury(memory, over, task, ret);
	}
	if (ret->end == LX_GOES_ON)
		why(why, WHY_OOM_FREED, freed);
}

/* Who is dying already is dead when it is tried again. */
static void wait_for_victim(struct lx_memory *memory, uint32_t over, const struct oom_table *table,
                            struct why *why, struct lx_pressure *ret)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct oom_task *task = &table->tasks[i];

		if (!(task->flags & (OOM_TASK_VICTIM | OOM_TASK_EXITING)) ||
		    task->flags & (OOM_TASK_REAPED | OOM_TASK_INIT | OOM_TASK_KTHREAD))
			continue;
		if (task->pid == memory->self.pid) {
			ret->end = LX_KILLED;
			ret->why = "the process is ending already";
			return;
		}
		why(why, WHY_OOM_WAIT, (uint64_t)task->pid, bury(memory, over, task, ret));
		return;
	}
	ret->end = LX_STUCK;
	ret->why = "a victim that does not die is waited for";
}

static void apply(struct lx_memory *memory, uint32_t over, const struct oom_table *table,
                  const struct oom_verdict *verdict, uint64_t page, struct why *why,
                  struct lx_pressure *ret)
{
	ret->why = verdict->why;
	switch (verdict->outcome) {
	case OOM_OUTCOME_KILL:
		note_kill(memory, over, page, verdict, ret);
		kill_victim(memory, over, table, verdict, why, ret);
		break;
	case OOM_OUTCOME_PANIC:
		ret->end = LX_PANIC;
		break;
	case OOM_OUTCOME_NOBODY:
		ret->end = LX_STUCK;
		break;
	case OOM_OUTCOME_WAIT:
	case OOM_OUTCOME_COUNT:
		wait_for_victim(memory, over, table, why, ret);
		break;
	}
}

void lx_memory_oom(struct lx_memory *memory, uint32_t over, uint64_t page, struct why *why,
                   struct lx_pressure *ret)
{
	bool is_memcg = over < memory->level_count;
	struct oom_call call = { .constraint =
		                         is_memcg ? OOM_CONSTRAINT_MEMCG : OOM_CONSTRAINT_NONE,
		                 .invoker = memory->self.pid,
		                 .panic_on_oom = memory->panic_on_oom,
		                 .kill_allocating_task = memory->kill_allocating_task };
	struct region *scratch = region_new();
	struct oom_verdict verdict;
	struct oom_table table;

	if (!scratch || !make_table(memory, over, scratch, &table)) {
		ret->end = LX_NO_MEMORY;
		region_free(scratch);
		return;
	}
	lx_path_enter_oom(memory, over, why);
	if (is_memcg && memory->level[over].kill_disabled) {
		why(why, WHY_OOM_DISABLED);
		ret->end = LX_STUCK;
		ret->why = "memory.oom_control disables kills: it sleeps until there is memory";
		lx_path_leave_oom(memory, over, why);
		region_free(scratch);
		return;
	}
	if (is_memcg && memory->task_count &&
	    (memory->task_level >= memory->level_count || over > memory->task_level))
		why(why, WHY_TASKS_UNKNOWN);
	lx_oom_rank(memory->rules, &table);
	lx_oom_choose(memory->rules, &table, &call, &verdict);
	lx_path_choice(memory, over, &table, &call, &verdict, why);
	apply(memory, over, &table, &verdict, page, why, ret);
	lx_path_leave_oom(memory, over, why);
	region_free(scratch);
}
