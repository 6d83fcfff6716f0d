/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_RUN_GROWTH_H
#define HEAPTOP_MODEL_RUN_GROWTH_H

/** What grew since a mark: the totals, each arena, each kind of VMA, size classes. */
#include "model/run/past.h"

enum growth_group {
	GROWTH_TOTAL, /* `index` is an enum history_series */
	GROWTH_ARENA, /* `object` its address, `index` its place in the ring now */
	GROWTH_KIND,  /* `index` an enum vma_kind */
	GROWTH_CLASS, /* chunks of one size, free or in tcaches: `object` is the chunk size */
	GROWTH_GROUP_COUNT
};

struct growth_row {
	enum growth_group group;
	size_t index;
	uint64_t object;
	bool is_bytes; /* else a count */
	struct fact then, now;
	struct fact count_then, count_now; /* chunks, mappings; unknown where that says nothing */
};

enum { GROWTH_ROWS = 160 };

/**
 * Writes the rows, totals first, then the groups with the largest change of each first; returns how
 * many. A figure that one of both sides does not know has no change.
 */
size_t growth_since(const struct mark *mark, const struct snapshot *now,
                    struct growth_row ret[GROWTH_ROWS]);

/** now - then, saturated; false when one of both is not known. */
bool growth_change(const struct growth_row *row, int64_t *ret);

#endif
