/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/run/operate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "model/base/text.h"
#include "model/base/units.h"
#include "model/base/vec.h"
#include "model/run/operate_private.h"

/* --- outcomes ----------------------------------------------------------------------------------- */

const char *outcome_word(enum outcome outcome)
{
	static const char *const words[OUTCOME_COUNT] = { "ok",    "enomem", "oom",   "segv",
		                                          "abort", "hang",   "panic", "unknown" };

	return words[outcome];
}

bool outcome_is_fatal(enum outcome outcome)
{
	return outcome >= OUTCOME_SEGV;
}

void operate_failed(struct op_result *ret, int error)
{
	ret->error = error;
	if (error == ERRNO_NOMEM)
		ret->outcome = OUTCOME_ENOMEM;
}

static void ends_with(struct op_result *ret, enum outcome outcome, const char *text)
{
	ret->outcome = outcome;
	text_copy(ret->outcome_text, sizeof(ret->outcome_text), text);
}

/* As the version words it, but for the file and the line. */
static void say_assert(const struct ptmalloc *pt, struct op_result *ret)
{
	struct text text = text_in(ret->outcome_text, sizeof(ret->outcome_text));

	switch (pt->rules.assert_form) {
	case GLIBC_ASSERT_CLASSIC:
		text_addf(&text, "%s: Assertion `%s' failed.", pt->stop_function, pt->stop_text);
		break;
	case GLIBC_ASSERT_MALLOC:
		text_addf(&text, "malloc assertion failure in %s: %s", pt->stop_function,
		          pt->stop_text);
		break;
	case GLIBC_ASSERT_FATAL:
		text_addf(&text, "(%s): assertion failed: %s", pt->stop_function, pt->stop_text);
		break;
	}
}

bool operate_goes_on(struct operate *operate, struct op_result *ret)
{
	const struct ptmalloc *pt = &operate->world->pt;

	switch (pt->stop) {
	case PT_RUNNING:
		return true;
	case PT_ABORT:
		ends_with(ret, OUTCOME_ABORT, pt->stop_text);
		if (pt->stop_function)
			say_assert(pt, ret);
		break;
	case PT_SEGV:
		ends_with(ret, OUTCOME_SEGV, "");
		break;
	case PT_LOOP:
		ends_with(ret, OUTCOME_HANG, pt->stop_text);
		break;
	case PT_UNKNOWN:
	case PT_HOOK:
	case PT_NO_MEMORY:
		ends_with(ret, OUTCOME_UNKNOWN, pt->stop_text);
		break;
	}
	operate->is_over = true;
	return false;
}

/* --- names -------------------------------------------------------------------------------------- */

struct binding *operate_binding(struct operate *operate, uint32_t name)
{
	return &operate->names[name];
}

struct binding operate_source(struct operate *operate, const struct operation *op)
{
	if (op->src != NAME_NONE)
		return *operate_binding(operate, op->src);
	return (struct binding){ .addr = op->addr, .state = BOUND_BLOCK };
}

/* Every name that the scenario knows has its place in both tables. */
bool operate_make_room(struct operate *operate)
{
	size_t want = operate->scenario->name_count;

	while (operate->name_room < want)
		if (!vec_room(operate->region, (void **)&operate->names, operate->name_room,
		              &operate->name_room, sizeof(*operate->names)))
			return false;
	while (operate->thread_room < want)
		if (!vec_room(operate->region, (void **)&operate->threads, operate->thread_room,
		              &operate->thread_room, sizeof(*operate->threads)))
			return false;
	return true;
}

static void bind_block(struct operate *operate, uint32_t name, uint64_t addr)
{
	*operate_binding(operate, name) =
	        (struct binding){ .addr = addr, .state = addr ? BOUND_BLOCK : BOUND_DEAD };
}

/* --- malloc's functions --------------------------------------------------------------------------- */

/* What came of a function that returns a block. */
static bool take_block(struct operate *operate, uint64_t mem, struct op_result *ret)
{
	struct ptmalloc *pt = &operate->world->pt;
	struct pt_block block;

	if (!operate_goes_on(operate, ret))
		return false;
	ret->has_addr = true;
	ret->addr = mem;
	ret->error = pt->error;
	if (!mem) {
		operate_failed(ret, pt->error);
		return true;
	}
	block = pt_block_of(pt, mem);
	ret->has_block = true;
	ret->usable = block.usable;
	ret->size_word = block.size_word;
	return true;
}

