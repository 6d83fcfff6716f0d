/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_GLIBC_PT_CHUNK_SET_H
#define HEAPTOP_MODEL_GLIBC_PT_CHUNK_SET_H

/**
 * Two bounded stores of chunk addresses: a hash set with a state per chunk, for lists that are read
 * before a walk; and the links of free chunks, gathered by a walk in address order, in which lists are
 * followed afterwards. Neither grows beyond the bound given at the start, whatever the target holds.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/base/region.h"
#include "model/facts/source.h"

/* --- states ------------------------------------------------------------------------------------------ */

struct chunk_set;

/** NULL when out of memory. Lives on `region`; grows up to `max_entries`. */
struct chunk_set *chunk_set_new(struct region *region, size_t max_entries);

/**
 * False when the chunk is there already (two lists share it, or one has a cycle) or when it did not
 * fit: chunk_set_is_complete() tells which.
 */
bool chunk_set_add(struct chunk_set *set, uint64_t addr, enum chunk_state state);

/** CHUNK_IN_USE when absent. */
enum chunk_state chunk_set_find(const struct chunk_set *set, uint64_t addr);

/** False once an entry did not fit. */
bool chunk_set_is_complete(const struct chunk_set *set);

size_t chunk_set_count(const struct chunk_set *set);

/* --- links ------------------------------------------------------------------------------------------- */

/* 24 bytes, because there may be millions. */
struct chunk_link {
	uint64_t addr;
	uint64_t next; /* fd of a free chunk; decoded next of a fastbin or tcache candidate */
	uint64_t size : 48;
	uint64_t arena : 13; /* index */
	uint64_t state : 3; /* enum chunk_state: IN_USE until a list names it, FREE from the walk */
};

_Static_assert(sizeof(struct chunk_link) == 24, "one link must stay small");

struct chunk_links;

/** NULL when out of memory. */
struct chunk_links *chunk_links_new(struct region *region, size_t max_entries);

/**
 * Adds a link. Within one heap addresses should ascend (it is faster); heaps may come in any order.
 * False when it did not fit: the links are then incomplete.
 */
bool chunk_links_add(struct chunk_links *links, struct chunk_link link);

/** A position to come back to when a walk steps back: entries added after it are dropped. */
size_t chunk_links_count(const struct chunk_links *links);
void chunk_links_rewind(struct chunk_links *links, size_t count);

/** Ends adding and builds the index. False when out of memory. */
bool chunk_links_seal(struct chunk_links *links);

/** NULL when absent. Only after chunk_links_seal(). */
struct chunk_link *chunk_links_find(struct chunk_links *links, uint64_t addr);

bool chunk_links_is_complete(const struct chunk_links *links);

/** Entry number i, for passes over all of them. */
const struct chunk_link *chunk_links_at(const struct chunk_links *links, size_t i);

#endif
