/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a struct pthread leads to: the thread's arena and tcache, which are thread-local variables of
 * libc. (2.22 speaks of keys, but Linux's keys of libc itself are such variables as well.)
 *
 * Where they lie differs between versions, builds and even processes (thread-local storage is laid out
 * by the modules that are loaded), so a vote decides: over a sample of the threads, which slot holds
 * something that can only be what is looked for, in all of them that have it at all?
 *
 * Only libc's own variables stand for election where libc's file says which those are. Else another
 * variable of the program, or what a frame left on the stack beyond, can hold an arena's address as
 * well, and while few threads live nothing tells it apart.
 *
 *	x86	… thread_arena … tcache … | struct pthread		(TLS variant II: below)
 *	aarch64	struct pthread | 2 words | … tcache … thread_arena …	(TLS variant I: above)
 */
#include "probes/threads_poll.h"

#include <stdlib.h>

#include "model/base/units.h"

/* What a word can be to a question. */
enum answer { ANSWER_NO, ANSWER_EMPTY, ANSWER_YES };

/* --- voting ------------------------------------------------------------------------------------ */

/*
 * How many voters say yes to a slot; 0 when some say no. One in sixteen may be wrong: a thread can be
 * caught while it begins or ends.
 */
static unsigned count_votes(const struct poll *poll, size_t slot,
                            enum answer (*ask)(const struct poll *poll, size_t voter, size_t slot))
{
	unsigned yes = 0, no = 0;

	for (size_t i = 0; i < poll->voter_count && no <= poll->voter_count / 16; i++) {
		const struct voter *voter = &poll->voters[i];
		enum answer answer = ANSWER_NO;

		if (slot >= voter->first && slot < voter->last)
			answer = ask(poll, i, slot);
		yes += answer == ANSWER_YES;
		no += answer == ANSWER_NO;
	}
	return no <= poll->voter_count / 16 ? yes : 0;
}

static bool is_arena(const struct poll *poll, uint64_t addr)
{
	return bsearch(&addr, poll->arenas, poll->search->ms->arena_count, sizeof(addr),
	               poll_compare_addresses) != NULL;
}

static enum answer ask_arena(const struct poll *poll, size_t voter, size_t slot)
{
	uint64_t value = poll_word(poll, &poll->voters[voter], slot);

	if (!value)
		return ANSWER_EMPTY;
	return is_arena(poll, value) ? ANSWER_YES : ANSWER_NO;
}

/* 2.43: a thread without tcache points to one of two dummies in libc's constants. */
static bool is_dummy(const struct poll *poll, uint64_t value)
{
	const struct thread_search *search = poll->search;

	return search->found->layout.tcache_dummies && value >= search->found->libc_base &&
	       value < search->found->libc_end && !vma_is_writable(search->vmas, value, 1);
}

/* In memory that malloc can have: writable, not a library's or program's data. */
static bool may_be_tcache(const struct poll *poll, uint64_t value)
{
	const struct malloc_layout *lay = &poll->search->found->layout;
	const struct vma *v;

	if (!value || !is_aligned(value, lay->alignment))
		return false;
	v = vma_find(poll->search->vmas, value - lay->word);
	return v && !v->inode &&
	       vma_is_writable(poll->search->vmas, value - lay->word, lay->word + lay->tcache.size);
}

/* The size word before user memory is one that a tcache's own chunk has. Of an arena that can't grow it is
 * a mapping of its own. */
static bool is_tcache_size(const struct poll *poll, uint64_t raw)
{
	const struct malloc_layout *lay = &poll->search->found->layout;
	uint64_t size = raw & ~(uint64_t)7;

	if (raw & 2)
		return size > lay->tcache.size && size - lay->tcache.size <= PAGE_MAX;
	return glibc_is_tcache_chunk(lay, size);
}

/* Without reading anything. */
static enum answer ask_pointer(const struct poll *poll, size_t voter, size_t slot)
{
	uint64_t value = poll_word(poll, &poll->voters[voter], slot);

	if (!value || is_dummy(poll, value))
		return ANSWER_EMPTY;
	return may_be_tcache(poll, value) ? ANSWER_YES : ANSWER_NO;
}

static enum answer ask_tcache(const struct poll *poll, size_t voter, size_t slot)
{
	const struct malloc_layout *lay = &poll->search->found->layout;
	uint64_t value = poll_word(poll, &poll->voters[voter], slot), raw;

	if (!value || is_dummy(poll, value))
		return ANSWER_EMPTY;
	if (!may_be_tcache(poll, value) ||
	    !thread_read_word(poll->search, value - lay->word, &raw) || !is_tcache_size(poll, raw))
		return ANSWER_NO;
	return ANSWER_YES;
}

/*
 * glibc declares the two variables in one file: they are two words apart up to 2.42 and six in 2.43,
 * tcache at the lower address except in 2.43's initialised part. Only used to decide a tie.
 */
static bool is_usual_distance(size_t a, size_t b)
{
	size_t distance = a > b ? a - b : b - a;

	return distance == 2 || distance == 6;
}

/*
 * Slots by their distance from the thread pointer: of equal ones the nearest wins. What lies beyond
 * the variables is the thread's stack, where an old frame can hold any arena's address; few voters
 * cannot outvote that.
 */
static size_t nth_nearest(const struct poll *poll, size_t n)
{
	return poll->base > 0 ? n : TLS_BYTES / poll->word - 1 - n;
}

static void elect_arena(struct poll *poll)
{
	unsigned best = 0;

	for (size_t i = 0; i < TLS_BYTES / poll->word; i++) {
		size_t slot = nth_nearest(poll, i);
		unsigned votes = 0;

		if (poll->is_candidate[slot])
			votes = count_votes(poll, slot, ask_arena);
		if (votes > best) {
			best = votes;
			poll->arena = slot;
		}
	}
}

static void elect_tcache(struct poll *poll)
{
	unsigned best = 0;

	for (size_t i = 0; i < TLS_BYTES / poll->word; i++) {
		size_t slot = nth_nearest(poll, i);
		unsigned votes = 0;

		if (poll->is_candidate[slot])
			votes = count_votes(poll, slot, ask_pointer);
		if (votes)
			votes = count_votes(poll, slot, ask_tcache);
		if (!votes || votes < best)
			continue;
		if (votes > best || is_usual_distance(slot, poll->arena)) {
			best = votes;
			poll->tcache = slot;
		}
	}
}

/* --- every thread ------------------------------------------------------------------------------ */

static uint64_t slot_addr(const struct poll *poll, const struct malloc_thread *thread, size_t slot)
{
	return thread->pthread_addr + (uint64_t)poll->base + slot * poll->word;
}

static struct fact arena_fact(const struct poll *poll, uint64_t value)
{
	return !value || is_arena(poll, value) ? fact_of(value) : fact_unknown();
}

static struct fact tcache_fact(const struct poll *poll, uint64_t value)
{
	if (!value || is_dummy(poll, value))
		return fact_of(0);
	return may_be_tcache(poll, value) ? fact_of(value) : fact_unknown();
}

/* Gathers one slot of up to GATHER threads. */
static void read_slots(const struct poll *poll, struct malloc_thread *threads, size_t count,
                       size_t slot, struct fact (*fact)(const struct poll *poll, uint64_t value),
                       bool is_tcache)
{
	struct mem_piece pieces[GATHER];
	uint64_t values[GATHER] = { 0 };
	uint32_t of[GATHER];
	size_t used = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (!threads[i].pthread_addr)
			continue;
		of[used] = i;
		pieces[used] = (struct mem_piece){ .addr = slot_addr(poll, &threads[i], slot),
			                           .buf = &values[used],
			                           .len = (uint32_t)poll->word };
		used++;
	}
	mem_gather(poll->search->mem, pieces, used);
	for (size_t i = 0; i < used; i++) {
		struct malloc_thread *t = &threads[of[i]];

		if (pieces[i].status == MEM_OK)
			*(is_tcache ? &t->tcache : &t->arena) = fact(poll, values[i]);
	}
}

static void read_all(const struct poll *poll)
{
	const struct thread_search *search = poll->search;

	for (size_t i = 0; i < search->count; i += GATHER) {
		size_t count = (size_t)min_u64(GATHER, search->count - i);

		if (poll->arena != NO_SLOT)
			read_slots(poll, search->threads + i, count, poll->arena, arena_fact,
			           false);
		if (poll->tcache != NO_SLOT)
			read_slots(poll, search->threads + i, count, poll->tcache, tcache_fact,
			           true);
	}
}

/* A tcache is memory from malloc: none without malloc having been used, or in versions that have none. */
static void note_no_tcache(const struct thread_search *search)
{
	if (search->found->layout.tcache.bins && !search->found->never_used)
		return;
	for (size_t i = 0; i < search->count; i++)
		search->threads[i].tcache = fact_of(0);
}

void threads_malloc(struct thread_search *search)
{
	struct poll poll;

	if (poll_start(&poll, search)) {
		elect_arena(&poll);
		if (search->found->layout.tcache.bins)
			elect_tcache(&poll);
		read_all(&poll);
	}
	note_no_tcache(search);
	poll_end(&poll);
}
