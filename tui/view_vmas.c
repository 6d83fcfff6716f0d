/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMAs: the kernel's list joined with what malloc says of each, and the selected one in detail. */
#include "tui/view_vmas.h"

#include <stdio.h>
#include <string.h>

#include "model/base/units.h"
#include "model/facts/source.h"
#include "tui/view_parts.h"
#include "tui/view_rows.h"
#include "tui/widget_list.h"

enum { TWO_COLUMNS = 108, DETAIL_ROWS = 5, LIST_LEAST = 8 };

enum column {
	COL_START,
	COL_END,
	COL_PERM,
	COL_ACCOUNT,
	COL_SIZE,
	COL_RSS,
	COL_DIRTY,
	COL_KIND,
	COL_RESIDENT,
	COL_NAME,
	COL_COUNT
};

static const struct list_column columns[COL_COUNT] = {
	[COL_START] = { .title = "start", .width = 12 },
	[COL_END] = { .title = "end", .width = 12, .rank = 8 },
	[COL_PERM] = { .title = "perm", .width = 4, .rank = 5 },
	[COL_ACCOUNT] = { .title = "acct", .width = 4, .rank = 6 },
	[COL_SIZE] = { .title = "size", .width = 9, .rank = 1, .is_right = true },
	[COL_RSS] = { .title = "rss", .width = 9, .rank = 2, .is_right = true },
	[COL_DIRTY] = { .title = "dirty", .width = 9, .rank = 7, .is_right = true },
	[COL_KIND] = { .title = "kind", .width = 7, .rank = 3 },
	[COL_RESIDENT] = { .title = "res", .width = 4, .rank = 9 },
	[COL_NAME] = { .title = "name / what malloc says", .width = 20, .rank = 4, .grows = true },
};

static const char *const sort_names[VMAS_SORT_COUNT] = {
	[VMAS_BY_ADDRESS] = "address", [VMAS_BY_SIZE] = "size", [VMAS_BY_RSS] = "rss",
	[VMAS_BY_DIRTY] = "dirty",     [VMAS_BY_KIND] = "kind",
};

static enum role kind_role(enum vma_kind kind)
{
	static const enum role roles[VMA_KIND_COUNT] = {
		[VMA_ANON] = ROLE_VMA_ANON,        [VMA_HEAP] = ROLE_VMA_HEAP,
		[VMA_ARENA] = ROLE_VMA_HEAP,       [VMA_RESERVE] = ROLE_VMA_RESERVE,
		[VMA_MMAPPED] = ROLE_HEAP_MMAPPED, [VMA_STACK] = ROLE_VMA_STACK,
		[VMA_GUARD] = ROLE_VMA_GUARD,      [VMA_FILE] = ROLE_VMA_FILE,
		[VMA_BSS] = ROLE_VMA_FILE,         [VMA_SHM] = ROLE_VMA_SHM,
		[VMA_KERNEL] = ROLE_VMA_KERNEL,
	};

	return kind < VMA_KIND_COUNT ? roles[kind] : ROLE_TEXT;
}

static const struct vma *vma_at(const struct view_frame *frame, size_t row)
{
	const struct part *part = frame->snap->parts[PART_VMAS];

	return &part->vmas.at[view_rows_object(frame->state, part, row)];
}

/* --- order -------------------------------------------------------------------------------------- */

/* Largest first; kinds in the order of their enum. */
static int compare_vmas(const void *ctx, uint32_t a, uint32_t b)
{
	const struct view_frame *frame = ctx;
	const struct vma *left = &snapshot_vmas(frame->snap)->at[a];
	const struct vma *right = &snapshot_vmas(frame->snap)->at[b];
	uint64_t l = 0, r = 0;

	switch ((enum vmas_sort)frame->state->sort) {
	case VMAS_BY_SIZE:
		l = vma_size(left);
		r = vma_size(right);
		break;
	case VMAS_BY_RSS:
		l = left->rss;
		r = right->rss;
		break;
	case VMAS_BY_DIRTY:
		l = left->dirty;
		r = right->dirty;
		break;
	case VMAS_BY_KIND:
		return (left->kind > right->kind) - (left->kind < right->kind);
	case VMAS_BY_ADDRESS:
	case VMAS_SORT_COUNT:
		break;
	}
	return l > r ? -1 : l < r;
}

