/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/lib/sample_parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "model/base/units.h"

/* heap_info and malloc_state in front of a thread arena's first chunk, glibc 2.36 on LP64 */
#define ARENA_HEADER 2224

/* clang-format off */
static const struct sample_arena {
	uint64_t addr, start, rw_kib, reserve_kib, top, bins, trimmable, below_pin;
	uint32_t fast_chunks, threads;
} arena_table[] = {
	{ 0x7f2a4c9f6c60, 0x55d0c1a3e000, 135168,      0, 1258288, 13002752, 9961472, 2203648, 8192, 5 },
	{ 0x7f2a34000030, 0x7f2a34000000,  39168,  26368, 2202000,  6291456, 5242880,       0, 1024, 2 },
	{ 0x7f2a2c000030, 0x7f2a2c000000,  22016,  43520,  133120,  4613734, 4005888, 3912000,   12, 1 },
	{ 0x7f2a24000030, 0x7f2a24000000,   8448,  57088, 6291456,   104857,   98304,       0,    0, 0 },
	{ 0x7f2a1c000030, 0x7f2a1c000000,    132,  65404,  112000,        0,       0,       0,    0, 1 },
};

static const struct sample_thread {
	int32_t tid;
	const char *name;
	uint32_t arena, chunks; /* of each of 24 bins */
} thread_table[] = {
	{ SAMPLE_PID, "ledgerd", 0, 7 }, { 48214, "wal-writer", 0, 7 }, { 48215, "checkpoint", 0, 5 },
	{ 48217, "net-0", 0, 7 },        { 48219, "net-1", 0, 3 },      { 48220, "query-0", 1, 7 },
	{ 48221, "query-1", 1, 6 },      { 48224, "compact", 2, 7 },    { 48229, "metrics", 4, 2 },
};
/* clang-format on */

enum {
	ARENAS = sizeof(arena_table) / sizeof(arena_table[0]),
	THREADS = sizeof(thread_table) / sizeof(thread_table[0]),
};

static void *room_for(struct part *part, size_t count, size_t width)
{
	void *at = region_alloc(part->region, count * width);

	assert_non_null(at);
	return at;
}

static struct count_bytes known(uint64_t count, uint64_t bytes)
{
	return (struct count_bytes){ fact_of(count), fact_of(bytes) };
}

static void fill_heap(struct part *part, struct arena *arena, const struct sample_arena *from)
{
	struct malloc_heap *heap = room_for(part, 1, sizeof(*heap));

	heap->start = from->start;
	heap->end = heap->rw_end = from->start + from->rw_kib * KIB;
	heap->reserve_end = heap->rw_end + from->reserve_kib * KIB;
	arena->heaps = heap;
	arena->heap_count = 1;
	arena->top_size = fact_of(from->top);
	arena->top_addr = heap->end - from->top;
}

static void fill_fast(struct part *part, struct arena *arena, uint32_t chunks)
{
	arena->fastbin_total = known(0, 0);
	if (!chunks)
		return;
	arena->fastbins = room_for(part, 2, sizeof(*arena->fastbins));
	arena->fastbin_count = 2;
	arena->fastbins[0] = (struct size_count){ 0x20, chunks / 4 };
	arena->fastbins[1] = (struct size_count){ 0x40, chunks - chunks / 4 };
	arena->fastbin_total = known(chunks, chunks / 4 * 0x20 + (chunks - chunks / 4) * 0x40);
}

/* A few bins of fixed content, and one that takes what is left of `bytes`. */
static void fill_bins(struct part *part, struct arena *arena, uint64_t bytes)
{
	static const struct large_bin large[] = {
		{ 65, 1088, 40, 45056 },
		{ 121, 64 * KIB, 1, 65552 },
		{ 124, 160 * KIB, 7, 0 },
	};
	uint64_t count = 3 + 41 + 10, used = 9344 + 41 * 0x110 + 10 * 0x3f0;

	arena->unsorted = known(bytes ? 3 : 0, bytes ? 9344 : 0);
	arena->free_total = known(0, 0);
	if (!bytes)
		return;
	arena->small = room_for(part, 2, sizeof(*arena->small));
	arena->small_count = 2;
	arena->small[0] = (struct size_count){ 0x110, 41 };
	arena->small[1] = (struct size_count){ 0x3f0, 10 };
	arena->large = room_for(part, 3, sizeof(*arena->large));
	arena->large_count = bytes > 2 * MIB ? 3 : 1;
	memcpy(arena->large, large, sizeof(large));
	for (size_t i = 0; i + 1 < arena->large_count; i++) {
		used += arena->large[i].bytes;
		count += arena->large[i].count;
	}
	assert_true(bytes > used);
	arena->large[arena->large_count - 1].bytes = bytes - used;
	count += arena->large[arena->large_count - 1].count;
	arena->free_total = known(count, bytes);
}

