/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as zoneinfo, pressure and CPU list: sums hold together, counts stay bounded. */
#include <stdlib.h>

#include "probes/parse_zoneinfo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct pressure some = { 0 }, full = { 0 };
	struct zone_totals totals;

	if (parse_zoneinfo(text, size, &totals)) {
		must(totals.zones > 0 && totals.zones <= size);
		must(totals.totalreserve <= totals.managed);
	}
	if (parse_pressure(text, size, &some, &full))
		must(fact_or(some.avg10, 0) <= 100099 && fact_or(full.avg300, 0) <= 100099);
	must(parse_cpu_count(text, size) <= 65536);
	return 0;
}
