/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the target's memory says of the chunks and bytes that a view looks at: headers, bins, links.
 * Chunks come from a walk that is over; what is read here may be newer, so nothing relies on it.
 */
#include "model/base/vec.h"
#include "model/glibc/pt_header.h"

enum {
	PAGE = 4096,
	HEADERS_AT_ONCE = 256,
	UNSORTED_MAX = 4096, /* nodes of one arena's list that are followed */
};

/* --- headers -------------------------------------------------------------------------------------- */

static void read_headers(const struct decode *d, struct window_chunk *chunks, size_t count)
{
	uint8_t words[HEADERS_AT_ONCE][16];
	struct mem_piece pieces[HEADERS_AT_ONCE];
	const struct malloc_layout *lay = d->lay;

	for (size_t from = 0; from < count; from += HEADERS_AT_ONCE) {
		size_t n = count - from < HEADERS_AT_ONCE ? count - from : HEADERS_AT_ONCE;

		for (size_t i = 0; i < n; i++)
			pieces[i] = (struct mem_piece){ .addr = chunks[from + i].addr,
				                        .buf = words[i],
				                        .len = 2 * lay->word };
		mem_gather(d->mem, pieces, n);
		for (size_t i = 0; i < n; i++) {
			struct window_chunk *c = &chunks[from + i];

			c->has_header = pieces[i].status == MEM_OK;
			if (!c->has_header)
				continue;
			c->prev_size = pt_word(lay, words[i]);
			c->raw = pt_word(lay, words[i] + lay->word);
		}
	}
}

/* --- bins ----------------------------------------------------------------------------------------- */

static uint32_t fastbin_of(const struct malloc_layout *lay, uint64_t size)
{
	uint32_t i = 0;

	while (i + 1 < lay->fastbins && glibc_fastbin_size(lay, i) < size)
		i++;
	return i;
}

/* For the large classes of 2.42 a bin's size is its smallest chunk's. */
static uint32_t tcache_bin_of(const struct malloc_layout *lay, uint64_t size)
{
	uint32_t i = 0;

	while (i + 1 < lay->tcache.bins && glibc_tcache_size(lay, i + 1) <= size)
		i++;
	return i;
}

static struct window_chunk *find_listed(struct window *w, uint64_t addr)
{
	const struct window_chunk *found = window_chunk_at(w, addr);

	return found && found->addr == addr ? &w->chunks[found - w->chunks] : NULL;
}

static void mark_unsorted(struct window *w, uint64_t addr)
{
	struct window_chunk *c = find_listed(w, addr);

	if (c && c->state == CHUNK_FREE)
		c->bin = WINDOW_BIN_UNSORTED;
	if (w->holder.size && w->holder.addr == addr && w->holder.state == CHUNK_FREE)
		w->holder.bin = WINDOW_BIN_UNSORTED;
}

/* Marks the chunks of an arena's unsorted list; true when the list was followed to its end. */
static bool follow_unsorted(const struct decode *d, const struct arena *arena, struct window *w)
{
	const struct malloc_layout *lay = d->lay;
	uint64_t end = pt_bin_addr(lay, arena->addr, 1), at;
	uint8_t word[8];

	if (!mem_read_all(d->mem, end + 2 * (uint64_t)lay->word, word, lay->word))
		return false;
	at = pt_word(lay, word);
	for (unsigned i = 0; i < UNSORTED_MAX && at != end; i++) {
		if (!pt_is_chunk_aligned(lay, at) || !pt_is_writable(d, at, lay->min_size) ||
		    !mem_read_all(d->mem, pt_mem(lay, at), word, lay->word))
			return false;
		mark_unsorted(w, at);
		at = pt_word(lay, word);
	}
	return at == end;
}

static void settle_bin(const struct malloc_layout *lay, bool has_unsorted, struct window_chunk *c)
{
	switch (c->state) {
	case CHUNK_FREE:
		c->bin_index = glibc_bin_index(lay, c->size);
		if (c->bin == WINDOW_BIN_UNSORTED)
			c->bin_index = 1;
		else if (!has_unsorted)
			c->bin = WINDOW_BIN_UNKNOWN;
		else
			c->bin = c->bin_index < 64 ? WINDOW_BIN_SMALL : WINDOW_BIN_LARGE;
		break;
	case CHUNK_FAST:
		c->bin = WINDOW_BIN_FAST;
		c->bin_index = fastbin_of(lay, c->size);
		break;
	case CHUNK_TCACHE:
		c->bin = WINDOW_BIN_TCACHE;
		c->bin_index = tcache_bin_of(lay, c->size);
		break;
	case CHUNK_IN_USE:
	case CHUNK_TOP:
	case CHUNK_FENCEPOST:
	case CHUNK_MMAPPED:
	case CHUNK_STATE_COUNT:
		c->bin = WINDOW_BIN_NONE;
		break;
	}
}

