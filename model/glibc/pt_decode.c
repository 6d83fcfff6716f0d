/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/glibc/pt_tcache.h"

/*
 * Which way is cheaper, by measurement: a node of a list costs about 2 us (gathered reads), a resident
 * page of the heap 0.65 us (streamed pass). So lists are followed when free chunks are fewer than a
 * quarter of the pages, else everything is streamed. When their number is not known yet, lists are
 * tried for as long as that costs a small part of the pass.
 */
enum { PAGE = 4096, PAGES_PER_NODE = 4, PAGES_PER_TRIED_NODE = 32, TRIED_NODES_LEAST = 1024 };

/* With a sink every cached chunk is remembered: 8 M of them are 128 MiB of slots at the most. */
enum { SET_MAX = 8 << 20 };

/* --- in use without a walk -------------------------------------------------------------------- */

/** Bytes of fenceposts at the end of a heap that is not the newest (glibc malloc.c:sysmalloc). */
static uint64_t fenceposts_of(const struct decode *d, const struct malloc_heap *heap)
{
	const struct malloc_layout *lay = d->lay;
	uint64_t fence = pt_fencepost_size(lay);
	uint64_t chunk = pt_chunk_of_mem(lay, align_down(heap->end - fence, lay->alignment));
	uint8_t word[8];

	/* The first was left out when what remained of top was too small for a chunk. */
	if (mem_read_all(d->mem, chunk + lay->word, word, lay->word) &&
	    pt_chunk_size(pt_word(lay, word)) != fence)
		chunk += fence;
	return heap->end - chunk;
}

/** Bytes that are accounted in system_mem but are no chunks: headers, alignment, fenceposts. */
static uint64_t overhead_of(const struct decode *d, struct arena *arena)
{
	uint64_t bytes = 0, fences = 0;

	for (size_t i = 0; i < arena->heap_count; i++) {
		bytes += pt_first_chunk(d, arena, i) - arena->heaps[i].start;
		if (!arena->is_main && i + 1 < arena->heap_count)
			fences += fenceposts_of(d, &arena->heaps[i]);
	}
	if (!arena->is_main)
		arena->fencepost_bytes = fences;
	return bytes + arena->fencepost_bytes;
}

static enum fact_state worst_of(const struct arena *arena)
{
	const struct fact parts[] = { arena->top_size, arena->free_total.bytes,
		                      arena->fastbin_total.bytes, arena->tcache_total.bytes };
	enum fact_state worst =
	        arena->is_main && arena->heap_count > 1 ? FACT_ESTIMATE : FACT_KNOWN;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (parts[i].state == FACT_UNKNOWN)
			return FACT_UNKNOWN;
		if (parts[i].state == FACT_TORN ||
		    (parts[i].state == FACT_ESTIMATE && worst == FACT_KNOWN))
			worst = parts[i].state;
	}
	return worst;
}

/*
 * What is in use by what is not. The number of chunks is known only by a walk: what an earlier one
 * counted stays, as an estimate.
 */
static void account_in_use(const struct decode *d, struct arena *arena)
{
	uint64_t rest = overhead_of(d, arena), sum;
	enum fact_state state = worst_of(arena);

	if (arena->in_use.count.state == FACT_KNOWN)
		arena->in_use.count.state = FACT_ESTIMATE;
	arena->in_use.bytes = fact_unknown();
	if (state == FACT_UNKNOWN)
		return;
	sum = arena->top_size.v + arena->free_total.bytes.v + arena->fastbin_total.bytes.v +
	      arena->tcache_total.bytes.v + rest;
	if (sum > arena->system_mem) {
		/* Parts of different instants, or a hostile arena. */
		heap_error_add(d->heap, arena->addr, "an arena's parts are more than its whole");
		return;
	}
	arena->in_use.bytes = (struct fact){ arena->system_mem - sum, state };
}

/* --- lists, walk ------------------------------------------------------------------------------ */

/** False when it is not known how many free chunks there were the last time. */
static bool known_nodes(const struct malloc_state *ms, uint64_t *ret_nodes, uint64_t *ret_pages)
{
	bool known = true;

	*ret_nodes = *ret_pages = 0;
	for (size_t i = 0; i < ms->arena_count; i++) {
		const struct arena *arena = &ms->arenas[i];

		*ret_pages += arena->system_mem / PAGE;
		if (fact_known(arena->free_total.count) && fact_known(arena->fastbin_total.count))
			*ret_nodes += arena->free_total.count.v + arena->fastbin_total.count.v;
		else if (arena->system_mem)
			known = false;
	}
	return known;
}

