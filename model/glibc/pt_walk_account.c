/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each chunk of a walk is. The PREV_INUSE bit of the following header tells free chunks (those in
 * bins) from the others; fastbin and tcache entries look in use, so what may be one is kept as a
 * candidate until the lists are followed, or looked up in a set that was read before.
 */
#include "model/glibc/pt_walk.h"

static inline void add(struct walk_sum *sum, uint64_t bytes)
{
	sum->count++;
	sum->bytes += bytes;
}

static inline void extend_run(struct walk *w, uint64_t addr, uint64_t size)
{
	if (!w->run.start)
		w->run =
		        (struct walk_run){ .start = addr,
			                   .link_begin = w->links ? chunk_links_count(w->links) : 0,
			                   .arena = w->arena_index };
	w->run.end = addr + size;
}

/* A link that does not fit makes the links incomplete, which the resolver sees. */
static inline void add_link(struct walk *w, const struct seen *s, uint64_t size, uint64_t next,
                            enum chunk_state state)
{
	struct chunk_link *link = chunk_links_add(w->links, s->addr);

	if (!link)
		return;
	link->next = next;
	link->size_state = size | (uint64_t)state;
}

static void account_free(struct walk *w, const struct seen *s, uint64_t size)
{
	extend_run(w, s->addr, size);
	add(&w->tally->free, size);
	bin_counter_add(w->counter, w->d->lay, size);
	if (w->links)
		add_link(w, s, size, s->user, CHUNK_FREE);
}

static void pin(struct walk *w, uint64_t addr, uint64_t size)
{
	if (w->run.start)
		walk_run_end(w);
	w->tally->pin = (struct chunk_ref){ addr, size };
}

static void account_candidate(struct walk *w, const struct seen *s, uint64_t size)
{
	uint64_t next;

	if (!pt_may_be_cached(w->d, s->addr, size, s->user, &next)) {
		pin(w, s->addr, size);
		return;
	}
	add(&w->tally->candidates, size);
	if (size <= w->fast_max) {
		extend_run(w, s->addr, size);
		w->run.has_candidates = true;
	} else {
		pin(w, s->addr, size);
	}
	add_link(w, s, size, next, CHUNK_IN_USE);
}

/* Lists were read before: the set knows. */
static enum chunk_state account_known(struct walk *w, const struct seen *s, uint64_t size)
{
	enum chunk_state state = chunk_set_find(w->set, s->addr);

	if (state == CHUNK_FAST)
		extend_run(w, s->addr, size);
	else
		pin(w, s->addr, size);
	if (state == CHUNK_FAST || state == CHUNK_TCACHE) {
		w->tally->in_use.count--;
		w->tally->in_use.bytes -= size;
	}
	return state;
}

/*
 * With safe-linking nearly every word that is no link decodes to something unaligned: that is all
 * there is to say about most chunks. (A fastbin entry's user word is its fd, at the same place as a
 * tcache entry's next; glibc malloc/malloc.c:PROTECT_PTR takes the field's own address.)
 */
static inline bool is_worth_a_look(const struct walk *w, const struct seen *s, uint64_t size)
{
	const struct malloc_layout *lay = w->d->lay;

	if (size > w->cached_max)
		return false;
	return !lay->safe_linking || (s->user ^ pt_mem(lay, s->addr) >> 12) % 8 == 0;
}

static inline enum chunk_state account_in_use(struct walk *w, const struct seen *s, uint64_t size)
{
	add(&w->tally->in_use, size);
	if (w->set)
		return account_known(w, s, size);
	if (is_worth_a_look(w, s, size))
		account_candidate(w, s, size);
	else
		pin(w, s->addr, size);
	return CHUNK_IN_USE;
}

static inline enum chunk_state account_one(struct walk *w, const struct seen *s)
{
	uint64_t size = pt_chunk_size(s->raw);

	/* What remained of a top may be a chunk by size; nobody owns it before a size of 0. */
	if (size < w->d->lay->min_size || !pt_chunk_size(s[1].raw)) {
		pin(w, s->addr, size);
		w->tally->fencepost_bytes += size;
		return CHUNK_FENCEPOST;
	}
	if (!(s[1].raw & PREV_INUSE)) {
		account_free(w, s, size);
		return CHUNK_FREE;
	}
	return account_in_use(w, s, size);
}

void walk_account(struct walk *w, size_t n)
{
	uint64_t begin = n ? w->seen[0].addr : 0;

	for (size_t i = 0; i < n; i++) {
		const struct seen *s = &w->seen[i];
		enum chunk_state state = account_one(w, s);

		if (w->sink)
			w->sink->chunk(w->sink->ctx, s->addr, pt_chunk_size(s->raw), state,
			               (int)w->arena_index);
	}
	if (n)
		w->tally->bytes += w->seen[n - 1].addr + pt_chunk_size(w->seen[n - 1].raw) - begin;
	w->tally->chunks += n;
	if (w->d->progress && n)
		atomic_fetch_add_explicit(&w->d->progress->done, w->seen[n - 1].addr - begin,
		                          memory_order_relaxed);
	w->s.count -= n;
	memmove(w->seen, w->seen + n, (w->s.count + 1) * sizeof(*w->seen));
}
