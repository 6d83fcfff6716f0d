/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a thread's stack is. struct pthread says it in stackblock, stackblock_size and guardsize, three
 * words in a row whose place differs between versions: the threads vote on it.
 *
 *	stackblock                                stackblock + stackblock_size
 *	| guard | stack, growing down … | TLS | struct pthread |
 */
#include "probes/threads.h"

#include <stdlib.h>
#include <string.h>

#include "model/base/units.h"

enum {
	SAMPLE = 16,
	FIELDS_START = 256,
	FIELDS_END = 2304,
	WORDS_MAX = FIELDS_END / 4,
	FIELDS_BYTES = 24,
	GATHER = 256
};

#define STACK_MIN ((uint64_t)16 << 10) /* PTHREAD_STACK_MIN of x86 */
#define STACK_MAX ((uint64_t)64 << 30)

static uint64_t word_at(const uint8_t *bytes, size_t word)
{
	uint64_t value = 0;

	memcpy(&value, bytes, word);
	return value;
}

struct stack {
	uint64_t block, size, guard;
};

static struct stack stack_at(const uint8_t *bytes, size_t word)
{
	return (struct stack){ word_at(bytes, word), word_at(bytes + word, word),
		               word_at(bytes + 2 * word, word) };
}

/* A block with struct pthread inside, near its upper end. */
static bool is_stack(const struct thread_search *search, const struct stack *s,
                     uint64_t pthread_addr)
{
	uint64_t end;

	return s->block && s->size >= STACK_MIN && s->size <= STACK_MAX && s->guard < s->size &&
	       !__builtin_add_overflow(s->block, s->size, &end) && s->block < pthread_addr &&
	       pthread_addr < end && end - pthread_addr <= MIB &&
	       vma_find_next(search->vmas, s->block) != NULL;
}

/* Stacks that glibc mapped are whole pages. */
static bool is_paged_stack(const struct thread_search *search, const struct stack *s,
                           uint64_t pthread_addr)
{
	return is_stack(search, s, pthread_addr) && is_aligned(s->block, 4096) &&
	       is_aligned(s->size, 4096) && is_aligned(s->guard, 4096);
}

/* Adds one thread's votes: which words can begin the three fields. */
static bool vote(const struct thread_search *search, const struct malloc_thread *thread,
                 unsigned votes[WORDS_MAX])
{
	const size_t word = search->found->word;
	uint8_t bytes[FIELDS_END];
	enum mem_status status;
	size_t len;

	if (!thread->pthread_addr || thread->tid == search->pid)
		return false;
	len = mem_read(search->mem, thread->pthread_addr, bytes, sizeof(bytes), &status);
	for (size_t pos = FIELDS_START; pos + 3 * word <= len; pos += word) {
		struct stack s = stack_at(bytes + pos, word);

		if (is_paged_stack(search, &s, thread->pthread_addr))
			votes[pos / word]++;
	}
	return true;
}

/* The offset of stackblock; 0 when there is no clear winner. */
static size_t elect(const struct thread_search *search)
{
	unsigned votes[WORDS_MAX] = { 0 }, voters = 0;
	size_t best = 0;

	for (size_t i = 0; i < search->count && voters < SAMPLE; i++)
		voters += vote(search, &search->threads[i], votes);
	for (size_t i = 1; i < WORDS_MAX; i++) {
		if (votes[i] > votes[best])
			best = i;
	}
	return 2 * votes[best] >= voters ? best * search->found->word : 0;
}

static void take_stack(const struct thread_search *search, struct malloc_thread *thread,
                       const uint8_t *bytes)
{
	struct stack s = stack_at(bytes, search->found->word);

	if (!is_stack(search, &s, thread->pthread_addr))
		return;
	thread->stack_start = s.block + s.guard;
	thread->stack_end = s.block + s.size;
}

/* The three fields of up to GATHER threads at once. */
static void read_stacks(const struct thread_search *search, struct malloc_thread *threads,
                        size_t count, size_t offset)
{
	struct mem_piece pieces[GATHER];
	uint8_t bytes[GATHER][FIELDS_BYTES];
	size_t of[GATHER], used = 0;

	for (size_t i = 0; i < count; i++) {
		if (!threads[i].pthread_addr || threads[i].stack_end)
			continue;
		of[used] = i;
		pieces[used] = (struct mem_piece){ .addr = threads[i].pthread_addr + offset,
			                           .buf = bytes[used],
			                           .len = (uint32_t)(3 * search->found->word) };
		used++;
	}
	mem_gather(search->mem, pieces, used);
	for (size_t i = 0; i < used; i++) {
		if (pieces[i].status == MEM_OK)
			take_stack(search, &threads[of[i]], bytes[i]);
	}
}

void threads_stacks(struct thread_search *search)
{
	const size_t offset = elect(search);

	for (size_t i = 0; offset && i < search->count; i += GATHER)
		read_stacks(search, search->threads + i, (size_t)min_u64(GATHER, search->count - i),
		            offset);
}
