/* SPDX-License-Identifier: GPL-2.0-or-later */
/* malloc's memory at the end of a scenario, for tests/diff: {address, length, bytes}… */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/base/units.h"
#include "model/run/world_words.h"
#include "tui/simulate.h"

enum { RANGES_MAX = 4096 };

/* Pages whose bytes were not copied are left out. */
static bool write_range(const struct world *world, struct world_range range, FILE *to)
{
	uint8_t bytes[IMAGE_PAGE];
	bool ok = true;

	while (ok && range.len) {
		uint64_t part = IMAGE_PAGE - range.addr % IMAGE_PAGE;

		part = part < range.len ? part : range.len;
		if (image_peek(&world->image, range.addr, bytes, part)) {
			ok = fwrite(&range.addr, sizeof(range.addr), 1, to) == 1 &&
			     fwrite(&part, sizeof(part), 1, to) == 1 &&
			     fwrite(bytes, 1, part, to) == part;
		}
		range.addr += part;
		range.len -= part;
	}
	return ok;
}

bool simulate_words(const struct world *world, const char *path, struct err *reterr)
{
	struct world_range *ranges = calloc(RANGES_MAX, sizeof(*ranges));
	size_t count = ranges ? world_malloc_ranges(world, ranges, RANGES_MAX) : 0;
	FILE *to = ranges ? fopen(path, "we") : NULL;
	bool ok = to != NULL;

	for (size_t i = 0; ok && i < count; i++)
		ok = write_range(world, ranges[i], to);
	if (to && fclose(to) != 0)
		ok = false;
	free(ranges);
	return ok || err_set(reterr, ERR_FAILED, errno, path, strerrordesc_np(errno));
}
