/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Children: the pages that they share with the process, which of its writes copy one, and what is given
 * back with whom. The expectations are those of copy-on-write, counted by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/base/units.h"
#include "model/run/operate.h"

enum { PAGE = 4096 };

struct run {
	struct region *region;
	struct world *world;
	struct scenario scenario;
	struct scenario_cursor cursor;
	struct operate operate;
	struct op_result last;
};

static void begin(struct run *r, const char *text, int major, int minor)
{
	const struct world_start from = { .glibc_minor = 36,
		                          .kernel_major = major,
		                          .kernel_minor = minor };
	struct err err = { 0 };

	memset(r, 0, sizeof(*r));
	r->region = region_new();
	assert_non_null(r->region);
	if (!world_new(&from, &r->world, &err) ||
	    !scenario_parse(r->region, text, strlen(text), "test", &r->scenario, &err) ||
	    !operate_start(&r->operate, r->region, r->world, &r->scenario, &err))
		fail_msg("%s: %s", err.what, err.why);
	scenario_start(&r->cursor, &r->scenario);
}

static bool step(struct run *r)
{
	static struct operation op;
	struct err err = { 0 };
	bool is_end = false;

	if (r->operate.is_over)
		return false;
	if (!scenario_next(&r->cursor, &op, &is_end, &err))
		fail_msg("%s: %s", err.what, err.why);
	if (is_end)
		return false;
	if (!operate_run(&r->operate, &op, &r->last, &err))
		fail_msg("%s: %s", err.what, err.why);
	return true;
}

static void end(struct run *r)
{
	while (step(r))
		;
	world_end(r->world);
	region_free(r->region);
}

/* Pages that are taken of the machine by the next operation; page tables left out. */
static int64_t next_takes(struct run *r)
{
	const struct lx_memory *memory = &r->world->memory;
	uint64_t free = memory->free + memory->tables;

	for (const struct lx_child *c = memory->children; c; c = c->older)
		free += lx_memory_is_gone(memory, c->pid) ? 0 : c->tables;
	assert_true(step(r));
	assert_int_equal(r->last.outcome, OUTCOME_OK);
	free -= memory->free + memory->tables;
	for (const struct lx_child *c = memory->children; c; c = c->older)
		free -= lx_memory_is_gone(memory, c->pid) ? 0 : c->tables;
	return (int64_t)free;
}

static void skip_steps(struct run *r, int count)
{
	while (count--)
		assert_true(step(r));
}

/* --- copies ----------------------------------------------------------------------------------- */

static void a_shared_page_is_copied_once(void **state)
{
	struct run r;

	(void)state;
	begin(&r,
	      "a = mmap 64K\ntouch a\nfork c\ntouch a 16K\ntouch a 16K\ntouch a\nexit c\n"
	      "touch a\nmunmap a\n",
	      6, 12);
	assert_int_equal(next_takes(&r), 0);
	assert_int_equal(next_takes(&r), 16);
	assert_int_equal(next_takes(&r), 0); /* fork itself */
	assert_int_equal(next_takes(&r), 4);
	assert_int_equal(r.last.rss_pages, 0); /* one for one */
	assert_int_equal(next_takes(&r), 0);
	assert_int_equal(next_takes(&r), 12);
	assert_int_equal(lx_mm_kept(r.world->mm), 16);
	assert_int_equal(next_takes(&r), -16); /* the child's copies */
	assert_int_equal(lx_mm_kept(r.world->mm), 0);
	assert_int_equal(next_takes(&r), 0);
	assert_int_equal(next_takes(&r), -16);
	end(&r);
}

/* Without children that live the page is the process's own again, and written in place. */
static void the_last_owner_writes_in_place(void **state)
{
	struct run r;

	(void)state;
	begin(&r, "a = mmap 64K\ntouch a\nfork c\nexit c\ntouch a\n", 6, 12);
	skip_steps(&r, 4);
	assert_int_equal(next_takes(&r), 0);
	end(&r);
}

