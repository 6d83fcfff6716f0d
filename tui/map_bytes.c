/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bytes of a chunk: one word to a row (two where there is room), what it is, where it leads. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "model/base/units.h"
#include "tui/view_map.h"

enum {
	HEX_AT = 15,
	TWO_WORDS = 150, /* columns from which a row holds two words */
	PIECE = 1024,    /* what is asked for moves by so much */
	FACT_ROWS = 5,
	ARENA_BYTES = 2200, /* of struct malloc_state, at most */
};

/* --- what is known of the chunk --------------------------------------------------------------- */

/* NULL until the answer to what is shown now is there. */
static const struct window *answer(const struct map *map)
{
	const struct window *w = map->window;

	return w && w->asked.bytes_len && w->holder.size && w->holder.addr == map->state->chunk
	               ? w
	               : NULL;
}

/* Behind the last byte: the header of the chunk above belongs to the picture. */
static uint64_t end_of(const struct map *map)
{
	const struct window *w = answer(map);

	return w ? w->holder.addr + w->holder.size + 2 * (uint64_t)w->word : map->state->chunk + 64;
}

static bool byte_at(const struct window *w, uint64_t addr, uint8_t *ret)
{
	uint64_t at = addr - w->asked.bytes_at;

	if (addr < w->asked.bytes_at || at >= w->asked.bytes_len ||
	    w->status[at / WINDOW_GRANULE] != MEM_OK)
		return false;
	*ret = w->bytes[at];
	return true;
}

/* A word of the target, which is little-endian. */
static bool word_at(const struct window *w, uint64_t addr, uint64_t *ret)
{
	uint8_t byte;

	*ret = 0;
	for (uint32_t i = 0; i < w->word; i++) {
		if (!byte_at(w, addr + i, &byte))
			return false;
		*ret |= (uint64_t)byte << 8 * i;
	}
	return true;
}

static const struct window_link *link_at(const struct window *w, uint64_t addr)
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
static void describe(const struct map *map, const struct window *w, uint64_t addr,
                     struct text *text)
{
	const struct window_chunk *c = &w->holder;
	uint64_t index = (addr - c->addr) / w->word, next = c->size / w->word, value;
	const struct window_link *link = link_at(w, addr);
	const char *name = index < next ? field_name(c, index) : NULL, *arena;
	char buf[TEXT_NUMBER];

