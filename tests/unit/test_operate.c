/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations in a new world: what names are bound to, threads and their stacks, outcomes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/run/operate.h"

enum { RESULTS_MAX = 256, CALLS_MAX = 16 };

/* A result that outlives its operation. */
struct kept {
	struct op_result r;
	char op[64], thread[32];
	struct sys_call calls[CALLS_MAX];
	size_t call_count;
};

struct fixture {
	struct region *region;
	struct world *world;
	struct scenario scenario;
	struct scenario_cursor cursor;
	struct operate operate;
	struct kept results[RESULTS_MAX];
	size_t count;
};

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct fixture));
	assert_non_null(*state);
	return 0;
}

static void drop(struct fixture *f)
{
	world_end(f->world);
	region_free(f->region);
	memset(f, 0, sizeof(*f));
}

static int teardown(void **state)
{
	drop(*state);
	free(*state);
	return 0;
}

static void start(struct fixture *f, int minor, const char *text)
{
	const struct world_start from = {
		.glibc_minor = minor, .kernel_major = 6, .kernel_minor = 18, .cpus = 2
	};
	struct err err = { 0 };

	drop(f);
	f->region = region_new();
	assert_non_null(f->region);
	if (!world_new(&from, &f->world, &err) ||
	    !scenario_parse(f->region, text, strlen(text), "test", &f->scenario, &err) ||
	    !operate_start(&f->operate, f->region, f->world, &f->scenario, &err))
		fail_msg("%s: %s", err.what, err.why);
	scenario_start(&f->cursor, &f->scenario);
}

static void keep(struct kept *to, const struct op_result *r)
{
	to->r = *r;
	memcpy(to->op, r->op->text,
	       r->op->text_len < sizeof(to->op) ? r->op->text_len : sizeof(to->op) - 1);
	memcpy(to->thread, r->thread, strlen(r->thread) + 1);
	to->call_count = r->sys->count;
	assert_true(r->sys->count <= CALLS_MAX);
	if (r->sys->count)
		memcpy(to->calls, r->sys->calls, r->sys->count * sizeof(to->calls[0]));
}

/* Runs a whole scenario; results by number. */
static const struct kept *run(struct fixture *f, int minor, const char *text)
{
	struct operation op;
	struct op_result result;
	struct err err = { 0 };
	bool is_end = false;

	start(f, minor, text);
	while (!f->operate.is_over) {
		if (!scenario_next(&f->cursor, &op, &is_end, &err))
			fail_msg("%s: %s", err.what, err.why);
		if (is_end)
			break;
		if (!operate_run(&f->operate, &op, &result, &err))
			fail_msg("%s: %s", err.what, err.why);
		assert_true(f->count < RESULTS_MAX);
		assert_int_equal(result.n, f->count);
		keep(&f->results[f->count++], &result);
		if (result.outcome == OUTCOME_ENOMEM)
			scenario_tell(&f->cursor, UNTIL_ENOMEM);
		if (result.outcome == OUTCOME_OOM)
			scenario_tell(&f->cursor, UNTIL_OOM);
	}
	return f->results;
}

static bool is_call(const struct sys_call *call, enum sys_nr nr, uint64_t a, uint64_t b, uint64_t c)
{
	return call->nr == nr && call->arg[0] == a && call->arg[1] == b && call->arg[2] == c;
}

/* --- names ------------------------------------------------------------------------------------------ */

static void freeing_a_dead_name_is_free_null(void **state)
{
	const struct kept *k = run(*state, 36, "free a\na = malloc 10\nfree a\nfree a\n");

	assert_int_equal(k[0].r.addr, 0);
	assert_true(k[1].r.addr != 0);
	assert_int_equal(k[2].r.addr, k[1].r.addr);
	assert_int_equal(k[3].r.addr, 0);
	assert_true(k[3].r.has_addr);
	assert_int_equal(k[3].r.outcome, OUTCOME_OK);
}

