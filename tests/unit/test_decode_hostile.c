/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Heaps that were made to mislead: each must end in bounded time with an error that says what is
 * wrong, the broken figure marked, and everything else still decoded. And reads that fail, one by one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/fake_heap.h"

static const struct malloc_layout *lay_2_36(void)
{
	const struct malloc_layout *lay = glibc_layout_for(36, ABI_LP64);

	assert_non_null(lay);
	return lay;
}

static bool has_error(const struct fake_heap *h, const char *what)
{
	size_t kept =
	        h->facts.error_count < HEAP_ERRORS_MAX ? h->facts.error_count : HEAP_ERRORS_MAX;

	for (size_t i = 0; i < kept; i++) {
		if (strstr(h->facts.errors[i].what, what))
			return true;
	}
	return false;
}

/* Breaks the heap; `arena` is where. */
typedef void breaker(struct fake_heap *h, struct fake_arena *arena);

static void break_and_decode(struct fake_heap *h, breaker *how, uint32_t what)
{
	struct decode d;

	fake_heap_build(h, lay_2_36());
	how(h, &h->thread);
	d = fake_heap_decode(h);
	(void)pt_decode(&d, &h->ms, TAKE_HEADERS | what, NULL);
}

/* main_arena is whole in all of these. */
static void main_must_be_sound(const struct fake_heap *h)
{
	const struct arena *a = &h->ms.arenas[0];

	assert_true(h->ms.arena_count > 0);
	assert_int_equal(a->addr, h->main_arena);
	assert_int_equal(a->top_size.state, FACT_KNOWN);
	assert_true(a->has_lists);
	assert_int_equal(a->free_total.bytes.state, FACT_KNOWN);
	assert_int_equal(a->free_total.bytes.v, h->main.sums[CHUNK_FREE].bytes);
	assert_int_equal(a->in_use.bytes.v, h->main.sums[CHUNK_IN_USE].bytes);
}

/* --- bins --------------------------------------------------------------------------------------------- */

static uint64_t first_of(struct fake_heap *h, struct fake_arena *arena, unsigned bin)
{
	return fake_word(h, fake_bin(h, arena, bin) + 16);
}

static void unsorted_circle(struct fake_heap *h, struct fake_arena *arena)
{
	uint64_t first = first_of(h, arena, 1), second = fake_word(h, first + 16);

	fake_put(h, second + 16, first);
	fake_put(h, first + 24, second);
}

static void unsorted_self(struct fake_heap *h, struct fake_arena *arena)
{
	uint64_t first = first_of(h, arena, 1);

	fake_put(h, first + 16, first);
}

static void unaligned_fd(struct fake_heap *h, struct fake_arena *arena)
{
	fake_put(h, first_of(h, arena, 1) + 16, arena->start + 0x123);
}

static void fd_outside(struct fake_heap *h, struct fake_arena *arena)
{
	fake_put(h, first_of(h, arena, 1) + 16, 0x414141414140);
}

static void fd_into_libc_text(struct fake_heap *h, struct fake_arena *arena)
{
	fake_memory_map(&h->mem, 0x7f0000000000, 4096, "/lib/libc.so.6");
	fake_memory_segment(&h->mem, 0x7f0000000000)->prot = VMA_READ | VMA_EXEC;
	fake_put(h, first_of(h, arena, 1) + 16, 0x7f0000000010);
}

static void size_zero(struct fake_heap *h, struct fake_arena *arena)
{
	fake_put(h, first_of(h, arena, 1) + 8, 0);
}

static void size_huge(struct fake_heap *h, struct fake_arena *arena)
{
	fake_put(h, first_of(h, arena, 1) + 8, UINT64_MAX);
}

static void half_empty(struct fake_heap *h, struct fake_arena *arena)
{
	fake_put(h, fake_bin(h, arena, 1) + 16, fake_bin(h, arena, 1));
}

static void wrong_bk(struct fake_heap *h, struct fake_arena *arena)
{
	fake_put(h, first_of(h, arena, 1) + 24, h->main_arena);
}

static void wrong_bin(struct fake_heap *h, struct fake_arena *arena)
{
	uint64_t large = first_of(h, arena, glibc_bin_index(h->lay, h->lay->min_large + 80));

	fake_put(h, large + 8, 0x2001);
}

