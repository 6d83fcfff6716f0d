/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Completion scripts, all from the table of commands and the table of settings. */
#include <string.h>

#include "model/base/text.h"
#include "tui/cli.h"
#include "tui/config.h"
#include "tui/theme.h"

const char *cli_option_choices(const struct cli_option *option, char *to, size_t size)
{
	enum config_id id = config_by_key(option->name);
	struct text text = text_in(to, size);

	if (!option->value || id == CONFIG_COUNT)
		return NULL;
	if (config_rows[id].type != CONFIG_IS_THEME)
		return config_rows[id].choices;
	for (size_t i = 0; i < theme_builtin_count; i++)
		text_addf(&text, "%s%s", i ? " " : "", theme_builtins[i].name);
	return to;
}

static bool takes_file(const struct cli_option *option)
{
	return option->value && (!strcmp(option->value, "FILE") || !strcmp(option->value, "START"));
}

static bool is_offered(const struct cli_command *command)
{
	return command->name && command->help;
}

static bool takes(const struct cli_command *command, const char *operand)
{
	return strstr(command->operands, operand) != NULL;
}

/* Options that are offered, one after the other; NULL behind the last. */
static const struct cli_option *next_option(const struct cli_command *command, size_t *at)
{
	while (*at < CLI_OPTIONS_MAX && command->options[*at].name) {
		const struct cli_option *option = &command->options[(*at)++];

		if (option->help)
			return option;
	}
	return NULL;
}

/* --- bash --------------------------------------------------------------------------------------- */

static void bash_words(FILE *out, const struct cli_command *command)
{
	const struct cli_option *option;
	size_t at = 0;

	while ((option = next_option(command, &at)))
		(void)fprintf(out, " --%s", option->name);
}

/* What follows an option: the same wherever it stands. */
static void bash_values(FILE *out)
{
	const struct cli_option *option;
	char buffer[512];

	for (size_t i = 0; i < cli_command_count; i++) {
		const struct cli_command *command = &cli_commands[i];
		size_t at = 0;

		/* those of the screen are the first command's */
		while ((option = next_option(command, &at))) {
			const char *choices = cli_option_choices(option, buffer, sizeof(buffer));

			if (choices && !i)
				(void)fprintf(out,
				              "\t--%s) mapfile -t COMPREPLY < <(compgen -W '%s' -- "
				              "\"$2\"); return ;;\n",
				              option->name, choices);
			else if (option->value && !choices && (!i || takes_file(option)))
				(void)fprintf(out, "\t--%s) return ;;\n", option->name);
		}
	}
}

static void bash(FILE *out)
{
	(void)fputs("_heaptop() {\n"
	            "\tlocal words\n"
	            "\tcase $3 in\n"
	            "\t--completion) mapfile -t COMPREPLY < <(compgen -W 'bash zsh fish' -- "
	            "\"$2\"); return ;;\n",
	            out);
	bash_values(out);
	(void)fputs("\tesac\n"
	            "\tcase ${COMP_WORDS[1]} in\n",
	            out);
	for (size_t i = 0; i < cli_command_count; i++) {
		if (!is_offered(&cli_commands[i]))
			continue;
		(void)fprintf(out, "\t%s) words='--help", cli_commands[i].name);
		bash_words(out, &cli_commands[i]);
		(void)fputs("' ;;\n", out);
	}
	(void)fputs("\t*) words='--help --version --completion", out);
	bash_words(out, &cli_commands[0]);
	for (size_t i = 0; i < cli_command_count; i++)
		if (is_offered(&cli_commands[i]))
			(void)fprintf(out, " %s", cli_commands[i].name);
	(void)fputs("' ;;\n"
	            "\tesac\n"
	            "\t[[ $COMP_CWORD -eq 1 || $2 == -* ]] || words=\n"
	            "\tcase ${COMP_WORDS[1]} in snapshot | doctor | '' | [0-9]*) [[ $2 == [0-9]* "
	            "]] &&\n"
	            "\t\twords+=\" $(cd /proc && printf '%s ' [0-9]*)\" ;;\n"
	            "\tesac\n"
	            "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$2\")\n"
	            "}\n"
	            "complete -o default -F _heaptop heaptop\n",
	            out);
}

/* --- zsh ---------------------------------------------------------------------------------------- */

/* Inside '…[…]': quotes and what _arguments reads. */
static void zsh_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			(void)fputs("'\\''", out);
		else if (strchr("[]:\\", *text))
			(void)fprintf(out, "\\%c", *text);
		else
			(void)fputc(*text, out);
	}
}

static void zsh_option(FILE *out, const struct cli_command *command,
                       const struct cli_option *option)
{
	char buffer[512];
	const char *choices = cli_option_choices(option, buffer, sizeof(buffer));
	bool is_repeated = command->list && !strcmp(command->list, option->name);

	(void)fprintf(out, " \\\n\t\t\t'%s--%s[", is_repeated ? "*" : "", option->name);
	zsh_text(out, option->help);
	(void)fputc(']', out);
	if (option->value) {
		(void)fprintf(out, ":%s:", option->value);
		if (choices)
			(void)fprintf(out, "(%s)", choices);
		else if (takes_file(option))
			(void)fputs("_files", out);
	}
	(void)fputc('\'', out);
}

