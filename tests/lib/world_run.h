/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TESTS_LIB_WORLD_RUN_H
#define HEAPTOP_TESTS_LIB_WORLD_RUN_H

/**
 * A scenario run in a new world, step by step, and scenarios made up at random from a seed. Failures
 * to start or to run abort: it is a test's tool.
 */
#include "model/run/operate.h"

struct world_run {
	struct region *region;
	struct world *world;
	struct scenario scenario;
	struct scenario_cursor cursor;
	struct operate operate;
	char *text; /* its own copy */
};

/** Of the scenario's text, with glibc 2.`minor`; `with_path`: decisions are told to world->why. */
void world_run_start(struct world_run *run, int minor, const char *text, bool with_path);
/** The next operation; false at the end, or when the process has ended. */
bool world_run_step(struct world_run *run, struct op_result *ret);
/** All of them; the last outcome. */
enum outcome world_run_all(struct world_run *run);
void world_run_end(struct world_run *run);

/**
 * A made-up scenario of about `length` operations: every function of malloc's, trim, mallopt, threads;
 * names are b0 … b63. `frees_all`: at its end every block is freed and every thread has ended.
 * The caller frees it.
 */
char *world_run_random(uint32_t seed, size_t length, bool frees_all);

#endif
