/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/linux/lx_vmas.h"

#include <string.h>

#include "model/base/vec.h"

void lx_fail(struct lx_mm *mm)
{
	mm->failed = true;
	if (mm->image && mm->image->fault == IMAGE_OK) {
		mm->image->fault = IMAGE_NO_MEMORY;
		mm->image->fault_addr = 0;
		mm->image->fault_is_write = true;
	}
}

static bool list_own(struct lx_mm *mm)
{
	struct lx_list *own;

	if (mm->list->refs == 1)
		return true;
	own = lx_list_copy(mm->list);
	if (!own)
		return false;
	lx_list_unref(mm->list);
	mm->list = own;
	return true;
}

/* What the image was told of its accesses may not hold any more. */
static void close_window(struct lx_mm *mm)
{
	if (mm->image)
		mm->image->window.end = 0;
}

/* --- journal -------------------------------------------------------------------------------------- */

static bool kept_room(struct lx_mm *mm, size_t more)
{
	size_t want = mm->kept_room * 2 + more;
	struct lx_vma *grown;

	if (mm->kept_room - mm->kept_count >= more)
		return true;
	grown = region_grow(mm->region, mm->kept, mm->kept_room * sizeof(*grown),
	                    want * sizeof(*grown));
	if (!grown)
		return false;
	mm->kept = grown;
	mm->kept_room = want;
	return true;
}

static bool note_change(struct lx_mm *mm, size_t at, size_t old_count, size_t new_count)
{
	struct lx_change *change;

	if (!mm->is_journaling)
		return true;
	if (!kept_room(mm, old_count) ||
	    !vec_room(mm->region, (void **)&mm->changes, mm->change_count, &mm->change_room,
	              sizeof(*mm->changes)))
		return false;
	change = &mm->changes[mm->change_count++];
	*change = (struct lx_change){
		.before = mm->now, .at = at, .old_count = old_count, .new_count = new_count
	};
	for (size_t i = 0; i < old_count; i++)
		mm->kept[mm->kept_count++] = *lx_at(mm, at + i);
	return true;
}

void lx_note_scalars(struct lx_mm *mm)
{
	if (!note_change(mm, 0, 0, 0))
		lx_fail(mm);
}

bool lx_note_blocks(struct lx_mm *mm, uint32_t file, uint64_t blocks)
{
	lx_note_scalars(mm);
	if (mm->is_journaling && !mm->failed) {
		mm->changes[mm->change_count - 1].block_file = file;
		mm->changes[mm->change_count - 1].blocks = blocks;
	}
	return !mm->failed;
}

/* What was cached of rights, anon_vmas and existence there may be different now. */
static void flush(struct lx_mm *mm, const struct lx_vma *vma)
{
	if (mm->image)
		image_flush(mm->image, vma->start, vma->end);
}

/* The scalars come back as they were; which VMAs show a piece of shared memory is counted again. */
static void recount_shm(struct lx_mm *mm, const struct lx_change *change)
{
	for (size_t i = 0; i < change->new_count; i++)
		if (lx_at(mm, change->at + i)->flags & LX_VM_SHM)
			lx_shm_count(mm, lx_at(mm, change->at + i)->file, -1, false);
	for (size_t i = 0; i < change->old_count; i++)
		if (mm->kept[mm->kept_count + i].flags & LX_VM_SHM)
			lx_shm_count(mm, mm->kept[mm->kept_count + i].file, 1, false);
}

static void undo_change(struct lx_mm *mm)
{
	const struct lx_change *change = &mm->changes[--mm->change_count];

	mm->kept_count -= change->old_count;
	for (size_t i = 0; i < change->new_count; i++)
		flush(mm, lx_at(mm, change->at + i));
	for (size_t i = 0; i < change->old_count; i++)
		flush(mm, &mm->kept[mm->kept_count + i]);
	/* Own, since it was changed; only a branch made meanwhile can have it back. */
	if (!list_own(mm) || !lx_list_reserve(mm->list, change->old_count)) {
		lx_fail(mm);
		return;
	}
	recount_shm(mm, change);
	if (change->blocks)
		lx_shm_undo_fault(mm, change->block_file, change->blocks);
	close_window(mm);
	/* Pages that were free to write are shared with a child again. */
	if (mm->image && change->before.living > mm->now.living)
		image_flush(mm->image, 0, UINT64_MAX);
	lx_list_replace(mm->list, change->at, change->new_count,
	                change->old_count ? &mm->kept[mm->kept_count] : NULL, change->old_count);
	mm->now = change->before;
}

void lx_mm_journal(struct lx_mm *mm, bool on)
{
	mm->is_journaling = on;
	if (!on)
		lx_mm_commit(mm, 0);
}

size_t lx_mm_mark(const struct lx_mm *mm)
{
	return mm->change_count;
}

void lx_mm_undo(struct lx_mm *mm, size_t mark)
{
	while (mm->change_count > mark && !mm->failed)
		undo_change(mm);
}

void lx_mm_commit(struct lx_mm *mm, size_t mark)
{
	while (mm->change_count > mark)
		mm->kept_count -= mm->changes[--mm->change_count].old_count;
}

/* --- the one primitive ------------------------------------------------------------------------------ */

/* Counts a VMA in (sign 1) or out (sign -1). */
static void count(struct lx_mm *mm, const struct lx_vma *vma, uint64_t sign)
{
	uint64_t pages = lx_pages(mm, vma) * sign;

	mm->now.total_vm += pages;
	if (lx_is_data_mapping(vma->flags))
		mm->now.data_vm += pages;
	if (vma->flags & LX_VM_ACCOUNT)
		mm->now.accounted += pages;
	if (vma->flags & LX_VM_SHM)
		lx_shm_count(mm, vma->file, sign == 1 ? 1 : -1, true);
}

/* More was charged when it was asked for; less is given back in one go. */
void lx_splice(struct lx_mm *mm, size_t at, size_t old_count, const struct lx_vma *with,
               size_t new_count)
{
	int64_t was, is;

	if (mm->failed)
		return;
	if (!list_own(mm) || !lx_list_reserve(mm->list, new_count) ||
	    !note_change(mm, at, old_count, new_count)) {
		lx_fail(mm);
		return;
	}
	was = (int64_t)(mm->now.accounted + mm->now.shm);
	for (size_t i = 0; i < old_count; i++)
		count(mm, lx_at(mm, at + i), UINT64_MAX);
	for (size_t i = 0; i < new_count; i++)
		count(mm, &with[i], 1);
	is = (int64_t)(mm->now.accounted + mm->now.shm);
	if (is < was)
		lx_commit_add(mm, is - was);
	close_window(mm);
	lx_list_replace(mm->list, at, old_count, with, new_count);
}
