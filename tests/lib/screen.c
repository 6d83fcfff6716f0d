/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/lib/screen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

void screen_init(struct screen *screen, int width, int height)
{
	/* local times on the screens are the same everywhere */
	assert_int_equal(setenv("TZ", "UTC0", 1), 0);
	tzset();
	memset(screen, 0, sizeof(*screen));
	assert_true(canvas_init(&screen->canvas, width, height));
}

void screen_fini(struct screen *screen)
{
	canvas_fini(&screen->canvas);
	view_state_fini(&screen->state);
}

struct view_frame screen_frame(struct screen *screen, const struct sample *sample)
{
	return (struct view_frame){
		.snap = sample->snap,
		.history = sample->history,
		.past = sample->past,
		.commit = &sample->commit,
		.first_limit = &sample->first_limit,
		.rules = &sample->rules,
		.state = &screen->state,
	};
}

void screen_draw(struct screen *screen, const struct view_ops *view, const struct sample *sample)
{
	struct view_frame frame = screen_frame(screen, sample);
	struct area all = canvas_area(&screen->canvas);
	char status[240] = "";

	canvas_clear(&screen->canvas);
	draw_frame(all, ROLE_FRAME);
	draw_text(all, 2, 0, ROLE_TAB_ACTIVE, view->title);
	screen->state.item_count = 0;
	if (view->prepare)
		view->prepare(&frame);
	if (all.height < 5 || all.width < 3)
		view->draw(&frame, all);
	else
		view->draw(&frame, area_part(all, 1, 2, all.width - 2, all.height - 4));
	if (view->status)
		view->status(&frame, status, sizeof(status));
	if (all.height >= 5 && all.width >= 3)
		draw_text(area_part(all, 1, all.height - 2, all.width - 2, 1), 1, 0, ROLE_TEXT_DIM,
		          status);
}

void screen_look(struct screen *screen, const struct view_ops *view, struct sample *sample)
{
	struct window_request last = { 0 }, now;
	struct view_frame frame;

	for (int tries = 0; tries < 4; tries++) {
		screen_draw(screen, view, sample);
		frame = screen_frame(screen, sample);
		if (!view->wants || !view->wants(&frame, &now) ||
		    (tries && window_request_equal(&last, &now)))
			return;
		last = now;
		sample_look(sample, &now);
	}
	fail_msg("%s asks for something else each time", view->title);
}

bool screen_command(struct screen *screen, const struct view_ops *view, const struct sample *sample,
                    enum command_id command)
{
	struct view_frame frame = screen_frame(screen, sample);

	if (view->prepare)
		view->prepare(&frame);
	return view->command(&frame, command);
}

char *screen_row(const struct screen *screen, int y)
{
	const struct canvas *canvas = &screen->canvas;
	char *row = calloc((size_t)canvas->width + 1, sizeof(canvas->cells->utf8)), *at = row;

	assert_non_null(row);
	for (int x = 0; x < canvas->width; x++)
		at = stpcpy(at, canvas->cells[y * canvas->width + x].utf8);
	return row;
}

bool screen_has(const struct screen *screen, const char *text, int *ret_y)
{
	for (int y = 0; y < screen->canvas.height; y++) {
		char *row = screen_row(screen, y);
		bool has = strstr(row, text) != NULL;

		free(row);
		if (!has)
			continue;
		if (ret_y)
			*ret_y = y;
		return true;
	}
	return false;
}

static char *read_file(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t size = 0;

	if (!file)
		return NULL;
	if (getdelim(&text, &size, '\0', file) < 0) {
		free(text);
		text = NULL;
	}
	(void)fclose(file);
	return text;
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

void screen_golden(const struct screen *screen, const char *name)
{
	const char *update = getenv("UPDATE");
	char *drawn = canvas_dump(&screen->canvas, true), *golden, path[256];

	assert_non_null(drawn);
	(void)snprintf(path, sizeof(path), "tests/screens/golden/%s.txt", name);
	if (update && *update == '1')
		write_file(path, drawn);
	golden = read_file(path);
	if (!golden || strcmp(golden, drawn) != 0) {
		char *rows = canvas_dump(&screen->canvas, false);

		print_error("%s\n%s differs; if this is right: UPDATE=1, look, commit\n", rows,
		            path);
		free(rows);
		free(drawn);
		free(golden);
		fail();
		return;
	}
	free(drawn);
	free(golden);
}
