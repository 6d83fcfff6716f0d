/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/glibc/pt.h"

enum { UNSORTED = 1, FIRST_SMALL = 2, FIRST_LARGE = 64 };

void bin_counter_add(struct bin_counter *counter, const struct malloc_layout *lay, uint64_t size)
{
	unsigned bin = glibc_bin_index(lay, size);

	counter->count[bin]++;
	counter->bytes[bin] += size;
}

void bin_counter_unsort(struct bin_counter *counter, const struct malloc_layout *lay, uint64_t size)
{
	unsigned bin = glibc_bin_index(lay, size);

	/* A moving target may unsort what was never counted. */
	if (counter->count[bin] && counter->bytes[bin] >= size) {
		counter->count[bin]--;
		counter->bytes[bin] -= size;
	}
	counter->count[UNSORTED]++;
	counter->bytes[UNSORTED] += size;
}

static struct count_bytes sum_as(uint64_t count, uint64_t bytes, enum fact_state state)
{
	return (struct count_bytes){ { count, state }, { bytes, state } };
}

static bool store_small(const struct bin_counter *counter, const struct decode *d,
                        struct arena *arena)
{
	size_t n = 0;

	for (unsigned bin = FIRST_SMALL; bin < FIRST_LARGE; bin++)
		n += counter->count[bin] != 0;
	arena->small = region_alloc(d->region, n * sizeof(*arena->small));
	if (!arena->small)
		return false;
	arena->small_count = 0;
	for (unsigned bin = FIRST_SMALL; bin < FIRST_LARGE; bin++) {
		if (counter->count[bin])
			arena->small[arena->small_count++] =
			        (struct size_count){ glibc_bin_min(d->lay, bin),
				                     counter->count[bin] };
	}
	return true;
}

static bool store_large(const struct bin_counter *counter, const struct decode *d,
                        struct arena *arena)
{
	size_t n = 0;

	for (unsigned bin = FIRST_LARGE; bin < PT_BINS; bin++)
		n += counter->count[bin] != 0;
	arena->large = region_alloc(d->region, n * sizeof(*arena->large));
	if (!arena->large)
		return false;
	arena->large_count = 0;
	for (unsigned bin = FIRST_LARGE; bin < PT_BINS; bin++) {
		if (counter->count[bin])
			arena->large[arena->large_count++] =
			        (struct large_bin){ bin, glibc_bin_min(d->lay, bin),
				                    counter->count[bin], counter->bytes[bin] };
	}
	return true;
}

static bool store_fast(const struct bin_counter *counter, const struct decode *d,
                       enum fact_state state, struct arena *arena)
{
	uint64_t count = 0, bytes = 0;

	arena->fastbins = region_alloc(d->region, PT_FASTBINS_MAX * sizeof(*arena->fastbins));
	if (!arena->fastbins)
		return false;
	arena->fastbin_count = 0;
	for (unsigned i = 0; i < PT_FASTBINS_MAX; i++) {
		uint64_t size = glibc_fastbin_size(d->lay, i);

		if (!counter->fast[i])
			continue;
		arena->fastbins[arena->fastbin_count++] =
		        (struct size_count){ size, counter->fast[i] };
		count += counter->fast[i];
		bytes += counter->fast[i] * size;
	}
	arena->fastbin_total = sum_as(count, bytes, state);
	return true;
}

bool bin_counter_store(const struct bin_counter *counter, const struct decode *d,
                       enum fact_state state, struct arena *arena)
{
	uint64_t count = 0, bytes = 0;

	if (!store_small(counter, d, arena) || !store_large(counter, d, arena) ||
	    !store_fast(counter, d, state, arena))
		return false;
	for (unsigned bin = UNSORTED; bin < PT_BINS; bin++) {
		count += counter->count[bin];
		bytes += counter->bytes[bin];
	}
	arena->unsorted = sum_as(counter->count[UNSORTED], counter->bytes[UNSORTED], state);
	arena->free_total = sum_as(count, bytes, state);
	arena->has_lists = true;
	return true;
}
