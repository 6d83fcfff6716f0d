/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/run/world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/base/text.h"
#include "model/base/units.h"
#include "model/run/world_private.h"

/* Defaults of --fresh, and of what a snapshot doesn't say. */
enum {
	FRESH_MINOR = 36,
	FRESH_KERNEL_MAJOR = 6,
	FRESH_KERNEL_MINOR = 18,
	FRESH_CPUS = 2,
	FRESH_MAP_COUNT = 65530,
};

/* Where --fresh has libc's data: inside the writable mapping of lx_fresh_vmas(). */
#define FRESH_DATA UINT64_C(0x7ffff7faf000)
enum { FRESH_MP = 0x340, FRESH_MAIN_ARENA = 0xc60, FRESH_DATA_PAGES = 2 };
/*
 * A snapshot's file says nothing of libc's data: malloc's state lies outside of what it maps. The rooms of
 * malloc and of Linux don't know one another, so that both have the addresses.
 */
_Static_assert((uint64_t)PT_THREADS_MAX *PT_THREAD_BYTES <=
                               IMAGE_PRIVATE_END - IMAGE_PRIVATE_START &&
                       (uint64_t)FRESH_DATA_PAGES * IMAGE_PAGE <= PT_OUTSIDE_END - PT_OUTSIDE_ADDR,
               "malloc's own memory lies in addresses of the models'");
// NOLINTNEXTLINE(misc-redundant-expression): that they are the same is what is checked
_Static_assert(PT_OUTSIDE_ADDR == LX_OWN_START && PT_OUTSIDE_END == LX_OWN_END, "one range");
/* What a world and its branches may write: heaptop often runs where memory is short. */
#define WRITTEN_MAX (2048 * MIB)
/* A recognisable stand-in for what getrandom would give. */
#define FRESH_RANDOM UINT64_C(0x5a3c96e1b4d27f08)

void world_remark(struct world *world, const char *text)
{
	size_t len = strlen(world->note);

	if (strstr(world->note, text))
		return;
	(void)snprintf(world->note + len, sizeof(world->note) - len, "%s%s", len ? "; " : "", text);
}

/* --- rules ---------------------------------------------------------------------------------------------- */

static const struct malloc_layout *layout_by_name(const char *name)
{
	for (size_t i = 0; name && i < glibc_layout_count; i++)
		if (strcmp(glibc_layouts[i].name, name) == 0)
			return &glibc_layouts[i];
	return NULL;
}

static bool no_rules(int minor, struct err *reterr)
{
	err_setf(reterr, ERR_USAGE, "glibc", "2.%d is not known", minor);
	err_remedy(reterr, "heaptop knows glibc 2.22 to 2.43.");
	return false;
}

static bool choose_glibc(struct world *world, const struct world_start *start,
                         const struct malloc_state *ms, struct err *reterr)
{
	const struct heap_facts *heap = start->snap ? snapshot_heap(start->snap) : NULL;
	int own = heap && heap->minor >= 0 ? heap->minor : FRESH_MINOR;
	int minor = start->glibc_minor >= 0 ? start->glibc_minor : own;
	const struct glibc_rules *rules = glibc_rules_for(minor);
	const struct malloc_layout *lay = glibc_layout_for(minor, ABI_LP64);

	if (!rules || !lay)
		return no_rules(minor, reterr);
	if (ms && heap) {
		const struct malloc_layout *theirs = layout_by_name(heap->layout);

		if (start->glibc_minor >= 0 && lay != theirs && start->glibc_minor != own) {
			err_setf(reterr, ERR_USAGE, "glibc",
			         "2.%d lays malloc out in another way than the process's 2.%d",
			         minor, own);
			err_remedy(reterr, "Leave --glibc out, or start with --fresh.");
			return false;
		}
		lay = theirs ? theirs : lay;
	}
	world->pt.lay = lay;
	world->pt.rules = *rules;
	world->pt.rules.minor = minor;
	/* A stable branch is told by its layout: who counts threads has the counter. */
	if (lay->arena.attached_threads == FIELD_NONE)
		world->pt.rules.attach = GLIBC_ATTACH_NONE;
	else if (world->pt.rules.attach == GLIBC_ATTACH_NONE)
		world->pt.rules.attach = GLIBC_ATTACH_REMOVED;
	world->why.glibc_minor = minor;
	return true;
}

static const struct linux_rules *choose_kernel(struct world *world, const struct world_start *start)
{
	const struct system_facts *sys = start->snap ? snapshot_system(start->snap) : NULL;

	if (start->kernel_major >= 0)
		return linux_rules_for(start->kernel_major, start->kernel_minor);
	if (!sys || sys->kernel_major <= 0)
		return linux_rules_for(FRESH_KERNEL_MAJOR, FRESH_KERNEL_MINOR);
	if (!linux_is_known(sys->kernel_major, sys->kernel_minor))
		world_remark(world, "the rules of its kernel are not known: those of the nearest "
		                    "release before, or of 4.3, are taken");
	return linux_rules_for(sys->kernel_major, sys->kernel_minor);
}

