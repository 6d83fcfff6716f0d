/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_FACTS_HEAP_H
#define HEAPTOP_MODEL_FACTS_HEAP_H

/**
 * The decoded state of glibc's malloc in one process. Plain facts: model/glibc fills them,
 * everybody else reads them. Addresses are the target's; sizes are bytes; a chunk's size is its
 * chunk size (request2size), never the request.
 *
 * What is known when: headers, tops, tcaches and mp_ on every tick (`state.has_headers`);
 * bins and lists when they were followed (`has_lists`); in use, free, trimmable after a full walk
 * (`has_walk`), which may be older than the headers (`walk_taken_ns`). A figure that was not read is an
 * unknown fact, never 0.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/base/fact.h"

enum libc_kind {
	LIBC_NONE, /* no C library mapped (Go without cgo, …) */
	LIBC_GLIBC,
	LIBC_STATIC_GLIBC,
	LIBC_MUSL,
	LIBC_OTHER,
	LIBC_KIND_COUNT
};

/* Who serves malloc. */
enum allocator_kind {
	ALLOCATOR_UNKNOWN,
	ALLOCATOR_GLIBC,
	ALLOCATOR_MUSL,
	ALLOCATOR_JEMALLOC,
	ALLOCATOR_TCMALLOC,
	ALLOCATOR_MIMALLOC,
	ALLOCATOR_OTHER, /* something else defines malloc */
	ALLOCATOR_KIND_COUNT
};

/* One way by which main_arena, mp_ or the threads were looked for; see docs/finding-malloc.md. */
struct road {
	const char *name;    /* static text: "symbols", "relocation", "scan", "heap_info", … */
	uint64_t main_arena; /* 0: this road found none */
	uint64_t mp;         /* 0: this road found none, or does not look for it */
	int score;           /* for scans: points; else 0 */
	const char *note;    /* static text or NULL: "no debug file", … */
};

struct size_count {
	uint64_t size; /* chunk size */
	uint64_t count;
};

struct count_bytes {
	struct fact count, bytes;
};

struct large_bin {
	uint32_t bin; /* bin number, 64 … 126 */
	uint64_t min; /* smallest chunk size that belongs there */
	uint64_t count, bytes;
};

struct malloc_heap {
	uint64_t start;       /* heap_info, or sbrk_base for main_arena */
	uint64_t end;         /* first byte behind the top or fencepost */
	uint64_t rw_end;      /* behind the readable and writable part (mprotect_size) */
	uint64_t reserve_end; /* behind the reservation; == rw_end for main_arena */
};

/* A chunk named on its own: what pins a top, say. size 0: none. */
struct chunk_ref {
	uint64_t addr, size;
};

struct arena {
	uint64_t addr; /* struct malloc_state */
	bool is_main;
	bool is_torn;          /* header and walk contradicted one another in every retry */
	uint32_t mutex, flags; /* as they are in the target */
	struct fact attached_threads;
	uint64_t system_mem, max_system_mem;
	uint64_t top_addr;
	struct fact top_size; /* 0 when the arena has only its initial top */
	uint64_t last_remainder;
	uint64_t next, next_free;
	bool is_contiguous;

	struct malloc_heap *heaps; /* oldest first; main_arena: one per contiguous brk piece */
	size_t heap_count;

	/* lists */
	bool has_lists;
	struct size_count *fastbins; /* non-empty ones, by size */
	size_t fastbin_count;
	struct count_bytes fastbin_total;
	struct count_bytes unsorted;
	struct size_count *small; /* non-empty ones, by size */
	size_t small_count;
	struct large_bin *large; /* non-empty ones, by bin */
	size_t large_count;
	struct count_bytes tcache_total; /* tcache chunks whose memory lies in this arena's heaps */

	/* sums; `in_use` is neither free, nor fastbin, nor tcache, nor top, nor fencepost */
	struct count_bytes in_use;
	struct count_bytes free_total; /* unsorted + small + large */
	struct fact trimmable;         /* resident bytes that malloc_trim(0) would give back now */
	struct chunk_ref top_pin;      /* the in-use chunk directly below top */
	struct fact below_pin; /* free bytes below the pin that trimming the top cannot reach */
	uint64_t fencepost_bytes;
};

struct malloc_thread {
	int32_t tid;
	char name[16];                   /* comm, raw bytes, NUL-terminated */
	uint64_t pthread_addr;           /* struct pthread, 0 unknown */
	uint64_t stack_start, stack_end; /* 0: unknown */
	struct fact arena;               /* address; known 0: has not used malloc yet */
	struct fact tcache;              /* address of tcache_perthread_struct; known 0: none */
	struct size_count *bins;         /* non-empty ones, by size */
	size_t bin_count;
	struct count_bytes total;
};