static bool vma_contains(const struct snapshot *snap, const struct vma *v, const char *needle)
{
	char words[VMA_WORDS], line[VMA_WORDS + 64], start[TEXT_NUMBER], perms[8], account[8];

	vma_words(snap, v, words);
	(void)snprintf(line, sizeof(line), "%s %s %s %s %s", text_addr(start, v->start),
	               vma_perms(perms, v), vma_account(account, v),
	               vma_kind_word((enum vma_kind)v->kind), words);
	return view_contains(line, strlen(line), needle);
}

static bool keep_vma(const void *ctx, uint32_t object)
{
	const struct view_frame *frame = ctx;

	return vma_contains(frame->snap, &snapshot_vmas(frame->snap)->at[object],
	                    frame->state->filter);
}

static void vmas_prepare(const struct view_frame *frame)
{
	const struct vma_set *set = snapshot_vmas(frame->snap);
	const struct rows_maker maker = {
		.part = frame->snap->parts[PART_VMAS],
		.count = set ? set->count : 0,
		.ctx = frame,
		.keep = frame->state->filter[0] ? keep_vma : NULL,
		.compare = frame->state->sort == VMAS_BY_ADDRESS ? NULL : compare_vmas,
	};

	frame->state->pane_count = VMAS_PANES;
	if (vmas_are_grouped(frame->state))
		vmas_group(frame);
	else
		view_rows_prepare(frame->state, &maker);
}

/* --- list --------------------------------------------------------------------------------------- */

/* Pages are aligned, so that start + 1 is a key even for a mapping at address 0. */
static uint64_t vma_key(const void *ctx, size_t row)
{
	return vma_at(ctx, row)->start + 1;
}

/* In KiB; what has too many digits for that, a reservation of terabytes, gets its unit. */
static void draw_kib(struct area cell, uint64_t bytes, bool is_known)
{
	char kib[TEXT_NUMBER];

	if (is_known && text_columns(text_count(kib, bytes / KIB)) > cell.width)
		draw_bytes(cell, cell.width, 0, fact_of(bytes));
	else
		draw_count(cell, cell.width, 0, is_known ? fact_of(bytes / KIB) : fact_unknown());
}

static void draw_account(const struct vma *v, struct area cell)
{
	bool is_charged = v->charge == VMA_CHARGE_YES || v->charge == VMA_CHARGE_GUESS_YES;
	char word[8];

	vma_account(word, v);
	draw_text(cell, 0, 0,
	          is_charged       ? ROLE_ACCT_CHARGED
	          : word[0] == 'n' ? ROLE_ACCT_NORESERVE
	                           : ROLE_TEXT_DIM,
	          word);
}

/* A long path keeps its end: that is where files differ. */
void vmas_draw_tail(struct area cell, enum role role, const char *text)
{
	int extra = text_columns(text) - cell.width;

	if (extra <= 0 || text[0] != '/') {
		draw_text(cell, 0, 0, role, text);
		return;
	}
	while (*text && text_columns(text) >= cell.width) {
		do
			text++;
		while (((unsigned char)*text & 0xc0) == 0x80);
	}
	draw_text(cell, 0, 0, role, "…");
	draw_text(cell, 1, 0, role, text);
}

static void draw_text_cell(const struct view_frame *frame, const struct vma *v, enum column column,
                           struct area cell)
{
	char addr[TEXT_NUMBER], perms[8], words[VMA_WORDS];
	enum role role = kind_role((enum vma_kind)v->kind);

	if (column == COL_START || column == COL_END) {
		draw_text(cell, 0, 0, ROLE_ADDRESS,
		          text_addr(addr, column == COL_START ? v->start : v->end));
	} else if (column == COL_PERM) {
		draw_text(cell, 0, 0, ROLE_TEXT, vma_perms(perms, v));
	} else if (column == COL_KIND) {
		draw_text(cell, 0, 0, role, vma_kind_word((enum vma_kind)v->kind));
	} else {
		vma_words(frame->snap, v, words);
		vmas_draw_tail(cell, ROLE_TEXT, words);
	}
}

