/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_RUN_OPERATE_H
#define HEAPTOP_MODEL_RUN_OPERATE_H

/**
 * Runs a scenario's operations in a world, one at a time: which block a name is bound to, which thread
 * is under way, and what came of it. Results hold numbers; writers make words of them.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/base/err.h"
#include "model/glibc/nptl_stack.h"
#include "model/run/scenario.h"
#include "model/run/settings.h"
#include "model/run/world.h"

enum outcome {
	OUTCOME_OK,
	OUTCOME_ENOMEM,
	OUTCOME_OOM, /* `outcome_text` is PID NAME POINTS of the victim */
	OUTCOME_SEGV,
	OUTCOME_ABORT,   /* `outcome_text` is glibc's message */
	OUTCOME_HANG,    /* malloc would not return */
	OUTCOME_PANIC,   /* the kernel gives up */
	OUTCOME_UNKNOWN, /* the prediction ends here; `outcome_text` says why */
	OUTCOME_COUNT
};

/* What a name is bound to. */
struct binding {
	uint64_t addr;
	uint64_t size;   /* of a mapping; 0: a block of malloc's */
	uint32_t number; /* of a child, later ones higher; with what it is charged in `size` */
	int32_t pid;     /* of a child */
	uint8_t state;   /* enum binding_state */
	bool was_given;  /* alive or dead, an operation has assigned it */
	bool was_missed; /* it was read before, which was told */
};

enum binding_state { BOUND_DEAD, BOUND_BLOCK, BOUND_MAPPING, BOUND_CHILD };

struct operate {
	struct region *region;
	struct world *world;
	struct scenario *scenario; /* whose names these are */

	struct binding *names; /* by id */
	size_t name_room;
	uint32_t *threads; /* by id of the name: index into world->threads + 1 */
	size_t thread_room;

	uint64_t child_count;
	bool keeps_journal; /* operations can be taken back with world_undo(); else each one is final */
	bool is_arena_busy;
	bool is_free_set;    /* system.mem_free was set and is not to follow system.mem_total */
	bool is_contestable; /* settings since the last operation may contradict each other */
	bool has_begun;      /* something else than a setting was run */
	bool is_over;        /* the process has ended: nothing more can be run */
	uint64_t count;      /* operations so far */
	struct world_mark start;
};

struct op_result {
	uint64_t n;
	const struct operation *op;
	const char *thread; /* that ran it */
	struct sys *sys;    /* its system calls */
	struct why *why;    /* its path; NULL: not asked for */

	bool misses_name; /* op->src was never assigned: told once of each name */
	bool has_addr, has_block, has_ret, has_dtv, is_skipped;
	uint64_t addr;
	uint64_t usable, size_word; /* with has_block */
	int64_t ret;
	int error; /* errno; 0: none */
	uint64_t dtv, dtv_usable;
	int64_t commit_pages, rss_pages; /* changes */
	uint64_t
	        huge_faults; /* huge pages that it is taken to have got: an estimate of 512 pages each */
	uint64_t
	        band_pages; /* the kernel may have decided otherwise: by how much its counter may err; 0: it can't */
	enum outcome outcome;
	bool is_dead; /* of OUTCOME_OOM: the process itself was killed */
	char outcome_text[640];
	struct lx_pressure pressure;
};

/** Starts; the world's directives (`#!`) are applied. Memory is from `region`. */
bool operate_start(struct operate *operate, struct region *region, struct world *world,
                   struct scenario *scenario, struct err *reterr);

/** Applies one setting to the world. */
bool operate_set(struct operate *operate, const struct setting_value *value, struct err *reterr);

/** False: what was set can't all be so; the error names the setting. */
bool operate_check(const struct operate *operate, struct err *reterr);

/** Runs one operation. False: it can't be run at all (an error of the scenario, no memory). */
bool operate_run(struct operate *operate, const struct operation *op, struct op_result *ret,
                 struct err *reterr);

/** The outcome as its word: "ok", "enomem", "oom", "segv", "abort", "hang", "panic", "unknown". */
const char *outcome_word(enum outcome outcome);

/** True when the process does not live on. */
bool outcome_is_fatal(enum outcome outcome);

#endif
