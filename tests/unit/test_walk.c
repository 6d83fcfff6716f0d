/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The walk against the real thing: a child's heap, and what its own malloc says of it. */
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
#include "tests/lib/decoded_child.h"

enum { LIVE = 400, BLOCKS = 4000, ARENAS_MAX = 16 };

/* What the child knows of itself. */
struct report {
	struct mallinfo2 info;
	size_t arena_count;
	struct {
		uint64_t fast_bytes, rest_bytes, system;
	} arenas[ARENAS_MAX];
	uint64_t marked[2], marked_size[2];
};

/* Shared with the child, so that telling it apart needs no malloc there. */
static struct report *report;

#define SKIP_UNLESS_POSSIBLE()                                                                     \
	do {                                                                                       \
		if (!child_target_possible()) {                                                    \
			print_message("# skip: malloc is not glibc's here (a sanitizer's?)\n");    \
			skip();                                                                    \
		}                                                                                  \
	} while (0)

/* --- children ------------------------------------------------------------------------------------- */

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* A block that the compiler can't do without. */
static void *take(size_t size)
{
	void *volatile block = malloc(size);

	if (!block)
		_exit(1);
	return block;
}

/* Small and large blocks come and go, so that every kind of list is in use. */
static void churn(uint32_t seed, unsigned rounds)
{
	void *at[LIVE] = { 0 };

	for (unsigned i = 0; i < rounds; i++) {
		uint32_t r = next_random(&seed);
		size_t k = r % LIVE, size = r % 7 == 0 ? next_random(&seed) % 60000 : r % 700;

		free(at[k]);
		at[k] = malloc(size);
		if (at[k])
			memset(at[k], 0x5a, size);
	}
	for (size_t k = 0; k < LIVE; k += 3)
		free(at[k]);
}

/* malloc_info's own figures for each arena; its text goes through memory that is not malloc's. */
static void report_arenas(FILE *file, char *text, size_t len)
{
	const char *at = text;

	memset(text, 0, len);
	rewind(file);
	malloc_info(0, file);
	fflush(file);
	for (; (at = strstr(at, "<heap nr=")) && report->arena_count < ARENAS_MAX; at++) {
		const char *fast = strstr(at, "<total type=\"fast\""), *rest;
		unsigned long count, bytes;
		size_t n = report->arena_count++;

		rest = strstr(at, "<total type=\"rest\"");
		if (fast && fast < rest &&
		    sscanf(fast, "<total type=\"fast\" count=\"%lu\" size=\"%lu\"", &count,
		           &bytes) == 2)
			report->arenas[n].fast_bytes = bytes;
		if (sscanf(rest, "<total type=\"rest\" count=\"%lu\" size=\"%lu\"", &count,
		           &bytes) == 2)
			report->arenas[n].rest_bytes = bytes;
		if (sscanf(strstr(rest, "<system type=\"current\""),
		           "<system type=\"current\" size=\"%lu\"", &bytes) == 1)
			report->arenas[n].system = bytes;
	}
}

static char info_text[1 << 20], info_buffer[1 << 16];
static FILE *info_file;

static void open_info(void)
{
	info_file = fmemopen(info_text, sizeof(info_text), "w");
	setvbuf(info_file, info_buffer, _IOFBF, sizeof(info_buffer));
}

static void obey(int in, int out)
{
	char order;

	report->arena_count = 0;
	report_arenas(info_file, info_text, sizeof(info_text));
	report->info = mallinfo2();
	child_say(out, "r", 1);
	while ((order = child_hear(in))) {
		if (order == 't')
			malloc_trim(0);
		child_say(out, "d", 1);
	}
}

static void one_thread(int in, int out)
{
	open_info();
	churn(7, 20000);
	obey(in, out);
}

static pthread_barrier_t all_done;

static void *thread_churns(void *arg)
{
	churn((uint32_t)(uintptr_t)arg, 6000);
	pthread_barrier_wait(&all_done);
	pause();
	return NULL;
}

static void start_threads(unsigned count, void *(*work)(void *))
{
	pthread_barrier_init(&all_done, NULL, count + 1);
	for (unsigned i = 0; i < count; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, work, (void *)(uintptr_t)(i + 1)))
			_exit(1);
	}
	pthread_barrier_wait(&all_done);
}

static void five_threads(int in, int out)
{
	open_info();
	start_threads(4, thread_churns);
	churn(99, 5000);
	obey(in, out);
}

/* More than one heap: each is 64 MiB at the most. */
static void *thread_fills_heaps(void *arg)
{
	static void *at[1500];

	(void)arg;
	for (size_t i = 0; i < 1500; i++)
		at[i] = take(100000);
	for (size_t i = 0; i < 1500; i += 2)
		free(at[i]);
	pthread_barrier_wait(&all_done);
	pause();
	return NULL;
}

