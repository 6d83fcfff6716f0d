/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/app.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tui/app_private.h"
#include "tui/cli.h"

#define MS ((uint64_t)1000000)

enum { DRAW_EVERY_MS = 8, MESSAGE_MS = 5000, PATIENCE_MS = 150, STALE_FLOOR_MS = 3000 };
enum { INTERVAL_DEFAULT_MS = 1000, LATE_MS = 250 };

uint64_t app_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 * MS + (uint64_t)now.tv_nsec;
}

/* --- state ------------------------------------------------------------------------------------ */

/* From when on missing samples are worth a word. */
static uint64_t stale_at(const struct app *app)
{
	uint64_t wait = 3 * (uint64_t)app->interval_ms;

	return app->news_ns + (wait > STALE_FLOOR_MS ? wait : STALE_FLOOR_MS) * MS;
}

static bool has_ended(const struct snapshot *snap)
{
	const struct process_facts *process = snapshot_process(snap);

	return process && (process->life == PROCESS_EXITED || process->life == PROCESS_ZOMBIE);
}

enum app_state app_state(const struct app *app)
{
	if (!app->shown)
		return APP_WAITING;
	if (has_ended(app->shown))
		return APP_EXITED;
	if (app->is_paused)
		return app->shown->sample.is_frozen ? APP_FROZEN : APP_PAUSED;
	return app_now_ns() >= stale_at(app) ? APP_STALE : APP_LIVE;
}

void app_say(struct app *app, enum role role, const char *format, ...)
{
	char text[sizeof(app->message)];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	text_clean(app->message, sizeof(app->message), text, strlen(text));
	app->message_role = role;
	app->message_until_ns = app_now_ns() + MESSAGE_MS * MS;
	app->is_dirty = true;
}

struct view_frame app_view_frame(struct app *app)
{
	app->setup.depth = term_depth();
	app->setup.symbols = app_symbols(&app->config);
	return (struct view_frame){
		.snap = app->shown,
		.previous = app->before,
		.history = &app->past.history,
		.past = &app->past,
		.commit = app->rules ? &app->commit : NULL,
		.first_limit = &app->first_limit,
		.rules = app->rules,
		.state = &app->states[app->view],
		.is_paused = app->is_paused,
		.setup = &app->setup,
	};
}

/* --- snapshots -------------------------------------------------------------------------------- */

void app_show_snapshot(struct app *app, const struct snapshot *snap)
{
	const struct system_facts *system = snapshot_system(snap);

	snapshot_unref(app->before);
	app->before = app->shown;
	app->shown = snap;
	app->rules = system ? linux_rules_for(system->kernel_major, system->kernel_minor) : NULL;
	if (app->rules)
		lx_commit(snap, app->rules, &app->commit);
	lx_first_limit(snap, &app->first_limit);
	app->is_dirty = true;
}

static void announce(struct app *app, const struct snapshot *snap)
{
	const struct process_facts *process = snapshot_process(snap);

	if (app->is_freezing && snap->sample.is_frozen) {
		app->is_freezing = false;
		app->is_paused = true;
		app->message[0] = '\0';
	}
	if (process && process->life == PROCESS_EXECED && fact_known(process->vm_size))
		app_say(app, ROLE_STATUS_WARN, "the process runs another program now (exec)");
}

static void take_news(struct app *app)
{
	const struct snapshot *snap = app->feed->take(app->feed->ctx);
	bool was_paused = app->is_paused;

	if (!snap)
		return;
	app->news_ns = app_now_ns();
	app->walked_permille = 0;
	past_add(&app->past, snap);
	announce(app, snap);
	if (was_paused && !has_ended(snap) && !(app->is_paused && snap->sample.is_frozen)) {
		snapshot_unref(app->newest);
		app->newest = snap;
		app->behind++;
		app->is_dirty = true;
		return;
	}
	app_show_snapshot(app, snap);
}

/* --- the loop --------------------------------------------------------------------------------- */

static void handle(struct app *app, const struct event *event)
{
	switch (event->kind) {
	case EVENT_KEY:
		app_key(app, event->key);
		break;
	case EVENT_MOUSE:
		app_mouse(app, event);
		break;
	case EVENT_RESIZE:
		app->is_dirty = true;
		break;
	case EVENT_SUSPEND:
		term_suspend(false);
		app->is_dirty = true;
		break;
	case EVENT_LEAVE:
		app->is_leaving = true;
		app->leaving_signal = event->signal;
		break;
	case EVENT_NONE:
		break;
	}
}

/* The instant from which the next drawing is allowed or, before the first sample, sensible. */
static uint64_t draw_at(const struct app *app)
{
	return app->shown ? app->drawn_ns + DRAW_EVERY_MS * MS : app->started_ns + PATIENCE_MS * MS;
}

/* A sample that is late may be walking a large heap: its share done is asked for now and then. */
static uint64_t ask_walk_at(const struct app *app)
{
	uint64_t late = app->news_ns + (app->interval_ms + LATE_MS) * MS;
	uint64_t again = app->asked_walk_ns + LATE_MS * MS;

	return late > again ? late : again;
}

/* Until something happens by itself: a drawing that was put off, a message's end, staleness. */
static int timeout_ms(const struct app *app, uint64_t now)
{
	uint64_t until = UINT64_MAX;

	if (app->is_dirty)
		until = draw_at(app);
	if (app->message[0] && app->message_until_ns < until)
		until = app->message_until_ns;
	if (app_state(app) == APP_LIVE && stale_at(app) < until)
		until = stale_at(app);
	if (app->shown && !has_ended(app->shown) && ask_walk_at(app) < until)
		until = ask_walk_at(app);
	if (until == UINT64_MAX)
		return -1;
	/* rounded up, not to wake a moment too early and wait again */
	return until <= now ? 0 : (int)((until - now + MS - 1) / MS);
}

