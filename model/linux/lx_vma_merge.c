/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When neighbours become one VMA, and how one is cut (Linux mm/vma.c:vma_merge_new_range,
 * vma_merge_existing_range, vma_modify; before 6.13 mm/mmap.c:vma_merge, with equal outcomes for
 * anonymous memory).
 */
#include "model/linux/lx_vmas.h"

/* guard markers are forgotten by a merge, not lost (6.19, "sticky"); nobody sets them before */
static bool is_mergeable_vma(const struct lx_vma *a, const struct lx_vma *b)
{
	return ((a->flags ^ b->flags) & ~(uint32_t)LX_VM_MAYBE_GUARD) == 0 && a->file == b->file &&
	       a->name == b->name;
}

/* vma_is_fork_child(): its anon_vma_chain has an entry for the parent's, too. */
static bool is_fork_child(const struct lx_mm *mm, uint32_t anon)
{
	return anon && anon < mm->inherited_anon;
}

/*
 * May a range (`source`) join a VMA (`target`)? One that was never written to can, but not one that was
 * inherited over fork. One that was, into one that was not: only since 6.16, and no inherited one.
 */
static bool is_mergeable_anon_vma(const struct lx_mm *mm, uint32_t target, uint32_t source)
{
	if (!target && source)
		return mm->rules->merge_touched && !is_fork_child(mm, source);
	if (target && !source)
		return !is_fork_child(mm, target);
	return target == source;
}

static bool can_merge_left(const struct lx_mm *mm, const struct lx_vma *prev,
                           const struct lx_vma *range)
{
	return prev && prev->end == range->start && is_mergeable_vma(prev, range) &&
	       is_mergeable_anon_vma(mm, prev->anon, range->anon) &&
	       prev->pgoff + lx_pages(mm, prev) == range->pgoff;
}

static bool can_merge_right(const struct lx_mm *mm, const struct lx_vma *next,
                            const struct lx_vma *range, const struct lx_vma *left)
{
	if (!next || next->start != range->end || !is_mergeable_vma(next, range) ||
	    !is_mergeable_anon_vma(mm, next->anon, range->anon) ||
	    range->pgoff + lx_pages(mm, range) != next->pgoff)
		return false;
	return !left || !left->anon || !next->anon || left->anon == next->anon;
}

struct merge {
	const struct lx_vma *left, *right; /* that join, or NULL */
	struct lx_vma joined;
};

static void merge_find(const struct lx_mm *mm, const struct lx_vma *prev, const struct lx_vma *next,
                       const struct lx_vma *range, struct merge *ret)
{
	*ret = (struct merge){ .joined = *range };
	if (range->flags & LX_VM_SPECIAL)
		return;
	if (can_merge_left(mm, prev, range)) {
		ret->left = prev;
		ret->joined.start = prev->start;
		ret->joined.pgoff = prev->pgoff;
		ret->joined.flags |= prev->flags;
		if (prev->anon)
			ret->joined.anon = prev->anon;
	}
	if (can_merge_right(mm, next, range, ret->left)) {
		ret->right = next;
		ret->joined.end = next->end;
		ret->joined.flags |= next->flags;
		if (next->anon)
			ret->joined.anon = next->anon;
	}
}

/*
 * Linux 6.1 … 6.11 mm/mmap.c:mmap_region did it by itself and asked next first: what joins next is
 * then as written as next is, and prev must fit that.
 */
static void merge_find_next_first(const struct lx_mm *mm, const struct lx_vma *prev,
                                  const struct lx_vma *next, const struct lx_vma *range,
                                  struct merge *ret)
{
	struct lx_vma with = *range;

	*ret = (struct merge){ .joined = *range };
	if (can_merge_right(mm, next, range, NULL)) {
		ret->right = next;
		ret->joined.end = next->end;
		ret->joined.anon = with.anon = next->anon;
	}
	if (!can_merge_left(mm, prev, &with))
		return;
	ret->left = prev;
	ret->joined.start = prev->start;
	ret->joined.pgoff = prev->pgoff;
	if (prev->anon)
		ret->joined.anon = prev->anon;
}

static void tell_merge(const struct lx_mm *mm, const struct merge *m)
{
	if (m->left && m->right)
		why(mm->sys.why, WHY_MERGED_BOTH, m->left->start, m->right->end);
	else if (m->left)
		why(mm->sys.why, WHY_MERGED_PREV, m->left->start, m->left->end);
	else if (m->right)
		why(mm->sys.why, WHY_MERGED_NEXT, m->right->start);
	else
		why(mm->sys.why, WHY_NOT_MERGED);
}

