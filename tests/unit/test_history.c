/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/base/units.h"
#include "model/facts/history.h"

#define SECOND UINT64_C(1000000000)

static int history_setup(void **state)
{
	*state = calloc(1, sizeof(struct history));
	return *state ? 0 : -1;
}

static int history_teardown(void **state)
{
	free(*state);
	return 0;
}

/* One sample with an RSS, or without a process part at all. */
static void add(struct history *history, uint64_t time_ns, struct fact rss)
{
	struct snapshot *snap = snapshot_new();

	assert_non_null(snap);
	snap->sample.time_ns = time_ns;
	if (fact_known(rss)) {
		snap->parts[PART_PROCESS] = part_new(PART_PROCESS, time_ns);
		assert_non_null(snap->parts[PART_PROCESS]);
		snap->parts[PART_PROCESS]->process.vm_rss = rss;
	}
	history_add(history, snap);
	snapshot_unref(snap);
}

static void empty_history_knows_nothing(void **state)
{
	int64_t rate = 7;

	assert_null(history_at(*state, 0));
	assert_false(history_rate(*state, HISTORY_RSS, 60, &rate));
	add(*state, SECOND, fact_of(1));
	assert_false(history_rate(*state, HISTORY_RSS, 60, &rate));
	assert_int_equal(rate, 7);
}

static void newest_comes_first_and_the_oldest_are_dropped(void **state)
{
	for (uint64_t i = 0; i < HISTORY_SAMPLES + 5; i++)
		add(*state, i * SECOND, fact_of(i));
	assert_int_equal(history_at(*state, 0)->value[HISTORY_RSS].v, HISTORY_SAMPLES + 4);
	assert_int_equal(history_at(*state, HISTORY_SAMPLES - 1)->value[HISTORY_RSS].v, 5);
	assert_null(history_at(*state, HISTORY_SAMPLES));
}

static void rate_spans_the_window_and_is_signed(void **state)
{
	int64_t rate;

	add(*state, 0, fact_of(100 * MIB)); /* outside the window of 10 s */
	for (uint64_t i = 1; i <= 11; i++)
		add(*state, i * SECOND, fact_of(i * MIB));
	assert_true(history_rate(*state, HISTORY_RSS, 10, &rate));
	assert_int_equal(rate, MIB);
	add(*state, 12 * SECOND, fact_of(0));
	assert_true(history_rate(*state, HISTORY_RSS, 10, &rate));
	assert_int_equal(rate, -(int64_t)(2 * MIB / 10));
}

static void unknown_values_are_stepped_over_not_taken_for_zero(void **state)
{
	int64_t rate;

	add(*state, 0, fact_of(10 * MIB));
	add(*state, SECOND, fact_unknown());
	add(*state, 2 * SECOND, fact_of(12 * MIB));
	assert_true(history_rate(*state, HISTORY_RSS, 60, &rate));
	assert_int_equal(rate, MIB);
	add(*state, 3 * SECOND, fact_unknown());
	assert_false(history_rate(*state, HISTORY_RSS, 60, &rate));
}

static void clock_set_back_ends_the_window(void **state)
{
	int64_t rate;

	add(*state, 1000 * SECOND, fact_of(0));
	add(*state, 10 * SECOND, fact_of(5 * MIB));
	assert_false(history_rate(*state, HISTORY_RSS, 60, &rate));
	add(*state, 11 * SECOND, fact_of(6 * MIB));
	assert_true(history_rate(*state, HISTORY_RSS, 60, &rate));
	assert_int_equal(rate, MIB);
}

static void absurd_changes_saturate(void **state)
{
	int64_t rate;

	add(*state, 0, fact_of(0));
	add(*state, SECOND / 1000, fact_of(UINT64_MAX));
	assert_true(history_rate(*state, HISTORY_RSS, 60, &rate));
	assert_true(rate == INT64_MAX);
	add(*state, SECOND / 1000 + 1, fact_of(0));
	assert_true(history_rate(*state, HISTORY_RSS, 60, &rate));
	assert_int_equal(rate, 0);
}

/* --- thinned past ------------------------------------------------------------------------------- */

static void a_day_is_kept_within_a_mebibyte(void **state)
{
	struct history_slice day[24];
	enum { DAY_S = 24 * 3600 };

	assert_true(sizeof(struct history) < MIB);
	for (uint64_t i = 0; i < DAY_S + 5000; i++)
		add(*state, (1000000 + i) * SECOND, fact_of(i * KIB));
	assert_true(history_at(*state, 0)->time_ns - history_oldest_ns(*state) >=
	            (DAY_S - 240) * SECOND);
	history_slices(*state, HISTORY_RSS, (1000000 + 5000) * SECOND,
	               (1000000 + 5000 + DAY_S) * SECOND, day, 24);
	for (uint64_t i = 1; i < 24; i++) {
		uint64_t first = (5000 + i * 3600) * KIB, last = first + 3599 * KIB;

		assert_true(fact_known(day[i].low) && fact_known(day[i].high));
		/* two buckets of two minutes may stick out, nothing more */
		assert_in_range(day[i].low.v, first - 120 * KIB, first);
		assert_in_range(day[i].high.v, last, last + 120 * KIB);
	}
}

