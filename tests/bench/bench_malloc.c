/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The allocator model against the real one: the same sequence of malloc and free in the same run, journal
 * on, no path told. And what a world costs: branching a heap of 400 MiB, taking an operation back.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model/base/units.h"
#include "model/run/world.h"
#include "tests/lib/bench.h"

enum {
	SLOTS = 65536,
	OPS = 2000000,
	HOT_OPS = 4000000,
	KEEP = 64, /* operations that can be taken back */
	ROUNDS = 5,
	LARGE_SLOTS = 1500000,
	UNDO_OPS = 200000,
};

/* Of one processor: other work on the machine is not counted. */
static double bench_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

struct step {
	uint32_t slot;
	uint32_t size; /* 0: free */
};

static struct step *mixed(size_t count)
{
	struct step *steps = malloc(count * sizeof(*steps));
	bool *live = calloc(SLOTS, sizeof(*live));
	uint64_t random = 88172645463325252u;

	if (!steps || !live)
		abort();
	for (size_t i = 0; i < count; i++) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		steps[i].slot = (uint32_t)(random % SLOTS);
		steps[i].size = live[steps[i].slot] ? 0 : 16 + (uint32_t)(random >> 32) % 497;
		live[steps[i].slot] = steps[i].size != 0;
	}
	free(live);
	return steps;
}

static double real_run(const struct step *steps, size_t count, void **blocks)
{
	double start = bench_now();

	for (size_t i = 0; i < count; i++) {
		if (steps[i].size) {
			blocks[steps[i].slot] = malloc(steps[i].size);
		} else {
			free(blocks[steps[i].slot]);
			blocks[steps[i].slot] = NULL;
		}
	}
	return bench_now() - start;
}

static double model_run(struct world *world, const struct step *steps, size_t count,
                        uint64_t *blocks)
{
	struct world_mark mark;
	double start = bench_now();

	world_mark(world, &mark);
	for (size_t i = 0; i < count; i++) {
		if (steps[i].size) {
			blocks[steps[i].slot] = pt_malloc(&world->pt, steps[i].size);
		} else {
			pt_free(&world->pt, blocks[steps[i].slot]);
			blocks[steps[i].slot] = 0;
		}
		if (i % KEEP == 0)
			world_commit(world, &mark);
	}
	world_commit(world, &mark);
	return bench_now() - start;
}

static struct world *fresh(void)
{
	const struct world_start start = { .glibc_minor = -1, .kernel_major = -1 };
	struct world *world;
	struct err err;

	if (!world_new(&start, &world, &err)) {
		fprintf(stderr, "%s: %s\n", err.what, err.why);
		exit(1);
	}
	return world;
}

/* One long sequence in pieces, of which the first only fills both heaps. */
static void bench_mixed(void)
{
	struct step *steps = mixed((size_t)OPS * (ROUNDS + 1));
	void **blocks = calloc(SLOTS, sizeof(*blocks));
	uint64_t *addrs = calloc(SLOTS, sizeof(*addrs));
	double real = 1e9, model = 1e9;
	struct world *world = fresh();

	for (size_t round = 0; round <= ROUNDS; round++) {
		const struct step *piece = steps + round * OPS;
		double real_took = real_run(piece, OPS, blocks);
		double model_took = model_run(world, piece, OPS, addrs);

		if (round) {
			real = real_took < real ? real_took : real;
			model = model_took < model ? model_took : model;
		}
	}
	world_end(world);
	bench_at_most("malloc, free: 64k blocks, against glibc's", model / real, 2.0, "x");
	for (size_t i = 0; i < SLOTS; i++)
		free(blocks[i]);
	free(steps);
	free(blocks);
	free(addrs);
}

static void bench_hot(void)
{
	double real = 1e9, model = 1e9;

	for (int round = 0; round < ROUNDS; round++) {
		struct world *world = fresh();
		struct world_mark mark;
		double start = bench_now(), t;

		for (size_t i = 0; i < HOT_OPS; i++) {
			void *volatile block = malloc(48);

			free(block);
		}
		t = bench_now() - start;
		real = t < real ? t : real;
		world_mark(world, &mark);
		start = bench_now();
		for (size_t i = 0; i < HOT_OPS; i++) {
			pt_free(&world->pt, pt_malloc(&world->pt, 48));
			if (i % KEEP == 0)
				world_commit(world, &mark);
		}
		t = bench_now() - start;
		model = t < model ? t : model;
		world_commit(world, &mark);
		world_end(world);
	}
	bench_at_most("malloc, free: tcache hit, against glibc's", model / real, 2.5, "x");
}

/* A heap of 400 MiB: branching it, and taking operations on it back. */
static void bench_large(void)
{
	struct world *world = fresh(), *branch;
	struct world_mark mark, *marks = malloc(UNDO_OPS * sizeof(*marks));
	size_t bytes, pages, after;
	double start, took;

	world_mark(world, &mark);
	for (size_t i = 0; i < LARGE_SLOTS; i++) {
		(void)pt_malloc(&world->pt, 16 + (i * 7919) % 480);
		if (i % KEEP == 0)
			world_commit(world, &mark);
	}
	world_commit(world, &mark);
	bytes = image_pool_bytes(world->pool, &pages);
	bench_at_most("bookkeeping of the image's pages",
	              100.0 * ((double)bytes / (double)pages - 1), 1.5, "%");
	start = bench_now();
	branch = world_branch(world);
	took = bench_now() - start;
	after = image_pool_bytes(world->pool, &pages);
	bench_at_most("branching a heap of 400 MiB", took * 1e3, 1.0, "ms");
	bench_at_most("memory of that branch", (double)(after - bytes) / (double)MIB, 1.0, "MiB");
	for (size_t i = 0; i < UNDO_OPS; i++) {
		world_mark(branch, &marks[i]);
		(void)pt_malloc(&branch->pt, 16 + (i * 104729) % 480);
	}
	start = bench_now();
	for (size_t i = UNDO_OPS; i-- > 0;)
		(void)world_undo(branch, &marks[i]);
	took = bench_now() - start;
	bench_at_most("taking an operation back", took / UNDO_OPS * 1e6, 1.0, "us");
	world_end(branch);
	world_end(world);
	free(marks);
}

int main(void)
{
	bench_mixed();
	bench_hot();
	bench_large();
	return 0;
}
