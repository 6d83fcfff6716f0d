/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_FACTS_WINDOW_H
#define HEAPTOP_MODEL_FACTS_WINDOW_H

/**
 * A look at malloc's memory itself: what a view asks for (a heap in cells, a list of chunks, the bytes
 * of one) and the answer, which is a part of the snapshot after. Nothing is kept per chunk beyond what
 * was asked for, and every bound below holds whatever the target holds.
 *
 *	scope   the whole heap     |--------------------------------------|   strip, size classes
 *	cells   what is on screen          |---------|                        one cell per `cell` bytes
 *	chunks  a list around a place          | | |  |
 *	bytes   of one place                    hex
 */
#include "model/base/region.h"
#include "model/facts/chunk_spool.h"
#include "model/facts/memory.h"

enum {
	WINDOW_CELLS_MAX = 1 << 15,
	WINDOW_STRIP_MAX = 256,
	WINDOW_CHUNKS_MAX = 4096,
	WINDOW_BYTES_MAX = 4096,
	WINDOW_CLASSES = 48, /* powers of two */
	WINDOW_RANGES_MAX =
	        65536,      /* of pages; what lies beyond is not known to be resident or not */
	WINDOW_GRANULE = 8, /* bytes that are readable or not together */
	WINDOW_CELL_LEAST = 16,
};

/** What is wanted. Zero-initialised asks for nothing; fields out of bounds are cut. */
struct window_request {
	uint64_t scope_start, scope_end;
	uint64_t start, end, cell; /* cell: a power of two, at least WINDOW_CELL_LEAST */
	uint64_t chunks_at;        /* the list holds the chunk at this address … */
	uint32_t chunks_before;    /* … so many before it … */
	uint32_t chunks_max;       /* … and as many in all; 0: no list */
	uint64_t bytes_at;
	uint32_t bytes_len; /* 0: no bytes */
};

/** True when both ask for the same. */
bool window_request_equal(const struct window_request *a, const struct window_request *b);

/** Bytes of a cell by what they are; chunks are counted where they begin. */
struct window_cell {
	uint64_t in_use, tcache, fast, small, large, top, mmapped, fencepost;
	uint64_t resident, swapped; /* below window.pages_end */
	uint64_t releasable;        /* resident whole pages inside free chunks: malloc_trim's */
	uint64_t largest_free;      /* the largest chunk of a bin that reaches into the cell */
	uint32_t used_chunks, cached_chunks, free_chunks; /* mmapped ones are in use */
};

/* Chunks of 2^i … 2^(i+1) - 1 bytes that begin in the scope. */
struct window_class {
	uint64_t used, used_bytes;
	uint64_t cached, cached_bytes; /* tcaches and fastbins */
	uint64_t free, free_bytes;     /* bins */
};

enum window_bin {
	WINDOW_BIN_NONE,    /* in use, top, mmapped */
	WINDOW_BIN_UNKNOWN, /* free, but its header could not be read or its list not followed */
	WINDOW_BIN_TCACHE,
	WINDOW_BIN_FAST,
	WINDOW_BIN_UNSORTED,
	WINDOW_BIN_SMALL,
	WINDOW_BIN_LARGE,
};

struct window_chunk {
	uint64_t addr, size;
	uint64_t prev_size, raw; /* the two header words as they are now … */
	bool has_header;         /* … when they could be read */
	enum chunk_state state;
	int arena; /* index; -1: mmapped */
	enum window_bin bin;
	uint32_t bin_index; /* tcache, fastbin or bin number */
};

/* A word among the bytes that leads into a chunk. */
struct window_link {
	uint32_t at;          /* offset of the word in the bytes */
	bool is_revealed;     /* it was mangled by safe-linking; `value` is what it means */
	uint64_t value;       /* where it points to */
	uint64_t chunk, size; /* the chunk that holds that place */
	enum chunk_state state;
};

struct window {
	struct window_request asked;
	uint64_t walk_taken_ns; /* CLOCK_REALTIME of the walk that the chunks are from */
	uint64_t chunks_lost; /* chunks of that walk that found no room: what follows is unknown */
	uint64_t
	        known_end; /* the scope from here on was not walked: it grew since, or chunks were lost */
	uint32_t word; /* bytes of a target's word */

	struct window_cell *cells;
	size_t cell_count;
	struct window_cell *strip; /* the scope in at most WINDOW_STRIP_MAX cells of `strip_cell` */
	size_t strip_count;
	uint64_t strip_cell;
	uint64_t pages_end; /* residency is known below this address; 0: not at all */
	struct window_class classes[WINDOW_CLASSES];

	struct window_chunk *chunks; /* by address */
	size_t chunk_count;
	bool has_before, has_after; /* there are others beyond the list */

	struct window_chunk holder; /* the chunk that holds bytes_at; size 0: none does */
	uint8_t *bytes;             /* asked.bytes_len of them, 0 where not readable */
	uint8_t *status;            /* enum mem_status of each WINDOW_GRANULE */
	struct window_link *links;  /* by offset */
	size_t link_count;
};

/* --- making one: pure, on the region of the part ------------------------------------------------ */

/* What the digest needs to know of the target. */
struct window_rules {
	uint32_t page;         /* bytes, a power of two */
	uint32_t word;         /* bytes */
	uint64_t min_large;    /* first large chunk size */
	uint64_t chunk_header; /* of a free chunk, with all its links: malloc_trim spares it */
};

/**
 * Cuts the request to its bounds and makes room for cells, strip and list. False when out of memory.
 */
bool window_init(struct region *region, const struct window_request *request,
                 const struct window_rules *rules, struct window *ret);

/**
 * Digests a walk's chunks and the pages of the scope (`ranges` cover it from scope_start without gaps;
 * none: not known) into cells, strip, classes and the list, which holds chunks of the scope only.
 */
void window_digest(const struct chunk_spool *spool, const struct mem_range *ranges,
                   size_t range_count, const struct window_rules *rules, struct window *window);

/** Finds the chunks that links' values lie in; those that lie in none are dropped. */
void window_resolve(const struct chunk_spool *spool, struct window *window);

/** The cell of a window that holds an address; NULL: none. */
const struct window_cell *window_cell_at(const struct window *window, uint64_t addr);

/** The chunk of the list at an address; NULL: not in the list. */
const struct window_chunk *window_chunk_at(const struct window *window, uint64_t addr);

#endif
