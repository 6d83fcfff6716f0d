/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/glibc/pt_header.h"

static struct fact word_at(const struct malloc_layout *lay, const uint8_t *copy, uint32_t offset)
{
	return offset == FIELD_NONE ? fact_unknown() : fact_of(pt_word(lay, copy + offset));
}

/* C ints of mp_ are counts and flags; a negative one is passed on as it would print. */
static struct fact int_at(const uint8_t *copy, uint32_t offset)
{
	return offset == FIELD_NONE ? fact_unknown() : fact_of(pt_int(copy + offset));
}

void pt_parse_params(const struct malloc_layout *lay, const uint8_t *copy,
                     struct malloc_params *ret)
{
	const struct par_layout *p = &lay->par;

	*ret = (struct malloc_params){
		.trim_threshold = word_at(lay, copy, p->trim_threshold),
		.top_pad = word_at(lay, copy, p->top_pad),
		.mmap_threshold = word_at(lay, copy, p->mmap_threshold),
		.arena_test = word_at(lay, copy, p->arena_test),
		.arena_max = word_at(lay, copy, p->arena_max),
		.thp_mode = int_at(copy, p->thp_mode_int),
		.thp_pagesize = word_at(lay, copy, p->thp_pagesize),
		.hp_pagesize = word_at(lay, copy, p->hp_pagesize),
		.hp_flags = int_at(copy, p->hp_flags_int),
		.n_mmaps = int_at(copy, p->n_mmaps_int),
		.n_mmaps_max = int_at(copy, p->n_mmaps_max_int),
		.max_n_mmaps = int_at(copy, p->max_n_mmaps_int),
		.no_dyn_threshold = int_at(copy, p->no_dyn_threshold_int),
		.mmapped_mem = word_at(lay, copy, p->mmapped_mem),
		.max_mmapped_mem = word_at(lay, copy, p->max_mmapped_mem),
		.sbrk_base = word_at(lay, copy, p->sbrk_base),
		.tcache_bins = word_at(lay, copy, p->tcache_bins),
		.tcache_max_bytes = word_at(lay, copy, p->tcache_max_bytes),
		.tcache_count = word_at(lay, copy, p->tcache_count),
		.tcache_unsorted_limit = word_at(lay, copy, p->tcache_unsorted_limit),
	};
}

bool pt_read_params(const struct decode *d, struct malloc_params *ret)
{
	uint8_t copy[PT_PARAMS_MAX];

	if (!d->mp_addr || d->lay->par.size > sizeof(copy))
		return false;
	if (!mem_read_all(d->mem, d->mp_addr, copy, d->lay->par.size)) {
		heap_error_add(d->heap, d->mp_addr, "mp_ can't be read");
		return false;
	}
	pt_parse_params(d->lay, copy, ret);
	return true;
}
