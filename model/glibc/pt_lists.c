/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/glibc/pt_lists.h"

/* --- queueing ---------------------------------------------------------------------------------------- */

static bool add_list(struct lists *lists, struct list list)
{
	struct list *slot = VEC_ADD(lists->scratch, &lists->all);

	if (!slot)
		return false;
	list.mark_limit = 1;
	*slot = list;
	return true;
}

static bool add_bin(struct lists *lists, const struct arena *arena, const uint8_t *copy,
                    unsigned bin, struct bin_counter *counter, enum fact_state *state)
{
	const struct malloc_layout *lay = lists->d->lay;
	uint64_t own = pt_bin_addr(lay, arena->addr, bin);
	uint64_t first = pt_bin_first(lay, copy, bin), last = pt_bin_last(lay, copy, bin);

	/* All zero: not initialised yet. */
	if (first == own && last == own)
		return true;
	if (first == 0 && last == 0 && pt_is_initial_top(lists->d, arena))
		return true;
	if (first == own || last == own) {
		heap_error_add(lists->d->heap, own, "a bin is empty from one side only");
		*state = FACT_TORN;
		return true;
	}
	return add_list(lists, (struct list){
	                               .kind = bin == 1 ? LIST_UNSORTED : LIST_BIN,
	                               .index = bin,
	                               .at = first,
	                               .end = own,
	                               .prev = own,
	                               .left = arena->system_mem / lay->min_size + 1,
	                               .system_mem = arena->system_mem,
	                               .bins = counter,
	                               .state = state,
	                       });
}

static bool add_fastbins(struct lists *lists, const struct arena *arena, const uint8_t *copy,
                         struct bin_counter *counter, enum fact_state *state)
{
	const struct malloc_layout *lay = lists->d->lay;

	for (unsigned i = 0; i < lay->fastbins; i++) {
		uint64_t first = pt_fastbin_first(lay, copy, i);

		if (first && !add_list(lists, (struct list){
		                                      .kind = LIST_FAST,
		                                      .index = i,
		                                      .at = first,
		                                      .left = arena->system_mem / lay->min_size + 1,
		                                      .bins = counter,
		                                      .state = state,
		                              }))
			return false;
	}
	return true;
}

bool lists_add_arena_unsized(struct lists *lists, const struct arena *arena, const uint8_t *copy,
                             struct bin_counter *counter, enum fact_state *state)
{
	return add_bin(lists, arena, copy, 1, counter, state) &&
	       add_fastbins(lists, arena, copy, counter, state);
}

bool lists_add_arena(struct lists *lists, const struct arena *arena, const uint8_t *copy,
                     struct bin_counter *counter, enum fact_state *state)
{
	for (unsigned bin = 1; bin < PT_BINS; bin++) {
		if (!add_bin(lists, arena, copy, bin, counter, state))
			return false;
	}
	return add_fastbins(lists, arena, copy, counter, state);
}

bool lists_add_tcache(struct lists *lists, unsigned index, uint64_t first, uint64_t count,
                      struct tcache_counter *counter, enum fact_state *state)
{
	if (!first)
		return true;
	return add_list(lists, (struct list){
	                               .kind = LIST_TCACHE,
	                               .index = index,
	                               .at = pt_chunk_of_mem(lists->d->lay, first),
	                               .left = count,
	                               .tcache = counter,
	                               .state = state,
	                       });
}

/* --- one visit --------------------------------------------------------------------------------------- */

static bool is_tcache_size(const struct malloc_layout *lay, unsigned index, uint64_t size)
{
	if (index < lay->tcache.small_bins)
		return size == glibc_tcache_size(lay, index);
	return size >= glibc_tcache_size(lay, index) &&
	       (index + 1 == lay->tcache.bins || size < glibc_tcache_size(lay, index + 1));
}

