/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_FACTS_SOURCE_H
#define HEAPTOP_MODEL_FACTS_SOURCE_H

/**
 * What yields snapshots: a live process, later a core file or a recorded session. Sources differ only
 * here; everything above decodes, ranks and draws in the same way.
 * A source is used by one thread (the sampler, or a command of the command line).
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "model/base/err.h"
#include "model/facts/chunk.h"
#include "model/facts/memory.h"
#include "model/facts/snapshot.h"

/* What to read anew; the rest is shared with the previous snapshot. */
enum take_what {
	TAKE_PROCESS = 1 << 0,   /* status, statm, faults */
	TAKE_VMAS = 1 << 1,      /* maps */
	TAKE_HEADERS = 1 << 2,   /* arena headers, tops, tcaches, mp_ */
	TAKE_LISTS = 1 << 3,     /* bins and fastbins */
	TAKE_WALK = 1 << 4,      /* every chunk */
	TAKE_MMAPPED = 1 << 5,   /* search VMAs for mmapped chunks */
	TAKE_RESIDENCY = 1 << 6, /* page map of every VMA */
	TAKE_SMAPS = 1 << 7,
	TAKE_SYSTEM = 1 << 8,  /* meminfo, vm.*, PSI, cgroup */
	TAKE_OOM = 1 << 9,     /* the table of all processes */
	TAKE_CHUNKS = 1 << 10, /* hand every chunk of the walk to `chunk_sink` */
	TAKE_FREEZE = 1 << 11, /* stop the target meanwhile */
	TAKE_WINDOW = 1 << 12, /* what `window` asks for, of the last walk that told its chunks */
	TAKE_ALL = (1 << 10) - 1,
};

struct take_request {
	uint32_t what;                       /* enum take_what */
	const struct snapshot *previous;     /* NULL: the first */
	const struct chunk_sink *chunks;     /* with TAKE_CHUNKS */
	const struct window_request *window; /* what a view looks at; NULL: none does */
};

struct source;

struct source_ops {
	const char *kind;
	/** A new snapshot with one reference; partial data is not an error. False: nothing at all. */
	bool (*take)(struct source *source, const struct take_request *request,
	             const struct snapshot **ret, struct err *reterr);
	/** The target's memory; valid until close. NULL when it can't be read. */
	struct memory *(*memory)(struct source *source);
	void (*close)(struct source *source);
};

/* How far the walk under way has come: written by the source's thread, read by any. Bytes. */
struct walk_progress {
	atomic_uint_fast64_t done, total; /* total 0: no walk is under way */
};

struct source {
	const struct source_ops *ops;
	struct walk_progress progress;
};

#endif
