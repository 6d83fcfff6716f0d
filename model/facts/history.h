/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_FACTS_HISTORY_H
#define HEAPTOP_MODEL_FACTS_HISTORY_H

/** A bounded past of this run: a few numbers per sample in a ring; growth rates from it. */
#include "model/facts/snapshot.h"

enum history_series {
	HISTORY_RSS,
	HISTORY_VM_SIZE,
	HISTORY_SYSTEM_MEM, /* all arenas */
	HISTORY_IN_USE,
	HISTORY_MMAPPED,
	HISTORY_COMMITTED,
	HISTORY_MEM_AVAILABLE,
	HISTORY_MIN_FAULTS,
	HISTORY_MAJ_FAULTS,
	HISTORY_SERIES_COUNT
};

enum { HISTORY_SAMPLES = 600 };

struct history_sample {
	uint64_t time_ns;
	struct fact value[HISTORY_SERIES_COUNT];
};

struct history {
	struct history_sample samples[HISTORY_SAMPLES]; /* ring */
	uint32_t next, count;
};

void history_add(struct history *history, const struct snapshot *snap);

/** The i-th newest sample (0: the newest); NULL beyond the oldest. */
const struct history_sample *history_at(const struct history *history, uint32_t i);

/** Change per second over at most the last `window_s` seconds; false when not known yet. */
bool history_rate(const struct history *history, enum history_series series, uint32_t window_s,
                  int64_t *ret_per_second);

/** Seconds that history_rate() spans with that window; 0 when it knows no rate. */
uint32_t history_span(const struct history *history, enum history_series series, uint32_t window_s);

#endif
