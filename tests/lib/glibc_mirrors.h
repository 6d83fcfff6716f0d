/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TESTS_LIB_GLIBC_MIRRORS_H
#define HEAPTOP_TESTS_LIB_GLIBC_MIRRORS_H

/**
 * malloc's structures, one mirror per generation and ABI, with the fields in glibc's order
 * (malloc/malloc.c and malloc/arena.c of each tag); and the layouts that the compiler gives them.
 */
#include <stddef.h>
#include <stdint.h>

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

/* --- struct malloc_par ------------------------------------------------------------------------ */

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

/* --- heap_info and tcache_perthread_struct ---------------------------------------------------- */

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

#endif
