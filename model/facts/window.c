/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/facts/window.h"

#include <stdlib.h>
#include <string.h>

#include "model/base/units.h"

/* --- the request ---------------------------------------------------------------------------------- */

bool window_request_equal(const struct window_request *a, const struct window_request *b)
{
	return a->scope_start == b->scope_start && a->scope_end == b->scope_end &&
	       a->start == b->start && a->end == b->end && a->cell == b->cell &&
	       a->chunks_at == b->chunks_at && a->chunks_before == b->chunks_before &&
	       a->chunks_max == b->chunks_max && a->bytes_at == b->bytes_at &&
	       a->bytes_len == b->bytes_len;
}

static uint64_t cells_bytes(uint64_t cell)
{
	return cell > UINT64_MAX / WINDOW_CELLS_MAX ? UINT64_MAX : cell * WINDOW_CELLS_MAX;
}

static struct window_request cut(const struct window_request *request)
{
	struct window_request cut = *request;

	if (cut.scope_end < cut.scope_start)
		cut.scope_end = cut.scope_start;
	if (!is_power_of_two(cut.cell) || cut.cell < WINDOW_CELL_LEAST || cut.end < cut.start)
		cut.end = cut.start;
	else
		cut.end = cut.start + min_u64(cut.end - cut.start, cells_bytes(cut.cell));
	cut.chunks_max = cut.chunks_max < WINDOW_CHUNKS_MAX ? cut.chunks_max : WINDOW_CHUNKS_MAX;
	if (cut.chunks_before >= cut.chunks_max)
		cut.chunks_before = cut.chunks_max ? cut.chunks_max - 1 : 0;
	cut.bytes_len = cut.bytes_len < WINDOW_BYTES_MAX ? cut.bytes_len : WINDOW_BYTES_MAX;
	cut.bytes_len = (uint32_t)min_u64(cut.bytes_len, UINT64_MAX - cut.bytes_at);
	return cut;
}

static size_t cells_of(uint64_t bytes, uint64_t cell)
{
	return (size_t)(bytes / cell + (bytes % cell != 0));
}

bool window_init(struct region *region, const struct window_request *request,
                 const struct window_rules *rules, struct window *ret)
{
	uint64_t scope;

	*ret = (struct window){ .asked = cut(request), .word = rules->word };
	scope = ret->asked.scope_end - ret->asked.scope_start;
	ret->strip_cell = WINDOW_CELL_LEAST;
	while (cells_of(scope, ret->strip_cell) > WINDOW_STRIP_MAX)
		ret->strip_cell *= 2;
	ret->strip_count = cells_of(scope, ret->strip_cell);
	if (ret->asked.end > ret->asked.start)
		ret->cell_count = cells_of(ret->asked.end - ret->asked.start, ret->asked.cell);
	ret->strip = region_alloc(region, ret->strip_count * sizeof(*ret->strip));
	ret->cells = region_alloc(region, ret->cell_count * sizeof(*ret->cells));
	ret->chunks = region_alloc(region, ret->asked.chunks_max * sizeof(*ret->chunks));
	ret->bytes = region_alloc(region, ret->asked.bytes_len);
	ret->status = region_alloc(region, cells_of(ret->asked.bytes_len, WINDOW_GRANULE));
	ret->links = region_alloc(region, ret->asked.bytes_len / rules->word * sizeof(*ret->links));
	return ret->strip && ret->cells && ret->chunks && ret->bytes && ret->status && ret->links;
}

/* --- cells ---------------------------------------------------------------------------------------- */

/* A row of cells from `start` on, and what is put into it. */
struct row {
	struct window_cell *cells;
	size_t count;
	uint64_t start, end, cell;
};

struct digest {
	const struct window_rules *rules;
	const struct mem_range *ranges;
	size_t range_count, range; /* `range`: the one that the last chunk's pages began in */
	struct row rows[2];        /* cells, strip */
	struct window *window;
	uint64_t reached[2]; /* end of the last chunk in a heap; of the last mmapped one */
	size_t ring;         /* the oldest of the chunks before the place asked for */
};

static void add_bytes(struct window_cell *cell, uint64_t bytes, enum chunk_state state,
                      bool is_large)
{
	switch (state) {
	case CHUNK_IN_USE:
		cell->in_use += bytes;
		break;
	case CHUNK_FREE:
		*(is_large ? &cell->large : &cell->small) += bytes;
		break;
	case CHUNK_FAST:
		cell->fast += bytes;
		break;
	case CHUNK_TCACHE:
		cell->tcache += bytes;
		break;
	case CHUNK_TOP:
		cell->top += bytes;
		break;
	case CHUNK_FENCEPOST:
		cell->fencepost += bytes;
		break;
	case CHUNK_MMAPPED:
		cell->mmapped += bytes;
		break;
	case CHUNK_STATE_COUNT:
		break;
	}
}

static void count_chunk(struct window_cell *cell, enum chunk_state state)
{
	if (state == CHUNK_IN_USE || state == CHUNK_MMAPPED)
		cell->used_chunks++;
	else if (state == CHUNK_FREE)
		cell->free_chunks++;
	else if (state == CHUNK_FAST || state == CHUNK_TCACHE)
		cell->cached_chunks++;
}

