/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Below the heap map: what its signs mean, what the cell under the cursor holds, sizes of chunks. */
#include <inttypes.h>
#include <stdio.h>

#include "model/base/units.h"
#include "tui/view_map.h"

/* --- legend ----------------------------------------------------------------------------------- */

struct legend_line {
	const char *left, *right;
};

static const struct {
	const char *name;
	struct legend_line lines[4];
	const char *line; /* all of it in one */
} legends[MAP_LAYER_COUNT] = {
	[MAP_USE] = { "use",
	              { { "█ in use ≥ 75%", "▓ in use 50-75%" },
	                { "▒ in use 25-50%", "░ less, · not in RAM either" },
	                { "T top chunk", "= no chunk: headers" },
	                { "dim: hardly in RAM", "tcache, fastbins: in use" } },
	              "use: █ ≥ 75% ▓ ≥ 50% ▒ ≥ 25% ░ less · nor in RAM T top = headers" },
	[MAP_RESIDENT] = { "resident",
	                   { { "█ in RAM ≥ 75%", "▓ in RAM 50-75%" },
	                     { "▒ in RAM 25-50%", "░ in RAM < 25%" },
	                     { "· never touched, given back", "s swapped out, mostly" },
	                     { "? could not be read", "" } },
	                   "resident: █ ≥ 75% ▓ ≥ 50% ▒ ≥ 25% ░ less · none s swapped" },
	[MAP_BIN] = { "bin",
	              { { "c tcache", "f fastbin" },
	                { "s size of a small bin", "l size of a large bin" },
	                { "t top chunk", "· nothing free" },
	                { "the most of the cell;", "capital: half of it or more" } },
	              "bin: c tcache f fast s small l large t top · nothing; CAPITAL ≥ half" },
	[MAP_PAGE] = { "page",
	               { { "█ ≥ 75% could go back", "▓ 50-75%" },
	                 { "▒ 25-50%", "░ less" },
	                 { "· in RAM, none can", "_ not in RAM" },
	                 { "whole resident pages in", "free chunks: malloc_trim(0)" } },
	               "page, could go back: █ ≥ 75% ▓ ≥ 50% ▒ ≥ 25% ░ less · none _ not in RAM" },
};

static const struct legend_line chunk_legend[4] = {
	{ "█ in use", "▒ tcache, fastbin" },
	{ "░ free, in a bin", "▐ a chunk begins" },
	{ "T top chunk", "= no chunk: headers" },
	{ "| fencepost", "" },
};

void map_short_legend(const struct map *map, char *to, size_t size)
{
	bool is_chunks = map_shows_chunks(map) && map->state->layer == MAP_USE;

	(void)snprintf(
	        to, size, "%s",
	        is_chunks ? "chunks: ▐ begins █ in use ▒ tcache, fastbin ░ free T top = headers"
	                  : legends[map->state->layer].line);
}

static void draw_layers(const struct map *map, struct area area, int y)
{
	static const char *const words[MAP_LAYER_COUNT] = { "[u]se", "[r]esident", "[b]in",
		                                            "[p]age" };
	int x = 1 + draw_text(area, 1, y, ROLE_TEXT_DIM, "layer ");

	for (int i = 0; i < MAP_LAYER_COUNT; i++) {
		bool is_on = i == map->state->layer;

		if (is_on)
			draw_text(area, x - 1, y, ROLE_MARK, "▶");
		x += draw_text(area, x, y, is_on ? ROLE_TEXT_STRONG : ROLE_TEXT_DIM, words[i]) + 2;
	}
}

void map_draw_legend(const struct map *map, struct area area)
{
	const struct legend_line *lines = map_shows_chunks(map) && map->state->layer == MAP_USE
	                                          ? chunk_legend
	                                          : legends[map->state->layer].lines;
	int middle = area.width / 2;

	for (int i = 0; i < 4 && i < area.height; i++) {
		draw_text(area_part(area, 0, 0, middle, -1), 1, i, ROLE_TEXT, lines[i].left);
		draw_text(area, middle, i, ROLE_TEXT, lines[i].right);
	}
	if (area.height > 4)
		draw_layers(map, area, 4);
	if (area.height > 5)
		draw_text(area, 1, 5, ROLE_TEXT_DIM,
		          "z Z zoom   < > other heaps   Enter: its chunks");
}

/* --- the cell under the cursor ---------------------------------------------------------------- */

enum { LABEL_AT = 1, VALUE_AT = 12 };

