/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads: the selected one's tcache, stack and arena. */
#include <inttypes.h>
#include <stdio.h>

#include "tui/view_parts.h"
#include "tui/view_threads.h"

enum {
	LABEL_AT = 1,
	TEXT_AT = 10,
	CELL = 19,
	CELL_NARROW = 11,
	SIZE_AT = 1,
	BAR_AT = 8,
	BAR = 7,
	COUNT_AT = 16
};

/* Bins in columns, top to bottom: "0x40  ███████ 7", or "0x40 7" where there are many. */
static void draw_bin(const struct size_count *bin, uint64_t limit, struct area cell)
{
	draw_textf(cell, SIZE_AT, 0, ROLE_TEXT, "0x%" PRIx64, bin->size);
	if (cell.width < CELL) {
		draw_textf(cell, BAR_AT, 0, ROLE_HEAP_USED_TCACHE, "%" PRIu64, bin->count);
		return;
	}
	draw_gauge(cell, BAR_AT, 0, BAR, permille_of(bin->count, limit), ROLE_HEAP_USED_TCACHE);
	draw_textf(cell, COUNT_AT, 0, ROLE_NUMBER, "%" PRIu64, bin->count);
}

static size_t cells_across(struct area area, int cell)
{
	return area.width > cell ? (size_t)(area.width / cell) : 1;
}

static void draw_bins(const struct malloc_thread *thread, uint64_t limit, struct area area)
{
	size_t rows = area.height > 0 ? (size_t)area.height : 0, room, shown = thread->bin_count;
	int cell = rows * cells_across(area, CELL) >= shown ? CELL : CELL_NARROW;

	room = rows * cells_across(area, cell);
	if (shown > room)
		shown = room ? room - 1 : 0;
	for (size_t i = 0; i < shown; i++)
		draw_bin(&thread->bins[i], limit,
		         area_part(area, (int)(i / rows) * cell, (int)(i % rows), cell, 1));
	if (shown < thread->bin_count && room)
		draw_textf(area, (int)(shown / rows) * cell + SIZE_AT, (int)(shown % rows),
		           ROLE_TEXT_DIM, "and %zu", thread->bin_count - shown);
}

void threads_tcache(const struct view_frame *frame, const struct malloc_thread *thread,
                    struct area area)
{
	const struct malloc_state *ms = snapshot_malloc(frame->snap);
	uint64_t limit = fact_or(ms->params.tcache_count, 0);
	char bytes[TEXT_NUMBER], count[TEXT_NUMBER], most[48] = "";

	if (fact_known(thread->tcache) && !thread->tcache.v) {
		draw_text(area, LABEL_AT, 0, ROLE_TEXT_DIM, "none: it has not called malloc yet");
		return;
	}
	if (limit)
		(void)snprintf(most, sizeof(most), "; at most %" PRIu64 " each", limit);
	draw_textf(area, LABEL_AT, 0, ROLE_TEXT_DIM, "%s chunks, %s, by size%s",
	           figure_count(count, thread->total.count),
	           figure_bytes(bytes, thread->total.bytes), most);
	draw_bins(thread, limit, area_part(area, 0, 1, -1, -1));
}

static void draw_stack(const struct view_frame *frame, const struct malloc_thread *thread,
                       struct area area, int y)
{
	struct thread_stack stack = thread_stack(frame->snap, thread);
	char start[TEXT_NUMBER], end[TEXT_NUMBER], size[TEXT_NUMBER], rss[TEXT_NUMBER];

	draw_text(area, LABEL_AT, y, ROLE_TEXT_DIM, "stack");
	if (!stack.start) {
		draw_text(area, TEXT_AT, y, ROLE_TEXT_DIM,
		          "? not found: where struct pthread says it is not known");
		return;
	}
	draw_textf(area, TEXT_AT, y, ROLE_ADDRESS, "%s-%s", text_addr(start, stack.start),
	           text_addr(end, thread->stack_end));
	draw_textf(area, TEXT_AT, y + 1, ROLE_TEXT, "%s, resident %s",
	           figure_bytes(size, stack.size), figure_bytes(rss, stack.rss));
	if (fact_known(stack.rss) && fact_known(stack.size))
		draw_gauge(area, TEXT_AT + 31, y + 1, area.width - TEXT_AT - 32,
		           permille_of(stack.rss.v, stack.size.v), ROLE_VMA_STACK);
}

static void draw_arena_line(const struct malloc_state *ms, const struct arena *arena, size_t index,
                            struct area area, int y)
{
	char name[TEXT_NUMBER], addr[TEXT_NUMBER], system[TEXT_NUMBER], in_use[TEXT_NUMBER];

	draw_textf(area, TEXT_AT, y, ROLE_TEXT, "%s at %s, %s, in use %s",
	           arena_name(name, ms, index), text_addr(addr, arena->addr),
	           text_bytes(system, arena->system_mem),
	           figure_bytes(in_use, arena->in_use.bytes));
}

/* "also used by 48213 ledgerd, 48214 worker …", as many as fit into the rest of the pane. */
static void draw_sharers(const struct malloc_state *ms, const struct malloc_thread *thread,
                         struct area area, int y)
{
	char line[512];
	struct text text = text_in(line, sizeof(line));
	size_t others = 0;
	int room = area.height - y, columns = area.width - TEXT_AT - 1;

	for (size_t i = 0; i < ms->thread_count; i++) {
		const struct malloc_thread *other = &ms->threads[i];
		char name[THREAD_NAME];

		if (other == thread || !fact_known(other->arena) ||
		    other->arena.v != thread->arena.v)
			continue;
		others++;
		if (text.len + 80 < sizeof(line))
			text_addf(&text, "%s%d %s", others > 1 ? ", " : "", other->tid,
			          thread_name(name, other));
		else if (text.len + 8 < sizeof(line) && line[text.len - 1] != ' ')
			text_add(&text, ", … ");
	}
	draw_text(area, LABEL_AT, y, ROLE_TEXT_DIM, "shared");
	if (!others) {
		draw_text(area, TEXT_AT, y, ROLE_STATUS_OK,
		          "with nobody (others lock it to free into it)");
		return;
	}
	draw_textf(area, TEXT_AT, y, ROLE_TEXT, "with %zu other%s, under one lock:", others,
	           others == 1 ? "" : "s");
	if (room > 1 && columns > 8)
		(void)draw_wrapped(area_part(area, TEXT_AT - 1, y + 1, columns + 2, room - 1), 0,
		                   ROLE_TEXT, line);
}

void threads_about(const struct view_frame *frame, const struct malloc_thread *thread,
                   struct area area)
{
	const struct malloc_state *ms = snapshot_malloc(frame->snap);
	size_t index = arena_index(ms, fact_or(thread->arena, 0));

	draw_text(area, LABEL_AT, 0, ROLE_TEXT_DIM, "arena");
	if (!fact_known(thread->arena))
		draw_text(area, TEXT_AT, 0, ROLE_TEXT_DIM, "? its thread_arena was not found");
	else if (!thread->arena.v)
		draw_text(area, TEXT_AT, 0, ROLE_TEXT, "- none yet: it has not called malloc");
	else if (index < ms->arena_count)
		draw_arena_line(ms, &ms->arenas[index], index, area, 0);
	draw_stack(frame, thread, area, 1);
	if (fact_or(thread->arena, 0))
		draw_sharers(ms, thread, area, 3);
}
