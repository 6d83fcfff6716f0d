/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/cli_snapshot.h"

#include <errno.h>
#include <string.h>

#include "probes/probes.h"
#include "tui/cli.h"
#include "tui/report.h"

static bool take_one(int32_t pid, uint32_t what, const struct chunk_sink *chunks,
                     const struct snapshot **ret, struct err *reterr)
{
	const struct take_request request = { .what = what, .chunks = chunks };
	struct source *source;
	bool ok;

	if (!source_live_open(pid, &source, reterr))
		return false;
	ok = source->ops->take(source, &request, ret, reterr);
	source_close(source);
	return ok;
}

/* denied_why is "WHY; REMEDY". */
bool cli_snapshot_denied(const struct snapshot *snap, struct err *ret)
{
	const struct process_facts *process = snapshot_process(snap);
	const char *why, *remedy;
	char what[32], reason[sizeof(process->denied_why)];

	if (!process || (!process->access_denied && snapshot_vmas(snap)))
		return false;
	(void)snprintf(what, sizeof(what), "process %d", process->id.pid);
	if (!process->access_denied) {
		err_set(ret, ERR_NO_PROCESS, ESRCH, what, "it ended or called exec meanwhile");
		return true;
	}
	why = process->denied_why[0] ? process->denied_why : "its memory may not be read";
	remedy = strstr(why, "; ");
	(void)snprintf(reason, sizeof(reason), "%.*s",
	               remedy ? (int)(remedy - why) : (int)strlen(why), why);
	err_set(ret, ERR_PERMISSION, 0, what, reason);
	if (remedy)
		err_remedy(ret, "Remedy: %s.", remedy + 2);
	return true;
}

/*
 * Partial data is printed; when the part that is missing was refused, or went away before it could be
 * read, the exit code says so too.
 */
static int verdict(const struct snapshot *snap)
{
	struct err err;

	return cli_snapshot_denied(snap, &err) ? cli_fail(&err) : CLI_EXIT_OK;
}

static int write_report(const struct snapshot *snap, const struct snapshot_wish *wish,
                        const struct chunk_spool *spool)
{
	struct report report;
	struct err err;

	report_init(&report, snap);
	report.chunks = spool;
	report.wants_vmas = wish->vmas;
	if (!wish->json) {
		text_write_snapshot(stdout, &report);
	} else if (!json_write_snapshot(stdout, &report) && !ferror(stdout)) {
		err_set(&err, ERR_NO_MEMORY, ENOMEM, "snapshot", "out of memory while writing it");
		return cli_fail(&err);
	}
	return verdict(snap);
}

int cli_snapshot_pid(int32_t pid, const struct snapshot_wish *wish)
{
	struct chunk_spool *spool = wish->chunks ? chunk_spool_new(0) : NULL;
	uint32_t what = TAKE_ALL;
	const struct snapshot *snap;
	struct err err;
	int code;

	if (wish->chunks && !spool) {
		err_set(&err, ERR_NO_MEMORY, ENOMEM, "snapshot", strerrordesc_np(ENOMEM));
		return cli_fail(&err);
	}
	what |= wish->chunks ? TAKE_CHUNKS : 0u;
	what |= wish->freeze ? TAKE_FREEZE : 0u;
	if (take_one(pid, what, spool ? chunk_spool_sink(spool) : NULL, &snap, &err)) {
		code = write_report(snap, wish, spool);
		snapshot_unref(snap);
	} else {
		code = cli_fail(&err);
	}
	chunk_spool_free(spool);
	return code;
}

int cli_snapshot(int argc, char **argv)
{
	struct snapshot_wish wish;
	struct cli_args args;
	struct err err;
	int32_t pid;

	if (!cli_parse("snapshot", argc, argv, &args, &err) || !cli_only_pid(&args, &pid, &err))
		return cli_fail(&err);
	wish = (struct snapshot_wish){
		.json = cli_value(&args, "json") != NULL,
		.chunks = cli_value(&args, "chunks") != NULL,
		.vmas = cli_value(&args, "vmas") != NULL,
		.freeze = cli_value(&args, "freeze") != NULL,
	};
	return cli_snapshot_pid(pid, &wish);
}
