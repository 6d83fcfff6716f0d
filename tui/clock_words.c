/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/clock_words.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define NS_PER_S UINT64_C(1000000000)

#define MIN_S  UINT64_C(60)
#define HOUR_S UINT64_C(3600)
#define DAY_S  UINT64_C(86400)

char *clock_words(char buf[CLOCK_WORDS], uint64_t time_ns)
{
	time_t seconds = (time_t)(time_ns / NS_PER_S);
	struct tm local;

	if (!localtime_r(&seconds, &local) || !strftime(buf, CLOCK_WORDS, "%H:%M:%S", &local))
		(void)snprintf(buf, CLOCK_WORDS, "?");
	return buf;
}

char *span_words(char buf[CLOCK_WORDS], uint64_t span_ns)
{
	uint64_t s = span_ns / NS_PER_S;

	if (s < 10 && span_ns % NS_PER_S >= NS_PER_S / 10)
		(void)snprintf(buf, CLOCK_WORDS, "%" PRIu64 ".%" PRIu64 " s", s,
		               span_ns % NS_PER_S / (NS_PER_S / 10));
	else if (s < 2 * MIN_S)
		(void)snprintf(buf, CLOCK_WORDS, "%" PRIu64 " s", s);
	else if (s < 2 * HOUR_S)
		(void)snprintf(buf, CLOCK_WORDS, "%" PRIu64 " min", s / MIN_S);
	else if (s < 2 * DAY_S)
		(void)snprintf(buf, CLOCK_WORDS, "%" PRIu64 " h %02" PRIu64, s / HOUR_S,
		               s % HOUR_S / MIN_S);
	else
		(void)snprintf(buf, CLOCK_WORDS, "%" PRIu64 " d %" PRIu64 " h", s / DAY_S,
		               s % DAY_S / HOUR_S);
	return buf;
}
