/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A world's memory against a plain array of pages that does the same: accesses, the kernel's side,
 * journal, branches, and heaptop's own memory running out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/base/units.h"
#include "model/sim/image.h"
#include "model/sim/image_pool.h"
#include "tests/lib/plain_image.h"

enum { MARKS_MAX = 6, SIDES_MAX = 5 };

struct mark {
	size_t journal;
	struct plain_image before;
};

/* An image and its plain twin. */
struct side {
	struct image image;
	struct plain_image now;
	struct mark marks[MARKS_MAX];
	size_t mark_count;
	bool is_used;
};

struct fixture {
	struct image_pool *pool;
	struct side sides[SIDES_MAX];
	struct plain_owner owner; /* of the address space of all sides */
	uint32_t seed;
};

static uint32_t any(struct fixture *f, uint32_t below)
{
	f->seed = f->seed * 1664525u + 1013904223u;
	return (f->seed >> 8) % below;
}

/* --- comparing ----------------------------------------------------------------------------------------- */

static bool is_resident(enum image_slot slot)
{
	return slot == SLOT_ZERO || slot == SLOT_UNKNOWN || slot == SLOT_FIRST_PAGE;
}

static void assert_same(const struct side *side)
{
	static uint8_t bytes[IMAGE_PAGE];
	uint64_t resident = 0;

	for (size_t i = 0; i < PLAIN_PAGES; i++) {
		const struct plain_page *page = &side->now.pages[i];
		uint64_t addr = plain_addr(i);
		bool is_known = page->slot != SLOT_UNKNOWN && page->slot != SLOT_SWAPPED;

		assert_int_equal(image_peek(&side->image, addr, bytes, IMAGE_PAGE), is_known);
		if (is_known)
			assert_memory_equal(bytes, page->bytes, IMAGE_PAGE);
		assert_int_equal(image_resident(&side->image, addr, addr + IMAGE_PAGE),
		                 is_resident(page->slot));
		resident += is_resident(page->slot);
	}
	assert_int_equal(side->image.resident, resident);
}

static void assert_all_same(struct fixture *f)
{
	for (size_t i = 0; i < SIDES_MAX; i++)
		if (f->sides[i].is_used)
			assert_same(&f->sides[i]);
}

static void assert_same_fault(struct fixture *f, struct side *side)
{
	assert_int_equal(side->image.fault, f->owner.fault);
	if (f->owner.fault != IMAGE_OK) {
		assert_int_equal(side->image.fault_addr, f->owner.fault_addr);
		assert_int_equal(side->image.fault_is_write, f->owner.fault_is_write);
	}
	f->owner.fault = IMAGE_OK;
	image_clear_fault(&side->image);
}

/* --- random steps ----------------------------------------------------------------------------- */

static uint64_t any_addr(struct fixture *f, unsigned width)
{
	uint64_t addr = plain_addr(any(f, PLAIN_PAGES)) + any(f, IMAGE_PAGE);

	if (any(f, 64) == 0)
		return (uint64_t)any(f, 1 << 20) << any(f, 40);
	return any(f, 32) ? align_down(addr, width) : addr;
}

static void step_access(struct fixture *f, struct side *s)
{
	unsigned width = 1u << any(f, 4);
	uint64_t addr = any_addr(f, width), v = (uint64_t)any(f, 1 << 24) * 0x123456789;
	bool is_write = any(f, 2);

	if (is_write && width == 8)
		image_set8(&s->image, addr, v);
	else if (is_write && width == 4)
		image_set4(&s->image, addr, (uint32_t)v);
	else if (is_write && width == 2)
		image_set2(&s->image, addr, (uint16_t)v);
	else if (is_write)
		image_set1(&s->image, addr, (uint8_t)v);
	if (is_write) {
		plain_set(&f->owner, &s->now, addr, width, v);
		return;
	}
	v = width == 8   ? image_get8(&s->image, addr)
	    : width == 4 ? image_get4(&s->image, addr)
	    : width == 2 ? image_get2(&s->image, addr)
	                 : image_get1(&s->image, addr);
	assert_int_equal(v, plain_get(&f->owner, &s->now, addr, width));
}

/* A range within one cluster: its first page, and how many. */
static size_t any_range(struct fixture *f, size_t most, size_t *ret_count)
{
	size_t cluster = any(f, PLAIN_CLUSTERS), first = any(f, PLAIN_CLUSTER_PAGES);

	*ret_count = 1 + any(f, (uint32_t)min_u64(most, PLAIN_CLUSTER_PAGES - first));
	return cluster * PLAIN_CLUSTER_PAGES + first;
}

