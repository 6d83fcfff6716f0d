/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads of a scenario: nptl's part of pthread_create, of a thread's end and of pthread_join. */
#include <errno.h>
#include <string.h>

#include "model/base/units.h"
#include "model/run/operate_private.h"

/* Whether a thread found before is still what it was: the world may have been taken back since. */
static bool is_still(const struct world *world, uint32_t index, const struct scenario_name *name)
{
	const struct world_thread *thread = &world->threads[index];
	size_t len = min_u64(name->len, sizeof(thread->name) - 1);

	if (index >= world->thread_count || !thread->is_alive)
		return false;
	return thread->tid || (memcmp(thread->name, name->text, len) == 0 && !thread->name[len]);
}

/* The thread of a name, as the world knows it; NULL: none that lives. */
static struct world_thread *find_thread(struct operate *operate, uint32_t name)
{
	const struct scenario_name *text = &operate->scenario->names[name];
	struct world *world = operate->world;
	uint32_t *known = &operate->threads[name];
	struct world_thread *thread;

	/* A thread's place is looked for once, not at each switch. */
	if (*known && is_still(world, *known - 1, text))
		return &world->threads[*known - 1];
	thread = world_thread_find(world, text->text, text->len);
	*known = thread ? (uint32_t)(thread - world->threads) + 1 : 0;
	return thread;
}

static void switch_to(struct operate *operate, uint32_t index)
{
	operate->world->current = index;
	operate->world->pt.thread = operate->world->threads[index].pt_index;
}

/* --- pthread_create --------------------------------------------------------------------------------- */

static bool make_stack(struct operate *operate, struct op_result *ret, struct nptl_stack *stack)
{
	struct world *world = operate->world;
	struct ptmalloc *pt = &world->pt;
	bool is_cached = false;

	if (world->stacks == WORLD_STACKS_GLIBC) {
		if (!nptl_allocate_stack(pt, &world->stack_cache, world->stack_size, stack,
		                         &is_cached))
			return false;
	} else {
		stack->dtv = pt_calloc(pt, NPTL_DTV_SLOTS, NPTL_DTV_SLOT);
	}
	if (pt->stop != PT_RUNNING || (!stack->dtv && !is_cached))
		return false;
	if (!stack->dtv)
		return true; /* of a live process, and not found there */
	ret->has_dtv = true;
	ret->dtv = stack->dtv;
	ret->dtv_usable = pt_block_of(pt, stack->dtv).usable;
	return true;
}

/* pthread_create says EAGAIN for ENOMEM. */
static bool could_not_create(struct operate *operate, struct op_result *ret)
{
	if (!operate_goes_on(operate, ret))
		return true;
	ret->error = ERRNO_AGAIN;
	ret->outcome = OUTCOME_ENOMEM;
	return true;
}

bool operate_thread(struct operate *operate, const struct operation *op, struct op_result *ret,
                    struct err *reterr)
{
	const struct scenario_name *name = &operate->scenario->names[op->dst];
	struct world_thread *thread = find_thread(operate, op->dst);
	struct world *world = operate->world;
	struct nptl_stack stack = { 0 };

	if (!thread) {
		if (world->thread_count >= PT_THREADS_MAX)
			return scenario_error(operate->scenario, op->line, name->text, name->len,
			                      "expected fewer threads", reterr);
		if (!world_threads_change(world))
			return err_set(reterr, ERR_NO_MEMORY, ENOMEM, "the scenario",
			               "out of memory");
		pt_thread_created(&world->pt);
		if (!make_stack(operate, ret, &stack))
			return could_not_create(operate, ret);
		thread = world_thread_add(world, name->text, name->len);
		if (!thread)
			return err_set(reterr, ERR_NO_MEMORY, ENOMEM, "the scenario",
			               "out of memory");
		thread->stack_addr = stack.addr;
		thread->stack_size = stack.size;
		thread->dtv = stack.dtv;
		operate->threads[op->dst] = (uint32_t)(thread - world->threads) + 1;
	}
	switch_to(operate, (uint32_t)(thread - world->threads));
	return true;
}

/* --- its end ----------------------------------------------------------------------------------------- */

/* Whose stack a live thread has is not seen: the scenario says it. */
static bool has_glibcs_stack(const struct world *world, const struct world_thread *thread)
{
	return thread->stack_size && (!thread->tid || world->stacks == WORLD_STACKS_GLIBC);
}

/* Joined by the thread under way. */
static bool join(struct world *world, const struct world_thread *thread)
{
	const struct nptl_stack stack = { thread->stack_addr, thread->stack_size, thread->dtv };
	struct ptmalloc *pt = &world->pt;

	if (has_glibcs_stack(world, thread))
		return nptl_queue_stack(pt, &world->stack_cache, &stack);
	if (stack.dtv)
		pt_free(pt, stack.dtv);
	return true;
}

bool operate_exit_thread(struct operate *operate, const struct operation *op, struct op_result *ret,
                         struct err *reterr)
{
	const struct scenario_name *name = &operate->scenario->names[op->dst];
	struct world_thread *thread = find_thread(operate, op->dst);
	struct world *world = operate->world;
	uint32_t index, joiner = world->current;

	if (thread == &world->threads[0])
		return scenario_error(operate->scenario, op->line, name->text, name->len,
		                      "expected another thread than the first", reterr);
	if (!thread) {
		ret->is_skipped = true;
		return true;
	}
	if (!world_threads_change(world))
		return err_set(reterr, ERR_NO_MEMORY, ENOMEM, "the scenario", "out of memory");
	index = (uint32_t)(thread - world->threads);
	if (index == joiner)
		joiner = 0;
	switch_to(operate, index);
	pt_thread_exit(&world->pt);
	if (!operate_goes_on(operate, ret))
		return true;
	if (has_glibcs_stack(world, thread)) {
		const struct nptl_stack stack = { thread->stack_addr, thread->stack_size, 0 };

		nptl_advise_stack(&world->pt, &stack);
	}
	thread->is_alive = false;
	switch_to(operate, joiner);
	if (!join(world, thread))
		return err_set(reterr, ERR_NO_MEMORY, ENOMEM, "the scenario", "out of memory");
	(void)operate_goes_on(operate, ret);
	return true;
}
