/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "model/glibc/pt_world.h"

/** mallopt, tunables and malloc_trim (glibc malloc/malloc.c) */

enum mallopt_param {
	M_MXFAST = 1,
	M_TRIM_THRESHOLD = -1,
	M_TOP_PAD = -2,
	M_MMAP_THRESHOLD = -3,
	M_MMAP_MAX = -4,
	M_CHECK_ACTION = -5,
	M_PERTURB = -6,
	M_ARENA_TEST = -7,
	M_ARENA_MAX = -8,
};

static uint64_t max_fast_size(const struct ptmalloc *pt)
{
	return 20 * word_size(pt); /* MAX_FAST_SIZE: 80 * SIZE_SZ / 4 */
}

static int set_mmap_threshold(struct ptmalloc *pt, uint64_t value)
{
	if (pt->rules.mmap_threshold_limited && value > pt->lay->heap.heap_max / 2)
		return 0;
	set_mp_word(pt, mmap_threshold, value);
	set_mp_int(pt, no_dyn_threshold_int, 1);
	return 1;
}

int pt_set_param(struct ptmalloc *pt, int param, int value)
{
	uint64_t word = as_word(pt, (uint64_t)(int64_t)value);

	switch (param) {
	case M_MXFAST:
		if (!pt->rules.has_fastbins)
			return 1; /* any value: it is not looked at */
		if (word > max_fast_size(pt))
			return 0;
		pt_set_max_fast(pt, word);
		return 1;
	case M_TRIM_THRESHOLD:
		set_mp_word(pt, trim_threshold, word);
		set_mp_int(pt, no_dyn_threshold_int, 1);
		return 1;
	case M_TOP_PAD:
		set_mp_word(pt, top_pad, word);
		set_mp_int(pt, no_dyn_threshold_int, 1);
		return 1;
	case M_MMAP_THRESHOLD:
		return set_mmap_threshold(pt, word);
	case M_MMAP_MAX:
		set_mp_int(pt, n_mmaps_max_int, (uint32_t)value);
		set_mp_int(pt, no_dyn_threshold_int, 1);
		return 1;
	case M_PERTURB:
		set_var(pt, VAR_PERTURB_BYTE, (uint32_t)value);
		return 1;
	case M_ARENA_TEST:
		if (value > 0)
			set_mp_word(pt, arena_test, word);
		return 1;
	case M_ARENA_MAX:
		if (value > 0 && pt->rules.arena_max_sets_test)
			set_mp_word(pt, arena_test, word);
		else if (value > 0)
			set_mp_word(pt, arena_max, word);
		return 1;
	case M_CHECK_ACTION:
	default: /* what it does not know it takes for done */
		return 1;
	}
}

/** glibc malloc/malloc.c:__libc_mallopt */
int pt_mallopt(struct ptmalloc *pt, int param, int value)
{
	int done;

	pt_begin(pt);
	pt_enter(pt, FN_MALLOPT, (uint64_t)(int64_t)param, (uint64_t)(int64_t)value);
	pt_ensure_init(pt);
	/* What fast bins hold may have another place afterwards. */
	if (pt->rules.has_fastbins)
		pt_malloc_consolidate(pt, pt->main_arena);
	done = pt_set_param(pt, param, value);
	why(pt->why, WHY_MALLOPT, (uint64_t)done);
	pt_leave(pt, FN_MALLOPT);
	pt_end(pt);
	return done;
}

/* --- tunables --------------------------------------------------------------------------------------- */

static bool set_tcache_max(struct ptmalloc *pt, uint64_t value)
{
	uint64_t max = pt->lay->tcache.default_max_bytes, nb, tc_idx;

	if (!pt->rules.tcache_large_tunable) {
		/* MAX_TCACHE_SIZE: the largest request of the last bin. */
		if (value > max)
			return false;
		set_mp_word(pt, tcache_max_bytes, value);
		set_mp_word(pt, tcache_bins, pt_csize2tidx(pt, pt_request2size(pt, value)) + 1);
		return true;
	}
	if (value >= 4 * MIB)
		return false;
	nb = pt_request2size(pt, value);
	if (nb >= 4 * MIB)
		return false;
	tc_idx = pt_csize2tidx(pt, nb);
	if (tc_idx < pt->lay->tcache.small_bins)
		set_mp_word(pt, tcache_bins, tc_idx + 1);
	set_mp_word(pt, tcache_max_bytes,
	            pt->rules.tcache_birth == GLIBC_TCACHE_FREE ? nb + 1 : nb);
	return true;
}

static bool set_tcache(struct ptmalloc *pt, const char *name, uint64_t value)
{
	if (!pt->lay->tcache.bins)
		return false;
	if (strcmp(name, "tcache_max") == 0)
		return set_tcache_max(pt, value);
	if (strcmp(name, "tcache_unsorted_limit") == 0) {
		set_mp_word(pt, tcache_unsorted_limit, value);
		return true;
	}
	if (value > pt->rules.tcache_count_max)
		return false;
	set_mp_word(pt, tcache_count, value);
	return true;
}

/** glibc 2.35 malloc/malloc.c:do_set_hugetlb; what the kernel offers is the world's to know. */
static bool set_hugetlb(struct ptmalloc *pt, uint64_t value)
{
	const struct pt_huge *huge = &pt->huge;
	bool is_always;

	if (!pt->rules.thp || pt->lay->par.hp_pagesize == FIELD_NONE || !huge->is_known)
		return false;
	is_always = pt->lay->par.thp_mode_int != FIELD_NONE && huge->thp_mode == PT_THP_ALWAYS;
	if (pt->lay->par.thp_mode_int != FIELD_NONE && value <= 1)
		set_mp_int(pt, thp_mode_int, value ? huge->thp_mode : (uint32_t)PT_THP_NEVER);
	if (value == 1 && (huge->thp_mode == PT_THP_MADVISE || is_always))
		set_mp_word(pt, thp_pagesize, huge->thp_pagesize);
	return value <= 1;
}

