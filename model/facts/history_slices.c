/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The past cut into equal slices, each from the finest record that still reaches back to it. */
#include "model/base/units.h"
#include "model/facts/history_thin.h"

#define NS_PER_S UINT64_C(1000000000)

/* A value holds until the next sample, which at the slowest rate is 10 s away. */
#define HOLD_NS (12 * NS_PER_S)

#define NS_PER_MS  UINT64_C(1000000)
#define MS_PER_MIN UINT64_C(60000)

struct cut {
	uint64_t from_ns, to_ns, step_ns;
	struct history_slice *at;
	size_t count;
};

static size_t slice_of(const struct cut *cut, uint64_t time_ns)
{
	uint64_t i = time_ns > cut->from_ns ? (time_ns - cut->from_ns) / cut->step_ns : 0;

	return i < cut->count ? (size_t)i : cut->count - 1;
}

/* Something of the time from `start_ns` to `end_ns`; what is told first is the newest. */
static void tell(const struct cut *cut, uint64_t start_ns, uint64_t end_ns, struct fact low,
                 struct fact high, struct fact last)
{
	for (size_t i = slice_of(cut, start_ns); i <= slice_of(cut, end_ns); i++) {
		struct history_slice *slice = &cut->at[i];

		if (!slice->is_seen)
			slice->last = last;
		slice->is_seen = true;
		if (fact_known(low) && (!fact_known(slice->low) || low.v < slice->low.v))
			slice->low = low;
		if (fact_known(high) && (!fact_known(slice->high) || high.v > slice->high.v))
			slice->high = high;
	}
}

static void tell_samples(const struct cut *cut, const struct history *history,
                         enum history_series series)
{
	const struct history_sample *sample;

	for (uint32_t i = 0; (sample = history_at(history, i)); i++) {
		struct fact value = sample->value[series];

		if (sample->time_ns > cut->to_ns)
			continue;
		if (sample->time_ns < cut->from_ns)
			return;
		tell(cut, sample->time_ns, sample->time_ns, value, value, value);
	}
}

/* What a tier knows of the time before `until_ns`, from where on a finer one knows more. */
static void tell_buckets(const struct cut *cut, const struct history *history, unsigned tier,
                         enum history_series series, uint64_t until_ns)
{
	uint64_t width_ns = history_bucket_ns(tier);
	const struct history_bucket *bucket;

	for (uint32_t i = 0; (bucket = history_bucket_at(history, tier, i)); i++) {
		uint64_t start_ns = max_u64(bucket->start_ns, history->first_ns);
		uint64_t end_ns = min_u64(bucket->start_ns + width_ns, until_ns) - 1;

		if (start_ns >= until_ns || start_ns > cut->to_ns)
			continue;
		if (end_ns < cut->from_ns)
			return;
		tell(cut, max_u64(start_ns, cut->from_ns), min_u64(end_ns, cut->to_ns),
		     history_unpack(bucket->low[series]), history_unpack(bucket->high[series]),
		     history_unpack(bucket->last[series]));
	}
}

/* Between two samples the earlier one's value holds. */
static void hold(const struct cut *cut)
{
	const struct history_slice *seen = NULL;

	for (size_t i = 0; i < cut->count; i++) {
		struct history_slice *slice = &cut->at[i];

		if (slice->is_seen)
			seen = slice;
		else if (seen && (uint64_t)(slice - seen) * cut->step_ns <= HOLD_NS)
			slice->low = slice->high = slice->last = seen->last;
	}
}

/* From where on a tier, or the samples (HISTORY_TIERS turned round: tier -1), reach back. */
static uint64_t reaches_back_to(const struct history *history, int tier)
{
	const struct history_bucket *bucket;
	const struct history_sample *sample;

	if (tier >= 0) {
		bucket = history_bucket_at(history, (unsigned)tier, history->tiers[tier].count - 1);
		return bucket ? bucket->start_ns : UINT64_MAX;
	}
	sample = history->count ? history_at(history, history->count - 1) : NULL;
	return sample ? sample->time_ns : UINT64_MAX;
}

uint64_t history_oldest_ns(const struct history *history)
{
	uint64_t oldest = reaches_back_to(history, -1);

	if (oldest == UINT64_MAX)
		return 0;
	for (int tier = 0; tier < HISTORY_TIERS; tier++)
		oldest = min_u64(oldest, reaches_back_to(history, tier));
	return max_u64(oldest, history->first_ns);
}

