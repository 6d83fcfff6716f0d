/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TESTS_LIB_PTY_CHILD_H
#define HEAPTOP_TESTS_LIB_PTY_CHILD_H

/* A program run in a terminal of its own, for benches: what it writes can be watched and timed. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct pty_child {
	pid_t pid;
	int fd;
	uint64_t started_ns, written; /* bytes so far */
	char tail[4096];              /* the last bytes written, to look for a text across reads */
	size_t tail_len;
};

/** Starts argv in a terminal of that size; TERM is xterm-256color. */
bool pty_start(char *const argv[], int columns, int rows, struct pty_child *ret);

/** Reads for at most `timeout_ms`, or until `text` has been written; ns since start, 0: not seen. */
uint64_t pty_until(struct pty_child *child, const char *text, int timeout_ms);

/** Writes keys. */
void pty_type(struct pty_child *child, const char *keys);

/** Ends it with SIGTERM and waits. */
void pty_end(struct pty_child *child);

/** CPU time that a process has used, in ns; 0 when it is gone. */
uint64_t cpu_time_ns(pid_t pid);

#endif
