/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arenas: threads with their tcaches; what belongs to no arena. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "model/base/units.h"
#include "tui/view_arenas.h"
#include "tui/view_parts.h"

enum {
	LABEL_AT = 1,
	NAME_AT = 9,
	ARENA_AT = 26,
	CHUNKS_END = 40,
	BYTES_END = 52,
	BINS_AT = 54,
	BINS_LEAST = 16, /* columns; fewer say nothing */
	BIN_WIDTH = 10,  /* "0x410×127" and a blank */
	BIN_STEP = 16,   /* bytes between the sizes of neighbours */
	LIST_LEAST = 6,  /* rows of threads that the bins of one of them leave alone */
};

#define BIN_TEXT 48

static char *bin_words(char to[BIN_TEXT], const struct size_count *bin)
{
	(void)snprintf(to, BIN_TEXT, "0x%" PRIx64 "×%" PRIu64, bin->size, bin->count);
	return to;
}

/* The last of the bins from `i` on that hold the same number of chunks without a gap in size. */
static size_t end_of_run(const struct malloc_thread *thread, size_t i)
{
	while (i + 1 < thread->bin_count && thread->bins[i + 1].count == thread->bins[i].count &&
	       thread->bins[i + 1].size - thread->bins[i].size <= BIN_STEP)
		i++;
	return i;
}

/* "0x20-0x80×7 0x90×3", as many as fit, the fullest not sought: by size. */
static void draw_tcache_bins(const struct malloc_thread *thread, struct area area, int y)
{
	int x = BINS_AT;

	if (area.width < BINS_AT + BINS_LEAST)
		return;
	for (size_t i = 0; i < thread->bin_count; i++) {
		size_t end = end_of_run(thread, i);
		char run[2 * BIN_TEXT], last[BIN_TEXT];

		bin_words(last, &thread->bins[end]);
		if (end == i)
			(void)snprintf(run, sizeof(run), "%s", last);
		else
			(void)snprintf(run, sizeof(run), "0x%" PRIx64 "-%s", thread->bins[i].size,
			               last);
		if (x + text_columns(run) + 2 > area.width) {
			draw_text(area, x, y, ROLE_TEXT_DIM, "…");
			return;
		}
		x += draw_text(area, x, y, ROLE_HEAP_USED_TCACHE, run) + 1;
		i = end;
	}
}

static void draw_thread(const struct malloc_state *ms, const struct malloc_thread *thread,
                        bool is_selected, struct area area, int y)
{
	char name[3 * sizeof(thread->name)], arena[TEXT_NUMBER];

	text_clean(name, sizeof(name), thread->name, strnlen(thread->name, sizeof(thread->name)));
	draw_textf(area, LABEL_AT, y, is_selected ? ROLE_TEXT_STRONG : ROLE_TEXT, "%d",
	           thread->tid);
	draw_text(area_part(area, 0, 0, ARENA_AT - 1, -1), NAME_AT, y, ROLE_TEXT, name);
	if (!fact_known(thread->arena))
		draw_text(area, ARENA_AT, y, ROLE_TEXT_DIM, "?");
	else if (!thread->arena.v)
		draw_text(area, ARENA_AT, y, ROLE_TEXT_DIM, "-");
	else
		draw_text(area, ARENA_AT, y, is_selected ? ROLE_TEXT_STRONG : ROLE_ARENA_THREAD,
		          arena_name(arena, ms, arena_index(ms, thread->arena.v)));
	draw_count(area, CHUNKS_END, y, thread->total.count);
	draw_bytes(area, BYTES_END, y, thread->total.bytes);
	draw_tcache_bins(thread, area, y);
}

static bool is_of_arena(const struct malloc_thread *thread, uint64_t arena_addr)
{
	return fact_known(thread->arena) && thread->arena.v == arena_addr;
}

