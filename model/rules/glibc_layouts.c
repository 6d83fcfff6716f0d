/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/rules/glibc.h"

/*
 * Offsets were taken from the debug files of Debian's 2.31, 2.36, 2.41 and 2.43 and, for the other
 * versions, from glibc's tags: malloc/malloc.c (malloc_state, malloc_par, tcache_perthread_struct) and
 * malloc/arena.c (_heap_info). tests/unit/test_glibc_layouts.c compiles each generation's structures
 * again and compares.
 *
 * What a distribution's stable branch changed in a layout (2.22 has attached_threads, 2.26 has
 * have_fastchunks, 2.28 and 2.29 have two-byte counters at the end of their branches) is found by the
 * probes, which then take the row of a neighbour.
 *
 * One piece per generation of a structure; a row names the pieces that its versions are made of.
 */

/* clang-format off */

/* --- struct malloc_state ----------------------------------------------------------------------- */

#define ARENA_LP64_2_22 {								\
	.mutex = 0, .flags = 4, .have_fastchunks = FIELD_NONE, .fastbins = 8,		\
	.top = 88, .last_remainder = 96, .bins = 104, .binmap = 2136,			\
	.next = 2152, .next_free = 2160, .attached_threads = FIELD_NONE,		\
	.system_mem = 2168, .max_system_mem = 2176, .size = 2184 }
#define ARENA_LP64_2_23 {								\
	.mutex = 0, .flags = 4, .have_fastchunks = FIELD_NONE, .fastbins = 8,		\
	.top = 88, .last_remainder = 96, .bins = 104, .binmap = 2136,			\
	.next = 2152, .next_free = 2160, .attached_threads = 2168,			\
	.system_mem = 2176, .max_system_mem = 2184, .size = 2192 }
#define ARENA_LP64_2_27 {								\
	.mutex = 0, .flags = 4, .have_fastchunks = 8, .fastbins = 16,			\
	.top = 96, .last_remainder = 104, .bins = 112, .binmap = 2144,			\
	.next = 2160, .next_free = 2168, .attached_threads = 2176,			\
	.system_mem = 2184, .max_system_mem = 2192, .size = 2200 }
#define ARENA_LP64_2_43 {								\
	.mutex = 0, .flags = 4, .have_fastchunks = FIELD_NONE, .fastbins = FIELD_NONE,	\
	.top = 8, .last_remainder = 16, .bins = 24, .binmap = 2056,			\
	.next = 2072, .next_free = 2080, .attached_threads = 2088,			\
	.system_mem = 2096, .max_system_mem = 2104, .size = 2112 }

#define ARENA_I386_2_22 {								\
	.mutex = 0, .flags = 4, .have_fastchunks = FIELD_NONE, .fastbins = 8,		\
	.top = 48, .last_remainder = 52, .bins = 56, .binmap = 1072,			\
	.next = 1088, .next_free = 1092, .attached_threads = FIELD_NONE,		\
	.system_mem = 1096, .max_system_mem = 1100, .size = 1104 }
#define ARENA_I386_2_23 {								\
	.mutex = 0, .flags = 4, .have_fastchunks = FIELD_NONE, .fastbins = 8,		\
	.top = 48, .last_remainder = 52, .bins = 56, .binmap = 1072,			\
	.next = 1088, .next_free = 1092, .attached_threads = 1096,			\
	.system_mem = 1100, .max_system_mem = 1104, .size = 1108 }
#define ARENA_I386_2_26 {								\
	.mutex = 0, .flags = 4, .have_fastchunks = FIELD_NONE, .fastbins = 8,		\
	.top = 52, .last_remainder = 56, .bins = 60, .binmap = 1076,			\
	.next = 1092, .next_free = 1096, .attached_threads = 1100,			\
	.system_mem = 1104, .max_system_mem = 1108, .size = 1112 }
#define ARENA_I386_2_27 {								\
	.mutex = 0, .flags = 4, .have_fastchunks = 8, .fastbins = 12,			\
	.top = 56, .last_remainder = 60, .bins = 64, .binmap = 1080,			\
	.next = 1096, .next_free = 1100, .attached_threads = 1104,			\
	.system_mem = 1108, .max_system_mem = 1112, .size = 1116 }
#define ARENA_I386_2_43 {								\
	.mutex = 0, .flags = 4, .have_fastchunks = FIELD_NONE, .fastbins = FIELD_NONE,	\
	.top = 8, .last_remainder = 12, .bins = 16, .binmap = 1032,			\
	.next = 1048, .next_free = 1052, .attached_threads = 1056,			\
	.system_mem = 1060, .max_system_mem = 1064, .size = 1068 }