static bool is_size_of_list(const struct lists *lists, const struct list *list, uint64_t size)
{
	const struct malloc_layout *lay = lists->d->lay;

	if (!pt_is_chunk_size(lay, size))
		return false;
	switch (list->kind) {
	case LIST_UNSORTED:
		return size <= list->system_mem;
	case LIST_BIN:
		return size <= list->system_mem && glibc_bin_index(lay, size) == list->index;
	case LIST_FAST:
		return size == glibc_fastbin_size(lay, list->index);
	case LIST_TCACHE:
		return is_tcache_size(lay, list->index, size);
	}
	return false;
}

/** Why the node can't belong to the list, or NULL. */
static const char *judge_node(const struct lists *lists, struct list *list,
                              const struct list_node *node)
{
	if (!is_size_of_list(lists, list, node->size))
		return list->kind == LIST_TCACHE ? "a chunk of another size in a tcache list"
		                                 : "a chunk of another size in a bin";
	if (list->left == 0)
		return list->kind == LIST_TCACHE ? "a tcache list is longer than its counter"
		                                 : "a bin holds more chunks than its arena can";
	list->left--;
	if (list->at == list->mark)
		return "a list runs in a circle";
	if (++list->since_mark == list->mark_limit) {
		list->mark = list->at;
		list->mark_limit *= 2;
		list->since_mark = 0;
	}
	return NULL;
}

static void count_tcache(struct lists *lists, struct list *list, uint64_t size)
{
	const struct heap_span *span = NULL;

	list->tcache->count[list->index]++;
	list->tcache->bytes[list->index] += size;
	if (lists->heaps)
		span = pt_heap_at(lists->heaps, list->at);
	if (span) {
		lists->shares[span->arena].count++;
		lists->shares[span->arena].bytes += size;
	}
}

static void count_node(struct lists *lists, struct list *list, uint64_t size)
{
	struct bin_counter *bins = list->bins;

	if (list->kind == LIST_UNSORTED && lists->has_sizes) {
		bin_counter_unsort(bins, lists->d->lay, size);
		return;
	}
	switch (list->kind) {
	case LIST_UNSORTED:
	case LIST_BIN:
		bins->count[list->index]++;
		bins->bytes[list->index] += size;
		return;
	case LIST_FAST:
		bins->fast[list->index]++;
		break;
	case LIST_TCACHE:
		count_tcache(lists, list, size);
		break;
	}
	if (lists->set &&
	    !chunk_set_add(lists->set, list->at,
	                   list->kind == LIST_FAST ? CHUNK_FAST : CHUNK_TCACHE) &&
	    chunk_set_is_complete(lists->set))
		heap_error_add(lists->d->heap, list->at, "a chunk lies in two lists");
}

static void break_list(struct lists *lists, struct list *list, const char *why)
{
	heap_error_add(lists->d->heap, list->at, why);
	*list->state = FACT_TORN;
	list->at = list->end;
}

/** Counts the chunk at list->at and moves on. */
static void visit(struct lists *lists, struct list *list, const struct list_node *node)
{
	const char *why = judge_node(lists, list, node);

	if (why) {
		break_list(lists, list, why);
		return;
	}
	/* Counted all the same: a neighbour that is being unlinked just now looks like this. */
	if (list->prev && node->prev != list->prev && *list->state == FACT_KNOWN) {
		heap_error_add(lists->d->heap, list->at, "a chunk's bk is not its predecessor");
		*list->state = FACT_TORN;
	}
	count_node(lists, list, node->size);
	lists->nodes++;
	if (list->prev)
		list->prev = list->at;
	list->at = node->next;
}

/* --- from the target ----------------------------------------------------------------------------------- */

enum { NODE_WORDS = 3 }; /* size, fd, bk */

static struct list_node parse_node(const struct malloc_layout *lay, const struct list *list,
                                   const uint8_t *copy)
{
	struct list_node node = { .size = pt_chunk_size(pt_word(lay, copy)) };
	uint64_t fd = pt_word(lay, copy + lay->word);

	if (list->kind == LIST_BIN || list->kind == LIST_UNSORTED) {
		node.next = fd;
		node.prev = pt_word(lay, copy + 2 * (size_t)lay->word);
		return node;
	}
	node.next = glibc_reveal(lay, pt_mem(lay, list->at), fd);
	if (list->kind == LIST_TCACHE && node.next)
		node.next = pt_chunk_of_mem(lay, node.next);
	return node;
}