static void step_kernel(struct fixture *f, struct side *s)
{
	uint64_t before = s->image.resident, changed;
	size_t count, first = any_range(f, PLAIN_CLUSTER_PAGES, &count), to;

	switch (any(f, 4)) {
	case 0:
		changed = image_drop(&s->image, plain_addr(first),
		                     plain_addr(first) + count * IMAGE_PAGE);
		plain_drop(&s->now, first, count);
		assert_int_equal(changed, before - s->image.resident);
		break;
	case 1:
		changed = image_touch(&s->image, plain_addr(first) + any(f, IMAGE_PAGE),
		                      plain_addr(first) + count * IMAGE_PAGE);
		plain_touch(&f->owner, &s->now, plain_addr(first),
		            plain_addr(first) + count * IMAGE_PAGE);
		assert_int_equal(changed, s->image.resident - before);
		break;
	case 2:
		to = (first + PLAIN_CLUSTER_PAGES) % PLAIN_PAGES;
		image_move(&s->image, plain_addr(first), plain_addr(to), count * IMAGE_PAGE);
		memcpy(&s->now.pages[to], &s->now.pages[first], count * sizeof(s->now.pages[0]));
		plain_drop(&s->now, first, count);
		break;
	default: /* rights are of all sides: one backing serves them */
		for (size_t i = first; i < first + count; i++)
			f->owner.rights[i] =
			        (enum plain_rights)(any(f, 3) ? READ_WRITE : any(f, 4));
		for (size_t i = 0; i < SIDES_MAX; i++)
			if (f->sides[i].is_used)
				image_flush(&f->sides[i].image, plain_addr(first),
				            plain_addr(first) + count * IMAGE_PAGE);
	}
}

static void step_bytes(struct fixture *f, struct side *s)
{
	size_t count, first = any_range(f, 3, &count), offset = any(f, IMAGE_PAGE - 8);
	uint64_t from = plain_addr(first) + offset,
	         len = count * IMAGE_PAGE - offset - any(f, 9) % 5;
	uint64_t to = plain_addr((first + PLAIN_CLUSTER_PAGES) % PLAIN_PAGES) +
	              any(f, (uint32_t)offset + 1);
	uint8_t byte = (uint8_t)(any(f, 2) ? any(f, 256) : 0);

	if (any(f, 2)) {
		image_copy(&s->image, to, from, len);
		plain_copy(&f->owner, &s->now, to, from, len);
		return;
	}
	image_fill(&s->image, to, byte, len);
	plain_fill(&f->owner, &s->now, to, byte, len);
}

static void step_journal(struct fixture *f, struct side *s)
{
	uint32_t what = any(f, 8);

	if (!s->image.is_journaling)
		return;
	if (what < 4 && s->mark_count < MARKS_MAX) {
		s->marks[s->mark_count].journal = image_mark_journal(&s->image);
		s->marks[s->mark_count++].before = s->now;
	} else if (what < 7 && s->mark_count) {
		s->mark_count = any(f, (uint32_t)s->mark_count);
		assert_true(image_undo(&s->image, s->marks[s->mark_count].journal));
		s->now = s->marks[s->mark_count].before;
	} else {
		image_commit(&s->image, 0);
		s->mark_count = 0;
	}
}

static void step_branch(struct fixture *f, struct side *s)
{
	struct side *to = &f->sides[any(f, SIDES_MAX)];
	bool is_only = true;

	for (size_t i = 0; i < SIDES_MAX; i++)
		is_only = is_only && (!f->sides[i].is_used || &f->sides[i] == s);
	if (to == s && is_only)
		return;
	if (to->is_used) { /* one side less */
		image_end(&to->image);
		to->is_used = false;
		return;
	}
	assert_true(image_branch(&s->image, &to->image));
	to->now = s->now;
	to->mark_count = 0;
	to->is_used = true;
	image_set_journal(&to->image, any(f, 3) != 0);
}

static void step(struct fixture *f)
{
	struct side *s = &f->sides[any(f, SIDES_MAX)];
	uint32_t what = any(f, 100);

	if (!s->is_used)
		return;
	if (what < 70)
		step_access(f, s);
	else if (what < 80)
		step_kernel(f, s);
	else if (what < 86)
		step_bytes(f, s);
	else if (what < 97)
		step_journal(f, s);
	else
		step_branch(f, s);
	if (s->is_used)
		assert_same_fault(f, s);
}

