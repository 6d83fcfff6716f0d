/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/text_out.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "tui/canvas.h"
#include "tui/view_parts.h"

void text_heading(FILE *out, const char *title, const char *note)
{
	(void)fprintf(out, "\n%s%s%s\n", title, note[0] ? "  " : "", note);
}

void text_foreign(FILE *out, const char *bytes, size_t len)
{
	char piece[512];

	/* A control character becomes two: half the room is always enough. */
	while (len) {
		size_t take = len < sizeof(piece) / 2 - 1 ? len : sizeof(piece) / 2 - 1;

		/* Not through the middle of a character. */
		while (take < len && take > 1 && ((unsigned char)bytes[take] & 0xc0) == 0x80)
			take--;
		(void)fputs(text_clean(piece, sizeof(piece), bytes, take), out);
		bytes += take;
		len -= take;
	}
}

char *text_percent(char buf[TEXT_NUMBER], struct fact part, struct fact whole)
{
	struct text text = text_in(buf, TEXT_NUMBER);

	if (!fact_known(part) || !fact_known(whole))
		text_add(&text, "?");
	else if (!whole.v)
		text_add(&text, "-");
	else
		text_addf(&text, "%.0f%%", (double)part.v * 100.0 / (double)whole.v);
	return buf;
}

/* --- head ---------------------------------------------------------------------------------------- */

static void head_memory(FILE *out, const struct process_facts *p)
{
	char rss[TEXT_NUMBER], peak[TEXT_NUMBER], size[TEXT_NUMBER], swap[TEXT_NUMBER];
	char tables[TEXT_NUMBER];

	(void)fprintf(out, "RSS %s (at most %s), swapped %s, page tables %s, VmSize %s\n",
	              text_bytes_fact(rss, p->vm_rss), text_bytes_fact(peak, p->vm_hwm),
	              text_bytes_fact(swap, p->vm_swap), text_bytes_fact(tables, p->vm_pte),
	              text_bytes_fact(size, p->vm_size));
}

static void head_process(FILE *out, const struct process_facts *p)
{
	text_foreign(out, p->comm, strnlen(p->comm, sizeof(p->comm)));
	(void)fprintf(out, " (%d)%s", p->id.pid, p->exe[0] ? "  " : "");
	text_foreign(out, p->exe, strnlen(p->exe, sizeof(p->exe)));
	(void)fprintf(out, "\nstate %c, %d thread%s, parent %d, uid %u\n", p->state,
	              p->thread_count, p->thread_count == 1 ? "" : "s", p->ppid, p->uid);
	head_memory(out, p);
	if (p->access_denied) {
		(void)fputs("! only part of it could be read: ", out);
		text_foreign(out, p->denied_why, strnlen(p->denied_why, sizeof(p->denied_why)));
		(void)fputc('\n', out);
	}
}

static void head_libc(FILE *out, const struct heap_facts *heap)
{
	char words[80];

	libc_words(heap, words, sizeof(words));
	(void)fputs(words, out);
	if (heap->found_by && heap->confidence == 'N')
		(void)fprintf(out, ", glibc's malloc found by %s, never used", heap->found_by);
	else if (heap->found_by)
		(void)fprintf(out, ", malloc's state found by %s, confidence %c", heap->found_by,
		              heap->confidence);
	else
		(void)fputs(", no glibc malloc found", out);
	if (heap->runtime)
		(void)fprintf(out, ", %s", heap->runtime);
	if (heap->interposer) {
		(void)fputs(", malloc also defined by ", out);
		text_foreign(out, heap->interposer, strlen(heap->interposer));
	}
	(void)fputc('\n', out);
}

static void head_sample(FILE *out, const struct snapshot *snap)
{
	const struct sample_facts *s = &snap->sample;
	const struct system_facts *sys = snapshot_system(snap);
	time_t seconds = (time_t)(s->time_ns / 1000000000u);
	char date[40] = "?";
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		(void)strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S UTC", &tm);
	(void)fprintf(out, "%s, read in %.1f ms", date, (double)s->took_ns / 1e6);
	if (s->is_frozen)
		(void)fprintf(out, ", all threads stopped for %.1f ms",
		              (double)s->stopped_ns / 1e6);
	if (sys) {
		(void)fputs(", Linux ", out);
		text_foreign(out, sys->kernel_release,
		             strnlen(sys->kernel_release, sizeof(sys->kernel_release)));
	}
	(void)fputc('\n', out);
}

static void text_findings(FILE *out, const struct report *report)
{
	static const char marks[] = { '!', '!', '-' };

	if (!report->finding_count)
		return;
	text_heading(out, "FINDINGS", "worst first");
	for (size_t i = 0; i < report->finding_count; i++)
		(void)fprintf(out, "  %c %s\n", marks[report->findings[i].severity],
		              report->findings[i].text);
}

/* --- where the memory is ------------------------------------------------------------------------- */

struct kind_sum {
	uint64_t count, size;
	struct fact rss, swap;
};

static void add_known(struct fact *sum, bool is_known, uint64_t value)
{
	if (!is_known)
		sum->state = FACT_UNKNOWN;
	sum->v += value;
}

static void add_vma(struct kind_sum *sum, const struct vma *v)
{
	sum->count++;
	sum->size += vma_size(v);
	add_known(&sum->rss, v->has_residency, v->rss);
	add_known(&sum->swap, v->has_residency, v->swap);
}

