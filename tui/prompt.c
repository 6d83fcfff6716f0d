/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/prompt.h"

#include <stdio.h>
#include <string.h>

#include "model/base/text.h"
#include "tui/command.h"
#include "tui/completion.h"
#include "tui/keys.h"

void prompt_open(struct prompt *prompt, enum prompt_kind kind, const char *text)
{
	prompt->kind = kind;
	prompt->history_at = -1;
	line_set(&prompt->line, text);
	memcpy(prompt->before, prompt->line.text, sizeof(prompt->before));
}

/* --- history ---------------------------------------------------------------------------------- */

static void remember(struct prompt *prompt)
{
	if (!prompt->line.len ||
	    (prompt->history_count && !strcmp(prompt->history[0], prompt->line.text)))
		return;
	memmove(prompt->history[1], prompt->history[0],
	        sizeof(prompt->history) - sizeof(prompt->history[0]));
	memcpy(prompt->history[0], prompt->line.text, LINE_ROOM);
	if (prompt->history_count < PROMPT_HISTORY)
		prompt->history_count++;
}

static void walk_history(struct prompt *prompt, int step)
{
	int at = prompt->history_at + step;

	if (at < -1 || at >= prompt->history_count)
		return;
	prompt->history_at = at;
	line_set(&prompt->line, at < 0 ? "" : prompt->history[at]);
}

/* --- completion ------------------------------------------------------------------------------- */

/* Adds what all lines that begin so have in common. */
static void complete(struct prompt *prompt)
{
	struct completion completion = completion_of(prompt->line.text, prompt->themes);
	char first[LINE_ROOM], line[LINE_ROOM];
	size_t common = 0, count = 0;

	for (; completion_next(&completion, line); count++) {
		if (!count) {
			memcpy(first, line, sizeof(first));
			common = strlen(first);
		}
		while (strncmp(first, line, common) != 0)
			common--;
	}
	if (!count)
		return;
	first[common] = '\0';
	line_set(&prompt->line, first);
}

/* The words that the last one may become, or what the only one does. */
static void draw_candidates(const struct prompt *prompt, struct area area, int x, int y)
{
	struct completion completion = completion_of(prompt->line.text, prompt->themes);
	char buffer[256], line[LINE_ROOM] = "";
	struct text text = text_in(buffer, sizeof(buffer));
	size_t count = 0;

	while (completion_next(&completion, line)) {
		const char *blank = strrchr(line, ' ');

		text_addf(&text, "%s%s", count++ ? " " : "", blank ? blank + 1 : line);
	}
	if (count == 1 && completion_help(line)[0])
		draw_text(area, x, y, ROLE_TEXT_DIM, completion_help(line));
	else if (count)
		draw_text(area, x, y, ROLE_TEXT_DIM, buffer);
	else if (!strchr(prompt->line.text, ' '))
		draw_text(area, x, y, ROLE_STATUS_WARN, "no such command");
}

/* --- keys and drawing ------------------------------------------------------------------------- */

static enum prompt_result close_with(struct prompt *prompt, enum prompt_result result)
{
	if (result == PROMPT_CANCELLED)
		line_set(&prompt->line, prompt->before);
	else if (prompt->kind == PROMPT_COMMAND)
		remember(prompt);
	prompt->kind = PROMPT_NONE;
	return result;
}

static bool command_key(struct prompt *prompt, uint32_t key)
{
	switch (key) {
	case KEYCODE_TAB:
		complete(prompt);
		return true;
	case KEYCODE_UP:
		walk_history(prompt, 1);
		return true;
	case KEYCODE_DOWN:
		walk_history(prompt, -1);
		return true;
	default:
		return false;
	}
}

enum prompt_result prompt_key(struct prompt *prompt, uint32_t key)
{
	if (key == KEYCODE_ENTER)
		return close_with(prompt, PROMPT_DONE);
	if (key == KEYCODE_ESC || key == KEYCODE_CTRL('C') ||
	    (key == KEYCODE_BACKSPACE && !prompt->line.len))
		return close_with(prompt, PROMPT_CANCELLED);
	if (prompt->kind == PROMPT_COMMAND && command_key(prompt, key))
		return PROMPT_CHANGED;
	return line_key(&prompt->line, key) ? PROMPT_CHANGED : PROMPT_GOES_ON;
}

int prompt_draw(const struct prompt *prompt, struct area area, int x, int y)
{
	static const char *const signs[] = {
		[PROMPT_NONE] = "",
		[PROMPT_COMMAND] = ":",
		[PROMPT_SEARCH] = "/",
		[PROMPT_FILTER] = "filter: ",
	};
	char head[LINE_ROOM];
	int cursor;

	memcpy(head, prompt->line.text, prompt->line.cursor);
	head[prompt->line.cursor] = '\0';
	x += draw_text(area, x, y, ROLE_KEY, signs[prompt->kind]);
	cursor = x + text_columns(head);
	x += draw_text(area, x, y, ROLE_TEXT_STRONG, prompt->line.text);
	if (prompt->kind == PROMPT_COMMAND)
		draw_candidates(prompt, area, x + 3, y);
	return cursor;
}
