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
	CHAIN_ENOUGH = 32,         /* headers that follow one another by accident: no */
	GAP_HEADERS_MAX = 8 << 20, /* of one search by 16 bytes: gaps up to 128 MiB */
	PAGES_MAX = 1 << 20,       /* of one sweep where no piece begins; bounds hostile memory */
	READS_LEAST = 1 << 15,     /* of one sweep, and no more than so many … */
	READS_MAX = 1 << 18,       /* … however large the arena says it is */
	PIECES_MAX = DECODE_HEAPS_MAX,
	SWEPT_MAX = 1024,
	ANCHORS_MAX = 2 * PT_BINS + 2, /* both ends of all bins, last_remainder, sbrk_base */
};

/* A stretch of the target's memory, moved along as headers are followed. */
struct read_window {
	const struct decode *d;
	uint64_t start, valid;
	uint64_t lone; /* the last header that was read without moving the window */
	uint64_t headers_left, reads_left;
	uint8_t *bytes;
};

/**
 * Reads the header of a chunk outside of the window. Where one leads far away the window stays, because
 * the search comes back; it follows when a second one is near the first.
 */
static bool read_header(struct read_window *w, uint64_t chunk, uint8_t *header, uint64_t len)
{
	bool is_far = chunk < w->start || chunk - w->start >= 2ul * WINDOW;
	bool is_lone = is_far && (chunk < w->lone || chunk - w->lone >= WINDOW);
	enum mem_status status;

	if (w->reads_left == 0)
		return false;
	w->reads_left--;
	if (is_lone) {
		w->lone = chunk;
		return mem_read_all(w->d->mem, chunk, header, len);
	}
	w->start = chunk;
	w->valid = mem_read(w->d->mem, chunk, w->bytes, WINDOW, &status);
	if (w->valid >= len)
		memcpy(header, w->bytes, len);
	return w->valid >= len;
}

/** The chunk's prev_size and size words. */
static bool window_header(struct read_window *w, uint64_t chunk, uint64_t *ret_prev,
                          uint64_t *ret_raw)
{
	uint64_t len = 2 * (uint64_t)w->d->lay->word;
	uint8_t header[16];

	if (w->headers_left == 0)
		return false;
	w->headers_left--;
	if (chunk >= w->start && chunk - w->start + len <= w->valid)
		memcpy(header, w->bytes + (chunk - w->start), len);
	else if (!read_header(w, chunk, header, len))
		return false;
	*ret_prev = pt_word(w->d->lay, header);
	*ret_raw = pt_word(w->d->lay, header + w->d->lay->word);
	return true;
}

/* How a chain of chunks went on. */
struct chain {
	uint64_t at;      /* the header that was not passed any more */
	uint64_t headers; /* passed */
	bool is_fenced;   /* ended in two fenceposts; `at` is behind them */
	bool is_cut;      /* ended where memory can't be read (swapped out) */
};

static bool is_main_header(const struct decode *d, uint64_t raw)
{
	return !(raw & (IS_MMAPPED | NON_MAIN_ARENA)) &&
	       pt_is_chunk_size(d->lay, pt_chunk_size(raw));
}

/** Follows chunks from `start` to at most `stop`, or `most` of them. */
static struct chain follow(struct read_window *w, uint64_t start, uint64_t stop, uint64_t most)
{
	uint64_t fence = pt_fencepost_size(w->d->lay), prev, raw, last_size = 0;
	struct chain c = { .at = start };

