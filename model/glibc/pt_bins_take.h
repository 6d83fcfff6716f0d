/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_GLIBC_PT_BINS_TAKE_H
#define HEAPTOP_MODEL_GLIBC_PT_BINS_TAKE_H

/** Private to _int_malloc's files: its later stages. Each returns a chunk, 0: none there. */
#include "model/glibc/pt_world.h"

/** Whether exact fits found in the unsorted bin go to the tcache first. */
void pt_stash_prepare(struct ptmalloc *pt, struct pt_request *r);
/** Sorts the unsorted bin. When r->return_cached, what is returned is user memory from the tcache. */
uint64_t pt_scan_unsorted(struct ptmalloc *pt, struct pt_request *r);
/** Best fit in the request's own large bin. */
uint64_t pt_take_large(struct ptmalloc *pt, struct pt_request *r);
/** The smallest larger bin that holds something. */
uint64_t pt_scan_binmap(struct ptmalloc *pt, struct pt_request *r);
uint64_t pt_use_top(struct ptmalloc *pt, struct pt_request *r);

#endif