static void where_row(FILE *out, const char *kind, const char *what, const struct kind_sum *sum)
{
	char size[TEXT_NUMBER], rss[TEXT_NUMBER], share[TEXT_NUMBER], swap[TEXT_NUMBER];
	char count[TEXT_NUMBER];

	(void)fprintf(out, "  %-8s %-38s %12s %12s %5s %11s %8s\n", kind, what,
	              text_bytes(size, sum->size), text_bytes_fact(rss, sum->rss),
	              text_percent(share, sum->rss, fact_of(sum->size)),
	              text_bytes_fact(swap, sum->swap), text_count(count, sum->count));
}

static void text_where(FILE *out, const struct vma_set *set)
{
	static const char *const what[VMA_KIND_COUNT] = {
		[VMA_ANON] = "other private anonymous memory",
		[VMA_HEAP] = "brk area: main_arena",
		[VMA_ARENA] = "arenas' heaps, writable part",
		[VMA_RESERVE] = "PROT_NONE: room to grow, reservations",
		[VMA_MMAPPED] = "mmapped chunks",
		[VMA_STACK] = "stacks",
		[VMA_GUARD] = "stack guards",
		[VMA_FILE] = "private file mappings",
		[VMA_BSS] = "zero-initialised data behind files",
		[VMA_SHM] = "shared mappings",
		[VMA_KERNEL] = "vdso and the like",
	};
	/* malloc's first */
	static const enum vma_kind order[] = { VMA_HEAP,   VMA_ARENA, VMA_MMAPPED, VMA_ANON,
		                               VMA_STACK,  VMA_FILE,  VMA_BSS,     VMA_SHM,
		                               VMA_KERNEL, VMA_GUARD, VMA_RESERVE };
	struct kind_sum sums[VMA_KIND_COUNT], total = { .rss = fact_of(0), .swap = fact_of(0) };

	for (size_t i = 0; i < VMA_KIND_COUNT; i++)
		sums[i] = total;
	for (size_t i = 0; i < set->count; i++) {
		unsigned kind = set->at[i].kind;

		/* One page for all processes, in nobody's VmSize. */
		if (vma_is_named(set, &set->at[i], "[vsyscall]"))
			continue;
		add_vma(&sums[kind < VMA_KIND_COUNT ? kind : VMA_ANON], &set->at[i]);
		add_vma(&total, &set->at[i]);
	}
	text_heading(out, "WHERE THE MEMORY IS", "");
	(void)fprintf(out, "  %-47s %12s %12s %5s %11s %8s\n", "", "virtual", "resident", "res%",
	              "swapped", "VMAs");
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (sums[order[i]].count)
			where_row(out, vma_kind_word(order[i]), what[order[i]], &sums[order[i]]);
	where_row(out, "total", "", &total);
}

/* --- how it was read ----------------------------------------------------------------------------- */

static void text_roads(FILE *out, const struct heap_facts *heap)
{
	char addr[TEXT_NUMBER], mp[TEXT_NUMBER];

	for (size_t i = 0; i < heap->road_count; i++) {
		const struct road *r = &heap->roads[i];

		(void)fprintf(out, "  road %-14s main_arena %-12s mp_ %s%s%s\n", r->name,
		              r->main_arena ? text_addr(addr, r->main_arena) : "-",
		              r->mp ? text_addr(mp, r->mp) : "-", r->note ? "  " : "",
		              r->note ? r->note : "");
	}
}

static void text_walk(FILE *out, const struct malloc_state *ms, const struct sample_facts *s)
{
	char chunks[TEXT_NUMBER], bytes[TEXT_NUMBER], unread[TEXT_NUMBER];
	const struct walk_facts *w = &ms->walk;

	if (!ms->has_walk) {
		(void)fputs("  the chunks were not walked\n", out);
		return;
	}
	(void)fprintf(out,
	              "  %s chunks in %s walked in %.1f ms; %" PRIu64 " torn, %" PRIu64
	              " retries, %s not readable\n",
	              text_count(chunks, w->chunks), text_bytes(bytes, w->bytes),
	              (double)s->walk_ns / 1e6, w->torn_chunks, w->retries,
	              text_bytes(unread, w->unreadable));
	if (!s->is_frozen && w->torn_chunks)
		(void)fputs("  the process was changing its heap meanwhile; --freeze is exact\n",
		            out);
}

static void text_how(FILE *out, const struct report *report)
{
	const struct heap_facts *heap = snapshot_heap(report->snap);
	const struct malloc_state *ms = snapshot_malloc(report->snap);
	size_t kept;

	if (!heap)
		return;
	text_heading(out, "HOW MALLOC'S STATE WAS READ", "");
	text_roads(out, heap);
	if (ms)
		text_walk(out, ms, &report->snap->sample);
	kept = heap->error_count < HEAP_ERRORS_MAX ? heap->error_count : HEAP_ERRORS_MAX;
	for (size_t i = 0; i < kept; i++) {
		(void)fprintf(out, "  ! %012" PRIx64 " ", heap->errors[i].addr);
		text_foreign(out, heap->errors[i].what, strlen(heap->errors[i].what));
		(void)fputc('\n', out);
	}
	if (heap->error_count > kept)
		(void)fprintf(out, "  ! and %zu more\n", heap->error_count - kept);
}

void text_write_snapshot(FILE *out, const struct report *report)
{
	const struct snapshot *snap = report->snap;

	if (snapshot_process(snap))
		head_process(out, snapshot_process(snap));
	if (snapshot_heap(snap))
		head_libc(out, snapshot_heap(snap));
	head_sample(out, snap);
	text_findings(out, report);
	if (snapshot_vmas(snap))
		text_where(out, snapshot_vmas(snap));
	if (snapshot_malloc(snap))
		text_malloc(out, report);
	text_system(out, report);
	text_how(out, report);
	if (report->wants_vmas && snapshot_vmas(snap))
		text_vmas(out, report);
	if (report->chunks)
		text_chunks(out, report);
}
