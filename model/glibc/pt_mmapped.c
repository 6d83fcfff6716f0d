/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where mmapped chunks may be, and whether those found are those that malloc counts. Nothing in malloc
 * lists them: mp_ has their number and sum only.
 */
#include "model/glibc/pt_mmapped.h"

#include <stdlib.h>
#include <string.h>

/* Half a second of looking at pages that the program mapped for itself. */
#define HEADERS_MAX (UINT64_C(1) << 19)

/* --- where to look -------------------------------------------------------------------------------- */

/* Memory that is known to be something else. */
struct taken {
	uint64_t start, end;
};

typedef VEC(struct taken) taken_vec;

static bool add_taken(struct region *region, taken_vec *list, uint64_t start, uint64_t end)
{
	struct taken *t;

	if (start >= end)
		return true;
	t = VEC_ADD(region, list);
	if (t)
		*t = (struct taken){ start, end };
	return t != NULL;
}

static int by_start(const void *a, const void *b)
{
	const struct taken *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/* Heaps of all arenas with their reserves, and the threads' stacks. */
static bool list_taken(struct region *region, const struct malloc_state *ms, taken_vec *list)
{
	for (size_t i = 0; i < ms->arena_count; i++) {
		const struct arena *arena = &ms->arenas[i];

		for (size_t k = 0; k < arena->heap_count; k++) {
			const struct malloc_heap *h = &arena->heaps[k];

			if (!add_taken(region, list, h->start, max_u64(h->end, h->reserve_end)))
				return false;
		}
	}
	for (size_t i = 0; i < ms->thread_count; i++) {
		const struct malloc_thread *t = &ms->threads[i];

		if (!add_taken(region, list, t->stack_start, t->stack_end))
			return false;
	}
	if (list->count)
		qsort(list->at, list->count, sizeof(*list->at), by_start);
	return true;
}

static bool is_anonymous(const struct vma_set *vmas, const struct vma *v)
{
	static const char named[] = "[anon:"; /* PR_SET_VMA_ANON_NAME */
	size_t len = sizeof(named) - 1;

	if (v->inode || (v->prot & VMA_SHARED))
		return false;
	return v->name_len == 0 ||
	       (v->name_len >= len && memcmp(vmas->names + v->name_at, named, len) == 0);
}

static bool is_searched(const struct vma_set *vmas, const struct vma *v)
{
	const uint8_t rw = VMA_READ | VMA_WRITE;

	return (v->prot & rw) == rw && is_anonymous(vmas, v);
}

/* Anonymous memory goes on without a gap to here: a chunk may reach into the next VMA when part of
 * it was given another protection. */
static uint64_t limit_of(const struct vma_set *vmas, const struct vma *v)
{
	const struct vma *past = vmas->at + vmas->count;

	while (v + 1 < past && v[1].start == v->end && is_anonymous(vmas, &v[1]))
		v++;
	return v->end;
}

static bool add_stretch(struct mm_search *m, uint64_t start, uint64_t end, uint64_t limit)
{
	struct mm_stretch *s;

	if (start >= end)
		return true;
	s = VEC_ADD(m->scratch, &m->stretches);
	if (s)
		*s = (struct mm_stretch){
			.at = start, .end = end, .limit = limit, .present_end = start, .ahead = 1
		};
	return s != NULL;
}

/* The parts of a VMA that are not taken; *i is the first taken entry that may matter. */
static bool add_vma(struct mm_search *m, const taken_vec *taken, size_t *i, const struct vma *v,
                    uint64_t limit)
{
	uint64_t at = v->start;

	while (*i < taken->count && taken->at[*i].end <= at)
		++*i;
	for (size_t k = *i; k < taken->count && taken->at[k].start < v->end; k++) {
		if (!add_stretch(m, at, taken->at[k].start, taken->at[k].start))
			return false;
		at = max_u64(at, taken->at[k].end);
	}
	for (size_t k = *i; k < taken->count; k++) {
		if (taken->at[k].start < v->end)
			continue;
		limit = min_u64(limit, taken->at[k].start);
		break;
	}
	return add_stretch(m, at, v->end, limit);
}

static bool list_stretches(struct mm_search *m, const struct malloc_state *ms)
{
	const struct vma_set *vmas = m->d->vmas;
	taken_vec taken = { 0 };
	uint64_t limit = 0;
	size_t i = 0;

	if (!list_taken(m->scratch, ms, &taken))
		return false;
	for (size_t k = 0; k < vmas->count; k++) {
		const struct vma *v = &vmas->at[k];

		if (!is_searched(vmas, v))
			continue;
		if (v->start >= limit)
			limit = limit_of(vmas, v);
		if (!add_vma(m, &taken, &i, v, limit))
			return false;
	}
	return true;
}

/* --- what was found -------------------------------------------------------------------------------- */

static int by_base(const void *a, const void *b)
{
	const struct mmapped_chunk *x = a, *y = b;

	return (x->base > y->base) - (x->base < y->base);
}

/* By address; what begins inside another chunk was data of it that looked like a header. */
static void sort_found(struct mm_search *m)
{
	size_t kept = 0;
	uint64_t reached = 0;

	if (m->found.count)
		qsort(m->found.at, m->found.count, sizeof(*m->found.at), by_base);
	for (size_t i = 0; i < m->found.count; i++) {
		const struct mmapped_chunk chunk = m->found.at[i];

		if (chunk.base < reached) {
			m->found_bytes -= chunk.size;
			continue;
		}
		reached = chunk.base + chunk.size;
		m->found.at[kept++] = chunk;
	}
	m->found.count = kept;
}

/* A mapping that follows another one, or begins a VMA, is more likely malloc's than one amid data. */
static bool is_well_placed(const struct mm_search *m, size_t i)
{
	const struct mmapped_chunk *chunk = &m->found.at[i];
	const struct vma *v = vma_find(m->d->vmas, chunk->base);

	return (v && v->start == chunk->base) ||
	       (i && chunk[-1].base + chunk[-1].size == chunk->base);
}

/* The chunk to call excess: exactly the surplus bytes if one has them, else one amid other data. */
static struct mmapped_chunk *pick_excess(const struct mm_search *m, uint64_t surplus)
{
	struct mmapped_chunk *best = NULL;
	int best_rank = -1;

	for (size_t i = 0; i < m->found.count; i++) {
		struct mmapped_chunk *chunk = &m->found.at[i];
		int rank = (chunk->size == surplus ? 4 : 0) + (chunk->size <= surplus ? 2 : 0) +
		           (is_well_placed(m, i) ? 0 : 1);

		if (chunk->is_excess || rank <= best_rank)
			continue;
		best = chunk;
		best_rank = rank;
	}
	return best;
}

enum { EXCESS_MAX = 64 };

static void mark_excess(struct mm_search *m)
{
	uint64_t too_many = m->found.count - m->want_count.v;
	uint64_t surplus = m->found_bytes > m->want_bytes.v ? m->found_bytes - m->want_bytes.v : 0;

	heap_error_add(m->d->heap, 0, "more mmapped chunks than malloc counts: some are decoys");
	for (uint64_t i = 0; i < too_many && i < EXCESS_MAX; i++) {
		struct mmapped_chunk *chunk = pick_excess(m, surplus);

		if (!chunk)
			return;
		chunk->is_excess = true;
		surplus -= min_u64(surplus, chunk->size);
	}
}

/*
 * glibc 2.43 adds up to 16 bytes to mmapped_mem with each mremap and never takes them back
 * (malloc/malloc.c:mremap_chunk).
 */
static bool bytes_agree(const struct mm_search *m)
{
	if (m->found_bytes == m->want_bytes.v)
		return true;
	return m->d->lay->mmapped_size_without_header && m->want_bytes.v > m->found_bytes &&
	       is_aligned(m->want_bytes.v - m->found_bytes, 16);
}

static void reconcile(struct mm_search *m)
{
	if (m->found.count > m->want_count.v)
		mark_excess(m);
	else if (m->found.count < m->want_count.v)
		heap_error_add(m->d->heap, 0,
		               m->met_unreadable
		                       ? "mmapped chunks are missing: their headers can't be read"
		               : m->headers_left
		                       ? "mmapped chunks are missing"
		                       : "mmapped chunks are missing: the search was cut short");
	else if (!bytes_agree(m))
		heap_error_add(m->d->heap, 0, "mmapped chunks have other sizes than malloc counts");
}

/* --- all of it -------------------------------------------------------------------------------------- */

static void read_wanted(const struct decode *d, const struct malloc_state *ms,
                        struct fact *ret_count, struct fact *ret_bytes)
{
	struct malloc_params now;

	*ret_count = ms->params.n_mmaps;
	*ret_bytes = ms->params.mmapped_mem;
	if (d->mp_addr && pt_read_params(d, &now)) {
		*ret_count = now.n_mmaps;
		*ret_bytes = now.mmapped_mem;
	}
}

static bool search(struct mm_search *m, struct malloc_state *ms)
{
	struct fact count, bytes;

	read_wanted(m->d, ms, &m->want_count, &m->want_bytes);
	if (!mm_is_complete(m) && (!list_stretches(m, ms) || !mm_scan(m)))
		return false;
	sort_found(m);
	read_wanted(m->d, ms, &count, &bytes);
	/* mp_ moved meanwhile: whatever differs may be that. */
	if (fact_known(count) && fact_known(bytes) && count.v == m->want_count.v &&
	    bytes.v == m->want_bytes.v)
		reconcile(m);
	ms->mmapped = m->found.at;
	ms->mmapped_count = m->found.count;
	ms->has_mmapped = true;
	return true;
}

bool pt_find_mmapped(const struct decode *d, struct malloc_state *ms)
{
	struct mm_search m = { .d = d, .scratch = region_new(), .headers_left = HEADERS_MAX };
	bool done = m.scratch && search(&m, ms);

	region_free(m.scratch);
	return done;
}
