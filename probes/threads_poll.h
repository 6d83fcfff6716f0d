/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_PROBES_THREADS_POLL_H
#define HEAPTOP_PROBES_THREADS_POLL_H

/** Private to threads_tls.c and threads_poll.c: who votes on the slots of malloc's variables. */
#include <string.h>

#include "probes/threads.h"

enum {
	SAMPLE = 32,          /* threads that vote */
	TLS_BYTES = 4096,     /* how far from the thread pointer the variables are looked for */
	PTHREAD_BYTES = 2304, /* struct pthread when no table says its size */
	GATHER = 256,
	PAGE_MAX = 65536,
	SLOTS_MAX = TLS_BYTES / 4,
	NO_SLOT = SLOTS_MAX,
};

/* A copy of one thread's thread-local storage; slots are counted upwards from its lowest address. */
struct voter {
	uint8_t tls[TLS_BYTES];
	size_t first, last; /* readable slots: [first, last) */
};

struct poll {
	const struct thread_search *search;
	struct voter *voters;
	size_t voter_count;
	size_t word;
	int64_t base;         /* of slot 0, from struct pthread */
	uint64_t *arenas;     /* sorted */
	size_t arena, tcache; /* slots, or NO_SLOT */
	bool is_candidate[SLOTS_MAX];
};

static inline uint64_t poll_word(const struct poll *poll, const struct voter *voter, size_t slot)
{
	uint64_t value = 0;

	memcpy(&value, voter->tls + slot * poll->word, poll->word);
	return value;
}

/** Copies the voters' slots and names the candidates; false when out of memory or there is no arena. */
bool poll_start(struct poll *poll, struct thread_search *search);
/** Frees what poll_start() made, also when it failed. */
void poll_end(struct poll *poll);

int poll_compare_addresses(const void *a, const void *b);

#endif
