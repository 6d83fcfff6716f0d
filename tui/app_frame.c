/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What surrounds a view: frame, tabs, status row, key hints. */
#include <stdio.h>
#include <string.h>

#include "model/base/text.h"
#include "tui/app_private.h"
#include "tui/keymap.h"

void app_add_zone(struct app *app, int x, int y, int width, enum command_id command)
{
	if (app->zone_count < APP_ZONES)
		app->zones[app->zone_count++] = (struct app_zone){ x, y, width, command };
}

/* --- tabs ------------------------------------------------------------------------------------- */

enum { TAB_TEXT = 40 };

static const char *tab_title(char to[TAB_TEXT], const struct view_ops *ops, bool is_short)
{
	const char *title = is_short && ops->tab ? ops->tab : ops->title;

	if (ops->key)
		(void)snprintf(to, TAB_TEXT, "%c %s", ops->key, title);
	else
		(void)snprintf(to, TAB_TEXT, "%s", title);
	return to;
}

static bool has_tab(const struct app *app, const struct view_ops *ops)
{
	return ops->key || ops->id == app->view;
}

/* Of all tabs, with `gap` columns more than a title each. */
static int tabs_columns(const struct app *app, bool is_short, int gap)
{
	char title[TAB_TEXT];
	int columns = 0;

	for (size_t i = 0; i < VIEW_COUNT; i++) {
		if (has_tab(app, views[i]))
			columns += text_columns(tab_title(title, views[i], is_short)) + gap;
	}
	return columns;
}

static void draw_tabs(struct app *app, struct area screen)
{
	const char *filter = app->states[app->view].filter;
	struct area inside = area_part(screen, 2, 1, screen.width - 4, 1);
	bool is_short = tabs_columns(app, false, 2) > inside.width;
	int gap = tabs_columns(app, is_short, 4) > inside.width ? 2 : 4, x = 0;

	for (size_t i = 0; i < VIEW_COUNT; i++) {
		const struct view_ops *ops = views[i];
		bool is_active = ops->id == app->view;
		char title[TAB_TEXT];
		int columns;

		if (!has_tab(app, ops))
			continue;
		columns = text_columns(tab_title(title, ops, is_short));
		if (x + columns + 2 > inside.width)
			break;
		draw_fill(inside, x, 0, columns + 2, is_active ? ROLE_TAB_ACTIVE : ROLE_TAB, " ");
		draw_text(inside, x + 1, 0, is_active ? ROLE_TAB_ACTIVE : ROLE_TAB, title);
		if (is_active) {
			draw_text(inside, x, 0, ROLE_TAB_ACTIVE, "▌");
			draw_text(inside, x + columns + 1, 0, ROLE_TAB_ACTIVE, "▐");
		}
		if (ops->key)
			app_add_zone(app, inside.x + x, inside.y, columns + 2,
			             keymap_command(app->view, (uint32_t)ops->key));
		x += columns + gap;
	}
	if (filter[0]) {
		char text[LINE_ROOM + 16];

		(void)snprintf(text, sizeof(text), "filter: %s", filter);
		draw_right(area_part(inside, x, 0, -1, 1), inside.width - x, 0, ROLE_MARK, text);
	}
}

/* --- status ----------------------------------------------------------------------------------- */

static void add_cost(struct text *text, const char *what, uint64_t ns)
{
	if (ns >= 50000)
		text_addf(text, " · %s %.1f", what, (double)ns / 1e6);
}

/* Whole sample, its parts, what this tool uses, how many reads agreed; the first parts matter most. */
static void cost_line(const struct sample_facts *s, bool is_short, char *to, size_t size)
{
	struct text text = text_in(to, size);

	text_addf(&text, "%s%.1f ms", is_short ? "" : "sampled in ", (double)s->took_ns / 1e6);
	if (!is_short) {
		add_cost(&text, "maps", s->maps_ns);
		add_cost(&text, "headers", s->headers_ns);
		add_cost(&text, "lists", s->lists_ns);
		add_cost(&text, "walk", s->walk_ns);
		add_cost(&text, "residency", s->residency_ns);
		add_cost(&text, "smaps", s->smaps_ns);
		add_cost(&text, "host", s->host_ns);
		add_cost(&text, "oom", s->oom_ns);
	}
	text_addf(&text, "%sCPU %u.%u %%", is_short ? " · " : "   own ", s->own_cpu_permille / 10,
	          s->own_cpu_permille % 10);
	if (!is_short && s->header_reads)
		text_addf(&text, "   %u of %u reads agree", s->header_agreed, s->header_reads);
}

