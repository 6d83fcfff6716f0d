/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings: their values, heaptop.ini read, written anew and replaced. */
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

#include "tui/config_file.h"
#include "tui/word_distance.h"

static struct config config;
static struct file_problems problems;
static char why[CONFIG_WHY], to[CONFIG_TEXT];

static void parse(const char *text)
{
	memset(&config, 0, sizeof(config));
	config_parse(text, strlen(text), &config, &problems);
}

static void expect_problem(size_t at, int line, const char *part)
{
	assert_true(at < problems.count);
	assert_int_equal(problems.at[at].line, line);
	if (!strstr(problems.at[at].what, part))
		fail_msg("line %d says: %s", line, problems.at[at].what);
}

/* --- values ------------------------------------------------------------------------------------- */

static void defaults_are_values(void **state)
{
	(void)state;
	memset(&config, 0, sizeof(config));
	for (enum config_id id = 0; id < CONFIG_COUNT; id++) {
		const char *preset = config_rows[id].preset;

		assert_string_equal(config_text(&config, id), preset);
		if (!config_set(&config, id, preset, CONFIG_FROM_FILE, why))
			fail_msg("%s: %s", config_rows[id].key, why);
		assert_string_equal(config_text(&config, id), preset);
		assert_int_equal(config_by_key(config_rows[id].key), id);
	}
	assert_int_equal(config_by_key("nothing"), CONFIG_COUNT);
}

static void values_become_numbers(void **state)
{
	static const struct {
		enum config_id id;
		const char *text;
		uint32_t number;
		const char *shown;
	} cases[] = {
		{ CONFIG_INTERVAL, "2", 2000, "2s" },
		{ CONFIG_INTERVAL, "250ms", 250, "250ms" },
		{ CONFIG_INTERVAL, "0.5s", 500, "500ms" },
		{ CONFIG_CPU_BUDGET, "5", 50, "5%" },
		{ CONFIG_CPU_BUDGET, "2.5%", 25, "2.5%" },
		{ CONFIG_MOUSE, "no", 1, "no" },
		{ CONFIG_VMAS_COLUMNS, " name  start ", 1 << 9 | 1, "start name" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (!config_set(&config, cases[i].id, cases[i].text, CONFIG_FROM_HERE, why))
			fail_msg("%s: %s", cases[i].text, why);
		assert_int_equal(config_number(&config, cases[i].id), cases[i].number);
		assert_string_equal(config_text(&config, cases[i].id), cases[i].shown);
	}
}

static void bad_values_change_nothing(void **state)
{
	static const struct {
		enum config_id id;
		const char *text, *why;
	} cases[] = {
		{ CONFIG_INTERVAL, "99ms", "from 100ms to 10s" },
		{ CONFIG_INTERVAL, "11", "from 100ms to 10s" },
		{ CONFIG_INTERVAL, "1 s", "not a time" },
		{ CONFIG_INTERVAL, "nan", "not a time" },
		{ CONFIG_INTERVAL, "-1", "not a time" },
		{ CONFIG_INTERVAL, "", "not a time" },
		{ CONFIG_CPU_BUDGET, "51%", "a share from 1% to 50%" },
		{ CONFIG_MOUSE, "on", "the nearest is \"no\"" },
		{ CONFIG_VIEW, "vams", "the nearest is \"vmas\"" },
		{ CONFIG_SYMBOLS, "sixel-graphics", "none of: auto braille" },
		{ CONFIG_VMAS_COLUMNS, "start ends", "the nearest is \"end\"" },
		{ CONFIG_VMAS_COLUMNS, "  ", "at least one" },
		{ CONFIG_THEME, "a;b", "can't be the name" },
		{ CONFIG_THEME, "", "can't be the name" },
		{ CONFIG_THEME, "\033[2J", "can't be the name" },
	};
	struct config before;

	(void)state;
	memset(&config, 0, sizeof(config));
	before = config;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (config_set(&config, cases[i].id, cases[i].text, CONFIG_FROM_HERE, why))
			fail_msg("\"%s\" was taken", cases[i].text);
		if (!strstr(why, cases[i].why))
			fail_msg("\"%s\" is refused by: %s", cases[i].text, why);
		assert_memory_equal(&config, &before, sizeof(config));
	}
}

