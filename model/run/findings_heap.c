/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings about malloc. */
#include <inttypes.h>

#include "model/base/units.h"
#include "model/run/findings_rules.h"

/* Less than this is not worth a line, whatever its share. */
#define WORTH_TELLING MIB

/* glibc 2.36 malloc/malloc.c:DEFAULT_MMAP_THRESHOLD_MIN, the same in all versions decoded */
#define MMAP_THRESHOLD_DEFAULT (128 * KIB)

/* "main_arena", "arena #3" */
static void add_arena_name(struct text *text, const struct malloc_state *ms, size_t i)
{
	if (ms->arenas[i].is_main)
		text_add(text, "main_arena");
	else
		text_addf(text, "arena #%zu", i);
}

static void find_errors(const struct heap_facts *heap, struct finding_list *list)
{
	char addr[TEXT_NUMBER];
	struct text text;

	if (!heap->error_count)
		return;
	text = finding_add(list, FINDING_HEAP_ERRORS,
	                   heap->has_moved ? SEVERITY_INFO : SEVERITY_ERROR, heap->errors[0].addr);
	if (heap->has_moved)
		text_addf(&text,
		          "%zu of malloc's structures changed while they were read (a freeze is "
		          "exact), the first at %s: %s",
		          heap->error_count, text_addr(addr, heap->errors[0].addr),
		          heap->errors[0].what);
	else
		text_addf(&text, "%zu contradiction%s in malloc's structures, the first at %s: %s",
		          heap->error_count, heap->error_count == 1 ? "" : "s",
		          text_addr(addr, heap->errors[0].addr), heap->errors[0].what);
}

static void find_torn(const struct malloc_state *ms, struct finding_list *list)
{
	const struct walk_facts *walk = &ms->walk;
	char torn[TEXT_NUMBER], all[TEXT_NUMBER];
	struct text text;

	if (walk->torn_chunks) {
		text = finding_add(list, FINDING_TORN_WALK, SEVERITY_WARN, 0);
		text_addf(&text,
		          "the heap changed while it was walked: %s of %s chunks could not be "
		          "placed in %" PRIu64 " retries (a freeze is exact)",
		          text_count(torn, walk->torn_chunks), text_count(all, walk->chunks),
		          walk->retries);
	}
	if (walk->unreadable) {
		text = finding_add(list, FINDING_UNREADABLE, SEVERITY_INFO, 0);
		text_addf(&text,
		          "%s of the heap are swapped out or forbidden and were not walked: "
		          "reading would bring them in",
		          text_bytes(all, walk->unreadable));
	}
}

static void find_trimmable(const struct malloc_state *ms, const struct process_facts *process,
                           struct finding_list *list)
{
	struct fact trimmable = ms->totals.trimmable;
	char bytes[TEXT_NUMBER];
	struct text text;

	if (!process || !fact_known(trimmable) || !fact_known(process->vm_rss))
		return;
	if (trimmable.v < WORTH_TELLING || !is_share(trimmable.v, process->vm_rss.v, 10))
		return;
	text = finding_add(list, FINDING_TRIMMABLE, SEVERITY_WARN, 0);
	text_addf(&text, "malloc_trim(0) would give back %s now, %u %% of RSS",
	          text_bytes(bytes, trimmable.v), percent_of(trimmable.v, process->vm_rss.v));
}

/*
 * free() looks at the top only behind a chunk of 64 KiB or more, and then gives back what lies
 * above top_pad when top has reached trim_threshold (glibc 2.36 malloc/malloc.c:systrim,
 * arena.c:heap_trim).
 */
static void find_top_kept(const struct malloc_state *ms, size_t i, struct finding_list *list)
{
	const struct arena *arena = &ms->arenas[i];
	struct fact threshold = ms->params.trim_threshold;
	char top[TEXT_NUMBER], limit[TEXT_NUMBER];
	struct text text;

	if (!fact_known(arena->top_size) || !fact_known(threshold) ||
	    arena->top_size.v >= threshold.v)
		return;
	if (arena->top_size.v < WORTH_TELLING ||
	    !is_share(arena->top_size.v, arena->system_mem, 25))
		return;
	text = finding_add(list, FINDING_TOP_KEPT, SEVERITY_WARN, arena->addr);
	add_arena_name(&text, ms, i);
	text_addf(&text,
	          " holds %s in its top chunk (%u %%): below trim_threshold %s, so free() will "
	          "not return it",
	          text_bytes(top, arena->top_size.v),
	          percent_of(arena->top_size.v, arena->system_mem), text_bytes(limit, threshold.v));
}

