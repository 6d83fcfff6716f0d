/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings put in force, changed and saved. */
#include <stdio.h>
#include <string.h>

#include "tui/app_private.h"

/* --- in force ----------------------------------------------------------------------------------- */

bool app_say_problems(struct app *app, const struct file_problems *problems)
{
	const char *slash = strrchr(problems->file, '/'),
	           *name = slash ? slash + 1 : problems->file;

	if (!problems->count)
		return false;
	if (problems->at[0].line)
		app_say(app, ROLE_STATUS_WARN, "%s:%d: %s", name, problems->at[0].line,
		        problems->at[0].what);
	else
		app_say(app, ROLE_STATUS_WARN, "%s: %s", name, problems->at[0].what);
	return true;
}

static bool put_theme(struct app *app, const char *name)
{
	struct file_problems problems;
	struct theme theme;
	struct err err;

	if (!theme_load(name, &theme, &problems, &err)) {
		app_say(app, ROLE_STATUS_ERROR, "%s: %s", err.what, err.why);
		return false;
	}
	app->theme = theme;
	app->problems = problems;
	term_use_theme(&app->theme);
	if (!app_say_problems(app, &app->problems))
		app_say(app, ROLE_STATUS_INFO, "theme %s", app->theme.name);
	return true;
}

/* Another number of colours may need another entry of terminfo: the terminal is opened anew. */
static void reopen_terminal(struct app *app)
{
	term_close();
	if (!app_open_terminal(&app->config, &app->theme, &app->problems, &app->error))
		app->is_leaving = true;
}

static void put_columns(struct app *app)
{
	static const struct {
		enum config_id id;
		enum view_id view;
	} lists[] = {
		{ CONFIG_ARENAS_COLUMNS, VIEW_ARENAS },
		{ CONFIG_VMAS_COLUMNS, VIEW_VMAS },
		{ CONFIG_OOM_COLUMNS, VIEW_OOM },
		{ CONFIG_THREADS_COLUMNS, VIEW_THREADS },
	};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		app->states[lists[i].view].hidden_columns =
		        ~config_number(&app->config, lists[i].id);
}

static void put_interval(struct app *app)
{
	uint32_t before = app->interval_ms;

	app->interval_ms = config_number(&app->config, CONFIG_INTERVAL);
	past_note_rate(&app->past, before, app->interval_ms);
	app->news_ns = app_now_ns(); /* the next sample is due one new interval from now */
	app->feed->set_interval(app->feed->ctx, app->interval_ms);
}

/* The theme is in force before its name is kept: it may not be there. */
static void put(struct app *app, enum config_id id)
{
	switch (id) {
	case CONFIG_COLOR:
	case CONFIG_MOUSE:
		reopen_terminal(app);
		break;
	case CONFIG_INTERVAL:
		put_interval(app);
		break;
	case CONFIG_CPU_BUDGET:
		if (app->feed->set_budget)
			app->feed->set_budget(app->feed->ctx, config_number(&app->config, id));
		break;
	case CONFIG_ARENAS_COLUMNS:
	case CONFIG_VMAS_COLUMNS:
	case CONFIG_OOM_COLUMNS:
	case CONFIG_THREADS_COLUMNS:
		put_columns(app);
		break;
	case CONFIG_THEME:
	case CONFIG_SYMBOLS: /* asked for at every drawing */
	case CONFIG_VIEW:    /* of the next start */
	case CONFIG_COUNT:
		break;
	}
}

void app_setup_start(struct app *app)
{
	app->setup = (struct setup){
		.config = &app->config,
		.file = &app->file,
		.theme = &app->theme,
		.theme_problems = &app->problems,
		.themes = &app->themes,
	};
	app->prompt.themes = &app->themes;
	put_columns(app);
	(void)app_view_by_name(config_text(&app->config, CONFIG_VIEW), &app->view);
	if (!app_say_problems(app, &app->file.problems))
		(void)app_say_problems(app, &app->problems);
}

bool app_set(struct app *app, enum config_id id, const char *text)
{
	struct config changed = app->config;
	char why[CONFIG_WHY];

	if (!config_set(&changed, id, text, CONFIG_FROM_HERE, why)) {
		app_say(app, ROLE_STATUS_ERROR, "%s", why);
		return false;
	}
	if (id == CONFIG_THEME && !put_theme(app, config_text(&changed, id)))
		return false;
	app->config = changed;
	put(app, id);
	return true;
}

/* --- typed and by key ------------------------------------------------------------------------------ */

void app_use_theme(struct app *app, const char *name)
{
	(void)app_set(app, CONFIG_THEME, name);
}

void app_next_theme(struct app *app)
{
	size_t at = 0;

	theme_list(&app->themes);
	for (size_t i = 0; i < app->themes.count; i++) {
		if (!strcmp(app->themes.at[i], config_text(&app->config, CONFIG_THEME)))
			at = i + 1;
	}
	if (app->themes.count)
		app_use_theme(app, app->themes.at[at % app->themes.count]);
}

