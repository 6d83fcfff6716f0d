/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/cli.h"
#include "model/rules/linux.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tui/canvas.h"

void cli_print_error(const struct err *err)
{
	char what[sizeof(err->what) * 2], why[sizeof(err->why) * 2];

	/* What was written before it is read before it. */
	(void)fflush(stdout);
	text_clean(what, sizeof(what), err->what, strlen(err->what));
	text_clean(why, sizeof(why), err->why, strlen(err->why));
	(void)fprintf(stderr, "heaptop: %s: %s\n", what, why);
	if (err->remedy[0]) {
		text_clean(why, sizeof(why), err->remedy, strlen(err->remedy));
		(void)fprintf(stderr, "%s\n", why);
	}
}

int cli_fail(const struct err *err)
{
	cli_print_error(err);
	return err_exit_code(err);
}

bool cli_parse_kernel(const char *word, int *ret_major, int *ret_minor, struct err *reterr)
{
	bool is_release = linux_parse_release(word, ret_major, ret_minor);

	if (is_release && linux_is_known(*ret_major, *ret_minor))
		return true;
	err_set(reterr, ERR_USAGE, 0, word,
	        is_release ? "not a release of Linux whose rules are known"
	                   : "not a kernel version");
	err_remedy(reterr, "Give one of " LINUX_KNOWN " as MAJOR.MINOR: --kernel 6.1.");
	return false;
}

bool cli_parse_pid(const char *word, int32_t *ret, struct err *reterr)
{
	char *end;
	long pid;

	errno = 0;
	pid = isdigit((unsigned char)word[0]) ? strtol(word, &end, 10) : 0;
	if (pid < 1 || pid > INT32_MAX || errno || *end) {
		err_set(reterr, ERR_USAGE, 0, word, "not a process id");
		if (cli_command_by_name(word))
			err_remedy(reterr, "A command comes first: heaptop %s [OPTION]...", word);
		else
			err_remedy(reterr,
			           "Expected a number, as in `heaptop 4711`; see heaptop --help.");
		return false;
	}
	*ret = (int32_t)pid;
	return true;
}

bool cli_only_pid(const struct cli_args *args, int32_t *ret, struct err *reterr)
{
	const char *name = args->command->name;

	if (args->operand_count == 1)
		return cli_parse_pid(args->operands[0], ret, reterr);
	err_set(reterr, ERR_USAGE, 0,
	        name                  ? name
	        : args->operand_count ? args->operands[1]
	                              : "PID",
	        args->operand_count ? "only one process id is expected"
	                            : "which process? A process id is missing");
	err_remedy(reterr, "Usage: heaptop %s%s%s", name ? name : "", name ? " " : "",
	           args->command->operands);
	return false;
}

bool cli_no_operands(const struct cli_args *args, struct err *reterr)
{
	if (!args->operand_count)
		return true;
	err_setf(reterr, ERR_USAGE, args->command->name, "`%s` is not expected here",
	         args->operands[0]);
	err_remedy(reterr, "See heaptop %s --help.", args->command->name);
	return false;
}

bool cli_need_terminal(const char *what, struct err *reterr)
{
	if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
		return true;
	err_set(reterr, ERR_USAGE, 0, what,
	        "a terminal is needed, and standard input or output is none");
	err_remedy(reterr, "For text or JSON without a terminal: heaptop snapshot PID [--json]");
	return false;
}

/* A full disk must not look like success. A reader that has seen enough (head) is told nothing. */
static int finish_output(int code)
{
	struct err err;

	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	if (errno == EPIPE)
		return code ? code : CLI_EXIT_FAILED;
	err_set(&err, ERR_FAILED, errno, "standard output", strerrordesc_np(errno));
	return code ? code : cli_fail(&err);
}

static bool asks_for_help(const struct cli_command *command, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0 || (command->is_wrapper && argv[i][0] != '-'))
			return false;
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	}
	return false;
}

static int unknown_command(const char *word)
{
	struct err err;

	err_set(&err, ERR_USAGE, 0, word,
	        word[0] == '-' ? "unknown option" : "neither a command nor a process id");
	err_remedy(&err, "See heaptop --help for what there is.");
	return cli_fail(&err);
}

static int completion(const char *shell)
{
	struct err err;

	if (cli_completion(stdout, shell))
		return CLI_EXIT_OK;
	err_set(&err, ERR_USAGE, 0, shell, "there are no completions for this shell");
	err_remedy(&err, "Use bash, zsh or fish.");
	return cli_fail(&err);
}

static int dispatch(int argc, char **argv)
{
	const struct cli_command *command;
	const char *word;

	if (argc < 2)
		return cli_attach(argc, argv);
	word = argv[1];
	command = cli_command_by_name(word);
	if (command) {
		if (!asks_for_help(command, argc - 1, argv + 1))
			return command->run(argc - 1, argv + 1);
		cli_help(stdout, command);
		return CLI_EXIT_OK;
	}
	if (strcmp(word, "--version") == 0)
		cli_version(stdout);
	else if (strcmp(word, "--completion") == 0)
		return completion(argc > 2 ? argv[2] : NULL);
	else if (asks_for_help(&cli_commands[0], argc, argv))
		cli_help(stdout, NULL);
	else if (word[0] == '-' || isdigit((unsigned char)word[0]))
		return cli_attach(argc, argv);
	else
		return unknown_command(word);
	return CLI_EXIT_OK;
}

int cli_main(int argc, char **argv)
{
	/* A reader that went away ends the output, not the program: children are still to be ended. */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)setlocale(LC_ALL, ""); // NOLINT(concurrency-mt-unsafe): before any thread
	return finish_output(dispatch(argc, argv));
}