static void find_top_pinned(const struct malloc_state *ms, size_t i, struct finding_list *list)
{
	const struct arena *arena = &ms->arenas[i];
	char pin[TEXT_NUMBER], addr[TEXT_NUMBER], free_bytes[TEXT_NUMBER];
	struct text text;

	if (!arena->top_pin.size || !fact_known(arena->below_pin))
		return;
	if (arena->below_pin.v < WORTH_TELLING ||
	    !is_share(arena->below_pin.v, arena->system_mem, 10))
		return;
	text = finding_add(list, FINDING_TOP_PINNED, SEVERITY_WARN, arena->addr);
	text_addf(&text, "a %s B chunk in use at %s pins the top of ",
	          text_count(pin, arena->top_pin.size), text_addr(addr, arena->top_pin.addr));
	add_arena_name(&text, ms, i);
	text_addf(&text, ": %s free below it stay", text_bytes(free_bytes, arena->below_pin.v));
}

static void find_idle(const struct malloc_state *ms, size_t i, struct finding_list *list)
{
	const struct arena *arena = &ms->arenas[i];
	char bytes[TEXT_NUMBER];
	struct text text;

	if (arena->is_main || !fact_known(arena->attached_threads) || arena->attached_threads.v ||
	    arena->system_mem < WORTH_TELLING)
		return;
	text = finding_add(list, FINDING_ARENA_IDLE, SEVERITY_INFO, arena->addr);
	add_arena_name(&text, ms, i);
	text_addf(&text, " (%s) serves no thread: it waits for the next new one",
	          text_bytes(bytes, arena->system_mem));
}

/*
 * Freeing an mmapped chunk above the threshold raises it to that chunk's size, and trim_threshold
 * to twice that, unless mallopt or a tunable fixed either (glibc 2.36 malloc/malloc.c:__libc_free).
 */
static void find_threshold(const struct malloc_state *ms, struct finding_list *list)
{
	struct fact threshold = ms->params.mmap_threshold;
	char bytes[TEXT_NUMBER];
	struct text text;

	if (!fact_known(threshold) || !fact_known(ms->params.no_dyn_threshold) ||
	    ms->params.no_dyn_threshold.v || threshold.v <= MMAP_THRESHOLD_DEFAULT)
		return;
	text = finding_add(list, FINDING_MMAP_THRESHOLD, SEVERITY_INFO, 0);
	text_addf(&text,
	          "the mmap threshold has grown from 128.0 KiB to %s: requests below it now come "
	          "from the heaps",
	          text_bytes(bytes, threshold.v));
}

static void find_second(const struct heap_facts *heap, struct finding_list *list)
{
	struct text text;

	if (heap->instance_count < 2)
		return;
	text = finding_add(list, FINDING_SECOND_MALLOC, SEVERITY_INFO,
	                   heap->instances[1].main_arena_addr);
	text_addf(&text,
	          "%zu C libraries with a malloc of their own are loaded; shown is the program's",
	          heap->instance_count);
}

void findings_of_heap(const struct findings_input *input, struct finding_list *list)
{
	const struct heap_facts *heap = snapshot_heap(input->snap);
	const struct malloc_state *ms = snapshot_malloc(input->snap);

	if (!heap)
		return;
	find_errors(heap, list);
	find_second(heap, list);
	if (!ms)
		return;
	find_torn(ms, list);
	find_trimmable(ms, snapshot_process(input->snap), list);
	for (size_t i = 0; i < ms->arena_count; i++) {
		find_top_kept(ms, i, list);
		find_top_pinned(ms, i, list);
		find_idle(ms, i, list);
	}
	find_threshold(ms, list);
}
