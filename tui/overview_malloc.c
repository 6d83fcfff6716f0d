/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Overview: malloc's sums, its chart, its arenas, the findings. */
#include <stdio.h>
#include <string.h>

#include "model/run/findings.h"
#include "tui/view_overview.h"
#include "tui/view_parts.h"
#include "tui/widget_graph.h"

enum { LABEL_AT = 1, VALUE_END = 19, TEXT_AT = 21, CHART_WINDOW_S = 60 };

/* glibc 2.36 malloc/malloc.c:DEFAULT_MMAP_THRESHOLD_MIN */
#define MMAP_THRESHOLD_DEFAULT (UINT64_C(128) << 10)

/* glibc 2.36 malloc/arena.c:arena_get2: 8 arenas a core, 2 where a word is 4 bytes. */
static void arena_limit(const struct view_frame *frame, const struct malloc_state *ms, char *to,
                        size_t size)
{
	const struct system_facts *sys = snapshot_system(frame->snap);
	const struct process_facts *process = snapshot_process(frame->snap);
	unsigned each = process && process->elf_class == 32 ? 2 : 8;

	if (fact_or(ms->params.arena_max, 0))
		(void)snprintf(to, size, " of at most %llu",
		               (unsigned long long)ms->params.arena_max.v);
	else if (sys && sys->cpus_online)
		(void)snprintf(to, size, " of at most %u", each * sys->cpus_online);
	else
		to[0] = '\0';
}

static void draw_system(const struct view_frame *frame, const struct malloc_state *ms,
                        const struct arena_sums *sums, struct area area)
{
	char limit[48];

	arena_limit(frame, ms, limit, sizeof(limit));
	draw_text(area, LABEL_AT, 0, ROLE_TEXT_DIM, "system");
	draw_bytes(area, VALUE_END, 0, fact_of(sums->system));
	draw_textf(area, TEXT_AT, 0, ROLE_TEXT, "arenas %zu%s   heaps %zu", ms->arena_count, limit,
	           sums->heaps);
}

/* One part of system memory, and what it takes to know it. */
struct sum_line {
	const char *label, *needs;
	struct fact bytes;
	enum role role;
};

static void draw_part(const struct sum_line *line, struct fact whole, struct area area, int y)
{
	int gauge = area.width - TEXT_AT - 7;

	draw_text(area, LABEL_AT, y, ROLE_TEXT_DIM, line->label);
	draw_bytes(area, VALUE_END, y, line->bytes);
	if (!fact_known(line->bytes)) {
		draw_text(area, TEXT_AT, y, ROLE_TEXT_DIM, line->needs);
		return;
	}
	if (gauge > 4)
		draw_gauge(area, TEXT_AT, y, gauge, permille_of(line->bytes.v, whole.v),
		           line->role);
	draw_percent(area, area.width - 1, y, line->bytes, whole);
}

/* What system memory is made of; returns the rows used. */
static int draw_parts(const struct arena_sums *sums, struct area area, int y)
{
	const struct sum_line lines[] = {
		{ "in use", "… needs a walk of the heap", sums->in_use, ROLE_HEAP_USED },
		{ "tcache", "… tcaches not read yet", sums->tcache, ROLE_HEAP_USED_TCACHE },
		{ "fast", "… lists not followed yet", sums->fast, ROLE_HEAP_FREE_FAST },
		{ "bins", "… lists not followed yet", sums->bins, ROLE_HEAP_FREE },
		{ "top", "? a top could not be read", sums->top, ROLE_HEAP_TOP },
	};
	int count = sizeof(lines) / sizeof(lines[0]);

	for (int i = 0; i < count; i++)
		draw_part(&lines[i], fact_of(sums->system), area, y + i);
	return count;
}

