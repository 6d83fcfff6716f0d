/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * malloc's state of a live process. Where the libraries are and which threads there are is found
 * rarely; the figures are refreshed often, on a copy of the last sample's; and nothing at all is
 * read while the target's CPU clock stands still.
 */
#include "probes/live.h"

#include <string.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "model/base/text.h"
#include "model/facts/heap_copy.h"
#include "model/glibc/decode.h"
#include "model/linux/lx.h"
#include "probes/clock.h"
#include "probes/mem_live.h"

#define HEAP_TIERS (TAKE_HEADERS | TAKE_LISTS | TAKE_WALK | TAKE_MMAPPED)

enum {
	THREADS_CHEAP_NS = 2000000,
	LISTS_CHEAP_NS = 20000000,
	RETRY_CHEAP_NS = 20000000,
	RETRY_LISTED_NS = 500000000, /* a list of chunks is asked for once, not each tick */
	RETRY_PAUSE_US = 200, /* never at once: a reader without rest slows its target down */
	RETRIES_MAX = 3,
	RETRY_VMAS_MAX = 4096, /* more of them are not read again: 340 ns each */
	THREADS_REST =
	        20, /* times what a search took: 5 % of a core for threads that come and go */
};

/* Twice, two seconds apart: a start is over by then. */
#define SECOND_LOOKS         2
#define SECOND_LOOK_AFTER_NS UINT64_C(2000000000)

/* --- where malloc is ----------------------------------------------------------------------------- */

/* Changes when a module appears or goes, not when heaps grow. */
static uint64_t hash_modules(const struct vma_set *vmas)
{
	uint64_t hash = 0;

	for (size_t i = 0; i < vmas->count; i++) {
		const struct vma *v = &vmas->at[i];

		if (v->inode && (v->prot & VMA_EXEC))
			hash = XXH3_64bits_withSeed(&v->start, sizeof(v->start), hash ^ v->inode);
	}
	return hash;
}

/* A malloc that was unused when it was found has been used since, as its headers say. */
static bool has_begun(const struct live *live)
{
	const struct part *last = live->last[PART_HEAP];
	const struct malloc_state *ms =
	        last && last->heap.instance_count ? last->heap.instances : NULL;

	return live->found_at_startup && ms && ms->arena_count &&
	       (ms->arenas[0].system_mem || fact_or(ms->params.max_n_mmaps, 0));
}

/*
 * Caught while it started, a process lets only one road be followed: what confirms it, a heap or
 * a written table, comes later. One that stays weak is not searched for ever.
 */
static bool deserves_second_look(const struct live *live)
{
	return live->found.count && live->library.confidence > 'A' &&
	       live->library.confidence <= 'D' && live->second_looks < SECOND_LOOKS &&
	       clock_monotonic_ns() >= live->second_look_ns;
}

/* Finds the libraries when that was not done yet for the modules that are mapped now. */
static bool search(struct live *live, const struct vma_set *vmas)
{
	bool again = live->is_searched && deserves_second_look(live);
	bool begun = has_begun(live) || again;
	uint64_t modules;
	struct region *region;

	if (live->is_searched && !live->vmas_changed && !begun)
		return true;
	live->vmas_changed = false;
	modules = hash_modules(vmas);
	if (live->is_searched && modules == live->library_maps && !begun)
		return true;
	region = region_new();
	if (!region)
		return live->is_searched;
	region_free(live->found_region);
	live->found_region = region;
	live->library = (struct heap_facts){ .minor = -1 };
	live->found = (struct found){ 0 };
	/* By the thread that has the memory: /proc shows no files of a first one that ended. */
	proc_find_mm(&live->proc);
	find_malloc(live->proc.mm_tid, vmas, live->mem ? live->mem : mem_denied(), region,
	            &live->library, &live->found);
	live->second_looks = again && modules == live->library_maps ? live->second_looks + 1 : 0;
	live->second_look_ns = clock_monotonic_ns() + SECOND_LOOK_AFTER_NS;
	live->library_maps = modules;
	live->is_searched = true;
	/* Caught before its first malloc: heap_info, top and [heap] will settle more later. */
	live->found_at_startup = live->found.count && live->found.mallocs[0].never_used;
	live_keep(live, PART_HEAP, NULL);
	return true;
}

