/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Charges to the memory cgroups of a path and to the machine. Linux 4.3 … 7.2 mm/memcontrol.c:
 * try_charge(_memcg), mem_cgroup_get_limit/_max; mm/page_alloc.c:__alloc_pages_slowpath.
 *
 * The pre-charge of a CPU (32 or 64 pages) is given back before a limit counts as exceeded, so a limit
 * is met to the page; what the kernel itself takes for the members (stacks, slab) is not known here.
 */
#include "model/base/units.h"
#include "model/linux/lx_memory.h"

static uint64_t minus(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static uint64_t level_room(const struct lx_cgroup *level)
{
	return level->max == LX_UNLIMITED ? LX_UNLIMITED : minus(level->max, level->current);
}

/* Below the min watermark an allocation of a user page waits for reclaim. */
static uint64_t machine_room(const struct lx_memory *memory)
{
	return memory->free == LX_UNLIMITED ? LX_UNLIMITED
	                                    : minus(memory->free, memory->watermark_min);
}

uint64_t lx_memory_room(const struct lx_memory *memory)
{
	uint64_t room = machine_room(memory);

	for (uint32_t i = 0; i < memory->level_count; i++)
		room = min_u64(room, level_room(&memory->level[i]));
	return room;
}

/* The page is allocated before it is charged; of the levels the lowest is asked first. */
uint32_t lx_memory_over(const struct lx_memory *memory)
{
	if (machine_room(memory) == 0)
		return memory->level_count;
	for (uint32_t i = memory->level_count; i-- > 0;)
		if (level_room(&memory->level[i]) == 0)
			return i;
	return memory->level_count;
}

void lx_memory_charge(struct lx_memory *memory, uint64_t pages)
{
	if (memory->free != LX_UNLIMITED)
		memory->free = minus(memory->free, pages);
	for (uint32_t i = 0; i < memory->level_count; i++)
		memory->level[i].current += pages;
}

void lx_memory_uncharge(struct lx_memory *memory, uint64_t pages)
{
	lx_memory_give_back(memory, memory->level_count, pages);
}

void lx_memory_give_back(struct lx_memory *memory, uint32_t levels, uint64_t pages)
{
	if (memory->free != LX_UNLIMITED)
		memory->free += pages;
	for (uint32_t i = 0; i < memory->level_count && i < levels; i++)
		memory->level[i].current = minus(memory->level[i].current, pages);
}

/* --- reclaim ---------------------------------------------------------------------------------- */

/* Swap that a level, and each above it, may still use. */
static uint64_t swap_room(const struct lx_memory *memory, uint32_t over)
{
	uint64_t room = memory->swap_free;

	for (uint32_t i = 0; i < memory->level_count && i <= over; i++) {
		const struct lx_cgroup *level = &memory->level[i];

		if (i == over && !level->may_swap)
			return 0;
		if (level->swap_max != LX_UNLIMITED)
			room = min_u64(room, minus(level->swap_max, level->swap_current));
	}
	return room;
}

/* Whose pages go is not known; those of a cgroup's members count at every level above it too. */
static void swap_out(struct lx_memory *memory, uint32_t over, uint64_t pages)
{
	uint32_t levels = over < memory->level_count ? over + 1 : 0;

	memory->swap_free = minus(memory->swap_free, pages);
	for (uint32_t i = 0; i < levels; i++)
		memory->level[i].swap_current += pages;
	lx_memory_give_back(memory, levels, pages);
}

static void drop_cache(struct lx_memory *memory, uint32_t over, uint64_t pages)
{
	uint32_t levels = over < memory->level_count ? over + 1 : 0;

	memory->cache = minus(memory->cache, pages);
	for (uint32_t i = 0; i < levels; i++)
		memory->level[i].file = minus(memory->level[i].file, pages);
	lx_memory_give_back(memory, levels, pages);
}

/* By how much a limit is exceeded already, because it was set below what is in use. */
static uint64_t excess(const struct lx_memory *memory, uint32_t over)
{
	if (over < memory->level_count)
		return minus(memory->level[over].current, memory->level[over].max);
	return minus(memory->watermark_min, memory->free);
}

uint64_t lx_memory_reclaim(struct lx_memory *memory, uint32_t over, uint64_t want, struct why *why)
{
	bool is_memcg = over < memory->level_count;
	uint64_t file, swap;

	want += excess(memory, over);
	file = min_u64(want, is_memcg ? memory->level[over].file : memory->cache);
	swap = file ? 0 : min_u64(want, swap_room(memory, over));

	if (file) {
		drop_cache(memory, over, file);
		why(why, WHY_RECLAIM_CACHE, file);
	} else if (swap) {
		swap_out(memory, over, swap);
		why(why, WHY_RECLAIM_SWAP, swap);
	} else {
		why(why, WHY_RECLAIM_NOTHING);
	}
	return file + swap;
}

uint32_t lx_memory_over_high(const struct lx_memory *memory)
{
	for (uint32_t i = memory->level_count; i-- > 0;)
		if (memory->level[i].high != LX_UNLIMITED &&
		    memory->level[i].current > memory->level[i].high)
			return i;
	return memory->level_count;
}

/* --- limits ----------------------------------------------------------------------------------- */

uint64_t lx_memory_totalpages(const struct lx_memory *memory, uint32_t over)
{
	uint64_t whole = memory->mem_total + memory->swap_total, pages;
	const struct lx_cgroup *level = &memory->level[over];

	if (over >= memory->level_count || level->max == LX_UNLIMITED)
		return whole;
	pages = level->max;
	if (level->may_swap)
		pages += min_u64(level->swap_max, memory->swap_total);
	return pages ? pages : 1;
}

struct lx_cgroup *lx_memory_own_cgroup(struct lx_memory *memory)
{
	struct lx_cgroup *own;

	if (memory->level_count)
		return &memory->level[memory->level_count - 1];
	own = &memory->level[memory->level_count++];
	*own = (struct lx_cgroup){ .path = "(its own)",
		                   .max = LX_UNLIMITED,
		                   .high = LX_UNLIMITED,
		                   .swap_max = LX_UNLIMITED,
		                   .current = memory->self.rss_pages + memory->tables,
		                   .may_swap = true };
	return own;
}
