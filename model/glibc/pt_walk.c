/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walk over every chunk of every heap: which heaps, in which order, and what their sums mean once
 * the lists are known.
 */
#include "model/glibc/pt_walk.h"

/* How far main_arena may have grown since its pieces were listed. */
#define GROWTH_MAX (64 * MIB)

static uint64_t largest_cached(const struct walk *w)
{
	const struct malloc_layout *lay = w->d->lay;
	uint64_t max = w->fast_max;

	if (lay->tcache.small_bins)
		max = max_u64(max, glibc_tcache_size(lay, lay->tcache.small_bins - 1));
	/* A tunable lets the large classes of 2.42 and later hold more. */
	if (lay->tcache.bins > lay->tcache.small_bins)
		max = max_u64(max, fact_or(w->ms->params.tcache_max_bytes, 0));
	return max;
}

static uint64_t system_bytes(const struct malloc_state *ms)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < ms->arena_count; i++)
		bytes += min_u64(ms->arenas[i].system_mem, UINT64_MAX / 2 - bytes);
	return bytes;
}

/* Each link stands for a chunk; a heap that grows meanwhile rarely consists of the smallest ones. */
static size_t links_wanted(const struct walk *w)
{
	uint64_t bytes = system_bytes(w->ms);

	return (size_t)min_u64(bytes / w->d->lay->min_size + WALK_LINKS_LEAST, WALK_LINKS_MAX);
}

static bool begin_walk(struct walk *w)
{
	const struct malloc_layout *lay = w->d->lay;
	size_t arenas = w->ms->arena_count;

	w->counters = region_alloc(w->scratch, arenas * sizeof(*w->counters));
	w->tallies = region_alloc(w->scratch, arenas * sizeof(*w->tallies));
	if (!w->set)
		w->links = chunk_links_new(w->scratch, links_wanted(w));
	if (!w->counters || !w->tallies || (!w->set && !w->links))
		return false;
	w->anchors.arena = UINT32_MAX;
	w->gap_reads_left = WALK_GAP_READS_MAX;
	if (lay->fastbins)
		w->fast_max = glibc_fastbin_size(lay, lay->fastbins - 1);
	w->cached_max = largest_cached(w);
	return true;
}

bool walk_read_top(struct walk *w, uint64_t *ret)
{
	const struct malloc_layout *lay = w->d->lay;
	uint8_t word[8];

	if (!mem_read_all(w->d->mem, w->arena->addr + lay->arena.top, word, lay->word))
		return false;
	*ret = pt_word(lay, word);
	return pt_is_chunk_aligned(lay, *ret);
}

static void take_mark(struct walk *w)
{
	walk_trim_flush(w);
	w->mark = (struct walk_mark){ .tally = *w->tally,
		                      .counter = *w->counter,
		                      .links = w->links ? chunk_links_count(w->links) : 0,
		                      .deferred = w->deferred_count };
}

void walk_restart(struct walk *w)
{
	struct stream *s = &w->s;

	*w->tally = w->mark.tally;
	*w->counter = w->mark.counter;
	if (w->links)
		chunk_links_rewind(w->links, w->mark.links);
	w->deferred_count = w->mark.deferred;
	w->trim.count = 0;
	w->run.start = 0;
	w->tally->is_moving = true;
	s->next = s->base = s->mark_addr = s->start;
	s->count = 0;
	s->valid = s->chunks = s->mark_chunks = 0;
	s->bad_addr = s->bad_raw = 0;
	s->tries = s->unchanged = 0;
}

/* Top as the walk met it is what the sums belong to. */
static void store_top(struct walk *w)
{
	const struct malloc_layout *lay = w->d->lay;
	struct arena *arena = w->arena;
	uint8_t header[16], system[8];
	uint64_t size;

	w->run.link_end = w->links ? chunk_links_count(w->links) : 0;
	if (w->run.start && w->run.end == w->s.stop)
		w->tally->top_run = w->run;
	w->run.start = 0;
	if (!mem_read_all(w->d->mem, w->s.stop, header, 2 * (size_t)lay->word) ||
	    !mem_read_all(w->d->mem, arena->addr + lay->arena.system_mem, system, lay->word))
		return;
	size = pt_chunk_size(pt_word(lay, header + lay->word));
	if (!pt_is_writable(w->d, w->s.stop, size))
		return;
	arena->top_addr = w->s.stop;
	arena->top_size = fact_of(size);
	arena->system_mem = pt_word(lay, system);
	if (w->sink)
		w->sink->chunk(w->sink->ctx, arena->top_addr, size, CHUNK_TOP, (int)w->arena_index);
}

