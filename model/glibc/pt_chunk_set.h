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
	uint64_t next;       /* fd of a free chunk; decoded next of a fastbin or tcache candidate */
	uint64_t size_state; /* a chunk's size is a multiple of 8: the low bits are its state */
};

_Static_assert(sizeof(struct chunk_link) == 24, "one link must stay small");

static inline uint64_t chunk_link_size(const struct chunk_link *link)
{
	return link->size_state & ~(uint64_t)7;
}

/** IN_USE until a list names it, FREE from the walk. */
static inline enum chunk_state chunk_link_state(const struct chunk_link *link)
{
	return (enum chunk_state)(link->size_state & 7);
}

static inline void chunk_link_set_state(struct chunk_link *link, enum chunk_state state)
{
	link->size_state = (link->size_state & ~(uint64_t)7) | (uint64_t)state;
}

struct chunk_links;

/** NULL when out of memory. */
struct chunk_links *chunk_links_new(struct region *region, size_t max_entries);

/**
 * Adds a link, whose other fields the caller writes. Within one heap addresses should ascend (it is
 * faster); heaps may come in any order. NULL when it did not fit: the links are then incomplete.
 */
struct chunk_link *chunk_links_add(struct chunk_links *links, uint64_t addr);

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
