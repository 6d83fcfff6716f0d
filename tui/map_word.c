/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a word of a chunk is: a field of malloc's, a pointer to another chunk, the program's own. */
#include <inttypes.h>

#include "tui/view_map.h"

enum { ARENA_BYTES = 2200 /* of struct malloc_state, at most */ };

/* --- what is known of the chunk --------------------------------------------------------------- */

/* NULL until the answer to what is shown now is there. */
const struct window *map_answer(const struct map *map)
{
	const struct window *w = map->window;

	return w && w->asked.bytes_len && w->holder.size && w->holder.addr == map->state->chunk
	               ? w
	               : NULL;
}

/* Behind the last byte: the header of the chunk above belongs to the picture. */
uint64_t map_bytes_end(const struct map *map)
{
	const struct window *w = map_answer(map);

	return w ? w->holder.addr + w->holder.size + 2 * (uint64_t)w->word : map->state->chunk + 64;
}

bool map_byte_at(const struct window *w, uint64_t addr, uint8_t *ret)
{
	uint64_t at = addr - w->asked.bytes_at;

	if (addr < w->asked.bytes_at || at >= w->asked.bytes_len ||
	    w->status[at / WINDOW_GRANULE] != MEM_OK)
		return false;
	*ret = w->bytes[at];
	return true;
}

/* A word of the target, which is little-endian. */
bool map_word_at(const struct window *w, uint64_t addr, uint64_t *ret)
{
	uint8_t byte;

	*ret = 0;
	for (uint32_t i = 0; i < w->word; i++) {
		if (!map_byte_at(w, addr + i, &byte))
			return false;
		*ret |= (uint64_t)byte << 8 * i;
	}
	return true;
}

const struct window_link *map_link_at(const struct window *w, uint64_t addr)
{
	for (size_t i = 0; i < w->link_count; i++) {
		if (w->asked.bytes_at + w->links[i].at == addr)
			return &w->links[i];
	}
	return NULL;
}

/* Why a word can't be shown. */
static const char *absence(const struct window *w, uint64_t addr)
{
	uint64_t at = addr - w->asked.bytes_at;

	if (addr < w->asked.bytes_at || at >= w->asked.bytes_len)
		return "…";
	switch ((enum mem_status)w->status[at / WINDOW_GRANULE]) {
	case MEM_SWAPPED:
		return "swapped out: left alone";
	case MEM_UNMAPPED:
		return "not mapped";
	case MEM_GUARD:
		return "guard page";
	case MEM_DENIED:
		return "no permission";
	case MEM_GONE:
		return "the process has ended";
	case MEM_OK:
	case MEM_FAILED:
		break;
	}
	return "could not be read";
}

/* --- what a word is --------------------------------------------------------------------------- */

/* malloc's name for the word `index` of a chunk in a state; NULL: the program's own. */
static const char *field_name(const struct window_chunk *c, uint64_t index)
{
	static const char *const free_names[] = { "fd", "bk", "fd_nextsize", "bk_nextsize" };

	if (index == 0)
		return "prev_size";
	if (index == 1)
		return "size";
	if (c->state == CHUNK_FREE && index < (c->bin == WINDOW_BIN_LARGE ? 6u : 4u))
		return free_names[index - 2];
	if (c->state == CHUNK_FAST && index == 2)
		return "fd";
	if (c->state == CHUNK_TCACHE && index < 4)
		return index == 2 ? "next" : "key";
	return NULL;
}

static void add_flags(struct text *text, uint64_t raw)
{
	text_addf(text, "%s%s%s%s", raw & 7 ? " |" : "", raw & 1 ? " PREV_INUSE" : "",
	          raw & 2 ? " IS_MMAPPED" : "", raw & 4 ? " NON_MAIN_ARENA" : "");
}

/* Header words in malloc's terms. */
static void add_header(struct text *text, const struct window *w, uint64_t index, uint64_t value)
{
	char number[TEXT_NUMBER];

	if (index == 1) {
		text_addf(text, " %s B", text_count(number, value & ~(uint64_t)7));
		add_flags(text, value);
	} else if (w->holder.has_header && (w->holder.raw & 1)) {
		text_add(text, ": still the chunk before's memory");
	} else {
		text_addf(text, " %s B: the chunk before is free", text_count(number, value));
	}
}

static const char *arena_list(const struct map *map, char name[TEXT_NUMBER], uint64_t value)
{
	for (size_t i = 0; i < map->ms->arena_count; i++) {
		uint64_t addr = map->ms->arenas[i].addr;

		if (value >= addr && value - addr < ARENA_BYTES)
			return arena_name(name, map->ms, i);
	}
	return NULL;
}

static void add_link(struct text *text, const struct window_link *link)
{
	char addr[TEXT_NUMBER], size[TEXT_NUMBER];

	text_addf(text, "%s→ %s", text->len ? " " : "", text_addr(addr, link->chunk));
	if (link->value != link->chunk)
		text_addf(text, "+%" PRIu64, link->value - link->chunk);
	text_addf(text, " %s %s B%s", map_state_word(link->state), text_count(size, link->size),
	          link->is_revealed ? " (safe-linked)" : "");
}

/* All that there is to say of the word at `addr`. */
void map_describe(const struct map *map, const struct window *w, uint64_t addr, struct text *text)
{
	const struct window_chunk *c = &w->holder;
	uint64_t index = (addr - c->addr) / w->word, next = c->size / w->word, value;
	const struct window_link *link = map_link_at(w, addr);
	const char *name = index < next ? field_name(c, index) : NULL, *arena;
	char buf[TEXT_NUMBER];

	if (!map_word_at(w, addr, &value)) {
		text_add(text, absence(w, addr));
		return;
	}
	if (index == next)
		text_addf(text, c->state == CHUNK_FREE ? "next chunk's prev_size: this one's size"
		                                       : "last word: next chunk's prev_size field");
	if (index == next + 1) {
		text_addf(text, "next chunk's size %s B", text_count(buf, value & ~(uint64_t)7));
		add_flags(text, value);
		return;
	}
	if (name)
		text_add(text, name);
	if (name && index < 2) {
		add_header(text, w, index, value);
		return;
	}
	arena = arena_list(map, buf, value);
	if (link)
		add_link(text, link);
	else if (arena)
		text_addf(text, "%s→ arena %s's list of the bin", text->len ? " " : "", arena);
	else if (name && !value)
		text_add(text, " 0: none");
}

bool map_explain_word(const struct map *map, struct view_words *to)
{
	const struct window *w = map_answer(map);
	char addr[TEXT_NUMBER], count[TEXT_NUMBER], note[160];
	struct text text = text_in(note, sizeof(note));
	uint64_t value;

	if (!w)
		return false;
	text_addf(&to->title, "word at %s", text_addr(addr, map->state->word));
	map_describe(map, w, map->state->word, &text);
	if (note[0])
		text_addf(&to->body, "%s.\n", note);
	if (map_word_at(w, map->state->word, &value))
		text_addf(&to->body,
		          "Its value is 0x%" PRIx64 " (%s). It leads into no chunk, so there is "
		          "nothing to follow.\n",
		          value, text_count(count, value));
	text_add(&to->body,
	         "A word is taken for a pointer when its value lies in a chunk that the last walk "
	         "met: → marks it. The link of a tcache or fastbin entry is read as glibc 2.32 and "
	         "later store it, exclusive-ored with its own address shifted by 12.\n"
	         "Source: glibc malloc/malloc.c: struct malloc_chunk, tcache_entry, PROTECT_PTR");
	return true;
}