/* --- struct malloc_par ------------------------------------------------------------------------- */

#define PAR_LP64_HEAD									\
	.trim_threshold = 0, .top_pad = 8, .mmap_threshold = 16, .arena_test = 24, .arena_max = 32
#define PAR_I386_HEAD									\
	.trim_threshold = 0, .top_pad = 4, .mmap_threshold = 8, .arena_test = 12, .arena_max = 16
#define PAR_NO_HUGE_PAGES								\
	.thp_mode_int = FIELD_NONE, .thp_pagesize = FIELD_NONE,				\
	.hp_pagesize = FIELD_NONE, .hp_flags_int = FIELD_NONE
#define PAR_NO_TCACHE									\
	.tcache_bins = FIELD_NONE, .tcache_max_bytes = FIELD_NONE,			\
	.tcache_count = FIELD_NONE, .tcache_unsorted_limit = FIELD_NONE

/* 2.22 and 2.23 have max_total_mem, which was never of use, before sbrk_base. */
#define PAR_LP64_2_22 {									\
	PAR_LP64_HEAD, PAR_NO_HUGE_PAGES, .n_mmaps_int = 40, .n_mmaps_max_int = 44,	\
	.max_n_mmaps_int = 48, .no_dyn_threshold_int = 52, .mmapped_mem = 56,		\
	.max_mmapped_mem = 64, .sbrk_base = 80, PAR_NO_TCACHE, .size = 88 }
#define PAR_LP64_2_24 {									\
	PAR_LP64_HEAD, PAR_NO_HUGE_PAGES, .n_mmaps_int = 40, .n_mmaps_max_int = 44,	\
	.max_n_mmaps_int = 48, .no_dyn_threshold_int = 52, .mmapped_mem = 56,		\
	.max_mmapped_mem = 64, .sbrk_base = 72, PAR_NO_TCACHE, .size = 80 }
#define PAR_LP64_2_26 {									\
	PAR_LP64_HEAD, PAR_NO_HUGE_PAGES, .n_mmaps_int = 40, .n_mmaps_max_int = 44,	\
	.max_n_mmaps_int = 48, .no_dyn_threshold_int = 52, .mmapped_mem = 56,		\
	.max_mmapped_mem = 64, .sbrk_base = 72, .tcache_bins = 80,			\
	.tcache_max_bytes = 88, .tcache_count = 96, .tcache_unsorted_limit = 104,	\
	.size = 112 }
#define PAR_LP64_2_35 {									\
	PAR_LP64_HEAD, .thp_mode_int = FIELD_NONE, .thp_pagesize = 40,			\
	.hp_pagesize = 48, .hp_flags_int = 56, .n_mmaps_int = 60,			\
	.n_mmaps_max_int = 64, .max_n_mmaps_int = 68, .no_dyn_threshold_int = 72,	\
	.mmapped_mem = 80, .max_mmapped_mem = 88, .sbrk_base = 96, .tcache_bins = 104,	\
	.tcache_max_bytes = 112, .tcache_count = 120, .tcache_unsorted_limit = 128,	\
	.size = 136 }
#define PAR_LP64_2_43 {									\
	PAR_LP64_HEAD, .thp_mode_int = 40, .thp_pagesize = 48, .hp_pagesize = 56,	\
	.hp_flags_int = 64, .n_mmaps_int = 68, .n_mmaps_max_int = 72,			\
	.max_n_mmaps_int = 76, .no_dyn_threshold_int = 80, .mmapped_mem = 88,		\
	.max_mmapped_mem = 96, .sbrk_base = 104, .tcache_bins = 112,			\
	.tcache_max_bytes = 120, .tcache_count = 128, .tcache_unsorted_limit = 136,	\
	.size = 144 }

#define PAR_I386_2_22 {									\
	PAR_I386_HEAD, PAR_NO_HUGE_PAGES, .n_mmaps_int = 20, .n_mmaps_max_int = 24,	\
	.max_n_mmaps_int = 28, .no_dyn_threshold_int = 32, .mmapped_mem = 36,		\
	.max_mmapped_mem = 40, .sbrk_base = 48, PAR_NO_TCACHE, .size = 52 }
#define PAR_I386_2_24 {									\
	PAR_I386_HEAD, PAR_NO_HUGE_PAGES, .n_mmaps_int = 20, .n_mmaps_max_int = 24,	\
	.max_n_mmaps_int = 28, .no_dyn_threshold_int = 32, .mmapped_mem = 36,		\
	.max_mmapped_mem = 40, .sbrk_base = 44, PAR_NO_TCACHE, .size = 48 }
