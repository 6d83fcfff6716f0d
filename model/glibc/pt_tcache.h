/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_GLIBC_PT_TCACHE_H
#define HEAPTOP_MODEL_GLIBC_PT_TCACHE_H

/**
 * Private to model/glibc: a thread's tcache, by its counters and by its lists.
 */
#include "model/glibc/pt_lists.h"

/* One tcache on its way from copied bytes to facts. */
struct tcache_job {
	struct malloc_thread *thread;
	struct tcache_counter counted, followed;
	enum fact_state counted_state, followed_state;
};

/**
 * Clears the thread's figures; true when there is nothing to read: no such version, no pointer, a
 * dummy (all: known 0) or nonsense (an error is added).
 */
bool pt_has_no_tcache(const struct decode *d, struct malloc_thread *thread);

/** mp_.tcache_count, or the version's default when that is not known. */
uint64_t pt_tcache_depth(const struct decode *d, const struct malloc_state *ms);

/**
 * Reads a tcache of lay->tcache.size bytes into `copy` and counts it by its counters, again when it
 * contradicts itself; *state is then torn, or an estimate when large classes hold something. False when
 * unreadable (an error is added).
 */
bool pt_load_tcache(const struct decode *d, uint64_t addr, uint64_t tcache_count, uint8_t *copy,
                    struct tcache_counter *counter, enum fact_state *state);

/** Queues the lists from bin `first_bin` on; `job` must stay where it is until they were followed. */
bool pt_queue_tcache(struct lists *lists, const uint8_t *copy, struct tcache_job *job,
                     unsigned first_bin);

/** Counters, and what following told, into the thread. False when out of memory. */
bool pt_store_tcache(const struct decode *d, struct tcache_job *job, unsigned first_bin);

#endif
