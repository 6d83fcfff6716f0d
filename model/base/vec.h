/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_BASE_VEC_H
#define HEAPTOP_MODEL_BASE_VEC_H

/**
 * A growable typed array on a region.
 *
 *	VEC(struct vma) list = { 0 };
 *	struct vma *v = VEC_ADD(region, &list);		// zeroed; NULL when out of memory
 */
#include "model/base/region.h"

#define VEC(type)                                                                                  \
	struct {                                                                                   \
		type *at;                                                                          \
		size_t count, room;                                                                \
	}

#define VEC_ADD(region, vec)                                                                       \
	(vec_room((region), (void **)&(vec)->at, (vec)->count, &(vec)->room, sizeof(*(vec)->at))   \
	         ? &(vec)->at[(vec)->count++]                                                      \
	         : NULL)

/** Makes room for one more element of `width` bytes; false when out of memory. */
static inline _Bool vec_room(struct region *region, void **at, size_t count, size_t *room,
                             size_t width)
{
	size_t want = *room ? *room * 2 : 8, bytes;
	void *grown;

	if (count < *room)
		return 1;
	if (__builtin_mul_overflow(want, width, &bytes))
		return 0;
	grown = region_grow(region, *at, *room * width, bytes);
	if (!grown)
		return 0;
	*at = grown;
	*room = want;
	return 1;
}

#endif
