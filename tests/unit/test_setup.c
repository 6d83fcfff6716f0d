/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The setup view, the columns that settings hide, and what `:` completes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/screen.h"
#include "tui/completion.h"
#include "tui/setup.h"

static struct config config;
static struct config_file file;
static struct theme theme;
static struct theme_names themes;
static struct file_problems theme_problems;
static struct setup setup;

static void make_setup(const char *text)
{
	struct err err;

	memset(&config, 0, sizeof(config));
	memset(&file, 0, sizeof(file));
	strcpy(file.path, "/home/ledger/.config/heaptop/heaptop.ini");
	file_problems_init(&file.problems, file.path);
	config_parse(text, strlen(text), &config, &file.problems);
	assert_true(theme_load("default", &theme, &theme_problems, &err));
	themes.count = 0;
	for (size_t i = 0; i < theme_builtin_count; i++)
		strcpy(themes.at[themes.count++], theme_builtins[i].name);
	setup = (struct setup){
		.config = &config,
		.file = &file,
		.theme = &theme,
		.theme_problems = &theme_problems,
		.themes = &themes,
		.depth = DEPTH_256,
	};
}

static void draw(struct screen *screen, const struct sample *sample)
{
	struct view_frame frame = screen_frame(screen, sample);
	struct area all = canvas_area(&screen->canvas);

	frame.setup = &setup;
	canvas_clear(&screen->canvas);
	draw_frame(all, ROLE_FRAME);
	view_setup.draw(&frame, area_part(all, 1, 2, all.width - 2, all.height - 4));
}

static void it_looks_as_it_was_approved(void **state)
{
	static const struct {
		int width, height;
	} sizes[] = { { 80, 24 }, { 120, 36 }, { 200, 50 } };
	struct sample sample;
	char why[CONFIG_WHY], name[32];

	(void)state;
	sample_new(&sample);
	make_setup(
	        "theme = gruvbox\nsymbols = dots\nfrob = 1\nvmas-columns = start size rss name\n");
	assert_true(config_set(&config, CONFIG_INTERVAL, "2s", CONFIG_FROM_HERE, why));
	assert_true(config_set(&config, CONFIG_COLOR, "256", CONFIG_FROM_OPTION, why));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct screen screen;

		screen_init(&screen, sizes[i].width, sizes[i].height);
		draw(&screen, &sample);
		(void)snprintf(name, sizeof(name), "setup-%dx%d", sizes[i].width, sizes[i].height);
		screen_golden(&screen, name);
		screen_fini(&screen);
	}
	sample_free(&sample);
}

static void it_says_what_matters(void **state)
{
	struct screen screen;
	struct sample sample;

	(void)state;
	sample_new(&sample);
	screen_init(&screen, 120, 36);
	make_setup("thme = nord\nmouse = no\nvmas-columns = start\n");
	draw(&screen, &sample);
	assert_true(screen_has(&screen, "the nearest is \"theme\"", NULL));
	assert_true(screen_has(&screen, "file, line 2", NULL));
	assert_true(screen_has(&screen, "1 of 10", NULL));
	assert_true(screen_has(&screen, "auto (256 colours)", NULL));
	assert_true(screen_has(&screen, "solarized-dark", NULL));
	screen.state.selected = CONFIG_VMAS_COLUMNS + 1;
	draw(&screen, &sample);
	assert_true(screen_has(&screen, "[x] start", NULL));
	assert_true(screen_has(&screen, "[ ] end", NULL));
	screen_fini(&screen);
	sample_free(&sample);
}

/* As many rows as there are problems and values, and a row less than it needs. */
static void it_draws_at_any_size(void **state)
{
	struct sample sample;

	(void)state;
	sample_new(&sample);
	make_setup("a = 1\nb = 1\nc = 1\nd = 1\ne = 1\nf = 1\ng = 1\nh = 1\ni = 1\nj = 1\n");
	for (int width = 5; width < 210; width += 7) {
		for (int height = 5; height < 60; height += 3) {
			struct screen screen;

			screen_init(&screen, width, height);
			for (uint64_t id = 1; id <= CONFIG_COUNT; id++) {
				screen.state.selected = id;
				setup.is_choosing = id % 2;
				draw(&screen, &sample);
			}
			screen_fini(&screen);
		}
	}
	sample_free(&sample);
}

