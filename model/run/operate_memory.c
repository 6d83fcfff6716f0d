/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The operations that are system calls, and the pages that a program writes. */
#include "model/base/units.h"
#include "model/run/operate_private.h"

/* A call that returns 0 or -1. */
static void take_result(struct op_result *ret, int64_t result)
{
	ret->has_ret = true;
	ret->ret = sys_failed(result) ? -1 : 0;
	if (sys_failed(result))
		operate_failed(ret, (int)-result);
}

/* A dead name is not passed on to the kernel. */
static bool is_skipped(const struct binding *from, struct op_result *ret)
{
	ret->is_skipped = from->state != BOUND_BLOCK && from->state != BOUND_MAPPING;
	return ret->is_skipped;
}

static uint64_t whole_length(struct operate *operate, const struct binding *from)
{
	if (from->state == BOUND_MAPPING)
		return from->size;
	return pt_block_of(&operate->world->pt, from->addr).usable;
}

bool operate_touch(struct operate *operate, const struct operation *op, struct op_result *ret)
{
	struct binding from = operate_source(operate, op);
	uint64_t offset = op->count > 1 ? op->number[1] : 0, len;
	struct lx_touch touch;

	if (is_skipped(&from, ret))
		return true;
	len = op->count ? op->number[0] : whole_length(operate, &from);
	if (from.addr + offset + len < from.addr + offset)
		len = 0 - (from.addr + offset);
	lx_fault_range(operate->world->mm, &operate->world->memory, from.addr + offset,
	               from.addr + offset + len, &touch, &ret->pressure);
	ret->has_ret = true;
	ret->ret = (int64_t)touch.pages;
	if (touch.segv)
		ret->outcome = OUTCOME_SEGV;
	return true;
}

static uint32_t protection(uint32_t flags)
{
	if (flags & OPF_NONE)
		return SYS_PROT_NONE;
	return flags & OPF_READ_ONLY ? SYS_PROT_READ : SYS_PROT_READ | SYS_PROT_WRITE;
}

static uint32_t map_flags(uint32_t flags)
{
	static const struct {
		uint32_t word, map;
	} words[] = {
		{ OPF_NORESERVE, SYS_MAP_NORESERVE }, { OPF_POPULATE, SYS_MAP_POPULATE },
		{ OPF_LOCKED, SYS_MAP_LOCKED },       { OPF_STACK, SYS_MAP_STACK },
		{ OPF_FIXED, SYS_MAP_FIXED },
	};
	uint32_t map = SYS_MAP_ANONYMOUS | (flags & OPF_SHARED ? SYS_MAP_SHARED : SYS_MAP_PRIVATE);

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		map |= flags & words[i].word ? words[i].map : 0;
	return map;
}

bool operate_mmap(struct operate *operate, const struct operation *op, struct op_result *ret)
{
	bool has_place = op->flags & (OPF_HINT | OPF_FIXED);
	uint64_t place = has_place ? operate_source(operate, op).addr + op->number[1] : 0;
	int64_t at = sys_mmap(lx_mm_sys(operate->world->mm), place, op->number[0],
	                      protection(op->flags), map_flags(op->flags));

	ret->has_addr = true;
	if (sys_failed(at))
		operate_failed(ret, (int)-at);
	else
		ret->addr = (uint64_t)at;
	if (!sys_failed(at) && (op->flags & (OPF_POPULATE | OPF_LOCKED)))
		lx_memory_populate(operate->world->mm, &operate->world->memory, ret->addr,
		                   align_up(ret->addr + op->number[0], operate->world->pt.page),
		                   &ret->pressure);
	*operate_binding(operate, op->dst) =
	        (struct binding){ .addr = ret->addr,
		                  .size = op->number[0],
		                  .state = sys_failed(at) ? BOUND_DEAD : BOUND_MAPPING };
	return true;
}

/* The name is dead when nothing of it is left. */
bool operate_munmap(struct operate *operate, const struct operation *op, struct op_result *ret)
{
	struct binding from = operate_source(operate, op);
	uint64_t offset = op->count ? op->number[0] : 0, len;
	int64_t result;

	if (is_skipped(&from, ret))
		return true;
	len = op->count ? op->number[1] : whole_length(operate, &from);
	result = sys_munmap(lx_mm_sys(operate->world->mm), from.addr + offset, len);
	take_result(ret, result);
	if (!sys_failed(result) && op->src != NAME_NONE &&
	    (!op->count || (offset == 0 && len >= from.size && from.state == BOUND_MAPPING)))
		operate_binding(operate, op->src)->state = BOUND_DEAD;
	return true;
}

