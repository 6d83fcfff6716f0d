/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether more may be committed, and by whom it is (Linux 4.3 … 7.2 mm/mmap.c, later
 * mm/util.c:__vm_enough_memory; kernel/fork.c:dup_mmap).
 *
 * Mode 2 looks at a counter of which each CPU keeps a part to itself until it has a batch of pages. All
 * that happens here is taken to happen on one CPU, whose part begins at 0, as it does when the mode is
 * written; where that part and those of other CPUs could turn the answer, the band says by how much.
 */
#include "model/linux/lx_cow.h"
#include "model/linux/lx_vmas.h"

/* --- what is committed ------------------------------------------------------------------------------- */

uint64_t lx_mm_own_committed(const struct lx_mm *mm)
{
	return mm->now.accounted + mm->now.shm + mm->now.shm_kept + mm->now.children;
}

int64_t lx_mm_committed(const struct lx_mm *mm)
{
	return mm->now.elsewhere + (int64_t)lx_mm_own_committed(mm);
}

void lx_mm_set_committed(struct lx_mm *mm, uint64_t pages)
{
	lx_note_scalars(mm);
	mm->now.elsewhere = (int64_t)pages - (int64_t)lx_mm_own_committed(mm);
	mm->now.own_part = 0;
}

/* lib/percpu_counter.c:percpu_counter_add_batch. What the other modes keep, nobody reads. */
void lx_commit_add(struct lx_mm *mm, int64_t pages)
{
	int64_t part = mm->now.own_part + pages;
	int64_t batch = (int64_t)lx_commit_batch(mm->now.commit);

	if (mm->now.commit->mode == LX_OVERCOMMIT_NEVER)
		mm->now.own_part = part >= batch || part <= -batch ? 0 : part;
}

const struct lx_commit_state *lx_mm_commit_state(const struct lx_mm *mm)
{
	return mm->now.commit;
}

/* Kept for ever, in the branch's region: an undo may need the one before. */
void lx_mm_set_commit_state(struct lx_mm *mm, const struct lx_commit_state *state)
{
	struct lx_commit_state *copy = region_alloc(mm->region, sizeof(*copy));

	if (!copy) {
		lx_fail(mm);
		return;
	}
	*copy = *state;
	lx_note_scalars(mm);
	mm->now.commit = copy;
	mm->now.own_part = 0;
}

uint64_t lx_mm_band(const struct lx_mm *mm)
{
	return mm->band;
}

void lx_mm_clear_band(struct lx_mm *mm)
{
	mm->band = 0;
}

/* --- the three modes --------------------------------------------------------------------------------- */

/* Up to 5.1: what is free, or could be freed at once, must exceed the request. */
static bool is_enough_free(const struct lx_mm *mm, int64_t pages)
{
	const struct lx_commit_state *c = mm->now.commit;
	struct why *why = mm->sys.why;
	uint64_t admin = lx_commit_admin_reserve(c);
	int64_t free = (int64_t)(c->free + c->file + c->swap_free + c->slab_reclaimable) -
	               (int64_t)c->shmem;

	why(why, WHY_COMMIT_FREE, c->free, c->file, c->shmem);
	why(why, WHY_COMMIT_FREE_MORE, c->swap_free, c->slab_reclaimable, (uint64_t)free);
	if (free <= (int64_t)c->totalreserve) {
		why(why, WHY_COMMIT_FREE_RESERVED, (uint64_t)free, c->totalreserve);
		return false;
	}
	free -= (int64_t)(c->totalreserve + admin);
	if (free > pages) {
		why(why, WHY_COMMIT_FREE_FITS, c->totalreserve, admin, (uint64_t)free,
		    (uint64_t)pages);
		return true;
	}
	why(why, WHY_COMMIT_FREE_SHORT, c->totalreserve, admin, (uint64_t)free, (uint64_t)pages);
	return false;
}

/* Since 5.2: a single request, whatever is committed already. */
static bool is_within_machine(const struct lx_mm *mm, int64_t pages)
{
	const struct lx_commit_state *c = mm->now.commit;

	if (pages <= (int64_t)(c->ram + c->swap)) {
		why(mm->sys.why, WHY_COMMIT_GUESS_FITS, (uint64_t)pages, c->ram, c->swap);
		return true;
	}
	why(mm->sys.why, WHY_COMMIT_GUESS_LARGE, (uint64_t)pages, c->ram, c->swap);
	return false;
}

static void tell_limit(const struct lx_mm *mm, int64_t allowed, uint64_t user)
{
	const struct lx_commit_state *c = mm->now.commit;
	uint64_t limit = lx_commit_limit(c);

	if (c->kbytes)
		why(mm->sys.why, WHY_COMMIT_LIMIT_KBYTES, c->kbytes, c->swap, limit);
	else
		why(mm->sys.why, WHY_COMMIT_LIMIT_RATIO, c->ram - min_u64(c->ram, c->hugetlb),
		    c->ratio, c->swap, limit);
	why(mm->sys.why, WHY_COMMIT_RESERVES, lx_commit_admin_reserve(c), user,
	    lx_mm_total_pages(mm), (uint64_t)allowed);
}

