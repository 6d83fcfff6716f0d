/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMAs by what they belong to: one row for a file, an arena, all stacks; sums of their mappings. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/view_parts.h"
#include "tui/view_rows.h"
#include "tui/view_vmas.h"

/* What mappings of one group have in common. */
struct group_id {
	enum vma_kind kind;
	int32_t owner;
	const char *name; /* raw bytes */
	size_t name_len;
};

static struct group_id id_of(const struct vma_set *set, uint32_t i)
{
	const struct vma *v = &set->at[i];
	struct group_id id = { .kind = (enum vma_kind)v->kind, .owner = -1 };

	/* Bss has no name: it is the file's in front of it. A reservation is its arena's. */
	if (id.kind == VMA_BSS && i > 0) {
		v--;
		id.kind = VMA_FILE;
	} else if (id.kind == VMA_GUARD) {
		id.kind = VMA_STACK;
	} else if (id.kind == VMA_RESERVE && v->owner >= 0) {
		id.kind = VMA_ARENA;
	}
	if (id.kind == VMA_ARENA)
		id.owner = v->owner;
	if ((id.kind == VMA_FILE || id.kind == VMA_SHM || id.kind == VMA_ANON) &&
	    v->name_at <= set->names_len && v->name_len <= set->names_len - v->name_at) {
		id.name = set->names + v->name_at;
		id.name_len = v->name_len;
	}
	return id;
}

static int compare_ids(const void *left, const void *right, void *ctx)
{
	struct group_id a = id_of(ctx, *(const uint32_t *)left);
	struct group_id b = id_of(ctx, *(const uint32_t *)right);
	size_t common = a.name_len < b.name_len ? a.name_len : b.name_len;
	int names = common ? memcmp(a.name, b.name, common) : 0;

	if (a.kind != b.kind)
		return a.kind < b.kind ? -1 : 1;
	if (a.owner != b.owner)
		return a.owner < b.owner ? -1 : 1;
	if (names)
		return names;
	return (a.name_len > b.name_len) - (a.name_len < b.name_len);
}

static void add_vma(struct vma_group *group, const struct vma *v)
{
	group->count++;
	group->size += vma_size(v);
	group->rss += v->rss;
	group->swap += v->swap;
	group->dirty += v->dirty;
	group->has_residency &= v->has_residency;
	group->has_smaps &= v->has_smaps;
	group->has_charge &= v->charge != VMA_CHARGE_UNKNOWN;
	if (v->charge == VMA_CHARGE_YES || v->charge == VMA_CHARGE_GUESS_YES)
		group->charged += vma_size(v);
	group->is_charge_guessed |= v->charge != VMA_CHARGE_YES && v->charge != VMA_CHARGE_NO;
}

static size_t sum_groups(struct vma_set *set, const uint32_t *order, struct vma_group *groups)
{
	size_t count = 0;

	for (size_t i = 0; i < set->count; i++) {
		if (i == 0 || compare_ids(&order[i - 1], &order[i], set) != 0)
			groups[count++] = (struct vma_group){ .first = order[i],
				                              .has_residency = true,
				                              .has_smaps = true,
				                              .has_charge = true };
		if (order[i] < groups[count - 1].first)
			groups[count - 1].first = order[i];
		add_vma(&groups[count - 1], &set->at[order[i]]);
	}
	return count;
}

static uint64_t sort_value(const struct vma_group *group, uint8_t sort)
{
	switch (sort) {
	case VMAS_BY_SIZE:
		return group->size;
	case VMAS_BY_DIRTY:
		return group->dirty;
	case VMAS_BY_KIND:
		return group->count;
	default:
		return group->has_residency ? group->rss : group->size;
	}
}

/* Largest first; equal ones in the order of their addresses. */
static int compare_groups(const void *left, const void *right, void *ctx)
{
	const struct view_state *state = ctx;
	const struct vma_group *a = left, *b = right;
	uint64_t l = sort_value(a, state->sort), r = sort_value(b, state->sort);
	int order = l > r ? -1 : l < r;

	if (!order)
		return a->first < b->first ? -1 : a->first > b->first;
	return state->sort_reversed ? -order : order;
}

