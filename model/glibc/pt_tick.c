/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/glibc/pt_tcache.h"

/*
 * One gathered read brings everything whose address is known from the last time: every arena's
 * header, the heap_info of the heap that its top lies in, every tcache, mp_. A second one brings the
 * size words of the tops that the first one named.
 */
struct tick {
	const struct decode *d;
	struct malloc_state *ms;
	struct mem_piece *pieces;
	size_t piece_count;
	uint8_t *copies, *free_copy; /* what pieces point to; its unused rest */
	struct tick_arena {
		struct arena fresh;
		struct mem_piece *header, *info, *top; /* info, top: NULL when there is none */
	} * arenas;
	struct mem_piece **tcaches; /* one per thread, NULL: none */
	struct mem_piece *params;   /* NULL: mp_ is not known */
};

/* Copies start at word borders. */
static uint32_t room_for(uint32_t len)
{
	return (uint32_t)align_up(len, sizeof(uint64_t));
}

static struct mem_piece *add_piece(struct tick *t, uint64_t addr, uint32_t len)
{
	struct mem_piece *piece = &t->pieces[t->piece_count++];

	*piece = (struct mem_piece){ .addr = addr, .buf = t->free_copy, .len = len };
	t->free_copy += room_for(len);
	return piece;
}

static bool allocate(struct tick *t, struct region *scratch)
{
	const struct malloc_layout *lay = t->d->lay;
	size_t arenas = t->ms->arena_count, threads = t->ms->thread_count;
	size_t bytes =
	        arenas * (room_for(lay->arena.size) + room_for(lay->heap.size) + sizeof(uint64_t)) +
	        threads * room_for(lay->tcache.size) + room_for(lay->par.size);

	t->pieces = region_alloc(scratch, (3 * arenas + threads + 1) * sizeof(*t->pieces));
	t->arenas = region_alloc(scratch, arenas * sizeof(*t->arenas));
	t->tcaches = region_alloc(scratch, threads * sizeof(struct mem_piece *));
	t->copies = region_alloc(scratch, bytes);
	return t->pieces && t->arenas && t->tcaches && t->copies;
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool has_tcache(const struct tick *t, const struct malloc_thread *thread)
{
	uint64_t addr = fact_or(thread->tcache, 0);

	return t->d->lay->tcache.bins && addr && pt_is_writable(t->d, addr, t->d->lay->tcache.size);
}

static void gather_known(struct tick *t)
{
	const struct malloc_layout *lay = t->d->lay;

	t->piece_count = 0;
	t->free_copy = t->copies;
	for (size_t i = 0; i < t->ms->arena_count; i++) {
		const struct arena *arena = &t->ms->arenas[i];
		struct tick_arena *ta = &t->arenas[i];

		ta->fresh = *arena;
		ta->header = add_piece(t, arena->addr, lay->arena.size);
		ta->info = ta->top = NULL;
		if (!arena->is_main && arena->heap_count)
			ta->info = add_piece(t, arena->heaps[arena->heap_count - 1].start,
			                     lay->heap.size);
	}
	for (size_t i = 0; i < t->ms->thread_count; i++) {
		const struct malloc_thread *thread = &t->ms->threads[i];

		t->tcaches[i] = has_tcache(t, thread)
		                        ? add_piece(t, thread->tcache.v, lay->tcache.size)
		                        : NULL;
	}
	t->params = t->d->mp_addr ? add_piece(t, t->d->mp_addr, lay->par.size) : NULL;
	mem_gather(t->d->mem, t->pieces, t->piece_count);
}

/** Headers of the first gather; false when the ring is another one. */
static bool parse_headers(struct tick *t)
{
	for (size_t i = 0; i < t->ms->arena_count; i++) {
		struct arena *fresh = &t->arenas[i].fresh;
		uint64_t next = fresh->next;

		if (t->arenas[i].header->status != MEM_OK)
			return false;
		pt_parse_arena(t->d, fresh->addr, t->arenas[i].header->buf, fresh);
		if (fresh->next != next)
			return false;
	}
	return true;
}

static void gather_tops(struct tick *t)
{
	struct mem_piece *first = t->pieces + t->piece_count;

	for (size_t i = 0; i < t->ms->arena_count; i++) {
		struct tick_arena *ta = &t->arenas[i];

		if (!pt_is_initial_top(t->d, &ta->fresh))
			ta->top =
			        add_piece(t, ta->fresh.top_addr + t->d->lay->word, t->d->lay->word);
	}
	mem_gather(t->d->mem, first, (size_t)(t->pieces + t->piece_count - first));
}

/* --- taking over ------------------------------------------------------------------------------ */

enum verdict { SAME_SET, OTHER_SET, CONTRADICTION };

/** main_arena's last piece ends with top; its others don't change. */
static enum verdict follow_main_top(struct arena *arena)
{
	struct malloc_heap *last;
	uint64_t end = arena->top_addr + arena->top_size.v;

	if (!arena->heap_count)
		return arena->top_size.v ? OTHER_SET : SAME_SET;
	last = &arena->heaps[arena->heap_count - 1];
	/* Memory that did not come behind the old end would be a piece of its own. */
	if (arena->top_addr < last->start || (end != last->end && !arena->is_contiguous))
		return OTHER_SET;
	last->end = last->rw_end = last->reserve_end = end;
	return SAME_SET;
}

/** A thread arena's top ends where its newest heap does. */
static enum verdict follow_heap(const struct decode *d, struct tick_arena *ta)
{
	struct arena *arena = &ta->fresh;
	struct malloc_heap *last, heap;

	if (!ta->info)
		return OTHER_SET;
	last = &arena->heaps[arena->heap_count - 1];
	if (arena->top_addr < last->start || arena->top_addr >= last->reserve_end)
		return OTHER_SET;
	if (ta->info->status != MEM_OK ||
	    pt_parse_heap_info(d, last->start, ta->info->buf, arena->addr, &heap) ||
	    arena->top_addr + arena->top_size.v != heap.end)
		return CONTRADICTION;
	*last = heap;
	return SAME_SET;
}

static enum verdict judge_arena(struct tick *t, struct tick_arena *ta)
{
	struct arena *fresh = &ta->fresh;

	if (ta->top && (ta->top->status != MEM_OK ||
	                pt_take_top_size(t->d, fresh, pt_word(t->d->lay, ta->top->buf))))
		return CONTRADICTION;
	return fresh->is_main ? follow_main_top(fresh) : follow_heap(t->d, ta);
}

static enum verdict judge_arenas(struct tick *t)
{
	enum verdict worst = SAME_SET;

	for (size_t i = 0; i < t->ms->arena_count; i++) {
		struct tick_arena *ta = &t->arenas[i];
		enum verdict verdict = judge_arena(t, ta);

		if (verdict == OTHER_SET)
			return OTHER_SET;
		ta->fresh.is_torn = verdict == CONTRADICTION;
		if (verdict == CONTRADICTION) {
			ta->fresh.top_size = t->ms->arenas[i].top_size;
			ta->fresh.top_size.state = FACT_TORN;
			worst = CONTRADICTION;
		}
	}
	return worst;
}

static bool take_tcaches(struct tick *t)
{
	uint64_t depth = pt_tcache_depth(t->d, t->ms);

	for (size_t i = 0; i < t->ms->thread_count; i++) {
		struct malloc_thread *thread = &t->ms->threads[i];
		struct mem_piece *piece = t->tcaches[i];

		if (piece && piece->status == MEM_OK) {
			if (!pt_parse_tcache(t->d, piece->buf, depth, thread))
				return false;
		} else if (!pt_has_no_tcache(t->d, thread)) {
			heap_error_add(t->d->heap, thread->tcache.v, "a tcache can't be read");
		}
	}
	return true;
}

static bool take(struct tick *t)
{
	for (size_t i = 0; i < t->ms->arena_count; i++)
		t->ms->arenas[i] = t->arenas[i].fresh;
	if (t->params && t->params->status == MEM_OK)
		pt_parse_params(t->d->lay, t->params->buf, &t->ms->params);
	return take_tcaches(t);
}

bool pt_tick(const struct decode *d, struct malloc_state *ms)
{
	struct tick t = { .d = d, .ms = ms };
	struct region *scratch = region_new();
	enum verdict verdict = OTHER_SET;
	bool same = scratch && allocate(&t, scratch);

	for (int i = 0; same && i < PT_TRIES; i++) {
		gather_known(&t);
		same = parse_headers(&t);
		if (!same)
			break;
		gather_tops(&t);
		verdict = judge_arenas(&t);
		same = verdict != OTHER_SET;
		if (verdict == SAME_SET)
			break;
	}
	same = same && take(&t);
	region_free(scratch);
	return same;
}