#define PAR_I386_2_26 {									\
	PAR_I386_HEAD, PAR_NO_HUGE_PAGES, .n_mmaps_int = 20, .n_mmaps_max_int = 24,	\
	.max_n_mmaps_int = 28, .no_dyn_threshold_int = 32, .mmapped_mem = 36,		\
	.max_mmapped_mem = 40, .sbrk_base = 44, .tcache_bins = 48,			\
	.tcache_max_bytes = 52, .tcache_count = 56, .tcache_unsorted_limit = 60,	\
	.size = 64 }
#define PAR_I386_2_35 {									\
	PAR_I386_HEAD, .thp_mode_int = FIELD_NONE, .thp_pagesize = 20,			\
	.hp_pagesize = 24, .hp_flags_int = 28, .n_mmaps_int = 32,			\
	.n_mmaps_max_int = 36, .max_n_mmaps_int = 40, .no_dyn_threshold_int = 44,	\
	.mmapped_mem = 48, .max_mmapped_mem = 52, .sbrk_base = 56, .tcache_bins = 60,	\
	.tcache_max_bytes = 64, .tcache_count = 68, .tcache_unsorted_limit = 72,	\
	.size = 76 }
#define PAR_I386_2_43 {									\
	PAR_I386_HEAD, .thp_mode_int = 20, .thp_pagesize = 24, .hp_pagesize = 28,	\
	.hp_flags_int = 32, .n_mmaps_int = 36, .n_mmaps_max_int = 40,			\
	.max_n_mmaps_int = 44, .no_dyn_threshold_int = 48, .mmapped_mem = 52,		\
	.max_mmapped_mem = 56, .sbrk_base = 60, .tcache_bins = 64,			\
	.tcache_max_bytes = 68, .tcache_count = 72, .tcache_unsorted_limit = 76,	\
	.size = 80 }

/* --- heap_info: HEAP_MAX_SIZE is twice DEFAULT_MMAP_THRESHOLD_MAX (32 MiB; i386: 512 KiB) ------- */

#define HEAP_LP64_2_22 {								\
	.ar_ptr = 0, .prev = 8, .size_field = 16, .mprotect_size = 24,			\
	.pagesize = FIELD_NONE, .size = 32, .heap_max = 64u << 20 }
#define HEAP_LP64_2_35 {								\
	.ar_ptr = 0, .prev = 8, .size_field = 16, .mprotect_size = 24,			\
	.pagesize = 32, .size = 48, .heap_max = 64u << 20, .heap_max_is_4_hp = true }
#define HEAP_LP64_2_42 {								\
	.ar_ptr = 0, .prev = 8, .size_field = 16, .mprotect_size = 24,			\
	.pagesize = 32, .size = 48, .heap_max = 64u << 20 }

/* The padding that aligns what follows changed with MALLOC_ALIGNMENT in 2.26. */
#define HEAP_I386_2_22 {								\
	.ar_ptr = 0, .prev = 4, .size_field = 8, .mprotect_size = 12,			\
	.pagesize = FIELD_NONE, .size = 16, .heap_max = 1u << 20 }
#define HEAP_I386_2_26 {								\
	.ar_ptr = 0, .prev = 4, .size_field = 8, .mprotect_size = 12,			\
	.pagesize = FIELD_NONE, .size = 24, .heap_max = 1u << 20 }
#define HEAP_I386_2_35 {								\
	.ar_ptr = 0, .prev = 4, .size_field = 8, .mprotect_size = 12,			\
	.pagesize = 16, .size = 24, .heap_max = 1u << 20, .heap_max_is_4_hp = true }
#define HEAP_I386_2_42 {								\
	.ar_ptr = 0, .prev = 4, .size_field = 8, .mprotect_size = 12,			\
	.pagesize = 16, .size = 24, .heap_max = 1u << 20 }

/* --- struct tcache_perthread_struct --------------------------------------------------------------- */

#define TCACHE_LP64_2_26 {								\
	.bins = 64, .small_bins = 64, .count_bytes = 1, .entries = 64, .size = 576,	\
	.chunk_sizes = { 0x250 }, .default_count = 7, .default_max_bytes = 1032 }
#define TCACHE_LP64_2_30 {								\
	.bins = 64, .small_bins = 64, .count_bytes = 2, .entries = 128, .size = 640,	\
	.chunk_sizes = { 0x290 }, .default_count = 7, .default_max_bytes = 1032 }
#define TCACHE_LP64_2_42 {								\
	.bins = 76, .small_bins = 64, .count_bytes = 2, .entries = 152, .size = 760,	\
	.counts_down = true, .chunk_sizes = { 0x300 }, .default_count = 7,		\
	.default_max_bytes = 1032 }
