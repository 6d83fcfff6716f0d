/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A sample of what a theme makes of every role, so that one can be chosen by eye. */
#include <math.h>
#include <string.h>

#include "tui/setup.h"
#include "tui/view_parts.h"
#include "tui/widget_bar.h"

enum { LABEL_AT = 1, WORDS_AT = 10, GAP = 2 };

/* Words of a row, each in its role; a role of ROLE_COUNT ends them. */
struct sample_word {
	const char *text;
	enum role role;
};

enum { WORDS_MAX = 8 };

static const struct sample_row {
	const char *label;
	struct sample_word words[WORDS_MAX + 1];
} rows[] = {
	{ "text",
	  { { "text", ROLE_TEXT },
	    { "dim", ROLE_TEXT_DIM },
	    { "strong", ROLE_TEXT_STRONG },
	    { "1,284", ROLE_NUMBER },
	    { "MiB", ROLE_NUMBER_UNIT },
	    { "7f2a2c000030", ROLE_ADDRESS } } },
	{ "keys",
	  { { "F1", ROLE_KEY },
	    { "Help", ROLE_KEY_LABEL },
	    { "▌1 Overview▐", ROLE_TAB_ACTIVE },
	    { "2 Arenas", ROLE_TAB },
	    { "mark", ROLE_MARK } } },
	{ "state",
	  { { "LIVE ●", ROLE_STATUS_OK },
	    { "PAUSED ‖", ROLE_STATUS_PAUSED },
	    { "REPLAY ▶", ROLE_STATUS_REPLAY },
	    { " EXITED ✕ ", ROLE_STATUS_EXITED } } },
	{ "",
	  { { "info", ROLE_STATUS_INFO },
	    { "! warning", ROLE_STATUS_WARN },
	    { "! error", ROLE_STATUS_ERROR } } },
	{ "changed",
	  { { "new", ROLE_CHANGED },
	    { "▲ +1.2", ROLE_CHANGED_UP },
	    { "▼ -0.9", ROLE_CHANGED_DOWN } } },
	{ "arenas",
	  { { "main", ROLE_ARENA_MAIN },
	    { "#1", ROLE_ARENA_THREAD },
	    { "ac", ROLE_ACCT_CHARGED },
	    { "nr", ROLE_ACCT_NORESERVE } } },
	{ "malloc",
	  { { "█ used", ROLE_HEAP_USED },
	    { "▓ tcache", ROLE_HEAP_USED_TCACHE },
	    { "▒ free", ROLE_HEAP_FREE },
	    { "T top", ROLE_HEAP_TOP },
	    { "· reserve", ROLE_HEAP_RESERVE } } },
	{ "",
	  { { "▚ mmapped", ROLE_HEAP_MMAPPED },
	    { "✕ corrupt", ROLE_HEAP_CORRUPT },
	    { "? unknown", ROLE_HEAP_UNKNOWN } } },
	{ "bins",
	  { { "▒ fast", ROLE_HEAP_FREE_FAST },
	    { "▒ small", ROLE_HEAP_FREE_SMALL },
	    { "▒ large", ROLE_HEAP_FREE_LARGE },
	    { "▒ unsorted", ROLE_HEAP_FREE_UNSORTED } } },
	{ "pages",
	  { { "█ present", ROLE_PAGE_RESIDENT },
	    { "▓ dirty", ROLE_PAGE_DIRTY },
	    { "▒ shared", ROLE_PAGE_SHARED },
	    { "▚ swapped", ROLE_PAGE_SWAPPED } } },
	{ "",
	  { { "█ huge", ROLE_PAGE_HUGE },
	    { "░ zero", ROLE_PAGE_ZERO },
	    { "· absent", ROLE_PAGE_ABSENT } } },
	{ "VMAs",
	  { { "heap", ROLE_VMA_HEAP },
	    { "anon", ROLE_VMA_ANON },
	    { "stack", ROLE_VMA_STACK },
	    { "file", ROLE_VMA_FILE },
	    { "shm", ROLE_VMA_SHM } } },
	{ "",
	  { { "kernel", ROLE_VMA_KERNEL },
	    { "guard", ROLE_VMA_GUARD },
	    { "reserve", ROLE_VMA_RESERVE } } },
	{ "OOM",
	  { { "victim", ROLE_OOM_VICTIM },
	    { "safe", ROLE_OOM_SAFE },
	    { "protected", ROLE_OOM_PROTECTED } } },
};

