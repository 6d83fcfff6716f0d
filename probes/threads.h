/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_PROBES_THREADS_H
#define HEAPTOP_PROBES_THREADS_H

/**
 * Private to find*.c and threads*.c: from task ids to each thread's struct pthread, and from there to
 * its stack and to the two variables of malloc that every thread has.
 */
#include "model/facts/heap.h"
#include "probes/find.h"
#include "probes/find_modules.h"

/** Reads glibc's description of its threads from the symbols of libc or libpthread; zeroes if none. */
void thread_tables_find(const struct module *libc, const struct modules *modules,
                        struct thread_tables *ret);

/** The head of nptl's list of joined threads' stacks; 0: not known. */
uint64_t thread_cache_head(const struct thread_tables *tables, struct memory *mem, size_t word);

/**
 * Reads how far from the thread pointer libc's thread-local variables lie: the loader has written that
 * into libc's memory, a word for each variable. None where libc's file can't be read.
 */
void tls_offsets_find(const struct module *libc, struct memory *mem, struct tls_offsets *ret);

/* A task id as the process's own pid namespace has it: the one that glibc stores. */
struct inner_tid {
	uint32_t tid;
	uint32_t thread; /* index */
};

/* A search for the threads of one process. */
struct thread_search {
	int32_t pid;
	const struct vma_set *vmas;
	struct memory *mem;
	const struct found_malloc *found;
	const struct malloc_state *ms; /* its arenas */
	struct malloc_thread *threads; /* by tid */
	struct inner_tid *inner;       /* by tid */
	size_t count;
};

/* --- threads_list.c: struct pthread -------------------------------------------------------------- */

/** By thread_db's tables; returns how many threads still have no address. */
size_t threads_by_tables(struct thread_search *search);
/** By content, for those that still have none: x86 only, where struct pthread points to itself. */
size_t threads_by_scan(struct thread_search *search);

/* --- threads_stack.c, threads_tls.c: what a struct pthread leads to ------------------------------ */

/** Stack extents, by a vote on where struct pthread keeps them. */
void threads_stacks(struct thread_search *search);
/** Arena and tcache, by a vote on where thread-local storage has them. */
void threads_malloc(struct thread_search *search);

/** Reads one word of the process. */
bool thread_read_word(const struct thread_search *search, uint64_t addr, uint64_t *ret);

#endif