static void threshold_words(const struct malloc_params *params, char *to, size_t size)
{
	char bytes[TEXT_NUMBER];
	const char *how = "";

	if (fact_known(params->no_dyn_threshold) && params->no_dyn_threshold.v)
		how = " fixed";
	else if (fact_known(params->mmap_threshold) &&
	         params->mmap_threshold.v > MMAP_THRESHOLD_DEFAULT)
		how = " grown";
	(void)snprintf(to, size, "threshold %s%s", figure_bytes(bytes, params->mmap_threshold),
	               how);
}

static void draw_mmapped(const struct malloc_state *ms, struct area area, int y)
{
	char threshold[64], count[TEXT_NUMBER];

	threshold_words(&ms->params, threshold, sizeof(threshold));
	draw_text(area, LABEL_AT, y, ROLE_TEXT_DIM, "mmapped");
	draw_bytes(area, VALUE_END, y, ms->params.mmapped_mem);
	draw_textf(area, TEXT_AT, y, ROLE_TEXT, "%s chunks, %s",
	           figure_count(count, ms->params.n_mmaps), threshold);
}

static void draw_trimmable(const struct malloc_state *ms, struct area area, int y)
{
	struct fact trimmable = ms->totals.trimmable;

	draw_text(area, LABEL_AT, y, ROLE_TEXT_DIM, "trim(0)");
	draw_bytes(area, VALUE_END, y, trimmable);
	draw_text(area, TEXT_AT, y, ROLE_TEXT_DIM,
	          fact_known(trimmable) ? "malloc_trim(0) would give back now"
	                                : "… needs a walk of the heap");
}

/* What a tall screen has room for. */
static void draw_more(const struct view_frame *frame, const struct malloc_state *ms,
                      struct area area, int y)
{
	const struct heap_facts *heap = snapshot_heap(frame->snap);
	char a[TEXT_NUMBER], b[TEXT_NUMBER];

	draw_text(area, LABEL_AT, y, ROLE_TEXT_DIM, "chunks");
	draw_textf(area, TEXT_AT, y, ROLE_TEXT, "%s in use, %s free in bins",
	           figure_count(a, ms->totals.chunks_in_use),
	           figure_count(b, ms->totals.chunks_free));
	draw_text(area, LABEL_AT, y + 1, ROLE_TEXT_DIM, "settings");
	draw_textf(area, TEXT_AT, y + 1, ROLE_TEXT, "trim_threshold %s   top_pad %s",
	           figure_bytes(a, ms->params.trim_threshold), figure_bytes(b, ms->params.top_pad));
	draw_text(area, LABEL_AT, y + 2, ROLE_TEXT_DIM, "found by");
	draw_textf(area, TEXT_AT, y + 2, ROLE_TEXT, "%s, confidence %c, layout %s",
	           heap->found_by ? heap->found_by : "?", heap->confidence,
	           heap->layout ? heap->layout : "?");
}

void overview_malloc(const struct view_frame *frame, struct area area)
{
	const struct malloc_state *ms = snapshot_malloc(frame->snap);
	struct arena_sums sums;
	char why[400];
	int y = 1;

	malloc_absence(frame->snap, why, sizeof(why));
	if (why[0]) {
		draw_wrapped(area, 0, ROLE_TEXT, why);
		return;
	}
	sums = arena_sums(ms);
	draw_system(frame, ms, &sums, area);
	y += draw_parts(&sums, area, y);
	draw_mmapped(ms, area, y++);
	draw_trimmable(ms, area, y++);
	for (int i = 0; i < y; i++)
		view_item(frame->state, area, i, overview_key(ITEM_SYSTEM + (uint64_t)i, 0));
	if (area.height >= MALLOC_ROWS + 3)
		draw_more(frame, ms, area, y);
}

/* "label 12.3 MiB" at a column; returns the column behind it. */
static int draw_pair(struct area area, int x, int y, const char *label, struct fact bytes)
{
	char number[TEXT_NUMBER];

	x += draw_text(area, x, y, ROLE_TEXT_DIM, label) + 1;
	x += draw_text(area, x, y, figure_role(bytes), figure_bytes(number, bytes));
	return x + 3;
}

