/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `heaptop simulate`: a scenario in a copy of a process, or in a new one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/base/text.h"
#include "tui/cli.h"
#include "tui/cli_copy.h"
#include "tui/simulate.h"

#define LIMIT_DEFAULT UINT64_C(10000000)

struct simulate_options {
	struct cli_args args;
	const char *scenario, *from;
	struct world_start start;
	uint64_t limit;
};

/* What one run holds, to be given back in the end. */
struct simulation {
	struct region *region;
	char *text;
	struct process_copy copy;
	struct scenario scenario;
	struct scenario_cursor *cursor;
	struct operate operate;
};

static bool no_memory(struct err *reterr)
{
	return err_set(reterr, ERR_NO_MEMORY, ENOMEM, "the simulation", strerrordesc_np(ENOMEM));
}

/* --- options ------------------------------------------------------------------------------------- */

static bool read_versions(struct simulate_options *o, struct err *reterr)
{
	const char *glibc = cli_value(&o->args, "glibc"), *kernel = cli_value(&o->args, "kernel");
	int major = 0, minor = 0;

	o->start.glibc_minor = o->start.kernel_major = o->start.kernel_minor = -1;
	if (glibc && (!linux_parse_release(glibc, &major, &minor) || major != 2 ||
	              !glibc_rules_for(minor))) {
		err_set(reterr, ERR_USAGE, 0, glibc, "not a version of glibc that is simulated");
		err_remedy(reterr, "Give one from 2.22 on: --glibc 2.36.");
		return false;
	}
	o->start.glibc_minor = glibc ? minor : -1;
	return !kernel ||
	       cli_parse_kernel(kernel, &o->start.kernel_major, &o->start.kernel_minor, reterr);
}

static bool read_number(const struct cli_args *args, const char *option, uint64_t max,
                        uint64_t *ret, struct err *reterr)
{
	const char *value = cli_value(args, option);

	if (!value)
		return true;
	if (text_parse_size(value, ret) && *ret >= 1 && *ret <= max)
		return true;
	return err_setf(reterr, ERR_USAGE, value, "--%s takes a number from 1 to %llu", option,
	                (unsigned long long)max);
}

static bool read_options(int argc, char **argv, struct simulate_options *ret, struct err *reterr)
{
	uint64_t cpus = 0;

	*ret = (struct simulate_options){ .limit = LIMIT_DEFAULT };
	if (!cli_parse("simulate", argc, argv, &ret->args, reterr))
		return false;
	if (cli_value(&ret->args, "settings"))
		return true;
	if (ret->args.operand_count != 1) {
		err_set(reterr, ERR_USAGE, 0, "simulate",
		        ret->args.operand_count ? "only one scenario is expected"
		                                : "which scenario? A file is missing");
		err_remedy(reterr, "Give its name, or - for standard input.");
		return false;
	}
	ret->scenario = ret->args.operands[0];
	ret->from = cli_value(&ret->args, "from");
	if (ret->from && cli_value(&ret->args, "fresh")) {
		err_set(reterr, ERR_USAGE, 0, "--fresh", "can't go with --from");
		err_remedy(reterr, "Leave one of them out.");
		return false;
	}
	if (!read_versions(ret, reterr) || !read_number(&ret->args, "cpus", 65536, &cpus, reterr) ||
	    !read_number(&ret->args, "limit", UINT64_MAX, &ret->limit, reterr))
		return false;
	ret->start.cpus = (uint32_t)cpus;
	return true;
}

/* --- the scenario --------------------------------------------------------------------------------- */

static FILE *open_file(const char *name, struct err *reterr)
{
	FILE *file = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");

	if (!file)
		err_set(reterr, errno == EACCES ? ERR_PERMISSION : ERR_FAILED, errno, name,
		        strerrordesc_np(errno));
	return file;
}

static bool read_text(const char *name, char **ret, size_t *ret_len, struct err *reterr)
{
	FILE *file = open_file(name, reterr);
	size_t room = 1 << 16, len = 0, got;
	char *text = file ? malloc(room) : NULL, *grown;
	bool ok = text != NULL;

	while (ok && (got = fread(text + len, 1, room - len, file)) > 0) {
		len += got;
		if (len < room)
			continue;
		grown = room < SIZE_MAX / 2 ? realloc(text, room * 2) : NULL;
		ok = grown != NULL;
		text = ok ? grown : text;
		room *= 2;
	}
	if (file && !ok)
		no_memory(reterr);
	else if (file && ferror(file))
		ok = err_set(reterr, ERR_FAILED, errno, name, strerrordesc_np(errno));
	if (file && file != stdin)
		(void)fclose(file);
	*ret = text;
	*ret_len = len;
	return ok;
}

