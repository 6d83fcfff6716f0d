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
};

/* --- drawing ---------------------------------------------------------------------------------- */

static void draw_word(const struct map *map, const struct window *w, uint64_t addr, int x,
                      struct area row)
{
	enum role role = map_link_at(w, addr) ? ROLE_ADDRESS : ROLE_TEXT;
	char hex[3];
	uint8_t byte;

	if ((addr - w->holder.addr) / w->word < 2 || addr >= w->holder.addr + w->holder.size)
		role = ROLE_TEXT_STRONG;
	for (uint32_t i = 0; i < w->word; i++) {
		bool is_there = map_byte_at(w, addr + i, &byte);

		(void)snprintf(hex, sizeof(hex), "%02x", is_there ? byte : 0);
		draw_text(row, x + 3 * (int)i, 0, is_there ? role : ROLE_TEXT_DIM,
		          is_there ? hex : "??");
	}
	if (addr == map->state->word)
		draw_role(row, x, 0, 3 * (int)w->word - 1, ROLE_SELECT);
}

static void draw_text_of(const struct window *w, uint64_t addr, int x, struct area row)
{
	char sign[2];
	uint8_t byte;

	for (uint32_t i = 0; i < w->word; i++) {
		bool is_text = map_byte_at(w, addr + i, &byte) && byte >= ' ' && byte < 0x7f;

		(void)snprintf(sign, sizeof(sign), "%c", is_text ? byte : '.');
		draw_text(row, x + (int)i, 0, is_text ? ROLE_TEXT : ROLE_TEXT_DIM, sign);
	}
}

static void draw_row(const struct map *map, const struct window *w, uint64_t addr, struct area row)
{
	int words = map->state->words, hex = 3 * (int)w->word;
	int text_at = HEX_AT + words * (hex + 1), note_at = text_at + words * (int)w->word + 2;
	uint64_t end = map_bytes_end(map);
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
		map_describe(map, w, at, &text);
		draw_text(area_part(row, note_at + i * room, 0, room - (words > 1), 1), 0, 0,
		          map_link_at(w, at) ? ROLE_ADDRESS : ROLE_TEXT_DIM, note);
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

	if (map_word_at(w, map->state->word, &value))
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
	map_describe(map, w, map->state->word, &text);
	draw_labelled(area, 1, VALUE_AT, 2, "is", note[0] ? note : "the program's own data");
	draw_text(area, 1, 3, ROLE_TEXT_DIM,
	          map_link_at(w, map->state->word)
	                  ? "Enter follows the pointer; Esc comes back"
	                  : "→ marks words that lead to chunks: Enter follows one, Esc comes back");
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
	uint64_t row = (uint64_t)s->words * s->word_bytes, end = map_bytes_end(map), at;

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
	const struct window *w = map_answer(map);
	struct map_state *s = map->state;
	bool has_facts = area.height >= 14;
	struct area upper = take_rows(&area, area.height - (has_facts ? FACT_ROWS : 0));
	char title[160], right[64] = "Enter: follow   Esc: back";

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
		(void)snprintf(right, sizeof(right), "followed %d   Esc: back", s->trail_len);
	upper = pane_area(upper, title, right);
	for (int y = 0; y < upper.height; y++) {
		uint64_t addr = s->first_byte + (uint64_t)y * (uint64_t)s->words * w->word;

		if (addr >= map_bytes_end(map))
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
	const struct window *w = map_answer(map);
	const struct window_link *link = w ? map_link_at(w, map->state->word) : NULL;
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

static bool move_words(const struct map *map, int64_t words)
{
	struct map_state *s = map->state;
	uint64_t index = (s->word - s->chunk) / s->word_bytes;
	uint64_t last = (map_bytes_end(map) - s->chunk) / s->word_bytes - 1;

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