/* Says of a state that lasts what it means, while nothing newer is said. */
static void state_line(struct app *app, char *to, size_t size)
{
	const struct sample_facts *s = &app->shown->sample;
	struct text text = text_in(to, size);

	switch (app_state(app)) {
	case APP_PAUSED:
		text_addf(&text, "paused, %u samples behind; Space goes on", app->behind);
		break;
	case APP_FROZEN:
		text_addf(&text,
		          "every thread stood still for %.2f ms: this is exact; Space goes on",
		          (double)s->stopped_ns / 1e6);
		break;
	case APP_STALE:
		if (app->walked_permille)
			break;
		text_addf(&text, "no new sample for %.0f s",
		          (double)(app_now_ns() - app->news_ns) / 1e9);
		break;
	case APP_WAITING:
	case APP_LIVE:
	case APP_EXITED:
		break;
	}
	if (app->walked_permille)
		text_addf(&text, "%swalking every chunk: %u %% done", text.len ? "   " : "",
		          app->walked_permille / 10);
}

static void exit_line(const struct process_facts *process, char *to, size_t size)
{
	struct text text = text_in(to, size);
	char comm[40];

	text_clean(comm, sizeof(comm), process->comm,
	           strnlen(process->comm, sizeof(process->comm)));
	text_addf(&text, "%s has ended", comm);
	if (!fact_known(process->exit_status))
		text_add(&text, ", how is not known");
	else if (process->exit_status.v & 0x7f) {
		const char *name = sigabbrev_np((int)(process->exit_status.v & 0x7f));

		text_addf(&text, " by signal %d%s%s", (int)(process->exit_status.v & 0x7f),
		          name ? " SIG" : "", name ? name : "");
	} else
		text_addf(&text, " with code %d", (int)(process->exit_status.v >> 8 & 0xff));
	text_add(&text, "; its last data stay");
}

/* What to say when nobody has said anything: a state that lasts, the view's own line, the cost. */
static enum role default_line(struct app *app, char *to, size_t size)
{
	struct view_frame frame = app_view_frame(app);
	const struct view_ops *ops = app_view(app->view);
	const struct process_facts *process = snapshot_process(app->shown);

	to[0] = '\0';
	if (app_state(app) == APP_EXITED && process) {
		exit_line(process, to, size);
		return ROLE_STATUS_ERROR;
	}
	state_line(app, to, size);
	if (to[0])
		return ROLE_STATUS_WARN;
	if (ops->status)
		ops->status(&frame, to, size);
	if (!to[0])
		cost_line(&app->shown->sample, false, to, size);
	return ROLE_TEXT_DIM;
}

void app_draw_status(struct app *app, struct area screen)
{
	struct area inside = area_part(screen, 2, screen.height - 2, screen.width - 4, 1);
	char line[256], cost[64];
	enum role role = app->message_role;

	if (app->prompt.kind != PROMPT_NONE) {
		app->cursor_x = inside.x + prompt_draw(&app->prompt, inside, 0, 0);
		app->cursor_y = inside.y;
		return;
	}
	if (app->message[0])
		(void)snprintf(line, sizeof(line), "%s", app->message);
	else
		role = default_line(app, line, sizeof(line));
	draw_text(inside, 0, 0, role, line);
	cost_line(&app->shown->sample, true, cost, sizeof(cost));
	if (strncmp(line, "sampled", 7) != 0 &&
	    text_columns(line) + text_columns(cost) + 3 <= inside.width)
		draw_right(inside, inside.width, 0, ROLE_TEXT_DIM, cost);
}

/* --- key hints -------------------------------------------------------------------------------- */

/* Most useful first; quit always stays, at the end. */
static const enum command_id hint_order[] = {
	CMD_HELP,       CMD_BACK,        CMD_OPEN,      CMD_VALUE_PREVIOUS,
	CMD_VALUE_NEXT, CMD_SAVE,        CMD_LEFT,      CMD_RIGHT,
	CMD_ZOOM_IN,    CMD_ZOOM_OUT,    CMD_HEAP_NEXT, CMD_LAYER_RESIDENT,
	CMD_LAYER_BIN,  CMD_LAYER_PAGE,  CMD_LAYER_USE, CMD_NEXT_PANE,
	CMD_SEARCH,     CMD_FILTER,      CMD_MAP,       CMD_SORT,
	CMD_MARK,       CMD_MARK_NEXT,   CMD_PAUSE,     CMD_FASTER,
	CMD_SLOWER,     CMD_REFRESH,     CMD_PROMPT,    CMD_COPY,
	CMD_EXPORT,     CMD_FREEZE,      CMD_THEME,     CMD_SETUP,
	CMD_NEXT_VIEW,  CMD_SORT_INVERT,
};