void overview_malloc_compact(const struct view_frame *frame, struct area area)
{
	const struct malloc_state *ms = snapshot_malloc(frame->snap);
	struct arena_sums sums;
	char text[400], count[TEXT_NUMBER];
	int x;

	malloc_absence(frame->snap, text, sizeof(text));
	if (text[0]) {
		draw_wrapped(area, 0, ROLE_TEXT, text);
		return;
	}
	sums = arena_sums(ms);
	x = draw_pair(area, 1, 0, "system", fact_of(sums.system));
	x = draw_pair(area, x, 0, "in use", sums.in_use);
	x = draw_pair(area, x, 0, "bins", sums.bins);
	(void)draw_pair(area, x, 0, "top", sums.top);
	x = draw_pair(area, 1, 1, "tcache", sums.tcache);
	x = draw_pair(area, x, 1, "fast", sums.fast);
	(void)draw_pair(area, x, 1, "malloc_trim(0) would free", ms->totals.trimmable);
	threshold_words(&ms->params, text, sizeof(text));
	x = draw_pair(area, 1, 2, "mmapped", ms->params.mmapped_mem);
	draw_textf(area, x - 2, 2, ROLE_TEXT, "in %s chunk%s   %s",
	           figure_count(count, ms->params.n_mmaps),
	           fact_or(ms->params.n_mmaps, 0) == 1 ? "" : "s", text);
}

static enum history_series charted_series(const struct view_frame *frame)
{
	const struct malloc_state *ms = snapshot_malloc(frame->snap);

	return ms && ms->is_used ? HISTORY_SYSTEM_MEM : HISTORY_RSS;
}

void overview_graph(const struct view_frame *frame, struct area area)
{
	struct graph graph = { .role = ROLE_GRAPH_1 };

	area = area_part(area, 0, 0, area.width - 1, -1);
	graph_from_history(&graph, frame->history, charted_series(frame), CHART_WINDOW_S,
	                   graph_points_for(&area, graph.glyphs));
	graph_draw(&graph, area);
}

/* True when arena a stands before arena b: larger first, ring order among equals. */
static bool stands_before(const struct malloc_state *ms, size_t a, size_t b)
{
	if (ms->arenas[a].system_mem != ms->arenas[b].system_mem)
		return ms->arenas[a].system_mem > ms->arenas[b].system_mem;
	return a < b;
}

/* The arena that follows `previous` by size (ms->arena_count: the first); draws without sorting. */
static size_t next_by_size(const struct malloc_state *ms, size_t previous)
{
	size_t best = ms->arena_count;

	for (size_t i = 0; i < ms->arena_count; i++) {
		if (previous < ms->arena_count && !stands_before(ms, previous, i))
			continue;
		if (best == ms->arena_count || stands_before(ms, i, best))
			best = i;
	}
	return best;
}

static struct fact free_bytes(const struct arena *arena)
{
	if (!fact_known(arena->free_total.bytes) || !fact_known(arena->top_size))
		return fact_unknown();
	return fact_of(arena->free_total.bytes.v + arena->top_size.v);
}

static void draw_arena_line(const struct malloc_state *ms, size_t i, uint64_t scale,
                            struct area area, int y)
{
	enum { NAME_COLUMNS = 8, BAR_AT = 20, TAIL = 19 };
	const struct arena *arena = &ms->arenas[i];
	char name[TEXT_NUMBER], threads[TEXT_NUMBER];
	int tail = area.width - TAIL;

	draw_text(area_part(area, 0, 0, NAME_COLUMNS, -1), 1, y,
	          arena->is_main ? ROLE_ARENA_MAIN : ROLE_ARENA_THREAD, arena_name(name, ms, i));
	draw_bytes(area, BAR_AT - 2, y, fact_of(arena->system_mem));
	draw_arena_bar(area_part(area, BAR_AT, 0, tail - BAR_AT, -1), y, arena, scale);
	figure_count(threads, arena->attached_threads);
	draw_right(area, tail + 4, y, ROLE_NUMBER, threads);
	draw_text(area, tail + 5, y, ROLE_TEXT_DIM, "thr");
	draw_percent(area, tail + 13, y, free_bytes(arena), fact_of(arena->system_mem));
	draw_text(area, tail + 14, y, ROLE_TEXT_DIM, "free");
}