struct mmapped_chunk {
	uint64_t addr;  /* the chunk (header), not the user memory */
	uint64_t size;  /* bytes of the whole mapping, as mp_.mmapped_mem counts it */
	uint64_t base;  /* start of the mapping */
	bool is_excess; /* looks like a chunk but mp_ says there are fewer: may be a decoy */
};

/** struct malloc_par, as far as the version has the field; unknown otherwise. */
struct malloc_params {
	struct fact trim_threshold, top_pad, mmap_threshold, arena_test, arena_max;
	struct fact thp_mode, thp_pagesize, hp_pagesize, hp_flags;
	struct fact n_mmaps, n_mmaps_max, max_n_mmaps, no_dyn_threshold;
	struct fact mmapped_mem, max_mmapped_mem, sbrk_base;
	struct fact tcache_bins, tcache_max_bytes, tcache_count, tcache_unsorted_limit;
};

struct malloc_totals {
	struct fact system; /* sum of system_mem */
	struct fact in_use, free, tcache, fastbins, mmapped, top, trimmable;
	struct fact chunks_in_use, chunks_free;
};

struct heap_error {
	uint64_t addr;
	const char *what; /* static text or on the part's region */
};

/* Consistency of the last full walk. */
struct walk_facts {
	bool is_done;
	uint64_t torn_chunks; /* chunks that no retry could place */
	uint64_t torn_bytes;  /* from those to the next chunk that was known */
	uint64_t retries;
	uint64_t bytes, chunks;
	uint64_t unreadable; /* bytes skipped: swapped out or forbidden */
};

/* Addresses in the target of variables that malloc and libc keep to themselves; 0: not known. */
struct malloc_private {
	uint64_t narenas, narenas_limit, free_list, next_to_use, aligned_heap_area;
	uint64_t tcache_key, global_max_fast, perturb_byte, may_shrink_heap;
	uint64_t curbrk, single_threaded; /* __curbrk, __libc_single_threaded */
	uint64_t multiple_threads;        /* __libc_multiple_threads, an int */
	uint32_t max_fast_bytes;          /* width of global_max_fast: 1 or a word */
	uint64_t stack_cache;             /* nptl's list of joined threads' stacks, */
	uint32_t pthread_list;            /* which links struct pthreads at this offset */
	/* __malloc_hook, __realloc_hook, __memalign_hook, __free_hook and what they hold at first */
	uint64_t hook[4], hook_first[4];
};

/** One libc's malloc. A process has one, rarely more (dlmopen, audit libraries). */
struct malloc_state {
	uint64_t main_arena_addr, mp_addr;
	struct malloc_private private; /* where the rest of its state lies */
	bool is_used;                  /* false: main_arena is in its never-used state */
	struct malloc_params params;
	struct arena *arenas; /* ring order, main_arena first */
	size_t arena_count;
	struct malloc_thread *threads;
	size_t thread_count;
	struct mmapped_chunk *mmapped; /* by address */
	size_t mmapped_count;
	bool has_mmapped; /* the VMAs were searched for mmapped chunks */
	struct malloc_totals totals;
	struct walk_facts walk;
	bool has_walk;
	uint64_t walk_taken_ns; /* CLOCK_REALTIME of the last full walk; 0: none yet */
};

enum { HEAP_ERRORS_MAX = 64 };

struct heap_facts {
	/* the C library */
	enum libc_kind libc_kind;
	enum allocator_kind allocator;
	const char *interposer; /* file name of the module that defines malloc instead; or NULL */
	char version[32];       /* "2.36", empty: unknown */
	int minor;              /* 36; -1 unknown */
	const char *libc_path;  /* as in maps; NULL: none */
	char build_id[64];      /* lower-case hex, empty: none */
	const char *runtime;    /* "Go", "Java", NULL: neither recognised */
	/* how the state was found */
	const char *found_by; /* name of the first road that settled it; NULL: not found */
	char confidence;      /* 'A' … 'D', 'N' never used, '?' not found */
	struct road roads[12];
	size_t road_count;
	const char *layout; /* name of the layout row in use, NULL: none */

	struct malloc_state *instances; /* [0] is the one that the program uses */
	size_t instance_count;

	/* The target ran while this was read, so that contradictions may be between instants. */
	bool has_moved;
	struct heap_error errors[HEAP_ERRORS_MAX]; /* the first ones */
	size_t error_count;                        /* all, may exceed HEAP_ERRORS_MAX */
};

/** The JSON word for a libc: glibc, static-glibc, musl, jemalloc, tcmalloc, mimalloc, other, none. */
const char *libc_kind_word(const struct heap_facts *heap);

/** Appends an error; `what` must live as long as the facts. */
void heap_error_add(struct heap_facts *heap, uint64_t addr, const char *what);

#endif
