/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "model/base/vec.h"
#include "model/glibc/pt_header.h"

/*
 * main_arena's memory. As a rule it is one piece: from mp_.sbrk_base to the end of top. When someone
 * else moved the break in between, or when brk failed and glibc mapped memory instead, the old top ends
 * in two fenceposts and a new piece begins elsewhere (glibc malloc/malloc.c:sysmalloc):
 *
 *	sbrk_base                                  a page border, or where the other's memory ends
 *	| chunk | chunk | old top | fence | fence | ...... | chunk | chunk | top |
 *
 * No structure names those pieces. They are recognised by their chunks: a chain of plausible headers
 * that leads to one that is known.
 */

enum {
	PAGE = 4096,
	WINDOW = 64 << 10,
	CHAIN_ENOUGH = 32,     /* headers that follow one another by accident: no */
	HEADERS_MAX = 8 << 20, /* of one search; bounds hostile memory */
	PIECES_MAX = 1024,
	ANCHORS_MAX = 2 * PT_BINS + 2, /* both ends of all bins, last_remainder, sbrk_base */
};

/* A stretch of the target's memory, moved along as headers are followed. */
struct window {
	const struct decode *d;
	uint64_t start, valid;
	uint64_t headers_left;
	uint8_t *bytes;
};

/** The chunk's prev_size and size words. */
static bool window_header(struct window *w, uint64_t chunk, uint64_t *ret_prev, uint64_t *ret_raw)
{
	uint64_t len = 2 * (uint64_t)w->d->lay->word;
	enum mem_status status;

	if (w->headers_left == 0)
		return false;
	w->headers_left--;
	if (chunk < w->start || chunk - w->start + len > w->valid) {
		w->start = chunk;
		w->valid = mem_read(w->d->mem, chunk, w->bytes, WINDOW, &status);
		if (w->valid < len)
			return false;
	}
	*ret_prev = pt_word(w->d->lay, w->bytes + (chunk - w->start));
	*ret_raw = pt_word(w->d->lay, w->bytes + (chunk - w->start) + w->d->lay->word);
	return true;
}

/* How a chain of chunks went on. */
struct chain {
	uint64_t at;      /* the header that was not passed any more */
	uint64_t headers; /* passed */
	bool is_fenced;   /* ended in two fenceposts; `at` is behind them */
};

static bool is_main_header(const struct decode *d, uint64_t raw)
{
	return !(raw & (PT_IS_MMAPPED | PT_NON_MAIN_ARENA)) &&
	       pt_is_chunk_size(d->lay, pt_chunk_size(raw));
}

/** Follows chunks from `start` to at most `stop`, or `most` of them. */
static struct chain follow(struct window *w, uint64_t start, uint64_t stop, uint64_t most)
{
	uint64_t fence = pt_fencepost_size(w->d->lay), prev, raw, last_size = 0;
	struct chain c = { .at = start };

	while (c.at < stop && c.headers < most && window_header(w, c.at, &prev, &raw)) {
		uint64_t size = pt_chunk_size(raw);

		if (c.headers == 0 ? !(raw & PT_PREV_INUSE)
		                   : !(raw & PT_PREV_INUSE) && prev != last_size)
			break;
		if (size == fence && fence < w->d->lay->min_size) {
			c.is_fenced = true;
			c.at += 2 * fence;
			break;
		}
		if (!is_main_header(w->d, raw) || size > stop - c.at)
			break;
		c.headers++;
		c.at += size;
		last_size = size;
	}
	return c;
}

static bool window_open(struct window *w, const struct decode *d, struct region *scratch)
{
	*w = (struct window){ .d = d, .headers_left = HEADERS_MAX };
	w->bytes = region_alloc(scratch, WINDOW);
	return w->bytes != NULL;
}

/** The lowest address in [from, stop), in steps, whose chunks lead to `stop`; else `stop`. */
static uint64_t find_start(struct window *w, uint64_t from, uint64_t stop, uint64_t step)
{
	for (uint64_t at = pt_chunk_align_up(w->d->lay, align_up(from, step)); at < stop;
	     at += step) {
		struct chain c = follow(w, at, stop, CHAIN_ENOUGH);

		if (c.at == stop || c.headers == CHAIN_ENOUGH || (c.is_fenced && c.headers))
			return at;
		if (w->headers_left == 0)
			break;
	}
	return stop;
}

uint64_t pt_next_piece(const struct decode *d, uint64_t from, uint64_t stop)
{
	struct region *scratch = region_new();
	struct window w;
	uint64_t at = stop;

	if (scratch && window_open(&w, d, scratch))
		at = find_start(&w, from, stop, d->lay->alignment);
	region_free(scratch);
	return at;
}

/* --- an arena that is not contiguous --------------------------------------------------------------- */

typedef VEC(struct malloc_heap) heap_vec;

static bool is_known(const heap_vec *pieces, uint64_t addr)
{
	for (size_t i = 0; i < pieces->count; i++) {
		if (addr >= pieces->at[i].start && addr < pieces->at[i].end)
			return true;
	}
	return false;
}

static bool add_piece(const struct decode *d, heap_vec *pieces, uint64_t start, uint64_t end)
{
	struct malloc_heap *piece = VEC_ADD(d->region, pieces);

	if (piece)
		*piece = (struct malloc_heap){ start, end, end, end };
	return piece != NULL;
}

/** The start of the writable memory around `addr`, VMAs without a gap taken together. */
static uint64_t writable_start(const struct decode *d, uint64_t addr)
{
	const struct vma *v = vma_find(d->vmas, addr);

	while (v && v > d->vmas->at && v[-1].end == v->start &&
	       pt_is_writable(d, v[-1].start, vma_size(&v[-1])))
		v--;
	return v ? v->start : addr;
}

