/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/glibc/pt_world.h"

/**
 * Which arena serves a thread (glibc malloc/arena.c). A world is sequential, so locks are always free,
 * but for the one that a scenario calls busy.
 */

static bool counts_threads(const struct ptmalloc *pt)
{
	return pt->rules.attach != GLIBC_ATTACH_NONE &&
	       pt->lay->arena.attached_threads != FIELD_NONE;
}

static void attach(struct ptmalloc *pt, uint64_t av, uint64_t value)
{
	if (counts_threads(pt))
		set_av_word(pt, av, attached_threads, value);
}

static uint64_t attached(struct ptmalloc *pt, uint64_t av)
{
	return counts_threads(pt) ? av_word(pt, av, attached_threads) : 0;
}

/* The thread leaves the arena that it had. It does not go to the free list by that. */
static void detach_arena(struct ptmalloc *pt, uint64_t av)
{
	if (!av || !counts_threads(pt))
		return;
	if (attached(pt, av) == 0)
		pt_assert_failed(pt, PT_ASSERT_DETACHED);
	attach(pt, av, attached(pt, av) - 1);
}

/* Heap, arena struct and top of a new arena; 0 when no heap can be had. */
static uint64_t make_arena(struct ptmalloc *pt, uint64_t size)
{
	const struct malloc_layout *lay = pt->lay;
	uint64_t headers = lay->heap.size + lay->arena.size + lay->alignment;
	uint64_t top_pad = mp_word(pt, top_pad), heap, av, top, misalign;

	heap = pt_new_heap(pt, as_word(pt, size + headers), top_pad);
	if (!heap && pt_ok(pt)) {
		why(pt->why, WHY_ARENA_MINIMAL, size);
		heap = pt_new_heap(pt, headers, top_pad);
	}
	if (!heap)
		return 0;
	av = heap + lay->heap.size;
	st(pt, heap + lay->heap.ar_ptr, av);
	pt_malloc_init_state(pt, av);
	attach(pt, av, 1);
	set_av_word(pt, av, system_mem, pt_heap_size(pt, heap));
	set_av_word(pt, av, max_system_mem, pt_heap_size(pt, heap));
	top = av + lay->arena.size;
	misalign = chunk2mem(pt, top) & (lay->alignment - 1);
	if (misalign)
		top += lay->alignment - misalign;
	set_av_word(pt, av, top, top);
	set_head(pt, top, (heap + pt_heap_size(pt, heap) - top) | PREV_INUSE);
	return av;
}

/** glibc malloc/arena.c:_int_new_arena */
static uint64_t int_new_arena(struct ptmalloc *pt, uint64_t size)
{
	uint64_t av, replaced;

	pt_enter(pt, FN_INT_NEW_ARENA, size, 0);
	av = make_arena(pt, size);
	if (av) {
		replaced = thread_var(pt, THREAD_ARENA);
		set_thread_var(pt, THREAD_ARENA, av);
		set_av_word(pt, av, next, av_word(pt, pt->main_arena, next));
		set_av_word(pt, pt->main_arena, next, av);
		detach_arena(pt, replaced);
		why(pt->why, WHY_ARENA_NEW, av);
	}
	pt_leave(pt, FN_INT_NEW_ARENA);
	return av;
}

/** glibc malloc/arena.c:get_free_list */
static uint64_t get_free_list(struct ptmalloc *pt)
{
	uint64_t av = var(pt, VAR_FREE_LIST), replaced = thread_var(pt, THREAD_ARENA);

	pt_enter(pt, FN_GET_FREE_LIST, 0, 0);
	if (!av) {
		why(pt->why, WHY_FREE_LIST_EMPTY);
	} else {
		why(pt->why, WHY_FREE_LIST_HIT, av);
		set_var(pt, VAR_FREE_LIST, av_word(pt, av, next_free));
		if (pt->rules.attach == GLIBC_ATTACH_REMOVED && attached(pt, av) != 0)
			pt_assert_failed(pt, PT_ASSERT_FREE_LIST);
		attach(pt, av, attached(pt, av) + 1);
		if (counts_threads(pt))
			detach_arena(pt, replaced);
		set_thread_var(pt, THREAD_ARENA, av);
	}
	pt_leave(pt, FN_GET_FREE_LIST);
	return av;
}

static void remove_from_free_list(struct ptmalloc *pt, uint64_t av)
{
	uint64_t fuel = 65536, before = 0;

	for (uint64_t at = var(pt, VAR_FREE_LIST); at && pt_turn(pt, &fuel);
	     before = at, at = av_word(pt, at, next_free)) {
		if (at != av)
			continue;
		if (before)
			set_av_word(pt, before, next_free, av_word(pt, at, next_free));
		else
			set_var(pt, VAR_FREE_LIST, av_word(pt, at, next_free));
		return;
	}
}

/**
 * glibc malloc/arena.c:reused_arena. The arena that is to be avoided matters only when all are locked; at
 * most one is here, so that the choice is then the only arena there is.
 */
