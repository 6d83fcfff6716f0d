/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --help, --version, completion, the manual page and README against the tables they come from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "tests/lib/run_cli.h"
#include "tui/cli.h"
#include "tui/keymap.h"

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

static void completion_is_a_script(void **state)
{
	struct result r = run("--completion");
	FILE *bash;

	(void)state;
	assert_int_equal(r.code, 0);
	assert_non_null(strstr(r.out, "snapshot) words='--help --json --chunks --vmas --freeze'"));
	assert_null(strstr(r.out, "demo-workload"));
	if (system("command -v bash >/dev/null") != 0) {
		print_message("# no bash here: the script's syntax was not checked\n");
	} else {
		bash = popen("bash -n", "w");
		assert_non_null(bash);
		assert_true(fputs(r.out, bash) >= 0);
		assert_int_equal(pclose(bash), 0);
	}
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

/* --- README -------------------------------------------------------------------------------------- */

static void readme_has_every_key_and_command(void **state)
{
	FILE *readme = fopen("README.md", "re");
	char *text, row[256], names[64];

	(void)state;
	if (!readme) {
		print_message("# SKIP: README.md is not here (run from the top of the tree)\n");
		skip();
	}
	text = slurp(readme);
	for (int i = 0; i < COMMAND_COUNT; i++) {
		(void)snprintf(row, sizeof(row), "\n| %s | `:%s` | %s |\n",
		               keymap_names(names, sizeof(names), (enum command_id)i),
		               commands[i].name, commands[i].help);
		if (!strstr(text, row))
			fail_msg("not in README.md:%s", row);
	}
	for (size_t i = 0; i < cli_command_count; i++) {
		(void)snprintf(row, sizeof(row), "\n| `heaptop %s", cli_commands[i].name);
		if (cli_commands[i].name && cli_commands[i].help && !strstr(text, row))
			fail_msg("not in README.md:%s", row);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help_names_every_command_and_option),
		cmocka_unit_test(every_command_has_help_of_its_own),
		cmocka_unit_test(version_names_licence_and_libraries),
		cmocka_unit_test(completion_is_a_script),
		cmocka_unit_test(manual_and_table_have_the_same_options),
		cmocka_unit_test(readme_has_every_key_and_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
