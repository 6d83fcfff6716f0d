/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * heaptop's own memory: what a snapshot of a large target takes at its peak, beyond what one of a
 * small target takes. A walk streams, whatever the heap; of VMAs only the list is kept.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/bench.h"

enum { CHUNKS = 1500000, VMAS = 50000 };

static void small_target(void)
{
}

static void large_heap(void)
{
	static void *blocks[CHUNKS];
	uint32_t random = 1;

	for (size_t i = 0; i < CHUNKS; i++) {
		random = random * 1664525u + 1013904223u;
		blocks[i] = malloc(16 + (random >> 8) % 490);
	}
	for (size_t i = 0; i < CHUNKS; i += 3)
		free(blocks[i]);
}

static void many_vmas(void)
{
	char *at = mmap(NULL, VMAS * 4096ul, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
	                -1, 0);

	for (size_t i = 0; at != MAP_FAILED && i < VMAS; i += 2)
		(void)mprotect(at + i * 4096, 4096, PROT_READ);
}

/* Starts a target that is ready when this returns. */
static pid_t start(void (*build)(void))
{
	int ready[2];
	char byte;
	pid_t pid;

	if (pipe(ready) != 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		build();
		(void)!write(ready[1], "r", 1);
		for (;;)
			(void)pause();
	}
	(void)!read(ready[0], &byte, 1);
	(void)close(ready[0]);
	(void)close(ready[1]);
	return pid;
}

static double peak_mib(const char *heaptop, void (*build)(void))
{
	pid_t target = start(build), reader;
	struct rusage usage = { 0 };
	char pid[16];

	(void)snprintf(pid, sizeof(pid), "%d", (int)target);
	reader = fork();
	if (reader == 0) {
		int null = open("/dev/null", O_WRONLY);

		(void)dup2(null, 1);
		(void)execl(heaptop, heaptop, "snapshot", pid, "--json", (char *)NULL);
		_exit(127);
	}
	(void)wait4(reader, NULL, 0, &usage);
	(void)kill(target, SIGKILL);
	(void)waitpid(target, NULL, 0);
	return (double)usage.ru_maxrss / 1024;
}

int main(void)
{
	const char *heaptop = getenv("HEAPTOP") ? getenv("HEAPTOP") : "./heaptop";
	double small = peak_mib(heaptop, small_target);

	bench_at_most("snapshot of a small target, libraries included", small, 24, "MiB");
	bench_at_most("a 1.5-million-chunk heap takes beyond that",
	              peak_mib(heaptop, large_heap) - small, 64, "MiB");
	bench_at_most("50,000 VMAs take beyond that", peak_mib(heaptop, many_vmas) - small, 64,
	              "MiB");
	return 0;
}
