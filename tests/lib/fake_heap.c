/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/lib/fake_heap.h"

#include <string.h>

#include "model/base/units.h"

enum { PAGE = 4096, PREV_INUSE = 1, NON_MAIN_ARENA = 4, NONCONTIGUOUS = 2 };

/* Sizes of the made-up segments; a thread's heap is small so that every test stays quick. */
enum { HEAP_SIZE = 33 * PAGE, THREAD_HEAP_SIZE = 8 * PAGE, LIBC_SIZE = 4 * PAGE };

/* --- words --------------------------------------------------------------------------------------------- */

uint64_t fake_word(struct fake_heap *h, uint64_t addr)
{
	uint64_t v = 0;

	memcpy(&v, fake_memory_at(&h->mem, addr, h->lay->word), h->lay->word);
	return v;
}

void fake_put(struct fake_heap *h, uint64_t addr, uint64_t value)
{
	fake_memory_put(&h->mem, addr, h->lay->word, value);
}

static void put_int(struct fake_heap *h, uint64_t addr, uint32_t value)
{
	fake_memory_put(&h->mem, addr, sizeof(value), value);
}

static uint64_t addr64(const struct fake_heap *h, uint64_t lp64, uint64_t i386)
{
	return h->lay->word == 8 ? lp64 : i386;
}

uint64_t fake_bin(const struct fake_heap *h, const struct fake_arena *arena, unsigned bin)
{
	return arena->addr + h->lay->arena.bins + (uint64_t)2 * h->lay->word * (bin - 1) -
	       2 * h->lay->word;
}

/* fd and bk of a chunk, or of a bin's pseudo chunk. */
static uint64_t fd_of(const struct fake_heap *h, uint64_t chunk)
{
	return chunk + 2 * (uint64_t)h->lay->word;
}

static uint64_t bk_of(const struct fake_heap *h, uint64_t chunk)
{
	return chunk + 3 * (uint64_t)h->lay->word;
}

/* --- lists --------------------------------------------------------------------------------------------- */

static void add_to_bin(struct fake_heap *h, const struct fake_arena *arena, uint64_t chunk,
                       unsigned bin)
{
	uint64_t head = fake_bin(h, arena, bin), last = fake_word(h, bk_of(h, head));

	fake_put(h, fd_of(h, chunk), head);
	fake_put(h, bk_of(h, chunk), last);
	fake_put(h, fd_of(h, last), chunk);
	fake_put(h, bk_of(h, head), chunk);
}

static void add_to_fastbin(struct fake_heap *h, const struct fake_arena *arena, uint64_t chunk,
                           uint64_t size)
{
	uint64_t index = size / (2 * h->lay->word) - 2;
	uint64_t head = arena->addr + h->lay->arena.fastbins + index * h->lay->word;
	uint64_t field = fd_of(h, chunk);

	/* Safe-linking is its own inverse. */
	fake_put(h, field, glibc_reveal(h->lay, field, fake_word(h, head)));
	fake_put(h, head, chunk);
}

static void add_to_tcache(struct fake_heap *h, uint64_t chunk, uint64_t size)
{
	const struct tcache_layout *t = &h->lay->tcache;
	uint64_t i = (size - h->lay->min_size) / h->lay->alignment;
	uint64_t entry = h->tcache + t->entries + i * h->lay->word, mem = fd_of(h, chunk);
	uint8_t *count = fake_memory_at(&h->mem, h->tcache + i * t->count_bytes, t->count_bytes);

	fake_put(h, mem, glibc_reveal(h->lay, mem, fake_word(h, entry)));
	fake_put(h, entry, mem);
	*count = (uint8_t)(t->counts_down ? *count - 1 : *count + 1);
}

/* --- chunks -------------------------------------------------------------------------------------------- */

static void count(struct fake_sum *sum, uint64_t size)
{
	sum->count++;
	sum->bytes += size;
}

uint64_t fake_chunk(struct fake_heap *h, struct fake_arena *arena, uint64_t size,
                    enum chunk_state state, bool is_unsorted)
{
	uint64_t chunk = arena->at, word = h->lay->word;

	fake_put(h, chunk + word,
	         size | (arena->last_is_free ? 0 : PREV_INUSE) |
	                 (state == CHUNK_FREE ? 0 : arena->size_flags));
	arena->at += size;
	arena->last = chunk;
	arena->last_is_free = state == CHUNK_FREE;
	/* A free chunk's foot; it belongs to the next one. */
	if (state == CHUNK_FREE)
		fake_put(h, arena->at, size);
	count(&arena->sums[state], size);
	if (is_unsorted)
		count(&arena->unsorted, size);
	if (state == CHUNK_FREE)
		add_to_bin(h, arena, chunk, is_unsorted ? 1 : glibc_bin_index(h->lay, size));
	else if (state == CHUNK_FAST)
		add_to_fastbin(h, arena, chunk, size);
	else if (state == CHUNK_TCACHE)
		add_to_tcache(h, chunk, size);
	return chunk;
}

