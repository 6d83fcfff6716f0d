/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/glibc/pt_cache_fast.h"

void pt_fast_prepare(struct ptmalloc *pt)
{
	const struct malloc_layout *lay = pt->lay;
	uint64_t cache = pt->cached[THREAD_TCACHE], bins;
	bool is_plain = pt->is_64 && lay->alignment == FAST_ALIGNMENT &&
	                lay->min_size == FAST_MIN_SIZE && lay->tcache.count_bytes == 2 &&
	                pt->rules.tcache_key && var(pt, VAR_INITIALIZED);

	for (size_t i = 0; i < 4; i++)
		is_plain = is_plain && !pt->hook_is_set[i];
	pt->fast = (struct pt_fast){ 0 };
	if (!is_plain)
		return;
	bins = min_u64(mp_word(pt, tcache_bins), lay->tcache.small_bins);
	if (pt->rules.tcache_below_max)
		bins = min_u64(
		        bins,
		        (mp_word(pt, tcache_max_bytes) - 1 - FAST_MIN_SIZE) / FAST_ALIGNMENT + 1);
	pt->fast.bins = (uint32_t)bins;
	pt->fast.limit = (uint32_t)min_u64(mp_word(pt, tcache_count), UINT16_MAX);
	pt->fast.entries = lay->tcache.entries;
	pt->fast.counts_down = lay->tcache.counts_down;
	pt->fast.key_is_random = pt->rules.tcache_key_random;
	if (cache > TCACHE_DISABLED && cache % FAST_WORD == 0 &&
	    cache % IMAGE_PAGE + lay->tcache.size <= IMAGE_PAGE)
		pt->fast.cache = cache;
}
