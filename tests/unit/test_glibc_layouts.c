/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The layout rows against structures that are compiled here, one per generation, with the fields in
 * glibc's order (malloc/malloc.c and malloc/arena.c of each tag) and the word of each ABI; and the bin
 * arithmetic against its own inverse, at every size that matters.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/rules/glibc.h"

/* --- struct malloc_state: W is the word, F the number of fastbins ------------------------------------ */

#define ARENA_BINS(W)                                                                              \
	W top, last_remainder, bins[254];                                                          \
	uint32_t binmap[4];                                                                        \
	W next, next_free

#define ARENA_2_22(name, W, F)                                                                     \
	struct name {                                                                              \
		int32_t mutex, flags;                                                              \
		W fastbins[F];                                                                     \
		ARENA_BINS(W);                                                                     \
		W system_mem, max_system_mem;                                                      \
	}
#define ARENA_2_23(name, W, F)                                                                     \
	struct name {                                                                              \
		int32_t mutex, flags;                                                              \
		W fastbins[F];                                                                     \
		ARENA_BINS(W);                                                                     \
		W attached_threads, system_mem, max_system_mem;                                    \
	}
#define ARENA_2_27(name, W, F)                                                                     \
	struct name {                                                                              \
		int32_t mutex, flags, have_fastchunks;                                             \
		W fastbins[F];                                                                     \
		ARENA_BINS(W);                                                                     \
		W attached_threads, system_mem, max_system_mem;                                    \
	}
#define ARENA_2_43(name, W)                                                                        \
	struct name {                                                                              \
		int32_t mutex, flags;                                                              \
		ARENA_BINS(W);                                                                     \
		W attached_threads, system_mem, max_system_mem;                                    \
	}

ARENA_2_22(arena64_22, uint64_t, 10);
ARENA_2_23(arena64_23, uint64_t, 10);
ARENA_2_27(arena64_27, uint64_t, 10);
ARENA_2_43(arena64_43, uint64_t);
ARENA_2_22(arena32_22, uint32_t, 10);
ARENA_2_23(arena32_23, uint32_t, 10);
ARENA_2_23(arena32_26, uint32_t, 11);
ARENA_2_27(arena32_27, uint32_t, 11);
ARENA_2_43(arena32_43, uint32_t);

#define BASE_OF(s)                                                                                 \
	.mutex = offsetof(struct s, mutex), .flags = offsetof(struct s, flags),                    \
	.top = offsetof(struct s, top), .last_remainder = offsetof(struct s, last_remainder),      \
	.bins = offsetof(struct s, bins), .binmap = offsetof(struct s, binmap),                    \
	.next = offsetof(struct s, next), .next_free = offsetof(struct s, next_free),              \
	.system_mem = offsetof(struct s, system_mem),                                              \
	.max_system_mem = offsetof(struct s, max_system_mem), .size = sizeof(struct s)
#define NO_FAST .have_fastchunks = FIELD_NONE, .fastbins = FIELD_NONE
#define FAST(s) .have_fastchunks = FIELD_NONE, .fastbins = offsetof(struct s, fastbins)
#define FAST_HAVE(s)                                                                               \
	.have_fastchunks = offsetof(struct s, have_fastchunks),                                    \
	.fastbins = offsetof(struct s, fastbins)
#define ATTACHED(s) .attached_threads = offsetof(struct s, attached_threads)

struct expected_arena {
	enum abi abi;
	int first, last;
	struct arena_layout lay;
};

