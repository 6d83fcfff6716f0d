/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/glibc/pt_world.h"

/* One entry of an ending thread's cache goes back. */
static void give_back(struct ptmalloc *pt, uint64_t e)
{
	uint64_t p = mem2chunk(pt, e);

	if (pt->rules.tcache_end != GLIBC_TCACHE_END_INT_FREE) {
		pt_libc_free(pt, e);
		return;
	}
	st(pt, e + word_size(pt), 0);
	pt_int_free_chunk(pt, pt_arena_for_chunk(pt, p), p, chunksize(pt, p), false);
}

/** glibc malloc/malloc.c:tcache_thread_shutdown (2.26: tcache_thread_freeres) */
void pt_tcache_thread_shutdown(struct ptmalloc *pt)
{
	const struct tcache_layout *lay = &pt->lay->tcache;
	uint64_t cache = thread_var(pt, THREAD_TCACHE), fuel = pt_fuel(pt, pt->main_arena), p;
	bool is_lazy = pt->rules.tcache_birth == GLIBC_TCACHE_FREE;

	if (!lay->bins)
		return;
	/* 2.26 sets the mark last, so that the frees below make a new cache, which leaks. */
	set_thread_var(pt, THREAD_TCACHE, is_lazy ? TCACHE_DISABLED : TCACHE_INACTIVE);
	if (pt->rules.tcache_end != GLIBC_TCACHE_END_LEAKS &&
	    (cache || pt->rules.tcache_end_always))
		set_thread_var(pt, THREAD_SHUTTING_DOWN, 1);
	if (cache <= TCACHE_DISABLED)
		return;
	pt_enter(pt, FN_TCACHE_THREAD_FREERES, 0, 0);
	pt_enter(pt, FN_TCACHE_THREAD_SHUTDOWN, 0, 0);
	why(pt->why, WHY_TCACHE_FLUSH, cache);
	for (uint64_t i = 0; i < lay->bins; i++) {
		uint64_t slot = cache + lay->entries + i * word_size(pt), e;

		while ((e = ld(pt, slot)) != 0 && pt_turn(pt, &fuel)) {
			if (pt->lay->safe_linking && !is_aligned(e, pt->lay->alignment))
				pt_abort(pt, "tcache_thread_shutdown(): "
				             "unaligned tcache chunk detected");
			st(pt, slot, protect_ptr(pt, e, ld(pt, e)));
			give_back(pt, e);
		}
	}
	p = mem2chunk(pt, cache);
	if (pt->rules.tcache_end == GLIBC_TCACHE_END_INT_FREE)
		pt_int_free_chunk(pt, pt_arena_for_chunk(pt, p), p, chunksize(pt, p), false);
	else
		pt_libc_free(pt, cache);
	if (pt->rules.tcache_end == GLIBC_TCACHE_END_LEAKS)
		set_thread_var(pt, THREAD_SHUTTING_DOWN, 1);
	pt_leave(pt, FN_TCACHE_THREAD_SHUTDOWN);
	pt_leave(pt, FN_TCACHE_THREAD_FREERES);
}
