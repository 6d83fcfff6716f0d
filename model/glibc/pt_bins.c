/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/glibc/pt_tcache.h"

/* How many arenas and tcaches are followed in lockstep: enough for wide gathers, little memory. */
enum { ARENAS_AT_ONCE = 16, TCACHES_AT_ONCE = 32 };

static bool read_header(const struct decode *d, const struct arena *arena, uint8_t *copy)
{
	if (d->lay->arena.size > PT_ARENA_MAX)
		return false;
	if (mem_read_all(d->mem, arena->addr, copy, d->lay->arena.size))
		return true;
	heap_error_add(d->heap, arena->addr, "an arena can't be read");
	return false;
}

/* --- lists read in the target ------------------------------------------------------------------------- */

/* Arenas whose lists are followed together. */
struct arena_batch {
	struct bin_counter counters[ARENAS_AT_ONCE];
	enum fact_state states[ARENAS_AT_ONCE];
	uint8_t copy[PT_ARENA_MAX];
};

static bool follow_arenas(struct lists *lists, struct arena_batch *batch, struct arena *arenas,
                          size_t count)
{
	const struct decode *d = lists->d;

	memset(batch->counters, 0, sizeof(batch->counters));
	for (size_t i = 0; i < count; i++) {
		batch->states[i] = FACT_UNKNOWN;
		if (!read_header(d, &arenas[i], batch->copy))
			continue;
		batch->states[i] = FACT_KNOWN;
		if (!lists_add_arena(lists, &arenas[i], batch->copy, &batch->counters[i],
		                     &batch->states[i]))
			return false;
	}
	if (!lists_follow(lists))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (batch->states[i] != FACT_UNKNOWN &&
		    !bin_counter_store(&batch->counters[i], d, batch->states[i], &arenas[i]))
			return false;
	}
	return true;
}

bool pt_read_lists(const struct decode *d, struct arena *arena, struct chunk_set *set,
                   uint64_t budget_nodes)
{
	struct lists lists = { .d = d, .set = set, .budget = budget_nodes };
	struct arena_batch *batch;
	bool ok;

	arena->has_lists = false;
	lists.scratch = region_new();
	batch = lists.scratch ? region_alloc(lists.scratch, sizeof(*batch)) : NULL;
	ok = batch && follow_arenas(&lists, batch, arena, 1);
	region_free(lists.scratch);
	return ok && arena->has_lists;
}

/* The worse of two: lists that broke, then those that may have. */
static enum fact_state worse(enum fact_state a, enum fact_state b)
{
	if (a == FACT_TORN || b == FACT_TORN)
		return FACT_TORN;
	return a == FACT_KNOWN ? b : a;
}

static bool follow_tcaches(struct lists *lists, struct tcache_job *jobs,
                           struct malloc_thread *threads, size_t count, uint64_t tcache_count,
                           enum fact_state *state)
{
	const struct decode *d = lists->d;
	uint8_t copy[PT_TCACHE_MAX];

	memset(jobs, 0, count * sizeof(*jobs));
	for (size_t i = 0; i < count; i++) {
		struct tcache_job *job = &jobs[i];

		job->counted_state = job->followed_state = FACT_KNOWN;
		if (!fact_known(threads[i].tcache))
			*state = worse(*state, FACT_ESTIMATE);
		if (pt_has_no_tcache(d, &threads[i]))
			continue;
		if (!pt_load_tcache(d, threads[i].tcache.v, tcache_count, copy, &job->counted,
		                    &job->counted_state)) {
			*state = FACT_TORN;
			continue;
		}
		job->thread = &threads[i];
		if (!pt_queue_tcache(lists, copy, job, 0))
			return false;
	}
	return true;
}

static bool store_tcaches(const struct decode *d, struct tcache_job *jobs, size_t count,
                          enum fact_state *state)
{
	for (size_t i = 0; i < count; i++) {
		if (!jobs[i].thread)
			continue;
		if (!pt_store_tcache(d, &jobs[i], 0))
			return false;
		*state = worse(*state, jobs[i].thread->total.count.state);
	}
	return true;
}

static void store_shares(struct malloc_state *ms, const struct arena_share *shares,
                         enum fact_state state)
{
	for (size_t i = 0; i < ms->arena_count; i++)
		ms->arenas[i].tcache_total = (struct count_bytes){ { shares[i].count, state },
			                                           { shares[i].bytes, state } };
}

static bool read_all_tcaches(struct lists *lists, struct malloc_state *ms)
{
	const struct decode *d = lists->d;
	struct tcache_job *jobs = region_alloc(lists->scratch, TCACHES_AT_ONCE * sizeof(*jobs));
	enum fact_state state = FACT_KNOWN;

	if (!jobs || d->lay->tcache.size > PT_TCACHE_MAX)
		return false;
	for (size_t i = 0; i < ms->thread_count; i += TCACHES_AT_ONCE) {
		size_t count = min_u64(TCACHES_AT_ONCE, ms->thread_count - i);

		if (!follow_tcaches(lists, jobs, &ms->threads[i], count, pt_tcache_depth(d, ms),
		                    &state) ||
		    !lists_follow(lists) || !store_tcaches(d, jobs, count, &state))
			return false;
	}
	store_shares(ms, lists->shares, state);
	return true;
}

