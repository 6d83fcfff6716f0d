/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_RUN_WORLD_PRIVATE_H
#define HEAPTOP_MODEL_RUN_WORLD_PRIVATE_H

/* Between world*.c. */
#include "model/run/world.h"

/** Copies what the allocator may read of a target into the image; false when out of memory. */
bool world_copy_memory(struct world *world, const struct vma_set *vmas, struct memory *mem,
                       const struct malloc_state *ms);

/** Says of a file's VMAs that are resident as a whole that their pages are there, bytes unknown. */
void world_mark_resident(struct world *world, const struct vma_set *vmas);

/** malloc's own variables and the threads, as the target has them. */
bool world_take_malloc(struct world *world, const struct snapshot *snap, struct memory *mem,
                       const struct malloc_state *ms);

/**
 * The kernel's break to the byte. maps shows it by whole pages as the end of [heap], `end`: what libc
 * or the loader know of it counts when it lies in the last one.
 */
uint64_t world_find_break(struct memory *mem, const struct malloc_state *ms, uint64_t page,
                          uint64_t start, uint64_t end);

/** Forgets the threads as they were since `until`, NULL: all of it. */
void world_past_forget(struct world *world, const struct world_past *until);

/** Takes limits, cgroups and tasks over; the image is filled. False when out of memory. */
bool world_take_memory(struct world *world, const struct snapshot *snap);

#endif
