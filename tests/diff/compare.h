/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TESTS_DIFF_COMPARE_H
#define HEAPTOP_TESTS_DIFF_COMPARE_H

/* Predictions against what happened. */
#include <stdbool.h>
#include <stdio.h>

#include "tests/diff/trace.h"

/* One `heaptop simulate`, asked while the process stood still. */
struct prediction {
	uint64_t first;  /* the operation that the real run does next */
	uint32_t prefix; /* operations of its scenario that the real run does not have */
	int status;      /* as of waitpid() */
	char out[512], err[512], words[512]; /* files; words: "" when not asked for */
};

struct tally {
	uint64_t operations, calls;
};

/** True when all of a prediction came true; otherwise tells the first difference on `to`. */
bool compare_prediction(const struct run *run, const struct prediction *prediction,
                        struct tally *tally, FILE *to);

/** The process, still there, against the words of malloc's that were foretold of it. */
bool compare_words(const struct run *run, const struct prediction *prediction, FILE *to);

/** What happened, for people. */
void print_run(const struct run *run, FILE *to);

#endif
