/* SPDX-License-Identifier: GPL-2.0-or-later */
/* model/base: regions, growable arrays, texts, errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/base/err.h"
#include "model/base/region.h"
#include "model/base/text.h"
#include "model/base/vec.h"

static void region_memory_is_zeroed_and_aligned(void **state)
{
	struct region *region = region_new();

	(void)state;
	for (size_t size = 0; size < 40000; size = size * 3 + 1) {
		unsigned char *at = region_alloc(region, size);

		assert_non_null(at);
		assert_int_equal((uintptr_t)at % 16, 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(at[i], 0);
		memset(at, 0xff, size);
	}
	region_free(region);
}

static void region_grow_keeps_content_and_zeroes_the_rest(void **state)
{
	struct region *region = region_new();
	size_t size = 24;
	unsigned char *at = region_alloc(region, size);

	(void)state;
	memset(at, 7, size);
	while (size < (1u << 20)) {
		size_t next = size * 2 + 5;

		at = region_grow(region, at, size, next);
		assert_non_null(at);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(at[i], 7);
		for (size_t i = size; i < next; i++)
			assert_int_equal(at[i], 0);
		memset(at, 7, next);
		size = next;
	}
	region_free(region);
}

static void region_fails_when_told_and_survives(void **state)
{
	struct region *region = region_new();

	(void)state;
	region_fail_at(region, 2);
	assert_non_null(region_alloc(region, 10));
	assert_null(region_alloc(region, 10));
	assert_non_null(region_alloc(region, 10));
	assert_null(region_alloc(region, SIZE_MAX));
	assert_null(region_text(region, "x", SIZE_MAX));
	region_free(region);
	region_free(NULL);
}

static void vec_grows_by_its_own(void **state)
{
	struct region *region = region_new();
	VEC(uint32_t) numbers = { 0 };

	(void)state;
	for (uint32_t i = 0; i < 100000; i++) {
		uint32_t *n = VEC_ADD(region, &numbers);

		if (!n)
			fail_msg("out of memory");
		else
			*n += i; /* it came zeroed */
	}
	for (uint32_t i = 0; i < 100000; i++)
		assert_int_equal(numbers.at[i], i);
	/* No old copies are kept of what is large: less than twice the content. */
	assert_true(region_bytes(region) < 2 * 131072 * sizeof(uint32_t));
	region_free(region);
}

static void sizes_are_rounded_to_the_nearest_tenth(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} rows[] = {
		{ 0, "0 B" },
		{ 1023, "1023 B" },
		{ 1024, "1.0 KiB" },
		{ 1075, "1.0 KiB" },
		{ 1076, "1.1 KiB" },
		{ 1536, "1.5 KiB" },
		{ 1048576 - 1, "1.0 MiB" },
		{ 185ull * 1048576 + 734003, "185.7 MiB" },
		{ UINT64_MAX, "16.0 EiB" },
	};
	char buf[TEXT_NUMBER];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(text_bytes(buf, rows[i].bytes), rows[i].text);
}

static void counts_are_grouped(void **state)
{
	char buf[TEXT_NUMBER];

	(void)state;
	assert_string_equal(text_count(buf, 999), "999");
	assert_string_equal(text_count(buf, 1000), "1,000");
	assert_string_equal(text_count(buf, UINT64_MAX), "18,446,744,073,709,551,615");
	assert_string_equal(text_signed(buf, INT64_MIN), "-9,223,372,036,854,775,808");
	assert_string_equal(text_signed(buf, 0), "0");
	assert_string_equal(text_addr(buf, 0x7f2a2c000030), "7f2a2c000030");
	assert_string_equal(text_bytes_fact(buf, fact_unknown()), "?");
	assert_string_equal(text_count_fact(buf, fact_of(12)), "12");
}

static void sizes_are_read_whole_or_not_at_all(void **state)
{
	static const char *const bad[] = { "",
		                           "K",
		                           "12Q",
		                           "12KK",
		                           "0x",
		                           "-1",
		                           " 1",
		                           "1 ",
		                           "1.5M",
		                           "0xg",
		                           "18446744073709551616",
		                           "17179869184G" };
	uint64_t size = 77;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(text_parse_size(bad[i], &size));
		assert_int_equal(size, 77);
	}
	assert_true(text_parse_size("3M", &size));
	assert_int_equal(size, 3u << 20);
	assert_true(text_parse_size("0x10K", &size));
	assert_int_equal(size, 16384);
	assert_true(text_parse_size("18446744073709551615", &size));
	assert_true(size == UINT64_MAX);
}

static void text_never_leaves_its_buffer(void **state)
{
	char buf[8];
	struct text text = text_in(buf, sizeof(buf));

	(void)state;
	text_add(&text, "abc");
	text_addf(&text, "%d", 123456);
	assert_string_equal(buf, "abc1234");
	assert_true(text.cut);
	text_add(&text, "x");
	assert_string_equal(buf, "abc1234");
}

static void error_kinds_have_their_exit_codes(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_int_equal(err_exit_code(&err), 0);
	assert_false(err_setf(&err, ERR_PERMISSION, "pid 1", "owned by uid %d", 0));
	err_remedy(&err, "run %s", "sudo");
	assert_int_equal(err_exit_code(&err), 3);
	assert_string_equal(err.why, "owned by uid 0");
	assert_string_equal(err.remedy, "run sudo");
	assert_false(err_set(NULL, ERR_FAILED, 0, "", ""));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(region_memory_is_zeroed_and_aligned),
		cmocka_unit_test(region_grow_keeps_content_and_zeroes_the_rest),
		cmocka_unit_test(region_fails_when_told_and_survives),
		cmocka_unit_test(vec_grows_by_its_own),
		cmocka_unit_test(sizes_are_rounded_to_the_nearest_tenth),
		cmocka_unit_test(counts_are_grouped),
		cmocka_unit_test(sizes_are_read_whole_or_not_at_all),
		cmocka_unit_test(text_never_leaves_its_buffer),
		cmocka_unit_test(error_kinds_have_their_exit_codes),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
