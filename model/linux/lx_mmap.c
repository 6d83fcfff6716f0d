/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mmap and munmap (Linux mm/mmap.c, mm/vma.c). The order of the tests decides the errno. */
#include "model/linux/lx_cow.h"
#include "model/linux/lx_vmas.h"

enum { MAP_TYPE_MASK = 0x0f, MAP_FIXED_NOREPLACE = 0x100000 };

/* --- munmap ----------------------------------------------------------------------------------------- */

/* Pages of [start, end) that are mapped; *ret_accounted: of them, charged. */
static uint64_t mapped_pages(const struct lx_mm *mm, uint64_t start, uint64_t end,
                             uint64_t *ret_accounted)
{
	uint64_t pages = 0, accounted = 0;

	for (size_t i = lx_find_vma(mm, start); i < lx_count(mm) && lx_at(mm, i)->start < end;
	     i++) {
		const struct lx_vma *vma = lx_at(mm, i);
		uint64_t part = (min_u64(vma->end, end) - max_u64(vma->start, start)) / mm->page;

		pages += part;
		if (vma->flags & LX_VM_ACCOUNT)
			accounted += part;
	}
	*ret_accounted = accounted;
	return pages;
}

/* What goes, told with its charge. */
static void tell_unmap(const struct lx_mm *mm, size_t from, size_t to, uint64_t start, uint64_t end)
{
	uint64_t pages, accounted;

	if (!mm->sys.why)
		return;
	pages = mapped_pages(mm, start, end, &accounted);
	why(mm->sys.why, WHY_UNMAPPED, to - from, pages);
	if (accounted) {
		why_enter(mm->sys.why, FN_VM_UNACCT_MEMORY, accounted, 0, 0);
		why_leave(mm->sys.why, FN_VM_UNACCT_MEMORY);
	}
}

/* The ends of a range that is to go are cut one after the other: what stands in the way of the second
 * leaves the first. 0 or -errno. */
static int cut_ends(struct lx_mm *mm, uint64_t start, uint64_t end)
{
	size_t first = lx_find_vma(mm, start), last = lx_find_vma(mm, end - 1);
	int err = first < lx_count(mm) && lx_at(mm, first)->start < start ? lx_may_split(mm, first)
	                                                                  : 0;

	if (err || last == lx_count(mm) || lx_at(mm, last)->start >= end ||
	    lx_at(mm, last)->end == end)
		return err;
	err = lx_may_split(mm, last);
	if (err)
		lx_split_at(mm, start);
	return err;
}

static int do_munmap(struct lx_mm *mm, uint64_t start, uint64_t end)
{
	size_t from = lx_find_vma(mm, start), to = from, count = 0;
	struct lx_vma rest[2];
	int err;

	while (to < lx_count(mm) && lx_at(mm, to)->start < end)
		to++;
	if (from == to) {
		why(mm->sys.why, WHY_UNMAPPED_NOTHING, start);
		return 0;
	}
	if (lx_at(mm, from)->start < start && lx_at(mm, from)->end > end &&
	    lx_count(mm) >= mm->now.limit[LX_LIMIT_MAP_COUNT]) {
		why(mm->sys.why, WHY_SPLIT_COUNT, lx_count(mm), mm->now.limit[LX_LIMIT_MAP_COUNT]);
		return -LX_ENOMEM;
	}
	err = cut_ends(mm, start, end);
	if (err)
		return err;
	tell_unmap(mm, from, to, start, end);
	if (lx_at(mm, from)->start < start)
		rest[count++] = lx_part(mm, lx_at(mm, from), lx_at(mm, from)->start, start);
	if (lx_at(mm, to - 1)->end > end)
		rest[count++] = lx_part(mm, lx_at(mm, to - 1), end, lx_at(mm, to - 1)->end);
	lx_cow_dropped(mm, start, end);
	lx_splice(mm, from, to - from, rest, count);
	if (mm->image && !mm->failed)
		image_drop(mm->image, start, end);
	return 0;
}

int lx_do_munmap(struct lx_mm *mm, uint64_t start, uint64_t end)
{
	enum why_fn fn = lx_is_since(mm->rules, 6, 7)   ? FN_DO_VMI_MUNMAP
	                 : lx_is_since(mm->rules, 6, 1) ? FN_DO_MAS_MUNMAP
	                                                : FN_DO_MUNMAP;
	int err;

	why_enter(mm->sys.why, fn, start, end - start, 0);
	err = do_munmap(mm, start, end);
	why_leave(mm->sys.why, fn);
	return err;
}

int64_t lx_munmap(struct sys *sys, uint64_t addr, uint64_t len)
{
	struct lx_mm *mm = (struct lx_mm *)sys;
	uint64_t size = align_up(len, mm->page);
	int err;

	if (!is_aligned(addr, mm->page) || addr > mm->task_size || len > mm->task_size - addr ||
	    !size)
		return -LX_EINVAL;
	err = lx_do_munmap(mm, addr, addr + size);
	return mm->failed ? -LX_ENOMEM : err;
}

