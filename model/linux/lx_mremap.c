/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mremap (Linux mm/mremap.c) as the waist passes it: without a new address, so without MREMAP_FIXED
 * and MREMAP_DONTUNMAP, which no allocator uses and which are answered with EINVAL.
 */
#include "model/linux/lx_cow.h"
#include "model/linux/lx_vmas.h"

struct remap {
	uint64_t addr, old_len, new_len, delta; /* page aligned */
	uint32_t flags;
};

/* May VMA `i` grow by the call's difference? 0 or -errno. */
static int remap_is_valid(const struct lx_mm *mm, size_t i, const struct remap *r)
{
	const struct lx_vma *vma = lx_at(mm, i);
	uint64_t pgoff = vma->pgoff + (r->addr - vma->start) / mm->page;

	if (!r->old_len && !(vma->flags & LX_VM_SHARED))
		return -LX_EINVAL;
	if (r->old_len > vma->end - r->addr)
		return -LX_EFAULT;
	if (pgoff + r->new_len / mm->page < pgoff)
		return -LX_EINVAL;
	if (vma->flags & LX_VM_SPECIAL)
		return -LX_EFAULT;
	return lx_may_expand_vm(mm, vma->flags, (int64_t)(r->delta / mm->page)) ? 0 : -LX_ENOMEM;
}

/* Up to the next VMA; a stack's guard gap does not count here. */
static bool can_expand_in_place(const struct lx_mm *mm, size_t i, const struct remap *r)
{
	const struct lx_vma *vma = lx_at(mm, i);
	uint64_t end = vma->end + r->delta;

	if (vma->end - r->addr != r->old_len || end < vma->end || end > mm->task_size)
		return false;
	return i + 1 == lx_count(mm) || lx_at(mm, i + 1)->start >= end;
}

static int64_t expand_in_place(struct lx_mm *mm, size_t i, const struct remap *r)
{
	const struct lx_vma *vma = lx_at(mm, i);
	struct lx_vma range = lx_part(mm, vma, vma->end, vma->end + r->delta);

	why(mm->sys.why, WHY_REMAP_IN_PLACE, vma->end, r->delta);
	if ((vma->flags & LX_VM_ACCOUNT) &&
	    !lx_vm_enough_memory(mm, (int64_t)(r->delta / mm->page)))
		return -LX_ENOMEM;
	lx_vma_merge_new_range(mm, i + 1, &range, !mm->rules->mremap_merges_next);
	if (mm->image)
		image_flush(mm->image, range.start, range.end);
	return (int64_t)r->addr;
}

/* copy_vma(): what was never written to may take the page offsets of its new place, so that it can
 * merge there. */
static struct lx_vma copy_of(const struct lx_mm *mm, const struct lx_vma *vma,
                             const struct remap *r, uint64_t to)
{
	struct lx_vma copy = lx_part(mm, vma, r->addr, r->addr + r->old_len);

	copy.start = to;
	copy.end = to + r->new_len;
	if (!copy.file && !copy.anon)
		copy.pgoff = to / mm->page;
	return copy;
}

/* Move and unmapping may cut a VMA in three each; since 7.1 that is asked of every call. */
static bool has_room_to_split(const struct lx_mm *mm)
{
	if (lx_count(mm) + 3 < mm->now.limit[LX_LIMIT_MAP_COUNT])
		return true;
	why(mm->sys.why, WHY_REMAP_COUNT, lx_count(mm), mm->now.limit[LX_LIMIT_MAP_COUNT]);
	return false;
}

static int64_t do_move_vma(struct lx_mm *mm, size_t i, const struct remap *r, uint64_t to)
{
	struct lx_vma copy;
	bool is_charged = lx_at(mm, i)->flags & LX_VM_ACCOUNT;
	int64_t own_part;

	if (!has_room_to_split(mm))
		return -LX_ENOMEM;
	if (is_charged && !lx_vm_enough_memory(mm, (int64_t)(r->delta / mm->page)))
		return -LX_ENOMEM;
	copy = copy_of(mm, lx_at(mm, i), r, to);
	lx_vma_merge_new_range(mm, lx_find_vma(mm, to), &copy, false);
	if (mm->failed)
		return -LX_ENOMEM;
	lx_cow_moved(mm, r->addr, to, r->old_len);
	if (mm->image)
		image_move(mm->image, r->addr, to, r->old_len);
	/* An old length of 0 makes a second mapping of shared memory. The charge moves along. */
	own_part = mm->now.own_part;
	if (r->old_len)
		lx_do_munmap(mm, r->addr, r->addr + r->old_len);
	mm->now.own_part = own_part;
	return (int64_t)to;
}

