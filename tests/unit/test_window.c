/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A look at chunks: what the digest sums up is what was told, whatever is asked for or told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/base/units.h"
#include "model/facts/window.h"
#include "tests/lib/fake_heap.h"

static const struct window_rules lp64 = {
	.page = 4096, .word = 8, .min_large = 1024, .chunk_header = 48
};

/* A heap of made-up chunks in a spool, and a plain copy of them. */
struct made_up {
	struct chunk_spool *spool;
	struct region *region;
	struct chunk_record *at;
	size_t count;
	uint64_t start, end;
};

static uint32_t draw(uint64_t *seed, uint32_t below)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (uint32_t)(*seed >> 33) % below;
}

static void tell(struct made_up *m, uint64_t addr, uint64_t size, enum chunk_state state, int arena)
{
	const struct chunk_sink *sink = chunk_spool_sink(m->spool);

	m->at = realloc(m->at, (m->count + 1) * sizeof(*m->at));
	assert_non_null(m->at);
	m->at[m->count++] = (struct chunk_record){ addr, size, state, arena };
	sink->chunk(sink->ctx, addr, size, state, arena);
}

static void begin(struct made_up *m)
{
	*m = (struct made_up){ .spool = chunk_spool_new(0), .region = region_new() };
	assert_true(m->spool && m->region);
}

static void fill(struct made_up *m, uint64_t seed, size_t count)
{
	static const enum chunk_state states[] = { CHUNK_IN_USE, CHUNK_IN_USE, CHUNK_FREE,
		                                   CHUNK_FAST, CHUNK_TCACHE };
	uint64_t at = m->start = 0x555500001000;

	for (size_t i = 0; i < count; i++) {
		uint64_t size = 32 + 16 * draw(&seed, draw(&seed, 10) ? 40 : 4000);

		tell(m, at, size, states[draw(&seed, 5)], 0);
		at += size;
	}
	tell(m, at, 70000, CHUNK_TOP, 0);
	m->end = at + 70000;
}

static void end(struct made_up *m)
{
	chunk_spool_free(m->spool);
	region_free(m->region);
	free(m->at);
}

static void look(struct made_up *m, const struct window_request *request,
                 const struct mem_range *ranges, size_t count, struct window *ret)
{
	assert_true(window_init(m->region, request, &lp64, ret));
	window_digest(m->spool, ranges, count, &lp64, ret);
}

static uint64_t bytes_of(const struct window_cell *c)
{
	return c->in_use + c->tcache + c->fast + c->small + c->large + c->top + c->mmapped +
	       c->fencepost;
}

/* What a cell must hold, chunk by chunk. */
static struct window_cell sum_plainly(const struct made_up *m, uint64_t from, uint64_t to)
{
	struct window_cell cell = { 0 };

	for (size_t i = 0; i < m->count; i++) {
		const struct chunk_record *c = &m->at[i];
		uint64_t low = max_u64(c->addr, from), high = min_u64(c->addr + c->size, to);
		uint64_t part = high > low ? high - low : 0;
		uint64_t *sums[CHUNK_STATE_COUNT] = {
			[CHUNK_IN_USE] = &cell.in_use,
			[CHUNK_FREE] = c->size >= 1024 ? &cell.large : &cell.small,
			[CHUNK_FAST] = &cell.fast,
			[CHUNK_TCACHE] = &cell.tcache,
			[CHUNK_TOP] = &cell.top,
		};

		*sums[c->state] += part;
		if (part && c->state == CHUNK_FREE)
			cell.largest_free = max_u64(cell.largest_free, c->size);
		if (c->addr < from || c->addr >= to)
			continue;
		cell.used_chunks += c->state == CHUNK_IN_USE;
		cell.free_chunks += c->state == CHUNK_FREE;
		cell.cached_chunks += c->state == CHUNK_FAST || c->state == CHUNK_TCACHE;
	}
	return cell;
}

