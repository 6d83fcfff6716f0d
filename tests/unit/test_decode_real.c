/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The decoder against the glibc that runs this test: a child builds a heap, lets its own mallinfo2()
 * and malloc_info() describe it, and stands still; what is decoded from outside must agree to the byte
 * and the chunk, by lists, by a walk, and by a walk with a sink.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "model/base/units.h"
#include "model/facts/source.h"
#include "model/glibc/decode.h"
#include "tests/lib/child_target.h"
#include "tests/lib/live_target.h"
#include "tests/lib/peer.h"

/* What the child says of itself; shared with it. */
struct report {
	struct mallinfo2 info;
	char xml[1 << 20];
	char buffer[4096]; /* of the stream */
};

static struct report *report;

/* glibc's own view, taken last: nothing may be allocated after it. */
static void describe(void)
{
	FILE *out = fmemopen(report->xml, sizeof(report->xml) - 1, "w");

	if (!out)
		_exit(97);
	setvbuf(out, report->buffer, _IOFBF, sizeof(report->buffer));
	if (malloc_info(0, out) || fflush(out))
		_exit(96);
	report->info = mallinfo2();
}

/* --- workloads -------------------------------------------------------------------------------- */

static void *volatile keep; /* an allocation must not be optimised away */

static void *get(size_t size)
{
	char *p = malloc(size);

	if (!p)
		_exit(95);
	*p = 1;
	keep = p;
	return p;
}

