/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_GLIBC_PT_WORLD_H
#define HEAPTOP_MODEL_GLIBC_PT_WORLD_H

/**
 * Private to the allocator's files: the words of the image by the names that glibc gives them.
 *
 * A failed check or access does not jump out: it is noted (pt_abort(), or the image's sticky fault) and
 * the function goes on with whatever it reads, which is harmless, since every access is checked. So
 * loops whose end depends on the image count their turns (pt_fuel()), and nothing may ask the kernel
 * for anything once pt_ok() is false (pt_sys.h sees to that).
 */
#include "model/base/units.h"
#include "model/glibc/ptmalloc.h"

#define FASTBIN_CONSOLIDATION_THRESHOLD UINT64_C(65536)

enum pt_bits { PREV_INUSE = 1, IS_MMAPPED = 2, NON_MAIN_ARENA = 4, SIZE_BITS = 7 };
enum pt_state_flags { FASTCHUNKS_BIT = 1, NONCONTIGUOUS_BIT = 2 };

/* libc's file-private variables: indices of pt->vars. */
enum pt_var {
	VAR_NARENAS,
	VAR_NARENAS_LIMIT,
	VAR_FREE_LIST,
	VAR_NEXT_TO_USE,
	VAR_ALIGNED_HEAP_AREA,
	VAR_TCACHE_KEY,
	VAR_GLOBAL_MAX_FAST,
	VAR_CURBRK,
	VAR_MAY_SHRINK_HEAP, /* 0: not looked, 1: no, 2: yes */
	VAR_PERTURB_BYTE,
	VAR_INITIALIZED,
	VAR_SINGLE_THREADED,
	VAR_COUNT
};

_Static_assert((int)VAR_COUNT == (int)PT_VARS, "pt->vars holds them all");

/* A thread's row: 32 bytes of the private pages. */
enum pt_thread_var { THREAD_ARENA, THREAD_TCACHE, THREAD_SHUTTING_DOWN, THREAD_VAR_COUNT };

_Static_assert((int)THREAD_VAR_COUNT == (int)PT_THREAD_VARS, "pt->cached holds them all");

/* What THREAD_TCACHE holds besides an address. */
enum { TCACHE_INACTIVE = 0, TCACHE_DISABLED = 1 };

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

/* --- words --------------------------------------------------------------------------------------- */

static inline uint64_t ld(struct ptmalloc *pt, uint64_t addr)
{
	return __builtin_expect(pt->is_64, 1) ? image_get8(pt->image, addr)
	                                      : image_get4(pt->image, addr);
}

static inline void st(struct ptmalloc *pt, uint64_t addr, uint64_t v)
{
	if (__builtin_expect(pt->is_64, 1))
		image_set8(pt->image, addr, v);
	else
		image_set4(pt->image, addr, (uint32_t)v);
}

static inline uint64_t word_size(const struct ptmalloc *pt)
{
	return pt->is_64 ? 8 : 4;
}

static inline uint64_t var(const struct ptmalloc *pt, enum pt_var v)
{
	return pt->vars[v];
}

static inline void set_var(struct ptmalloc *pt, enum pt_var v, uint64_t value)
{
	pt->vars[v] = value;
}

static inline uint64_t thread_var_addr(uint32_t thread, enum pt_thread_var v)
{
	return PT_PRIVATE_ADDR + 32 * (uint64_t)thread + 8 * (uint64_t)v;
}

/** Another thread runs now: its variables are taken from the image (pt_init.c). */
void pt_switch_thread(struct ptmalloc *pt);

static inline uint64_t thread_var(struct ptmalloc *pt, enum pt_thread_var v)
{
	if (__builtin_expect(pt->cached_thread != pt->thread, 0))
		pt_switch_thread(pt);
	return pt->cached[v];
}

static inline void set_thread_var(struct ptmalloc *pt, enum pt_thread_var v, uint64_t value)
{
	image_set8(pt->image, thread_var_addr(pt->thread, v), value);
	pt_switch_thread(pt);
}

