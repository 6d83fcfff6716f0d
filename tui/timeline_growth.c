/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Timeline: what grew since a mark. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "model/run/growth.h"
#include "tui/clock_words.h"
#include "tui/view_parts.h"
#include "tui/view_timeline.h"
#include "tui/widget_list.h"

enum column { COL_GROUP, COL_WHAT, COL_THEN, COL_NOW, COL_CHANGE, COL_RATE, COL_COUNT, COLUMNS };

static const struct list_column columns[COLUMNS] = {
	[COL_GROUP] = { .title = "of", .width = 8, .rank = 1 },
	[COL_WHAT] = { .title = "what", .width = 20, .grows = true },
	[COL_THEN] = { .title = "then", .width = 10, .rank = 3, .is_right = true },
	[COL_NOW] = { .title = "now", .width = 10, .is_right = true },
	[COL_CHANGE] = { .title = "change", .width = 11, .is_right = true },
	[COL_RATE] = { .title = "per minute", .width = 14, .rank = 2, .is_right = true },
	[COL_COUNT] = { .title = "number", .width = 12, .rank = 4, .is_right = true },
};

static const char *const group_names[GROWTH_GROUP_COUNT] = {
	[GROWTH_TOTAL] = "total",
	[GROWTH_ARENA] = "arena",
	[GROWTH_KIND] = "mappings",
	[GROWTH_CLASS] = "free",
};

/* What the rows are made from. */
struct growth_view {
	const struct view_frame *frame;
	struct growth_row rows[GROWTH_ROWS];
	size_t count;
	uint64_t span_ns;
};

/* The one chosen, or the newest; marks behind the picture's instant are not yet set. */
const struct mark *timeline_mark(const struct view_frame *frame)
{
	const struct mark *found = NULL;

	for (size_t i = 0; frame->past && i < frame->past->mark_count; i++) {
		const struct mark *mark = &frame->past->marks[i];

		if (mark->time_ns > frame->snap->sample.time_ns)
			break;
		found = mark;
		if (mark->number == frame->state->time.mark)
			break;
	}
	return found;
}

void timeline_mark_title(const struct view_frame *frame, char *to, size_t size)
{
	const struct mark *mark = timeline_mark(frame);
	char note[3 * MARK_NOTE], age[CLOCK_WORDS];

	if (!mark) {
		(void)snprintf(to, size, "what grew since a mark");
		return;
	}
	text_clean(note, sizeof(note), mark->note, strnlen(mark->note, sizeof(mark->note)));
	(void)snprintf(to, size, "since mark %u, %s ago%s%s", mark->number,
	               span_words(age, frame->snap->sample.time_ns - mark->time_ns),
	               note[0] ? ": " : "", note);
}

static void draw_no_mark(struct area area)
{
	(void)draw_wrapped(
	        area, 0, ROLE_TEXT_DIM,
	        "no mark is set. m sets one now, :mark NOTE one with a note; from then on "
	        "this says what grew: totals, arenas, kinds of mapping, free chunks by "
	        "size.");
}

/* False: there is no mark to compare with. */
static bool make(const struct view_frame *frame, struct growth_view *ret)
{
	const struct mark *mark = timeline_mark(frame);

	ret->frame = frame;
	ret->count = 0;
	if (!mark)
		return false;
	ret->count = growth_since(mark, frame->snap, ret->rows);
	ret->span_ns = frame->snap->sample.time_ns - mark->time_ns;
	return true;
}

static const char *series_name(size_t id)
{
	for (size_t i = 0; i < TIMELINE_SERIES; i++) {
		if (timeline_series[i].id == id)
			return timeline_series[i].name;
	}
	return "?";
}

static void what_words(const struct growth_view *view, const struct growth_row *row, char to[64])
{
	char name[TEXT_NUMBER], addr[TEXT_NUMBER];

	switch (row->group) {
	case GROWTH_TOTAL:
		(void)snprintf(to, 64, "%s", series_name(row->index));
		break;
	case GROWTH_ARENA:
		(void)snprintf(to, 64, "%s at %s",
		               arena_name(name, snapshot_malloc(view->frame->snap), row->index),
		               text_addr(addr, row->object));
		break;
	case GROWTH_KIND:
		(void)snprintf(to, 64, "%s", vma_kind_word((enum vma_kind)row->index));
		break;
	case GROWTH_CLASS:
		(void)snprintf(to, 64, "chunks of 0x%" PRIx64, row->object);
		break;
	case GROWTH_GROUP_COUNT:
		break;
	}
}

static enum graph_unit unit_of(const struct growth_row *row)
{
	return row->is_bytes ? GRAPH_BYTES : GRAPH_COUNT;
}

/* Change in a minute at this pace; too short a time says nothing. */
static bool rate_of(const struct growth_view *view, int64_t change, int64_t *ret)
{
	int64_t seconds = (int64_t)(view->span_ns / 1000000000);

	if (seconds < 5)
		return false;
	*ret = change / seconds * 60 + change % seconds * 60 / seconds;
	return true;
}

