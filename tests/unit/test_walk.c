/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The walk against the real thing: a child's heap, and what its own malloc says of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "model/base/units.h"
#include "model/glibc/pt_chunk_set.h"
#include "tests/lib/heap_child.h"

/* --- a child of its own ------------------------------------------------------------------------------ */

/* Somebody else moves the break: main_arena goes on behind that, as if it were its own. */
static void foreign_break(int in, int out)
{
	void *before, *after;

	heap_child_begin();
	(void)heap_child_use_up();
	before = heap_child_take(3000);
	if (sbrk(5000) == (void *)-1)
		_exit(1);
	memset((char *)sbrk(0) - 5000, 0x41, 5000);
	for (int i = 0; i < 40; i++)
		(void)heap_child_take(10000);
	after = heap_child_take(3000);
	free(heap_child_take(4000));
	heap_report->marked[0] = (uintptr_t)before - 16;
	heap_report->marked[1] = (uintptr_t)after - 16;
	heap_report->marked_size[0] = heap_report->marked_size[1] = malloc_usable_size(after) + 8;
	heap_child_obey(in, out);
}

/* --- comparing ------------------------------------------------------------------------------------- */

static void assert_clean(const struct decoded_child *child)
{
	for (size_t i = 0; i < child->heap.error_count; i++)
		print_message("# %s at %lx\n", child->heap.errors[i].what,
		              (unsigned long)child->heap.errors[i].addr);
	assert_int_equal(child->heap.error_count, 0);
	assert_true(child->ms.has_walk);
	assert_int_equal(child->ms.walk.torn_chunks, 0);
	assert_int_equal(child->ms.walk.unreadable, 0);
	assert_int_equal(child->ms.walk.retries, 0);
}

/* mallinfo2 adds all arenas up; what it calls in use includes tcaches, fenceposts and headers. */
static void assert_as_mallinfo(const struct decoded_child *child, uint64_t gap)
{
	uint64_t in_use = gap, free_bytes = 0, fast = 0, fast_count = 0, pieces = 0;

	for (size_t i = 0; i < child->ms.arena_count; i++) {
		const struct arena *a = &child->ms.arenas[i];

		assert_int_equal(a->in_use.bytes.state, FACT_KNOWN);
		in_use += a->in_use.bytes.v + a->tcache_total.bytes.v + a->fencepost_bytes +
		          decoded_child_overhead(child, a);
		free_bytes += a->free_total.bytes.v + a->fastbin_total.bytes.v + a->top_size.v;
		fast += a->fastbin_total.bytes.v;
		fast_count += a->fastbin_total.count.v;
		pieces += a->free_total.count.v + 1;
	}
	assert_int_equal(in_use, heap_report->info.uordblks);
	assert_int_equal(free_bytes, heap_report->info.fordblks);
	assert_int_equal(fast, heap_report->info.fsmblks);
	assert_int_equal(fast_count, heap_report->info.smblks);
	assert_int_equal(pieces, heap_report->info.ordblks);
}

static void assert_as_malloc_info(const struct decoded_child *child)
{
	assert_int_equal(child->ms.arena_count, heap_report->arena_count);
	for (size_t i = 0; i < heap_report->arena_count; i++) {
		const struct arena *a = &child->ms.arenas[i];

		assert_int_equal(a->system_mem, heap_report->arenas[i].system);
		assert_int_equal(a->fastbin_total.bytes.v, heap_report->arenas[i].fast_bytes);
		/* malloc_info adds size words up with their PREV_INUSE bits. */
		assert_int_equal(a->free_total.bytes.v + a->free_total.count.v + a->top_size.v,
		                 heap_report->arenas[i].rest_bytes);
	}
}

static void compare(heap_child_body *body)
{
	struct heap_child o;

	if (!heap_child_open(&o, body))
		skip();
	assert_true(pt_walk(&o.child.d, &o.child.ms, NULL, NULL));
	assert_clean(&o.child);
	assert_as_mallinfo(&o.child, 0);
	assert_as_malloc_info(&o.child);
	heap_child_close(&o);
}

static void one_arena_as_mallinfo_and_malloc_info_say(void **state)
{
	(void)state;
	compare(heap_child_one_thread);
}

static void five_arenas_as_mallinfo_and_malloc_info_say(void **state)
{
	(void)state;
	compare(heap_child_five_threads);
}

static void an_arena_of_three_heaps(void **state)
{
	(void)state;
	compare(heap_child_many_heaps);
}

/* --- states ---------------------------------------------------------------------------------------- */

struct counted {
	uint64_t count[CHUNK_STATE_COUNT], bytes[CHUNK_STATE_COUNT], last;
	uint64_t marked_size[2];
	enum chunk_state marked_state[2];
};

static void count_chunk(void *ctx, uint64_t addr, uint64_t size, enum chunk_state state, int arena)
{
	struct counted *c = ctx;

	(void)arena;
	c->count[state]++;
	c->bytes[state] += size;
	for (size_t i = 0; i < 2; i++) {
		if (addr == heap_report->marked[i]) {
			c->marked_size[i] = size;
			c->marked_state[i] = state;
		}
	}
}

