/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walks over made-up heaps that are broken, hostile or partly swapped out: what is sound is counted,
 * what is not is said, and there is always an end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/base/units.h"
#include "model/glibc/pt_header.h"
#include "tests/lib/fake_memory.h"

#define HEAP  UINT64_C(0x555500000000)
#define LIBC  UINT64_C(0x7f0000000000)
#define ARENA (LIBC + 0xc60)

enum { PAGE = 4096, CHUNKS = 256, SIZE = 0x100, TOP_SIZE = 0x8000 };

/* One main_arena of CHUNKS chunks of SIZE bytes, all in use, and top behind them. */
struct made {
	struct fake_memory fake;
	struct region *region;
	struct heap_facts heap;
	struct malloc_state ms;
	struct decode d;
};

static uint64_t chunk_at(unsigned i)
{
	return HEAP + (uint64_t)i * SIZE;
}

static void put(struct made *m, uint64_t addr, uint64_t value)
{
	fake_memory_put(&m->fake, addr, 8, value);
}

static void put_arena(struct made *m, uint64_t field, uint64_t value)
{
	put(m, ARENA + field, value);
}

static void make(struct made *m)
{
	uint64_t end = chunk_at(CHUNKS) + TOP_SIZE;
	const struct arena_layout *a;

	*m = (struct made){ .region = region_new() };
	fake_memory_init(&m->fake);
	/* Page by page, so that each can be swapped out on its own. */
	for (uint64_t at = HEAP; at < end; at += PAGE)
		fake_memory_map(&m->fake, at, PAGE, "[heap]");
	fake_memory_map(&m->fake, LIBC, 2 * PAGE, "/lib/libc.so.6");
	m->d = (struct decode){ .mem = &m->fake.mem,
		                .lay = glibc_layout_for(36, ABI_LP64),
		                .vmas = fake_memory_vmas(&m->fake),
		                .region = m->region,
		                .heap = &m->heap,
		                .main_arena_addr = ARENA };
	a = &m->d.lay->arena;
	for (unsigned bin = 1; bin < PT_BINS; bin++) {
		put_arena(m, a->bins + 16 * (bin - 1), pt_bin_addr(m->d.lay, ARENA, bin));
		put_arena(m, a->bins + 16 * (bin - 1) + 8, pt_bin_addr(m->d.lay, ARENA, bin));
	}
	put_arena(m, a->top, chunk_at(CHUNKS));
	put_arena(m, a->next, ARENA);
	put_arena(m, a->system_mem, end - HEAP);
	put_arena(m, a->max_system_mem, end - HEAP);
	for (unsigned i = 0; i < CHUNKS; i++) {
		put(m, chunk_at(i) + 8, SIZE | PREV_INUSE);
		put(m, chunk_at(i) + 16, 0x4141414141414141);
	}
	put(m, chunk_at(CHUNKS) + 8, TOP_SIZE | PREV_INUSE);
	m->ms.params.sbrk_base = fact_of(HEAP);
}

/* Chunk i is the only one in its small bin. */
static void make_free(struct made *m, unsigned i)
{
	unsigned bin = glibc_bin_index(m->d.lay, SIZE);
	uint64_t head = pt_bin_addr(m->d.lay, ARENA, bin);

	put(m, chunk_at(i) + 16, head);
	put(m, chunk_at(i) + 24, head);
	put(m, head + 16, chunk_at(i));
	put(m, head + 24, chunk_at(i));
	put(m, chunk_at(i + 1), SIZE);
	put(m, chunk_at(i + 1) + 8, SIZE);
}

static struct arena *walk(struct made *m)
{
	assert_true(pt_read_arenas(&m->d, &m->ms));
	assert_true(pt_walk(&m->d, &m->ms, NULL, NULL));
	assert_true(m->ms.has_walk);
	return &m->ms.arenas[0];
}

static void unmake(struct made *m)
{
	region_free(m->region);
	fake_memory_fini(&m->fake);
}

static void a_sound_heap(void **state)
{
	struct arena *arena;
	struct made m;

	(void)state;
	make(&m);
	make_free(&m, 100);
	arena = walk(&m);
	assert_int_equal(arena->in_use.count.v, CHUNKS - 1);
	assert_int_equal(arena->in_use.count.state, FACT_KNOWN);
	assert_int_equal(arena->free_total.count.v, 1);
	assert_int_equal(arena->small_count, 1);
	assert_int_equal(m.ms.walk.chunks, CHUNKS);
	assert_int_equal(m.heap.error_count, 0);
	assert_int_equal(arena->top_pin.addr, chunk_at(CHUNKS - 1));
	unmake(&m);
}

