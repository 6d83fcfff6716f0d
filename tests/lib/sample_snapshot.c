/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/lib/sample_snapshot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/base/units.h"
#include "tests/lib/sample_parts.h"

/* 2023-11-14 12:04:31.2 UTC */
#define SAMPLE_TIME UINT64_C(1699963471200000000)
#define NS_PER_S    UINT64_C(1000000000)

static struct part *add_part(struct snapshot *snap, enum part_kind kind)
{
	snap->parts[kind] = part_new(kind, SAMPLE_TIME);
	assert_non_null(snap->parts[kind]);
	return snap->parts[kind];
}

static void fill_process(struct process_facts *process)
{
	process->id = (struct process_id){ SAMPLE_PID, 8123450 };
	memcpy(process->comm, "ledgerd", 8);
	memcpy(process->exe, "/usr/sbin/ledgerd", 18);
	process->state = 'S';
	process->ns_pid = SAMPLE_PID;
	process->ppid = 1;
	process->uid = 997;
	process->thread_count = 9;
	process->elf_class = 64;
	process->vm_pte = fact_of(1208 * KIB);
	process->vm_swap = fact_of(0);
	process->min_faults = fact_of(1284000);
	process->maj_faults = fact_of(312);
	process->limit_as = process->limit_data = fact_of(UINT64_MAX);
	process->limit_stack = fact_of(8 * MIB);
}

static void fill_sample(struct sample_facts *facts)
{
	facts->seq = 1284;
	facts->time_ns = SAMPLE_TIME;
	facts->took_ns = 1900000;
	facts->maps_ns = 300000;
	facts->headers_ns = 900000;
	facts->host_ns = 200000;
	facts->header_reads = facts->header_agreed = 3;
	facts->source_kind = "live";
}

/* What follows from the facts is reckoned by the code that is to be shown, not invented. */
static void settle(struct sample *sample)
{
	sample->rules =
	        *linux_rules_for(sample->system->kernel_major, sample->system->kernel_minor);
	lx_commit(sample->snap, &sample->rules, &sample->commit);
	lx_first_limit(sample->snap, &sample->first_limit);
	sample->oom->domain_totalpages =
	        lx_memcg_totalpages(sample->first_limit.level, sample->system);
	lx_oom_rank(&sample->rules, sample->oom);
}

static void fill_malloc_past(const struct sample *sample, uint64_t left, struct fact *value)
{
	const struct malloc_totals *totals = &sample->ms->totals;
	uint64_t step = left / 7 * 7;

	value[HISTORY_SYSTEM_MEM] = fact_of(totals->system.v - step * 20 * KIB);
	value[HISTORY_IN_USE] = fact_of(totals->in_use.v - left * left * 5 * KIB);
	value[HISTORY_FREE] = fact_of(totals->free.v - left * 31 * KIB);
	value[HISTORY_TOP] = totals->top;
	value[HISTORY_TCACHE] = totals->tcache;
	value[HISTORY_MMAPPED] = totals->mmapped;
}

/* A minute at 1 Hz that ends with the sample: memory grows, faults come in bursts. */
static void fill_history(struct sample *sample)
{
	for (uint64_t i = 0; i <= 60; i++) {
		uint64_t left = 60 - i, step = left / 7 * 7;
		struct history_sample at = { .time_ns = SAMPLE_TIME - left * NS_PER_S };

		history_values(sample->snap, &at);
		at.time_ns = SAMPLE_TIME - left * NS_PER_S;
		at.value[HISTORY_RSS] = fact_of(sample->process->vm_rss.v - left * 15 * KIB);
		at.value[HISTORY_VM_SIZE] = fact_of(sample->process->vm_size.v - step * 20 * KIB);
		fill_malloc_past(sample, left, at.value);
		at.value[HISTORY_COMMITTED] =
		        fact_of(sample->system->committed_as.v - (left % 20) * 20 * MIB);
		at.value[HISTORY_MEM_AVAILABLE] = sample->system->mem_available;
		at.value[HISTORY_MIN_FAULTS] = fact_of(sample->process->min_faults.v - left * 1204);
		at.value[HISTORY_MIN_RATE] = fact_of(left % 9 == 0 ? 910000 : 120400);
		at.value[HISTORY_MAJ_RATE] = fact_of(0);
		history_put(sample->history, &at);
	}
}

/* The target's own row is what its VMAs say. */
static void settle_target_task(struct sample *sample)
{
	for (size_t i = 0; i < sample->oom->count; i++) {
		if (sample->oom->tasks[i].pid == SAMPLE_PID)
			sample->oom->tasks[i].rss_pages = sample->process->vm_rss.v / (4 * KIB);
	}
}

/* Threads' stacks lie where the VMAs say. */
static void settle_stacks(struct sample *sample)
{
	for (size_t i = 0; i < sample->ms->thread_count; i++) {
		struct malloc_thread *thread = &sample->ms->threads[i];

		for (size_t k = 0; k < sample->vmas->count; k++) {
			const struct vma *v = &sample->vmas->at[k];

			if (v->kind != VMA_STACK || v->owner != thread->tid)
				continue;
			thread->stack_start = v->start;
			thread->stack_end = v->end;
		}
	}
}

void sample_new(struct sample *ret)
{
	struct snapshot *snap = snapshot_new();
	struct part *part;

	assert_non_null(snap);
	memset(ret, 0, sizeof(*ret));
	ret->snap = snap;
	fill_sample(&snap->sample);
	ret->process = &add_part(snap, PART_PROCESS)->process;
	fill_process(ret->process);
	part = add_part(snap, PART_VMAS);
	sample_fill_vmas(part, ret->process);
	ret->vmas = &part->vmas;
	part = add_part(snap, PART_HEAP);
	sample_fill_heap(part);
	ret->heap = &part->heap;
	ret->ms = ret->heap->instances;
	part = add_part(snap, PART_SYSTEM);
	sample_fill_system(part);
	ret->system = &part->system;
	part = add_part(snap, PART_CGROUP);
	sample_fill_cgroup(part);
	ret->cgroup = &part->cgroup;
	part = add_part(snap, PART_OOM);
	sample_fill_oom(part);
	ret->oom = &part->oom;
	settle_target_task(ret);
	settle(ret);
	settle_stacks(ret);
	ret->past = calloc(1, sizeof(*ret->past));
	assert_non_null(ret->past);
	ret->history = &ret->past->history;
	fill_history(ret);
	sample_fill_past(ret);
}

void sample_free(struct sample *sample)
{
	snapshot_unref(sample->snap);
	past_fini(sample->past);
	free(sample->past);
	memset(sample, 0, sizeof(*sample));
}
