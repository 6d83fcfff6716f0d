/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_POPUP_H
#define HEAPTOP_TUI_POPUP_H

/**
 * A box of text over a view: what Enter says of the selected object. Paragraphs end in newlines; one
 * that begins with a blank keeps its columns (sums, tables) and is cut instead of wrapped.
 */
#include <stdbool.h>

#include "model/base/text.h"
#include "tui/canvas.h"
#include "tui/command.h"

enum { POPUP_TITLE = 96, POPUP_TEXT = 4096 };

struct popup {
	bool is_open;
	char title[POPUP_TITLE];
	char body[POPUP_TEXT]; /* clean text */
	int top, page, lines;  /* scrolling, as of the last draw */
};

/** Moves or closes an open pop-up; false: the command has nothing to do with it. */
bool popup_command(struct popup *popup, enum command_id command);

/** Draws an open pop-up in the middle of the screen. */
void popup_draw(struct popup *popup, struct area screen);

#endif
