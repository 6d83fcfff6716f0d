/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_COMPLETION_H
#define HEAPTOP_TUI_COMPLETION_H

/** What a line typed behind `:` may become: a command, a theme behind `theme`, a key and value behind `set`. */
#include <stdbool.h>
#include <stddef.h>

#include "tui/line_edit.h"
#include "tui/theme.h"

struct completion {
	const char *line;
	const struct theme_names *themes; /* NULL: not known */
	size_t at;                        /* candidates looked at */
};

struct completion completion_of(const char *line, const struct theme_names *themes);

/** The next whole line that begins with what was typed; false: there are no more. */
bool completion_next(struct completion *completion, char to[LINE_ROOM]);

/** What a whole line does: a command's help, a setting's meaning; "" when nothing is known. */
const char *completion_help(const char *line);

#endif