/** Drops lists that are through or whose next node can't be one. */
static size_t keep_running(struct lists *lists)
{
	const struct malloc_layout *lay = lists->d->lay;
	size_t kept = 0;

	for (size_t i = 0; i < lists->all.count; i++) {
		struct list *list = &lists->all.at[i];

		if (list->at != list->end && (!pt_is_chunk_aligned(lay, list->at) ||
		                              !pt_is_writable(lists->d, list->at, lay->min_size)))
			break_list(lists, list, "a list leads out of memory");
		if (list->at != list->end)
			lists->all.at[kept++] = *list;
	}
	return lists->all.count = kept;
}

static void step(struct lists *lists, struct mem_piece *pieces, uint8_t *copies)
{
	const struct malloc_layout *lay = lists->d->lay;
	uint32_t len = NODE_WORDS * lay->word;

	for (size_t i = 0; i < lists->all.count; i++)
		pieces[i] = (struct mem_piece){ .addr = lists->all.at[i].at + lay->word,
			                        .buf = copies + i * len,
			                        .len = len };
	mem_gather(lists->d->mem, pieces, lists->all.count);
	for (size_t i = 0; i < lists->all.count; i++) {
		struct list *list = &lists->all.at[i];
		struct list_node node;

		if (pieces[i].status != MEM_OK) {
			break_list(lists, list, "a chunk in a list can't be read");
			continue;
		}
		node = parse_node(lay, list, copies + i * len);
		visit(lists, list, &node);
	}
}

bool lists_follow(struct lists *lists)
{
	size_t count = lists->all.count;
	struct mem_piece *pieces = region_alloc(lists->scratch, count * sizeof(*pieces));
	uint8_t *copies = region_alloc(lists->scratch, count * NODE_WORDS * sizeof(uint64_t));

	if (!pieces || !copies)
		return false;
	while (keep_running(lists)) {
		if (lists->budget && lists->nodes + lists->all.count > lists->budget)
			return false;
		step(lists, pieces, copies);
	}
	return true;
}

/* --- from links ------------------------------------------------------------------------------- */

static enum chunk_state state_of(enum list_kind kind)
{
	switch (kind) {
	case LIST_FAST:
		return CHUNK_FAST;
	case LIST_TCACHE:
		return CHUNK_TCACHE;
	case LIST_UNSORTED:
	case LIST_BIN:
		break;
	}
	return CHUNK_FREE;
}

/** Marks the link; why it can't be part of the list, or NULL. */
static const char *mark_link(struct chunk_link *link, enum chunk_state state)
{
	enum chunk_state was = chunk_link_state(link);

	if (state == CHUNK_FREE)
		return was == CHUNK_FREE ? NULL : "a chunk in use lies in a bin";
	if (was != CHUNK_IN_USE)
		return was == CHUNK_FREE ? "a free chunk lies in a fastbin or tcache"
		                         : "a chunk lies in two lists";
	chunk_link_set_state(link, state);
	return NULL;
}

static void follow_in_links(struct lists *lists, struct list *list, struct chunk_links *links)
{
	const struct malloc_layout *lay = lists->d->lay;
	enum chunk_state state = state_of(list->kind);

	list->prev = 0;
	while (list->at != list->end) {
		struct chunk_link *link = chunk_links_find(links, list->at);
		const char *why = link ? mark_link(link, state)
		                       : "a list leads to a chunk that the walk did not meet";
		struct list_node node;

		if (!link || why) {
			break_list(lists, list, why);
			return;
		}
		node = (struct list_node){ .size = chunk_link_size(link), .next = link->next };
		if (list->kind == LIST_TCACHE && node.next)
			node.next = pt_chunk_of_mem(lay, node.next);
		visit(lists, list, &node);
	}
}

bool lists_follow_links(struct lists *lists, struct chunk_links *links)
{
	for (size_t i = 0; i < lists->all.count; i++)
		follow_in_links(lists, &lists->all.at[i], links);
	lists->all.count = 0;
	return true;
}