/* 2.43 makes it where it is first needed; from within _int_malloc the size is rounded twice. */
#define TCACHE_LP64_2_43 {								\
	.bins = 76, .small_bins = 64, .count_bytes = 2, .entries = 152, .size = 760,	\
	.counts_down = true, .chunk_sizes = { 0x300, 0x310 }, .default_count = 16,	\
	.default_max_bytes = 1041 }

#define TCACHE_I386_2_26 {								\
	.bins = 64, .small_bins = 64, .count_bytes = 1, .entries = 64, .size = 320,	\
	.chunk_sizes = { 0x150 }, .default_count = 7, .default_max_bytes = 1020 }
#define TCACHE_I386_2_30 {								\
	.bins = 64, .small_bins = 64, .count_bytes = 2, .entries = 128, .size = 384,	\
	.chunk_sizes = { 0x190 }, .default_count = 7, .default_max_bytes = 1020 }
#define TCACHE_I386_2_42 {								\
	.bins = 76, .small_bins = 64, .count_bytes = 2, .entries = 152, .size = 456,	\
	.counts_down = true, .chunk_sizes = { 0x1d0 }, .default_count = 7,		\
	.default_max_bytes = 1020 }
#define TCACHE_I386_2_43 {								\
	.bins = 76, .small_bins = 64, .count_bytes = 2, .entries = 152, .size = 456,	\
	.counts_down = true, .chunk_sizes = { 0x1d0, 0x1e0 }, .default_count = 16,	\
	.default_max_bytes = 1025 }

#define NO_TCACHE { .bins = 0 }

/* --- what depends on the ABI alone ------------------------------------------------------------------ */

#define LP64										\
	.abi = ABI_LP64, .word = 8, .alignment = 16, .min_size = 32, .min_large = 1024
/* MALLOC_ALIGNMENT grew from 8 to 16 in 2.26 (sysdeps/i386/malloc-alignment.h). */
#define I386_8										\
	.abi = ABI_I386, .word = 4, .alignment = 8, .min_size = 16, .min_large = 512
#define I386_16										\
	.abi = ABI_I386, .word = 4, .alignment = 16, .min_size = 16, .min_large = 1008,	\
	.small_bin_shift = true