static void broken_bins_are_torn(void **state)
{
	static const struct {
		breaker *how;
		const char *error;
		bool walk_sees; /* it follows fd of the unsorted list only */
	} cases[] = {
		{ unsorted_circle, "circle", true },          { unsorted_self, "circle", true },
		{ unaligned_fd, "out of memory", true },      { fd_outside, "out of memory", true },
		{ fd_into_libc_text, "out of memory", true }, { size_zero, "another size", true },
		{ size_huge, "another size", true },          { half_empty, "one side", true },
		{ wrong_bk, "predecessor", false },           { wrong_bin, "another size", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fake_heap h;

		break_and_decode(&h, cases[i].how, TAKE_LISTS);
		if (!has_error(&h, cases[i].error))
			fail_msg("no error about '%s'", cases[i].error);
		assert_int_equal(h.ms.arenas[1].free_total.bytes.state, FACT_TORN);
		assert_int_equal(h.ms.totals.free.state, FACT_TORN);
		main_must_be_sound(&h);
		fake_heap_free(&h);
		break_and_decode(&h, cases[i].how, TAKE_WALK);
		if (cases[i].walk_sees && !h.facts.error_count)
			fail_msg("the walk says nothing about '%s'", cases[i].error);
		main_must_be_sound(&h);
		fake_heap_free(&h);
	}
}

static void fastbin_circle(struct fake_heap *h, struct fake_arena *arena)
{
	uint64_t head = arena->addr + h->lay->arena.fastbins, chunk = fake_word(h, head);

	fake_put(h, chunk + 16, glibc_reveal(h->lay, chunk + 16, chunk));
}

static void fastbin_garbage(struct fake_heap *h, struct fake_arena *arena)
{
	fake_put(h, arena->addr + h->lay->arena.fastbins + 8, 0xdeadbeefcafe0000);
}

static void broken_fastbins_are_torn(void **state)
{
	struct fake_heap h;

	(void)state;
	break_and_decode(&h, fastbin_circle, TAKE_LISTS);
	assert_true(has_error(&h, "circle"));
	assert_int_equal(h.ms.arenas[1].fastbin_total.count.state, FACT_TORN);
	main_must_be_sound(&h);
	fake_heap_free(&h);
	break_and_decode(&h, fastbin_garbage, TAKE_LISTS);
	assert_true(has_error(&h, "out of memory"));
	main_must_be_sound(&h);
	fake_heap_free(&h);
}

/* --- tcache ------------------------------------------------------------------------------------------- */

static void tcache_count_too_high(struct fake_heap *h, struct fake_arena *arena)
{
	(void)arena;
	fake_memory_put(&h->mem, h->tcache + 2 * 20, 2, 0xffff);
}

static void tcache_entry_missing(struct fake_heap *h, struct fake_arena *arena)
{
	(void)arena;
	fake_put(h, h->tcache + h->lay->tcache.entries + 8 * 4, 0);
}

static void tcache_circle(struct fake_heap *h, struct fake_arena *arena)
{
	uint64_t mem = fake_word(h, h->tcache + h->lay->tcache.entries + 8 * 4);

	(void)arena;
	fake_put(h, mem, glibc_reveal(h->lay, mem, mem));
}

static void tcache_garbage(struct fake_heap *h, struct fake_arena *arena)
{
	(void)arena;
	fake_put(h, h->tcache + h->lay->tcache.entries + 8 * 4, 0x4141414141414141);
}

static void broken_tcaches_are_torn(void **state)
{
	static breaker *const cases[] = { tcache_count_too_high, tcache_entry_missing,
		                          tcache_circle, tcache_garbage };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fake_heap h;

		break_and_decode(&h, cases[i], TAKE_LISTS);
		assert_true(h.facts.error_count > 0);
		assert_int_equal(h.threads[0].total.count.state, FACT_TORN);
		assert_int_equal(h.ms.arenas[0].free_total.bytes.state, FACT_KNOWN);
		fake_heap_free(&h);
	}
}

