/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_RUN_WORLD_H
#define HEAPTOP_MODEL_RUN_WORLD_H

/**
 * A world: a process's memory, its address space and its malloc, private to us, in which operations
 * run. It starts from a live process's bytes, from a saved snapshot, or fresh; it can be branched, and
 * each operation can be taken back. What it started from never changes.
 *
 * One thread uses a world and its branches.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/base/err.h"
#include "model/base/region.h"
#include "model/facts/memory.h"
#include "model/facts/snapshot.h"
#include "model/glibc/nptl_stack.h"
#include "model/glibc/ptmalloc.h"
#include "model/linux/lx_memory.h"
#include "model/linux/lx_mm.h"
#include "model/sim/image.h"

/* Who provides the stacks of threads that a scenario creates. */
enum world_stacks { WORLD_STACKS_GLIBC, WORLD_STACKS_OWN };

struct world_thread {
	char name[32];     /* as the scenario calls it; live ones: their tid */
	int32_t tid;       /* of the target; 0: made here */
	uint32_t pt_index; /* in ptmalloc; never used twice */
	bool is_alive;
	uint64_t stack_addr, stack_size; /* by glibc's rules, or the program's; size 0: none */
	uint64_t dtv;                    /* user memory of its dtv; 0: none */
};

struct world {
	struct region *region; /* of the family: shared by all branches */
	struct image_pool *pool;
	struct image image;
	struct lx_mm *mm;
	struct ptmalloc pt;
	struct why why;               /* `pt.why` points here when the path is wanted */
	struct world_thread *threads; /* own copy; [0] is the first thread */
	size_t thread_count, thread_room;
	uint32_t current; /* thread under way */
	enum world_stacks stacks;
	uint64_t own_stack_size;
	uint64_t stack_size;           /* that pthread_create gives by default */
	struct nptl_cache stack_cache; /* of joined threads */
	struct world_past *past;       /* threads as they were, newest first; undo needs them */
	bool is_shared;                /* region and pool belong to another world */
	const char *started_from;      /* "fresh", "live", "snapshot" */
	char note[256];                /* what is not certain of the start; empty: nothing */
	struct lx_memory memory;       /* where its pages come from */
};

/* What a world is started with. */
struct world_start {
	int glibc_minor;                /* --glibc; -1: of the target, or 36 when fresh */
	int kernel_major, kernel_minor; /* --kernel; -1: of the snapshot, or 6.18 when fresh */
	uint32_t cpus;                  /* --cpus; 0: of the snapshot, or 2 when fresh */
	struct memory *mem;             /* the target's memory; NULL: malloc starts uninitialised */
	const struct snapshot *snap;    /* NULL: fresh */
};

/** A new world on the heap; free with world_end(). */
bool world_new(const struct world_start *start, struct world **ret, struct err *reterr);
/** A branch; both go on alone. NULL when out of memory. */
struct world *world_branch(struct world *from);
void world_end(struct world *world); /* accepts NULL; branches first */

/** Adds a remark on what is not certain of the start to `note`; several are joined. */
void world_remark(struct world *world, const char *text);

/** A new thread that lives, not yet with an arena; NULL when out of memory. Moves `threads`. */
struct world_thread *world_thread_add(struct world *world, const char *name, size_t len);

/** The thread that is called so, or has that tid as its name; NULL: none that lives. */
struct world_thread *world_thread_find(struct world *world, const char *name, size_t len);

/* A part of the machine that a setting made another. */
enum world_machine { WORLD_RAM, WORLD_FREE, WORLD_SWAP, WORLD_HUGEPAGES };

/** Takes it over from the state that decides commitments. */
void world_follow_machine(struct world *world, enum world_machine what);

/** Pages of the image that are the process's. */
uint64_t world_resident(const struct world *world);

/** Called before threads or the cache of stacks change, so that it can be taken back; false when out of
 * memory. */
bool world_threads_change(struct world *world);

/* Where image and address space stood. */
struct world_mark {
	size_t image, mm;
	const struct world_past *past;
	uint32_t current;
	struct ptmalloc pt;
	struct lx_memory memory;
};

/** Keeps what is needed to take operations back from here on. */
void world_mark(struct world *world, struct world_mark *ret);
/** Takes everything since `mark` back; false: out of memory, and the world must end. */
bool world_undo(struct world *world, const struct world_mark *mark);
/** Makes everything since `mark` final; the journal's memory is used again. */
void world_commit(struct world *world, const struct world_mark *mark);

#endif
