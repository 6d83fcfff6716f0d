/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What keys, clicks and typed commands do. */
#include <stdio.h>
#include <string.h>

#include "model/facts/source.h"
#include "tui/app_private.h"
#include "tui/keymap.h"

enum { WHEEL_ROWS = 3 };

/* --- views ------------------------------------------------------------------------------------ */

const struct view_ops *app_view(enum view_id id)
{
	for (size_t i = 0; i < VIEW_COUNT; i++) {
		if (views[i]->id == id)
			return views[i];
	}
	return views[0];
}

bool app_view_by_name(const char *name, enum view_id *ret)
{
	static const struct {
		const char *name;
		enum view_id id;
	} names[] = {
		{ "overview", VIEW_OVERVIEW }, { "arenas", VIEW_ARENAS },
		{ "map", VIEW_MAP },           { "vmas", VIEW_VMAS },
		{ "oom", VIEW_OOM },           { "timeline", VIEW_TIMELINE },
		{ "events", VIEW_EVENTS },     { "threads", VIEW_THREADS },
		{ "setup", VIEW_SETUP },       { "help", VIEW_HELP },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(names[i].name, name)) {
			*ret = names[i].id;
			return true;
		}
	}
	return false;
}

static void show_view(struct app *app, enum view_id id)
{
	/* these say nothing of the target: the parts of the view below them stay fresh */
	if (id != VIEW_HELP && id != VIEW_SETUP)
		app->feed->focus(app->feed->ctx, app_view(id)->takes);
	app->view = id;
}

void app_go_to(struct app *app, enum view_id id)
{
	if (id == app->view)
		return;
	app->ahead_depth = 0;
	app->message[0] = '\0';
	/* a view is never twice on the way back */
	for (int i = 0; i < app->stack_depth; i++) {
		if (app->stack[i] == id) {
			app->stack_depth = i;
			show_view(app, id);
			return;
		}
	}
	if (app->stack_depth == APP_STACK) {
		memmove(app->stack, app->stack + 1, sizeof(app->stack) - sizeof(app->stack[0]));
		app->stack_depth--;
	}
	app->stack[app->stack_depth++] = app->view;
	show_view(app, id);
}

/* Inside the view: from a chunk's bytes to the list of chunks. */
static bool steps_back(struct app *app)
{
	const struct view_ops *ops = app_view(app->view);
	struct view_frame frame = app_view_frame(app);

	return frame.snap && ops->back && ops->back(&frame);
}

static void go_back(struct app *app)
{
	struct view_state *state = &app->states[app->view];

	app->message[0] = '\0';
	if (steps_back(app))
		return;
	if (state->filter[0])
		state->filter[0] = '\0';
	else if (app->stack_depth) {
		app->ahead[app->ahead_depth++] = app->view;
		show_view(app, app->stack[--app->stack_depth]);
	} else
		app_say(app, ROLE_TEXT_DIM, "this is the first view; q quits");
}

static void go_forward(struct app *app)
{
	if (!app->ahead_depth) {
		app_say(app, ROLE_TEXT_DIM, "there is no view to go forward to");
		return;
	}
	app->stack[app->stack_depth++] = app->view;
	show_view(app, app->ahead[--app->ahead_depth]);
}

static void next_view(struct app *app)
{
	size_t at = 0;

	for (size_t i = 0; i < VIEW_COUNT; i++) {
		if (views[i]->id == app->view)
			at = i;
	}
	do
		at = (at + 1) % VIEW_COUNT;
	while (!views[at]->key);
	app_go_to(app, views[at]->id);
}

/* --- sampling --------------------------------------------------------------------------------- */

static void set_pause(struct app *app, bool is_paused)
{
	const struct snapshot *newest = app->newest;

	app->is_paused = is_paused;
	app->behind = 0;
	if (is_paused || !newest)
		return;
	app->newest = NULL;
	app_show_snapshot(app, newest);
}

static void change_rate(struct app *app, bool is_faster)
{
	char text[CONFIG_TEXT];

	config_step(&app->config, CONFIG_INTERVAL, is_faster ? -1 : 1, text);
	if (!strcmp(text, config_text(&app->config, CONFIG_INTERVAL)))
		app_say(app, ROLE_STATUS_INFO, "the %s rate is 1 sample in %s",
		        is_faster ? "fastest" : "slowest", text);
	else
		(void)app_set(app, CONFIG_INTERVAL, text);
}

