/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a process may have more: its own limits, and the machine's commitment. */
#include "model/linux/lx_vmas.h"

bool lx_is_data_mapping(uint32_t flags)
{
	return (flags & (LX_VM_WRITE | LX_VM_SHARED | LX_VM_GROWSDOWN)) == LX_VM_WRITE;
}

static bool fits(const struct lx_mm *mm, uint64_t now, int64_t pages, enum lx_limit limit)
{
	uint64_t most = mm->now.limit[limit];

	if (most == UINT64_MAX)
		return true;
	return (int64_t)now + pages <= (int64_t)(most / mm->page);
}

bool lx_may_expand_vm(const struct lx_mm *mm, uint32_t flags, int64_t pages)
{
	if (!fits(mm, mm->now.total_vm, pages, LX_LIMIT_AS))
		return false;
	return !mm->rules->limit_data_maps || !lx_is_data_mapping(flags) ||
	       fits(mm, mm->now.data_vm, pages, LX_LIMIT_DATA);
}

/*
 * Linux mm/util.c:__vm_enough_memory. What is known without the machine's other processes: mode 1
 * refuses nothing, and mode 0 one request that is larger than RAM and swap (5.2).
 */
bool lx_vm_enough_memory(const struct lx_mm *mm, int64_t pages)
{
	if (mm->overcommit_mode != 0 || mm->rules->commit_guess_free_pages ||
	    mm->ram_swap_pages == UINT64_MAX)
		return true;
	return pages <= (int64_t)mm->ram_swap_pages;
}