static bool read_scenario(const struct simulate_options *o, struct simulation *s,
                          struct err *reterr)
{
	const char *name = strcmp(o->scenario, "-") == 0 ? "standard input" : o->scenario;
	size_t len;

	s->region = region_new();
	s->cursor = malloc(sizeof(*s->cursor));
	if (!s->region || !s->cursor)
		return no_memory(reterr);
	return read_text(o->scenario, &s->text, &len, reterr) &&
	       scenario_parse(s->region, s->text, len, name, &s->scenario, reterr);
}

/* --- where the world starts ------------------------------------------------------------------------ */

static bool is_pid(const char *word)
{
	return word[0] && word[strspn(word, "0123456789")] == '\0';
}

/* Only a recording has more than one instant to choose from. */
static bool from_file(struct simulation *s, const char *name, struct world_start *start,
                      struct err *reterr)
{
	const char *at = strrchr(name, '@');
	FILE *file = fopen(name, "re");
	bool ok;

	if (!file && errno == ENOENT && at && at[1]) {
		err_set(reterr, ERR_USAGE, 0, name, "an instant can be chosen of recordings only");
		err_remedy(reterr, "A file of `heaptop snapshot --json` is named without @TIME.");
		return false;
	}
	if (!file)
		return err_set(reterr, errno == EACCES ? ERR_PERMISSION : ERR_FAILED, errno, name,
		               strerrordesc_np(errno));
	ok = snapshot_from_json(file, name, &s->copy.snap, reterr);
	(void)fclose(file);
	start->snap = s->copy.snap;
	if (!ok || !world_new(start, &s->copy.world, reterr))
		return false;
	world_remark(s->copy.world, "a file holds no heap: malloc starts unused");
	return true;
}

static bool make_world(const struct simulate_options *o, struct simulation *s, struct err *reterr)
{
	struct world_start start = o->start;
	int32_t pid;
	bool ok;

	if (!o->from)
		ok = world_new(&start, &s->copy.world, reterr);
	else if (is_pid(o->from))
		ok = cli_parse_pid(o->from, &pid, reterr) &&
		     cli_copy_process(pid, cli_value(&o->args, "freeze"), &start, &s->copy, reterr);
	else
		ok = from_file(s, o->from, &start, reterr);
	return ok;
}

/* --- settings ---------------------------------------------------------------------------------------- */

static bool apply_setting(struct operate *operate, const char *word, struct err *reterr)
{
	const char *equals = strchr(word, '=');
	struct setting_value value;
	char why[SETTING_WHY_MAX];
	bool is_key_wrong;

	if (!equals) {
		err_set(reterr, ERR_USAGE, 0, word, "expected KEY=VALUE");
	} else if (!setting_parse(word, (size_t)(equals - word), equals + 1, strlen(equals + 1),
	                          &value, &is_key_wrong, why)) {
		err_set(reterr, ERR_USAGE, 0, word, why);
	} else {
		return operate_set(operate, &value, reterr);
	}
	err_remedy(reterr, "See heaptop simulate --settings.");
	return false;
}

static bool apply_settings(const struct simulate_options *o, struct operate *operate,
                           struct err *reterr)
{
	for (int i = 0; i < o->args.list_count; i++)
		if (!apply_setting(operate, o->args.list[i], reterr))
			return false;
	return !operate->is_contestable || operate_check(operate, reterr);
}

/* --- running ------------------------------------------------------------------------------------------ */

static void count_result(struct simulate_summary *summary, const struct op_result *result)
{
	summary->operations++;
	summary->skipped += result->is_skipped;
	summary->syscalls += result->sys->count;
	summary->outcomes[result->outcome]++;
	summary->commit_pages += result->commit_pages;
	summary->rss_pages += result->rss_pages;
}

