/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <string.h>

#include "model/base/units.h"
#include "tui/text_out.h"
#include "tui/view_parts.h"

enum { THREADS_SHOWN = 24, MMAPPED_SHOWN = 12, ARENA_NAME = 24 };

static void total_row(FILE *out, const char *what, struct fact bytes, struct fact whole,
                      const char *note)
{
	char size[TEXT_NUMBER], share[TEXT_NUMBER];

	(void)fprintf(out, "  %-9s %12s %6s   %s\n", what, text_bytes_fact(size, bytes),
	              fact_known(whole) ? text_percent(share, bytes, whole) : "", note);
}

static void counted_row(FILE *out, const char *what, struct fact bytes, struct fact whole,
                        struct fact chunks)
{
	char note[80], count[TEXT_NUMBER];
	struct text text = text_in(note, sizeof(note));

	text_addf(&text, "%s chunks", text_count_fact(count, chunks));
	total_row(out, what, bytes, whole, note);
}

static void mmapped_row(FILE *out, const struct malloc_state *ms)
{
	const struct malloc_params *p = &ms->params;
	char note[120], count[TEXT_NUMBER], threshold[TEXT_NUMBER];
	struct text text = text_in(note, sizeof(note));

	text_addf(&text, "%s chunk%s beside the arenas; mmap_threshold %s",
	          text_count_fact(count, p->n_mmaps), fact_or(p->n_mmaps, 0) == 1 ? "" : "s",
	          text_bytes_fact(threshold, p->mmap_threshold));
	if (fact_or(p->mmap_threshold, 0) > 128 * KIB && !fact_or(p->no_dyn_threshold, 1))
		text_add(&text, " (grown)");
	total_row(out, "mmapped", ms->totals.mmapped, fact_unknown(), note);
}

static void text_totals(FILE *out, const struct malloc_state *ms)
{
	const struct malloc_totals *t = &ms->totals;
	char note[80], trim[TEXT_NUMBER];
	struct text text = text_in(note, sizeof(note));

	text_heading(out, "MALLOC", "all arenas");
	text_addf(&text, "got from the kernel by %zu arena%s", ms->arena_count,
	          ms->arena_count == 1 ? "" : "s");
	total_row(out, "system", t->system, fact_unknown(), note);
	counted_row(out, "in use", t->in_use, t->system, t->chunks_in_use);
	total_row(out, "tcache", t->tcache, t->system, "free, kept by their threads");
	total_row(out, "fastbins", t->fastbins, t->system, "free, not merged yet");
	counted_row(out, "free", t->free, t->system, t->chunks_free);
	total_row(out, "top", t->top, t->system, "the ends of the heaps, not handed out yet");
	mmapped_row(out, ms);
	(void)fprintf(out, "  malloc_trim(0) would give back %s now\n",
	              text_bytes_fact(trim, t->trimmable));
}

static void arena_label(char name[ARENA_NAME], const struct arena *a, size_t index)
{
	if (a->is_main)
		(void)snprintf(name, ARENA_NAME, "main");
	else
		(void)snprintf(name, ARENA_NAME, "#%zu", index);
}

static void arena_row(FILE *out, const struct arena *a, size_t index)
{
	char name[ARENA_NAME], threads[TEXT_NUMBER], system[TEXT_NUMBER], used[TEXT_NUMBER];
	char tcache[TEXT_NUMBER], fast[TEXT_NUMBER], bins[TEXT_NUMBER], top[TEXT_NUMBER];
	char trim[TEXT_NUMBER];

	arena_label(name, a, index);
	(void)fprintf(out, "  %-6s %012" PRIx64 " %4s %5zu %11s %11s %10s %10s %11s %10s %11s%s\n",
	              name, a->addr, text_count_fact(threads, a->attached_threads), a->heap_count,
	              text_bytes(system, a->system_mem), text_bytes_fact(used, a->in_use.bytes),
	              text_bytes_fact(tcache, a->tcache_total.bytes),
	              text_bytes_fact(fast, a->fastbin_total.bytes),
	              text_bytes_fact(bins, a->free_total.bytes), text_bytes_fact(top, a->top_size),
	              text_bytes_fact(trim, a->trimmable), a->is_torn ? " moving" : "");
}

