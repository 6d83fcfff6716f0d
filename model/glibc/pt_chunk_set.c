/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/glibc/pt_chunk_set.h"

#include <stdlib.h>

#include "model/base/units.h"

/* --- set --------------------------------------------------------------------------------------------- */

/* Open addressing, linear probing. Chunks are aligned to 8 at least, so the low 3 bits of a slot are
 * the state; the address 0 is no chunk, so a slot of 0 is empty. */
#define SLOT_STATE 7u

struct chunk_set {
	struct region *region;
	uint64_t *slots;
	size_t count, max_entries;
	unsigned bits; /* log2 of the number of slots */
	bool is_complete;
};

_Static_assert(CHUNK_STATE_COUNT <= SLOT_STATE + 1, "a state must fit into a slot's low bits");

enum { FIRST_BITS = 8 };

/* Fibonacci hashing: neighbouring chunks spread over the whole table. */
static size_t slot_of(const struct chunk_set *set, uint64_t addr)
{
	return (size_t)((addr >> 3) * UINT64_C(0x9e3779b97f4a7c15) >> (64 - set->bits));
}

static uint64_t *find_slot(const struct chunk_set *set, uint64_t addr)
{
	size_t mask = ((size_t)1 << set->bits) - 1, i = slot_of(set, addr);

	while (set->slots[i] && (set->slots[i] & ~(uint64_t)SLOT_STATE) != addr)
		i = (i + 1) & mask;
	return &set->slots[i];
}

struct chunk_set *chunk_set_new(struct region *region, size_t max_entries)
{
	struct chunk_set *set = region_alloc(region, sizeof(*set));

	if (!set)
		return NULL;
	*set = (struct chunk_set){ .region = region,
		                   .max_entries = max_entries,
		                   .bits = FIRST_BITS,
		                   .is_complete = true };
	set->slots = region_alloc(region, sizeof(*set->slots) << FIRST_BITS);
	return set->slots ? set : NULL;
}

static bool grow_slots(struct chunk_set *set)
{
	size_t old_count = (size_t)1 << set->bits;
	uint64_t *old = set->slots, *fresh;

	fresh = region_alloc(set->region, sizeof(*fresh) * old_count * 2);
	if (!fresh)
		return false;
	set->slots = fresh;
	set->bits++;
	for (size_t i = 0; i < old_count; i++) {
		if (old[i])
			*find_slot(set, old[i] & ~(uint64_t)SLOT_STATE) = old[i];
	}
	return true;
}

bool chunk_set_add(struct chunk_set *set, uint64_t addr, enum chunk_state state)
{
	uint64_t *slot;

	if (addr == 0 || (addr & SLOT_STATE))
		return false;
	slot = find_slot(set, addr);
	if (*slot)
		return false;
	if (set->count >= set->max_entries) {
		set->is_complete = false;
		return false;
	}
	/* At most two thirds full, so that probing stays short and always ends. */
	if ((set->count + 1) * 3 > ((size_t)2 << set->bits)) {
		if (!grow_slots(set)) {
			set->is_complete = false;
			return false;
		}
		slot = find_slot(set, addr);
	}
	*slot = addr | (uint64_t)state;
	set->count++;
	return true;
}

enum chunk_state chunk_set_find(const struct chunk_set *set, uint64_t addr)
{
	uint64_t slot;

	if (addr == 0 || (addr & SLOT_STATE))
		return CHUNK_IN_USE;
	slot = *find_slot(set, addr);
	return slot ? (enum chunk_state)(slot & SLOT_STATE) : CHUNK_IN_USE;
}

bool chunk_set_is_complete(const struct chunk_set *set)
{
	return set->is_complete;
}

size_t chunk_set_count(const struct chunk_set *set)
{
	return set->count;
}

/* --- links ------------------------------------------------------------------------------------------- */