void app_set_line(struct app *app, const char *rest)
{
	size_t len = strcspn(rest, " ");
	char key[LINE_ROOM];
	enum config_id id;

	(void)snprintf(key, sizeof(key), "%.*s", (int)len, rest);
	rest += len + strspn(rest + len, " ");
	id = config_by_key(key);
	if (id == CONFIG_COUNT) {
		const char *nearest = config_nearest_key(key);

		app_say(app, ROLE_STATUS_ERROR, "no setting is called \"%s\"%s%s", key,
		        nearest ? "; the nearest is " : "; Tab completes", nearest ? nearest : "");
	} else if (!*rest || app_set(app, id, rest)) {
		app_say(app, ROLE_STATUS_INFO, "%s is %s", config_rows[id].key,
		        config_text(&app->config, id));
	}
}

void app_ask_set(struct app *app)
{
	char line[LINE_ROOM] = "set ";

	theme_list(&app->themes);
	if (app->view == VIEW_SETUP)
		(void)snprintf(line, sizeof(line), "set %s ",
		               config_rows[setup_selected(app->states[VIEW_SETUP].selected)].key);
	prompt_open(&app->prompt, PROMPT_COMMAND, line);
}

/* --- the setup view -------------------------------------------------------------------------------- */

void app_show_setup(struct app *app)
{
	theme_list(&app->themes);
	app->setup.is_choosing = false;
	app_go_to(app, VIEW_SETUP);
}

static void choose(struct app *app, enum config_id id, size_t number)
{
	char text[CONFIG_TEXT];

	if (!setup_choice(&app->setup, id, number, text))
		return;
	app->setup.choice = number;
	if (config_rows[id].type != CONFIG_IS_WORDS)
		(void)app_set(app, id, text);
}

/* A step from one value to the next; of words, from one to the next of them. */
static void step(struct app *app, enum config_id id, int by)
{
	struct setup *setup = &app->setup;
	bool is_theme = config_rows[id].type == CONFIG_IS_THEME;
	size_t at = setup->is_choosing ? setup->choice : setup_choice_now(setup, id);
	char text[CONFIG_TEXT];

	if (setup->is_choosing || is_theme) {
		if (by > 0 || at > 0)
			choose(app, id, at + (size_t)by);
	} else if (config_rows[id].type == CONFIG_IS_WORDS) {
		app_command(app, CMD_OPEN);
	} else {
		config_step(&app->config, id, by, text);
		(void)app_set(app, id, text);
	}
}

static void open_choices(struct app *app, enum config_id id)
{
	app->setup.is_choosing = true;
	app->setup.choice = setup_choice_now(&app->setup, id);
	app->kept = app->config;
}

/* Esc: as it was before; words were changed one by one on purpose, and stay. */
static void close_choices(struct app *app, enum config_id id, bool is_kept)
{
	app->setup.is_choosing = false;
	if (is_kept || config_rows[id].type == CONFIG_IS_WORDS)
		return;
	if (strcmp(config_text(&app->config, id), config_text(&app->kept, id)) != 0)
		(void)app_set(app, id, config_text(&app->kept, id));
	app->config.at[id] = app->kept.at[id];
	app->message[0] = '\0';
}

static void enter(struct app *app, enum config_id id)
{
	char text[CONFIG_TEXT];

	if (!app->setup.is_choosing) {
		open_choices(app, id);
	} else if (config_rows[id].type == CONFIG_IS_WORDS) {
		config_toggle(&app->config, id, app->setup.choice, text);
		(void)app_set(app, id, text);
	} else {
		close_choices(app, id, true);
	}
}

static void save(struct app *app)
{
	struct err err;

	if (config_file_save(&app->file, &app->config, &err))
		app_say(app, ROLE_STATUS_OK, "written to %s", app->file.path);
	else
		app_say(app, ROLE_STATUS_ERROR, "not saved: %s: %s", err.what, err.why);
}

static bool choosing_command(struct app *app, enum config_id id, enum command_id command)
{
	switch ((int)command) {
	case CMD_UP:
		step(app, id, -1);
		return true;
	case CMD_DOWN:
		step(app, id, 1);
		return true;
	case CMD_BACK:
		close_choices(app, id, false);
		return true;
	default:
		return false;
	}
}

bool app_setup_command(struct app *app, enum command_id command)
{
	enum config_id id = setup_selected(app->states[VIEW_SETUP].selected);

	if (app->setup.is_choosing && choosing_command(app, id, command))
		return true;
	switch ((int)command) {
	case CMD_VALUE_NEXT:
		step(app, id, 1);
		break;
	case CMD_VALUE_PREVIOUS:
		step(app, id, -1);
		break;
	case CMD_OPEN:
		enter(app, id);
		break;
	case CMD_SAVE:
		save(app);
		break;
	default:
		/* leaving the view or the setting leaves the choice as it is */
		app->setup.is_choosing &= command == CMD_HELP || command == CMD_REDRAW;
		return false;
	}
	return true;
}