static void an_address_can_be_freed_twice(void **state)
{
	struct fixture *f = *state;
	const struct kept *k;
	char text[96];
	uint64_t addr = run(f, 36, "a = malloc 10")[0].r.addr;

	(void)snprintf(text, sizeof(text), "a = malloc 10\nfree 0x%llx\nfree 0x%llx\npause",
	               (unsigned long long)addr, (unsigned long long)addr);
	k = run(f, 36, text);
	assert_int_equal(f->count, 3);
	assert_int_equal(k[1].r.outcome, OUTCOME_OK);
	assert_int_equal(k[2].r.outcome, OUTCOME_ABORT);
	assert_string_equal(k[2].r.outcome_text, "free(): double free detected in tcache 2");
	assert_true(f->operate.is_over);
}

static void a_name_assigned_again_leaks(void **state)
{
	const struct kept *k =
	        run(*state, 36, "a = malloc 10\na = malloc 10\nfree a\nb = malloc 10");

	assert_true(k[0].r.addr != k[1].r.addr);
	assert_int_equal(k[2].r.addr, k[1].r.addr);
	assert_int_equal(k[3].r.addr, k[1].r.addr);
}

static void realloc_moves_the_name(void **state)
{
	const struct kept *k =
	        run(*state, 36,
	            "a = malloc 10\nb = realloc a 5000\nfree a\nb = realloc b 0\nfree b\n"
	            "c = malloc 24\nd = realloc c 0x7fffffffffffffff\nfree d\n"
	            "c = realloc c 0x7fffffffffffffff\nfree c\ne = realloc nobody 5");

	assert_int_equal(k[2].r.addr, 0); /* a is dead */
	assert_int_equal(k[3].r.addr, 0); /* freed, which is no failure */
	assert_int_equal(k[3].r.outcome, OUTCOME_OK);
	assert_int_equal(k[4].r.addr, 0);
	assert_int_equal(k[6].r.outcome, OUTCOME_ENOMEM);
	assert_int_equal(k[6].r.error, 12);
	assert_int_equal(k[7].r.addr, 0);           /* d never lived */
	assert_int_equal(k[9].r.addr, k[5].r.addr); /* c outlived both failures */
	assert_true(k[10].r.addr != 0);             /* a dead name is NULL */
}

static void dead_names_are_skipped(void **state)
{
	const struct kept *k =
	        run(*state, 36,
	            "touch a\nmunmap a\nmprotect a ro\nmremap a 1 2\nmadvise a 0 1 free\n"
	            "m = mmap 8K\nmunmap m\ntouch m");

	for (int i = 0; i < 5; i++) {
		assert_true(k[i].r.is_skipped);
		assert_int_equal(k[i].call_count, 0);
	}
	assert_false(k[6].r.is_skipped);
	assert_true(k[7].r.is_skipped);
}

/* --- memory ------------------------------------------------------------------------------------------- */

static void touch_writes_each_page_once(void **state)
{
	const struct kept *k =
	        run(*state, 36,
	            "m = mmap 64K\ntouch m 1\ntouch m 5000 4000\ntouch m\ntouch m 0\n"
	            "mprotect m 4K 4K ro\ntouch m 1 4K\npause");

	assert_int_equal(k[1].r.ret, 1);
	assert_int_equal(k[1].r.rss_pages, 1);
	assert_int_equal(k[2].r.ret, 3);
	assert_int_equal(k[2].r.rss_pages, 2);
	assert_int_equal(k[3].r.ret, 16);
	assert_int_equal(k[3].r.rss_pages, 13);
	assert_int_equal(k[4].r.ret, 0);
	assert_int_equal(k[6].r.outcome, OUTCOME_SEGV);
	assert_int_equal(((struct fixture *)*state)->count, 7);
}

static void calls_have_the_kernels_arguments(void **state)
{
	const struct kept *k = run(*state, 36,
	                           "m = mmap 8K\nx = mmap 4K shared ro fixed m+4K\nmunmap m 0 4K\n"
	                           "y = mmap 0\nsbrk 4096\nbrk -4096\nmunmap x 1 1");
	uint64_t m = k[0].r.addr;

	assert_true(is_call(&k[0].calls[0], SYS_MMAP, 0, 8192, SYS_PROT_READ | SYS_PROT_WRITE));
	assert_int_equal(k[0].calls[0].arg[3], SYS_MAP_PRIVATE | SYS_MAP_ANONYMOUS);
	assert_int_equal(k[0].r.commit_pages, 2);
	assert_true(is_call(&k[1].calls[0], SYS_MMAP, m + 4096, 4096, SYS_PROT_READ));
	assert_int_equal(k[1].calls[0].arg[3], SYS_MAP_SHARED | SYS_MAP_ANONYMOUS | SYS_MAP_FIXED);
	assert_int_equal(k[1].r.addr, m + 4096);
	assert_true(is_call(&k[2].calls[0], SYS_MUNMAP, m, 4096, 0));
	assert_int_equal(k[3].r.error, 22);
	assert_int_equal(k[3].r.outcome, OUTCOME_OK);
	assert_int_equal(k[5].r.addr, k[4].r.addr);
	assert_int_equal(k[6].r.ret, -1);
	assert_int_equal(k[6].r.error, 22);
}

