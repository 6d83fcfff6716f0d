/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/lib/sample_parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Clears the screen, turns text round, is no UTF-8, and goes over the line. */
static const char evil[] = "\x1b[2J\x1b]0;pwned\x07\r\n\xe2\x80\xae\xff\xc3(\x9b"
                           "31m";

static void put_evil(char *to, size_t size)
{
	size_t len = sizeof(evil) < size ? sizeof(evil) : size;

	memcpy(to, evil, len);
	to[len - 1] = '\0';
}

void sample_make_hostile(struct sample *sample)
{
	struct part *part = sample->snap->parts[PART_VMAS];

	for (size_t i = 0; i < sample->vmas->count; i++)
		sample_name(part->region, sample->vmas, &sample->vmas->at[i], evil,
		            sizeof(evil) - 1);
	for (size_t i = 0; i < sample->ms->thread_count; i++)
		put_evil(sample->ms->threads[i].name, sizeof(sample->ms->threads[i].name));
	for (size_t i = 0; i < sample->oom->count; i++)
		put_evil(sample->oom->tasks[i].comm, sizeof(sample->oom->tasks[i].comm));
	put_evil(sample->process->comm, sizeof(sample->process->comm));
	put_evil(sample->process->exe, sizeof(sample->process->exe));
	for (size_t i = 0; i < sample->cgroup->level_count; i++)
		sample->cgroup->levels[i].path = evil;
	sample->cgroup->path = evil;
	sample->heap->interposer = evil;
	sample->heap->libc_path = evil;
}

static void forget_arena(struct arena *arena)
{
	struct count_bytes unknown = { 0 };

	arena->attached_threads = arena->top_size = arena->trimmable = arena->below_pin =
	        fact_unknown();
	arena->has_lists = false;
	arena->fastbin_count = arena->small_count = arena->large_count = 0;
	arena->fastbin_total = arena->unsorted = arena->tcache_total = arena->in_use =
	        arena->free_total = unknown;
	arena->top_pin = (struct chunk_ref){ 0 };
}

static void forget_malloc(struct malloc_state *ms)
{
	ms->has_walk = ms->has_mmapped = ms->walk.is_done = false;
	ms->walk_taken_ns = 0;
	memset(&ms->totals, 0, sizeof(ms->totals));
	memset(&ms->params, 0, sizeof(ms->params));
	ms->mmapped_count = 0;
	for (size_t i = 0; i < ms->arena_count; i++)
		forget_arena(&ms->arenas[i]);
	for (size_t i = 0; i < ms->thread_count; i++) {
		ms->threads[i].arena = ms->threads[i].tcache = fact_unknown();
		ms->threads[i].bin_count = 0;
		ms->threads[i].total = (struct count_bytes){ 0 };
	}
}

static void forget_vmas(struct vma_set *vmas)
{
	for (size_t i = 0; i < vmas->count; i++) {
		struct vma *v = &vmas->at[i];

		v->has_residency = v->has_smaps = false;
		v->rss = v->swap = v->pss = v->anonymous = v->dirty = 0;
		v->flags = 0;
		v->charge = VMA_CHARGE_UNKNOWN;
	}
}

void sample_make_unknown(struct sample *sample)
{
	struct process_facts process = { .id = sample->process->id, .state = '?' };

	memcpy(process.comm, sample->process->comm, sizeof(process.comm));
	*sample->process = process;
	forget_vmas(sample->vmas);
	forget_malloc(sample->ms);
	*sample->system = (struct system_facts){ .page_size = 4096 };
	for (size_t i = 0; i < sample->cgroup->level_count; i++)
		sample->cgroup->levels[i] =
		        (struct cgroup_level){ .path = sample->cgroup->levels[i].path };
	for (size_t i = 0; i < sample->oom->count; i++) {
		sample->oom->tasks[i].score = fact_unknown();
		sample->oom->tasks[i].is_partial = true;
	}
	sample->commit = (struct commit_facts){ 0 };
	sample->first_limit = (struct first_limit){ 0 };
	past_fini(sample->past);
}