/** What is left of the heap becomes top. */
static void put_top(struct fake_heap *h, struct fake_arena *arena)
{
	fake_put(h, arena->addr + h->lay->arena.top, arena->at);
	fake_put(h, arena->at + h->lay->word,
	         (arena->end - arena->at) | (arena->last_is_free ? 0 : PREV_INUSE));
}

static void fill(struct fake_heap *h, struct fake_arena *arena)
{
	const struct malloc_layout *lay = h->lay;
	uint64_t a = lay->alignment, small = lay->min_size + 4 * a, large = lay->min_large + 5 * a;

	for (int i = 0; i < 3; i++) {
		fake_chunk(h, arena, small, CHUNK_IN_USE, false);
		fake_chunk(h, arena, small + (uint64_t)i * a, CHUNK_FREE, false);
		fake_chunk(h, arena, small + a, CHUNK_IN_USE, false);
		fake_chunk(h, arena, large + 64 * (uint64_t)i, CHUNK_FREE, false);
		fake_chunk(h, arena, lay->min_size, CHUNK_IN_USE, false);
		fake_chunk(h, arena, large, CHUNK_FREE, true);
		fake_chunk(h, arena, small, CHUNK_IN_USE, false);
		if (lay->fastbins)
			fake_chunk(h, arena, lay->min_size + (uint64_t)i * a, CHUNK_FAST, false);
		if (h->tcache && i < 2) {
			fake_chunk(h, arena, small, CHUNK_TCACHE, false);
			fake_chunk(h, arena, small + 2 * a, CHUNK_TCACHE, false);
		}
	}
	fake_chunk(h, arena, small + (large & ~(a - 1)), CHUNK_IN_USE, false);
}

/* --- arenas -------------------------------------------------------------------------------------------- */

static void init_arena(struct fake_heap *h, const struct fake_arena *arena, uint64_t next)
{
	const struct arena_layout *a = &h->lay->arena;

	for (unsigned bin = 1; bin < 128; bin++) {
		uint64_t head = fake_bin(h, arena, bin);

		fake_put(h, fd_of(h, head), head);
		fake_put(h, bk_of(h, head), head);
	}
	fake_put(h, arena->addr + a->top, fake_bin(h, arena, 1));
	fake_put(h, arena->addr + a->next, next);
	if (a->attached_threads != FIELD_NONE)
		fake_put(h, arena->addr + a->attached_threads, 1);
}

static void set_system_mem(struct fake_heap *h, const struct fake_arena *arena, uint64_t bytes)
{
	fake_put(h, arena->addr + h->lay->arena.system_mem, bytes);
	fake_put(h, arena->addr + h->lay->arena.max_system_mem, bytes);
}

/* Where a chunk may lie: its user memory is aligned. */
static uint64_t chunk_at(const struct fake_heap *h, uint64_t addr)
{
	return align_up(addr + 2 * (uint64_t)h->lay->word, h->lay->alignment) -
	       2 * (uint64_t)h->lay->word;
}

static void build_tcache(struct fake_heap *h)
{
	const struct tcache_layout *t = &h->lay->tcache;
	uint64_t chunk;

	if (!t->bins)
		return;
	chunk = fake_chunk(h, &h->main, t->chunk_sizes[0], CHUNK_IN_USE, false);
	h->tcache = fd_of(h, chunk);
	for (unsigned i = 0; i < t->bins && t->counts_down; i++)
		*fake_memory_at(&h->mem, h->tcache + (uint64_t)2 * i, 1) =
		        (uint8_t)t->default_count;
}

static void put_heap_info(struct fake_heap *h, uint64_t start, uint64_t prev)
{
	const struct heap_layout *i = &h->lay->heap;

	fake_put(h, start + i->ar_ptr, h->thread.addr);
	fake_put(h, start + i->prev, prev);
	fake_put(h, start + i->size_field, THREAD_HEAP_SIZE);
	fake_put(h, start + i->mprotect_size, THREAD_HEAP_SIZE);
	if (i->pagesize != FIELD_NONE)
		fake_put(h, start + i->pagesize, PAGE);
}

/* The rest of the first heap was too small: a last chunk, a fencepost, and a size of 0. */
static void close_heap(struct fake_heap *h, struct fake_arena *arena)
{
	uint64_t fence = 2 * (uint64_t)h->lay->word;
	uint64_t rest = align_down(arena->end - arena->at - 2 * fence, h->lay->alignment);

	fake_chunk(h, arena, rest, CHUNK_IN_USE, false);
	fake_put(h, arena->at + h->lay->word, fence | PREV_INUSE);
	fake_put(h, arena->at + fence + h->lay->word, PREV_INUSE);
}

