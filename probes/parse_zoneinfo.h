/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_PROBES_PARSE_ZONEINFO_H
#define HEAPTOP_PROBES_PARSE_ZONEINFO_H

/** /proc/zoneinfo, /proc/pressure/memory and CPU lists as pure functions from bytes to facts. */
#include "model/facts/system.h"

/* Sums over all zones, in pages. */
struct zone_totals {
	uint64_t zones;
	uint64_t min, low, high, managed;
	/* what the kernel keeps for itself: mm/page_alloc.c:calculate_totalreserve_pages */
	uint64_t totalreserve;
};

/** False when the text has no zone with its watermarks. */
bool parse_zoneinfo(const char *text, size_t len, struct zone_totals *ret);

/** Lines "some" and "full"; what a line lacks stays unknown. False when there is neither. */
bool parse_pressure(const char *text, size_t len, struct pressure *ret_some,
                    struct pressure *ret_full);

/** How many CPUs a list such as "0-3,8" has; 0 when it is not one. */
uint32_t parse_cpu_count(const char *text, size_t len);

#endif
