/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables as README and the manual pages hold them: `make docs` puts them there, a test compares. Not a
 * command for users.
 */
#include <string.h>

#include "model/base/text.h"
#include "tui/cli.h"
#include "tui/config.h"
#include "tui/keymap.h"
#include "tui/roles.h"
#include "tui/theme.h"

static void keys_markdown(FILE *out)
{
	char names[64];

	(void)fputs("| keys | command | does |\n|---|---|---|\n", out);
	for (enum command_id id = 0; id < COMMAND_COUNT; id++)
		(void)fprintf(out, "| %s | `:%s` | %s |\n", keymap_names(names, sizeof(names), id),
		              commands[id].name, commands[id].help);
}

static void settings_markdown(FILE *out)
{
	(void)fputs("| key | default | values | meaning |\n|---|---|---|---|\n", out);
	for (enum config_id id = 0; id < CONFIG_COUNT; id++) {
		const struct config_row *row = &config_rows[id];

		(void)fprintf(out, "| `%s` | %s | %s | %s |\n", row->key,
		              row->type == CONFIG_IS_WORDS ? "all" : row->preset,
		              row->type == CONFIG_IS_THEME ? "a name or a path" : row->choices,
		              row->help);
	}
}

/* --- manual pages --------------------------------------------------------------------------------- */

/* Of troff and mdoc: escapes, and words that would be read as punctuation or as a macro. */
static void mdoc_word(FILE *out, const char *word)
{
	if (strspn(word, ".,:;()[]?!|'\"+-/=") == strlen(word))
		(void)fputs("\\&", out);
	for (; *word; word++) {
		if (*word == '\\')
			(void)fputs("\\e", out);
		else if (*word == '-')
			(void)fputs("\\-", out);
		else if (*word == '^')
			(void)fputs("\\(ha", out);
		else
			(void)fputc(*word, out);
	}
}

/* Arrows are words where a page may be printed in ASCII. */
static void mdoc_key(FILE *out, uint32_t key)
{
	char name[KEY_NAME];

	switch (key) {
	case KEYCODE_UP:
		(void)fputs("Up", out);
		break;
	case KEYCODE_DOWN:
		(void)fputs("Down", out);
		break;
	case KEYCODE_LEFT:
		(void)fputs("Left", out);
		break;
	case KEYCODE_RIGHT:
		(void)fputs("Right", out);
		break;
	default:
		mdoc_word(out, key_name(name, key));
	}
}

static void keys_mdoc(FILE *out)
{
	(void)fputs(".Bl -tag -width Ds\n", out);
	for (enum command_id id = 0; id < COMMAND_COUNT; id++) {
		(void)fputs(".It", out);
		for (size_t i = 0; i < key_binding_count; i++) {
			if (key_bindings[i].command != id)
				continue;
			(void)fputs(" Cm ", out);
			mdoc_key(out, key_bindings[i].key);
		}
		(void)fprintf(out, " Pq Ic \\&:%s\n%s.\n", commands[id].name, commands[id].help);
	}
	(void)fputs(".El\n", out);
}

static void settings_mdoc(FILE *out)
{
	const char *section = "";

	for (enum config_id id = 0; id < CONFIG_COUNT; id++) {
		const struct config_row *row = &config_rows[id];

		if (strcmp(section, row->section) != 0)
			(void)fprintf(out, "%s.Ss [%s]\n.Bl -tag -width Ds\n",
			              section[0] ? ".El\n" : "", row->section);
		section = row->section;
		(void)fprintf(out, ".It Ic %s No = Ar %s\n%s.\n", row->key,
		              row->type == CONFIG_IS_WORDS ? "word ..." : row->preset, row->help);
		if (row->type == CONFIG_IS_TIME || row->type == CONFIG_IS_PERCENT)
			(void)fprintf(out, "At the ends of the range: %.*s and %s.\n",
			              (int)strcspn(row->choices, " "), row->choices,
			              strrchr(row->choices, ' ') + 1);
		else if (row->choices[0])
			(void)fprintf(out, "One%s of: %s.\n",
			              row->type == CONFIG_IS_WORDS ? " or more" : "", row->choices);
	}
	(void)fputs(".El\n", out);
}

static void roles_mdoc(FILE *out)
{
	(void)fputs(".Bd -ragged -offset indent\n", out);
	for (unsigned role = 0; role < ROLE_COUNT; role++)
		(void)fprintf(out, ".Li %s%s\n", role_names[role],
		              role + 1 < ROLE_COUNT ? " ," : "");
	(void)fputs(".Ed\n", out);
}

static void themes_mdoc(FILE *out)
{
	for (size_t i = 0; i < theme_builtin_count; i++)
		(void)fprintf(out, ".Cm %s%s\n", theme_builtins[i].name,
		              i + 1 < theme_builtin_count ? " ," : " .");
}

int cli_print_table(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*write)(FILE *out);
	} tables[] = {
		{ "keys.md", keys_markdown }, { "settings.md", settings_markdown },
		{ "keys.mdoc", keys_mdoc },   { "settings.mdoc", settings_mdoc },
		{ "roles.mdoc", roles_mdoc }, { "themes.mdoc", themes_mdoc },
	};
	struct err err;

	for (size_t i = 0; argc == 2 && i < sizeof(tables) / sizeof(tables[0]); i++) {
		if (strcmp(tables[i].name, argv[1]) != 0)
			continue;
		tables[i].write(stdout);
		return CLI_EXIT_OK;
	}
	err_set(&err, ERR_USAGE, 0, "print-table", "which table?");
	return cli_fail(&err);
}
