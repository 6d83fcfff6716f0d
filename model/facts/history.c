/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/facts/history.h"

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S  UINT64_C(1000000000)
#define MS_PER_S  UINT64_C(1000)

static void fill_process(struct history_sample *sample, const struct snapshot *snap)
{
	const struct process_facts *process = snapshot_process(snap);

	if (!process)
		return;
	sample->value[HISTORY_RSS] = process->vm_rss;
	sample->value[HISTORY_VM_SIZE] = process->vm_size;
	sample->value[HISTORY_MIN_FAULTS] = process->min_faults;
	sample->value[HISTORY_MAJ_FAULTS] = process->maj_faults;
}

static void fill_heap(struct history_sample *sample, const struct snapshot *snap)
{
	const struct malloc_state *ms = snapshot_malloc(snap);

	if (!ms)
		return;
	sample->value[HISTORY_SYSTEM_MEM] = ms->totals.system;
	sample->value[HISTORY_IN_USE] = ms->totals.in_use;
	sample->value[HISTORY_MMAPPED] = ms->totals.mmapped;
}

static void fill_system(struct history_sample *sample, const struct snapshot *snap)
{
	const struct system_facts *system = snapshot_system(snap);

	if (!system)
		return;
	sample->value[HISTORY_COMMITTED] = system->committed_as;
	sample->value[HISTORY_MEM_AVAILABLE] = system->mem_available;
}

void history_add(struct history *history, const struct snapshot *snap)
{
	struct history_sample *sample = &history->samples[history->next];

	*sample = (struct history_sample){ .time_ns = snap->sample.time_ns };
	fill_process(sample, snap);
	fill_heap(sample, snap);
	fill_system(sample, snap);
	history->next = (history->next + 1) % HISTORY_SAMPLES;
	if (history->count < HISTORY_SAMPLES)
		history->count++;
}

const struct history_sample *history_at(const struct history *history, uint32_t i)
{
	if (i >= history->count)
		return NULL;
	return &history->samples[(history->next + HISTORY_SAMPLES - 1 - i) % HISTORY_SAMPLES];
}

/* The oldest sample of the window that knows the series; NULL when it is `newest` itself. */
static const struct history_sample *window_start(const struct history *history,
                                                 enum history_series series, uint64_t window_ns)
{
	const struct history_sample *newest = history_at(history, 0), *oldest = NULL;

	for (uint32_t i = 1; i < history->count; i++) {
		const struct history_sample *sample = history_at(history, i);

		/* CLOCK_REALTIME may be set back: what is not older than its successor ends the
		 * window, too. */
		if (sample->time_ns >= newest->time_ns ||
		    newest->time_ns - sample->time_ns > window_ns)
			break;
		if (fact_known(sample->value[series]))
			oldest = sample;
	}
	return oldest;
}

/* Milliseconds keep every product below 2^64: a window is at most 2^32 seconds. */
static int64_t per_second(uint64_t from, uint64_t to, uint64_t ms)
{
	uint64_t change = to > from ? to - from : from - to, rate;

	if (__builtin_mul_overflow(change / ms, MS_PER_S, &rate) ||
	    __builtin_add_overflow(rate, change % ms * MS_PER_S / ms, &rate) || rate > INT64_MAX)
		rate = INT64_MAX;
	return to > from ? (int64_t)rate : -(int64_t)rate;
}

bool history_rate(const struct history *history, enum history_series series, uint32_t window_s,
                  int64_t *ret_per_second)
{
	const struct history_sample *newest = history_at(history, 0), *oldest;
	uint64_t ms;

	if (!newest || !fact_known(newest->value[series]))
		return false;
	oldest = window_start(history, series, window_s * NS_PER_S);
	ms = oldest ? (newest->time_ns - oldest->time_ns) / NS_PER_MS : 0;
	if (!ms)
		return false;
	*ret_per_second = per_second(oldest->value[series].v, newest->value[series].v, ms);
	return true;
}

uint32_t history_span(const struct history *history, enum history_series series, uint32_t window_s)
{
	const struct history_sample *newest = history_at(history, 0), *oldest;

	if (!newest || !fact_known(newest->value[series]))
		return 0;
	oldest = window_start(history, series, window_s * NS_PER_S);
	return oldest ? (uint32_t)((newest->time_ns - oldest->time_ns) / NS_PER_S) : 0;
}
