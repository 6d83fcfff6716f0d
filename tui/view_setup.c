/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Setup: every setting with its value, meaning and origin; the values there are; the file. */
#include "tui/setup.h"

#include <stdio.h>
#include <string.h>

#include "tui/view_parts.h"
#include "tui/widget_list.h"

enum { WITH_SAMPLE = 108, MEANING_ROWS = 6, FILE_ROWS = 4, LIST_LEAST = 4 };

enum column { COL_SECTION, COL_KEY, COL_VALUE, COL_ORIGIN, COL_HELP, COL_COUNT };

static const struct list_column columns[COL_COUNT] = {
	[COL_SECTION] = { .title = "about", .width = 8, .rank = 2 },
	[COL_KEY] = { .title = "setting", .width = 15 },
	[COL_VALUE] = { .title = "value", .width = 18 },
	[COL_ORIGIN] = { .title = "from", .width = 14, .rank = 1 },
	[COL_HELP] = { .title = "meaning", .width = 40, .rank = 3, .grows = true },
};

enum config_id setup_selected(uint64_t selected)
{
	return selected && selected <= CONFIG_COUNT ? (enum config_id)(selected - 1) : 0;
}

/* --- choices ------------------------------------------------------------------------------------ */

bool setup_choice(const struct setup *setup, enum config_id id, size_t number, char to[CONFIG_TEXT])
{
	if (config_rows[id].type != CONFIG_IS_THEME)
		return config_choice(id, number, to);
	if (number >= setup->themes->count)
		return false;
	(void)snprintf(to, CONFIG_TEXT, "%s", setup->themes->at[number]);
	return true;
}

size_t setup_choice_now(const struct setup *setup, enum config_id id)
{
	char choice[CONFIG_TEXT];

	for (size_t i = 0; setup_choice(setup, id, i, choice); i++) {
		if (!strcmp(choice, config_text(setup->config, id)))
			return i;
	}
	return 0;
}

static size_t choice_count(const struct setup *setup, enum config_id id)
{
	char choice[CONFIG_TEXT];
	size_t count = 0;

	while (setup_choice(setup, id, count, choice))
		count++;
	return count;
}

/* --- the list ----------------------------------------------------------------------------------- */

static uint64_t setting_key(const void *ctx, size_t row)
{
	(void)ctx;
	return row + 1;
}

/* "auto" says what it has come to. */
static void value_words(const struct setup *setup, enum config_id id, struct text *text)
{
	static const char *const depths[DEPTH_COUNT] = {
		[DEPTH_MONO] = "no colours",    [DEPTH_8] = "8 colours",
		[DEPTH_16] = "16 colours",      [DEPTH_256] = "256 colours",
		[DEPTH_DIRECT] = "all colours",
	};
	static const char *const symbols[] = {
		[SYMBOLS_BRAILLE] = "braille",
		[SYMBOLS_BLOCK] = "block",
		[SYMBOLS_HALF] = "half",
		[SYMBOLS_ASCII] = "ascii",
	};
	const char *value = config_text(setup->config, id), *now = NULL;

	if (id == CONFIG_COLOR)
		now = depths[setup->depth];
	else if (id == CONFIG_SYMBOLS)
		now = symbols[setup->symbols];
	if (config_rows[id].type == CONFIG_IS_WORDS) {
		text_addf(text, "%d of %zu", __builtin_popcount(config_number(setup->config, id)),
		          choice_count(setup, id));
		return;
	}
	text_add(text, value);
	if (now && strncmp(now, value, strlen(value)) != 0)
		text_addf(text, " (%s)", now);
}

static void origin_words(const struct setup *setup, enum config_id id, struct text *text)
{
	switch ((enum config_origin)setup->config->at[id].origin) {
	case CONFIG_FROM_DEFAULT:
		text_add(text, "default");
		break;
	case CONFIG_FROM_FILE:
		text_add(text, "file");
		if (setup->config->at[id].line)
			text_addf(text, ", line %d", setup->config->at[id].line);
		break;
	case CONFIG_FROM_OPTION:
		text_add(text, "command line");
		break;
	case CONFIG_FROM_HERE:
		text_add(text, "changed here");
		break;
	}
}

static bool is_first_of_section(enum config_id id)
{
	return !id || strcmp(config_rows[id].section, config_rows[id - 1].section) != 0;
}

