/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Chunks for the sample's heaps, and the answer to what a view looks at. */
#include "tests/lib/sample_parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "model/base/units.h"

/* Below an arena's first chunk in a thread's heap. */
enum { ARENA_HEADER = 0x8b0, PAGE = 4096 };

/* xorshift64: the same chunks every time. */
static uint32_t draw(uint64_t *seed, uint32_t below)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (uint32_t)(*seed >> 33) % below;
}

/* A heap has quarters of its own character: packed, then more and more holes. */
static enum chunk_state draw_state(uint64_t *seed, uint64_t permille, bool was_free)
{
	uint32_t holes = permille < 250 ? 2 : permille < 500 ? 12 : permille < 750 ? 40 : 22;
	uint32_t kind = draw(seed, 100);

	if (kind < holes && !was_free)
		return CHUNK_FREE;
	if (kind < holes + 2)
		return CHUNK_TCACHE;
	return kind < holes + 3 ? CHUNK_FAST : CHUNK_IN_USE;
}

static uint64_t draw_chunk_size(uint64_t *seed, enum chunk_state state)
{
	uint32_t kind = draw(seed, 100);

	if (state == CHUNK_TCACHE || state == CHUNK_FAST)
		return 32 + 16 * draw(seed, 6);
	if (state == CHUNK_FREE && kind < 6)
		return 4096 * (1 + draw(seed, 90)) + 16;
	if (kind < 60)
		return 32 + 16 * draw(seed, 16);
	return kind < 96 ? 288 + 16 * draw(seed, 70) : 2048 + 16 * draw(seed, 900);
}

static void fill_heap(const struct chunk_sink *sink, const struct arena *arena, size_t index)
{
	const struct malloc_heap *heap = &arena->heaps[0];
	uint64_t at = heap->start + (arena->is_main ? 0 : ARENA_HEADER);
	uint64_t top = arena->top_addr, seed = 88172645463325252u + index;
	bool was_free = false;

	at = align_up(at, 16);
	top = align_down(top, 16);
	while (at < top) {
		uint64_t done = (at - heap->start) * 1000 / (top - heap->start);
		enum chunk_state state = draw_state(&seed, done, was_free);
		uint64_t size = min_u64(draw_chunk_size(&seed, state), top - at);

		if (top - at - size < 32)
			size = top - at;
		sink->chunk(sink->ctx, at, size, state, (int)index);
		was_free = state == CHUNK_FREE;
		at += size;
	}
	sink->chunk(sink->ctx, top, heap->end - top, CHUNK_TOP, (int)index);
}

static struct chunk_spool *fill_spool(const struct malloc_state *ms)
{
	struct chunk_spool *spool = chunk_spool_new(0);
	const struct chunk_sink *sink = chunk_spool_sink(spool);

	assert_non_null(spool);
	/* by address, as a walk goes; main_arena's heap is the lowest of the sample */
	fill_heap(sink, &ms->arenas[0], 0);
	for (size_t i = ms->arena_count - 1; i > 0; i--)
		fill_heap(sink, &ms->arenas[i], i);
	for (size_t i = 0; i < ms->mmapped_count; i++)
		sink->chunk(sink->ctx, ms->mmapped[i].addr, ms->mmapped[i].size, CHUNK_MMAPPED, -1);
	return spool;
}

/* Of every 64 pages the last few were never touched, and some were swapped out. */
static size_t fill_ranges(const struct window_request *asked, struct mem_range *ranges, size_t room)
{
	uint64_t at = asked->scope_start, seed = 4711;
	size_t count = 0;

	while (at < asked->scope_end && count + 2 < room) {
		uint64_t present = at + PAGE * (40 + draw(&seed, 400));
		uint64_t absent = present + PAGE * draw(&seed, 24);

		ranges[count++] = (struct mem_range){ at, present, MEM_PAGE_PRESENT };
		ranges[count++] =
		        (struct mem_range){ present, absent,
			                    draw(&seed, 8) ? MEM_PAGE_ABSENT : MEM_PAGE_SWAPPED };
		at = absent;
	}
	ranges[count++] = (struct mem_range){ at, max_u64(at, asked->scope_end), MEM_PAGE_ABSENT };
	return count;
}

