/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <poll.h>
#include <unistd.h>

#include "probes/probes.h"
#include "tui/cli.h"
#include "tui/cli_attach.h"
#include "tui/cli_snapshot.h"

/* By then every thread has its arena and the short-lived one has gone. */
enum { DEMO_SETTLED_MS = 2500 };

static int show_demo(pid_t pid, const struct app_options *options)
{
	static const struct snapshot_wish text = { .json = false };
	struct err err;

	if (cli_need_terminal("demo", &err))
		return cli_attach_pid(pid, options);
	(void)poll(NULL, 0, DEMO_SETTLED_MS);
	return cli_snapshot_pid(pid, &text);
}

int cli_demo(int argc, char **argv)
{
	struct app_options options;
	struct cli_args args;
	struct err err;
	pid_t pid;
	int code;

	if (!cli_parse("demo", argc, argv, &args, &err) || !cli_no_operands(&args, &err) ||
	    !cli_app_options(&args, &options, &err) || !spawn_demo(&pid, &err))
		return cli_fail(&err);
	code = show_demo(pid, &options);
	spawn_end(pid);
	return code;
}

int cli_demo_workload(int argc, char **argv)
{
	struct cli_args args;
	int32_t parent = 0;
	struct err err;

	if (!cli_parse("demo-workload", argc, argv, &args, &err) ||
	    (args.operand_count && !cli_only_pid(&args, &parent, &err)))
		return cli_fail(&err);
	return demo_workload(parent);
}
