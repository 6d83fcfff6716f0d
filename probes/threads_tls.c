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
#include "probes/threads.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "model/base/units.h"

enum {
	SAMPLE = 32,          /* threads that vote */
	TLS_BYTES = 4096,     /* how far from the thread pointer the variables are looked for */
	PTHREAD_BYTES = 2304, /* struct pthread when no table says its size */
	GATHER = 256,
	PAGE_MAX = 65536,
	SLOTS_MAX = TLS_BYTES / 4,
	NO_SLOT = SLOTS_MAX,
};

/* A copy of one thread's thread-local storage; slots are counted upwards from its lowest address. */
struct voter {
	uint8_t tls[TLS_BYTES];
	size_t first, last; /* readable slots: [first, last) */
};

struct poll {
	const struct thread_search *search;
	struct voter *voters;
	size_t voter_count;
	size_t word;
	int64_t base;         /* of slot 0, from struct pthread */
	uint64_t *arenas;     /* sorted */
	size_t arena, tcache; /* slots, or NO_SLOT */
	bool is_candidate[SLOTS_MAX];
};

/* What a word can be to a question. */
enum answer { ANSWER_NO, ANSWER_EMPTY, ANSWER_YES };

/* --- sampling ---------------------------------------------------------------------------------- */

static bool is_variant_1(const struct found_malloc *found)
{
	return found->machine == EM_AARCH64;
}

/* Page by page from the thread pointer on, as far as it can be read. */
static void read_above(const struct poll *poll, uint64_t start, struct voter *voter)
{
	enum mem_status status;

	voter->last =
	        mem_read(poll->search->mem, start, voter->tls, TLS_BYTES, &status) / poll->word;
}

static void read_below(const struct poll *poll, uint64_t start, struct voter *voter)
{
	uint64_t end = start + TLS_BYTES;

	voter->first = voter->last = TLS_BYTES / poll->word;
	while (end > start) {
		uint64_t at = max_u64(align_down(end - 1, 4096), start);

		if (!mem_read_all(poll->search->mem, at, voter->tls + (at - start),
		                  (size_t)(end - at)))
			return;
		voter->first = (size_t)(at - start) / poll->word;
		end = at;
	}
}

/* Ids wrap at pid_max: the first thread's need not be the lowest. */
static size_t first_thread(const struct thread_search *search)
{
	for (size_t i = 0; i < search->count; i++) {
		if (search->threads[i].tid == search->pid)
			return i;
	}
	return 0;
}

/*
 * Evenly spaced threads, the first one among them: it may be the only one that has used a second libc,
 * whose variables are nothing but empty slots in all others.
 */
static void sample(struct poll *poll)
{
	const struct thread_search *search = poll->search;
	const size_t step = (search->count + SAMPLE - 1) / SAMPLE;
	const size_t first = first_thread(search);

	for (size_t i = 0; i < search->count; i += step) {
		struct voter *voter = &poll->voters[poll->voter_count];
		size_t turn = (first + i) % search->count;
		uint64_t addr = search->threads[turn].pthread_addr;

		if (!addr)
			continue;
		if (poll->base > 0)
			read_above(poll, addr + (uint64_t)poll->base, voter);
		else
			read_below(poll, addr + (uint64_t)poll->base, voter);
		poll->voter_count += voter->first < voter->last;
	}
}

static uint64_t voter_word(const struct poll *poll, const struct voter *voter, size_t slot)
{
	uint64_t value = 0;

	memcpy(&value, voter->tls + slot * poll->word, poll->word);
	return value;
}

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

static int compare_addresses(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static bool is_arena(const struct poll *poll, uint64_t addr)
{
	return bsearch(&addr, poll->arenas, poll->search->ms->arena_count, sizeof(addr),
	               compare_addresses) != NULL;
}

static enum answer ask_arena(const struct poll *poll, size_t voter, size_t slot)
{
	uint64_t value = voter_word(poll, &poll->voters[voter], slot);

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
	uint64_t value = voter_word(poll, &poll->voters[voter], slot);

	if (!value || is_dummy(poll, value))
		return ANSWER_EMPTY;
	return may_be_tcache(poll, value) ? ANSWER_YES : ANSWER_NO;
}

static enum answer ask_tcache(const struct poll *poll, size_t voter, size_t slot)
{
	const struct malloc_layout *lay = &poll->search->found->layout;
	uint64_t value = voter_word(poll, &poll->voters[voter], slot), raw;

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

/* Slots of libc's own variables; all where they are not known. The thread pointer is struct pthread's
 * address, or in variant I its end. */
static void nominate(struct poll *poll)
{
	const struct found_malloc *found = poll->search->found;
	const int64_t pointer = is_variant_1(found) ? found->threads.pthread_size : 0;
	const bool is_known = found->tls.count && (!is_variant_1(found) || pointer);

	for (size_t i = 0; i < SLOTS_MAX; i++)
		poll->is_candidate[i] = !is_known;
	for (size_t i = 0; is_known && i < found->tls.count; i++) {
		int64_t from_slot_0 = found->tls.at[i] + pointer - poll->base;

		if (from_slot_0 >= 0 && from_slot_0 < TLS_BYTES &&
		    (size_t)from_slot_0 % poll->word == 0)
			poll->is_candidate[(size_t)from_slot_0 / poll->word] = true;
	}
}

static bool poll_start(struct poll *poll, struct thread_search *search)
{
	const struct found_malloc *found = search->found;
	const size_t arenas = search->ms->arena_count;
	const uint32_t size = found->threads.pthread_size;

	*poll = (struct poll){
		.search = search, .word = found->word, .arena = NO_SLOT, .tcache = NO_SLOT
	};
	poll->base = -TLS_BYTES;
	if (is_variant_1(found))
		poll->base = (int64_t)((size ? size : PTHREAD_BYTES) + 2 * poll->word);
	nominate(poll);
	poll->voters = calloc(SAMPLE, sizeof(poll->voters[0]));
	poll->arenas = calloc(arenas ? arenas : 1, sizeof(poll->arenas[0]));
	if (!poll->voters || !poll->arenas || !arenas)
		return false;
	for (size_t i = 0; i < arenas; i++)
		poll->arenas[i] = search->ms->arenas[i].addr;
	qsort(poll->arenas, arenas, sizeof(poll->arenas[0]), compare_addresses);
	return true;
}

void threads_malloc(struct thread_search *search)
{
	struct poll poll;

	if (poll_start(&poll, search)) {
		sample(&poll);
		elect_arena(&poll);
		if (search->found->layout.tcache.bins)
			elect_tcache(&poll);
		read_all(&poll);
	}
	note_no_tcache(search);
	free(poll.voters);
	free(poll.arenas);
}