static unsigned next_random(unsigned *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* Chunks of all kinds of sizes, a part of them given back, some bins sorted by later requests. */
static void churn(unsigned seed, size_t count)
{
	void **held = get(count * sizeof(*held));

	for (size_t i = 0; i < count; i++) {
		unsigned r = next_random(&seed);

		held[i] = get(r % 8 == 0 ? 1000 + r % 60000 : 8 + r % 500);
	}
	for (size_t i = 0; i < count; i++) {
		if (next_random(&seed) % 3 == 0) {
			free(held[i]);
			held[i] = NULL;
		}
	}
	/* A large request sorts what was unsorted; more frees leave something unsorted again. */
	free(get(60000));
	for (size_t i = 0; i < count; i++) {
		if (held[i] && next_random(&seed) % 10 == 0)
			free(held[i]);
	}
}

static void single(uint64_t words[PEER_WORDS])
{
	(void)words;
	churn(1, 5000);
	get(300000);
	get(5 << 20);
	describe();
}

static void untouched(uint64_t words[PEER_WORDS])
{
	(void)words;
	describe();
}

static pthread_barrier_t barrier;

static void *thread_main(void *arg)
{
	unsigned n = *(unsigned *)arg;

	churn(n, n == 1 ? 60000 : 1500); /* the first one outgrows a heap of 64 MiB */
	pthread_barrier_wait(&barrier);  /* all done */
	pthread_barrier_wait(&barrier);  /* never: stands still */
	return NULL;
}

enum { THREADS = 4 };

static void threaded(uint64_t words[PEER_WORDS])
{
	static unsigned numbers[THREADS] = { 1, 2, 3, 4 };
	pthread_t ids[THREADS];

	(void)words;
	pthread_barrier_init(&barrier, NULL, THREADS + 1);
	churn(99, 3000);
	for (size_t i = 0; i < THREADS; i++) {
		if (pthread_create(&ids[i], NULL, thread_main, &numbers[i]))
			_exit(94);
	}
	pthread_barrier_wait(&barrier);
	describe();
}

/* Somebody else moves the break: main_arena goes on behind, its old top fenced. */
static void foreign_sbrk(uint64_t words[PEER_WORDS])
{
	(void)words;
	churn(5, 2000);
	for (int i = 0; i < 3; i++) {
		void *foreign;

		get(100);
		foreign = sbrk(12288 + 4096 * i);
		if (foreign == (void *)-1)
			_exit(93);
		memset(foreign, i, 12288);
		for (int k = 0; k < 3000; k++)
			get(100);
		churn(6, 500);
	}
	describe();
}

enum { HOLE = 8 << 20 };

/* The break can't move: main_arena goes on in mappings of its own, a new one each time. */
static void blocked_brk(uint64_t words[PEER_WORDS])
{
	void *end, *hole;

	(void)words;
	churn(8, 2000);
	hole = mmap(NULL, HOLE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	end = sbrk(0);
	if (mmap(end, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) !=
	    end)
		_exit(92);
	for (unsigned i = 0; i < 8; i++) {
		churn(20 + i, 800);
		/* Something else lies between some of them. */
		if (i % 3 == 0 && mmap(NULL, 65536, PROT_READ | PROT_WRITE,
		                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
			_exit(91);
		/* Pieces alone between walls without anything free: no list leads to them. */
		for (int k = 0; i % 3 == 0 && k < 12000; k++) {
			get(104);
			if (k % 400 == 0 && mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			                         -1, 0) == MAP_FAILED)
				_exit(89);
		}
	}
	/* The newest piece, and top, above others, which it touches. */
	if (munmap(hole, HOLE) != 0)
		_exit(90);
	for (int k = 0; k < 14000; k++)
		get(104);
	describe();
}

/* --- comparison ------------------------------------------------------------------------------- */

struct sums {
	uint64_t system, free_count, free_bytes, fast_count, fast_bytes, top, in_use, tcache;
};

static uint64_t known(struct fact f)
{
	assert_int_equal(f.state, FACT_KNOWN);
	return f.v;
}

static struct sums sum_up(const struct malloc_state *ms)
{
	struct sums s = { 0 };

	for (size_t i = 0; i < ms->arena_count; i++) {
		const struct arena *a = &ms->arenas[i];

		assert_true(a->has_lists);
		assert_false(a->is_torn);
		s.system += a->system_mem;
		s.free_count += known(a->free_total.count);
		s.free_bytes += known(a->free_total.bytes);
		s.fast_count += known(a->fastbin_total.count);
		s.fast_bytes += known(a->fastbin_total.bytes);
		s.top += known(a->top_size);
		s.in_use += known(a->in_use.bytes);
		s.tcache += known(a->tcache_total.bytes);
	}
	return s;
}

/* What system_mem counts besides chunks. */
static uint64_t overhead(const struct malloc_state *ms, const struct malloc_layout *lay)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < ms->arena_count; i++) {
		const struct arena *a = &ms->arenas[i];

		bytes += a->fencepost_bytes;
		for (size_t k = 0; k < a->heap_count && !a->is_main; k++)
			bytes += align_up(lay->heap.size + (k ? 0 : lay->arena.size), 16);
	}
	return bytes;
}

static void compare_sums(const struct malloc_state *ms, const struct malloc_layout *lay,
                         uint64_t foreign)
{
	const struct mallinfo2 *mi = &report->info;
	struct sums s = sum_up(ms);
	uint64_t tcaches = 0;

	for (size_t i = 0; i < ms->thread_count; i++)
		tcaches += known(ms->threads[i].total.bytes);
	assert_int_equal(s.system, mi->arena);
	assert_int_equal(s.free_count + ms->arena_count, mi->ordblks);
	assert_int_equal(s.fast_count, mi->smblks);
	assert_int_equal(s.fast_bytes, mi->fsmblks);
	assert_int_equal(s.free_bytes + s.fast_bytes + s.top, mi->fordblks);
	assert_int_equal(known(ms->arenas[0].top_size), mi->keepcost);
	assert_int_equal(known(ms->params.n_mmaps), mi->hblks);
	assert_int_equal(known(ms->params.mmapped_mem), mi->hblkhd);
	assert_int_equal(s.tcache, tcaches);
	/* Tops count as free there; headers and a foreign sbrk's memory as in use. */
	assert_int_equal(s.in_use + s.tcache + overhead(ms, lay) + foreign, mi->uordblks);
}

/* One arena of malloc_info(): its bins by size, raw size words with PREV_INUSE. */
static uint64_t small_of(const struct arena *a, uint64_t size)
{
	for (size_t i = 0; i < a->small_count; i++) {
		if (a->small[i].size == size)
			return a->small[i].count;
	}
	return 0;
}

static struct large_bin large_of(const struct arena *a, unsigned bin)
{
	for (size_t i = 0; i < a->large_count; i++) {
		if (a->large[i].bin == bin)
			return a->large[i];
	}
	fail_msg("bin %u is missing", bin);
	return (struct large_bin){ 0 };
}

static uint64_t fast_of(const struct arena *a, uint64_t size)
{
	for (size_t i = 0; i < a->fastbin_count; i++) {
		if (a->fastbins[i].size == size)
			return a->fastbins[i].count;
	}
	return 0;
}

/* Lists that malloc_info() names must be there, and no others. */
struct lines {
	size_t small, large, fast;
};

static void compare_line(const struct arena *a, const struct malloc_layout *lay, const char *line,
                         struct lines *seen)
{
	unsigned long from, to, total, count;

	if (sscanf(line, " <unsorted from=\"%lu\" to=\"%lu\" total=\"%lu\" count=\"%lu\"/>", &from,
	           &to, &total, &count) == 4) {
		assert_int_equal(known(a->unsorted.count), count);
		assert_int_equal(known(a->unsorted.bytes), total - count);
		return;
	}
	if (sscanf(line, " <size from=\"%lu\" to=\"%lu\" total=\"%lu\" count=\"%lu\"/>", &from, &to,
	           &total, &count) != 4)
		return;
	if (to % 2 == 0) {
		assert_int_equal(fast_of(a, to), count);
		seen->fast++;
	} else if (to - 1 < lay->min_large) {
		assert_int_equal(small_of(a, to - 1), count);
		seen->small++;
	} else {
		const struct large_bin large = large_of(a, glibc_bin_index(lay, from - 1));

		assert_int_equal(large.count, count);
		assert_int_equal(large.bytes, total - count);
		assert_true(large.min <= from - 1);
		seen->large++;
	}
}

/* malloc_info() walks the same ring. */
static void compare_arenas(const struct malloc_state *ms, const struct malloc_layout *lay)
{
	char *text = strdup(report->xml), *state = NULL;
	size_t arena = 0;
	struct lines seen = { 0 };

	assert_non_null(text);
	for (char *line = strtok_r(text, "\n", &state); line; line = strtok_r(NULL, "\n", &state)) {
		const struct arena *a = &ms->arenas[arena];
		unsigned long bytes;

		if (!strncmp(line, "</heap>", 7)) {
			assert_int_equal(seen.small, a->small_count);
			assert_int_equal(seen.large, a->large_count);
			assert_int_equal(seen.fast, a->fastbin_count);
			seen = (struct lines){ 0 };
			arena++;
			if (arena == ms->arena_count)
				break;
			continue;
		}
		if (sscanf(line, "<system type=\"current\" size=\"%lu\"/>", &bytes) == 1)
			assert_int_equal(a->system_mem, bytes);
		compare_line(a, lay, line, &seen);
	}
	assert_int_equal(arena, ms->arena_count);
	free(text);
}

static void must_have_no_errors(const struct heap_facts *heap)
{
	if (heap->error_count)
		fail_msg("%zu errors, the first: %s at %#lx", heap->error_count,
		         heap->errors[0].what, (unsigned long)heap->errors[0].addr);
}

/* --- the three ways --------------------------------------------------------------------------- */

struct looked {
	struct peer peer;
	struct live_target target;
	struct decode d;
	struct malloc_state *ms;
};

static void look_at(struct looked *l, peer_work *work)
{
	memset(report, 0, sizeof(*report));
	*l = (struct looked){ .peer = peer_start(work) };
	live_target_open(&l->target, l->peer.pid);
	live_target_find(&l->target);
	assert_true(l->target.found.count > 0);
	l->ms = &l->target.heap.instances[0];
	l->d = (struct decode){ .mem = l->target.mem,
		                .lay = &l->target.found.mallocs[0].layout,
		                .vmas = &l->target.vmas->vmas,
		                .region = l->target.region,
		                .heap = &l->target.heap,
		                .main_arena_addr = l->target.found.mallocs[0].main_arena_addr,
		                .mp_addr = l->target.found.mallocs[0].mp_addr };
}

static void look_away(struct looked *l)
{
	live_target_end(&l->target);
	(void)peer_end(&l->peer);
}

struct seen_chunks {
	uint64_t count[CHUNK_STATE_COUNT], bytes[CHUNK_STATE_COUNT];
};

static void see_chunk(void *ctx, uint64_t addr, uint64_t size, enum chunk_state state, int arena)
{
	struct seen_chunks *seen = ctx;

	(void)addr;
	(void)arena;
	seen->count[state]++;
	seen->bytes[state] += size;
}

static void compare_sink(const struct malloc_state *ms, const struct seen_chunks *seen)
{
	struct sums s = sum_up(ms);

	assert_int_equal(seen->bytes[CHUNK_IN_USE], s.in_use);
	assert_int_equal(seen->count[CHUNK_FREE], s.free_count);
	assert_int_equal(seen->bytes[CHUNK_FREE], s.free_bytes);
	assert_int_equal(seen->count[CHUNK_FAST], s.fast_count);
	assert_int_equal(seen->bytes[CHUNK_TCACHE], s.tcache);
	assert_int_equal(seen->bytes[CHUNK_TOP], s.top);
}

static void compare_all_ways(struct looked *l)
{
	struct seen_chunks seen = { 0 };
	const struct chunk_sink sink = { .chunk = see_chunk, .ctx = &seen };

	assert_true(pt_decode(&l->d, l->ms, TAKE_WALK, NULL));
	must_have_no_errors(&l->target.heap);
	compare_sums(l->ms, l->d.lay, 0);
	compare_arenas(l->ms, l->d.lay);
	/* The number of free chunks is known now: lists may be chosen. */
	assert_true(pt_decode(&l->d, l->ms, TAKE_LISTS, NULL));
	must_have_no_errors(&l->target.heap);
	compare_sums(l->ms, l->d.lay, 0);
	compare_arenas(l->ms, l->d.lay);
	assert_true(pt_decode(&l->d, l->ms, TAKE_WALK, &sink));
	must_have_no_errors(&l->target.heap);
	compare_sums(l->ms, l->d.lay, 0);
	compare_arenas(l->ms, l->d.lay);
	compare_sink(l->ms, &seen);
}

static void a_single_thread_agrees(void **state)
{
	struct looked l;

	(void)state;
	look_at(&l, single);
	compare_all_ways(&l);
	look_away(&l);
}

static void a_small_heap_is_read_by_lists(void **state)
{
	struct looked l;

	(void)state;
	look_at(&l, untouched);
	assert_true(pt_decode(&l.d, l.ms, TAKE_LISTS, NULL));
	must_have_no_errors(&l.target.heap);
	assert_false(l.ms->has_walk);
	compare_sums(l.ms, l.d.lay, 0);
	compare_arenas(l.ms, l.d.lay);
	look_away(&l);
}

static void threads_agree(void **state)
{
	struct looked l;
	size_t heaps = 0;

	(void)state;
	look_at(&l, threaded);
	assert_int_equal(l.ms->arena_count, THREADS + 1);
	for (size_t i = 0; i < l.ms->arena_count; i++)
		heaps = l.ms->arenas[i].heap_count > heaps ? l.ms->arenas[i].heap_count : heaps;
	assert_true(heaps > 1);
	compare_all_ways(&l);
	look_away(&l);
}

static void a_foreign_sbrk_is_no_chunk(void **state)
{
	struct looked l;
	struct sums s;

	(void)state;
	look_at(&l, foreign_sbrk);
	assert_true(pt_decode(&l.d, l.ms, TAKE_WALK, NULL));
	must_have_no_errors(&l.target.heap);
	s = sum_up(l.ms);
	assert_int_equal(s.free_count + 1, report->info.ordblks);
	compare_arenas(l.ms, l.d.lay);
	/* glibc counts the gaps into system_mem. */
	compare_sums(l.ms, l.d.lay, 12288 + 16384 + 20480);
	look_away(&l);
}

static void mapped_pieces_of_main_arena_are_found(void **state)
{
	struct looked l;

	(void)state;
	look_at(&l, blocked_brk);
	assert_false(l.ms->arenas[0].is_contiguous);
	assert_true(l.ms->arenas[0].heap_count > 2);
	assert_true(l.ms->arenas[0].top_addr > l.ms->arenas[0].heaps[1].end);
	assert_true(pt_decode(&l.d, l.ms, TAKE_WALK, NULL));
	must_have_no_errors(&l.target.heap);
	compare_sums(l.ms, l.d.lay, 0);
	compare_arenas(l.ms, l.d.lay);
	look_away(&l);
}

/* --- tick ------------------------------------------------------------------------------------- */

static void grow(uint64_t words[PEER_WORDS])
{
	churn(7, 1000);
	describe();
	peer_ready(words);
	peer_wait();
	for (int i = 0; i < 20000; i++)
		get(500);
	describe();
}

static void look_at_vmas_again(struct looked *l)
{
	struct err err = { 0 };
	struct part *fresh = maps_read(&l->target.proc, l->target.maps, l->target.vmas, 2, &err);

	assert_non_null(fresh);
	part_unref(l->target.vmas);
	l->target.vmas = fresh;
	mem_live_set_vmas(l->target.mem, &fresh->vmas);
	l->d.vmas = &fresh->vmas;
}

static void a_tick_follows_growth(void **state)
{
	struct looked l;
	uint64_t before;

	(void)state;
	look_at(&l, grow);
	before = l.ms->arenas[0].system_mem;
	assert_int_equal(before, report->info.arena);
	assert_true(pt_tick(&l.d, l.ms));
	assert_int_equal(l.ms->arenas[0].system_mem, before);
	peer_go(&l.peer);
	peer_await(&l.peer);
	look_at_vmas_again(&l);
	assert_true(pt_tick(&l.d, l.ms));
	assert_true(l.ms->arenas[0].system_mem > before);
	assert_int_equal(l.ms->arenas[0].system_mem, report->info.arena);
	assert_int_equal(known(l.ms->arenas[0].top_size), report->info.keepcost);
	assert_int_equal(l.ms->arenas[0].heaps[0].end,
	                 l.ms->arenas[0].top_addr + report->info.keepcost);
	must_have_no_errors(&l.target.heap);
	look_away(&l);
}

static int share_report(void **state)
{
	(void)state;
	report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
	              0);
	return report == MAP_FAILED ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_single_thread_agrees),
		cmocka_unit_test(a_small_heap_is_read_by_lists),
		cmocka_unit_test(threads_agree),
		cmocka_unit_test(a_foreign_sbrk_is_no_chunk),
		cmocka_unit_test(mapped_pieces_of_main_arena_are_found),
		cmocka_unit_test(a_tick_follows_growth),
	};

	if (!child_target_possible()) {
		puts("# skip: this program's malloc is not glibc's, or of no known version");
		return 0;
	}
	return cmocka_run_group_tests(tests, share_report, NULL);
}