	if (!word_at(w, addr, &value)) {
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

/* --- drawing ---------------------------------------------------------------------------------- */

static void draw_word(const struct map *map, const struct window *w, uint64_t addr, int x,
                      struct area row)
{
	enum role role = link_at(w, addr) ? ROLE_ADDRESS : ROLE_TEXT;
	char hex[3];
	uint8_t byte;

	if ((addr - w->holder.addr) / w->word < 2 || addr >= w->holder.addr + w->holder.size)
		role = ROLE_TEXT_STRONG;
	for (uint32_t i = 0; i < w->word; i++) {
		bool is_there = byte_at(w, addr + i, &byte);

		(void)snprintf(hex, sizeof(hex), "%02x", is_there ? byte : 0);
		draw_text(row, x + 3 * (int)i, 0, is_there ? role : ROLE_TEXT_DIM,
		          is_there ? hex : "??");
	}
	if (addr == map->state->word)
		draw_role(row, x, 0, 3 * (int)w->word - 1, ROLE_SELECT);
}

static void draw_text_of(const struct window *w, uint64_t addr, int x, struct area row)
{
	char sign[2] = ".";
	uint8_t byte;

	for (uint32_t i = 0; i < w->word; i++) {
		bool is_text = byte_at(w, addr + i, &byte) && byte >= ' ' && byte < 0x7f;

		sign[0] = is_text ? (char)byte : '.';
		draw_text(row, x + (int)i, 0, is_text ? ROLE_TEXT : ROLE_TEXT_DIM, sign);
	}
}

static void draw_row(const struct map *map, const struct window *w, uint64_t addr, struct area row)
{
	int words = map->state->words, hex = 3 * (int)w->word;
	int text_at = HEX_AT + words * (hex + 1), note_at = text_at + words * (int)w->word + 2;
	uint64_t end = end_of(map);
	char buf[TEXT_NUMBER], note[160];

	draw_text(row, 2, 0, ROLE_ADDRESS, text_addr(buf, addr));
	for (int i = 0; i < words; i++) {
		uint64_t at = addr + (uint64_t)i * w->word;
		int room = (row.width - note_at) / words;
		struct text text = text_in(note, sizeof(note));

		if (at >= end)
			break;
		draw_word(map, w, at, HEX_AT + i * (hex + 1), row);
		draw_text_of(w, at, text_at + i * (int)w->word, row);
		describe(map, w, at, &text);
		draw_text(area_part(row, note_at + i * room, 0, room - (words > 1), 1), 0, 0,
		          link_at(w, at) ? ROLE_ADDRESS : ROLE_TEXT_DIM, note);
		if (at == map->state->word)
			draw_text(area_part(row, 1, 0, 1, 1), 0, 0, ROLE_SELECT, "▶");
	}
}

static void draw_facts(const struct map *map, const struct window *w, struct area area)
{
	enum { VALUE_AT = 10 };
	char a[TEXT_NUMBER], line[200], note[160];
	struct text text = text_in(note, sizeof(note));
	uint64_t value;

	if (word_at(w, map->state->word, &value))
		(void)snprintf(line, sizeof(line), "0x%" PRIx64 "   %s", value,
		               text_count(a, value));
	else
		(void)snprintf(line, sizeof(line), "?");
	draw_labelled(area, 1, VALUE_AT, 0, "word", line);
	(void)snprintf(line, sizeof(line), "%s, byte %" PRIu64 " of the chunk, %s",
	               text_addr(a, map->state->word), map->state->word - w->holder.addr,
	               map->state->word < w->holder.addr + 2 * (uint64_t)w->word
	                       ? "in its header"
	                       : "in user memory");
	draw_labelled(area, 1, VALUE_AT, 1, "at", line);
	describe(map, w, map->state->word, &text);
	draw_labelled(area, 1, VALUE_AT, 2, "is", note[0] ? note : "the program's own data");
	draw_text(area, 1, 3, ROLE_TEXT_DIM,
	          link_at(w, map->state->word)
	                  ? "↵ follows the pointer; Esc comes back"
	                  : "→ marks words that lead to chunks: ↵ follows one, Esc comes back");
}

static void title_of(const struct map *map, const struct window *w, char *to, size_t size)
{
	const struct window_chunk *c = &w->holder;
	char addr[TEXT_NUMBER], bytes[TEXT_NUMBER], bin[TEXT_NUMBER], arena[TEXT_NUMBER];

	map_bin_word(bin, c);
	(void)snprintf(to, size, "chunk %s · %s B · %s%s%s%s · %s%s", text_addr(addr, c->addr),
	               text_count(bytes, c->size), map_state_word(c->state),
	               bin[0] == '-' ? "" : " (", bin[0] == '-' ? "" : bin,
	               bin[0] == '-' ? "" : ")", c->arena < 0 ? "" : "arena ",
	               c->arena < 0 ? "a mapping of its own"
	                            : arena_name(arena, map->ms, (size_t)c->arena));
}

/* Keeps the cursor inside the chunk and on the screen. */
static void settle(const struct map *map, int rows)
{
	struct map_state *s = map->state;
	uint64_t row = (uint64_t)s->words * s->word_bytes, end = end_of(map), at;

	s->byte_rows = rows;
	if (s->word < s->chunk)
		s->word = s->chunk;
	if (s->word >= end)
		s->word = end - s->word_bytes;
	s->word = s->chunk + (s->word - s->chunk) / s->word_bytes * s->word_bytes;
	at = s->chunk + (s->word - s->chunk) / row * row;
	if (s->first_byte < s->chunk || s->first_byte > at)
		s->first_byte = at;
	s->first_byte = s->chunk + (s->first_byte - s->chunk) / row * row;
	if (rows > 0 && at >= s->first_byte + (uint64_t)rows * row)
		s->first_byte = at - (uint64_t)(rows - 1) * row;
}

void map_draw_bytes(const struct map *map, struct area area)
{
	const struct window *w = answer(map);
	struct map_state *s = map->state;
	bool has_facts = area.height >= 14;
	struct area upper = take_rows(&area, area.height - (has_facts ? FACT_ROWS : 0));
	char title[160], right[64] = "↵ follow   Esc back";

	s->words = upper.width >= TWO_WORDS ? 2 : 1;
	s->word_bytes = w ? w->word : s->word_bytes ? s->word_bytes : 8;
	settle(map, upper.height > 1 ? upper.height - 1 : 1);
	if (!w) {
		map_waiting(map, title, sizeof(title));
		(void)draw_wrapped(pane_area(upper, "bytes of a chunk", NULL), 0, ROLE_TEXT_DIM,
		                   title);
		return;
	}
	title_of(map, w, title, sizeof(title));
	if (s->trail_len)
		(void)snprintf(right, sizeof(right), "followed %d   Esc back", s->trail_len);
	upper = pane_area(upper, title, right);
	for (int y = 0; y < upper.height; y++) {
		uint64_t addr = s->first_byte + (uint64_t)y * (uint64_t)s->words * w->word;

		if (addr >= end_of(map))
			break;
		draw_row(map, w, addr, area_part(upper, 0, y, -1, 1));
	}
	if (has_facts)
		draw_facts(map, w, pane_area(area, "word under the cursor", NULL));
}

/* --- moving, following ------------------------------------------------------------------------ */

void map_request_bytes(const struct map *map, struct window_request *request)
{
	const struct map_state *s = map->state;
	uint64_t piece = s->first_byte > s->chunk ? (s->first_byte - s->chunk) / PIECE : 0;

	request->bytes_at = s->chunk + (piece ? piece - 1 : 0) * PIECE;
	request->bytes_len = WINDOW_BYTES_MAX;
}

void map_open_bytes(struct map_state *s, uint64_t chunk, uint64_t word)
{
	s->mode = MAP_BYTES;
	s->chunk = chunk;
	s->word = word ? word : chunk;
	s->first_byte = chunk;
}

bool map_follow(const struct map *map)
{
	const struct window *w = answer(map);
	const struct window_link *link = w ? link_at(w, map->state->word) : NULL;
	struct map_state *s = map->state;

	if (!link)
		return false;
	if (s->trail_len == MAP_TRAIL) {
		memmove(s->trail, s->trail + 1, (MAP_TRAIL - 1) * sizeof(s->trail[0]));
		s->trail_len--;
	}
	s->trail[s->trail_len++] = (struct map_place){ s->chunk, s->word };
	map_open_bytes(s, link->chunk, link->value / w->word * w->word);
	return true;
}

bool map_explain_word(const struct map *map, struct view_words *to)
{
	const struct window *w = answer(map);
	char addr[TEXT_NUMBER], count[TEXT_NUMBER], note[160];
	struct text text = text_in(note, sizeof(note));
	uint64_t value;

	if (!w)
		return false;
	text_addf(&to->title, "word at %s", text_addr(addr, map->state->word));
	describe(map, w, map->state->word, &text);
	if (note[0])
		text_addf(&to->body, "%s.\n", note);
	if (word_at(w, map->state->word, &value))
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

static bool move_words(const struct map *map, int64_t words)
{
	struct map_state *s = map->state;
	uint64_t index = (s->word - s->chunk) / s->word_bytes;
	uint64_t last = (end_of(map) - s->chunk) / s->word_bytes - 1;

	if (words < 0)
		index -= min_u64(index, (uint64_t)0 - (uint64_t)words);
	else
		index = min_u64(index + (uint64_t)words, last);
	s->word = s->chunk + index * s->word_bytes;
	return true;
}

bool map_bytes_command(const struct map *map, enum command_id command)
{
	int64_t row = map->state->words,
	        page = row * (map->state->byte_rows > 1 ? map->state->byte_rows - 1 : 1);

	if (!map->state->word_bytes)
		return false;
	switch ((int)command) {
	case CMD_LEFT:
		return move_words(map, -1);
	case CMD_RIGHT:
		return move_words(map, 1);
	case CMD_UP:
		return move_words(map, -row);
	case CMD_DOWN:
		return move_words(map, row);
	case CMD_PAGE_UP:
		return move_words(map, -page);
	case CMD_PAGE_DOWN:
		return move_words(map, page);
	case CMD_FIRST:
		return move_words(map, INT64_MIN + 1);
	case CMD_LAST:
		return move_words(map, INT64_MAX);
	default:
		return false;
	}
}