static void cells_hold_what_was_told(void **state)
{
	static const uint64_t cells[] = { 16, 4096, 65536, 1 << 30 };
	struct made_up m;
	struct window w;

	(void)state;
	begin(&m);
	fill(&m, 88172645463325252u, 300);
	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
		struct window_request request = { m.start, m.end, m.start, m.end, cells[i],
			                          0,       0,     0,       0,     0 };

		look(&m, &request, NULL, 0, &w);
		assert_int_equal(w.pages_end, 0);
		assert_int_equal(w.known_end, m.end);
		for (size_t k = 0; k < w.cell_count; k++) {
			uint64_t from = m.start + k * cells[i];
			struct window_cell want = sum_plainly(&m, from, from + cells[i]);

			assert_memory_equal(&w.cells[k], &want, sizeof(want));
			assert_true(bytes_of(&w.cells[k]) <= cells[i]);
			assert_ptr_equal(window_cell_at(&w, from + cells[i] - 1),
			                 from + cells[i] - 1 < m.end ? &w.cells[k] : NULL);
		}
		for (size_t k = 0; k < w.strip_count; k++) {
			uint64_t from = m.start + k * w.strip_cell;
			struct window_cell want = sum_plainly(&m, from, from + w.strip_cell);

			assert_memory_equal(&w.strip[k], &want, sizeof(want));
		}
		assert_true(w.strip_count <= WINDOW_STRIP_MAX);
	}
	end(&m);
}

static void classes_are_powers_of_two(void **state)
{
	struct window_class sum = { 0 };
	struct window w;
	struct made_up m;

	(void)state;
	begin(&m);
	tell(&m, 0x1000, 32, CHUNK_IN_USE, 0);
	tell(&m, 0x1020, 48, CHUNK_TCACHE, 0);
	tell(&m, 0x1050, 64, CHUNK_FREE, 0);
	tell(&m, 0x1090, 112, CHUNK_FREE, 0);
	tell(&m, 0x1100, 128, CHUNK_FAST, 0);
	tell(&m, 0x9000, 128, CHUNK_IN_USE, 1); /* another heap's */
	look(&m, &(struct window_request){ .scope_start = 0x1000, .scope_end = 0x2000 }, NULL, 0,
	     &w);
	assert_int_equal(w.classes[5].used_bytes, 32);
	assert_int_equal(w.classes[5].cached, 1);
	assert_int_equal(w.classes[6].free, 2);
	assert_int_equal(w.classes[6].free_bytes, 176);
	assert_int_equal(w.classes[7].cached_bytes, 128);
	for (size_t i = 0; i < WINDOW_CLASSES; i++)
		sum.used += w.classes[i].used;
	assert_int_equal(sum.used, 1);
	end(&m);
}

/* Pages by what they are; and what malloc_trim would give back, by its own rule. */
static void pages_are_told_by_what_they_are(void **state)
{
	static const struct mem_range ranges[] = {
		{ 0x10000, 0x12000, MEM_PAGE_PRESENT },
		{ 0x12000, 0x13000, MEM_PAGE_SWAPPED },
		{ 0x13000, 0x16000, MEM_PAGE_PRESENT },
		{ 0x16000, 0x18000, MEM_PAGE_ABSENT },
	};
	struct window_request request = {
		0x10000, 0x20000, 0x10000, 0x20000, 0x4000, 0, 0, 0, 0, 0
	};
	struct window w;
	struct made_up m;

	(void)state;
	begin(&m);
	tell(&m, 0x10000, 0xfe0, CHUNK_IN_USE, 0);
	/* its header of 48 bytes reaches into the next page, which is therefore kept */
	tell(&m, 0x10fe0, 0x5000, CHUNK_FREE, 0);
	tell(&m, 0x15fe0, 0xa020, CHUNK_TOP, 0);
	look(&m, &request, ranges, 4, &w);
	assert_int_equal(w.pages_end, 0x18000);
	assert_int_equal(w.cells[0].resident, 0x3000);
	assert_int_equal(w.cells[0].swapped, 0x1000);
	assert_int_equal(w.cells[1].resident, 0x2000);
	/* whole pages 12, 13, 14: the first is swapped out */
	assert_int_equal(w.cells[0].releasable, 0x1000);
	assert_int_equal(w.cells[1].releasable, 0x1000);
	end(&m);
}

