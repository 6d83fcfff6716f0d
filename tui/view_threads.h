/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_VIEW_THREADS_H
#define HEAPTOP_TUI_VIEW_THREADS_H

/* Private to view_threads.c and threads_*.c. */
#include "tui/view.h"

enum thread_sort {
	THREAD_SORT_TID,
	THREAD_SORT_NAME,
	THREAD_SORT_ARENA,
	THREAD_SORT_CHUNKS,
	THREAD_SORT_BYTES,
	THREAD_SORT_STACK,
	THREAD_SORT_RSS,
	THREAD_SORT_COUNT
};

extern const char *const thread_sort_names[THREAD_SORT_COUNT];

/** Filters and sorts, into the frame's state. */
void threads_prepare(const struct view_frame *frame);

/** The thread in a row of the list. */
const struct malloc_thread *thread_at(const struct view_frame *frame, size_t row);

/** True when tid, name or arena contain the text. */
bool thread_contains(const struct view_frame *frame, const struct malloc_thread *thread,
                     const char *needle);

/* A thread's stack as far as it is known. */
struct thread_stack {
	struct fact size, rss;
	uint64_t start; /* 0: not known */
};

struct thread_stack thread_stack(const struct snapshot *snap, const struct malloc_thread *thread);

/** The selected thread's tcache by chunk size. */
void threads_tcache(const struct view_frame *frame, const struct malloc_thread *thread,
                    struct area area);

/** Its stack, its arena, and who else uses that. */
void threads_about(const struct view_frame *frame, const struct malloc_thread *thread,
                   struct area area);

/** A thread's name, clean. */
#define THREAD_NAME 48
char *thread_name(char buf[THREAD_NAME], const struct malloc_thread *thread);

#endif
