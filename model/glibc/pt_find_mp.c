/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/glibc/pt_find.h"

#define PAGE 4096u

enum { MP_ACCEPTED = 11 };

/* glibc malloc/malloc.c: DEFAULT_MMAP_THRESHOLD, DEFAULT_TRIM_THRESHOLD, DEFAULT_TOP_PAD; M_MMAP_MAX's
 * default; MAX_TCACHE_COUNT and what a stable branch of 2.42 made of tcache_max_bytes. */
enum {
	THRESHOLD_DEFAULT = 128 << 10,
	N_MMAPS_MAX_DEFAULT = 65536,
	ARENA_MAX_SMALL = 1024,
	TCACHE_SMALL_BINS = 64,
};

/** What no setting can break. */
static bool is_possible(const struct malloc_params *p)
{
	return p->n_mmaps.v <= p->max_n_mmaps.v && p->max_n_mmaps.v <= INT32_MAX &&
	       p->n_mmaps_max.v <= INT32_MAX && p->no_dyn_threshold.v <= 1 &&
	       p->mmapped_mem.v <= p->max_mmapped_mem.v && is_aligned(p->mmapped_mem.v, PAGE) &&
	       is_aligned(p->max_mmapped_mem.v, PAGE) &&
	       (p->max_n_mmaps.v != 0) == (p->max_mmapped_mem.v != 0);
}

/* The surest sign: where main_arena's memory begins. */
static int score_sbrk_base(const struct scan *scan, const struct arena *main_arena, uint64_t base)
{
	uint64_t end = main_arena->top_addr + fact_or(main_arena->top_size, 0);

	if (main_arena->system_mem == 0)
		return base == 0 ? 4 : 0;
	if (base == 0)
		return 0;
	if (scan->heap && base == scan->heap->start)
		return 4;
	return base + main_arena->system_mem == end ||
	                       (scan->heap && base + main_arena->system_mem == scan->heap->end)
	               ? 4
	               : 0;
}

static int score_thresholds(const struct malloc_params *p)
{
	if (p->mmap_threshold.v == THRESHOLD_DEFAULT)
		return 2;
	/* Grown by a free: trim_threshold goes along (glibc malloc.c:__libc_free). */
	return p->mmap_threshold.v > THRESHOLD_DEFAULT &&
	                       p->trim_threshold.v == 2 * p->mmap_threshold.v
	               ? 2
	               : 0;
}

static int score_tcache(const struct malloc_layout *lay, const struct malloc_params *p)
{
	uint64_t max = p->tcache_max_bytes.v;
	/* In the branch of 2.42 the limit became exclusive, as it is in 2.43. */
	uint64_t branch = glibc_tcache_size(lay, TCACHE_SMALL_BINS - 1) + 1;
	int score = 0;

	/* Nothing to recognise; less than the four points of what has these fields. */
	if (!lay->tcache.bins)
		return 2;
	score += p->tcache_bins.v == TCACHE_SMALL_BINS;
	score += p->tcache_count.v == lay->tcache.default_count ? 2 : 0;
	score += max == lay->tcache.default_max_bytes || max == branch;
	return score;
}

static int score_params(const struct scan *scan, const struct malloc_layout *lay,
                        const struct arena *main_arena, const struct malloc_params *p)
{
	uint64_t arena_test = lay->word == 8 ? 8 : 2;

	if (!is_possible(p))
		return 0;
	return score_sbrk_base(scan, main_arena, p->sbrk_base.v) + score_thresholds(p) +
	       (p->n_mmaps_max.v == N_MMAPS_MAX_DEFAULT ? 2 : 0) + score_tcache(lay, p) +
	       (p->top_pad.v == THRESHOLD_DEFAULT) + (p->arena_test.v == arena_test) +
	       (p->arena_max.v <= ARENA_MAX_SMALL);
}

static void scan_with(struct scan *scan, const struct malloc_layout *lay,
                      const struct arena *main_arena)
{
	if (scan->len < lay->par.size)
		return;
	for (size_t at = 0; at <= scan->len - lay->par.size; at += lay->word) {
		struct malloc_params p;
		int score;

		/* Most of the data is zero: an mp_ begins with its threshold. */
		if (!pt_word(lay, scan->bytes + at) && !pt_word(lay, scan->bytes + at + lay->word))
			continue;
		pt_parse_params(lay, scan->bytes + at, &p);
		score = score_params(scan, lay, main_arena, &p);
		if (score >= MP_ACCEPTED)
			scan_keep(scan, (struct pt_candidate){ .addr = scan->base + at,
			                                       .score = score,
			                                       .lay = lay });
	}
}

/** The header is judged as it is: its errors are another reader's to report. */
static bool read_main_arena(const struct decode *d, uint64_t addr, struct arena *ret)
{
	struct heap_facts scratch_errors = { 0 };
	struct decode quiet = *d;

	quiet.heap = &scratch_errors;
	quiet.main_arena_addr = addr;
	return pt_read_arena(&quiet, addr, ret);
}

// NOLINTNEXTLINE(readability-function-size): what is scanned takes three parameters
size_t pt_scan_mp(const struct decode *d, const uint8_t *bytes, size_t len, uint64_t base,
                  const struct pt_candidate *main_arena, struct pt_candidate *ret, size_t room)
{
	const struct malloc_layout *lay = main_arena->lay ? main_arena->lay : d->lay;
	struct scan scan = scan_open(d, bytes, len, base);
	struct decode with = *d;
	struct arena arena = { 0 };

	with.lay = lay;
	if (!read_main_arena(&with, main_arena->addr, &arena))
		return 0;
	scan.found = ret;
	scan.room = room;
	for (size_t i = 0; i < glibc_layout_count; i++) {
		const struct malloc_layout *row = &glibc_layouts[i];

		if (row->abi == lay->abi && row->alignment == lay->alignment &&
		    row->arena.next == lay->arena.next && row->arena.size == lay->arena.size)
			scan_with(&scan, row, &arena);
	}
	return scan.count;
}
