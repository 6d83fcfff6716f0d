/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A made-up heap for every layout row, 2.22 … 2.43 on both ABIs: what was laid must be found again, by
 * scan, by lists, by ticks and by a walk.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/fake_heap.h"

static void must_have_no_errors(const struct fake_heap *h)
{
	if (h->facts.error_count)
		fail_msg("%s: %s at %#lx", h->lay->name, h->facts.errors[0].what,
		         (unsigned long)h->facts.errors[0].addr);
}

static uint64_t known(const struct fake_heap *h, struct fact f)
{
	if (f.state != FACT_KNOWN)
		fail_msg("%s: a fact is in state %d", h->lay->name, f.state);
	return f.v;
}

static void compare(const struct fake_heap *h, struct count_bytes got, struct fake_sum want)
{
	assert_int_equal(known(h, got.count), want.count);
	assert_int_equal(known(h, got.bytes), want.bytes);
}

static void compare_arena(const struct fake_heap *h, const struct arena *a,
                          const struct fake_arena *want)
{
	uint64_t sorted = 0;

	assert_int_equal(a->addr, want->addr);
	assert_int_equal(a->top_addr, want->at);
	assert_int_equal(known(h, a->top_size), want->end - want->at);
	assert_true(a->has_lists);
	compare(h, a->unsorted, want->unsorted);
	compare(h, a->free_total, want->sums[CHUNK_FREE]);
	compare(h, a->fastbin_total, want->sums[CHUNK_FAST]);
	compare(h, a->tcache_total,
	        (struct fake_sum){ want->sums[CHUNK_TCACHE].count,
	                           want->sums[CHUNK_TCACHE].bytes });
	assert_int_equal(known(h, a->in_use.bytes), want->sums[CHUNK_IN_USE].bytes);
	for (size_t i = 0; i < a->small_count; i++)
		sorted += a->small[i].count * a->small[i].size;
	for (size_t i = 0; i < a->large_count; i++)
		sorted += a->large[i].bytes;
	assert_int_equal(sorted, want->sums[CHUNK_FREE].bytes - want->unsorted.bytes);
}

static void compare_all(const struct fake_heap *h)
{
	must_have_no_errors(h);
	assert_int_equal(h->ms.arena_count, 2);
	assert_int_equal(h->ms.arenas[1].heap_count, 2);
	compare_arena(h, &h->ms.arenas[0], &h->main);
	compare_arena(h, &h->ms.arenas[1], &h->thread);
	assert_int_equal(known(h, h->threads[0].total.count),
	                 h->main.sums[CHUNK_TCACHE].count + h->thread.sums[CHUNK_TCACHE].count);
}

static void compare_params(const struct fake_heap *h)
{
	const struct malloc_params *p = &h->ms.params;

	assert_int_equal(known(h, p->mmap_threshold), 128 << 10);
	assert_int_equal(known(h, p->n_mmaps), 2);
	assert_int_equal(known(h, p->n_mmaps_max), 65536);
	assert_int_equal(known(h, p->max_n_mmaps), 3);
	assert_int_equal(known(h, p->mmapped_mem), 80 * 4096);
	assert_int_equal(known(h, p->sbrk_base), h->main.start);
	if (h->lay->tcache.bins)
		assert_int_equal(known(h, p->tcache_count), h->lay->tcache.default_count);
	else
		assert_int_equal(p->tcache_count.state, FACT_UNKNOWN);
	assert_int_equal(p->hp_pagesize.state != FACT_UNKNOWN, h->lay->minor_first >= 35);
}

typedef void on_row(struct fake_heap *h);

static void for_every_row(on_row *test)
{
	for (size_t i = 0; i < glibc_layout_count; i++) {
		struct fake_heap h;

		fake_heap_build(&h, &glibc_layouts[i]);
		test(&h);
		fake_heap_free(&h);
	}
}

/* --- decoding ------------------------------------------------------------------------------------------- */

static void decode_by_lists(struct fake_heap *h)
{
	struct decode d = fake_heap_decode(h);

	assert_true(pt_decode(&d, &h->ms, TAKE_HEADERS | TAKE_LISTS, NULL));
	assert_false(h->ms.has_walk);
	compare_all(h);
	compare_params(h);
}

static void decode_by_walk(struct fake_heap *h)
{
	struct decode d = fake_heap_decode(h);

	assert_true(pt_decode(&d, &h->ms, TAKE_HEADERS | TAKE_WALK, NULL));
	compare_all(h);
	assert_int_equal(known(h, h->ms.arenas[0].in_use.count), h->main.sums[CHUNK_IN_USE].count);
	assert_int_equal(known(h, h->ms.arenas[1].in_use.count),
	                 h->thread.sums[CHUNK_IN_USE].count);
	assert_int_equal(h->ms.walk.torn_chunks, 0);
}

static void ignore_chunk(void *ctx, uint64_t addr, uint64_t size, enum chunk_state state, int arena)
{
	uint64_t *counts = ctx;

	(void)addr;
	(void)size;
	(void)arena;
	counts[state]++;
}

static void decode_with_sink(struct fake_heap *h)
{
	uint64_t counts[CHUNK_STATE_COUNT] = { 0 };
	const struct chunk_sink sink = { .chunk = ignore_chunk, .ctx = counts };
	struct decode d = fake_heap_decode(h);

	assert_true(pt_decode(&d, &h->ms, TAKE_HEADERS | TAKE_WALK, &sink));
	compare_all(h);
	for (int s = CHUNK_IN_USE; s <= CHUNK_TCACHE; s++)
		assert_int_equal(counts[s], h->main.sums[s].count + h->thread.sums[s].count);
	assert_int_equal(counts[CHUNK_TOP], 2);
}

