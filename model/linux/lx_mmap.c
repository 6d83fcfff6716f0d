/* SPDX-License-Identifier: GPL-2.0-or-later */
/* brk, mmap and munmap (Linux mm/mmap.c, mm/vma.c). The order of the tests decides the errno. */
#include "model/base/vec.h"
#include "model/linux/lx_vmas.h"

enum { MAP_TYPE_MASK = 0x0f, MAP_FIXED_NOREPLACE = 0x100000 };

/* --- munmap ----------------------------------------------------------------------------------------- */

static bool is_shm_elsewhere(const struct lx_mm *mm, uint32_t file, size_t from, size_t to,
                             uint64_t start, uint64_t end)
{
	for (size_t i = 0; i < lx_count(mm); i++) {
		const struct lx_vma *vma = lx_at(mm, i);

		if (vma->file != file)
			continue;
		if (i < from || i >= to || vma->start < start || vma->end > end)
			return true;
	}
	return false;
}

static uint64_t shm_pages(const struct lx_mm *mm, uint32_t file)
{
	for (size_t i = 0; i < mm->shm_count; i++)
		if (mm->shm[i].file == file)
			return mm->shm[i].pages;
	return 0;
}

/* The charge of shared memory is its file's: it ends with the last mapping of it. Pages that end
 * with the removal of [start, end), where VMAs `from` to `to` lie. */
static uint64_t shm_ends(const struct lx_mm *mm, size_t from, size_t to, uint64_t start,
                         uint64_t end)
{
	uint64_t pages = 0;

	for (size_t i = from; i < to; i++) {
		const struct lx_vma *vma = lx_at(mm, i);
		bool is_first = true;

		if (!(vma->flags & LX_VM_SHM))
			continue;
		for (size_t j = from; j < i; j++)
			is_first = is_first && lx_at(mm, j)->file != vma->file;
		if (is_first && !is_shm_elsewhere(mm, vma->file, from, to, start, end))
			pages += shm_pages(mm, vma->file);
	}
	return pages;
}

int lx_do_munmap(struct lx_mm *mm, uint64_t start, uint64_t end)
{
	size_t from = lx_find_vma(mm, start), to = from, count = 0;
	struct lx_vma rest[2];
	uint64_t shm;

	while (to < lx_count(mm) && lx_at(mm, to)->start < end)
		to++;
	if (from == to)
		return 0;
	if (lx_at(mm, from)->start < start && lx_at(mm, from)->end > end &&
	    lx_count(mm) >= mm->now.limit[LX_LIMIT_MAP_COUNT])
		return -LX_ENOMEM;
	if (lx_at(mm, from)->start < start)
		rest[count++] = lx_part(mm, lx_at(mm, from), lx_at(mm, from)->start, start);
	if (lx_at(mm, to - 1)->end > end)
		rest[count++] = lx_part(mm, lx_at(mm, to - 1), end, lx_at(mm, to - 1)->end);
	shm = mm->now.shm ? shm_ends(mm, from, to, start, end) : 0;
	lx_splice(mm, from, to - from, rest, count);
	mm->now.shm -= shm;
	if (mm->image && !mm->failed)
		image_drop(mm->image, start, end);
	return 0;
}

int64_t lx_munmap(struct sys *sys, uint64_t addr, uint64_t len)
{
	struct lx_mm *mm = (struct lx_mm *)sys;
	uint64_t size = align_up(len, mm->page);

	if (!is_aligned(addr, mm->page) || addr > mm->task_size || len > mm->task_size - addr ||
	    !size)
		return -LX_EINVAL;
	if (lx_do_munmap(mm, addr, addr + size) || mm->failed)
		return -LX_ENOMEM;
	return 0;
}

/* --- mmap ------------------------------------------------------------------------------------------- */

struct mmap_call {
	uint64_t addr, len; /* page aligned */
	uint32_t prot, map_flags;
	struct lx_vma range;
};

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

/* accountable_mapping() */
static bool is_accountable(uint32_t flags)
{
	return (flags & (LX_VM_NORESERVE | LX_VM_SHARED | LX_VM_WRITE)) == LX_VM_WRITE;
}