static bool set_word(struct ptmalloc *pt, const char *name, uint64_t value)
{
	if (strcmp(name, "top_pad") == 0)
		set_mp_word(pt, top_pad, value);
	else if (strcmp(name, "trim_threshold") == 0)
		set_mp_word(pt, trim_threshold, value);
	else
		return false;
	set_mp_int(pt, no_dyn_threshold_int, 1);
	return true;
}

static bool set_mxfast(struct ptmalloc *pt, uint64_t value)
{
	if (value > max_fast_size(pt) || !pt->rules.has_fastbins || !pt->rules.mxfast_tunable)
		return false;
	pt_set_max_fast(pt, value);
	/* Setting malloc up sets it back, before tunables are read. */
	pt->tuned_max_fast = var(pt, VAR_GLOBAL_MAX_FAST);
	return true;
}

static bool set_mmap_max(struct ptmalloc *pt, int64_t value)
{
	if (value > INT32_MAX || value < (pt->rules.mmap_max_unsigned ? 0 : INT32_MIN))
		return false;
	return pt_set_param(pt, M_MMAP_MAX, (int)value);
}

static bool set_tunable(struct ptmalloc *pt, const char *name, uint64_t value)
{
	static const struct {
		const char *name;
		int param;
		uint64_t min, max;
	} params[] = {
		{ "arena_test", M_ARENA_TEST, 1, INT32_MAX },
		{ "arena_max", M_ARENA_MAX, 1, INT32_MAX },
		{ "perturb", M_PERTURB, 0, 255 },
	};
	static const char prefix[] = "glibc.malloc.";

	if (strncmp(name, prefix, sizeof(prefix) - 1) != 0 ||
	    pt->rules.environ == GLIBC_ENVIRON_MALLOPT)
		return false;
	name += sizeof(prefix) - 1;
	if (strncmp(name, "tcache_", 7) == 0)
		return set_tcache(pt, name, value);
	if (strcmp(name, "mmap_max") == 0)
		return set_mmap_max(pt, (int64_t)value);
	if (strcmp(name, "mmap_threshold") == 0)
		return set_mmap_threshold(pt, value);
	if (strcmp(name, "mxfast") == 0)
		return set_mxfast(pt, value);
	if (strcmp(name, "hugetlb") == 0)
		return set_hugetlb(pt, value);
	for (size_t i = 0; i < sizeof(params) / sizeof(params[0]); i++)
		if (strcmp(name, params[i].name) == 0)
			return value >= params[i].min && value <= params[i].max &&
			       pt_set_param(pt, params[i].param, (int)value);
	return set_word(pt, name, value);
}

bool pt_tunable(struct ptmalloc *pt, const char *name, uint64_t value)
{
	bool done = set_tunable(pt, name, value);

	pt_fast_prepare(pt);
	return done;
}

/* --- malloc_trim -------------------------------------------------------------------------------------- */

/* Whole pages inside one free chunk. */
static bool trim_chunk(struct ptmalloc *pt, uint64_t p)
{
	uint64_t header = 6 * word_size(pt), size = chunksize(pt, p), start, len;

	if (size <= pt->page - 1 + header)
		return false;
	start = align_up(p + header, pt->page);
	len = align_down(p + size - start, pt->page);
	if (!len || p + size < start)
		return false;
	why(pt->why, WHY_TRIM_CHUNK, p, size, len);
	pt_madvise(pt, start, len, SYS_MADV_DONTNEED);
	return true;
}

/*
 * The chunks of a bin. A circle is found after a few of its rounds (Brent: the chunk at each power of two is
 * met again), since each chunk asks the kernel for something.
 */
static bool trim_bin(struct ptmalloc *pt, uint64_t bin, uint64_t *fuel)
{
	uint64_t seen = bin, turns = 0, until = 1;
	bool result = false;

	for (uint64_t p = bk(pt, bin); p != bin && pt_turn(pt, fuel); p = bk(pt, p)) {
		if (p == seen)
			*fuel = 1;
		if (++turns == until) {
			seen = p;
			until *= 2;
		}
		result |= trim_chunk(pt, p);
	}
	return result;
}

/** glibc malloc/malloc.c:mtrim */
static bool mtrim(struct ptmalloc *pt, uint64_t av, uint64_t pad)
{
	unsigned first = bin_index(pt, pt->page);
	uint64_t fuel = pt_fuel(pt, av);
	bool result = false;

	pt_enter(pt, FN_MTRIM, av, pad);
	if (pt->rules.has_fastbins)
		pt_malloc_consolidate(pt, av);
	for (unsigned i = 1; i < 128; i++) {
		if (i == 1 || i >= first)
			result |= trim_bin(pt, bin_at(pt, av, i), &fuel);
	}
	if (av == pt->main_arena && pt_ok(pt))
		result |= pt_systrim(pt, pad);
	pt_leave(pt, FN_MTRIM);
	return result;
}

/** glibc malloc/malloc.c:__malloc_trim */
int pt_malloc_trim(struct ptmalloc *pt, uint64_t pad)
{
	uint64_t av = pt->main_arena, fuel = 65536;
	int result = 0;

	pt_begin(pt);
	pt_enter(pt, FN_MALLOC_TRIM, pad, 0);
	pt_ensure_init(pt);
	do {
		result |= mtrim(pt, av, pad);
		av = av_word(pt, av, next);
	} while (av != pt->main_arena && pt_turn(pt, &fuel));
	pt_leave(pt, FN_MALLOC_TRIM);
	pt_end(pt);
	return result;
}
