/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which limit a process meets first, and what a cgroup's limit means to the OOM killer. */
#include "model/base/units.h"
#include "model/linux/lx.h"

static bool is_limited(struct fact limit)
{
	return limit.state != FACT_UNKNOWN && limit.v != UINT64_MAX;
}

static uint64_t minus(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static uint64_t plus(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

/*
 * Linux 5.10 … 7.2 mm/memcontrol.c:mem_cgroup_get_max. Swap counts up to its own limit, and only
 * where the level may swap at all; v1's limit on memory plus swap comes as swap_max already.
 */
uint64_t lx_memcg_totalpages(const struct cgroup_level *level, const struct system_facts *sys)
{
	uint64_t swap_total = fact_or(sys->swap_total, 0), bytes, pages;
	uint64_t swappiness = fact_or(level->swappiness, fact_or(sys->swappiness, 60));

	if (!is_limited(level->max))
		return plus(fact_or(sys->mem_total, 0), swap_total) / sys->page_size;
	bytes = level->max.v;
	if (swappiness)
		bytes = plus(bytes, min_u64(fact_or(level->swap_max, UINT64_MAX), swap_total));
	pages = bytes / sys->page_size;
	return pages ? pages : 1;
}

/* Swap that the level could still use. */
static uint64_t swap_left(const struct cgroup_level *level, const struct system_facts *sys)
{
	uint64_t left = fact_or(sys->swap_free, 0);

	if (is_limited(level->swap_max) && fact_known(level->swap_current))
		left = min_u64(left, minus(level->swap_max.v, level->swap_current.v));
	return left;
}

static bool level_room(const struct cgroup_level *level, const struct system_facts *sys,
                       struct first_limit *ret)
{
	uint64_t distance, room;

	if (!is_limited(level->max) || !fact_known(level->current))
		return false;
	distance = minus(level->max.v, level->current.v);
	room = plus(plus(distance, fact_or(level->file, 0)), swap_left(level, sys));
	*ret = (struct first_limit){ .constraint = OOM_CONSTRAINT_MEMCG,
		                     .level = level,
		                     .distance = fact_of(distance),
		                     .room = fact_estimate(room) };
	return true;
}

/* The machine itself: free memory down to the min watermarks, where allocations begin to fail. */
static void global_room(const struct system_facts *sys, struct first_limit *ret)
{
	uint64_t reserve = fact_or(sys->watermark_min, 0) * sys->page_size;

	*ret = (struct first_limit){ .constraint = OOM_CONSTRAINT_NONE };
	if (!fact_known(sys->mem_free))
		return;
	ret->distance = fact_of(minus(sys->mem_free.v, reserve));
	ret->room = fact_estimate(
	        plus(fact_or(sys->mem_available, ret->distance.v), fact_or(sys->swap_free, 0)));
}

void lx_first_limit(const struct snapshot *snap, struct first_limit *ret)
{
	const struct system_facts *sys = snapshot_system(snap);
	const struct cgroup_facts *cgroup = snapshot_cgroup(snap);

	*ret = (struct first_limit){ .constraint = OOM_CONSTRAINT_NONE };
	if (!sys)
		return;
	global_room(sys, ret);
	/* From the leaf up: of equal levels the charge meets the lowest first. */
	for (size_t i = cgroup ? cgroup->level_count : 0; i-- > 0;) {
		struct first_limit at = { 0 };

		if (level_room(&cgroup->levels[i], sys, &at) &&
		    at.room.v < fact_or(ret->room, UINT64_MAX))
			*ret = at;
	}
}
