/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The start of a run, and what settings do to a world. */
#include <errno.h>
#include <string.h>

#include "model/base/units.h"
#include "model/run/operate_private.h"

/* --- settings ----------------------------------------------------------------------------------------- */

/* From 2.42 on malloc is set up before main, but with the tunables of that time. */
static bool is_too_late(struct operate *operate)
{
	bool is_new = strcmp(operate->world->started_from, "live") != 0 && !operate->has_begun;
	struct pt_private private;

	pt_get_private(&operate->world->pt, &private);
	return private.is_initialized && !is_new;
}

static bool set_tunable(struct operate *operate, const struct setting_value *value,
                        struct err *reterr)
{
	const char *key = settings[value->index].key;

	if (is_too_late(operate))
		return err_set(reterr, ERR_USAGE, 0, key,
		               "tunables are read when malloc starts, which it has already");
	if (pt_tunable(&operate->world->pt, key, value->number))
		return true;
	return err_set(reterr, ERR_USAGE, 0, key,
	               "this glibc has no such tunable, or does not take that value");
}

static void set_stacks(struct operate *operate, const struct setting_value *value)
{
	struct world *world = operate->world;

	world->stacks = value->number ? WORLD_STACKS_OWN : WORLD_STACKS_GLIBC;
	if (value->number)
		world->own_stack_size = value->second;
	else if (value->second)
		world->stack_size = value->second;
}

/* pthread_create's default was taken from the limit when the program started. */
static void set_stack_limit(struct operate *operate, uint64_t limit)
{
	struct world *world = operate->world;

	lx_mm_set_limit(world->mm, LX_LIMIT_STACK, limit);
	if (!operate->has_begun && strcmp(world->started_from, "live") != 0)
		world->stack_size = nptl_default_stack(limit, world->pt.page);
}

/* malloc reads the same file when a tunable asks it to use huge pages. */
static void set_thp(struct world *world, enum lx_thp mode)
{
	lx_mm_set_thp(world->mm, mode);
	world->pt.huge.is_known = true;
	world->pt.huge.thp_mode = (uint32_t)mode;
	if (!world->pt.huge.thp_pagesize)
		world->pt.huge.thp_pagesize = 2 * MIB;
}

bool operate_set(struct operate *operate, const struct setting_value *value, struct err *reterr)
{
	struct world *world = operate->world;

	if (settings[value->index].kind == SETTING_TUNABLE)
		return set_tunable(operate, value, reterr);
	if (operate_set_system(operate, value)) {
		operate_follow_system(operate, value->index);
		return true;
	}
	if (value->index == SET_MAX_MAP_COUNT)
		lx_mm_set_limit(world->mm, LX_LIMIT_MAP_COUNT, value->number);
	else if (value->index == SET_RLIMIT_AS)
		lx_mm_set_limit(world->mm, LX_LIMIT_AS, value->number);
	else if (value->index == SET_RLIMIT_DATA)
		lx_mm_set_limit(world->mm, LX_LIMIT_DATA, value->number);
	else if (value->index == SET_RLIMIT_STACK)
		set_stack_limit(operate, value->number);
	else if (value->index == SET_THP)
		set_thp(world, (enum lx_thp)value->number);
	else if (value->index == SET_STACKS)
		set_stacks(operate, value);
	else if (value->index == SET_ARENA)
		operate->is_arena_busy = value->number != 0;
	else if (!operate_set_memory(operate, value))
		return err_set(reterr, ERR_USAGE, 0, settings[value->index].key,
		               "its rules are not simulated yet");
	return true;
}

/* --- the start ------------------------------------------------------------------------------------------ */

/* Checked when they were read; what this glibc does not know or take, its loader passes over. */
static void apply_directives(struct operate *operate)
{
	const struct scenario *s = operate->scenario;
	const char *text = s->tunables;
	size_t len = text ? strlen(text) : 0;
	struct setting_value value;
	char why[SETTING_WHY_MAX];
	bool is_bad;

	if (s->stacks &&
	    setting_parse("stacks", 6, s->stacks, strlen(s->stacks), &value, &is_bad, why))
		set_stacks(operate, &value);
	/* A live process whose malloc has started has read its own: they are in its memory. */
	while (!is_too_late(operate) && tunables_next(&text, &len, &value, why, &is_bad))
		(void)pt_tunable(&operate->world->pt, settings[value.index].key, value.number);
}

bool operate_start(struct operate *operate, struct region *region, struct world *world,
                   struct scenario *scenario, struct err *reterr)
{
	*operate = (struct operate){
		.region = region,
		.world = world,
		.scenario = scenario,
	};
	world_mark(world, &operate->start);
	if (!operate_make_room(operate))
		return err_set(reterr, ERR_NO_MEMORY, ENOMEM, "the scenario", "out of memory");
	apply_directives(operate);
	return true;
}
