/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a world's pages come from: the machine, the cgroups and the other tasks of a snapshot. */
#include <stdio.h>
#include <string.h>

#include "model/base/text.h"
#include "model/base/units.h"
#include "model/run/world_private.h"

/* The process of --fresh, and of a snapshot without a table of tasks. */
enum { FRESH_PID = 1000 };

static uint64_t pages_of(struct fact bytes, uint64_t page, uint64_t otherwise)
{
	if (!fact_known(bytes))
		return otherwise;
	return bytes.v == UINT64_MAX ? LX_UNLIMITED : bytes.v / page;
}

/* --- the machine ------------------------------------------------------------------------------ */

/* Linux mm/page_alloc.c:calculate_min_free_kbytes: the root of 16 times the memory, in KiB. */
static uint64_t usual_min(uint64_t mem_pages, uint64_t page)
{
	uint64_t kbytes = mem_pages * (page / 1024), root = 0;

	for (uint64_t bit = UINT64_C(1) << 30; bit; bit >>= 1)
		if ((root | bit) * (root | bit) <= kbytes * 16)
			root |= bit;
	root = min_u64(max_u64(root, 128), 262144);
	return root / (page / 1024);
}

/* What a machine holds that may go without swapping. */
static uint64_t cache_of_state(const struct lx_commit_state *state)
{
	uint64_t shmem = min_u64(state->shmem, state->file);
	uint64_t used = state->ram > state->free ? state->ram - state->free : 0;

	return min_u64(state->file - shmem + state->slab_reclaimable, used);
}

/* MemAvailable counts what may go without swapping; it begins above the reserves. */
static uint64_t cache_of(const struct system_facts *sys, uint64_t page)
{
	uint64_t free = pages_of(sys->mem_free, page, 0);
	uint64_t available = pages_of(sys->mem_available, page, 0);
	uint64_t reserve = fact_or(sys->totalreserve_pages, 0);

	return available + reserve > free ? available + reserve - free : 0;
}

void world_follow_machine(struct world *world, enum world_machine what)
{
	const struct lx_commit_state *state = lx_mm_commit_state(world->mm);
	struct lx_memory *memory = &world->memory;

	memory->mem_total = state->ram;
	memory->swap_total = state->swap;
	if (what == WORLD_SWAP) {
		memory->swap_free = state->swap_free;
		return;
	}
	/* What is set aside can't be more than is free now. */
	memory->free = what == WORLD_HUGEPAGES ? min_u64(memory->free, state->free) : state->free;
	memory->is_bounded = true;
	if (what != WORLD_RAM)
		return;
	memory->cache = cache_of_state(state);
	memory->watermark_min = usual_min(state->ram, state->page);
}

/* What facts leave open is as with --fresh. */
static void take_machine(struct world *world, const struct system_facts *sys)
{
	struct lx_memory *ret = &world->memory;
	uint64_t page = world->pt.page;

	world_follow_machine(world, WORLD_SWAP);
	world_follow_machine(world, WORLD_RAM);
	if (!sys)
		return;
	ret->watermark_min = fact_or(sys->watermark_min, ret->watermark_min);
	if (fact_known(sys->mem_available) && fact_known(sys->mem_free))
		ret->cache = cache_of(sys, page);
	ret->panic_on_oom = fact_or(sys->panic_on_oom, 0);
	ret->kill_allocating_task = fact_or(sys->oom_kill_allocating_task, 0);
}

/* --- cgroups ---------------------------------------------------------------------------------- */

static bool decides(const struct cgroup_level *level)
{
	return fact_or(level->max, UINT64_MAX) != UINT64_MAX ||
	       fact_or(level->high, UINT64_MAX) != UINT64_MAX ||
	       fact_or(level->swap_max, UINT64_MAX) != UINT64_MAX || fact_or(level->oom_group, 0);
}

static bool take_level(struct world *world, const struct cgroup_level *from, uint64_t swappiness)
{
	struct lx_memory *memory = &world->memory;
	struct lx_cgroup *level = &memory->level[memory->level_count++];
	const char *path = from->path ? from->path : "";
	uint64_t page = world->pt.page;

	*level = (struct lx_cgroup){
		.path = region_text(world->region, path, strlen(path)),
		.max = pages_of(from->max, page, LX_UNLIMITED),
		.high = pages_of(from->high, page, LX_UNLIMITED),
		.swap_max = pages_of(from->swap_max, page, LX_UNLIMITED),
		.current = pages_of(from->current, page, memory->self.rss_pages),
		.swap_current = pages_of(from->swap_current, page, 0),
		.file = pages_of(from->file, page, 0),
		.oom_group = fact_or(from->oom_group, 0) != 0,
		.kill_disabled = fact_or(from->oom_kill_disable, 0) != 0,
		.may_swap = fact_or(from->swappiness, swappiness) != 0,
	};
	return level->path != NULL;
}

/* Levels without a limit decide nothing; the process's own is there to be given one. */
static bool take_cgroups(struct world *world, const struct snapshot *snap)
{
	const struct cgroup_facts *cgroup = snapshot_cgroup(snap);
	const struct system_facts *sys = snapshot_system(snap);
	const struct first_limit *first = NULL;
	struct first_limit found = { 0 };
	struct lx_memory *memory = &world->memory;

	memory->task_level = UINT32_MAX;
	if (!cgroup || cgroup->version == CGROUP_NONE)
		return true;
	if (sys) {
		lx_first_limit(snap, &found);
		first = &found;
	}
	for (size_t i = 0; i < cgroup->level_count; i++) {
		const struct cgroup_level *level = &cgroup->levels[i];

		if (!decides(level) && i + 1 < cgroup->level_count)
			continue;
		if (memory->level_count == LX_CGROUP_LEVELS) {
			world_remark(world, "of its nested cgroup limits some are left out");
			memory->level_count--;
		}
		if (first && first->level == level)
			memory->task_level = memory->level_count;
		if (!take_level(world, level, sys ? fact_or(sys->swappiness, 60) : 60))
			return false;
	}
	return true;
}

