/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_LINE_EDIT_H
#define HEAPTOP_TUI_LINE_EDIT_H

/** One line that is being typed, with the keys that everybody's fingers know. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LINE_ROOM = 64 };

struct line_edit {
	char text[LINE_ROOM]; /* clean UTF-8 */
	size_t len, cursor;   /* bytes; the cursor never stands inside a character */
};

/** Sets the text (cut to fit) with the cursor at its end. */
void line_set(struct line_edit *line, const char *text);

/** True when the key was taken: a character, Backspace, Delete, arrows, Home, End, ^A ^E ^U ^K ^W. */
bool line_key(struct line_edit *line, uint32_t key);

#endif