/* mp_: words by their offset, ints with _int at the end of the field's name */
#define mp_word(pt, field)        ld(pt, (pt)->mp + (pt)->lay->par.field)
#define set_mp_word(pt, field, v) st(pt, (pt)->mp + (pt)->lay->par.field, v)
#define mp_int(pt, field)         image_get4((pt)->image, (pt)->mp + (pt)->lay->par.field)
#define set_mp_int(pt, field, v)  image_set4((pt)->image, (pt)->mp + (pt)->lay->par.field, v)
/* an arena's words */
#define av_word(pt, av, field)        ld(pt, (av) + (pt)->lay->arena.field)
#define set_av_word(pt, av, field, v) st(pt, (av) + (pt)->lay->arena.field, v)

/* --- chunks ----------------------------------------------------------------------------------------- */

static inline uint64_t chunk2mem(const struct ptmalloc *pt, uint64_t p)
{
	return p + 2 * word_size(pt);
}

static inline uint64_t mem2chunk(const struct ptmalloc *pt, uint64_t mem)
{
	return mem - 2 * word_size(pt);
}

static inline uint64_t chunk_hdr_sz(const struct ptmalloc *pt)
{
	return 2 * word_size(pt);
}

static inline uint64_t size_word(struct ptmalloc *pt, uint64_t p)
{
	return ld(pt, p + word_size(pt));
}

static inline uint64_t chunksize(struct ptmalloc *pt, uint64_t p)
{
	return size_word(pt, p) & ~(uint64_t)SIZE_BITS;
}

static inline uint64_t prev_size(struct ptmalloc *pt, uint64_t p)
{
	return ld(pt, p);
}

static inline void set_head(struct ptmalloc *pt, uint64_t p, uint64_t size_and_bits)
{
	st(pt, p + word_size(pt), size_and_bits);
}

/* Keeps the bits, replaces the size (malloc.c:set_head_size). */
static inline void set_head_size(struct ptmalloc *pt, uint64_t p, uint64_t size_and_bits)
{
	set_head(pt, p, (size_word(pt, p) & SIZE_BITS) | size_and_bits);
}

static inline void set_foot(struct ptmalloc *pt, uint64_t p, uint64_t size)
{
	st(pt, p + size, size);
}

static inline bool prev_inuse(struct ptmalloc *pt, uint64_t p)
{
	return size_word(pt, p) & PREV_INUSE;
}

static inline bool inuse_bit_at(struct ptmalloc *pt, uint64_t p, uint64_t size)
{
	return prev_inuse(pt, p + size);
}

static inline void set_inuse_bit_at(struct ptmalloc *pt, uint64_t p, uint64_t size)
{
	set_head(pt, p + size, size_word(pt, p + size) | PREV_INUSE);
}

static inline void clear_inuse_bit(struct ptmalloc *pt, uint64_t p)
{
	set_head(pt, p, size_word(pt, p) & ~(uint64_t)PREV_INUSE);
}

static inline bool is_mmapped(struct ptmalloc *pt, uint64_t p)
{
	return size_word(pt, p) & IS_MMAPPED;
}

static inline uint64_t fd(struct ptmalloc *pt, uint64_t p)
{
	return ld(pt, p + 2 * word_size(pt));
}

static inline uint64_t bk(struct ptmalloc *pt, uint64_t p)
{
	return ld(pt, p + 3 * word_size(pt));
}

static inline void set_fd(struct ptmalloc *pt, uint64_t p, uint64_t v)
{
	st(pt, p + 2 * word_size(pt), v);
}

static inline void set_bk(struct ptmalloc *pt, uint64_t p, uint64_t v)
{
	st(pt, p + 3 * word_size(pt), v);
}

static inline uint64_t fd_nextsize(struct ptmalloc *pt, uint64_t p)
{
	return ld(pt, p + 4 * word_size(pt));
}

static inline uint64_t bk_nextsize(struct ptmalloc *pt, uint64_t p)
{
	return ld(pt, p + 5 * word_size(pt));
}

static inline void set_fd_nextsize(struct ptmalloc *pt, uint64_t p, uint64_t v)
{
	st(pt, p + 4 * word_size(pt), v);
}