static void decode_by_tick(struct fake_heap *h)
{
	struct decode d = fake_heap_decode(h);
	size_t gathers;

	assert_true(pt_decode(&d, &h->ms, TAKE_HEADERS, NULL));
	gathers = h->mem.gathers;
	assert_true(pt_tick(&d, &h->ms));
	assert_int_equal(h->mem.gathers - gathers, 2);
	compare_params(h);
	/* The newest heap grows by a page. */
	fake_chunk(h, &h->thread, h->lay->min_large, CHUNK_IN_USE, false);
	fake_put(h, h->thread.addr + h->lay->arena.top, h->thread.at);
	fake_put(h, h->thread.at + h->lay->word, (h->thread.end - h->thread.at) | 1);
	assert_true(pt_tick(&d, &h->ms));
	assert_int_equal(h->ms.arenas[1].top_addr, h->thread.at);
	assert_int_equal(known(h, h->ms.arenas[1].top_size), h->thread.end - h->thread.at);
	must_have_no_errors(h);
	/* Another arena joins the ring: everything must be read anew. */
	fake_put(h, h->main_arena + h->lay->arena.next, h->main_arena);
	assert_false(pt_tick(&d, &h->ms));
}

static void lists_are_counted_in_every_layout(void **state)
{
	(void)state;
	for_every_row(decode_by_lists);
}

static void chunks_are_walked_in_every_layout(void **state)
{
	(void)state;
	for_every_row(decode_by_walk);
}

static void chunks_are_told_in_every_layout(void **state)
{
	(void)state;
	for_every_row(decode_with_sink);
}

static void ticks_take_two_gathers_in_every_layout(void **state)
{
	(void)state;
	for_every_row(decode_by_tick);
}

/* --- finding ---------------------------------------------------------------------------------- */

static struct pt_candidate best(struct fake_heap *h, const struct malloc_layout *only)
{
	struct decode d = fake_heap_decode(h);
	struct pt_candidate found[4] = { 0 };
	size_t count = pt_scan_main_arena(&d, fake_memory_at(&h->mem, h->libc, h->libc_size),
	                                  h->libc_size, h->libc, h->lay->abi, only, found, 4);

	assert_true(count > 0);
	assert_int_equal(found[0].addr, h->main_arena);
	if (count > 1)
		assert_true(found[0].score > found[1].score);
	return found[0];
}

static void must_be_alike(const struct fake_heap *h, const struct pt_candidate *found)
{
	assert_int_equal(found->lay->arena.next, h->lay->arena.next);
	assert_int_equal(found->lay->arena.size, h->lay->arena.size);
}

static void scan_for_all(struct fake_heap *h)
{
	struct decode d = fake_heap_decode(h);
	struct pt_candidate found = best(h, NULL), mp[4] = { 0 };
	size_t count;

	must_be_alike(h, &found);
	assert_false(found.never_used);
	found = best(h, h->lay);
	assert_ptr_equal(found.lay, h->lay);
	count = pt_scan_mp(&d, fake_memory_at(&h->mem, h->libc, h->libc_size), h->libc_size,
	                   h->libc, &found, mp, 4);
	assert_true(count > 0);
	assert_int_equal(mp[0].addr, h->mp);
	assert_true(mp[0].score >= 11);
	assert_int_equal(mp[0].lay->par.size, h->lay->par.size);
	assert_int_equal(pt_main_arena_by_heaps(&d), h->main_arena);
	must_have_no_errors(h);
}

static void everything_is_found_in_every_layout(void **state)
{
	(void)state;
	for_every_row(scan_for_all);
}

static void an_unused_malloc_is_found(const struct malloc_layout *lay, bool is_initialised)
{
	struct pt_candidate found;
	struct fake_heap h;
	struct decode d;

	fake_heap_build_unused(&h, lay, is_initialised);
	found = best(&h, NULL);
	assert_true(found.never_used);
	must_be_alike(&h, &found);
	d = fake_heap_decode(&h);
	d.mp_addr = 0;
	assert_true(pt_decode(&d, &h.ms, TAKE_HEADERS | TAKE_LISTS | TAKE_WALK, NULL));
	assert_false(h.ms.is_used);
	assert_int_equal(h.ms.arena_count, 1);
	assert_int_equal(known(&h, h.ms.arenas[0].top_size), 0);
	assert_int_equal(known(&h, h.ms.totals.in_use), 0);
	must_have_no_errors(&h);
	fake_heap_free(&h);
}

static void an_unused_malloc_is_found_in_every_layout(void **state)
{
	(void)state;
	for (size_t i = 0; i < glibc_layout_count; i++) {
		an_unused_malloc_is_found(&glibc_layouts[i], false);
		an_unused_malloc_is_found(&glibc_layouts[i], true);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_are_counted_in_every_layout),
		cmocka_unit_test(chunks_are_walked_in_every_layout),
		cmocka_unit_test(chunks_are_told_in_every_layout),
		cmocka_unit_test(ticks_take_two_gathers_in_every_layout),
		cmocka_unit_test(everything_is_found_in_every_layout),
		cmocka_unit_test(an_unused_malloc_is_found_in_every_layout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