static const struct expected_arena arenas[] = {
	{ ABI_LP64,
	  22,
	  22,
	  { BASE_OF(arena64_22), FAST(arena64_22), .attached_threads = FIELD_NONE } },
	{ ABI_LP64, 23, 26, { BASE_OF(arena64_23), FAST(arena64_23), ATTACHED(arena64_23) } },
	{ ABI_LP64, 27, 42, { BASE_OF(arena64_27), FAST_HAVE(arena64_27), ATTACHED(arena64_27) } },
	{ ABI_LP64, 43, 43, { BASE_OF(arena64_43), NO_FAST, ATTACHED(arena64_43) } },
	{ ABI_I386,
	  22,
	  22,
	  { BASE_OF(arena32_22), FAST(arena32_22), .attached_threads = FIELD_NONE } },
	{ ABI_I386, 23, 25, { BASE_OF(arena32_23), FAST(arena32_23), ATTACHED(arena32_23) } },
	{ ABI_I386, 26, 26, { BASE_OF(arena32_26), FAST(arena32_26), ATTACHED(arena32_26) } },
	{ ABI_I386, 27, 42, { BASE_OF(arena32_27), FAST_HAVE(arena32_27), ATTACHED(arena32_27) } },
	{ ABI_I386, 43, 43, { BASE_OF(arena32_43), NO_FAST, ATTACHED(arena32_43) } },
};

/* --- struct malloc_par ----------------------------------------------------------------------------------- */

#define PAR_HEAD(W) W trim_threshold, top_pad, mmap_threshold, arena_test, arena_max
#define PAR_MMAPS(W)                                                                               \
	int32_t n_mmaps, n_mmaps_max, max_n_mmaps, no_dyn_threshold;                               \
	W mmapped_mem, max_mmapped_mem
#define PAR_TCACHE(W) W tcache_bins, tcache_max_bytes, tcache_count, tcache_unsorted_limit

#define PAR_2_22(name, W)                                                                          \
	struct name {                                                                              \
		PAR_HEAD(W);                                                                       \
		PAR_MMAPS(W);                                                                      \
		W max_total_mem, sbrk_base;                                                        \
	}
#define PAR_2_24(name, W)                                                                          \
	struct name {                                                                              \
		PAR_HEAD(W);                                                                       \
		PAR_MMAPS(W);                                                                      \
		W sbrk_base;                                                                       \
	}
#define PAR_2_26(name, W)                                                                          \
	struct name {                                                                              \
		PAR_HEAD(W);                                                                       \
		PAR_MMAPS(W);                                                                      \
		W sbrk_base;                                                                       \
		PAR_TCACHE(W);                                                                     \
	}
#define PAR_2_35(name, W)                                                                          \
	struct name {                                                                              \
		PAR_HEAD(W);                                                                       \
		W thp_pagesize, hp_pagesize;                                                       \
		int32_t hp_flags;                                                                  \
		PAR_MMAPS(W);                                                                      \
		W sbrk_base;                                                                       \
		PAR_TCACHE(W);                                                                     \
	}
#define PAR_2_43(name, W)                                                                          \
	struct name {                                                                              \
		PAR_HEAD(W);                                                                       \
		int32_t thp_mode;                                                                  \
		W thp_pagesize, hp_pagesize;                                                       \
		int32_t hp_flags;                                                                  \
		PAR_MMAPS(W);                                                                      \
		W sbrk_base;                                                                       \
		PAR_TCACHE(W);                                                                     \
	}

PAR_2_22(par64_22, uint64_t);
PAR_2_24(par64_24, uint64_t);
PAR_2_26(par64_26, uint64_t);
PAR_2_35(par64_35, uint64_t);
PAR_2_43(par64_43, uint64_t);
PAR_2_22(par32_22, uint32_t);
PAR_2_24(par32_24, uint32_t);
PAR_2_26(par32_26, uint32_t);
PAR_2_35(par32_35, uint32_t);
PAR_2_43(par32_43, uint32_t);

#define PAR_BASE_OF(s)                                                                             \
	.trim_threshold = offsetof(struct s, trim_threshold),                                      \
	.top_pad = offsetof(struct s, top_pad),                                                    \
	.mmap_threshold = offsetof(struct s, mmap_threshold),                                      \
	.arena_test = offsetof(struct s, arena_test), .arena_max = offsetof(struct s, arena_max),  \
	.n_mmaps_int = offsetof(struct s, n_mmaps),                                                \
	.n_mmaps_max_int = offsetof(struct s, n_mmaps_max),                                        \
	.max_n_mmaps_int = offsetof(struct s, max_n_mmaps),                                        \
	.no_dyn_threshold_int = offsetof(struct s, no_dyn_threshold),                              \
	.mmapped_mem = offsetof(struct s, mmapped_mem),                                            \
	.max_mmapped_mem = offsetof(struct s, max_mmapped_mem),                                    \
	.sbrk_base = offsetof(struct s, sbrk_base), .size = sizeof(struct s)