static void draw_cell(const void *ctx, size_t row, size_t column, struct area cell)
{
	const struct view_frame *frame = ctx;
	enum config_id id = (enum config_id)row;
	uint8_t origin = frame->setup->config->at[id].origin;
	char buffer[CONFIG_TEXT + 32] = "";
	struct text text = text_in(buffer, sizeof(buffer));

	switch ((enum column)column) {
	case COL_SECTION:
		if (is_first_of_section(id))
			draw_text(cell, 0, 0, ROLE_TEXT_DIM, config_rows[id].section);
		break;
	case COL_KEY:
		draw_text(cell, 0, 0, ROLE_TEXT, config_rows[id].key);
		break;
	case COL_VALUE:
		value_words(frame->setup, id, &text);
		draw_text(cell, 0, 0, origin == CONFIG_FROM_DEFAULT ? ROLE_TEXT : ROLE_TEXT_STRONG,
		          buffer);
		break;
	case COL_ORIGIN:
		origin_words(frame->setup, id, &text);
		draw_text(cell, 0, 0, origin == CONFIG_FROM_HERE ? ROLE_CHANGED : ROLE_TEXT_DIM,
		          buffer);
		break;
	case COL_HELP:
		draw_text(cell, 0, 0, ROLE_TEXT_DIM, config_rows[id].help);
		break;
	case COL_COUNT:
		break;
	}
}

static bool matches(const void *ctx, size_t row, const char *needle)
{
	const struct view_frame *frame = ctx;

	return strstr(config_rows[row].key, needle) || strstr(config_rows[row].help, needle) ||
	       strstr(config_text(frame->setup->config, (enum config_id)row), needle);
}

static struct list setting_list(const struct view_frame *frame)
{
	return (struct list){
		.columns = columns,
		.column_count = COL_COUNT,
		.row_count = CONFIG_COUNT,
		.ctx = frame,
		.key = setting_key,
		.cell = draw_cell,
		.matches = matches,
	};
}

/* --- meaning and values --------------------------------------------------------------------------- */

static enum role choice_role(const struct setup *setup, enum config_id id, size_t number)
{
	bool is_on = config_rows[id].type == CONFIG_IS_WORDS
	                     ? config_number(setup->config, id) & UINT32_C(1) << number
	                     : setup_choice_now(setup, id) == number;

	if (setup->is_choosing && setup->choice == number)
		return ROLE_SELECT;
	return is_on ? ROLE_TEXT_STRONG : ROLE_TEXT_DIM;
}

/* All values beside one another, as many rows as it takes; returns these. */
static int draw_choices(const struct setup *setup, enum config_id id, struct area area)
{
	bool is_words = config_rows[id].type == CONFIG_IS_WORDS;
	char choice[CONFIG_TEXT], words[CONFIG_TEXT + 8];
	int x = 1, y = 0;

	for (size_t i = 0; setup_choice(setup, id, i, choice); i++) {
		enum role role = choice_role(setup, id, i);
		bool is_on = is_words ? config_number(setup->config, id) & UINT32_C(1) << i
		                      : setup_choice_now(setup, id) == i;
		int width;

		(void)snprintf(words, sizeof(words), " %s%s%s ",
		               is_words ? (is_on ? "[x] " : "[ ] ")
		               : is_on  ? "● "
		                        : "",
		               choice, "");
		width = text_columns(words);
		if (x > 1 && x + width > area.width) {
			x = 1;
			y++;
		}
		x += draw_text(area_part(area, 0, y, -1, 1), x, 0, role, words) + 1;
	}
	return y + 1;
}

/* What moves to where, as far as the keys of the footer do not say it. */
static const char *hint_of(const struct setup *setup, enum config_id id)
{
	bool is_words = config_rows[id].type == CONFIG_IS_WORDS;

	if (setup->is_choosing)
		return is_words
		               ? "← → move, Enter adds or takes away, Esc ends"
		               : "← → try the values, Enter keeps, Esc goes back to the one before";
	return is_words ? "Enter or → goes through the columns"
	                : "← → change, Enter tries the values";
}

static void draw_meaning(const struct setup *setup, enum config_id id, struct area area)
{
	char title[64];
	struct area inside;
	int y;

	(void)snprintf(title, sizeof(title), "%s (default: %s)", config_rows[id].key,
	               config_rows[id].type == CONFIG_IS_WORDS ? "all" : config_rows[id].preset);
	inside = pane_area(area, title, NULL);
	y = draw_wrapped(inside, 0, ROLE_TEXT, config_rows[id].help);
	y += draw_choices(setup, id, area_part(inside, 0, y, -1, -1));
	if (y < inside.height)
		draw_text(inside, 1, inside.height - 1, ROLE_TEXT_DIM, hint_of(setup, id));
}

