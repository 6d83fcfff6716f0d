/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/sim/image_private.h"

#include "model/base/units.h"

/* Part of a page: one byte or word at a time keeps the journal's rows as narrow as the change. */
static void fill_part(struct image *image, uint64_t addr, uint8_t byte, uint64_t end)
{
	uint64_t word = byte * UINT64_C(0x0101010101010101);

	while (addr < end && image->fault == IMAGE_OK) {
		if (is_aligned(addr, 8) && end - addr >= 8) {
			image_set8(image, addr, word);
			addr += 8;
		} else {
			image_set1(image, addr, byte);
			addr++;
		}
	}
}

static void write_part(struct image *image, uint64_t to, const uint8_t *bytes, uint64_t len)
{
	for (uint64_t i = 0; i < len && image->fault == IMAGE_OK;) {
		uint64_t word;

		if (is_aligned(to + i, 8) && len - i >= 8) {
			memcpy(&word, bytes + i, 8);
			image_set8(image, to + i, word);
			i += 8;
		} else {
			// NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): image_peek() filled them
			image_set1(image, to + i, bytes[i]);
			i++;
		}
	}
}

/* How much of [addr, end) lies in the page of `addr`. */
static uint64_t in_page(uint64_t addr, uint64_t end)
{
	return min_u64(align_down(addr, IMAGE_PAGE) + IMAGE_PAGE, end) - addr;
}

void image_fill(struct image *image, uint64_t addr, uint8_t byte, uint64_t len)
{
	uint8_t bytes[IMAGE_PAGE];
	uint64_t end = addr + len;

	memset(bytes, byte, sizeof(bytes));
	while (addr < end && image->fault == IMAGE_OK) {
		uint64_t part = in_page(addr, end);

		if (part == IMAGE_PAGE)
			image_page_write(image, addr, byte ? bytes : NULL);
		else
			fill_part(image, addr, byte, addr + part);
		addr += part;
	}
}

/* Part of a page, from one page: what was not copied from the target is nothing that malloc reads. */
static void copy_part(struct image *image, uint64_t to, uint64_t from, uint64_t len)
{
	uint8_t bytes[IMAGE_PAGE];

	if (image_peek(image, from, bytes, len))
		write_part(image, to, bytes, len);
	else
		image_touch(image, to, to + len);
}

void image_copy(struct image *image, uint64_t to, uint64_t from, uint64_t len)
{
	uint64_t end = to + len;

	while (to < end && image->fault == IMAGE_OK) {
		uint8_t bytes[IMAGE_PAGE];
		uint64_t part = in_page(to, end), first = in_page(from, from + part);

		if (part == IMAGE_PAGE && image_peek(image, from, bytes, part)) {
			image_page_write(image, to, bytes);
		} else {
			copy_part(image, to, from, first);
			if (first < part && image->fault == IMAGE_OK)
				copy_part(image, to + first, from + first, part - first);
		}
		from += part;
		to += part;
	}
}

bool image_peek(const struct image *image, uint64_t addr, void *ret, size_t len)
{
	uint64_t end = addr + len;
	uint8_t *to = ret;

	while (addr < end) {
		uint64_t part = in_page(addr, end);
		uint32_t slot = image_slot_at(image, addr);

		if (slot == SLOT_UNKNOWN || slot == SLOT_SWAPPED)
			return false;
		if (slot < SLOT_FIRST_PAGE)
			memset(to, 0, part);
		else
			memcpy(to, pool_page_bytes(image->pool, slot) + addr % IMAGE_PAGE, part);
		addr += part;
		to += part;
	}
	return true;
}
