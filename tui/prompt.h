/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_PROMPT_H
#define HEAPTOP_TUI_PROMPT_H

/** The prompts of the status row: `:` a command, `/` a search, `f` a filter. */
#include <stdbool.h>

#include "tui/canvas.h"
#include "tui/line_edit.h"
#include "tui/theme.h"

enum prompt_kind { PROMPT_NONE, PROMPT_COMMAND, PROMPT_SEARCH, PROMPT_FILTER };

enum { PROMPT_HISTORY = 16 };

struct prompt {
	enum prompt_kind kind;
	struct line_edit line;
	char before[LINE_ROOM];                  /* what was there when the prompt opened */
	char history[PROMPT_HISTORY][LINE_ROOM]; /* of commands, newest first */
	int history_count, history_at;           /* history_at -1: the line being typed */
	const struct theme_names *themes;        /* for completion; NULL: none are known */
};

enum prompt_result {
	PROMPT_GOES_ON,
	PROMPT_CHANGED,   /* the text is another: search and filter follow at once */
	PROMPT_DONE,      /* Enter: the prompt is closed, its text stands in line.text */
	PROMPT_CANCELLED, /* Esc: closed; line.text is as it was before */
};

void prompt_open(struct prompt *prompt, enum prompt_kind kind, const char *text);
enum prompt_result prompt_key(struct prompt *prompt, uint32_t key);

/** Draws the prompt in a row of the area; returns the cursor's column in the area. */
int prompt_draw(const struct prompt *prompt, struct area area, int x, int y);

#endif
