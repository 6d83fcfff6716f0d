/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arenas: heaps and bins of one arena. */
#include <inttypes.h>
#include <stdio.h>

#include "model/base/units.h"
#include "model/rules/glibc.h"
#include "tui/view_arenas.h"
#include "tui/view_parts.h"
#include "tui/widget_bar.h"

enum { LABEL_AT = 1, TEXT_AT = 17 };

/* Resident bytes of [start, end); unknown as soon as one VMA's are. */
static struct fact resident(const struct vma_set *vmas, uint64_t start, uint64_t end)
{
	uint64_t sum = 0;

	if (!vmas)
		return fact_unknown();
	for (const struct vma *v = vma_find_next(vmas, start); v && v < vmas->at + vmas->count;
	     v++) {
		if (v->start >= end)
			break;
		/* A VMA that reaches beyond the heap can't be split by what is known of it. */
		if (!v->has_residency || v->start < start || v->end > end)
			return fact_unknown();
		sum += v->rss;
	}
	return fact_of(sum);
}

static void draw_heap_line(const struct view_frame *frame, const struct malloc_heap *heap, size_t i,
                           struct area area, int y)
{
	char start[TEXT_NUMBER], end[TEXT_NUMBER], rw[TEXT_NUMBER], grow[TEXT_NUMBER],
	        rss[TEXT_NUMBER];
	struct fact in_ram = resident(snapshot_vmas(frame->snap), heap->start, heap->rw_end);
	int x = draw_textf(area, LABEL_AT, y, ROLE_TEXT_DIM, "heap %zu ", i + 1) + LABEL_AT;

	x += draw_textf(area, x, y, ROLE_ADDRESS, "%s-%s ", text_addr(start, heap->start),
	                text_addr(end, heap->rw_end));
	text_bytes(rw, heap->rw_end - heap->start);
	text_bytes(grow, heap->reserve_end - heap->rw_end);
	if (area.width >= 70)
		draw_textf(area, x, y, ROLE_TEXT, "%s, resident %s%s%s", rw,
		           figure_bytes(rss, in_ram),
		           heap->reserve_end > heap->rw_end ? ", may grow " : "",
		           heap->reserve_end > heap->rw_end ? grow : "");
	else if (heap->reserve_end > heap->rw_end)
		draw_textf(area, x, y, ROLE_TEXT, "%s + %s", rw, grow);
	else
		draw_text(area, x, y, ROLE_TEXT, rw);
}

/* As many heaps as `rows` allow, newest last; returns the rows used. */
static int draw_heaps(const struct view_frame *frame, const struct arena *arena, struct area area,
                      int rows)
{
	size_t shown = (size_t)(rows > 0 ? rows : 0);

	if (arena->heap_count <= shown) {
		shown = arena->heap_count;
	} else if (shown) {
		shown--;
		draw_textf(area, LABEL_AT, (int)shown, ROLE_TEXT_DIM, "and %zu more heaps",
		           arena->heap_count - shown);
	}
	for (size_t i = 0; i < shown; i++)
		draw_heap_line(frame, &arena->heaps[i], i, area, (int)i);
	return (int)shown + (shown < arena->heap_count);
}

static uint64_t reserved_bytes(const struct arena *arena)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < arena->heap_count; i++)
		sum += arena->heaps[i].reserve_end - arena->heaps[i].start;
	return max_u64(sum, arena->system_mem);
}

/* The arena to the scale of what it has reserved: dots are room to grow. */
static void draw_strip(const struct arena *arena, struct area area)
{
	struct area strip = area_part(area, LABEL_AT, 0, area.width - 2, 1);

	draw_fill(strip, 0, 0, strip.width, ROLE_HEAP_RESERVE, shade(area.canvas, 4));
	draw_arena_bar(strip, 0, arena, reserved_bytes(arena));
	draw_text(area, LABEL_AT, 1, ROLE_TEXT_DIM,
	          "█ in use  ▓ tcache, fast  ▒ bins  T top  · reserved");
}

static void draw_top(const struct arena *arena, struct area area, int y)
{
	char addr[TEXT_NUMBER], size[TEXT_NUMBER], text[120];

	(void)snprintf(text, sizeof(text), "%s   %s B", text_addr(addr, arena->top_addr),
	               figure_count(size, arena->top_size));
	draw_labelled(area, LABEL_AT, TEXT_AT, y, "top", text);
	if (arena->top_pin.size)
		(void)snprintf(text, sizeof(text), "%s   %s B",
		               text_addr(addr, arena->top_pin.addr),
		               text_count(size, arena->top_pin.size));
	else
		(void)snprintf(text, sizeof(text), "%s",
		               fact_known(arena->below_pin) ? "-" : "… needs a walk of the heap");
	draw_labelled(area, LABEL_AT, TEXT_AT, y + 1, "pinned by", text);
}