/* --- columns -------------------------------------------------------------------------------------- */

/* A word of a setting is the beginning of its column's title, and hides that column only. */
static void words_are_columns(void **state)
{
	static const struct {
		enum config_id id;
		const struct view_ops *view;
	} lists[] = {
		{ CONFIG_ARENAS_COLUMNS, &view_arenas },
		{ CONFIG_VMAS_COLUMNS, &view_vmas },
		{ CONFIG_OOM_COLUMNS, &view_oom },
		{ CONFIG_THREADS_COLUMNS, &view_threads },
	};
	struct sample sample;
	char word[CONFIG_TEXT];

	(void)state;
	sample_new(&sample);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		size_t count = 0;

		for (; config_choice(lists[i].id, count, word); count++) {
			struct screen screen;
			char title[CONFIG_TEXT + 2];

			(void)snprintf(title, sizeof(title), " %s", word);
			for (char *dash = strchr(title, '-'); dash; dash = strchr(dash, '-'))
				*dash = ' ';
			screen_init(&screen, 200, 50);
			screen.state.hidden_columns = ~(UINT32_C(1) << count);
			screen_draw(&screen, lists[i].view, &sample);
			if (!screen_has(&screen, title, NULL))
				fail_msg("%s: no column \"%s\"", config_rows[lists[i].id].key,
				         word);
			screen_fini(&screen);
		}
		assert_true(count > 5);
	}
	sample_free(&sample);
}

/* Every tab can be the first view, and nothing else is called one. */
static void views_are_those_that_there_are(void **state)
{
	const char *choices = config_rows[CONFIG_VIEW].choices;
	size_t tabs = 0, words = 1;

	(void)state;
	for (size_t i = 0; i < VIEW_COUNT; i++)
		tabs += views[i]->key != 0;
	for (const char *at = choices; *at; at++)
		words += *at == ' ';
	assert_int_equal(words, tabs);
}

/* --- completion ------------------------------------------------------------------------------------- */

static void expect_completions(const char *line, const char *want)
{
	struct completion completion = completion_of(line, &themes);
	char all[512] = "", one[LINE_ROOM];

	while (completion_next(&completion, one)) {
		strcat(all, one);
		strcat(all, "|");
	}
	assert_string_equal(all, want);
}

static void lines_are_completed_word_by_word(void **state)
{
	(void)state;
	make_setup("");
	expect_completions("view-o", "view-overview|view-oom|");
	expect_completions("theme so", "theme solarized-dark|theme solarized-light|");
	expect_completions("theme ", "theme colour-blind|theme default|theme gruvbox|"
	                             "theme high-contrast|theme light|theme mono|theme nord|"
	                             "theme solarized-dark|theme solarized-light|");
	expect_completions("set sy", "set symbols|");
	expect_completions("set symbols b", "set symbols braille|set symbols block|");
	expect_completions("set theme g", "set theme gruvbox|");
	expect_completions("set vmas-columns start na", "set vmas-columns start name|");
	expect_completions("set nosuch ", "");
	expect_completions("quit ", "");
	assert_string_equal(completion_help("set mouse"), config_rows[CONFIG_MOUSE].help);
	assert_true(completion_help("quit")[0]);
	assert_string_equal(completion_help("frobnicate"), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_looks_as_it_was_approved),
		cmocka_unit_test(it_says_what_matters),
		cmocka_unit_test(it_draws_at_any_size),
		cmocka_unit_test(words_are_columns),
		cmocka_unit_test(views_are_those_that_there_are),
		cmocka_unit_test(lines_are_completed_word_by_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