static struct decode decode_of(struct live *live, size_t instance, struct part *part)
{
	const struct found_malloc *found = &live->found.mallocs[instance];

	return (struct decode){ .mem = live->mem,
		                .lay = &found->layout,
		                .vmas = &live->last[PART_VMAS]->vmas,
		                .region = part->region,
		                .heap = &part->heap,
		                .main_arena_addr = found->main_arena_addr,
		                .mp_addr = found->mp_addr,
		                .progress = &live->base.progress,
		                .heap_max = found->layout.heap.heap_max };
}

struct decode live_decode_of(struct live *live, struct region *region)
{
	struct part *heap = live->last[PART_HEAP];
	struct decode d = decode_of(live, 0, heap);

	live->no_errors = (struct heap_facts){ 0 };
	d.region = region;
	d.heap = &live->no_errors;
	d.progress = NULL;
	return d;
}

/* --- reading it ---------------------------------------------------------------------------------- */

static void note_no_memory(const struct live *live, struct heap_facts *heap)
{
	if (!live->mem && live->mem_denied[0])
		heap_error_add(heap, 0, live->mem_denied);
}

/* Threads come and go, and change their arena: looked for again as long as that is cheap. */
static void refresh_threads(struct live *live, const struct decode *d, struct part *part,
                            struct malloc_state *ms, const struct found_malloc *found)
{
	uint64_t began = clock_monotonic_ns();

	ms->threads = NULL;
	ms->thread_count = 0;
	find_threads(live->proc.pid, d->vmas, d->mem, found, part->region, &part->heap, ms);
	live->threads_took_ns = clock_monotonic_ns() - began;
	live->threads_due_ns = began + (1 + THREADS_REST) * live->threads_took_ns;
	live->threads_are_new = true;
}

/* Whether threads came or went, or may have changed their arena, and it can be afforded to know. */
static bool are_threads_due(const struct live *live, bool other_threads, uint32_t more)
{
	if (other_threads)
		return clock_monotonic_ns() >= live->threads_due_ns;
	return more && live->threads_took_ns < THREADS_CHEAP_NS;
}

/*
 * Everything anew: arenas from the ring, threads from their tables, then what was asked for. Chunks are
 * told of the program's own malloc: of a second one they could not be told apart.
 */
static bool decode_afresh(struct live *live, struct part *part, uint32_t what,
                          const struct chunk_sink *chunks)
{
	struct heap_facts *heap = &part->heap;

	if (!heap_facts_copy(part->region, &live->library, heap))
		return false;
	note_no_memory(live, heap);
	if (!live->mem || !live->found.count)
		return true;
	heap->instances = region_alloc(part->region, live->found.count * sizeof(*heap->instances));
	if (!heap->instances)
		return false;
	for (size_t i = 0; i < live->found.count; i++) {
		const struct found_malloc *found = &live->found.mallocs[i];
		struct malloc_state *ms = &heap->instances[i];
		struct decode d = decode_of(live, i, part);

		ms->main_arena_addr = found->main_arena_addr;
		ms->private = found->private;
		ms->mp_addr = found->mp_addr;
		ms->is_used = !found->never_used;
		heap->instance_count = i + 1;
		(void)pt_read_params(&d, &ms->params);
		if (!pt_read_arenas(&d, ms))
			continue;
		refresh_threads(live, &d, part, ms, found);
		(void)pt_decode(&d, ms, what & ~(uint32_t)TAKE_HEADERS, i ? NULL : chunks);
	}
	return true;
}

