/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as maps: the set is sorted, its names lie inside, and classifying it ends well. */
#include <stdlib.h>

#include "model/linux/lx.h"
#include "probes/parse_maps.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct region *region = region_new();
	struct process_facts process = { 0 };
	struct vma_set set;
	uint64_t reached = 0;

	if (!region || !parse_maps((const char *)data, size, region, &set, NULL)) {
		region_free(region);
		return 0;
	}
	must(set.count <= size);
	for (size_t i = 0; i < set.count; i++) {
		const struct vma *v = &set.at[i];

		must(v->start < v->end && v->start >= reached);
		must((uint64_t)v->name_at + v->name_len <= set.names_len);
		reached = v->end;
	}
	lx_classify_vmas(&set, NULL, &process, 0);
	lx_find_break(&set, &process);
	must(lx_map_count(&set) <= set.count);
	region_free(region);
	return 0;
}
