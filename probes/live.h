/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_PROBES_LIVE_H
#define HEAPTOP_PROBES_LIVE_H

/**
 * Private to live*.c: a live process as a source. One thread owns it.
 *
 * A take reads only what it is asked for; every other part is shared with the snapshot before. The
 * order is fixed by need: VMAs before memory (reads check them), memory before the VMAs' kinds (what
 * malloc owns names them), system before the OOM table (the limit that bites first bounds it).
 */
#include "model/facts/source.h"
#include "model/glibc/decode.h"
#include "model/rules/linux.h"
#include "probes/find.h"
#include "probes/read.h"

struct live {
	struct source base;
	struct proc proc;
	struct maps_cache *maps;
	struct memory *mem; /* NULL: refused */
	struct tasks *tasks;
	const struct linux_rules *rules;
	struct part *last[PART_COUNT]; /* newest of each kind */
	struct region *found_region;   /* owns texts of `library` and `found` */
	struct heap_facts no_errors;   /* where those of a look at single chunks go */
	struct heap_facts library;     /* library, roads and confidence, found at attach */
	struct found found;
	bool is_searched;         /* `library` and `found` hold for the present program */
	uint64_t library_maps;    /* hash of the executable mappings when it was searched */
	bool vmas_are_ours;       /* no snapshot shows last[PART_VMAS] yet: it may be written to */
	uint64_t vma_kinds;       /* what the kinds in last[PART_VMAS] were derived from */
	int32_t thread_count;     /* when threads were last looked for */
	bool vmas_changed;        /* since modules were last looked at */
	uint64_t threads_took_ns; /* the last search for threads */
	uint64_t
	        threads_due_ns; /* monotonic: sooner it is not repeated because their number changed */
	bool threads_are_new;    /* looked for in the reading under way */
	uint64_t lists_took_ns;  /* the last reading of lists without a walk */
	bool found_at_startup;   /* malloc was still unused: look again when it may have begun */
	uint32_t second_looks;   /* done since the modules changed, because confidence was not A */
	uint64_t second_look_ns; /* monotonic: when the next one is due */
	/* the target's CPU clock before each kind of reading of its heap: equal now, nothing ran */
	uint64_t read_at_cpu_ns[4]; /* headers, lists, walk, mmapped: bit order of enum take_what */
	uint64_t seq;
	uint64_t cpu_ns, wall_ns;   /* of heaptop itself, at the last sample */
	struct chunk_spool *chunks; /* of the last walk while a view looks at them; NULL: none */
	struct chunk_spool *fresh_chunks; /* filled by the walk under way */
	char mem_denied[256];             /* why memory can't be read; empty: it can */
};

/** Exchanges live->last[kind] for `fresh`, whose reference it takes over. */
void live_keep(struct live *live, enum part_kind kind, struct part *fresh);

/* --- live_vmas.c --- */

/** Reads maps; on failure keeps the old list and notes the reason. False: no list at all. */
bool live_read_vmas(struct live *live, uint64_t now_ns, struct err *reterr);

/**
 * A list of our own to write into: residency and smaps as asked, kinds and charge from the newest
 * heap. Leaves the shared list alone when nothing would change.
 */
bool live_refine_vmas(struct live *live, uint32_t what, uint64_t now_ns,
                      struct sample_facts *sample);

/* --- live_heap.c --- */

/** Decodes malloc as far as `what` asks; true when the heap part was exchanged. */
bool live_read_heap(struct live *live, uint32_t what, uint64_t now_ns,
                    const struct chunk_sink *chunks, struct sample_facts *sample);

/** For the program's own malloc, on any region. Errors go nowhere. */
struct decode live_decode_of(struct live *live, struct region *region);

/* --- live_window.c --- */

/**
 * Before the heap is read: where its chunks are to go when a view looks at them, and then *what asks
 * for the walk; NULL: they were kept from an earlier one, or nobody looks.
 */
const struct chunk_sink *live_window_begin(struct live *live, const struct take_request *request,
                                           uint32_t *what);

/** After the heap was read, with TAKE_WINDOW: answers request->window. */
void live_read_window(struct live *live, const struct take_request *request, uint64_t now_ns,
                      struct sample_facts *sample);

void live_forget_chunks(struct live *live);

#endif