/* --- fixture ---------------------------------------------------------------------------------- */

/* Pages of every kind. */
static void fill_base(struct fixture *f)
{
	struct side *s = &f->sides[0];

	for (size_t i = 0; i < PLAIN_PAGES; i++) {
		struct plain_page *page = &s->now.pages[i];

		page->slot = (enum image_slot)any(f, SLOT_FIRST_PAGE + 1);
		f->owner.rights[i] = any(f, 8) ? READ_WRITE : OF_A_FILE;
		for (size_t at = 0; page->slot == SLOT_FIRST_PAGE && at < IMAGE_PAGE; at++)
			page->bytes[at] = (uint8_t)any(f, 256);
		if (page->slot == SLOT_FIRST_PAGE)
			assert_true(image_put(&s->image, plain_addr(i), page->bytes, 1));
		else
			assert_true(image_mark(&s->image, plain_addr(i), plain_addr(i) + IMAGE_PAGE,
			                       page->slot));
	}
}

static struct fixture *begin(uint32_t seed)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->seed = seed;
	f->pool = image_pool_new();
	assert_non_null(f->pool);
	image_init(&f->sides[0].image, f->pool);
	f->sides[0].image.backing = (struct image_backing){ plain_rights_say, &f->owner };
	f->sides[0].is_used = true;
	fill_base(f);
	image_set_journal(&f->sides[0].image, true);
	return f;
}

/* No page outlives the images. */
static void end(struct fixture *f)
{
	size_t page_bytes;

	for (size_t i = 0; i < SIDES_MAX; i++)
		if (f->sides[i].is_used)
			image_end(&f->sides[i].image);
	(void)image_pool_bytes(f->pool, &page_bytes);
	assert_int_equal(page_bytes, 0);
	image_pool_free(f->pool);
	free(f);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void an_image_is_as_good_as_an_array(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 40; seed++) {
		struct fixture *f = begin(seed);

		for (int i = 0; i < 1500; i++) {
			step(f);
			if (i % 10 == 0)
				assert_all_same(f);
		}
		assert_all_same(f);
		end(f);
	}
}

static void a_write_that_failed_is_not_taken_back(void **state)
{
	static const struct {
		enum plain_rights rights;
		unsigned offset;
		enum image_fault fault;
	} cases[] = { { READ_ONLY, 0, IMAGE_SEGV },
		      { NOTHING, 0, IMAGE_SEGV },
		      { READ_WRITE, 3, IMAGE_UNALIGNED } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture *f = begin(7);
		struct side *s = &f->sides[0];
		size_t mark = image_mark_journal(&s->image), page = 0;

		while (s->now.pages[page].slot != SLOT_FIRST_PAGE)
			page++;
		f->owner.rights[page] = cases[i].rights;
		image_set8(&s->image, plain_addr(page) + cases[i].offset, 1);
		assert_int_equal(s->image.fault, cases[i].fault);
		image_clear_fault(&s->image);
		assert_true(image_undo(&s->image, mark));
		assert_same(s);
		end(f);
	}
}

static void nobody_has_the_highest_addresses(void **state)
{
	struct fixture *f = begin(3);
	struct side *s = &f->sides[0];
	size_t mark = image_mark_journal(&s->image);

	(void)state;
	s->image.backing = (struct image_backing){ 0 };
	for (unsigned top = 1; top < 16; top++) {
		image_set8(&s->image, (uint64_t)top << 60 | plain_addr(1), top);
		assert_int_equal(s->image.fault, IMAGE_SEGV);
		image_clear_fault(&s->image);
		assert_int_equal(image_get8(&s->image, (uint64_t)top << 60 | plain_addr(1)), 0);
		assert_int_equal(s->image.fault, IMAGE_SEGV);
		image_clear_fault(&s->image);
	}
	assert_true(image_undo(&s->image, mark));
	assert_same(s);
	end(f);
}

