/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long it takes to read a scenario of a million lines. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "model/run/scenario.h"
#include "tests/lib/bench.h"

enum { LINES = 1000000, NAMES = 65536, RUNS = 7 };

/* Of one processor: other work on the machine is not counted. */
static double seconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static char *make_text(size_t *ret_len)
{
	char *text = malloc((size_t)LINES * 32);
	uint32_t state = 1;
	size_t len = 0;

	for (size_t i = 0; text && i < LINES; i++) {
		state = state * 1664525u + 1013904223u;
		len += (size_t)sprintf(text + len, i % 2 ? "free a%u\n" : "a%u = malloc %u\n",
		                       (state >> 8) % NAMES, 16 + (state >> 20) % 497);
	}
	*ret_len = len;
	return text;
}

int main(void)
{
	double figures[RUNS];
	size_t len;
	char *text = make_text(&len);

	if (!text)
		return 1;
	for (size_t i = 0; i < RUNS; i++) {
		struct region *region = region_new();
		struct scenario scenario;
		struct err err;
		double start = seconds();

		if (!region || !scenario_parse(region, text, len, "bench", &scenario, &err) ||
		    scenario.row_count != LINES)
			return 1;
		figures[i] = seconds() - start;
		region_free(region);
	}
	bench_at_most("scenario of a million lines, read", bench_median(figures, RUNS), 0.2, "s");
	free(text);
	return 0;
}