static void fill_arena(struct part *part, struct malloc_state *ms, size_t i)
{
	const struct sample_arena *from = &arena_table[i];
	struct arena *arena = &ms->arenas[i];

	arena->addr = from->addr;
	arena->is_main = arena->is_contiguous = i == 0;
	arena->attached_threads = fact_of(from->threads);
	arena->system_mem = arena->max_system_mem = from->rw_kib * KIB;
	arena->next = arena_table[(i + 1) % ARENAS].addr;
	arena->last_remainder = i == 2 ? 0x7f2a2cb1e340 : 0;
	arena->has_lists = true;
	fill_heap(part, arena, from);
	fill_fast(part, arena, from->fast_chunks);
	fill_bins(part, arena, from->bins);
	arena->tcache_total = known(0, 0);
	arena->trimmable = fact_of(from->trimmable);
	arena->below_pin = fact_of(from->below_pin);
	if (from->below_pin)
		arena->top_pin = (struct chunk_ref){ arena->top_addr - 0x30, 0x30 };
}

static void fill_thread(struct part *part, struct malloc_state *ms, size_t i)
{
	const struct sample_thread *from = &thread_table[i];
	struct malloc_thread *thread = &ms->threads[i];
	struct count_bytes *arena_total = &ms->arenas[from->arena].tcache_total;
	uint64_t bytes = 0;

	thread->tid = from->tid;
	memcpy(thread->name, from->name, strlen(from->name));
	thread->arena = fact_of(arena_table[from->arena].addr);
	thread->tcache = fact_of(arena_table[from->arena].start + 0x10);
	thread->bin_count = from->arena == 2 ? 2 : 24;
	thread->bins = room_for(part, thread->bin_count, sizeof(*thread->bins));
	for (size_t bin = 0; bin < thread->bin_count; bin++) {
		uint64_t size = from->arena == 2 && bin ? 0x90 : 0x20 + 0x10 * bin;

		thread->bins[bin] = (struct size_count){ size, from->chunks };
		bytes += size * from->chunks;
	}
	thread->total = known(thread->bin_count * from->chunks, bytes);
	arena_total->count.v += thread->total.count.v;
	arena_total->bytes.v += bytes;
}

/* What is left of system memory is in use; a sample that does not agree with itself is a bug. */
static void settle_arena(struct arena *arena)
{
	uint64_t header = arena->is_main ? 0 : ARENA_HEADER;
	uint64_t others = header + arena->top_size.v + arena->tcache_total.bytes.v +
	                  arena->fastbin_total.bytes.v + arena->free_total.bytes.v;

	assert_true(arena->system_mem > others);
	arena->in_use = known((arena->system_mem - others) / 640, arena->system_mem - others);
}

static void fill_mmapped(struct part *part, struct malloc_state *ms)
{
	static const struct {
		uint64_t base, kib;
	} chunks[] = {
		{ 0x7f2a40000000, 65540 }, { 0x7f2a44100000, 8196 },  { 0x7f2a44902000, 8196 },
		{ 0x7f2a45104000, 8196 },  { 0x7f2a45906000, 8196 },  { 0x7f2a46108000, 8196 },
		{ 0x7f2a46a00000, 24580 }, { 0x7f2a4a900000, 8196 },  { 0x7f2a4b102000, 8196 },
		{ 0x7f2a4b904000, 8196 },  { 0x7f2a4d000000, 12572 },
	};
	uint64_t bytes = 0;

	ms->has_mmapped = true;
	ms->mmapped_count = sizeof(chunks) / sizeof(chunks[0]);
	ms->mmapped = room_for(part, ms->mmapped_count, sizeof(*ms->mmapped));
	for (size_t i = 0; i < ms->mmapped_count; i++) {
		struct mmapped_chunk *chunk = &ms->mmapped[i];

		chunk->addr = chunk->base = chunks[i].base;
		chunk->size = chunks[i].kib * KIB;
		bytes += chunk->size;
	}
	ms->params.n_mmaps = fact_of(ms->mmapped_count);
	ms->params.mmapped_mem = ms->params.max_mmapped_mem = fact_of(bytes);
}

