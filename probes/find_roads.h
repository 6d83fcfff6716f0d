/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_PROBES_FIND_ROADS_H
#define HEAPTOP_PROBES_FIND_ROADS_H

/**
 * Private to find_*.c: the roads to main_arena and mp_ of one glibc, each independent of the others
 * as far as that is possible. The verdict over them is find_arena.c's.
 *
 *	symbols		.symtab of the file itself or of its debug file
 *	relocation	main_arena.next points to main_arena from the start: one relative relocation
 *	pattern		mp_'s default thresholds in the file's data
 *	scan		what main_arena and mp_ look like, in the live .data
 *	heap_info	from the heaps of other arenas back along the ring
 */
#include "model/glibc/decode.h"
#include "probes/find.h"
#include "probes/find_modules.h"

enum { ROADS_MAX = 12 };

struct roads {
	/* in */
	int32_t pid;
	const struct vma_set *vmas;
	struct memory *mem;
	struct region *region;
	const struct module *module;
	enum abi abi;
	const struct malloc_layout *row; /* by the version it says it is; NULL: none */

	/* .data by virtual address of the file; both copies have `len` bytes */
	uint64_t data_vaddr;
	size_t len;
	uint8_t *file_data, *live_data;
	bool has_live; /* all of live_data could be read */

	/* out: target addresses, 0: not found */
	uint64_t symbol, relocation, scan, heaps;
	uint64_t mp_symbol, mp_pattern, mp_scan;
	uint32_t next_offset;          /* the relocation's: tells the layout generation */
	struct pt_candidate candidate; /* the scan's best */
	int mp_score;
	struct road list[ROADS_MAX];
	size_t count;

	struct heap_facts scratch; /* takes errors of recognisers, which are no news here */
};

/** Reads .data from the file and from the process; false: the file has none, or no memory. */
bool roads_start(struct roads *roads);
void roads_end(struct roads *roads);

void road_symbols(struct roads *roads);
void road_relocation(struct roads *roads);
void road_pattern(struct roads *roads);
/** Scans for main_arena in `only`, or in every layout when that is NULL or does not fit. */
void road_scan(struct roads *roads, const struct malloc_layout *only);
/** mp_ in the live data, given main_arena. */
void road_scan_mp(struct roads *roads, const struct pt_candidate *main_arena);
/** From heaps to main_arena; `layout` has heap_max set. */
void road_heaps(struct roads *roads, const struct malloc_layout *layout);

/* --- find_layout.c ------------------------------------------------------------------------------- */

/** The row by version, unless the relocation or the scan saw another struct malloc_state; or NULL. */
const struct malloc_layout *layout_choose(const struct roads *roads);
/** With main_arena known: the row that mp_ and the first tcache fit as well. */
const struct malloc_layout *layout_refine(struct roads *roads, const struct malloc_layout *row,
                                          uint64_t main_arena);

/* --- find_private.c ------------------------------------------------------------------------------ */

/** Fills ret->private; main_arena, mp_ and the layout must be known. */
void private_find(int32_t pid, const struct module *libc, struct memory *mem, int minor,
                  struct found_malloc *ret);

/** What the recognisers and decoders need. */
struct decode roads_decode(struct roads *roads, const struct malloc_layout *layout);

#endif
