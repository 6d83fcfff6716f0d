/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Overview: where the address space goes. */
#include <stdio.h>

#include "tui/view_overview.h"
#include "tui/view_parts.h"
#include "tui/widget_bar.h"

enum { NAME_AT = 3, WHAT_AT = 9, VIRTUAL_END = 35, RESIDENT_END = 47, PERCENT_END = 53 };

static const struct where_row {
	const char *name, *what;
	const char *glyph; /* NULL: the shade */
	unsigned shade;
	enum role role;
} where_rows[SPACE_ROW_COUNT] = {
	[SPACE_HEAP] = { "heap", "malloc arenas", NULL, 0, ROLE_VMA_HEAP },
	[SPACE_MMAPPED] = { "mmap", "malloc chunks", NULL, 1, ROLE_HEAP_MMAPPED },
	[SPACE_FILE] = { "lib", "files, bss, vdso", NULL, 2, ROLE_VMA_FILE },
	[SPACE_STACK] = { "stack", "", NULL, 3, ROLE_VMA_STACK },
	[SPACE_ANON] = { "anon", "other private", "▚", 0, ROLE_VMA_ANON },
	[SPACE_SHM] = { "shm", "shared", "▞", 0, ROLE_VMA_SHM },
	[SPACE_RESERVE] = { "rsv", "PROT_NONE", NULL, 4, ROLE_VMA_RESERVE },
};

static const char *row_glyph(const struct canvas *canvas, size_t row)
{
	return where_rows[row].glyph ? where_rows[row].glyph : shade(canvas, where_rows[row].shade);
}

void overview_where_title(const struct view_frame *frame, char *to, size_t size)
{
	const struct process_facts *process = snapshot_process(frame->snap);
	const struct partition *partition = &frame->state->partition;
	char bytes[TEXT_NUMBER];
	struct fact total = process ? process->vm_size : fact_unknown();

	if (partition->total.vmas)
		total = fact_of(partition->total.virt);
	(void)snprintf(to, size, "where the memory is (VmSize %s)", figure_bytes(bytes, total));
}

static void draw_titles(struct area area)
{
	draw_right(area, VIRTUAL_END, 0, ROLE_TEXT_DIM, "virtual");
	draw_right(area, RESIDENT_END, 0, ROLE_TEXT_DIM, "resident");
	draw_right(area, PERCENT_END, 0, ROLE_TEXT_DIM, "res%");
}

static void draw_figures(struct area area, int y, uint64_t virt, struct fact rss)
{
	int gauge = area.width - PERCENT_END - 3;

	draw_bytes(area, VIRTUAL_END, y, fact_of(virt));
	draw_bytes(area, RESIDENT_END, y, rss);
	draw_percent(area, PERCENT_END, y, rss, fact_of(virt));
	if (gauge >= 8 && virt)
		draw_gauge(area, PERCENT_END + 2, y, gauge,
		           fact_known(rss) ? permille_of(rss.v, virt) : 0, ROLE_GAUGE_FILL);
}

static void draw_row(const struct view_frame *frame, struct area area, int y, size_t row)
{
	const struct process_facts *process = snapshot_process(frame->snap);
	const struct space_sum *sum = &frame->state->partition.rows[row];
	char threads[TEXT_NUMBER + 16];
	const char *what = where_rows[row].what;

	if (row == SPACE_STACK && process && process->thread_count > 0) {
		(void)snprintf(threads, sizeof(threads), "%d thread%s", process->thread_count,
		               process->thread_count == 1 ? "" : "s");
		what = threads;
	}
	if (row == SPACE_HEAP && !snapshot_malloc(frame->snap))
		what = "brk area";
	draw_text(area, 1, y, where_rows[row].role, row_glyph(area.canvas, row));
	draw_text(area, NAME_AT, y, ROLE_TEXT, where_rows[row].name);
	draw_text(area_part(area, 0, 0, VIRTUAL_END - 9, -1), WHAT_AT, y, ROLE_TEXT_DIM, what);
	draw_figures(area, y, sum->virt, sum->rss);
	view_item(frame->state, area, y, overview_key(ITEM_WHERE + (uint64_t)row, 0));
}

/* Residency of all: the rows' sum, or the kernel's own count while a row is unknown. */
static struct fact total_rss(const struct view_frame *frame)
{
	const struct process_facts *process = snapshot_process(frame->snap);
	struct fact sum = frame->state->partition.total.rss;

	return fact_known(sum) || !process ? sum : process->vm_rss;
}

static void draw_bars(const struct view_frame *frame, struct area area, int y)
{
	const struct partition *partition = &frame->state->partition;
	struct bar_part virt[SPACE_ROW_COUNT], rss[SPACE_ROW_COUNT];

	for (size_t i = 0; i < SPACE_ROW_COUNT; i++) {
		const struct where_row *row = &where_rows[i];

		virt[i] = (struct bar_part){ partition->rows[i].virt, row_glyph(area.canvas, i),
			                     row->role };
		rss[i] = virt[i];
		rss[i].value = fact_or(partition->rows[i].rss, 0);
	}
	draw_text(area, 1, y, ROLE_TEXT_DIM, "virt");
	bar_draw(area, 6, y, area.width - 8, virt, SPACE_ROW_COUNT, 0);
	draw_text(area, 1, y + 1, ROLE_TEXT_DIM, "res");
	if (fact_known(partition->total.rss))
		bar_draw(area, 6, y + 1, area.width - 8, rss, SPACE_ROW_COUNT, 0);
	else
		draw_text(area, 6, y + 1, ROLE_TEXT_DIM, "? page map not read for all mappings");
}

/* Without mappings /proc/PID/status still says something: it is open to everybody. */
static void draw_status_only(const struct view_frame *frame, struct area area)
{
	const struct process_facts *process = snapshot_process(frame->snap);
	char why[400];
	int y;

	vmas_absence(frame->snap, why, sizeof(why));
	y = draw_wrapped(area, 0, ROLE_STATUS_WARN, why) + 1;
	if (!process)
		return;
	const struct {
		const char *name;
		struct fact bytes;
	} lines[] = {
		{ "VmSize", process->vm_size },     { "VmRSS", process->vm_rss },
		{ "RssAnon", process->rss_anon },   { "RssFile", process->rss_file },
		{ "RssShmem", process->rss_shmem }, { "VmSwap", process->vm_swap },
		{ "VmPTE", process->vm_pte },
	};
	draw_text(area, 1, y++, ROLE_TEXT_DIM, "from /proc/PID/status, which everybody may read:");
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		draw_text(area, NAME_AT, y, ROLE_TEXT_DIM, lines[i].name);
		draw_bytes(area, 30, y++, lines[i].bytes);
	}
}

void overview_where(const struct view_frame *frame, struct area area)
{
	const struct partition *partition = &frame->state->partition;
	int y = 0;

	if (!partition->total.vmas) {
		draw_status_only(frame, area);
		return;
	}
	draw_titles(area_part(area, 0, y++, -1, -1));
	for (size_t row = 0; row < SPACE_ROW_COUNT; row++)
		draw_row(frame, area, y++, row);
	draw_text(area, NAME_AT, y, ROLE_TEXT_STRONG, "total");
	draw_figures(area, y, partition->total.virt, total_rss(frame));
	view_item(frame->state, area, y++, overview_key(ITEM_TOTAL, 0));
	if (area.height >= WHERE_ROWS)
		draw_bars(frame, area, y);
}
