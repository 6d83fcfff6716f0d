/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_SIM_IMAGE_PRIVATE_H
#define HEAPTOP_MODEL_SIM_IMAGE_PRIVATE_H

/* Between image*.c. */
#include "model/sim/image_pool.h"

#define IMAGE_LEAF_SHIFT 21
#define IMAGE_NO_TAG     UINT64_MAX
/* Processes have no addresses from here on: what lies there is the models' own. */
#define IMAGE_USER_END ((uint64_t)1 << 57)

static inline size_t image_row_of(uint64_t addr)
{
	return (addr / IMAGE_PAGE) % IMAGE_TLB_ROWS;
}

static inline void image_flush_page(struct image *image, uint64_t addr)
{
	image->readable[image_row_of(addr)].tag = IMAGE_NO_TAG;
	image->writable[image_row_of(addr)].tag = IMAGE_NO_TAG;
}

static inline bool is_resident(uint32_t slot)
{
	return slot == SLOT_ZERO || slot == SLOT_UNKNOWN || slot >= SLOT_FIRST_PAGE;
}

/* image.c */

void image_flush_all(struct image *image);
/** Keeps the first fault. */
void image_fail(struct image *image, enum image_fault fault, uint64_t addr, bool is_write);

/** Index of the first root row whose number is not below. */
size_t image_root_find(const struct image *image, uint64_t number);
struct image_root_row *image_root_at(const struct image *image, uint64_t number);
struct image_leaf *image_leaf_miss(struct image *image, uint64_t number);

/** The leaf of an address, shared or not; NULL: there is none. */
static inline struct image_leaf *image_leaf_at(struct image *image, uint64_t addr)
{
	uint64_t number = addr >> IMAGE_LEAF_SHIFT;
	struct image_leaf *leaf = image->leaf_cache[number % IMAGE_LEAF_CACHE];

	if (leaf && image->leaf_cache_number[number % IMAGE_LEAF_CACHE] == number)
		return leaf;
	return image_leaf_miss(image, number);
}

/** The slot that holds `addr`, without a fault. */
uint32_t image_slot_at(const struct image *image, uint64_t addr);
/** Puts `slot` there, taking over its reference; the old one goes to the journal or back. */
bool image_slot_set(struct image *image, uint64_t addr, uint32_t slot);
/** The same for a page that is given back when it can't be put there. */
bool image_slot_put(struct image *image, uint64_t addr, uint32_t slot);

/* image_access.c */

/** True when the access may go on. */
bool image_ask_backing(struct image *image, uint64_t addr, bool is_write, uint32_t slot);
/** The page at `addr` with bytes of its own in a leaf of its own; 0 after a fault. */
uint32_t image_own_page(struct image *image, uint64_t addr);
/** A write of a whole page: one change in the journal. `bytes` NULL: zeroes. False after a fault. */
bool image_page_write(struct image *image, uint64_t page_addr, const uint8_t *bytes);

#endif
