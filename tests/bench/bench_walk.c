/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a full walk costs, against what a simple tool would do: one bulk process_vm_readv of the same
 * bytes into a resident buffer and one pass over the chunk headers in that copy. Heap: 1.5 million
 * chunks of 16 … 512 bytes, 400 MiB, every third one freed. All figures are medians of runs taken in
 * turns: each walk is compared with the limit taken just before it, so that a busy machine
 * hits both sides.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "model/base/units.h"
#include "model/glibc/decode.h"
#include "probes/read.h"
#include "tests/lib/child_target.h"

enum { CHUNKS = 1500000, RUNS = 9 };

static void build_heap(int in, int out)
{
	void **at = calloc(CHUNKS, sizeof(*at));
	uint32_t seed = 1;

	if (!at)
		_exit(1);
	for (size_t i = 0; i < CHUNKS; i++) {
		seed = seed * 1664525u + 1013904223u;
		at[i] = malloc(16 + (seed >> 8) % 497);
		if (!at[i])
			_exit(1);
		memset(at[i], (int)i, 16);
	}
	for (size_t i = 0; i < CHUNKS; i += 3)
		free(at[i]);
	child_say(out, "r", 1);
	child_hear(in);
}

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench_walk: %s\n", what);
	exit(1);
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *ms)
{
	qsort(ms, RUNS, sizeof(*ms), by_value);
	return ms[RUNS / 2];
}

struct bench {
	struct child_target target;
	struct proc proc;
	struct memory *mem;
	uint64_t heap_start, top;
	char *copy;
};

/* The raw limit: read all, then touch each header once. */
static double run_limit(struct bench *b)
{
	uint64_t len = b->top - b->heap_start, chunks = 0;
	struct iovec local = { b->copy, len }, remote = { (void *)(uintptr_t)b->heap_start, len };
	double begin = now_ms();

	must(process_vm_readv(b->target.pid, &local, 1, &remote, 1, 0) == (ssize_t)len,
	     "the heap can't be read");
	for (uint64_t at = 0, raw; at < len; at += raw & ~(uint64_t)7, chunks++) {
		memcpy(&raw, b->copy + at + 8, sizeof(raw));
		must(raw >= 16, "the copy holds no chunks");
	}
	must(chunks > CHUNKS / 2, "the copy holds too few chunks");
	return now_ms() - begin;
}

static struct decode decode_of(struct bench *b, struct region *region, struct heap_facts *heap)
{
	return (struct decode){ .mem = b->mem,
		                .lay = child_target_layout(),
		                .vmas = &b->target.vmas,
		                .region = region,
		                .heap = heap,
		                .main_arena_addr = child_target_main_arena() };
}

static double run_walk(struct bench *b)
{
	struct region *region = region_new();
	struct heap_facts heap = { 0 };
	struct decode d = decode_of(b, region, &heap);
	struct malloc_thread thread = { .tid = b->target.pid,
		                        .tcache = fact_of(b->heap_start + 16) };
	struct malloc_state ms = { .params = { .sbrk_base = fact_of(b->heap_start) } };
	double begin;

	must(region && pt_read_arenas(&d, &ms), "no arenas");
	ms.threads = &thread;
	ms.thread_count = 1;
	begin = now_ms();
	must(pt_walk(&d, &ms, NULL, NULL), "no walk");
	begin = now_ms() - begin;
	must(heap.error_count == 0 && ms.walk.torn_chunks == 0, "the walk met a broken heap");
	must(ms.arenas[0].in_use.count.state == FACT_KNOWN &&
	             ms.arenas[0].in_use.count.v > CHUNKS / 3 * 2 - 1 && ms.arenas[0].has_lists,
	     "the walk is not exact");
	region_free(region);
	return begin;
}

static void begin_bench(struct bench *b)
{
	struct err err;
	char ready;

	*b = (struct bench){ 0 };
	(void)child_target_main_arena();
	child_target_start(&b->target, build_heap);
	child_target_hear(&b->target, &ready, 1);
	if (!proc_open(b->target.pid, &b->proc, &err) ||
	    !(b->mem = mem_live_open(&b->proc, &err))) {
		fprintf(stderr, "bench_walk: %s: %s\n", err.what, err.why);
		exit(1);
	}
	child_target_vmas(&b->target);
	mem_live_set_vmas(b->mem, &b->target.vmas);
	for (size_t i = 0; i < b->target.vmas.count; i++) {
		const struct vma *v = &b->target.vmas.at[i];

		/* After a fork, what brk adds is a VMA of its own: the first one counts. */
		if (!b->heap_start && vma_is_named(&b->target.vmas, v, "[heap]"))
			b->heap_start = v->start;
	}
	must(mem_read_all(b->mem, child_target_main_arena() + child_target_layout()->arena.top,
	                  &b->top, 8),
	     "no top");
	b->copy = malloc(b->top - b->heap_start);
	must(b->copy, "out of memory");
	memset(b->copy, 1, b->top - b->heap_start);
}

static void print_figure(const char *name, double ratio, double limit)
{
	printf("bench: %s %.3f %.2f %s\n", name, ratio, limit, ratio <= limit ? "pass" : "miss");
}

int main(void)
{
	double ratio[RUNS];
	struct bench b;

	if (!child_target_possible()) {
		printf("# skip: this program's malloc is not glibc's\n");
		return 0;
	}
	begin_bench(&b);
	for (size_t i = 0; i < RUNS; i++) {
		double limit = run_limit(&b);

		ratio[i] = run_walk(&b) / limit;
	}
	/* One pass yields both: sums and every bin, fastbin and tcache by size. */
	print_figure("walk-full", median(ratio), 0.45);
	print_figure("lists-by-size", ratio[RUNS / 2], 0.60);
	mem_live_close(b.mem);
	proc_close(&b.proc);
	child_target_end(&b.target);
	free(b.copy);
	return 0;
}
