/* SPDX-License-Identifier: GPL-2.0-or-later */
/* brk (Linux mm/mmap.c, mm/vma.c): a refusal returns the break as it is. */
#include "model/linux/lx_vmas.h"

static bool shrink_brk(struct lx_mm *mm, uint64_t end, uint64_t old_end)
{
	size_t i = lx_find_vma(mm, end);

	if (mm->rules->brk_shrink_needs_vma &&
	    (i == lx_count(mm) || lx_at(mm, i)->start >= old_end)) {
		why(mm->sys.why, WHY_BRK_NOTHING_MAPPED, end, old_end);
		return false;
	}
	return lx_do_munmap(mm, end, old_end) == 0;
}

/* One page stays free between the break and what is above it. */
static bool has_room(const struct lx_mm *mm, uint64_t end, size_t next)
{
	uint64_t above = next < lx_count(mm) ? lx_vm_start_gap(mm, lx_at(mm, next)) : UINT64_MAX;

	if (end <= mm->task_size && end + mm->page <= above)
		return true;
	why(mm->sys.why, WHY_BRK_NO_ROOM, end, min_u64(above, mm->task_size));
	return false;
}

static bool do_brk(struct lx_mm *mm, uint64_t end, uint64_t old_end)
{
	int64_t pages = (int64_t)((end - old_end) / mm->page);
	struct lx_vma range = { .start = old_end,
		                .end = end,
		                .pgoff = old_end / mm->page,
		                .flags = LX_VM_READ | LX_VM_WRITE | LX_VM_ACCOUNT };
	size_t next = lx_find_vma(mm, old_end);
	bool is_own;

	if (!lx_may_expand_vm(mm, range.flags, pages) || lx_map_count_exceeded(mm) ||
	    !lx_vm_enough_memory(mm, pages))
		return false;
	/* Since 6.1 only a VMA that reaches into the break area grows, and only upwards. */
	is_own = next && lx_at(mm, next - 1)->end > mm->brk_start;
	if (mm->rules->brk_extends_only && !is_own)
		lx_vma_link(mm, next, &range);
	else
		lx_vma_merge_new_range(mm, next, &range, mm->rules->brk_extends_only);
	if (mm->image)
		image_flush(mm->image, range.start, range.end);
	return true;
}

static bool grow_brk(struct lx_mm *mm, uint64_t end, uint64_t old_end)
{
	enum why_fn fn = lx_is_since(mm->rules, 4, 12) ? FN_DO_BRK_FLAGS : FN_DO_BRK;
	bool is_done;

	if (!has_room(mm, end, lx_find_vma(mm, old_end)))
		return false;
	why_enter(mm->sys.why, fn, old_end, end - old_end, 0);
	is_done = do_brk(mm, end, old_end);
	why_leave(mm->sys.why, fn);
	return is_done;
}

uint64_t lx_brk(struct sys *sys, uint64_t addr)
{
	struct lx_mm *mm = (struct lx_mm *)sys;
	uint64_t was = mm->now.brk, most = mm->now.limit[LX_LIMIT_DATA];
	uint64_t old_end = align_up(was, mm->page), end = align_up(addr, mm->page);
	bool is_done;

	if (addr < mm->brk_start || addr > mm->task_size)
		return was;
	if (most != UINT64_MAX && addr - mm->brk_start + mm->data_bytes > most) {
		why(mm->sys.why, WHY_BRK_DATA_LIMIT, addr - mm->brk_start, mm->data_bytes, most);
		return was;
	}
	if (addr == was)
		return was;
	lx_note_scalars(mm);
	if (end == old_end)
		is_done = true;
	else if (addr <= was)
		is_done = shrink_brk(mm, end, old_end);
	else
		is_done = grow_brk(mm, end, old_end);
	if (is_done && !mm->failed)
		mm->now.brk = addr;
	return mm->now.brk;
}