static void a_tcache_outside_memory_is_an_error(void **state)
{
	struct fake_heap h;
	struct decode d;

	(void)state;
	fake_heap_build(&h, lay_2_36());
	h.threads[0].tcache = fact_of(0x123450);
	d = fake_heap_decode(&h);
	assert_true(pt_decode(&d, &h.ms, TAKE_HEADERS | TAKE_LISTS, NULL));
	assert_true(has_error(&h, "tcache lies outside"));
	fake_heap_free(&h);
	/* From 2.43 on it is a constant of libc, and means: none yet. */
	fake_heap_build(&h, glibc_layout_for(43, ABI_LP64));
	h.threads[0].tcache = fact_of(0x123450);
	d = fake_heap_decode(&h);
	assert_true(pt_decode(&d, &h.ms, TAKE_HEADERS | TAKE_LISTS, NULL));
	assert_int_equal(h.facts.error_count, 0);
	assert_int_equal(h.threads[0].total.count.state, FACT_KNOWN);
	assert_int_equal(h.threads[0].total.count.v, 0);
	fake_heap_free(&h);
}

/* --- arenas and heaps ------------------------------------------------------------------------- */

static void top_outside(struct fake_heap *h, struct fake_arena *arena)
{
	fake_put(h, arena->addr + h->lay->arena.top, 0x999999999990);
}

static void top_size_zero(struct fake_heap *h, struct fake_arena *arena)
{
	fake_put(h, arena->at + 8, 0);
}

static void top_size_huge(struct fake_heap *h, struct fake_arena *arena)
{
	fake_put(h, arena->at + 8, UINT64_MAX - 14);
}

static void chain_circle(struct fake_heap *h, struct fake_arena *arena)
{
	/* The newer heap leads to itself. */
	fake_put(h, arena->start + h->lay->heap.prev, arena->start);
}

static void chain_garbage(struct fake_heap *h, struct fake_arena *arena)
{
	fake_put(h, arena->start + h->lay->heap.prev, 0x1234567);
}

static void heap_of_another(struct fake_heap *h, struct fake_arena *arena)
{
	fake_put(h, arena->start + h->lay->heap.ar_ptr, h->main_arena);
}

static void heap_size_huge(struct fake_heap *h, struct fake_arena *arena)
{
	fake_put(h, arena->start + h->lay->heap.size_field, UINT64_MAX & ~(uint64_t)4095);
}

