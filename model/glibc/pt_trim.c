/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What malloc_trim(0) would give back now, and what keeps the top from shrinking.
 *
 * glibc malloc/malloc.c:mtrim, arena by arena: consolidate the fastbins (to 2.42), then hand back the
 * whole pages inside each chunk of the bins by MADV_DONTNEED, all but its header; main_arena's top is cut
 * by systrim. Tcache chunks stay in use, tops of thread arenas stay as they are.
 *
 *	|used|free|fast|free|used|      one run: consolidation makes it one chunk
 *	     a....PPPPPPPP..b           the pages between a + header and b go, if they are resident
 */
#include "model/glibc/pt_walk.h"

enum {
	SPAN_GAP = 256 << 10, /* asking for 64 pages more is cheaper than asking once more */
	SPAN_MAX = 16 << 20,  /* of one question: it holds the target's map lock meanwhile */
	TRIM_RANGES_MAX = sizeof(((struct trim_queue *)NULL)->ranges) / sizeof(struct trim_range),
	PAGE_RANGES = 128,
};

/* --- residency ---------------------------------------------------------------------------------- */

/* Bytes of [start, end) that lie in ranges[*i …]; *i moves on with `end`. */
static uint64_t overlap(const struct trim_range *ranges, size_t count, size_t *i, uint64_t start,
                        uint64_t end)
{
	uint64_t bytes = 0;

	for (; *i < count && ranges[*i].start < end; ++*i) {
		uint64_t low = max_u64(start, ranges[*i].start);
		uint64_t high = min_u64(end, ranges[*i].end);

		if (low < high)
			bytes += high - low;
		if (ranges[*i].end > end)
			break;
	}
	return bytes;
}

static uint64_t resident(struct walk *w, const struct trim_range *ranges, size_t count)
{
	struct mem_range pages[PAGE_RANGES];
	uint64_t at = ranges[0].start, end = ranges[count - 1].end, bytes = 0;
	size_t i = 0;

	while (at < end) {
		size_t got =
		        mem_pages(w->d->mem, at, min_u64(end, at + SPAN_MAX), pages, PAGE_RANGES);

		if (!got || pages[got - 1].end <= at) {
			w->trim.is_unknown = true;
			return bytes;
		}
		for (size_t k = 0; k < got; k++) {
			if (pages[k].page == MEM_PAGE_PRESENT)
				bytes += overlap(ranges, count, &i, pages[k].start, pages[k].end);
		}
		at = pages[got - 1].end;
	}
	return bytes;
}

void walk_trim_flush(struct walk *w)
{
	struct trim_queue *q = &w->trim;

	for (size_t i = 0, n; i < q->count && !q->is_unknown; i += n) {
		for (n = 1; i + n < q->count; n++) {
			if (q->ranges[i + n].start - q->ranges[i + n - 1].end > SPAN_GAP)
				break;
		}
		w->tally->trimmable += resident(w, &q->ranges[i], n);
	}
	q->count = 0;
}

static void want_pages(struct walk *w, uint64_t start, uint64_t end)
{
	struct trim_queue *q = &w->trim;

	if (start >= end)
		return;
	if (q->count == TRIM_RANGES_MAX || (q->count && start < q->ranges[q->count - 1].end))
		walk_trim_flush(w);
	q->ranges[q->count++] = (struct trim_range){ start, end };
}

/* mtrim spares the header, sizeof(struct malloc_chunk) (six words), and looks at no smaller chunk. */
static uint64_t least_trimmed(const struct walk *w)
{
	return WALK_PAGE - 1 + 6 * (uint64_t)w->d->lay->word;
}

static void trim_chunk(struct walk *w, uint64_t start, uint64_t end)
{
	if (end - start > least_trimmed(w))
		want_pages(w, align_up(start + 6 * (uint64_t)w->d->lay->word, WALK_PAGE),
		           align_down(end, WALK_PAGE));
}

/* --- runs --------------------------------------------------------------------------------------- */

static void defer(struct walk *w)
{
	if (w->deferred_count >= WALK_DEFERRED_MAX) {
		w->deferred_overflow = true;
		return;
	}
	if (!w->deferred)
		w->deferred = region_alloc(w->scratch, WALK_DEFERRED_MAX * sizeof(*w->deferred));
	if (w->deferred)
		w->deferred[w->deferred_count++] = w->run;
	else
		w->deferred_overflow = true;
}

void walk_run_end(struct walk *w)
{
	if (!w->run.start)
		return;
	w->run.link_end = w->links ? chunk_links_count(w->links) : 0;
	if (!w->run.has_candidates)
		trim_chunk(w, w->run.start, w->run.end);
	else if (w->run.end - w->run.start > least_trimmed(w))
		defer(w);
	/* Field by field: a copy of words that were written just now stalls, half a million times. */
	w->tally->below_pin.start = w->run.start;
	w->tally->below_pin.end = w->run.end;
	w->tally->below_pin.link_begin = w->run.link_begin;
	w->tally->below_pin.link_end = w->run.link_end;
	w->tally->below_pin.has_candidates = w->run.has_candidates;
	w->run.start = 0;
}

