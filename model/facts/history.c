/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/facts/history.h"

#include "model/facts/history_thin.h"

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
	sample->value[HISTORY_SWAP] = process->vm_swap;
	sample->value[HISTORY_MIN_FAULTS] = process->min_faults;
	sample->value[HISTORY_MAJ_FAULTS] = process->maj_faults;
	if (process->thread_count > 0)
		sample->value[HISTORY_THREADS] = fact_of((uint64_t)process->thread_count);
}

static void fill_heap(struct history_sample *sample, const struct snapshot *snap)
{
	const struct malloc_state *ms = snapshot_malloc(snap);

	if (!ms)
		return;
	sample->value[HISTORY_SYSTEM_MEM] = ms->totals.system;
	sample->value[HISTORY_IN_USE] = ms->totals.in_use;
	sample->value[HISTORY_FREE] = ms->totals.free;
	sample->value[HISTORY_TOP] = ms->totals.top;
	sample->value[HISTORY_TCACHE] = ms->totals.tcache;
	sample->value[HISTORY_MMAPPED] = ms->totals.mmapped;
}

static void fill_system(struct history_sample *sample, const struct snapshot *snap)
{
	const struct system_facts *system = snapshot_system(snap);
	const struct cgroup_facts *cgroup = snapshot_cgroup(snap);
	const struct vma_set *vmas = snapshot_vmas(snap);

	if (system) {
		sample->value[HISTORY_COMMITTED] = system->committed_as;
		sample->value[HISTORY_MEM_AVAILABLE] = system->mem_available;
		sample->value[HISTORY_PRESSURE] = system->some.avg10;
	}
	if (cgroup && cgroup->level_count)
		sample->value[HISTORY_CGROUP] = cgroup->levels[cgroup->level_count - 1].current;
	/* a process that may not be read has none to be counted */
	if (vmas && vmas->count)
		sample->value[HISTORY_VMAS] = fact_of(vmas->count);
}

void history_values(const struct snapshot *snap, struct history_sample *ret)
{
	*ret = (struct history_sample){ .time_ns = snap->sample.time_ns };
	fill_process(ret, snap);
	fill_heap(ret, snap);
	fill_system(ret, snap);
}

/* Hundredths per second; unknown of a counter that was set back, which is another process's. */
static struct fact rate_of(const struct history_sample *from, const struct history_sample *to,
                           enum history_series counter)
{
	struct fact a = from->value[counter], b = to->value[counter];
	uint64_t ms = to->time_ns > from->time_ns ? (to->time_ns - from->time_ns) / NS_PER_MS : 0;
	uint64_t scaled;

	if (!fact_known(a) || !fact_known(b) || b.v < a.v || !ms ||
	    __builtin_mul_overflow(b.v - a.v, 100 * MS_PER_S, &scaled))
		return fact_unknown();
	return fact_of(scaled / ms);
}

void history_add(struct history *history, const struct snapshot *snap)
{
	const struct history_sample *before = history_at(history, 0);
	struct history_sample sample;

	history_values(snap, &sample);
	if (before) {
		sample.value[HISTORY_MIN_RATE] = rate_of(before, &sample, HISTORY_MIN_FAULTS);
		sample.value[HISTORY_MAJ_RATE] = rate_of(before, &sample, HISTORY_MAJ_FAULTS);
	}
	history_put(history, &sample);
}

void history_put(struct history *history, const struct history_sample *sample)
{
	const struct history_sample *newest;

	while ((newest = history_at(history, 0)) && newest->time_ns > sample->time_ns) {
		history->next = (history->next + HISTORY_SAMPLES - 1) % HISTORY_SAMPLES;
		history->count--;
	}
	if (!history->count || sample->time_ns < history->first_ns)
		history->first_ns = sample->time_ns;
	history->samples[history->next] = *sample;
	history->next = (history->next + 1) % HISTORY_SAMPLES;
	if (history->count < HISTORY_SAMPLES)
		history->count++;
	history_thin(history, sample);
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

		if (newest->time_ns - sample->time_ns > window_ns)
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
