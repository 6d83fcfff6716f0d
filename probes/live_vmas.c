/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VMA list of a live process: read each tick, refined when it pays. A list that a snapshot
 * already shows is never written to; refining starts with a copy.
 */
#include "probes/live.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "model/facts/vma_set.h"
#include "model/linux/lx.h"
#include "probes/clock.h"

bool live_read_vmas(struct live *live, uint64_t now_ns, struct err *reterr)
{
	struct part *old = live->last[PART_VMAS];
	struct part *fresh = maps_read(&live->proc, live->maps, old, now_ns, reterr);

	if (!fresh)
		return old != NULL;
	if (fresh == old) {
		part_unref(fresh);
		return true;
	}
	if (old)
		vma_set_inherit(&old->vmas, &fresh->vmas);
	live_keep(live, PART_VMAS, fresh);
	live->vmas_are_ours = live->vmas_changed = true;
	if (live->mem)
		mem_live_set_vmas(live->mem, &fresh->vmas);
	return true;
}

/* Changes whenever lx_classify_vmas() could say something else of the same list. */
static uint64_t kinds_depend_on(const struct live *live)
{
	const struct part *heap = live->last[PART_HEAP];
	const struct malloc_state *ms =
	        heap && heap->heap.instance_count ? heap->heap.instances : NULL;
	uint64_t hash = 1;

	if (!ms)
		return hash;
	for (size_t i = 0; i < ms->arena_count; i++) {
		hash = XXH3_64bits_withSeed(&ms->arenas[i].addr, sizeof(uint64_t), hash);
		hash = XXH3_64bits_withSeed(ms->arenas[i].heaps,
		                            ms->arenas[i].heap_count * sizeof(struct malloc_heap),
		                            hash);
	}
	for (size_t i = 0; i < ms->thread_count; i++)
		hash = XXH3_64bits_withSeed(&ms->threads[i].stack_start, 2 * sizeof(uint64_t),
		                            hash ^ (uint64_t)ms->threads[i].tid);
	for (size_t i = 0; i < ms->mmapped_count; i++)
		hash = XXH3_64bits_withSeed(&ms->mmapped[i].addr, 2 * sizeof(uint64_t), hash);
	return hash;
}

/* Makes live->last[PART_VMAS] a list that no snapshot has seen yet. */
static struct part *own_list(struct live *live, uint64_t now_ns)
{
	struct part *old = live->last[PART_VMAS], *fresh;

	if (live->vmas_are_ours)
		return old;
	fresh = part_new(PART_VMAS, now_ns);
	if (!fresh || !vma_set_copy(fresh->region, &old->vmas, &fresh->vmas)) {
		part_unref(fresh);
		return NULL;
	}
	live_keep(live, PART_VMAS, fresh);
	live->vmas_are_ours = true;
	if (live->mem)
		mem_live_set_vmas(live->mem, &fresh->vmas);
	return fresh;
}

bool live_refine_vmas(struct live *live, uint32_t what, uint64_t now_ns,
                      struct sample_facts *sample)
{
	const struct part *system = live->last[PART_SYSTEM], *heap = live->last[PART_HEAP];
	uint64_t kinds = kinds_depend_on(live), began;
	struct part *part;

	if (!live->last[PART_VMAS])
		return false;
	if (!(what & (TAKE_RESIDENCY | TAKE_SMAPS)) && !live->vmas_are_ours &&
	    kinds == live->vma_kinds)
		return true;
	part = own_list(live, now_ns);
	if (!part)
		return false;
	if (what & TAKE_RESIDENCY) {
		began = clock_monotonic_ns();
		(void)residency_read(&live->proc, &part->vmas);
		sample->residency_ns = clock_monotonic_ns() - began;
	}
	if (what & TAKE_SMAPS) {
		began = clock_monotonic_ns();
		(void)smaps_read(&live->proc, &part->vmas);
		sample->smaps_ns = clock_monotonic_ns() - began;
	}
	lx_classify_vmas(&part->vmas, heap ? &heap->heap : NULL,
	                 live->last[PART_PROCESS] ? &live->last[PART_PROCESS]->process : NULL,
	                 system ? fact_or(system->system.overcommit_memory, 0) : 0);
	live->vma_kinds = kinds;
	return true;
}