void history_slices(const struct history *history, enum history_series series, uint64_t from_ns,
                    uint64_t to_ns, struct history_slice *ret, size_t count)
{
	struct cut cut = { .from_ns = from_ns, .to_ns = to_ns, .at = ret, .count = count };

	for (size_t i = 0; i < count; i++)
		ret[i] = (struct history_slice){ 0 };
	if (!count || to_ns <= from_ns)
		return;
	cut.step_ns = max_u64((to_ns - from_ns) / count, 1);
	tell_samples(&cut, history, series);
	for (int tier = 0; tier < HISTORY_TIERS; tier++)
		tell_buckets(&cut, history, (unsigned)tier, series,
		             reaches_back_to(history, tier - 1));
	hold(&cut);
}

/* --- trend -------------------------------------------------------------------------------------- */

enum { QUARTERS = 4 };

/* Per minute, saturated. */
static int64_t per_minute(uint64_t from, uint64_t to, uint64_t ns)
{
	uint64_t change = to > from ? to - from : from - to, rate, rest;
	uint64_t ms = max_u64(ns / NS_PER_MS, 1);

	if (__builtin_mul_overflow(change / ms, MS_PER_MIN, &rate) ||
	    __builtin_mul_overflow(change % ms, MS_PER_MIN, &rest) ||
	    __builtin_add_overflow(rate, rest / ms, &rate) || rate > INT64_MAX)
		rate = INT64_MAX;
	return to > from ? (int64_t)rate : -(int64_t)rate;
}

/* Growth between the first and the last slice of a part that know the value; false: they don't. */
static bool growth(const struct history_slice *slices, size_t from, size_t to, uint64_t step_ns,
                   int64_t *ret)
{
	while (from < to && !fact_known(slices[from].last))
		from++;
	while (to > from && !fact_known(slices[to].last))
		to--;
	if (from >= to)
		return false;
	*ret = per_minute(slices[from].last.v, slices[to].last.v, (to - from) * step_ns);
	return true;
}

static void add_extremes(const struct history_slice *slices, size_t count,
                         struct history_trend *ret)
{
	for (size_t i = 0; i < count; i++) {
		const struct history_slice *slice = &slices[i];

		if (fact_known(slice->low) && (!fact_known(ret->low) || slice->low.v < ret->low.v))
			ret->low = slice->low;
		if (fact_known(slice->high) &&
		    (!fact_known(ret->high) || slice->high.v > ret->high.v))
			ret->high = slice->high;
		if (fact_known(slice->last))
			ret->last = slice->last;
	}
}

/* Divided before they are added: the sum of large values would not fit. */
static struct fact mean_of(const struct history_slice *slices, size_t count)
{
	uint64_t known = 0, wholes = 0, rests = 0;

	for (size_t i = 0; i < count; i++)
		known += fact_known(slices[i].last);
	for (size_t i = 0; i < count; i++) {
		if (!fact_known(slices[i].last))
			continue;
		wholes += slices[i].last.v / known;
		rests += slices[i].last.v % known;
	}
	return known ? fact_of(wholes + rests / known) : fact_unknown();
}

void history_trend(const struct history_slice *slices, size_t count, uint64_t span_ns,
                   struct history_trend *ret)
{
	uint64_t step_ns = count ? span_ns / count : 0;
	size_t first = 0;
	int64_t part;

	*ret = (struct history_trend){ 0 };
	add_extremes(slices, count, ret);
	ret->mean = mean_of(slices, count);
	while (first < count && !fact_known(slices[first].last))
		first++;
	if (count < 2 || !growth(slices, first, count - 1, step_ns, &ret->per_minute))
		return;
	ret->is_known = true;
	ret->slowest = ret->fastest = ret->per_minute;
	for (size_t i = 0; i < QUARTERS; i++) {
		size_t span = count - 1 - first;

		if (!growth(slices, first + span * i / QUARTERS, first + span * (i + 1) / QUARTERS,
		            step_ns, &part))
			continue;
		if (part < ret->slowest)
			ret->slowest = part;
		if (part > ret->fastest)
			ret->fastest = part;
	}
}
