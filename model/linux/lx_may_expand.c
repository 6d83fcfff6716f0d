/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a process may have more: its own limits (Linux mm/mmap.c:may_expand_vm). */
#include "model/linux/lx_vmas.h"

bool lx_is_data_mapping(uint32_t flags)
{
	return (flags & (LX_VM_WRITE | LX_VM_SHARED | LX_VM_GROWSDOWN)) == LX_VM_WRITE;
}

static bool fits(const struct lx_mm *mm, uint64_t now, int64_t pages, enum lx_limit limit)
{
	uint64_t most = mm->now.limit[limit] / mm->page;
	bool is_as = limit == LX_LIMIT_AS;

	if (mm->now.limit[limit] == UINT64_MAX)
		return true;
	if ((int64_t)now + pages <= (int64_t)most) {
		why(mm->sys.why, is_as ? WHY_AS_FITS : WHY_DATA_FITS, now, (uint64_t)pages, most);
		return true;
	}
	why(mm->sys.why, is_as ? WHY_AS_EXCEEDED : WHY_DATA_EXCEEDED, now, (uint64_t)pages, most);
	return false;
}

bool lx_may_expand_vm(const struct lx_mm *mm, uint32_t flags, int64_t pages)
{
	bool may;

	why_enter(mm->sys.why, FN_MAY_EXPAND_VM, (uint64_t)pages, 0, 0);
	may = fits(mm, lx_mm_total_pages(mm), pages, LX_LIMIT_AS) &&
	      (!mm->rules->limit_data_maps || !lx_is_data_mapping(flags) ||
	       fits(mm, lx_mm_data_pages(mm), pages, LX_LIMIT_DATA));
	why_leave(mm->sys.why, FN_MAY_EXPAND_VM);
	return may;
}
