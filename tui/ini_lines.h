/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_INI_LINES_H
#define HEAPTOP_TUI_INI_LINES_H

/** Reads text of any kind as an INI file by inih, and knows at which line it is. */
#include "tui/file_problems.h"

struct ini_lines {
	int line; /* of the pair that is being handled, from 1 */
	struct file_problems *problems;
	/** For each NAME = VALUE; both are NUL-terminated and may hold anything. */
	void (*pair)(void *ctx, const char *section, const char *name, const char *value);
	void *ctx;

	/* its own */
	const char *at, *end;
	int is_awaited; /* the line should come back as NAME = VALUE */
};

/** Calls pair() for all of them in order; lines that are none are reported. */
void ini_lines_read(struct ini_lines *lines, const char *bytes, size_t len);

#endif
