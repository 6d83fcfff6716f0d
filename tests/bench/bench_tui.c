/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program as its user feels it: time to the first full frame, CPU while nothing happens, bytes
 * to the terminal, own memory; with few and with 2,000 processes on the machine.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/bench.h"
#include "tests/lib/pty_child.h"

enum { IDLE_S = 12, PROCESSES = 2000, STARTS = 7 };

static pid_t start_sleeper(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		void *volatile kept[100];

		for (size_t i = 0; i < 100; i++)
			kept[i] = malloc(1000 + i);
		(void)kept;
		for (;;)
			(void)pause();
	}
	return pid;
}

static void own_memory(pid_t pid, double bar_mib)
{
	char path[64], line[256];
	unsigned long kib = 0;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, "RssAnon:", 8) == 0)
			kib = strtoul(line + 8, NULL, 10);
	if (file)
		(void)fclose(file);
	bench_at_most("own memory, small target", (double)kib / 1024, bar_mib, "MiB");
}

/*
 * A full frame says what its own sample cost, in its last line but one; the target's rank stands in
 * it once the process table has been read, too. Both in ms, 1e9 for never.
 */
static void first_frame_ms(const char *heaptop, const char *pid, double *ret_frame,
                           double *ret_rank)
{
	char *const argv[] = { (char *)(uintptr_t)heaptop, (char *)(uintptr_t)pid, NULL };
	struct pty_child child;
	uint64_t frame, rank;

	*ret_frame = *ret_rank = 1e9;
	if (!pty_start(argv, 120, 36, &child))
		return;
	frame = pty_until(&child, "sampled in", 5000);
	rank = memmem(child.tail, child.tail_len, "on this host", 12)
	               ? frame
	               : pty_until(&child, "on this host", 5000);
	pty_end(&child);
	if (frame)
		*ret_frame = (double)frame / 1e6;
	if (rank)
		*ret_rank = (double)rank / 1e6;
}

static void measure(const char *heaptop, pid_t target, const char *crowd, double frame_bar,
                    double cpu_bar)
{
	char pid[16], name[64];
	char *const argv[] = { (char *)(uintptr_t)heaptop, pid, NULL };
	double starts[STARTS], ranks[STARTS];
	struct pty_child child;
	uint64_t cpu, written;

	(void)snprintf(pid, sizeof(pid), "%d", (int)target);
	for (size_t i = 0; i < STARTS; i++)
		first_frame_ms(heaptop, pid, &starts[i], &ranks[i]);
	(void)snprintf(name, sizeof(name), "first full frame, %s", crowd);
	bench_at_most(name, bench_median(starts, STARTS), frame_bar, "ms");
	printf("bench: the target's OOM rank, %s: after %.0f ms\n", crowd,
	       bench_median(ranks, STARTS));

	if (!pty_start(argv, 120, 36, &child))
		return;
	(void)pty_until(&child, NULL, 8000);
	cpu = cpu_time_ns(child.pid);
	written = child.written;
	(void)pty_until(&child, NULL, IDLE_S * 1000);
	cpu = cpu_time_ns(child.pid) - cpu;
	(void)snprintf(name, sizeof(name), "idle at 1 Hz, %s", crowd);
	bench_at_most(name, (double)cpu / 1e7 / IDLE_S, cpu_bar, "%");
	printf("bench: bytes to the terminal per refresh, %s: %.0f\n", crowd,
	       (double)(child.written - written) / IDLE_S);
	if (frame_bar <= 60)
		own_memory(child.pid, 12);
	pty_end(&child);
}

int main(void)
{
	const char *heaptop = getenv("HEAPTOP") ? getenv("HEAPTOP") : "./heaptop";
	static pid_t crowd[PROCESSES];
	pid_t target = start_sleeper();

	measure(heaptop, target, "few processes", 60, 0.5);
	for (size_t i = 0; i < PROCESSES; i++)
		crowd[i] = start_sleeper();
	measure(heaptop, target, "2,000 processes", 150, 3);
	for (size_t i = 0; i < PROCESSES; i++)
		(void)kill(crowd[i], SIGKILL);
	(void)kill(target, SIGKILL);
	while (wait(NULL) > 0)
		;
	return 0;
}