static void fill_header(struct window_chunk *c, uint64_t prev_size, bool prev_is_free)
{
	bool is_main = c->arena == 0;

	c->has_header = true;
	c->prev_size = prev_is_free ? prev_size : 0;
	c->raw = c->size | (prev_is_free ? 0 : 1) | (is_main || c->arena < 0 ? 0 : 4) |
	         (c->arena < 0 ? 2 : 0);
	if (c->state == CHUNK_FREE) {
		c->bin_index = c->size < 1024 ? (uint32_t)(c->size / 16)
		                              : 64 + (uint32_t)(c->size / 64 % 60);
		c->bin = c->size < 1024 ? WINDOW_BIN_SMALL : WINDOW_BIN_LARGE;
	} else if (c->state == CHUNK_TCACHE || c->state == CHUNK_FAST) {
		c->bin = c->state == CHUNK_FAST ? WINDOW_BIN_FAST : WINDOW_BIN_TCACHE;
		c->bin_index = (uint32_t)(c->size / 16 - 2);
	}
}

static void put_word(struct window *w, uint64_t addr, uint64_t value)
{
	uint64_t at = addr - w->asked.bytes_at;

	if (addr >= w->asked.bytes_at && at + 8 <= w->asked.bytes_len)
		memcpy(w->bytes + at, &value, 8);
}

static void put_link(struct window *w, uint64_t addr, uint64_t value, bool is_revealed)
{
	uint64_t at = addr - w->asked.bytes_at;

	put_word(w, addr, is_revealed ? value ^ addr >> 12 : value);
	if (addr >= w->asked.bytes_at && at + 8 <= w->asked.bytes_len)
		w->links[w->link_count++] = (struct window_link){ .at = (uint32_t)at,
			                                          .value = value,
			                                          .is_revealed = is_revealed };
}

/* Text as a ledger has it, and now and then a pointer to a chunk above or below. */
static void fill_bytes(const struct malloc_state *ms, struct window *w)
{
	static const char text[] =
	        "ledger entry 2026-01-31  EUR 1,204.50  from 48213 to 48220  ok.";
	struct window_chunk *c = &w->holder;

	for (uint32_t i = 0; i < w->asked.bytes_len; i++)
		w->bytes[i] = (uint8_t)text[i % (sizeof(text) - 1)];
	put_word(w, c->addr, c->prev_size);
	put_word(w, c->addr + 8, c->raw);
	if (c->state == CHUNK_FREE) {
		put_link(w, c->addr + 16, c->addr + 4096 * 3 + 64, false);
		put_word(w, c->addr + 24, ms->arenas[0].addr + 0x60);
	} else if (c->state == CHUNK_TCACHE || c->state == CHUNK_FAST) {
		put_link(w, c->addr + 16, c->addr + 4096 * 5 + 16, true);
	} else {
		put_link(w, c->addr + 48, c->addr + c->size + 32, false);
	}
	put_word(w, c->addr + c->size, 0);
	put_word(w, c->addr + c->size + 8, 0x111);
}

void sample_look(struct sample *sample, const struct window_request *request)
{
	static const struct window_rules rules = {
		.page = PAGE, .word = 8, .min_large = 1024, .chunk_header = 48
	};
	struct part *part = part_new(PART_WINDOW, sample->snap->sample.time_ns);
	struct chunk_spool *spool = fill_spool(sample->ms);
	struct mem_range *ranges;
	struct window *w = &part->window;

	assert_non_null(part);
	ranges = region_alloc(part->region, WINDOW_RANGES_MAX * sizeof(*ranges));
	assert_non_null(ranges);
	assert_true(window_init(part->region, request, &rules, w));
	window_digest(spool, ranges, fill_ranges(&w->asked, ranges, WINDOW_RANGES_MAX), &rules, w);
	for (size_t i = 0; i < w->chunk_count; i++)
		fill_header(&w->chunks[i], i ? w->chunks[i - 1].size : 0,
		            i && w->chunks[i - 1].state == CHUNK_FREE);
	if (w->holder.size) {
		fill_header(&w->holder, 0, false);
		fill_bytes(sample->ms, w);
	}
	window_resolve(spool, w);
	w->walk_taken_ns = sample->ms->walk_taken_ns;
	chunk_spool_free(spool);
	part_unref(sample->snap->parts[PART_WINDOW]);
	sample->snap->parts[PART_WINDOW] = part;
}
