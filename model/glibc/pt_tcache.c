/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/glibc/pt_tcache.h"

/* --- counters ------------------------------------------------------------------------------------------ */

static uint64_t stored_count(const struct malloc_layout *lay, const uint8_t *copy, unsigned i)
{
	uint16_t two;

	if (lay->tcache.count_bytes == 1)
		return copy[i];
	memcpy(&two, copy + (size_t)2 * i, sizeof(two));
	return two;
}

/** Chunks in bin i by its counter; false when the counter is impossible. */
static bool count_of(const struct malloc_layout *lay, const uint8_t *copy, unsigned i,
                     uint64_t tcache_count, uint64_t *ret)
{
	uint64_t stored = stored_count(lay, copy, i);

	*ret = 0;
	if (stored > tcache_count)
		return false;
	/* glibc 2.42 malloc/malloc.c:tcache_put_n: num_slots are the free ones. */
	*ret = lay->tcache.counts_down ? tcache_count - stored : stored;
	return true;
}

static uint64_t entry_of(const struct malloc_layout *lay, const uint8_t *copy, unsigned i)
{
	return pt_word(lay, copy + lay->tcache.entries + (size_t)i * lay->word);
}

static bool store(const struct decode *d, const struct tcache_counter *counter,
                  enum fact_state state, struct malloc_thread *thread)
{
	uint64_t count = 0, bytes = 0;
	size_t used = 0;

	for (unsigned i = 0; i < d->lay->tcache.bins; i++)
		used += counter->count[i] != 0;
	thread->bins = region_alloc(d->region, used * sizeof(*thread->bins));
	if (!thread->bins)
		return false;
	thread->bin_count = 0;
	for (unsigned i = 0; i < d->lay->tcache.bins; i++) {
		if (!counter->count[i])
			continue;
		thread->bins[thread->bin_count++] =
		        (struct size_count){ glibc_tcache_size(d->lay, i), counter->count[i] };
		count += counter->count[i];
		bytes += counter->bytes[i];
	}
	thread->total = (struct count_bytes){ { count, state }, { bytes, state } };
	return true;
}

/**
 * Bins by the counters; large classes count at their least size, which makes *state an estimate.
 * False when a counter and its list disagree: they are two stores, and a thread may be between them.
 */
static bool count_all(const struct malloc_layout *lay, const uint8_t *copy, uint64_t tcache_count,
                      struct tcache_counter *counter, enum fact_state *state)
{
	bool agrees = true;

	*state = FACT_KNOWN;
	for (unsigned i = 0; i < lay->tcache.bins; i++) {
		uint64_t n;

		if (!count_of(lay, copy, i, tcache_count, &n) ||
		    (n != 0) != (entry_of(lay, copy, i) != 0))
			agrees = false;
		counter->count[i] = n;
		counter->bytes[i] = n * glibc_tcache_size(lay, i);
		if (n && i >= lay->tcache.small_bins)
			*state = FACT_ESTIMATE;
	}
	return agrees;
}

bool pt_load_tcache(const struct decode *d, uint64_t addr, uint64_t tcache_count, uint8_t *copy,
                    struct tcache_counter *counter, enum fact_state *state)
{
	for (int i = 0; i < PT_TRIES; i++) {
		if (d->lay->tcache.size > PT_TCACHE_MAX ||
		    !mem_read_all(d->mem, addr, copy, d->lay->tcache.size)) {
			heap_error_add(d->heap, addr, "a tcache can't be read");
			return false;
		}
		if (count_all(d->lay, copy, tcache_count, counter, state))
			return true;
	}
	heap_error_add(d->heap, addr, "a tcache counter and its list disagree");
	*state = FACT_TORN;
	return true;
}

/* Without mp_ a counter that counts down means nothing: the default is what it mostly is. */
uint64_t pt_tcache_depth(const struct decode *d, const struct malloc_state *ms)
{
	return fact_or(ms->params.tcache_count, d->lay->tcache.default_count);
}

bool pt_parse_tcache(const struct decode *d, const uint8_t *copy, uint64_t tcache_count,
                     struct malloc_thread *thread)
{
	struct tcache_counter counter;
	enum fact_state state;

	if (!count_all(d->lay, copy, tcache_count, &counter, &state) || state == FACT_ESTIMATE)
		return pt_read_tcache(d, thread, tcache_count, NULL);
	return store(d, &counter, state, thread);
}

/* --- lists ---------------------------------------------------------------------------------------------- */

bool pt_queue_tcache(struct lists *lists, const uint8_t *copy, struct tcache_job *job,
                     unsigned first_bin)
{
	const struct malloc_layout *lay = lists->d->lay;

	for (unsigned i = first_bin; i < lay->tcache.bins; i++) {
		if (!lists_add_tcache(lists, i, entry_of(lay, copy, i), job->counted.count[i],
		                      &job->followed, &job->followed_state))
			return false;
	}
	return true;
}

bool pt_store_tcache(const struct decode *d, struct tcache_job *job, unsigned first_bin)
{
	struct tcache_counter sum = job->counted;
	enum fact_state state = job->counted_state;

	/* Lists that were followed to their end know the sizes of the large classes too. */
	for (unsigned i = first_bin; i < d->lay->tcache.bins; i++) {
		if (job->followed.count[i] != job->counted.count[i])
			job->followed_state = FACT_TORN;
		else
			sum.bytes[i] = job->followed.bytes[i];
	}
	if (job->followed_state == FACT_TORN)
		state = FACT_TORN;
	else if (state == FACT_ESTIMATE)
		state = FACT_KNOWN;
	return store(d, &sum, state, job->thread);
}

/** Why the thread has no tcache to be read. */
static bool is_no_tcache(const struct decode *d, uint64_t addr)
{
	if (d->lay->tcache.bins == 0 || addr == 0)
		return true;
	if (pt_is_writable(d, addr, d->lay->tcache.size))
		return false;
	/* 2.43 points to a constant of libc until the thread frees something small. */
	if (!d->lay->tcache_dummies)
		heap_error_add(d->heap, addr, "a tcache lies outside the process's memory");
	return true;
}

bool pt_has_no_tcache(const struct decode *d, struct malloc_thread *thread)
{
	bool has_none = is_no_tcache(d, fact_or(thread->tcache, 0));

	thread->bins = NULL;
	thread->bin_count = 0;
	thread->total = (struct count_bytes){ 0 };
	if (has_none && (fact_known(thread->tcache) || d->lay->tcache.bins == 0))
		thread->total = (struct count_bytes){ fact_of(0), fact_of(0) };
	return has_none;
}

bool pt_read_tcache(const struct decode *d, struct malloc_thread *thread, uint64_t tcache_count,
                    struct chunk_set *set)
{
	struct tcache_job job = { .thread = thread,
		                  .counted_state = FACT_KNOWN,
		                  .followed_state = FACT_KNOWN };
	unsigned first = set ? 0 : d->lay->tcache.small_bins;
	struct lists lists = { .d = d, .set = set };
	uint8_t copy[PT_TCACHE_MAX];
	bool ok;

	if (pt_has_no_tcache(d, thread))
		return true;
	if (!pt_load_tcache(d, thread->tcache.v, tcache_count, copy, &job.counted,
	                    &job.counted_state))
		return false;
	lists.scratch = region_new();
	ok = lists.scratch && pt_queue_tcache(&lists, copy, &job, first) && lists_follow(&lists) &&
	     pt_store_tcache(d, &job, first);
	region_free(lists.scratch);
	return ok;
}
