/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --help, --version, completion, the manual page and README against the tables they come from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "tests/lib/run_cli.h"
#include "tui/cli.h"

static void help_names_every_command_and_option(void **state)
{
	struct result r = run("--help");
	char text[64];

	(void)state;
	assert_int_equal(r.code, 0);
	assert_string_equal(r.err, "");
	for (size_t i = 0; i < cli_command_count; i++) {
		const struct cli_command *c = &cli_commands[i];

		for (size_t o = 0; c->help && c->options[o].name; o++) {
			(void)snprintf(text, sizeof(text), "--%s", c->options[o].name);
			assert_true(!c->options[o].help == !strstr(r.out, text));
		}
		(void)snprintf(text, sizeof(text), "\n  %s", c->name ? c->name : "[PID]");
		assert_true(!c->help == !strstr(r.out, text));
	}
	for (char *rest = r.out, *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n"))
		assert_true(strlen(line) <= 80);
	result_free(&r);
}

static void every_command_has_help_of_its_own(void **state)
{
	char line[64];

	(void)state;
	for (size_t i = 0; i < cli_command_count; i++) {
		struct result r;

		if (!cli_commands[i].name)
			continue;
		(void)snprintf(line, sizeof(line), "%s --help", cli_commands[i].name);
		r = run(line);
		assert_int_equal(r.code, 0);
		assert_int_equal(strncmp(r.out, "Usage: heaptop ", 15), 0);
		assert_string_equal(r.err, "");
		result_free(&r);
	}
}

static void version_names_licence_and_libraries(void **state)
{
	struct result r = run("--version");

	(void)state;
	assert_int_equal(r.code, 0);
	assert_int_equal(
	        strncmp(r.out, "heaptop " HEAPTOP_VERSION "\n", 9 + strlen(HEAPTOP_VERSION)), 0);
	assert_non_null(strstr(r.out, "GPL-2.0-or-later"));
	assert_non_null(strstr(r.out, jansson_version_str()));
	result_free(&r);
}

/* Each option of each command stands in each shell's script, and nothing that is not offered. */
static void completions_have_every_option(void **state)
{
	static const struct {
		const char *shell, *before, *behind; /* an option's name */
	} shells[] = { { "bash", "--", "" }, { "zsh", "--", "[" }, { "fish", "-l ", " " } };
	char line[64], word[64];

	(void)state;
	for (size_t s = 0; s < sizeof(shells) / sizeof(shells[0]); s++) {
		struct result r;

		(void)snprintf(line, sizeof(line), "--completion %s", shells[s].shell);
		r = run(line);
		assert_int_equal(r.code, 0);
		for (size_t i = 0; i < cli_command_count; i++) {
			const struct cli_command *c = &cli_commands[i];

			assert_true(!c->name || !c->help == !strstr(r.out, c->name));
			for (size_t o = 0; c->options[o].name; o++) {
				(void)snprintf(word, sizeof(word), "%s%s%s", shells[s].before,
				               c->options[o].name, shells[s].behind);
				if (!c->options[o].help != !strstr(r.out, word))
					fail_msg("%s: %s", shells[s].shell, word);
			}
		}
		result_free(&r);
	}
}

/* The shells themselves say whether they can read it. */
static void completions_are_scripts(void **state)
{
	static const char *const shells[] = { "bash", "zsh", "fish" };
	char line[96];

	(void)state;
	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
		struct result r;
		FILE *shell;

		(void)snprintf(line, sizeof(line), "command -v %s >/dev/null", shells[i]);
		if (system(line) != 0) {
			print_message("# no %s here: its script was not read\n", shells[i]);
			continue;
		}
		(void)snprintf(line, sizeof(line), "--completion %s", shells[i]);
		r = run(line);
		(void)snprintf(line, sizeof(line), "%s -n /dev/stdin", shells[i]);
		shell = popen(line, "w");
		assert_non_null(shell);
		assert_true(fputs(r.out, shell) >= 0);
		assert_int_equal(pclose(shell), 0);
		result_free(&r);
	}
}

static void other_shells_are_refused(void **state)
{
	struct result r = run("--completion tcsh");

	(void)state;
	assert_int_equal(r.code, 2);
	assert_non_null(strstr(r.err, "bash, zsh or fish"));
	result_free(&r);
}

/* --- the manual page ----------------------------------------------------------------------------- */

