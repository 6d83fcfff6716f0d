/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/glibc/nptl_live.h"

#include "model/base/units.h"
#include "model/base/vec.h"

enum {
	SELF_WORD = 2, /* sysdeps/x86_64/nptl/tls.h:tcbhead_t: tcb, dtv, self */
	DTV_WORD = 1,
	PTHREAD_WORDS = 224, /* of struct pthread, those that may name the stack */
	STACKS_MAX = 4096,
};

static bool read_word(struct memory *mem, uint64_t addr, uint64_t *ret)
{
	return mem_read_all(mem, addr, ret, sizeof(*ret));
}

/* stackblock, stackblock_size and guardsize stand one behind the other in every version. */
static bool is_stack(const uint64_t *word, uint64_t pthread, uint64_t page)
{
	uint64_t start = word[0], size = word[1], guard = word[2];

	return start && start % page == 0 && start < pthread && size > pthread - start &&
	       size - (pthread - start) <= 2 * page && guard < size && guard % page == 0;
}

bool nptl_read_thread(struct memory *mem, uint64_t pthread, uint64_t page, struct nptl_stack *ret)
{
	uint64_t words[PTHREAD_WORDS];

	*ret = (struct nptl_stack){ 0 };
	if (!pthread || !mem_read_all(mem, pthread, words, sizeof(words)) || words[0] != pthread ||
	    words[SELF_WORD] != pthread)
		return false;
	/* The dtv's first slot is in front of what the thread control block points to. */
	if (words[DTV_WORD] > NPTL_DTV_SLOT)
		ret->dtv = words[DTV_WORD] - NPTL_DTV_SLOT;
	for (size_t i = SELF_WORD + 1; i + 2 < PTHREAD_WORDS; i++)
		if (is_stack(&words[i], pthread, page)) {
			ret->addr = words[i];
			ret->size = words[i + 1];
			break;
		}
	return true;
}

static void turn_round(struct nptl_cache *cache)
{
	for (size_t i = 0, k = cache->count; i + 1 < k; i++) {
		struct nptl_stack one = cache->at[i];

		cache->at[i] = cache->at[--k];
		cache->at[k] = one;
	}
}

bool nptl_read_cache(struct memory *mem, uint64_t head, uint32_t link, uint64_t page,
                     struct nptl_cache *ret)
{
	uint64_t node;

	if (!head || !link || !read_word(mem, head, &node))
		return true;
	while (node != head && node > link && ret->count < STACKS_MAX) {
		struct nptl_stack stack, *to;

		if (!nptl_read_thread(mem, node - link, page, &stack) || !stack.size)
			break;
		if (!vec_room(ret->region, (void **)&ret->at, ret->count, &ret->room,
		              sizeof(*ret->at)))
			return false;
		to = &ret->at[ret->count++];
		*to = stack;
		ret->bytes += stack.size;
		if (!read_word(mem, node, &node))
			break;
	}
	/* The list begins with the one joined last. */
	turn_round(ret);
	return true;
}