static void zsh_arguments(FILE *out, const struct cli_command *command)
{
	const struct cli_option *option;
	size_t at = 0;

	(void)fputs("\t\t_arguments '--help[say what it does]'", out);
	while ((option = next_option(command, &at)))
		zsh_option(out, command, option);
	if (command->is_wrapper)
		(void)fputs(" \\\n\t\t\t'*::command:_normal'", out);
	else if (takes(command, "PID"))
		(void)fputs(" \\\n\t\t\t':process:_pids'", out);
	else if (takes(command, "SCENARIO"))
		(void)fputs(" \\\n\t\t\t':scenario:_files'", out);
	(void)fputc('\n', out);
}

static void zsh(FILE *out)
{
	(void)fputs("#compdef heaptop\n"
	            "_heaptop() {\n"
	            "\tlocal -a commands\n"
	            "\tcommands=(",
	            out);
	for (size_t i = 0; i < cli_command_count; i++) {
		if (!is_offered(&cli_commands[i]))
			continue;
		(void)fprintf(out, "\n\t\t'%s:", cli_commands[i].name);
		zsh_text(out, cli_commands[i].help);
		(void)fputc('\'', out);
	}
	(void)fputs("\n\t)\n"
	            "\tif (( CURRENT > 2 )) && [[ -n ${commands[(r)$words[2]:*]} ]]; then\n"
	            "\t\tshift words\n"
	            "\t\t(( CURRENT-- ))\n"
	            "\telse\n"
	            "\t\t(( CURRENT == 2 )) && _describe -t commands command commands\n"
	            "\t\twords[1]=\n"
	            "\tfi\n"
	            "\tcase $words[1] in\n",
	            out);
	for (size_t i = 0; i < cli_command_count; i++) {
		if (!is_offered(&cli_commands[i]))
			continue;
		(void)fprintf(out, "\t%s)\n", cli_commands[i].name);
		zsh_arguments(out, &cli_commands[i]);
		(void)fputs("\t\t;;\n", out);
	}
	(void)fputs("\t*)\n", out);
	zsh_arguments(out, &cli_commands[0]);
	(void)fputs("\t\t;;\n"
	            "\tesac\n"
	            "}\n"
	            "_heaptop \"$@\"\n",
	            out);
}

/* --- fish --------------------------------------------------------------------------------------- */

static void fish_text(FILE *out, const char *text)
{
	(void)fputc('\'', out);
	for (; *text; text++)
		(void)fprintf(out, *text == '\'' || *text == '\\' ? "\\%c" : "%c", *text);
	(void)fputc('\'', out);
}

static void fish_option(FILE *out, const char *when, const struct cli_option *option)
{
	char buffer[512];
	const char *choices = cli_option_choices(option, buffer, sizeof(buffer));

	(void)fprintf(out, "complete -c heaptop -n '%s' -l %s", when, option->name);
	if (choices)
		(void)fprintf(out, " -x -a '%s'", choices);
	else if (option->value)
		(void)fputs(takes_file(option) ? " -r -F" : " -x", out);
	(void)fputs(" -d ", out);
	fish_text(out, option->help);
	(void)fputc('\n', out);
}

static void fish_command(FILE *out, const struct cli_command *command)
{
	const struct cli_option *option;
	size_t at = 0;
	char when[80];
	struct text text = text_in(when, sizeof(when));

	if (command->name)
		text_addf(&text, "__fish_seen_subcommand_from %s", command->name);
	else
		text_add(&text, "__fish_use_subcommand");
	if (command->name) {
		(void)fprintf(out, "complete -c heaptop -n __fish_use_subcommand -a %s -d ",
		              command->name);
		fish_text(out, command->help);
		(void)fputc('\n', out);
	}
	while ((option = next_option(command, &at)))
		fish_option(out, when, option);
	if (takes(command, "PID"))
		(void)fprintf(out, "complete -c heaptop -n '%s' -a '(__fish_complete_pids)'\n",
		              when);
	if (takes(command, "SCENARIO") || command->is_wrapper)
		(void)fprintf(out, "complete -c heaptop -n '%s' -F\n", when);
}

static void fish(FILE *out)
{
	(void)fputs(
	        "complete -c heaptop -f\n"
	        "complete -c heaptop -l help -d 'say what there is'\n"
	        "complete -c heaptop -n __fish_use_subcommand -l version -d 'version and licence'\n"
	        "complete -c heaptop -n __fish_use_subcommand -l completion -x -a 'bash zsh fish'"
	        " -d 'a completion script'\n",
	        out);
	for (size_t i = 0; i < cli_command_count; i++)
		if (cli_commands[i].help)
			fish_command(out, &cli_commands[i]);
}

bool cli_completion(FILE *out, const char *shell)
{
	static const struct {
		const char *shell;
		void (*write)(FILE *out);
	} shells[] = { { "bash", bash }, { "zsh", zsh }, { "fish", fish } };

	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
		if (shell && strcmp(shells[i].shell, shell) != 0)
			continue;
		shells[i].write(out);
		return true;
	}
	return false;
}
