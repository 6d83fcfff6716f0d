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

static uint32_t slot_of(const struct image_root_row *row, const struct image_leaf *leaf,
                        uint64_t addr)
{
	return leaf ? leaf->slot[(addr / IMAGE_PAGE) % IMAGE_LEAF_PAGES] : row->uniform;
}

/* Sets [start, end) of one leaf to EMPTY, but for what is `kept`. */
static void drop_in_leaf(struct image *image, const struct image_root_row *row, uint64_t start,
                         uint64_t end, uint32_t kept)
{
	/* Another leaf when this one is shared and becomes the image's own: the same slots. */
	const struct image_leaf *leaf = row->leaf;

	if (!leaf && row->uniform == SLOT_EMPTY)
		return;
	for (uint64_t at = start; at < end; at += IMAGE_PAGE) {
		uint32_t slot = slot_of(row, leaf, at);

		if (slot != SLOT_EMPTY && slot != kept && !image_slot_set(image, at, SLOT_EMPTY))
			return;
	}
}

static uint64_t drop(struct image *image, uint64_t start, uint64_t end, uint32_t kept)
{
	uint64_t before = image->resident, leaf_bytes = (uint64_t)1 << IMAGE_LEAF_SHIFT;

	for (size_t i = image_root_find(image, start >> IMAGE_LEAF_SHIFT);
	     i < image->root_count && image->root[i].number << IMAGE_LEAF_SHIFT < end; i++) {
		uint64_t base = image->root[i].number << IMAGE_LEAF_SHIFT;

		drop_in_leaf(image, &image->root[i], max_u64(base, start),
		             min_u64(base + leaf_bytes, end), kept);
	}
	image_flush(image, start, end);
	return before - image->resident;
}

uint64_t image_drop(struct image *image, uint64_t start, uint64_t end)
{
	return drop(image, start, end, SLOT_EMPTY);
}

uint64_t image_zap(struct image *image, uint64_t start, uint64_t end)
{
	return drop(image, start, end, SLOT_GUARD);
}

/* --- guards and reads ------------------------------------------------------------------------- */

/* Of [start, end) the pages that are `from` (EMPTY: whatever they are) become `to`. */
static void change_slots(struct image *image, uint64_t start, uint64_t end, uint32_t from,
                         uint32_t to, bool is_any)
{
	for (uint64_t at = start; at < end; at += IMAGE_PAGE) {
		uint32_t slot = image_slot_at(image, at);

		if (slot != to && (is_any || slot == from) && !image_slot_set(image, at, to))
			return;
	}
}

void image_guard(struct image *image, uint64_t start, uint64_t end)
{
	change_slots(image, start, end, SLOT_EMPTY, SLOT_GUARD, true);
	image_flush(image, start, end);
}

uint64_t image_read(struct image *image, uint64_t start, uint64_t end, enum image_slot as)
{
	uint64_t before = image->resident;

	change_slots(image, start, end, SLOT_EMPTY, as, false);
	return image->resident - before;
}

/* The leaves of [start, end) that exist, one after another; false: no more. */
static bool next_piece(const struct image *image, uint64_t *start, uint64_t end, uint64_t *ret_end)
{
	uint64_t leaf = image_next_leaf(image, *start);

	*start = max_u64(*start, leaf);
	*ret_end = min_u64(leaf + ((uint64_t)1 << IMAGE_LEAF_SHIFT), end);
	return *start < end;
}

void image_unguard(struct image *image, uint64_t start, uint64_t end)
{
	for (uint64_t next; next_piece(image, &start, end, &next); start = next)
		change_slots(image, start, next, SLOT_GUARD, SLOT_EMPTY, false);
}

uint64_t image_find_guard(const struct image *image, uint64_t start, uint64_t end)
{
	for (uint64_t next; next_piece(image, &start, end, &next); start = next) {
		const struct image_root_row *row = image_root_at(image, start >> IMAGE_LEAF_SHIFT);

		for (uint64_t at = start; at < next; at += row->leaf ? IMAGE_PAGE : next - at)
			if (slot_of(row, row->leaf, at) == SLOT_GUARD)
				return at;
	}
	return end;
}

bool image_is_any_mapped(const struct image *image, uint64_t start, uint64_t end)
{
	for (uint64_t next; next_piece(image, &start, end, &next); start = next) {
		const struct image_root_row *row = image_root_at(image, start >> IMAGE_LEAF_SHIFT);

		for (uint64_t at = start; at < next; at += row->leaf ? IMAGE_PAGE : next - at)
			if (slot_of(row, row->leaf, at) != SLOT_EMPTY)
				return true;
	}
	return false;
}

/* --- moving and touching ---------------------------------------------------------------------- */

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
		if ((slot == SLOT_EMPTY || slot == SLOT_READ) &&
		    !image_slot_set(image, at, SLOT_ZERO))
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
