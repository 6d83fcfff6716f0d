/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared anonymous memory (Linux mm/shmem.c:shmem_zero_setup): a file without a name, which is charged
 * whole when it is made and as long as anybody maps any of it. With MAP_NORESERVE it is charged page by
 * page, as pages come into being (shmem_acct_blocks).
 */
#include "model/base/vec.h"
#include "model/linux/lx_vmas.h"

bool lx_shm_add(struct lx_mm *mm, struct lx_vma *range, uint64_t pages)
{
	struct lx_shm *shm;

	if (!vec_room(mm->region, (void **)&mm->shm, mm->shm_count, &mm->shm_room,
	              sizeof(*mm->shm))) {
		lx_fail(mm);
		return false;
	}
	shm = &mm->shm[mm->shm_count++];
	*shm = (struct lx_shm){ .file = mm->next_file++, .pages = pages };
	range->file = shm->file;
	range->pgoff = 0;
	return true;
}

static struct lx_shm *find(const struct lx_mm *mm, uint32_t file)
{
	size_t low = 0, high = mm->shm_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (mm->shm[mid].file < file)
			low = mid + 1;
		else
			high = mid;
	}
	return low < mm->shm_count && mm->shm[low].file == file ? &mm->shm[low] : NULL;
}

void lx_shm_count(struct lx_mm *mm, uint32_t file, int change, bool counts)
{
	struct lx_shm *shm = find(mm, file);
	uint64_t pages;

	if (!shm)
		return;
	shm->vmas = change > 0 ? shm->vmas + 1 : shm->vmas - 1;
	if (!counts || shm->vmas != (change > 0 ? 1u : 0u))
		return;
	pages = change > 0 ? shm->pages : 0 - shm->pages;
	mm->now.shm += pages;
	/* A child that inherited it keeps it. */
	if (file < mm->now.inherited_below)
		mm->now.shm_kept -= pages;
}

/* Each is a request of its own, which mode 0 has never refused; what a refusal would be is SIGBUS. */
void lx_shm_fault(struct lx_mm *mm, const struct lx_vma *vma, uint64_t pages)
{
	struct lx_shm *shm;

	if (!pages || !(vma->flags & LX_VM_SHM) || !(vma->flags & LX_VM_NORESERVE))
		return;
	shm = find(mm, vma->file);
	if (!shm || !lx_note_blocks(mm, vma->file, pages))
		return;
	shm->pages += pages;
	mm->now.shm += pages;
}

void lx_shm_undo_fault(struct lx_mm *mm, uint32_t file, uint64_t pages)
{
	struct lx_shm *shm = find(mm, file);

	if (shm)
		shm->pages -= pages;
}