static void refresh_now(struct app *app)
{
	app->feed->want(app->feed->ctx, TAKE_WALK | TAKE_LISTS | TAKE_MMAPPED | TAKE_RESIDENCY |
	                                        TAKE_SMAPS | TAKE_OOM);
	app_say(app, ROLE_STATUS_INFO, "walking every chunk, reading residency and smaps");
}

static void freeze(struct app *app)
{
	app->is_freezing = true;
	app->feed->want(app->feed->ctx, TAKE_ALL | TAKE_FREEZE);
	app_say(app, ROLE_STATUS_INFO, "stopping the target for one exact snapshot");
}

/* --- commands --------------------------------------------------------------------------------- */

static void to_view(struct app *app, enum command_id command)
{
	struct view_state *state = &app->states[app->view];
	struct view_frame frame = app_view_frame(app);
	const struct view_ops *ops = app_view(app->view);

	if (!frame.snap)
		return;
	state->note[0] = '\0';
	if (ops->prepare)
		ops->prepare(&frame);
	if (!ops->command || !ops->command(&frame, command))
		return;
	if (state->note[0])
		app_say(app, ROLE_STATUS_INFO, "%s", state->note);
}

/* From an arena or a mapping to the heap that it is. */
static void show_map(struct app *app)
{
	const struct view_ops *ops = app_view(app->view);
	struct view_frame frame = app_view_frame(app);
	uint64_t addr;

	if (!frame.snap || !ops->place || !ops->place(&frame, &addr)) {
		app_say(app, ROLE_STATUS_INFO, "no heap of malloc's is selected");
		return;
	}
	app->states[VIEW_MAP].map.jump = addr;
	app_go_to(app, VIEW_MAP);
}

/* The instant on screen, which a pause may have left behind the newest one. */
static void set_mark(struct app *app, const char *note)
{
	const struct mark *mark = past_mark(&app->past, app->shown, note);

	if (mark)
		app_say(app, ROLE_STATUS_OK, "mark %u set%s%s; 7 shows what grew since",
		        mark->number, *note ? ": " : "", note);
}

static void mark(struct app *app)
{
	set_mark(app, "");
}

static void help(struct app *app)
{
	app_go_to(app, VIEW_HELP);
}

static void quit(struct app *app)
{
	app->is_leaving = true;
}

static void pause_or_go_on(struct app *app)
{
	set_pause(app, !app->is_paused);
}

static void faster(struct app *app)
{
	change_rate(app, true);
}

static void slower(struct app *app)
{
	change_rate(app, false);
}

static void ask_command(struct app *app)
{
	theme_list(&app->themes);
	prompt_open(&app->prompt, PROMPT_COMMAND, "");
}

static void ask_search(struct app *app)
{
	prompt_open(&app->prompt, PROMPT_SEARCH, app->states[app->view].search);
}

static void ask_filter(struct app *app)
{
	prompt_open(&app->prompt, PROMPT_FILTER, app->states[app->view].filter);
}

static void redraw(struct app *app)
{
	(void)app;
	term_redraw();
}

static void suspend(struct app *app)
{
	(void)app;
	term_suspend(true);
}

/* What this side does itself; the rest belongs to the view on screen. */
static void (*const actions[COMMAND_COUNT])(struct app *app) = {
	[CMD_HELP] = help,
	[CMD_QUIT] = quit,
	[CMD_BACK] = go_back,
	[CMD_FORWARD] = go_forward,
	[CMD_OPEN] = app_open_selection,
	[CMD_COPY] = app_copy_selection,
	[CMD_EXPORT] = app_ask_export,
	[CMD_GOTO] = app_ask_goto,
	[CMD_NEXT_VIEW] = next_view,
	[CMD_PAUSE] = pause_or_go_on,
	[CMD_FASTER] = faster,
	[CMD_SLOWER] = slower,
	[CMD_REFRESH] = refresh_now,
	[CMD_FREEZE] = freeze,
	[CMD_SEARCH] = ask_search,
	[CMD_FILTER] = ask_filter,
	[CMD_PROMPT] = ask_command,
	[CMD_THEME] = app_next_theme,
	[CMD_SETUP] = app_show_setup,
	[CMD_SET] = app_ask_set,
	[CMD_REDRAW] = redraw,
	[CMD_SUSPEND] = suspend,
	[CMD_MAP] = show_map,
	[CMD_MARK] = mark,
};

