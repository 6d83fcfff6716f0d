/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/facts/vma_set.h"

#include <string.h>

bool vma_set_copy(struct region *region, const struct vma_set *from, struct vma_set *to)
{
	struct vma *at = region_alloc(region, from->count * sizeof(*at));
	char *names = region_text(region, from->names, from->names_len);

	if (!at || !names)
		return false;
	if (from->count)
		memcpy(at, from->at, from->count * sizeof(*at));
	*to = (struct vma_set){
		.at = at, .count = from->count, .names = names, .names_len = from->names_len
	};
	return true;
}

static bool is_same_mapping(const struct vma *a, const struct vma *b)
{
	return a->start == b->start && a->end == b->end && a->prot == b->prot &&
	       a->offset == b->offset && a->inode == b->inode && a->dev_major == b->dev_major &&
	       a->dev_minor == b->dev_minor;
}

void vma_set_inherit(const struct vma_set *older, struct vma_set *newer)
{
	size_t old = 0;

	for (size_t i = 0; i < newer->count; i++) {
		struct vma *to = &newer->at[i];
		const struct vma *from;

		while (old < older->count && older->at[old].start < to->start)
			old++;
		if (old == older->count)
			return;
		from = &older->at[old];
		if (!is_same_mapping(from, to))
			continue;
		to->has_residency = from->has_residency;
		to->rss = from->rss;
		to->swap = from->swap;
		to->has_smaps = from->has_smaps;
		to->flags = from->flags;
		to->pss = from->pss;
		to->anonymous = from->anonymous;
		to->dirty = from->dirty;
	}
}
