/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much of every VMA is resident or swapped out: the page map is walked once, in address order,
 * and merged with the VMA list. A call per VMA would cost five times as much as one per run.
 */
#include <string.h>

#include "model/base/units.h"
#include "probes/pace.h"
#include "probes/pagemap.h"
#include "probes/read.h"

/* One call walks at most so much, since it holds the target's map lock meanwhile. */
#define RUN_BYTES (16 * MIB)
enum { RUN_PAGES = 4096, RUN_VMAS = 1024, RUN_SPANS = 512 };

/* Where nothing is mapped to pages a walk is quick, whatever its length: reservations of terabytes
 * are crossed in growing steps. Bounded, because empty page tables are not quick. */
#define STEP_MAX      (8 * GIB)
#define STEP_QUICK_NS 20000u

/* Entry by entry (before 6.7) nothing is quick: larger VMAs stay unknown. */
#define ENTRIES_MAX (64 * GIB)

struct residency {
	struct vma_set *set;
	struct pagemap map;
	struct pace pace;
	uint64_t step;
	struct page_span spans[RUN_SPANS];
};

/* Pages that the kernel does not count as RSS: raw frames, huge TLB (Linux mm/memory.c). */
static bool is_uncounted(const struct vma_set *set, const struct vma *v)
{
	if (v->flags & (VMA_FLAG_PF | VMA_FLAG_HT))
		return true;
	return v->name_len > 0 &&
	       (vma_name_begins(set, v, "[vvar") || vma_name_begins(set, v, "/anon_hugepage"));
}

static void count_span(struct vma_set *set, size_t *first, const struct page_span *span)
{
	while (*first < set->count && set->at[*first].end <= span->start)
		(*first)++;
	for (size_t i = *first; i < set->count && set->at[i].start < span->end; i++) {
		struct vma *v = &set->at[i];
		uint64_t len = min_u64(v->end, span->end) - max_u64(v->start, span->start);

		if ((span->bits & (PAGE_PRESENT | PAGE_ZERO)) == PAGE_PRESENT)
			v->rss += len;
		else if (span->bits & PAGE_SWAPPED)
			v->swap += len;
	}
}

/* [vsyscall] lies in the kernel's half, where the page map does not reach. */
static bool is_beyond(const struct vma *v)
{
	return v->start > INT64_MAX;
}

/*
 * The VMAs from `first` on that one call may walk; at least one, however large. Entry by entry the
 * gaps between VMAs would count too, so then, or while that is not known yet, it is one VMA.
 */
static size_t run_of(const struct residency *r, size_t first, uint64_t *ret_bytes)
{
	const struct vma *list = r->set->at;
	size_t past = first + 1;

	*ret_bytes = vma_size(&list[first]);
	if (first == 0 || r->map.no_scan)
		return past;
	for (; past < r->set->count && past - first < RUN_VMAS && !is_beyond(&list[past]); past++) {
		if (vma_size(&list[past]) > RUN_BYTES - min_u64(*ret_bytes, RUN_BYTES))
			break;
		*ret_bytes += vma_size(&list[past]);
	}
	return past;
}

/* Walks [at, end) from VMA `first` on; returns where it got, 0 when the page map fails. */
static uint64_t walk_once(struct residency *r, size_t first, uint64_t at, uint64_t end)
{
	uint64_t reached, took;
	long count;

	pace_begin(&r->pace);
	count = pagemap_spans(&r->map, at, end, r->spans, RUN_SPANS, RUN_PAGES, &reached);
	if (count < 0 || reached <= at)
		return 0;
	for (long i = 0; i < count; i++)
		count_span(r->set, &first, &r->spans[i]);
	took = pace_end(&r->pace);
	if (count == 0 && took < STEP_QUICK_NS)
		r->step = min_u64(r->step * 2, STEP_MAX);
	else
		r->step = RUN_BYTES;
	return reached;
}

static bool walk_run(struct residency *r, size_t first, size_t past, uint64_t bytes)
{
	struct vma *list = r->set->at;
	uint64_t at = list[first].start, end = list[past - 1].end;

	for (size_t i = first; i < past; i++) {
		list[i].rss = list[i].swap = 0;
		list[i].has_residency = false;
	}
	while (at < end) {
		if (r->map.no_scan && bytes > ENTRIES_MAX)
			return true;
		/* Gaps between VMAs cost nothing; only a VMA that is a run of its own is cut. */
		at = walk_once(r, first, at, bytes > RUN_BYTES ? min_u64(end, at + r->step) : end);
		if (at == 0)
			return false;
	}
	for (size_t i = first; i < past; i++) {
		if (is_uncounted(r->set, &list[i]))
			list[i].rss = 0;
		list[i].has_residency = true;
	}
	return true;
}

static bool walk_all(struct residency *r)
{
	struct vma_set *set = r->set;

	for (size_t first = 0, past; first < set->count; first = past) {
		uint64_t bytes;

		past = run_of(r, first, &bytes);
		if (is_beyond(&set->at[first]))
			set->at[first].has_residency = true;
		else if (!walk_run(r, first, past, bytes))
			return false;
	}
	return true;
}

bool residency_read(struct proc *proc, struct vma_set *set)
{
	struct residency r = { .set = set, .map = { .fd = proc->pagemap_fd }, .step = RUN_BYTES };
	bool done;

	if (proc->pagemap_fd < 0)
		return false;
	r.pace = pace_open();
	done = walk_all(&r);
	pace_close(&r.pace);
	return done;
}
