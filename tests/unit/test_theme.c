/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tui/theme.h"

static struct theme theme;
static struct file_problems problems;

static void parse(const char *text)
{
	theme_parse(text, strlen(text), &theme, &problems);
}

static void expect_rgb(struct colour colour, unsigned rgb)
{
	assert_int_equal(colour.kind, COLOUR_RGB);
	assert_int_equal(colour.red << 16 | colour.green << 8 | colour.blue, rgb);
}

static void a_role_takes_its_line(void **state)
{
	(void)state;
	parse("[meta]\nname = dusk\nbackground = light\n[palette]\nsky = #56b4e9\nair=sky\n"
	      "[role]\nheap.free = air on 17 bold underline\n");
	assert_int_equal(problems.count, 0);
	assert_string_equal(theme.name, "dusk");
	assert_true(theme.is_light);
	expect_rgb(theme.looks[ROLE_HEAP_FREE].full.fg, 0x56b4e9);
	assert_int_equal(theme.looks[ROLE_HEAP_FREE].full.bg.kind, COLOUR_INDEX);
	assert_int_equal(theme.looks[ROLE_HEAP_FREE].full.bg.index, 17);
	assert_int_equal(theme.looks[ROLE_HEAP_FREE].full.attrs, STYLE_BOLD | STYLE_UNDERLINE);
}

/* heap.free.fast, heap.free, heap, text: the nearest that is given, in whatever order. */
static void roles_fall_back_along_their_dots(void **state)
{
	(void)state;
	parse("[role]\nheap.free = #000002\nheap = #000001\ntext = #000009\n");
	assert_int_equal(problems.count, 0);
	expect_rgb(theme.looks[ROLE_HEAP_FREE_FAST].full.fg, 2);
	expect_rgb(theme.looks[ROLE_HEAP_FREE].full.fg, 2);
	expect_rgb(theme.looks[ROLE_HEAP_TOP].full.fg, 1);
	expect_rgb(theme.looks[ROLE_TEXT_DIM].full.fg, 9);
	expect_rgb(theme.looks[ROLE_OOM_VICTIM].full.fg, 9);
}

static void variants_are_for_poorer_terminals(void **state)
{
	struct style style;

	(void)state;
	parse("[role]\nmark = #e69f00 bold | 16 = yellow | mono = reverse\ntab = #e69f00 bold\n");
	assert_int_equal(problems.count, 0);
	style = theme_style(&theme, ROLE_MARK, DEPTH_256);
	expect_rgb(style.fg, 0xe69f00);
	style = theme_style(&theme, ROLE_MARK, DEPTH_8);
	assert_int_equal(style.fg.index, 3);
	assert_int_equal(style.attrs, 0);
	style = theme_style(&theme, ROLE_MARK, DEPTH_MONO);
	assert_int_equal(style.fg.kind, COLOUR_DEFAULT);
	assert_int_equal(style.attrs, STYLE_REVERSE);
	/* without variants: the colour is quantised later, attributes stay */
	expect_rgb(theme_style(&theme, ROLE_TAB, DEPTH_16).fg, 0xe69f00);
	style = theme_style(&theme, ROLE_TAB, DEPTH_MONO);
	assert_int_equal(style.fg.kind, COLOUR_DEFAULT);
	assert_int_equal(style.attrs, STYLE_BOLD);
}

/* A theme says its ground once; what poorer terminals get of it they get everywhere. */
static void a_colour_left_out_is_that_of_text(void **state)
{
	struct style style;

	(void)state;
	parse("[role]\nmark = #e69f00 bold\nkey = on #000003 | 16 = red\n"
	      "text = #000001 on #000002 | 16 = black on white\ntab = #000004 on default\n");
	assert_int_equal(problems.count, 0);
	expect_rgb(theme.looks[ROLE_MARK].full.bg, 2);
	expect_rgb(theme.looks[ROLE_KEY].full.fg, 1);
	expect_rgb(theme.looks[ROLE_KEY].full.bg, 3);
	expect_rgb(theme.looks[ROLE_STATUS_OK].full.bg, 2);
	assert_int_equal(theme.looks[ROLE_TAB].full.bg.kind, COLOUR_DEFAULT);
	assert_int_equal(theme_style(&theme, ROLE_KEY, DEPTH_16).bg.index, 7);
	style = theme_style(&theme, ROLE_MARK, DEPTH_8);
	expect_rgb(style.fg, 0xe69f00);
	assert_int_equal(style.bg.index, 7);
	assert_int_equal(style.attrs, STYLE_BOLD);
	assert_int_equal(theme_style(&theme, ROLE_MARK, DEPTH_MONO).bg.kind, COLOUR_DEFAULT);
}

