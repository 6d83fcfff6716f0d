/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Transparent huge pages (Linux 4.3 … 7.2 mm/memory.c:create_huge_pmd, mm/huge_memory.c:
 * do_huge_pmd_anonymous_page): the first write to 2 MiB of private memory that lie wholly in a VMA and
 * have no page table yet brings in all 512 pages. An estimate: when no huge page is free, or the cgroup
 * has no room for it, there is one page instead; and khugepaged may join pages at any time.
 */
#include "model/linux/lx_cow.h"
#include "model/linux/lx_vmas.h"

bool lx_thp_is_wanted(const struct lx_mm *mm, const struct lx_vma *vma)
{
	uint32_t flags = vma->flags;

	if (vma->file ||
	    (flags & (LX_VM_SHARED | LX_VM_SPECIAL | LX_VM_HUGETLB | LX_VM_NOHUGEPAGE)))
		return false;
	switch ((enum lx_thp)mm->now.thp) {
	case LX_THP_ALWAYS:
		return true;
	case LX_THP_MADVISE:
		return flags & LX_VM_HUGEPAGE;
	case LX_THP_NEVER:
		break;
	}
	return false;
}

bool lx_thp_is_eligible(const struct lx_mm *mm, const struct lx_vma *vma, uint64_t addr)
{
	uint64_t block = align_down(addr, LX_PMD);

	return mm->image && !mm->no_huge && mm->page == IMAGE_PAGE && lx_thp_is_wanted(mm, vma) &&
	       block >= vma->start && block + LX_PMD <= vma->end &&
	       !image_is_any_mapped(mm->image, block, block + LX_PMD);
}

uint64_t lx_thp_fault(struct lx_mm *mm, const struct lx_vma *vma, uint64_t start, uint64_t end)
{
	uint64_t pages = 0;

	for (; start < end; start = align_down(start, LX_PMD) + LX_PMD) {
		uint64_t block = align_down(start, LX_PMD);

		if (!lx_thp_is_eligible(mm, vma, start))
			continue;
		why(mm->sys.why, WHY_THP, block, mm->now.thp);
		lx_cow_written(mm, block, block + LX_PMD);
		(void)image_read(mm->image, block, block + LX_PMD, SLOT_ZERO);
		mm->huge_faults++;
		pages += LX_PMD / mm->page;
	}
	return pages;
}

void lx_mm_set_thp(struct lx_mm *mm, enum lx_thp mode)
{
	lx_note_scalars(mm);
	mm->now.thp = (uint32_t)mode;
	if (mm->image)
		mm->image->window.end = 0;
}

uint64_t lx_mm_huge_faults(const struct lx_mm *mm)
{
	return mm->huge_faults;
}
