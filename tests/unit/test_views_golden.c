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
	{ "map", &view_map, 3 },
};

static void draw_one(const struct view_ops *view, struct sample *sample, const char *name,
                     int width, int height, int page)
{
	struct screen screen;
	char file[80];

	screen_init(&screen, width, height);
	screen.state.pane = (uint8_t)page;
	screen_look(&screen, view, sample);
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

/* What Enter and the keys of the heap map lead to, drawn at one size each. */
static const struct map_step {
	const char *name;
	int width, height;
	enum command_id commands[8]; /* CMD_HELP ends them: no view's command */
} map_steps[] = {
	{ "map-resident-120x36", 120, 36, { CMD_LAYER_RESIDENT, CMD_HELP } },
	{ "map-bin-120x36", 120, 36, { CMD_LAYER_BIN, CMD_DOWN, CMD_HELP } },
	{ "map-page-120x36", 120, 36, { CMD_LAYER_PAGE, CMD_LAST, CMD_HELP } },
	{ "map-zoom-120x36", 120, 36, { CMD_PAGE_DOWN, CMD_ZOOM_IN, CMD_HELP } },
	{ "map-borders-120x36",
	  120,
	  36,
	  { CMD_LAST, CMD_PAGE_UP, CMD_ZOOM_IN, CMD_ZOOM_IN, CMD_ZOOM_IN, CMD_HELP } },
	{ "map-borders-80x24",
	  80,
	  24,
	  { CMD_ZOOM_IN, CMD_ZOOM_IN, CMD_ZOOM_IN, CMD_ZOOM_IN, CMD_HELP } },
	{ "map-mmapped-80x24", 80, 24, { CMD_HEAP_PREVIOUS, CMD_HELP } },
	{ "map-chunks-80x24", 80, 24, { CMD_DOWN, CMD_OPEN, CMD_HELP } },
	{ "map-chunks-120x36",
	  120,
	  36,
	  { CMD_LAST, CMD_UP, CMD_UP, CMD_OPEN, CMD_DOWN, CMD_HELP } },
	{ "map-bytes-80x24", 80, 24, { CMD_DOWN, CMD_OPEN, CMD_OPEN, CMD_DOWN, CMD_HELP } },
	{ "map-bytes-200x50", 200, 50, { CMD_DOWN, CMD_OPEN, CMD_OPEN, CMD_RIGHT, CMD_HELP } },
};

static void press(struct screen *screen, struct sample *sample, enum command_id command)
{
	struct view_frame frame = screen_frame(screen, sample);
	struct view_target target;

	screen_look(screen, &view_map, sample);
	if (command == CMD_OPEN)
		assert_true(view_map.open(&frame, &target));
	else
		assert_true(view_map.command(&frame, command));
}

static void heap_map_looks_as_it_was_approved(void **state)
{
	struct sample sample;
	struct screen screen;

	(void)state;
	sample_new(&sample);
	for (size_t i = 0; i < sizeof(map_steps) / sizeof(map_steps[0]); i++) {
		const struct map_step *step = &map_steps[i];

		screen_init(&screen, step->width, step->height);
		for (const enum command_id *at = step->commands; *at != CMD_HELP; at++)
			press(&screen, &sample, *at);
		screen_look(&screen, &view_map, &sample);
		screen_golden(&screen, step->name);
		screen_fini(&screen);
	}
	sample_free(&sample);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(views_look_as_they_were_approved),
		cmocka_unit_test(states_look_as_they_were_approved),
		cmocka_unit_test(heap_map_looks_as_it_was_approved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
