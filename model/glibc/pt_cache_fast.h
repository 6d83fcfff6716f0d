/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_GLIBC_PT_CACHE_FAST_H
#define HEAPTOP_MODEL_GLIBC_PT_CACHE_FAST_H

/**
 * malloc and free of a block that the tcache serves, on the host's bytes: what pt_cache.c says, for the
 * case that nothing is told, checked or made on the way. Whatever is unusual is left to the whole way,
 * which begins anew, so nothing is changed until all is certain.
 */
#include "model/glibc/pt_world.h"

enum { FAST_WORD = 8, FAST_ALIGNMENT = 16, FAST_MIN_SIZE = 32, FAST_HDR = 16 };

static inline uint64_t fast_get8(const uint8_t *at)
{
	uint64_t v;

	memcpy(&v, at, sizeof(v));
	return v;
}

/* Notes what a word was, then changes it. */
static inline void fast_set8(struct image_change *row, uint64_t addr, uint8_t *at, uint64_t v)
{
	row->where = addr | IMAGE_KIND(IMAGE_WORD8);
	row->old = fast_get8(at);
	memcpy(at, &v, sizeof(v));
}

static inline void fast_set2(struct image_change *row, uint64_t addr, uint8_t *at, uint16_t old,
                             uint16_t v)
{
	row->where = addr | IMAGE_KIND(IMAGE_WORD2);
	row->old = old;
	memcpy(at, &v, sizeof(v));
}

/* The thread's tcache; 0: none that can be used here. */
static inline uint64_t fast_cache(struct ptmalloc *pt)
{
	if (__builtin_expect(pt->cached_thread != pt->thread, 0))
		pt_switch_thread(pt);
	return pt->fast.cache;
}

/** A tcache hit: the block, 0: take the whole way. */
static inline uint64_t pt_fast_malloc(struct ptmalloc *pt, uint64_t bytes)
{
	uint64_t cache = fast_cache(pt), tc_idx, slot, e;
	struct image_change *rows;
	uint8_t *host, *chunk;
	uint16_t count;

	tc_idx = (max_u64(bytes, FAST_MIN_SIZE - FAST_WORD) - (FAST_MIN_SIZE - FAST_WORD) +
	          FAST_ALIGNMENT - 1) /
	         FAST_ALIGNMENT;
	if (!cache || tc_idx >= pt->fast.bins || pt->why || bytes > UINT32_MAX)
		return 0;
	host = image_own(pt->image, cache);
	if (!host)
		return 0;
	slot = pt->fast.entries + FAST_WORD * tc_idx;
	e = fast_get8(host + slot);
	memcpy(&count, host + 2 * tc_idx, sizeof(count));
	if (!e || e % FAST_ALIGNMENT || (count == 0 && !pt->fast.counts_down))
		return 0;
	chunk = image_own(pt->image, e);
	if (!chunk)
		return 0;
	rows = image_reserve(pt->image, 3);
	fast_set8(&rows[0], cache + slot, host + slot, protect_ptr(pt, e, fast_get8(chunk)));
	fast_set2(&rows[1], cache + 2 * tc_idx, host + 2 * tc_idx, count,
	          (uint16_t)(pt->fast.counts_down ? count + 1 : count - 1));
	fast_set8(&rows[2], e + FAST_WORD, chunk + FAST_WORD, 0);
	image_keep(pt->image, rows, 3);
	return e;
}

/** True when the block went into the tcache; else nothing was changed. */
static inline bool pt_fast_free(struct ptmalloc *pt, uint64_t mem)
{
	uint64_t cache = fast_cache(pt), word, tc_idx, slot, key;
	struct image_change *rows;
	uint8_t *host, *chunk;
	uint16_t count;

	/* Header and links are read together; free writes to their page in any case. */
	if (!cache || pt->why || mem % FAST_ALIGNMENT || mem % IMAGE_PAGE == 0)
		return false;
	chunk = image_own(pt->image, mem - FAST_HDR);
	if (!chunk)
		return false;
	word = fast_get8(chunk + FAST_WORD);
	chunk += FAST_HDR;
	tc_idx = ((word & ~(uint64_t)SIZE_BITS) - FAST_MIN_SIZE) / FAST_ALIGNMENT;
	if (tc_idx >= pt->fast.bins || (word & (IS_MMAPPED | FAST_WORD)))
		return false;
	host = image_own(pt->image, cache);
	if (!host)
		return false;
	memcpy(&count, host + 2 * tc_idx, sizeof(count));
	key = pt->fast.key_is_random ? var(pt, VAR_TCACHE_KEY) : cache;
	if ((pt->fast.counts_down ? count == 0 : count >= pt->fast.limit) ||
	    fast_get8(chunk + FAST_WORD) == key)
		return false;
	slot = pt->fast.entries + FAST_WORD * tc_idx;
	rows = image_reserve(pt->image, 4);
	fast_set8(&rows[0], mem + FAST_WORD, chunk + FAST_WORD, key);
	fast_set8(&rows[1], mem, chunk, protect_ptr(pt, mem, fast_get8(host + slot)));
	fast_set8(&rows[2], cache + slot, host + slot, mem);
	fast_set2(&rows[3], cache + 2 * tc_idx, host + 2 * tc_idx, count,
	          (uint16_t)(pt->fast.counts_down ? count - 1 : count + 1));
	image_keep(pt->image, rows, 4);
	return true;
}

#endif