static void draw_place(const struct map *map, struct area area)
{
	uint64_t from = map->state->cursor, to = min_u64(from + map->cell, map->scope.end);
	char a[TEXT_NUMBER], b[TEXT_NUMBER], c[TEXT_NUMBER];
	int x = LABEL_AT;

	x += draw_textf(area, x, 0, ROLE_ADDRESS, "%s-%s", text_addr(a, from), text_addr(b, to));
	if (map->cell >= 4096)
		draw_textf(area, x + 3, 0, ROLE_TEXT, "%s, %" PRIu64 " page%s",
		           text_bytes(c, to - from), (to - from + 4095) / 4096,
		           to - from > 4096 ? "s" : "");
	else
		draw_textf(area, x + 3, 0, ROLE_TEXT, "%s", text_bytes(c, to - from));
}

static void draw_counts(const struct map_sum *sum, struct area area)
{
	const struct window_cell *c = &sum->cell;
	char a[TEXT_NUMBER], b[TEXT_NUMBER], d[TEXT_NUMBER], e[TEXT_NUMBER], text[160];

	(void)snprintf(text, sizeof(text), "%u begin here: %u in use, %u cached, %u free",
	               c->used_chunks + c->cached_chunks + c->free_chunks, c->used_chunks,
	               c->cached_chunks, c->free_chunks);
	draw_labelled(area, LABEL_AT, VALUE_AT, 1, "chunks", text);
	(void)snprintf(text, sizeof(text), "%s B   cached %s B   free %s B",
	               text_count(a, c->in_use + c->mmapped), text_count(b, c->tcache + c->fast),
	               text_count(d, c->small + c->large));
	draw_labelled(area, LABEL_AT, VALUE_AT, 2, "in use", text);
	(void)snprintf(text, sizeof(text), "top %s B   no chunk %s B   largest free %s B",
	               text_count(a, c->top),
	               text_count(b, sum->bytes - min_u64(sum->bytes, sum->known)),
	               text_count(e, c->largest_free));
	draw_labelled(area, LABEL_AT, VALUE_AT, 3, "other", text);
}

static void draw_pages(const struct map_sum *sum, struct area area)
{
	const struct window_cell *c = &sum->cell;
	char text[120];

	if (!sum->has_pages)
		(void)snprintf(text, sizeof(text), "? the page map could not be read");
	else
		(void)snprintf(text, sizeof(text),
		               "%" PRIu64 "/%" PRIu64 " pages   swapped %" PRIu64
		               "   could go back %" PRIu64,
		               (c->resident + 4095) / 4096, (sum->bytes + 4095) / 4096,
		               (c->swapped + 4095) / 4096, (c->releasable + 4095) / 4096);
	draw_labelled(area, LABEL_AT, VALUE_AT, 4, "resident", text);
}

/* A neighbour of a chunk in the list. */
static void add_neighbour(struct text *text, const struct window *w, const struct window_chunk *c,
                          int step)
{
	const struct window_chunk *other = c + step;
	char size[TEXT_NUMBER];

	if (other < w->chunks || other >= w->chunks + w->chunk_count)
		text_add(text, "-");
	else
		text_addf(text, "%s %s B", map_state_word(other->state),
		          text_count(size, other->size));
}

/* Below a page's size a cell is part of one chunk. */
static void draw_chunk(const struct map *map, const struct window_chunk *c, struct area area)
{
	char a[TEXT_NUMBER], b[TEXT_NUMBER], line[160];
	struct text text = text_in(line, sizeof(line));
	bool is_cached = c->state == CHUNK_TCACHE || c->state == CHUNK_FAST;

	text_addf(&text, "%s   %s B, %s", text_addr(a, c->addr), text_count(b, c->size),
	          map_state_word(c->state));
	draw_labelled(area, LABEL_AT, VALUE_AT, 1, "chunk", line);
	text = text_in(line, sizeof(line));
	text_addf(&text, "%s   flags %s%s", map_bin_word(a, c), map_flag_word(b, c),
	          is_cached ? "   (looks in use to its neighbours)" : "");
	draw_labelled(area, LABEL_AT, VALUE_AT, 2, "bin", line);
	text = text_in(line, sizeof(line));
	add_neighbour(&text, map->window, c, -1);
	draw_labelled(area, LABEL_AT, VALUE_AT, 3, "before it", line);
	text = text_in(line, sizeof(line));
	add_neighbour(&text, map->window, c, 1);
	draw_labelled(area, LABEL_AT, VALUE_AT, 4, "after it", line);
}