void lx_vma_link(struct lx_mm *mm, size_t at, const struct lx_vma *range)
{
	enum why_fn alloc = lx_is_since(mm->rules, 4, 19) ? FN_VM_AREA_ALLOC : FN_KMEM_CACHE_ZALLOC;

	/* Too small for the allocator to fail: the way back by vm_unacct_memory() is not taken. */
	why_enter(mm->sys.why, alloc, 0, 0, 0);
	why_leave(mm->sys.why, alloc);
	why_enter(mm->sys.why, FN_VMA_LINK, range->start, range->end - range->start, 0);
	lx_splice(mm, at, 0, range, 1);
	why_leave(mm->sys.why, FN_VMA_LINK);
}

bool lx_map_count_exceeded(const struct lx_mm *mm)
{
	if (lx_count(mm) <= mm->now.limit[LX_LIMIT_MAP_COUNT])
		return false;
	why(mm->sys.why, WHY_MAP_COUNT_EXCEEDED, lx_count(mm), mm->now.limit[LX_LIMIT_MAP_COUNT]);
	return true;
}

static size_t merge_new_range(struct lx_mm *mm, size_t at, const struct lx_vma *range,
                              bool just_expand, bool is_mmap)
{
	const struct lx_vma *prev = at ? lx_at(mm, at - 1) : NULL;
	const struct lx_vma *next = at < lx_count(mm) && !just_expand ? lx_at(mm, at) : NULL;
	enum why_fn fn = lx_is_since(mm->rules, 6, 12) ? FN_VMA_MERGE_NEW_RANGE : FN_VMA_MERGE;
	struct merge m;
	bool left, right;

	why_enter(mm->sys.why, fn, range->start, range->end - range->start, 0);
	if (is_mmap && mm->rules->mmap_joins_next_first)
		merge_find_next_first(mm, prev, next, range, &m);
	else
		merge_find(mm, prev, next, range, &m);
	tell_merge(mm, &m);
	why_leave(mm->sys.why, fn);
	left = m.left != NULL;
	right = m.right != NULL;
	if (!left && !right)
		lx_vma_link(mm, at, range);
	else
		lx_splice(mm, at - left, (size_t)left + right, &m.joined, 1);
	return at - left;
}

size_t lx_vma_merge_new_range(struct lx_mm *mm, size_t at, const struct lx_vma *range,
                              bool just_expand)
{
	return merge_new_range(mm, at, range, just_expand, false);
}

void lx_vma_merge_mapping(struct lx_mm *mm, size_t at, const struct lx_vma *range)
{
	(void)merge_new_range(mm, at, range, false, true);
}

void lx_split_at(struct lx_mm *mm, uint64_t addr)
{
	size_t i = lx_find_vma(mm, addr);
	struct lx_vma half[2];

	if (i == lx_count(mm) || lx_at(mm, i)->start >= addr)
		return;
	half[0] = lx_part(mm, lx_at(mm, i), lx_at(mm, i)->start, addr);
	half[1] = lx_part(mm, lx_at(mm, i), addr, lx_at(mm, i)->end);
	lx_splice(mm, i, 1, half, 2);
}

/* Linux 5.11 … 7.2 mm/mmap.c, mm/vma.c:special_mapping_split */
int lx_may_split(const struct lx_mm *mm, size_t i)
{
	if (!(lx_at(mm, i)->flags & LX_VM_WHOLE) || !mm->rules->special_stays_whole)
		return 0;
	why(mm->sys.why, WHY_SPLIT_SPECIAL, lx_at(mm, i)->start, lx_at(mm, i)->end);
	return -LX_EINVAL;
}

/* split_vma(): to the limit and not one further, unlike mmap. */
static int may_split(const struct lx_mm *mm, size_t i)
{
	if (lx_count(mm) < mm->now.limit[LX_LIMIT_MAP_COUNT])
		return lx_may_split(mm, i);
	why(mm->sys.why, WHY_SPLIT_COUNT, lx_count(mm), mm->now.limit[LX_LIMIT_MAP_COUNT]);
	return -LX_ENOMEM;
}