/* The list is the slice of the heap around the place that was asked for. */
static void the_list_is_a_slice(void **state)
{
	uint64_t seed = 5;
	struct made_up m;
	struct window w;

	(void)state;
	begin(&m);
	fill(&m, 77, 500);
	for (int round = 0; round < 200; round++) {
		size_t at = draw(&seed, (uint32_t)m.count), before = draw(&seed, 40), first;
		struct window_request request = {
			.scope_start = m.start,
			.scope_end = m.end,
			.chunks_at = m.at[at].addr + draw(&seed, 32),
			.chunks_before = (uint32_t)before,
			.chunks_max = (uint32_t)before + 1 + draw(&seed, 40),
		};

		look(&m, &request, NULL, 0, &w);
		first = at > before ? at - before : 0;
		assert_int_equal(w.has_before, first > 0);
		assert_int_equal(w.has_after, first + w.chunk_count < m.count);
		assert_int_equal(w.chunk_count, min_u64(request.chunks_max, m.count - first));
		for (size_t i = 0; i < w.chunk_count; i++)
			assert_int_equal(w.chunks[i].addr, m.at[first + i].addr);
		assert_int_equal(window_chunk_at(&w, request.chunks_at)->addr, m.at[at].addr);
		assert_null(window_chunk_at(&w, m.start - 1));
		assert_null(window_chunk_at(&w, m.end));
	}
	end(&m);
}

static void links_lead_to_the_chunks_that_hold_them(void **state)
{
	struct window_request request = { .bytes_at = 0x1010, .bytes_len = 64 };
	struct window w;
	struct made_up m;

	(void)state;
	begin(&m);
	tell(&m, 0x1000, 0x100, CHUNK_IN_USE, 0);
	tell(&m, 0x1100, 0x40, CHUNK_FREE, 0);
	tell(&m, 0x5000, 0x1000, CHUNK_MMAPPED, -1);
	look(&m, &request, NULL, 0, &w);
	assert_int_equal(w.holder.addr, 0x1000);
	assert_int_equal(w.holder.state, CHUNK_IN_USE);
	w.links[0] = (struct window_link){ .at = 0, .value = 0x5fff };
	w.links[1] = (struct window_link){ .at = 8, .value = 0x6000 };
	w.links[2] = (struct window_link){ .at = 16, .value = 0x1100 };
	w.links[3] = (struct window_link){ .at = 24, .value = 0x10ff };
	w.links[4] = (struct window_link){ .at = 32, .value = 0xfff };
	w.link_count = 5;
	window_resolve(m.spool, &w);
	assert_int_equal(w.link_count, 3);
	assert_int_equal(w.links[0].chunk, 0x5000);
	assert_int_equal(w.links[1].chunk, 0x1100);
	assert_int_equal(w.links[1].state, CHUNK_FREE);
	assert_int_equal(w.links[2].chunk, 0x1000);
	assert_int_equal(w.links[2].at, 24);
	end(&m);
}

