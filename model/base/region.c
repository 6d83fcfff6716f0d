/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/base/region.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES (32u << 10)
#define ALIGNMENT   16u

/* A block's payload follows its header; the header's size keeps the payload aligned to 16. */
struct block {
	struct block *prev, *next;
	size_t size; /* payload bytes */
	size_t used;
};

_Static_assert(sizeof(struct block) % ALIGNMENT == 0, "payload must stay aligned");

struct region {
	struct block blocks; /* ring; its own payload is empty */
	struct block *open;  /* where small requests go, NULL before the first */
	size_t bytes;
	size_t fail_in;
};

static bool must_fail(struct region *region)
{
	return region->fail_in && --region->fail_in == 0;
}

static char *payload(struct block *block)
{
	return (char *)(block + 1);
}

static struct block *block_add(struct region *region, size_t size)
{
	struct block *block = calloc(1, sizeof(*block) + size);

	if (!block)
		return NULL;
	block->size = size;
	block->prev = region->blocks.prev;
	block->next = &region->blocks;
	block->prev->next = block;
	region->blocks.prev = block;
	region->bytes += sizeof(*block) + size;
	return block;
}

struct region *region_new(void)
{
	struct region *region = calloc(1, sizeof(*region));

	if (region)
		region->blocks.prev = region->blocks.next = &region->blocks;
	return region;
}

void region_free(struct region *region)
{
	if (!region)
		return;
	for (struct block *b = region->blocks.next, *next; b != &region->blocks; b = next) {
		next = b->next;
		free(b);
	}
	free(region);
}

void *region_alloc(struct region *region, size_t size)
{
	size_t need;
	struct block *block = region->open;
	char *at;

	if (__builtin_add_overflow(size ? size : 1, ALIGNMENT - 1, &need) ||
	    need > SIZE_MAX - sizeof(struct block) || must_fail(region))
		return NULL;
	need -= need % ALIGNMENT;
	if (need >= REGION_LARGE) {
		block = block_add(region, need);
		if (!block)
			return NULL;
		block->used = need;
		return payload(block);
	}
	if (!block || block->size - block->used < need) {
		block = block_add(region, BLOCK_BYTES);
		if (!block)
			return NULL;
		region->open = block;
	}
	at = payload(block) + block->used;
	block->used += need;
	return at;
}

/* A large allocation is the only tenant of its block, so the block itself can be extended. */
static void *grow_large(struct region *region, void *old, size_t old_size, size_t new_size)
{
	struct block *block = (struct block *)old - 1, *moved;
	size_t need = (new_size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT, had = block->size;

	if (need <= had)
		return old;
	moved = realloc(block, sizeof(*block) + need);
	if (!moved)
		return NULL;
	moved->prev->next = moved->next->prev = moved;
	moved->size = moved->used = need;
	region->bytes += need - had;
	memset(payload(moved) + old_size, 0, need - old_size);
	return payload(moved);
}

void *region_grow(struct region *region, void *old, size_t old_size, size_t new_size)
{
	size_t old_need = (old_size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	void *fresh;

	if (!old)
		return region_alloc(region, new_size);
	if (new_size > SIZE_MAX - sizeof(struct block) - ALIGNMENT)
		return NULL;
	if (new_size <= old_size)
		return old;
	if (old_need >= REGION_LARGE)
		return must_fail(region) ? NULL : grow_large(region, old, old_size, new_size);
	fresh = region_alloc(region, new_size);
	if (fresh)
		memcpy(fresh, old, old_size);
	return fresh;
}

char *region_text(struct region *region, const char *text, size_t len)
{
	char *copy = len == SIZE_MAX ? NULL : region_alloc(region, len + 1);

	if (copy && len)
		memcpy(copy, text, len);
	return copy;
}

size_t region_bytes(const struct region *region)
{
	return region->bytes;
}

void region_fail_at(struct region *region, size_t k)
{
	region->fail_in = k;
}
