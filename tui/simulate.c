/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/simulate.h"

#include <inttypes.h>
#include <string.h>

void simulate_begin(struct simulate_output *out)
{
	if (!out->json)
		text_simulate_begin(out);
}

void simulate_result(struct simulate_output *out, const struct op_result *result)
{
	if (out->json)
		json_simulate_result(out, result);
	else
		text_simulate_result(out, result);
}

void simulate_end(struct simulate_output *out, const struct simulate_summary *summary)
{
	if (out->json)
		json_simulate_end(out, summary);
	else
		text_simulate_end(out, summary);
}

const char *errno_word(int error)
{
	return error > 0 ? strerrorname_np(error) : NULL;
}

/* --- settings ------------------------------------------------------------------------------------ */

static void put_bound(char *to, size_t size, uint64_t bound)
{
	if (bound == UINT64_MAX)
		(void)snprintf(to, size, "unlimited");
	else
		(void)snprintf(to, size, "%" PRIu64, bound);
}

static void put_setting(FILE *out, const struct setting *s)
{
	char range[64] = "-", most[32];

	put_bound(most, sizeof(most), s->max);
	if (s->kind == SETTING_STACKS)
		(void)snprintf(range, sizeof(range), "glibc, own");
	else if (s->kind == SETTING_ARENA)
		(void)snprintf(range, sizeof(range), "busy, free");
	else if (s->kind == SETTING_THP)
		(void)snprintf(range, sizeof(range), "always, madvise, never");
	else
		(void)snprintf(range, sizeof(range), "%" PRId64 " to %s", s->min, most);
	(void)fprintf(out, "%-36s %-8s %-26s %s%s\n", s->key, s->unit, range, s->meaning,
	              s->acts ? "" : " (not simulated yet: refused)");
}

void simulate_settings(FILE *out)
{
	(void)fprintf(out, "%-36s %-8s %-26s %s\n", "key", "unit", "range", "meaning");
	for (size_t i = 0; i < SET_COUNT; i++)
		put_setting(out, &settings[i]);
}
