/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of Linux rules and the release string that picks one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/utsname.h>

#include "model/rules/linux.h"

static void rows_are_in_order(void **state)
{
	(void)state;
	for (size_t i = 1; i < linux_row_count; i++) {
		const struct linux_rules *a = &linux_rows[i - 1], *b = &linux_rows[i];

		assert_true(a->major < b->major || (a->major == b->major && a->minor < b->minor));
	}
	for (size_t i = 0; i < linux_row_count; i++) {
		int major, minor;

		assert_true(linux_parse_release(linux_rows[i].name, &major, &minor));
		assert_int_equal(major, linux_rows[i].major);
		assert_int_equal(minor, linux_rows[i].minor);
		assert_ptr_equal(linux_rules_for(major, minor), &linux_rows[i]);
	}
}

static void releases_between_rows_take_the_lower_one(void **state)
{
	(void)state;
	assert_string_equal(linux_rules_for(2, 6)->name, "4.3");
	assert_string_equal(linux_rules_for(4, 4)->name, "4.3");
	assert_string_equal(linux_rules_for(4, 18)->name, "4.17");
	assert_string_equal(linux_rules_for(5, 10)->name, "5.9");
	assert_string_equal(linux_rules_for(6, 5)->name, "6.1");
	assert_string_equal(linux_rules_for(6, 18)->name, "6.17");
	assert_string_equal(linux_rules_for(99, 0)->name, "7.1");
}

/* What changed when, one line each: linux.h's comments as a test. */
static void behaviour_changes_at_its_release(void **state)
{
	(void)state;
	assert_false(linux_rules_for(5, 10)->special_stays_whole);
	assert_true(linux_rules_for(5, 11)->special_stays_whole);
	assert_false(linux_rules_for(5, 15)->mremap_looks_first);
	assert_true(linux_rules_for(5, 16)->mremap_looks_first);
	assert_false(linux_rules_for(6, 6)->search_ends_at_min_addr);
	assert_true(linux_rules_for(6, 7)->search_ends_at_min_addr);
	assert_true(linux_rules_for(6, 5)->heap_touches);
	assert_false(linux_rules_for(6, 6)->heap_touches);
	assert_false(linux_rules_for(5, 16)->madvise_says_again);
	assert_true(linux_rules_for(5, 17)->madvise_says_again);
	assert_false(linux_rules_for(7, 0)->mremap_counts_first);
	assert_true(linux_rules_for(7, 1)->mremap_counts_first);
	assert_true(linux_rules_for(4, 16)->oom_root_bonus);
	assert_false(linux_rules_for(4, 17)->oom_root_bonus);
	assert_true(linux_rules_for(5, 0)->oom_sacrifices_child);
	assert_false(linux_rules_for(5, 1)->oom_sacrifices_child);
	assert_true(linux_rules_for(5, 1)->commit_guess_free_pages);
	assert_false(linux_rules_for(5, 2)->commit_guess_free_pages);
	assert_false(linux_rules_for(5, 2)->oom_last_tie_wins);
	assert_true(linux_rules_for(5, 3)->oom_last_tie_wins);
	assert_false(linux_rules_for(5, 8)->oom_points_signed);
	assert_true(linux_rules_for(5, 9)->oom_points_signed);
	assert_false(linux_rules_for(5, 8)->oom_score_two_thirds);
	assert_true(linux_rules_for(5, 9)->oom_score_two_thirds);
	assert_false(linux_rules_for(4, 18)->memcg_kill_at_charge);
	assert_true(linux_rules_for(4, 19)->memcg_kill_at_charge);
	assert_false(linux_rules_for(6, 6)->pagemap_scan);
	assert_true(linux_rules_for(6, 7)->pagemap_scan);
	assert_false(linux_rules_for(4, 4)->limit_data_maps);
	assert_true(linux_rules_for(4, 5)->limit_data_maps);
	assert_false(linux_rules_for(4, 6)->mprotect_limit_data);
	assert_true(linux_rules_for(4, 7)->mprotect_limit_data);
	assert_false(linux_rules_for(4, 11)->stack_guard_gap);
	assert_true(linux_rules_for(4, 12)->stack_guard_gap);
	assert_false(linux_rules_for(5, 19)->mremap_merges_next);
	assert_true(linux_rules_for(6, 0)->mremap_merges_next);
	assert_false(linux_rules_for(6, 0)->brk_extends_only);
	assert_true(linux_rules_for(6, 1)->brk_extends_only);
	assert_int_equal(linux_rules_for(6, 6)->thp_align, LINUX_THP_ALIGN_NONE);
	assert_int_equal(linux_rules_for(6, 7)->thp_align, LINUX_THP_ALIGN_LONG);
	assert_int_equal(linux_rules_for(6, 12)->thp_align, LINUX_THP_ALIGN_MULTIPLES);
	assert_false(linux_rules_for(6, 11)->fixed_charges_difference);
	assert_true(linux_rules_for(6, 12)->fixed_charges_difference);
	assert_false(linux_rules_for(6, 12)->madv_guard);
	assert_true(linux_rules_for(6, 13)->madv_guard);
	assert_false(linux_rules_for(6, 15)->merge_touched);
	assert_true(linux_rules_for(6, 16)->merge_touched);
	assert_false(linux_rules_for(6, 16)->mremap_checks_new_len);
	assert_true(linux_rules_for(6, 17)->mremap_checks_new_len);
}

static void releases_are_parsed(void **state)
{
	static const char *const good[] = { "6.18.44-fc", "6.18", "6.18-rc1", "6.18+", "6.18 x" };
	static const char *const bad[] = { "",      "6",   "6.",      ".18",    "v6.18",
		                           "-6.18", "6.x", "99999.1", "6.99999" };
	int major, minor;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(linux_parse_release(good[i], &major, &minor));
		assert_int_equal(major, 6);
		assert_int_equal(minor, 18);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(linux_parse_release(bad[i], &major, &minor));
}

static void only_releases_that_were_are_known(void **state)
{
	static const int good[][2] = {
		{ 4, 3 }, { 4, 20 }, { 5, 0 }, { 5, 19 }, { 6, 18 }, { 7, 2 }
	};
	static const int bad[][2] = { { 2, 6 },  { 4, 2 }, { 4, 21 }, { 5, 20 },
		                      { 6, 20 }, { 7, 3 }, { 99, 0 }, { 0, 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(linux_is_known(good[i][0], good[i][1]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(linux_is_known(bad[i][0], bad[i][1]));
	/* every row is one of them */
	for (size_t i = 0; i < linux_row_count; i++)
		assert_true(linux_is_known(linux_rows[i].major, linux_rows[i].minor));
}

static void the_running_kernel_has_a_row(void **state)
{
	struct utsname name;
	int major, minor;

	(void)state;
	assert_int_equal(uname(&name), 0);
	assert_true(linux_parse_release(name.release, &major, &minor));
	assert_non_null(linux_rules_for(major, minor));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_in_order),
		cmocka_unit_test(releases_between_rows_take_the_lower_one),
		cmocka_unit_test(behaviour_changes_at_its_release),
		cmocka_unit_test(releases_are_parsed),
		cmocka_unit_test(only_releases_that_were_are_known),
		cmocka_unit_test(the_running_kernel_has_a_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
