/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Chunks kept in few bytes come back as they were, whatever their numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/facts/chunk_spool.h"

static struct chunk_record made_up(uint64_t i)
{
	/* Mostly neighbours, sometimes a jump, another arena, an absurd size. */
	return (struct chunk_record){
		.addr = i % 97 == 0 ? UINT64_C(0x7f0000000000) + i * 4096 : i * 32,
		.size = i % 1009 == 0 ? UINT64_MAX - i : 32 + i % 7 * 16,
		.state = (enum chunk_state)(i % CHUNK_STATE_COUNT),
		.arena = i % 500 == 499 ? -1 : (int)(i / 1000),
	};
}

static void spool_gives_back_what_it_was_given(void **state)
{
	struct chunk_spool *spool = chunk_spool_new(0);
	const struct chunk_sink *sink = chunk_spool_sink(spool);
	struct chunk_cursor cursor = { 0 };
	struct chunk_record got, put;
	uint64_t lost;

	(void)state;
	for (uint64_t i = 0; i < 200000; i++) {
		put = made_up(i);
		sink->chunk(sink->ctx, put.addr, put.size, put.state, put.arena);
	}
	assert_int_equal(chunk_spool_count(spool, &lost), 200000);
	assert_int_equal(lost, 0);
	for (uint64_t i = 0; i < 200000; i++) {
		put = made_up(i);
		assert_true(chunk_spool_next(spool, &cursor, &got));
		assert_true(got.addr == put.addr && got.size == put.size &&
		            got.state == put.state && got.arena == put.arena);
	}
	assert_false(chunk_spool_next(spool, &cursor, &got));
	chunk_spool_free(spool);
}

static void spool_begins_anew(void **state)
{
	struct chunk_spool *spool = chunk_spool_new(0);
	const struct chunk_sink *sink = chunk_spool_sink(spool);
	struct chunk_cursor cursor = { 0 };
	struct chunk_record got;
	uint64_t lost;

	(void)state;
	for (uint64_t i = 0; i < 100; i++)
		sink->chunk(sink->ctx, 4096 + i * 32, 32, CHUNK_IN_USE, 3);
	sink->restart(sink->ctx);
	assert_int_equal(chunk_spool_count(spool, &lost), 0);
	sink->chunk(sink->ctx, 4096 + 3200, 48, CHUNK_FREE, 3);
	assert_int_equal(chunk_spool_count(spool, &lost), 1);
	assert_true(chunk_spool_next(spool, &cursor, &got));
	assert_true(got.addr == 4096 + 3200 && got.size == 48 && got.state == CHUNK_FREE &&
	            got.arena == 3);
	assert_false(chunk_spool_next(spool, &cursor, &got));
	chunk_spool_free(spool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spool_gives_back_what_it_was_given),
		cmocka_unit_test(spool_begins_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
