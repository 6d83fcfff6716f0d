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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