#define NO_HUGE                                                                                    \
	.thp_mode_int = FIELD_NONE, .thp_pagesize = FIELD_NONE, .hp_pagesize = FIELD_NONE,         \
	.hp_flags_int = FIELD_NONE
#define HUGE_OF(s)                                                                                 \
	.thp_mode_int = FIELD_NONE, .thp_pagesize = offsetof(struct s, thp_pagesize),              \
	.hp_pagesize = offsetof(struct s, hp_pagesize),                                            \
	.hp_flags_int = offsetof(struct s, hp_flags)
#define HUGE_MODE_OF(s)                                                                            \
	.thp_mode_int = offsetof(struct s, thp_mode),                                              \
	.thp_pagesize = offsetof(struct s, thp_pagesize),                                          \
	.hp_pagesize = offsetof(struct s, hp_pagesize),                                            \
	.hp_flags_int = offsetof(struct s, hp_flags)
#define NO_TCACHE                                                                                  \
	.tcache_bins = FIELD_NONE, .tcache_max_bytes = FIELD_NONE, .tcache_count = FIELD_NONE,     \
	.tcache_unsorted_limit = FIELD_NONE
#define TCACHE_OF(s)                                                                               \
	.tcache_bins = offsetof(struct s, tcache_bins),                                            \
	.tcache_max_bytes = offsetof(struct s, tcache_max_bytes),                                  \
	.tcache_count = offsetof(struct s, tcache_count),                                          \
	.tcache_unsorted_limit = offsetof(struct s, tcache_unsorted_limit)

struct expected_par {
	enum abi abi;
	int first, last;
	struct par_layout lay;
};

static const struct expected_par pars[] = {
	{ ABI_LP64, 22, 23, { PAR_BASE_OF(par64_22), NO_HUGE, NO_TCACHE } },
	{ ABI_LP64, 24, 25, { PAR_BASE_OF(par64_24), NO_HUGE, NO_TCACHE } },
	{ ABI_LP64, 26, 34, { PAR_BASE_OF(par64_26), NO_HUGE, TCACHE_OF(par64_26) } },
	{ ABI_LP64, 35, 42, { PAR_BASE_OF(par64_35), HUGE_OF(par64_35), TCACHE_OF(par64_35) } },
	{ ABI_LP64,
	  43,
	  43,
	  { PAR_BASE_OF(par64_43), HUGE_MODE_OF(par64_43), TCACHE_OF(par64_43) } },
	{ ABI_I386, 22, 23, { PAR_BASE_OF(par32_22), NO_HUGE, NO_TCACHE } },
	{ ABI_I386, 24, 25, { PAR_BASE_OF(par32_24), NO_HUGE, NO_TCACHE } },
	{ ABI_I386, 26, 34, { PAR_BASE_OF(par32_26), NO_HUGE, TCACHE_OF(par32_26) } },
	{ ABI_I386, 35, 42, { PAR_BASE_OF(par32_35), HUGE_OF(par32_35), TCACHE_OF(par32_35) } },
	{ ABI_I386,
	  43,
	  43,
	  { PAR_BASE_OF(par32_43), HUGE_MODE_OF(par32_43), TCACHE_OF(par32_43) } },
};

/* --- heap_info and tcache_perthread_struct ------------------------------------------------------------------ */

#define HEAP_BARE(name, W)                                                                         \
	struct name {                                                                              \
		W ar_ptr, prev, size, mprotect_size;                                               \
	}
#define HEAP_OLD(name, W, P)                                                                       \
	struct name {                                                                              \
		W ar_ptr, prev, size, mprotect_size;                                               \
		char pad[P];                                                                       \
	}
#define HEAP_NEW(name, W, P)                                                                       \
	struct name {                                                                              \
		W ar_ptr, prev, size, mprotect_size, pagesize;                                     \
		char pad[P];                                                                       \
	}