static void many_heaps(int in, int out)
{
	open_info();
	start_threads(1, thread_fills_heaps);
	obey(in, out);
}

/* Long runs of neighbouring fastbin chunks, which only consolidation makes trimmable. */
static void fast_runs(int in, int out)
{
	static void *small[BLOCKS], *large[64];

	open_info();
	for (size_t i = 0; i < 64; i++) {
		large[i] = take(30000);
		memset(large[i], 1, 30000);
		for (size_t k = 0; k < BLOCKS / 64; k++) {
			small[i * (BLOCKS / 64) + k] = take(112);
			memset(small[i * (BLOCKS / 64) + k], 1, 112);
		}
		(void)take(200);
	}
	for (size_t i = 0; i < BLOCKS / 64 * 40; i++)
		free(small[i]);
	for (size_t i = 0; i < 64; i += 3)
		free(large[i]);
	obey(in, out);
}

/* Blocks that the parent freed are used up; what is taken next is cut from the top. */
static void *use_up_free_blocks(void)
{
	for (int i = 0; i < 100; i++)
		(void)take(120000);
	return take(120000);
}

/* A block cut from the top: one from elsewhere may be larger than asked for. */
static void *take_above(const void *other, size_t size)
{
	void *block;

	do {
		block = take(size);
	} while ((uintptr_t)block < (uintptr_t)other);
	return block;
}

/* The first mark pins the top, the second is free below it. */
static void pinned_top(int in, int out)
{
	void *below, *pin, *above, *fast[7];

	open_info();
	below = use_up_free_blocks();
	for (size_t i = 0; i < 7; i++)
		fast[i] = take_above(below, 40);
	below = take(50000); /* freeing more would consolidate the fastbins */
	pin = take(109000);
	above = take_above(pin, 40);
	report->marked[0] = (uintptr_t)pin - 16;
	report->marked_size[0] = malloc_usable_size(pin) + 8;
	report->marked[1] = (uintptr_t)below - 16;
	report->marked_size[1] = (uintptr_t)pin - (uintptr_t)below;
	for (size_t i = 0; i < 7; i++)
		free(fast[i]); /* the tcache's bin is full now */
	free(above);           /* a fastbin chunk does not pin: it is consolidated into top */
	free(below);
	obey(in, out);
}

/* Somebody else moves the break: main_arena goes on behind that, as if it were its own. */
static void foreign_break(int in, int out)
{
	void *before, *after;

	open_info();
	(void)use_up_free_blocks();
	before = take(3000);
	if (sbrk(5000) == (void *)-1)
		_exit(1);
	memset((char *)sbrk(0) - 5000, 0x41, 5000);
	for (int i = 0; i < 40; i++)
		(void)take(10000);
	after = take(3000);
	free(take(4000));
	report->marked[0] = (uintptr_t)before - 16;
	report->marked[1] = (uintptr_t)after - 16;
	report->marked_size[0] = report->marked_size[1] = malloc_usable_size(after) + 8;
	obey(in, out);
}

/* --- comparing ------------------------------------------------------------------------------------- */

struct opened {
	struct child_target target;
	struct decoded_child child;
};

static bool open_child(struct opened *o, void (*body)(int in, int out))
{
	char ready;

	memset(report, 0, sizeof(*report));
	(void)child_target_main_arena();
	child_target_start(&o->target, body);
	child_target_hear(&o->target, &ready, 1);
	if (decoded_child_open(&o->child, &o->target))
		return true;
	decoded_child_close(&o->child);
	child_target_end(&o->target);
	print_message("# skip: this glibc's tcaches are not where an arena begins\n");
	return false;
}

static void close_child(struct opened *o)
{
	decoded_child_close(&o->child);
	child_target_end(&o->target);
}

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
	assert_int_equal(in_use, report->info.uordblks);
	assert_int_equal(free_bytes, report->info.fordblks);
	assert_int_equal(fast, report->info.fsmblks);
	assert_int_equal(fast_count, report->info.smblks);
	assert_int_equal(pieces, report->info.ordblks);
}

static void assert_as_malloc_info(const struct decoded_child *child)
{
	assert_int_equal(child->ms.arena_count, report->arena_count);
	for (size_t i = 0; i < report->arena_count; i++) {
		const struct arena *a = &child->ms.arenas[i];

		assert_int_equal(a->system_mem, report->arenas[i].system);
		assert_int_equal(a->fastbin_total.bytes.v, report->arenas[i].fast_bytes);
		/* malloc_info adds size words up with their PREV_INUSE bits. */
		assert_int_equal(a->free_total.bytes.v + a->free_total.count.v + a->top_size.v,
		                 report->arenas[i].rest_bytes);
	}
}

