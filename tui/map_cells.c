/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The heap map's cells: what is known of each, and the sign and colour that say it. */
#include "model/base/units.h"
#include "tui/view_map.h"

/* Cells smaller than a page show single chunks. */
enum { CHUNK_CELL = 4096 };

bool map_shows_chunks(const struct map *map)
{
	return map->cell < CHUNK_CELL;
}

/* A cell as it is shown. */
struct sign {
	const char *glyph;
	enum role role;
};

/* --- what is known ---------------------------------------------------------------------------- */

static void add_cell(struct window_cell *to, const struct window_cell *from)
{
	to->in_use += from->in_use;
	to->tcache += from->tcache;
	to->fast += from->fast;
	to->small += from->small;
	to->large += from->large;
	to->top += from->top;
	to->mmapped += from->mmapped;
	to->fencepost += from->fencepost;
	to->resident += from->resident;
	to->swapped += from->swapped;
	to->releasable += from->releasable;
	to->largest_free = max_u64(to->largest_free, from->largest_free);
	to->used_chunks += from->used_chunks;
	to->cached_chunks += from->cached_chunks;
	to->free_chunks += from->free_chunks;
}

static uint64_t chunk_bytes(const struct window_cell *c)
{
	return c->in_use + c->tcache + c->fast + c->small + c->large + c->top + c->mmapped +
	       c->fencepost;
}

/* Bytes from `addr` on that belong to the scope and were walked. */
static uint64_t inside(const struct map *map, uint64_t addr, uint64_t bytes)
{
	uint64_t end = min_u64(map->scope.end, map->window->known_end);

	return addr >= end ? 0 : min_u64(bytes, end - addr);
}

/* From cells of the same size or smaller. */
static bool sum_fine(const struct map *map, uint64_t addr, uint64_t bytes, struct map_sum *ret)
{
	const struct window *w = map->window;
	uint64_t cell = w->asked.cell;

	if (!w->cell_count || cell > bytes || addr < w->asked.start ||
	    (addr - w->asked.start) % cell)
		return false;
	for (uint64_t at = addr; at < addr + bytes && at < map->scope.end; at += cell) {
		const struct window_cell *c = window_cell_at(w, at);

		if (!c)
			return false;
		add_cell(&ret->cell, c);
	}
	ret->bytes = inside(map, addr, bytes);
	return true;
}

/* From the strip's cells that [addr, addr + bytes) touches. */
static bool sum_strip(const struct map *map, uint64_t addr, uint64_t bytes, struct map_sum *ret)
{
	const struct window *w = map->window;
	uint64_t start = w->asked.scope_start, first, last;

	if (!w->strip_count || addr < start || addr >= w->asked.scope_end)
		return false;
	first = (addr - start) / w->strip_cell;
	last = min_u64((addr - start + bytes - 1) / w->strip_cell, w->strip_count - 1);
	for (uint64_t i = first; i <= last; i++)
		add_cell(&ret->cell, &w->strip[i]);
	ret->bytes = inside(map, start + first * w->strip_cell, (last - first + 1) * w->strip_cell);
	ret->is_coarse = true;
	return true;
}

static bool sum_coarse(const struct map *map, uint64_t addr, uint64_t bytes, struct map_sum *ret)
{
	const struct window *w = map->window;
	const struct window_cell *c = window_cell_at(w, addr);
	uint64_t cell = w->asked.cell;

	if (!c)
		return sum_strip(map, addr, bytes, ret);
	ret->cell = *c;
	ret->bytes = inside(map, w->asked.start + (addr - w->asked.start) / cell * cell, cell);
	ret->is_coarse = true;
	return true;
}

static void settle(const struct map *map, uint64_t addr, struct map_sum *sum)
{
	sum->known = chunk_bytes(&sum->cell);
	sum->has_pages = addr < map->window->pages_end;
}

bool map_sum(const struct map *map, uint64_t addr, uint64_t bytes, struct map_sum *ret)
{
	const struct window *w = map->window;

	*ret = (struct map_sum){ 0 };
	if (!w || addr >= map->scope.end || addr >= w->known_end)
		return false;
	if (!sum_fine(map, addr, bytes, ret)) {
		*ret = (struct map_sum){ 0 };
		if (!sum_coarse(map, addr, bytes, ret))
			return false;
	}
	settle(map, addr, ret);
	return true;
}

/* --- signs ------------------------------------------------------------------------------------ */

static unsigned level_of(unsigned permille)
{
	return permille >= 750 ? 0 : permille >= 500 ? 1 : permille >= 250 ? 2 : 3;
}

/* Dim what is hardly in RAM. */
static enum role by_residency(const struct map_sum *sum, enum role role)
{
	return sum->has_pages && permille_of(sum->cell.resident, sum->bytes) < 250
	               ? ROLE_HEAP_RESERVE
	               : role;
}