/* The padding is -6 words (to 2.34) or -3 words modulo MALLOC_ALIGNMENT; zero in two cases. */
HEAP_BARE(heap64_22, uint64_t);
HEAP_NEW(heap64_35, uint64_t, -3 * 8 & 15);
HEAP_BARE(heap32_22, uint32_t);
HEAP_OLD(heap32_26, uint32_t, -6 * 4 & 15);
HEAP_NEW(heap32_35, uint32_t, -3 * 4 & 15);

#define TCACHE(name, C, W, N)                                                                      \
	struct name {                                                                              \
		C counts[N];                                                                       \
		W entries[N];                                                                      \
	}

TCACHE(tcache64_26, uint8_t, uint64_t, 64);
TCACHE(tcache64_30, uint16_t, uint64_t, 64);
TCACHE(tcache64_42, uint16_t, uint64_t, 76);
TCACHE(tcache32_26, uint8_t, uint32_t, 64);
TCACHE(tcache32_30, uint16_t, uint32_t, 64);
TCACHE(tcache32_42, uint16_t, uint32_t, 76);

struct expected_sizes {
	enum abi abi;
	int first, last;
	size_t heap, tcache, entries, chunk; /* of tcache_perthread_struct */
};

#define TC(s) sizeof(struct s), offsetof(struct s, entries)

static const struct expected_sizes sizes[] = {
	{ ABI_LP64, 22, 25, sizeof(struct heap64_22), 0, 0, 0 },
	{ ABI_LP64, 26, 29, sizeof(struct heap64_22), TC(tcache64_26), 0x250 },
	{ ABI_LP64, 30, 34, sizeof(struct heap64_22), TC(tcache64_30), 0x290 },
	{ ABI_LP64, 35, 41, sizeof(struct heap64_35), TC(tcache64_30), 0x290 },
	{ ABI_LP64, 42, 43, sizeof(struct heap64_35), TC(tcache64_42), 0x300 },
	{ ABI_I386, 22, 25, sizeof(struct heap32_22), 0, 0, 0 },
	{ ABI_I386, 26, 29, sizeof(struct heap32_26), TC(tcache32_26), 0x150 },
	{ ABI_I386, 30, 34, sizeof(struct heap32_26), TC(tcache32_30), 0x190 },
	{ ABI_I386, 35, 41, sizeof(struct heap32_35), TC(tcache32_30), 0x190 },
	{ ABI_I386, 42, 43, sizeof(struct heap32_35), TC(tcache32_42), 0x1d0 },
};

/* --- rows -------------------------------------------------------------------------------------------------- */

enum { MINOR_FIRST = 22, MINOR_LAST = 43 };

static const struct malloc_layout *row(int minor, enum abi abi)
{
	const struct malloc_layout *lay = glibc_layout_for(minor, abi);

	if (!lay)
		fail_msg("no row for 2.%d", minor);
	return lay;
}

static void every_version_has_one_row(void **state)
{
	(void)state;
	for (int abi = ABI_LP64; abi <= ABI_I386; abi++) {
		for (int minor = MINOR_FIRST; minor <= MINOR_LAST; minor++) {
			size_t fitting = 0;

			for (size_t i = 0; i < glibc_layout_count; i++) {
				const struct malloc_layout *lay = &glibc_layouts[i];

				fitting += (int)lay->abi == abi && lay->minor_first <= minor &&
				           minor <= lay->minor_last;
			}
			assert_int_equal(fitting, 1);
		}
	}
	assert_null(glibc_layout_for(21, ABI_LP64));
	assert_null(glibc_layout_for(44, ABI_LP64));
}

static void arenas_are_laid_out_as_compiled(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(arenas) / sizeof(arenas[0]); i++) {
		for (int minor = arenas[i].first; minor <= arenas[i].last; minor++)
			assert_memory_equal(&row(minor, arenas[i].abi)->arena, &arenas[i].lay,
			                    sizeof(struct arena_layout));
	}
}

static void params_are_laid_out_as_compiled(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pars) / sizeof(pars[0]); i++) {
		for (int minor = pars[i].first; minor <= pars[i].last; minor++)
			assert_memory_equal(&row(minor, pars[i].abi)->par, &pars[i].lay,
			                    sizeof(struct par_layout));
	}
}

