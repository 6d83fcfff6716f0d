/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probes/probes.h"
#include "tui/cli.h"
#include "tui/cli_attach.h"

/* Known words whose work this version does not do: said at once, before anything is started. */
static bool refuse_later(const struct cli_args *args, struct err *reterr)
{
	static const char *const later[] = { "record", "trace" };

	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++)
		if (cli_value(args, later[i])) {
			err_setf(reterr, ERR_USAGE, "run", "this version does not have --%s",
			         later[i]);
			err_remedy(reterr, "Without it the program is started and watched: "
			                   "heaptop run -- CMD");
			return false;
		}
	return true;
}

static bool has_program(const struct cli_args *args, struct err *reterr)
{
	if (args->operand_count)
		return true;
	err_set(reterr, ERR_USAGE, 0, "run", "which program? A command is missing");
	err_remedy(reterr, "Usage: heaptop run -- CMD [ARG]...");
	return false;
}

int cli_run(int argc, char **argv)
{
	struct app_options options;
	struct cli_args args;
	struct err err;
	pid_t pid;
	int code;

	if (!cli_parse("run", argc, argv, &args, &err) || !refuse_later(&args, &err) ||
	    !has_program(&args, &err) || !cli_app_options(&args, &options, &err) ||
	    !cli_need_terminal("run", &err) || !spawn_program(args.operands, true, &pid, &err))
		return cli_fail(&err);
	code = cli_attach_pid(pid, &options);
	spawn_end(pid);
	return code;
}