/*
 * A walk meets the links of a heap in address order, so nothing is hashed while it streams: they are
 * appended, and each stretch of ascending addresses without wide gaps is a run. Sealing indexes each run
 * with the first link of every window of addresses, about one link per window. Where links crowd, a
 * window is searched by halves, so no arrangement of chunks makes a search slow.
 */
struct run {
	uint64_t first_addr, last_addr; /* last_addr, count: only after sealing */
	size_t begin, count;            /* links */
	size_t index_at; /* windows + 1 entries from here on: where in the run each window begins */
	unsigned shift;  /* log2 of a window's bytes */
};

enum { RUN_GAP = 1 << 20, RUNS_FIRST = 64, NEARBY = 32 };

struct chunk_links {
	struct region *region;
	struct chunk_link *at;
	size_t count, max_entries;
	struct run *runs; /* by address after sealing, as met before */
	size_t run_count, run_room;
	uint32_t *index;
	size_t found; /* the link that was found last */
	bool is_complete, has_doubles;
};

struct chunk_links *chunk_links_new(struct region *region, size_t max_entries)
{
	struct chunk_links *links = region_alloc(region, sizeof(*links));

	if (!links)
		return NULL;
	links->region = region;
	/* The index numbers links with 32 bits. */
	links->max_entries = max_entries < UINT32_MAX ? max_entries : UINT32_MAX;
	links->is_complete = true;
	/* Room that is never written to costs address space only. */
	links->at = region_alloc(region, links->max_entries * sizeof(*links->at));
	return links->at ? links : NULL;
}

static bool begin_run(struct chunk_links *links, size_t at)
{
	if (links->run_count == links->run_room) {
		size_t room = links->run_room ? links->run_room * 2 : RUNS_FIRST;
		struct run *grown =
		        region_grow(links->region, links->runs, links->run_room * sizeof(*grown),
		                    room * sizeof(*grown));

		if (!grown)
			return false;
		links->runs = grown;
		links->run_room = room;
	}
	links->runs[links->run_count++] =
	        (struct run){ .first_addr = links->at[at].addr, .begin = at };
	return true;
}

/* Unsigned: an address below the one before is a wide gap as well. */
static inline bool starts_run(const struct chunk_links *links, size_t i)
{
	return i == 0 || links->at[i].addr - links->at[i - 1].addr - 1 >= RUN_GAP;
}

struct chunk_link *chunk_links_add(struct chunk_links *links, uint64_t addr)
{
	size_t at = links->count;

	if (at < links->max_entries) {
		links->at[at].addr = addr;
		if (!starts_run(links, at) || begin_run(links, at)) {
			links->count++;
			return &links->at[at];
		}
	}
	links->is_complete = false;
	return NULL;
}

size_t chunk_links_count(const struct chunk_links *links)
{
	return links->count;
}

void chunk_links_rewind(struct chunk_links *links, size_t count)
{
	if (count >= links->count)
		return;
	links->count = count;
	while (links->run_count && links->runs[links->run_count - 1].begin >= count)
		links->run_count--;
}

bool chunk_links_is_complete(const struct chunk_links *links)
{
	return links->is_complete;
}

const struct chunk_link *chunk_links_at(const struct chunk_links *links, size_t i)
{
	return &links->at[i];
}

static int by_addr(const void *a, const void *b)
{
	const struct chunk_link *x = a, *y = b;

	return (x->addr > y->addr) - (x->addr < y->addr);
}

static int by_first_addr(const void *a, const void *b)
{
	const struct run *x = a, *y = b;

	return (x->first_addr > y->first_addr) - (x->first_addr < y->first_addr);
}

static void close_runs(struct chunk_links *links)
{
	for (size_t i = 0; i < links->run_count; i++) {
		struct run *run = &links->runs[i];
		size_t end = i + 1 < links->run_count ? run[1].begin : links->count;

		run->count = end - run->begin;
		run->last_addr = links->at[end - 1].addr;
	}
	if (links->run_count)
		qsort(links->runs, links->run_count, sizeof(*links->runs), by_first_addr);
}