static void walk_with_set(struct decoded_child *child, struct counted *ret)
{
	struct chunk_sink sink = { .chunk = count_chunk, .ctx = ret };
	struct chunk_set *set = chunk_set_new(child->region, 1 << 20);

	*ret = (struct counted){ 0 };
	for (size_t i = 0; i < child->ms.arena_count; i++)
		assert_true(pt_read_lists(&child->d, &child->ms.arenas[i], set, 0));
	for (size_t i = 0; i < child->ms.thread_count; i++)
		assert_true(pt_read_tcache(&child->d, &child->ms.threads[i],
		                           child->d.lay->tcache.default_count, set));
	assert_true(pt_walk(&child->d, &child->ms, set, &sink));
}

static void a_sink_is_told_what_the_sums_say(void **state)
{
	struct counted c, sum = { 0 };
	struct heap_child o;

	(void)state;
	if (!heap_child_open(&o, heap_child_five_threads))
		skip();
	assert_true(pt_walk(&o.child.d, &o.child.ms, NULL, NULL));
	for (size_t i = 0; i < o.child.ms.arena_count; i++) {
		const struct arena *a = &o.child.ms.arenas[i];

		sum.count[CHUNK_IN_USE] += a->in_use.count.v;
		sum.bytes[CHUNK_IN_USE] += a->in_use.bytes.v;
		sum.bytes[CHUNK_FREE] += a->free_total.bytes.v;
		sum.bytes[CHUNK_FAST] += a->fastbin_total.bytes.v;
		sum.bytes[CHUNK_TCACHE] += a->tcache_total.bytes.v;
		sum.bytes[CHUNK_TOP] += a->top_size.v;
	}
	walk_with_set(&o.child, &c);
	assert_clean(&o.child);
	assert_int_equal(c.count[CHUNK_IN_USE], sum.count[CHUNK_IN_USE]);
	for (int k = 0; k < CHUNK_STATE_COUNT; k++)
		assert_int_equal(c.bytes[k], sum.bytes[k]);
	for (size_t i = 0; i < o.child.ms.arena_count; i++)
		assert_int_equal(o.child.ms.arenas[i].in_use.bytes.state, FACT_KNOWN);
	heap_child_close(&o);
}

struct watched {
	struct walk_progress progress;
	uint64_t last;
	bool has_moved, went_back;
};

static void watch(void *ctx, uint64_t addr, uint64_t size, enum chunk_state state, int arena)
{
	struct watched *watched = ctx;
	uint64_t done = atomic_load(&watched->progress.done);

	(void)addr;
	(void)size;
	(void)state;
	(void)arena;
	assert_true(done <= atomic_load(&watched->progress.total));
	watched->has_moved |= done > watched->last;
	watched->went_back |= done < watched->last;
	watched->last = done;
}

static void a_walk_tells_how_far_it_is(void **state)
{
	struct watched watched = { .last = 0 };
	const struct chunk_sink sink = { .chunk = watch, .ctx = &watched };
	struct heap_child o;

	(void)state;
	if (!heap_child_open(&o, heap_child_five_threads))
		skip();
	o.child.d.progress = &watched.progress;
	assert_true(pt_walk(&o.child.d, &o.child.ms, NULL, &sink));
	assert_true(watched.has_moved && !watched.went_back);
	assert_int_equal(atomic_load(&watched.progress.total), 0);
	heap_child_close(&o);
}

static void chunks_behind_a_foreign_sbrk(void **state)
{
	struct counted c;
	struct heap_child o;

	(void)state;
	if (!heap_child_open(&o, foreign_break))
		skip();
	walk_with_set(&o.child, &c);
	assert_int_equal(o.child.ms.walk.torn_chunks, 0);
	assert_int_equal(o.child.ms.arenas[0].fencepost_bytes, 32);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(c.marked_size[i], heap_report->marked_size[i]);
		assert_int_equal(c.marked_state[i], CHUNK_IN_USE);
	}
	heap_child_close(&o);
}

/* --- in motion ------------------------------------------------------------------------------------- */

static void *thread_never_rests(void *arg)
{
	heap_child_meet();
	for (uint32_t seed = (uint32_t)(uintptr_t)arg;; seed++)
		heap_child_churn(seed, 2000, 0);
	return NULL;
}

static void restless(int in, int out)
{
	heap_child_begin();
	heap_child_threads(2, thread_never_rests);
	heap_child_obey(in, out);
}

static void a_busy_target_is_walked_within_bounds(void **state)
{
	struct child_target target;
	char ready;

	(void)state;
	if (!child_target_possible()) {
		print_message("# skip: malloc is not glibc's here (a sanitizer's?)\n");
		skip();
	}
	(void)child_target_main_arena();
	child_target_start(&target, restless);
	child_target_hear(&target, &ready, 1);
	for (int i = 0; i < 30; i++) {
		struct decoded_child child;

		/* A moving arena may be caught in between; the next look finds it again. */
		if (decoded_child_open(&child, &target)) {
			assert_true(pt_walk(&child.d, &child.ms, NULL, NULL));
			assert_true(child.ms.walk.chunks > 0);
			assert_in_range(child.ms.walk.retries, 0, 10000);
		}
		decoded_child_close(&child);
	}
	child_target_end(&target);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_arena_as_mallinfo_and_malloc_info_say),
		cmocka_unit_test(five_arenas_as_mallinfo_and_malloc_info_say),
		cmocka_unit_test(an_arena_of_three_heaps),
		cmocka_unit_test(a_sink_is_told_what_the_sums_say),
		cmocka_unit_test(a_walk_tells_how_far_it_is),
		cmocka_unit_test(chunks_behind_a_foreign_sbrk),
		cmocka_unit_test(a_busy_target_is_walked_within_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