static bool follow_lists(const struct decode *d, struct malloc_state *ms)
{
	uint64_t nodes, pages, budget;

	if (known_nodes(ms, &nodes, &pages)) {
		if (nodes > pages / PAGES_PER_NODE && nodes > TRIED_NODES_LEAST)
			return false;
		budget = max_u64(2 * nodes, pages / PAGES_PER_NODE);
	} else {
		budget = pages / PAGES_PER_TRIED_NODE;
	}
	if (!pt_read_all_lists(d, ms, NULL, max_u64(budget, TRIED_NODES_LEAST)))
		return false;
	for (size_t i = 0; i < ms->arena_count; i++)
		account_in_use(d, &ms->arenas[i]);
	return true;
}

static bool lists_are_known(const struct malloc_state *ms)
{
	for (size_t i = 0; i < ms->arena_count; i++)
		if (!fact_known(ms->arenas[i].fastbin_total.count))
			return false;
	return true;
}

/**
 * A sink is told each chunk's state as it is met, so what is cached must be known before: from a
 * first pass, or, where that has met more than it may note, from the lists themselves.
 */
static bool walk_with_sink(const struct decode *d, struct malloc_state *ms,
                           const struct chunk_sink *sink)
{
	struct region *scratch = region_new();
	struct chunk_set *set = scratch ? chunk_set_new(scratch, SET_MAX) : NULL;
	bool ok = set && pt_walk_cached(d, ms, set);

	if (ok && !lists_are_known(ms))
		ok = pt_read_all_lists(d, ms, set, 0);
	if (ok && !chunk_set_is_complete(set))
		heap_error_add(d->heap, 0, "too many cached chunks to tell them all apart");
	ok = ok && pt_walk(d, ms, set, sink);
	region_free(scratch);
	return ok;
}

/** Threads whose tcache was found since: by their counters. */
static void read_new_tcaches(const struct decode *d, struct malloc_state *ms)
{
	for (size_t i = 0; i < ms->thread_count; i++) {
		struct malloc_thread *thread = &ms->threads[i];

		if (!fact_known(thread->total.count) && fact_known(thread->tcache))
			(void)pt_read_tcache(d, thread, pt_tcache_depth(d, ms), NULL);
	}
}

/** Those that are surely there: a look-alike beyond mp_'s count is not told. */
static void tell_mmapped(const struct malloc_state *ms, const struct chunk_sink *sink)
{
	for (size_t i = 0; i < ms->mmapped_count; i++) {
		const struct mmapped_chunk *m = &ms->mmapped[i];

		if (!m->is_excess)
			sink->chunk(sink->ctx, m->addr, m->size - (m->addr - m->base),
			            CHUNK_MMAPPED, -1);
	}
}

bool pt_decode(const struct decode *d, struct malloc_state *ms, uint32_t what,
               const struct chunk_sink *sink)
{
	bool ok = true;

	if ((what & TAKE_HEADERS) && !pt_read_arenas(d, ms))
		return false;
	if (what & TAKE_WALK)
		ok = sink ? walk_with_sink(d, ms, sink) : pt_walk(d, ms, NULL, NULL);
	else if (what & TAKE_LISTS)
		ok = follow_lists(d, ms) || pt_walk(d, ms, NULL, NULL);
	read_new_tcaches(d, ms);
	if (what & TAKE_MMAPPED)
		ok = pt_find_mmapped(d, ms) && ok;
	if ((what & TAKE_WALK) && (what & TAKE_MMAPPED) && sink)
		tell_mmapped(ms, sink);
	pt_total(ms);
	return ok;
}

/* --- totals ----------------------------------------------------------------------------------- */

/** Adds a part to a sum, which is known only as well as its worst part. */
static void add_fact(struct fact *sum, struct fact part)
{
	if (sum->state == FACT_UNKNOWN)
		return;
	if (part.state == FACT_UNKNOWN) {
		*sum = fact_unknown();
		return;
	}
	sum->v += part.v;
	if (part.state == FACT_TORN || (part.state == FACT_ESTIMATE && sum->state == FACT_KNOWN))
		sum->state = part.state;
}

void pt_total(struct malloc_state *ms)
{
	struct malloc_totals *t = &ms->totals;
	const struct fact zero = fact_of(0);

	*t = (struct malloc_totals){ zero, zero, zero, zero, zero, zero, zero, zero, zero, zero };
	for (size_t i = 0; i < ms->arena_count; i++) {
		const struct arena *arena = &ms->arenas[i];

		add_fact(&t->system, fact_of(arena->system_mem));
		add_fact(&t->in_use, arena->in_use.bytes);
		add_fact(&t->free, arena->free_total.bytes);
		add_fact(&t->fastbins, arena->fastbin_total.bytes);
		add_fact(&t->top, arena->top_size);
		add_fact(&t->trimmable, arena->trimmable);
		add_fact(&t->chunks_in_use, arena->in_use.count);
		add_fact(&t->chunks_free, arena->free_total.count);
	}
	for (size_t i = 0; i < ms->thread_count; i++)
		add_fact(&t->tcache, ms->threads[i].total.bytes);
	t->mmapped = ms->params.mmapped_mem;
}
