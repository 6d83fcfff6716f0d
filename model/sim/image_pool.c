/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/sim/image_pool.h"

#include <stdlib.h>

#include "model/base/units.h"

struct image_pool *image_pool_new(void)
{
	struct region *region = region_new();
	struct image_pool *pool = region ? region_alloc(region, sizeof(*pool)) : NULL;

	if (!pool) {
		region_free(region);
		return NULL;
	}
	pool->region = region;
	pool->next_page = SLOT_FIRST_PAGE;
	pool->pages_max = UINT32_MAX;
	return pool;
}

void image_pool_free(struct image_pool *pool)
{
	if (pool)
		region_free(pool->region);
}

void image_pool_limit(struct image_pool *pool, uint64_t bytes)
{
	uint64_t pages = pool->pages_in_use + bytes / IMAGE_PAGE;

	pool->pages_max = (uint32_t)min_u64(pages, UINT32_MAX);
}

size_t image_pool_bytes(const struct image_pool *pool, size_t *ret_page_bytes)
{
	*ret_page_bytes = (size_t)pool->pages_in_use * IMAGE_PAGE;
	return region_bytes(pool->region) + pool->other_bytes;
}

/* Room for one more slab and the counts of its pages. */
static bool add_slab(struct image_pool *pool)
{
	uint8_t *slab;

	if (pool->slab_count >= UINT32_MAX / POOL_SLAB_PAGES)
		return false;
	if (pool->slab_count == pool->slab_room) {
		size_t room = pool->slab_room ? pool->slab_room * 2 : 16;
		uint8_t **slabs =
		        region_grow(pool->region, pool->slabs, pool->slab_room * sizeof(*slabs),
		                    room * sizeof(*slabs));
		uint32_t *refs = slabs ? region_grow(pool->region, pool->refs,
		                                     pool->refs_room * sizeof(*refs),
		                                     room * POOL_SLAB_PAGES * sizeof(*refs))
		                       : NULL;

		if (slabs)
			pool->slabs = slabs;
		if (!refs)
			return false;
		pool->refs = refs;
		pool->refs_room = room * POOL_SLAB_PAGES;
		pool->slab_room = room;
	}
	slab = region_alloc(pool->region, (size_t)POOL_SLAB_PAGES * IMAGE_PAGE);
	if (!slab)
		return false;
	pool->slabs[pool->slab_count++] = slab;
	return true;
}

uint32_t pool_page_new(struct image_pool *pool)
{
	uint32_t page = pool->free_page;

	if (pool->pages_in_use >= pool->pages_max)
		return 0;
	if (page) {
		pool->free_page = pool->refs[page];
		memset(pool_page_bytes(pool, page), 0, IMAGE_PAGE);
	} else {
		if (pool->next_page >= pool->slab_count * POOL_SLAB_PAGES && !add_slab(pool))
			return 0;
		page = pool->next_page++;
	}
	pool->refs[page] = 1;
	pool->pages_in_use++;
	return page;
}

void pool_page_unref(struct image_pool *pool, uint32_t page)
{
	if (--pool->refs[page])
		return;
	pool->refs[page] = pool->free_page;
	pool->free_page = page;
	pool->pages_in_use--;
}

struct image_leaf *pool_leaf_new(struct image_pool *pool)
{
	struct image_leaf *leaf = pool->free_leaf;

	if (leaf)
		pool->free_leaf = leaf->next_free;
	else
		leaf = region_alloc(pool->region, sizeof(*leaf));
	if (leaf)
		leaf->refs = 1;
	return leaf;
}

void pool_leaf_unref(struct image_pool *pool, struct image_leaf *leaf)
{
	if (--leaf->refs)
		return;
	for (size_t i = 0; i < IMAGE_LEAF_PAGES; i++)
		if (leaf->slot[i] >= SLOT_FIRST_PAGE)
			pool_page_unref(pool, leaf->slot[i]);
	leaf->next_free = pool->free_leaf;
	pool->free_leaf = leaf;
}

bool pool_root_room(struct image_pool *pool, struct image_root_row **root, size_t count,
                    size_t *room)
{
	size_t want = *room ? *room * 2 : 64;
	struct image_root_row *grown;

	if (count < *room)
		return true;
	grown = realloc(*root, want * sizeof(*grown));
	if (!grown)
		return false;
	pool->other_bytes += (want - *room) * sizeof(*grown);
	*root = grown;
	*room = want;
	return true;
}

bool pool_root_copy(struct image_pool *pool, const struct image_root_row *from, size_t count,
                    struct image_root_row **ret, size_t *ret_room)
{
	size_t room = count + 16;

	*ret = malloc(room * sizeof(**ret));
	if (!*ret)
		return false;
	if (count)
		memcpy(*ret, from, count * sizeof(**ret));
	*ret_room = room;
	pool->other_bytes += room * sizeof(**ret);
	return true;
}

void pool_root_free(struct image_pool *pool, struct image_root_row *root, size_t room)
{
	pool->other_bytes -= room * sizeof(*root);
	free(root);
}

bool pool_journal_room(struct image_pool *pool, struct image_change **journal, size_t *room)
{
	size_t want = *room ? *room * 2 : 1024;
	struct image_change *grown = realloc(*journal, want * sizeof(*grown));

	if (!grown)
		return false;
	pool->other_bytes += (want - *room) * sizeof(*grown);
	*journal = grown;
	*room = want;
	return true;
}

void pool_journal_free(struct image_pool *pool, struct image_change *journal, size_t room)
{
	pool->other_bytes -= room * sizeof(*journal);
	free(journal);
}
