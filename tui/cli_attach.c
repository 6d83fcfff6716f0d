/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/cli_attach.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "probes/probes.h"
#include "tui/picker.h"

/* --- the sampler as the screen's feed ----------------------------------------------------------- */

static const struct snapshot *feed_take(void *ctx)
{
	return sampler_take(ctx);
}

static void feed_set_interval(void *ctx, uint32_t ms)
{
	sampler_set_interval(ctx, ms);
}

static void feed_set_budget(void *ctx, uint32_t permille)
{
	sampler_set_budget(ctx, permille);
}

static void feed_want(void *ctx, uint32_t what)
{
	sampler_want(ctx, what);
}

static void feed_focus(void *ctx, uint32_t what)
{
	sampler_focus(ctx, what);
}

static void feed_look(void *ctx, const struct window_request *request)
{
	sampler_look(ctx, request);
}

static uint32_t feed_walked(void *ctx)
{
	return sampler_walk_permille(ctx);
}

int cli_attach_pid(int32_t pid, const struct app_options *options)
{
	const struct sampler_settings settings = {
		.interval_ms = config_number(&options->config, CONFIG_INTERVAL),
		.cpu_budget_permille = config_number(&options->config, CONFIG_CPU_BUDGET),
	};
	struct app_feed feed = {
		.take = feed_take,
		.set_interval = feed_set_interval,
		.set_budget = feed_set_budget,
		.want = feed_want,
		.focus = feed_focus,
		.look = feed_look,
		.walked = feed_walked,
	};
	struct sampler *sampler;
	struct source *source;
	struct err err;
	int code;

	if (!source_live_open(pid, &source, &err) ||
	    !sampler_start(source, &settings, &sampler, &err))
		return cli_fail(&err);
	feed.fd = sampler_fd(sampler);
	feed.ctx = sampler;
	code = app_run(options, &feed);
	sampler_stop(sampler);
	return code;
}

/* --- choosing a process ------------------------------------------------------------------------- */

struct process_choice {
	struct picker_row *rows;
	size_t room;
};

static void copy_row(struct picker_row *to, const struct process_row *from)
{
	*to = (struct picker_row){
		.pid = from->pid,
		.rss_bytes = from->rss_bytes,
		.swap_bytes = from->swap_bytes,
		.oom_score = from->oom_score,
		.may_read = from->may_read,
	};
	_Static_assert(sizeof(to->user) == sizeof(from->user), "same width");
	_Static_assert(sizeof(to->comm) == sizeof(from->comm), "same width");
	_Static_assert(sizeof(to->cmdline) == sizeof(from->cmdline), "same width");
	memcpy(to->user, from->user, sizeof(to->user));
	memcpy(to->comm, from->comm, sizeof(to->comm));
	memcpy(to->cmdline, from->cmdline, sizeof(to->cmdline));
}

static bool make_room(struct process_choice *choice, size_t count, struct err *reterr)
{
	struct picker_row *rows;

	if (count <= choice->room)
		return true;
	rows = reallocarray(choice->rows, count, sizeof(*rows));
	if (!rows)
		return err_set(reterr, ERR_NO_MEMORY, ENOMEM, "list of processes",
		               strerrordesc_np(ENOMEM));
	choice->rows = rows;
	choice->room = count;
	return true;
}

/* Kernel threads have no memory of their own: they are no choice. */
static bool choice_refresh(void *ctx, const struct picker_row **ret_rows, size_t *ret_count,
                           struct err *reterr)
{
	struct process_choice *choice = ctx;
	struct process_list list;
	size_t count = 0;
	bool ok;

	if (!process_list_read(&list, reterr))
		return false;
	ok = make_room(choice, list.count, reterr);
	for (size_t i = 0; ok && i < list.count; i++)
		if (!list.rows[i].is_kthread)
			copy_row(&choice->rows[count++], &list.rows[i]);
	process_list_free(&list);
	if (!ok)
		return false;
	*ret_rows = choice->rows;
	*ret_count = count;
	return true;
}

static int choose(const struct app_options *options, int32_t *ret_pid)
{
	struct process_choice choice = { 0 };
	const struct picker_source source = { .ctx = &choice, .refresh = choice_refresh };
	int code = picker_run(options, &source, ret_pid);

	free(choice.rows);
	return code;
}

/* --- the command -------------------------------------------------------------------------------- */

/* An option that is called as a setting is that setting, for this run. */
static bool take_option(struct config *config, enum config_id id, const char *text,
                        struct err *reterr)
{
	const struct config_row *row = &config_rows[id];
	char why[CONFIG_WHY], option[40];

	if (!text || config_set(config, id, text, CONFIG_FROM_OPTION, why))
		return true;
	(void)snprintf(option, sizeof(option), "--%s", row->key);
	err_set(reterr, ERR_USAGE, 0, option, why);
	if (row->type == CONFIG_IS_CHOICE)
		err_remedy(reterr, "Use one of: %s.", row->choices);
	return false;
}

static bool take_options(const struct cli_args *args, struct config *config, struct err *reterr)
{
	for (enum config_id id = 0; id < CONFIG_COUNT; id++) {
		if (!take_option(config, id, cli_value(args, config_rows[id].key), reterr))
			return false;
	}
	return (!cli_value(args, "ascii") ||
	        take_option(config, CONFIG_SYMBOLS, "ascii", reterr)) &&
	       (!cli_value(args, "no-mouse") || take_option(config, CONFIG_MOUSE, "no", reterr));
}

bool cli_app_options(const struct cli_args *args, struct app_options *ret, struct err *reterr)
{
	*ret = (struct app_options){ 0 };
	return take_options(args, &ret->config, reterr) &&
	       config_file_load(cli_value(args, "config"), &ret->file, &ret->config, reterr) &&
	       app_options_check(ret, reterr);
}

/* What is wrong with the process comes before what is wrong with the terminal. */
static bool can_show(int32_t pid, struct err *reterr)
{
	struct source *source;
	struct err gone;

	if (cli_need_terminal("the screen", reterr))
		return true;
	if (pid && !source_live_open(pid, &source, &gone))
		*reterr = gone;
	else if (pid)
		source_close(source);
	return false;
}

int cli_attach(int argc, char **argv)
{
	struct app_options options;
	struct cli_args args;
	struct err err;
	int32_t pid = 0;
	int code;

	if (!cli_parse(NULL, argc, argv, &args, &err) || !cli_app_options(&args, &options, &err) ||
	    (args.operand_count && !cli_only_pid(&args, &pid, &err)) || !can_show(pid, &err))
		return cli_fail(&err);
	if (!pid) {
		code = choose(&options, &pid);
		if (code || !pid)
			return code;
	}
	return cli_attach_pid(pid, &options);
}