/* A broken header costs what lies before the next chunk that a bin names, and no more. */
static void broken_sizes(void **state)
{
	static const uint64_t raws[] = {
		0,
		1,
		9,
		0x11, /* a fencepost where none belongs */
		UINT64_MAX,
		UINT64_MAX & ~UINT64_C(7),
		(uint64_t)1 << 63 | 1,
		CHUNKS * SIZE * 2 | 1, /* past top */
		SIZE | IS_MMAPPED | 1,
		SIZE | NON_MAIN_ARENA | 1, /* in main_arena */
		(SIZE + 8) | 1,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(raws) / sizeof(raws[0]); i++) {
		struct arena *arena;
		struct made m;

		make(&m);
		make_free(&m, 200);
		put(&m, chunk_at(50) + 8, raws[i]);
		arena = walk(&m);
		assert_true(arena->is_torn);
		assert_true(m.ms.walk.torn_chunks > 0);
		assert_int_equal(arena->in_use.count.state, FACT_TORN);
		/* All before and all behind; between 50 and 200 at most what it led to. */
		assert_in_range(arena->in_use.count.v, 49 + 55, CHUNKS - 1);
		assert_true(m.fake.reads < 2000);
		unmake(&m);
	}
}

static void a_prev_size_that_contradicts(void **state)
{
	struct arena *arena;
	struct made m;

	(void)state;
	make(&m);
	put(&m, chunk_at(77) + 8, SIZE); /* the chunk before it is free, but has no foot */
	arena = walk(&m);
	assert_true(arena->is_torn);
	assert_int_equal(arena->in_use.count.v, 76);
	unmake(&m);
}

static void tops_that_lie(void **state)
{
	static const uint64_t tops[] = {
		0x10, HEAP - 0x1000, UINT64_C(0xffffffffffff0000),
		LIBC, HEAP + 8,      HEAP + (CHUNKS / 2) * SIZE + 0x10,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(tops) / sizeof(tops[0]); i++) {
		struct made m;

		make(&m);
		put_arena(&m, m.d.lay->arena.top, tops[i]);
		if (pt_read_arenas(&m.d, &m.ms)) {
			assert_true(pt_walk(&m.d, &m.ms, NULL, NULL));
			assert_true(m.heap.error_count > 0 || m.ms.walk.torn_chunks > 0);
		}
		assert_true(m.fake.reads < 3000);
		unmake(&m);
	}
}

static void a_swapped_page_is_passed_at_an_anchor(void **state)
{
	struct arena *arena;
	struct made m;

	(void)state;
	make(&m);
	make_free(&m, 100);
	/* Chunks 64 … 79. */
	fake_memory_segment(&m.fake, chunk_at(64))->status = MEM_SWAPPED;
	arena = walk(&m);
	assert_int_equal(m.ms.walk.torn_chunks, 0);
	/* Chunk 63 can't be told either: the header behind it is out. */
	assert_int_equal(m.ms.walk.unreadable, (100 - 63) * SIZE);
	assert_int_equal(arena->in_use.count.v, 63 + (CHUNKS - 101));
	assert_int_equal(arena->in_use.count.state, FACT_TORN);
	assert_int_equal(arena->free_total.count.v, 1);
	unmake(&m);
}

static void without_an_anchor_the_rest_is_unknown(void **state)
{
	struct arena *arena;
	struct made m;

	(void)state;
	make(&m);
	fake_memory_segment(&m.fake, chunk_at(64))->status = MEM_SWAPPED;
	arena = walk(&m);
	assert_int_equal(m.ms.walk.unreadable, (CHUNKS - 63) * SIZE);
	assert_int_equal(arena->in_use.count.v, 63);
	unmake(&m);
}

static void bins_that_run_in_circles(void **state)
{
	struct made m;
	uint64_t head;

	(void)state;
	make(&m);
	make_free(&m, 20);
	head = pt_bin_addr(m.d.lay, ARENA, 1);
	/* The unsorted list leads to a free chunk that points to itself. */
	put(&m, head + 16, chunk_at(20));
	put(&m, head + 24, chunk_at(20));
	put(&m, chunk_at(20) + 16, chunk_at(20));
	put(&m, chunk_at(20) + 24, chunk_at(20));
	/* Anchors are collected from it, too. */
	put(&m, chunk_at(50) + 8, 0);
	walk(&m);
	assert_true(m.heap.error_count > 0);
	assert_true(m.fake.reads < 100000);
	unmake(&m);
}

