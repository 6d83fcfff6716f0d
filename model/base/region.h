/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_BASE_REGION_H
#define HEAPTOP_MODEL_BASE_REGION_H

/**
 * A region owns everything that one value (a part of a snapshot, say) points to; freeing it is one
 * call. It is the model's only way to the allocator. Not thread safe: one owner at a time.
 *
 * Memory comes zeroed and aligned to 16. Requests of REGION_LARGE bytes or more get a block of
 * their own, which region_grow() can extend without a copy left behind.
 */
#include <stddef.h>

#define REGION_LARGE (16u << 10)

struct region;

/** NULL when out of memory. */
struct region *region_new(void);

/** Accepts NULL. */
void region_free(struct region *region);

/** `size` zeroed bytes, or NULL. A size of 0 gives a valid, unique pointer. */
void *region_alloc(struct region *region, size_t size);

/**
 * Grows an allocation of this region (NULL with old_size 0: a new one) and returns its new place;
 * the added bytes are zero. NULL when out of memory: the old one is then untouched.
 */
void *region_grow(struct region *region, void *old, size_t old_size, size_t new_size);

/** A NUL-terminated copy of `len` bytes, or NULL. */
char *region_text(struct region *region, const char *text, size_t len);

/** Bytes held from the system allocator. */
size_t region_bytes(const struct region *region);

/** Test hook: the k-th allocation from now on (1: the next) fails once; 0 switches it off. */
void region_fail_at(struct region *region, size_t k);

#endif
