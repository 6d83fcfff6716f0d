/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TESTS_LIB_PEER_H
#define HEAPTOP_TESTS_LIB_PEER_H

/**
 * A real process for a probe to look at: a fork that prepares something, says that it is ready, and
 * then waits in pause() without touching anything until it is ended.
 */
#include <stdint.h>
#include <sys/types.h>

enum { PEER_WORDS = 8 };

struct peer {
	pid_t pid;
	int ready_fd, go_fd;
	uint64_t words[PEER_WORDS]; /* what `prepare` left, addresses mostly */
};

/** Runs in the child; fills `words`. It may call peer_ready() itself and do more afterwards. */
typedef void peer_work(uint64_t words[PEER_WORDS]);

/** Returns when the child is ready; ends the test program when that fails. */
struct peer peer_start(peer_work *prepare);

/** Returns when the peer sleeps: it still runs a little, and touches pages, after it said ready. */
void peer_settle(const struct peer *peer);

/** In the child: hands the words over (peer_start returns) … */
void peer_ready(const uint64_t words[PEER_WORDS]);
/** … and waits for peer_go(). */
void peer_wait(void);

/** In the parent: lets peer_wait() return. */
void peer_go(const struct peer *peer);

/** Waits until the child hands over words again. */
void peer_await(struct peer *peer);

/** Kills it and collects it; returns the wait(2) status. Does nothing twice. */
int peer_end(struct peer *peer);

#endif