static void draw_state(const struct malloc_state *ms, const struct arena *arena, struct area area,
                       int y)
{
	char text[120], a[TEXT_NUMBER], b[TEXT_NUMBER];

	(void)snprintf(text, sizeof(text), "%s", figure_bytes(a, arena->trimmable));
	if (arena->top_pin.size)
		(void)snprintf(text, sizeof(text), "%s   %s free below the pin", a,
		               figure_bytes(b, arena->below_pin));
	draw_labelled(area, LABEL_AT, TEXT_AT, y, "trimmable", text);
	draw_labelled(area, LABEL_AT, TEXT_AT, y + 1, "last remainder",
	              arena->last_remainder ? text_addr(a, arena->last_remainder) : "-");
	(void)snprintf(text, sizeof(text), "%s, at most %s so far",
	               text_bytes(a, arena->system_mem), text_bytes(b, arena->max_system_mem));
	draw_labelled(area, LABEL_AT, TEXT_AT, y + 2, "system", text);
	(void)snprintf(text, sizeof(text), "mutex %s   contiguous %s   next %s",
	               arena->mutex ? "held" : "free", arena->is_contiguous ? "yes" : "no",
	               arena_name(a, ms, arena_index(ms, arena->next)));
	draw_labelled(area, LABEL_AT, TEXT_AT, y + 3, "state", text);
}

void arenas_heaps(const struct view_frame *frame, size_t index, struct area area)
{
	enum { STRIP_ROWS = 2, FACT_ROWS = 6 };
	const struct malloc_state *ms = snapshot_malloc(frame->snap);
	const struct arena *arena = &ms->arenas[index];
	int y = STRIP_ROWS;

	draw_strip(arena, area);
	y += draw_heaps(frame, arena, area_part(area, 0, y, -1, -1),
	                area.height - STRIP_ROWS - FACT_ROWS > 1
	                        ? area.height - STRIP_ROWS - FACT_ROWS
	                        : 1);
	draw_top(arena, area, y);
	draw_state(ms, arena, area, y + 2);
}

/* --- bins --------------------------------------------------------------------------------------- */

/* One line of the table of free chunks. */
struct bin_line {
	const char *kind; /* "fast", "small" … */
	char range[48];   /* of chunk sizes */
	struct fact count, bytes;
	enum role role;
};

static const struct malloc_layout *layout_of(const struct view_frame *frame)
{
	const struct heap_facts *heap = snapshot_heap(frame->snap);
	const struct process_facts *process = snapshot_process(frame->snap);

	if (!heap || !process || !process->elf_class)
		return NULL;
	return glibc_layout_for(heap->minor, process->elf_class == 32 ? ABI_I386 : ABI_LP64);
}

static struct bin_line sized_line(const char *kind, const struct size_count *bin, enum role role)
{
	struct bin_line line = { .kind = kind, .role = role, .count = fact_of(bin->count) };
	char size[TEXT_NUMBER];
	uint64_t bytes;

	line.bytes = __builtin_mul_overflow(bin->count, bin->size, &bytes) ? fact_unknown()
	                                                                   : fact_of(bytes);
	(void)snprintf(line.range, sizeof(line.range), "%s B", text_count(size, bin->size));
	return line;
}

static struct bin_line large_line(const struct malloc_layout *layout, const struct large_bin *bin)
{
	struct bin_line line = { .kind = "large",
		                 .role = ROLE_HEAP_FREE_LARGE,
		                 .count = fact_of(bin->count),
		                 .bytes = fact_of(bin->bytes) };
	char from[TEXT_NUMBER], to[TEXT_NUMBER];

	text_count(from, bin->min);
	if (layout && bin->bin < 126)
		(void)snprintf(line.range, sizeof(line.range), "%s-%s B", from,
		               text_count(to, glibc_bin_min(layout, bin->bin + 1) - 1));
	else
		(void)snprintf(line.range, sizeof(line.range), "≥ %s B", from);
	return line;
}

/* The i-th line of an arena's table; false behind the last. */
static bool bin_line(const struct view_frame *frame, const struct arena *arena, size_t i,
                     struct bin_line *ret)
{
	if (i < arena->fastbin_count) {
		*ret = sized_line("fast", &arena->fastbins[i], ROLE_HEAP_FREE_FAST);
		return true;
	}
	i -= arena->fastbin_count;
	if (i == 0) {
		*ret = (struct bin_line){ .kind = "unsorted",
			                  .range = "any",
			                  .role = ROLE_HEAP_FREE_UNSORTED,
			                  .count = arena->unsorted.count,
			                  .bytes = arena->unsorted.bytes };
		return true;
	}
	i--;
	if (i < arena->small_count) {
		*ret = sized_line("small", &arena->small[i], ROLE_HEAP_FREE_SMALL);
		return true;
	}
	i -= arena->small_count;
	if (i < arena->large_count)
		*ret = large_line(layout_of(frame), &arena->large[i]);
	return i < arena->large_count;
}

/* --- size classes ----------------------------------------------------------------------------- */

/*
 * Where a pane has fewer rows than an arena has bins: chunk sizes from one power of two to the
 * next. No bin lies in two of them: the widths of glibc's bins divide the powers they reach.
 */
struct size_classes {
	struct {
		uint64_t count, bytes;
		bool has_small;
	} at[64];
	size_t used;
};

