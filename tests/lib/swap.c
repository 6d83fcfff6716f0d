/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/lib/swap.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/swap.h>
#include <sys/wait.h>
#include <unistd.h>

static char path[] = "/var/tmp/heaptop-test-swap.XXXXXX";
static pid_t watcher = -1;
static int watcher_pipe = -1;

static unsigned long long free_swap_kib(void)
{
	unsigned long long kib = 0;
	char line[128];
	FILE *meminfo = fopen("/proc/meminfo", "r");

	while (meminfo && fgets(line, sizeof(line), meminfo)) {
		if (sscanf(line, "SwapFree: %llu kB", &kib) == 1)
			break;
	}
	if (meminfo)
		(void)fclose(meminfo);
	return kib;
}

/* What mkswap(8) writes: Linux include/linux/swap.h, union swap_header. */
static int write_header(int fd, size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint32_t info[2] = { 1, (uint32_t)(bytes / page - 1) }; /* version, last page */
	char *zeroes = calloc(1, page);
	int done = zeroes != NULL;

	for (size_t at = 0; done && at < bytes; at += page)
		done = pwrite(fd, zeroes, page, (off_t)at) == (ssize_t)page;
	free(zeroes);
	return done && pwrite(fd, info, sizeof(info), 1024) == (ssize_t)sizeof(info) &&
	       pwrite(fd, "SWAPSPACE2", 10, (off_t)page - 10) == 10 && fsync(fd) == 0;
}

/* Waits for the end of the test program, then switches the swap off and removes its file. */
static _Noreturn void watch(int pipe_end)
{
	char c;

	(void)setsid();
	(void)!read(pipe_end, &c, 1); /* a byte from swap_done(), or the end of all writers */
	(void)swapoff(path);
	_exit(unlink(path) == 0 ? 0 : 1);
}

static const char *switch_on(void)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return "no pipe";
	watcher = fork();
	if (watcher == 0) {
		close(ends[1]);
		watch(ends[0]);
	}
	close(ends[0]);
	watcher_pipe = ends[1];
	if (watcher > 0 && swapon(path, 0) == 0)
		return NULL;
	swap_done();
	return "swapon(2) refuses a swap file here";
}

const char *swap_need(size_t bytes)
{
	const char *why;
	int fd;

	if (free_swap_kib() >= bytes >> 10)
		return NULL;
	if (geteuid() != 0)
		return "there is no swap, and making some needs root";
	fd = mkstemp(path);
	if (fd < 0)
		return "no room for a swap file in /var/tmp";
	why = write_header(fd, bytes) ? switch_on() : "the swap file cannot be written";
	close(fd);
	if (why)
		(void)unlink(path);
	return why;
}

void swap_done(void)
{
	if (watcher <= 0)
		return;
	(void)!write(watcher_pipe, "x", 1); /* a peer may hold another writing end */
	close(watcher_pipe);
	(void)waitpid(watcher, NULL, 0);
	watcher = -1;
}
