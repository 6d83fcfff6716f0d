/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much may still be committed. Linux 4.3 … 7.2: __vm_enough_memory (mm/mmap.c, later mm/util.c),
 * may_expand_vm (mm/mmap.c); the machine's side is lx_commit_state.c.
 * Counting is done in pages, as the kernel does; results are bytes.
 */
#include "model/base/units.h"
#include "model/linux/lx.h"
#include "model/linux/lx_commit_state.h"

/* x86-64: 47 bits less the last page; a 64-bit kernel gives 32-bit programs all but 8 KiB. */
#define TASK_SIZE_64  (((uint64_t)1 << 47) - 4096)
#define TASK_SIZE_48  ((uint64_t)1 << 48)
#define TASK_SIZE_32  (((uint64_t)1 << 32) - 8192)
#define STACK_GAP     (256 * (uint64_t)4096) /* stack_guard_gap: kept free below the main stack */
#define MMAP_MIN_ADDR ((uint64_t)64 << 10)

enum { MODE_GUESS, MODE_ALWAYS, MODE_NEVER };

/* What the rules need, in pages; `page` in bytes. */
struct commit_view {
	const struct system_facts *sys;
	const struct process_facts *process; /* or NULL */
	uint64_t page;
	struct lx_commit_state state; /* what is unknown is as --fresh has it: looked at first */
};