static void draw_cell(const void *ctx, size_t row, size_t column, struct area cell)
{
	const struct view_frame *frame = ctx;
	const struct vma *v = vma_at(frame, row);

	switch ((enum column)column) {
	case COL_ACCOUNT:
		draw_account(v, cell);
		return;
	case COL_SIZE:
		draw_kib(cell, vma_size(v), true);
		return;
	case COL_RSS:
		draw_kib(cell, v->rss, v->has_residency);
		return;
	case COL_DIRTY:
		draw_kib(cell, v->dirty, v->has_smaps);
		return;
	case COL_RESIDENT:
		if (v->has_residency)
			/* No limit is near where all is resident: the colour stays. */
			draw_gauge(cell, 0, 0, cell.width, permille_of(v->rss, vma_size(v)),
			           ROLE_GAUGE_FILL);
		else
			draw_text(cell, 0, 0, ROLE_TEXT_DIM, "?");
		return;
	case COL_START:
	case COL_END:
	case COL_PERM:
	case COL_KIND:
	case COL_NAME:
	case COL_COUNT:
		break;
	}
	draw_text_cell(frame, v, (enum column)column, cell);
}

static bool matches(const void *ctx, size_t row, const char *needle)
{
	const struct view_frame *frame = ctx;

	return vma_contains(frame->snap, vma_at(frame, row), needle);
}

static struct list vma_list(const struct view_frame *frame)
{
	const struct part *part = frame->snap->parts[PART_VMAS];

	return (struct list){
		.hidden_columns = frame->state->hidden_columns,
		.columns = columns,
		.column_count = COL_COUNT,
		.row_count = part ? view_rows_count(frame->state, part, part->vmas.count) : 0,
		.empty = "no mapping matches the filter (f changes it)",
		.ctx = frame,
		.key = vma_key,
		.cell = draw_cell,
		.matches = matches,
	};
}

/* --- view --------------------------------------------------------------------------------------- */

/* The divider is drawn last: only then is it known which rows are seen. */
static void draw_list(const struct view_frame *frame, const struct list *list, struct area area)
{
	const struct system_facts *sys = snapshot_system(frame->snap);
	const struct view_state *state = frame->state;
	char title[80], right[320], count[TEXT_NUMBER], most[TEXT_NUMBER], filter[3 * 64];
	int last;

	list_draw(list, frame->state, area_part(area, 0, 1, -1, -1), true);
	last = state->top_row + state->page_rows;
	if (last > state->row_count)
		last = state->row_count;
	(void)snprintf(title, sizeof(title), "VMAs %s of %s allowed",
	               text_count(count, snapshot_vmas(frame->snap)->count),
	               text_count_fact(most, sys ? sys->max_map_count : fact_unknown()));
	text_clean(filter, sizeof(filter), state->filter, strlen(state->filter));
	(void)snprintf(right, sizeof(right), "rows %d-%d of %d   sort: %s %s%s%s",
	               state->row_count ? state->top_row + 1 : 0, last, state->row_count,
	               sort_names[state->sort % VMAS_SORT_COUNT],
	               state->sort_reversed == (state->sort == VMAS_BY_ADDRESS) ? "▼" : "▲",
	               filter[0] ? "   filter: " : "", filter);
	draw_divider(area, 0, title, right);
}

static void draw_detail(const struct view_frame *frame, const struct vma *v, struct area area)
{
	char title[64], start[TEXT_NUMBER], end[TEXT_NUMBER];
	struct pane_pair pair;

	(void)snprintf(title, sizeof(title), "%s-%s", text_addr(start, v->start),
	               text_addr(end, v->end));
	if (area.width < TWO_COLUMNS) {
		vmas_kernel(v, pane_area(area, title, NULL));
		return;
	}
	pair = pane_pair(area, (area.width - 2) / 2, title, "what malloc says");
	vmas_kernel(v, pair.left);
	vmas_malloc(frame->snap, v, pair.right);
}