static void ask_walk(struct app *app)
{
	uint32_t permille = app->feed->walked ? app->feed->walked(app->feed->ctx) : 0;

	app->asked_walk_ns = app_now_ns();
	app->is_dirty |= permille != app->walked_permille;
	app->walked_permille = permille;
}

static void keep_time(struct app *app, bool was_live)
{
	if (app->shown && !has_ended(app->shown) && app_now_ns() >= ask_walk_at(app))
		ask_walk(app);
	if (app->message[0] && app_now_ns() >= app->message_until_ns) {
		app->message[0] = '\0';
		app->is_dirty = true;
	}
	if (was_live && app_state(app) == APP_STALE)
		app->is_dirty = true;
}

/* Tells the feed when the view on screen looks at something else in malloc's memory. */
static void look(struct app *app)
{
	const struct view_ops *ops = app_view(app->view);
	struct view_frame frame = app_view_frame(app);
	struct window_request request;
	bool is_looking;

	/* help says nothing of the target: what the view below it looks at stays */
	if (!app->feed->look || !app->shown || app->view == VIEW_HELP)
		return;
	is_looking = ops->wants && ops->wants(&frame, &request);
	if (is_looking ? app->is_looking && window_request_equal(&request, &app->looked)
	               : !app->is_looking)
		return;
	app->is_looking = is_looking;
	if (is_looking)
		app->looked = request;
	app->feed->look(app->feed->ctx, is_looking ? &request : NULL);
}

static void loop(struct app *app)
{
	while (!app->is_leaving) {
		bool was_live = app_state(app) == APP_LIVE;
		bool has_news = term_wait(app->feed->fd, timeout_ms(app, app_now_ns()));
		struct event event = term_event();

		for (; event.kind != EVENT_NONE && !app->is_leaving; event = term_event())
			handle(app, &event);
		if (has_news)
			take_news(app);
		keep_time(app, was_live);
		if (app->is_dirty && app_now_ns() >= draw_at(app))
			app_draw(app);
		look(app);
	}
}

/* --- start and end ---------------------------------------------------------------------------- */

bool app_options_check(const struct app_options *options, struct err *reterr)
{
	const struct config *config = &options->config;
	struct file_problems problems;
	struct theme theme;

	return config->at[CONFIG_THEME].origin != CONFIG_FROM_OPTION ||
	       theme_load(config_text(config, CONFIG_THEME), &theme, &problems, reterr);
}

/* A theme that the file of settings names and that is gone is no reason not to start. */
static bool load_theme(const struct config *config, struct theme *ret,
                       struct file_problems *problems, struct err *reterr)
{
	if (theme_load(config_text(config, CONFIG_THEME), ret, problems, reterr))
		return true;
	if (config->at[CONFIG_THEME].origin != CONFIG_FROM_FILE ||
	    !theme_load(config_rows[CONFIG_THEME].preset, ret, problems, reterr))
		return false;
	file_problems_init(problems, "heaptop.ini");
	file_problem(problems, config->at[CONFIG_THEME].line, "there is no theme \"%s\"",
	             config_text(config, CONFIG_THEME));
	return true;
}

bool app_open_terminal(const struct config *config, struct theme *ret_theme,
                       struct file_problems *ret_problems, struct err *reterr)
{
	const struct term_options term = {
		.colour = (enum colour_choice)config_number(config, CONFIG_COLOR),
		.no_mouse = config_number(config, CONFIG_MOUSE) != 0,
	};

	_Static_assert(COLOUR_AUTO == 0 && COLOUR_USE_DIRECT == 5, "in the order of config.def");
	if (!load_theme(config, ret_theme, ret_problems, reterr) || !term_open(&term, reterr))
		return false;
	term_use_theme(ret_theme);
	return true;
}

enum symbols app_symbols(const struct config *config)
{
	uint32_t choice = config_number(config, CONFIG_SYMBOLS);
	enum symbols best = term_symbols();

	_Static_assert(SYMBOLS_BRAILLE == 0 && SYMBOLS_ASCII == 3, "in the order of config.def");
	return choice && best != SYMBOLS_ASCII ? (enum symbols)(choice - 1) : best;
}

static void end(struct app *app)
{
	term_close();
	for (size_t i = 0; i < VIEW_COUNT; i++)
		view_state_fini(&app->states[i]);
	snapshot_unref(app->shown);
	snapshot_unref(app->before);
	snapshot_unref(app->newest);
	past_fini(&app->past);
	canvas_fini(&app->canvas);
	free(app);
}

int app_run(const struct app_options *options, const struct app_feed *feed)
{
	struct app *app = calloc(1, sizeof(*app));
	struct err err;
	int signal;

	if (!app) {
		err_set(&err, ERR_NO_MEMORY, 0, "terminal", "out of memory");
		return cli_fail(&err);
	}
	app->config = options->config;
	app->file = options->file;
	app->feed = feed;
	app->interval_ms = config_number(&app->config, CONFIG_INTERVAL);
	app->started_ns = app->news_ns = app_now_ns();
	app->is_dirty = true;
	if (!app_open_terminal(&app->config, &app->theme, &app->problems, &err)) {
		end(app);
		return cli_fail(&err);
	}
	app_setup_start(app);
	feed->focus(feed->ctx, app_view(app->view)->takes);
	loop(app);
	signal = app->leaving_signal;
	err = app->error;
	end(app);
	if (err.kind != ERR_NONE)
		return cli_fail(&err);
	return signal ? 128 + signal : 0;
}