/* --- the file ------------------------------------------------------------------------------------- */

static int draw_problems(const struct file_problems *problems, struct area area, int y)
{
	char line[400];

	for (size_t i = 0; i < problems->count && y < area.height; i++) {
		if (i == FILE_PROBLEMS_MAX) {
			draw_textf(area, 1, y++, ROLE_STATUS_WARN, "and %zu more",
			           problems->count - i);
			break;
		}
		(void)snprintf(line, sizeof(line), "%s:%d: %s", problems->file,
		               problems->at[i].line, problems->at[i].what);
		y += draw_wrapped(area_part(area, 0, 0, -1, area.height), y, ROLE_STATUS_WARN,
		                  line);
	}
	return y;
}

static void draw_file(const struct setup *setup, struct area area)
{
	const struct file_problems *file = &setup->file->problems;
	struct area inside = pane_area(area, "file", NULL);
	size_t changed = 0;
	int y;

	for (enum config_id id = 0; id < CONFIG_COUNT; id++)
		changed += setup->config->at[id].origin == CONFIG_FROM_HERE;
	y = draw_wrapped(inside, 0, ROLE_TEXT,
	                 setup->file->path[0] ? file->file : "there is no place for one: no HOME");
	if (changed)
		draw_textf(inside, 1, y++, ROLE_CHANGED,
		           "%zu changed here, not written yet: w saves", changed);
	else
		draw_text(inside, 1, y++, ROLE_TEXT_DIM, "nothing to be saved");
	y = draw_problems(file, inside, y);
	y = draw_problems(setup->theme_problems, inside, y);
	if (y + 4 <= inside.height)
		(void)draw_wrapped(inside, y + 1, ROLE_TEXT_DIM,
		                   "A theme of your own is a file NAME.theme in "
		                   "~/.local/share/heaptop/themes: it is listed by its name. "
		                   "heaptop(5) has the format, all roles and all settings.");
}

/* --- view --------------------------------------------------------------------------------------- */

static void draw_list(const struct view_frame *frame, struct area area)
{
	struct list list = setting_list(frame);

	list_draw(&list, frame->state, pane_area(area, "settings", NULL), true);
}

static void draw_narrow(const struct view_frame *frame, enum config_id id, struct area area)
{
	int rows = CONFIG_COUNT + 2, most = area.height - MEANING_ROWS;

	draw_list(frame, take_rows(&area, rows < most         ? rows
	                                  : most > LIST_LEAST ? most
	                                                      : LIST_LEAST));
	draw_meaning(frame->setup, id,
	             take_rows(&area, area.height >= MEANING_ROWS + FILE_ROWS + 1 ? MEANING_ROWS
	                                                                          : area.height));
	if (area.height)
		draw_file(frame->setup, area);
}

static void draw_wide(const struct view_frame *frame, enum config_id id, struct area area)
{
	struct list list = setting_list(frame);
	int width = area.width * 11 / 20;
	struct pane_pair pair;
	char title[64];

	(void)snprintf(title, sizeof(title), "theme %s", frame->setup->theme->name);
	pair = pane_pair(area, width, "settings", title);
	list_draw(&list, frame->state, take_rows(&pair.left, CONFIG_COUNT + 1), true);
	draw_meaning(frame->setup, id, take_rows(&pair.left, MEANING_ROWS + 2));
	draw_file(frame->setup, pair.left);
	setup_draw_sample(pair.right);
}

static void setup_draw(const struct view_frame *frame, struct area area)
{
	enum config_id id = setup_selected(frame->state->selected);

	if (!frame->setup)
		return;
	frame->state->pane_count = 1;
	if (area.width < WITH_SAMPLE)
		draw_narrow(frame, id, area);
	else
		draw_wide(frame, id, area);
}

static bool setup_command(const struct view_frame *frame, enum command_id command)
{
	struct list list = setting_list(frame);

	return frame->setup && list_command(&list, frame->state, command);
}

static void setup_status(const struct view_frame *frame, char *to, size_t size)
{
	if (frame->setup)
		(void)snprintf(to, size,
		               "changes are in force at once, and gone with heaptop unless "
		               "saved (w)");
}

const struct view_ops view_setup = {
	.id = VIEW_SETUP,
	.title = "Setup",
	.enter = "Values",
	.draw = setup_draw,
	.status = setup_status,
	.command = setup_command,
};