/* glibc malloc/malloc.c:request2size */
static size_t chunk_for(const struct malloc_layout *lay, size_t request)
{
	size_t size = (request + lay->word + lay->alignment - 1) & ~(size_t)(lay->alignment - 1);

	return size < lay->min_size ? lay->min_size : size;
}

static void heaps_and_tcaches_are_laid_out_as_compiled(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		const struct expected_sizes *want = &sizes[i];

		for (int minor = want->first; minor <= want->last; minor++) {
			const struct malloc_layout *lay = row(minor, want->abi);

			assert_int_equal(lay->heap.size, want->heap);
			assert_int_equal(lay->tcache.bins ? lay->tcache.size : 0, want->tcache);
			assert_int_equal(lay->tcache.entries, want->entries);
			assert_int_equal(lay->tcache.chunk_sizes[0], want->chunk);
			if (want->chunk)
				assert_int_equal(chunk_for(lay, lay->tcache.size), want->chunk);
			if (lay->tcache.chunk_sizes[1])
				assert_int_equal(chunk_for(lay, want->chunk),
				                 lay->tcache.chunk_sizes[1]);
		}
	}
}

static void flags_change_with_their_version(void **state)
{
	(void)state;
	for (int minor = MINOR_FIRST; minor <= MINOR_LAST; minor++) {
		const struct malloc_layout *l64 = row(minor, ABI_LP64), *l32 = row(minor, ABI_I386);

		for (int i = 0; i < 2; i++) {
			const struct malloc_layout *lay = i ? l32 : l64;

			assert_int_equal(lay->safe_linking, minor >= 32);
			assert_int_equal(lay->fastchunks_flag_bit, minor <= 26);
			assert_int_equal(lay->mmapped_size_without_header, minor >= 43);
			assert_int_equal(lay->tcache_dummies, minor >= 43);
			assert_int_equal(lay->arena_in_tls, minor >= 23);
			assert_int_equal(lay->heap.heap_max_is_4_hp, minor >= 35 && minor <= 41);
			assert_int_equal(lay->heap.pagesize != FIELD_NONE, minor >= 35);
			assert_int_equal(lay->tcache.counts_down, minor >= 42);
			assert_int_equal(lay->tcache.default_count, minor < 26   ? 0
			                                            : minor < 43 ? 7
			                                                         : 16);
		}
		assert_int_equal(l64->heap.heap_max, 64 << 20);
		assert_int_equal(l32->heap.heap_max, 1 << 20);
		assert_int_equal(l32->alignment, minor >= 26 ? 16 : 8);
		assert_int_equal(l64->fastbins, minor < 43 ? 10 : 0);
		assert_int_equal(l32->fastbins, minor < 26 ? 10 : minor < 43 ? 11 : 0);
	}
}

static void a_generation_is_known_by_its_link(void **state)
{
	(void)state;
	assert_int_equal(glibc_layout_by_next(2072, ABI_LP64)->minor_first, 43);
	assert_int_equal(glibc_layout_by_next(2160, ABI_LP64)->minor_first, 42);
	assert_int_equal(glibc_layout_by_next(2152, ABI_LP64)->minor_first, 26);
	assert_int_equal(glibc_layout_by_next(1096, ABI_I386)->minor_first, 42);
	assert_null(glibc_layout_by_next(2161, ABI_LP64));
	assert_null(glibc_layout_by_next(2160, ABI_I386));
}

/* --- arithmetic --------------------------------------------------------------------------------------------- */