/* --- mmap ------------------------------------------------------------------------------------------- */

struct mmap_call {
	uint64_t addr, len; /* page aligned */
	uint32_t prot, map_flags;
	struct lx_vma range;
};

static bool accountable_mapping(const struct lx_mm *mm, const struct lx_vma *range)
{
	uint32_t flags = range->flags;
	bool is = (flags & (LX_VM_NORESERVE | LX_VM_SHARED | LX_VM_WRITE)) == LX_VM_WRITE;

	why_enter(mm->sys.why, FN_ACCOUNTABLE_MAPPING, 0, 0, 0);
	if (is)
		why(mm->sys.why, WHY_ACCOUNTABLE, lx_pages(mm, range));
	else if (flags & LX_VM_SHARED)
		why(mm->sys.why, WHY_ACCOUNTABLE_SHARED);
	else if (flags & LX_VM_NORESERVE)
		why(mm->sys.why, WHY_ACCOUNTABLE_NORESERVE, mm->now.commit->mode);
	else
		why(mm->sys.why, WHY_ACCOUNTABLE_READ_ONLY);
	why_leave(mm->sys.why, FN_ACCOUNTABLE_MAPPING);
	return is;
}

static bool hole_needs_split(const struct lx_mm *mm, uint64_t start, uint64_t end)
{
	size_t i = lx_find_vma(mm, start);

	return i < lx_count(mm) && lx_at(mm, i)->start < start && lx_at(mm, i)->end > end &&
	       lx_count(mm) >= mm->now.limit[LX_LIMIT_MAP_COUNT];
}

/* shmem_zero_setup(): a file of its own, charged whole when it is made. */
static bool shmem_zero_setup(struct lx_mm *mm, const struct lx_vma *range)
{
	uint64_t pages = lx_pages(mm, range);
	bool is_enough = true;

	why_enter(mm->sys.why, FN_SHMEM_ZERO_SETUP, pages, 0, 0);
	if (range->flags & LX_VM_NORESERVE)
		why(mm->sys.why, WHY_SHM_NORESERVE, mm->now.commit->mode);
	else
		is_enough = lx_vm_enough_memory(mm, (int64_t)pages);
	why_leave(mm->sys.why, FN_SHMEM_ZERO_SETUP);
	return is_enough;
}

/*
 * Since 6.12: limits and charge are those of the difference, tested before anything is unmapped. The
 * old VMAs are cut at the range's ends first, and stay so after a refusal. Shared memory is charged
 * while the old charge still counts, and when it is refused the old VMAs are gone.
 */
static int setup_by_difference(struct lx_mm *mm, const struct lx_vma *range, bool *ret_charged)
{
	int64_t pages = (int64_t)lx_pages(mm, range);
	uint64_t old, old_accounted;
	bool is_allowed;
	int64_t own_part;
	int err;

	if (hole_needs_split(mm, range->start, range->end))
		return -LX_ENOMEM;
	err = cut_ends(mm, range->start, range->end);
	if (err)
		return err;
	old = mapped_pages(mm, range->start, range->end, &old_accounted);
	if (old)
		why(mm->sys.why, WHY_FIXED_DIFFERENCE, old, old_accounted);
	is_allowed = lx_may_expand_vm(mm, range->flags, pages - (int64_t)old);
	*ret_charged = is_allowed && accountable_mapping(mm, range);
	if (*ret_charged && pages != (int64_t)old_accounted)
		is_allowed = lx_vm_enough_memory(mm, pages - (int64_t)old_accounted);
	if (!is_allowed) {
		lx_split_at(mm, range->start);
		lx_split_at(mm, range->end);
		return -LX_ENOMEM;
	}
	if (range->flags & LX_VM_SHM)
		is_allowed = shmem_zero_setup(mm, range);
	/* The charge of what goes was taken over, not given back. */
	own_part = mm->now.own_part;
	if (old && lx_do_munmap(mm, range->start, range->end))
		return -LX_ENOMEM;
	if (*ret_charged)
		mm->now.own_part = own_part;
	return is_allowed ? 0 : -LX_ENOMEM;
}

/* Before: what is in the way is gone when the charge is refused. */
static int setup_in_turn(struct lx_mm *mm, const struct lx_vma *range, bool *ret_charged)
{
	int64_t pages = (int64_t)lx_pages(mm, range);
	uint64_t old, old_accounted;

	if (!lx_may_expand_vm(mm, range->flags, pages)) {
		old = mapped_pages(mm, range->start, range->end, &old_accounted);
		if (!lx_may_expand_vm(mm, range->flags, pages - (int64_t)old))
			return -LX_ENOMEM;
	}
	old = mapped_pages(mm, range->start, range->end, &old_accounted);
	if (old) {
		why(mm->sys.why, WHY_FIXED_IN_TURN, old, old_accounted);
		if (lx_do_munmap(mm, range->start, range->end))
			return -LX_ENOMEM;
	}
	*ret_charged = accountable_mapping(mm, range);
	if (*ret_charged && !lx_vm_enough_memory(mm, pages))
		return -LX_ENOMEM;
	return !(range->flags & LX_VM_SHM) || shmem_zero_setup(mm, range) ? 0 : -LX_ENOMEM;
}