static void a_peak_of_one_second_stays_visible(void **state)
{
	struct history_slice hours[3];

	for (uint64_t i = 0; i < 3 * 3600; i++)
		add(*state, i * SECOND,
		    fact_of(i == 1800   ? 900 * MIB
		            : i == 5400 ? 1 * MIB
		                        : 100 * MIB));
	history_slices(*state, HISTORY_RSS, 0, 3 * 3600 * SECOND, hours, 3);
	assert_true(hours[0].high.v >= 900 * MIB && hours[0].high.v < 901 * MIB);
	assert_int_equal(hours[0].low.v, 100 * MIB);
	assert_true(hours[1].low.v <= MIB && hours[1].low.v > MIB - KIB);
	assert_int_equal(hours[1].high.v, 100 * MIB);
	assert_int_equal(hours[2].high.v, 100 * MIB);
}

static void gaps_are_gaps_and_not_zeroes(void **state)
{
	struct history_slice at[100];

	for (uint64_t i = 0; i < 100; i++) {
		if (i < 20 || i >= 60)
			add(*state, (100 + i) * SECOND,
			    i >= 80 && i < 90 ? fact_unknown() : fact_of(MIB));
	}
	history_slices(*state, HISTORY_RSS, 100 * SECOND, 200 * SECOND, at, 100);
	assert_true(fact_known(at[19].last));
	/* held for as long as the next sample may be away at the slowest rate, then unknown */
	assert_true(fact_known(at[29].last));
	assert_false(fact_known(at[40].last));
	assert_false(fact_known(at[59].high));
	assert_true(fact_known(at[60].last));
	/* a sample without the value is no reason to hold the one before */
	assert_false(fact_known(at[80].last));
	assert_false(fact_known(at[85].low));
	assert_true(fact_known(at[90].low));
}

static void large_values_lose_next_to_nothing(void **state)
{
	static const uint64_t values[] = {
		0, 1, 4096, (1u << 26) - 1, 1u << 26, 123456789012345, UINT64_MAX / 3, UINT64_MAX
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct history *history = *state;
		struct history_slice slice;

		*history = (struct history){ 0 };
		/* more samples behind it than are kept as they were */
		add(history, 10 * SECOND, fact_of(values[i]));
		for (uint64_t k = 0; k < HISTORY_SAMPLES; k++)
			add(history, 60 * SECOND + k * SECOND / 10, fact_unknown());
		history_slices(history, HISTORY_RSS, 10 * SECOND, 11 * SECOND, &slice, 1);
		assert_true(fact_known(slice.low) && fact_known(slice.high));
		assert_true(slice.low.v <= values[i] && values[i] - slice.low.v <= values[i] >> 25);
		assert_true(slice.high.v >= values[i] &&
		            slice.high.v - values[i] <= values[i] >> 25);
	}
}

static void a_clock_set_back_drops_what_seems_to_come(void **state)
{
	struct history_slice slice;

	for (uint64_t i = 0; i < 700; i++)
		add(*state, (10000 + i) * SECOND, fact_of(MIB));
	add(*state, 10100 * SECOND, fact_of(2 * MIB));
	assert_int_equal(history_at(*state, 0)->time_ns, 10100 * SECOND);
	assert_true(history_at(*state, 1)->time_ns <= 10100 * SECOND);
	history_slices(*state, HISTORY_RSS, 10101 * SECOND, 10700 * SECOND, &slice, 1);
	assert_false(slice.is_seen);
	history_slices(*state, HISTORY_RSS, 10090 * SECOND, 10099 * SECOND, &slice, 1);
	assert_int_equal(slice.high.v, MIB);
}

static void trend_says_growth_and_how_even_it_was(void **state)
{
	struct history_slice at[61];
	struct history_trend trend;

	/* nothing for the first half minute, then 1 MiB a second */
	for (uint64_t i = 0; i <= 60; i++)
		add(*state, (100 + i) * SECOND, fact_of((100 + (i > 30 ? i - 30 : 0)) * MIB));
	history_slices(*state, HISTORY_RSS, 100 * SECOND, 161 * SECOND, at, 61);
	history_trend(at, 61, 61 * SECOND, &trend);
	assert_true(trend.is_known);
	assert_int_equal(trend.per_minute, 30 * MIB);
	assert_int_equal(trend.slowest, 0);
	assert_int_equal(trend.fastest, 60 * MIB);
	assert_int_equal(trend.low.v, 100 * MIB);
	assert_int_equal(trend.high.v, 130 * MIB);
	assert_int_equal(trend.mean.v / MIB, 107); /* 6,565 MiB over 61 seconds */
	history_trend(at, 1, SECOND, &trend);
	assert_false(trend.is_known);
	history_trend(at, 0, 0, &trend);
	assert_false(fact_known(trend.mean));
}

#define HISTORY_TEST(f) cmocka_unit_test_setup_teardown(f, history_setup, history_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HISTORY_TEST(empty_history_knows_nothing),
		HISTORY_TEST(newest_comes_first_and_the_oldest_are_dropped),
		HISTORY_TEST(rate_spans_the_window_and_is_signed),
		HISTORY_TEST(unknown_values_are_stepped_over_not_taken_for_zero),
		HISTORY_TEST(clock_set_back_ends_the_window),
		HISTORY_TEST(absurd_changes_saturate),
		HISTORY_TEST(a_day_is_kept_within_a_mebibyte),
		HISTORY_TEST(a_peak_of_one_second_stays_visible),
		HISTORY_TEST(gaps_are_gaps_and_not_zeroes),
		HISTORY_TEST(large_values_lose_next_to_nothing),
		HISTORY_TEST(a_clock_set_back_drops_what_seems_to_come),
		HISTORY_TEST(trend_says_growth_and_how_even_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
