/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "model/glibc/pt_world.h"

/** glibc malloc/malloc.c:__libc_realloc, _int_realloc */

/* The tail of a block that became smaller, or grew more than it had to. */
static uint64_t cut_tail(struct ptmalloc *pt, uint64_t av, uint64_t p, uint64_t size, uint64_t nb)
{
	uint64_t rest = size - nb;

	if (rest < pt->lay->min_size) {
		why(pt->why, WHY_EXHAUST, size, nb);
		set_head_size(pt, p, size | arena_bit(pt, av));
		set_inuse_bit_at(pt, p, size);
	} else {
		why(pt->why, WHY_REALLOC_TAIL, size, nb, rest);
		set_head_size(pt, p, nb | arena_bit(pt, av));
		set_head(pt, p + nb, rest | PREV_INUSE | arena_bit(pt, av));
		set_inuse_bit_at(pt, p + nb, rest);
		pt_inner_free(pt, av, p + nb);
	}
	return chunk2mem(pt, p);
}

/* Neither top nor a free neighbour helps: allocate, copy, free. */
static uint64_t move(struct ptmalloc *pt, uint64_t av, uint64_t p, uint64_t size, uint64_t nb)
{
	uint64_t mem = pt_int_malloc(pt, av, nb - (pt->lay->alignment - 1)), fresh;

	if (!mem)
		return 0;
	fresh = mem2chunk(pt, mem);
	if (fresh == p + size) {
		why(pt->why, WHY_REALLOC_NEXT, fresh);
		return cut_tail(pt, av, p, size + chunksize(pt, fresh), nb);
	}
	why(pt->why, WHY_REALLOC_MOVE, p, fresh);
	image_copy(pt->image, mem, chunk2mem(pt, p), size - word_size(pt));
	pt_inner_free(pt, av, p);
	return mem;
}

static uint64_t int_realloc(struct ptmalloc *pt, uint64_t av, uint64_t p, uint64_t size,
                            uint64_t nb)
{
	uint64_t next = p + size, next_size, system_mem = av_word(pt, av, system_mem);

	if (size_word(pt, p) <= chunk_hdr_sz(pt) || size >= system_mem) {
		pt_abort(pt, "realloc(): invalid old size");
		return 0;
	}
	next_size = chunksize(pt, next);
	if (size_word(pt, next) <= chunk_hdr_sz(pt) || next_size >= system_mem) {
		pt_abort(pt, "realloc(): invalid next size");
		return 0;
	}
	if (size >= nb) {
		why(pt->why, WHY_REALLOC_SHRINK, size, nb);
		return cut_tail(pt, av, p, size, nb);
	}
	if (next == av_word(pt, av, top)) {
		if (size + next_size >= nb + pt->lay->min_size) {
			why(pt->why, WHY_REALLOC_TOP, size + next_size, nb + pt->lay->min_size);
			set_head_size(pt, p, nb | arena_bit(pt, av));
			set_av_word(pt, av, top, p + nb);
			set_head(pt, p + nb, (size + next_size - nb) | PREV_INUSE);
			return chunk2mem(pt, p);
		}
	} else if (!inuse_bit_at(pt, next, next_size) && size + next_size >= nb) {
		why(pt->why, WHY_REALLOC_FORWARD, size + next_size, nb);
		pt_unlink_chunk(pt, next);
		return cut_tail(pt, av, p, size + next_size, nb);
	}
	return move(pt, av, p, size, nb);
}

static uint64_t enter_int_realloc(struct ptmalloc *pt, uint64_t av, uint64_t p, uint64_t size,
                                  uint64_t nb)
{
	uint64_t mem;

	pt_enter(pt, FN_INT_REALLOC, size, nb);
	mem = int_realloc(pt, av, p, size, nb);
	pt_leave(pt, FN_INT_REALLOC);
	return mem;
}