void vmas_group(const struct view_frame *frame)
{
	struct view_groups *groups = &frame->state->groups;
	struct part *part = frame->snap->parts[PART_VMAS];
	uint32_t *order;

	if (!part) {
		groups->count = 0;
		return;
	}
	if (groups->made_from != part || groups->made_ns != part->taken_ns) {
		size_t count = part->vmas.count;

		free(groups->at);
		*groups = (struct view_groups){ 0 };
		order = reallocarray(NULL, count ? count : 1, sizeof(*order));
		groups->at = reallocarray(NULL, count ? count : 1, sizeof(*groups->at));
		if (order && groups->at) {
			for (uint32_t i = 0; i < count; i++)
				order[i] = i;
			qsort_r(order, count, sizeof(*order), compare_ids, &part->vmas);
			groups->count = sum_groups(&part->vmas, order, groups->at);
		}
		free(order);
		groups->made_from = part;
		groups->made_ns = part->taken_ns;
	}
	if (groups->count)
		qsort_r(groups->at, groups->count, sizeof(*groups->at), compare_groups,
		        frame->state);
}

void vmas_group_words(const struct snapshot *snap, const struct vma_group *group,
                      char to[VMA_WORDS])
{
	const struct vma_set *set = snapshot_vmas(snap);
	const struct vma *v = &set->at[group->first];
	const struct malloc_state *ms = snapshot_malloc(snap);
	struct group_id id = id_of(set, group->first);
	char name[TEXT_NUMBER] = "?";

	switch (id.kind) {
	case VMA_ARENA:
		if (ms && id.owner >= 0)
			arena_name(name, ms, (size_t)id.owner);
		(void)snprintf(to, VMA_WORDS, "arena %s", name);
		return;
	case VMA_MMAPPED:
		(void)snprintf(to, VMA_WORDS, "mmapped chunks");
		return;
	case VMA_STACK:
		(void)snprintf(to, VMA_WORDS, "stacks and their guards");
		return;
	case VMA_RESERVE:
		(void)snprintf(to, VMA_WORDS, "reservations (PROT_NONE)");
		return;
	case VMA_KERNEL:
		(void)snprintf(to, VMA_WORDS, "vdso, vvar, vsyscall");
		return;
	case VMA_ANON:
	case VMA_HEAP:
	case VMA_FILE:
	case VMA_BSS:
	case VMA_SHM:
	case VMA_GUARD:
	case VMA_KIND_COUNT:
		break;
	}
	vma_words(snap, v, to);
}

static void group_filter(const struct snapshot *snap, const struct vma_group *group,
                         char to[VMA_WORDS])
{
	static const char *const words[VMA_KIND_COUNT] = {
		[VMA_MMAPPED] = " mmapped ",
		[VMA_STACK] = "stack",
		[VMA_RESERVE] = " reserve ",
		[VMA_KERNEL] = " kernel ",
	};
	enum vma_kind kind = id_of(snapshot_vmas(snap), group->first).kind;

	if (words[kind])
		(void)snprintf(to, VMA_WORDS, "%s", words[kind]);
	else
		vmas_group_words(snap, group, to);
}

/* --- list --------------------------------------------------------------------------------------- */

enum column {
	COL_NAME,
	COL_COUNT,
	COL_SIZE,
	COL_RSS,
	COL_SHARE,
	COL_SWAP,
	COL_DIRTY,
	COL_CHARGED,
	COLUMNS
};

static const struct list_column columns[COLUMNS] = {
	[COL_NAME] = { .title = "belongs to", .width = 20, .grows = true },
	[COL_COUNT] = { .title = "mappings", .width = 8, .rank = 3, .is_right = true },
	[COL_SIZE] = { .title = "size", .width = 10, .rank = 1, .is_right = true },
	[COL_RSS] = { .title = "rss", .width = 10, .is_right = true },
	[COL_SHARE] = { .title = "res%", .width = 4, .rank = 5, .is_right = true },
	[COL_SWAP] = { .title = "swap", .width = 10, .rank = 6, .is_right = true },
	[COL_DIRTY] = { .title = "dirty", .width = 10, .rank = 4, .is_right = true },
	[COL_CHARGED] = { .title = "charged", .width = 11, .rank = 2, .is_right = true },
};

static const struct vma_group *group_at(const void *ctx, size_t row)
{
	const struct view_frame *frame = ctx;

	return &frame->state->groups.at[row];
}

static struct fact fact_if(bool is_known, uint64_t v)
{
	return is_known ? fact_of(v) : fact_unknown();
}

