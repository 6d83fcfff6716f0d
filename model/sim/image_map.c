/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/sim/image_private.h"

#include "model/base/units.h"

/** What the kernel does to a process's pages. */

void image_flush(struct image *image, uint64_t start, uint64_t end)
{
	if (end - start > (uint64_t)IMAGE_TLB_ROWS * IMAGE_PAGE) {
		image_flush_all(image);
		return;
	}
	for (uint64_t at = align_down(start, IMAGE_PAGE); at < end; at += IMAGE_PAGE)
		image_flush_page(image, at);
}

/* Sets [start, end) of one leaf to EMPTY. */
static void drop_in_leaf(struct image *image, const struct image_root_row *row, uint64_t start,
                         uint64_t end)
{
	/* Another leaf when this one is shared and becomes the image's own: the same slots. */
	const struct image_leaf *leaf = row->leaf;

	if (!leaf && row->uniform == SLOT_EMPTY)
		return;
	for (uint64_t at = start; at < end; at += IMAGE_PAGE)
		if ((!leaf || leaf->slot[(at / IMAGE_PAGE) % IMAGE_LEAF_PAGES] != SLOT_EMPTY) &&
		    !image_slot_set(image, at, SLOT_EMPTY))
			return;
}

uint64_t image_drop(struct image *image, uint64_t start, uint64_t end)
{
	uint64_t before = image->resident, leaf_bytes = (uint64_t)1 << IMAGE_LEAF_SHIFT;

	for (size_t i = image_root_find(image, start >> IMAGE_LEAF_SHIFT);
	     i < image->root_count && image->root[i].number << IMAGE_LEAF_SHIFT < end; i++) {
		uint64_t base = image->root[i].number << IMAGE_LEAF_SHIFT;

		drop_in_leaf(image, &image->root[i], max_u64(base, start),
		             min_u64(base + leaf_bytes, end));
	}
	image_flush(image, start, end);
	return before - image->resident;
}

uint64_t image_next_leaf(const struct image *image, uint64_t addr)
{
	size_t i = image_root_find(image, addr >> IMAGE_LEAF_SHIFT);

	return i < image->root_count ? image->root[i].number << IMAGE_LEAF_SHIFT
	                             : UINT64_MAX & ~(uint64_t)(IMAGE_PAGE - 1);
}

/* After an empty page: the next page, or where the next leaf begins when this one does not exist. */
static uint64_t next_place(const struct image *image, uint64_t addr)
{
	uint64_t leaf = image_next_leaf(image, addr);

	return leaf <= addr ? addr + IMAGE_PAGE : leaf;
}

void image_move(struct image *image, uint64_t from, uint64_t to, uint64_t len)
{
	image_drop(image, to, to + len);
	for (uint64_t at = 0; at < len; at += IMAGE_PAGE) {
		uint32_t slot = image_slot_at(image, from + at);

		if (slot == SLOT_EMPTY) {
			at = next_place(image, from + at) - from - IMAGE_PAGE;
			continue;
		}
		if (slot >= SLOT_FIRST_PAGE)
			pool_page_ref(image->pool, slot);
		if (!image_slot_put(image, to + at, slot) ||
		    !image_slot_set(image, from + at, SLOT_EMPTY))
			return;
	}
	image_flush(image, from, from + len);
	image_flush(image, to, to + len);
}

uint64_t image_touch(struct image *image, uint64_t start, uint64_t end)
{
	uint64_t before = image->resident;

	for (uint64_t at = align_down(start, IMAGE_PAGE); at < end; at += IMAGE_PAGE) {
		uint32_t slot = image_slot_at(image, at);

		if (!image_ask_backing(image, at, true, slot))
			break;
		if (slot == SLOT_EMPTY && !image_slot_set(image, at, SLOT_ZERO))
			break;
		if (slot == SLOT_SWAPPED && !image_slot_set(image, at, SLOT_UNKNOWN))
			break;
	}
	return image->resident - before;
}

uint64_t image_resident(const struct image *image, uint64_t start, uint64_t end)
{
	uint64_t count = 0, leaf_bytes = (uint64_t)1 << IMAGE_LEAF_SHIFT;

	for (size_t i = image_root_find(image, start >> IMAGE_LEAF_SHIFT);
	     i < image->root_count && image->root[i].number << IMAGE_LEAF_SHIFT < end; i++) {
		const struct image_root_row *row = &image->root[i];
		uint64_t base = row->number << IMAGE_LEAF_SHIFT;
		uint64_t first = max_u64(base, start), last = min_u64(base + leaf_bytes, end);

		if (!row->leaf) {
			count += is_resident(row->uniform) ? (last - first) / IMAGE_PAGE : 0;
			continue;
		}
		for (uint64_t at = first; at < last; at += IMAGE_PAGE)
			count += is_resident(row->leaf->slot[(at / IMAGE_PAGE) % IMAGE_LEAF_PAGES]);
	}
	return count;
}

bool image_is_any_resident(const struct image *image, uint64_t start, uint64_t end)
{
	for (size_t i = image_root_find(image, start >> IMAGE_LEAF_SHIFT);
	     i < image->root_count && image->root[i].number << IMAGE_LEAF_SHIFT < end; i++) {
		const struct image_root_row *row = &image->root[i];
		uint64_t base = row->number << IMAGE_LEAF_SHIFT;
		uint64_t last = min_u64(base + ((uint64_t)1 << IMAGE_LEAF_SHIFT), end);

		if (!row->leaf && is_resident(row->uniform))
			return true;
		for (uint64_t at = max_u64(base, start); row->leaf && at < last; at += IMAGE_PAGE)
			if (is_resident(row->leaf->slot[(at / IMAGE_PAGE) % IMAGE_LEAF_PAGES]))
				return true;
	}
	return false;
}