static struct sign use_sign(const struct canvas *canvas, const struct map_sum *sum)
{
	const struct window_cell *c = &sum->cell;
	uint64_t used = c->in_use + c->mmapped, cached = c->tcache + c->fast;
	unsigned share = permille_of(used + cached, sum->bytes);
	enum role role = cached > used ? ROLE_HEAP_USED_TCACHE
	                 : c->mmapped  ? ROLE_HEAP_MMAPPED
	                               : ROLE_HEAP_USED;

	if (!sum->known)
		return (struct sign){ "=", ROLE_TEXT_DIM };
	if (permille_of(c->top, sum->bytes) >= 500)
		return (struct sign){ "T", by_residency(sum, ROLE_HEAP_TOP) };
	if (share >= 250)
		return (struct sign){ shade(canvas, level_of(share)), by_residency(sum, role) };
	if (sum->has_pages && !c->resident)
		return (struct sign){ shade(canvas, 4), ROLE_PAGE_ABSENT };
	return (struct sign){ shade(canvas, 3), by_residency(sum, ROLE_HEAP_FREE) };
}

static struct sign resident_sign(const struct canvas *canvas, const struct map_sum *sum)
{
	unsigned share = permille_of(sum->cell.resident, sum->bytes);

	if (!sum->has_pages)
		return (struct sign){ "?", ROLE_HEAP_UNKNOWN };
	if (sum->cell.swapped > sum->cell.resident)
		return (struct sign){ "s", ROLE_PAGE_SWAPPED };
	if (!sum->cell.resident)
		return (struct sign){ shade(canvas, 4), ROLE_PAGE_ABSENT };
	return (struct sign){ shade(canvas, level_of(share)), ROLE_PAGE_RESIDENT };
}

/* The kind of free chunk that holds most of the cell; capital when that is half of it. */
static struct sign bin_sign(const struct canvas *canvas, const struct map_sum *sum)
{
	const struct window_cell *c = &sum->cell;
	const struct {
		uint64_t bytes;
		const char *few, *many;
		enum role role;
	} kinds[] = {
		{ c->tcache, "c", "C", ROLE_HEAP_USED_TCACHE },
		{ c->fast, "f", "F", ROLE_HEAP_FREE_FAST },
		{ c->small, "s", "S", ROLE_HEAP_FREE_SMALL },
		{ c->large, "l", "L", ROLE_HEAP_FREE_LARGE },
		{ c->top, "t", "T", ROLE_HEAP_TOP },
	};
	size_t most = 0;

	for (size_t i = 1; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].bytes > kinds[most].bytes)
			most = i;
	}
	if (!sum->known)
		return (struct sign){ "=", ROLE_TEXT_DIM };
	if (!kinds[most].bytes)
		return (struct sign){ shade(canvas, 4), ROLE_PAGE_ABSENT };
	return (struct sign){ kinds[most].bytes * 2 >= sum->bytes ? kinds[most].many
		                                                  : kinds[most].few,
		              kinds[most].role };
}

static struct sign page_sign(const struct canvas *canvas, const struct map_sum *sum)
{
	if (!sum->has_pages)
		return (struct sign){ "?", ROLE_HEAP_UNKNOWN };
	if (sum->cell.releasable)
		return (struct sign){
			shade(canvas, level_of(permille_of(sum->cell.releasable, sum->bytes))),
			ROLE_HEAP_FREE
		};
	if (!sum->cell.resident)
		return (struct sign){ "_", ROLE_PAGE_ABSENT };
	return (struct sign){ shade(canvas, 4), ROLE_HEAP_USED };
}

/* A cell of 16 bytes belongs to one chunk; where one begins there is a border. */
static struct sign chunk_sign(const struct canvas *canvas, const struct map_sum *sum)
{
	const struct window_cell *c = &sum->cell;
	bool begins = c->used_chunks + c->cached_chunks + c->free_chunks > 0;
	const char *border = "▐";

	if (!sum->known)
		return (struct sign){ "=", ROLE_TEXT_DIM };
	if (c->top)
		return (struct sign){ "T", ROLE_HEAP_TOP };
	if (c->fencepost)
		return (struct sign){ "|", ROLE_TEXT_DIM };
	if (c->small + c->large)
		return (struct sign){ begins ? border : shade(canvas, 3), ROLE_HEAP_FREE };
	if (c->tcache + c->fast)
		return (struct sign){ begins ? border : shade(canvas, 2), ROLE_HEAP_USED_TCACHE };
	return (struct sign){ begins ? border : shade(canvas, 0),
		              c->mmapped ? ROLE_HEAP_MMAPPED : ROLE_HEAP_USED };
}

