/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TESTS_LIB_DECODED_CHILD_H
#define HEAPTOP_TESTS_LIB_DECODED_CHILD_H

/** A child_target with its malloc decoded: arenas with heaps, and a tcache for each arena's first owner. */
#include "model/glibc/decode.h"
#include "tests/lib/child_target.h"

struct decoded_child {
	struct child_target *target;
	struct region *region;
	struct heap_facts heap;
	struct decode d;
	struct malloc_state ms;
	uint64_t sbrk_base;
};

/**
 * Decodes the child as it is now. Each arena's first chunk must be a tcache or free (true to 2.41 for
 * threads that malloc in arenas of their own): false when it is not.
 */
bool decoded_child_open(struct decoded_child *child, struct child_target *target);
void decoded_child_close(struct decoded_child *child);

/** Bytes that system_mem counts but no chunk covers: headers of heaps and arenas, alignment. */
uint64_t decoded_child_overhead(const struct decoded_child *child, const struct arena *arena);

#endif
