/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "model/glibc/pt_world.h"

/**
 * malloc and free of a block that the tcache serves, on the host's bytes: what pt_cache.c says, for the
 * case that nothing is told, checked or made on the way. Whatever is unusual is left to the whole way,
 * which begins anew, so nothing may have been changed until it is certain.
 */

enum { WORD = 8, ALIGNMENT = 16, MIN_SIZE = 32, HDR = 16 };

void pt_fast_prepare(struct ptmalloc *pt)
{
	const struct malloc_layout *lay = pt->lay;
	bool is_plain = pt->is_64 && lay->alignment == ALIGNMENT && lay->min_size == MIN_SIZE &&
	                lay->tcache.count_bytes == 2 && pt->rules.tcache_key;

	for (size_t i = 0; i < 4; i++)
		is_plain = is_plain && !pt->hook_is_set[i];
	pt->fast_bins = 0;
	if (!is_plain || !var(pt, VAR_INITIALIZED))
		return;
	pt->fast_bins = (uint32_t)min_u64(mp_word(pt, tcache_bins), lay->tcache.small_bins);
	if (pt->rules.tcache_below_max)
		pt->fast_bins = (uint32_t)min_u64(
		        pt->fast_bins, (mp_word(pt, tcache_max_bytes) - 1 - MIN_SIZE) / ALIGNMENT + 1);
	pt->fast_count = (uint32_t)min_u64(mp_word(pt, tcache_count), UINT16_MAX);
}

static inline uint64_t get8(const uint8_t *at)
{
	uint64_t v;

	memcpy(&v, at, sizeof(v));
	return v;
}

static inline uint16_t get2(const uint8_t *at)
{
	uint16_t v;

	memcpy(&v, at, sizeof(v));
	return v;
}

static inline uint8_t *own_cache(struct ptmalloc *pt, uint64_t *ret_addr)
{
	uint64_t cache = thread_var(pt, THREAD_TCACHE);

	*ret_addr = cache;
	return cache > TCACHE_DISABLED ? image_own(pt->image, cache, pt->lay->tcache.size) : NULL;
}

uint64_t pt_fast_malloc(struct ptmalloc *pt, uint64_t bytes)
{
	uint64_t tc_idx = bytes <= MIN_SIZE - WORD ? 0 : (bytes - (MIN_SIZE - WORD) + ALIGNMENT - 1) / ALIGNMENT;
	uint32_t entries = pt->lay->tcache.entries;
	uint64_t cache, e, next;
	uint8_t *host, *chunk;
	uint16_t count;

	if (tc_idx >= pt->fast_bins || pt->why)
		return 0;
	host = own_cache(pt, &cache);
	if (!host)
		return 0;
	count = get2(host + 2 * tc_idx);
	e = get8(host + entries + WORD * tc_idx);
	if (!e || e % ALIGNMENT || (count == 0 && !pt->lay->tcache.counts_down))
		return 0;
	chunk = image_own(pt->image, e, 2 * WORD);
	if (!chunk)
		return 0;
	next = protect_ptr(pt, e, get8(chunk));
	image_put8(pt->image, cache + entries + WORD * tc_idx, host + entries + WORD * tc_idx, next);
	image_put2(pt->image, cache + 2 * tc_idx, host + 2 * tc_idx,
	           (uint16_t)(pt->lay->tcache.counts_down ? count + 1 : count - 1));
	image_put8(pt->image, e + WORD, chunk + WORD, 0);
	return e;
}

bool pt_fast_free(struct ptmalloc *pt, uint64_t mem)
{
	uint64_t word, tc_idx, cache, head, key;
	uint32_t entries = pt->lay->tcache.entries;
	uint8_t *host, *chunk;
	uint16_t count;

	if (!pt->fast_bins || pt->why || mem % ALIGNMENT || mem < HDR)
		return false;
	/* Header and links together: free writes to their page in any case. */
	chunk = image_own(pt->image, mem - HDR, 2 * HDR);
	if (!chunk)
		return false;
	word = get8(chunk + WORD);
	chunk += HDR;
	tc_idx = ((word & ~(uint64_t)SIZE_BITS) - MIN_SIZE) / ALIGNMENT;
	if (tc_idx >= pt->fast_bins || (word & (IS_MMAPPED | 8)))
		return false;
	host = own_cache(pt, &cache);
	if (!host)
		return false;
	count = get2(host + 2 * tc_idx);
	if (pt->lay->tcache.counts_down ? count == 0 : count >= pt->fast_count)
		return false;
	key = pt->rules.tcache_key_random ? var(pt, VAR_TCACHE_KEY) : cache;
	if (get8(chunk + WORD) == key)
		return false;
	head = get8(host + entries + WORD * tc_idx);
	image_put8(pt->image, mem + WORD, chunk + WORD, key);
	image_put8(pt->image, mem, chunk, protect_ptr(pt, mem, head));
	image_put8(pt->image, cache + entries + WORD * tc_idx, host + entries + WORD * tc_idx, mem);
	image_put2(pt->image, cache + 2 * tc_idx, host + 2 * tc_idx,
	           (uint16_t)(pt->lay->tcache.counts_down ? count - 1 : count + 1));
	return true;
}
