/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_PROBES_FIND_H
#define HEAPTOP_PROBES_FIND_H

/**
 * Finding the C library and its malloc in a process, without symbols if need be. Called once at
 * attach and again after exec or when a module appears; its result is kept by live.c.
 */
#include "model/base/err.h"
#include "model/base/region.h"
#include "model/facts/heap.h"
#include "model/facts/memory.h"
#include "model/facts/vma.h"
#include "model/rules/glibc.h"

/** Where glibc's own description of its threads (for thread_db) says they are linked. */
struct thread_tables {
	uint64_t used_addr, user_addr; /* heads of the two lists; 0: not known */
	uint64_t cache_addr;           /* and of the one of joined threads' stacks */
	uint64_t state_ptr_addr; /* or: __nptl_rtld_global, which points to the heads' struct */
	uint32_t used_offset, user_offset;              /* in that struct */
	uint32_t list_offset, tid_offset, pthread_size; /* of struct pthread; 0: not known */
};

enum { TLS_WORDS_MAX = 64 };

/* Where libc's thread-local variables lie, from the thread pointer on. */
struct tls_offsets {
	int64_t at[TLS_WORDS_MAX];
	size_t count; /* 0: not known */
};

struct found_malloc {
	uint64_t main_arena_addr, mp_addr; /* mp_addr 0: not found */
	struct malloc_layout layout;       /* a copy: probes may have overridden fields */
	uint64_t libc_base, libc_end;      /* the module that holds it */
	bool never_used;
	uint8_t word;     /* of the program: 4 or 8 */
	uint16_t machine; /* EM_…; 0: unknown */
	struct thread_tables threads;
	struct malloc_private private;
	struct tls_offsets tls;
};

enum { FOUND_MAX = 8 };

struct found {
	struct found_malloc mallocs[FOUND_MAX]; /* [0] is the one in use */
	size_t count;
};

/**
 * Looks through the modules of `vmas` (opened by /proc/PID/map_files or /proc/PID/root), fills
 * heap's library, road and confidence fields and *ret. Not finding a glibc is no error: heap says
 * what is there instead. `region` owns the texts.
 */
void find_malloc(int32_t pid, const struct vma_set *vmas, struct memory *mem, struct region *region,
                 struct heap_facts *heap, struct found *ret);

/**
 * Fills ms->threads: every task of the process with its name, struct pthread, stack, arena and
 * tcache addresses (found by thread_db's own tables or by content). `ms->arenas` must be decoded.
 */
void find_threads(int32_t pid, const struct vma_set *vmas, struct memory *mem,
                  const struct found_malloc *found, struct region *region, struct heap_facts *heap,
                  struct malloc_state *ms);

#endif
