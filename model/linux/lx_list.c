/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/linux/lx_list.h"

#include <string.h>

/* Added one by one, that many go into one new block at least, but for the first and the last few. */
enum { FILL = LX_BLOCK / 2, SLACK = 4 };

/* --- making ---------------------------------------------------------------------------------------- */

struct lx_list *lx_list_new(size_t room)
{
	struct region *region = region_new();
	struct lx_list *list = region ? region_alloc(region, sizeof(*list)) : NULL;

	if (!list) {
		region_free(region);
		return NULL;
	}
	list->region = region;
	list->refs = 1;
	if (!lx_list_reserve(list, room)) {
		region_free(region);
		return NULL;
	}
	return list;
}

void lx_list_unref(struct lx_list *list)
{
	if (list && --list->refs == 0)
		region_free(list->region);
}

static bool grow(struct region *region, void *array, size_t width, size_t old, size_t new)
{
	void **at = array;
	void *grown = region_grow(region, *at, old * width, new *width);

	if (grown)
		*at = grown;
	return grown != NULL;
}

static bool reserve_arrays(struct lx_list *list, size_t want)
{
	size_t old = list->block_room, room = want + want / 2;

	if (want <= old)
		return true;
	if (!grow(list->region, &list->blocks, sizeof(void *), old, room) ||
	    !grow(list->region, &list->first, sizeof(*list->first), old, room) ||
	    !grow(list->region, &list->end, sizeof(*list->end), old, room) ||
	    !grow(list->region, &list->gap, sizeof(*list->gap), old, room) ||
	    !grow(list->region, &list->spare, sizeof(void *), old, room))
		return false;
	list->block_room = room;
	return true;
}

bool lx_list_reserve(struct lx_list *list, size_t more)
{
	size_t want = more / FILL + SLACK;

	/* Every block of the list may become a spare one. */
	if (!reserve_arrays(list, list->block_count + want + list->spare_count))
		return false;
	while (list->spare_count < want) {
		struct lx_block *block = region_alloc(list->region, sizeof(*block));

		if (!block)
			return false;
		list->spare[list->spare_count++] = block;
	}
	return true;
}

struct lx_list *lx_list_copy(const struct lx_list *from)
{
	struct lx_list *list = lx_list_new(from->block_count * FILL + FILL);

	if (!list || !from->block_count)
		return list;
	for (size_t b = 0; b < from->block_count; b++) {
		list->blocks[b] = list->spare[--list->spare_count];
		*list->blocks[b] = *from->blocks[b];
	}
	memcpy(list->first, from->first, from->block_count * sizeof(*list->first));
	memcpy(list->end, from->end, from->block_count * sizeof(*list->end));
	memcpy(list->gap, from->gap, from->block_count * sizeof(*list->gap));
	list->block_count = from->block_count;
	list->count = from->count;
	list->hint = from->hint;
	return list;
}

/* --- finding --------------------------------------------------------------------------------------- */

size_t lx_list_seek(struct lx_list *list, size_t i)
{
	size_t low = 0, high = list->block_count;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (list->first[mid] <= i)
			low = mid;
		else
			high = mid;
	}
	list->hint = low;
	return low;
}

/* The first of `count` that is above `addr`. */
static size_t first_above(const uint64_t *ends, size_t count, uint64_t addr)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (ends[mid] > addr)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

size_t lx_list_find(struct lx_list *list, uint64_t addr)
{
	size_t b = first_above(list->end, list->block_count, addr), low = 0, high;
	const struct lx_block *block;

	if (b == list->block_count)
		return list->count;
	list->hint = b;
	block = list->blocks[b];
	high = block->count - 1; /* ends above it */
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (block->at[mid].end > addr)
			high = mid;
		else
			low = mid + 1;
	}
	return list->first[b] + low;
}

/* --- gaps ------------------------------------------------------------------------------------------ */

static uint64_t gap_below(const struct lx_list *list, size_t b, size_t off)
{
	const struct lx_block *block = list->blocks[b];

	if (off)
		return block->at[off].start - block->at[off - 1].end;
	return block->at[0].start - (b ? list->end[b - 1] : 0);
}

static size_t block_of(const struct lx_list *list, size_t i)
{
	size_t b = first_above(list->first, list->block_count, i);

	return b ? b - 1 : 0;
}

size_t lx_list_gap_down(const struct lx_list *list, size_t i, uint64_t len)
{
	size_t b = block_of(list, i), off = i - list->first[b] + 1;

	for (;; off = list->blocks[b]->count) {
		while (off-- > 0)
			if (gap_below(list, b, off) >= len)
				return list->first[b] + off;
		do {
			if (b-- == 0)
				return LX_NONE;
		} while (list->gap[b] < len);
	}
}

size_t lx_list_gap_up(const struct lx_list *list, size_t i, uint64_t len)
{
	size_t b = block_of(list, i), off = i - list->first[b];

	for (; b < list->block_count; off = 0) {
		for (; off < list->blocks[b]->count; off++)
			if (gap_below(list, b, off) >= len)
				return list->first[b] + off;
		do
			b++;
		while (b < list->block_count && list->gap[b] < len);
	}
	return LX_NONE;
}

/* --- changing -------------------------------------------------------------------------------------- */