/* Where a heap ends at the latest, however it has grown. A piece of main_arena can't reach the next. */
static uint64_t growth_limit(const struct walk *w, size_t index)
{
	const struct malloc_heap *heap = &w->arena->heaps[index];
	uint64_t limit = max_u64(heap->rw_end, heap->end);

	if (!w->arena->is_main)
		return max_u64(limit, heap->reserve_end);
	if (index + 1 < w->arena->heap_count)
		return max_u64(limit, heap[1].start);
	return limit < UINT64_MAX - GROWTH_MAX ? limit + GROWTH_MAX : limit;
}

/* Top moves while we read, and with it the end of what may be read: its heap may have grown. */
static void find_top(struct walk *w, size_t index)
{
	const struct malloc_heap *heap = &w->arena->heaps[index];
	struct stream *s = &w->s;
	uint64_t limit = growth_limit(w, index), top;

	s->stop = heap->end;
	s->read_end = max_u64(heap->rw_end, heap->end);
	if (!walk_read_top(w, &top))
		top = w->arena->top_addr;
	if (top < heap->start || top >= limit)
		return;
	s->has_top = true;
	s->stop = top;
	s->read_end = limit;
}

static void walk_heap(struct walk *w, const struct heap_span *span)
{
	const struct malloc_heap *heap;

	w->arena_index = span->arena;
	w->arena = &w->ms->arenas[span->arena];
	w->tally = &w->tallies[span->arena];
	w->counter = &w->counters[span->arena];
	w->run.start = 0;
	take_mark(w);
	heap = &w->arena->heaps[span->heap];
	w->s = (struct stream){ .start = pt_first_chunk(w->d, w->arena, span->heap),
		                .bad_bits = IS_MMAPPED | (w->d->lay->alignment == 16 ? 8 : 0) |
		                            (w->arena->is_main ? NON_MAIN_ARENA : 0) };
	find_top(w, span->heap);
	if (w->s.start > w->s.stop) {
		heap_error_add(w->d->heap, heap->start, "a heap ends before its first chunk");
		w->tally->torn_chunks++;
		return;
	}
	walk_stream(w);
	if (w->s.has_top)
		store_top(w);
	walk_trim_flush(w);
}

/* Heaps that overlap are a hostile arena's: each byte is walked once. */
static void walk_heaps(struct walk *w, const struct heap_map *map)
{
	uint64_t reached = 0;

	for (size_t i = 0; i < map->count; i++) {
		const struct heap_span *span = &map->at[i];

		if (span->start < reached || span->end <= span->start) {
			heap_error_add(w->d->heap, span->start, "heaps overlap");
			w->tallies[span->arena].torn_chunks++;
			continue;
		}
		reached = span->end;
		walk_heap(w, span);
	}
}

static struct count_bytes count_bytes(struct walk_sum sum, enum fact_state state)
{
	return (struct count_bytes){ .count = { sum.count, state }, .bytes = { sum.bytes, state } };
}

static bool is_exact(const struct count_bytes *figure)
{
	return figure->count.state == FACT_KNOWN && figure->bytes.state == FACT_KNOWN;
}

/*
 * Lists that broke while the target worked. With safe-linking nearly all candidates are cached;
 * without, ordinary pointers look like links, and what could be followed is the better guess.
 */
static struct walk_sum guess_cached(const struct walk *w, const struct walk_tally *tally,
                                    const struct arena *arena)
{
	if (w->d->lay->safe_linking)
		return tally->candidates;
	return (struct walk_sum){
		.count = fact_or(arena->fastbin_total.count, 0) +
		         fact_or(arena->tcache_total.count, 0),
		.bytes = fact_or(arena->fastbin_total.bytes, 0) +
		         fact_or(arena->tcache_total.bytes, 0),
	};
}