const struct malloc_layout glibc_layouts[] = {
	{ .name = "2.22 LP64", LP64, .minor_first = 22, .minor_last = 22,
	  .fastbins = 10, .fastchunks_flag_bit = true,
	  .arena = ARENA_LP64_2_22, .par = PAR_LP64_2_22, .heap = HEAP_LP64_2_22,
	  .tcache = NO_TCACHE },
	{ .name = "2.23 LP64", LP64, .minor_first = 23, .minor_last = 23,
	  .fastbins = 10, .fastchunks_flag_bit = true,
	  .arena = ARENA_LP64_2_23, .par = PAR_LP64_2_22, .heap = HEAP_LP64_2_22,
	  .tcache = NO_TCACHE },
	{ .name = "2.24-2.25 LP64", LP64, .minor_first = 24, .minor_last = 25,
	  .fastbins = 10, .fastchunks_flag_bit = true,
	  .arena = ARENA_LP64_2_23, .par = PAR_LP64_2_24, .heap = HEAP_LP64_2_22,
	  .tcache = NO_TCACHE },
	{ .name = "2.26 LP64", LP64, .minor_first = 26, .minor_last = 26,
	  .fastbins = 10, .fastchunks_flag_bit = true,
	  .arena = ARENA_LP64_2_23, .par = PAR_LP64_2_26, .heap = HEAP_LP64_2_22,
	  .tcache = TCACHE_LP64_2_26 },
	{ .name = "2.27-2.29 LP64", LP64, .minor_first = 27, .minor_last = 29,
	  .fastbins = 10,
	  .arena = ARENA_LP64_2_27, .par = PAR_LP64_2_26, .heap = HEAP_LP64_2_22,
	  .tcache = TCACHE_LP64_2_26 },
	{ .name = "2.30-2.31 LP64", LP64, .minor_first = 30, .minor_last = 31,
	  .fastbins = 10,
	  .arena = ARENA_LP64_2_27, .par = PAR_LP64_2_26, .heap = HEAP_LP64_2_22,
	  .tcache = TCACHE_LP64_2_30 },
	{ .name = "2.32-2.34 LP64", LP64, .minor_first = 32, .minor_last = 34,
	  .fastbins = 10, .safe_linking = true,
	  .arena = ARENA_LP64_2_27, .par = PAR_LP64_2_26, .heap = HEAP_LP64_2_22,
	  .tcache = TCACHE_LP64_2_30 },
	{ .name = "2.35-2.41 LP64", LP64, .minor_first = 35, .minor_last = 41,
	  .fastbins = 10, .safe_linking = true,
	  .arena = ARENA_LP64_2_27, .par = PAR_LP64_2_35, .heap = HEAP_LP64_2_35,
	  .tcache = TCACHE_LP64_2_30 },
	{ .name = "2.42 LP64", LP64, .minor_first = 42, .minor_last = 42,
	  .fastbins = 10, .safe_linking = true,
	  .arena = ARENA_LP64_2_27, .par = PAR_LP64_2_35, .heap = HEAP_LP64_2_42,
	  .tcache = TCACHE_LP64_2_42 },
	{ .name = "2.43 LP64", LP64, .minor_first = 43, .minor_last = 43,
	  .fastbins = 0, .safe_linking = true,
	  .mmapped_size_without_header = true, .tcache_dummies = true,
	  .arena = ARENA_LP64_2_43, .par = PAR_LP64_2_43, .heap = HEAP_LP64_2_42,
	  .tcache = TCACHE_LP64_2_43 },

	{ .name = "2.22 i386", I386_8, .minor_first = 22, .minor_last = 22,
	  .fastbins = 10, .fastchunks_flag_bit = true,
	  .arena = ARENA_I386_2_22, .par = PAR_I386_2_22, .heap = HEAP_I386_2_22,
	  .tcache = NO_TCACHE },
	{ .name = "2.23 i386", I386_8, .minor_first = 23, .minor_last = 23,
	  .fastbins = 10, .fastchunks_flag_bit = true,
	  .arena = ARENA_I386_2_23, .par = PAR_I386_2_22, .heap = HEAP_I386_2_22,
	  .tcache = NO_TCACHE },
	{ .name = "2.24-2.25 i386", I386_8, .minor_first = 24, .minor_last = 25,
	  .fastbins = 10, .fastchunks_flag_bit = true,
	  .arena = ARENA_I386_2_23, .par = PAR_I386_2_24, .heap = HEAP_I386_2_22,
	  .tcache = NO_TCACHE },
	{ .name = "2.26 i386", I386_16, .minor_first = 26, .minor_last = 26,
	  .fastbins = 11, .fastchunks_flag_bit = true,
	  .arena = ARENA_I386_2_26, .par = PAR_I386_2_26, .heap = HEAP_I386_2_26,
	  .tcache = TCACHE_I386_2_26 },
	{ .name = "2.27-2.29 i386", I386_16, .minor_first = 27, .minor_last = 29,
	  .fastbins = 11,
	  .arena = ARENA_I386_2_27, .par = PAR_I386_2_26, .heap = HEAP_I386_2_26,
	  .tcache = TCACHE_I386_2_26 },
	{ .name = "2.30-2.31 i386", I386_16, .minor_first = 30, .minor_last = 31,
	  .fastbins = 11,
	  .arena = ARENA_I386_2_27, .par = PAR_I386_2_26, .heap = HEAP_I386_2_26,
	  .tcache = TCACHE_I386_2_30 },
	{ .name = "2.32-2.34 i386", I386_16, .minor_first = 32, .minor_last = 34,
	  .fastbins = 11, .safe_linking = true,
	  .arena = ARENA_I386_2_27, .par = PAR_I386_2_26, .heap = HEAP_I386_2_26,
	  .tcache = TCACHE_I386_2_30 },
	{ .name = "2.35-2.41 i386", I386_16, .minor_first = 35, .minor_last = 41,
	  .fastbins = 11, .safe_linking = true,
	  .arena = ARENA_I386_2_27, .par = PAR_I386_2_35, .heap = HEAP_I386_2_35,
	  .tcache = TCACHE_I386_2_30 },
	{ .name = "2.42 i386", I386_16, .minor_first = 42, .minor_last = 42,
	  .fastbins = 11, .safe_linking = true,
	  .arena = ARENA_I386_2_27, .par = PAR_I386_2_35, .heap = HEAP_I386_2_42,
	  .tcache = TCACHE_I386_2_42 },
	{ .name = "2.43 i386", I386_16, .minor_first = 43, .minor_last = 43,
	  .fastbins = 0, .safe_linking = true,
	  .mmapped_size_without_header = true, .tcache_dummies = true,
	  .arena = ARENA_I386_2_43, .par = PAR_I386_2_43, .heap = HEAP_I386_2_42,
	  .tcache = TCACHE_I386_2_43 },
};
/* clang-format on */

const size_t glibc_layout_count = sizeof(glibc_layouts) / sizeof(glibc_layouts[0]);
