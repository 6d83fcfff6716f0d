/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_PROBES_PACE_H
#define HEAPTOP_PROBES_PACE_H

/**
 * Walking a target's page tables holds its map lock; walks back to back starve its mmap and munmap
 * (from 25,000 to 64 a second). So whoever walks in a loop rests now and then.
 */
#include <stdint.h>
#include <sys/prctl.h>
#include <time.h>

#include "probes/clock.h"

/* A writer that waits is woken within the rest and then holds the lock before the next walk asks for it. */
#define PACE_WORK_NS 400000u /* rest after so much walking … */
#define PACE_REST_NS 30000   /* … for so long */

struct pace {
	uint64_t began_ns, worked_ns;
	int slack_ns; /* this thread's, to be restored */
};

/** A thread's timers are late by its slack, 50 us by default: as much as the rest itself. */
static inline struct pace pace_open(void)
{
	struct pace pace = { .slack_ns = prctl(PR_GET_TIMERSLACK) };

	if (pace.slack_ns > 0)
		(void)prctl(PR_SET_TIMERSLACK, 1000ul);
	return pace;
}

static inline void pace_close(const struct pace *pace)
{
	if (pace->slack_ns > 0)
		(void)prctl(PR_SET_TIMERSLACK, (unsigned long)pace->slack_ns);
}

static inline void pace_begin(struct pace *pace)
{
	pace->began_ns = clock_monotonic_ns();
}

/** Ends one call that walked; rests when it is time. Returns what the call took. */
static inline uint64_t pace_end(struct pace *pace)
{
	const struct timespec rest = { .tv_nsec = PACE_REST_NS };
	uint64_t took = clock_monotonic_ns() - pace->began_ns;

	pace->worked_ns += took;
	if (pace->worked_ns >= PACE_WORK_NS) {
		pace->worked_ns = 0;
		(void)nanosleep(&rest, NULL);
	}
	return took;
}

#endif
