/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which address a mapping gets (Linux arch/x86/kernel/sys_x86_64.c:arch_get_unmapped_area_topdown,
 * mm/huge_memory.c:__thp_get_unmapped_area). The highest gap below mmap_base that is large enough,
 * and in it the highest place.
 */
#include "model/linux/lx_vmas.h"

enum { STACK_GUARD_PAGES = 256 };

#define MMAP_MIN_ADDR ((uint64_t)65536)
#define NO_PLACE      UINT64_MAX

uint64_t lx_vm_start_gap(const struct lx_mm *mm, const struct lx_vma *vma)
{
	uint64_t gap = STACK_GUARD_PAGES * mm->page;

	if (!(vma->flags & LX_VM_GROWSDOWN) || !mm->rules->stack_guard_gap)
		return vma->start;
	return vma->start > gap ? vma->start - gap : 0;
}

struct search {
	size_t i;         /* the next gap lies below this VMA */
	uint64_t top;     /* where that gap ends */
	uint64_t largest; /* of the gaps seen so far, all too small */
};

/* Where the search begins: at mmap_base, or below the gaps that are known to be too small. */
static struct search search_start(const struct lx_mm *mm, uint64_t len)
{
	bool skip = mm->now.full_above < mm->mmap_base && len > mm->now.full_gap;
	uint64_t from = skip ? mm->now.full_above : mm->mmap_base - 1;
	struct search s = { .i = lx_find_vma(mm, from), .top = mm->mmap_base };

	s.largest = skip ? mm->now.full_gap : 0;
	if (s.i < lx_count(mm))
		s.top = min_u64(s.top, lx_vm_start_gap(mm, lx_at(mm, s.i)));
	return s;
}

static uint64_t search_topdown(struct lx_mm *mm, uint64_t len)
{
	struct search s = search_start(mm, len);
	uint64_t low = mm->page;

	for (;;) {
		uint64_t bottom = s.i ? lx_at(mm, s.i - 1)->end : low, size;

		bottom = max_u64(bottom, low);
		size = s.top > bottom ? s.top - bottom : 0;
		if (size >= len)
			break;
		if (!s.i)
			return NO_PLACE;
		s.largest = max_u64(s.largest, size);
		s.i--;
		s.top = lx_vm_start_gap(mm, lx_at(mm, s.i));
	}
	if (s.i < lx_count(mm) &&
	    lx_at(mm, s.i)->start < min_u64(mm->now.full_above, mm->mmap_base)) {
		mm->now.full_above = lx_at(mm, s.i)->start;
		mm->now.full_gap = s.largest;
	}
	return s.top - len;
}

/* When nothing is free below: upward from where the legacy layout begins. All gaps below mmap_base
 * are known to be too small, so the unknown random part of that beginning hardly ever matters. */
static uint64_t search_bottomup(const struct lx_mm *mm, uint64_t len)
{
	uint64_t bottom = align_up(mm->task_size / 3, mm->page);

	for (size_t i = lx_find_vma(mm, bottom);; i++) {
		bool is_last = i >= lx_count(mm);
		uint64_t top = is_last ? mm->task_size : lx_vm_start_gap(mm, lx_at(mm, i));

		top = min_u64(top, mm->task_size);
		if (top > bottom && top - bottom >= len)
			return bottom;
		if (is_last)
			return NO_PLACE;
		bottom = max_u64(bottom, lx_at(mm, i)->end);
	}
}

static bool hint_is_free(const struct lx_mm *mm, uint64_t addr, uint64_t len)
{
	size_t i;

	if (addr > mm->task_size - len)
		return false;
	i = lx_find_vma(mm, addr);
	return i == lx_count(mm) || addr + len <= lx_vm_start_gap(mm, lx_at(mm, i));
}

/* arch_get_unmapped_area_topdown() of a mapping that is not fixed. */
static uint64_t arch_area(struct lx_mm *mm, uint64_t addr, uint64_t len)
{
	uint64_t found;

	if (len > mm->task_size)
		return NO_PLACE;
	if (addr && hint_is_free(mm, addr, len))
		return addr;
	found = search_topdown(mm, len);
	return found != NO_PLACE ? found : search_bottomup(mm, len);
}

/* A place for 2 MiB more is searched; in it the mapping goes to the highest boundary that fits. */
static uint64_t thp_area(struct lx_mm *mm, uint64_t addr, uint64_t len)
{
	uint64_t found = arch_area(mm, addr, len + LX_PMD), off;

	if (found == NO_PLACE || (addr && found == addr))
		return found;
	off = (0 - found) & (LX_PMD - 1);
	return off ? found + off : found + LX_PMD;
}

static bool wants_thp(const struct lx_mm *mm, uint64_t addr, uint64_t len, uint32_t flags)
{
	if ((flags & SYS_MAP_SHARED) || len < LX_PMD || mm->task_size <= UINT32_MAX)
		return false;
	switch ((enum linux_thp_align)mm->rules->thp_align) {
	case LINUX_THP_ALIGN_LONG:
		return true;
	case LINUX_THP_ALIGN_MULTIPLES:
		return !addr && is_aligned(len, LX_PMD);
	case LINUX_THP_ALIGN_NONE:
		break;
	}
	return false;
}

int64_t lx_get_unmapped_area(struct lx_mm *mm, uint64_t addr, uint64_t len, uint32_t flags)
{
	uint64_t found = NO_PLACE;

	if (len > mm->task_size)
		return -LX_ENOMEM;
	if (flags & SYS_MAP_FIXED)
		found = addr;
	else if (wants_thp(mm, addr, len, flags))
		found = thp_area(mm, addr, len);
	if (found == NO_PLACE)
		found = arch_area(mm, addr, len);
	if (found == NO_PLACE || found > mm->task_size - len)
		return -LX_ENOMEM;
	if (!is_aligned(found, mm->page))
		return -LX_EINVAL;
	return found < MMAP_MIN_ADDR ? -LX_EPERM : (int64_t)found;
}
