/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_RULES_GLIBC_RULES_H
#define HEAPTOP_MODEL_RULES_GLIBC_RULES_H

/**
 * How each glibc's malloc decides, as complete rows: one per release whose decisions differ. Where
 * things lie in memory is glibc.h's. A row is a default: distributions ship stable branches, so what is
 * seen in the target, or --set, overrides a field of a copy.
 *
 * Sources are named as file:function @release of upstream glibc.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What sets malloc up (malloc/arena.c:ptmalloc_init). */
enum glibc_init {
	GLIBC_INIT_HOOK, /* to 2.33: the first malloc, calloc, realloc or memalign meets a built-in hook */
	GLIBC_INIT_FLAG,  /* 2.34-2.41: the first call of any public function */
	GLIBC_INIT_EARLY, /* 2.42: before main */
};

/* Which request is too large (malloc.c:checked_request2size). */
enum glibc_limit {
	GLIBC_LIMIT_MINSIZE, /* to 2.26: 2^64 - 2 * MINSIZE */
	GLIBC_LIMIT_WRAP,    /* 2.27-2.29: the same, and the sum must not wrap */
	GLIBC_LIMIT_PTRDIFF, /* 2.30: PTRDIFF_MAX */
};

/* Where a chunk goes that malloc itself gives back: an old top, realloc's and memalign's rest. */
enum glibc_inner_free {
	GLIBC_INNER_INT_FREE, /* to 2.41: _int_free with tcache and fast bins */
	GLIBC_INNER_FASTBIN,  /* 2.42: _int_free_chunk: fast bins, no tcache */
	GLIBC_INNER_MERGE,    /* 2.43: merged and binned at once */
};

/* What makes a tcache (malloc.c:MAYBE_INIT_TCACHE). */
enum glibc_tcache_birth {
	GLIBC_TCACHE_NONE,
	GLIBC_TCACHE_ANY_CALL, /* 2.26-2.41: malloc, calloc, realloc or free of a heap chunk */
	GLIBC_TCACHE_MALLOC,   /* 2.42: malloc, calloc, memalign within tcache_max */
	GLIBC_TCACHE_FREE,     /* 2.43: free within tcache_max, or _int_malloc about to stash */
};

/* What a thread's end does with its tcache (malloc.c:tcache_thread_shutdown). */
enum glibc_tcache_end {
	GLIBC_TCACHE_END_NONE,
	GLIBC_TCACHE_END_LEAKS,     /* 2.26: freeing the entries makes a new tcache */
	GLIBC_TCACHE_END_LIBC_FREE, /* 2.27-2.42 */
	GLIBC_TCACHE_END_INT_FREE,  /* 2.43 */
};

/* When realloc leaves a block as it is although it is to shrink (malloc.c:__libc_realloc). */
enum glibc_realloc_keep {
	GLIBC_KEEP_NEVER,
	GLIBC_KEEP_TRIM_THRESHOLD, /* 2.37: waste up to trim_threshold */
	GLIBC_KEEP_SLACK_OR_PAGE, /* 2.38-2.42: waste below MALLOC_ALIGNMENT, mmapped up to a page */
	GLIBC_KEEP_SLACK,         /* 2.43 */
};

/* Size of the mapping when brk fails (malloc.c:sysmalloc, sysmalloc_mmap_fallback). */
enum glibc_fallback {
	GLIBC_FALLBACK_MIN_MIB,    /* old top added when contiguous, at least 1 MiB */
	GLIBC_FALLBACK_TRANSPOSED, /* 2.35-2.37: rounded to 1 MiB, at least a page */
	GLIBC_FALLBACK_FRESH,      /* 2.43: nb + top_pad + MINSIZE, at least 1 MiB */
};

/* How a thread's end and arena choice keep count (malloc/arena.c). */
enum glibc_attach {
	GLIBC_ATTACH_NONE,    /* 2.22: every ending thread puts its arena on the free list */
	GLIBC_ATTACH_COUNTED, /* 2.23: when no thread is attached any more */
	GLIBC_ATTACH_REMOVED, /* 2.25: and reused_arena takes it off the free list again */
};

/* How memalign gives its lead and tail back (malloc.c:_int_memalign). */
enum glibc_memalign_rest {
	GLIBC_MEMALIGN_FREE,  /* to 2.38: _int_free, tail only beyond MINSIZE */
	GLIBC_MEMALIGN_MERGE, /* 2.38 branch, 2.39-2.42: merged; short tails too when they merge */
	GLIBC_MEMALIGN_MERGE_MIN, /* 2.43: merged, tail of MINSIZE or more */
};

/* What a failed assert says; the line's number, which differs by build, is left out. */
enum glibc_assert {
	GLIBC_ASSERT_CLASSIC, /* "FUNCTION: Assertion `EXPRESSION' failed." */
	GLIBC_ASSERT_MALLOC,  /* 2.36: "malloc assertion failure in FUNCTION: EXPRESSION" */
	GLIBC_ASSERT_FATAL,   /* 2.37: "(FUNCTION): assertion failed: EXPRESSION" */
};