/* A leaf that was never split in pages. */
static void a_uniform_leaf_is_what_it_says(void **state)
{
	const uint64_t start = 0x7f1000000000, leaf = 512 * IMAGE_PAGE;
	struct image_pool *pool = image_pool_new();
	struct image image;
	size_t mark;

	(void)state;
	image_init(&image, pool);
	assert_true(image_mark(&image, start, start + 3 * leaf, SLOT_UNKNOWN));
	assert_int_equal(image.resident, 3 * 512);
	assert_int_equal(
	        image_resident(&image, start + leaf - IMAGE_PAGE, start + leaf + IMAGE_PAGE), 2);
	image_set_journal(&image, true);
	mark = image_mark_journal(&image);
	assert_int_equal(image_get4(&image, start + leaf), 0);
	assert_int_equal(image.fault, IMAGE_UNKNOWN);
	image_clear_fault(&image);
	assert_int_equal(image_drop(&image, start + leaf / 2, start + 2 * leaf + IMAGE_PAGE),
	                 512 + 257);
	assert_int_equal(image.resident, 3 * 512 - 512 - 257);
	image_set1(&image, start + leaf, 9);
	assert_int_equal(image_get1(&image, start + leaf), 9);
	assert_true(image_undo(&image, mark));
	assert_int_equal(image.resident, 3 * 512);
	assert_int_equal(image_get1(&image, start + leaf), 0);
	assert_int_equal(image.fault, IMAGE_UNKNOWN);
	image_end(&image);
	image_pool_free(pool);
}

static size_t bytes_of(const struct image_pool *pool)
{
	size_t page_bytes;

	return image_pool_bytes(pool, &page_bytes);
}

/* What a journal takes is counted once, also when it was off meanwhile, and no more when it is gone. */
static void a_journals_bytes_are_counted(void **state)
{
	struct image_pool *pool = image_pool_new();
	size_t empty = 0, grown = 0;

	(void)state;
	for (int round = 0; round < 2; round++) {
		struct image image;

		image_init(&image, pool);
		for (int turn = 0; turn < 3; turn++) {
			image_set_journal(&image, true);
			for (uint32_t i = 0; i < 5000; i++)
				image_set4(&image, 0x1000, i);
			assert_int_equal(image_mark_journal(&image), 5001 - (turn > 0));
			if (turn)
				assert_int_equal(bytes_of(pool), grown);
			grown = bytes_of(pool);
			image_commit(&image, 0);
			image_set_journal(&image, false);
		}
		image_end(&image);
		if (round)
			assert_int_equal(bytes_of(pool), empty);
		empty = bytes_of(pool);
		assert_true(empty < grown);
	}
	image_pool_free(pool);
}

/* Rows are filled before they are kept, with a journal and without. */
static void reserved_rows_are_undone(void **state)
{
	struct fixture *f = begin(11);
	struct side *s = &f->sides[0];
	size_t mark = image_mark_journal(&s->image), page = 0;

	(void)state;
	while (s->now.pages[page].slot != SLOT_FIRST_PAGE || f->owner.rights[page] != READ_WRITE)
		page++;
	for (int round = 0; round < 3000; round++) {
		uint8_t *host = image_own(&s->image, plain_addr(page));
		struct image_change *rows = image_reserve(&s->image, 2);

		assert_non_null(host);
		rows[0] =
		        (struct image_change){ plain_addr(page) | IMAGE_KIND(IMAGE_BYTE), host[0] };
		rows[1] = (struct image_change){ (plain_addr(page) + 8) | IMAGE_KIND(IMAGE_BYTE),
			                         host[8] };
		image_keep(&s->image, rows, 2);
		host[0]++;
		host[8] ^= 0x55;
	}
	assert_int_equal(image_mark_journal(&s->image) - mark, 6000);
	assert_true(image_undo(&s->image, mark));
	assert_same(s);
	image_commit(&s->image, 0);
	image_set_journal(&s->image, false);
	assert_ptr_equal(image_reserve(&s->image, 4), s->image.scratch);
	image_keep(&s->image, s->image.scratch, 4);
	assert_int_equal(image_mark_journal(&s->image), 0);
	end(f);
}

/* The k-th allocation fails, whatever it is for. */
static void running_out_of_memory_loses_nothing(void **state)
{
	unsigned failed = 0;

	(void)state;
	for (size_t k = 1; k < 24; k++) {
		struct fixture *f = begin(5);
		struct side *s = &f->sides[0];
		size_t mark = image_mark_journal(&s->image);
		struct plain_image before = s->now;
		bool has_failed = false;

		assert_true(image_branch(&s->image, &f->sides[1].image));
		f->sides[1].is_used = true;
		f->sides[1].now = s->now;
		region_fail_at(f->pool->region, k);
		for (uint64_t at = 0; at < 3 * MIB * 2 && !has_failed; at += IMAGE_PAGE) {
			s->image.backing.access = NULL;
			image_set8(&s->image, 0x7f2000000000 + at, at + 1);
			has_failed = s->image.fault == IMAGE_NO_MEMORY;
		}
		region_fail_at(f->pool->region, 0);
		failed += has_failed;
		image_clear_fault(&s->image);
		image_set8(&s->image, plain_addr(20) + 8, k); /* and on it goes */
		assert_true(image_undo(&s->image, mark));
		s->now = before;
		assert_all_same(f);
		assert_int_equal(
		        image_resident(&s->image, 0x7f2000000000, 0x7f2000000000 + 6 * MIB), 0);
		end(f);
	}
	assert_true(failed >= 4);
}