/* What is unmapped stays with the child. */
static void what_a_child_shares_is_not_free(void **state)
{
	struct run r;

	(void)state;
	begin(&r,
	      "a = mmap 64K\ntouch a\nfork c\nmunmap a\nb = mmap 64K\ntouch b\nmadvise b 0 64K "
	      "dontneed\n"
	      "exit c\n",
	      6, 12);
	skip_steps(&r, 3);
	assert_int_equal(next_takes(&r), 0);
	assert_int_equal(r.last.rss_pages, -16);
	skip_steps(&r, 1);
	/* the child does not have what came later */
	assert_int_equal(next_takes(&r), 16);
	assert_int_equal(next_takes(&r), -16);
	assert_int_equal(next_takes(&r), -16);
	end(&r);
}

/* c and d share one old copy; it goes with the last of them. e has the new one. */
static void several_children_share_a_copy(void **state)
{
	struct run r;

	(void)state;
	begin(&r,
	      "a = mmap 64K\ntouch a\nfork c\nfork d\ntouch a\nfork e\ntouch a\nexit c\nexit e\n"
	      "exit d\n",
	      6, 12);
	skip_steps(&r, 4);
	assert_int_equal(next_takes(&r), 16);
	skip_steps(&r, 1);
	assert_int_equal(next_takes(&r), 16);
	assert_int_equal(lx_mm_kept(r.world->mm), 32);
	assert_int_equal(next_takes(&r), 0);
	assert_int_equal(next_takes(&r), -16);
	assert_int_equal(next_takes(&r), -16);
	end(&r);
}

/* A child that ended never shares again, whatever came between. */
static void dead_children_are_not_asked(void **state)
{
	struct run r;

	(void)state;
	begin(&r,
	      "a = mmap 64K\ntouch a\nfork c\nfork d\nexit c\nfork e\nexit d\ntouch a\nexit e\n", 6,
	      12);
	skip_steps(&r, 7);
	assert_int_equal(next_takes(&r), 16); /* e still has it */
	assert_int_equal(next_takes(&r), -16);
	end(&r);
}

static void moved_pages_stay_shared(void **state)
{
	struct run r;

	(void)state;
	begin(&r,
	      "a = mmap 64K\nw = mmap 4K none at a-4K\ntouch a\nfork c\nmremap a 64K 64M maymove\n"
	      "touch a 64K\nexit c\n",
	      6, 12);
	skip_steps(&r, 4);
	assert_int_equal(next_takes(&r), 0);
	assert_int_equal(next_takes(&r), 16);
	assert_int_equal(next_takes(&r), -16);
	end(&r);
}

/* MADV_DONTFORK and shared memory: nothing to be copied. */
static void what_is_not_copied_is_not_shared(void **state)
{
	struct run r;

	(void)state;
	begin(&r,
	      "a = mmap 64K\ntouch a\nmadvise a 0 64K dontfork\nb = mmap 64K shared\ntouch b\nfork "
	      "c\n"
	      "madvise a 0 64K dofork\ntouch a\ntouch b\nfork d\ntouch a\ntouch b\n",
	      6, 12);
	skip_steps(&r, 7);
	assert_int_equal(next_takes(&r), 0);
	assert_int_equal(next_takes(&r), 0);
	skip_steps(&r, 1);
	assert_int_equal(next_takes(&r), 16);
	assert_int_equal(next_takes(&r), 0);
	end(&r);
}

/* malloc's own headers, too. */
static void malloc_copies_what_it_writes(void **state)
{
	struct run r;
	int64_t took;

	(void)state;
	begin(&r,
	      "for i 1 16\n  a$i = malloc 5000\nend\nfork c\nfree a8\nfree a10\nb = malloc 5000\n"
	      "exit c\n",
	      6, 12);
	skip_steps(&r, 17);
	took = next_takes(&r);
	took += next_takes(&r);
	took += next_takes(&r);
	/* main_arena's pages, the tcache's, the blocks' */
	assert_in_range(took, 4, 9);
	assert_int_equal(lx_mm_kept(r.world->mm), took);
	assert_int_equal(next_takes(&r), -took);
	end(&r);
}

/* --- rss -------------------------------------------------------------------------------------- */