static inline void set_bk_nextsize(struct ptmalloc *pt, uint64_t p, uint64_t v)
{
	st(pt, p + 5 * word_size(pt), v);
}

static inline bool is_misaligned_chunk(const struct ptmalloc *pt, uint64_t p)
{
	return !is_aligned(chunk2mem(pt, p), pt->lay->alignment);
}

/* In the target's word size. */
static inline uint64_t as_word(const struct ptmalloc *pt, uint64_t v)
{
	return pt->is_64 ? v : (uint32_t)v;
}

/* --- bins ---------------------------------------------------------------------------------------------- */

static inline bool in_smallbin_range(const struct ptmalloc *pt, uint64_t size)
{
	return size < pt->lay->min_large;
}

static inline uint64_t bin_at(const struct ptmalloc *pt, uint64_t av, unsigned i)
{
	return av + pt->lay->arena.bins + 2 * word_size(pt) * ((uint64_t)i - 2);
}

static inline uint64_t unsorted_chunks(const struct ptmalloc *pt, uint64_t av)
{
	return bin_at(pt, av, 1);
}

static inline uint64_t binmap_at(const struct ptmalloc *pt, uint64_t av, unsigned block)
{
	return av + pt->lay->arena.binmap + 4 * (uint64_t)block;
}

static inline void mark_bin(struct ptmalloc *pt, uint64_t av, unsigned i)
{
	uint64_t at = binmap_at(pt, av, i / 32);

	image_set4(pt->image, at, image_get4(pt->image, at) | UINT32_C(1) << (i % 32));
}

static inline unsigned bin_index(const struct ptmalloc *pt, uint64_t size)
{
	if (pt->is_64 && size < 1024)
		return (unsigned)(size >> 4);
	return glibc_bin_index(pt->lay, size);
}

static inline unsigned fastbin_index(const struct ptmalloc *pt, uint64_t size)
{
	return (unsigned)((size >> (pt->is_64 ? 4 : 3)) - 2);
}

static inline uint64_t fastbin_at(const struct ptmalloc *pt, uint64_t av, unsigned idx)
{
	return av + pt->lay->arena.fastbins + (uint64_t)idx * word_size(pt);
}

/* PROTECT_PTR and REVEAL_PTR: the same both ways. */
static inline uint64_t protect_ptr(const struct ptmalloc *pt, uint64_t pos, uint64_t ptr)
{
	return pt->lay->safe_linking ? as_word(pt, pos >> 12 ^ ptr) : ptr;
}

/* --- outcome --------------------------------------------------------------------------------------------- */

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

/* --- pt_heap_info.c: heaps of other arenas --------------------------------------------------------------- */

uint64_t pt_heap_for_ptr(const struct ptmalloc *pt, uint64_t p);
/** heap_info's address, 0 when it can't be had. */
uint64_t pt_new_heap(struct ptmalloc *pt, uint64_t size, uint64_t top_pad);
bool pt_grow_heap(struct ptmalloc *pt, uint64_t heap, uint64_t diff);
void pt_heap_trim(struct ptmalloc *pt, uint64_t heap, uint64_t pad);
uint64_t pt_heap_size(struct ptmalloc *pt, uint64_t heap);

/* --- pt_sysmalloc.c, pt_mmap_chunk.c ------------------------------------------------------------------------ */

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

/* --- pt_int_malloc.c, pt_int_free.c ------------------------------------------------------------------------- */

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
void pt_unlink_chunk(struct ptmalloc *pt, uint64_t av, uint64_t p);
void pt_malloc_consolidate(struct ptmalloc *pt, uint64_t av);
bool pt_have_fastchunks(struct ptmalloc *pt, uint64_t av);

/* --- pt_cache_fast.c ---------------------------------------------------------------------------------------------------- */

/** Fetches pt->fast; after malloc's state, its parameters or the thread's tcache changed. */
void pt_fast_prepare(struct ptmalloc *pt);

/* --- pt_cache.c: the tcache ------------------------------------------------------------------------------------ */

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

/* --- ptmalloc.c --------------------------------------------------------------------------------------------------- */

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
	image_clear_fault(pt->image);
}
void pt_end(struct ptmalloc *pt);

#endif