static void draw_cell(const void *ctx, size_t row, size_t column, struct area cell)
{
	const struct view_frame *frame = ctx;
	const struct vma_group *group = group_at(ctx, row);
	struct fact rss = fact_if(group->has_residency, group->rss);
	struct fact charged = { group->charged,
		                group->is_charge_guessed ? FACT_ESTIMATE : FACT_KNOWN };
	char words[VMA_WORDS];

	switch ((enum column)column) {
	case COL_NAME:
		vmas_group_words(frame->snap, group, words);
		vmas_draw_tail(cell, ROLE_TEXT, words);
		return;
	case COL_COUNT:
		draw_count(cell, cell.width, 0, fact_of(group->count));
		return;
	case COL_SIZE:
		draw_bytes(cell, cell.width, 0, fact_of(group->size));
		return;
	case COL_RSS:
		draw_bytes(cell, cell.width, 0, rss);
		return;
	case COL_SHARE:
		draw_percent(cell, cell.width, 0, rss, fact_of(group->size));
		return;
	case COL_SWAP:
		draw_bytes(cell, cell.width, 0, fact_if(group->has_residency, group->swap));
		return;
	case COL_DIRTY:
		draw_bytes(cell, cell.width, 0, fact_if(group->has_smaps, group->dirty));
		return;
	case COL_CHARGED:
		draw_bytes(cell, cell.width, 0, group->has_charge ? charged : fact_unknown());
		return;
	case COLUMNS:
		return;
	}
}

static uint64_t group_key(const void *ctx, size_t row)
{
	const struct view_frame *frame = ctx;

	return snapshot_vmas(frame->snap)->at[group_at(ctx, row)->first].start + 1;
}

static bool matches(const void *ctx, size_t row, const char *needle)
{
	const struct view_frame *frame = ctx;
	char words[VMA_WORDS];

	vmas_group_words(frame->snap, group_at(ctx, row), words);
	return view_contains(words, strlen(words), needle);
}

struct list vmas_group_list(const struct view_frame *frame)
{
	const struct part *part = frame->snap->parts[PART_VMAS];
	const struct view_groups *groups = &frame->state->groups;

	return (struct list){
		.columns = columns,
		.column_count = COLUMNS,
		.row_count = part && groups->made_from == part && groups->made_ns == part->taken_ns
		                     ? groups->count
		                     : 0,
		.empty = "no mapping",
		.ctx = frame,
		.key = group_key,
		.cell = draw_cell,
		.matches = matches,
	};
}

/* --- pane --------------------------------------------------------------------------------------- */

bool vmas_are_grouped(const struct view_state *state)
{
	return state->pane % VMAS_PANES == 1;
}

void vmas_draw_groups(const struct view_frame *frame, struct area area)
{
	static const char *const orders[VMAS_SORT_COUNT] = { "rss", "size", "rss", "dirty",
		                                             "mappings" };
	struct list list = vmas_group_list(frame);
	char title[64], right[80];

	(void)snprintf(title, sizeof(title), "%zu groups of %zu mappings", list.row_count,
	               snapshot_vmas(frame->snap)->count);
	(void)snprintf(right, sizeof(right), "sort: %s %s   Tab: each mapping   Enter: these only",
	               orders[frame->state->sort % VMAS_SORT_COUNT],
	               frame->state->sort_reversed ? "▲" : "▼");
	list_draw(&list, frame->state, pane_area(area, title, right), true);
}

/* A group leads to its mappings: the filter holds the end of its name, where names differ. */
bool vmas_open_group(const struct view_frame *frame, struct view_target *ret)
{
	struct view_state *state = frame->state;
	struct list list = vmas_group_list(frame);
	const struct vma_group *group;
	char words[VMA_WORDS];
	size_t len, room = sizeof(state->filter) - 1;

	if (!vmas_are_grouped(state) || !list.row_count)
		return false;
	group = &state->groups.at[list_selected_row(&list, state)];
	group_filter(frame->snap, group, words);
	len = strlen(words);
	(void)text_copy(state->filter, sizeof(state->filter),
	                len > room ? words + len - room : words);
	state->pane = 0;
	*ret = (struct view_target){ VIEW_VMAS,
		                     snapshot_vmas(frame->snap)->at[group->first].start + 1 };
	return true;
}
