/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/lib/decoded_child.h"

#include <stdlib.h>

#include "model/glibc/pt.h"

/* The brk area begins where the first [heap] VMA does; the test is no static program. */
static uint64_t find_sbrk_base(const struct vma_set *vmas)
{
	for (size_t i = 0; i < vmas->count; i++) {
		if (vma_is_named(vmas, &vmas->at[i], "[heap]"))
			return vmas->at[i].start;
	}
	return 0;
}

/* To 2.41 the first thread of an arena takes its tcache from it before anything else. */
static bool add_tcache(struct decoded_child *child, size_t arena)
{
	struct malloc_state *ms = &child->ms;
	uint64_t chunk = pt_first_chunk(&child->d, &ms->arenas[arena], 0), header[2];

	if (!mem_read_all(child->d.mem, chunk, header, sizeof(header)))
		return false;
	if (!glibc_is_tcache_chunk(child->d.lay, pt_chunk_size(header[1])))
		return ms->arenas[arena].attached_threads.v == 0;
	ms->threads[ms->thread_count++] = (struct malloc_thread){
		.arena = fact_of(ms->arenas[arena].addr),
		.tcache = fact_of(pt_mem(child->d.lay, chunk)),
	};
	return true;
}

bool decoded_child_open(struct decoded_child *child, struct child_target *target)
{
	*child = (struct decoded_child){ .target = target, .region = region_new() };
	if (!child->region)
		abort();
	child->d = (struct decode){ .mem = &target->mem,
		                    .lay = child_target_layout(),
		                    .vmas = child_target_vmas(target),
		                    .region = child->region,
		                    .heap = &child->heap,
		                    .main_arena_addr = child_target_main_arena() };
	child->d.heap_max = child->d.lay->heap.heap_max;
	child->sbrk_base = find_sbrk_base(child->d.vmas);
	/* There is no mp_ to read here: what is needed of it is put in by hand. */
	child->ms.params.sbrk_base = fact_of(child->sbrk_base);
	if (!pt_read_arenas(&child->d, &child->ms))
		return false;
	child->ms.threads =
	        region_alloc(child->region, child->ms.arena_count * sizeof(*child->ms.threads));
	if (!child->ms.threads)
		abort();
	for (size_t i = 0; i < child->ms.arena_count; i++) {
		if (!add_tcache(child, i))
			return false;
	}
	return true;
}

void decoded_child_close(struct decoded_child *child)
{
	region_free(child->region);
}

uint64_t decoded_child_overhead(const struct decoded_child *child, const struct arena *arena)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < arena->heap_count; i++)
		bytes += pt_first_chunk(&child->d, arena, i) - arena->heaps[i].start;
	return bytes;
}
