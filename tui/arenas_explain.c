/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arenas: what the next requests of each size would do in the selected arena. */
#include <inttypes.h>
#include <stdio.h>

#include "model/base/units.h"
#include "tui/view_arenas.h"
#include "tui/view_parts.h"

/*
 * A chunk has a header word more than the request and is a multiple of two words (of 16 bytes on i386 from
 * 2.26 on: then some bytes more than said here are served).
 */
static uint64_t largest_request(uint64_t chunk, uint64_t word)
{
	return chunk > 2 * word ? align_down(chunk, 2 * word) - word : 0;
}

static void add_event(struct text *to, const char *what, uint64_t bytes, const char *then)
{
	char number[TEXT_NUMBER];

	text_addf(to, "\n  %s %14s B   %s", what, text_count(number, bytes), then);
}

/*
 * glibc malloc/malloc.c:_int_malloc cuts from top while a least chunk (four words) remains of it;
 * sysmalloc then maps, grows the heap or the break.
 */
static void add_events(const struct malloc_state *ms, const struct arena *arena, uint64_t word,
                       struct text *to)
{
	uint64_t top = arena->top_size.v, threshold = fact_or(ms->params.mmap_threshold, 0);
	uint64_t from_top;
	const struct malloc_heap *last =
	        arena->heap_count ? &arena->heaps[arena->heap_count - 1] : NULL;

	if (!fact_known(arena->top_size)) {
		text_add(to, "\n  top could not be read");
		return;
	}
	from_top = largest_request(top > 4 * word ? top - 4 * word : 0, word);
	add_event(to, "up to", from_top, "cut from top, no system call");
	if (threshold > from_top + 1)
		add_event(to, "up to", threshold - 1,
		          arena->is_main ? "brk: the heap grows at its end"
		          : last         ? "mprotect within the reservation, or a new heap"
		                         : "a new heap");
	if (threshold)
		add_event(to, "from ", max_u64(threshold, from_top + 1),
		          "mmap: a mapping of its own (mmap threshold)");
}

static void add_figure(struct text *to, const char *label, struct fact bytes)
{
	char short_form[TEXT_NUMBER], exact[TEXT_NUMBER];

	text_addf(to, "\n  %-16s %12s   %s bytes", label, figure_bytes(short_form, bytes),
	          fact_known(bytes) ? text_count(exact, bytes.v) : "?");
}

void arenas_explain(const struct view_frame *frame, size_t i, struct view_words *to)
{
	const struct malloc_state *ms = snapshot_malloc(frame->snap);
	const struct process_facts *process = snapshot_process(frame->snap);
	const struct arena *arena = &ms->arenas[i];
	char name[TEXT_NUMBER], threads[TEXT_NUMBER];

	text_addf(&to->title, "arena %s", arena_name(name, ms, i));
	text_addf(&to->body,
	          "%s %s thread%s allocate%s from it. What no tcache or bin of it holds is served "
	          "so:",
	          arena->is_main ? "main_arena, whose heap is the brk area."
	                         : "An arena for threads.",
	          figure_count(threads, arena->attached_threads),
	          fact_or(arena->attached_threads, 0) == 1 ? "" : "s",
	          fact_or(arena->attached_threads, 0) == 1 ? "s" : "");
	text_add(&to->body, "\n");
	add_events(ms, arena, process && process->elf_class == 32 ? 4 : 8, &to->body);
	text_add(&to->body, "\n");
	add_figure(&to->body, "system_mem", fact_of(arena->system_mem));
	add_figure(&to->body, "in use", arena->in_use.bytes);
	add_figure(&to->body, "in tcaches", arena->tcache_total.bytes);
	add_figure(&to->body, "in fastbins", arena->fastbin_total.bytes);
	add_figure(&to->body, "in bins", arena->free_total.bytes);
	add_figure(&to->body, "top", arena->top_size);
	add_figure(&to->body, "trimmable", arena->trimmable);
	text_add(&to->body, "\n\nsource: glibc malloc/malloc.c:_int_malloc, sysmalloc; "
	                    "malloc/arena.c:grow_heap");
}