static void until_ends_when_memory_does(void **state)
{
	struct fixture *f = *state;
	const struct kept *k =
	        run(f, 36,
	            "mallopt M_MMAP_THRESHOLD 100000\nset rlimit.as 64M\nuntil enomem\n"
	            "a = malloc 8M\nend\nb = malloc 24\n");

	assert_true(f->count > 4 && f->count < 12);
	assert_int_equal(k[f->count - 2].r.outcome, OUTCOME_ENOMEM);
	assert_int_equal(k[f->count - 2].r.addr, 0);
	assert_int_equal(k[f->count - 1].r.outcome, OUTCOME_OK);
}

static void children_are_charged(void **state)
{
	struct fixture *f = *state;
	const struct kept *k =
	        run(f, 36,
	            "m = mmap 1M\nfork a\nn = mmap 1M\nmadvise n 0 1M dontfork\nfork b\n"
	            "exit a\nexit\nexit a\nexit\npause");

	assert_true(k[1].r.commit_pages >= 256);
	assert_int_equal(k[4].r.commit_pages, k[1].r.commit_pages);
	assert_int_equal(k[5].r.commit_pages, -k[1].r.commit_pages);
	assert_int_equal(k[6].r.commit_pages, -k[1].r.commit_pages);
	assert_true(k[7].r.is_skipped);
	assert_int_equal(f->count, 9); /* the process itself ended */
}

/* --- threads -------------------------------------------------------------------------------------------- */

static void stacks_follow_the_version(void **state)
{
	static const char text[] = "thread t\nthread main\nexit_thread t";
	const uint64_t size = 0x801000;
	const struct kept *k;
	uint64_t at;

	/* to 2.25: mapped accessible, the guard closed after the dtv was made */
	k = run(*state, 23, text);
	at = (uint64_t)k[0].calls[0].result;
	assert_true(is_call(&k[0].calls[0], SYS_MMAP, 0, size, SYS_PROT_READ | SYS_PROT_WRITE));
	assert_int_equal(k[0].calls[0].arg[3], 0x20022);
	assert_true(is_call(&k[0].calls[k[0].call_count - 1], SYS_MPROTECT, at, 4096, 0));
	k = run(*state, 36, text);
	at = (uint64_t)k[0].calls[0].result;
	assert_true(is_call(&k[0].calls[0], SYS_MMAP, 0, size, 0));
	assert_true(is_call(&k[0].calls[1], SYS_MPROTECT, at + 4096, size - 4096, 3));
	assert_true(is_call(&k[2].calls[k[2].call_count - 1], SYS_MADVISE, at, 8368128, 4));
	k = run(*state, 43, text);
	at = (uint64_t)k[0].calls[0].result;
	assert_true(is_call(&k[0].calls[0], SYS_MMAP, 0, size, SYS_PROT_READ | SYS_PROT_WRITE));
	assert_true(is_call(&k[0].calls[1], SYS_MADVISE, at, 4096, SYS_MADV_GUARD_INSTALL));
	assert_true(k[0].r.has_dtv);
	assert_int_equal(k[0].r.dtv_usable, 280);
}

static void a_joined_stack_is_used_again(void **state)
{
	const struct kept *k =
	        run(*state, 36, "thread t\nthread main\nexit_thread t\nthread u\nexit_thread u");

	assert_true(k[0].r.has_dtv);
	assert_int_equal(k[3].r.dtv, k[0].r.dtv);
	assert_int_equal(k[3].call_count, 0);
	assert_string_equal(k[4].thread, "u");
}