/* The free part of a run that ends at run.end, and the chunk in use that it begins behind. */
struct run_tail {
	uint64_t start;
	struct chunk_ref behind; /* size 0: the run's own start */
};

/*
 * A run with its candidates proved: those that no fastbin named divide it. Parts before the last one
 * are trimmed if `is_trimmed`; the last one is returned.
 */
static struct run_tail prove(struct walk *w, const struct walk_run *run, bool is_trimmed)
{
	struct run_tail tail = { .start = run->start };

	for (size_t i = run->link_begin; run->has_candidates && i < run->link_end; i++) {
		const struct chunk_link *link = chunk_links_at(w->links, i);

		enum chunk_state state = chunk_link_state(link);
		uint64_t size = chunk_link_size(link);

		if (state == CHUNK_FREE || state == CHUNK_FAST)
			continue;
		if (link->addr < tail.start || link->addr >= run->end ||
		    size > run->end - link->addr)
			continue;
		if (is_trimmed)
			trim_chunk(w, tail.start, link->addr);
		tail.behind = (struct chunk_ref){ link->addr, size };
		tail.start = link->addr + size;
	}
	return tail;
}

static void trim_deferred(struct walk *w)
{
	for (size_t i = 0; i < w->deferred_count; i++) {
		const struct walk_run *run = &w->deferred[i];

		if (w->tally != &w->tallies[run->arena]) {
			walk_trim_flush(w);
			w->tally = &w->tallies[run->arena];
		}
		trim_chunk(w, prove(w, run, true).start, run->end);
	}
	walk_trim_flush(w);
}

/* --- top ---------------------------------------------------------------------------------------- */

/* systrim gives nothing back unless top ends at the break: someone else called sbrk(). */
static bool ends_at_break(const struct walk *w, const struct arena *arena, uint64_t top_end)
{
	const struct vma *v = vma_find(w->d->vmas, top_end - 1);

	return v && v->end == top_end &&
	       (arena->is_contiguous || vma_is_named(w->d->vmas, v, "[heap]"));
}

/* glibc malloc/malloc.c:systrim with pad 0; `start` is where top begins after consolidation. */
static void trim_main_top(struct walk *w, const struct arena *arena, uint64_t start)
{
	uint64_t unit = max_u64(fact_or(w->ms->params.thp_pagesize, 0), WALK_PAGE);
	uint64_t end = arena->top_addr + fact_or(arena->top_size, 0), spare;

	if (!arena->is_main || end <= start || (unit & (unit - 1)) || !ends_at_break(w, arena, end))
		return;
	spare = end - start;
	if (spare <= w->d->lay->min_size + 1)
		return;
	want_pages(w, end - align_down(spare - w->d->lay->min_size - 1, unit), end);
	walk_trim_flush(w);
}

/* The chunk that top rests on, and the free bytes below it. */
static void find_pin(struct walk *w, struct arena *arena, const struct run_tail *tail)
{
	const struct walk_run *below = &w->tally->below_pin;

	arena->top_pin = (struct chunk_ref){ 0 };
	arena->below_pin = fact_of(0);
	if (tail->behind.size) {
		struct walk_run part = w->tally->top_run;

		arena->top_pin = tail->behind;
		part.end = tail->behind.addr;
		arena->below_pin = fact_of(part.end - prove(w, &part, false).start);
	} else if (w->tally->pin.size && w->tally->pin.addr + w->tally->pin.size == tail->start) {
		arena->top_pin = w->tally->pin;
		if (below->start && below->end == arena->top_pin.addr)
			arena->below_pin = fact_of(below->end - prove(w, below, false).start);
	}
}

static void finish_top(struct walk *w, struct arena *arena)
{
	struct run_tail tail = { .start = arena->top_addr };

	if (!fact_or(arena->top_size, 0))
		return;
	if (w->tally->top_run.start) {
		tail = prove(w, &w->tally->top_run, true);
		walk_trim_flush(w);
	}
	find_pin(w, arena, &tail);
	trim_main_top(w, arena, tail.start);
}

void walk_trim_finish(struct walk *w)
{
	bool is_sure = !w->deferred_overflow && (!w->links || chunk_links_is_complete(w->links));

	trim_deferred(w);
	for (size_t i = 0; i < w->ms->arena_count; i++) {
		struct arena *arena = &w->ms->arenas[i];

		w->tally = &w->tallies[i];
		finish_top(w, arena);
		arena->trimmable = fact_of(w->tally->trimmable);
		if (!is_sure || w->tally->torn_chunks || w->tally->is_moving)
			arena->trimmable.state = FACT_ESTIMATE;
		if (w->trim.is_unknown)
			arena->trimmable = fact_unknown();
	}
}
