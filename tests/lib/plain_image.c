/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/lib/plain_image.h"

#include <string.h>

#include "model/base/units.h"

/* One cluster across the border of two leaves, one whose pages share their TLB rows with it, one far
 * away. */
static const uint64_t cluster_start[PLAIN_CLUSTERS] = { 0x7f00005f8000, 0x7f00015f8000,
	                                                0x555555554000 };

uint64_t plain_addr(size_t page)
{
	return cluster_start[page / PLAIN_CLUSTER_PAGES] +
	       (page % PLAIN_CLUSTER_PAGES) * IMAGE_PAGE;
}

size_t plain_index(uint64_t addr)
{
	for (size_t i = 0; i < PLAIN_CLUSTERS; i++)
		if (addr >= cluster_start[i] &&
		    addr < cluster_start[i] + PLAIN_CLUSTER_PAGES * IMAGE_PAGE)
			return i * PLAIN_CLUSTER_PAGES + (addr - cluster_start[i]) / IMAGE_PAGE;
	return PLAIN_PAGES;
}

enum image_fault plain_rights_say(void *of, uint64_t addr, bool is_write)
{
	const struct plain_owner *owner = of;
	size_t page = plain_index(addr);
	enum plain_rights rights = page < PLAIN_PAGES ? owner->rights[page] : NOTHING;

	if (rights == NOTHING || (rights == READ_ONLY && is_write))
		return IMAGE_SEGV;
	return rights == OF_A_FILE ? IMAGE_UNKNOWN : IMAGE_OK;
}

static void plain_fail(struct plain_owner *owner, enum image_fault fault, uint64_t addr,
                       bool is_write)
{
	if (owner->fault != IMAGE_OK)
		return;
	owner->fault = fault;
	owner->fault_addr = addr;
	owner->fault_is_write = is_write;
}

/* The page of an access that may be made; NULL after a fault. */
static struct plain_page *plain_page(struct plain_owner *owner, struct plain_image *p,
                                     uint64_t addr, bool is_write, bool needs_bytes)
{
	size_t i = plain_index(addr);
	enum image_fault fault = plain_rights_say(owner, addr, is_write);

	if (fault == IMAGE_UNKNOWN && p->pages[i].slot == SLOT_FIRST_PAGE)
		fault = IMAGE_OK;
	if (p->pages[i].slot == SLOT_GUARD)
		fault = IMAGE_SEGV;
	if (fault == IMAGE_OK && needs_bytes &&
	    (p->pages[i].slot == SLOT_UNKNOWN || p->pages[i].slot == SLOT_SWAPPED))
		fault = IMAGE_UNKNOWN;
	if (fault == IMAGE_OK)
		return &p->pages[i];
	plain_fail(owner, fault, addr, is_write);
	return NULL;
}

uint64_t plain_get(struct plain_owner *owner, struct plain_image *p, uint64_t addr, unsigned width)
{
	const struct plain_page *page;
	uint64_t v = 0;

	for (unsigned i = 0; i < width; i++) {
		page = plain_page(owner, p, addr + i, false, true);
		if (page)
			v |= (uint64_t)page->bytes[(addr + i) % IMAGE_PAGE] << 8 * i;
	}
	return owner->fault == IMAGE_OK ? v : 0;
}

void plain_set(struct plain_owner *owner, struct plain_image *p, uint64_t addr, unsigned width,
               uint64_t v)
{
	struct plain_page *page;

	if (!is_aligned(addr, width)) {
		plain_fail(owner, IMAGE_UNALIGNED, addr, true);
		return;
	}
	page = plain_page(owner, p, addr, true, true);
	if (!page)
		return;
	page->slot = SLOT_FIRST_PAGE;
	memcpy(page->bytes + addr % IMAGE_PAGE, &v, width);
}

void plain_drop(struct plain_image *p, size_t first, size_t count)
{
	memset(&p->pages[first], 0, count * sizeof(p->pages[0]));
}

void plain_touch(struct plain_owner *owner, struct plain_image *p, uint64_t start, uint64_t end)
{
	for (uint64_t at = align_down(start, IMAGE_PAGE); at < end; at += IMAGE_PAGE) {
		struct plain_page *page = plain_page(owner, p, at, true, false);

		if (!page)
			return;
		if (page->slot == SLOT_EMPTY || page->slot == SLOT_READ)
			page->slot = SLOT_ZERO;
		if (page->slot == SLOT_SWAPPED)
			page->slot = SLOT_UNKNOWN;
	}
}

void plain_copy(struct plain_owner *owner, struct plain_image *p, uint64_t to, uint64_t from,
                uint64_t len)
{
	for (uint64_t i = 0; i < len && owner->fault == IMAGE_OK; i++) {
		const struct plain_page *page = &p->pages[plain_index(from + i)];

		if (page->slot == SLOT_UNKNOWN || page->slot == SLOT_SWAPPED)
			plain_touch(owner, p, to + i, to + i + 1);
		else
			plain_set(owner, p, to + i, 1, page->bytes[(from + i) % IMAGE_PAGE]);
	}
}

void plain_fill(struct plain_owner *owner, struct plain_image *p, uint64_t addr, uint8_t byte,
                uint64_t len)
{
	uint64_t end = addr + len;

	while (addr < end && owner->fault == IMAGE_OK) {
		struct plain_page *page;

		if (byte || !is_aligned(addr, IMAGE_PAGE) || end - addr < IMAGE_PAGE) {
			plain_set(owner, p, addr++, 1, byte);
			continue;
		}
		page = plain_page(owner, p, addr, true, true);
		if (page && page->slot != SLOT_FIRST_PAGE)
			page->slot = SLOT_ZERO;
		else if (page)
			memset(page->bytes, 0, IMAGE_PAGE);
		addr += IMAGE_PAGE;
	}
}
