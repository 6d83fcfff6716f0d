/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probes/parse_zoneinfo.h"

#include "probes/parse_words.h"

#define CPUS_MAX 65536u

/* One zone while its lines come by. */
struct zone {
	bool is_open;
	uint64_t min, low, high, managed, protection;
};

static void add(uint64_t *sum, uint64_t value)
{
	if (__builtin_add_overflow(*sum, value, sum))
		*sum = UINT64_MAX;
}

/* A zone withholds its high watermark and what it keeps for lower zones, at most all of itself. */
static void close_zone(struct zone *zone, struct zone_totals *totals)
{
	uint64_t reserve = zone->protection;

	if (!zone->is_open)
		return;
	add(&reserve, zone->high);
	if (reserve > zone->managed)
		reserve = zone->managed;
	totals->zones++;
	add(&totals->min, zone->min);
	add(&totals->low, zone->low);
	add(&totals->high, zone->high);
	add(&totals->managed, zone->managed);
	add(&totals->totalreserve, reserve);
	zone->is_open = false;
}

/* "(0, 3840, 18289)": the largest one; entries for the zone itself and below are 0. */
static uint64_t largest_protection(struct span rest)
{
	uint64_t largest = 0, value;

	while (rest.len) {
		if (!span_number(&rest, &value)) {
			rest.at++;
			rest.len--;
		} else if (value > largest) {
			largest = value;
		}
	}
	return largest;
}

static void read_zone_line(struct zone *zone, struct span key, struct span rest)
{
	struct span word;
	uint64_t *to = NULL;

	if (span_is(key, "min"))
		to = &zone->min;
	else if (span_is(key, "low"))
		to = &zone->low;
	else if (span_is(key, "high"))
		to = &zone->high;
	else if (span_is(key, "managed"))
		to = &zone->managed;
	if (to && span_word(&rest, &word))
		(void)span_number(&word, to);
	if (span_is(key, "protection:"))
		zone->protection = largest_protection(rest);
}

bool parse_zoneinfo(const char *text, size_t len, struct zone_totals *ret)
{
	struct span rest = { text, len }, line, key;
	struct zone_totals totals = { 0 };
	struct zone zone = { 0 };

	while (span_line(&rest, &line)) {
		if (!span_word(&line, &key))
			continue;
		if (span_is(key, "Node")) {
			close_zone(&zone, &totals);
			zone = (struct zone){ .is_open = true };
		} else if (zone.is_open) {
			read_zone_line(&zone, key, line);
		}
	}
	close_zone(&zone, &totals);
	if (!totals.zones || !totals.high)
		return false;
	*ret = totals;
	return true;
}

/* "0.12" as 12. The kernel always prints two decimals. */
static bool read_hundredths(struct span *rest, struct fact *ret)
{
	uint64_t whole, part;

	if (!span_number(rest, &whole) || !span_skip(rest, ".") || rest->len < 2 ||
	    !span_number(rest, &part) || whole > 1000 || part > 99)
		return false;
	*ret = fact_of(whole * 100 + part);
	return true;
}

static void read_pressure_line(struct span rest, struct pressure *ret)
{
	struct span word;
	uint64_t total;

	while (span_word(&rest, &word)) {
		if (span_skip(&word, "avg10="))
			(void)read_hundredths(&word, &ret->avg10);
		else if (span_skip(&word, "avg60="))
			(void)read_hundredths(&word, &ret->avg60);
		else if (span_skip(&word, "avg300="))
			(void)read_hundredths(&word, &ret->avg300);
		else if (span_skip(&word, "total=") && span_number(&word, &total))
			ret->total_us = fact_of(total);
	}
}

bool parse_pressure(const char *text, size_t len, struct pressure *ret_some,
                    struct pressure *ret_full)
{
	struct span rest = { text, len }, line, key;
	bool found = false;

	while (span_line(&rest, &line)) {
		if (!span_word(&line, &key))
			continue;
		if (span_is(key, "some"))
			read_pressure_line(line, ret_some);
		else if (span_is(key, "full"))
			read_pressure_line(line, ret_full);
		else
			continue;
		found = true;
	}
	return found;
}

uint32_t parse_cpu_count(const char *text, size_t len)
{
	struct span rest = { text, len };
	uint64_t count = 0;

	for (;;) {
		uint64_t first, last;

		if (!span_number(&rest, &first))
			return 0;
		last = first;
		if (span_skip(&rest, "-") && !span_number(&rest, &last))
			return 0;
		if (last < first || last >= CPUS_MAX)
			return 0;
		count += last - first + 1;
		if (!span_skip(&rest, ","))
			break;
	}
	(void)span_skip(&rest, "\n");
	return rest.len || count > CPUS_MAX ? 0 : (uint32_t)count;
}