enum { ROW_COUNT = sizeof(rows) / sizeof(rows[0]), GRAPH_ROWS = 5, SERIES = 6 };

static void draw_words(const struct sample_row *row, struct area line)
{
	int x = WORDS_AT;

	draw_text(line, LABEL_AT, 0, ROLE_TEXT_DIM, row->label);
	for (size_t i = 0; i < WORDS_MAX && row->words[i].text; i++) {
		if (x + text_columns(row->words[i].text) > line.width)
			break;
		x += draw_text(line, x, 0, row->words[i].role, row->words[i].text) + GAP;
	}
}

static void draw_selection(struct area line, enum role role, const char *words)
{
	draw_fill(line, LABEL_AT, 0, line.width - 2, role, " ");
	draw_text(line, LABEL_AT + 1, 0, role, words);
}

static void draw_heap(struct area area, int y)
{
	static const struct bar_part parts[] = {
		{ 52, "█", ROLE_HEAP_USED },      { 6, "▓", ROLE_HEAP_USED_TCACHE },
		{ 9, "▒", ROLE_HEAP_FREE_FAST },  { 11, "▒", ROLE_HEAP_FREE_SMALL },
		{ 8, "▒", ROLE_HEAP_FREE_LARGE }, { 6, "T", ROLE_HEAP_TOP },
		{ 20, "·", ROLE_HEAP_RESERVE },
	};

	draw_text(area, LABEL_AT, y, ROLE_TEXT_DIM, "heap");
	bar_draw(area, WORDS_AT, y, area.width - WORDS_AT - 1, parts,
	         sizeof(parts) / sizeof(parts[0]), 0);
}

static void draw_gauges(struct area area, int y)
{
	int width = (area.width - WORDS_AT - 4) / 2;

	draw_text(area, LABEL_AT, y, ROLE_TEXT_DIM, "gauges");
	draw_gauge(area, WORDS_AT, y, width, 430, ROLE_GAUGE_FILL);
	draw_gauge(area, WORDS_AT + width + 2, y, width, 940, ROLE_GAUGE_OVER);
	draw_text(area, WORDS_AT + width - 3, y, ROLE_GAUGE_LIMIT, "│");
}

/* One column for each series in turn, so that all six are seen side by side. */
static void draw_series(struct area area)
{
	static const char *const eighths[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	struct area chart = area_part(area, WORDS_AT, 0, area.width - WORDS_AT - 1, area.height);
	int stripe = chart.width / SERIES > 0 ? chart.width / SERIES : 1;

	draw_text(area, LABEL_AT, 0, ROLE_TEXT_DIM, "graphs");
	for (int x = 0; x < chart.width; x++) {
		int level = (int)((1.2 + sin(x * 0.35)) / 2.2 * chart.height * 8);
		int series = x / stripe < SERIES ? x / stripe : SERIES - 1;
		enum role role = series < 2 ? (enum role)(ROLE_GRAPH_1 + series)
		                            : (enum role)(ROLE_GRAPH_3 + series - 2);

		draw_fill(chart, x, chart.height / 2, 1, ROLE_GRAPH_GRID, "·");
		for (int y = 0; y * 8 < level; y++)
			draw_fill(chart, x, chart.height - 1 - y, 1, role,
			          eighths[level - y * 8 < 8 ? level - y * 8 : 8]);
	}
}

void setup_draw_sample(struct area area)
{
	struct area graph;

	for (int i = 0; i < ROW_COUNT; i++)
		draw_words(&rows[i], take_rows(&area, 1));
	draw_heap(take_rows(&area, 1), 0);
	draw_gauges(take_rows(&area, 1), 0);
	draw_selection(take_rows(&area, 1), ROLE_SELECT, "▶ the selected row");
	draw_selection(take_rows(&area, 1), ROLE_SELECT_INACTIVE,
	               "▶ selected in the pane without the keys");
	if (area.height < 3)
		return;
	(void)take_rows(&area, 1);
	graph = take_rows(&area, area.height < GRAPH_ROWS ? area.height : GRAPH_ROWS);
	draw_series(graph);
}
