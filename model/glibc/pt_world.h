/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_GLIBC_PT_WORLD_H
#define HEAPTOP_MODEL_GLIBC_PT_WORLD_H

/**
 * Private to the allocator's files: what they ask of each other.
 *
 * A failed check or access does not jump out: it is noted (pt_abort(), or the image's sticky fault) and
 * the function goes on with whatever it reads, which is harmless, since every access is checked. So
 * loops whose end depends on the image count their turns (pt_fuel()), and nothing may ask the kernel
 * for anything once pt_ok() is false (pt_mmap() and its like see to that).
 */
#include "model/glibc/pt_words.h"

#define FASTBIN_CONSOLIDATION_THRESHOLD UINT64_C(65536)

/* One request on its way through _int_malloc. */
struct pt_request {
	uint64_t av;        /* arena */
	uint64_t bytes, nb; /* requested, chunk size */
	unsigned idx;       /* bin */
	uint64_t tc_idx;    /* tcache bin; valid when tcache_nb */
	uint64_t tcache_nb; /* nb when chunks of this size may be stashed, else 0 */
	bool return_cached;
	uint64_t unsorted_count;
};

/* --- outcome ---------------------------------------------------------------------------------- */

static inline bool pt_ok(const struct ptmalloc *pt)
{
	return pt->stop == PT_RUNNING && pt->image->fault == IMAGE_OK;
}

/** The operation ends here; the first word counts (an access that failed before it comes first). */
void pt_stop_with(struct ptmalloc *pt, enum pt_stop stop, const char *text);

/** One of glibc's checks failed (malloc.c:malloc_printerr, assert). */
static inline void pt_abort(struct ptmalloc *pt, const char *message)
{
	pt_stop_with(pt, PT_ABORT, message);
}

/** True of a chunk in libc's data when that lies outside of what the target has. */
static inline bool pt_is_outside(uint64_t p)
{
	return p >= PT_OUTSIDE_ADDR && p < PT_OUTSIDE_END;
}

/* --- pt_assert.c --------------------------------------------------------------------------------------- */

enum pt_assert {
	PT_ASSERT_TOP,        /* sysmalloc: the old top ends with a page */
	PT_ASSERT_BIN_FITS,   /* _int_malloc: what the binmap led to */
	PT_ASSERT_HEAP_ARENA, /* _int_free: the heap of top is the arena's */
	PT_ASSERT_FENCEPOST,  /* heap_trim: what ends the heap before */
	PT_ASSERT_DETACHED,
	PT_ASSERT_FREE_LIST,
	PT_ASSERT_THREAD_END,
};

/** One of glibc's asserts failed, in the function and with the text that the version has. */
void pt_assert_failed(struct ptmalloc *pt, enum pt_assert assert);

/** Turns that a loop over chunks of `av` may take before it must be running in a circle. */
uint64_t pt_fuel(struct ptmalloc *pt, uint64_t av);

/** Uses one turn; false when the loop must end. */
static inline bool pt_turn(struct ptmalloc *pt, uint64_t *fuel)
{
	if (!pt_ok(pt))
		return false;
	if (--*fuel)
		return true;
	pt_stop_with(pt, PT_LOOP, "a list of malloc's runs in a circle");
	return false;
}

static inline void pt_enter(struct ptmalloc *pt, enum why_fn fn, uint64_t a, uint64_t b)
{
	why_enter(pt->why, fn, a, b, 0);
}

static inline void pt_leave(struct ptmalloc *pt, enum why_fn fn)
{
	why_leave(pt->why, fn);
}

/* --- the kernel, not asked once something went wrong ------------------------------------------------- */

int64_t pt_mmap(struct ptmalloc *pt, uint64_t addr, uint64_t len, uint32_t prot, uint32_t flags);
int64_t pt_munmap(struct ptmalloc *pt, uint64_t addr, uint64_t len);
int64_t pt_mprotect(struct ptmalloc *pt, uint64_t addr, uint64_t len, uint32_t prot);
int64_t pt_madvise(struct ptmalloc *pt, uint64_t addr, uint64_t len, uint32_t advice);
int64_t pt_mremap(struct ptmalloc *pt, uint64_t addr, uint64_t old_len, uint64_t new_len);

