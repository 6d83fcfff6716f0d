/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TESTS_LIB_HEAP_CHILD_H
#define HEAPTOP_TESTS_LIB_HEAP_CHILD_H

/**
 * Children that build heaps with the real malloc, and what their malloc says of them: the report lies
 * in memory shared with the parent, so that filling it needs no malloc.
 */
#include <malloc.h>

#include "tests/lib/decoded_child.h"

enum { HEAP_CHILD_ARENAS = 16 };

struct heap_report {
	struct mallinfo2 info;
	size_t arena_count;
	struct {
		uint64_t fast_bytes, rest_bytes, system; /* as malloc_info has them */
	} arenas[HEAP_CHILD_ARENAS];
	uint64_t marked[2], marked_size[2]; /* chunks that a child wants to be looked at */
};

extern struct heap_report *heap_report;

/* --- the parent's side ------------------------------------------------------------------------------ */

struct heap_child {
	struct child_target target;
	struct decoded_child child;
};

typedef void heap_child_body(int in, int out);

/** False, with a word why, when there is nothing to compare with here: skip. */
bool heap_child_open(struct heap_child *heap, heap_child_body *body);
void heap_child_close(struct heap_child *heap);

/* --- the child's side -------------------------------------------------------------------------------- */

/** To be called before the heap is built: what the report needs of malloc. */
void heap_child_begin(void);
/** Reports, then obeys: 't' is malloc_trim(0). */
void heap_child_obey(int in, int out);

/** A block that the compiler can't do without. */
void *heap_child_take(size_t size);
/** Small and large blocks come and go, so that every kind of list is in use. */
/** `keep_of_3` of three blocks stay allocated in the end: 0 when it is called again and again. */
void heap_child_churn(uint32_t seed, unsigned rounds, unsigned keep_of_3);
/** Uses up what the parent freed; what is taken next is cut from the top. */
void *heap_child_use_up(void);
/** A block above another one, cut from the top: one from elsewhere may be larger than asked for. */
void *heap_child_take_above(const void *other, size_t size);

/** Starts threads with the arguments 1 … count and waits until each has called heap_child_meet(). */
void heap_child_threads(unsigned count, void *(*work)(void *));
void heap_child_meet(void);

heap_child_body heap_child_one_thread;   /* a churned main_arena */
heap_child_body heap_child_five_threads; /* five churned arenas */
heap_child_body heap_child_many_heaps;   /* an arena that needs three heaps */

#endif
