/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/facts/history_thin.h"

#include "model/base/units.h"

#define NS_PER_S UINT64_C(1000000000)

/* A value is 26 bits shifted left by the 6 above them; no shift of a 64-bit number is this one. */
#define PACK_BITS    26
#define PACK_UNKNOWN UINT32_MAX

static const struct {
	uint64_t width_ns;
	uint32_t first, room;
} tiers[HISTORY_TIERS] = {
	{ NS_PER_S, 0, HISTORY_SECONDS },
	{ 10 * NS_PER_S, HISTORY_SECONDS, HISTORY_TENS },
	{ 120 * NS_PER_S, HISTORY_SECONDS + HISTORY_TENS, HISTORY_MINUTES },
};

/* Rounded down, or up for what must not be shown lower than it was. */
static uint32_t pack(struct fact value, bool is_up)
{
	uint32_t shift = 0;
	uint64_t v = value.v;

	if (!fact_known(value))
		return PACK_UNKNOWN;
	while (v >> PACK_BITS) {
		v = (v >> 1) + (is_up ? v & 1 : 0);
		shift++;
	}
	return shift << PACK_BITS | (uint32_t)v;
}

struct fact history_unpack(uint32_t packed)
{
	uint64_t v = packed & ((UINT32_C(1) << PACK_BITS) - 1);
	uint32_t shift = packed >> PACK_BITS;

	if (packed == PACK_UNKNOWN)
		return fact_unknown();
	return fact_of(v > UINT64_MAX >> shift ? UINT64_MAX : v << shift);
}

uint64_t history_bucket_ns(unsigned tier)
{
	return tiers[tier].width_ns;
}

static uint32_t place_of(const struct history *history, unsigned tier, uint32_t i)
{
	uint32_t room = tiers[tier].room;

	return tiers[tier].first + (history->tiers[tier].next + room - 1 - i) % room;
}

const struct history_bucket *history_bucket_at(const struct history *history, unsigned tier,
                                               uint32_t i)
{
	if (i >= history->tiers[tier].count)
		return NULL;
	return &history->buckets[place_of(history, tier, i)];
}

static struct history_bucket *push(struct history *history, unsigned tier, uint64_t start_ns)
{
	struct history_ring *ring = &history->tiers[tier];
	struct history_bucket *bucket;

	ring->next = (ring->next + 1) % tiers[tier].room;
	if (ring->count < tiers[tier].room)
		ring->count++;
	bucket = &history->buckets[place_of(history, tier, 0)];
	bucket->start_ns = start_ns;
	for (size_t i = 0; i < HISTORY_SERIES_COUNT; i++)
		bucket->low[i] = bucket->high[i] = bucket->last[i] = PACK_UNKNOWN;
	return bucket;
}

static void merge(struct history_bucket *bucket, const struct history_sample *sample)
{
	for (size_t i = 0; i < HISTORY_SERIES_COUNT; i++) {
		struct fact value = sample->value[i];
		struct fact low = history_unpack(bucket->low[i]);
		struct fact high = history_unpack(bucket->high[i]);

		bucket->last[i] = pack(value, false);
		if (!fact_known(value))
			continue;
		if (!fact_known(low) || value.v < low.v)
			bucket->low[i] = pack(value, false);
		if (!fact_known(high) || value.v > high.v)
			bucket->high[i] = pack(value, true);
	}
}

void history_thin(struct history *history, const struct history_sample *sample)
{
	for (unsigned tier = 0; tier < HISTORY_TIERS; tier++) {
		struct history_ring *ring = &history->tiers[tier];
		uint64_t start_ns = sample->time_ns - sample->time_ns % tiers[tier].width_ns;

		while (ring->count &&
		       history->buckets[place_of(history, tier, 0)].start_ns > start_ns) {
			ring->next = (ring->next + tiers[tier].room - 1) % tiers[tier].room;
			ring->count--;
		}
		if (!ring->count ||
		    history->buckets[place_of(history, tier, 0)].start_ns != start_ns)
			(void)push(history, tier, start_ns);
		merge(&history->buckets[place_of(history, tier, 0)], sample);
	}
}
