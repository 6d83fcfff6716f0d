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
#include "tests/lib/glibc_mirrors.h"

/* --- rows ------------------------------------------------------------------------------------- */

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

/* --- arithmetic ------------------------------------------------------------------------------- */

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

static void a_tcache_takes_what_would_be_too_small_to_leave(void **state)
{
	const struct malloc_layout *new64 = row(43, ABI_LP64), *l32 = row(36, ABI_I386);

	(void)state;
	assert_true(glibc_is_tcache_chunk(row(36, ABI_LP64), 0x290));
	assert_true(glibc_is_tcache_chunk(row(36, ABI_LP64), 0x2a0));
	assert_false(glibc_is_tcache_chunk(row(36, ABI_LP64), 0x2b0));
	assert_false(glibc_is_tcache_chunk(row(36, ABI_LP64), 0x280));
	assert_true(glibc_is_tcache_chunk(new64, 0x300));
	assert_true(glibc_is_tcache_chunk(new64, 0x320));
	assert_false(glibc_is_tcache_chunk(new64, 0x330));
	/* There MINSIZE is what sizes are rounded to: nothing smaller is left. */
	assert_true(glibc_is_tcache_chunk(l32, 0x190));
	assert_false(glibc_is_tcache_chunk(l32, 0x1a0));
	assert_false(glibc_is_tcache_chunk(row(25, ABI_LP64), 0));
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
		cmocka_unit_test(a_tcache_takes_what_would_be_too_small_to_leave),
		cmocka_unit_test(links_are_revealed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