/* On stderr, since it is no part of the prediction: a dead name is free(NULL) by the language. */
static void warn_of_name(const struct simulation *s, const struct op_result *result)
{
	const struct scenario_name *name = &s->scenario.names[result->op->src];
	struct err warning;

	if (!result->misses_name)
		return;
	(void)scenario_error(&s->scenario, result->op->line, name->text, name->len,
	                     "warning: nothing was assigned to that name before", &warning);
	cli_print_error(&warning);
}

/* Whoever closed the pipe has seen enough. */
static bool is_output_gone(const struct simulate_output *out)
{
	return ferror(out->to) != 0;
}

static bool run_all(struct simulation *s, uint64_t limit, struct simulate_output *out,
                    struct simulate_summary *summary, struct err *reterr)
{
	struct operation op;
	struct op_result result;

	scenario_start(s->cursor, &s->scenario);
	while (!s->operate.is_over && !is_output_gone(out)) {
		if (!scenario_next(s->cursor, &op, &summary->is_whole, reterr))
			return false;
		if (summary->is_whole)
			break;
		if (summary->operations == limit) {
			summary->is_limited = true;
			return scenario_error(&s->scenario, op.line, NULL, 0,
			                      "stopped here: --limit was reached", reterr);
		}
		if (!operate_run(&s->operate, &op, &result, reterr))
			return false;
		/* Most likely the copy's fault: it would be slander to foretell corruption from it. */
		if (s->copy.is_moving && result.outcome == OUTCOME_ABORT) {
			(void)scenario_error(
			        &s->scenario, op.line, NULL, 0,
			        "the copy contradicts itself: the process ran meanwhile", reterr);
			err_remedy(reterr, "Repeat it, stop the process, or use --freeze.");
			return false;
		}
		warn_of_name(s, &result);
		count_result(summary, &result);
		simulate_result(out, &result);
		if (result.outcome == OUTCOME_ENOMEM)
			scenario_tell(s->cursor, UNTIL_ENOMEM);
		if (result.outcome == OUTCOME_OOM)
			scenario_tell(s->cursor, UNTIL_OOM);
		if (result.outcome == OUTCOME_UNKNOWN)
			return scenario_error(&s->scenario, op.line, NULL, 0, result.outcome_text,
			                      reterr);
	}
	return true;
}

static int run(const struct simulate_options *o, struct simulation *s, struct err *err)
{
	struct simulate_summary summary = { 0 };
	struct simulate_output out = {
		.to = stdout,
		.world = s->copy.world,
		.json = cli_value(&o->args, "json"),
		.explain = cli_value(&o->args, "explain"),
		.vmas = cli_value(&o->args, "vmas"),
	};
	bool ok;

	if (out.explain) {
		s->copy.world->pt.why = &s->copy.world->why;
		lx_mm_set_why(s->copy.world->mm, &s->copy.world->why);
	}
	simulate_begin(&out);
	ok = run_all(s, o->limit, &out, &summary, err);
	simulate_end(&out, &summary);
	if (ok && out.failed && !ferror(stdout))
		ok = no_memory(err);
	if (ok && cli_value(&o->args, "dump-words"))
		ok = simulate_words(s->copy.world, cli_value(&o->args, "dump-words"), err);
	/* Exit status 2 promises that nothing has run. */
	if (!ok && err->kind == ERR_USAGE &&
	    (summary.operations || summary.is_limited || s->operate.is_over))
		err->kind = ERR_FAILED;
	return ok ? CLI_EXIT_OK : cli_fail(err);
}

static void end(struct simulation *s)
{
	world_end(s->copy.world);
	snapshot_unref(s->copy.snap);
	free(s->cursor);
	free(s->text);
	region_free(s->region);
}

int cli_simulate(int argc, char **argv)
{
	struct simulate_options options;
	struct simulation s = { 0 };
	struct err err;
	int code;

	if (!read_options(argc, argv, &options, &err))
		return cli_fail(&err);
	if (cli_value(&options.args, "settings")) {
		simulate_settings(stdout);
		return CLI_EXIT_OK;
	}
	if (read_scenario(&options, &s, &err) && make_world(&options, &s, &err) &&
	    operate_start(&s.operate, s.region, s.copy.world, &s.scenario, &err) &&
	    apply_settings(&options, &s.operate, &err))
		code = run(&options, &s, &err);
	else
		code = cli_fail(&err);
	end(&s);
	return code;
}
