/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_SIM_IMAGE_POOL_H
#define HEAPTOP_MODEL_SIM_IMAGE_POOL_H

/**
 * Private to image*.c: where a family of images keeps pages, leaves, roots and journals. What is given
 * back is used again; the system allocator sees slabs of 2 MiB only.
 */
#include "model/sim/image.h"

struct image_leaf {
	uint32_t refs;
	struct image_leaf *next_free;
	uint32_t slot[IMAGE_LEAF_PAGES];
};

enum { POOL_SLAB_PAGES = 512 };

struct image_pool {
	struct region *region; /* owns slabs, counts and leaves */
	uint8_t **slabs;
	size_t slab_count, slab_room;
	uint32_t *refs; /* by page number; of a free page: number of the next free one */
	size_t refs_room;
	uint32_t next_page, free_page; /* first never used; first given back, 0: none */
	uint32_t pages_in_use, pages_max;
	struct image_leaf *free_leaf;
	size_t other_bytes; /* roots and journals */
};

/** A zeroed page with one reference; 0 when out of memory. */
uint32_t pool_page_new(struct image_pool *pool);
void pool_page_unref(struct image_pool *pool, uint32_t page);

static inline uint8_t *pool_page_bytes(const struct image_pool *pool, uint32_t page)
{
	return pool->slabs[page / POOL_SLAB_PAGES] + (size_t)(page % POOL_SLAB_PAGES) * IMAGE_PAGE;
}

static inline uint32_t pool_page_refs(const struct image_pool *pool, uint32_t page)
{
	return pool->refs[page];
}

static inline void pool_page_ref(struct image_pool *pool, uint32_t page)
{
	pool->refs[page]++;
}

/** A leaf with one reference, its slots not set; NULL when out of memory. */
struct image_leaf *pool_leaf_new(struct image_pool *pool);
void pool_leaf_unref(struct image_pool *pool, struct image_leaf *leaf);

bool pool_root_room(struct image_pool *pool, struct image_root_row **root, size_t count,
                    size_t *room);
bool pool_root_copy(struct image_pool *pool, const struct image_root_row *from, size_t count,
                    struct image_root_row **ret, size_t *ret_room);
void pool_root_free(struct image_pool *pool, struct image_root_row *root, size_t room);
bool pool_journal_room(struct image_pool *pool, struct image_change **journal, size_t *room);
void pool_journal_free(struct image_pool *pool, struct image_change *journal, size_t room);

#endif
