/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/sim/image_private.h"

#include "model/base/units.h"

/** Accesses that the software TLB does not know. */

bool image_ask_backing(struct image *image, uint64_t addr, bool is_write, uint32_t slot)
{
	enum image_fault fault = addr >> 60 || slot == SLOT_GUARD ? IMAGE_SEGV : IMAGE_OK;

	if (addr >= IMAGE_PRIVATE_START && addr < IMAGE_PRIVATE_END) {
		if (!image->admits_private)
			image_fail(image, IMAGE_SEGV, addr, is_write);
		return image->admits_private;
	}
	if (fault == IMAGE_OK && addr >= image->window.start && addr < image->window.end &&
	    (!is_write || image->window.may_write))
		return true;
	if (fault == IMAGE_OK && image->backing.access)
		fault = image->backing.access(image->backing.ctx, addr, is_write);
	/* A file's pages have bytes of their own once they were copied. */
	if (fault == IMAGE_UNKNOWN && slot >= SLOT_FIRST_PAGE)
		fault = IMAGE_OK;
	if (fault != IMAGE_OK)
		image_fail(image, fault, addr, is_write);
	return fault == IMAGE_OK;
}

/* The TLB forgets the page at once: it answers before the backing is asked. */
uint64_t image_private_get8(struct image *image, uint64_t addr)
{
	uint64_t v;

	image->admits_private = true;
	v = image_get8(image, addr);
	image->admits_private = false;
	image_flush_page(image, addr);
	return v;
}

void image_private_set8(struct image *image, uint64_t addr, uint64_t v)
{
	image->admits_private = true;
	image_set8(image, addr, v);
	image->admits_private = false;
	image_flush_page(image, addr);
}

static uint8_t *dummy(struct image *image)
{
	memset(image->dummy, 0, sizeof(image->dummy));
	return image->dummy;
}

static const uint8_t zero_page[IMAGE_PAGE];

/* Byte by byte, as the processor may: a corrupt pointer is read before it is found out. */
static const uint8_t *read_unaligned(struct image *image, uint64_t addr, unsigned width)
{
	uint8_t bytes[8] = { 0 };

	for (unsigned i = 0; i < width; i++)
		bytes[i] = *image_at(image, addr + i, 1);
	(void)dummy(image);
	if (image->fault == IMAGE_OK)
		memcpy(image->dummy, bytes, sizeof(bytes));
	return image->dummy;
}

const uint8_t *image_read_miss(struct image *image, uint64_t addr, unsigned width)
{
	struct image_row *row = &image->readable[image_row_of(addr)];
	struct image_leaf *leaf;
	uint32_t slot;

	if (!is_aligned(addr, width))
		return read_unaligned(image, addr, width);
	leaf = image_leaf_at(image, addr);
	slot = leaf ? leaf->slot[(addr / IMAGE_PAGE) % IMAGE_LEAF_PAGES]
	            : image_slot_at(image, addr);
	if (!image_ask_backing(image, addr, false, slot))
		return dummy(image);
	if (slot == SLOT_UNKNOWN || slot == SLOT_SWAPPED) {
		image_fail(image, IMAGE_UNKNOWN, addr, false);
		return dummy(image);
	}
	if (slot == SLOT_EMPTY && addr < IMAGE_USER_END)
		(void)image_slot_set(image, align_down(addr, IMAGE_PAGE), SLOT_READ);
	if (slot < SLOT_FIRST_PAGE)
		return zero_page + addr % IMAGE_PAGE;
	row->host = pool_page_bytes(image->pool, slot);
	row->tag = align_down(addr, IMAGE_PAGE);
	return row->host + addr % IMAGE_PAGE;
}

uint32_t image_own_page(struct image *image, uint64_t addr)
{
	struct image_leaf *leaf = image_leaf_at(image, addr);
	uint32_t page, slot = leaf ? leaf->slot[(addr / IMAGE_PAGE) % IMAGE_LEAF_PAGES]
	                           : image_slot_at(image, addr);

	if (!image_ask_backing(image, addr, true, slot))
		return 0;
	if (slot == SLOT_UNKNOWN || slot == SLOT_SWAPPED) {
		image_fail(image, IMAGE_UNKNOWN, addr, true);
		return 0;
	}
	if (slot >= SLOT_FIRST_PAGE && leaf && leaf->refs == 1 &&
	    pool_page_refs(image->pool, slot) == 1)
		return slot;
	page = pool_page_new(image->pool);
	if (!page) {
		image_fail(image, IMAGE_NO_MEMORY, addr, true);
		return 0;
	}
	if (slot >= SLOT_FIRST_PAGE)
		memcpy(pool_page_bytes(image->pool, page), pool_page_bytes(image->pool, slot),
		       IMAGE_PAGE);
	return image_slot_put(image, align_down(addr, IMAGE_PAGE), page) ? page : 0;
}

bool image_page_write(struct image *image, uint64_t page_addr, const uint8_t *bytes)
{
	uint32_t page = SLOT_ZERO, old = image_slot_at(image, page_addr);

	if (!image_ask_backing(image, page_addr, true, old))
		return false;
	if (old == SLOT_UNKNOWN || old == SLOT_SWAPPED) {
		image_fail(image, IMAGE_UNKNOWN, page_addr, true);
		return false;
	}
	/* Where there are bytes they may hide a file's, which zeroes must go on doing. */
	if (bytes || old >= SLOT_FIRST_PAGE) {
		page = pool_page_new(image->pool);
		if (!page) {
			image_fail(image, IMAGE_NO_MEMORY, page_addr, true);
			return false;
		}
		if (bytes)
			memcpy(pool_page_bytes(image->pool, page), bytes, IMAGE_PAGE);
	}
	return image_slot_put(image, page_addr, page);
}

uint8_t *image_write_miss(struct image *image, uint64_t addr, unsigned width)
{
	uint32_t page;
	struct image_row *row = &image->writable[image_row_of(addr)];

	if (!is_aligned(addr, width)) {
		image_fail(image, IMAGE_UNALIGNED, addr, true);
		return NULL;
	}
	page = image_own_page(image, addr);
	if (!page)
		return NULL;
	row->host = pool_page_bytes(image->pool, page);
	row->tag = align_down(addr, IMAGE_PAGE);
	image->readable[image_row_of(addr)] = *row;
	return row->host + addr % IMAGE_PAGE;
}

void image_set_miss(struct image *image, uint64_t addr, uint64_t v, enum image_kind kind)
{
	unsigned width = 8u >> kind;
	uint8_t *to = image_write_miss(image, addr, width);
	uint64_t old = 0;

	if (!to)
		return;
	memcpy(&old, to, width); /* little endian: the low bytes come first */
	image_note(image, addr | IMAGE_KIND(kind), old);
	memcpy(to, &v, width);
}