static void compare(void (*body)(int in, int out))
{
	struct opened o;

	SKIP_UNLESS_POSSIBLE();
	if (!open_child(&o, body))
		skip();
	assert_true(pt_walk(&o.child.d, &o.child.ms, NULL, NULL));
	assert_clean(&o.child);
	assert_as_mallinfo(&o.child, 0);
	assert_as_malloc_info(&o.child);
	close_child(&o);
}

static void one_arena_as_mallinfo_and_malloc_info_say(void **state)
{
	(void)state;
	compare(one_thread);
}

static void five_arenas_as_mallinfo_and_malloc_info_say(void **state)
{
	(void)state;
	compare(five_threads);
}

static void an_arena_of_three_heaps(void **state)
{
	(void)state;
	compare(many_heaps);
}

/* --- states ---------------------------------------------------------------------------------------- */

#include "model/glibc/pt_chunk_set.h"

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
		if (addr == report->marked[i]) {
			c->marked_size[i] = size;
			c->marked_state[i] = state;
		}
	}
}

static void walk_with_set(struct decoded_child *child, struct counted *ret)
{
	struct chunk_sink sink = { count_chunk, ret };
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
	struct opened o;

	(void)state;
	SKIP_UNLESS_POSSIBLE();
	if (!open_child(&o, five_threads))
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
	close_child(&o);
}

static void chunks_behind_a_foreign_sbrk(void **state)
{
	struct counted c;
	struct opened o;

	(void)state;
	SKIP_UNLESS_POSSIBLE();
	if (!open_child(&o, foreign_break))
		skip();
	walk_with_set(&o.child, &c);
	assert_int_equal(o.child.ms.walk.torn_chunks, 0);
	assert_int_equal(o.child.ms.arenas[0].fencepost_bytes, 32);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(c.marked_size[i], report->marked_size[i]);
		assert_int_equal(c.marked_state[i], CHUNK_IN_USE);
	}
	close_child(&o);
}

/* --- trimming -------------------------------------------------------------------------------------- */

static uint64_t resident_heaps(struct opened *o)
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

static void trim_and_compare(void (*body)(int in, int out), uint64_t at_least)
{
	struct opened o;
	uint64_t before, promised = 0;
	char done;

	SKIP_UNLESS_POSSIBLE();
	if (!open_child(&o, body))
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
	close_child(&o);
}

static void malloc_trim_gives_back_what_was_promised(void **state)
{
	(void)state;
	trim_and_compare(one_thread, 4096);
}

static void malloc_trim_in_all_arenas(void **state)
{
	(void)state;
	trim_and_compare(five_threads, 4096);
}

static void malloc_trim_of_consolidated_fastbins(void **state)
{
	(void)state;
	trim_and_compare(fast_runs, 22 * 24576);
}

static void malloc_trim_over_heaps(void **state)
{
	(void)state;
	trim_and_compare(many_heaps, 0);
}

static void what_pins_the_top(void **state)
{
	const struct arena *main_arena;
	struct opened o;

	(void)state;
	SKIP_UNLESS_POSSIBLE();
	if (!open_child(&o, pinned_top))
		skip();
	assert_true(pt_walk(&o.child.d, &o.child.ms, NULL, NULL));
	main_arena = &o.child.ms.arenas[0];
	assert_int_equal(main_arena->top_pin.addr, report->marked[0]);
	assert_int_equal(main_arena->top_pin.size, report->marked_size[0]);
	assert_int_equal(main_arena->below_pin.v, report->marked_size[1]);
	close_child(&o);
}

/* --- in motion ------------------------------------------------------------------------------------- */

static void *thread_never_rests(void *arg)
{
	pthread_barrier_wait(&all_done);
	for (uint32_t seed = (uint32_t)(uintptr_t)arg;; seed++)
		churn(seed, 2000);
	return NULL;
}

static void restless(int in, int out)
{
	open_info();
	start_threads(2, thread_never_rests);
	obey(in, out);
}

static void a_busy_target_is_walked_within_bounds(void **state)
{
	struct child_target target;
	char ready;

	(void)state;
	SKIP_UNLESS_POSSIBLE();
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
		cmocka_unit_test(chunks_behind_a_foreign_sbrk),
		cmocka_unit_test(malloc_trim_gives_back_what_was_promised),
		cmocka_unit_test(malloc_trim_in_all_arenas),
		cmocka_unit_test(malloc_trim_of_consolidated_fastbins),
		cmocka_unit_test(malloc_trim_over_heaps),
		cmocka_unit_test(what_pins_the_top),
		cmocka_unit_test(a_busy_target_is_walked_within_bounds),
	};

	report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
	              0);
	if (report == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