static void broken_arenas_are_torn(void **state)
{
	static const struct {
		breaker *how;
		const char *error;
	} cases[] = {
		{ top_outside, "top lies outside" },      { top_size_zero, "no chunk's" },
		{ top_size_huge, "top does not end" },    { chain_circle, "chain of heaps" },
		{ chain_garbage, "a heap's link" },       { heap_of_another, "another arena" },
		{ heap_size_huge, "size is impossible" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fake_heap h;

		break_and_decode(&h, cases[i].how, TAKE_LISTS);
		if (!has_error(&h, cases[i].error))
			fail_msg("no error about '%s'", cases[i].error);
		assert_true(h.ms.arenas[1].is_torn);
		main_must_be_sound(&h);
		fake_heap_free(&h);
		break_and_decode(&h, cases[i].how, TAKE_WALK);
		assert_true(has_error(&h, cases[i].error));
		main_must_be_sound(&h);
		fake_heap_free(&h);
	}
}

static void long_chain_circle(struct fake_heap *h, struct fake_arena *arena)
{
	fake_put(h, arena->addr + h->lay->arena.system_mem, (uint64_t)1 << 40);
	chain_circle(h, arena);
}

/* Thousands of such arenas must not cost thousands times as many heaps as system_mem has room for. */
static void a_chain_in_a_circle_ends_soon(void **state)
{
	struct fake_heap h;

	(void)state;
	break_and_decode(&h, long_chain_circle, TAKE_LISTS);
	assert_true(has_error(&h, "does not end"));
	assert_true(h.ms.arenas[1].heap_count < 4);
	main_must_be_sound(&h);
	fake_heap_free(&h);
}

static void ring_to_nowhere(struct fake_heap *h, struct fake_arena *arena)
{
	fake_put(h, arena->addr + h->lay->arena.next, 0x7070707070);
}

static void ring_to_itself(struct fake_heap *h, struct fake_arena *arena)
{
	fake_put(h, arena->addr + h->lay->arena.next, arena->addr);
}

static void broken_rings_end(void **state)
{
	struct fake_heap h;

	(void)state;
	break_and_decode(&h, ring_to_nowhere, TAKE_LISTS);
	assert_true(h.facts.error_count > 0);
	assert_int_equal(h.ms.arena_count, 2);
	main_must_be_sound(&h);
	fake_heap_free(&h);
	break_and_decode(&h, ring_to_itself, TAKE_LISTS);
	assert_true(has_error(&h, "does not close"));
	assert_int_equal(h.ms.arena_count, 2);
	main_must_be_sound(&h);
	fake_heap_free(&h);
}

/* A ring of arenas that all look right and never comes back: more than anyone has. */
static void an_endless_ring_is_bounded(void **state)
{
	const struct malloc_layout *lay = lay_2_36();
	const uint64_t first = 0x100000000000, max = lay->heap.heap_max;
	struct fake_heap h;
	struct decode d;

	(void)state;
	fake_heap_build(&h, lay);
	for (uint64_t i = 0; i <= DECODE_ARENAS_MAX; i++) {
		uint64_t heap = first + i * max, arena = heap + lay->heap.size;

		fake_memory_map(&h.mem, heap, 4096, NULL);
		fake_put(&h, arena + lay->arena.next, arena + max);
	}
	fake_put(&h, h.main_arena + lay->arena.next, first + lay->heap.size);
	d = fake_heap_decode(&h);
	assert_true(pt_decode(&d, &h.ms, TAKE_HEADERS, NULL));
	assert_int_equal(h.ms.arena_count, DECODE_ARENAS_MAX);
	assert_true(h.facts.error_count > 0);
	fake_heap_free(&h);
}

/* --- reads that fail -------------------------------------------------------------------------- */

static void decode_all(struct fake_heap *h)
{
	struct decode d = fake_heap_decode(h);

	(void)pt_decode(&d, &h->ms, TAKE_HEADERS | TAKE_LISTS, NULL);
	(void)pt_decode(&d, &h->ms, TAKE_WALK, NULL);
	(void)pt_tick(&d, &h->ms);
}

static void any_read_may_fail(void **state)
{
	size_t reads;
	struct fake_heap h;

	(void)state;
	fake_heap_build(&h, lay_2_36());
	decode_all(&h);
	reads = h.mem.reads;
	assert_int_equal(h.facts.error_count, 0);
	fake_heap_free(&h);
	for (size_t i = 1; i <= reads; i++) {
		fake_heap_build(&h, lay_2_36());
		h.mem.fail_at = i;
		h.mem.fail_status = i % 2 ? MEM_GONE : MEM_SWAPPED;
		decode_all(&h);
		fake_heap_free(&h);
	}
}

static void any_allocation_may_fail(void **state)
{
	(void)state;
	for (size_t i = 1; i < 60; i++) {
		struct fake_heap h;

		fake_heap_build(&h, lay_2_36());
		region_fail_at(h.region, i);
		decode_all(&h);
		fake_heap_free(&h);
	}
}

static void a_swapped_heap_is_unknown_not_zero(void **state)
{
	struct fake_heap h;
	struct decode d;

	(void)state;
	fake_heap_build(&h, lay_2_36());
	fake_memory_segment(&h.mem, h.thread.addr)->status = MEM_SWAPPED;
	d = fake_heap_decode(&h);
	(void)pt_decode(&d, &h.ms, TAKE_HEADERS | TAKE_LISTS, NULL);
	assert_true(h.facts.error_count > 0);
	assert_int_equal(h.ms.arena_count, 1);
	assert_int_equal(h.ms.arenas[0].free_total.bytes.state, FACT_KNOWN);
	/* The main thread's tcache also holds chunks from there. */
	assert_int_equal(h.ms.arenas[0].in_use.bytes.state, FACT_TORN);
	fake_heap_free(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(broken_bins_are_torn),
		cmocka_unit_test(broken_fastbins_are_torn),
		cmocka_unit_test(broken_tcaches_are_torn),
		cmocka_unit_test(a_tcache_outside_memory_is_an_error),
		cmocka_unit_test(broken_arenas_are_torn),
		cmocka_unit_test(a_chain_in_a_circle_ends_soon),
		cmocka_unit_test(broken_rings_end),
		cmocka_unit_test(an_endless_ring_is_bounded),
		cmocka_unit_test(any_read_may_fail),
		cmocka_unit_test(any_allocation_may_fail),
		cmocka_unit_test(a_swapped_heap_is_unknown_not_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
