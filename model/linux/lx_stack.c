/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stack that grows where it is touched (Linux 4.3 … 7.2 mm/mmap.c, later mm/vma.c: expand_stack,
 * expand_downwards, acct_stack_growth). Each refusal is a SEGV.
 */
#include "model/linux/lx_vmas.h"

enum { MIN_ADDR = 65536, GUARD_PAGES = 256, NEAR_SP = 65536 + 32 * 8 };

/* What lies below keeps its distance, unless it can't be accessed or is a stack, too. Before there was a
 * guard gap the guard page alone did that, which maps does not show. */
static bool is_far_enough(const struct lx_mm *mm, size_t i, uint64_t addr)
{
	const struct lx_vma *below = i ? lx_at(mm, i - 1) : NULL;
	uint64_t gap = mm->rules->stack_guard_gap ? GUARD_PAGES * mm->page : mm->page;

	if (!below || (below->flags & LX_VM_GROWSDOWN))
		return true;
	if (mm->rules->stack_guard_gap && !(below->flags & LX_ACCESS_FLAGS))
		return true;
	if (addr - below->end >= gap)
		return true;
	why(mm->sys.why, WHY_STACK_NEAR, addr, below->end, gap);
	return false;
}

static bool acct_stack_growth(struct lx_mm *mm, const struct lx_vma *vma, uint64_t addr)
{
	uint64_t size = vma->end - addr, most = mm->now.limit[LX_LIMIT_STACK];
	int64_t pages = (int64_t)((vma->start - addr) / mm->page);

	if (!lx_may_expand_vm(mm, vma->flags, pages))
		return false;
	if (size > most) {
		why(mm->sys.why, WHY_STACK_LIMIT, size, most);
		return false;
	}
	return lx_vm_enough_memory(mm, pages);
}

/* To 4.19 only what lies near the stack pointer, which is not known but lies in the stack. */
static bool is_near_pointer(const struct lx_mm *mm, const struct lx_vma *vma, uint64_t addr)
{
	if (!mm->rules->stack_near_sp || addr + NEAR_SP >= vma->start)
		return true;
	why(mm->sys.why, WHY_STACK_FAR, addr, vma->start);
	return false;
}

static bool expand_downwards(struct lx_mm *mm, size_t i, uint64_t addr)
{
	struct lx_vma vma;

	if (addr < MIN_ADDR || !is_near_pointer(mm, lx_at(mm, i), addr) ||
	    !is_far_enough(mm, i, addr))
		return false;
	lx_anon_vma_prepare(mm, i);
	vma = *lx_at(mm, i);
	if ((vma.start - addr) / mm->page > vma.pgoff || !acct_stack_growth(mm, &vma, addr))
		return false;
	why(mm->sys.why, WHY_STACK_GROWS, vma.start, addr);
	vma.pgoff -= (vma.start - addr) / mm->page;
	vma.start = addr;
	lx_splice(mm, i, 1, &vma, 1);
	return !mm->failed;
}

size_t lx_vma_at_fault(struct lx_mm *mm, uint64_t addr)
{
	size_t i = lx_find_vma(mm, addr);
	bool has_grown;

	if (i == lx_count(mm))
		return LX_NONE;
	if (lx_at(mm, i)->start <= addr)
		return i;
	if (!(lx_at(mm, i)->flags & LX_VM_GROWSDOWN))
		return LX_NONE;
	why_enter(mm->sys.why, FN_EXPAND_STACK, addr, 0, 0);
	has_grown = expand_downwards(mm, i, align_down(addr, mm->page));
	why_leave(mm->sys.why, FN_EXPAND_STACK);
	return has_grown ? i : LX_NONE;
}