static int split_and_change(struct lx_mm *mm, uint64_t start, uint64_t end, uint32_t flags)
{
	const struct lx_vma *vma = lx_at(mm, lx_find_vma(mm, start));
	struct lx_vma changed;
	int err = vma->start < start ? may_split(mm, lx_find_vma(mm, start)) : 0;

	if (err)
		return err;
	lx_split_at(mm, start);
	vma = lx_at(mm, lx_find_vma(mm, start));
	err = vma->end > end ? may_split(mm, lx_find_vma(mm, start)) : 0;
	if (err)
		return err;
	lx_split_at(mm, end);
	vma = lx_at(mm, lx_find_vma(mm, start));
	changed = *vma;
	changed.flags = flags;
	lx_splice(mm, lx_find_vma(mm, start), 1, &changed, 1);
	return 0;
}

static void tell_modify(const struct lx_mm *mm, const struct merge *m, const struct lx_vma *vma,
                        const struct lx_vma *range)
{
	enum why_fn fn = lx_is_since(mm->rules, 6, 7) ? FN_VMA_MODIFY : FN_VMA_MERGE;

	why_enter(mm->sys.why, fn, range->start, range->end - range->start, 0);
	if (m->left || m->right)
		tell_merge(mm, m);
	else if (range->start == vma->start && range->end == vma->end)
		why(mm->sys.why, WHY_MODIFIED_WHOLE, vma->start);
	else
		why(mm->sys.why, WHY_MODIFIED_SPLIT, vma->start, vma->end);
	why_leave(mm->sys.why, fn);
}

int lx_vma_modify_flags(struct lx_mm *mm, size_t i, uint64_t start, uint64_t end, uint32_t flags)
{
	const struct lx_vma middle = *lx_at(mm, i);
	bool left_side = start == middle.start, right_side = end == middle.end;
	struct lx_vma range = lx_part(mm, &middle, start, end), out[3];
	size_t count = 0, from = i, old_count = 1;
	struct merge m;

	range.flags = flags;
	merge_find(mm, left_side && i ? lx_at(mm, i - 1) : NULL,
	           right_side && i + 1 < lx_count(mm) ? lx_at(mm, i + 1) : NULL, &range, &m);
	if (mm->sys.why)
		tell_modify(mm, &m, &middle, &range);
	if (!m.left && !m.right)
		return split_and_change(mm, start, end, flags);
	/* The other side's rest, if any, stays as it was. */
	if (!left_side)
		out[count++] = lx_part(mm, &middle, middle.start, start);
	out[count++] = m.joined;
	if (!right_side)
		out[count++] = lx_part(mm, &middle, end, middle.end);
	if (m.left) {
		from--;
		old_count++;
	}
	if (m.right)
		old_count++;
	lx_splice(mm, from, old_count, out, count);
	return 0;
}

/* --- anon_vma ---------------------------------------------------------------------------------------- */

/* anon_vma_compatible(): would be one VMA but for the rights to access it. */
static bool is_compatible(const struct lx_mm *mm, const struct lx_vma *a, const struct lx_vma *b)
{
	return a->end == b->start && a->file == b->file &&
	       ((a->flags ^ b->flags) & ~LX_ACCESS_FLAGS) == 0 &&
	       a->pgoff + lx_pages(mm, a) == b->pgoff;
}

/* reusable_anon_vma(): not one that is shared with the parent. */
static bool is_reusable(const struct lx_mm *mm, uint32_t anon)
{
	return anon && !is_fork_child(mm, anon);
}

/* find_mergeable_anon_vma(): a neighbour's, so that both can become one VMA later; the next first. */
static uint32_t find_mergeable(const struct lx_mm *mm, size_t i)
{
	const struct lx_vma *vma = lx_at(mm, i);

	if (i + 1 < lx_count(mm) && is_reusable(mm, lx_at(mm, i + 1)->anon) &&
	    is_compatible(mm, vma, lx_at(mm, i + 1)))
		return lx_at(mm, i + 1)->anon;
	if (i && is_reusable(mm, lx_at(mm, i - 1)->anon) &&
	    is_compatible(mm, lx_at(mm, i - 1), vma))
		return lx_at(mm, i - 1)->anon;
	return 0;
}

void lx_anon_vma_prepare(struct lx_mm *mm, size_t i)
{
	struct lx_vma vma = *lx_at(mm, i);

	if (vma.anon || (vma.flags & LX_VM_SHARED))
		return;
	vma.anon = find_mergeable(mm, i);
	if (!vma.anon)
		vma.anon = mm->next_anon++;
	lx_splice(mm, i, 1, &vma, 1);
}
