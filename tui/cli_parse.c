/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <getopt.h>
#include <string.h>

#include "tui/cli.h"

static size_t fill_options(const struct cli_command *command, struct option *options)
{
	size_t count = 0;

	for (; count < CLI_OPTIONS_MAX && command->options[count].name; count++)
		options[count] = (struct option){
			.name = command->options[count].name,
			.has_arg = command->options[count].value ? required_argument : no_argument,
			.flag = NULL,
			.val = 0,
		};
	options[count] = (struct option){ 0 };
	return count;
}

/* getopt_long() says '?' of --json=1 just as of --jason. */
static bool is_given_a_value(const char *word, const struct cli_command *command)
{
	const char *equals = strncmp(word, "--", 2) == 0 ? strchr(word, '=') : NULL;
	size_t len = equals ? (size_t)(equals - word) - 2 : 0;

	for (size_t i = 0; len && i < CLI_OPTIONS_MAX && command->options[i].name; i++)
		if (strncmp(command->options[i].name, word + 2, len) == 0)
			return true;
	return false;
}

static bool take_value(struct cli_args *args, int index, const char *value, struct err *reterr)
{
	args->values[index] = value ? value : "";
	if (!args->command->options[index].is_list)
		return true;
	if (args->list_count == CLI_LIST_MAX)
		return err_setf(reterr, ERR_USAGE, args->command->options[index].name,
		                "given more than %d times", CLI_LIST_MAX);
	args->list[args->list_count++] = args->values[index];
	return true;
}

static bool refuse(int found, const char *word, const struct cli_command *command,
                   struct err *reterr)
{
	const char *name = command->name ? command->name : "";

	err_set(reterr, ERR_USAGE, 0, word,
	        found == ':'                      ? "this option needs a value"
	        : is_given_a_value(word, command) ? "this option takes no value"
	                                          : "unknown option");
	err_remedy(reterr, "See heaptop %s%s--help.", name, name[0] ? " " : "");
	return false;
}

bool cli_parse(const char *name, int argc, char **argv, struct cli_args *ret, struct err *reterr)
{
	const struct cli_command *command = name ? cli_command_by_name(name) : &cli_commands[0];
	struct option options[CLI_OPTIONS_MAX + 1];
	struct cli_args args = { .command = command };
	int found, index = 0;

	fill_options(command, options);
	opterr = 0;
	optind = 0; /* glibc: start anew, whoever parsed before */
	for (;;) {
		// NOLINTNEXTLINE(concurrency-mt-unsafe): parsed before any thread starts
		found = getopt_long(argc, argv, command->is_wrapper ? "+:" : ":", options, &index);
		if (found == -1)
			break;
		if (found != 0)
			return refuse(found, argv[optind > 1 ? optind - 1 : 1], command, reterr);
		if (!take_value(&args, index, optarg, reterr))
			return false;
	}
	args.operands = argv + optind;
	args.operand_count = argc - optind;
	*ret = args;
	return true;
}

const char *cli_value(const struct cli_args *args, const char *option)
{
	for (size_t i = 0; i < CLI_OPTIONS_MAX && args->command->options[i].name; i++)
		if (strcmp(args->command->options[i].name, option) == 0)
			return args->values[i];
	return NULL;
}
