/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_FACTS_HEAP_COPY_H
#define HEAPTOP_MODEL_FACTS_HEAP_COPY_H

#include "model/base/region.h"
#include "model/facts/heap.h"

/**
 * A deep copy on `region`, so that a tick can refresh the figures of the last sample while that one
 * stays as it was. False when out of memory; *to is then not to be used.
 */
bool heap_facts_copy(struct region *region, const struct heap_facts *from, struct heap_facts *to);

/**
 * Hands what only a walk can tell on to facts that were decoded anew without one, for arenas that
 * are still there. Counts become estimates: they are of the older instant.
 */
void heap_facts_inherit_walk(const struct heap_facts *older, struct heap_facts *newer);

#endif
