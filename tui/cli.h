/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_CLI_H
#define HEAPTOP_TUI_CLI_H

/**
 * The command line. One table (cli_table.c) names every command and option; dispatch, parsing, --help
 * and shell completion all come from it, and a test compares the manual page with it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "model/base/err.h"

/* Exit codes; those of errors come from err_exit_code(). */
enum { CLI_EXIT_OK = 0, CLI_EXIT_FAILED = 1, CLI_EXIT_USAGE = 2 };

enum { CLI_OPTIONS_MAX = 16, CLI_LIST_MAX = 64 };

struct cli_option {
	const char *name;  /* long name without dashes; NULL ends the list */
	const char *value; /* what --help calls its value; NULL: a flag */
	const char *help;  /* NULL: known, but not offered (its command says why) */
};

struct cli_command {
	const char *name;     /* NULL: attaching, which has no word of its own */
	const char *operands; /* as in the synopsis, "" when there are none */
	const char *help;     /* one sentence without a full stop; NULL: not offered */
	const char *details;  /* more for `heaptop COMMAND --help`, or NULL */
	bool is_wrapper;      /* what follows the first operand belongs to another program */
	const char *list;     /* the option that may be given again and again, or NULL */
	struct cli_option options[CLI_OPTIONS_MAX + 1];
	int (*run)(int argc,
	           char **argv); /* argv[0] is the command's word; returns the exit code */
};

extern const struct cli_command cli_commands[];
extern const size_t cli_command_count;

/** The command of a word, or NULL. */
const struct cli_command *cli_command_by_name(const char *name);

/* What a command was given. */
struct cli_args {
	const struct cli_command *command;
	const char
	        *values[CLI_OPTIONS_MAX]; /* as in command->options; a flag's is ""; NULL: absent */
	const char *list[CLI_LIST_MAX];   /* of the option that may be repeated */
	int list_count;
	char **operands;
	int operand_count;
};

/** Parses argv by the command's row (getopt_long: options and operands may be mixed). */
bool cli_parse(const char *command, int argc, char **argv, struct cli_args *ret,
               struct err *reterr);

/** The value of an option of the command's row, "" for a flag; NULL when it was not given. */
const char *cli_value(const struct cli_args *args, const char *option);

/** A process id in decimal, 1 … 2^31 - 1. */
bool cli_parse_pid(const char *word, int32_t *ret, struct err *reterr);
/** A release of Linux that is simulated: "6.1", or as uname has it. */
bool cli_parse_kernel(const char *word, int *ret_major, int *ret_minor, struct err *reterr);

/** Exactly one operand, a process id. */
bool cli_only_pid(const struct cli_args *args, int32_t *ret, struct err *reterr);

/** Refuses operands where a command takes none. */
bool cli_no_operands(const struct cli_args *args, struct err *reterr);

/** Writes `heaptop: WHAT: WHY` and the remedy, if any, on standard error. */
void cli_print_error(const struct err *err);

/** Prints the error and returns its exit code. */
int cli_fail(const struct err *err);

/** --help of the program, or of one command when `command` is not NULL. */
void cli_help(FILE *out, const struct cli_command *command);

/** --version: version, licence, libraries in use. */
void cli_version(FILE *out);

/** The completion script of a shell, from the table; NULL: bash's. False: none for this shell. */
bool cli_completion(FILE *out, const char *shell);

/** Has an option that is not given in full: what it may be, blank-separated; NULL: not a list. */
const char *cli_option_choices(const struct cli_option *option, char *to, size_t size);

/** True when both ends of the terminal are there; else *reterr points at `heaptop snapshot`. */
bool cli_need_terminal(const char *what, struct err *reterr);

/** The whole program; returns its exit code. */
int cli_main(int argc, char **argv);

/* The commands. */
int cli_attach(int argc, char **argv);
int cli_run(int argc, char **argv);
int cli_demo(int argc, char **argv);
int cli_demo_workload(int argc, char **argv);
int cli_print_table(int argc, char **argv);
int cli_snapshot(int argc, char **argv);
int cli_oom(int argc, char **argv);
int cli_simulate(int argc, char **argv);
int cli_doctor(int argc, char **argv);

#endif