static enum role change_role(int64_t change)
{
	return change > 0 ? ROLE_CHANGED_UP : change < 0 ? ROLE_CHANGED_DOWN : ROLE_TEXT_DIM;
}

static void draw_change(const struct growth_view *view, const struct growth_row *row, bool is_rate,
                        struct area cell)
{
	char words[CHANGE_WORDS];
	int64_t change, rate;

	if (!growth_change(row, &change)) {
		draw_right(cell, cell.width, 0, ROLE_TEXT_DIM, "?");
		return;
	}
	if (is_rate && !rate_of(view, change, &rate)) {
		draw_right(cell, cell.width, 0, ROLE_TEXT_DIM, "…");
		return;
	}
	if (is_rate && !row->is_bytes && change)
		(void)snprintf(words, sizeof(words), "%+" PRId64 "/min", rate);
	else
		change_words(words, is_rate ? rate : change, unit_of(row), is_rate);
	draw_right(cell, cell.width, 0, change_role(change), words);
}

static void draw_number(const struct growth_row *row, struct area cell)
{
	int64_t change;
	char words[CHANGE_WORDS];

	if (!fact_known(row->count_then) || !fact_known(row->count_now)) {
		draw_right(cell, cell.width, 0, ROLE_TEXT_DIM, "-");
		return;
	}
	change = (int64_t)(row->count_now.v - row->count_then.v);
	draw_right(cell, cell.width, 0, change_role(change),
	           change_words(words, change, GRAPH_COUNT, false));
}

static void draw_cell(const void *ctx, size_t i, size_t column, struct area cell)
{
	const struct growth_view *view = ctx;
	const struct growth_row *row = &view->rows[i];
	char words[64];

	switch ((enum column)column) {
	case COL_GROUP:
		draw_text(cell, 0, 0, ROLE_TEXT_DIM, group_names[row->group]);
		break;
	case COL_WHAT:
		what_words(view, row, words);
		draw_text(cell, 0, 0, ROLE_TEXT, words);
		break;
	case COL_THEN:
	case COL_NOW:
		draw_right(cell, cell.width, 0, ROLE_NUMBER,
		           graph_value(words, column == COL_THEN ? row->then : row->now,
		                       unit_of(row)));
		break;
	case COL_CHANGE:
	case COL_RATE:
		draw_change(view, row, column == COL_RATE, cell);
		break;
	case COL_COUNT:
		draw_number(row, cell);
		break;
	case COLUMNS:
		break;
	}
}

/* Above every place in the table of graphs, which are this view's other keys. */
static uint64_t row_key(const void *ctx, size_t i)
{
	const struct growth_row *row = &((const struct growth_view *)ctx)->rows[i];

	return (uint64_t)(row->group + 1) << 56 | (row->object ? row->object : row->index);
}

static bool matches(const void *ctx, size_t i, const char *needle)
{
	const struct growth_view *view = ctx;
	char words[64];

	what_words(view, &view->rows[i], words);
	return strstr(words, needle) != NULL;
}

static struct list growth_list(const struct growth_view *view)
{
	return (struct list){
		.columns = columns,
		.column_count = COLUMNS,
		.row_count = view->count,
		.empty = "neither side knows a figure",
		.ctx = view,
		.key = row_key,
		.cell = draw_cell,
		.matches = matches,
	};
}

void timeline_growth_list(const struct view_frame *frame, struct area area)
{
	struct growth_view view;
	struct list list;

	if (!make(frame, &view)) {
		draw_no_mark(area);
		return;
	}
	list = growth_list(&view);
	list_draw(&list, frame->state, area, true);
}

bool timeline_growth_command(const struct view_frame *frame, enum command_id command)
{
	struct growth_view view;
	struct list list;

	if (!make(frame, &view))
		return false;
	list = growth_list(&view);
	return list_command(&list, frame->state, command);
}

/* NULL: there is none. */
static const struct growth_row *selected_row(const struct view_frame *frame,
                                             struct growth_view *view)
{
	struct list list;

	if (!make(frame, view) || !view->count)
		return NULL;
	list = growth_list(view);
	return &view->rows[list_selected_row(&list, frame->state)];
}

bool timeline_growth_open(const struct view_frame *frame, struct view_target *ret)
{
	struct growth_view view;
	const struct growth_row *row = selected_row(frame, &view);

	if (!row || row->group != GROWTH_ARENA)
		return false;
	*ret = (struct view_target){ VIEW_ARENAS, row->object };
	return true;
}

static const char *const group_meanings[GROWTH_GROUP_COUNT] = {
	[GROWTH_TOTAL] = "A figure of the whole process, then and now.",
	[GROWTH_ARENA] = "Memory that this arena got from the kernel (system_mem), in use or not.",
	[GROWTH_KIND] = "Sizes of all mappings of this kind, touched or not, and their number.",
	[GROWTH_CLASS] =
	        ("Chunks of this size that are free: in fastbins, small bins and tcaches, below "
	         "4 KiB. Growth here is memory that the program gave back to malloc."),
};