/* Chunks that look in use, less those that lie in fastbins and tcaches. */
static void store_in_use(const struct walk *w, const struct walk_tally *tally, struct arena *arena)
{
	struct walk_sum in_use = tally->in_use, cached = { 0 };
	bool are_lists_exact = is_exact(&arena->fastbin_total) && is_exact(&arena->tcache_total);
	enum fact_state state = are_lists_exact ? FACT_KNOWN : FACT_ESTIMATE;

	if (!w->set && are_lists_exact) {
		cached.count = arena->fastbin_total.count.v + arena->tcache_total.count.v;
		cached.bytes = arena->fastbin_total.bytes.v + arena->tcache_total.bytes.v;
	} else if (!w->set) {
		cached = guess_cached(w, tally, arena);
	}
	if (cached.count > in_use.count || cached.bytes > in_use.bytes) {
		arena->in_use = count_bytes((struct walk_sum){ 0 }, FACT_UNKNOWN);
		return;
	}
	in_use.count -= cached.count;
	in_use.bytes -= cached.bytes;
	if (tally->is_moving)
		state = FACT_ESTIMATE;
	if (tally->torn_chunks || tally->unreadable)
		state = FACT_TORN;
	arena->in_use = count_bytes(in_use, state);
}

static void store(struct walk *w)
{
	struct walk_facts *facts = &w->ms->walk;

	*facts = (struct walk_facts){ .is_done = true, .retries = w->retries };
	for (size_t i = 0; i < w->ms->arena_count; i++) {
		const struct walk_tally *tally = &w->tallies[i];
		struct arena *arena = &w->ms->arenas[i];
		enum fact_state state = tally->torn_chunks || tally->unreadable ? FACT_TORN
		                        : tally->is_moving                      ? FACT_ESTIMATE
		                                                                : FACT_KNOWN;

		arena->is_torn = tally->torn_chunks > 0;
		arena->fencepost_bytes = tally->fencepost_bytes;
		arena->free_total = count_bytes(tally->free, state);
		store_in_use(w, tally, arena);
		facts->chunks += tally->chunks;
		facts->bytes += tally->bytes;
		facts->torn_chunks += tally->torn_chunks;
		facts->torn_bytes += tally->torn_bytes;
		facts->unreadable += tally->unreadable;
	}
	w->ms->has_walk = true;
}

static void tell_total(struct walk_progress *progress, uint64_t bytes)
{
	if (!progress)
		return;
	atomic_store_explicit(&progress->done, 0, memory_order_relaxed);
	atomic_store_explicit(&progress->total, bytes, memory_order_relaxed);
}

/* One pass; `how` says which. Without a set, what lists hold is put into `found` (may be NULL). */
static bool walk_once(const struct walk *how, struct chunk_set *found)
{
	struct region *scratch = region_new();
	struct walk *w = scratch ? region_alloc(scratch, sizeof(*w)) : NULL;
	struct heap_map map;
	bool done = false;

	if (w) {
		*w = *how;
		w->scratch = scratch;
		done = begin_walk(w) && pt_map_heaps(scratch, w->ms, &map);
	}
	tell_total(how->d->progress, done ? system_bytes(how->ms) : 0);
	if (done)
		walk_heaps(w, &map);
	if (done && w->links)
		done = chunk_links_seal(w->links) &&
		       pt_resolve_links(w->d, w->ms, w->links, w->counters, found);
	if (done) {
		walk_trim_finish(w);
		store(w);
	}
	tell_total(how->d->progress, 0);
	region_free(scratch);
	return done;
}

bool pt_walk(const struct decode *d, struct malloc_state *ms, const struct chunk_set *set,
             const struct chunk_sink *sink)
{
	return walk_once(&(struct walk){ .d = d, .ms = ms, .set = set, .sink = sink }, NULL);
}

bool pt_walk_cached(const struct decode *d, struct malloc_state *ms, struct chunk_set *found)
{
	return walk_once(&(struct walk){ .d = d, .ms = ms }, found);
}
