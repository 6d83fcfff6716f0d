/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <string.h>

#include "model/base/text.h"
#include "tui/cli.h"

enum { HELP_COLUMN = 24 };

/* "left side" padded to the column of explanations, or on a line of its own when it is too long. */
static void help_row(FILE *out, const char *left, const char *right)
{
	int width = (int)strlen(left);

	if (width >= HELP_COLUMN - 2)
		(void)fprintf(out, "  %s\n%*s%s\n", left, HELP_COLUMN + 2, "", right);
	else
		(void)fprintf(out, "  %-*s%s\n", HELP_COLUMN, left, right);
}

static void help_option(FILE *out, const struct cli_option *option)
{
	char left[80];
	struct text text = text_in(left, sizeof(left));

	text_addf(&text, "  --%s%s%s", option->name, option->value ? " " : "",
	          option->value ? option->value : "");
	help_row(out, left, option->help);
}

static bool has_option(const struct cli_command *command, const char *name)
{
	for (size_t i = 0; i < CLI_OPTIONS_MAX && command->options[i].name; i++)
		if (strcmp(command->options[i].name, name) == 0)
			return true;
	return false;
}

/* `but`: whose options are not repeated; NULL: all are listed. */
static void help_options(FILE *out, const struct cli_command *command,
                         const struct cli_command *but)
{
	for (size_t i = 0; i < CLI_OPTIONS_MAX && command->options[i].name; i++)
		if (command->options[i].help && !(but && has_option(but, command->options[i].name)))
			help_option(out, &command->options[i]);
}

/* What has a screen takes the options of the first command too. */
static bool shares_options(const struct cli_command *command)
{
	return command->name && has_option(command, cli_commands[0].options[0].name);
}

static void synopsis(char *to, size_t size, const struct cli_command *command)
{
	struct text text = text_in(to, size);

	text_add(&text, command->name ? command->name : "");
	for (size_t i = 0; i < CLI_OPTIONS_MAX && command->options[i].name; i++) {
		const struct cli_option *o = &command->options[i];

		if (o->help)
			text_addf(&text, " [--%s%s%s]", o->name, o->value ? " " : "",
			          o->value ? o->value : "");
	}
	if (command->operands[0])
		text_addf(&text, "%s%s", text.len ? " " : "", command->operands);
}

static void help_command(FILE *out, const struct cli_command *command)
{
	char line[512];

	synopsis(line, sizeof(line), command);
	(void)fprintf(out, "Usage: heaptop %s\n\n", line);
	if (command->help)
		(void)fprintf(out, "heaptop %s: %s.\n", command->name, command->help);
	if (command->details)
		(void)fprintf(out, "%s\n", command->details);
	if (command->options[0].name && command->options[0].help) {
		(void)fputs("\nOptions:\n", out);
		help_options(out, command, NULL);
	}
}

static void help_program(FILE *out)
{
	char line[256];
	struct text text;

	(void)fputs(
	        "Usage: heaptop [PID]\n"
	        "       heaptop COMMAND [OPTION]... [ARGUMENT]...\n\n"
	        "Shows a running process's memory through every layer at once: malloc's chunks,\n"
	        "arenas and heaps, the kernel's VMAs and resident pages, commit accounting,\n"
	        "cgroup limits and the OOM killer's ranking. Without stopping it.\n\n"
	        "Commands:\n",
	        out);
	for (size_t i = 0; i < cli_command_count; i++) {
		const struct cli_command *command = &cli_commands[i];

		if (!command->help)
			continue;
		text = text_in(line, sizeof(line));
		text_addf(&text, "%s%s%s", command->name ? command->name : "",
		          command->name && command->operands[0] ? " " : "", command->operands);
		help_row(out, line, command->help);
		help_options(out, command, command->name ? &cli_commands[0] : NULL);
		if (shares_options(command))
			help_row(out, "", "(takes the options of `heaptop PID` too)");
	}
	(void)fputs("\nOptions:\n", out);
	help_row(out, "--help", "this text, or a command's own after its name");
	help_row(out, "--version", "version, licence and the libraries in use");
	help_row(out, "--completion SHELL", "a completion script for bash, zsh or fish");
	(void)fputs("\nExit status: 0 success, 1 the job failed, 2 usage, 3 no permission,\n"
	            "4 no such process.\n"
	            "Try `heaptop demo` first; `heaptop doctor` says what can be read here.\n",
	            out);
}

void cli_help(FILE *out, const struct cli_command *command)
{
	if (command && command->name)
		help_command(out, command);
	else
		help_program(out);
}
