/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "probes/probes.h"
#include "tui/canvas.h"
#include "tui/cli.h"

/* Names of processes, files and cgroups are in it: no line reaches the terminal as it came. */
static void print_clean(char *report)
{
	char clean[1024], *rest = report;

	for (char *line = strsep(&rest, "\n"); line && rest; line = strsep(&rest, "\n"))
		(void)puts(text_clean(clean, sizeof(clean), line, strlen(line)));
}

static bool exists(int32_t pid, struct err *reterr)
{
	struct source *source;

	if (source_live_open(pid, &source, reterr))
		source_close(source);
	else if (reterr->kind == ERR_NO_PROCESS)
		return false;
	return true;
}

int cli_doctor(int argc, char **argv)
{
	struct cli_args args;
	char *report = NULL;
	struct err err;
	int32_t pid = 0;
	bool is_fine;
	size_t len;
	FILE *out;

	if (!cli_parse("doctor", argc, argv, &args, &err) ||
	    (args.operand_count && (!cli_only_pid(&args, &pid, &err) || !exists(pid, &err))))
		return cli_fail(&err);
	out = open_memstream(&report, &len);
	is_fine = out && doctor_report(pid, out);
	if (!out || fclose(out) != 0) {
		err_set(&err, ERR_NO_MEMORY, errno, "doctor", strerrordesc_np(errno));
		return cli_fail(&err);
	}
	print_clean(report);
	free(report);
	return is_fine ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}
