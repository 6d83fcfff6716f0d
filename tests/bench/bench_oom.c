/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The OOM table of 2,000 more processes, refreshed, against what a plain tool does: open, read and
 * close status, oom_score and oom_score_adj of each. Both in the same run, alternating.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes/clock.h"
#include "probes/probes.h"
#include "probes/read.h"

enum { PROCESSES = 2000, ROUNDS = 7 };

static pid_t children[PROCESSES];
static size_t child_count;

static bool start_children(void)
{
	while (child_count < PROCESSES) {
		pid_t pid = fork();

		if (pid < 0)
			return false;
		if (pid == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				pause();
		}
		children[child_count++] = pid;
	}
	return true;
}

static void end_children(void)
{
	for (size_t i = 0; i < child_count; i++)
		(void)kill(children[i], SIGKILL);
	for (size_t i = 0; i < child_count; i++)
		(void)waitpid(children[i], NULL, 0);
}

static void read_plainly(const char *pid)
{
	static const char *const names[] = { "status", "oom_score", "oom_score_adj" };
	char path[300], text[8192];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int fd;

		(void)snprintf(path, sizeof(path), "/proc/%s/%s", pid, names[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		(void)!read(fd, text, sizeof(text));
		close(fd);
	}
}

static uint64_t time_plain(void)
{
	uint64_t began = clock_monotonic_ns();
	const struct dirent *entry;
	DIR *proc = opendir("/proc");

	while (proc && (entry = readdir(proc))) // NOLINT(concurrency-mt-unsafe): our own
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			read_plainly(entry->d_name);
	if (proc)
		closedir(proc);
	return clock_monotonic_ns() - began;
}

static uint64_t time_refresh(struct tasks *tasks)
{
	uint64_t began = clock_monotonic_ns();
	struct region *region = region_new();
	struct oom_table table;

	if (!region || !tasks_read(tasks, NULL, NULL, region, &table) || table.count < PROCESSES) {
		(void)fprintf(stderr, "bench_oom: the table can't be read\n");
		end_children();
		_exit(1);
	}
	region_free(region);
	return clock_monotonic_ns() - began;
}

static int compare(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

static double median_ms(uint64_t *times)
{
	enum { MIDDLE = ROUNDS / 2 };

	qsort(times, ROUNDS, sizeof(*times), compare);
	return (double)times[MIDDLE] / 1e6;
}

int main(void)
{
	uint64_t plain[ROUNDS], refresh[ROUNDS], first, picker;
	double limit, ratio;
	struct process_list list = { 0 };
	struct tasks *tasks;

	if (!start_children()) {
		(void)fprintf(stderr, "bench_oom: can't start %d processes\n", PROCESSES);
		end_children();
		return 1;
	}
	tasks = tasks_new();
	first = tasks ? time_refresh(tasks) : 0;
	for (int i = 0; tasks && i < ROUNDS; i++) {
		plain[i] = time_plain();
		refresh[i] = time_refresh(tasks);
	}
	tasks_free(tasks);
	picker = clock_monotonic_ns();
	if (process_list_read(&list, NULL))
		process_list_free(&list);
	picker = clock_monotonic_ns() - picker;
	end_children();
	if (!tasks)
		return 1;
	limit = median_ms(plain);
	ratio = median_ms(refresh) / limit;
	printf("bench: oom-table-first-ms %.1f - -\n", (double)first / 1e6);
	printf("bench: process-list-ms %.1f - -\n", (double)picker / 1e6);
	printf("bench: oom-table-2000 %.3f 0.6 %s\n", ratio, ratio <= 0.6 ? "pass" : "miss");
	printf("# opening, reading and closing the three files of each: %.1f ms\n", limit);
	return ratio <= 0.6 ? 0 : 1;
}
