/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_GLIBC_PT_CACHE_H
#define HEAPTOP_MODEL_GLIBC_PT_CACHE_H

/** Private to pt_cache*.c: where a tcache keeps what. */
#include "model/glibc/pt_world.h"

static inline uint64_t tcache(struct ptmalloc *pt)
{
	return thread_var(pt, THREAD_TCACHE);
}

/* glibc 2.42 malloc/malloc.c:large_csize2tidx. `nb` has at least the size of the largest small one. */
static inline uint64_t large_csize2tidx(const struct ptmalloc *pt, uint64_t nb)
{
	uint32_t small = pt->lay->tcache.small_bins;
	uint64_t max_small = pt->lay->min_size + (uint64_t)(small - 1) * pt->lay->alignment;
	int shift = __builtin_clz((uint32_t)max_small) - __builtin_clz((uint32_t)nb | 1);

	return small + (uint64_t)(shift > 0 ? shift : 0);
}

static inline uint64_t entry_at(const struct ptmalloc *pt, uint64_t cache, uint64_t tc_idx)
{
	return cache + pt->lay->tcache.entries + tc_idx * word_size(pt);
}

static inline uint64_t count_get(struct ptmalloc *pt, uint64_t cache, uint64_t tc_idx)
{
	return pt->lay->tcache.count_bytes == 2 ? image_get2(pt->image, cache + 2 * tc_idx)
	                                        : image_get1(pt->image, cache + tc_idx);
}

/* What a chunk in the cache carries in its second word. */
static inline uint64_t key_of(struct ptmalloc *pt)
{
	return pt->rules.tcache_key_random ? var(pt, VAR_TCACHE_KEY) : tcache(pt);
}

/** Puts a chunk into one of the lists by size. */
void pt_tcache_put_large(struct ptmalloc *pt, uint64_t p, uint64_t size, uint64_t tc_idx);

#endif