static void vmas_draw(const struct view_frame *frame, struct area area)
{
	struct list list = vma_list(frame);
	bool has_detail = area.height >= LIST_LEAST + DETAIL_ROWS + 1;
	char why[400];

	vmas_absence(frame->snap, why, sizeof(why));
	if (why[0]) {
		draw_wrapped(pane_area(area, "VMAs", NULL), 1, ROLE_TEXT, why);
		return;
	}
	if (vmas_are_grouped(frame->state)) {
		vmas_draw_groups(frame, area);
		return;
	}
	draw_list(frame, &list,
	          take_rows(&area, has_detail ? area.height - DETAIL_ROWS - 1 : area.height));
	if (has_detail && list.row_count)
		draw_detail(frame, vma_at(frame, list_selected_row(&list, frame->state)), area);
}

static bool vmas_command(const struct view_frame *frame, enum command_id command)
{
	struct list list =
	        vmas_are_grouped(frame->state) ? vmas_group_list(frame) : vma_list(frame);

	if (command == CMD_NEXT_PANE) {
		frame->state->pane = (uint8_t)((frame->state->pane + 1) % VMAS_PANES);
		frame->state->rows.is_ready = false;
		return true;
	}
	return view_sort_command(frame->state, VMAS_SORT_COUNT, command) ||
	       list_command(&list, frame->state, command);
}

static const struct vma *selected_vma(const struct view_frame *frame)
{
	struct list list = vma_list(frame);

	return list.row_count && !vmas_are_grouped(frame->state)
	               ? vma_at(frame, list_selected_row(&list, frame->state))
	               : NULL;
}

static bool explain_selected(const struct view_frame *frame, struct view_words *to)
{
	const struct vma *v = selected_vma(frame);

	if (v)
		vmas_explain(frame->snap, v, to);
	return v;
}

/* As in /proc/PID/maps, with what is known besides. */
static bool copy_selected(const struct view_frame *frame, struct text *to)
{
	const struct vma *v = selected_vma(frame);
	char start[TEXT_NUMBER], end[TEXT_NUMBER], perms[8], words[VMA_WORDS];

	if (!v)
		return false;
	vma_words(frame->snap, v, words);
	text_addf(to, "%s-%s %s %s %s", text_addr(start, v->start), text_addr(end, v->end),
	          vma_perms(perms, v), vma_kind_word((enum vma_kind)v->kind), words);
	return true;
}

/* The heap, or the first mmapped chunk, in the selected mapping. */
static bool place_of_selected(const struct view_frame *frame, uint64_t *ret_addr)
{
	const struct malloc_state *ms = snapshot_malloc(frame->snap);
	const struct vma *v = selected_vma(frame);

	if (!ms || !v)
		return false;
	for (size_t i = 0; i < ms->mmapped_count; i++) {
		*ret_addr = ms->mmapped[i].base;
		if (*ret_addr >= v->start && *ret_addr < v->end)
			return true;
	}
	for (size_t i = 0; i < ms->arena_count; i++) {
		for (size_t k = 0; k < ms->arenas[i].heap_count; k++) {
			*ret_addr = ms->arenas[i].heaps[k].start;
			if (*ret_addr >= v->start && *ret_addr < v->end)
				return true;
		}
	}
	return false;
}

static void vmas_status(const struct view_frame *frame, char *to, size_t size)
{
	if (!snapshot_vmas(frame->snap))
		return;
	if (vmas_are_grouped(frame->state)) {
		(void)snprintf(to, size,
		               "an arena's row has its reservation, a file's its bss; ~ estimated "
		               "until r reads smaps");
		return;
	}
	(void)snprintf(to, size,
	               "sizes in KiB   acct: ac charged, nr not reserved, - neither, ~ estimated");
}

const struct view_ops view_vmas = {
	.id = VIEW_VMAS,
	.key = '4',
	.title = "VMAs",
	.takes = TAKE_PROCESS | TAKE_VMAS | TAKE_HEADERS | TAKE_MMAPPED | TAKE_RESIDENCY |
	         TAKE_SMAPS,
	.prepare = vmas_prepare,
	.draw = vmas_draw,
	.status = vmas_status,
	.command = vmas_command,
	.open = vmas_open_group,
	.explain = explain_selected,
	.copy = copy_selected,
	.place = place_of_selected,
};
