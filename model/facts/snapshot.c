/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/facts/snapshot.h"

#include <stdlib.h>

/* References may be dropped by any thread: the last one frees, and must see every earlier write. */
static void ref_relaxed(atomic_uint *refs)
{
	atomic_fetch_add_explicit(refs, 1, memory_order_relaxed);
}

static bool unref_acq_rel(atomic_uint *refs)
{
	return atomic_fetch_sub_explicit(refs, 1, memory_order_acq_rel) == 1;
}

struct part *part_new(enum part_kind kind, uint64_t taken_ns)
{
	struct region *region = region_new();
	struct part *part = region ? region_alloc(region, sizeof(*part)) : NULL;

	if (!part) {
		region_free(region);
		return NULL;
	}
	atomic_init(&part->refs, 1);
	part->kind = kind;
	part->region = region;
	part->taken_ns = taken_ns;
	return part;
}

struct part *part_ref(const struct part *part)
{
	/* Counting is the one change that a shared part sees. */
	struct part *counted = (struct part *)(uintptr_t)part;

	if (counted)
		ref_relaxed(&counted->refs);
	return counted;
}

void part_unref(struct part *part)
{
	if (part && unref_acq_rel(&part->refs))
		region_free(part->region);
}

struct snapshot *snapshot_new(void)
{
	struct snapshot *snap = calloc(1, sizeof(*snap));

	if (snap)
		atomic_init(&snap->refs, 1);
	return snap;
}

const struct snapshot *snapshot_ref(const struct snapshot *snap)
{
	if (snap)
		ref_relaxed(&((struct snapshot *)(uintptr_t)snap)->refs);
	return snap;
}

void snapshot_unref(const struct snapshot *snap)
{
	struct snapshot *mine = (struct snapshot *)(uintptr_t)snap;

	if (!mine || !unref_acq_rel(&mine->refs))
		return;
	for (size_t i = 0; i < PART_COUNT; i++)
		part_unref(mine->parts[i]);
	free(mine);
}

const struct process_facts *snapshot_process(const struct snapshot *snap)
{
	return snap->parts[PART_PROCESS] ? &snap->parts[PART_PROCESS]->process : NULL;
}

const struct vma_set *snapshot_vmas(const struct snapshot *snap)
{
	return snap->parts[PART_VMAS] ? &snap->parts[PART_VMAS]->vmas : NULL;
}

const struct heap_facts *snapshot_heap(const struct snapshot *snap)
{
	return snap->parts[PART_HEAP] ? &snap->parts[PART_HEAP]->heap : NULL;
}

const struct system_facts *snapshot_system(const struct snapshot *snap)
{
	return snap->parts[PART_SYSTEM] ? &snap->parts[PART_SYSTEM]->system : NULL;
}

const struct cgroup_facts *snapshot_cgroup(const struct snapshot *snap)
{
	return snap->parts[PART_CGROUP] ? &snap->parts[PART_CGROUP]->cgroup : NULL;
}

const struct oom_table *snapshot_oom(const struct snapshot *snap)
{
	return snap->parts[PART_OOM] ? &snap->parts[PART_OOM]->oom : NULL;
}

const struct window *snapshot_window(const struct snapshot *snap)
{
	return snap->parts[PART_WINDOW] ? &snap->parts[PART_WINDOW]->window : NULL;
}

const struct malloc_state *snapshot_malloc(const struct snapshot *snap)
{
	const struct heap_facts *heap = snapshot_heap(snap);

	return heap && heap->instance_count ? &heap->instances[0] : NULL;
}
