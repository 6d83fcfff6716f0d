/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An address space as its owner sees it: branches, limits, accesses. */
#include "model/linux/lx_mm.h"

#include <string.h>

#include "model/linux/lx_cow.h"
#include "model/linux/lx_vmas.h"

struct lx_mm *lx_mm_branch(struct lx_mm *from, struct image *image)
{
	struct region *region = region_new();
	struct lx_mm *mm = region ? region_alloc(region, sizeof(*mm)) : NULL;
	struct lx_shm *shm = mm ? region_alloc(region, (from->shm_count + 1) * sizeof(*shm)) : NULL;

	if (!shm) {
		region_free(region);
		return NULL;
	}
	*mm = *from;
	mm->sys = (struct sys){ .ops = from->sys.ops, .region = region };
	mm->region = region;
	mm->image = image;
	mm->is_journaling = false;
	mm->changes = NULL;
	mm->kept = NULL;
	mm->change_count = mm->change_room = mm->kept_count = mm->kept_room = 0;
	if (from->shm_count)
		memcpy(shm, from->shm, from->shm_count * sizeof(*shm));
	mm->shm = shm;
	mm->shm_room = from->shm_count + 1;
	mm->list->refs++;
	if (image)
		image->backing = (struct image_backing){ lx_mm_access, mm };
	return mm;
}

void lx_mm_end(struct lx_mm *mm)
{
	if (!mm)
		return;
	lx_list_unref(mm->list);
	region_free(mm->region);
}

struct sys *lx_mm_sys(struct lx_mm *mm)
{
	return &mm->sys;
}

void lx_mm_set_why(struct lx_mm *mm, struct why *why)
{
	mm->sys.why = why;
}

void lx_mm_set_limit(struct lx_mm *mm, enum lx_limit limit, uint64_t value)
{
	lx_note_scalars(mm);
	mm->now.limit[limit] = value;
}

/* --- accesses --------------------------------------------------------------------------------------- */

/* On x86 and aarch64 a page that may be written or executed may be read. */
static bool is_allowed(const struct lx_vma *vma, bool is_write)
{
	return vma->flags & (is_write ? (uint32_t)LX_VM_WRITE : LX_ACCESS_FLAGS);
}

/* As long as children live each page's first write is to be heard of, and that of 2 MiB where they may
 * become a huge page. */
static struct image_window window_of(const struct lx_mm *mm, const struct lx_vma *vma,
                                     uint64_t addr, bool is_write)
{
	uint64_t page = align_down(addr, IMAGE_PAGE), block = align_down(addr, LX_PMD);

	if (lx_cow_is_watching(mm))
		return (struct image_window){ page, page + IMAGE_PAGE, is_write };
	if (lx_thp_is_wanted(mm, vma))
		return (struct image_window){ max_u64(block, vma->start),
			                      min_u64(block + LX_PMD, vma->end), is_write };
	return (struct image_window){ vma->start, vma->end,
		                      is_write || (vma->anon && is_allowed(vma, true)) };
}

enum image_fault lx_mm_access(void *of, uint64_t addr, bool is_write)
{
	struct lx_mm *mm = of;
	const struct lx_vma *vma;
	size_t i;

	if (addr >= LX_COW_START && addr < LX_OWN_END)
		return IMAGE_OK;
	i = lx_vma_at_fault(mm, addr);
	if (i == LX_NONE || !is_allowed(lx_at(mm, i), is_write))
		return IMAGE_SEGV;
	if (is_write)
		lx_anon_vma_prepare(mm, i);
	if (mm->failed)
		return IMAGE_NO_MEMORY;
	vma = lx_at(mm, i);
	if (is_write)
		(void)lx_thp_fault(mm, vma, addr, addr + 1);
	if (is_write && !(vma->flags & LX_VM_SHARED))
		lx_cow_written(mm, align_down(addr, IMAGE_PAGE),
		               align_down(addr, IMAGE_PAGE) + IMAGE_PAGE);
	if (vma->file && !(vma->flags & LX_VM_SHM))
		return IMAGE_UNKNOWN;
	if (mm->image)
		mm->image->window = window_of(mm, vma, addr, is_write);
	return IMAGE_OK;
}