static bool hole_needs_split(const struct lx_mm *mm, uint64_t start, uint64_t end)
{
	size_t i = lx_find_vma(mm, start);

	return i < lx_count(mm) && lx_at(mm, i)->start < start && lx_at(mm, i)->end > end &&
	       lx_count(mm) >= mm->now.limit[LX_LIMIT_MAP_COUNT];
}

/*
 * Since 6.12: limits and charge are those of the difference, tested before anything is unmapped. The
 * old VMAs are cut at the range's ends first, and stay so after a refusal.
 */
static int setup_by_difference(struct lx_mm *mm, const struct lx_vma *range)
{
	int64_t pages = (int64_t)lx_pages(mm, range);
	uint64_t old, old_accounted;
	bool is_allowed;

	if (hole_needs_split(mm, range->start, range->end))
		return -LX_ENOMEM;
	old = mapped_pages(mm, range->start, range->end, &old_accounted);
	is_allowed = lx_may_expand_vm(mm, range->flags, pages - (int64_t)old);
	if (is_allowed && is_accountable(range->flags) && pages != (int64_t)old_accounted)
		is_allowed = lx_vm_enough_memory(mm, pages - (int64_t)old_accounted);
	if (is_allowed)
		return old ? lx_do_munmap(mm, range->start, range->end) : 0;
	lx_split_at(mm, range->start);
	lx_split_at(mm, range->end);
	return -LX_ENOMEM;
}

/* Before: what is in the way is gone when the charge is refused. */
static int setup_in_turn(struct lx_mm *mm, const struct lx_vma *range)
{
	int64_t pages = (int64_t)lx_pages(mm, range);
	uint64_t old_accounted;

	if (!lx_may_expand_vm(mm, range->flags, pages)) {
		uint64_t old = mapped_pages(mm, range->start, range->end, &old_accounted);

		if (!lx_may_expand_vm(mm, range->flags, pages - (int64_t)old))
			return -LX_ENOMEM;
	}
	if (lx_do_munmap(mm, range->start, range->end))
		return -LX_ENOMEM;
	return is_accountable(range->flags) && !lx_vm_enough_memory(mm, pages) ? -LX_ENOMEM : 0;
}

/* shmem_zero_setup(): a file of its own, charged whole when it is made. */
static bool add_shm(struct lx_mm *mm, struct lx_vma *range)
{
	struct lx_shm *shm;
	uint64_t pages = lx_pages(mm, range);

	if (range->flags & LX_VM_NORESERVE)
		pages = 0;
	else if (!lx_vm_enough_memory(mm, (int64_t)pages))
		return false;
	if (!vec_room(mm->region, (void **)&mm->shm, mm->shm_count, &mm->shm_room,
	              sizeof(*mm->shm))) {
		lx_fail(mm);
		return false;
	}
	shm = &mm->shm[mm->shm_count++];
	shm->file = range->file = mm->next_file++;
	shm->pages = pages;
	range->pgoff = 0;
	return true;
}