static bool table_has(const char *name)
{
	static const char *const general[] = { "help", "version", "completion" };

	for (size_t i = 0; i < sizeof(general) / sizeof(general[0]); i++)
		if (strcmp(general[i], name) == 0)
			return true;
	for (size_t i = 0; i < cli_command_count; i++)
		for (size_t o = 0; cli_commands[i].options[o].name; o++)
			if (cli_commands[i].options[o].help &&
			    strcmp(cli_commands[i].options[o].name, name) == 0)
				return true;
	return false;
}

static void manual_and_table_have_the_same_options(void **state)
{
	FILE *page = fopen("man/heaptop.1", "re");
	char *text, item[64];

	(void)state;
	if (!page) {
		print_message("# SKIP: man/heaptop.1 is not here (run from the top of the tree)\n");
		skip();
	}
	text = slurp(page);
	for (size_t i = 0; i < cli_command_count; i++) {
		const struct cli_command *c = &cli_commands[i];

		for (size_t o = 0; c->options[o].name; o++) {
			(void)snprintf(item, sizeof(item), "\n.It Fl -%s%s%s\n", c->options[o].name,
			               c->options[o].value ? " Ar " : "",
			               c->options[o].value ? c->options[o].value : "");
			if (c->options[o].help && !strstr(text, item))
				fail_msg("not in the manual:%s", item);
		}
	}
	for (const char *at = strstr(text, "\n.It Fl -"); at; at = strstr(at + 1, "\n.It Fl -")) {
		(void)snprintf(item, sizeof(item), "%.*s", (int)strcspn(at + 9, " \n"), at + 9);
		if (!table_has(item))
			fail_msg("only in the manual: --%s", item);
	}
	free(text);
}

/* --- README and tables ----------------------------------------------------------------------------- */

static void readme_has_every_command(void **state)
{
	FILE *readme = fopen("README.md", "re");
	char *text, row[64];

	(void)state;
	if (!readme) {
		print_message("# SKIP: README.md is not here (run from the top of the tree)\n");
		skip();
	}
	text = slurp(readme);
	for (size_t i = 0; i < cli_command_count; i++) {
		(void)snprintf(row, sizeof(row), "\n| `heaptop %s", cli_commands[i].name);
		if (cli_commands[i].name && cli_commands[i].help && !strstr(text, row))
			fail_msg("not in README.md:%s", row);
	}
	free(text);
}

/* What stands between "table: NAME" and "end of table" is what the program prints of it. */
static void tables_are_as_the_program_prints_them(void **state)
{
	static const struct {
		const char *file;
		int tables;
	} files[] = { { "README.md", 2 }, { "man/heaptop.1", 1 }, { "man/heaptop.5", 3 } };

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		FILE *file = fopen(files[i].file, "re");
		char *text, *at;
		int found = 0;

		if (!file) {
			print_message("# SKIP: %s is not here\n", files[i].file);
			skip();
		}
		at = text = slurp(file);
		for (; (at = strstr(at, "table: ")); found++) {
			char line[64];
			struct result r;
			size_t len;

			at += strlen("table: ");
			(void)snprintf(line, sizeof(line), "print-table %.*s",
			               (int)strcspn(at, " \n"), at);
			r = run(line);
			assert_int_equal(r.code, 0);
			at = strchr(at, '\n') + 1;
			len = strlen(r.out);
			if (strncmp(at, r.out, len) != 0 ||
			    !memmem(at + len, strcspn(at + len, "\n"), "end of table", 12))
				fail_msg("%s: %s is not as it is now: make docs", files[i].file,
				         line);
			result_free(&r);
		}
		assert_int_equal(found, files[i].tables);
		free(text);
	}
}

/* mandoc finds what is no mdoc; groff's own reader of pages is less strict. */
static void manuals_are_mdoc(void **state)
{
	(void)state;
	if (system("command -v mandoc >/dev/null") != 0) {
		print_message("# no mandoc here: the pages were not checked\n");
		return;
	}
	if (access("man/heaptop.5", R_OK) != 0) {
		print_message("# SKIP: man/heaptop.5 is not here\n");
		skip();
	}
	assert_int_equal(system("mandoc -T lint -W warning man/heaptop.1 man/heaptop.5"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help_names_every_command_and_option),
		cmocka_unit_test(every_command_has_help_of_its_own),
		cmocka_unit_test(version_names_licence_and_libraries),
		cmocka_unit_test(completions_have_every_option),
		cmocka_unit_test(completions_are_scripts),
		cmocka_unit_test(other_shells_are_refused),
		cmocka_unit_test(manual_and_table_have_the_same_options),
		cmocka_unit_test(readme_has_every_command),
		cmocka_unit_test(tables_are_as_the_program_prints_them),
		cmocka_unit_test(manuals_are_mdoc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