void lx_touch(struct lx_mm *mm, uint64_t start, uint64_t end, struct lx_touch *ret)
{
	*ret = (struct lx_touch){ 0 };
	for (start = align_down(start, mm->page); start < end;) {
		size_t i = lx_vma_at_fault(mm, start);
		uint64_t next, faulted;

		if (i != LX_NONE && is_allowed(lx_at(mm, i), true)) {
			next = min_u64(lx_at(mm, i)->end, align_up(end, mm->page));
			next = mm->image ? image_find_guard(mm->image, start, next) : next;
		} else {
			next = start;
		}
		if (next == start) {
			ret->segv = true;
			ret->segv_addr = start;
			return;
		}
		lx_anon_vma_prepare(mm, i);
		if (!(lx_at(mm, i)->flags & LX_VM_SHARED))
			lx_cow_written(mm, start, next);
		ret->pages += (next - start) / mm->page;
		ret->faulted += lx_thp_fault(mm, lx_at(mm, i), start, next);
		faulted =
		        mm->image ? image_touch(mm->image, start, next) : (next - start) / mm->page;
		lx_shm_fault(mm, lx_at(mm, i), faulted);
		ret->faulted += faulted;
		start = next;
	}
}

void lx_mm_leave_populate(struct lx_mm *mm)
{
	mm->leaves_populate = true;
}

void lx_populate(struct lx_mm *mm, uint64_t start, uint64_t end)
{
	const struct lx_vma *vma = lx_mm_find(mm, start);
	struct lx_touch touch;

	if (!vma || !(vma->flags & LX_ACCESS_FLAGS))
		return;
	if ((vma->flags & (LX_VM_WRITE | LX_VM_SHARED)) == LX_VM_WRITE)
		lx_touch(mm, start, end, &touch);
	else if (vma->flags & LX_VM_SHM)
		lx_shm_fault(mm, vma,
		             mm->image ? image_read(mm->image, start, end, SLOT_ZERO)
		                       : (end - start) / mm->page);
	else if (mm->image && !vma->file)
		(void)image_read(mm->image, start, end, SLOT_READ);
}

/* --- what it looks like ------------------------------------------------------------------------------- */

size_t lx_mm_count(const struct lx_mm *mm)
{
	return lx_count(mm);
}

const struct lx_vma *lx_mm_at(const struct lx_mm *mm, size_t i)
{
	return lx_at(mm, i);
}

const struct lx_vma *lx_mm_find(const struct lx_mm *mm, uint64_t addr)
{
	size_t i = lx_find_vma(mm, addr);

	return i < lx_count(mm) && lx_at(mm, i)->start <= addr ? lx_at(mm, i) : NULL;
}

const char *lx_vma_name(const struct lx_mm *mm, const struct lx_vma *vma)
{
	/* Up to 6.5 what only touches the break area was shown as a part of it. */
	uint64_t more = mm->rules->heap_touches ? 1 : 0;

	if (!vma->file && !vma->name && vma->start < mm->now.brk + more &&
	    vma->end + more > mm->brk_start)
		return "[heap]";
	/* shmem_zero_setup() names its file after the device that gives the same. */
	return vma->flags & LX_VM_SHM ? "/dev/zero (deleted)" : mm->names[vma->name];
}

const struct linux_rules *lx_mm_rules(const struct lx_mm *mm)
{
	return mm->rules;
}

uint64_t lx_mm_brk(const struct lx_mm *mm)
{
	return mm->now.brk;
}

static uint64_t with_extra(uint64_t pages, int64_t extra)
{
	int64_t sum = (int64_t)pages + extra;

	return sum > 0 ? (uint64_t)sum : 0;
}

uint64_t lx_mm_total_pages(const struct lx_mm *mm)
{
	return with_extra(mm->now.total_vm, mm->now.total_extra);
}

uint64_t lx_mm_data_pages(const struct lx_mm *mm)
{
	return with_extra(mm->now.data_vm, mm->now.data_extra);
}

void lx_mm_set_total_pages(struct lx_mm *mm, uint64_t pages)
{
	lx_note_scalars(mm);
	mm->now.total_extra = (int64_t)pages - (int64_t)mm->now.total_vm;
}

void lx_mm_set_data_pages(struct lx_mm *mm, uint64_t pages)
{
	lx_note_scalars(mm);
	mm->now.data_extra = (int64_t)pages - (int64_t)mm->now.data_vm;
}

uint64_t lx_mm_charged_pages(const struct lx_mm *mm)
{
	return mm->now.accounted + mm->now.shm;
}