	while (c.at < stop && c.headers < most) {
		uint64_t size;

		c.is_cut = !window_header(w, c.at, &prev, &raw);
		if (c.is_cut)
			break;
		size = pt_chunk_size(raw);
		if (c.headers == 0 ? !(raw & PREV_INUSE) : !(raw & PREV_INUSE) && prev != last_size)
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

static bool window_open(struct read_window *w, const struct decode *d, struct region *scratch,
                        uint64_t headers_max, uint64_t reads_max)
{
	*w = (struct read_window){ .d = d, .headers_left = headers_max, .reads_left = reads_max };
	w->bytes = region_alloc(scratch, WINDOW);
	return w->bytes != NULL;
}

/** The lowest address in [from, stop) whose chunks lead to `stop` or to fenceposts; else `stop`. */
static uint64_t find_start(struct read_window *w, uint64_t from, uint64_t stop)
{
	const struct malloc_layout *lay = w->d->lay;

	for (uint64_t at = pt_chunk_align_up(lay, from);
	     at < stop && w->headers_left && w->reads_left; at += lay->alignment) {
		struct chain c = follow(w, at, stop, CHAIN_ENOUGH);

		if (c.at == stop || c.headers == CHAIN_ENOUGH)
			return at;
		if (c.headers && (c.is_fenced || (c.is_cut && w->reads_left)))
			return at;
	}
	return stop;
}

uint64_t pt_next_piece(const struct decode *d, uint64_t from, uint64_t stop, uint64_t *reads_left)
{
	struct region *scratch = region_new();
	struct read_window w;
	uint64_t at = stop;

	if (scratch && window_open(&w, d, scratch, GAP_HEADERS_MAX, *reads_left)) {
		at = find_start(&w, from, stop);
		*reads_left = w.reads_left;
	}
	region_free(scratch);
	return at;
}

/* --- an arena that is not contiguous --------------------------------------------------------------- */

typedef VEC(struct malloc_heap) heap_vec;

/* One arena's pieces under search. */
struct search {
	struct read_window w;
	uint64_t sbrk_base, top, top_end;
	heap_vec pieces;
	uint64_t swept[SWEPT_MAX]; /* starts of the memory that was swept */
	size_t swept_count;
};

static bool is_known(const heap_vec *pieces, uint64_t addr)
{
	for (size_t i = 0; i < pieces->count; i++) {
		if (addr >= pieces->at[i].start && addr < pieces->at[i].end)
			return true;
	}
	return false;
}

static bool add_piece(struct search *s, uint64_t start, uint64_t end)
{
	struct malloc_heap *piece = VEC_ADD(s->w.d->region, &s->pieces);

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

/** What to skip at a page where no piece begins: an mmapped chunk, or the page. */
static uint64_t step_over(struct read_window *w, uint64_t at, uint64_t limit)
{
	uint64_t prev, raw, size;

	if (!window_header(w, at, &prev, &raw) || !(raw & IS_MMAPPED))
		return PAGE;
	size = align_up(pt_chunk_size(raw), PAGE);
	return size >= PAGE && size <= limit - at ? size : PAGE;
}

/*
 * All pieces in [from, limit): at each page, do the chunks lead to fenceposts, or to top? Pieces found
 * are passed over, so every byte is looked at once.
 */
static bool sweep(struct search *s, uint64_t from, uint64_t limit)
{
	const struct malloc_layout *lay = s->w.d->lay;
	uint64_t at = from;

	while (at < limit && s->w.headers_left && s->w.reads_left && s->pieces.count < PIECES_MAX) {
		uint64_t start = pt_chunk_align_up(lay, at), end = 0;
		bool below_top = start <= s->top && s->top < limit;
		struct chain c = follow(&s->w, start, below_top ? s->top : limit, UINT64_MAX);

		if (below_top && c.at == s->top)
			end = s->top_end;
		else if (c.is_fenced && c.headers)
			end = align_up(c.at, PAGE);
		if (end && !add_piece(s, at, end))
			return false;
		at = end ? end : align_down(at + step_over(&s->w, at, limit), PAGE);
	}
	return true;
}

/** Sweeps the writable memory around a chunk that is known to be the arena's, once. */
static bool sweep_around(struct search *s, uint64_t chunk)
{
	const struct decode *d = s->w.d;
	uint64_t start, end;

	if (is_known(&s->pieces, chunk) || !pt_is_writable(d, chunk, d->lay->min_size) ||
	    !pt_is_chunk_aligned(d->lay, chunk))
		return true;
	start = writable_start(d, chunk);
	end = writable_end(d, chunk);
	for (size_t i = 0; i < s->swept_count; i++) {
		if (s->swept[i] == start)
			return true;
	}
	if (s->swept_count == SWEPT_MAX)
		return true;
	s->swept[s->swept_count++] = start;
	/* Before sbrk_base the break was somebody else's. */
	if (s->sbrk_base >= start && s->sbrk_base < end)
		start = s->sbrk_base;
	return sweep(s, start, end);
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

static uint64_t total_of(const heap_vec *pieces)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < pieces->count; i++)
		sum += pieces->at[i].end - pieces->at[i].start;
	return sum;
}

/** A piece that no list leads to, because nothing in it is free, may be in any writable memory. */
static bool sweep_rest(struct search *s, uint64_t system_mem)
{
	const struct vma_set *vmas = s->w.d->vmas;

	for (size_t i = 0; i < vmas->count && total_of(&s->pieces) < system_mem; i++) {
		const struct vma *v = &vmas->at[i];

		if (v->inode == 0 && !(v->prot & VMA_SHARED) && !sweep_around(s, v->start))
			return false;
	}
	return true;
}

/** Around top, around sbrk_base, wherever lists lead, and then anywhere. */
static bool find_pieces(struct search *s, const struct arena *arena)
{
	uint64_t anchors[ANCHORS_MAX];
	size_t count = read_anchors(s->w.d, arena, s->sbrk_base, anchors);

	if (s->sbrk_base && s->sbrk_base < s->top &&
	    s->top_end - s->sbrk_base == arena->system_mem &&
	    pt_is_writable(s->w.d, s->sbrk_base, arena->system_mem))
		return add_piece(s, s->sbrk_base, s->top_end);
	if (!sweep_around(s, s->top))
		return false;
	/* A part of it at least. */
	if (!is_known(&s->pieces, s->top) && !add_piece(s, s->top, s->top_end))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!sweep_around(s, anchors[i]))
			return false;
	}
	return sweep_rest(s, arena->system_mem);
}