void map_draw_cell(const struct map *map, struct area area)
{
	const struct window_chunk *chunk = NULL;
	struct map_sum sum;
	char text[120];

	draw_place(map, area);
	if (!map_sum(map, map->state->cursor, map->cell, &sum) || sum.is_coarse) {
		map_waiting(map, text, sizeof(text));
		(void)draw_wrapped(area_part(area, 0, 1, -1, -1), 0, ROLE_TEXT_DIM, text);
		return;
	}
	if (map_shows_chunks(map))
		chunk = window_chunk_at(map->window, map->state->cursor);
	if (chunk) {
		draw_chunk(map, chunk, area);
	} else {
		draw_counts(&sum, area);
		draw_pages(&sum, area);
	}
	if (area.height > 5)
		draw_text(area, LABEL_AT, 5, ROLE_TEXT_DIM,
		          "Enter lists the chunks; Enter there shows their bytes");
}

/* --- size classes ----------------------------------------------------------------------------- */

/* The classes that have chunks: [*first, *last]. */
static bool used_classes(const struct window *w, int *first, int *last)
{
	*first = WINDOW_CLASSES;
	*last = -1;
	for (int i = 0; i < WINDOW_CLASSES; i++) {
		const struct window_class *class = &w->classes[i];

		if (!class->used && !class->cached && !class->free)
			continue;
		if (i < *first)
			*first = i;
		*last = i;
	}
	return *last >= 0;
}

static char *power_of_two(char buf[TEXT_NUMBER], int i)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };

	(void)snprintf(buf, TEXT_NUMBER, "%u %s", 1u << i % 10, units[i / 10]);
	return buf;
}

static void draw_class(const struct window_class *class, int i, uint64_t most, struct area area,
                       int y)
{
	enum { USED_END = 19, FREE_END = 30, BARS_AT = 32 };
	int room = area.width - BARS_AT - 1, used, cached, free;
	char from[TEXT_NUMBER], a[TEXT_NUMBER];

	draw_right(area, 9, y, ROLE_TEXT, power_of_two(from, i));
	draw_right(area, USED_END, y, ROLE_NUMBER, text_count(a, class->used));
	draw_right(area, FREE_END, y, ROLE_NUMBER, text_count(a, class->free + class->cached));
	if (room < 4 || !most)
		return;
	used = (int)(permille_of(class->used_bytes, most) * (unsigned)room / 1000);
	cached = (int)(permille_of(class->cached_bytes, most) * (unsigned)room / 1000);
	free = (int)(permille_of(class->free_bytes, most) * (unsigned)room / 1000);
	/* a little is never nothing */
	used += !used && class->used;
	cached += !cached && class->cached;
	free += !free && class->free;
	draw_fill(area, BARS_AT, y, used, ROLE_HEAP_USED, shade(area.canvas, 0));
	draw_fill(area, BARS_AT + used, y, cached, ROLE_HEAP_USED_TCACHE, shade(area.canvas, 1));
	draw_fill(area, BARS_AT + used + cached, y, free, ROLE_HEAP_FREE, shade(area.canvas, 2));
}

void map_draw_classes(const struct map *map, struct area area)
{
	const struct window *w = map->window;
	uint64_t most = 0;
	int first, last, rows = area.height - 1;

	if (!w || !used_classes(w, &first, &last)) {
		draw_text(area, 1, 0, ROLE_TEXT_DIM, "… needs a walk of the heap");
		return;
	}
	draw_right(area, 9, 0, ROLE_TEXT_DIM, "from");
	draw_right(area, 19, 0, ROLE_TEXT_DIM, "in use");
	draw_right(area, 30, 0, ROLE_TEXT_DIM, "free");
	draw_text(area, 32, 0, ROLE_TEXT_DIM, "bytes: █ in use ▓ cached ▒ free");
	for (int i = first; i <= last; i++)
		most = max_u64(most, w->classes[i].used_bytes + w->classes[i].cached_bytes +
		                             w->classes[i].free_bytes);
	/* The small ones are the many: what does not fit are the largest, told in the last row. */
	for (int i = first, y = 1; i <= last && y <= rows; i++, y++) {
		if (y == rows && i < last) {
			draw_textf(area, 1, y, ROLE_TEXT_DIM, "… and %d larger classes",
			           last - i + 1);
			break;
		}
		draw_class(&w->classes[i], i, most, area, y);
	}
}
