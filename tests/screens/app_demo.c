/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The terminal program on an invented process, for tests of what surrounds the views: the same
 * screen on every machine. Arguments: [--picker] [--crash SIGNAL] [--exit] [--silent] [OPTIONS]
 *	--crash N	raises signal N in the second sample, as a fault in the middle of work does
 *	--exit		the process has ended by SIGKILL from the third sample on
 *	--silent	no sample comes after the first
 *	--config FILE, --ascii, --KEY VALUE	as heaptop's, for all settings; --interval MS
 * What it writes to standard error meanwhile must not reach the screen before the end.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "model/facts/source.h"
#include "tests/lib/sample_snapshot.h"
#include "tui/app.h"
#include "tui/cli.h"
#include "tui/picker.h"

struct demo {
	struct sample sample;
	struct app_options options;
	int timer, crash_signal;
	bool is_ending, is_silent, is_picker;
	uint32_t wanted, interval;
	uint64_t seq;
};

static void set_timer(struct demo *demo, uint32_t ms)
{
	struct timespec every = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };
	struct itimerspec spec = { .it_value = { .tv_nsec = 1 }, .it_interval = every };

	demo->interval = ms;
	if (demo->is_silent)
		spec.it_interval = (struct timespec){ 0 };
	if (timerfd_settime(demo->timer, 0, &spec, NULL))
		abort();
}

/* The sample's parts under a new number: what a target that does nothing looks like. */
static const struct snapshot *demo_take(void *ctx)
{
	struct demo *demo = ctx;
	struct snapshot *snap;
	uint64_t ticks;

	if (read(demo->timer, &ticks, sizeof(ticks)) != sizeof(ticks))
		return NULL;
	snap = snapshot_new();
	if (!snap)
		abort();
	demo->seq++;
	fprintf(stderr, "app_demo: sample %d\n", (int)demo->seq);
	if (demo->crash_signal && demo->seq == 2)
		raise(demo->crash_signal);
	if (demo->is_ending && demo->seq == 3) {
		demo->sample.process->life = PROCESS_EXITED;
		demo->sample.process->exit_status = fact_of(SIGKILL);
	}
	snap->sample = demo->sample.snap->sample;
	snap->sample.seq = demo->seq;
	snap->sample.time_ns = (uint64_t)1767225600 * 1000000000 + demo->seq * 1000000000;
	snap->sample.is_frozen = demo->wanted & TAKE_FREEZE;
	snap->sample.stopped_ns = 1234567;
	demo->wanted = 0;
	for (int i = 0; i < PART_COUNT; i++)
		snap->parts[i] = part_ref(demo->sample.snap->parts[i]);
	return snap;
}

static void demo_set_interval(void *ctx, uint32_t ms)
{
	set_timer(ctx, ms);
}

static void demo_want(void *ctx, uint32_t what)
{
	struct demo *demo = ctx;

	demo->wanted |= what;
}

/* The answer comes with the next sample, soon. */
static void demo_look(void *ctx, const struct window_request *request)
{
	struct demo *demo = ctx;

	if (!request)
		return;
	sample_look(&demo->sample, request);
	set_timer(demo, demo->interval);
}

static void demo_focus(void *ctx, uint32_t what)
{
	(void)ctx;
	(void)what;
}

static const struct picker_row rows[] = {
	{ .pid = 48213,
	  .user = "ledger",
	  .comm = "ledgerd",
	  .cmdline = "/usr/sbin/ledgerd --all",
	  .rss_bytes = 422260736,
	  .oom_score = 681,
	  .may_read = true },
	{ .pid = 1911,
	  .user = "elastic",
	  .comm = "java",
	  .cmdline = "java -Xmx6g",
	  .rss_bytes = 4385144832,
	  .swap_bytes = 327155712,
	  .oom_score = 833 },
	{ .pid = 666,
	  .user = "mallory",
	  .comm = "\033[2Jevil\n",
	  .cmdline = "\033]0;title\007",
	  .rss_bytes = 4096,
	  .may_read = true },
	{ .pid = 640,
	  .user = "root",
	  .comm = "sshd",
	  .cmdline = "sshd: /usr/sbin/sshd -D",
	  .rss_bytes = 9332326 },
};

static bool demo_rows(void *ctx, const struct picker_row **ret_rows, size_t *ret_count,
                      struct err *reterr)
{
	(void)ctx;
	(void)reterr;
	*ret_rows = rows;
	*ret_count = sizeof(rows) / sizeof(rows[0]);
	return true;
}

static void set(struct demo *demo, enum config_id id, const char *value)
{
	char why[CONFIG_WHY], ms[16];

	/* --interval 100, as short as tests like it */
	(void)snprintf(ms, sizeof(ms), "%dms", atoi(value));
	if (id == CONFIG_INTERVAL && !value[strspn(value, "0123456789")])
		value = ms;
	if (config_set(&demo->options.config, id, value, CONFIG_FROM_OPTION, why))
		return;
	fprintf(stderr, "app_demo: %s\n", why);
	exit(2);
}

static void parse(struct demo *demo, int argc, char **argv)
{
	const char *config = NULL;
	struct err err;

	for (int i = 1; i < argc; i++) {
		const char *word = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";

		if (!strcmp(word, "--picker"))
			demo->is_picker = true;
		else if (!strcmp(word, "--exit"))
			demo->is_ending = true;
		else if (!strcmp(word, "--silent"))
			demo->is_silent = true;
		else if (!strcmp(word, "--ascii"))
			set(demo, CONFIG_SYMBOLS, "ascii");
		else {
			if (!strcmp(word, "--crash"))
				demo->crash_signal = atoi(value);
			else if (!strcmp(word, "--config"))
				config = value;
			else if (!strncmp(word, "--", 2) && config_by_key(word + 2) != CONFIG_COUNT)
				set(demo, config_by_key(word + 2), value);
			else
				exit(2);
			i++;
		}
	}
	/* the settings of whoever runs the tests have no say */
	if (config && !config_file_load(config, &demo->options.file, &demo->options.config, &err))
		exit(cli_fail(&err));
}

int main(int argc, char **argv)
{
	struct demo demo = { .timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC) };
	struct app_feed feed = { .fd = demo.timer,
		                 .ctx = &demo,
		                 .take = demo_take,
		                 .set_interval = demo_set_interval,
		                 .want = demo_want,
		                 .focus = demo_focus,
		                 .look = demo_look };
	struct picker_source source = { .refresh = demo_rows };
	int32_t pid = 0;
	int code;

	parse(&demo, argc, argv);
	if (demo.is_picker) {
		code = picker_run(&demo.options, &source, &pid);
		printf("chosen: %d\n", pid);
		return code;
	}
	sample_new(&demo.sample);
	set_timer(&demo, config_number(&demo.options.config, CONFIG_INTERVAL));
	code = app_run(&demo.options, &feed);
	sample_free(&demo.sample);
	return code;
}