bool operate_mprotect(struct operate *operate, const struct operation *op, struct op_result *ret)
{
	struct binding from = operate_source(operate, op);
	uint64_t offset = op->count ? op->number[0] : 0, len;

	if (is_skipped(&from, ret))
		return true;
	len = op->count ? op->number[1] : whole_length(operate, &from);
	take_result(ret, sys_mprotect(lx_mm_sys(operate->world->mm), from.addr + offset, len,
	                              protection(op->flags)));
	return true;
}

bool operate_mremap(struct operate *operate, const struct operation *op, struct op_result *ret)
{
	struct binding from = operate_source(operate, op);
	int64_t at;

	if (is_skipped(&from, ret))
		return true;
	at = sys_mremap(lx_mm_sys(operate->world->mm), from.addr, op->number[0], op->number[1],
	                op->flags & OPF_MAYMOVE ? SYS_MREMAP_MAYMOVE : 0);
	ret->has_addr = true;
	if (sys_failed(at)) {
		operate_failed(ret, (int)-at);
		return true;
	}
	ret->addr = (uint64_t)at;
	if (op->src != NAME_NONE)
		*operate_binding(operate, op->src) = (struct binding){ .addr = ret->addr,
			                                               .size = op->number[1],
			                                               .state = BOUND_MAPPING,
			                                               .was_given = true };
	return true;
}

bool operate_madvise(struct operate *operate, const struct operation *op, struct op_result *ret)
{
	struct binding from = operate_source(operate, op);

	if (is_skipped(&from, ret))
		return true;
	take_result(ret, sys_madvise(lx_mm_sys(operate->world->mm), from.addr + op->number[0],
	                             op->number[1], (uint32_t)op->number[2]));
	return true;
}

bool operate_sbrk(struct operate *operate, const struct operation *op, struct op_result *ret)
{
	struct ptmalloc *pt = &operate->world->pt;
	uint64_t old = pt_sbrk(pt, (int64_t)op->number[0]);

	if (!operate_goes_on(operate, ret))
		return true;
	ret->has_addr = true;
	ret->addr = old;
	if (old == UINT64_MAX)
		operate_failed(ret, pt->error);
	return true;
}

/* The system call alone: libc does not learn of it. */
bool operate_brk(struct operate *operate, const struct operation *op, struct op_result *ret)
{
	uint64_t want = lx_mm_brk(operate->world->mm) + op->number[0];

	ret->has_addr = true;
	ret->addr = sys_brk(lx_mm_sys(operate->world->mm), want);
	ret->has_ret = true;
	ret->ret = ret->addr == want ? 0 : -1;
	if (ret->ret)
		operate_failed(ret, ERRNO_NOMEM);
	return true;
}

/* --- children ------------------------------------------------------------------------------------- */

bool operate_fork(struct operate *operate, const struct operation *op, struct op_result *ret)
{
	struct lx_forked forked;
	int err = lx_mm_fork(operate->world->mm, &forked);

	*operate_binding(operate, op->dst) =
	        (struct binding){ .size = forked.pages * operate->world->pt.page,
		                  .number = forked.number,
		                  .state = err ? BOUND_DEAD : BOUND_CHILD };
	if (err)
		operate_failed(ret, -err);
	else
		operate->child_count++;
	return true;
}

void operate_child_ends(struct operate *operate, struct binding *child)
{
	const struct lx_forked forked = { child->size / operate->world->pt.page, child->number };

	child->state = BOUND_DEAD;
	lx_mm_child_exit(operate->world->mm, &forked);
}

static struct binding *newest_child(struct operate *operate)
{
	struct binding *newest = NULL;

	for (size_t i = 0; i < operate->scenario->name_count; i++)
		if (operate->names[i].state == BOUND_CHILD &&
		    (!newest || operate->names[i].number > newest->number))
			newest = &operate->names[i];
	return newest;
}

/* Of a child by its name; else of the child under way, or of the process itself. */
bool operate_exit(struct operate *operate, const struct operation *op, struct op_result *ret)
{
	struct binding *child =
	        op->dst != NAME_NONE ? operate_binding(operate, op->dst) : newest_child(operate);

	if (child && child->state != BOUND_CHILD) {
		ret->is_skipped = true;
		return true;
	}
	if (!child) {
		operate->is_over = true;
		return true;
	}
	operate_child_ends(operate, child);
	return true;
}