static bool runs_overlap(const struct chunk_links *links)
{
	for (size_t i = 1; i < links->run_count; i++) {
		if (links->runs[i].first_addr <= links->runs[i - 1].last_addr)
			return true;
	}
	return false;
}

/* Only a walk that met one address twice gets here; the double then hides behind the first. */
static bool sort_all(struct chunk_links *links)
{
	qsort(links->at, links->count, sizeof(*links->at), by_addr);
	links->has_doubles = true;
	links->run_count = 0;
	for (size_t i = 0; i < links->count; i++) {
		if (starts_run(links, i) && !begin_run(links, i))
			return false;
	}
	close_runs(links);
	return true;
}

static size_t window_of(const struct run *run, uint64_t addr)
{
	return (size_t)((addr - run->first_addr) >> run->shift);
}

/* Links of window w: index[w] … index[w + 1]. */
static void index_run(const struct chunk_links *links, const struct run *run)
{
	uint32_t *index = links->index + run->index_at;
	size_t windows = window_of(run, run->last_addr) + 1, w = 0;

	for (size_t i = 0; i < run->count; i++) {
		size_t of = window_of(run, links->at[run->begin + i].addr);

		while (w <= of)
			index[w++] = (uint32_t)i;
	}
	while (w <= windows)
		index[w++] = (uint32_t)run->count;
}

static bool index_runs(struct chunk_links *links)
{
	size_t entries = 0;

	for (size_t i = 0; i < links->run_count; i++) {
		struct run *run = &links->runs[i];

		while ((run->last_addr - run->first_addr) >> run->shift > run->count)
			run->shift++;
		run->index_at = entries;
		entries += window_of(run, run->last_addr) + 2;
	}
	links->index = region_alloc(links->region, entries * sizeof(*links->index));
	if (!links->index)
		return false;
	for (size_t i = 0; i < links->run_count; i++)
		index_run(links, &links->runs[i]);
	return true;
}

bool chunk_links_seal(struct chunk_links *links)
{
	close_runs(links);
	return (!runs_overlap(links) || sort_all(links)) && index_runs(links);
}

static const struct run *find_run(const struct chunk_links *links, uint64_t addr)
{
	size_t low = 0, high = links->run_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (links->runs[mid].last_addr < addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low < links->run_count && links->runs[low].first_addr <= addr ? &links->runs[low]
	                                                                     : NULL;
}

static struct chunk_link *search(struct chunk_links *links, uint64_t addr)
{
	const struct run *run = find_run(links, addr);
	const uint32_t *index;
	size_t low, high;

	if (!run)
		return NULL;
	index = links->index + run->index_at + window_of(run, addr);
	low = run->begin + index[0];
	high = run->begin + index[1];
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (links->at[mid].addr < addr)
			low = mid + 1;
		else
			high = mid;
	}
	/* `low` may be the next window's first link, or one past the run. */
	if (low == run->begin + run->count || links->at[low].addr != addr)
		return NULL;
	return &links->at[low];
}

/* What was freed one after the other often lies side by side, so most lists go on nearby. */
static struct chunk_link *beside_found(const struct chunk_links *links, uint64_t addr)
{
	size_t i = links->found;

	if (links->has_doubles || i >= links->count)
		return NULL;
	if (addr < links->at[i].addr) {
		for (size_t end = i > NEARBY ? i - NEARBY : 0; i > end && addr < links->at[i].addr;)
			i--;
	} else {
		for (size_t last = min_u64(links->count - 1, i + NEARBY);
		     i < last && addr > links->at[i].addr;)
			i++;
	}
	return links->at[i].addr == addr ? &links->at[i] : NULL;
}

struct chunk_link *chunk_links_find(struct chunk_links *links, uint64_t addr)
{
	struct chunk_link *link = beside_found(links, addr);

	if (!link)
		link = search(links, addr);
	if (link)
		links->found = (size_t)(link - links->at);
	return link;
}
