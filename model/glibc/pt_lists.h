/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_GLIBC_PT_LISTS_H
#define HEAPTOP_MODEL_GLIBC_PT_LISTS_H

/**
 * Private to model/glibc: following malloc's lists, many at once. Nodes come from the target, one
 * gathered read per step for all lists, or from the links that a walk has collected; what is checked
 * and counted is the same.
 */
#include "model/base/vec.h"
#include "model/glibc/pt_header.h"

enum list_kind { LIST_UNSORTED, LIST_BIN, LIST_FAST, LIST_TCACHE };

/* What the lists of one tcache hold, by bin. */
struct tcache_counter {
	uint64_t count[PT_TCACHE_BINS_MAX];
	uint64_t bytes[PT_TCACHE_BINS_MAX];
};

struct list {
	enum list_kind kind;
	unsigned index;      /* of the bin, fastbin or tcache bin */
	uint64_t at;         /* chunk to visit next */
	uint64_t end;        /* `at` when the list is through: a bin's pseudo chunk, or 0 */
	uint64_t prev;       /* what a bin's next node must link back to; 0: links have no bk */
	uint64_t left;       /* visits allowed */
	uint64_t system_mem; /* of the arena: no chunk is larger */
	/* cycle detection (Brent): `mark` moves to the present node after 1, 2, 4, 8 … visits */
	uint64_t mark, since_mark, mark_limit;
	struct bin_counter *bins;      /* of the arena; or … */
	struct tcache_counter *tcache; /* … of the thread */
	enum fact_state *state;        /* becomes FACT_TORN when the list breaks */
};

/* A chunk as a list meets it. */
struct list_node {
	uint64_t size;
	uint64_t next; /* decoded; a chunk, not user memory */
	uint64_t prev; /* bins read from the target; else 0 */
};

/* Bytes of all tcache chunks that lie in each arena. */
struct arena_share {
	uint64_t count, bytes;
};

struct lists {
	const struct decode *d;
	struct region *scratch;
	VEC(struct list) all;
	struct chunk_set *set;        /* NULL, or where fastbin and tcache chunks go */
	const struct heap_map *heaps; /* NULL, or who owns a tcache chunk … */
	struct arena_share *shares;   /* … one per arena */
	bool has_sizes; /* a walk has counted free chunks by size: unsorted ones leave their bins */
	uint64_t nodes, budget; /* budget 0: none */
};

/** Queues the lists of an arena whose header is `copy`. False when out of memory. */
bool lists_add_arena(struct lists *lists, const struct arena *arena, const uint8_t *copy,
                     struct bin_counter *counter, enum fact_state *state);

/** Queues only what a walk does not count by itself: unsorted and fastbins. */
bool lists_add_arena_unsized(struct lists *lists, const struct arena *arena, const uint8_t *copy,
                             struct bin_counter *counter, enum fact_state *state);

/** Queues one list of a tcache: `first` is the entry (user memory), `count` by its counter. */
bool lists_add_tcache(struct lists *lists, unsigned index, uint64_t first, uint64_t count,
                      struct tcache_counter *counter, enum fact_state *state);

/** Follows all queued lists in the target and empties the queue; false when the budget is spent or
 * memory ran out. */
bool lists_follow(struct lists *lists);

/** The same in sealed links, marking what is met there. */
bool lists_follow_links(struct lists *lists, struct chunk_links *links);

#endif