/* Chunks of a list lie in one heap, and so in one arena. */
static void find_bins(const struct decode *d, const struct malloc_state *ms, struct window *w)
{
	int index = w->holder.size ? w->holder.arena : w->chunk_count ? w->chunks[0].arena : -1;
	bool is_followed = false;

	if (index >= 0 && (size_t)index < ms->arena_count)
		is_followed = follow_unsorted(d, &ms->arenas[index], w);
	for (size_t i = 0; i < w->chunk_count; i++)
		settle_bin(d->lay, is_followed && w->chunks[i].arena == index, &w->chunks[i]);
	if (w->holder.size)
		settle_bin(d->lay, is_followed, &w->holder);
}

/* --- bytes ---------------------------------------------------------------------------------------- */

/* Reads what is there; a page that is not leaves its status. */
static void read_bytes(const struct decode *d, struct window *w)
{
	uint32_t at = 0, len = w->asked.bytes_len;

	while (at < len) {
		enum mem_status status = MEM_OK;
		size_t got =
		        mem_read(d->mem, w->asked.bytes_at + at, w->bytes + at, len - at, &status);
		uint64_t next = align_down(w->asked.bytes_at + at + got, PAGE) + PAGE;

		at += (uint32_t)got;
		if (at >= len)
			return;
		for (; at < len && w->asked.bytes_at + at < next; at++) {
			w->bytes[at] = 0;
			w->status[at / WINDOW_GRANULE] = (uint8_t)status;
		}
	}
}

/* Where cached chunks keep their mangled link: the first word of user memory. */
static bool is_mangled(const struct decode *d, const struct window *w, uint64_t addr)
{
	const struct window_chunk *c = &w->holder;

	return d->lay->safe_linking && c->size &&
	       (c->state == CHUNK_FAST || c->state == CHUNK_TCACHE) &&
	       addr == pt_mem(d->lay, c->addr);
}

/* Words that could be pointers into malloc's memory; window_resolve() drops those that are not. */
static void find_links(const struct decode *d, struct window *w)
{
	const struct malloc_layout *lay = d->lay;
	uint32_t first = (uint32_t)(align_up(w->asked.bytes_at, lay->word) - w->asked.bytes_at);

	for (uint32_t at = first; at + lay->word <= w->asked.bytes_len; at += lay->word) {
		struct window_link link = { .at = at, .value = pt_word(lay, w->bytes + at) };
		uint64_t addr = w->asked.bytes_at + at;

		if (w->status[at / WINDOW_GRANULE] != MEM_OK)
			continue;
		if (is_mangled(d, w, addr)) {
			link.value = glibc_reveal(lay, addr, link.value);
			link.is_revealed = true;
		}
		if (link.value >= PAGE)
			w->links[w->link_count++] = link;
	}
}

/* --- all of it -------------------------------------------------------------------------------------- */

struct range_list {
	struct mem_range *at;
	size_t count;
};

/* Residency of the scope, as far as the bounds allow. */
static struct range_list read_pages(const struct decode *d, struct region *scratch,
                                    const struct window_request *asked)
{
	uint64_t at = align_down(asked->scope_start, PAGE), end = asked->scope_end;
	VEC(struct mem_range) ranges = { 0 };
	struct mem_range some[256];

	while (at < end && ranges.count < WINDOW_RANGES_MAX) {
		size_t n = mem_pages(d->mem, at, align_up(end, PAGE), some,
		                     sizeof(some) / sizeof(some[0]));

		for (size_t i = 0; i < n; i++) {
			struct mem_range *range = VEC_ADD(scratch, &ranges);

			if (!range)
				return (struct range_list){ 0 };
			*range = some[i];
		}
		if (!n || some[n - 1].end <= at)
			break;
		at = some[n - 1].end;
	}
	return (struct range_list){ ranges.at, ranges.count };
}

bool pt_window(const struct decode *d, const struct malloc_state *ms,
               const struct chunk_spool *spool, const struct window_request *request,
               struct window *ret)
{
	const struct window_rules rules = {
		.page = PAGE,
		.word = d->lay->word,
		.min_large = d->lay->min_large,
		.chunk_header = 6 * (uint64_t)d->lay->word,
	};
	struct region *scratch = region_new();
	struct range_list pages;
	bool ok = scratch && window_init(d->region, request, &rules, ret);

	if (ok) {
		pages = read_pages(d, scratch, &ret->asked);
		window_digest(spool, pages.at, pages.count, &rules, ret);
		read_headers(d, ret->chunks, ret->chunk_count);
		if (ret->holder.size)
			read_headers(d, &ret->holder, 1);
		find_bins(d, ms, ret);
		read_bytes(d, ret);
		find_links(d, ret);
		window_resolve(spool, ret);
		ret->walk_taken_ns = ms->walk_taken_ns;
	}
	region_free(scratch);
	return ok;
}
