/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/lib/world_run.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES = 64, THREADS = 4, LINE_MAX = 96 };

/* --- running ------------------------------------------------------------------------------------------ */

static void must(bool ok, const struct err *err)
{
	if (ok)
		return;
	(void)fprintf(stderr, "%s: %s\n", err->what, err->why);
	abort();
}

void world_run_start(struct world_run *run, int minor, const char *text, bool with_path)
{
	const struct world_start from = {
		.glibc_minor = minor, .kernel_major = 6, .kernel_minor = 18, .cpus = 2
	};
	struct err err = { 0 };

	memset(run, 0, sizeof(*run));
	run->region = region_new();
	run->text = strdup(text);
	if (!run->region || !run->text)
		abort();
	must(world_new(&from, &run->world, &err), &err);
	if (with_path) {
		run->world->pt.why = &run->world->why;
		lx_mm_set_why(run->world->mm, &run->world->why);
	}
	must(scenario_parse(run->region, run->text, strlen(text), "test", &run->scenario, &err),
	     &err);
	must(operate_start(&run->operate, run->region, run->world, &run->scenario, &err), &err);
	scenario_start(&run->cursor, &run->scenario);
}

bool world_run_step(struct world_run *run, struct op_result *ret)
{
	static struct operation op; /* results point to it */
	struct err err = { 0 };
	bool is_end = false;

	if (run->operate.is_over)
		return false;
	must(scenario_next(&run->cursor, &op, &is_end, &err), &err);
	if (is_end)
		return false;
	must(operate_run(&run->operate, &op, ret, &err), &err);
	if (ret->outcome == OUTCOME_ENOMEM)
		scenario_tell(&run->cursor, UNTIL_ENOMEM);
	return true;
}

enum outcome world_run_all(struct world_run *run)
{
	struct op_result result = { 0 };

	while (world_run_step(run, &result))
		;
	return result.outcome;
}

void world_run_end(struct world_run *run)
{
	world_end(run->world);
	region_free(run->region);
	free(run->text);
	memset(run, 0, sizeof(*run));
}

/* --- making up ------------------------------------------------------------------------------------------ */

struct maker {
	uint32_t seed;
	char *text;
	size_t len, room;
};

static uint32_t any(struct maker *m, uint32_t below)
{
	m->seed = m->seed * 1664525u + 1013904223u;
	return (m->seed >> 8) % below;
}

__attribute__((format(printf, 2, 3))) static void line(struct maker *m, const char *format, ...)
{
	va_list args;

	if (m->room - m->len < LINE_MAX) {
		m->room = m->room * 2 + 4 * LINE_MAX;
		m->text = realloc(m->text, m->room);
		if (!m->text)
			abort();
	}
	va_start(args, format);
	m->len += (size_t)vsnprintf(m->text + m->len, LINE_MAX, format, args);
	va_end(args);
}

static uint32_t any_size(struct maker *m)
{
	switch (any(m, 16)) {
	case 0:
		return any(m, 400000);
	case 1:
	case 2:
		return any(m, 40000);
	case 3:
	case 4:
	case 5:
		return any(m, 3000);
	default:
		return any(m, 300);
	}
}

static void rare(struct maker *m)
{
	static const char *const params[] = { "M_TRIM_THRESHOLD", "M_TOP_PAD", "M_MMAP_THRESHOLD" };

	switch (any(m, 6)) {
	case 0:
		line(m, "trim %u\n", any(m, 3) * 4096);
		break;
	case 1:
		line(m, "mallopt %s %u\n", params[any(m, 3)], 20000 + any(m, 200000));
		break;
	case 2:
		line(m, "mallopt M_MXFAST %u\n", any(m, 2) * 80);
		break;
	case 3:
		line(m, "exit_thread t%u\n", any(m, THREADS));
		break;
	default:
		if (any(m, 3))
			line(m, "thread t%u\n", any(m, THREADS));
		else
			line(m, "thread main\n");
	}
}

char *world_run_random(uint32_t seed, size_t length, bool frees_all)
{
	struct maker m = { .seed = seed };

	for (size_t i = 0; i < length; i++) {
		uint32_t name = any(&m, NAMES), what = any(&m, 100);

		if (what < 40) {
			line(&m, "free b%u\nb%u = malloc %u\n", name, name, any_size(&m));
		} else if (what < 75) {
			line(&m, "free b%u\n", name);
		} else if (what < 82) {
			line(&m, "free b%u\nb%u = calloc %u %u\n", name, name, 1 + any(&m, 8),
			     any_size(&m) / 4);
		} else if (what < 92) {
			line(&m, "b%u = realloc b%u %u\n", name, name, 1 + any_size(&m));
		} else if (what < 96) {
			line(&m, "free b%u\nb%u = memalign %u %u\n", name, name, 16u << any(&m, 10),
			     any_size(&m));
		} else {
			rare(&m);
		}
	}
	for (uint32_t i = 0; frees_all && i < NAMES; i++)
		line(&m, "free b%u\n", i);
	line(&m, "thread main\n");
	for (uint32_t i = 0; frees_all && i < THREADS; i++)
		line(&m, "exit_thread t%u\n", i);
	return m.text;
}
