/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A sample of the threads and a copy of what lies around their thread pointers. */
#include "probes/threads_poll.h"

#include <elf.h>
#include <stdlib.h>

#include "model/base/units.h"

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

int poll_compare_addresses(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

bool poll_start(struct poll *poll, struct thread_search *search)
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
	qsort(poll->arenas, arenas, sizeof(poll->arenas[0]), poll_compare_addresses);
	sample(poll);
	return true;
}

void poll_end(struct poll *poll)
{
	free(poll->voters);
	free(poll->arenas);
}