static void draw_thread_titles(struct area area)
{
	draw_text(area, LABEL_AT, 0, ROLE_TEXT_DIM, "tid");
	draw_text(area, NAME_AT, 0, ROLE_TEXT_DIM, "name");
	draw_text(area, ARENA_AT, 0, ROLE_TEXT_DIM, "arena");
	draw_right(area, CHUNKS_END, 0, ROLE_TEXT_DIM, "tcache");
	draw_right(area, BYTES_END, 0, ROLE_TEXT_DIM, "bytes");
	if (area.width >= BINS_AT + BINS_LEAST)
		draw_text(area, BINS_AT, 0, ROLE_TEXT_DIM, "size×count");
}

/* The first thread of the arena that has something in its tcache; NULL: none has. */
static const struct malloc_thread *thread_with_tcache(const struct malloc_state *ms, uint64_t arena)
{
	for (size_t i = 0; i < ms->thread_count; i++)
		if (is_of_arena(&ms->threads[i], arena) && ms->threads[i].bin_count)
			return &ms->threads[i];
	return NULL;
}

static int bins_across(struct area area)
{
	return area.width - 2 * LABEL_AT >= BIN_WIDTH ? (area.width - 2 * LABEL_AT) / BIN_WIDTH : 1;
}

/* All bins of one tcache, line after line, under a title. */
static void draw_whole_tcache(const struct malloc_thread *thread, struct area area)
{
	size_t across = (size_t)bins_across(area),
	       rows = area.height > 1 ? (size_t)area.height - 1 : 0;
	size_t room = across * rows, shown = thread->bin_count;

	if (shown > room)
		shown = room ? room - 1 : 0;
	draw_textf(area, LABEL_AT, 0, ROLE_TEXT_DIM, "tcache of %d: chunk size×count of %zu bins",
	           thread->tid, thread->bin_count);
	for (size_t i = 0; i < shown; i++) {
		char bin[BIN_TEXT];

		draw_text(area, LABEL_AT + (int)(i % across) * BIN_WIDTH, 1 + (int)(i / across),
		          ROLE_HEAP_USED_TCACHE, bin_words(bin, &thread->bins[i]));
	}
	if (shown < thread->bin_count && room)
		draw_textf(area, LABEL_AT + (int)(shown % across) * BIN_WIDTH,
		           1 + (int)(shown / across), ROLE_TEXT_DIM, "and %zu",
		           thread->bin_count - shown);
}

/* Takes rows for it off the end of `area`, as far as the list of threads can spare them. */
static void draw_tcache_below(const struct malloc_state *ms, uint64_t arena, struct area *area)
{
	const struct malloc_thread *thread = thread_with_tcache(ms, arena);
	size_t list = ms->thread_count < LIST_LEAST ? ms->thread_count + 1 : LIST_LEAST;
	int spare = area->height - (int)list, wanted, rows;

	if (!thread || spare < 2)
		return;
	wanted = 1 + ((int)thread->bin_count + bins_across(*area) - 1) / bins_across(*area);
	rows = wanted < spare ? wanted : spare;
	draw_whole_tcache(thread, area_part(*area, 0, area->height - rows, -1, rows));
	*area = area_part(*area, 0, 0, -1, area->height - rows);
}

static void draw_threads(const struct malloc_state *ms, uint64_t addr, struct area area)
{
	size_t rows = area.height > 1 ? (size_t)area.height - 1 : 0;
	size_t shown = ms->thread_count <= rows ? ms->thread_count : rows ? rows - 1 : 0, drawn = 0;

	draw_thread_titles(area);
	for (int own = 1; own >= 0; own--) {
		for (size_t i = 0; i < ms->thread_count && drawn < shown; i++) {
			const struct malloc_thread *thread = &ms->threads[i];

			if (is_of_arena(thread, addr) != (own == 1))
				continue;
			draw_thread(ms, thread, own == 1, area, 1 + (int)drawn++);
		}
	}
	if (shown < ms->thread_count && rows)
		draw_textf(area, LABEL_AT, 1 + (int)shown, ROLE_TEXT_DIM, "and %zu more threads",
		           ms->thread_count - shown);
}

