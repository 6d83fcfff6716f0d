/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings of the machine: memory, swap and how much of both may be promised. */
#include "model/base/units.h"
#include "model/run/operate_private.h"

/*
 * Writing one of the two takes the other one's place (Linux mm/util.c:overcommit_ratio_handler). Before
 * anything has run, 0 just says that there is none: both are then the state of a machine.
 */
static void set_ratio(const struct operate *operate, struct lx_commit_state *state,
                      uint64_t percent)
{
	state->ratio = percent;
	if (percent || operate->has_begun)
		state->kbytes = 0;
}

static void set_kbytes(const struct operate *operate, struct lx_commit_state *state,
                       uint64_t kbytes)
{
	state->kbytes = kbytes;
	if (kbytes || operate->has_begun)
		state->ratio = 0;
}

static void set_ram(const struct operate *operate, struct lx_commit_state *state, uint64_t pages)
{
	uint64_t free = state->free;

	lx_commit_set_ram(state, pages);
	if (operate->is_free_set)
		lx_commit_set_free(state, free);
}

/* What is set aside is free no more; they may be too many: then that is said, and not of what is free. */
static void set_hugepages(const struct operate *operate, struct lx_commit_state *state,
                          uint64_t pages)
{
	state->hugetlb = pages;
	if (!operate->is_free_set && pages <= state->ram)
		lx_commit_set_free(state, min_u64(state->free, state->ram - pages));
}

/* False: not a part of this state. */
static bool change_state(struct operate *operate, const struct setting_value *value,
                         struct lx_commit_state *state)
{
	uint64_t number = value->number, pages = number / state->page;

	if (value->index == SET_OVERCOMMIT_MEMORY)
		operate->world->pt.overcommit_mode = state->mode = (uint32_t)number;
	else if (value->index == SET_OVERCOMMIT_RATIO)
		set_ratio(operate, state, number);
	else if (value->index == SET_OVERCOMMIT_KBYTES)
		set_kbytes(operate, state, number);
	else if (value->index == SET_ADMIN_RESERVE)
		state->admin_reserve_kbytes = number;
	else if (value->index == SET_USER_RESERVE)
		state->user_reserve_kbytes = number;
	else if (value->index == SET_CAP_SYS_ADMIN)
		state->cap_sys_admin = number != 0;
	else if (value->index == SET_MEM_TOTAL)
		set_ram(operate, state, pages);
	else if (value->index == SET_MEM_FREE)
		lx_commit_set_free(state, pages);
	else if (value->index == SET_SWAP_TOTAL)
		lx_commit_set_swap(state, pages);
	else if (value->index == SET_HUGEPAGES)
		set_hugepages(operate, state, number * (2 * MIB / state->page));
	else if (value->index == SET_CPUS)
		operate->world->pt.cpus = state->cpus = (uint32_t)number;
	else
		return false;
	return true;
}

bool operate_set_system(struct operate *operate, const struct setting_value *value)
{
	struct lx_mm *mm = operate->world->mm;
	struct lx_commit_state state = *lx_mm_commit_state(mm);

	operate->is_contestable = true;
	operate->is_free_set = operate->is_free_set || value->index == SET_MEM_FREE;
	if (change_state(operate, value, &state))
		lx_mm_set_commit_state(mm, &state);
	else if (value->index == SET_COMMITTED)
		lx_mm_set_committed(mm, value->number / state.page);
	else if (value->index == SET_TOTAL_VM)
		lx_mm_set_total_pages(mm, value->number);
	else if (value->index == SET_DATA_VM)
		lx_mm_set_data_pages(mm, value->number);
	else
		return false;
	return true;
}

bool operate_check(const struct operate *operate, struct err *reterr)
{
	const struct lx_mm *mm = operate->world->mm;
	const char *field, *why;

	if (lx_commit_contradicts(lx_mm_commit_state(mm), &field, &why))
		return err_set(reterr, ERR_USAGE, 0, field, why);
	if (lx_mm_data_pages(mm) > lx_mm_total_pages(mm))
		return err_set(reterr, ERR_USAGE, 0, "process.data_vm",
		               "more than process.total_vm");
	return true;
}