/* Committed_AS with the request in it must stay below what is allowed. */
static bool is_below_limit(struct lx_mm *mm, int64_t pages)
{
	const struct lx_commit_state *c = mm->now.commit;
	uint64_t user = lx_commit_user_reserve(c, lx_mm_total_pages(mm));
	int64_t allowed =
	        (int64_t)lx_commit_limit(c) - (int64_t)lx_commit_admin_reserve(c) - (int64_t)user;
	int64_t now = lx_mm_committed(mm), then = now + pages, read;
	int64_t bound = (int64_t)lx_commit_bound(c, (uint64_t)pages);
	bool is_below;

	lx_note_scalars(mm);
	lx_commit_add(mm, pages);
	read = then - mm->now.own_part;
	/* A counter below 0 is read as 0. */
	is_below = (read > 0 ? read : 0) < allowed;
	if (!is_below)
		lx_commit_add(mm, -pages);
	if (mm->sys.why)
		tell_limit(mm, allowed, user);
	why(mm->sys.why, is_below ? WHY_COMMIT_FITS : WHY_COMMIT_FULL, (uint64_t)(read - pages),
	    (uint64_t)pages, (uint64_t)allowed);
	if (allowed > 0 && then - bound < allowed && then + bound >= allowed && bound) {
		mm->band = max_u64(mm->band, (uint64_t)bound);
		why(mm->sys.why, WHY_COMMIT_EITHER, (uint64_t)bound);
	}
	return is_below;
}

static bool vm_enough_memory(struct lx_mm *mm, int64_t pages)
{
	switch ((enum lx_overcommit)mm->now.commit->mode) {
	case LX_OVERCOMMIT_ALWAYS:
		why(mm->sys.why, WHY_COMMIT_ALWAYS, (uint64_t)pages);
		return true;
	case LX_OVERCOMMIT_NEVER:
		return is_below_limit(mm, pages);
	case LX_OVERCOMMIT_GUESS:
		break;
	}
	return mm->rules->commit_guess_free_pages ? is_enough_free(mm, pages)
	                                          : is_within_machine(mm, pages);
}

bool lx_vm_enough_memory(struct lx_mm *mm, int64_t pages)
{
	bool is_enough;

	why_enter(mm->sys.why, FN_SECURITY_VM_ENOUGH_MEMORY_MM, (uint64_t)pages, 0, 0);
	why_enter(mm->sys.why, FN_VM_ENOUGH_MEMORY, (uint64_t)pages, mm->now.commit->cap_sys_admin,
	          0);
	is_enough = vm_enough_memory(mm, pages);
	why_leave(mm->sys.why, FN_VM_ENOUGH_MEMORY);
	why_leave(mm->sys.why, FN_SECURITY_VM_ENOUGH_MEMORY_MM);
	return is_enough;
}

/* --- children ---------------------------------------------------------------------------------------- */

/* In address order, each judged with the parent's size; what was charged is returned on a refusal. */
static bool dup_mmap(struct lx_mm *mm)
{
	for (size_t i = 0; i < lx_count(mm); i++) {
		const struct lx_vma *vma = lx_at(mm, i);
		uint64_t pages = lx_pages(mm, vma);

		if (!(vma->flags & LX_VM_ACCOUNT))
			continue;
		if (vma->flags & LX_VM_DONTCOPY) {
			why(mm->sys.why, WHY_FORK_DONTCOPY, vma->start, pages);
			continue;
		}
		why(mm->sys.why, WHY_FORK_CHARGES, vma->start, pages);
		if (!lx_vm_enough_memory(mm, (int64_t)pages))
			return false;
		mm->now.children += pages;
	}
	return true;
}

int lx_mm_fork(struct lx_mm *mm, struct lx_forked *ret)
{
	uint64_t before = mm->now.children;
	bool is_charged;

	*ret = (struct lx_forked){ 0 };
	lx_note_scalars(mm);
	why_enter(mm->sys.why, FN_DUP_MMAP, lx_count(mm), 0, 0);
	is_charged = dup_mmap(mm);
	why_leave(mm->sys.why, FN_DUP_MMAP);
	if (!is_charged) {
		lx_commit_add(mm, (int64_t)before - (int64_t)mm->now.children);
		mm->now.children = before;
		return -LX_ENOMEM;
	}
	ret->pages = mm->now.children - before;
	mm->now.child_count++;
	mm->now.inherited_below = mm->next_file;
	ret->number = lx_cow_fork(mm);
	return 0;
}

/* Which child maps which shared memory is not kept: the last one that ends gives it up. */
void lx_mm_child_exit(struct lx_mm *mm, const struct lx_forked *child)
{
	lx_note_scalars(mm);
	(void)lx_cow_exit(mm, child->number);
	mm->now.children -= min_u64(child->pages, mm->now.children);
	lx_commit_add(mm, -(int64_t)child->pages);
	mm->now.child_count -= mm->now.child_count != 0;
	if (mm->now.child_count)
		return;
	mm->now.shm_kept = 0;
	mm->now.inherited_below = 0;
}