/* The end of the cell that holds `at`, or `end` if that comes first. Addresses may be any. */
static uint64_t cell_end(const struct row *row, uint64_t at, uint64_t end)
{
	uint64_t left = row->cell - (at - row->start) % row->cell;

	return end - at < left ? end : at + left;
}

static void add_chunk(const struct row *row, const struct chunk_record *c, bool is_large)
{
	uint64_t at = max_u64(c->addr, row->start), end = min_u64(c->addr + c->size, row->end);

	if (c->addr >= row->start && c->addr < row->end)
		count_chunk(&row->cells[(c->addr - row->start) / row->cell], c->state);
	while (at < end) {
		size_t i = (size_t)((at - row->start) / row->cell);
		uint64_t stop = cell_end(row, at, end);

		add_bytes(&row->cells[i], stop - at, c->state, is_large);
		if (c->state == CHUNK_FREE)
			row->cells[i].largest_free = max_u64(row->cells[i].largest_free, c->size);
		at = stop;
	}
}

enum page_sum { SUM_RESIDENT, SUM_SWAPPED, SUM_RELEASABLE };

static void add_pages(const struct row *row, uint64_t at, uint64_t end, enum page_sum sum)
{
	at = max_u64(at, row->start);
	end = min_u64(end, row->end);
	while (at < end) {
		size_t i = (size_t)((at - row->start) / row->cell);
		uint64_t stop = cell_end(row, at, end);
		struct window_cell *cell = &row->cells[i];

		*(sum == SUM_RESIDENT  ? &cell->resident
		  : sum == SUM_SWAPPED ? &cell->swapped
		                       : &cell->releasable) += stop - at;
		at = stop;
	}
}

static void digest_pages(struct digest *d)
{
	for (size_t i = 0; i < d->range_count; i++) {
		const struct mem_range *r = &d->ranges[i];

		for (size_t k = 0; k < 2; k++) {
			if (r->page == MEM_PAGE_PRESENT)
				add_pages(&d->rows[k], r->start, r->end, SUM_RESIDENT);
			else if (r->page == MEM_PAGE_SWAPPED)
				add_pages(&d->rows[k], r->start, r->end, SUM_SWAPPED);
		}
	}
	if (d->range_count)
		d->window->pages_end = d->ranges[d->range_count - 1].end;
}

/*
 * Whole pages inside a free chunk behind its header are what malloc_trim gives back (glibc
 * malloc/malloc.c:mtrim). Chunks come in address order, so the ranges are passed once.
 */
static void digest_releasable(struct digest *d, const struct chunk_record *c)
{
	uint64_t at = align_up(c->addr + d->rules->chunk_header, d->rules->page);
	uint64_t end = align_down(c->addr + c->size, d->rules->page);

	if (at >= end)
		return;
	while (d->range < d->range_count && d->ranges[d->range].end <= at)
		d->range++;
	for (size_t i = d->range; i < d->range_count && d->ranges[i].start < end; i++) {
		const struct mem_range *r = &d->ranges[i];

		if (r->page != MEM_PAGE_PRESENT)
			continue;
		for (size_t k = 0; k < 2; k++)
			add_pages(&d->rows[k], max_u64(at, r->start), min_u64(end, r->end),
			          SUM_RELEASABLE);
	}
}

/* --- size classes, list --------------------------------------------------------------------------- */

static void add_to_class(struct window *w, const struct chunk_record *c)
{
	unsigned i = c->size ? 63u - (unsigned)__builtin_clzll(c->size) : 0;
	struct window_class *class = &w->classes[i < WINDOW_CLASSES ? i : WINDOW_CLASSES - 1];

	if (c->addr < w->asked.scope_start || c->addr >= w->asked.scope_end)
		return;
	if (c->state == CHUNK_IN_USE || c->state == CHUNK_MMAPPED) {
		class->used++;
		class->used_bytes += c->size;
	} else if (c->state == CHUNK_FREE) {
		class->free++;
		class->free_bytes += c->size;
	} else if (c->state == CHUNK_FAST || c->state == CHUNK_TCACHE) {
		class->cached++;
		class->cached_bytes += c->size;
	}
}

static struct window_chunk listed(const struct chunk_record *c)
{
	return (struct window_chunk){
		.addr = c->addr, .size = c->size, .state = c->state, .arena = c->arena
	};
}

/* Chunks before the place that was asked for go round in the first `before` places of the list. */
static void add_to_list(struct digest *d, const struct chunk_record *c)
{
	struct window *w = d->window;
	size_t room = w->asked.chunks_max, before = w->asked.chunks_before;

	if (w->has_after || !room)
		return;
	if (c->addr + c->size <= w->asked.chunks_at && w->chunk_count == before) {
		w->has_before = true;
		if (before)
			w->chunks[d->ring] = listed(c);
		d->ring = before ? (d->ring + 1) % before : 0;
	} else if (w->chunk_count < room) {
		w->chunks[w->chunk_count++] = listed(c);
	} else {
		w->has_after = true;
	}
}

