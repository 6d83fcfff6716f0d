/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a touch meets: guards, a stack that grows, huge pages, pages that were only read. By release and
 * on made-up machines; test_lx_mm_real.c compares what the running kernel can show.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/base/units.h"
#include "model/run/operate.h"
#include "model/sim/why_text.h"

enum { PAGE = 4096 };

#define STACK_START ((uint64_t)0x7ffffffde000) /* of a fresh process; 33 pages */

struct run {
	struct region *region;
	struct world *world;
	struct scenario scenario;
	struct operate operate;
	struct op_result last;
	size_t count;
};

/* Runs all of it; the last operation's result stays. */
static void begin(struct run *r, const char *text, int major, int minor)
{
	const struct world_start from = { .glibc_minor = 36,
		                          .kernel_major = major,
		                          .kernel_minor = minor };
	static struct scenario_cursor cursor;
	static struct operation op;
	struct err err = { 0 };
	bool is_end = false;

	memset(r, 0, sizeof(*r));
	r->region = region_new();
	assert_non_null(r->region);
	if (!world_new(&from, &r->world, &err) ||
	    !scenario_parse(r->region, text, strlen(text), "test", &r->scenario, &err) ||
	    !operate_start(&r->operate, r->region, r->world, &r->scenario, &err))
		fail_msg("%s: %s", err.what, err.why);
	lx_mm_set_why(r->world->mm, &r->world->why);
	scenario_start(&cursor, &r->scenario);
	while (!r->operate.is_over) {
		if (!scenario_next(&cursor, &op, &is_end, &err))
			fail_msg("%s: %s", err.what, err.why);
		if (is_end)
			break;
		if (!operate_run(&r->operate, &op, &r->last, &err))
			fail_msg("%s: %s", err.what, err.why);
		r->count++;
	}
}

static void end(struct run *r)
{
	world_end(r->world);
	region_free(r->region);
}

/* Outcome and RSS change of the last operation. */
static void last_is(const char *text, int major, int minor, enum outcome outcome, int64_t rss)
{
	struct run r;

	begin(&r, text, major, minor);
	if (r.last.outcome != outcome || r.last.rss_pages != rss)
		fail_msg("%s on %d.%d: %s, %lld pages", text, major, minor,
		         outcome_word(r.last.outcome), (long long)r.last.rss_pages);
	end(&r);
}

static bool was_told(const struct run *r, const char *fn)
{
	struct why_words words;

	for (size_t i = 0; i < r->world->why.count; i++) {
		why_words(&r->world->why.at[i], &words);
		if (r->world->why.at[i].is_enter && strcmp(words.fn, fn) == 0)
			return true;
	}
	return false;
}

/* --- guards ----------------------------------------------------------------------------------- */

#define GUARDED "a = mmap 64K\ntouch a\nmadvise a 16K 8K guard_install\n"

static void a_guard_is_a_segv_and_splits_nothing(void **state)
{
	struct run r;
	size_t before;

	(void)state;
	begin(&r, "a = mmap 64K\ntouch a\n", 6, 18);
	before = lx_mm_count(r.world->mm);
	end(&r);
	begin(&r, GUARDED, 6, 18);
	assert_int_equal(lx_mm_count(r.world->mm), before);
	assert_int_equal(r.last.rss_pages, -2); /* what was there is gone */
	end(&r);
	last_is(GUARDED "touch a 16K\n", 6, 18, OUTCOME_OK, 0);
	begin(&r, GUARDED "touch a\n", 6, 18);
	assert_int_equal(r.last.outcome, OUTCOME_SEGV);
	assert_int_equal(r.last.ret, 4); /* the pages before it */
	end(&r);
	last_is(GUARDED "touch a 1 24K\n", 6, 18, OUTCOME_OK, 0);
	last_is(GUARDED "touch a 1 20K\n", 6, 18, OUTCOME_SEGV, 0);
}

