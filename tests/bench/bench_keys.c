/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The screen at work: time from a key to its picture while a heap of 1.5 million chunks is walked, what
 * ten samples a second of such a target cost, bytes to the terminal per refresh on a quiet one.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/bench.h"
#include "tests/lib/pty_child.h"

enum { CHUNKS = 1500000, KEYS = 300, QUIET_S = 10, BUSY_S = 10, HANDFUL = 1000 };

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* 400 MiB in 1.5 million chunks; a handful of them comes and goes a hundred times a second. */
static void work(int out)
{
	void **at = calloc(CHUNKS, sizeof(*at));
	uint32_t seed = 1;

	for (size_t i = 0; at && i < CHUNKS; i++) {
		seed = seed * 1664525u + 1013904223u;
		at[i] = malloc(16 + (seed >> 8) % 497);
		if (at[i])
			memset(at[i], (int)i, 16);
	}
	(void)!write(out, "r", 1);
	for (;; (void)usleep(10000)) {
		for (size_t i = 0; at && i < HANDFUL; i++) {
			size_t k = (seed = seed * 1664525u + 1013904223u) % CHUNKS;

			free(at[k]);
			at[k] = malloc(16 + (seed >> 8) % 497);
		}
	}
}

static pid_t start_target(bool is_busy)
{
	int ends[2];
	char ready;
	pid_t pid;

	if (pipe(ends) != 0)
		exit(1);
	pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (is_busy)
			work(ends[1]);
		(void)!write(ends[1], "r", 1);
		for (;;)
			(void)pause();
	}
	if (pid < 0 || read(ends[0], &ready, 1) != 1)
		exit(1);
	return pid;
}

static bool start(const char *heaptop, pid_t target, const char *interval, int columns, int rows,
                  struct pty_child *ret)
{
	static char pid[16];
	char *const argv[] = { (char *)(uintptr_t)heaptop, pid, (char *)(uintptr_t) "--interval",
		               (char *)(uintptr_t)interval, NULL };

	(void)snprintf(pid, sizeof(pid), "%d", (int)target);
	return pty_start(argv, columns, rows, ret);
}

static void measure_cpu(struct pty_child *child, const char *key, const char *what)
{
	uint64_t cpu;

	pty_type(child, key);
	(void)pty_until(child, NULL, 2000);
	cpu = cpu_time_ns(child->pid);
	(void)pty_until(child, NULL, BUSY_S * 1000);
	cpu = cpu_time_ns(child->pid) - cpu;
	bench_at_most(what, (double)cpu / 1e7 / BUSY_S, 25, "%");
}

/* Each key turns to another view; its first title is the picture. Every tenth asks for a walk as well. */
static void measure_keys(const char *heaptop, pid_t target)
{
	static const struct {
		const char *key, *picture;
	} turns[] = { { "4", "start" }, { "2", "state at" }, { "3", "whole heap" } };
	static double ms[KEYS];
	struct pty_child child;
	size_t count = 0;

	if (!start(heaptop, target, "100ms", 120, 36, &child))
		return;
	(void)pty_until(&child, NULL, 3000);
	for (size_t i = 0; i < KEYS; i++) {
		size_t turn = i % (sizeof(turns) / sizeof(turns[0]));
		uint64_t began, seen;

		(void)pty_until(&child, NULL, 20 + (int)(i % 17));
		if (i % 10 == 0)
			pty_type(&child, turn ? "r" : "R"); /* R in the heap map */
		child.tail_len = 0;
		began = now_ns();
		pty_type(&child, turns[turn].key);
		seen = pty_until(&child, turns[turn].picture, 2000);
		if (seen)
			ms[count++] = (double)(child.started_ns + seen - began) / 1e6;
	}
	(void)bench_median(ms, count ? count : 1);
	printf("bench: keys seen %zu of %d, median %.2f ms, slowest %.2f ms\n", count, KEYS,
	       ms[count / 2], ms[count ? count - 1 : 0]);
	bench_at_most("key to paint, 99th percentile, while walking",
	              count == KEYS ? ms[KEYS * 99 / 100] : 1e9, 16, "ms");
	measure_cpu(&child, "1", "10 Hz, 1.5 million chunks that change");
	measure_cpu(&child, "3", "the same in the heap map");
	pty_end(&child);
}

static void measure_bytes(const char *heaptop, pid_t target)
{
	struct pty_child child;
	uint64_t written;

	if (!start(heaptop, target, "1s", 200, 50, &child))
		return;
	(void)pty_until(&child, NULL, 5000);
	written = child.written;
	(void)pty_until(&child, NULL, QUIET_S * 1000);
	bench_at_most("bytes per refresh at 200x50, quiet target",
	              (double)(child.written - written) / QUIET_S, 2000, "B");
	pty_end(&child);
}

int main(void)
{
	const char *heaptop = getenv("HEAPTOP") ? getenv("HEAPTOP") : "./heaptop";
	pid_t busy = start_target(true), quiet = start_target(false);

	measure_keys(heaptop, busy);
	measure_bytes(heaptop, quiet);
	(void)kill(busy, SIGKILL);
	(void)kill(quiet, SIGKILL);
	while (wait(NULL) > 0)
		;
	return 0;
}