void overview_arenas_title(const struct view_frame *frame, char *to, size_t size)
{
	const struct malloc_state *ms = snapshot_malloc(frame->snap);
	uint64_t largest = 0;
	char scale[TEXT_NUMBER];

	to[0] = '\0';
	for (size_t i = 0; ms && i < ms->arena_count; i++) {
		if (ms->arenas[i].system_mem > largest)
			largest = ms->arenas[i].system_mem;
	}
	if (largest)
		(void)snprintf(to, size, "scale %s   █ used ▓ cached ▒ bins T top",
		               text_bytes(scale, largest));
}

void overview_arenas(const struct view_frame *frame, struct area area)
{
	const struct malloc_state *ms = snapshot_malloc(frame->snap);
	size_t rows = (size_t)area.height, arena, shown;
	uint64_t scale;

	if (!ms || !ms->arena_count || !rows) {
		if (!ms)
			draw_text(area, 1, 0, ROLE_TEXT_DIM, "none to show");
		return;
	}
	shown = ms->arena_count > rows ? rows - 1 : ms->arena_count;
	arena = next_by_size(ms, ms->arena_count);
	scale = ms->arenas[arena].system_mem;
	for (size_t i = 0; i < shown; i++) {
		draw_arena_line(ms, arena, scale, area, (int)i);
		view_item(frame->state, area, (int)i,
		          overview_key(ITEM_ARENA, ms->arenas[arena].addr));
		arena = next_by_size(ms, arena);
	}
	if (shown < ms->arena_count)
		draw_textf(area, 1, (int)shown, ROLE_TEXT_DIM, "and %zu smaller ones (2 shows all)",
		           ms->arena_count - shown);
}

/* At most `rows` rows; returns those used. */
static int draw_finding(const struct finding *finding, struct area area, int y, int rows)
{
	static const struct {
		const char *sign;
		enum role role;
	} signs[] = {
		[SEVERITY_ERROR] = { "x", ROLE_STATUS_ERROR },
		[SEVERITY_WARN] = { "!", ROLE_STATUS_WARN },
		[SEVERITY_INFO] = { "i", ROLE_STATUS_INFO },
	};
	char clean[sizeof(finding->text)];

	text_clean(clean, sizeof(clean), finding->text, strlen(finding->text));
	draw_text(area, 1, y, signs[finding->severity].role, signs[finding->severity].sign);
	if (rows > 1)
		return draw_wrapped(area_part(area, 2, y, -1, rows), 0, ROLE_TEXT, clean);
	draw_text(area_part(area, 0, 0, area.width - 1, -1), 3, y, ROLE_TEXT, clean);
	return 1;
}

size_t overview_findings(const struct view_frame *frame, struct area area)
{
	const struct findings_input input = { frame->snap, frame->history, frame->commit,
		                              frame->first_limit };
	struct finding findings[FINDINGS_MAX];
	size_t count = findings_make(&input, findings, FINDINGS_MAX);
	size_t shown = count < FINDINGS_MAX ? count : FINDINGS_MAX;
	int y = 0;

	/* Long ones are wrapped as long as that hides none. */
	for (size_t i = 0; i < shown && y < area.height; i++) {
		int others = (int)(shown - i) - 1, left = area.height - y, first = y;

		y += draw_finding(&findings[i], area, y, left > others ? left - others : 1);
		view_item(frame->state, area, first, overview_finding_key(&findings[i]));
	}
	if (!count)
		draw_text(area, 1, 0, ROLE_STATUS_OK, "nothing that needs a word");
	return count;
}