/* --- tasks ------------------------------------------------------------------------------------ */

static uint64_t vmas_rss(const struct vma_set *vmas, uint64_t page)
{
	uint64_t bytes = 0;

	for (size_t i = 0; vmas && i < vmas->count; i++)
		bytes += vmas->at[i].has_residency || vmas->at[i].has_smaps ? vmas->at[i].rss : 0;
	return bytes / page;
}

/* The process's row; what it says of size is older than what the process itself says. */
static void take_self(struct world *world, const struct snapshot *snap)
{
	const struct process_facts *process = snap ? snapshot_process(snap) : NULL;
	struct lx_memory *memory = &world->memory;
	struct oom_task *self = &memory->self;
	uint64_t page = world->pt.page;

	self->pid = process ? process->id.pid : FRESH_PID;
	(void)text_copy(self->comm, sizeof(self->comm), process ? process->comm : "program");
	self->in_domain = true;
	for (size_t i = 0; process && i < memory->task_count; i++)
		if (memory->tasks[i].pid == process->id.pid)
			*self = memory->tasks[i];
	if (process) {
		uint64_t known = vmas_rss(snapshot_vmas(snap), page);

		self->rss_pages =
		        pages_of(process->vm_rss, page, self->rss_pages ? self->rss_pages : known);
		self->swap_pages = pages_of(process->vm_swap, page, self->swap_pages);
		self->pgtables_bytes = fact_or(process->vm_pte, self->pgtables_bytes);
		if (process->has_cap_sys_admin)
			self->flags |= OOM_TASK_SYS_ADMIN;
	}
	self->flags &= ~(uint32_t)(OOM_TASK_KTHREAD | OOM_TASK_NO_MM | OOM_TASK_REAPED);
}

static bool take_tasks(struct world *world, const struct snapshot *snap)
{
	const struct oom_table *table = snap ? snapshot_oom(snap) : NULL;
	struct lx_memory *memory = &world->memory;
	struct oom_task *tasks;

	memory->next_pid = 1;
	if (table && table->count) {
		tasks = region_alloc(world->region, table->count * sizeof(*tasks));
		if (!tasks)
			return false;
		memcpy(tasks, table->tasks, table->count * sizeof(*tasks));
		memory->tasks = tasks;
		memory->task_count = table->count;
	}
	take_self(world, snap);
	if (memory->next_pid <= memory->self.pid && memory->self.pid < INT32_MAX)
		memory->next_pid = memory->self.pid + 1;
	for (size_t i = 0; i < memory->task_count; i++)
		if (memory->tasks[i].pid >= memory->next_pid && memory->tasks[i].pid < INT32_MAX)
			memory->next_pid = memory->tasks[i].pid + 1;
	return true;
}

/*
 * Pages that fork copies and that are not in the image: those of private VMAs that were written to, of
 * files mostly. Where no VMA's residency was read, all.
 */
static uint64_t shared_with_children(const struct world *world, const struct snapshot *snap)
{
	const struct lx_memory *memory = &world->memory;
	uint64_t rest = memory->self.rss_pages - min_u64(memory->resident, memory->self.rss_pages);
	const struct vma_set *vmas = snap ? snapshot_vmas(snap) : NULL;
	uint64_t known = vmas ? vmas_rss(vmas, world->pt.page) : 0, shares = 0;

	for (size_t i = 0; known && i < lx_mm_count(world->mm); i++) {
		const struct lx_vma *own = lx_mm_at(world->mm, i);
		const struct vma *v = vma_find(vmas, own->start);
		uint64_t here = image_resident(&world->image, own->start, own->end);

		if (v && own->anon && !(own->flags & (LX_VM_SHARED | LX_VM_DONTCOPY)))
			shares += v->rss / world->pt.page - min_u64(here, v->rss / world->pt.page);
	}
	return known ? min_u64(shares, rest) : rest;
}

/* --- all of it -------------------------------------------------------------------------------- */

bool world_take_memory(struct world *world, const struct snapshot *snap)
{
	struct lx_memory *memory = &world->memory;
	const struct linux_rules *rules = lx_mm_rules(world->mm);

	*memory = (struct lx_memory){ .rules = rules, .region = world->region };
	take_machine(world, snap ? snapshot_system(snap) : NULL);
	if (!take_tasks(world, snap) || (snap && !take_cgroups(world, snap)))
		return false;
	if (!snap)
		memory->task_level = UINT32_MAX;
	memory->resident = world_resident(world);
	memory->tables = lx_table_pages(world->mm);
	memory->shares = shared_with_children(world, snap);
	/* A new process has what its image holds. */
	if (!snap || !memory->self.rss_pages)
		memory->self.rss_pages = max_u64(memory->self.rss_pages, memory->resident);
	if (!memory->self.pgtables_bytes)
		memory->self.pgtables_bytes = memory->tables * world->pt.page;
	return true;
}

/* What the models keep for themselves lies in pages that the target does not have. */
uint64_t world_resident(const struct world *world)
{
	return world->image.resident - image_resident(&world->image, LX_COW_START, LX_OWN_END);
}
