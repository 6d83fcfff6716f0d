/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/lib/pty_child.h"

#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_ns(clockid_t id)
{
	struct timespec now = { 0 };

	(void)clock_gettime(id, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

bool pty_start(char *const argv[], int columns, int rows, struct pty_child *ret)
{
	struct winsize size = { .ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows };
	int fd;
	pid_t pid;

	memset(ret, 0, sizeof(*ret));
	ret->started_ns = now_ns(CLOCK_MONOTONIC);
	pid = forkpty(&fd, NULL, NULL, &size);
	if (pid < 0)
		return false;
	if (pid == 0) {
		(void)setenv("TERM", "xterm-256color", 1);
		(void)setenv("LC_ALL", "C.UTF-8", 1);
		execv(argv[0], argv);
		_exit(127);
	}
	ret->pid = pid;
	ret->fd = fd;
	return true;
}

/* Appends to the kept tail, dropping what is older than half of it. */
static void keep_tail(struct pty_child *child, const char *bytes, size_t len)
{
	size_t half = sizeof(child->tail) / 2;

	if (child->tail_len + len > sizeof(child->tail)) {
		memmove(child->tail, child->tail + child->tail_len - half, half);
		child->tail_len = half;
	}
	memcpy(child->tail + child->tail_len, bytes, len);
	child->tail_len += len;
}

uint64_t pty_until(struct pty_child *child, const char *text, int timeout_ms)
{
	uint64_t until = now_ns(CLOCK_MONOTONIC) + (uint64_t)timeout_ms * 1000000u, now;
	struct pollfd fd = { .fd = child->fd, .events = POLLIN };
	char bytes[2048];
	ssize_t n;

	while ((now = now_ns(CLOCK_MONOTONIC)) < until) {
		if (poll(&fd, 1, (int)((until - now) / 1000000u) + 1) <= 0)
			continue;
		n = read(child->fd, bytes, sizeof(bytes));
		if (n <= 0)
			return 0;
		child->written += (uint64_t)n;
		keep_tail(child, bytes, (size_t)n);
		if (text && memmem(child->tail, child->tail_len, text, strlen(text)))
			return now_ns(CLOCK_MONOTONIC) - child->started_ns;
	}
	return 0;
}

void pty_type(struct pty_child *child, const char *keys)
{
	(void)!write(child->fd, keys, strlen(keys));
}

void pty_end(struct pty_child *child)
{
	(void)kill(child->pid, SIGTERM);
	(void)pty_until(child, NULL, 200);
	(void)close(child->fd);
	(void)waitpid(child->pid, NULL, 0);
}

uint64_t cpu_time_ns(pid_t pid)
{
	clockid_t clock;

	return clock_getcpuclockid(pid, &clock) == 0 ? now_ns(clock) : 0;
}
