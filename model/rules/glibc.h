/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_RULES_GLIBC_H
#define HEAPTOP_MODEL_RULES_GLIBC_H

/**
 * How each glibc lays its malloc out in memory: complete rows of data, one per version range and ABI.
 * A row is a default; what a probe finds in the target overrides a field of a copy.
 * No other file compares version numbers.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum abi {
	ABI_LP64, /* x86-64 and aarch64: 8-byte words, 4 KiB pages */
	ABI_I386, /* 4-byte words */
};

/* Offset of a field that a version does not have. */
#define FIELD_NONE UINT32_MAX

/* glibc malloc/malloc.c:struct malloc_state */
struct arena_layout {
	uint32_t mutex, flags, have_fastchunks, fastbins, top, last_remainder, bins, binmap;
	uint32_t next, next_free, attached_threads, system_mem, max_system_mem;
	uint32_t size;
};

/* glibc malloc/malloc.c:struct malloc_par; `…_int` fields are C ints, the others words */
struct par_layout {
	uint32_t trim_threshold, top_pad, mmap_threshold, arena_test, arena_max;
	uint32_t thp_mode_int, thp_pagesize, hp_pagesize, hp_flags_int;
	uint32_t n_mmaps_int, n_mmaps_max_int, max_n_mmaps_int, no_dyn_threshold_int;
	uint32_t mmapped_mem, max_mmapped_mem, sbrk_base;
	uint32_t tcache_bins, tcache_max_bytes, tcache_count, tcache_unsorted_limit;
	uint32_t size;
};

/* glibc malloc/arena.c:struct _heap_info */
struct heap_layout {
	uint32_t ar_ptr, prev, size_field, mprotect_size, pagesize; /* pagesize may be FIELD_NONE */
	uint32_t size;         /* the header's; the first heap's arena follows */
	uint64_t heap_max;     /* HEAP_MAX_SIZE without huge pages */
	bool heap_max_is_4_hp; /* 2.35-2.41: HEAP_MAX_SIZE is 4 × mp_.hp_pagesize when that is set */
};

/* glibc malloc/malloc.c:struct tcache_perthread_struct */
struct tcache_layout {
	uint32_t bins;        /* 0: the version has no tcache */
	uint32_t small_bins;  /* of them, one chunk size each */
	uint32_t count_bytes; /* width of a counter: 1 or 2 */
	uint32_t entries;     /* offset of entries[]; counters are at 0 */
	uint32_t size;
	bool counts_down;        /* counters hold the free slots left, from tcache_count */
	uint32_t chunk_sizes[2]; /* what its own chunk is requested as; 0: none */
	uint32_t default_count;  /* mp_.tcache_count's default */
	uint32_t default_max_bytes;
};

struct malloc_layout {
	const char *name; /* "2.27-2.29 LP64" */
	enum abi abi;
	int minor_first, minor_last; /* glibc 2.minor */
	uint32_t word;
	uint32_t alignment;               /* MALLOC_ALIGNMENT */
	uint32_t min_size;                /* MINSIZE */
	uint32_t min_large;               /* first large chunk size */
	uint32_t fastbins;                /* NFASTBINS, 0: none */
	bool small_bin_shift;             /* SMALLBIN_CORRECTION (i386 with 16-byte alignment) */
	bool safe_linking;                /* fd of fastbin and tcache entries is mangled (2.32) */
	bool fastchunks_flag_bit;         /* flags bit 0 is FASTCHUNKS, inverted (to 2.26) */
	bool mmapped_size_without_header; /* 2.43: size excludes the 16-byte header */
	bool tcache_dummies; /* 2.43: an unused thread's tcache points into libc's read-only data */
	struct arena_layout arena;
	struct par_layout par;
	struct heap_layout heap;
	struct tcache_layout tcache;
};

/*
 * Where a linker put malloc's own variables in .bss, counted from next_to_use, which follows the
 * exported __malloc_initialize_hook; FIELD_NONE: not there. The compiler decides it, so it is believed only
 * when what lies there can be that.
 */
struct private_layout {
	int minor_first, minor_last;
	uint32_t narenas_limit, tcache_key, aligned_heap_area, free_list, perturb_byte;
	uint32_t global_max_fast, max_fast_bytes;
};

/** The row for glibc 2.`minor` on 64-bit, or NULL. */
const struct private_layout *glibc_private_for(int minor);

/* From mp_ back to narenas and may_shrink_heap in .data, in the same builds. */
enum { GLIBC_NARENAS_BEFORE_MP = 0x18, GLIBC_MAY_SHRINK_BEFORE_MP = 0x20 };

extern const struct malloc_layout glibc_layouts[];
extern const size_t glibc_layout_count;

/** The row for glibc 2.`minor` on an ABI, or NULL. */
const struct malloc_layout *glibc_layout_for(int minor, enum abi abi);

/** Row by generation, for roads that know no version: the newest row whose arena fields fit. */
const struct malloc_layout *glibc_layout_by_next(uint32_t next_offset, enum abi abi);

/* Pure functions of a layout (glibc malloc/malloc.c:largebin_index, smallbin_index, csize2tidx). */

/** Bin number of a chunk size: 2 … 63 small, 64 … 126 large. */
unsigned glibc_bin_index(const struct malloc_layout *lay, uint64_t chunk_size);
/** Smallest chunk size of a bin. */
uint64_t glibc_bin_min(const struct malloc_layout *lay, unsigned bin);
/** Chunk size of tcache bin `index` (for the large classes of 2.42+: the smallest one). */
uint64_t glibc_tcache_size(const struct malloc_layout *lay, unsigned index);
/** Can a chunk of this size be a tcache's own? */
bool glibc_is_tcache_chunk(const struct malloc_layout *lay, uint64_t size);
/** Chunk size of fastbin `index`. */
uint64_t glibc_fastbin_size(const struct malloc_layout *lay, unsigned index);
/** Undoes safe-linking where the version has it (malloc.c:REVEAL_PTR). */
uint64_t glibc_reveal(const struct malloc_layout *lay, uint64_t field_addr, uint64_t stored);

#endif