static uint64_t writable_end(const struct decode *d, uint64_t addr)
{
	const struct vma *v = vma_find(d->vmas, addr), *past = d->vmas->at + d->vmas->count;

	while (v && v + 1 < past && v[1].start == v->end &&
	       pt_is_writable(d, v[1].start, vma_size(&v[1])))
		v++;
	return v ? v->end : addr;
}

/** Pieces that lie directly above `end`, as mappings placed downwards do. */
static bool add_neighbours(struct window *w, heap_vec *pieces, uint64_t end)
{
	uint64_t limit = writable_end(w->d, end - 1);

	while (end < limit && pieces->count < PIECES_MAX && !is_known(pieces, end)) {
		uint64_t start = pt_chunk_align_up(w->d->lay, end);
		struct chain c = follow(w, start, limit, UINT64_MAX);

		if (!c.is_fenced || c.headers == 0)
			break;
		if (!add_piece(w->d, pieces, start, align_up(c.at, PAGE)))
			return false;
		end = pieces->at[pieces->count - 1].end;
	}
	return true;
}

/** The piece around a chunk that a list names. */
static bool add_piece_of(struct window *w, heap_vec *pieces, uint64_t chunk)
{
	uint64_t start = writable_start(w->d, chunk), limit = writable_end(w->d, chunk);
	struct chain c;

	if (!pt_is_writable(w->d, chunk, w->d->lay->min_size) ||
	    !pt_is_chunk_aligned(w->d->lay, chunk) || is_known(pieces, chunk) ||
	    pieces->count == PIECES_MAX)
		return true;
	start = find_start(w, start, chunk, PAGE);
	c = follow(w, start, limit, UINT64_MAX);
	if (!c.is_fenced)
		return true;
	return add_piece(w->d, pieces, start, align_up(c.at, PAGE)) &&
	       add_neighbours(w, pieces, align_up(c.at, PAGE));
}

static size_t read_anchors(const struct decode *d, const struct arena *arena, uint64_t sbrk_base,
                           uint64_t *anchors)
{
	uint8_t copy[PT_ARENA_MAX];
	size_t count = 0;

	if (sbrk_base)
		anchors[count++] = pt_chunk_align_up(d->lay, sbrk_base);
	if (arena->last_remainder)
		anchors[count++] = arena->last_remainder;
	if (d->lay->arena.size > sizeof(copy) ||
	    !mem_read_all(d->mem, arena->addr, copy, d->lay->arena.size))
		return count;
	for (unsigned bin = 1; bin < PT_BINS; bin++) {
		uint64_t own = pt_bin_addr(d->lay, arena->addr, bin);
		uint64_t first = pt_bin_first(d->lay, copy, bin);
		uint64_t last = pt_bin_last(d->lay, copy, bin);

		if (first && first != own) {
			anchors[count++] = first;
			anchors[count++] = last;
		}
	}
	return count;
}

static int by_heap_start(const void *a, const void *b)
{
	const struct malloc_heap *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/** First the piece with top, then what lies next to it, then what lists lead to. */
static bool find_pieces(struct window *w, const struct arena *arena, uint64_t sbrk_base,
                        uint64_t end, heap_vec *pieces)
{
	const struct decode *d = w->d;
	uint64_t anchors[ANCHORS_MAX], low = writable_start(d, arena->top_addr), start;
	size_t count = read_anchors(d, arena, sbrk_base, anchors);

	if (sbrk_base >= low && sbrk_base < arena->top_addr && end - sbrk_base == arena->system_mem)
		return add_piece(d, pieces, sbrk_base, end);
	/* A piece is no longer than all of the arena. */
	if (end - low > arena->system_mem)
		low = end - arena->system_mem;
	start = find_start(w, low, arena->top_addr, PAGE);
	if (!add_piece(d, pieces, start, end) || !add_neighbours(w, pieces, end))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!add_piece_of(w, pieces, anchors[i]))
			return false;
	}
	return true;
}

static uint64_t total_of(const heap_vec *pieces)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < pieces->count; i++)
		sum += pieces->at[i].end - pieces->at[i].start;
	return sum;
}

bool pt_read_main_pieces(const struct decode *d, const struct malloc_params *params,
                         struct arena *arena)
{
	uint64_t base = fact_or(params->sbrk_base, 0), end;
	const struct vma *v = vma_find(d->vmas, arena->top_addr);
	struct region *scratch;
	heap_vec pieces = { 0 };
	struct window w;
	bool ok;

	if (pt_is_initial_top(d, arena) || !v)
		return true;
	end = fact_known(arena->top_size) ? arena->top_addr + arena->top_size.v : v->end;
	if (arena->is_contiguous) {
		if (!base || base > arena->top_addr || !pt_is_writable(d, base, end - base)) {
			base = v->start;
			heap_error_add(d->heap, base, "sbrk_base does not fit main_arena's top");
		}
		ok = add_piece(d, &pieces, base, end);
	} else {
		scratch = region_new();
		ok = scratch && window_open(&w, d, scratch) &&
		     find_pieces(&w, arena, base, end, &pieces);
		region_free(scratch);
	}
	if (ok && total_of(&pieces) < arena->system_mem && !arena->is_torn)
		heap_error_add(d->heap, arena->addr, "part of main_arena's memory was not found");
	if (pieces.count)
		qsort(pieces.at, pieces.count, sizeof(*pieces.at), by_heap_start);
	arena->heaps = pieces.at;
	arena->heap_count = pieces.count;
	return ok;
}