static bool run_malloc(struct operate *operate, const struct operation *op, struct op_result *ret)
{
	struct ptmalloc *pt = &operate->world->pt;
	uint64_t mem;

	if (op->kind == OP_MALLOC)
		mem = pt_malloc(pt, op->number[0]);
	else if (op->kind == OP_CALLOC)
		mem = pt_calloc(pt, op->number[0], op->number[1]);
	else if (op->kind == OP_MEMALIGN)
		mem = pt_memalign(pt, op->number[0], op->number[1]);
	else if (op->kind == OP_ALIGNED_ALLOC)
		mem = pt_aligned_alloc(pt, op->number[0], op->number[1]);
	else if (op->kind == OP_VALLOC)
		mem = pt_valloc(pt, op->number[0]);
	else
		mem = pt_pvalloc(pt, op->number[0]);
	if (take_block(operate, mem, ret))
		bind_block(operate, op->dst, mem);
	return true;
}

/* The error number is what it returns; errno is as the allocation behind it left it. */
static bool run_posix_memalign(struct operate *operate, const struct operation *op,
                               struct op_result *ret)
{
	uint64_t mem = 0;
	int error = pt_posix_memalign(&operate->world->pt, &mem, op->number[0], op->number[1]);

	if (!take_block(operate, mem, ret))
		return true;
	bind_block(operate, op->dst, mem);
	ret->has_ret = true;
	ret->ret = error;
	return true;
}

/* NAME2 is dead afterwards unless it is NAME or the call failed; size 0 frees and fails not. */
static bool run_realloc(struct operate *operate, const struct operation *op, struct op_result *ret)
{
	struct binding from = operate_source(operate, op);
	uint64_t old = from.state == BOUND_DEAD ? 0 : from.addr, mem;
	bool has_failed;

	mem = pt_realloc(&operate->world->pt, old, op->number[0]);
	if (!take_block(operate, mem, ret))
		return true;
	has_failed = !mem && !(old && op->number[0] == 0);
	if (!has_failed && op->src != NAME_NONE)
		operate_binding(operate, op->src)->state = BOUND_DEAD;
	if (!has_failed || op->dst != op->src)
		bind_block(operate, op->dst, mem);
	return true;
}

static bool run_free(struct operate *operate, const struct operation *op, struct op_result *ret)
{
	struct binding from = operate_source(operate, op);

	ret->has_addr = true;
	ret->addr = from.state == BOUND_DEAD ? 0 : from.addr;
	pt_free(&operate->world->pt, ret->addr);
	if (operate_goes_on(operate, ret))
		ret->error = operate->world->pt.error;
	if (op->src != NAME_NONE)
		operate_binding(operate, op->src)->state = BOUND_DEAD;
	return true;
}

static bool run_trim(struct operate *operate, const struct operation *op, struct op_result *ret)
{
	ret->ret = pt_malloc_trim(&operate->world->pt, op->number[0]);
	ret->has_ret = operate_goes_on(operate, ret);
	return true;
}

static bool run_mallopt(struct operate *operate, const struct operation *op, struct op_result *ret)
{
	ret->ret = pt_mallopt(&operate->world->pt, (int)op->number[0], (int)op->number[1]);
	ret->has_ret = operate_goes_on(operate, ret);
	return true;
}

static bool run_set(struct operate *operate, const struct operation *op, struct err *reterr)
{
	const struct setting_value value = { .index = (enum setting_id)op->number[0],
		                             .number = op->number[1],
		                             .second = op->number[2] };
	struct err err;

	if (operate_set(operate, &value, &err))
		return true;
	return scenario_error(operate->scenario, op->line, settings[value.index].key,
	                      strlen(settings[value.index].key), err.why, reterr);
}

/* --- one operation ---------------------------------------------------------------------------------- */