/* Returns the number of the class. */
static unsigned add_to_class(struct size_classes *classes, uint64_t size, uint64_t count,
                             uint64_t bytes)
{
	unsigned class = size ? 63u - (unsigned)__builtin_clzll(size) : 0;

	if (!count)
		return class;
	classes->used += !classes->at[class].count;
	classes->at[class].count += count;
	classes->at[class].bytes += bytes;
	return class;
}

static void sum_classes(const struct arena *arena, struct size_classes *ret)
{
	uint64_t bytes;

	*ret = (struct size_classes){ 0 };
	for (size_t i = 0; i < arena->small_count; i++) {
		const struct size_count *bin = &arena->small[i];

		if (!__builtin_mul_overflow(bin->count, bin->size, &bytes))
			ret->at[add_to_class(ret, bin->size, bin->count, bytes)].has_small = true;
	}
	for (size_t i = 0; i < arena->large_count; i++)
		(void)add_to_class(ret, arena->large[i].min, arena->large[i].count,
		                   arena->large[i].bytes);
}

/* The i-th class that has chunks. */
static void class_line(const struct size_classes *classes, size_t i, struct bin_line *ret)
{
	char from[TEXT_NUMBER], to[TEXT_NUMBER];
	unsigned class = 0;

	while (class < 63 && (!classes->at[class].count || i--))
		class ++;
	*ret = (struct bin_line){ .count = fact_of(classes->at[class].count),
		                  .bytes = fact_of(classes->at[class].bytes),
		                  .kind = "large",
		                  .role = ROLE_HEAP_FREE_LARGE };
	if (classes->at[class].has_small) {
		ret->kind = "small";
		ret->role = ROLE_HEAP_FREE_SMALL;
	}
	(void)snprintf(ret->range, sizeof(ret->range), "%s-%s B",
	               text_count(from, UINT64_C(1) << class),
	               text_count(to, (UINT64_C(2) << class) - 1));
}

static void draw_bin_line(const struct bin_line *line, uint64_t whole, struct area area, int y)
{
	enum { RANGE_END = 31, COUNT_END = 41, BYTES_END = 54, GAUGE_AT = 56 };
	int gauge = area.width - GAUGE_AT - 2;

	draw_text(area, LABEL_AT, y, line->role, line->kind);
	draw_right(area, RANGE_END, y, ROLE_TEXT, line->range);
	draw_count(area, COUNT_END, y, line->count);
	draw_count(area, BYTES_END, y, line->bytes);
	if (gauge >= 6 && fact_known(line->bytes))
		draw_gauge(area, GAUGE_AT, y, gauge, permille_of(line->bytes.v, whole), line->role);
}

static void draw_bin_titles(struct area area)
{
	draw_text(area, LABEL_AT, 0, ROLE_TEXT_DIM, "bin");
	draw_right(area, 31, 0, ROLE_TEXT_DIM, "chunk size");
	draw_right(area, 41, 0, ROLE_TEXT_DIM, "chunks");
	draw_right(area, 54, 0, ROLE_TEXT_DIM, "bytes");
}

/* Fast bins and the unsorted one as they are, the others by size class. */
static void class_table_line(const struct view_frame *frame, const struct arena *arena,
                             const struct size_classes *classes, size_t i, struct bin_line *ret)
{
	if (i <= arena->fastbin_count)
		(void)bin_line(frame, arena, i, ret);
	else
		class_line(classes, i - arena->fastbin_count - 1, ret);
}

static void draw_bin_table(const struct view_frame *frame, const struct arena *arena,
                           struct area area)
{
	size_t rows = (size_t)area.height, total = arena->fastbin_count + 1, shown;
	uint64_t whole =
	        fact_or(arena->fastbin_total.bytes, 0) + fact_or(arena->free_total.bytes, 0);
	bool by_class = total + arena->small_count + arena->large_count > rows;
	struct size_classes classes = { 0 };
	struct bin_line line;

	if (by_class)
		sum_classes(arena, &classes);
	total += by_class ? classes.used : arena->small_count + arena->large_count;
	shown = total <= rows ? total : rows ? rows - 1 : 0;
	for (size_t i = 0; i < shown; i++) {
		if (by_class)
			class_table_line(frame, arena, &classes, i, &line);
		else
			(void)bin_line(frame, arena, i, &line);
		draw_bin_line(&line, whole, area, (int)i);
	}
	if (shown < total && rows)
		draw_textf(area, LABEL_AT, (int)shown, ROLE_TEXT_DIM,
		           "and %zu lines with larger chunks", total - shown);
}

void arenas_bins(const struct view_frame *frame, size_t index, struct area area)
{
	const struct arena *arena = &snapshot_malloc(frame->snap)->arenas[index];

	if (!arena->has_lists) {
		draw_text(area, LABEL_AT, 0, ROLE_TEXT_DIM,
		          "… the lists have not been followed yet");
		return;
	}
	if (area.height < 2)
		return;
	draw_bin_titles(area);
	draw_bin_table(frame, arena, area_part(area, 0, 1, -1, -1));
}
