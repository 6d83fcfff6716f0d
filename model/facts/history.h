/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_FACTS_HISTORY_H
#define HEAPTOP_MODEL_FACTS_HISTORY_H

/**
 * A bounded past of this run, within a MiB however long it lasts. The last samples are kept as they
 * were; older ones in buckets of a second, ten seconds and two minutes, that keep lowest, highest
 * and last value: a peak stays visible for a day.
 */
#include "model/facts/snapshot.h"

enum history_series {
	HISTORY_RSS,
	HISTORY_VM_SIZE,
	HISTORY_SYSTEM_MEM, /* all arenas */
	HISTORY_IN_USE,
	HISTORY_MMAPPED,
	HISTORY_COMMITTED,
	HISTORY_MEM_AVAILABLE,
	HISTORY_MIN_FAULTS, /* counters since the process's start … */
	HISTORY_MAJ_FAULTS,
	HISTORY_MIN_RATE, /* … and their change, in hundredths per second */
	HISTORY_MAJ_RATE,
	HISTORY_FREE,   /* in unsorted, small and large bins */
	HISTORY_TOP,    /* in top chunks */
	HISTORY_TCACHE, /* bytes in tcaches */
	HISTORY_SWAP,
	HISTORY_CGROUP, /* memory.current of the target's own cgroup */
	HISTORY_THREADS,
	HISTORY_VMAS,
	HISTORY_PRESSURE, /* PSI memory, some avg10, in hundredths of a percent */
	HISTORY_SERIES_COUNT
};

enum {
	HISTORY_SAMPLES = 600,
	HISTORY_SECONDS = 600, /* ten minutes of seconds */
	HISTORY_TENS = 720,    /* two hours of ten seconds */
	HISTORY_MINUTES = 720, /* a day of two minutes */
	HISTORY_TIERS = 3,
	HISTORY_BUCKETS = HISTORY_SECONDS + HISTORY_TENS + HISTORY_MINUTES,
};

struct history_sample {
	uint64_t time_ns;
	struct fact value[HISTORY_SERIES_COUNT];
};

/* Values are packed in 32 bits: what they lose is below a part in 2^25. */
struct history_bucket {
	uint64_t start_ns;
	uint32_t low[HISTORY_SERIES_COUNT], high[HISTORY_SERIES_COUNT], last[HISTORY_SERIES_COUNT];
};

struct history_ring {
	uint32_t next, count;
};

struct history {
	struct history_sample samples[HISTORY_SAMPLES]; /* ring */
	uint32_t next, count;
	struct history_bucket buckets[HISTORY_BUCKETS]; /* a ring for each tier */
	struct history_ring tiers[HISTORY_TIERS];
	uint64_t first_ns; /* of the first sample ever: buckets begin before it */
};

/** The series' values of one snapshot; rates are left unknown. */
void history_values(const struct snapshot *snap, struct history_sample *ret);

void history_add(struct history *history, const struct snapshot *snap);

/**
 * Adds a sample as it is. One that is older than its predecessors (the clock was set back) drops
 * those: time never runs backwards in here.
 */
void history_put(struct history *history, const struct history_sample *sample);

/** The i-th newest sample (0: the newest); NULL beyond the oldest. */
const struct history_sample *history_at(const struct history *history, uint32_t i);

/** When the oldest thing still known was; 0: nothing is known. */
uint64_t history_oldest_ns(const struct history *history);

/** Change per second over at most the last `window_s` seconds; false when not known yet. */
bool history_rate(const struct history *history, enum history_series series, uint32_t window_s,
                  int64_t *ret_per_second);

/** Seconds that history_rate() spans with that window; 0 when it knows no rate. */
uint32_t history_span(const struct history *history, enum history_series series, uint32_t window_s);

/* --- slices of time ------------------------------------------------------------------------------ */

/* What is known of an equal slice of time; unknown facts where nothing is. */
struct history_slice {
	struct fact low, high, last;
	bool is_seen; /* some sample or bucket lies in it */
};

/**
 * Cuts [from_ns, to_ns] into `count` slices, oldest first. A slice between two samples holds the
 * value of the earlier one, but no longer than the slowest rate of samples makes likely: beyond
 * that it is a gap, as it is where a sample did not know the value.
 */
void history_slices(const struct history *history, enum history_series series, uint64_t from_ns,
                    uint64_t to_ns, struct history_slice *ret, size_t count);

/* Growth over a span of time, and how much it varied within it. */
struct history_trend {
	bool is_known;
	int64_t per_minute;
	int64_t slowest, fastest; /* of the quarters of the span, per minute */
	struct fact low, high, mean, last;
};

/** What `count` slices over `span_ns` say in sum. */
void history_trend(const struct history_slice *slices, size_t count, uint64_t span_ns,
                   struct history_trend *ret);

#endif
