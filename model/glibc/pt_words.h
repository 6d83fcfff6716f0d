/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_GLIBC_PT_WORDS_H
#define HEAPTOP_MODEL_GLIBC_PT_WORDS_H

/**
 * Private to the allocator's files: malloc's words in the image, by the names that glibc gives them.
 */
#include "model/base/units.h"
#include "model/glibc/pt_bits.h"
#include "model/glibc/ptmalloc.h"

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

/* A thread's row of the private pages. */
enum pt_thread_var { THREAD_ARENA, THREAD_TCACHE, THREAD_SHUTTING_DOWN, THREAD_VAR_COUNT };

_Static_assert((int)THREAD_VAR_COUNT == (int)PT_THREAD_VARS, "pt->cached holds them all");

/* What THREAD_TCACHE holds besides an address. */
enum { TCACHE_INACTIVE = 0, TCACHE_DISABLED = 1 };

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
	return PT_PRIVATE_ADDR + PT_THREAD_BYTES * (uint64_t)thread + 8 * (uint64_t)v;
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
	image_private_set8(pt->image, thread_var_addr(pt->thread, v), value);
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

/* What the size word of a chunk of `av` has besides. */
static inline uint64_t arena_bit(const struct ptmalloc *pt, uint64_t av)
{
	return av != pt->main_arena ? NON_MAIN_ARENA : 0;
}

static inline bool contiguous(struct ptmalloc *pt, uint64_t av)
{
	return !(image_get4(pt->image, av + pt->lay->arena.flags) & NONCONTIGUOUS_BIT);
}

/* --- bins ---------------------------------------------------------------------------------------------- */

static inline bool in_smallbin_range(const struct ptmalloc *pt, uint64_t size)
{
	return size < pt->lay->min_large;
}

static inline uint64_t bin_at(const struct ptmalloc *pt, uint64_t av, unsigned i)
{
	return pt_bin_addr(pt->lay, av, i);
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

#endif
