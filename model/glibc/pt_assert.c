/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/glibc/pt_world.h"

/*
 * What glibc's asserts print when they fail. Up to 2.22 the text is the expression with its macros
 * expanded, since assert() is one itself that hands its argument on.
 */
static const struct {
	enum pt_assert assert;
	int minor_first; /* the last row that a version has reached holds */
	const char *function, *expression;
} texts[] = {
	{ PT_ASSERT_TOP, 22, "sysmalloc",
	  "(old_top == (((mbinptr) (((char *) &((av)->bins[((1) - 1) * 2])) - __builtin_offsetof "
	  "(struct malloc_chunk, fd)))) && old_size == 0) || ((unsigned long) (old_size) >= "
	  "(unsigned "
	  "long)((((__builtin_offsetof (struct malloc_chunk, fd_nextsize))+((2 *(sizeof(size_t))) "
	  "- "
	  "1)) & ~((2 *(sizeof(size_t))) - 1))) && ((old_top)->size & 0x1) && ((unsigned long) "
	  "old_end & (pagesize - 1)) == 0)" },
	{ PT_ASSERT_TOP, 23, "sysmalloc",
	  "(old_top == initial_top (av) && old_size == 0) || ((unsigned long) (old_size) >= "
	  "MINSIZE "
	  "&& prev_inuse (old_top) && ((unsigned long) old_end & (pagesize - 1)) == 0)" },
	{ PT_ASSERT_BIN_FITS, 22, "_int_malloc", "(unsigned long) (size) >= (unsigned long) (nb)" },
	{ PT_ASSERT_HEAP_ARENA, 22, "_int_free", "heap->ar_ptr == av" },
	{ PT_ASSERT_HEAP_ARENA, 39, "_int_free_maybe_consolidate", "heap->ar_ptr == av" },
	{ PT_ASSERT_HEAP_ARENA, 43, "_int_free_maybe_trim", "heap->ar_ptr == av" },
	{ PT_ASSERT_FENCEPOST, 22, "heap_trim", "p->size == (0 | 0x1)" },
	{ PT_ASSERT_FENCEPOST, 23, "heap_trim", "p->size == (0 | PREV_INUSE)" },
	{ PT_ASSERT_FENCEPOST, 25, "heap_trim", "chunksize_nomask (p) == (0 | PREV_INUSE)" },
	{ PT_ASSERT_DETACHED, 23, "detach_arena", "replaced_arena->attached_threads > 0" },
	{ PT_ASSERT_FREE_LIST, 25, "get_free_list", "result->attached_threads == 0" },
	{ PT_ASSERT_THREAD_END, 23, "arena_thread_freeres", "a->attached_threads > 0" },
	{ PT_ASSERT_THREAD_END, 28, "__malloc_arena_thread_freeres", "a->attached_threads > 0" },
};

void pt_assert_failed(struct ptmalloc *pt, enum pt_assert assert)
{
	size_t row = 0;

	if (pt->stop != PT_RUNNING)
		return;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].assert == assert && texts[i].minor_first <= pt->rules.minor)
			row = i;
	pt_stop_with(pt, PT_ABORT, texts[row].expression);
	if (pt->stop == PT_ABORT)
		pt->stop_function = texts[row].function;
}