/* --- address space ---------------------------------------------------------------------------- */

static void limits_of(const struct snapshot *snap, struct lx_mm_start *ret)
{
	const struct process_facts *process = snap ? snapshot_process(snap) : NULL;
	const struct system_facts *sys = snap ? snapshot_system(snap) : NULL;

	ret->limit_as = process ? fact_or(process->limit_as, UINT64_MAX) : UINT64_MAX;
	ret->limit_data = process ? fact_or(process->limit_data, UINT64_MAX) : UINT64_MAX;
	ret->limit_stack = process ? fact_or(process->limit_stack, 8 * MIB) : 8 * MIB;
	ret->max_map_count = sys ? fact_or(sys->max_map_count, FRESH_MAP_COUNT) : FRESH_MAP_COUNT;
	ret->page = sys && sys->page_size ? sys->page_size : 4096;
	lx_commit_of_facts(sys, process, &ret->commit);
	if (sys)
		ret->committed = sys->committed_as;
	if (sys && fact_known(sys->thp_mode) && sys->thp_mode.v <= LX_THP_NEVER)
		ret->thp = sys->thp_mode;
}

static bool make_mm(struct world *world, const struct world_start *start,
                    const struct malloc_state *ms)
{
	const struct vma_set *vmas = start->snap ? snapshot_vmas(start->snap) : NULL;
	const struct process_facts *process = start->snap ? snapshot_process(start->snap) : NULL;
	struct vma_set fresh = { 0 };
	struct lx_mm_start mm = { .image = &world->image, .rules = choose_kernel(world, start) };

	limits_of(start->snap, &mm);
	if (start->cpus)
		mm.commit.cpus = start->cpus;
	if (vmas) {
		mm.vmas = vmas;
		mm.brk_start = process ? fact_or(process->brk_start, 0) : 0;
		mm.brk = process ? fact_or(process->brk_end, mm.brk_start) : 0;
		mm.is_forked = process && process->is_forked;
		if (ms)
			mm.brk = world_find_break(start->mem, ms, mm.page, mm.brk_start, mm.brk);
	} else {
		if (!lx_fresh_vmas(world->region, &fresh, &mm.brk_start))
			return false;
		mm.vmas = &fresh;
		mm.brk = mm.brk_start;
	}
	if (mm.rules->commit_guess_free_pages && mm.commit.mode == LX_OVERCOMMIT_GUESS)
		world_remark(world,
		             "free memory decides in overcommit mode 0 of this kernel: it is "
		             "that of the start");
	world->pt.page = mm.page;
	world->stack_size = nptl_default_stack(mm.limit_stack, mm.page);
	world->stack_cache.region = world->region;
	world->pt.overcommit_mode = mm.commit.mode;
	world->mm = lx_mm_new(world->region, &mm);
	if (world->mm)
		lx_mm_leave_populate(world->mm);
	return world->mm != NULL;
}

/* --- start ------------------------------------------------------------------------------------ */

/* A malloc that was never used: where its state lies, and its first values. */
static bool start_fresh_malloc(struct world *world, bool is_outside)
{
	static const uint8_t zeroes[FRESH_DATA_PAGES * IMAGE_PAGE];
	uint64_t data = is_outside ? PT_OUTSIDE_ADDR : FRESH_DATA;
	struct world_thread *first;

	if (!image_put(&world->image, data, zeroes, FRESH_DATA_PAGES))
		return false;
	world->pt.main_arena = data + FRESH_MAIN_ARENA;
	world->pt.mp = data + FRESH_MP;
	first = world_thread_add(world, "main", 4);
	if (!first)
		return false;
	pt_init_fresh(&world->pt);
	return world->image.fault == IMAGE_OK;
}

static const struct malloc_state *usable_malloc(const struct world_start *start)
{
	const struct malloc_state *ms =
	        start->snap && start->mem ? snapshot_malloc(start->snap) : NULL;

	return ms && ms->mp_addr ? ms : NULL;
}

/* The process may have an allocator of its own beside a libc whose malloc nobody calls. */
static void remark_allocator(struct world *world, const struct snapshot *snap)
{
	const struct heap_facts *heap = snap ? snapshot_heap(snap) : NULL;

	if (heap && heap->allocator != ALLOCATOR_UNKNOWN && heap->allocator != ALLOCATOR_GLIBC)
		world_remark(world,
		             "this process's malloc is not glibc's: simulated is what glibc's "
		             "would do in its place");
}

