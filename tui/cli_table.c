/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "tui/cli.h"

// clang-format off

/* Of every command with a screen. */
#define SCREEN_OPTIONS                                                                  \
	{ "interval", "TIME", "time between samples, 100ms to 10s (1s)" },              \
	{ "view", "NAME", "first view: overview, arenas, map, timeline …" },           \
	{ "theme", "NAME", "a theme's name or the path of its file" },                  \
	{ "color", "WHEN", "auto, never, 8, 16, 256 or direct" },                       \
	{ "symbols", "WHICH", "auto, braille, block, half or ascii" },                  \
	{ "ascii", NULL, "no character beyond ASCII" },                                 \
	{ "config", "FILE", "settings from FILE, not from heaptop.ini" },               \
	{ "no-mouse", NULL, "leave the mouse to the terminal" }

const struct cli_command cli_commands[] = {
	{
		.name = NULL,
		.operands = "[PID]",
		.help = "attach to a process; without PID, choose one",
		.options = { SCREEN_OPTIONS },
		.run = cli_attach,
	},
	{
		.name = "run",
		.operands = "[--] CMD [ARG]...",
		.help = "start a program and attach to it",
		.details = "The program runs in its own process group with its input and output on /dev/null.\n"
			   "It is ended (SIGTERM, after two seconds SIGKILL) when heaptop is left.",
		.is_wrapper = true,
		.options = {
			SCREEN_OPTIONS,
			{ "record", "FILE", NULL },
			{ "trace", "FILE", NULL },
		},
		.run = cli_run,
	},
	{
		.name = "demo",
		.operands = "",
		.help = "start the built-in workload and attach to it",
		.details = "Without a terminal it prints a snapshot of the workload instead.",
		.options = { SCREEN_OPTIONS },
		.run = cli_demo,
	},
	{
		.name = "demo-workload",
		.operands = "[PARENT]",
		.help = NULL,
		.run = cli_demo_workload,
	},
	{
		.name = "print-table",
		.operands = "NAME",
		.help = NULL,
		.run = cli_print_table,
	},
	{
		.name = "snapshot",
		.operands = "PID",
		.help = "print one snapshot: text, or JSON for programs",
		.options = {
			{ "json", NULL, "one JSON object on one line (heaptop.snapshot/1)" },
			{ "chunks", NULL, "every chunk too: address, size, state, arena" },
			{ "vmas", NULL, "the table of all VMAs too (JSON always has it)" },
			{ "freeze", NULL, "stop the process meanwhile: exact; says how long" },
		},
		.run = cli_snapshot,
	},
	{
		.name = "simulate",
		.operands = "SCENARIO",
		.help = "say what operations would do, and why",
		.details = "SCENARIO is a file of operations, - standard input; docs/scenario.md has the\n"
			   "language. They run in a copy: nothing of a live process is changed.",
		.list = "set",
		.options = {
			{ "from", "START", "a PID, or a file of `snapshot --json`" },
			{ "fresh", NULL, "a new process (the default)" },
			{ "freeze", NULL, "stop the process while it is copied" },
			{ "glibc", "V", "by the rules of glibc V" },
			{ "kernel", "V", "by the rules of Linux V" },
			{ "cpus", "N", "with N CPUs online" },
			{ "set", "KEY=VALUE", "change a setting; may be given again" },
			{ "limit", "N", "stop after N operations (10000000)" },
			{ "json", NULL, "one JSON object a line for each operation" },
			{ "explain", NULL, "the path of each operation through malloc and Linux" },
			{ "vmas", NULL, "all VMAs after each operation" },
			{ "settings", NULL, "list what --set takes, and end" },
			{ "dump-words", "FILE", NULL }, /* for tests/diff */
		},
		.run = cli_simulate,
	},
	{
		.name = "oom",
		.operands = "",
		.help = "say who would be killed, in order, and why",
		.options = {
			{ "json", NULL, "one JSON object on one line" },
			{ "cgroup", "PATH", "rank a memory cgroup's tasks against its limit" },
			{ "kernel", "V", "by the rules of Linux V, not the running one's" },
			{ "tasks", "FILE", "rank a table given as JSON, not this machine's" },
		},
		.run = cli_oom,
	},
	{
		.name = "doctor",
		.operands = "[PID]",
		.help = "say what can be read here and of PID, and what not",
		.run = cli_doctor,
	},
};
// clang-format on

const size_t cli_command_count = sizeof(cli_commands) / sizeof(cli_commands[0]);

const struct cli_command *cli_command_by_name(const char *name)
{
	for (size_t i = 0; i < cli_command_count; i++) {
		const char *word = cli_commands[i].name;

		if (word && strcmp(word, name) == 0)
			return &cli_commands[i];
	}
	return NULL;
}
