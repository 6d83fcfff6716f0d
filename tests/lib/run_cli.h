/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TESTS_LIB_RUN_CLI_H
#define HEAPTOP_TESTS_LIB_RUN_CLI_H

/** Runs heaptop's command line in a child of the test, without a terminal. Asserts by cmocka. */
#include <stdio.h>
#include <sys/types.h>

/* What one run left behind. */
struct result {
	int code;
	char *out, *err;
};

/** Runs with the blank-separated words of `line`, as another user when `uid` is not 0. */
struct result run_as(uid_t uid, const char *line);
struct result run(const char *line);
void result_free(struct result *result);

/** The whole of a file, which it closes; free with free(). */
char *slurp(FILE *file);

#endif
