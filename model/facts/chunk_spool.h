/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_FACTS_CHUNK_SPOOL_H
#define HEAPTOP_MODEL_FACTS_CHUNK_SPOOL_H

/**
 * The chunks of a walk, kept for as long as somebody looks at them one by one. Most chunks begin where
 * the one before ended and are small, so a record takes 3 bytes instead of 24: 1.5 million chunks fit
 * in 5 MiB.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/facts/chunk.h"

struct chunk_spool;

struct chunk_record {
	uint64_t addr, size;
	enum chunk_state state;
	int arena;
};

/** NULL when out of memory. Keeps chunks until they take `max_bytes` (0: no limit); more are lost. */
struct chunk_spool *chunk_spool_new(size_t max_bytes);
void chunk_spool_free(struct chunk_spool *spool); /* accepts NULL */

/** The sink to hand to take(); lives as long as the spool. */
const struct chunk_sink *chunk_spool_sink(struct chunk_spool *spool);

/** Number of chunks kept; *ret_lost says how many found no memory. */
uint64_t chunk_spool_count(const struct chunk_spool *spool, uint64_t *ret_lost);

/** Reading starts at {0} and goes on until false. */
struct chunk_cursor {
	size_t at;
	struct chunk_record last;
};

bool chunk_spool_next(const struct chunk_spool *spool, struct chunk_cursor *cursor,
                      struct chunk_record *ret);

/** "in_use", "free", "fastbin", "tcache", "top", "fencepost", "mmapped". */
const char *chunk_state_word(enum chunk_state state);

#endif
