/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TESTS_LIB_PLAIN_IMAGE_H
#define HEAPTOP_TESTS_LIB_PLAIN_IMAGE_H

/**
 * What model/sim/image.h does, done the plain way: an array of pages, copied whole. A few clusters of
 * pages at addresses that are awkward for an image.
 */
#include "model/sim/image.h"

enum {
	PLAIN_CLUSTERS = 3,
	PLAIN_CLUSTER_PAGES = 16,
	PLAIN_PAGES = PLAIN_CLUSTERS * PLAIN_CLUSTER_PAGES,
};

enum plain_rights { NOTHING, READ_ONLY, READ_WRITE, OF_A_FILE };

struct plain_page {
	enum image_slot slot; /* SLOT_FIRST_PAGE: it has bytes */
	uint8_t bytes[IMAGE_PAGE];
};

struct plain_image {
	struct plain_page pages[PLAIN_PAGES];
};

/* Who says what may be accessed, and the first fault since it was cleared. */
struct plain_owner {
	enum plain_rights rights[PLAIN_PAGES];
	enum image_fault fault;
	uint64_t fault_addr;
	bool fault_is_write;
};

uint64_t plain_addr(size_t page);
/** PLAIN_PAGES: none of these. */
size_t plain_index(uint64_t addr);

/** The backing of an image whose context is a struct plain_owner. */
enum image_fault plain_rights_say(void *of, uint64_t addr, bool is_write);

uint64_t plain_get(struct plain_owner *owner, struct plain_image *p, uint64_t addr, unsigned width);
void plain_set(struct plain_owner *owner, struct plain_image *p, uint64_t addr, unsigned width,
               uint64_t v);
void plain_drop(struct plain_image *p, size_t first, size_t count);
void plain_touch(struct plain_owner *owner, struct plain_image *p, uint64_t start, uint64_t end);
/** Byte for byte; whole pages of zeroes need no bytes. */
void plain_fill(struct plain_owner *owner, struct plain_image *p, uint64_t addr, uint8_t byte,
                uint64_t len);
void plain_copy(struct plain_owner *owner, struct plain_image *p, uint64_t to, uint64_t from,
                uint64_t len);

#endif
