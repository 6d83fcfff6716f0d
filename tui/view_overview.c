/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Overview: where the bytes are, what may run out, what to make of it. Below 108 columns the
 * sections stand below one another; with too few rows for that, Tab turns over to the rest.
 */
#include "tui/view_overview.h"

#include <stdio.h>

#include "model/facts/source.h"
#include "tui/view_parts.h"

enum { TWO_COLUMNS = 108, TALL = 44, TALL_ROWS = MALLOC_ROWS + 3, PAGES = 3, LEAST_MAPPINGS = 5 };

static void overview_prepare(const struct view_frame *frame)
{
	const struct part *part = frame->snap->parts[PART_VMAS];
	struct view_state *state = frame->state;

	if (!part)
		state->partition = (struct partition){ 0 };
	else if (state->rows.made_from != part || state->rows.made_ns != part->taken_ns)
		partition_sum(&part->vmas, &state->partition);
	state->rows.made_from = part;
	state->rows.made_ns = part ? part->taken_ns : 0;
}

static void draw_findings(const struct view_frame *frame, struct area area)
{
	size_t count;
	char right[48] = "";

	if (area.height < 2)
		return;
	count = overview_findings(frame, area_part(area, 0, 1, -1, -1));
	if (count > (size_t)area.height - 1)
		(void)snprintf(right, sizeof(right), "%d of %zu", area.height - 1, count);
	draw_divider(area, 0, "findings", right);
}

static void draw_arenas(const struct view_frame *frame, struct area area)
{
	char right[80];

	overview_arenas_title(frame, right, sizeof(right));
	overview_arenas(frame, pane_area(area, "arenas", right));
}

/* Rows that the arenas' section may take of `left`, its divider included. */
static int arenas_height(const struct view_frame *frame, int left)
{
	const struct malloc_state *ms = snapshot_malloc(frame->snap);
	int wanted = ms && ms->arena_count < 1000 ? (int)ms->arena_count + 1 : 1000;

	if (!ms || left < 4)
		return 0;
	return wanted < left / 2 + 1 ? wanted : left / 2 + 1;
}

/* Rows that findings don't need show the largest mappings; too few for that stay with them. */
static void draw_mappings(const struct view_frame *frame, struct area *area)
{
	const struct vma_set *vmas = snapshot_vmas(frame->snap);
	size_t findings = overview_findings(frame, area_part(*area, 0, 0, -1, 0));
	int spare = area->height - 2 - (int)findings;

	if (spare < LEAST_MAPPINGS || !vmas || !vmas->count)
		return;
	if (spare > MAPPINGS_MAX + 2)
		spare = MAPPINGS_MAX + 2;
	overview_mappings(frame, pane_area(take_rows(area, spare),
	                                   "mappings with most resident memory", "4 shows all"));
}

static void draw_wide(const struct view_frame *frame, struct area area)
{
	int x = (area.width - 2) / 2, chart = area.height >= TALL ? TALL_ROWS : MALLOC_ROWS;
	struct pane_pair pair;
	char title[80];

	overview_where_title(frame, title, sizeof(title));
	pair = pane_pair(take_rows(&area, WHERE_ROWS + 1), x, title, "pressure");
	overview_where(frame, pair.left);
	overview_pressure(frame, pair.right);
	pair = pane_pair(take_rows(&area, chart + 1), x, "malloc, all arenas",
	                 snapshot_malloc(frame->snap) ? "system memory of malloc, last 60 s"
	                                              : "RSS, last 60 s");
	overview_malloc(frame, pair.left);
	overview_graph(frame, pair.right);
	if (snapshot_malloc(frame->snap))
		draw_arenas(frame, take_rows(&area, arenas_height(frame, area.height)));
	draw_mappings(frame, &area);
	draw_findings(frame, area);
}

static void draw_stacked(const struct view_frame *frame, struct area area)
{
	char title[80];

	overview_where_title(frame, title, sizeof(title));
	overview_where(frame, pane_area(take_rows(&area, WHERE_ROWS + 1), title, NULL));
	overview_pressure(frame, pane_area(take_rows(&area, PRESSURE_ROWS + 1), "pressure", NULL));
	overview_malloc(frame,
	                pane_area(take_rows(&area, MALLOC_ROWS + 1), "malloc, all arenas", NULL));
	draw_arenas(frame, take_rows(&area, arenas_height(frame, area.height)));
	draw_findings(frame, area);
}

/* The landing page of a small terminal: everything, in a few lines each; bars give way first. */
static void draw_first_page(const struct view_frame *frame, struct area area)
{
	int others = MALLOC_COMPACT_ROWS + LIMITS_COMPACT_ROWS + 4;
	int where = area.height >= WHERE_ROWS + others ? WHERE_ROWS : WHERE_ROWS - BAR_ROWS;
	char title[80];

	overview_where_title(frame, title, sizeof(title));
	overview_where(frame, pane_area(take_rows(&area, where + 1), title, "Tab: more"));
	if (area.height > MALLOC_COMPACT_ROWS)
		overview_malloc_compact(frame, pane_area(take_rows(&area, MALLOC_COMPACT_ROWS + 1),
		                                         "malloc, all arenas", NULL));
	if (area.height > LIMITS_COMPACT_ROWS)
		overview_limits_compact(frame, pane_area(take_rows(&area, LIMITS_COMPACT_ROWS + 1),
		                                         "pressure", NULL));
	draw_findings(frame, area);
}

static void draw_page(const struct view_frame *frame, struct area area)
{
	frame->state->pane_count = PAGES;
	switch (frame->state->pane % PAGES) {
	case 0:
		draw_first_page(frame, area);
		return;
	case 1:
		overview_malloc(frame, pane_area(take_rows(&area, MALLOC_ROWS + 1),
		                                 "malloc, all arenas", "Tab: more"));
		if (area.height > 14)
			overview_graph(frame, pane_area(take_rows(&area, area.height / 2),
			                                "last 60 s", NULL));
		draw_arenas(frame, area);
		return;
	default:
		overview_pressure(frame, pane_area(take_rows(&area, PRESSURE_ROWS + 1), "pressure",
		                                   "Tab: more"));
		draw_findings(frame, area);
		return;
	}
}

static void overview_draw(const struct view_frame *frame, struct area area)
{
	int needed = WHERE_ROWS + PRESSURE_ROWS + MALLOC_ROWS + 9;

	frame->state->pane_count = 1;
	if (area.width >= TWO_COLUMNS)
		draw_wide(frame, area);
	else if (area.height >= needed)
		draw_stacked(frame, area);
	else
		draw_page(frame, area);
}

static bool overview_command(const struct view_frame *frame, enum command_id command)
{
	struct view_state *state = frame->state;

	if (view_items_command(state, command))
		return true;
	if (command != CMD_NEXT_PANE || state->pane_count < 2)
		return false;
	state->pane = (uint8_t)((state->pane + 1) % state->pane_count);
	return true;
}

const struct view_ops view_overview = {
	.id = VIEW_OVERVIEW,
	.key = '1',
	.title = "Overview",
	.takes = TAKE_PROCESS | TAKE_VMAS | TAKE_HEADERS | TAKE_LISTS | TAKE_WALK | TAKE_MMAPPED |
	         TAKE_RESIDENCY | TAKE_SYSTEM | TAKE_OOM,
	.prepare = overview_prepare,
	.draw = overview_draw,
	.command = overview_command,
	.open = overview_open,
	.explain = overview_explain,
};