static bool fill(struct world *world, const struct world_start *start, struct err *reterr)
{
	const struct malloc_state *ms = usable_malloc(start);
	const struct system_facts *sys = start->snap ? snapshot_system(start->snap) : NULL;
	bool is_filled;

	if (!choose_glibc(world, start, ms, reterr))
		return false;
	remark_allocator(world, start->snap);
	if (!make_mm(world, start, ms))
		goto no_memory;
	world->pt.image = &world->image;
	world->pt.sys = lx_mm_sys(world->mm);
	world->pt.heap_max = world->pt.lay->heap.heap_max;
	if (sys && fact_known(sys->thp_mode))
		world->pt.huge = (struct pt_huge){ .is_known = true,
			                           .thp_mode = (uint32_t)sys->thp_mode.v,
			                           .thp_pagesize = fact_or(sys->thp_page_size, 0) };
	world->pt.cpus = start->cpus               ? start->cpus
	                 : sys && sys->cpus_online ? sys->cpus_online
	                                           : FRESH_CPUS;
	world->pt.random = FRESH_RANDOM;
	world->started_from = ms ? "live" : start->snap ? "snapshot" : "fresh";
	if (!ms && start->snap)
		world_mark_resident(world, snapshot_vmas(start->snap));
	if (ms)
		is_filled = world_copy_memory(world, snapshot_vmas(start->snap), start->mem, ms) &&
		            world_take_malloc(world, start->snap, start->mem, ms);
	else
		is_filled = start_fresh_malloc(world, start->snap != NULL);
	if (!is_filled)
		goto no_memory;
	if (!world_take_memory(world, start->snap))
		goto no_memory;
	image_pool_limit(world->pool, WRITTEN_MAX);
	image_clear_fault(&world->image);
	image_commit(&world->image, 0);
	image_set_journal(&world->image, true);
	lx_mm_journal(world->mm, true);
	return true;
no_memory:
	return err_set(reterr, ERR_NO_MEMORY, ENOMEM, "world", "out of memory");
}

bool world_new(const struct world_start *start, struct world **ret, struct err *reterr)
{
	struct world *world = calloc(1, sizeof(*world));

	if (!world)
		return err_set(reterr, ERR_NO_MEMORY, ENOMEM, "world", "out of memory");
	world->region = region_new();
	world->pool = image_pool_new();
	if (!world->region || !world->pool) {
		world_end(world);
		return err_set(reterr, ERR_NO_MEMORY, ENOMEM, "world", "out of memory");
	}
	image_init(&world->image, world->pool);
	world->why.region = world->region;
	if (!fill(world, start, reterr)) {
		world_end(world);
		return false;
	}
	*ret = world;
	return true;
}

struct world *world_branch(struct world *from)
{
	struct world *to = malloc(sizeof(*to));

	if (!to)
		return NULL;
	*to = *from;
	to->is_shared = true;
	to->threads = NULL;
	to->why = (struct why){ .region = from->region, .glibc_minor = from->why.glibc_minor };
	to->threads = malloc(from->thread_room * sizeof(*to->threads));
	if (!to->threads) {
		free(to);
		return NULL;
	}
	memcpy(to->threads, from->threads, from->thread_count * sizeof(*to->threads));
	to->past = NULL;
	if (!nptl_cache_copy(&from->stack_cache, &to->stack_cache)) {
		free(to->threads);
		free(to);
		return NULL;
	}
	to->mm = image_branch(&from->image, &to->image) ? lx_mm_branch(from->mm, &to->image) : NULL;
	if (!to->mm) {
		image_end(&to->image);
		free(to->threads);
		free(to);
		return NULL;
	}
	to->pt.image = &to->image;
	to->pt.sys = lx_mm_sys(to->mm);
	to->pt.why = NULL;
	lx_mm_set_why(to->mm, NULL);
	image_set_journal(&to->image, true);
	lx_mm_journal(to->mm, true);
	return to;
}

void world_end(struct world *world)
{
	if (!world)
		return;
	if (world->mm)
		lx_mm_end(world->mm);
	if (world->pool)
		image_end(&world->image);
	world_past_forget(world, NULL);
	free(world->threads);
	if (!world->is_shared) {
		image_pool_free(world->pool);
		region_free(world->region);
	}
	free(world);
}

/* --- threads ------------------------------------------------------------------------------------------ */

struct world_thread *world_thread_add(struct world *world, const char *name, size_t len)
{
	struct world_thread *thread;

	if (world->thread_count == world->thread_room) {
		size_t room = world->thread_room ? world->thread_room * 2 : 8;

		thread = realloc(world->threads, room * sizeof(*thread));
		if (!thread)
			return NULL;
		world->threads = thread;
		world->thread_room = room;
	}
	thread = &world->threads[world->thread_count];
	*thread = (struct world_thread){ .pt_index = (uint32_t)world->thread_count,
		                         .is_alive = true };
	world->thread_count++;
	len = min_u64(len, sizeof(thread->name) - 1);
	memcpy(thread->name, name, len);
	return thread;
}

struct world_thread *world_thread_find(struct world *world, const char *name, size_t len)
{
	char tid[16];

	for (size_t i = 0; i < world->thread_count; i++) {
		struct world_thread *thread = &world->threads[i];

		if (!thread->is_alive)
			continue;
		if (strlen(thread->name) == len && memcmp(thread->name, name, len) == 0)
			return thread;
		(void)snprintf(tid, sizeof(tid), "%d", thread->tid);
		if (thread->tid && strlen(tid) == len && memcmp(tid, name, len) == 0)
			return thread;
	}
	return NULL;
}
