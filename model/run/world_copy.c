/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A live process's memory, as a world starts from it. Copied is what the allocator may read: heaps
 * whole, the pages of libc's data that hold its variables, the first page of every mmapped chunk. Of
 * other memory only is known which pages are resident.
 */
#include <stdlib.h>

#include "model/base/units.h"
#include "model/run/world_private.h"

enum { LIBC_DATA_MAX = 1 << 20, RANGES = 512, PIECE = 256 << 10, FOLLOWING = 1 << 20 };
#define MARKED_MAX (64 * GIB) /* a file may say what it likes */

/* Copies the present pages of [start, end). Pages that can't be read stay unknown. */
static bool copy_present(struct world *world, struct memory *mem, uint64_t start, uint64_t end,
                         uint8_t *piece)
{
	while (start < end) {
		size_t want = (size_t)min_u64(end - start, PIECE), got;
		enum mem_status status = MEM_OK;

		got = mem_read(mem, start, piece, want, &status) & ~(size_t)(IMAGE_PAGE - 1);
		if (got && !image_put(&world->image, start, piece, got / IMAGE_PAGE))
			return false;
		start += got;
		if (got == want)
			continue;
		if (!image_mark(&world->image, start, start + IMAGE_PAGE,
		                status == MEM_SWAPPED ? SLOT_SWAPPED : SLOT_UNKNOWN))
			return false;
		start += IMAGE_PAGE;
	}
	return true;
}

static bool take_range(struct world *world, struct memory *mem, const struct mem_range *range,
                       bool copies, uint8_t *piece)
{
	switch (range->page) {
	case MEM_PAGE_PRESENT:
		if (copies)
			return copy_present(world, mem, range->start, range->end, piece);
		return image_mark(&world->image, range->start, range->end, SLOT_UNKNOWN);
	case MEM_PAGE_SWAPPED:
		return image_mark(&world->image, range->start, range->end, SLOT_SWAPPED);
	case MEM_PAGE_GUARD:
		return image_mark(&world->image, range->start, range->end, SLOT_GUARD);
	case MEM_PAGE_ABSENT:
		break;
	}
	return true;
}

/* Pages of [at, end); what is not resident costs nothing, however long it is. */
static bool take_span(struct world *world, struct memory *mem, uint64_t at, uint64_t end,
                      bool copies, uint8_t *piece)
{
	struct mem_range ranges[RANGES];

	while (at < end) {
		size_t count = mem_pages(mem, at, end, ranges, RANGES);

		if (!count) {
			/* Residency can't be had: what may be read is taken for resident. */
			const struct mem_range all = { at, end, MEM_PAGE_PRESENT };

			return take_range(world, mem, &all, copies, piece);
		}
		for (size_t i = 0; i < count; i++)
			if (!take_range(world, mem, &ranges[i], copies, piece))
				return false;
		if (ranges[count - 1].end <= at)
			break;
		at = ranges[count - 1].end;
	}
	return true;
}

static bool is_private_anonymous(const struct vma *v)
{
	return !(v->prot & VMA_SHARED) && !v->inode && v->kind != VMA_KERNEL;
}

/* The page of one address, whatever its VMA is. */
static bool take_page(struct world *world, struct memory *mem, uint64_t addr)
{
	uint64_t page_addr = align_down(addr, IMAGE_PAGE);
	uint8_t page[IMAGE_PAGE];

	if (!addr || !mem_read_all(mem, page_addr, page, sizeof(page)))
		return true;
	return image_put(&world->image, page_addr, page, 1);
}

static bool take_pages(struct world *world, struct memory *mem, uint64_t addr, uint64_t len)
{
	for (uint64_t at = align_down(addr, IMAGE_PAGE); at < addr + len; at += IMAGE_PAGE)
		if (!take_page(world, mem, at))
			return false;
	return true;
}

/* The writable mapping that main_arena lies in. */
static bool take_libc_data(struct world *world, const struct vma_set *vmas, struct memory *mem,
                           const struct malloc_state *ms)
{
	const struct vma *v = vma_find(vmas, ms->main_arena_addr);

	if (!v || v->end - v->start > LIBC_DATA_MAX)
		return true;
	return take_pages(world, mem, v->start, v->end - v->start);
}

/*
 * What lies behind main_arena, whatever it is: an allocator that has gone astray (M_MXFAST below 8 makes
 * one, to 2.31) cuts its chunks from there, and aligns them.
 */
static bool take_what_follows(struct world *world, const struct vma_set *vmas, struct memory *mem,
                              const struct malloc_state *ms, uint8_t *piece)
{
	const struct vma *v = vma_find(vmas, ms->main_arena_addr), *past = vmas->at + vmas->count;
	uint64_t limit = ms->main_arena_addr + FOLLOWING;
	bool ok = true;

	if (!v || !world->pt.rules.has_fastbins || world->pt.rules.max_fast_seven)
		return true;
	for (; ok && v != past && v->start < limit; v++)
		ok = take_span(world, mem,
		               max_u64(v->start, align_down(ms->main_arena_addr, IMAGE_PAGE)),
		               min_u64(v->end, limit), true, piece);
	return ok;
}

/* VMAs of heaps whole. Pieces of main_arena that came from mmap lie in VMAs of another kind. */
static bool take_heaps(struct world *world, const struct vma_set *vmas, struct memory *mem,
                       const struct malloc_state *ms, uint8_t *piece)
{
	bool ok = true;

	for (size_t i = 0; ok && i < vmas->count; i++) {
		const struct vma *v = &vmas->at[i];

		ok = !is_private_anonymous(v) ||
		     take_span(world, mem, v->start, v->end,
		               v->kind == VMA_HEAP || v->kind == VMA_ARENA, piece);
	}
	for (size_t i = 0; ok && i < ms->arena_count; i++)
		for (size_t k = 0; ok && k < ms->arenas[i].heap_count; k++) {
			const struct malloc_heap *h = &ms->arenas[i].heaps[k];
			const struct vma *v = vma_find(vmas, h->start);

			if (v && v->kind != VMA_HEAP && v->kind != VMA_ARENA)
				ok = take_span(world, mem, align_down(h->start, IMAGE_PAGE),
				               align_up(h->end, IMAGE_PAGE), true, piece);
		}
	return ok;
}

bool world_copy_memory(struct world *world, const struct vma_set *vmas, struct memory *mem,
                       const struct malloc_state *ms)
{
	uint8_t *piece = malloc(PIECE);
	bool ok = piece && take_heaps(world, vmas, mem, ms, piece) &&
	          take_what_follows(world, vmas, mem, ms, piece);

	free(piece);
	for (size_t i = 0; ok && i < ms->mmapped_count; i++)
		ok = take_page(world, mem, ms->mmapped[i].addr) &&
		     take_page(world, mem, ms->mmapped[i].addr + 2 * (uint64_t)world->pt.lay->word);
	return ok && take_libc_data(world, vmas, mem, ms) &&
	       take_pages(world, mem, ms->main_arena_addr, world->pt.lay->arena.size) &&
	       take_pages(world, mem, ms->mp_addr, world->pt.lay->par.size);
}

/* Of the others it is not known which pages are there: a touch counts each as new. */
void world_mark_resident(struct world *world, const struct vma_set *vmas)
{
	for (size_t i = 0; vmas && i < vmas->count; i++) {
		const struct vma *v = &vmas->at[i];

		if (is_private_anonymous(v) && v->has_residency && !v->swap &&
		    v->rss == vma_size(v) && v->rss <= MARKED_MAX)
			(void)image_mark(&world->image, v->start, v->end, SLOT_UNKNOWN);
	}
}
