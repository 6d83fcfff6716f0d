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
	size_t i;       /* the next gap lies below this VMA */
	uint64_t limit; /* the mapping ends here or below */
};

/* Where the gap below VMA `i` ends, the guard gap of a stack left out. */
static uint64_t gap_top(const struct lx_mm *mm, const struct search *s)
{
	return s->i < lx_count(mm) ? min_u64(lx_at(mm, s->i)->start, s->limit) : s->limit;
}

/*
 * True when a stack forbids the end of a gap that is large enough. Since 6.1 the search then goes on
 * below the stack's guard gap, so that gaps in it, behind other VMAs, are passed over as well.
 */
static bool is_guarded(const struct lx_mm *mm, struct search *s, uint64_t top, uint64_t bottom,
                       uint64_t len)
{
	uint64_t guard = s->i < lx_count(mm) ? lx_vm_start_gap(mm, lx_at(mm, s->i)) : top;

	if (guard >= top)
		return false;
	if (mm->rules->guard_gap_lowers_search)
		s->limit = guard;
	return mm->rules->guard_gap_lowers_search || guard < bottom || guard - bottom < len;
}

static uint64_t search_topdown(struct lx_mm *mm, uint64_t len)
{
	struct search s = { .i = lx_find_vma(mm, mm->mmap_base - 1), .limit = mm->mmap_base };
	uint64_t lowest = mm->rules->search_ends_at_min_addr ? MMAP_MIN_ADDR : mm->page;

	for (;;) {
		uint64_t bottom = max_u64(s.i ? lx_at(mm, s.i - 1)->end : 0, lowest);
		uint64_t top = gap_top(mm, &s), size = top > bottom ? top - bottom : 0;

		if (size >= len && !is_guarded(mm, &s, top, bottom, len)) {
			if (s.i < lx_count(mm))
				top = min_u64(top, lx_vm_start_gap(mm, lx_at(mm, s.i)));
			return top - len;
		}
		if (size >= len && gap_top(mm, &s) < top && gap_top(mm, &s) > bottom)
			continue; /* the same gap, lower */
		if (!s.i)
			return NO_PLACE;
		s.i = lx_list_gap_down(mm->list, s.i - 1, len);
		if (s.i == LX_NONE)
			return NO_PLACE;
	}
}

/* When nothing is free below: upward from where the legacy layout begins. All gaps below mmap_base
 * are known to be too small, so the unknown random part of that beginning hardly ever matters. */
static uint64_t search_bottomup(const struct lx_mm *mm, uint64_t len)
{
	uint64_t bottom = align_up(mm->task_size / 3, mm->page);
	size_t i = lx_find_vma(mm, bottom);

	while (i < lx_count(mm)) {
		uint64_t top = min_u64(lx_vm_start_gap(mm, lx_at(mm, i)), mm->task_size);

		if (top > bottom && top - bottom >= len)
			return bottom;
		bottom = max_u64(bottom, lx_at(mm, i)->end);
		i = i + 1 < lx_count(mm) ? lx_list_gap_up(mm->list, i + 1, len) : LX_NONE;
		if (i != LX_NONE)
			bottom = max_u64(bottom, lx_at(mm, i - 1)->end);
	}
	bottom = max_u64(bottom, lx_count(mm) ? lx_at(mm, lx_count(mm) - 1)->end : 0);
	return mm->task_size > bottom && mm->task_size - bottom >= len ? bottom : NO_PLACE;
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

static int64_t get_unmapped_area(struct lx_mm *mm, uint64_t addr, uint64_t len, uint32_t flags)
{
	uint64_t found = NO_PLACE;
	enum why_id how = WHY_AREA_SEARCHED;

	if (len > mm->task_size) {
		why(mm->sys.why, WHY_AREA_TOO_LONG, len, mm->task_size);
		return -LX_ENOMEM;
	}
	if (flags & SYS_MAP_FIXED) {
		found = addr;
		how = WHY_AREA_FIXED;
	} else if (wants_thp(mm, addr, len, flags)) {
		found = thp_area(mm, addr, len);
		how = WHY_AREA_ALIGNED;
	}
	if (found == NO_PLACE) {
		found = arch_area(mm, addr, len);
		how = WHY_AREA_SEARCHED;
	}
	if (found == NO_PLACE || found > mm->task_size - len) {
		why(mm->sys.why, WHY_AREA_NONE, len);
		return -LX_ENOMEM;
	}
	why(mm->sys.why, addr && found == addr && how != WHY_AREA_FIXED ? WHY_AREA_HINT : how,
	    found, len);
	if (!is_aligned(found, mm->page))
		return -LX_EINVAL;
	/* cap_mmap_addr() wants CAP_SYS_RAWIO: who has CAP_SYS_ADMIN is taken to have it. */
	if (found < MMAP_MIN_ADDR && !mm->now.commit->cap_sys_admin)
		return -LX_EPERM;
	return (int64_t)found;
}

int64_t lx_get_unmapped_area(struct lx_mm *mm, uint64_t addr, uint64_t len, uint32_t flags)
{
	int64_t found;

	why_enter(mm->sys.why, FN_GET_UNMAPPED_AREA, addr, len, 0);
	found = get_unmapped_area(mm, addr, len, flags);
	why_leave(mm->sys.why, FN_GET_UNMAPPED_AREA);
	return found;
}