static void a_bad_line_is_reported_and_the_rest_loads(void **state)
{
	static const struct {
		int line;
		const char *part;
	} want[] = {
		{ 2, "not a colour" },     { 4, "unknown role \"heaps\"" },
		{ 5, "\"sparkling\"" },    { 6, "NAME = VALUE" },
		{ 7, "\"on\" needs" },     { 8, "\"16 =\" or \"mono =\"" },
		{ 10, "unknown section" },
	};

	(void)state;
	parse("[palette]\n"
	      "sky = #56b4e\n"
	      "[role]\n"
	      "heaps = red\n"
	      "tab = sparkling\n"
	      "nonsense\n"
	      "key = red on\n"
	      "mark = red | 17 = blue\n"
	      "[colors]\n"
	      "tab = red\n"
	      "  [role]\n"
	      "  select = green\n");
	assert_int_equal(problems.count, sizeof(want) / sizeof(want[0]));
	for (size_t i = 0; i < problems.count; i++) {
		assert_int_equal(problems.at[i].line, want[i].line);
		if (!strstr(problems.at[i].what, want[i].part))
			fail_msg("line %d says: %s", want[i].line, problems.at[i].what);
	}
	assert_int_equal(theme.looks[ROLE_SELECT].full.fg.index, 2);
	assert_int_equal(theme.looks[ROLE_KEY].full.fg.kind, COLOUR_DEFAULT);
}

static void many_problems_are_counted(void **state)
{
	char text[2048] = "[role]\n";

	(void)state;
	for (int i = 0; i < 100; i++)
		strcat(text, "x = red\n");
	parse(text);
	assert_int_equal(problems.count, 100);
	assert_int_equal(problems.at[FILE_PROBLEMS_MAX - 1].line, 1 + FILE_PROBLEMS_MAX);
}

static void hostile_lines_are_survived(void **state)
{
	char text[8192];

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "[role]\n", 7);
	text[4000] = '\n';
	theme_parse(text, sizeof(text), &theme, &problems);
	assert_int_equal(problems.count, 2);
	assert_non_null(strstr(problems.at[0].what, "longer than"));
	theme_parse("[role]\n\033]0;x = \0red\n", 20, &theme, &problems);
	assert_int_equal(problems.count, 1);
	assert_null(strchr(problems.at[0].what, '\033'));
	parse("[meta\nname = \033[2Jx\n[meta]\nname = \033[2Jx");
	assert_string_equal(theme.name, "^[[2Jx");
	parse("");
	assert_int_equal(problems.count, 0);
	parse("\xef\xbb\xbf[meta]\r\nname = crlf\r\n");
	assert_int_equal(problems.count, 0);
	assert_string_equal(theme.name, "crlf");
}

static void builtin_themes_are_sound(void **state)
{
	(void)state;
	assert_true(theme_builtin_count >= 2);
	for (size_t i = 0; i < theme_builtin_count; i++) {
		const struct theme_builtin *b = &theme_builtins[i];

		theme_parse((const char *)b->bytes, b->len, &theme, &problems);
		if (problems.count)
			fail_msg("%s:%d: %s", b->name, problems.at[0].line, problems.at[0].what);
		assert_string_equal(theme.name, b->name);
	}
}