static void steps_go_from_end_to_end(void **state)
{
	(void)state;
	parse("interval = 300ms\n");
	config_step(&config, CONFIG_INTERVAL, 1, to);
	assert_string_equal(to, "500ms");
	config_step(&config, CONFIG_INTERVAL, -1, to);
	assert_string_equal(to, "200ms");
	parse("interval = 10s\ncolor = direct\n");
	config_step(&config, CONFIG_INTERVAL, 1, to);
	assert_string_equal(to, "10s");
	config_step(&config, CONFIG_COLOR, 1, to);
	assert_string_equal(to, "direct");
	config_step(&config, CONFIG_COLOR, -1, to);
	assert_string_equal(to, "256");
	parse("");
	config_step(&config, CONFIG_COLOR, -1, to);
	assert_string_equal(to, "auto");
	config_step(&config, CONFIG_MOUSE, 1, to);
	assert_string_equal(to, "no");
}

static void words_are_toggled_and_one_stays(void **state)
{
	(void)state;
	parse("vmas-columns = size name\n");
	config_toggle(&config, CONFIG_VMAS_COLUMNS, 0, to);
	assert_string_equal(to, "start size name");
	config_toggle(&config, CONFIG_VMAS_COLUMNS, 9, to);
	assert_string_equal(to, "size");
	parse("vmas-columns = size\n");
	config_toggle(&config, CONFIG_VMAS_COLUMNS, 4, to);
	assert_string_equal(to, "size");
}

static void slips_find_their_word(void **state)
{
	(void)state;
	assert_int_equal(word_distance("theme", "theme"), 0);
	assert_int_equal(word_distance("thmee", "theme"), 1);
	assert_int_equal(word_distance("", "abc"), 3);
	assert_int_equal(word_distance("kitten", "sitting"), 3);
	assert_string_equal(config_nearest_key("colour"), "color");
	assert_string_equal(config_nearest_key("cpubudget"), "cpu-budget");
	assert_null(config_nearest_key("frobnicate"));
	assert_null(config_nearest_key(""));
}

/* --- the file ------------------------------------------------------------------------------------- */

static void good_lines_are_used_and_bad_ones_told(void **state)
{
	(void)state;
	parse("# mine\n"
	      "[screen]\n"
	      "theme = gruvbox ; warm\n"
	      "thme = nord\n"
	      "  symbols=blocks\n"
	      "nonsense\n"
	      "[colours]\n"
	      "interval = 2s\n"
	      "[sampling]\r\n"
	      "cpu-budget = 10%\r\n"
	      "view = what");
	assert_int_equal(problems.count, 5);
	expect_problem(0, 4, "the nearest is \"theme\"");
	expect_problem(1, 5, "the nearest is \"block\"");
	expect_problem(2, 6, "NAME = VALUE");
	expect_problem(3, 8, "unknown section [colours]");
	expect_problem(4, 11, "none of: overview");
	assert_string_equal(config_text(&config, CONFIG_THEME), "gruvbox");
	assert_int_equal(config.at[CONFIG_THEME].line, 3);
	assert_int_equal(config.at[CONFIG_THEME].origin, CONFIG_FROM_FILE);
	assert_string_equal(config_text(&config, CONFIG_SYMBOLS), "auto");
	assert_int_equal(config_number(&config, CONFIG_INTERVAL), 2000);
	assert_int_equal(config_number(&config, CONFIG_CPU_BUDGET), 100);
}

static void options_win_over_the_file(void **state)
{
	static const char text[] = "theme = nord\nmouse = no\n";

	(void)state;
	memset(&config, 0, sizeof(config));
	assert_true(config_set(&config, CONFIG_THEME, "mono", CONFIG_FROM_OPTION, why));
	config_parse(text, sizeof(text) - 1, &config, &problems);
	assert_string_equal(config_text(&config, CONFIG_THEME), "mono");
	assert_int_equal(config.at[CONFIG_THEME].origin, CONFIG_FROM_OPTION);
	assert_string_equal(config_text(&config, CONFIG_MOUSE), "no");
}

static void expect_rewritten(const char *old, const char *new)
{
	char *text = config_rewrite(old, strlen(old), &config);

	assert_non_null(text);
	assert_string_equal(text, new);
	free(text);
}

static void set_here(enum config_id id, const char *text)
{
	assert_true(config_set(&config, id, text, CONFIG_FROM_HERE, why));
}

