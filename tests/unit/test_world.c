/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What holds of every world, whatever runs in it: branches, undo, the path, totals; and the decoder of
 * live processes as a second opinion on what the allocator wrote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/glibc/pt.h"
#include "tests/lib/world_memory.h"
#include "tests/lib/world_run.h"

enum { FIRST_MINOR = 22, LAST_MINOR = 43, OPERATIONS = 700 };

static const char *with_stacks(const char *stacks, char *random)
{
	size_t len = strlen(random) + strlen(stacks) + 1;
	char *text = malloc(len);

	assert_non_null(text);
	memcpy(text, stacks, strlen(stacks));
	memcpy(text + strlen(stacks), random, strlen(random) + 1);
	free(random);
	return text;
}

static void start_random(struct world_run *run, int minor, uint32_t seed, bool frees_all,
                         bool with_path)
{
	const char *text = with_stacks(seed % 2 ? "#! stacks=own\n" : "#! stacks=glibc\n",
	                               world_run_random(seed, OPERATIONS, frees_all));

	world_run_start(run, minor, text, with_path);
	free((void *)(uintptr_t)text);
}

static void step_some(struct world_run *run, size_t count)
{
	struct op_result r;

	while (count-- && world_run_step(run, &r))
		assert_true(r.outcome == OUTCOME_OK || r.outcome == OUTCOME_ENOMEM);
}

/* --- branches ----------------------------------------------------------------------------------------- */

static void a_branch_changes_nothing(void **state)
{
	(void)state;
	for (int minor = FIRST_MINOR; minor <= LAST_MINOR; minor++) {
		struct world_run run;
		struct world *branch, *second;
		uint64_t hash;

		start_random(&run, minor, (uint32_t)minor, false, false);
		step_some(&run, 400);
		hash = world_memory_hash(run.world);
		branch = world_branch(run.world);
		assert_non_null(branch);
		second = world_branch(branch);
		assert_non_null(second);
		assert_int_equal(world_memory_hash(run.world), hash);
		assert_int_equal(world_memory_hash(branch), hash);
		assert_int_equal(world_memory_hash(second), hash);
		world_end(branch);
		assert_int_equal(world_memory_hash(second), hash);
		world_end(second);
		assert_int_equal(world_memory_hash(run.world), hash);
		world_run_end(&run);
	}
}

/* Runs a scenario of its own in a branch; what came of it. */
static uint64_t run_in(struct world *world, const char *text)
{
	struct region *region = region_new();
	struct scenario_cursor cursor;
	struct scenario scenario;
	struct operate operate;
	struct operation op;
	struct op_result r;
	struct err err;
	bool is_end = false;
	uint64_t sum = 0;

	assert_true(scenario_parse(region, text, strlen(text), "branch", &scenario, &err));
	assert_true(operate_start(&operate, region, world, &scenario, &err));
	scenario_start(&cursor, &scenario);
	while (!operate.is_over && scenario_next(&cursor, &op, &is_end, &err) && !is_end) {
		assert_true(operate_run(&operate, &op, &r, &err));
		sum = sum * 31 + r.addr + r.size_word + r.sys->count + (uint64_t)r.outcome;
	}
	region_free(region);
	return sum;
}

static void a_branch_of_a_branch_is_independent(void **state)
{
	(void)state;
	for (int minor = FIRST_MINOR; minor <= LAST_MINOR; minor++) {
		char *one = world_run_random(77, 300, false),
		     *other = world_run_random(78, 300, false);
		uint64_t hash, branch_hash, sum;
		struct world *branch, *second, *third;
		struct world_run run;

		start_random(&run, minor, (uint32_t)minor + 100, false, false);
		step_some(&run, 300);
		hash = world_memory_hash(run.world);
		branch = world_branch(run.world);
		(void)run_in(branch, one);
		branch_hash = world_memory_hash(branch);
		assert_true(branch_hash != hash);
		second = world_branch(branch);
		third = world_branch(branch);
		sum = run_in(second, other);
		assert_int_equal(world_memory_hash(run.world), hash);
		assert_int_equal(world_memory_hash(branch), branch_hash);
		assert_int_equal(world_memory_hash(third), branch_hash);
		assert_int_equal(run_in(third, other), sum);
		assert_int_equal(world_memory_hash(third), world_memory_hash(second));
		world_end(second);
		assert_int_equal(run_in(branch, other), sum);
		assert_int_equal(world_memory_hash(branch), world_memory_hash(third));
		world_end(branch);
		world_end(third);
		assert_int_equal(world_memory_hash(run.world), hash);
		step_some(&run, 300);
		world_run_end(&run);
		free(one);
		free(other);
	}
}