static void build_thread_arena(struct fake_heap *h)
{
	uint64_t first = addr64(h, 0x7f4444000000, 0xe5000000), max = h->lay->heap.heap_max;
	uint64_t second = first - max;
	struct fake_arena *arena = &h->thread;

	fake_memory_map(&h->mem, first, THREAD_HEAP_SIZE, NULL);
	fake_memory_map(&h->mem, second, THREAD_HEAP_SIZE, NULL);
	*arena = (struct fake_arena){ .addr = first + h->lay->heap.size,
		                      .start = first,
		                      .end = first + THREAD_HEAP_SIZE,
		                      .size_flags = NON_MAIN_ARENA };
	put_heap_info(h, first, 0);
	put_heap_info(h, second, first);
	init_arena(h, arena, h->main_arena);
	put_int(h, arena->addr + h->lay->arena.flags, NONCONTIGUOUS);
	fake_put(h, h->main_arena + h->lay->arena.next, arena->addr);
	arena->at = chunk_at(h, arena->addr + h->lay->arena.size);
	fill(h, arena);
	close_heap(h, arena);
	arena->start = second;
	arena->end = second + THREAD_HEAP_SIZE;
	arena->at = chunk_at(h, second + h->lay->heap.size);
	fill(h, arena);
	put_top(h, arena);
	set_system_mem(h, arena, (uint64_t)2 * THREAD_HEAP_SIZE);
}

static void build_params(struct fake_heap *h, uint64_t sbrk_base)
{
	const struct par_layout *p = &h->lay->par;

	fake_put(h, h->mp + p->trim_threshold, 128 << 10);
	fake_put(h, h->mp + p->top_pad, 128 << 10);
	fake_put(h, h->mp + p->mmap_threshold, 128 << 10);
	fake_put(h, h->mp + p->arena_test, h->lay->word == 8 ? 8 : 2);
	put_int(h, h->mp + p->n_mmaps_int, 2);
	put_int(h, h->mp + p->n_mmaps_max_int, 65536);
	put_int(h, h->mp + p->max_n_mmaps_int, 3);
	fake_put(h, h->mp + p->mmapped_mem, 80 * PAGE);
	fake_put(h, h->mp + p->max_mmapped_mem, 120 * PAGE);
	fake_put(h, h->mp + p->sbrk_base, sbrk_base);
	if (!h->lay->tcache.bins)
		return;
	fake_put(h, h->mp + p->tcache_bins, 64);
	fake_put(h, h->mp + p->tcache_max_bytes, h->lay->tcache.default_max_bytes);
	fake_put(h, h->mp + p->tcache_count, h->lay->tcache.default_count);
}

/* --- whole --------------------------------------------------------------------------------------------- */

static void begin(struct fake_heap *h, const struct malloc_layout *lay)
{
	*h = (struct fake_heap){ .lay = lay, .region = region_new(), .libc_size = LIBC_SIZE };
	fake_memory_init(&h->mem);
	h->libc = addr64(h, 0x7f8888880000, 0xf7c00000);
	h->mp = h->libc + 0x140;
	h->main_arena = h->libc + 0x840;
	h->main.addr = h->main_arena;
	fake_memory_map(&h->mem, h->libc, h->libc_size, "/lib/libc.so.6");
	fake_put(h, h->main_arena + lay->arena.next, h->main_arena);
	if (lay->arena.attached_threads != FIELD_NONE)
		fake_put(h, h->main_arena + lay->arena.attached_threads, 1);
}

void fake_heap_build_unused(struct fake_heap *h, const struct malloc_layout *lay,
                            bool is_initialised)
{
	begin(h, lay);
	if (is_initialised)
		init_arena(h, &h->main, h->main_arena);
}

void fake_heap_build(struct fake_heap *h, const struct malloc_layout *lay)
{
	begin(h, lay);
	h->main.start = addr64(h, 0x555555559000, 0x56559000);
	h->main.end = h->main.start + HEAP_SIZE;
	h->main.at = chunk_at(h, h->main.start);
	fake_memory_map(&h->mem, h->main.start, HEAP_SIZE, "[heap]");
	init_arena(h, &h->main, h->main_arena);
	build_params(h, h->main.start);
	build_tcache(h);
	fill(h, &h->main);
	put_top(h, &h->main);
	set_system_mem(h, &h->main, HEAP_SIZE);
	build_thread_arena(h);
	h->threads[0].tcache = fact_of(h->tcache);
	h->threads[0].arena = fact_of(h->main_arena);
	h->ms.threads = h->threads;
	h->ms.thread_count = 1;
}

void fake_heap_free(struct fake_heap *h)
{
	fake_memory_fini(&h->mem);
	region_free(h->region);
}

struct decode fake_heap_decode(struct fake_heap *h)
{
	return (struct decode){ .mem = &h->mem.mem,
		                .lay = h->lay,
		                .vmas = fake_memory_vmas(&h->mem),
		                .region = h->region,
		                .heap = &h->facts,
		                .main_arena_addr = h->main_arena,
		                .mp_addr = h->mp };
}
