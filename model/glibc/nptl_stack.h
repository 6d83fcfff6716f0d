/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_GLIBC_NPTL_STACK_H
#define HEAPTOP_MODEL_GLIBC_NPTL_STACK_H

/**
 * Stacks of threads by glibc's rules: mapped with a guard by pthread_create, given back page by page at
 * the thread's end, kept in a cache of 40 MiB once joined. A stack's dtv stays with it.
 */
#include "model/glibc/ptmalloc.h"
#include "model/rules/nptl_rules.h"

struct nptl_stack {
	uint64_t addr, size; /* the whole mapping, guard included; size 0: none */
	uint64_t dtv;        /* user memory of the block that holds it; 0: none */
};

/* Joined threads' stacks, the one joined last at the end. */
struct nptl_cache {
	struct nptl_stack *at;
	size_t count, room;
	struct region *region;
	uint64_t bytes;
};

/* nptl: the dtv is calloc(NPTL_DTV_SLOTS, NPTL_DTV_SLOT) in the creator's arena. */
enum { NPTL_DTV_SLOTS = 17, NPTL_DTV_SLOT = 16 };

/** What pthread_create asks for by default, from RLIMIT_STACK at the program's start. */
uint64_t nptl_default_stack(uint64_t limit, uint64_t page);

/** A copy of its own; false when out of memory. */
bool nptl_cache_copy(const struct nptl_cache *from, struct nptl_cache *to);

/**
 * A stack of `size` usable bytes for a new thread, with its dtv: from the cache, or mapped. False
 * when there is no memory (pt->error is set) or pt->stop says so. *ret_is_cached: its dtv is not new.
 */
bool nptl_allocate_stack(struct ptmalloc *pt, struct nptl_cache *cache, uint64_t size,
                         struct nptl_stack *ret, bool *ret_is_cached);

/** The thread that has it ends: its pages are given back, but for the part still in use. */
void nptl_advise_stack(struct ptmalloc *pt, const struct nptl_stack *stack);

/** Its thread was joined, by pt->thread: into the cache, which may push others out. */
bool nptl_queue_stack(struct ptmalloc *pt, struct nptl_cache *cache,
                      const struct nptl_stack *stack);

#endif