static bool dispatch(struct operate *operate, const struct operation *op, struct op_result *ret,
                     struct err *reterr)
{
	static bool (*const run[OP_KIND_COUNT])(struct operate *, const struct operation *,
	                                        struct op_result *) = {
		[OP_MALLOC] = run_malloc,
		[OP_CALLOC] = run_malloc,
		[OP_REALLOC] = run_realloc,
		[OP_MEMALIGN] = run_malloc,
		[OP_POSIX_MEMALIGN] = run_posix_memalign,
		[OP_ALIGNED_ALLOC] = run_malloc,
		[OP_VALLOC] = run_malloc,
		[OP_PVALLOC] = run_malloc,
		[OP_FREE] = run_free,
		[OP_TOUCH] = operate_touch,
		[OP_MALLOPT] = run_mallopt,
		[OP_TRIM] = run_trim,
		[OP_MMAP] = operate_mmap,
		[OP_MUNMAP] = operate_munmap,
		[OP_MPROTECT] = operate_mprotect,
		[OP_MREMAP] = operate_mremap,
		[OP_MADVISE] = operate_madvise,
		[OP_SBRK] = operate_sbrk,
		[OP_BRK] = operate_brk,
		[OP_FORK] = operate_fork,
		[OP_EXIT] = operate_exit,
	};

	if (op->kind == OP_THREAD)
		return operate_thread(operate, op, ret, reterr);
	if (op->kind == OP_EXIT_THREAD)
		return operate_exit_thread(operate, op, ret, reterr);
	if (op->kind == OP_SET)
		return run_set(operate, op, reterr);
	return op->kind == OP_PAUSE || run[op->kind](operate, op, ret);
}

static void begin(struct operate *operate)
{
	struct world *world = operate->world;
	struct ptmalloc *pt = &world->pt;

	sys_clear(lx_mm_sys(world->mm));
	lx_mm_clear_band(world->mm);
	if (pt->why)
		why_clear(pt->why);
	image_clear_fault(&world->image);
	pt->error = 0;
	pt->stop = PT_RUNNING;
	pt->stop_text = NULL;
	pt->thread = world->threads[world->current].pt_index;
	pt->busy = operate->is_arena_busy;
}

/* A name that is read and that no operation has assigned: most likely a slip of the pen. */
static bool misses(struct binding *name)
{
	bool is_first = !name->was_given && !name->was_missed;

	name->was_missed = !name->was_given;
	return is_first;
}

bool operate_run(struct operate *operate, const struct operation *op, struct op_result *ret,
                 struct err *reterr)
{
	struct world *world = operate->world;
	uint64_t commit = lx_mm_own_committed(world->mm), resident = world_resident(world);
	uint64_t huge = lx_mm_huge_faults(world->mm);
	bool ok;

	*ret = (struct op_result){
		.n = operate->count++,
		.op = op,
		.thread = world->threads[world->current].name,
		.sys = lx_mm_sys(world->mm),
		.why = world->pt.why,
	};
	if (!operate_make_room(operate))
		return err_set(reterr, ERR_NO_MEMORY, ENOMEM, "the scenario", "out of memory");
	if (op->kind != OP_SET && operate->is_contestable && !operate_check(operate, reterr))
		return false;
	operate->is_contestable = operate->is_contestable && op->kind == OP_SET;
	if (op->src != NAME_NONE)
		ret->misses_name = misses(operate_binding(operate, op->src));
	begin(operate);
	operate->has_begun = operate->has_begun || op->kind != OP_SET;
	ok = dispatch(operate, op, ret, reterr);
	if (op->dst != NAME_NONE && op->kind != OP_THREAD && op->kind != OP_EXIT_THREAD)
		operate_binding(operate, op->dst)->was_given = true;
	operate_settle(operate, op, ret);
	ret->commit_pages += (int64_t)(lx_mm_own_committed(world->mm) - commit);
	ret->band_pages = lx_mm_band(world->mm);
	ret->huge_faults = lx_mm_huge_faults(world->mm) - huge;
	ret->rss_pages += (int64_t)(world_resident(world) - resident);
	if (outcome_is_fatal(ret->outcome) || ret->is_dead)
		operate->is_over = true;
	else if (world->image.is_journaling && !operate->keeps_journal)
		world_commit(world, &operate->start);
	return ok;
}