/* Nothing that is asked for, and nothing that a hostile heap tells, leads out of bounds. */
static void nonsense_is_cut(void **state)
{
	static const uint64_t odd[] = { 0,      1,          15,         16,        0x1000,
		                        0x1fff, 1ull << 47, 1ull << 63, UINT64_MAX };
	enum { ODD = sizeof(odd) / sizeof(odd[0]) };
	uint64_t seed = 99;
	struct made_up m;
	struct window w;

	(void)state;
	for (int round = 0; round < 300; round++) {
		struct window_request request = {
			odd[draw(&seed, ODD)], odd[draw(&seed, ODD)], odd[draw(&seed, ODD)],
			odd[draw(&seed, ODD)], odd[draw(&seed, ODD)], odd[draw(&seed, ODD)],
			draw(&seed, 9000),     draw(&seed, 9000),     odd[draw(&seed, ODD)],
			draw(&seed, 9000),
		};

		begin(&m);
		for (int i = 0; i < 50; i++)
			tell(&m, odd[draw(&seed, ODD)] + draw(&seed, 64), odd[draw(&seed, ODD)],
			     (enum chunk_state)draw(&seed, CHUNK_STATE_COUNT), -1);
		look(&m, &request, NULL, 0, &w);
		assert_true(w.cell_count <= WINDOW_CELLS_MAX + 1);
		assert_true(w.strip_count <= WINDOW_STRIP_MAX);
		assert_true(w.chunk_count <= WINDOW_CHUNKS_MAX);
		assert_true(w.asked.bytes_len <= WINDOW_BYTES_MAX);
		for (size_t i = 0; i < w.cell_count; i++)
			assert_true(bytes_of(&w.cells[i]) / 2 <= w.asked.cell);
		window_resolve(m.spool, &w);
		end(&m);
	}
}

static void a_full_spool_says_what_is_unknown(void **state)
{
	struct chunk_spool *spool = chunk_spool_new(70000);
	const struct chunk_sink *sink = chunk_spool_sink(spool);
	struct region *region = region_new();
	struct window_request request = { .scope_start = 0x1000, .scope_end = 0x1000 + 3200000 };
	struct window w;

	(void)state;
	for (uint64_t i = 0; i < 100000; i++)
		sink->chunk(sink->ctx, 0x1000 + i * 32, 32, CHUNK_IN_USE, 0);
	assert_true(window_init(region, &request, &lp64, &w));
	window_digest(spool, NULL, 0, &lp64, &w);
	assert_true(w.chunks_lost > 0 && w.chunks_lost < 100000);
	assert_int_equal(w.known_end, 0x1000 + (100000 - w.chunks_lost) * 32);
	region_free(region);
	chunk_spool_free(spool);
}

/* --- with a target's memory --------------------------------------------------------------------- */

static const struct window_chunk *first_of(const struct window *w, enum chunk_state state)
{
	for (size_t i = 0; i < w->chunk_count; i++) {
		if (w->chunks[i].state == state)
			return &w->chunks[i];
	}
	return NULL;
}

static void decode_and_look(struct fake_heap *h, struct chunk_spool *spool,
                            const struct window_request *request, struct window *ret)
{
	struct decode d = fake_heap_decode(h);

	assert_true(pt_read_params(&d, &h->ms.params));
	assert_true(pt_decode(&d, &h->ms, TAKE_HEADERS | TAKE_WALK, chunk_spool_sink(spool)));
	assert_true(pt_window(&d, &h->ms, spool, request, ret));
}

/* Bins of listed chunks: those of the unsorted list by that list, the others by their size. */
static void check_list(struct fake_heap *h, const struct window *w)
{
	uint64_t unsorted = 0, sorted = 0, cached = 0;

	for (size_t i = 0; i < w->chunk_count; i++) {
		const struct window_chunk *c = &w->chunks[i];

		assert_true(c->has_header);
		assert_int_equal(c->raw & ~(uint64_t)7, c->size);
		assert_int_equal(c->raw, fake_word(h, c->addr + h->lay->word));
		unsorted += c->bin == WINDOW_BIN_UNSORTED;
		sorted += c->bin == WINDOW_BIN_SMALL || c->bin == WINDOW_BIN_LARGE;
		if (c->bin == WINDOW_BIN_SMALL || c->bin == WINDOW_BIN_LARGE)
			assert_int_equal(c->bin_index, glibc_bin_index(h->lay, c->size));
		if (c->bin == WINDOW_BIN_FAST)
			assert_int_equal(glibc_fastbin_size(h->lay, c->bin_index), c->size);
		cached += c->bin == WINDOW_BIN_FAST || c->bin == WINDOW_BIN_TCACHE;
	}
	assert_int_equal(unsorted, h->main.unsorted.count);
	assert_int_equal(sorted, h->main.sums[CHUNK_FREE].count - h->main.unsorted.count);
	assert_int_equal(cached, h->main.sums[CHUNK_FAST].count + h->main.sums[CHUNK_TCACHE].count);
}