static uint64_t reused_arena(struct ptmalloc *pt)
{
	uint64_t av = var(pt, VAR_NEXT_TO_USE), first;

	pt_enter(pt, FN_REUSED_ARENA, 0, 0);
	if (!av)
		av = pt->main_arena;
	first = av;
	if (pt->busy) {
		why(pt->why, WHY_ARENA_BUSY, av);
		pt->busy = false;
		av = av_word(pt, av, next);
		/* Later versions wait for the lock. */
		if (av == first && pt->rules.reused_arena_gives_up) {
			pt_leave(pt, FN_REUSED_ARENA);
			return 0;
		}
	}
	why(pt->why, WHY_ARENA_REUSED, av);
	if (counts_threads(pt)) {
		detach_arena(pt, thread_var(pt, THREAD_ARENA));
		if (pt->rules.attach == GLIBC_ATTACH_REMOVED)
			remove_from_free_list(pt, av);
		attach(pt, av, attached(pt, av) + 1);
	}
	set_thread_var(pt, THREAD_ARENA, av);
	set_var(pt, VAR_NEXT_TO_USE, av_word(pt, av, next));
	pt_leave(pt, FN_REUSED_ARENA);
	return av;
}

/* Evaluated once; 0: no limit yet. */
static uint64_t narenas_limit(struct ptmalloc *pt)
{
	uint64_t limit = var(pt, VAR_NARENAS_LIMIT), narenas = var(pt, VAR_NARENAS);
	uint64_t arena_max = mp_word(pt, arena_max), arena_test = mp_word(pt, arena_test);

	if (limit)
		return limit;
	if (arena_max) {
		limit = arena_max;
		why(pt->why, WHY_ARENA_MAX, limit);
	} else if (narenas > arena_test) {
		limit = (uint64_t)(pt->cpus ? pt->cpus : 2) * (pt->is_64 ? 8 : 2);
		why(pt->why, WHY_ARENA_LIMIT, narenas, arena_test, pt->cpus, limit);
	}
	set_var(pt, VAR_NARENAS_LIMIT, limit);
	return limit;
}

/** glibc malloc/arena.c:arena_get2 */
static uint64_t arena_get2(struct ptmalloc *pt, uint64_t size)
{
	uint64_t av, narenas, limit;

	pt_enter(pt, FN_ARENA_GET2, size, 0);
	av = get_free_list(pt);
	if (!av && pt_ok(pt)) {
		limit = narenas_limit(pt);
		narenas = var(pt, VAR_NARENAS);
		/* A limit of 0 wraps: none. */
		if (narenas <= as_word(pt, limit - 1)) {
			why(pt->why, WHY_ARENA_ALLOWED, narenas, limit);
			set_var(pt, VAR_NARENAS, narenas + 1);
			av = int_new_arena(pt, size);
			if (!av)
				set_var(pt, VAR_NARENAS, narenas);
		} else {
			why(pt->why, WHY_ARENA_REFUSED, narenas, limit);
			av = reused_arena(pt);
		}
	}
	pt_leave(pt, FN_ARENA_GET2);
	return av;
}

/** glibc malloc/arena.c:arena_get */
uint64_t pt_arena_get(struct ptmalloc *pt, uint64_t size)
{
	uint64_t av = thread_var(pt, THREAD_ARENA);

	pt_enter(pt, FN_ARENA_GET, 0, 0);
	if (av) {
		why(pt->why, WHY_ARENA_OWN, av);
	} else {
		why(pt->why, WHY_ARENA_NONE);
		av = arena_get2(pt, size);
	}
	pt_leave(pt, FN_ARENA_GET);
	return av;
}

/** glibc malloc/arena.c:arena_get_retry. From main_arena it changes the thread's arena for good. */
uint64_t pt_arena_get_retry(struct ptmalloc *pt, uint64_t av, uint64_t bytes)
{
	if (!pt_ok(pt))
		return 0;
	pt_enter(pt, FN_ARENA_GET_RETRY, av, bytes);
	if (av != pt->main_arena) {
		why(pt->why, WHY_RETRY_MAIN);
		av = pt->main_arena;
	} else {
		why(pt->why, WHY_RETRY_OTHER);
		av = arena_get2(pt, bytes);
	}
	pt_leave(pt, FN_ARENA_GET_RETRY);
	return av;
}

/** glibc malloc/arena.c:__malloc_arena_thread_freeres (to 2.27 arena_thread_freeres) */
void pt_thread_exit(struct ptmalloc *pt)
{
	uint64_t av;

	pt_begin(pt);
	pt_enter(pt, FN_ARENA_THREAD_FREERES, 0, 0);
	pt_enter(pt, FN_MALLOC_ARENA_THREAD_FREERES, 0, 0);
	pt_tcache_thread_shutdown(pt);
	av = thread_var(pt, THREAD_ARENA);
	set_thread_var(pt, THREAD_ARENA, 0);
	if (av && pt_ok(pt)) {
		uint64_t left = 0;

		if (counts_threads(pt)) {
			left = attached(pt, av) - 1;
			if (left == UINT64_MAX)
				pt_assert_failed(pt, PT_ASSERT_THREAD_END);
			attach(pt, av, left);
		}
		if (left == 0) {
			why(pt->why, WHY_FREE_LIST_PUT, av);
			set_av_word(pt, av, next_free, var(pt, VAR_FREE_LIST));
			set_var(pt, VAR_FREE_LIST, av);
		} else {
			why(pt->why, WHY_ARENA_STAYS, av, left);
		}
	}
	pt_leave(pt, FN_MALLOC_ARENA_THREAD_FREERES);
	pt_leave(pt, FN_ARENA_THREAD_FREERES);
	pt_end(pt);
}
