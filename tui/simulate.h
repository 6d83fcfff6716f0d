/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_SIMULATE_H
#define HEAPTOP_TUI_SIMULATE_H

/**
 * Private to `heaptop simulate`: the writers of results, and a snapshot read back from its JSON.
 */
#include <stdio.h>

#include "model/facts/snapshot.h"
#include "model/run/operate.h"

/* What came of a whole run. */
struct simulate_summary {
	uint64_t operations, skipped, syscalls;
	uint64_t outcomes[OUTCOME_COUNT];
	int64_t commit_pages, rss_pages;
	bool is_limited; /* --limit ended it */
	bool is_whole;   /* every operation of the scenario ran */
};

struct simulate_output {
	FILE *to;
	const struct world *world;
	bool json, explain, vmas;
	bool failed; /* out of memory somewhere */
};

void simulate_begin(struct simulate_output *out);
void simulate_result(struct simulate_output *out, const struct op_result *result);
void simulate_end(struct simulate_output *out, const struct simulate_summary *summary);

/* One format each. */
void json_simulate_result(struct simulate_output *out, const struct op_result *result);
void json_simulate_end(struct simulate_output *out, const struct simulate_summary *summary);
void text_simulate_begin(struct simulate_output *out);
void text_simulate_result(struct simulate_output *out, const struct op_result *result);
void text_simulate_end(struct simulate_output *out, const struct simulate_summary *summary);

/** "ENOMEM" of 12; NULL for a number that has no name. */
const char *errno_word(int error);

/** Writes malloc's own memory as the scenario left it (simulate_words.c has the format). */
bool simulate_words(const struct world *world, const char *path, struct err *reterr);

/** Words of --settings. */
void simulate_settings(FILE *out);

/** The output of `heaptop snapshot --json`, read back as far as a world needs it. */
bool snapshot_from_json(FILE *file, const char *name, const struct snapshot **ret,
                        struct err *reterr);

#endif
