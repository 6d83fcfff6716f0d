/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_GLIBC_PT_WALK_H
#define HEAPTOP_MODEL_GLIBC_PT_WALK_H

/**
 * Private to pt_walk*.c, pt_anchor.c and pt_trim.c: the streamed pass over every chunk.
 *
 *	piece (256 KiB, reused)      [ ........H....H..H.........H......H...]
 *	seen (headers, in order)       H H H H H H ........ H H H
 *	                               ^ accounted when full   ^ the last 64 stay, to step back to
 *
 * Reading goes in step with the walk: a copy of the whole heap costs three times the time, and a
 * piece that is read just ahead of the walk hardly ever tears. A header is accounted only when 64
 * more have been met, so that stepping back undoes nothing.
 */
#include "model/glibc/pt.h"

enum {
	WALK_PAGE = 4096,            /* of x86-64, i386 and aarch64 as the layouts have it */
	WALK_PIECE = 256 << 10,      /* bytes read at once */
	WALK_PIECE_LEAST = 16 << 10, /* after a contradiction: the shorter, the less it tears */
	WALK_SEEN = 1024,            /* headers met before they are accounted */
	WALK_KEPT = 64,              /* of them, kept to step back to */
	WALK_LINKS_MAX = 2 << 20,    /* 48 MiB of links */
	WALK_LINKS_LEAST = 1 << 12,
	WALK_RETRIES_MAX = 4096,      /* of one walk, against hostile heaps */
	WALK_HEAP_RETRIES_MAX = 128,  /* of one heap */
	WALK_ANCHORS_MAX = 4096,      /* of one arena */
	WALK_GAP_READS_MAX = 1 << 15, /* of one walk, where somebody else moved the break */
	WALK_DEFERRED_MAX = 1 << 16,  /* runs that wait for the lists to be resolved */
};

/* A header as the stream met it. */
struct seen {
	uint64_t addr;
	uint64_t raw;  /* size word with its flags */
	uint64_t user; /* first word of user memory: fd of a free chunk, link of a cached one */
};

/* Neighbouring chunks that are free once the fastbins are consolidated. */
struct walk_run {
	uint64_t start, end;         /* start 0: none */
	size_t link_begin, link_end; /* the links that were added meanwhile */
	uint32_t arena;
	bool has_candidates; /* some may turn out not to lie in a fastbin */
};

struct walk_sum {
	uint64_t count, bytes;
};

/* What is known of an arena (or of a part of it) before its lists are. */
struct walk_tally {
	struct walk_sum in_use; /* with the candidates */
	struct walk_sum free, candidates;
	uint64_t chunks, bytes, fencepost_bytes;
	uint64_t torn_chunks, torn_bytes, unreadable;
	uint64_t trimmable;        /* resident, from runs without candidates */
	size_t deferred;           /* runs that wait, counted for a restart */
	struct walk_run top_run;   /* free up to top */
	struct walk_run below_pin; /* free below the pin */
	struct chunk_ref pin;      /* in use below top_run */
	bool is_moving;            /* the arena changed while it was walked */
};

/* Ranges of whole pages whose residency is wanted, in address order. */
struct trim_queue {
	struct trim_range {
		uint64_t start, end;
	} ranges[256];
	size_t count;
	bool is_unknown; /* residency can't be read here */
};

struct walk_anchors {
	uint64_t *at; /* chunk starts, ascending */
	size_t count;
	uint32_t arena; /* whose they are; UINT32_MAX: nobody's */
};

/* The heap under way. */
struct stream {
	uint64_t start, stop; /* first chunk; top, or the heap's end */
	uint64_t read_end;    /* behind the last byte that may be read */
	bool has_top;
	uint64_t bad_bits; /* of a size word in this arena */
	uint64_t next;     /* where the next header is */
	size_t count;      /* of seen[] */
	/* piece[0 … valid) is the target's memory at base */
	uint64_t base, valid;
	/* Chunks are large: read headers only. Judged from `mark` on. */
	bool is_sparse;
	uint64_t mark_addr, mark_chunks, chunks;
	/* stepping back */
	uint64_t bad_addr, bad_raw;
	unsigned tries, unchanged, restarts, moves;
	unsigned retries;   /* all of this heap */
	uint32_t piece_len; /* bytes to read at once: fewer while the heap is in motion */
};

/* What a restarted heap has to forget. */
struct walk_mark {
	struct walk_tally tally;
	struct bin_counter counter;
	size_t links, deferred;
};

struct walk {
	const struct decode *d;
	struct malloc_state *ms;
	const struct chunk_set *set; /* NULL: candidates go to links */
	const struct chunk_sink *sink;
	struct region *scratch;
	struct chunk_links *links;
	struct bin_counter *counters; /* one per arena */
	struct walk_tally *tallies;   /* one per arena */
	uint32_t arena_index;         /* under way, with its heap: */
	struct arena *arena;
	struct walk_tally *tally;
	struct bin_counter *counter;
	struct stream s;
	struct walk_mark mark;         /* taken when the heap was begun */
	struct walk_run run;           /* open run of free chunks */
	uint64_t fast_max, cached_max; /* largest chunk of a fastbin, of a tcache bin */
	uint64_t retries, gap_reads_left;
	struct walk_anchors anchors;
	struct trim_queue trim;
	struct walk_run *deferred;
	size_t deferred_count;
	bool deferred_overflow;
	struct seen seen[WALK_SEEN + 1]; /* one more: the header that ends a heap */
	uint8_t piece[WALK_PIECE + 64];
};

/* --- pt_walk.c ------------------------------------------------------------------------------------- */

/** The arena's top as it is now; false when unreadable. */
bool walk_read_top(struct walk *w, uint64_t *ret);
/** Forgets what was accounted of the heap under way and puts the stream at its start. */
void walk_restart(struct walk *w);

/* --- pt_walk_stream.c ------------------------------------------------------------------------------ */

/** Walks one heap from w->s.start to w->s.stop; w->s is otherwise zero. */
void walk_stream(struct walk *w);

/* --- pt_walk_piece.c ------------------------------------------------------------------------------- */

/** Reads from the next header on; false when that can't be read, with the reason. */
bool walk_read_piece(struct walk *w, enum mem_status *ret_status);
/** What was read is no longer to be relied on. */
void walk_drop_piece(struct stream *s);

/* --- pt_walk_account.c ------------------------------------------------------------------------------ */

/** Accounts seen[0 … n), whose last one seen[n] decides, and moves the others down. */
void walk_account(struct walk *w, size_t n);

/* --- pt_anchor.c ------------------------------------------------------------------------------------- */

/** The first chunk start above `addr` and below w->s.stop that the arena's own lists name; else stop. */
uint64_t walk_anchor_above(struct walk *w, uint64_t addr);

/* --- pt_trim.c --------------------------------------------------------------------------------------- */

/** Ends the open run, which reaches to a chunk in use. */
void walk_run_end(struct walk *w);
/** Adds what is waiting in the queue to the arena under way. */
void walk_trim_flush(struct walk *w);
/** Once lists are resolved: deferred runs, tops, pins → the arenas. */
void walk_trim_finish(struct walk *w);

#endif