/* The child counts private pages that are there, and no shared memory; with page tables for those. */
static void a_child_counts_what_it_shares(void **state)
{
	struct run r;
	const struct lx_child *child;
	uint64_t before;

	(void)state;
	begin(&r,
	      "fork z\na = mmap 4M\ntouch a\nb = mmap 4M shared\ntouch b\nc = mmap 4M\ntouch c\n"
	      "madvise c 0 4M dontfork\nfork d\n",
	      6, 12);
	skip_steps(&r, 1);
	before = r.world->memory.children->rss;
	skip_steps(&r, 8);
	child = r.world->memory.children;
	assert_int_equal(child->rss, before + 1024);
	assert_true(child->tables < r.world->memory.tables);
	assert_true(child->tables >= 4);
	end(&r);
}

/* --- limits ----------------------------------------------------------------------------------- */

/* 32 MiB hold the process's 20 MiB once, not twice; the child dies and keeps nothing. */
static void copies_meet_a_limit(void **state)
{
	struct run r;

	(void)state;
	begin(&r,
	      "set cgroup.memory.max 32M\na = mmap 20M\ntouch a\nfork c\nset oom_score_adj 0\n"
	      "touch a\n",
	      6, 12);
	skip_steps(&r, 5);
	assert_true(step(&r));
	assert_int_equal(r.last.outcome, OUTCOME_OOM);
	assert_int_equal(r.last.pressure.kill_count, 1);
	assert_false(r.last.is_dead);
	assert_int_equal(r.last.ret, 5120);
	assert_int_equal(lx_mm_kept(r.world->mm), 0);
	/* what the child had alone is free again */
	assert_true(r.world->memory.level[0].current < 5120 + 64);
	end(&r);
}

/* --- taken back ------------------------------------------------------------------------------- */

static void sharing_is_taken_back_and_branched(void **state)
{
	struct run r;
	struct world_mark mark;
	struct world *branch;
	struct lx_touch touch;
	struct lx_pressure pressure = { .end = LX_GOES_ON };
	const struct lx_vma *vma;
	uint64_t at;

	(void)state;
	begin(&r, "a = mmap 64K\ntouch a\nfork c\n", 6, 12);
	skip_steps(&r, 1);
	at = r.last.addr;
	skip_steps(&r, 2);
	branch = world_branch(r.world);
	assert_non_null(branch);
	world_mark(r.world, &mark);
	lx_fault_range(r.world->mm, &r.world->memory, at, at + 8 * PAGE, &touch, &pressure);
	assert_int_equal(lx_mm_kept(r.world->mm), 8);
	assert_int_equal(lx_mm_kept(branch->mm), 0);
	world_undo(r.world, &mark);
	assert_int_equal(lx_mm_kept(r.world->mm), 0);
	lx_fault_range(r.world->mm, &r.world->memory, at, at + 16 * PAGE, &touch, &pressure);
	assert_int_equal(lx_mm_kept(r.world->mm), 16);
	lx_fault_range(branch->mm, &branch->memory, at + 4 * PAGE, at + 8 * PAGE, &touch,
	               &pressure);
	assert_int_equal(lx_mm_kept(branch->mm), 4);
	vma = lx_mm_find(r.world->mm, at);
	assert_non_null(vma);
	/* an exit that is taken back: writes are heard of again */
	world_undo(r.world, &mark);
	lx_mm_child_exit(r.world->mm, &(struct lx_forked){ 0, 1 });
	image_set8(&r.world->image, at, 5);
	assert_int_equal(lx_mm_kept(r.world->mm), 0);
	world_undo(r.world, &mark);
	image_set8(&r.world->image, at, 5);
	assert_int_equal(lx_mm_kept(r.world->mm), 1);
	world_end(branch);
	end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_shared_page_is_copied_once),
		cmocka_unit_test(the_last_owner_writes_in_place),
		cmocka_unit_test(what_a_child_shares_is_not_free),
		cmocka_unit_test(several_children_share_a_copy),
		cmocka_unit_test(dead_children_are_not_asked),
		cmocka_unit_test(moved_pages_stay_shared),
		cmocka_unit_test(what_is_not_copied_is_not_shared),
		cmocka_unit_test(malloc_copies_what_it_writes),
		cmocka_unit_test(a_child_counts_what_it_shares),
		cmocka_unit_test(copies_meet_a_limit),
		cmocka_unit_test(sharing_is_taken_back_and_branched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