/* What stands side by side on a screen must not look alike, at any depth. */
static void neighbours_differ_at_every_depth(void **state)
{
	static const enum role pairs[][2] = {
		{ ROLE_TEXT, ROLE_SELECT },
		{ ROLE_TAB, ROLE_TAB_ACTIVE },
		{ ROLE_STATUS_OK, ROLE_STATUS_ERROR },
		{ ROLE_STATUS_OK, ROLE_STATUS_PAUSED },
		{ ROLE_STATUS_OK, ROLE_STATUS_EXITED },
		{ ROLE_SELECT, ROLE_SELECT_INACTIVE },
		{ ROLE_GAUGE_FILL, ROLE_GAUGE_EMPTY },
		{ ROLE_TEXT, ROLE_CHANGED },
		{ ROLE_OOM_VICTIM, ROLE_OOM_PROTECTED },
		{ ROLE_KEY, ROLE_KEY_LABEL },
	};

	(void)state;
	for (size_t i = 0; i < theme_builtin_count; i++) {
		const struct theme_builtin *b = &theme_builtins[i];

		theme_parse((const char *)b->bytes, b->len, &theme, &problems);
		for (enum colour_depth depth = DEPTH_MONO; depth < DEPTH_COUNT; depth++) {
			struct colour_palette palette;

			colour_palette_init(&palette, depth);
			for (size_t k = 0; k < sizeof(pairs) / sizeof(pairs[0]); k++) {
				struct style x = theme_style(&theme, pairs[k][0], depth);
				struct style y = theme_style(&theme, pairs[k][1], depth);

				if (x.attrs == y.attrs &&
				    colour_number(&palette, x.fg) ==
				            colour_number(&palette, y.fg) &&
				    colour_number(&palette, x.bg) == colour_number(&palette, y.bg))
					fail_msg("%s, depth %d: %s looks as %s", b->name,
					         (int)depth, role_names[pairs[k][0]],
					         role_names[pairs[k][1]]);
			}
		}
	}
}

static void themes_are_found_where_the_user_keeps_them(void **state)
{
	char dir[] = "/tmp/heaptop-theme-XXXXXX", path[256], own[256];
	struct theme_names names;
	struct err err;
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(setenv("XDG_DATA_HOME", dir, 1), 0);
	(void)snprintf(path, sizeof(path), "%s/heaptop", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/heaptop/themes", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/heaptop/themes/mine.theme", dir);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs("[role]\ntext = #010203\nbad\n", file) >= 0);
	assert_int_equal(fclose(file), 0);

	assert_true(theme_load("mine", &theme, &problems, &err));
	expect_rgb(theme.looks[ROLE_TEXT].full.fg, 0x010203);
	assert_string_equal(theme.name, "mine");
	assert_string_equal(problems.file, path);
	assert_int_equal(problems.at[0].line, 3);
	assert_true(theme_load(path, &theme, &problems, &err));
	theme_list(&names);
	assert_true(names.count >= theme_builtin_count + 1);

	/* the user's own goes before the one built in */
	(void)snprintf(own, sizeof(own), "%s/heaptop/themes/gruvbox.theme", dir);
	assert_int_equal(rename(path, own), 0);
	assert_true(theme_load("gruvbox", &theme, &problems, &err));
	expect_rgb(theme.looks[ROLE_TEXT].full.fg, 0x010203);
	assert_string_equal(problems.file, own);
	theme_list(&names);
	assert_int_equal(names.count, theme_builtin_count);
	assert_int_equal(rename(own, path), 0);
	/* a relative directory is ignored */
	assert_int_equal(setenv("XDG_DATA_HOME", "tests", 1), 0);
	assert_false(theme_load("mine", &theme, &problems, &err));
	assert_int_equal(setenv("XDG_DATA_HOME", dir, 1), 0);

	assert_false(theme_load("no\033such", &theme, &problems, &err));
	assert_int_equal(err_exit_code(&err), 2);
	assert_null(strchr(err.why, '\033'));
	assert_false(theme_load("/nonexistent/x.theme", &theme, &problems, &err));
	assert_int_equal(err_exit_code(&err), 2);
	assert_false(theme_load(dir, &theme, &problems, &err)); /* a directory */

	assert_int_equal(unlink(path), 0);
	*strrchr(path, '/') = '\0';
	assert_int_equal(rmdir(path), 0);
	*strrchr(path, '/') = '\0';
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void colours_are_read_strictly(void **state)
{
	static const char *const bad[] = { "",     "#12345", "#1234567", "#12g456", "256", "-1",
		                           "0x10", "Red",    "bright-",  "1 ",      "9999" };
	struct colour colour;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (colour_parse(bad[i], &colour))
			fail_msg("\"%s\" was taken for a colour", bad[i]);
	}
	assert_true(colour_parse("bright-cyan", &colour));
	assert_int_equal(colour.index, 14);
	assert_true(colour_parse("255", &colour));
	assert_true(colour_parse("default", &colour));
	assert_int_equal(colour.kind, COLOUR_DEFAULT);
}