/* --- pt_init.c ---------------------------------------------------------------------------------------- */

/** ptmalloc_init, unless it has run. */
void pt_ensure_init(struct ptmalloc *pt);
void pt_malloc_init_state(struct ptmalloc *pt, uint64_t av);
/** set_max_fast: in request bytes. */
void pt_set_max_fast(struct ptmalloc *pt, uint64_t s);

/** request2size with its range check: 0 when too large. */
uint64_t pt_checked_request2size(const struct ptmalloc *pt, uint64_t bytes);
uint64_t pt_request2size(const struct ptmalloc *pt, uint64_t bytes);
/** True when _int_malloc would refuse it (to 2.26 by another limit than later). */
bool pt_is_too_large(const struct ptmalloc *pt, uint64_t bytes);

/* --- pt_arena_get.c: arenas of threads ------------------------------------------------------------------ */

uint64_t pt_arena_get(struct ptmalloc *pt, uint64_t size);
uint64_t pt_arena_get_retry(struct ptmalloc *pt, uint64_t av, uint64_t bytes);
uint64_t pt_arena_for_chunk(struct ptmalloc *pt, uint64_t p);

/* --- pt_heap_info.c: heaps of other arenas ---------------------------------------------------- */

uint64_t pt_heap_for_ptr(const struct ptmalloc *pt, uint64_t p);
/** heap_info's address, 0 when it can't be had. */
uint64_t pt_new_heap(struct ptmalloc *pt, uint64_t size, uint64_t top_pad);
bool pt_grow_heap(struct ptmalloc *pt, uint64_t heap, uint64_t diff);
void pt_heap_trim(struct ptmalloc *pt, uint64_t heap, uint64_t pad);
uint64_t pt_heap_size(struct ptmalloc *pt, uint64_t heap);

/* --- pt_sysmalloc.c, pt_mmap_chunk.c ---------------------------------------------------------- */

uint64_t pt_sysmalloc(struct ptmalloc *pt, uint64_t nb, uint64_t av);
bool pt_systrim(struct ptmalloc *pt, uint64_t pad);
uint64_t pt_morecore(struct ptmalloc *pt, int64_t increment);
void pt_madvise_thp(struct ptmalloc *pt, uint64_t addr, uint64_t size);
/** sysmalloc_mmap: user memory, 0 when the kernel refuses. */
uint64_t pt_sysmalloc_mmap(struct ptmalloc *pt, uint64_t nb, uint64_t pagesize,
                           uint32_t extra_flags);
void pt_free_mmapped(struct ptmalloc *pt, uint64_t p);
void pt_munmap_chunk(struct ptmalloc *pt, uint64_t p);
/** The chunk's new place, 0 when the kernel refuses. */
uint64_t pt_mremap_chunk(struct ptmalloc *pt, uint64_t p, uint64_t nb);
uint64_t pt_mmap_base_offset(struct ptmalloc *pt, uint64_t p);
uint64_t pt_mmap_size(struct ptmalloc *pt, uint64_t p);
/** mmap_set_chunk: writes the header of a mapping's chunk `offset` bytes in. Returns the chunk. */
uint64_t pt_mmap_set_chunk(struct ptmalloc *pt, uint64_t base, uint64_t size, uint64_t offset,
                           bool huge);

/* --- pt_int_malloc.c, pt_int_free.c ----------------------------------------------------------- */

uint64_t pt_int_malloc(struct ptmalloc *pt, uint64_t av, uint64_t bytes);
void pt_alloc_perturb(struct ptmalloc *pt, uint64_t mem, uint64_t bytes);
void pt_int_free(struct ptmalloc *pt, uint64_t av, uint64_t p);
/** _int_free_chunk: without a tcache. `have_lock`: one more check of a fast bin's head. */
void pt_int_free_chunk(struct ptmalloc *pt, uint64_t av, uint64_t p, uint64_t size, bool have_lock);
void pt_int_free_merge_chunk(struct ptmalloc *pt, uint64_t av, uint64_t p, uint64_t size);
uint64_t pt_int_free_create_chunk(struct ptmalloc *pt, uint64_t av, uint64_t p, uint64_t size,
                                  uint64_t next, uint64_t next_size);