static uint64_t minus(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static uint64_t pages(const struct commit_view *view, struct fact bytes)
{
	return fact_or(bytes, 0) / view->page;
}

static struct fact limit_pages(const struct commit_view *view)
{
	if (!fact_known(view->sys->mem_total) || !fact_known(view->sys->overcommit_ratio))
		return fact_unknown();
	return fact_of(lx_commit_limit(&view->state));
}

/* By the size before the new mapping; whole when that is unknown. */
static uint64_t user_reserve_pages(const struct commit_view *view)
{
	bool is_known = view->process && fact_known(view->process->vm_size);

	return lx_commit_user_reserve(&view->state,
	                              is_known ? pages(view, view->process->vm_size) : UINT64_MAX);
}

/* The counter, with the request in it, must stay below what is allowed. */
static struct fact never_pages(const struct commit_view *view, struct fact limit)
{
	uint64_t allowed;

	if (!fact_known(limit) || !fact_known(view->sys->committed_as))
		return fact_unknown();
	allowed = minus(limit.v, lx_commit_admin_reserve(&view->state) + user_reserve_pages(view));
	return fact_of(minus(allowed, pages(view, view->sys->committed_as) + 1));
}

/* To 5.1: what is free or could be freed at once must exceed the request. */
static uint64_t free_guess_pages(const struct commit_view *view)
{
	const struct lx_commit_state *c = &view->state;
	uint64_t sum = c->free + minus(c->file, c->shmem) + c->swap_free + c->slab_reclaimable;

	return minus(minus(sum, c->totalreserve), lx_commit_admin_reserve(c) + 1);
}

static struct fact guess_pages(const struct commit_view *view, const struct linux_rules *rules)
{
	if (!fact_known(view->sys->mem_total))
		return fact_unknown();
	if (rules->commit_guess_free_pages)
		return fact_known(view->sys->mem_free) ? fact_estimate(free_guess_pages(view))
		                                       : fact_unknown();
	return fact_of(pages(view, view->sys->mem_total) + pages(view, view->sys->swap_total));
}

/* --- what refuses before overcommit is asked -------------------------------------------------- */

static uint64_t task_size(const struct commit_view *view, const struct vma_set *vmas)
{
	if (view->process && view->process->elf_class == 32)
		return TASK_SIZE_32;
	for (size_t i = 0; vmas && i < vmas->count; i++)
		if (vmas->at[i].end > TASK_SIZE_64 && vmas->at[i].end <= TASK_SIZE_48)
			return TASK_SIZE_48;
	return TASK_SIZE_64;
}

/* The widest free range, which top-down search or its bottom-up fallback would find. */
static uint64_t widest_gap(const struct vma_set *vmas, uint64_t end)
{
	uint64_t widest = 0, from = MMAP_MIN_ADDR;

	for (size_t i = 0; i < vmas->count && vmas->at[i].start < end; i++) {
		const struct vma *v = &vmas->at[i];
		uint64_t upto =
		        vma_is_named(vmas, v, "[stack]") ? minus(v->start, STACK_GAP) : v->start;

		widest = max_u64(widest, minus(upto, from));
		from = max_u64(from, v->end);
	}
	return max_u64(widest, minus(end, from));
}

static uint64_t address_space(const struct commit_view *view, const struct vma_set *vmas)
{
	uint64_t end = task_size(view, vmas);

	if (vmas && vmas->count)
		return align_down(widest_gap(vmas, end), view->page);
	return minus(end, view->process ? fact_or(view->process->vm_size, 0) : 0);
}

/* Takes a bound over when it is lower than what is there. */
static void bound(struct fact *headroom, const char **decided_by, uint64_t bytes, const char *by)
{
	if (!fact_known(*headroom) || headroom->v <= bytes)
		return;
	headroom->v = bytes;
	*decided_by = by;
}

static void bound_by_limits(const struct commit_view *view, struct fact *headroom,
                            const char **decided_by)
{
	const struct process_facts *process = view->process;

	if (!process)
		return;
	if (fact_or(process->limit_as, UINT64_MAX) != UINT64_MAX && fact_known(process->vm_size))
		bound(headroom, decided_by,
		      align_down(minus(process->limit_as.v, process->vm_size.v), view->page),
		      "RLIMIT_AS");
	if (fact_or(process->limit_data, UINT64_MAX) != UINT64_MAX && fact_known(process->vm_data))
		bound(headroom, decided_by,
		      align_down(minus(process->limit_data.v, process->vm_data.v), view->page),
		      "RLIMIT_DATA");
}

static void fill_headroom(const struct commit_view *view, const struct linux_rules *rules,
                          const struct vma_set *vmas, struct commit_facts *ret)
{
	struct fact by_rule[3] = {
		[MODE_GUESS] = guess_pages(view, rules),
		[MODE_ALWAYS] = fact_estimate(UINT64_MAX / view->page),
		[MODE_NEVER] = never_pages(view, limit_pages(view)),
	};
	uint64_t space = address_space(view, vmas);

	ret->decided_by[MODE_GUESS] = ret->mode0_rule;
	ret->decided_by[MODE_ALWAYS] = "address space";
	ret->decided_by[MODE_NEVER] = "CommitLimit";
	for (int mode = MODE_GUESS; mode <= MODE_NEVER; mode++) {
		ret->headroom[mode] = by_rule[mode];
		ret->headroom[mode].v *= view->page;
		bound(&ret->headroom[mode], &ret->decided_by[mode], space, "address space");
		bound_by_limits(view, &ret->headroom[mode], &ret->decided_by[mode]);
	}
}

/* --- the per-CPU counter ---------------------------------------------------------------------- */

/*
 * Each CPU keeps up to batch - 1 pages to itself before they reach the counter that mode 2 looks
 * at. The batch is the one of mode 2, which the kernel sets on the way into that mode.
 */
static struct fact uncertainty_pages(const struct commit_view *view)
{
	uint64_t present = view->sys->cpus_present, online = view->sys->cpus_online;

	if (!present || !online || !fact_known(view->sys->mem_total))
		return fact_unknown();
	return fact_of(online * (lx_commit_batch(&view->state) - 1));
}

static void sum_charges(const struct vma_set *vmas, struct commit_facts *ret)
{
	uint64_t sum = 0;

	if (!vmas)
		return;
	for (size_t i = 0; i < vmas->count; i++) {
		enum vma_charge charge = vmas->at[i].charge;

		if (charge == VMA_CHARGE_YES || charge == VMA_CHARGE_GUESS_YES)
			sum += vma_size(&vmas->at[i]);
		if (charge != VMA_CHARGE_YES && charge != VMA_CHARGE_NO)
			ret->target_is_estimate = true;
	}
	ret->target_charged = ret->target_is_estimate ? fact_estimate(sum) : fact_of(sum);
}

static struct fact pages_to_bytes(const struct commit_view *view, struct fact count)
{
	count.v *= view->page;
	return count;
}

void lx_commit(const struct snapshot *snap, const struct linux_rules *rules,
               struct commit_facts *ret)
{
	struct commit_view view = { .sys = snapshot_system(snap),
		                    .process = snapshot_process(snap) };

	*ret = (struct commit_facts){ 0 };
	sum_charges(snapshot_vmas(snap), ret);
	if (!view.sys || view.sys->page_size < 1024)
		return;
	view.page = view.sys->page_size;
	lx_commit_of_facts(view.sys, view.process, &view.state);
	ret->mode0_rule = rules->commit_guess_free_pages
	                          ? "free + page cache + swap + reclaimable slab - reserves"
	                          : "RAM + swap";
	ret->limit = pages_to_bytes(&view, limit_pages(&view));
	ret->committed = view.sys->committed_as;
	ret->uncertainty = pages_to_bytes(&view, uncertainty_pages(&view));
	ret->reserve_admin = fact_of(lx_commit_admin_reserve(&view.state) * view.page);
	ret->reserve_user = fact_of(user_reserve_pages(&view) * view.page);
	fill_headroom(&view, rules, snapshot_vmas(snap), ret);
}