static void guards_end_with_what_undoes_them(void **state)
{
	(void)state;
	/* dropped pages, rights and a move leave them … */
	last_is(GUARDED "madvise a 0 64K dontneed\ntouch a 1 16K\n", 6, 18, OUTCOME_SEGV, 0);
	last_is(GUARDED "mprotect a none\nmprotect a rw\ntouch a 1 16K\n", 6, 18, OUTCOME_SEGV, 0);
	last_is(GUARDED "mremap a 64K 4M maymove\ntouch a 1 16K\n", 6, 18, OUTCOME_SEGV, 0);
	/* … until they are taken away, or what they lie in is */
	last_is(GUARDED "madvise a 0 64K guard_remove\ntouch a\n", 6, 18, OUTCOME_OK, 2);
	last_is(GUARDED "b = mmap 64K fixed a\ntouch b\n", 6, 18, OUTCOME_OK, 16);
	/* twice is once, and nothing to remove is no error */
	last_is(GUARDED "madvise a 16K 8K guard_install\nmadvise a 0 64K guard_remove\n"
	                "madvise a 0 64K guard_remove\ntouch a\n",
	        6, 18, OUTCOME_OK, 2);
}

static void guards_came_with_6_13(void **state)
{
	struct run r;

	(void)state;
	begin(&r, GUARDED, 6, 12);
	assert_int_equal(r.last.error, 22);
	end(&r);
	begin(&r, GUARDED, 6, 13);
	assert_int_equal(r.last.error, 0);
	end(&r);
	/* in shared memory since 6.15 */
	begin(&r, "a = mmap 64K shared\nmadvise a 0 4K guard_install\n", 6, 14);
	assert_int_equal(r.last.error, 22);
	end(&r);
	last_is("a = mmap 64K shared\nmadvise a 0 4K guard_install\ntouch a\n", 6, 15, OUTCOME_SEGV,
	        0);
	begin(&r, "a = mmap 64K locked\nmadvise a 0 4K guard_install\n", 6, 18);
	assert_int_equal(r.last.error, 22);
	end(&r);
}

/* An entry in a page table keeps the table, where emptied ones are given back. */
static void guards_keep_their_page_table(void **state)
{
	struct run r;
	uint64_t with;

	(void)state;
	begin(&r, "a = mmap 4M fixed 0x100000000000\ntouch a 4K\nmadvise a 0 4K guard_install\n", 7,
	      2);
	with = lx_table_pages(r.world->mm);
	end(&r);
	begin(&r, "a = mmap 4M fixed 0x100000000000\ntouch a 4K\nmadvise a 0 4K dontneed\n", 7, 2);
	assert_int_equal(lx_table_pages(r.world->mm), with - 3);
	end(&r);
}

/* --- the stack -------------------------------------------------------------------------------- */

static void the_stack_grows_where_it_is_touched(void **state)
{
	struct run r;
	const struct lx_vma *stack;

	(void)state;
	begin(&r, "touch 0x7fffffdde000 1\n", 6, 18);
	assert_int_equal(r.last.outcome, OUTCOME_OK);
	assert_int_equal(r.last.rss_pages, 1);
	/* down to the page, and charged */
	assert_int_equal(r.last.commit_pages, 512);
	stack = lx_mm_find(r.world->mm, STACK_START);
	assert_int_equal(stack->start, 0x7fffffdde000);
	assert_string_equal(lx_vma_name(r.world->mm, stack), "[stack]");
	assert_true(was_told(&r, "expand_stack"));
	end(&r);
}

/* RLIMIT_STACK counts all of it, to the byte. */
static void the_stack_ends_at_its_limit(void **state)
{
	(void)state;
	/* 0x7ffffffff000 - 8 MiB is the lowest page */
	last_is("touch 0x7fffff7ff000 1\n", 6, 18, OUTCOME_OK, 1);
	last_is("touch 0x7fffff7fe000 1\n", 6, 18, OUTCOME_SEGV, 0);
	last_is("set rlimit.stack 1M\ntouch 0x7fffffeff000 1\n", 6, 18, OUTCOME_OK, 1);
	last_is("set rlimit.stack 1M\ntouch 0x7fffffefe000 1\n", 6, 18, OUTCOME_SEGV, 0);
	last_is("set rlimit.stack unlimited\ntouch 0x7ffff8100000 1\n", 6, 18, OUTCOME_OK, 1);
	last_is("set rlimit.as 10M\ntouch 0x7fffff7ff000 1\n", 6, 18, OUTCOME_SEGV, 0);
	/* a refused charge, too */
	last_is("set vm.overcommit_memory 2\nset system.committed 100G\ntouch 0x7fffffddd000 1\n",
	        6, 18, OUTCOME_SEGV, 0);
}

