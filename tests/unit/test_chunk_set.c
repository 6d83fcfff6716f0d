/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stores of chunk addresses: nothing lost, nothing invented, never larger than allowed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/glibc/pt_chunk_set.h"

enum { MANY = 100000 };

static struct region *new_region(void)
{
	struct region *region = region_new();

	assert_non_null(region);
	return region;
}

static enum chunk_state state_for(uint64_t i)
{
	return i % 2 ? CHUNK_TCACHE : CHUNK_FAST;
}

static void a_set_keeps_states(void **state)
{
	struct region *region = new_region();
	struct chunk_set *set = chunk_set_new(region, MANY);

	(void)state;
	assert_non_null(set);
	for (uint64_t i = 1; i <= MANY; i++)
		assert_true(chunk_set_add(set, i * 48, state_for(i)));
	assert_true(chunk_set_is_complete(set));
	assert_int_equal(chunk_set_count(set), MANY);
	for (uint64_t i = 1; i <= MANY; i++) {
		assert_int_equal(chunk_set_find(set, i * 48), state_for(i));
		assert_int_equal(chunk_set_find(set, i * 48 + 16), CHUNK_IN_USE);
	}
	/* Known already: refused, but nothing is missing. */
	assert_false(chunk_set_add(set, 48, CHUNK_FAST));
	assert_true(chunk_set_is_complete(set));
	/* One too many. */
	assert_false(chunk_set_add(set, 48 * (uint64_t)MANY + 16, CHUNK_FAST));
	assert_false(chunk_set_is_complete(set));
	region_free(region);
}

static void a_set_refuses_what_is_no_chunk(void **state)
{
	struct region *region = new_region();
	struct chunk_set *set = chunk_set_new(region, 10);

	(void)state;
	assert_false(chunk_set_add(set, 0, CHUNK_FAST));
	assert_false(chunk_set_add(set, 17, CHUNK_FAST));
	assert_int_equal(chunk_set_find(set, 0), CHUNK_IN_USE);
	assert_int_equal(chunk_set_find(set, 17), CHUNK_IN_USE);
	assert_int_equal(chunk_set_count(set), 0);
	region_free(region);
}

static void a_set_survives_no_memory(void **state)
{
	struct region *region = new_region();
	struct chunk_set *set = chunk_set_new(region, MANY);
	uint64_t added = 0;

	(void)state;
	region_fail_at(region, 1);
	while (chunk_set_add(set, (added + 1) * 16, CHUNK_FAST))
		added++;
	assert_false(chunk_set_is_complete(set));
	for (uint64_t i = 1; i <= added; i++)
		assert_int_equal(chunk_set_find(set, i * 16), CHUNK_FAST);
	region_free(region);
}

/* --- links ------------------------------------------------------------------------------------ */

static void add_run(struct chunk_links *links, uint64_t start, uint64_t step, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		struct chunk_link *link = chunk_links_add(links, start + i * step);

		assert_non_null(link);
		link->next = i;
		link->size_state = 32 | (uint64_t)CHUNK_FREE;
	}
}

static void must_find_run(struct chunk_links *links, uint64_t start, uint64_t step, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		const struct chunk_link *link = chunk_links_find(links, start + i * step);

		assert_non_null(link);
		assert_int_equal(link->addr, start + i * step);
		assert_int_equal(link->next, i);
		assert_int_equal(chunk_link_size(link), 32);
		assert_int_equal(chunk_link_state(link), CHUNK_FREE);
		assert_null(chunk_links_find(links, start + i * step + 8));
	}
	assert_null(chunk_links_find(links, start - 16));
	assert_null(chunk_links_find(links, start + count * step));
}

static void links_are_found_whatever_their_order(void **state)
{
	/* Heaps in no order; crowded and sparse parts, also within one run. */
	static const uint64_t runs[][3] = {
		{ 0x7f0000001000, 32, 20000 }, { 0x555555550000, 16, 5000 },
		{ 0x7e0000000000, 4096, 300 }, { 0x555555563900, 48000, 50 },
		{ 0x7f1000000000, 16, 1 },     { 0xffffffffffff0000, 32, 100 },
	};
	struct region *region = new_region();
	struct chunk_links *links = chunk_links_new(region, MANY);

	(void)state;
	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++)
		add_run(links, runs[i][0], runs[i][1], runs[i][2]);
	assert_true(chunk_links_seal(links));
	assert_true(chunk_links_is_complete(links));
	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++)
		must_find_run(links, runs[i][0], runs[i][1], runs[i][2]);
	region_free(region);
}

static void links_met_twice_are_found_once(void **state)
{
	struct region *region = new_region();
	struct chunk_links *links = chunk_links_new(region, MANY);

	(void)state;
	add_run(links, 0x10000, 32, 1000);
	add_run(links, 0x10000 + 32 * 500, 32, 1000);
	assert_true(chunk_links_seal(links));
	for (uint64_t i = 0; i < 1500; i++)
		assert_non_null(chunk_links_find(links, 0x10000 + 32 * i));
	assert_null(chunk_links_find(links, 0x10000 + 32 * 1500));
	region_free(region);
}

static void links_can_be_taken_back(void **state)
{
	struct region *region = new_region();
	struct chunk_links *links = chunk_links_new(region, MANY);
	size_t mark;

	(void)state;
	add_run(links, 0x10000, 32, 100);
	mark = chunk_links_count(links);
	add_run(links, 0x20000, 32, 100);
	chunk_links_rewind(links, mark);
	add_run(links, 0x30000, 32, 100);
	assert_true(chunk_links_seal(links));
	must_find_run(links, 0x10000, 32, 100);
	must_find_run(links, 0x30000, 32, 100);
	assert_null(chunk_links_find(links, 0x20000));
	region_free(region);
}

static void links_have_a_bound(void **state)
{
	struct region *region = new_region();
	struct chunk_links *links = chunk_links_new(region, 10),
	                   *empty = chunk_links_new(region, 10);

	(void)state;
	add_run(links, 0x10000, 32, 10);
	assert_null(chunk_links_add(links, 0x20000));
	assert_false(chunk_links_is_complete(links));
	assert_true(chunk_links_seal(links));
	must_find_run(links, 0x10000, 32, 10);
	assert_true(chunk_links_seal(empty));
	assert_null(chunk_links_find(empty, 0x10000));
	region_free(region);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_set_keeps_states),
		cmocka_unit_test(a_set_refuses_what_is_no_chunk),
		cmocka_unit_test(a_set_survives_no_memory),
		cmocka_unit_test(links_are_found_whatever_their_order),
		cmocka_unit_test(links_met_twice_are_found_once),
		cmocka_unit_test(links_can_be_taken_back),
		cmocka_unit_test(links_have_a_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
