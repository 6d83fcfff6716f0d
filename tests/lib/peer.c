/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/lib/peer.h"

#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* The child's ends; every test program runs one child at a time or keeps each in its own fork. */
static int to_parent = -1, from_parent = -1;

static void must(int done, const char *what)
{
	if (done)
		return;
	perror(what);
	_exit(99);
}

void peer_ready(const uint64_t words[PEER_WORDS])
{
	must(write(to_parent, words, PEER_WORDS * sizeof(words[0])) ==
	             (ssize_t)(PEER_WORDS * sizeof(words[0])),
	     "peer_ready");
}

void peer_wait(void)
{
	char c;

	must(read(from_parent, &c, 1) == 1, "peer_wait");
}

void peer_go(const struct peer *peer)
{
	must(write(peer->go_fd, "g", 1) == 1, "peer_go");
}

void peer_await(struct peer *peer)
{
	must(read(peer->ready_fd, peer->words, sizeof(peer->words)) == (ssize_t)sizeof(peer->words),
	     "peer_await");
}

static _Noreturn void run_peer(peer_work *prepare, int out, int in)
{
	uint64_t words[PEER_WORDS] = { 0 };

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	to_parent = out;
	from_parent = in;
	prepare(words);
	peer_ready(words);
	for (;;)
		pause();
}

void peer_settle(const struct peer *peer)
{
	char path[32], text[256] = "", state = '?';

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", peer->pid);
	while (state != 'S') {
		FILE *file = fopen(path, "r");
		const char *name_end;

		must(file && fgets(text, sizeof(text), file), "peer_settle");
		(void)fclose(file);
		name_end = strrchr(text, ')');
		state = name_end && name_end[1] ? name_end[2] : '?';
		(void)sched_yield();
	}
}

struct peer peer_start(peer_work *prepare)
{
	struct peer peer = { 0 };
	int out[2], in[2];

	must(pipe(out) == 0 && pipe(in) == 0, "pipe");
	peer.pid = fork();
	must(peer.pid >= 0, "fork");
	if (peer.pid == 0) {
		close(out[0]);
		close(in[1]);
		/* What the tests before left free at the top would be taken instead of new memory. */
		(void)malloc_trim(0);
		run_peer(prepare, out[1], in[0]);
	}
	close(out[1]);
	close(in[0]);
	peer.ready_fd = out[0];
	peer.go_fd = in[1];
	peer_await(&peer);
	return peer;
}

int peer_end(struct peer *peer)
{
	int status = 0;

	if (peer->pid <= 0)
		return 0;
	(void)kill(peer->pid, SIGKILL);
	(void)waitpid(peer->pid, &status, 0);
	close(peer->ready_fd);
	close(peer->go_fd);
	peer->pid = 0;
	return status;
}