/* 256 pages stay between it and what lies below, unless that can't be accessed. */
static void the_stack_keeps_its_gap(void **state)
{
#define BELOW "set rlimit.stack unlimited\na = mmap 4K fixed 0x7fffff000000"

	(void)state;
	last_is(BELOW "\ntouch 0x7fffff101000 1\n", 6, 18, OUTCOME_OK, 1);
	last_is(BELOW "\ntouch 0x7fffff100000 1\n", 6, 18, OUTCOME_SEGV, 0);
	last_is(BELOW " none\ntouch 0x7fffff001000 1\n", 6, 18, OUTCOME_OK, 1);
	last_is(BELOW " none\ntouch 0x7fffff000000 1\n", 6, 18, OUTCOME_SEGV, 0);
	/* before the gap a page was enough */
	last_is("set rlimit.stack unlimited\na = mmap 4K fixed 0x7fffffff0000\n", 4, 3, OUTCOME_OK,
	        0);
	last_is("a = mmap 4K fixed 0x7ffffffd0000\ntouch 0x7ffffffd2000 1\n", 4, 3, OUTCOME_OK, 1);
	last_is("a = mmap 4K fixed 0x7ffffffd0000\ntouch 0x7ffffffd1000 1\n", 4, 3, OUTCOME_SEGV,
	        0);
}

/* To 4.19 what lies more than 64 KiB and 256 bytes below the stack pointer was no access to it. */
static void far_below_the_pointer_was_a_segv(void **state)
{
	(void)state;
	last_is("touch 0x7ffffffce000 1\n", 4, 19, OUTCOME_OK, 1);
	last_is("touch 0x7ffffffcd000 1\n", 4, 19, OUTCOME_SEGV, 0);
	last_is("touch 0x7ffffffcd000 1\n", 4, 20, OUTCOME_OK, 1);
}

/* --- huge pages ------------------------------------------------------------------------------- */

#define BLOCK "a = mmap 8M fixed 0x100000000000\n"
#define HUGE_ "madvise a 0 8M hugepage\n"

static void one_write_brings_in_two_mebibytes(void **state)
{
	struct run r;

	(void)state;
	last_is(BLOCK HUGE_ "touch a 1\n", 6, 12, OUTCOME_OK, 512);
	last_is(BLOCK HUGE_ "touch a 1\ntouch a 1 2M\n", 6, 12, OUTCOME_OK, 512);
	last_is(BLOCK HUGE_ "touch a 1\ntouch a 1 1M\n", 6, 12, OUTCOME_OK, 0);
	last_is(BLOCK HUGE_ "touch a\n", 6, 12, OUTCOME_OK, 2048);
	begin(&r, BLOCK HUGE_ "touch a 1\n", 6, 12);
	assert_int_equal(r.last.huge_faults, 1);
	assert_int_equal(r.last.ret, 1);
	end(&r);
}

static void the_setting_says_who_gets_them(void **state)
{
	static const char always[] = "set system.transparent_hugepage always\n";
	static const char never[] = "set system.transparent_hugepage never\n";
	char text[512];

	(void)state;
	last_is(BLOCK "touch a 1\n", 6, 12, OUTCOME_OK, 1);
	(void)snprintf(text, sizeof(text), "%s" BLOCK "touch a 1\n", always);
	last_is(text, 6, 12, OUTCOME_OK, 512);
	(void)snprintf(text, sizeof(text), "%s" BLOCK "madvise a 0 8M nohugepage\ntouch a 1\n",
	               always);
	last_is(text, 6, 12, OUTCOME_OK, 1);
	(void)snprintf(text, sizeof(text), "%s" BLOCK HUGE_ "touch a 1\n", never);
	last_is(text, 6, 12, OUTCOME_OK, 1);
	/* a thread's stack was made without them since 6.7 */
	(void)snprintf(text, sizeof(text), "%sa = mmap 8M stack fixed 0x100000000000\ntouch a 1\n",
	               always);
	last_is(text, 6, 6, OUTCOME_OK, 512);
	last_is(text, 6, 7, OUTCOME_OK, 1);
}