/* 40 MiB of stacks are kept; five of 8 MiB and a guard each are more. */
static void the_cache_of_stacks_is_bounded(void **state)
{
	struct fixture *f = *state;
	const struct kept *k = run(f, 36,
	                           "for i 1 6\nthread t$i\nthread main\nend\n"
	                           "for i 1 6\nexit_thread t$i\nend\n");
	uint64_t first = (uint64_t)k[0].calls[0].result;

	assert_int_equal(f->count, 18);
	for (int i = 12; i < 16; i++)
		assert_int_equal(k[i].calls[k[i].call_count - 1].nr, SYS_MADVISE);
	assert_true(is_call(&k[16].calls[k[16].call_count - 1], SYS_MUNMAP, first, 0x801000, 0));
}

static void own_stacks_map_nothing(void **state)
{
	const struct kept *k = run(*state, 36,
	                           "#! stacks=own\na = malloc 10\nthread t\nx = malloc 10\n"
	                           "exit_thread t\ny = calloc 17 16");

	assert_int_equal(k[1].call_count, 0);
	assert_true(k[1].r.has_dtv);
	assert_string_equal(k[2].thread, "t");
	assert_string_equal(k[4].thread, "main");
	/* main joined it and freed the dtv, which is the next of its size; 2.36's calloc does not ask
	 * the tcache for it */
	assert_true(k[4].r.addr != k[1].r.dtv);
	k = run(*state, 36,
	        "#! stacks=own\na = malloc 10\nthread t\nexit_thread t\ny = malloc 272");
	assert_int_equal(k[3].r.addr, k[1].r.dtv);
}

static void a_name_can_be_a_thread_again(void **state)
{
	const struct kept *k =
	        run(*state, 36, "thread t\nexit_thread t\nexit_thread t\nthread t\nx = malloc 9");

	assert_true(k[2].r.is_skipped);
	assert_string_equal(k[4].thread, "t");
}

/* --- settings and paths ----------------------------------------------------------------------- */

static void tunables_are_read_at_the_start(void **state)
{
	struct fixture *f = *state;
	const struct setting_value value = { .index = SET_TUNABLE_TCACHE_COUNT };
	struct err err = { 0 };
	const struct kept *k;

	k = run(f, 36,
	        "#! tunables=glibc.malloc.tcache_count=0\na = malloc 24\nb = malloc 24\nfree a");
	assert_int_equal(k[2].r.outcome, OUTCOME_OK);
	assert_false(operate_set(&f->operate, &value, &err));
	assert_int_equal(err.kind, ERR_USAGE);
}

static void path_on_and_off_give_the_same(void **state)
{
	static const char text[] = "a = malloc 1000\nb = malloc 200000\nthread t\nc = malloc 5\n"
	                           "free a\nexit_thread t\nfree b\ntrim 0";
	struct fixture *f = *state;
	struct op_result result;
	struct operation op;
	struct err err;
	uint64_t addr[8];
	bool is_end;

	run(f, 41, text);
	for (size_t i = 0; i < 8; i++)
		addr[i] = f->results[i].r.addr;
	start(f, 41, text);
	f->world->pt.why = &f->world->why;
	lx_mm_set_why(f->world->mm, &f->world->why);
	for (size_t i = 0; i < 8; i++) {
		assert_true(scenario_next(&f->cursor, &op, &is_end, &err));
		assert_true(operate_run(&f->operate, &op, &result, &err));
		assert_int_equal(result.addr, addr[i]);
		assert_true(result.why->count > 0);
		assert_int_equal(result.why->depth, 0);
		assert_false(result.why->lost);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(freeing_a_dead_name_is_free_null),
		TEST(an_address_can_be_freed_twice),
		TEST(a_name_assigned_again_leaks),
		TEST(realloc_moves_the_name),
		TEST(dead_names_are_skipped),
		TEST(touch_writes_each_page_once),
		TEST(calls_have_the_kernels_arguments),
		TEST(until_ends_when_memory_does),
		TEST(children_are_charged),
		TEST(stacks_follow_the_version),
		TEST(a_joined_stack_is_used_again),
		TEST(the_cache_of_stacks_is_bounded),
		TEST(own_stacks_map_nothing),
		TEST(a_name_can_be_a_thread_again),
		TEST(tunables_are_read_at_the_start),
		TEST(path_on_and_off_give_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