/* The table of bins in words: where each group of large bins begins, for LP64. */
static void large_bins_begin_where_the_table_says(void **state)
{
	static const struct {
		uint64_t size;
		unsigned bin;
	} table[] = {
		{ 1024, 64 },
		{ 1087, 64 },
		{ 1088, 65 },
		{ 3071, 95 },
		{ 3072, 96 },
		{ 3135, 96 },
		{ 3136, 97 },
		{ 3583, 97 },
		{ 3584, 98 },
		{ 10751, 111 },
		{ 10752, 112 },
		{ 12287, 112 },
		{ 12288, 113 },
		{ 40959, 119 },
		{ 40960, 120 },
		{ 65535, 120 },
		{ 65536, 121 },
		{ 98304, 122 },
		{ 131072, 123 },
		{ 163839, 123 },
		{ 163840, 124 },
		{ 262144, 125 },
		{ 524287, 125 },
		{ 524288, 126 },
		{ UINT64_MAX & ~(uint64_t)15, 126 },
	};
	const struct malloc_layout *lay = row(36, ABI_LP64);

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_int_equal(glibc_bin_index(lay, table[i].size), table[i].bin);
}

static void bins_ascend_without_a_gap(const struct malloc_layout *lay)
{
	unsigned last = glibc_bin_index(lay, lay->min_size);

	assert_int_equal(last, lay->abi == ABI_I386 && lay->alignment == 16
	                               ? 2
	                               : lay->min_size / lay->alignment);
	for (uint64_t size = lay->min_size; size < 1 << 20; size += lay->alignment) {
		unsigned bin = glibc_bin_index(lay, size);

		/* glibc leaves bin 95 empty there: its first group of large bins ends at 94. */
		if (lay->small_bin_shift && last == 94 && bin == 96)
			last++;
		assert_true(bin == last || bin == last + 1);
		assert_int_equal(size < lay->min_large, bin < 64);
		/* Small bins hold one size each. */
		if (bin < 64)
			assert_int_equal(glibc_bin_min(lay, bin), size);
		else if (bin != last)
			assert_int_equal(glibc_bin_min(lay, bin), size);
		last = bin;
	}
	assert_int_equal(last, 126);
}

static void every_size_has_its_bin(void **state)
{
	(void)state;
	bins_ascend_without_a_gap(row(36, ABI_LP64));
	bins_ascend_without_a_gap(row(25, ABI_I386));
	bins_ascend_without_a_gap(row(36, ABI_I386));
}

static void caches_hold_their_sizes(void **state)
{
	const struct malloc_layout *l64 = row(36, ABI_LP64), *l32 = row(36, ABI_I386);
	const struct malloc_layout *new64 = row(43, ABI_LP64);

	(void)state;
	assert_int_equal(glibc_tcache_size(l64, 0), 0x20);
	assert_int_equal(glibc_tcache_size(l64, 63), 0x410);
	assert_int_equal(glibc_tcache_size(l32, 0), 0x10);
	assert_int_equal(glibc_tcache_size(l32, 63), 0x400);
	assert_int_equal(glibc_tcache_size(new64, 64), 0x420);
	assert_int_equal(glibc_tcache_size(new64, 65), 2048);
	assert_int_equal(glibc_tcache_size(new64, 75), 2 << 20);
	assert_int_equal(glibc_fastbin_size(l64, 0), 0x20);
	assert_int_equal(glibc_fastbin_size(l64, 9), 0xb0);
	assert_int_equal(glibc_fastbin_size(l32, 10), 0x60);
}

static void links_are_revealed(void **state)
{
	const uint64_t at = 0x555555559010, target = 0x5555555592a0;

	(void)state;
	assert_int_equal(glibc_reveal(row(31, ABI_LP64), at, target), target);
	assert_int_equal(glibc_reveal(row(32, ABI_LP64), at, target ^ at >> 12), target);
	assert_int_equal(glibc_reveal(row(43, ABI_LP64), at, at >> 12), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_version_has_one_row),
		cmocka_unit_test(arenas_are_laid_out_as_compiled),
		cmocka_unit_test(params_are_laid_out_as_compiled),
		cmocka_unit_test(heaps_and_tcaches_are_laid_out_as_compiled),
		cmocka_unit_test(flags_change_with_their_version),
		cmocka_unit_test(a_generation_is_known_by_its_link),
		cmocka_unit_test(large_bins_begin_where_the_table_says),
		cmocka_unit_test(every_size_has_its_bin),
		cmocka_unit_test(caches_hold_their_sizes),
		cmocka_unit_test(links_are_revealed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
