/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_GLIBC_NPTL_LIVE_H
#define HEAPTOP_MODEL_GLIBC_NPTL_LIVE_H

/** Threads' stacks as a live process has them: of threads that run, and of joined ones. x86-64 only. */
#include "model/facts/memory.h"
#include "model/glibc/nptl_stack.h"

/**
 * Stack and dtv of a struct pthread, known by content: it points to itself, and names a stack that
 * it lies at the end of. False when that is not so; what is not known is 0.
 */
bool nptl_read_thread(struct memory *mem, uint64_t pthread, uint64_t page, struct nptl_stack *ret);

/**
 * The cache of stacks: `head` is its list's, `link` the offset of the link in struct pthread. Stops at
 * the first one that is none. False when out of memory.
 */
bool nptl_read_cache(struct memory *mem, uint64_t head, uint32_t link, uint64_t page,
                     struct nptl_cache *ret);

#endif