void arenas_threads(const struct view_frame *frame, size_t arena, struct area area)
{
	const struct malloc_state *ms = snapshot_malloc(frame->snap);
	uint64_t addr = ms->arenas[arena].addr;

	draw_tcache_below(ms, addr, &area);
	draw_threads(ms, addr, area);
}

/* --- settings ----------------------------------------------------------------------------------- */

struct setting {
	const char *name;
	struct fact value;
	bool is_bytes;
};

static void draw_setting(const struct setting *setting, struct area area, int y)
{
	draw_text(area, LABEL_AT, y, ROLE_TEXT_DIM, setting->name);
	if (setting->is_bytes)
		draw_bytes(area, area.width - 2, y, setting->value);
	else
		draw_count(area, area.width - 2, y, setting->value);
}

/* Settings in two columns; returns the rows used. */
static int draw_settings(const struct malloc_params *params, struct area area)
{
	const struct setting settings[] = {
		{ "mmap_threshold", params->mmap_threshold, true },
		{ "trim_threshold", params->trim_threshold, true },
		{ "top_pad", params->top_pad, true },
		{ "no_dyn_threshold", params->no_dyn_threshold, false },
		{ "arena_test", params->arena_test, false },
		{ "arena_max", params->arena_max, false },
		{ "tcache_bins", params->tcache_bins, false },
		{ "tcache_count", params->tcache_count, false },
		{ "n_mmaps", params->n_mmaps, false },
		{ "mmapped_mem", params->mmapped_mem, true },
	};
	int count = sizeof(settings) / sizeof(settings[0]), half = area.width / 2;

	for (int i = 0; i < count; i++)
		draw_setting(&settings[i], area_part(area, i % 2 * half, 0, half, -1), i / 2);
	return count / 2;
}

static void draw_chunk(const struct mmapped_chunk *chunk, struct area cell)
{
	char addr[TEXT_NUMBER];

	draw_text(cell, LABEL_AT, 0, ROLE_HEAP_MMAPPED, text_addr(addr, chunk->addr));
	draw_bytes(cell, 25, 0, fact_of(chunk->size));
	if (chunk->is_excess)
		draw_text(cell, 26, 0, ROLE_STATUS_WARN, "?");
}

static void draw_mmapped(const struct malloc_state *ms, struct area area)
{
	enum { CHUNK_COLUMNS = 29 };
	int across = area.width / CHUNK_COLUMNS, rows = area.height;
	size_t room = across > 0 && rows > 0 ? (size_t)across * (size_t)rows : 0, shown;

	if (!ms->has_mmapped) {
		draw_text(area, LABEL_AT, 0, ROLE_TEXT_DIM,
		          "… mmapped chunks have not been looked for yet");
		return;
	}
	shown = ms->mmapped_count <= room ? ms->mmapped_count : room ? room - 1 : 0;
	for (size_t i = 0; i < shown; i++)
		draw_chunk(&ms->mmapped[i],
		           area_part(area, (int)(i % (size_t)across) * CHUNK_COLUMNS,
		                     (int)(i / (size_t)across), CHUNK_COLUMNS, 1));
	if (shown < ms->mmapped_count && room)
		draw_textf(area, (int)(shown % (size_t)across) * CHUNK_COLUMNS + LABEL_AT, rows - 1,
		           ROLE_TEXT_DIM, "and %zu more", ms->mmapped_count - shown);
}

void arenas_settings(const struct view_frame *frame, struct area area)
{
	const struct malloc_state *ms = snapshot_malloc(frame->snap);
	char count[TEXT_NUMBER];
	int y = draw_settings(&ms->params, area);

	draw_textf(area, LABEL_AT, y, ROLE_TEXT_STRONG, "mmapped chunks %s",
	           ms->has_mmapped ? text_count(count, ms->mmapped_count) : "?");
	draw_mmapped(ms, area_part(area, 0, y + 1, -1, -1));
}