static void only_whole_untouched_blocks_are_huge(void **state)
{
	(void)state;
	/* not aligned: the first and the last block lie partly outside */
	last_is("a = mmap 4M fixed 0x100000100000\nmadvise a 0 4M hugepage\ntouch a 1\n", 6, 12,
	        OUTCOME_OK, 1);
	last_is("a = mmap 4M fixed 0x100000100000\nmadvise a 0 4M hugepage\ntouch a\n", 6, 12,
	        OUTCOME_OK, 1024);
	/* a page table is there already */
	last_is(BLOCK "touch a 1\n" HUGE_ "touch a 1 4K\n", 6, 12, OUTCOME_OK, 1);
	last_is("a = mmap 8M shared fixed 0x100000000000\n" HUGE_ "touch a 1\n", 6, 12, OUTCOME_OK,
	        1);
}

/* Where a cgroup has no room for 512 pages there is one. */
static void without_room_it_is_a_page(void **state)
{
	struct run r;

	(void)state;
	begin(&r, "set cgroup.memory.max 3M\n" BLOCK HUGE_ "touch a 1\ntouch a 1 2M\n", 6, 12);
	assert_int_equal(r.last.outcome, OUTCOME_OK);
	assert_int_equal(r.last.rss_pages, 1);
	assert_int_equal(r.last.huge_faults, 0);
	end(&r);
}

/* malloc's own writes are writes like any other. */
static void malloc_gets_them_too(void **state)
{
	struct run r;

	(void)state;
	begin(&r,
	      "set system.transparent_hugepage always\nset glibc.malloc.top_pad 16M\n"
	      "for i 1 600\n  a = malloc 10000\nend\n",
	      6, 12);
	assert_true(world_resident(r.world) >= 2 * 512);
	assert_true(lx_mm_huge_faults(r.world->mm) >= 2);
	end(&r);
}

/* --- what is only read ------------------------------------------------------------------------ */

static void populating_reads_what_it_may_not_write(void **state)
{
	struct run r;
	uint64_t before;

	(void)state;
	last_is("a = mmap 64K populate\n", 6, 12, OUTCOME_OK, 16);
	last_is("a = mmap 64K none populate\n", 6, 12, OUTCOME_OK, 0);
	/* the zero page is nobody's, but its page tables are there */
	begin(&r, "pause\n", 7, 2);
	before = lx_table_pages(r.world->mm);
	end(&r);
	begin(&r, "a = mmap 4M ro populate\n", 7, 2);
	assert_int_equal(r.last.rss_pages, 0);
	assert_in_range(lx_table_pages(r.world->mm), before + 2, before + 5);
	end(&r);
	last_is("a = mmap 4M ro populate\nmprotect a rw\ntouch a\n", 7, 2, OUTCOME_OK, 1024);
	/* of shared memory a read makes the page */
	last_is("a = mmap 64K shared populate\n", 6, 12, OUTCOME_OK, 16);
	last_is("a = mmap 64K shared ro populate\n", 6, 12, OUTCOME_OK, 16);
	last_is("a = mmap 64K shared none populate\n", 6, 12, OUTCOME_OK, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_guard_is_a_segv_and_splits_nothing),
		cmocka_unit_test(guards_end_with_what_undoes_them),
		cmocka_unit_test(guards_came_with_6_13),
		cmocka_unit_test(guards_keep_their_page_table),
		cmocka_unit_test(the_stack_grows_where_it_is_touched),
		cmocka_unit_test(the_stack_ends_at_its_limit),
		cmocka_unit_test(the_stack_keeps_its_gap),
		cmocka_unit_test(far_below_the_pointer_was_a_segv),
		cmocka_unit_test(one_write_brings_in_two_mebibytes),
		cmocka_unit_test(the_setting_says_who_gets_them),
		cmocka_unit_test(only_whole_untouched_blocks_are_huge),
		cmocka_unit_test(without_room_it_is_a_page),
		cmocka_unit_test(malloc_gets_them_too),
		cmocka_unit_test(populating_reads_what_it_may_not_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
