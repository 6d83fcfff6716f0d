/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <string.h>

#include "model/base/text.h"
#include "probes/doctor.h"
#include "probes/probes.h"

static void say_library(struct doctor *doctor, const struct heap_facts *heap)
{
	bool has_glibc = heap->libc_kind == LIBC_GLIBC || heap->libc_kind == LIBC_STATIC_GLIBC;

	const char *kind = libc_kind_word(heap);

	/* The version is the library's, whoever stands in front of its malloc. */
	doctor_say(doctor, VERDICT_OK, "C library", "%s%s %s %s", kind,
	           heap->libc_kind == LIBC_GLIBC && strcmp(kind, "glibc") != 0 ? ", glibc" : "",
	           heap->version[0] ? heap->version : "(version unknown)",
	           heap->libc_path ? heap->libc_path : "");
	if (heap->build_id[0])
		doctor_say(doctor, VERDICT_OK, "build-id", "%s", heap->build_id);
	if (heap->interposer)
		doctor_say(doctor, VERDICT_NOTE, "interposer", "%s defines malloc too",
		           heap->interposer);
	if (heap->runtime)
		doctor_say(doctor, VERDICT_NOTE, "runtime",
		           "%s: its own heap is not malloc's, VMAs and OOM facts hold",
		           heap->runtime);
	if (!has_glibc)
		doctor_say(doctor, VERDICT_NOTE, "malloc",
		           "not glibc's: VMAs, commit and OOM facts work, chunks don't");
	else if (heap->found_by)
		doctor_say(doctor, heap->confidence == 'D' ? VERDICT_NOTE : VERDICT_OK, "malloc",
		           "found by %s, confidence %c, layout %s", heap->found_by,
		           heap->confidence, heap->layout ? heap->layout : "?");
	else
		doctor_say(doctor, VERDICT_MISSING, "malloc", "no road led to main_arena");
}

static void say_roads(struct doctor *doctor, const struct heap_facts *heap)
{
	for (size_t i = 0; i < heap->road_count; i++) {
		const struct road *r = &heap->roads[i];
		char name[40], arena[TEXT_NUMBER], mp[TEXT_NUMBER];
		struct text text = text_in(name, sizeof(name));

		text_addf(&text, "  %s", r->name);
		if (r->main_arena || r->mp)
			doctor_say(doctor, VERDICT_OK, name, "main_arena %s, mp_ %s%s%s",
			           r->main_arena ? text_addr(arena, r->main_arena) : "-",
			           r->mp ? text_addr(mp, r->mp) : "-", r->note ? ": " : "",
			           r->note ? r->note : "");
		else
			doctor_say(doctor, VERDICT_NOTE, name, "%s",
			           r->note ? r->note : "led nowhere");
	}
}

static void say_threads(struct doctor *doctor, const struct malloc_state *ms,
                        const struct process_facts *process)
{
	size_t placed = 0;

	for (size_t i = 0; i < ms->thread_count; i++)
		placed += fact_known(ms->threads[i].arena);
	doctor_say(doctor, placed == ms->thread_count ? VERDICT_OK : VERDICT_NOTE, "threads",
	           "%d, arena known of %zu", process ? process->thread_count : 0, placed);
}

static void say_malloc(struct doctor *doctor, const struct malloc_state *ms,
                       const struct heap_facts *heap)
{
	const struct walk_facts *w = &ms->walk;
	char chunks[TEXT_NUMBER], lost[TEXT_NUMBER];

	if (!ms->is_used) {
		doctor_say(doctor, VERDICT_NOTE, "arenas", "malloc was never used");
		return;
	}
	doctor_say(doctor, VERDICT_OK, "arenas", "%zu", ms->arena_count);
	if (!ms->has_walk)
		doctor_say(doctor, VERDICT_MISSING, "walk", "the chunks could not be walked");
	else
		doctor_say(doctor, w->torn_chunks || w->unreadable ? VERDICT_NOTE : VERDICT_OK,
		           "walk",
		           "%s chunks, %" PRIu64 " torn after %" PRIu64 " retries, %s not readable",
		           text_count(chunks, w->chunks), w->torn_chunks, w->retries,
		           text_bytes(lost, w->unreadable));
	if (ms->has_mmapped)
		doctor_say(doctor,
		           fact_or(ms->params.n_mmaps, ms->mmapped_count) == ms->mmapped_count
		                   ? VERDICT_OK
		                   : VERDICT_NOTE,
		           "mmapped chunks", "%zu found, mp_ counts %s", ms->mmapped_count,
		           text_count_fact(chunks, ms->params.n_mmaps));
	for (size_t i = 0; i < heap->error_count && i < HEAP_ERRORS_MAX; i++)
		doctor_say(doctor, VERDICT_NOTE, "contradiction", "at %012" PRIx64 ": %s",
		           heap->errors[i].addr, heap->errors[i].what);
}

static void say_vmas(struct doctor *doctor, const struct vma_set *set)
{
	size_t residency = 0, smaps = 0;

	if (!set) {
		doctor_say(doctor, VERDICT_MISSING, "VMAs", "maps can't be read");
		return;
	}
	for (size_t i = 0; i < set->count; i++) {
		residency += set->at[i].has_residency;
		smaps += set->at[i].has_smaps;
	}
	doctor_say(doctor, residency && smaps ? VERDICT_OK : VERDICT_MISSING, "VMAs",
	           "%zu, residency known of %zu, flags of %zu", set->count, residency, smaps);
}

static void say_snapshot(struct doctor *doctor, const struct snapshot *snap)
{
	const struct process_facts *process = snapshot_process(snap);
	const struct heap_facts *heap = snapshot_heap(snap);
	const struct malloc_state *ms = snapshot_malloc(snap);

	if (process)
		doctor_say(doctor, VERDICT_OK, "process", "%s, uid %u, state %c, %s", process->comm,
		           process->uid, process->state,
		           process->elf_class == 64   ? "64-bit"
		           : process->elf_class == 32 ? "32-bit"
		                                      : "ELF class unknown");
	if (process && process->access_denied)
		doctor_say(doctor, VERDICT_MISSING, "access", "%s", process->denied_why);
	say_vmas(doctor, snapshot_vmas(snap));
	if (!heap)
		return;
	say_library(doctor, heap);
	say_roads(doctor, heap);
	if (ms) {
		say_malloc(doctor, ms, heap);
		say_threads(doctor, ms, process);
	}
}

void doctor_process(struct doctor *doctor, int32_t pid)
{
	const struct take_request request = { .what = TAKE_ALL & ~(uint32_t)TAKE_OOM };
	const struct snapshot *snap;
	struct source *source;
	struct err err;

	(void)fprintf(doctor->out, "Process %d\n", pid);
	if (!source_live_open(pid, &source, &err)) {
		doctor_say(doctor, VERDICT_MISSING, "process", "%s", err.why);
		doctor_remedy(doctor, err.remedy);
		return;
	}
	if (source->ops->take(source, &request, &snap, &err)) {
		say_snapshot(doctor, snap);
		snapshot_unref(snap);
	} else {
		doctor_say(doctor, VERDICT_MISSING, "process", "%s", err.why);
		doctor_remedy(doctor, err.remedy);
	}
	source_close(source);
}
