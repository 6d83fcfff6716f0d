/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/glibc/ptmalloc.h"

#include <errno.h>

#include "model/glibc/pt_cache_fast.h"

/** malloc, calloc and free as the program calls them (glibc malloc/malloc.c). */

bool pt_hooked(struct ptmalloc *pt, enum pt_hook hook)
{
	static const char *const names[] = {
		[PT_HOOK_MALLOC] = "__malloc_hook is set: the program's own function decides",
		[PT_HOOK_REALLOC] = "__realloc_hook is set: the program's own function decides",
		[PT_HOOK_MEMALIGN] = "__memalign_hook is set: the program's own function decides",
		[PT_HOOK_FREE] = "__free_hook is set: the program's own function decides",
	};

	if (!pt->rules.has_hooks)
		return false;
	if (!pt->hook_is_set[hook]) {
		why(pt->why, WHY_HOOK_NONE);
		return false;
	}
	pt_stop_with(pt, PT_HOOK, names[hook]);
	return true;
}

/* --- malloc --------------------------------------------------------------------------------------------- */

uint64_t pt_libc_malloc2(struct ptmalloc *pt, uint64_t bytes)
{
	uint64_t av, mem;

	if (!pt_ok(pt))
		return 0;
	pt_enter(pt, FN_LIBC_MALLOC2, bytes, 0);
	if (pt_single_thread(pt)) {
		why(pt->why, WHY_SINGLE_THREAD);
		mem = pt_int_malloc(pt, pt->main_arena, bytes);
	} else {
		av = pt_arena_get(pt, bytes);
		mem = pt_ok(pt) ? pt_int_malloc(pt, av, bytes) : 0;
		if (!mem && av && pt_ok(pt)) {
			av = pt_arena_get_retry(pt, av, bytes);
			mem = pt_int_malloc(pt, av, bytes);
		}
	}
	pt_leave(pt, FN_LIBC_MALLOC2);
	return mem;
}

/* Size and tcache, the part before an arena is chosen. True: *ret is the answer (0: ENOMEM). */
static bool try_cache(struct ptmalloc *pt, uint64_t bytes, uint64_t *ret)
{
	uint64_t nb = pt_checked_request2size(pt, bytes);

	*ret = 0;
	if (!pt->lay->tcache.bins)
		return false;
	if (!nb && pt->rules.tcache_birth == GLIBC_TCACHE_FREE)
		return false; /* 2.43 leaves the refusal to _int_malloc */
	if (!nb && !pt->rules.tcache_request_unchecked) {
		why(pt->why, WHY_TOO_LARGE, bytes);
		pt->error = ENOMEM;
		return true;
	}
	if (!nb)
		nb = pt_request2size(pt, bytes);
	*ret = pt_tcache_try_malloc(pt, nb);
	return *ret != 0;
}

uint64_t pt_libc_malloc(struct ptmalloc *pt, uint64_t bytes)
{
	uint64_t mem = 0;

	pt_enter(pt, FN_LIBC_MALLOC, bytes, 0);
	if (!pt_hooked(pt, PT_HOOK_MALLOC)) {
		pt_ensure_init(pt);
		if (!try_cache(pt, bytes, &mem))
			mem = pt_libc_malloc2(pt, bytes);
	}
	pt_leave(pt, FN_LIBC_MALLOC);
	return pt_ok(pt) ? mem : 0;
}

uint64_t pt_malloc(struct ptmalloc *pt, uint64_t bytes)
{
	uint64_t mem;

	pt_begin(pt);
	mem = pt_fast_malloc(pt, bytes);
	if (mem)
		return mem;
	image_clear_fault(pt->image);
	mem = pt_libc_malloc(pt, bytes);
	pt_end(pt);
	return mem;
}

/* --- calloc ----------------------------------------------------------------------------------- */

/* Where fresh, and so zero, memory may begin in front of top. */
struct fresh {
	uint64_t top, size;
};

static struct fresh fresh_top(struct ptmalloc *pt, uint64_t av)
{
	struct fresh f = { 0 };
	uint64_t ever;

	if (!av)
		return f;
	f.top = av_word(pt, av, top);
	f.size = chunksize(pt, f.top);
	if (av == pt->main_arena) {
		ever = mp_word(pt, sbrk_base) + av_word(pt, av, max_system_mem) - f.top;
	} else {
		uint64_t heap = pt_heap_for_ptr(pt, f.top);

		ever = heap + ld(pt, heap + pt->lay->heap.mprotect_size) - f.top;
	}
	f.size = max_u64(f.size, as_word(pt, ever));
	return f;
}

static void clear(struct ptmalloc *pt, uint64_t mem, uint64_t bytes, const struct fresh *fresh)
{
	uint64_t p = mem2chunk(pt, mem), size = chunksize(pt, p);
	bool perturb = var(pt, VAR_PERTURB_BYTE) != 0;

	if (is_mmapped(pt, p)) {
		if (perturb)
			image_fill(pt->image, mem, 0, bytes);
		return;
	}
	if (!perturb && p == fresh->top && size > fresh->size) {
		why(pt->why, WHY_CLEAR_LESS, fresh->size, size);
		size = fresh->size;
	}
	image_fill(pt->image, mem, 0, size - word_size(pt));
}