static void an_anchor_inside_a_chunk_does_no_harm(void **state)
{
	struct made m;
	uint64_t head;

	(void)state;
	make(&m);
	head = pt_bin_addr(m.d.lay, ARENA, 70);
	put(&m, head + 16, chunk_at(60) + 0x30);
	put(&m, head + 24, HEAP - 0x100000);
	put(&m, chunk_at(50) + 8, 0);
	assert_true(walk(&m)->is_torn);
	unmake(&m);
}

static void reads_that_fail(void **state)
{
	(void)state;
	for (size_t k = 1; k < 40; k++) {
		struct made m;

		make(&m);
		make_free(&m, 100);
		m.fake.fail_at = k;
		if (pt_read_arenas(&m.d, &m.ms))
			assert_true(pt_walk(&m.d, &m.ms, NULL, NULL));
		unmake(&m);
	}
}

/* Sizes that come and go while the walk looks: every k-th read another byte of the heap flips. */
static void heaps_of_noise(void **state)
{
	uint32_t seed = 4711;

	(void)state;
	for (int round = 0; round < 60; round++) {
		struct made m;

		make(&m);
		for (int i = 0; i < 40; i++) {
			seed = seed * 1664525u + 1013904223u;
			*fake_memory_at(&m.fake, HEAP + (seed >> 8) % (CHUNKS * SIZE), 1) =
			        (uint8_t)(seed >> 3);
		}
		if (pt_read_arenas(&m.d, &m.ms))
			assert_true(pt_walk(&m.d, &m.ms, NULL, NULL));
		assert_true(m.fake.reads < 100000);
		unmake(&m);
	}
}

/* Two arenas that claim the same heap: its bytes are walked once. */
static void overlapping_heaps(void **state)
{
	struct malloc_heap heap;
	struct arena arenas[2];
	struct made m;

	(void)state;
	make(&m);
	assert_true(pt_read_arenas(&m.d, &m.ms));
	heap = m.ms.arenas[0].heaps[0];
	arenas[0] = arenas[1] = m.ms.arenas[0];
	arenas[1].heaps = &heap;
	m.ms.arenas = arenas;
	m.ms.arena_count = 2;
	assert_true(pt_walk(&m.d, &m.ms, NULL, NULL));
	assert_int_equal(m.ms.walk.chunks, CHUNKS);
	assert_true(m.heap.error_count > 0);
	unmake(&m);
}

/*
 * Somebody else's sbrk() between two pieces, full of headers that lead far away and that begin as if
 * they were chunks: they are not malloc's, and looking behind them has an end.
 */
static void a_gap_of_false_headers(void **state)
{
	const unsigned first = 16, last = 240; /* chunks of malloc's before and behind the gap */
	struct arena *arena;
	struct made m;

	(void)state;
	make(&m);
	for (uint64_t at = chunk_at(first); at < chunk_at(last); at += 32) {
		put(&m, at, 1);
		put(&m, at + 8, 0x4010 | PREV_INUSE);
		put(&m, at + 16, 1);
		put(&m, at + 24, 8);
	}
	put(&m, chunk_at(first - 1) + 8, (SIZE - 32) | PREV_INUSE);
	put(&m, chunk_at(first) - 32 + 8, 16 | PREV_INUSE);
	put(&m, chunk_at(first) - 16 + 8, 16 | PREV_INUSE);
	arena = walk(&m);
	assert_int_equal(arena->in_use.count.v, first + CHUNKS - last);
	assert_int_equal(arena->in_use.count.state, FACT_KNOWN);
	assert_int_equal(m.heap.error_count, 0);
	assert_true(m.fake.reads < 40000);
	unmake(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sound_heap),
		cmocka_unit_test(broken_sizes),
		cmocka_unit_test(a_prev_size_that_contradicts),
		cmocka_unit_test(tops_that_lie),
		cmocka_unit_test(a_swapped_page_is_passed_at_an_anchor),
		cmocka_unit_test(without_an_anchor_the_rest_is_unknown),
		cmocka_unit_test(bins_that_run_in_circles),
		cmocka_unit_test(an_anchor_inside_a_chunk_does_no_harm),
		cmocka_unit_test(reads_that_fail),
		cmocka_unit_test(heaps_of_noise),
		cmocka_unit_test(overlapping_heaps),
		cmocka_unit_test(a_gap_of_false_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