static int number(enum colour_depth depth, const char *word)
{
	struct colour_palette palette;
	struct colour colour;

	colour_palette_init(&palette, depth);
	assert_true(colour_parse(word, &colour));
	return colour_number(&palette, colour);
}

static void colours_become_the_nearest_there_is(void **state)
{
	(void)state;
	assert_int_equal(number(DEPTH_DIRECT, "#e69f00"), 0xe69f00);
	assert_int_equal(number(DEPTH_DIRECT, "#000005"), 8); /* 5 would be magenta */
	assert_int_equal(number(DEPTH_DIRECT, "magenta"), 5);
	assert_int_equal(number(DEPTH_DIRECT, "16"), 0);
	/* exact members of the cube and the grey ramp */
	assert_int_equal(number(DEPTH_256, "#5fd7ff"), 81);
	assert_int_equal(number(DEPTH_256, "#080808"), 232);
	assert_int_equal(number(DEPTH_256, "3"), 3);
	assert_int_equal(number(DEPTH_16, "#ff0000"), 9);
	assert_int_equal(number(DEPTH_16, "200"), 13);
	assert_int_equal(number(DEPTH_8, "#e69f00"), 3);
	assert_int_equal(number(DEPTH_8, "#56b4e9"), 6);
	assert_int_equal(number(DEPTH_8, "#000000"), 0);
	assert_int_equal(number(DEPTH_MONO, "#e69f00"), -1);
	assert_int_equal(number(DEPTH_256, "default"), -1);
}

static void the_depth_is_decided_in_order(void **state)
{
	struct colour_terminal xterm = { .colours = 256, .has_direct_sibling = true };
	struct colour_terminal console = { .colours = 8 }, vt100 = { .colours = -1 };
	enum colour_choice choice;

	(void)state;
	assert_int_equal(colour_decide(COLOUR_AUTO, &xterm), DEPTH_256);
	xterm.colorterm = "truecolor";
	assert_int_equal(colour_decide(COLOUR_AUTO, &xterm), DEPTH_DIRECT);
	xterm.no_color = "";
	assert_int_equal(colour_decide(COLOUR_AUTO, &xterm), DEPTH_DIRECT);
	xterm.no_color = "1";
	assert_int_equal(colour_decide(COLOUR_AUTO, &xterm), DEPTH_MONO);
	assert_int_equal(colour_decide(COLOUR_USE_256, &xterm), DEPTH_256);
	assert_int_equal(colour_decide(COLOUR_NEVER, &xterm), DEPTH_MONO);
	assert_int_equal(colour_decide(COLOUR_USE_DIRECT, &console), DEPTH_8);
	assert_int_equal(colour_decide(COLOUR_AUTO, &vt100), DEPTH_MONO);
	assert_true(colour_choice_parse("16", &choice));
	assert_int_equal(choice, COLOUR_USE_16);
	assert_false(colour_choice_parse("always", &choice));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_role_takes_its_line),
		cmocka_unit_test(roles_fall_back_along_their_dots),
		cmocka_unit_test(variants_are_for_poorer_terminals),
		cmocka_unit_test(a_colour_left_out_is_that_of_text),
		cmocka_unit_test(a_bad_line_is_reported_and_the_rest_loads),
		cmocka_unit_test(many_problems_are_counted),
		cmocka_unit_test(hostile_lines_are_survived),
		cmocka_unit_test(builtin_themes_are_sound),
		cmocka_unit_test(neighbours_differ_at_every_depth),
		cmocka_unit_test(themes_are_found_where_the_user_keeps_them),
		cmocka_unit_test(colours_are_read_strictly),
		cmocka_unit_test(colours_become_the_nearest_there_is),
		cmocka_unit_test(the_depth_is_decided_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