static uint64_t calloc2(struct ptmalloc *pt, uint64_t bytes)
{
	struct fresh fresh;
	uint64_t av, mem;

	pt_enter(pt, FN_LIBC_CALLOC2, bytes, 0);
	av = pt_single_thread(pt) ? pt->main_arena : pt_arena_get(pt, bytes);
	fresh = fresh_top(pt, av);
	mem = pt_int_malloc(pt, av, bytes);
	if (!mem && av && pt_ok(pt) && !pt_single_thread(pt)) {
		av = pt_arena_get_retry(pt, av, bytes);
		mem = pt_int_malloc(pt, av, bytes);
	}
	if (mem && pt_ok(pt))
		clear(pt, mem, bytes, &fresh);
	pt_leave(pt, FN_LIBC_CALLOC2);
	return mem;
}

/* 2.41: calloc takes from the tcache; 2.26-2.40 it only makes one. True: *ret is the answer. */
static bool calloc_cache(struct ptmalloc *pt, uint64_t bytes, uint64_t *ret)
{
	*ret = 0;
	if (!pt->rules.tcache_calloc) {
		pt_maybe_init_tcache(pt);
		return false;
	}
	if (!try_cache(pt, bytes, ret))
		return false;
	if (*ret)
		image_fill(pt->image, *ret, 0, chunksize(pt, mem2chunk(pt, *ret)) - word_size(pt));
	return true;
}

uint64_t pt_calloc(struct ptmalloc *pt, uint64_t n, uint64_t size)
{
	uint64_t bytes, mem = 0, half = pt->is_64 ? INT64_MAX : INT32_MAX;

	pt_begin(pt);
	pt_enter(pt, FN_LIBC_CALLOC, n, size);
	if (__builtin_mul_overflow(n, size, &bytes) || bytes != as_word(pt, bytes) ||
	    (pt->rules.calloc_ptrdiff && bytes > half)) {
		why(pt->why, WHY_CALLOC_OVERFLOW, n, size);
		pt->error = ENOMEM;
	} else if (pt->rules.has_hooks && !var(pt, VAR_INITIALIZED)) {
		/* The built-in hook makes the very first one a malloc. */
		mem = pt_libc_malloc(pt, bytes);
		if (mem)
			image_fill(pt->image, mem, 0, bytes);
	} else if (!pt_hooked(pt, PT_HOOK_MALLOC)) {
		pt_ensure_init(pt);
		if (!calloc_cache(pt, bytes, &mem))
			mem = calloc2(pt, bytes);
	}
	pt_leave(pt, FN_LIBC_CALLOC);
	pt_end(pt);
	return pt->stop == PT_RUNNING ? mem : 0;
}

/* --- free ------------------------------------------------------------------------------------- */

/* 2.26-2.41: mmapped first, then a tcache is made, then _int_free. Before: the same without it. */
static void free_by_kind(struct ptmalloc *pt, uint64_t p)
{
	if (is_mmapped(pt, p)) {
		pt_free_mmapped(pt, p);
		return;
	}
	pt_maybe_init_tcache(pt);
	if (pt_ok(pt))
		pt_int_free(pt, pt_arena_for_chunk(pt, p), p);
}

/* 2.42: alignment, tcache, size; mmapped chunks last. */
static void free_by_cache(struct ptmalloc *pt, uint64_t p)
{
	uint64_t size, end;
	int error;

	/* Before anything of it is read. */
	if (is_misaligned_chunk(pt, p)) {
		pt_abort(pt, "free(): invalid pointer");
		return;
	}
	size = chunksize(pt, p);
	if (pt_tcache_free(pt, p, size))
		return;
	if (__builtin_add_overflow(p, as_word(pt, size - pt->lay->min_size), &end) ||
	    end != as_word(pt, end)) {
		pt_abort(pt, "free(): invalid size");
		return;
	}
	/* It keeps errno; making a tcache, which has failed if it was tried, does not. */
	error = pt->error;
	pt_int_free_chunk(pt, pt_arena_for_chunk(pt, p), p, size, false);
	pt->error = error;
}

void pt_libc_free(struct ptmalloc *pt, uint64_t mem)
{
	uint64_t p = mem2chunk(pt, mem);

	if (!pt_ok(pt))
		return;
	pt_enter(pt, FN_LIBC_FREE, mem, 0);
	if (pt_hooked(pt, PT_HOOK_FREE)) {
		pt_leave(pt, FN_LIBC_FREE);
		return;
	}
	if (!mem)
		why(pt->why, WHY_FREE_NULL);
	else if (pt_is_outside(p))
		pt_stop_with(pt, PT_SEGV, "an address outside memory");
	else if (pt->rules.tcache_below_max)
		free_by_cache(pt, p);
	else
		free_by_kind(pt, p);
	pt_leave(pt, FN_LIBC_FREE);
}

void pt_free(struct ptmalloc *pt, uint64_t mem)
{
	pt_begin(pt);
	if (pt_fast_free(pt, mem))
		return;
	image_clear_fault(pt->image);
	pt_libc_free(pt, mem);
	if (pt->rules.free_keeps_errno && !pt->rules.tcache_below_max)
		pt->error = 0;
	pt_end(pt);
}

/* --- what a block is -------------------------------------------------------------------------- */

/** glibc malloc/malloc.c:musable */
struct pt_block pt_block_of(struct ptmalloc *pt, uint64_t mem)
{
	uint64_t p = mem2chunk(pt, mem), raw, size;
	struct pt_block block = { 0 };

	if (!mem)
		return block;
	raw = size_word(pt, p);
	size = raw & ~(uint64_t)SIZE_BITS;
	block.size_word = raw;
	if (raw & IS_MMAPPED)
		block.usable = pt->lay->mmapped_size_without_header ? size - word_size(pt)
		                                                    : size - chunk_hdr_sz(pt);
	else if (inuse_bit_at(pt, p, size))
		block.usable = size - word_size(pt);
	return block;
}