static void rewriting_keeps_all_but_what_changed(void **state)
{
	static const char old[] = "# mine, all mine\n"
	                          "\n"
	                          "[screen]\n"
	                          "theme   =  nord  ; cool\n"
	                          "theme=gruvbox\t; warm\n"
	                          "frob = nicate\n"
	                          "\n"
	                          "[sampling]\n"
	                          "  interval: 1s\r\n"
	                          "not a pair";

	(void)state;
	parse(old);
	expect_rewritten(old, "# mine, all mine\n\n[screen]\ntheme   =  nord  ; cool\n"
	                      "theme=gruvbox\t; warm\nfrob = nicate\n\n[sampling]\n"
	                      "  interval: 1s\r\nnot a pair\n");
	set_here(CONFIG_THEME, "mono");
	set_here(CONFIG_MOUSE, "no");
	set_here(CONFIG_INTERVAL, "2s");
	set_here(CONFIG_VIEW, "overview"); /* the default: nothing to be said */
	set_here(CONFIG_OOM_COLUMNS, "pid");
	expect_rewritten(old, "# mine, all mine\n\n[screen]\ntheme   =  nord  ; cool\n"
	                      "theme= mono\t; warm\nfrob = nicate\nmouse = no\n\n[sampling]\n"
	                      "  interval: 2s\r\nnot a pair\n\n[lists]\noom-columns = pid\n");
}

static void a_new_file_has_sections(void **state)
{
	(void)state;
	parse("");
	expect_rewritten("", "");
	set_here(CONFIG_THEME, "nord");
	set_here(CONFIG_INTERVAL, "2s");
	expect_rewritten("", "[screen]\ntheme = nord\n\n[sampling]\ninterval = 2s\n");
	/* what the command line said is for this run */
	parse("");
	assert_true(config_set(&config, CONFIG_THEME, "mono", CONFIG_FROM_OPTION, why));
	expect_rewritten("", "");
}

/* --- the directory -------------------------------------------------------------------------------- */

static char home[64], path[160];

static void make_home(void)
{
	(void)snprintf(home, sizeof(home), "/tmp/heaptop-config-XXXXXX");
	assert_non_null(mkdtemp(home));
	assert_int_equal(setenv("HOME", home, 1), 0);
	assert_int_equal(unsetenv("XDG_CONFIG_HOME"), 0);
	(void)snprintf(path, sizeof(path), "%s/.config/heaptop/heaptop.ini", home);
}

static void remove_home(void)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -rf '%s'", home);
	assert_int_equal(system(command), 0);
}