/* The last sample's figures on a copy, with what changes each tick read anew. */
static bool decode_tick(struct live *live, struct part *part, uint32_t what, bool other_threads,
                        const struct chunk_sink *chunks)
{
	struct heap_facts *heap = &part->heap;
	uint32_t more = what & (TAKE_LISTS | TAKE_WALK | TAKE_MMAPPED);
	bool threads_due = are_threads_due(live, other_threads, more);

	if (!heap_facts_copy(part->region, &live->last[PART_HEAP]->heap, heap))
		return false;
	heap->error_count = 0;
	note_no_memory(live, heap);
	for (size_t i = 0; i < heap->instance_count; i++) {
		struct decode d = decode_of(live, i, part);
		struct malloc_state *ms = &heap->instances[i];

		if (!pt_tick(&d, ms))
			return false;
		if (threads_due)
			refresh_threads(live, &d, part, ms, &live->found.mallocs[i]);
		else if (!more)
			continue;
		(void)pt_decode(&d, ms, more, i ? NULL : chunks);
	}
	return true;
}

/* Which of the wanted readings could show anything new: a target that did not run did not change. */
static uint32_t still_due(const struct live *live, uint32_t what, uint64_t cpu_ns, bool is_running)
{
	static const uint32_t tiers[] = { TAKE_HEADERS, TAKE_LISTS, TAKE_WALK, TAKE_MMAPPED };
	uint32_t due = what & (HEAP_TIERS | TAKE_CHUNKS);

	if (!live->last[PART_HEAP] || is_running || (what & (TAKE_FREEZE | TAKE_CHUNKS)))
		return due;
	for (size_t i = 0; i < sizeof(tiers) / sizeof(tiers[0]); i++)
		if (live->read_at_cpu_ns[i] == cpu_ns)
			due &= ~tiers[i];
	return due;
}

static void note_read(struct live *live, uint32_t what, uint64_t cpu_ns)
{
	for (size_t i = 0; i < 4; i++)
		if (what & (uint32_t)(TAKE_HEADERS << i))
			live->read_at_cpu_ns[i] = cpu_ns;
}

/*
 * "3 of 3 reads agree": the tops and sizes of all arenas once more, after everything else. A top that
 * went on meanwhile, even to memory that was not mapped before, is a disagreement and no error.
 */
static void check_again(struct live *live, struct part *part, struct sample_facts *sample)
{
	struct heap_facts no_errors = { 0 };

	for (size_t i = 0; i < part->heap.instance_count; i++) {
		struct decode d = decode_of(live, i, part);
		const struct malloc_state *ms = &part->heap.instances[i];

		d.heap = &no_errors;
		for (size_t k = 0; k < ms->arena_count; k++) {
			struct arena again = { 0 };

			if (!pt_read_arena(&d, ms->arenas[k].addr, &again))
				continue;
			sample->header_reads++;
			sample->header_agreed += again.top_addr == ms->arenas[k].top_addr &&
			                         again.system_mem == ms->arenas[k].system_mem;
		}
	}
}

/* One reading does several tiers; it is booked under the dearest. */
static void note_cost(struct sample_facts *sample, uint32_t due, uint64_t took_ns)
{
	if (due & TAKE_WALK)
		sample->walk_ns = took_ns;
	else if (due & (TAKE_LISTS | TAKE_MMAPPED))
		sample->lists_ns = took_ns;
	else
		sample->headers_ns = took_ns;
}

static void stamp(struct part *part, uint32_t what, uint64_t now_ns)
{
	for (size_t i = 0; i < part->heap.instance_count && (what & TAKE_WALK); i++)
		if (part->heap.instances[i].has_walk)
			part->heap.instances[i].walk_taken_ns = now_ns;
}

static uint64_t target_cpu_ns(const struct live *live)
{
	clockid_t clock;

	return clock_getcpuclockid(live->proc.pid, &clock) == 0 ? clock_ns(clock) : UINT64_MAX;
}

/* Everything anew while an older reading is at hand: what it alone knows is kept. */
static bool decode_again(struct live *live, struct part *part, uint32_t due,
                         const struct chunk_sink *chunks)
{
	const struct part *old = live->last[PART_HEAP];

	if (old && live->lists_took_ns < LISTS_CHEAP_NS)
		due |= TAKE_LISTS | TAKE_MMAPPED;
	if (!decode_afresh(live, part, due | TAKE_HEADERS, chunks))
		return false;
	if (!old)
		return true;
	heap_facts_inherit_walk(&old->heap, &part->heap);
	for (size_t i = 0; i < part->heap.instance_count; i++)
		pt_total(&part->heap.instances[i]);
	return true;
}

