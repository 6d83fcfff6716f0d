/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as smaps, in pieces of any size, into the set that the same bytes make as maps. */
#include <stdlib.h>

#include "probes/parse_maps.h"
#include "probes/parse_smaps.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct region *region = region_new();
	size_t piece = size ? 1 + data[0] : 1, from = 0, to = 0;
	struct smaps_pos pos = { 0 };
	struct vma_set set;

	if (!region || !parse_maps(text, size, region, &set, NULL)) {
		region_free(region);
		return 0;
	}
	while (to < size) {
		size_t taken;

		to = size - to < piece ? size : to + piece;
		taken = parse_smaps(text + from, to - from, &set, &pos);
		if (taken > to - from || pos.next > set.count)
			abort();
		from += taken;
	}
	region_free(region);
	return 0;
}