static void write_text(const char *at, const char *text)
{
	FILE *file = fopen(at, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void expect_text(const char *at, const char *want)
{
	char got[512] = "";
	FILE *file = fopen(at, "re");

	assert_non_null(file);
	got[fread(got, 1, sizeof(got) - 1, file)] = '\0';
	(void)fclose(file);
	assert_string_equal(got, want);
}

static void saving_makes_what_is_missing(void **state)
{
	struct config_file file;
	struct stat about;
	struct err err;

	(void)state;
	make_home();
	parse("");
	assert_true(config_file_load(NULL, &file, &config, &err));
	assert_string_equal(file.path, path);
	set_here(CONFIG_THEME, "nord");
	assert_true(config_file_save(&file, &config, &err));
	expect_text(path, "[screen]\ntheme = nord\n");
	assert_int_equal(config.at[CONFIG_THEME].origin, CONFIG_FROM_FILE);
	assert_int_equal(config.at[CONFIG_THEME].line, 2);
	assert_int_equal(stat(path, &about), 0);
	assert_int_equal(about.st_mode & 0777, 0600);

	/* edited meanwhile, by hand: that stays */
	write_text(path, "# edited\ntheme = nord\nmouse = no\n");
	assert_int_equal(chmod(path, 0644), 0);
	set_here(CONFIG_THEME, "mono");
	assert_true(config_file_save(&file, &config, &err));
	expect_text(path, "# edited\ntheme = mono\nmouse = no\n");
	assert_int_equal(stat(path, &about), 0);
	assert_int_equal(about.st_mode & 0777, 0644);
	assert_int_equal(system("test \"$(ls -A ~/.config/heaptop)\" = heaptop.ini"), 0);
	remove_home();
}

static void a_link_stays_a_link(void **state)
{
	char real[160];
	struct config_file file;
	struct stat about;
	struct err err;

	(void)state;
	make_home();
	(void)snprintf(real, sizeof(real), "%s/dotfile.ini", home);
	write_text(real, "theme = nord\n");
	(void)snprintf(path, sizeof(path), "%s/link.ini", home);
	assert_int_equal(symlink(real, path), 0);
	parse("");
	assert_true(config_file_load(path, &file, &config, &err));
	assert_true(file.is_explicit);
	set_here(CONFIG_THEME, "mono");
	assert_true(config_file_save(&file, &config, &err));
	expect_text(real, "theme = mono\n");
	assert_int_equal(lstat(path, &about), 0);
	assert_true(S_ISLNK(about.st_mode));
	remove_home();
}

static void another_users_home_is_left_alone(void **state)
{
	struct config_file file;
	struct err err;

	(void)state;
	if (geteuid() != 0) {
		print_message("# SKIP: only root can make a home that is another user's\n");
		skip();
	}
	make_home();
	assert_int_equal(chown(home, 4711, 4711), 0);
	parse("");
	assert_true(config_file_load(NULL, &file, &config, &err));
	set_here(CONFIG_THEME, "mono");
	assert_false(config_file_save(&file, &config, &err));
	assert_int_equal(err.kind, ERR_PERMISSION);
	assert_non_null(strstr(err.why, "another user"));
	assert_int_equal(config.at[CONFIG_THEME].origin, CONFIG_FROM_HERE);
	(void)snprintf(path, sizeof(path), "%s/.config", home);
	assert_int_not_equal(access(path, F_OK), 0);
	remove_home();
}

static void only_absolute_directories_count(void **state)
{
	struct config_file file;
	struct err err;

	(void)state;
	make_home();
	parse("");
	assert_int_equal(setenv("XDG_CONFIG_HOME", "relative", 1), 0);
	assert_true(config_file_load(NULL, &file, &config, &err));
	assert_string_equal(file.path, path);
	assert_int_equal(setenv("XDG_CONFIG_HOME", "/etc/xdg-test", 1), 0);
	assert_true(config_file_load(NULL, &file, &config, &err));
	assert_string_equal(file.path, "/etc/xdg-test/heaptop/heaptop.ini");
	assert_int_equal(unsetenv("XDG_CONFIG_HOME"), 0);
	assert_int_equal(unsetenv("HOME"), 0);
	assert_true(config_file_load(NULL, &file, &config, &err));
	assert_string_equal(file.path, "");
	assert_false(config_file_save(&file, &config, &err));
	remove_home();
}

static void a_named_file_must_be_one(void **state)
{
	struct config_file file;
	struct err err;

	(void)state;
	make_home();
	parse("");
	assert_false(config_file_load("/nonexistent/x.ini", &file, &config, &err));
	assert_int_equal(err_exit_code(&err), 2);
	assert_false(config_file_load(home, &file, &config, &err)); /* a directory */
	(void)snprintf(path, sizeof(path), "%s/pipe", home);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_false(config_file_load(path, &file, &config, &err)); /* and does not wait */
	assert_false(config_file_load("/dev/zero", &file, &config, &err));
	assert_true(config_file_load("/dev/null", &file, &config, &err));
	assert_int_equal(file.problems.count, 0);
	assert_false(config_file_save(&file, &config, &err)); /* nor replaces it */
	remove_home();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_values),
		cmocka_unit_test(values_become_numbers),
		cmocka_unit_test(bad_values_change_nothing),
		cmocka_unit_test(steps_go_from_end_to_end),
		cmocka_unit_test(words_are_toggled_and_one_stays),
		cmocka_unit_test(slips_find_their_word),
		cmocka_unit_test(good_lines_are_used_and_bad_ones_told),
		cmocka_unit_test(options_win_over_the_file),
		cmocka_unit_test(rewriting_keeps_all_but_what_changed),
		cmocka_unit_test(a_new_file_has_sections),
		cmocka_unit_test(saving_makes_what_is_missing),
		cmocka_unit_test(a_link_stays_a_link),
		cmocka_unit_test(another_users_home_is_left_alone),
		cmocka_unit_test(only_absolute_directories_count),
		cmocka_unit_test(a_named_file_must_be_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
