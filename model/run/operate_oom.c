/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a shortage of memory does to an operation, and the settings that belong to it. */
#include "model/base/text.h"
#include "model/run/operate_private.h"

/* --- outcomes --------------------------------------------------------------------------------- */

/* Of the kill that decides: the process's own death, else the first one. */
static const struct lx_kill *telling_kill(const struct lx_pressure *pressure)
{
	size_t last = pressure->kill_count < LX_KILLS ? pressure->kill_count : LX_KILLS;

	return &pressure->kills[pressure->end == LX_KILLED ? last - 1 : 0];
}

static void say_kill(const struct lx_pressure *pressure, struct op_result *ret)
{
	const struct lx_kill *kill = telling_kill(pressure);
	struct text text = text_in(ret->outcome_text, sizeof(ret->outcome_text));

	text_addf(&text, "%d %s %lld", kill->pid, kill->comm, (long long)kill->points);
}

static void say(struct op_result *ret, enum outcome outcome, const char *why)
{
	ret->outcome = outcome;
	(void)text_copy(ret->outcome_text, sizeof(ret->outcome_text), why);
}

/* What malloc itself made of the operation matters only to a process that lives on. */
static void take_pressure(struct op_result *ret)
{
	const struct lx_pressure *pressure = &ret->pressure;

	switch (pressure->end) {
	case LX_GOES_ON:
		if (!pressure->kill_count || outcome_is_fatal(ret->outcome))
			return;
		ret->outcome = OUTCOME_OOM;
		say_kill(pressure, ret);
		return;
	case LX_KILLED:
		ret->outcome = OUTCOME_OOM;
		ret->is_dead = true;
		if (pressure->kill_count)
			say_kill(pressure, ret);
		else
			say(ret, OUTCOME_OOM, pressure->why);
		return;
	case LX_PANIC:
		say(ret, OUTCOME_PANIC, "");
		return;
	case LX_STUCK:
		say(ret, OUTCOME_HANG, pressure->why);
		return;
	case LX_NO_MEMORY:
		say(ret, OUTCOME_UNKNOWN, "heaptop is out of memory");
		return;
	}
}

/* --- children --------------------------------------------------------------------------------- */

/* A child that was killed is no child any more; one that ended by itself is gone. */
static void follow_children(struct operate *operate)
{
	struct lx_memory *memory = &operate->world->memory;

	for (const struct lx_child *child = memory->children; child; child = child->older) {
		struct binding *name = operate_binding(operate, child->name);

		if (name->state != BOUND_CHILD || name->pid != child->pid)
			(void)lx_memory_exit(memory, child->pid);
		else if (lx_memory_is_gone(memory, child->pid))
			operate_child_ends(operate, name);
	}
	lx_memory_follow_children(operate->world->mm, memory);
}

static void begin_child(struct operate *operate, const struct operation *op, struct op_result *ret)
{
	struct binding *child = operate_binding(operate, op->dst);
	const struct lx_forked forked = { 0, child->number };
	const struct lx_child *begun;

	if (child->state != BOUND_CHILD)
		return;
	begun = lx_memory_fork(operate->world->mm, &operate->world->memory, op->dst, &forked,
	                       &ret->pressure);
	if (begun) {
		child->pid = begun->pid;
		return;
	}
	operate_child_ends(operate, child);
	operate->child_count--;
	operate_failed(ret, ERRNO_NOMEM);
}

void operate_settle(struct operate *operate, const struct operation *op, struct op_result *ret)
{
	struct world *world = operate->world;

	if (op->kind == OP_FORK && !ret->error)
		begin_child(operate, op, ret);
	if (ret->outcome == OUTCOME_OK || ret->outcome == OUTCOME_ENOMEM)
		lx_memory_settle(world->mm, &world->memory, world_resident(world), &ret->pressure);
	follow_children(operate);
	take_pressure(ret);
}

/* --- settings --------------------------------------------------------------------------------- */

static uint64_t pages_of(const struct operate *operate, uint64_t bytes)
{
	return bytes == UINT64_MAX ? LX_UNLIMITED : bytes / operate->world->pt.page;
}

bool operate_set_memory(struct operate *operate, const struct setting_value *value)
{
	struct lx_memory *memory = &operate->world->memory;
	uint64_t number = value->number;

	if (value->index == SET_PANIC_ON_OOM)
		memory->panic_on_oom = number;
	else if (value->index == SET_KILL_ALLOCATING)
		memory->kill_allocating_task = number;
	else if (value->index == SET_OOM_SCORE_ADJ)
		memory->self.adj = (int16_t)number;
	else if (value->index == SET_CGROUP_MAX)
		lx_memory_own_cgroup(memory)->max = pages_of(operate, number);
	else if (value->index == SET_CGROUP_HIGH)
		lx_memory_own_cgroup(memory)->high = pages_of(operate, number);
	else if (value->index == SET_CGROUP_SWAP_MAX)
		lx_memory_own_cgroup(memory)->swap_max = pages_of(operate, number);
	else if (value->index == SET_CGROUP_OOM_GROUP)
		lx_memory_own_cgroup(memory)->oom_group = number != 0;
	else
		return false;
	memory->is_bounded = true;
	return true;
}

void operate_follow_system(struct operate *operate, enum setting_id index)
{
	struct world *world = operate->world;
	uint32_t admin = OOM_TASK_SYS_ADMIN;

	if (index == SET_MEM_TOTAL)
		world_follow_machine(world, WORLD_RAM);
	else if (index == SET_MEM_FREE)
		world_follow_machine(world, WORLD_FREE);
	else if (index == SET_SWAP_TOTAL)
		world_follow_machine(world, WORLD_SWAP);
	else if (index == SET_HUGEPAGES)
		world_follow_machine(world, WORLD_HUGEPAGES);
	else if (index == SET_CAP_SYS_ADMIN && lx_mm_commit_state(world->mm)->cap_sys_admin)
		world->memory.self.flags |= admin;
	else if (index == SET_CAP_SYS_ADMIN)
		world->memory.self.flags &= ~admin;
}