/* What is known of a block by its VMAs; `end` of the one before is right. */
static void refresh(struct lx_list *list, size_t b)
{
	const struct lx_block *block = list->blocks[b];
	uint64_t widest = 0;

	list->end[b] = block->at[block->count - 1].end;
	for (size_t off = 0; off < block->count; off++) {
		uint64_t gap = gap_below(list, b, off);

		widest = gap > widest ? gap : widest;
	}
	list->gap[b] = widest;
}

static void move_blocks(struct lx_list *list, size_t to, size_t from)
{
	size_t count = list->block_count - from;

	memmove(&list->blocks[to], &list->blocks[from], count * sizeof(void *));
	memmove(&list->first[to], &list->first[from], count * sizeof(*list->first));
	memmove(&list->end[to], &list->end[from], count * sizeof(*list->end));
	memmove(&list->gap[to], &list->gap[from], count * sizeof(*list->gap));
}

/* An empty block before block `b`, whose first VMA has index `first`. */
static struct lx_block *add_block(struct lx_list *list, size_t b, size_t first)
{
	struct lx_block *block = list->spare[--list->spare_count];

	move_blocks(list, b + 1, b);
	block->count = 0;
	list->blocks[b] = block;
	list->first[b] = first;
	list->end[b] = list->gap[b] = 0;
	list->block_count++;
	return block;
}

static void drop_block(struct lx_list *list, size_t b)
{
	list->spare[list->spare_count++] = list->blocks[b];
	move_blocks(list, b, b + 1);
	list->block_count--;
	list->hint = 0;
}

static void split_block(struct lx_list *list, size_t b)
{
	struct lx_block *upper = add_block(list, b + 1, list->first[b] + FILL);
	struct lx_block *lower = list->blocks[b];

	memcpy(upper->at, &lower->at[FILL], FILL * sizeof(*upper->at));
	lower->count = upper->count = FILL;
	refresh(list, b);
	refresh(list, b + 1);
}

/* The block that takes a VMA in at index `i`; what comes in rows fills blocks one after another. */
static size_t block_for(struct lx_list *list, size_t i)
{
	size_t b, off;

	if (!list->block_count) {
		(void)add_block(list, 0, 0);
		return 0;
	}
	b = i < list->count ? lx_list_seek(list, i) : list->block_count - 1;
	off = i - list->first[b];
	if (off == 0 && b > 0 && list->blocks[b - 1]->count < LX_BLOCK)
		return b - 1;
	if (list->blocks[b]->count < LX_BLOCK)
		return b;
	if (off == 0 || off == LX_BLOCK) {
		(void)add_block(list, b + (off != 0), i);
		return b + (off != 0);
	}
	split_block(list, b);
	return off > FILL ? b + 1 : b;
}

static void insert(struct lx_list *list, size_t i, const struct lx_vma *vma)
{
	size_t b = block_for(list, i), off = i - list->first[b];
	struct lx_block *block = list->blocks[b];

	memmove(&block->at[off + 1], &block->at[off], (block->count - off) * sizeof(*block->at));
	block->at[off] = *vma;
	block->count++;
	list->count++;
	list->end[b] = block->at[block->count - 1].end;
	for (size_t above = b + 1; above < list->block_count; above++)
		list->first[above]++;
	list->hint = b;
}

/* A neighbour takes in what is left of a block, so that blocks stay few. */
static void join_blocks(struct lx_list *list, size_t b)
{
	struct lx_block *lower = list->blocks[b], *upper;

	if (b + 1 >= list->block_count || lower->count + list->blocks[b + 1]->count > FILL)
		return;
	upper = list->blocks[b + 1];
	memcpy(&lower->at[lower->count], upper->at, upper->count * sizeof(*upper->at));
	lower->count += upper->count;
	drop_block(list, b + 1);
	refresh(list, b);
}

static void erase(struct lx_list *list, size_t i, size_t count)
{
	while (count) {
		size_t b = lx_list_seek(list, i), off = i - list->first[b], above = b + 1;
		struct lx_block *block = list->blocks[b];
		size_t part = block->count - off < count ? block->count - off : count;

		memmove(&block->at[off], &block->at[off + part],
		        (block->count - off - part) * sizeof(*block->at));
		block->count -= part;
		list->count -= part;
		count -= part;
		if (!block->count) {
			drop_block(list, b);
			above = b;
		} else {
			list->end[b] = block->at[block->count - 1].end;
		}
		for (; above < list->block_count; above++)
			list->first[above] -= part;
	}
}

void lx_list_replace(struct lx_list *list, size_t at, size_t old_count, const struct lx_vma *with,
                     size_t new_count)
{
	size_t same = old_count < new_count ? old_count : new_count, from, to;

	for (size_t i = 0; i < same; i++)
		*lx_list_at(list, at + i) = with[i];
	erase(list, at + same, old_count - same);
	for (size_t i = same; i < new_count; i++)
		insert(list, at + i, &with[i]);
	if (!list->count)
		return;
	/* From the VMA before to the one behind: what lies between them has changed. */
	from = lx_list_seek(list, at ? at - 1 : 0);
	to = lx_list_seek(list, at + new_count < list->count ? at + new_count : list->count - 1);
	for (size_t b = from; b <= to; b++)
		refresh(list, b);
	if (old_count > new_count)
		join_blocks(list, from);
}