static int64_t move_vma(struct lx_mm *mm, size_t i, const struct remap *r, uint64_t to)
{
	int64_t result;

	why_enter(mm->sys.why, FN_MOVE_VMA, r->addr, to, r->new_len);
	result = do_move_vma(mm, i, r, to);
	why_leave(mm->sys.why, FN_MOVE_VMA);
	return result;
}

static int64_t expand_vma(struct lx_mm *mm, size_t i, const struct remap *r)
{
	const struct lx_vma *vma = lx_at(mm, i);
	int err = remap_is_valid(mm, i, r);
	int64_t to;

	if (err)
		return err;
	if (can_expand_in_place(mm, i, r))
		return expand_in_place(mm, i, r);
	if (!(r->flags & SYS_MREMAP_MAYMOVE)) {
		why(mm->sys.why, WHY_REMAP_STUCK, vma->end, r->delta);
		return -LX_ENOMEM;
	}
	to = lx_get_unmapped_area(mm, 0, r->new_len,
	                          vma->flags & LX_VM_SHARED ? SYS_MAP_SHARED : SYS_MAP_PRIVATE);
	return to < 0 ? to : move_vma(mm, i, r, (uint64_t)to);
}

static int64_t shrink_vma(struct lx_mm *mm, const struct remap *r)
{
	int err;

	if (r->addr > mm->task_size || r->old_len > mm->task_size - r->addr)
		return -LX_EINVAL;
	err = lx_do_munmap(mm, r->addr + r->new_len, r->addr + r->old_len);
	return err ? err : (int64_t)r->addr;
}

static int64_t resize(struct lx_mm *mm, const struct remap *r)
{
	size_t i = lx_find_vma(mm, r->addr);

	/* To 5.15 nobody looked whether there was anything to shrink. */
	if (!mm->rules->mremap_looks_first && r->new_len <= r->old_len)
		return r->new_len == r->old_len ? (int64_t)r->addr : shrink_vma(mm, r);
	if (i == lx_count(mm) || lx_at(mm, i)->start > r->addr)
		return -LX_EFAULT;
	if ((lx_at(mm, i)->flags & LX_VM_HUGETLB) && r->new_len > r->old_len)
		return -LX_EINVAL;
	if (r->new_len == r->old_len)
		return (int64_t)r->addr;
	if (r->new_len > r->old_len)
		return expand_vma(mm, i, r);
	return shrink_vma(mm, r);
}

static bool is_locked(const struct lx_mm *mm, uint64_t addr)
{
	const struct lx_vma *vma = lx_mm_find(mm, addr);

	return vma && (vma->flags & LX_VM_LOCKED);
}

int64_t lx_mremap(struct sys *sys, uint64_t addr, uint64_t old_len, uint64_t new_len,
                  uint32_t flags)
{
	struct lx_mm *mm = (struct lx_mm *)sys;
	struct remap r = { addr, align_up(old_len, mm->page), align_up(new_len, mm->page), 0,
		           flags };
	int64_t result;

	if ((flags & ~(uint32_t)SYS_MREMAP_MAYMOVE) || !is_aligned(addr, mm->page) || !r.new_len)
		return -LX_EINVAL;
	if (mm->rules->mremap_checks_new_len && new_len > mm->task_size)
		return -LX_EINVAL;
	if (mm->rules->mremap_counts_first && !has_room_to_split(mm))
		return -LX_ENOMEM;
	r.delta = r.new_len > r.old_len ? r.new_len - r.old_len : r.old_len - r.new_len;
	result = resize(mm, &r);
	/* What a locked mapping gets has its pages at once. */
	if (!sys_failed(result) && r.new_len > r.old_len && is_locked(mm, (uint64_t)result))
		lx_populate(mm, (uint64_t)result + r.old_len, (uint64_t)result + r.new_len);
	return mm->failed ? -LX_ENOMEM : result;
}