static void reverse(struct window_chunk *at, size_t count)
{
	for (size_t i = 0; i < count / 2; i++) {
		struct window_chunk swap = at[i];

		at[i] = at[count - 1 - i];
		at[count - 1 - i] = swap;
	}
}

/* Turns the ring so that it begins with its oldest chunk. */
static void straighten_list(struct digest *d)
{
	struct window_chunk *at = d->window->chunks;

	if (!d->ring)
		return;
	reverse(at, d->ring);
	reverse(at + d->ring, d->window->asked.chunks_before - d->ring);
	reverse(at, d->window->asked.chunks_before);
}

/* --- the whole ------------------------------------------------------------------------------------ */

static void begin(struct digest *d)
{
	struct window *w = d->window;

	d->rows[0] = (struct row){ w->cells, w->cell_count, w->asked.start,
		                   w->cell_count ? w->asked.end : w->asked.start, w->asked.cell };
	d->rows[1] = (struct row){ w->strip, w->strip_count, w->asked.scope_start,
		                   w->asked.scope_end, w->strip_cell };
}

/* Each byte belongs to one chunk: what overlaps, in a heap or among the mmapped ones, is cut. */
static bool take_chunk(struct digest *d, struct chunk_record *c)
{
	uint64_t *reached = &d->reached[c->state == CHUNK_MMAPPED];

	if (c->size > UINT64_MAX - c->addr)
		c->size = UINT64_MAX - c->addr;
	if (c->addr < *reached)
		return false;
	*reached = c->addr + c->size;
	return true;
}

static void digest_one(struct digest *d, const struct chunk_record *c)
{
	const struct window_request *asked = &d->window->asked;
	bool is_large = c->size >= d->rules->min_large;

	if (asked->bytes_len && asked->bytes_at >= c->addr && asked->bytes_at < c->addr + c->size)
		d->window->holder = listed(c);
	if (c->addr >= asked->scope_end || c->addr + c->size <= asked->scope_start)
		return;
	add_chunk(&d->rows[0], c, is_large);
	add_chunk(&d->rows[1], c, is_large);
	add_to_class(d->window, c);
	d->window->known_end = max_u64(d->window->known_end, c->addr + c->size);
	if (c->state == CHUNK_FREE)
		digest_releasable(d, c);
	add_to_list(d, c);
}

void window_digest(const struct chunk_spool *spool, const struct mem_range *ranges,
                   size_t range_count, const struct window_rules *rules, struct window *window)
{
	struct digest d = {
		.rules = rules, .ranges = ranges, .range_count = range_count, .window = window
	};
	struct chunk_cursor cursor = { 0 };
	struct chunk_record c;

	begin(&d);
	digest_pages(&d);
	while (chunk_spool_next(spool, &cursor, &c)) {
		if (take_chunk(&d, &c))
			digest_one(&d, &c);
	}
	straighten_list(&d);
	(void)chunk_spool_count(spool, &window->chunks_lost);
}

/* --- links ---------------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
	const struct window_link *left = a, *right = b;

	return left->value < right->value ? -1 : left->value > right->value;
}

static int by_offset(const void *a, const void *b)
{
	const struct window_link *left = a, *right = b;

	return left->at < right->at ? -1 : left->at > right->at;
}

/* The first link whose value is not below `addr`. */
static size_t first_from(const struct window *w, uint64_t addr)
{
	size_t low = 0, high = w->link_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (w->links[mid].value < addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

void window_resolve(const struct chunk_spool *spool, struct window *w)
{
	struct chunk_cursor cursor = { 0 };
	struct chunk_record c;
	size_t kept = 0;

	qsort(w->links, w->link_count, sizeof(*w->links), by_value);
	while (w->link_count && chunk_spool_next(spool, &cursor, &c)) {
		for (size_t i = first_from(w, c.addr);
		     i < w->link_count && w->links[i].value - c.addr < c.size; i++) {
			w->links[i].chunk = c.addr;
			w->links[i].size = c.size;
			w->links[i].state = c.state;
		}
	}
	for (size_t i = 0; i < w->link_count; i++) {
		if (w->links[i].size)
			w->links[kept++] = w->links[i];
	}
	w->link_count = kept;
	qsort(w->links, w->link_count, sizeof(*w->links), by_offset);
}

/* --- looking something up ------------------------------------------------------------------------- */

const struct window_cell *window_cell_at(const struct window *w, uint64_t addr)
{
	if (!w->cell_count || addr < w->asked.start || addr >= w->asked.end)
		return NULL;
	return &w->cells[(addr - w->asked.start) / w->asked.cell];
}

const struct window_chunk *window_chunk_at(const struct window *w, uint64_t addr)
{
	size_t low = 0, high = w->chunk_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (w->chunks[mid].addr + w->chunks[mid].size <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == w->chunk_count || w->chunks[low].addr > addr)
		return NULL;
	return &w->chunks[low];
}
