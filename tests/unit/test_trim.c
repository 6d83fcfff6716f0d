/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What malloc_trim(0) is said to give back, and what it does give back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/base/units.h"
#include "tests/lib/heap_child.h"

enum { BLOCKS = 4000 };

/* Long runs of neighbouring fastbin chunks, which only consolidation makes trimmable. */
static void fast_runs(int in, int out)
{
	static void *small[BLOCKS], *large[64];

	heap_child_begin();
	for (size_t i = 0; i < 64; i++) {
		large[i] = heap_child_take(30000);
		memset(large[i], 1, 30000);
		for (size_t k = 0; k < BLOCKS / 64; k++) {
			small[i * (BLOCKS / 64) + k] = heap_child_take(112);
			memset(small[i * (BLOCKS / 64) + k], 1, 112);
		}
		(void)heap_child_take(200);
	}
	for (size_t i = 0; i < BLOCKS / 64 * 40; i++)
		free(small[i]);
	for (size_t i = 0; i < 64; i += 3)
		free(large[i]);
	heap_child_obey(in, out);
}

/* The first mark pins the top, the second is free below it. */
static void pinned_top(int in, int out)
{
	void *below, *pin, *above, *fast[7];

	heap_child_begin();
	below = heap_child_use_up();
	for (size_t i = 0; i < 7; i++)
		fast[i] = heap_child_take_above(below, 40);
	below = heap_child_take(50000); /* freeing more would consolidate the fastbins */
	pin = heap_child_take(109000);
	above = heap_child_take_above(pin, 40);
	heap_report->marked[0] = (uintptr_t)pin - 16;
	heap_report->marked_size[0] = malloc_usable_size(pin) + 8;
	heap_report->marked[1] = (uintptr_t)below - 16;
	heap_report->marked_size[1] = (uintptr_t)pin - (uintptr_t)below;
	for (size_t i = 0; i < 7; i++)
		free(fast[i]); /* the tcache's bin is full now */
	free(above);           /* a fastbin chunk does not pin: it is consolidated into top */
	free(below);
	heap_child_obey(in, out);
}

/* --- trimming -------------------------------------------------------------------------------------- */

static uint64_t resident_heaps(struct heap_child *o)
{
	const struct malloc_state *ms = &o->child.ms;
	uint64_t bytes = 0;

	for (size_t i = 0; i < ms->arena_count; i++) {
		for (size_t k = 0; k < ms->arenas[i].heap_count; k++)
			bytes += child_target_resident(&o->target, ms->arenas[i].heaps[k].start,
			                               ms->arenas[i].heaps[k].rw_end);
	}
	return bytes;
}

static void trim_and_compare(heap_child_body *body, uint64_t at_least)
{
	struct heap_child o;
	uint64_t before, promised = 0;
	char done;

	if (!heap_child_open(&o, body))
		skip();
	before = resident_heaps(&o);
	assert_true(pt_walk(&o.child.d, &o.child.ms, NULL, NULL));
	for (size_t i = 0; i < o.child.ms.arena_count; i++) {
		assert_int_equal(o.child.ms.arenas[i].trimmable.state, FACT_KNOWN);
		promised += o.child.ms.arenas[i].trimmable.v;
	}
	child_target_tell(&o.target, 't');
	child_target_hear(&o.target, &done, 1);
	assert_int_equal(before - resident_heaps(&o), promised);
	assert_in_range(promised, at_least, UINT64_MAX);
	heap_child_close(&o);
}

static void malloc_trim_gives_back_what_was_promised(void **state)
{
	(void)state;
	trim_and_compare(heap_child_one_thread, 4096);
}

static void malloc_trim_in_all_arenas(void **state)
{
	(void)state;
	trim_and_compare(heap_child_five_threads, 4096);
}

static void malloc_trim_of_consolidated_fastbins(void **state)
{
	(void)state;
	trim_and_compare(fast_runs, 22 * 24576);
}

static void malloc_trim_over_heaps(void **state)
{
	(void)state;
	trim_and_compare(heap_child_many_heaps, 0);
}

static void what_pins_the_top(void **state)
{
	const struct arena *main_arena;
	struct heap_child o;

	(void)state;
	if (!heap_child_open(&o, pinned_top))
		skip();
	assert_true(pt_walk(&o.child.d, &o.child.ms, NULL, NULL));
	main_arena = &o.child.ms.arenas[0];
	assert_int_equal(main_arena->top_pin.addr, heap_report->marked[0]);
	assert_int_equal(main_arena->top_pin.size, heap_report->marked_size[0]);
	assert_int_equal(main_arena->below_pin.v, heap_report->marked_size[1]);
	heap_child_close(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(malloc_trim_gives_back_what_was_promised),
		cmocka_unit_test(malloc_trim_in_all_arenas),
		cmocka_unit_test(malloc_trim_of_consolidated_fastbins),
		cmocka_unit_test(malloc_trim_over_heaps),
		cmocka_unit_test(what_pins_the_top),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