void pt_int_free_maybe_trim(struct ptmalloc *pt, uint64_t av, uint64_t size);
/** What malloc itself gives back: an old top, the rest of a realloc (rules.inner_free). */
void pt_inner_free(struct ptmalloc *pt, uint64_t av, uint64_t p);
void pt_unlink_chunk(struct ptmalloc *pt, uint64_t p);
void pt_malloc_consolidate(struct ptmalloc *pt, uint64_t av);
bool pt_have_fastchunks(struct ptmalloc *pt, uint64_t av);

/* --- pt_mallopt.c ----------------------------------------------------------------------------- */

/** One of mallopt's parameters, without its checks on malloc's state. */
int pt_set_param(struct ptmalloc *pt, int param, int value);

/* --- pt_cache_fast.c -------------------------------------------------------------------------- */

/** Fetches pt->fast; after malloc's state, its parameters or the thread's tcache changed. */
void pt_fast_prepare(struct ptmalloc *pt);

/* --- pt_cache.c: the tcache ------------------------------------------------------------------- */

bool pt_has_tcache(struct ptmalloc *pt);
/** MAYBE_INIT_TCACHE of 2.26-2.41. */
void pt_maybe_init_tcache(struct ptmalloc *pt);
/** 2.43: makes an inactive one; from `av` while _int_malloc runs, else 0. */
void pt_tcache_init(struct ptmalloc *pt, uint64_t av);
uint64_t pt_csize2tidx(const struct ptmalloc *pt, uint64_t nb);
/** True when chunks of this bin are served by small bins of the cache. */
bool pt_tcache_serves(struct ptmalloc *pt, uint64_t tc_idx);
bool pt_tcache_has_room(struct ptmalloc *pt, uint64_t tc_idx);
void pt_tcache_put(struct ptmalloc *pt, uint64_t chunk, uint64_t tc_idx);
uint64_t pt_tcache_get(struct ptmalloc *pt, uint64_t tc_idx);
/** The cache's answer to a request of `nb`, making a cache where the version does; 0: none. */
uint64_t pt_tcache_try_malloc(struct ptmalloc *pt, uint64_t nb);
uint64_t pt_tcache_get_align(struct ptmalloc *pt, uint64_t nb, uint64_t alignment);
/** True when the chunk went into the cache, or free is done otherwise (double free). */
bool pt_tcache_free(struct ptmalloc *pt, uint64_t p, uint64_t size);
void pt_tcache_thread_shutdown(struct ptmalloc *pt);

/* --- ptmalloc.c ------------------------------------------------------------------------------- */

/** __libc_malloc2, or the part of __libc_malloc behind the tcache: arena, _int_malloc, retry. */
uint64_t pt_libc_malloc2(struct ptmalloc *pt, uint64_t bytes);
uint64_t pt_libc_malloc(struct ptmalloc *pt, uint64_t bytes);
void pt_libc_free(struct ptmalloc *pt, uint64_t mem);
static inline bool pt_single_thread(struct ptmalloc *pt)
{
	return pt->rules.single_thread_path && var(pt, VAR_SINGLE_THREADED);
}
/** True when the program has put a function of its own into a hook: nothing can be said then. */
bool pt_hooked(struct ptmalloc *pt, enum pt_hook hook);
/** Begins and ends a call from outside. */
static inline void pt_begin(struct ptmalloc *pt)
{
	pt->error = 0;
	pt->stop = PT_RUNNING;
	pt->stop_text = NULL;
	pt->stop_function = NULL;
	image_clear_fault(pt->image);
}
void pt_end(struct ptmalloc *pt);

#endif
