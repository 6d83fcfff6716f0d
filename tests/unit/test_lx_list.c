/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of VMAs against a plain array: random changes, finding, gaps, copies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/linux/lx_list.h"

enum { MOST = 1200, WIDTH = 1000 };

static uint64_t seed = 88172645463325252;

static uint64_t any(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (seed >> 11) % below;
}

struct plain {
	struct lx_vma at[MOST];
	size_t count;
};

static void plain_replace(struct plain *p, size_t at, size_t old_count, const struct lx_vma *with,
                          size_t new_count)
{
	memmove(&p->at[at + new_count], &p->at[at + old_count],
	        (p->count - at - old_count) * sizeof(p->at[0]));
	memcpy(&p->at[at], with, new_count * sizeof(*with));
	p->count = p->count + new_count - old_count;
}

static uint64_t plain_gap(const struct plain *p, size_t i)
{
	return p->at[i].start - (i ? p->at[i - 1].end : 0);
}

static void assert_same(struct lx_list *list, const struct plain *p)
{
	assert_int_equal(list->count, p->count);
	for (size_t i = 0; i < p->count; i++)
		assert_memory_equal(lx_list_at(list, i), &p->at[i], sizeof(p->at[i]));
	for (size_t b = 0; b < list->block_count; b++)
		assert_true(list->blocks[b]->count > 0);
}

static void assert_finds(struct lx_list *list, const struct plain *p)
{
	uint64_t addr = any(p->count ? p->at[p->count - 1].end + 5 : 5), len = any(60);
	size_t i = 0, want;

	while (i < p->count && p->at[i].end <= addr)
		i++;
	assert_int_equal(lx_list_find(list, addr), i);
	if (!p->count)
		return;
	i = any(p->count);
	for (want = i; want != LX_NONE && plain_gap(p, want) < len; want--)
		;
	assert_int_equal(lx_list_gap_down(list, i, len), want);
	for (want = i; want < p->count && plain_gap(p, want) < len; want++)
		;
	assert_int_equal(lx_list_gap_up(list, i, len), want < p->count ? want : LX_NONE);
}

/* Up to four VMAs that fit where `old_count` were. */
static size_t any_vmas(const struct plain *p, size_t at, size_t old_count, struct lx_vma with[4])
{
	uint64_t low = at ? p->at[at - 1].end : 0, high;
	size_t count = 0, want = any(5);

	high = at + old_count < p->count ? p->at[at + old_count].start : low + WIDTH;
	while (count < want && low + 2 < high) {
		uint64_t start = low + any((high - low) / 2 + 1);

		with[count] = (struct lx_vma){ .start = start,
			                       .end = start + 1 + any((high - start) / 2 + 1),
			                       .flags = (uint32_t)any(100) };
		if (with[count].end > high)
			break;
		low = with[count++].end;
	}
	return count;
}

static void random_changes_are_those_of_an_array(void **state)
{
	static struct plain p;
	struct lx_list *list = lx_list_new(0);

	(void)state;
	assert_non_null(list);
	for (int step = 0; step < 60000; step++) {
		bool shrinks = p.count > MOST - 100 || (step / 4000) % 3 == 2;
		size_t at = any(p.count + 1), old_count, new_count;
		struct lx_vma with[4];

		if (any(8) == 0)
			at = any(2) ? 0 : p.count;
		old_count = any(shrinks ? 6 : 2);
		if (any(500) == 0)
			old_count = any(200);
		old_count = old_count < p.count - at ? old_count : p.count - at;
		new_count = shrinks && any(2) ? 0 : any_vmas(&p, at, old_count, with);
		if (p.count + new_count > MOST)
			continue;
		assert_true(lx_list_reserve(list, new_count));
		lx_list_replace(list, at, old_count, with, new_count);
		plain_replace(&p, at, old_count, with, new_count);
		assert_finds(list, &p);
		if (step % 100 == 0)
			assert_same(list, &p);
	}
	assert_same(list, &p);
	lx_list_unref(list);
}

/* What is mapped downward, or upward, fills its blocks. */
static void rows_fill_blocks(void **state)
{
	(void)state;
	for (int down = 0; down < 2; down++) {
		struct lx_list *list = lx_list_new(0), *copy;

		for (uint64_t i = 0; i < 6400; i++) {
			uint64_t start = 4 * (down ? 6400 - i : i + 1);
			struct lx_vma vma = { .start = start, .end = start + 2 };

			assert_true(lx_list_reserve(list, 1));
			lx_list_replace(list, down ? 0 : (size_t)i, 0, &vma, 1);
		}
		assert_int_equal(list->count, 6400);
		assert_true(list->block_count <= 2 * 6400 / LX_BLOCK);
		copy = lx_list_copy(list);
		assert_non_null(copy);
		lx_list_replace(list, 0, 6400, NULL, 0);
		assert_int_equal(list->count, 0);
		assert_int_equal(copy->count, 6400);
		assert_int_equal(lx_list_find(copy, 4 * 77 + 1), 76);
		assert_int_equal(lx_list_gap_down(copy, 6399, 3), 0);
		assert_int_equal(lx_list_gap_down(copy, 6399, 5), LX_NONE);
		lx_list_unref(list);
		lx_list_unref(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_changes_are_those_of_an_array),
		cmocka_unit_test(rows_fill_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