static int64_t mmap_region(struct lx_mm *mm, struct mmap_call *call)
{
	struct lx_vma *range = &call->range;
	int err = mm->rules->fixed_charges_difference ? setup_by_difference(mm, range)
	                                              : setup_in_turn(mm, range);
	size_t at;

	if (err)
		return err;
	if (range->flags & LX_VM_SHM) {
		if (!add_shm(mm, range))
			return -LX_ENOMEM;
	} else if (is_accountable(range->flags)) {
		range->flags |= LX_VM_ACCOUNT;
	}
	at = lx_find_vma(mm, range->start);
	lx_vma_merge_new_range(mm, at, range, false);
	if (range->flags & LX_VM_SHM)
		mm->now.shm += mm->shm[mm->shm_count - 1].pages;
	if (mm->failed)
		return -LX_ENOMEM;
	if (mm->image)
		image_flush(mm->image, range->start, range->end);
	/* mm_populate(): writes what may be written, errors are nobody's. Reads leave no own pages. */
	if ((call->map_flags & (SYS_MAP_POPULATE | SYS_MAP_LOCKED)) &&
	    (range->flags & (LX_VM_WRITE | LX_VM_SHARED)) == LX_VM_WRITE) {
		struct lx_touch touch;

		lx_touch(mm, range->start, range->end, &touch);
	}
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
	if ((map_flags & SYS_MAP_NORESERVE) && mm->overcommit_mode != 2)
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

int64_t lx_mmap(struct sys *sys, uint64_t addr, uint64_t len, uint32_t prot, uint32_t flags)
{
	struct lx_mm *mm = (struct lx_mm *)sys;
	struct mmap_call call = { .len = align_up(len, mm->page),
		                  .prot = prot,
		                  .map_flags = flags };
	bool no_replace = flags & MAP_FIXED_NOREPLACE;
	int64_t found;
	size_t next;
	int err;

	if (!(flags & SYS_MAP_ANONYMOUS))
		return -LX_EBADF; /* the waist passes no file */
	if (!len)
		return -LX_EINVAL;
	if (flags & SYS_MAP_HUGETLB)
		return -LX_ENOMEM; /* pools of huge pages are not modelled: taken as empty */
	if (no_replace)
		call.map_flags |= SYS_MAP_FIXED;
	if (!(call.map_flags & SYS_MAP_FIXED)) {
		addr = align_down(addr, mm->page);
		if (addr && addr < 65536)
			addr = 65536;
	}
	if (!call.len)
		return -LX_ENOMEM;
	if (lx_count(mm) > mm->now.limit[LX_LIMIT_MAP_COUNT])
		return -LX_ENOMEM;
	found = lx_get_unmapped_area(mm, addr, call.len, call.map_flags);
	if (found < 0)
		return found;
	call.range.start = (uint64_t)found;
	call.range.end = call.range.start + call.len;
	call.range.pgoff = call.range.start / mm->page;
	next = lx_find_vma(mm, call.range.start);
	if (no_replace && next < lx_count(mm) && lx_at(mm, next)->start < call.range.end)
		return -LX_EEXIST;
	call.range.flags = vm_flags_of(mm, prot, call.map_flags);
	err = check_type(&call);
	return err ? err : mmap_region(mm, &call);
}

/* --- brk --------------------------------------------------------------------------------------------- */

static bool shrink_brk(struct lx_mm *mm, uint64_t end, uint64_t old_end)
{
	size_t i = lx_find_vma(mm, end);

	if (mm->rules->brk_shrink_needs_vma &&
	    (i == lx_count(mm) || lx_at(mm, i)->start >= old_end))
		return false;
	return lx_do_munmap(mm, end, old_end) == 0;
}

/* do_brk_flags() and the tests before it. */
static bool grow_brk(struct lx_mm *mm, uint64_t end, uint64_t old_end)
{
	int64_t pages = (int64_t)((end - old_end) / mm->page);
	struct lx_vma range = { .start = old_end,
		                .end = end,
		                .pgoff = old_end / mm->page,
		                .flags = LX_VM_READ | LX_VM_WRITE | LX_VM_ACCOUNT };
	size_t next = lx_find_vma(mm, old_end);
	bool is_own;

	if (end > mm->task_size)
		return false;
	/* One page stays free between the break and what is above it. */
	if (next < lx_count(mm) && end + mm->page > lx_vm_start_gap(mm, lx_at(mm, next)))
		return false;
	if (!lx_may_expand_vm(mm, range.flags, pages) ||
	    lx_count(mm) > mm->now.limit[LX_LIMIT_MAP_COUNT] || !lx_vm_enough_memory(mm, pages))
		return false;
	/* Since 6.1 only a VMA that reaches into the break area grows, and only upwards. */
	is_own = next && lx_at(mm, next - 1)->end > mm->brk_start;
	if (mm->rules->brk_extends_only && !is_own)
		lx_splice(mm, next, 0, &range, 1);
	else
		lx_vma_merge_new_range(mm, next, &range, mm->rules->brk_extends_only);
	if (mm->image)
		image_flush(mm->image, range.start, range.end);
	return true;
}

uint64_t lx_brk(struct sys *sys, uint64_t addr)
{
	struct lx_mm *mm = (struct lx_mm *)sys;
	uint64_t was = mm->now.brk, most = mm->now.limit[LX_LIMIT_DATA];
	uint64_t old_end = align_up(was, mm->page), end = align_up(addr, mm->page);
	bool is_done;

	if (addr < mm->brk_start || addr > mm->task_size)
		return was;
	if (most != UINT64_MAX && addr - mm->brk_start + mm->data_bytes > most)
		return was;
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