/* --- undo ------------------------------------------------------------------------------------- */

enum { UNDO_DEPTH = 8 };

/* All that a scenario's run consists of. */
struct moment {
	struct world_mark mark;
	struct operate operate;
	struct binding *names;
	struct scenario_cursor cursor;
	uint64_t hash;
};

static void remember(struct world_run *run, struct moment *m)
{
	size_t bytes = run->operate.name_room * sizeof(*m->names);

	world_mark(run->world, &m->mark);
	m->operate = run->operate;
	m->cursor = run->cursor;
	m->names = malloc(bytes + 1);
	assert_non_null(m->names);
	if (bytes)
		memcpy(m->names, run->operate.names, bytes);
	m->hash = world_memory_hash(run->world);
}

static void go_back(struct world_run *run, struct moment *m)
{
	struct binding *names = run->operate.names;
	size_t room = run->operate.name_room, bytes = m->operate.name_room * sizeof(*names);
	uint32_t *threads = run->operate.threads;
	size_t thread_room = run->operate.thread_room;

	assert_true(world_undo(run->world, &m->mark));
	run->operate = m->operate;
	run->cursor = m->cursor;
	run->operate.names = names;
	run->operate.name_room = room;
	run->operate.threads = threads;
	run->operate.thread_room = thread_room;
	if (bytes)
		memcpy(names, m->names, bytes);
	free(m->names);
	assert_int_equal(world_memory_hash(run->world), m->hash);
}

static void undone_operations_leave_no_trace(void **state)
{
	struct moment moments[UNDO_DEPTH];

	(void)state;
	for (int minor = FIRST_MINOR; minor <= LAST_MINOR; minor++) {
		uint32_t random = (uint32_t)minor;
		struct world_run run;
		size_t depth = 0;

		start_random(&run, minor, (uint32_t)minor + 200, false, minor % 2);
		run.operate.keeps_journal = true;
		for (int i = 0; i < 120; i++) {
			random = random * 1664525u + 1013904223u;
			step_some(&run, (random >> 8) % 20);
			if (random >> 31 && depth < UNDO_DEPTH) {
				remember(&run, &moments[depth++]);
			} else if (depth) {
				size_t to = (random >> 16) % depth;

				while (depth > to + 1)
					free(moments[--depth].names);
				go_back(&run, &moments[--depth]);
			}
		}
		while (depth)
			go_back(&run, &moments[--depth]);
		world_run_end(&run);
	}
}

/* --- the path --------------------------------------------------------------------------------- */

static void assert_same_result(const struct op_result *a, const struct op_result *b)
{
	assert_int_equal(a->addr, b->addr);
	assert_int_equal(a->usable, b->usable);
	assert_int_equal(a->size_word, b->size_word);
	assert_int_equal(a->ret, b->ret);
	assert_int_equal(a->error, b->error);
	assert_int_equal(a->dtv, b->dtv);
	assert_int_equal(a->commit_pages, b->commit_pages);
	assert_int_equal(a->rss_pages, b->rss_pages);
	assert_int_equal(a->outcome, b->outcome);
	assert_int_equal(a->sys->count, b->sys->count);
	if (a->sys->count)
		assert_memory_equal(a->sys->calls, b->sys->calls,
		                    a->sys->count * sizeof(a->sys->calls[0]));
}

static void the_path_changes_nothing(void **state)
{
	(void)state;
	for (int minor = FIRST_MINOR; minor <= LAST_MINOR; minor++) {
		struct world_run with, without;
		struct op_result a, b;

		start_random(&with, minor, (uint32_t)minor + 300, false, true);
		start_random(&without, minor, (uint32_t)minor + 300, false, false);
		while (world_run_step(&with, &a)) {
			assert_true(world_run_step(&without, &b));
			assert_same_result(&a, &b);
			assert_int_equal(a.why->depth, 0);
			assert_false(a.why->lost);
		}
		assert_false(world_run_step(&without, &b));
		assert_int_equal(world_memory_hash(with.world), world_memory_hash(without.world));
		world_run_end(&with);
		world_run_end(&without);
	}
}

/* --- totals ----------------------------------------------------------------------------------- */

/* Chunks that the scenario and glibc itself hold. */
struct held {
	uint64_t count, bytes, mmapped;
};

static void hold(struct held *h, struct world *world, uint64_t mem)
{
	uint64_t word;

	if (!mem)
		return;
	word = pt_block_of(&world->pt, mem).size_word;
	if (word & IS_MMAPPED) {
		h->mmapped++;
		return;
	}
	h->count++;
	h->bytes += pt_chunk_size(word);
}