/* A block that may stay as it is although less is wanted (rules.realloc_keep). */
static bool may_stay(struct ptmalloc *pt, uint64_t mem, uint64_t bytes)
{
	struct pt_block block = pt_block_of(pt, mem);
	uint64_t slack = block.usable - bytes;

	if (pt->rules.realloc_keep == GLIBC_KEEP_NEVER || bytes > block.usable)
		return false;
	if (pt->rules.realloc_keep == GLIBC_KEEP_TRIM_THRESHOLD)
		return slack <= mp_word(pt, trim_threshold);
	if (slack < chunk_hdr_sz(pt))
		return true;
	return pt->rules.realloc_keep == GLIBC_KEEP_SLACK_OR_PAGE &&
	       (block.size_word & IS_MMAPPED) && slack <= pt->page;
}

static uint64_t realloc_mmapped(struct ptmalloc *pt, uint64_t mem, uint64_t bytes, uint64_t nb)
{
	uint64_t p = mem2chunk(pt, mem), size = chunksize(pt, p),
	         fresh = pt_mremap_chunk(pt, p, nb);

	if (fresh || !pt_ok(pt))
		return fresh ? chunk2mem(pt, fresh) : 0;
	if (pt->lay->mmapped_size_without_header ? bytes <= pt_block_of(pt, mem).usable
	                                         : size - word_size(pt) >= nb)
		return mem;
	fresh = pt_libc_malloc(pt, bytes);
	if (!fresh)
		return 0;
	image_copy(pt->image, fresh, mem, size - chunk_hdr_sz(pt));
	pt_munmap_chunk(pt, p);
	return fresh;
}

/* The arena that the block lies in serves; when it can't, any (but single-threaded from 2.27 on). */
static uint64_t realloc_heap(struct ptmalloc *pt, uint64_t mem, uint64_t bytes, uint64_t nb)
{
	uint64_t p = mem2chunk(pt, mem), size = chunksize(pt, p), av = pt_arena_for_chunk(pt, p);
	uint64_t fresh;

	if (!pt_ok(pt))
		return 0;
	fresh = enter_int_realloc(pt, av, p, size, nb);
	if (fresh || pt_single_thread(pt) || !pt_ok(pt))
		return fresh;
	why(pt->why, WHY_REALLOC_ELSEWHERE, bytes);
	fresh = pt_libc_malloc(pt, bytes);
	if (fresh) {
		image_copy(pt->image, fresh, mem, size - word_size(pt));
		if (pt->rules.inner_free == GLIBC_INNER_INT_FREE)
			pt_int_free(pt, av, p);
		else
			pt_int_free_chunk(pt, av, p, chunksize(pt, p), false);
	}
	return fresh;
}

static uint64_t libc_realloc(struct ptmalloc *pt, uint64_t mem, uint64_t bytes)
{
	uint64_t p = mem2chunk(pt, mem), size, nb;

	pt_ensure_init(pt);
	if (mem && !bytes) {
		why(pt->why, WHY_REALLOC_ZERO);
		pt_libc_free(pt, mem);
		return 0;
	}
	if (!mem)
		return pt_libc_malloc(pt, bytes);
	if (pt_is_outside(p)) {
		pt_stop_with(pt, PT_SEGV, "an address outside memory");
		return 0;
	}
	if (may_stay(pt, mem, bytes)) {
		why(pt->why, WHY_REALLOC_STAYS, bytes);
		return mem;
	}
	size = chunksize(pt, p);
	if (!is_mmapped(pt, p))
		pt_maybe_init_tcache(pt);
	if (p > as_word(pt, -size) || is_misaligned_chunk(pt, p)) {
		pt_abort(pt, "realloc(): invalid pointer");
		return 0;
	}
	nb = pt_checked_request2size(pt, bytes);
	if (!nb) {
		why(pt->why, WHY_TOO_LARGE, bytes);
		pt->error = ENOMEM;
		return 0;
	}
	return is_mmapped(pt, p) ? realloc_mmapped(pt, mem, bytes, nb)
	                         : realloc_heap(pt, mem, bytes, nb);
}

uint64_t pt_realloc(struct ptmalloc *pt, uint64_t mem, uint64_t bytes)
{
	uint64_t fresh = 0;

	pt_begin(pt);
	pt_enter(pt, FN_LIBC_REALLOC, mem, bytes);
	if (!pt_hooked(pt, PT_HOOK_REALLOC))
		fresh = libc_realloc(pt, mem, bytes);
	pt_leave(pt, FN_LIBC_REALLOC);
	pt_end(pt);
	return pt->stop == PT_RUNNING ? fresh : 0;
}