bool pt_read_all_lists(const struct decode *d, struct malloc_state *ms, struct chunk_set *set,
                       uint64_t budget_nodes)
{
	struct lists lists = { .d = d, .set = set, .budget = budget_nodes };
	struct arena_batch *batch;
	struct heap_map map;
	bool ok;

	lists.scratch = region_new();
	if (!lists.scratch)
		return false;
	batch = region_alloc(lists.scratch, sizeof(*batch));
	lists.shares = region_alloc(lists.scratch, ms->arena_count * sizeof(*lists.shares));
	ok = batch && lists.shares && pt_map_heaps(lists.scratch, ms, &map);
	lists.heaps = &map;
	for (size_t i = 0; ok && i < ms->arena_count; i += ARENAS_AT_ONCE)
		ok = follow_arenas(&lists, batch, &ms->arenas[i],
		                   min_u64(ARENAS_AT_ONCE, ms->arena_count - i));
	ok = ok && read_all_tcaches(&lists, ms);
	region_free(lists.scratch);
	return ok;
}

/* --- lists followed in a walk's links ------------------------------------------------------------------- */

static bool resolve_arena(struct lists *lists, struct arena *arena, struct bin_counter *counter,
                          struct chunk_links *links)
{
	enum fact_state state = FACT_KNOWN;
	uint8_t copy[PT_ARENA_MAX];

	if (!read_header(lists->d, arena, copy))
		return true;
	if (!lists_add_arena_unsized(lists, arena, copy, counter, &state) ||
	    !lists_follow_links(lists, links))
		return false;
	return bin_counter_store(counter, lists->d, state, arena);
}

/** Too many free chunks for the links: sizes are known, lists are not. */
static bool resolve_without_links(const struct decode *d, struct malloc_state *ms,
                                  struct bin_counter *counters)
{
	for (size_t i = 0; i < ms->arena_count; i++) {
		struct arena *arena = &ms->arenas[i];

		if (!bin_counter_store(&counters[i], d, FACT_ESTIMATE, arena))
			return false;
		arena->unsorted = arena->fastbin_total = arena->tcache_total =
		        (struct count_bytes){ 0 };
	}
	for (size_t i = 0; i < ms->thread_count; i++)
		(void)pt_read_tcache(d, &ms->threads[i], pt_tcache_depth(d, ms), NULL);
	return true;
}

static bool resolve_tcache(struct lists *lists, struct malloc_thread *thread, uint64_t tcache_count,
                           struct chunk_links *links, enum fact_state *state)
{
	struct tcache_job *job = region_alloc(lists->scratch, sizeof(*job));
	bool ok = job && follow_tcaches(lists, job, thread, 1, tcache_count, state);

	return ok && lists_follow_links(lists, links) && store_tcaches(lists->d, job, 1, state);
}

bool pt_resolve_links(const struct decode *d, struct malloc_state *ms, struct chunk_links *links,
                      struct bin_counter *counters, struct chunk_set *found)
{
	enum fact_state state = FACT_KNOWN;
	struct lists lists = { .d = d, .has_sizes = true, .set = found };
	struct heap_map map;
	bool ok;

	if (!chunk_links_is_complete(links))
		return resolve_without_links(d, ms, counters);
	lists.scratch = region_new();
	if (!lists.scratch)
		return false;
	lists.shares = region_alloc(lists.scratch, ms->arena_count * sizeof(*lists.shares));
	ok = lists.shares && pt_map_heaps(lists.scratch, ms, &map);
	lists.heaps = &map;
	for (size_t i = 0; ok && i < ms->arena_count; i++)
		ok = resolve_arena(&lists, &ms->arenas[i], &counters[i], links);
	for (size_t i = 0; ok && i < ms->thread_count; i++)
		ok = resolve_tcache(&lists, &ms->threads[i], pt_tcache_depth(d, ms), links, &state);
	if (ok)
		store_shares(ms, lists.shares, state);
	region_free(lists.scratch);
	return ok;
}

/* --- candidates ------------------------------------------------------------------------------- */

bool pt_may_be_cached(const struct decode *d, uint64_t chunk, uint64_t size, uint64_t word,
                      uint64_t *ret_next)
{
	const struct malloc_layout *lay = d->lay;
	uint64_t next = glibc_reveal(lay, pt_mem(lay, chunk), word);

	if (!pt_is_chunk_size(lay, size))
		return false;
	/* A tcache links user memory, a fastbin links chunks: on i386 their alignment differs. */
	if (next && !is_aligned(next, lay->alignment) && !pt_is_chunk_aligned(lay, next))
		return false;
	if (next && !pt_is_writable(d, next, lay->word))
		return false;
	*ret_next = next;
	return true;
}
