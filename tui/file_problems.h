/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_FILE_PROBLEMS_H
#define HEAPTOP_TUI_FILE_PROBLEMS_H

/** What was wrong with a file of the user's, by line; the rest of it is in force all the same. */
#include <stddef.h>

enum { FILE_PROBLEMS_MAX = 8 };

struct file_problems {
	char file[256]; /* clean text */
	size_t count;   /* all of them; the first ones are kept */
	struct {
		int line;       /* from 1; 0: the file as a whole */
		char what[120]; /* clean text */
	} at[FILE_PROBLEMS_MAX];
};

void file_problems_init(struct file_problems *problems, const char *file);

void file_problem(struct file_problems *problems, int line, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

#endif
