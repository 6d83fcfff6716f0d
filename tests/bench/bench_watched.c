/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does watching cost the target anything? A program with 20,000 VMAs that maps, faults and mallocs as
 * fast as it can, alone and watched at default settings, in turns.
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/bench.h"
#include "tests/lib/pty_child.h"

enum { VMAS = 20000, SLICE_MS = 5000, ROUNDS = 5, BLOCKS = 4096 };

static atomic_ulong *done; /* shared with the target */

static void make_vmas(void)
{
	char *at = mmap(NULL, VMAS * 4096ul, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
	                -1, 0);

	if (at == MAP_FAILED)
		exit(1);
	for (size_t i = 0; i < VMAS; i += 2)
		(void)mprotect(at + i * 4096, 4096, PROT_READ);
}

static void toil(void)
{
	static void *blocks[BLOCKS];
	uint64_t random = 88172645463325252u;

	for (;;) {
		char *map = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		                 -1, 0);

		for (size_t i = 0; map != MAP_FAILED && i < 65536; i += 4096)
			map[i] = 1;
		for (int i = 0; i < 200; i++) {
			void **slot = &blocks[(random ^= random << 13, random ^= random >> 7,
			                       random ^= random << 17) %
			                      BLOCKS];

			free(*slot);
			*slot = malloc(random / 4096 % 2000);
		}
		(void)munmap(map, 65536);
		atomic_fetch_add_explicit(done, 1, memory_order_relaxed);
	}
}

static double rate(unsigned ms)
{
	unsigned long before = atomic_load(done);

	(void)usleep(ms * 1000);
	return (double)(atomic_load(done) - before) / ms;
}

int main(void)
{
	const char *heaptop = getenv("HEAPTOP") ? getenv("HEAPTOP") : "./heaptop";
	double ratios[ROUNDS];
	char pid[16];
	char *const argv[] = { (char *)(uintptr_t)heaptop, pid, NULL };
	pid_t target;

	done = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (done == MAP_FAILED)
		return 1;
	target = fork();
	if (target == 0) {
		make_vmas();
		toil();
	}
	(void)snprintf(pid, sizeof(pid), "%d", (int)target);
	(void)usleep(500000);
	for (size_t i = 0; i < ROUNDS; i++) {
		double alone = rate(SLICE_MS), watched;
		struct pty_child child;

		if (!pty_start(argv, 120, 36, &child))
			return 1;
		unsigned long before = atomic_load(done); /* the cost of attaching counts */
		(void)pty_until(&child, NULL, 2 * SLICE_MS);
		watched = (double)(atomic_load(done) - before) / (2 * SLICE_MS);
		pty_end(&child);
		alone = (alone + rate(SLICE_MS)) / 2;
		ratios[i] = watched / alone * 100;
	}
	bench_at_least("throughput of a watched target, 20,000 VMAs", bench_median(ratios, ROUNDS),
	               98, "%");
	(void)kill(target, SIGKILL);
	while (wait(NULL) > 0)
		;
	return 0;
}
