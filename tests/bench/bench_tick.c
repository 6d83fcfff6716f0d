/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What exact figures cost without a walk: a tick over 9 arenas and 5 threads, in milliseconds; bytes in
 * use by lists, when few chunks are free; and all bins by size when very many are, freed in random
 * order. The latter two as ratios to one bulk read of the heap and one pass over its headers, taken in
 * turns with them.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "model/glibc/decode.h"
#include "tests/lib/bench.h"
#include "tests/lib/live_target.h"
#include "tests/lib/peer.h"

enum { RUNS = 9, TICKS = 201, CHUNKS = 1500000, THREADS = 8, THREADS_STAYING = 4 };

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench_tick: %s\n", what);
	exit(1);
}

/* --- children ------------------------------------------------------------------------------------------- */

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static void **take_all(void)
{
	void **at = calloc(CHUNKS, sizeof(*at));
	uint32_t seed = 1;

	for (size_t i = 0; at && i < CHUNKS; i++) {
		at[i] = malloc(16 + next_random(&seed) % 497);
		if (!at[i])
			_exit(1);
		memset(at[i], 1, 16);
	}
	if (!at)
		_exit(1);
	return at;
}

static void few_free(uint64_t words[PEER_WORDS])
{
	void **at = take_all();

	(void)words;
	for (size_t i = 0; i < CHUNKS; i += 500)
		free(at[i]);
}

static void many_free_shuffled(uint64_t words[PEER_WORDS])
{
	void **at = take_all();
	uint32_t seed = 2;

	(void)words;
	/* Every third, in an order that no cache likes. */
	for (size_t i = CHUNKS / 3 - 1; i > 0; i--) {
		size_t other = next_random(&seed) % (i + 1);
		void *p = at[3 * i];

		at[3 * i] = at[3 * other];
		at[3 * other] = p;
	}
	for (size_t i = 0; i < CHUNKS; i += 3)
		free(at[i]);
}

static pthread_barrier_t barrier;

static void *thread_main(void *arg)
{
	size_t n = (size_t)(uintptr_t)arg;
	void *blocks[64];

	for (size_t i = 0; i < 64; i++)
		blocks[i] = malloc(16 + 40 * i);
	for (size_t i = 0; i < 64; i += 2)
		free(blocks[i]);
	pthread_barrier_wait(&barrier);
	if (n < THREADS_STAYING)
		pause();
	return NULL;
}

static void nine_arenas(uint64_t words[PEER_WORDS])
{
	pthread_t ids[THREADS];

	(void)words;
	pthread_barrier_init(&barrier, NULL, THREADS + 1);
	for (size_t i = 0; i < THREADS; i++) {
		if (pthread_create(&ids[i], NULL, thread_main, (void *)(uintptr_t)i))
			_exit(1);
	}
	pthread_barrier_wait(&barrier);
	for (size_t i = THREADS_STAYING; i < THREADS; i++)
		(void)pthread_join(ids[i], NULL);
}

/* --- benches ---------------------------------------------------------------------------------- */

struct bench {
	struct peer peer;
	struct live_target target;
	struct malloc_state *ms;
	struct decode d;
	char *copy; /* of the heap */
	uint64_t start, len;
};

static void begin(struct bench *b, peer_work *work)
{
	*b = (struct bench){ .peer = peer_start(work) };
	live_target_open(&b->target, b->peer.pid);
	live_target_find(&b->target);
	must(b->target.found.count > 0, "no malloc was found");
	b->ms = &b->target.heap.instances[0];
	b->d = (struct decode){ .mem = b->target.mem,
		                .lay = &b->target.found.mallocs[0].layout,
		                .vmas = &b->target.vmas->vmas,
		                .heap = &b->target.heap,
		                .region = b->target.region,
		                .main_arena_addr = b->target.found.mallocs[0].main_arena_addr,
		                .mp_addr = b->target.found.mallocs[0].mp_addr };
	b->start = b->ms->arenas[0].heaps[0].start;
	b->len = b->ms->arenas[0].top_addr - b->start;
	b->copy = malloc(b->len);
	must(b->copy, "out of memory");
	memset(b->copy, 1, b->len);
}

static void end(struct bench *b)
{
	live_target_end(&b->target);
	(void)peer_end(&b->peer);
	free(b->copy);
}

/* The raw limit: read all, then touch each header once. */
static double run_limit(struct bench *b)
{
	struct iovec local = { b->copy, b->len }, remote = { (void *)(uintptr_t)b->start, b->len };
	double begin_ms = now_ms();

	must(process_vm_readv(b->peer.pid, &local, 1, &remote, 1, 0) == (ssize_t)b->len,
	     "the heap can't be read");
	for (uint64_t at = 0, raw; at < b->len; at += raw & ~(uint64_t)7) {
		memcpy(&raw, b->copy + at + 8, sizeof(raw));
		must(raw >= 16, "the copy holds no chunks");
	}
	return now_ms() - begin_ms;
}

static double run_lists(struct bench *b)
{
	struct region *region = region_new();
	double took;

	b->d.region = region;
	took = now_ms();
	must(pt_decode(&b->d, b->ms, TAKE_LISTS, NULL), "no lists");
	took = now_ms() - took;
	must(b->ms->arenas[0].in_use.bytes.state == FACT_KNOWN &&
	             b->ms->arenas[0].free_total.count.state == FACT_KNOWN,
	     "the figures are not exact");
	/* What was decoded goes with its region; the numbers in the arena itself stay. */
	for (size_t i = 0; i < b->ms->arena_count; i++)
		b->ms->arenas[i].small_count = b->ms->arenas[i].large_count =
		        b->ms->arenas[i].fastbin_count = 0;
	for (size_t i = 0; i < b->ms->thread_count; i++)
		b->ms->threads[i].bin_count = 0;
	region_free(region);
	return took;
}

static void bench_lists(const char *name, peer_work *work, double bar)
{
	double limit[RUNS], lists[RUNS];
	struct bench b;

	begin(&b, work);
	for (size_t i = 0; i < RUNS; i++) {
		limit[i] = run_limit(&b);
		lists[i] = run_lists(&b);
	}
	printf("# %s: %lu free chunks\n", name, (unsigned long)b.ms->arenas[0].free_total.count.v);
	bench_at_most(name, bench_median(lists, RUNS) / bench_median(limit, RUNS), bar, "x");
	end(&b);
}

static void bench_tick(void)
{
	double ms[TICKS];
	struct bench b;

	begin(&b, nine_arenas);
	must(b.ms->arena_count == THREADS + 1, "not 9 arenas");
	must(b.ms->thread_count == THREADS_STAYING + 1, "not 5 threads");
	for (size_t i = 0; i < TICKS; i++) {
		ms[i] = now_ms();
		must(pt_tick(&b.d, b.ms), "the tick sees another set of arenas");
		ms[i] = now_ms() - ms[i];
	}
	bench_at_most("tick of 9 arenas and 5 threads", bench_median(ms, TICKS), 0.2, "ms");
	end(&b);
}

int main(void)
{
	bench_tick();
	bench_lists("in use by lists, few chunks free", few_free, 0.05);
	bench_lists("all bins, 0.5 M chunks freed in random order", many_free_shuffled, 0.6);
	return 0;
}