static void fill_params(struct malloc_params *params)
{
	params->trim_threshold = fact_of(2 * 4100 * KIB);
	params->mmap_threshold = fact_of(4100 * KIB);
	params->top_pad = fact_of(128 * KIB);
	params->arena_test = fact_of(8);
	params->arena_max = fact_of(0);
	params->no_dyn_threshold = fact_of(0);
	params->n_mmaps_max = fact_of(65536);
	params->max_n_mmaps = fact_of(12);
	params->sbrk_base = fact_of(0x55d0c1a3e000);
	params->tcache_bins = fact_of(64);
	params->tcache_max_bytes = fact_of(1032);
	params->tcache_count = fact_of(7);
	params->tcache_unsorted_limit = fact_of(0);
	params->thp_pagesize = params->hp_pagesize = fact_of(0);
}

static void fill_totals(struct malloc_state *ms)
{
	struct malloc_totals *totals = &ms->totals;

	totals->system = totals->in_use = totals->free = totals->tcache = totals->fastbins =
	        totals->top = totals->trimmable = totals->chunks_in_use = totals->chunks_free =
	                fact_of(0);
	for (size_t i = 0; i < ms->arena_count; i++) {
		const struct arena *arena = &ms->arenas[i];

		totals->system.v += arena->system_mem;
		totals->in_use.v += arena->in_use.bytes.v;
		totals->free.v += arena->free_total.bytes.v;
		totals->tcache.v += arena->tcache_total.bytes.v;
		totals->fastbins.v += arena->fastbin_total.bytes.v;
		totals->top.v += arena->top_size.v;
		totals->trimmable.v += arena->trimmable.v;
		totals->chunks_in_use.v += arena->in_use.count.v;
		totals->chunks_free.v += arena->free_total.count.v;
	}
	totals->mmapped = ms->params.mmapped_mem;
}

static void fill_library(struct heap_facts *heap)
{
	heap->libc_kind = LIBC_GLIBC;
	heap->allocator = ALLOCATOR_GLIBC;
	memcpy(heap->version, "2.36", 5);
	heap->minor = 36;
	heap->libc_path = "/usr/lib/x86_64-linux-gnu/libc.so.6";
	heap->found_by = "symbols";
	heap->confidence = 'A';
	heap->layout = "2.35-2.41 LP64";
	heap->roads[0] = (struct road){ .name = "symbols",
		                        .main_arena = 0x7f2a4c9f6c60,
		                        .mp = 0x7f2a4c9f6320 };
	heap->road_count = 1;
}

void sample_fill_heap(struct part *part)
{
	struct malloc_state *ms = room_for(part, 1, sizeof(*ms));

	fill_library(&part->heap);
	part->heap.instances = ms;
	part->heap.instance_count = 1;
	ms->main_arena_addr = arena_table[0].addr;
	ms->mp_addr = 0x7f2a4c9f6320;
	ms->is_used = ms->has_walk = ms->walk.is_done = true;
	ms->walk_taken_ns = part->taken_ns;
	ms->arena_count = ARENAS;
	ms->arenas = room_for(part, ARENAS, sizeof(*ms->arenas));
	ms->thread_count = THREADS;
	ms->threads = room_for(part, THREADS, sizeof(*ms->threads));
	fill_params(&ms->params);
	for (size_t i = 0; i < ARENAS; i++)
		fill_arena(part, ms, i);
	for (size_t i = 0; i < THREADS; i++)
		fill_thread(part, ms, i);
	for (size_t i = 0; i < ARENAS; i++)
		settle_arena(&ms->arenas[i]);
	fill_mmapped(part, ms);
	fill_totals(ms);
	ms->walk.bytes = ms->totals.system.v;
	ms->walk.chunks = ms->totals.chunks_in_use.v + ms->totals.chunks_free.v;
}
