/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_FACTS_VMA_SET_H
#define HEAPTOP_MODEL_FACTS_VMA_SET_H

#include "model/base/region.h"
#include "model/facts/vma.h"

/** A deep copy on `region`; false when out of memory. */
bool vma_set_copy(struct region *region, const struct vma_set *from, struct vma_set *to);

/**
 * Hands residency and smaps figures of an older list on to a newer one, for the VMAs that are still
 * the same: equal start, end, permissions, offset and inode. O(n).
 */
void vma_set_inherit(const struct vma_set *older, struct vma_set *newer);

#endif