static void add_bytes(struct text *to, const char *label, const struct growth_row *row,
                      struct fact value)
{
	char words[TEXT_NUMBER], exact[TEXT_NUMBER];

	text_addf(to, "  %-8s %14s", label, graph_value(words, value, unit_of(row)));
	if (row->is_bytes && fact_known(value))
		text_addf(to, "   %s bytes", text_count(exact, value.v));
	text_add(to, "\n");
}

bool timeline_growth_explain(const struct view_frame *frame, struct view_words *to)
{
	struct growth_view view;
	const struct growth_row *row = selected_row(frame, &view);
	char words[CHANGE_WORDS], what[64], since[4 * MARK_NOTE + 64];
	int64_t change;

	if (!row)
		return false;
	what_words(&view, row, what);
	timeline_mark_title(frame, since, sizeof(since));
	text_addf(&to->title, "%s %s", group_names[row->group], what);
	text_addf(&to->body, "%s\n\n%s\n", group_meanings[row->group], since);
	add_bytes(&to->body, "then", row, row->then);
	add_bytes(&to->body, "now", row, row->now);
	if (growth_change(row, &change))
		text_addf(&to->body, "  %-8s %14s\n", "change",
		          change_words(words, change, unit_of(row), false));
	return true;
}

bool timeline_growth_copy(const struct view_frame *frame, struct text *to)
{
	struct growth_view view;
	const struct growth_row *row = selected_row(frame, &view);
	char words[CHANGE_WORDS], then[TEXT_NUMBER], now[TEXT_NUMBER], what[64];
	int64_t change;

	if (!row)
		return false;
	what_words(&view, row, what);
	text_addf(to, "%s %s: %s → %s", group_names[row->group], what,
	          graph_value(then, row->then, unit_of(row)),
	          graph_value(now, row->now, unit_of(row)));
	if (growth_change(row, &change))
		text_addf(to, ", %s", change_words(words, change, unit_of(row), false));
	return true;
}

/* The row that changed most, of those from `from` on in one group; NULL: the group is empty. */
static const struct growth_row *first_of(const struct growth_view *view, enum growth_group group)
{
	for (size_t i = 0; i < view->count; i++) {
		if (view->rows[i].group == group)
			return &view->rows[i];
	}
	return NULL;
}

static void brief_words(const struct growth_view *view, const struct growth_row *row, char to[64])
{
	char name[TEXT_NUMBER];

	if (row->group == GROWTH_ARENA)
		(void)snprintf(to, 64, "arena %s",
		               arena_name(name, snapshot_malloc(view->frame->snap), row->index));
	else if (row->group == GROWTH_KIND)
		(void)snprintf(to, 64, "VMAs %s", vma_kind_word((enum vma_kind)row->index));
	else if (row->group == GROWTH_CLASS)
		(void)snprintf(to, 64, "free 0x%" PRIx64, row->object);
	else
		what_words(view, row, to);
}

static void draw_brief(const struct growth_view *view, const struct growth_row *row,
                       struct area line)
{
	enum { NAME = 16, NUMBER = 11, RATE = 16 };
	char words[64], now[TEXT_NUMBER];
	int spare = line.width - NAME - 2 * NUMBER - RATE, x = NAME + (spare > 0 ? spare / 4 : 0);

	brief_words(view, row, words);
	draw_text(area_part(line, 0, 0, x, 1), 1, 0, ROLE_TEXT, words);
	x += NUMBER + (spare > 0 ? spare / 4 : 0);
	draw_right(line, x, 0, ROLE_NUMBER, graph_value(now, row->now, unit_of(row)));
	draw_change(view, row, false, area_part(line, x, 0, NUMBER, 1));
	draw_change(view, row, true, area_part(line, x + NUMBER, 0, RATE, 1));
}

/* The totals that matter most, then the first of each group. */
void timeline_growth_brief(const struct view_frame *frame, struct area area)
{
	static const size_t totals[] = { HISTORY_RSS,  HISTORY_IN_USE,  HISTORY_SYSTEM_MEM,
		                         HISTORY_FREE, HISTORY_MMAPPED, HISTORY_VM_SIZE,
		                         HISTORY_VMAS, HISTORY_THREADS };
	const struct growth_row *row;
	struct growth_view view;
	int y = 0, groups = area.height >= 7 ? 3 : 0;

	if (!make(frame, &view)) {
		draw_no_mark(area);
		return;
	}
	for (size_t t = 0; t < sizeof(totals) / sizeof(totals[0]); t++) {
		for (size_t i = 0; i < view.count && y < area.height - groups; i++) {
			row = &view.rows[i];
			if (row->group == GROWTH_TOTAL && row->index == totals[t])
				draw_brief(&view, row, area_part(area, 0, y++, -1, 1));
		}
	}
	for (int group = GROWTH_ARENA; groups && group <= GROWTH_CLASS; group++) {
		row = first_of(&view, (enum growth_group)group);
		if (row)
			draw_brief(&view, row, area_part(area, 0, y++, -1, 1));
	}
}
