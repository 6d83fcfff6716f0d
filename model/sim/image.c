/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/sim/image_private.h"

#include "model/base/units.h"

void image_flush_all(struct image *image)
{
	for (size_t i = 0; i < IMAGE_TLB_ROWS; i++)
		image->readable[i] = image->writable[i] =
		        (struct image_row){ IMAGE_NO_TAG, image->dummy };
}

void image_fail(struct image *image, enum image_fault fault, uint64_t addr, bool is_write)
{
	if (image->fault != IMAGE_OK)
		return;
	image->fault = fault;
	image->fault_addr = addr;
	image->fault_is_write = is_write;
}

void image_init(struct image *image, struct image_pool *pool)
{
	memset(image, 0, sizeof(*image));
	image->pool = pool;
	image_flush_all(image);
}

/* --- root ----------------------------------------------------------------------------------------- */

size_t image_root_find(const struct image *image, uint64_t number)
{
	size_t low = 0, high = image->root_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (image->root[mid].number < number)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct image_root_row *image_root_at(const struct image *image, uint64_t number)
{
	size_t i = image_root_find(image, number);

	return i < image->root_count && image->root[i].number == number ? &image->root[i] : NULL;
}

static struct image_root_row *root_add(struct image *image, uint64_t number)
{
	size_t i = image_root_find(image, number);

	if (i < image->root_count && image->root[i].number == number)
		return &image->root[i];
	if (!pool_root_room(image->pool, &image->root, image->root_count, &image->root_room)) {
		image_fail(image, IMAGE_NO_MEMORY, number << IMAGE_LEAF_SHIFT, true);
		return NULL;
	}
	memmove(&image->root[i + 1], &image->root[i],
	        (image->root_count - i) * sizeof(*image->root));
	image->root_count++;
	image->root[i] = (struct image_root_row){ .number = number, .uniform = SLOT_EMPTY };
	return &image->root[i];
}

static void cache_leaf(struct image *image, uint64_t number, struct image_leaf *leaf)
{
	image->leaf_cache[number % IMAGE_LEAF_CACHE] = leaf;
	image->leaf_cache_number[number % IMAGE_LEAF_CACHE] = number;
}

struct image_leaf *image_leaf_miss(struct image *image, uint64_t number)
{
	const struct image_root_row *row = image_root_at(image, number);
	struct image_leaf *leaf = row ? row->leaf : NULL;

	if (leaf)
		cache_leaf(image, number, leaf);
	return leaf;
}

uint32_t image_slot_at(const struct image *image, uint64_t addr)
{
	const struct image_root_row *row = image_root_at(image, addr >> IMAGE_LEAF_SHIFT);

	if (!row)
		return SLOT_EMPTY;
	return row->leaf ? row->leaf->slot[(addr / IMAGE_PAGE) % IMAGE_LEAF_PAGES] : row->uniform;
}

/* The leaf of a root row, owned by this image alone, so that its slots may be written. */
static struct image_leaf *leaf_own(struct image *image, struct image_root_row *row)
{
	struct image_leaf *leaf;

	if (row->leaf && row->leaf->refs == 1)
		return row->leaf;
	leaf = pool_leaf_new(image->pool);
	if (!leaf) {
		image_fail(image, IMAGE_NO_MEMORY, row->number << IMAGE_LEAF_SHIFT, true);
		return NULL;
	}
	if (row->leaf) {
		memcpy(leaf->slot, row->leaf->slot, sizeof(leaf->slot));
		for (size_t i = 0; i < IMAGE_LEAF_PAGES; i++)
			if (leaf->slot[i] >= SLOT_FIRST_PAGE)
				pool_page_ref(image->pool, leaf->slot[i]);
		pool_leaf_unref(image->pool, row->leaf);
	} else {
		for (size_t i = 0; i < IMAGE_LEAF_PAGES; i++)
			leaf->slot[i] = row->uniform;
	}
	row->leaf = leaf;
	cache_leaf(image, row->number, leaf);
	return leaf;
}

bool image_slot_set(struct image *image, uint64_t addr, uint32_t slot)
{
	struct image_leaf *leaf = image_leaf_at(image, addr);
	uint32_t *at, old;

	if (!leaf || leaf->refs != 1) {
		struct image_root_row *row = root_add(image, addr >> IMAGE_LEAF_SHIFT);

		leaf = row ? leaf_own(image, row) : NULL;
		if (!leaf)
			return false;
	}
	at = &leaf->slot[(addr / IMAGE_PAGE) % IMAGE_LEAF_PAGES];
	old = *at;
	*at = slot;
	image->resident += (uint64_t)is_resident(slot) - (uint64_t)is_resident(old);
	if (image->is_journaling) {
		image_note(image, addr | IMAGE_KIND(IMAGE_SLOT), old);
		image->slot_changes++;
	} else if (old >= SLOT_FIRST_PAGE)
		pool_page_unref(image->pool, old);
	image_flush_page(image, addr);
	return true;
}

bool image_slot_put(struct image *image, uint64_t addr, uint32_t slot)
{
	if (image_slot_set(image, addr, slot))
		return true;
	if (slot >= SLOT_FIRST_PAGE)
		pool_page_unref(image->pool, slot);
	return false;
}

bool image_branch(struct image *from, struct image *to)
{
	memset(to, 0, sizeof(*to));
	to->pool = from->pool;
	to->backing = from->backing;
	to->resident = from->resident;
	if (!pool_root_copy(from->pool, from->root, from->root_count, &to->root, &to->root_room))
		return false;
	to->root_count = from->root_count;
	for (size_t i = 0; i < to->root_count; i++)
		if (to->root[i].leaf)
			to->root[i].leaf->refs++;
	image_flush_all(from); /* its own pages are shared now: the next write must find that out */
	image_flush_all(to);
	return true;
}

void image_end(struct image *image)
{
	if (!image->pool) /* of a world that could not be begun */
		return;
	image_commit(image, 0);
	for (size_t i = 0; i < image->root_count; i++)
		if (image->root[i].leaf)
			pool_leaf_unref(image->pool, image->root[i].leaf);
	pool_root_free(image->pool, image->root, image->root_room);
	pool_journal_free(image->pool, image->journal, image->journal_room);
	image->root = NULL;
	image->root_count = image->root_room = image->journal_room = 0;
	image->journal = NULL;
	image->journal_at = image->journal_end = NULL;
}

/* --- filling -------------------------------------------------------------------------------------- */

bool image_put(struct image *image, uint64_t page_addr, const void *bytes, size_t pages)
{
	for (size_t i = 0; i < pages; i++) {
		uint32_t page = pool_page_new(image->pool);

		if (!page)
			return false;
		memcpy(pool_page_bytes(image->pool, page), (const uint8_t *)bytes + i * IMAGE_PAGE,
		       IMAGE_PAGE);
		if (!image_slot_put(image, page_addr + i * IMAGE_PAGE, page))
			return false;
	}
	return true;
}

bool image_mark(struct image *image, uint64_t start, uint64_t end, enum image_slot slot)
{
	uint64_t leaf_bytes = (uint64_t)1 << IMAGE_LEAF_SHIFT;

	while (start < end) {
		uint64_t next = min_u64(align_down(start, leaf_bytes) + leaf_bytes, end);

		if (next - start == leaf_bytes &&
		    !image_root_at(image, start >> IMAGE_LEAF_SHIFT)) {
			struct image_root_row *row = root_add(image, start >> IMAGE_LEAF_SHIFT);

			if (!row)
				return false;
			row->uniform = slot;
			image->resident += is_resident(slot) ? IMAGE_LEAF_PAGES : 0;
			start = next;
			continue;
		}
		for (; start < next; start += IMAGE_PAGE)
			if (!image_slot_set(image, start, slot))
				return false;
	}
	return true;
}
