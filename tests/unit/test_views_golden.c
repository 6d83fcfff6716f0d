/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every view at the three sizes that screens are designed for, against dumps that were looked at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/lib/screen.h"

static const struct {
	int width, height;
} sizes[] = { { 80, 24 }, { 120, 36 }, { 200, 50 } };

static const struct {
	const char *name;
	const struct view_ops *view;
	int pages_narrow; /* at 80×24: what Tab turns through */
} subjects[] = {
	{ "overview", &view_overview, 3 }, { "arenas", &view_arenas, 4 },
	{ "vmas", &view_vmas, 2 },         { "oom", &view_oom, 3 },
	{ "timeline", &view_timeline, 2 }, { "events", &view_events, 1 },
	{ "threads", &view_threads, 2 },   { "help", &view_help, 1 },
};

static void draw_one(const struct view_ops *view, const struct sample *sample, const char *name,
                     int width, int height, int page)
{
	struct screen screen;
	char file[80];

	screen_init(&screen, width, height);
	screen.state.pane = (uint8_t)page;
	screen_draw(&screen, view, sample);
	if (page)
		(void)snprintf(file, sizeof(file), "%s-%dx%d-page%d", name, width, height,
		               page + 1);
	else
		(void)snprintf(file, sizeof(file), "%s-%dx%d", name, width, height);
	screen_golden(&screen, file);
	screen_fini(&screen);
}

static void views_look_as_they_were_approved(void **state)
{
	struct sample sample;

	(void)state;
	sample_new(&sample);
	for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
		for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
			int pages = s == 0 ? subjects[i].pages_narrow : 1;

			for (int page = 0; page < pages; page++)
				draw_one(subjects[i].view, &sample, subjects[i].name,
				         sizes[s].width, sizes[s].height, page);
		}
	}
	sample_free(&sample);
}

/* What is shown of a process that may not be read, and of one whose malloc is not glibc's. */
static void states_look_as_they_were_approved(void **state)
{
	struct sample sample;

	(void)state;
	sample_new(&sample);
	sample_make_unknown(&sample);
	draw_one(&view_overview, &sample, "overview-unknown", 120, 36, 0);
	draw_one(&view_arenas, &sample, "arenas-unknown", 120, 36, 0);
	draw_one(&view_vmas, &sample, "vmas-unknown", 120, 36, 0);
	draw_one(&view_oom, &sample, "oom-unknown", 120, 36, 0);
	draw_one(&view_timeline, &sample, "timeline-unknown", 120, 36, 0);
	draw_one(&view_threads, &sample, "threads-unknown", 120, 36, 0);
	sample_free(&sample);

	sample_new(&sample);
	sample.heap->instance_count = 0;
	sample.heap->allocator = ALLOCATOR_JEMALLOC;
	sample.heap->interposer = "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2";
	draw_one(&view_overview, &sample, "overview-jemalloc", 120, 36, 0);
	draw_one(&view_arenas, &sample, "arenas-jemalloc", 80, 24, 0);
	sample_free(&sample);

	sample_new(&sample);
	sample.process->access_denied = true;
	(void)snprintf(sample.process->denied_why, sizeof(sample.process->denied_why),
	               "it runs as user ledger; run heaptop as that user or as root");
	sample.vmas->count = 0;
	part_unref(sample.snap->parts[PART_HEAP]);
	sample.snap->parts[PART_HEAP] = NULL;
	draw_one(&view_overview, &sample, "overview-denied", 120, 36, 0);
	draw_one(&view_vmas, &sample, "vmas-denied", 80, 24, 0);
	sample_free(&sample);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(views_look_as_they_were_approved),
		cmocka_unit_test(states_look_as_they_were_approved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