void app_command(struct app *app, enum command_id command)
{
	static const char view[] = "view-";
	enum view_id id;

	app->is_dirty = true;
	if (command >= COMMAND_COUNT)
		return;
	if (app->popup.is_open && popup_command(&app->popup, command))
		return;
	app->popup.is_open = false;
	if (!(commands[command].where & (1u << app->view))) {
		app_say(app, ROLE_STATUS_INFO, "%s: not in this view", commands[command].name);
		return;
	}
	if (app->view == VIEW_SETUP && app_setup_command(app, command))
		return;
	if (actions[command])
		actions[command](app);
	else if (!strncmp(commands[command].name, view, sizeof(view) - 1) &&
	         app_view_by_name(commands[command].name + sizeof(view) - 1, &id))
		app_go_to(app, id);
	else
		to_view(app, command);
}

/* --- prompts ---------------------------------------------------------------------------------- */

/* What may follow a command's name. */
static const struct {
	enum command_id command;
	void (*run)(struct app *app, const char *rest);
} with_argument[] = {
	{ CMD_THEME, app_use_theme }, { CMD_SET, app_set_line }, { CMD_EXPORT, app_export },
	{ CMD_GOTO, app_goto },       { CMD_MARK, set_mark },
};

static bool run_with(struct app *app, enum command_id command, const char *rest)
{
	for (size_t i = 0; i < sizeof(with_argument) / sizeof(with_argument[0]); i++) {
		if (with_argument[i].command != command)
			continue;
		with_argument[i].run(app, rest);
		return true;
	}
	return false;
}

static void run_line(struct app *app, const char *line)
{
	char word[LINE_ROOM];
	size_t len = strcspn(line, " ");
	const char *rest = line + len + strspn(line + len, " ");
	enum command_id command;

	if (!len)
		return;
	memcpy(word, line, len);
	word[len] = '\0';
	command = command_by_name(word);
	if (command == COMMAND_COUNT)
		app_say(app, ROLE_STATUS_ERROR, "no command is called \"%s\"; Tab completes", word);
	else if (*rest && !run_with(app, command, rest))
		app_say(app, ROLE_STATUS_ERROR, "%s takes no \"%s\"", word, rest);
	else if (!*rest)
		app_command(app, command);
}

static void set_text(char to[LINE_ROOM], const char *text)
{
	(void)snprintf(to, LINE_ROOM, "%s", text);
}

static void prompt_event(struct app *app, uint32_t key)
{
	enum prompt_kind kind = app->prompt.kind;
	enum prompt_result result = prompt_key(&app->prompt, key);
	struct view_state *state = &app->states[app->view];

	_Static_assert(sizeof(state->search) == LINE_ROOM && sizeof(state->filter) == LINE_ROOM,
	               "a prompt's line fits");
	app->is_dirty = true;
	if (kind == PROMPT_COMMAND) {
		if (result == PROMPT_DONE)
			run_line(app, app->prompt.line.text);
	} else if (result != PROMPT_GOES_ON) {
		set_text(kind == PROMPT_SEARCH ? state->search : state->filter,
		         app->prompt.line.text);
		to_view(app, kind == PROMPT_SEARCH ? CMD_SEARCH : CMD_FILTER);
	}
}

/* --- keys and clicks -------------------------------------------------------------------------- */

void app_key(struct app *app, uint32_t key)
{
	enum command_id command = keymap_command(app->view, key);

	if (app->prompt.kind != PROMPT_NONE)
		prompt_event(app, key);
	else if (key == 'q' && (app->view == VIEW_HELP || app->view == VIEW_SETUP))
		app_command(app, CMD_BACK);
	else if (command != COMMAND_COUNT)
		app_command(app, command);
}

void app_mouse(struct app *app, const struct event *event)
{
	enum command_id wheel = event->action == MOUSE_WHEEL_UP ? CMD_UP : CMD_DOWN;
	struct view_state *state = &app->states[app->view];

	if (event->action == MOUSE_WHEEL_UP || event->action == MOUSE_WHEEL_DOWN) {
		for (int i = 0; i < WHEEL_ROWS; i++)
			app_command(app, wheel);
		return;
	}
	for (int i = 0; i < app->zone_count; i++) {
		const struct app_zone *zone = &app->zones[i];

		if (event->y == zone->y && event->x >= zone->x &&
		    event->x < zone->x + zone->width) {
			app_command(app, zone->command);
			return;
		}
	}
	if (app->popup.is_open) {
		app_command(app, CMD_BACK);
		return;
	}
	for (int i = 0; i < state->item_count; i++) {
		const struct view_item *item = &state->items[i];

		if (event->y != item->y || event->x < item->x || event->x >= item->x + item->width)
			continue;
		state->selected = item->key;
		state->clicked = event->x - item->x + 1;
		app->is_dirty = true;
		if (event->action == MOUSE_DOUBLE_CLICK)
			app_command(app, CMD_OPEN);
		return;
	}
}