static struct sign sign_of(const struct map *map, const struct canvas *canvas, uint64_t cell,
                           const struct map_sum *sum)
{
	if (sum->is_coarse && cell < CHUNK_CELL)
		return (struct sign){ "…", ROLE_TEXT_DIM };
	switch ((enum map_layer)map->state->layer) {
	case MAP_RESIDENT:
		return resident_sign(canvas, sum);
	case MAP_BIN:
		return bin_sign(canvas, sum);
	case MAP_PAGE:
		return page_sign(canvas, sum);
	case MAP_USE:
	case MAP_LAYER_COUNT:
		break;
	}
	return cell < CHUNK_CELL ? chunk_sign(canvas, sum) : use_sign(canvas, sum);
}

/* --- rows ------------------------------------------------------------------------------------- */

static void draw_cell(const struct map *map, struct area area, int x, int y, uint64_t addr)
{
	struct sign sign = { "?", ROLE_HEAP_UNKNOWN };
	struct map_sum sum;

	if (map_sum(map, addr, map->cell, &sum))
		sign = sign_of(map, area.canvas, map->cell, &sum);
	else if (!map->window || !map->window->chunks_lost)
		sign.glyph = "…";
	draw_fill(area, x, y, 1, sign.role, sign.glyph);
}

static void draw_cursor(const struct map *map, struct area area)
{
	const struct map_state *s = map->state;
	uint64_t index = s->cursor >= s->top ? (s->cursor - s->top) / map->cell : UINT64_MAX;
	int x, y;

	if (s->columns <= 0 || index >= (uint64_t)s->columns * (uint64_t)s->rows)
		return;
	x = MAP_ADDRESS + (int)(index % (uint64_t)s->columns);
	y = (int)(index / (uint64_t)s->columns);
	draw_role(area, 0, y, MAP_ADDRESS - 1, ROLE_SELECT);
	draw_role(area, x, y, 1, ROLE_SELECT);
	draw_text(area_part(area, x - 1, y, 1, 1), 0, 0, ROLE_SELECT, "[");
	draw_text(area_part(area, x + 1, y, 1, 1), 0, 0, ROLE_SELECT, "]");
}

/* The heap in one line; brackets show which part of it is above. */
static void draw_strip(const struct map *map, struct area area, int y)
{
	struct area strip = area_part(area, MAP_ADDRESS, y, map->state->columns, 1);
	uint64_t scope = map->scope.end - map->scope.start, shown;
	uint64_t step;
	int from, to;

	if (strip.width < 3)
		return;
	step = scope / (uint64_t)strip.width + 1;
	draw_text(area, 1, y, ROLE_TEXT_DIM, "whole heap");
	for (int x = 0; x < strip.width; x++) {
		uint64_t addr = map->scope.start + (uint64_t)x * step;
		struct sign sign = { "…", ROLE_TEXT_DIM };
		struct map_sum sum = { 0 };

		if (addr >= map->scope.end)
			break;
		if (map->window && addr < map->window->known_end &&
		    sum_strip(map, addr, step, &sum)) {
			settle(map, addr, &sum);
			sign = sign_of(map, area.canvas, CHUNK_CELL, &sum);
		}
		draw_fill(strip, x, 0, 1, sign.role, sign.glyph);
	}
	shown = (uint64_t)map->state->columns * (uint64_t)map->state->rows * map->cell;
	if (shown >= scope)
		return;
	from = (int)((map->state->top - map->scope.start) / step);
	to = (int)min_u64((map->state->top - map->scope.start + shown) / step,
	                  (uint64_t)strip.width - 1);
	draw_text(area_part(strip, from, 0, 1, 1), 0, 0, ROLE_MARK, "[");
	draw_text(area_part(strip, to > from ? to : from + 1, 0, 1, 1), 0, 0, ROLE_MARK, "]");
}

void map_draw_cells(const struct map *map, struct area area)
{
	struct view_state *state = map->frame->state;
	const struct map_state *s = map->state;
	char text[TEXT_NUMBER];

	for (int y = 0; y < s->rows; y++) {
		uint64_t row = s->top + (uint64_t)y * (uint64_t)s->columns * map->cell;

		if (row >= map->scope.end)
			break;
		draw_text(area, 1, y, ROLE_ADDRESS, text_addr(text, row));
		if (state->item_count < VIEW_ITEMS)
			state->items[state->item_count++] =
			        (struct view_item){ row, area.x, area.y + y, area.width };
		for (int x = 0; x < s->columns; x++) {
			uint64_t addr = row + (uint64_t)x * map->cell;

			if (addr < map->scope.end)
				draw_cell(map, area, MAP_ADDRESS + x, y, addr);
		}
	}
	draw_cursor(map, area);
	draw_strip(map, area, s->rows);
}
