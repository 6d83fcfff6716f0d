/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_APP_PRIVATE_H
#define HEAPTOP_TUI_APP_PRIVATE_H

/** The state of the running terminal program; for app*.c alone. Times are CLOCK_MONOTONIC. */
#include "tui/app.h"
#include "tui/popup.h"
#include "tui/prompt.h"
#include "tui/setup.h"
#include "tui/term.h"
#include "tui/view.h"

enum { APP_MIN_WIDTH = 60, APP_MIN_HEIGHT = 16, APP_STACK = 8, APP_ZONES = 48 };

enum app_state { APP_WAITING, APP_LIVE, APP_PAUSED, APP_FROZEN, APP_STALE, APP_EXITED };

/* Cells that a click turns into a command. */
struct app_zone {
	int x, y, width;
	enum command_id command;
};

struct app {
	struct config config; /* the user's settings, as of now */
	struct config_file file;
	const struct app_feed *feed;
	struct canvas canvas;
	struct theme theme;
	struct theme_names themes;
	struct file_problems problems; /* of the theme */
	struct setup setup;
	struct config kept; /* before the values of a setting were gone through */
	struct err error;   /* why it ends by itself; kind ERR_NONE: it does not */

	const struct snapshot *shown, *before; /* on screen, and the one on screen before it */
	const struct snapshot *newest;         /* came in while paused; else NULL */
	uint32_t behind;                       /* samples that came in while paused */
	struct past past;
	struct commit_facts commit;
	struct first_limit first_limit;
	const struct linux_rules *rules; /* NULL: the kernel is not known */

	struct view_state states[VIEW_COUNT];
	enum view_id view, stack[APP_STACK], ahead[APP_STACK];
	int stack_depth, ahead_depth;

	struct prompt prompt;
	struct popup popup;
	char message[200]; /* clean text; "" none */
	enum role message_role;
	uint64_t message_until_ns;

	struct app_zone zones[APP_ZONES];
	int zone_count;
	int cursor_x, cursor_y; /* -1: hidden */

	uint32_t interval_ms, walked_permille;
	uint64_t asked_walk_ns;
	struct window_request looked; /* what the feed was asked to look at, */
	bool is_looking;              /* if it was */
	bool is_paused, is_freezing, is_dirty, is_leaving;
	int leaving_signal;
	uint64_t started_ns, news_ns, drawn_ns;
};

/* --- app.c ------------------------------------------------------------------------------------ */

/** Opens the terminal with the theme of the settings; app and picker alike. */
bool app_open_terminal(const struct config *config, struct theme *ret_theme,
                       struct file_problems *ret_problems, struct err *reterr);

/** What is drawn with on this terminal with these settings. */
enum symbols app_symbols(const struct config *config);

uint64_t app_now_ns(void);

/** What the state line says. */
enum app_state app_state(const struct app *app);

/** Puts a line into the status row for some seconds. */
void app_say(struct app *app, enum role role, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/** Shows a snapshot and takes over its reference. */
void app_show_snapshot(struct app *app, const struct snapshot *snap);

/** All that the view on screen may look at. */
struct view_frame app_view_frame(struct app *app);

/* --- app_command.c ---------------------------------------------------------------------------- */

const struct view_ops *app_view(enum view_id id);
void app_command(struct app *app, enum command_id command);
void app_key(struct app *app, uint32_t key);
void app_mouse(struct app *app, const struct event *event);

/** Shows a view by the name that --view takes ("vmas"); false: there is none. */
bool app_view_by_name(const char *name, enum view_id *ret);

/** Shows a view; Esc leads back to the one before. */
void app_go_to(struct app *app, enum view_id id);

/* --- app_setup.c ------------------------------------------------------------------------------ */

/** Puts all settings in force that are not so by the start of the terminal. */
void app_setup_start(struct app *app);

/** Changes a setting, at once; says why not when it can't be. */
bool app_set(struct app *app, enum config_id id, const char *text);

/** "KEY VALUE" as typed behind `:set`; KEY alone says its value. */
void app_set_line(struct app *app, const char *rest);
void app_ask_set(struct app *app);

void app_use_theme(struct app *app, const char *name);
void app_next_theme(struct app *app);

void app_show_setup(struct app *app);

/** What the setup view does with a command; false: nothing of its own. */
bool app_setup_command(struct app *app, enum command_id command);

/** Says the first of the problems with the user's files; false: there is none. */
bool app_say_problems(struct app *app, const struct file_problems *problems);

/* --- app_open.c ------------------------------------------------------------------------------- */

/** Enter: follows the selection to another view, or says what it is in a pop-up. */
void app_open_selection(struct app *app);
void app_refresh_popup(struct app *app, const struct view_ops *ops, const struct view_frame *frame);
void app_copy_selection(struct app *app);

/** Prompts for a file's name; writes the snapshot on screen to a new file of that name. */
void app_ask_export(struct app *app);
void app_export(struct app *app, const char *name);

/** Prompts for an address or a pid; selects it in the view that shows it. */
void app_ask_goto(struct app *app);
void app_goto(struct app *app, const char *word);

/* --- app_frame.c, app_header.c ---------------------------------------------------------------- */

void app_draw(struct app *app);
void app_draw_header(struct app *app, struct area screen);
void app_draw_status(struct app *app, struct area screen);
/** A click on these cells gives the command. */
void app_add_zone(struct app *app, int x, int y, int width, enum command_id command);
/** Says how large the terminal should be when it is too small for anything else. */
bool app_draw_too_small(struct area screen);

#endif