static bool applies(const struct app *app, enum command_id command)
{
	if (command == CMD_BACK)
		return app->stack_depth > 0;
	if (!keymap_key(app->view, command))
		return false;
	if (command == CMD_NEXT_PANE && app->states[app->view].pane_count == 1)
		return false;
	return commands[command].where & (1u << app->view);
}

/* Enter does something else in each view. */
static const char *hint_of(const struct app *app, enum command_id command)
{
	const char *enter = app_view(app->view)->enter;

	return command == CMD_OPEN && enter ? enter : commands[command].hint;
}

static int hint_columns(const struct app *app, enum command_id command)
{
	char name[KEY_NAME];

	return text_columns(key_name(name, keymap_key(app->view, command))) + 1 +
	       text_columns(hint_of(app, command)) + 3;
}

static int draw_hint(struct app *app, struct area row, int x, enum command_id command)
{
	char name[KEY_NAME];
	int start = x;

	draw_fill(row, x++, 0, 1, ROLE_FRAME, " ");
	x += draw_text(row, x, 0, ROLE_KEY, key_name(name, keymap_key(app->view, command))) + 1;
	draw_fill(row, x - 1, 0, 1, ROLE_FRAME, " ");
	x += draw_text(row, x, 0, ROLE_KEY_LABEL, hint_of(app, command));
	draw_fill(row, x++, 0, 1, ROLE_FRAME, " ");
	app_add_zone(app, row.x + start, row.y, x - start, command);
	return x + 1; /* a piece of the border between two hints */
}

static void draw_hints(struct app *app, struct area screen)
{
	struct area row = area_part(screen, 2, screen.height - 1, screen.width - 4, 1);
	int x = 0, quit = hint_columns(app, CMD_QUIT);

	for (size_t i = 0; i < sizeof(hint_order) / sizeof(hint_order[0]); i++) {
		enum command_id command = hint_order[i];

		if (!applies(app, command))
			continue;
		if (x + hint_columns(app, command) + quit > row.width + 1)
			break;
		x = draw_hint(app, row, x, command);
	}
	draw_hint(app, row, x, CMD_QUIT);
}

/* --- the whole screen ------------------------------------------------------------------------- */

bool app_draw_too_small(struct area screen)
{
	char text[80];

	if (screen.width >= APP_MIN_WIDTH && screen.height >= APP_MIN_HEIGHT)
		return false;
	(void)snprintf(text, sizeof(text), "heaptop needs %d × %d, this is %d × %d", APP_MIN_WIDTH,
	               APP_MIN_HEIGHT, screen.width, screen.height);
	draw_text(screen, 0, screen.height / 2, ROLE_STATUS_WARN, text);
	return true;
}

static void draw_view(struct app *app, struct area screen)
{
	const struct view_ops *ops = app_view(app->view);
	struct view_frame frame = app_view_frame(app);

	if (ops->prepare)
		ops->prepare(&frame);
	frame.state->item_count = 0;
	ops->draw(&frame, area_part(screen, 1, 2, screen.width - 2, screen.height - 4));
	app_refresh_popup(app, ops, &frame);
}

static void draw_screen(struct app *app, struct area screen)
{
	draw_frame(screen, ROLE_FRAME);
	if (!app->shown) {
		draw_text(screen, 2, 1, ROLE_TEXT_DIM, "reading the process …");
		return;
	}
	app_draw_header(app, screen);
	draw_tabs(app, screen);
	draw_view(app, screen);
	app_draw_status(app, screen);
	draw_hints(app, screen);
	popup_draw(&app->popup, screen);
}

void app_draw(struct app *app)
{
	struct area screen;
	int width, height;

	term_size(&width, &height);
	if (width != app->canvas.width || height != app->canvas.height) {
		canvas_fini(&app->canvas);
		if (!canvas_init(&app->canvas, width, height))
			return;
	}
	canvas_use_symbols(&app->canvas, app_symbols(&app->config));
	canvas_clear(&app->canvas);
	screen = canvas_area(&app->canvas);
	app->zone_count = 0;
	app->cursor_x = app->cursor_y = -1;
	if (!app_draw_too_small(screen))
		draw_screen(app, screen);
	term_show(&app->canvas, app->cursor_x, app->cursor_y);
	app->drawn_ns = app_now_ns();
	app->is_dirty = false;
}
