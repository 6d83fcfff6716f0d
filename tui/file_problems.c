/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/file_problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tui/canvas.h"

void file_problems_init(struct file_problems *problems, const char *file)
{
	problems->count = 0;
	text_clean(problems->file, sizeof(problems->file), file, strlen(file));
}

void file_problem(struct file_problems *problems, int line, const char *format, ...)
{
	char what[sizeof(problems->at[0].what)];
	size_t at = problems->count++;
	va_list args;

	if (at >= FILE_PROBLEMS_MAX)
		return;
	va_start(args, format);
	(void)vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	problems->at[at].line = line;
	text_clean(problems->at[at].what, sizeof(what), what, strlen(what));
}