/* fd and bk of a free chunk lead to chunks, or into the arena; the first of a bin's list always. */
static void check_links(struct fake_heap *h, struct chunk_spool *spool,
                        const struct window_chunk *c)
{
	struct decode d = fake_heap_decode(h);
	struct window_request request = { .bytes_at = c->addr, .bytes_len = 4 * h->lay->word };
	struct window w;

	assert_true(pt_window(&d, &h->ms, spool, &request, &w));
	assert_int_equal(w.holder.addr, c->addr);
	for (size_t i = 0; i < w.link_count; i++) {
		uint64_t stored = fake_word(h, c->addr + w.links[i].at);

		assert_true(w.links[i].value - w.links[i].chunk < w.links[i].size);
		if (w.links[i].is_revealed)
			assert_int_equal(w.links[i].value,
			                 glibc_reveal(h->lay, c->addr + w.links[i].at, stored));
		else
			assert_int_equal(w.links[i].value, stored);
	}
}

static void headers_bins_and_links_in_every_layout(void **state)
{
	(void)state;
	for (size_t row = 0; row < glibc_layout_count; row++) {
		static const enum chunk_state states[] = { CHUNK_FREE, CHUNK_TCACHE, CHUNK_FAST };
		struct chunk_spool *spool = chunk_spool_new(0);
		const struct window_chunk *c;
		struct fake_heap h;
		struct window w;

		fake_heap_build(&h, &glibc_layouts[row]);
		decode_and_look(&h, spool,
		                &(struct window_request){ .scope_start = h.main.start,
		                                          .scope_end = h.main.end,
		                                          .chunks_at = h.main.start,
		                                          .chunks_max = WINDOW_CHUNKS_MAX },
		                &w);
		assert_int_equal(w.known_end, h.main.end);
		assert_int_equal(w.word, h.lay->word);
		check_list(&h, &w);
		for (size_t i = 0; i < 3; i++) {
			c = first_of(&w, states[i]);
			if (c)
				check_links(&h, spool, c);
		}
		chunk_spool_free(spool);
		fake_heap_free(&h);
	}
}

/* What is swapped out is left alone and says so. */
static void bytes_that_are_not_there_say_why(void **state)
{
	struct chunk_spool *spool = chunk_spool_new(0);
	struct fake_heap h;
	struct window w;

	(void)state;
	fake_heap_build(&h, &glibc_layouts[0]);
	decode_and_look(&h, spool, &(struct window_request){ 0 }, &w);
	fake_memory_segment(&h.mem, h.main.start)->status = MEM_SWAPPED;
	{
		struct decode d = fake_heap_decode(&h);
		struct window_request request = { .bytes_at = h.main.end - 64, .bytes_len = 128 };

		assert_true(pt_window(&d, &h.ms, spool, &request, &w));
		assert_int_equal(w.status[0], MEM_SWAPPED);
		assert_int_equal(w.status[15], MEM_UNMAPPED);
		assert_int_equal(w.link_count, 0);
		assert_false(w.holder.has_header);
	}
	chunk_spool_free(spool);
	fake_heap_free(&h);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(cells_hold_what_was_told),
		cmocka_unit_test(classes_are_powers_of_two),
		cmocka_unit_test(pages_are_told_by_what_they_are),
		cmocka_unit_test(the_list_is_a_slice),
		cmocka_unit_test(links_lead_to_the_chunks_that_hold_them),
		cmocka_unit_test(nonsense_is_cut),
		cmocka_unit_test(a_full_spool_says_what_is_unknown),
		cmocka_unit_test(headers_bins_and_links_in_every_layout),
		cmocka_unit_test(bytes_that_are_not_there_say_why),
	};

	return cmocka_run_group_tests_name("window", tests, NULL, NULL);
}