static bool add_contiguous(struct search *s, const struct arena *arena)
{
	const struct decode *d = s->w.d;
	uint64_t base = s->sbrk_base;

	if (!base || base > s->top || !pt_is_writable(d, base, s->top_end - base)) {
		base = vma_find(d->vmas, arena->top_addr)->start;
		heap_error_add(d->heap, base, "sbrk_base does not fit main_arena's top");
	}
	return add_piece(s, base, s->top_end);
}

static bool add_scattered(struct search *s, const struct arena *arena)
{
	const struct decode *d = s->w.d;
	uint64_t chunks = min_u64(arena->system_mem / d->lay->min_size, UINT32_MAX);
	uint64_t reads = min_u64(arena->system_mem / WINDOW, READS_MAX) + READS_LEAST;
	struct region *scratch = region_new();
	bool ok = scratch && window_open(&s->w, d, scratch, chunks + PAGES_MAX, reads) &&
	          find_pieces(s, arena);

	region_free(scratch);
	return ok;
}

bool pt_read_main_pieces(const struct decode *d, const struct malloc_params *params,
                         struct arena *arena)
{
	struct search s = { .w.d = d,
		            .sbrk_base = fact_or(params->sbrk_base, 0),
		            .top = arena->top_addr };
	const struct vma *v = vma_find(d->vmas, arena->top_addr);
	bool ok;

	if (pt_is_initial_top(d, arena) || !v)
		return true;
	s.top_end = fact_known(arena->top_size) ? s.top + arena->top_size.v : v->end;
	ok = arena->is_contiguous ? add_contiguous(&s, arena) : add_scattered(&s, arena);
	if (ok && total_of(&s.pieces) < arena->system_mem && !arena->is_torn)
		heap_error_add(d->heap, arena->addr, "part of main_arena's memory was not found");
	if (s.pieces.count)
		qsort(s.pieces.at, s.pieces.count, sizeof(*s.pieces.at), by_heap_start);
	arena->heaps = s.pieces.at;
	arena->heap_count = s.pieces.count;
	return ok;
}