/* How the environment is read (malloc/arena.c:ptmalloc_init, elf/dl-tunables.c). */
enum glibc_environ {
	GLIBC_ENVIRON_MALLOPT, /* to 2.25: MALLOC_TOP_PAD_ and its like, by mallopt */
	GLIBC_ENVIRON_LOOSE, /* 2.26: GLIBC_TUNABLES goes first; what a number begins with counts */
	GLIBC_ENVIRON_STRICT, /* 2.39: a value is a number, the whole string well-formed */
};

struct glibc_rules {
	int minor; /* glibc 2.minor, the first that the row holds for */

	enum glibc_init init;
	bool has_hooks;           /* to 2.33: __malloc_hook and its siblings */
	bool bins_by_consolidate; /* to 2.26: malloc_consolidate initialises main_arena */
	enum glibc_limit limit;
	bool single_thread_path; /* 2.27: SINGLE_THREAD_P skips arena choice and retry */
	bool free_keeps_errno;   /* 2.33 */

	enum glibc_assert assert_form;

	/* tcache */
	enum glibc_tcache_birth tcache_birth;
	enum glibc_tcache_end tcache_end;
	bool tcache_request_unchecked; /* 2.26: sizes wrap before the cache is asked */
	bool tcache_by_entries;        /* to 2.29: emptiness is told by entries[], not counts[] */
	bool tcache_key;         /* 2.29 (and 2.27, 2.28 branches): double frees are looked for */
	bool checks_tcache_loop; /* 2.33: no more entries than tcache_count */
	bool tcache_end_always; /* 2.34: an ending thread makes no cache any more, had it one or not */
	bool tcache_key_random;    /* 2.34: a random word; before the tcache's address */
	bool tcache_below_max;     /* 2.42: cached when nb < tcache_max_bytes */
	bool tcache_large_exact;   /* 2.43: large classes serve exact sizes only */
	bool tcache_calloc;        /* 2.41: calloc takes from it */
	bool calloc_ptrdiff;       /* 2.30-2.41: a product above PTRDIFF_MAX is an overflow */
	bool tcache_memalign;      /* 2.38 */
	bool tcache_large_tunable; /* 2.42: tcache_max up to 4 MiB */
	uint32_t tcache_count_max; /* of the tunable */

	/* bins */
	bool has_fastbins;       /* to 2.42 */
	bool small_to_smallbin;  /* 2.41: a freed small chunk goes to its small bin at once */
	bool checks_unlink_size; /* 2.26: size against the next chunk's prev_size */
	bool checks_unsorted;    /* 2.29: sizes, links and bits of every unsorted chunk, and top */
	bool checks_unsorted_link;  /* 2.28: the link when one is taken out */
	bool checks_large_lists;    /* 2.30 */
	bool checks_large_ring_end; /* 2.42: also when a chunk becomes the smallest of its bin */
	bool checks_prev_size;      /* 2.29: of the chunk below, when merging with it */
	bool checks_mmapped_place; /* 2.29: a mmapped chunk lies where memalign could have put it */
	bool checks_fast_index;    /* 2.27: malloc_consolidate looks at sizes */
	bool mxfast_tunable;       /* 2.31: glibc.malloc.mxfast */
	bool max_fast_seven;       /* 2.32: set_max_fast(s) with s <= 7 is the smallest */
	enum glibc_inner_free inner_free;

	/* growing and trimming */
	enum glibc_fallback fallback;
	bool mmap_retries_heap; /* to 2.34: when the last resort, a mapping, failed, the heap is tried again */
	bool heap_noreserve;          /* to 2.36: heaps are mapped MAP_NORESERVE */
	bool heap_trim_by_top;        /* 2.23: heap_trim compares top, not the part to give back */
	bool mmap_threshold_limited;  /* to 2.34: M_MMAP_THRESHOLD at most HEAP_MAX / 2 */
	bool thp;                     /* 2.35: glibc.malloc.hugetlb */
	bool thp_in_heaps;            /* 2.43 */
	bool mmapped_fresh_prev_size; /* 2.25: prev_size of a mmapped chunk is written */

	/* arenas */
	enum glibc_attach attach;
	bool reused_arena_gives_up; /* 2.22, 2.23: all locked: none (BZ 20284) */

	/* realloc, memalign */
	enum glibc_realloc_keep realloc_keep;
	enum glibc_memalign_rest memalign_rest;
	bool memalign_overflow_first; /* to 2.29: bytes + alignment + MINSIZE must not wrap */
	bool memalign_ptrdiff;        /* 2.30: alignment above PTRDIFF_MAX is ENOMEM */
	bool aligned_alloc_strict;    /* 2.38: EINVAL unless a power of two */

	/* mallopt and the environment */
	enum glibc_environ environ;
	bool arena_max_sets_test; /* 2.25 */
	bool mmap_max_unsigned;   /* 2.35: the tunable takes no negative value */
};

/** The row for glibc 2.`minor`; NULL before 2.22. Newer ones than known get the newest row. */
const struct glibc_rules *glibc_rules_for(int minor);

#endif