static int64_t mmap_region(struct lx_mm *mm, struct mmap_call *call)
{
	struct lx_vma *range = &call->range;
	bool is_charged = false;
	int err = mm->rules->fixed_charges_difference ? setup_by_difference(mm, range, &is_charged)
	                                              : setup_in_turn(mm, range, &is_charged);

	if (err)
		return err;
	if (is_charged)
		range->flags |= LX_VM_ACCOUNT;
	if ((range->flags & LX_VM_SHM) &&
	    !lx_shm_add(mm, range, range->flags & LX_VM_NORESERVE ? 0 : lx_pages(mm, range)))
		return -LX_ENOMEM;
	lx_vma_merge_mapping(mm, lx_find_vma(mm, range->start), range);
	if (mm->failed)
		return -LX_ENOMEM;
	if (mm->image)
		image_flush(mm->image, range->start, range->end);
	return (int64_t)range->start;
}

static uint32_t vm_flags_of(const struct lx_mm *mm, uint32_t prot, uint32_t map_flags)
{
	uint32_t flags = lx_calc_vm_prot_bits(prot);

	if (map_flags & SYS_MAP_GROWSDOWN)
		flags |= LX_VM_GROWSDOWN;
	if (map_flags & SYS_MAP_LOCKED)
		flags |= LX_VM_LOCKED;
	if ((map_flags & SYS_MAP_STACK) && mm->rules->map_stack_no_hugepage)
		flags |= LX_VM_NOHUGEPAGE;
	if ((map_flags & SYS_MAP_NORESERVE) && mm->now.commit->mode != LX_OVERCOMMIT_NEVER)
		flags |= LX_VM_NORESERVE;
	return flags;
}

/* The type, tested once an address was found. */
static int check_type(struct mmap_call *call)
{
	switch (call->map_flags & MAP_TYPE_MASK) {
	case SYS_MAP_SHARED:
		if (call->map_flags & SYS_MAP_GROWSDOWN)
			return -LX_EINVAL;
		call->range.flags |= LX_VM_SHARED | LX_VM_SHM;
		return 0;
	case SYS_MAP_PRIVATE:
		return 0;
	default:
		return -LX_EINVAL;
	}
}

static int64_t do_mmap(struct lx_mm *mm, struct mmap_call *call)
{
	bool no_replace = call->map_flags & MAP_FIXED_NOREPLACE;
	int64_t found;
	size_t next;
	int err;

	if (no_replace)
		call->map_flags |= SYS_MAP_FIXED;
	if (!(call->map_flags & SYS_MAP_FIXED)) {
		call->addr = align_down(call->addr, mm->page);
		if (call->addr && call->addr < 65536)
			call->addr = 65536;
	}
	if (!call->len)
		return -LX_ENOMEM;
	if (lx_map_count_exceeded(mm))
		return -LX_ENOMEM;
	found = lx_get_unmapped_area(mm, call->addr, call->len, call->map_flags);
	if (found < 0)
		return found;
	call->range.start = (uint64_t)found;
	call->range.end = call->range.start + call->len;
	call->range.pgoff = call->range.start / mm->page;
	next = lx_find_vma(mm, call->range.start);
	if (no_replace && next < lx_count(mm) && lx_at(mm, next)->start < call->range.end)
		return -LX_EEXIST;
	call->range.flags = vm_flags_of(mm, call->prot, call->map_flags);
	err = check_type(call);
	if (err)
		return err;
	why_enter(mm->sys.why, FN_MMAP_REGION, call->range.start, call->len, 0);
	found = mmap_region(mm, call);
	why_leave(mm->sys.why, FN_MMAP_REGION);
	return found;
}

int64_t lx_mmap(struct sys *sys, uint64_t addr, uint64_t len, uint32_t prot, uint32_t flags)
{
	struct lx_mm *mm = (struct lx_mm *)sys;
	struct mmap_call call = {
		.addr = addr, .len = align_up(len, mm->page), .prot = prot, .map_flags = flags
	};
	int64_t result;

	if (!(flags & SYS_MAP_ANONYMOUS))
		return -LX_EBADF; /* the waist passes no file */
	if (!len)
		return -LX_EINVAL;
	if (flags & SYS_MAP_HUGETLB)
		return -LX_ENOMEM; /* pools of huge pages are not modelled: taken as empty */
	why_enter(mm->sys.why, FN_DO_MMAP, addr, len, 0);
	result = do_mmap(mm, &call);
	why_leave(mm->sys.why, FN_DO_MMAP);
	/* Errors of it are nobody's. */
	if (!sys_failed(result) && !mm->leaves_populate &&
	    (flags & (SYS_MAP_POPULATE | SYS_MAP_LOCKED)))
		lx_populate(mm, call.range.start, call.range.end);
	return result;
}
