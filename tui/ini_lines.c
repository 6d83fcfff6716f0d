/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/ini_lines.h"

#include <ini.h>
#include <string.h>

/* inih hands a line that it can't split to nobody: the next line finds it still awaited. */
static void settle(struct ini_lines *lines)
{
	if (lines->is_awaited)
		file_problem(lines->problems, lines->line, "expected NAME = VALUE");
	lines->is_awaited = 0;
}

static int handle(void *user, const char *section, const char *name, const char *value)
{
	struct ini_lines *lines = user;

	lines->is_awaited = 0;
	lines->pair(lines->ctx, section, name, value);
	return 1;
}

/* fgets() for inih: whole lines without their indentation, which would continue the line before. */
static char *next_line(char *to, int room, void *stream)
{
	struct ini_lines *lines = stream;
	const char *newline;
	size_t len;

	settle(lines);
	if (lines->at == lines->end)
		return NULL;
	lines->line++;
	newline = memchr(lines->at, '\n', (size_t)(lines->end - lines->at));
	len = (size_t)((newline ? newline : lines->end) - lines->at);
	while (len && strchr(" \t\r\v\f", *lines->at) && *lines->at) {
		lines->at++;
		len--;
	}
	if (room < 2 || len > (size_t)room - 2) {
		file_problem(lines->problems, lines->line, "the line is longer than %d bytes",
		             room - 2);
		to[0] = '\0';
	} else {
		memcpy(to, lines->at, len);
		to[len] = '\0';
		for (char *nul = memchr(to, '\0', len); nul; nul = memchr(to, '\0', len))
			*nul = '?';
	}
	lines->at = newline ? newline + 1 : lines->end;
	lines->is_awaited = to[0] && !strchr("#;[", to[0]);
	if (to[0] == '[' && !strchr(to, ']'))
		file_problem(lines->problems, lines->line, "no ']' behind the section's name");
	return to;
}

void ini_lines_read(struct ini_lines *lines, const char *bytes, size_t len)
{
	static const char bom[] = "\xef\xbb\xbf";

	if (len >= 3 && !memcmp(bytes, bom, 3)) {
		bytes += 3;
		len -= 3;
	}
	lines->at = bytes;
	lines->end = bytes + len;
	lines->line = 0;
	lines->is_awaited = 0;
	(void)ini_parse_stream(next_line, lines, handle, lines);
	settle(lines);
}
