/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/sim/image_pool.h"

#include "model/base/units.h"

/* One byte or word at a time keeps the journal's rows as narrow as the change; whole pages of zeroes
 * need no bytes at all. */
void image_fill(struct image *image, uint64_t addr, uint8_t byte, uint64_t len)
{
	uint64_t word = byte * UINT64_C(0x0101010101010101), end = addr + len;

	while (addr < end && image->fault == IMAGE_OK) {
		if (!byte && is_aligned(addr, IMAGE_PAGE) && end - addr >= IMAGE_PAGE) {
			image_zero_page(image, addr);
			addr += IMAGE_PAGE;
		} else if (is_aligned(addr, 8) && end - addr >= 8) {
			image_set8(image, addr, word);
			addr += 8;
		} else {
			image_set1(image, addr, byte);
			addr++;
		}
	}
}

/* How much of [addr, end) lies in the page of `addr`. */
static uint64_t in_page(uint64_t addr, uint64_t end)
{
	return min_u64(align_down(addr, IMAGE_PAGE) + IMAGE_PAGE, end) - addr;
}

static void put_bytes(struct image *image, uint64_t to, const uint8_t *bytes, uint64_t len)
{
	for (uint64_t i = 0; i < len;) {
		uint64_t word;

		if (is_aligned(to + i, 8) && len - i >= 8) {
			memcpy(&word, bytes + i, 8);
			image_set8(image, to + i, word);
			i += 8;
		} else {
			image_set1(image, to + i, bytes[i]);
			i++;
		}
	}
}

void image_copy(struct image *image, uint64_t to, uint64_t from, uint64_t len)
{
	uint64_t end = from + len;

	while (from < end && image->fault == IMAGE_OK) {
		uint8_t bytes[IMAGE_PAGE] = { 0 };
		uint64_t part = min_u64(in_page(from, end), in_page(to, to + (end - from)));

		/* What was not copied from the target is nothing that malloc reads. */
		if (image_peek(image, from, bytes, part))
			put_bytes(image, to, bytes, part);
		else
			image_touch(image, to, to + part);
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