/* One reading of what is due; NULL when it could not be done at all. */
static struct part *decode_once(struct live *live, uint32_t due, bool other_threads,
                                uint64_t now_ns, const struct chunk_sink *chunks)
{
	struct part *part = part_new(PART_HEAP, now_ns);

	if (part && live->last[PART_HEAP] && decode_tick(live, part, due, other_threads, chunks))
		return part;
	part_unref(part);
	part = part_new(PART_HEAP, now_ns);
	if (part && decode_again(live, part, due, chunks))
		return part;
	part_unref(part);
	return NULL;
}

/* What the target allocated meanwhile may lie in memory that was not mapped before. */
static void read_vmas_again(struct live *live, uint64_t now_ns)
{
	struct part *process = live->last[PART_PROCESS];
	struct err ignored;

	if (live->last[PART_VMAS]->vmas.count > RETRY_VMAS_MAX ||
	    !live_read_vmas(live, now_ns, &ignored))
		return;
	if (process)
		lx_find_break(&live->last[PART_VMAS]->vmas, &process->process);
}

/*
 * A contradiction in a target that ran meanwhile is no news: the parts are of different instants.
 * Such a reading is repeated, while that is cheap; what still contradicts is marked as moving.
 */
static struct part *decode_settled(struct live *live, uint32_t due, bool other_threads,
                                   uint64_t now_ns, const struct chunk_sink *chunks)
{
	for (unsigned tries = 0;; tries++) {
		uint64_t before = target_cpu_ns(live), began = clock_monotonic_ns();
		struct part *part = decode_once(live, due, other_threads, now_ns, chunks);
		uint64_t took = clock_monotonic_ns() - began;
		bool is_cheap = took < (chunks ? RETRY_LISTED_NS : RETRY_CHEAP_NS);

		if (!part)
			return NULL;
		part->heap.has_moved = target_cpu_ns(live) != before;
		if (!part->heap.error_count || !part->heap.has_moved || !is_cheap ||
		    (chunks && !chunks->restart) || tries == RETRIES_MAX)
			return part;
		part_unref(part);
		if (chunks)
			chunks->restart(chunks->ctx);
		(void)usleep(RETRY_PAUSE_US);
		read_vmas_again(live, now_ns);
	}
}

bool live_read_heap(struct live *live, uint32_t what, uint64_t now_ns,
                    const struct chunk_sink *chunks, struct sample_facts *sample)
{
	const struct process_facts *process =
	        live->last[PART_PROCESS] ? &live->last[PART_PROCESS]->process : NULL;
	uint64_t cpu_ns = process ? fact_or(process->cpu_ns, UINT64_MAX) : UINT64_MAX, began;
	bool is_running = !process || process->state == 'R' || !fact_known(process->cpu_ns);
	bool other_threads = process && process->thread_count != live->thread_count;
	uint32_t due;
	struct part *part;

	if (!live->last[PART_VMAS] || !search(live, &live->last[PART_VMAS]->vmas))
		return false;
	due = still_due(live, what, cpu_ns, is_running || other_threads);
	if (!due)
		return false;
	live->threads_are_new = false;
	began = clock_monotonic_ns();
	part = decode_settled(live, due, other_threads, now_ns, chunks);
	if (!part)
		return false;
	note_cost(sample, due, clock_monotonic_ns() - began);
	if ((due & (TAKE_LISTS | TAKE_WALK)) == TAKE_LISTS)
		live->lists_took_ns = sample->lists_ns;
	if (live->threads_are_new)
		live->thread_count = process ? process->thread_count : 0;
	if (due & (TAKE_LISTS | TAKE_WALK))
		check_again(live, part, sample);
	stamp(part, due, now_ns);
	note_read(live, due, cpu_ns);
	live_keep(live, PART_HEAP, part);
	return true;
}