static void text_arenas(FILE *out, const struct malloc_state *ms)
{
	text_heading(out, "ARENAS", "");
	(void)fprintf(out, "  %-6s %-12s %4s %5s %11s %11s %10s %10s %11s %10s %11s\n", "arena",
	              "state at", "thr", "heaps", "system", "in use", "tcache", "fastbins", "free",
	              "top", "trimmable");
	for (size_t i = 0; i < ms->arena_count; i++)
		arena_row(out, &ms->arenas[i], i);
}

static void thread_arena(char name[ARENA_NAME], const struct malloc_state *ms, struct fact addr)
{
	(void)snprintf(name, ARENA_NAME, "%s", !fact_known(addr) ? "?" : addr.v ? "other" : "-");
	for (size_t i = 0; fact_known(addr) && i < ms->arena_count; i++)
		if (ms->arenas[i].addr == addr.v)
			arena_label(name, &ms->arenas[i], i);
}

static void text_threads(FILE *out, const struct malloc_state *ms)
{
	size_t shown = ms->thread_count < THREADS_SHOWN ? ms->thread_count : THREADS_SHOWN;
	char arena[ARENA_NAME], count[TEXT_NUMBER], bytes[TEXT_NUMBER];

	text_heading(out, "THREADS", "");
	(void)fprintf(out, "  %8s  %-6s %9s %12s  %s\n", "tid", "arena", "tcached", "bytes",
	              "name");
	for (size_t i = 0; i < shown; i++) {
		const struct malloc_thread *t = &ms->threads[i];

		thread_arena(arena, ms, t->arena);
		(void)fprintf(out, "  %8d  %-6s %9s %12s  ", t->tid, arena,
		              text_count_fact(count, t->total.count),
		              text_bytes_fact(bytes, t->total.bytes));
		text_foreign(out, t->name, strnlen(t->name, sizeof(t->name)));
		(void)fputc('\n', out);
	}
	if (shown < ms->thread_count)
		(void)fprintf(out, "  and %zu more\n", ms->thread_count - shown);
}

static void text_mmapped(FILE *out, const struct malloc_state *ms)
{
	size_t shown = ms->mmapped_count < MMAPPED_SHOWN ? ms->mmapped_count : MMAPPED_SHOWN;
	char size[TEXT_NUMBER];

	if (!ms->mmapped_count)
		return;
	text_heading(out, "MMAPPED CHUNKS", "");
	for (size_t i = 0; i < shown; i++) {
		const struct mmapped_chunk *c = &ms->mmapped[i];

		(void)fprintf(out, "  %012" PRIx64 " %12s%s\n", c->addr, text_bytes(size, c->size),
		              c->is_excess ? "  more than mp_ counts: may be none" : "");
	}
	if (shown < ms->mmapped_count)
		(void)fprintf(out, "  and %zu more (--chunks lists all)\n",
		              ms->mmapped_count - shown);
}

void text_malloc(FILE *out, const struct report *report)
{
	const struct malloc_state *ms = snapshot_malloc(report->snap);

	if (!ms->is_used) {
		char why[400];

		text_heading(out, "MALLOC", "");
		malloc_absence(report->snap, why, sizeof(why));
		(void)fprintf(out, "  %s\n", why);
		return;
	}
	text_totals(out, ms);
	text_arenas(out, ms);
	text_threads(out, ms);
	text_mmapped(out, ms);
}

void text_chunks(FILE *out, const struct report *report)
{
	struct chunk_cursor cursor = { 0 };
	struct chunk_record c;
	uint64_t lost, count = chunk_spool_count(report->chunks, &lost);
	char kept[TEXT_NUMBER], gone[TEXT_NUMBER];

	text_heading(out, "CHUNKS", "address, size, state, arena");
	while (chunk_spool_next(report->chunks, &cursor, &c))
		(void)fprintf(out, "%012" PRIx64 " %12" PRIu64 " %-9s %d\n", c.addr, c.size,
		              chunk_state_word(c.state), c.arena);
	(void)fprintf(out, "%s chunks", text_count(kept, count));
	if (lost)
		(void)fprintf(out, ", %s more found no memory to be listed",
		              text_count(gone, lost));
	(void)fputc('\n', out);
}
