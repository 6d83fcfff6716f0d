/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_LINUX_LX_LIST_H
#define HEAPTOP_MODEL_LINUX_LX_LIST_H

/**
 * Private to the files behind lx_mm.h: VMAs by address, in blocks that know the widest gap in them.
 * Finding one, changing a few and finding a gap cost about the same however many there are.
 *
 * Shared by branches until one of them writes.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/base/region.h"
#include "model/linux/lx_mm.h"

enum { LX_BLOCK = 64 };

#define LX_NONE SIZE_MAX

struct lx_block {
	struct lx_vma at[LX_BLOCK];
	size_t count; /* at least 1 */
};

/* What is looked through to choose a block lies together. */
struct lx_list {
	struct region *region;    /* holds the list and itself */
	struct lx_block **blocks; /* by address */
	uint64_t *first;          /* index of a block's first VMA */
	uint64_t *end;            /* of its last VMA */
	uint64_t *gap;            /* the widest below any of its VMAs */
	size_t block_count, block_room;
	struct lx_block **spare; /* blocks without VMAs */
	size_t spare_count, spare_room;
	size_t count; /* VMAs */
	size_t hint;  /* the block that was used last */
	uint32_t refs;
};

/** An empty list with room for `room` VMAs; NULL when out of memory. */
struct lx_list *lx_list_new(size_t room);
void lx_list_unref(struct lx_list *list);
/** A list of its own with the same VMAs. */
struct lx_list *lx_list_copy(const struct lx_list *from);

/** Makes sure that `more` VMAs can be added without memory; false when there is none. */
bool lx_list_reserve(struct lx_list *list, size_t more);
/** Replaces `old_count` VMAs from index `at` on. There is room. */
void lx_list_replace(struct lx_list *list, size_t at, size_t old_count, const struct lx_vma *with,
                     size_t new_count);

/** Makes the block that holds VMA `i` the one that was used last. */
size_t lx_list_seek(struct lx_list *list, size_t i);

/** The VMA of an index below `count`; it may be changed as long as its place stays. */
static inline struct lx_vma *lx_list_at(struct lx_list *list, size_t i)
{
	size_t b = list->hint, off = i - list->first[b];

	if (off >= list->blocks[b]->count) {
		b = lx_list_seek(list, i);
		off = i - list->first[b];
	}
	return &list->blocks[b]->at[off];
}

/** Index of the first VMA that ends above `addr`; `count` when there is none. */
size_t lx_list_find(struct lx_list *list, uint64_t addr);

/** The nearest VMA at or below index `i` (below `count`), or at or above it, with `len` bytes free
 * directly below it; LX_NONE: there is none. */
size_t lx_list_gap_down(const struct lx_list *list, size_t i, uint64_t len);
size_t lx_list_gap_up(const struct lx_list *list, size_t i, uint64_t len);

#endif