/* Guards stay through MADV_DONTNEED and a move, and end with what maps them. */
static void guards_stay_where_they_are_put(void **state)
{
	struct image_pool *pool = image_pool_new();
	struct image image;
	const uint64_t at = UINT64_C(0x7f0000000000), leaf = 512 * (uint64_t)IMAGE_PAGE;
	size_t mark;

	(void)state;
	assert_non_null(pool);
	image_init(&image, pool);
	image_set_journal(&image, true);
	image_set8(&image, at, 5);
	mark = image_mark_journal(&image);
	image_guard(&image, at, at + 2 * IMAGE_PAGE);
	assert_int_equal(image.resident, 0);
	assert_int_equal(image_get8(&image, at), 0);
	assert_int_equal(image.fault, IMAGE_SEGV);
	image_clear_fault(&image);
	assert_int_equal(image_touch(&image, at - IMAGE_PAGE, at + IMAGE_PAGE), 1);
	assert_int_equal(image.fault, IMAGE_SEGV);
	assert_int_equal(image.fault_addr, at);
	image_clear_fault(&image);
	image_zap(&image, at - IMAGE_PAGE, at + leaf);
	assert_int_equal(image.resident, 0);
	assert_int_equal(image_find_guard(&image, at - 3 * leaf, at + leaf), at);
	assert_true(image_is_any_mapped(&image, at, at + leaf));
	image_move(&image, at, at + 4 * leaf, leaf);
	assert_int_equal(image_find_guard(&image, at, at + leaf), at + leaf);
	assert_int_equal(image_find_guard(&image, at, at + 5 * leaf), at + 4 * leaf);
	image_unguard(&image, at + 4 * leaf, at + 4 * leaf + IMAGE_PAGE);
	assert_int_equal(image_find_guard(&image, at, at + 5 * leaf), at + 4 * leaf + IMAGE_PAGE);
	image_drop(&image, at, at + 5 * leaf);
	assert_int_equal(image_find_guard(&image, 0, at + 5 * leaf), at + 5 * leaf);
	assert_false(image_is_any_mapped(&image, at, at + leaf));
	image_undo(&image, mark);
	assert_int_equal(image_get8(&image, at), 5);
	image_end(&image);
	image_pool_free(pool);
}

/* What is only read is the kernel's zero page: mapped and nobody's, until it is written. */
static void what_is_read_is_not_resident(void **state)
{
	struct image_pool *pool = image_pool_new();
	struct image image;
	const uint64_t at = UINT64_C(0x7f0000000000);

	(void)state;
	assert_non_null(pool);
	image_init(&image, pool);
	assert_int_equal(image_get8(&image, at), 0);
	assert_int_equal(image.resident, 0);
	assert_true(image_is_any_mapped(&image, at, at + IMAGE_PAGE));
	assert_false(image_is_any_resident(&image, at, at + IMAGE_PAGE));
	image_read(&image, at, at + 4 * IMAGE_PAGE, SLOT_READ);
	assert_int_equal(image.resident, 0);
	assert_int_equal(image_touch(&image, at, at + 8 * IMAGE_PAGE), 8);
	assert_int_equal(image.resident, 8);
	image_read(&image, at, at + 10 * IMAGE_PAGE, SLOT_ZERO);
	assert_int_equal(image.resident, 10);
	image_end(&image);
	image_pool_free(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_image_is_as_good_as_an_array),
		cmocka_unit_test(a_write_that_failed_is_not_taken_back),
		cmocka_unit_test(nobody_has_the_highest_addresses),
		cmocka_unit_test(a_uniform_leaf_is_what_it_says),
		cmocka_unit_test(a_journals_bytes_are_counted),
		cmocka_unit_test(reserved_rows_are_undone),
		cmocka_unit_test(running_out_of_memory_loses_nothing),
		cmocka_unit_test(guards_stay_where_they_are_put),
		cmocka_unit_test(what_is_read_is_not_resident),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