static struct held count_held(struct world_run *run)
{
	struct world *world = run->world;
	struct held h = { 0 };

	for (size_t i = 0; i < run->scenario.name_count && i < run->operate.name_room; i++)
		if (run->operate.names[i].state == BOUND_BLOCK)
			hold(&h, world, run->operate.names[i].addr);
	for (size_t i = 0; i < world->thread_count; i++) {
		uint64_t tcache = pt_thread_tcache(&world->pt, world->threads[i].pt_index);

		if (tcache > 1)
			hold(&h, world, tcache);
		if (world->threads[i].is_alive)
			hold(&h, world, world->threads[i].dtv);
	}
	for (size_t i = 0; i < world->stack_cache.count; i++)
		hold(&h, world, world->stack_cache.at[i].dtv);
	return h;
}

static void assert_sound(const struct world_memory *wm)
{
	for (size_t i = 0; i < wm->heap.error_count && i < HEAP_ERRORS_MAX; i++)
		print_message("# 2.%d: %s at %lx\n", wm->heap.minor, wm->heap.errors[i].what,
		              (unsigned long)wm->heap.errors[i].addr);
	assert_int_equal(wm->heap.error_count, 0);
	assert_true(wm->ms.has_walk);
	assert_int_equal(wm->ms.walk.torn_chunks, 0);
	assert_int_equal(wm->ms.walk.unreadable, 0);
	assert_int_equal(wm->ms.walk.retries, 0);
}

/* Every byte that an arena had from the system is some chunk's, or a header's. */
static void assert_adds_up(const struct world_memory *wm)
{
	for (size_t i = 0; i < wm->ms.arena_count; i++) {
		const struct arena *a = &wm->ms.arenas[i];
		uint64_t sum = a->in_use.bytes.v + a->free_total.bytes.v +
		               a->fastbin_total.bytes.v + a->tcache_total.bytes.v + a->top_size.v +
		               a->fencepost_bytes;

		for (size_t k = 0; k < a->heap_count; k++)
			sum += pt_first_chunk(&wm->d, a, k) - a->heaps[k].start;
		assert_int_equal(sum, a->system_mem);
	}
}

static void assert_holds(struct world_run *run)
{
	struct held h = count_held(run);
	struct world_memory wm;

	world_memory_decode(&wm, run->world);
	assert_sound(&wm);
	assert_adds_up(&wm);
	assert_int_equal(wm.ms.totals.chunks_in_use.v, h.count);
	assert_int_equal(wm.ms.totals.in_use.v, h.bytes);
	assert_int_equal(wm.ms.params.n_mmaps.v, h.mmapped);
	assert_int_equal(wm.ms.mmapped_count, h.mmapped);
	world_memory_free(&wm);
}

static void the_decoder_finds_what_the_scenario_holds(void **state)
{
	(void)state;
	for (int minor = FIRST_MINOR; minor <= LAST_MINOR; minor++) {
		for (uint32_t seed = 1; seed <= 6; seed++) {
			struct world_run run;

			start_random(&run, minor, seed * 1000 + (uint32_t)minor, false, false);
			for (int part = 0; part < 4; part++) {
				step_some(&run, OPERATIONS / 3);
				assert_holds(&run);
			}
			world_run_end(&run);
		}
	}
}

static void freeing_everything_leaves_glibcs_own(void **state)
{
	(void)state;
	for (int minor = FIRST_MINOR; minor <= LAST_MINOR; minor++) {
		struct world_memory wm;
		struct world_run run;
		/* 2.26 keeps the tcaches of threads that ended */
		uint64_t kept = minor < 26 ? 0 : 1;

		/* stacks=own: with glibc's, dtvs stay with the stacks */
		start_random(&run, minor, 2 * (uint32_t)minor + 401, true, false);
		step_some(&run, SIZE_MAX);
		assert_holds(&run);
		world_memory_decode(&wm, run.world);
		if (minor != 26)
			assert_int_equal(wm.ms.totals.chunks_in_use.v, kept);
		assert_int_equal(wm.ms.params.n_mmaps.v, 0);
		assert_int_equal(wm.ms.params.mmapped_mem.v, 0);
		world_memory_free(&wm);
		world_run_end(&run);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_branch_changes_nothing),
		cmocka_unit_test(a_branch_of_a_branch_is_independent),
		cmocka_unit_test(undone_operations_leave_no_trace),
		cmocka_unit_test(the_path_changes_nothing),
		cmocka_unit_test(the_decoder_finds_what_the_scenario_holds),
		cmocka_unit_test(freeing_everything_leaves_glibcs_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
