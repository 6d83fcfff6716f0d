/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_VIEW_MAP_H
#define HEAPTOP_TUI_VIEW_MAP_H

/* Private to view_map.c and map_*.c: a heap in cells, its chunks, the bytes of one. */
#include "tui/view.h"
#include "tui/view_parts.h"

/* --- map_scope.c: what can be shown ------------------------------------------------------------- */

enum { MAP_SCOPE_NAME = 64 };

/* A heap of an arena, or a mmapped chunk. */
struct map_scope {
	uint64_t start, end;
	int arena;   /* index; -1: mmapped */
	size_t heap; /* number within the arena, or of the mmapped chunk; from 0 */
	size_t of;   /* how many the arena has, or mmapped chunks */
};

size_t map_scope_count(const struct malloc_state *ms);
bool map_scope_at(const struct malloc_state *ms, size_t index, struct map_scope *ret);

/** The scope that holds an address; its index, or map_scope_count(). */
size_t map_scope_find(const struct malloc_state *ms, uint64_t addr, struct map_scope *ret);

/** "main", "#2 heap 1 of 3", "mmapped chunk 4 of 11". */
char *map_scope_name(char buf[MAP_SCOPE_NAME], const struct malloc_state *ms,
                     const struct map_scope *scope);

/* --- map_cells.c: the map itself ---------------------------------------------------------------- */

/* What the parts of the view draw from. */
struct map {
	const struct view_frame *frame;
	const struct malloc_state *ms;
	const struct window *window; /* NULL: not read yet */
	struct map_state *state;
	struct map_scope scope;
	uint64_t cell; /* bytes */
};

/** Address at the left, cells to the right; the last row is the whole heap in one line. */
void map_draw_cells(const struct map *map, struct area area);

/** Columns left of the cells. */
enum { MAP_ADDRESS = 14 };

/** True where cells are smaller than any chunk: they show single chunks. */
bool map_shows_chunks(const struct map *map);

/* What is known of some bytes of the scope. */
struct map_sum {
	struct window_cell cell;
	uint64_t bytes; /* that it is the sum of */
	uint64_t known; /* of them in chunks */
	bool has_pages; /* resident and swapped are known */
	bool is_coarse; /* of a larger piece around: the finer reading is under way */
};

/** False when nothing is known of [addr, addr + bytes). */
bool map_sum(const struct map *map, uint64_t addr, uint64_t bytes, struct map_sum *ret);

/* --- map_command.c ------------------------------------------------------------------------------- */

enum { MAP_CELL_LEAST = 4096 }; /* unless single chunks are shown */

/** Heaps and layers: in each mode. */
bool map_any_command(const struct map *map, enum command_id command);
bool map_cells_command(const struct map *map, enum command_id command);
/** Lists the chunks from the cursor on. */
void map_open_chunks(const struct map *map);

/* --- map_detail.c: below the map ---------------------------------------------------------------- */

void map_draw_legend(const struct map *map, struct area area);
void map_draw_cell(const struct map *map, struct area area);
void map_draw_classes(const struct map *map, struct area area);

/** The legend in one line, for the status row. */
void map_short_legend(const struct map *map, char *to, size_t size);

/* --- map_chunks.c, map_bytes.c ------------------------------------------------------------------ */

void map_draw_chunks(const struct map *map, struct area area);
bool map_chunks_command(const struct map *map, enum command_id command);
void map_request_chunks(const struct map *map, struct window_request *request);

void map_draw_bytes(const struct map *map, struct area area);
bool map_bytes_command(const struct map *map, enum command_id command);
void map_request_bytes(const struct map *map, struct window_request *request);
/** Shows the bytes of a chunk; `word`: where the cursor goes, 0 to its first word. */
void map_open_bytes(struct map_state *state, uint64_t chunk, uint64_t word);
/** Enter on a word: follows it; false: it leads nowhere. */
bool map_follow(const struct map *map);

/* --- map_word.c: one word of a chunk ------------------------------------------------------------- */

/** NULL until the bytes of the chunk that is shown now are there. */
const struct window *map_answer(const struct map *map);
/** Behind the last byte shown: the header of the chunk above belongs to the picture. */
uint64_t map_bytes_end(const struct map *map);
/** False where it is not readable. Words are little-endian. */
bool map_byte_at(const struct window *w, uint64_t addr, uint8_t *ret);
bool map_word_at(const struct window *w, uint64_t addr, uint64_t *ret);
const struct window_link *map_link_at(const struct window *w, uint64_t addr);
/** All that there is to say of the word at `addr`: field, size, where it leads; or why not. */
void map_describe(const struct map *map, const struct window *w, uint64_t addr, struct text *text);
/** What the word under the cursor is, in words. */
bool map_explain_word(const struct map *map, struct view_words *to);

/* --- words -------------------------------------------------------------------------------------- */

/** "in use", "free", "tcache", … and the role it is drawn in. */
const char *map_state_word(enum chunk_state state);
enum role map_state_role(enum chunk_state state);

/** "small 0x110", "tcache 0x20", "unsorted", "-", "?": `buf` is returned. */
char *map_bin_word(char buf[TEXT_NUMBER], const struct window_chunk *chunk);

/** The size word's bits: "P" PREV_INUSE, "M" IS_MMAPPED, "A" NON_MAIN_ARENA; "-" none, "?" unknown. */
char *map_flag_word(char buf[TEXT_NUMBER], const struct window_chunk *chunk);

/** What a view that has nothing to show yet waits for. */
void map_waiting(const struct map *map, char *to, size_t size);

#endif
