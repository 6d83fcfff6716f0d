/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_MAP_STATE_H
#define HEAPTOP_TUI_MAP_STATE_H

/** What the heap map remembers between frames; part of struct view_state, for view_map.c and map_*.c. */
#include <stdbool.h>
#include <stdint.h>

#include "model/facts/window.h"

/* What a cell's sign and colour mean. */
enum map_layer { MAP_USE, MAP_RESIDENT, MAP_BIN, MAP_PAGE, MAP_LAYER_COUNT };

enum map_mode { MAP_CELLS, MAP_CHUNKS, MAP_BYTES };

enum { MAP_TRAIL = 32 };

/* A chunk whose bytes were on screen, and the word under the cursor there. */
struct map_place {
	uint64_t chunk, word;
};

struct map_state {
	uint64_t jump;   /* in: an address to go to; 0: none */
	uint64_t scope;  /* start of the heap that is shown; 0: the first */
	uint64_t cell;   /* bytes of a cell; 0: the heap fits on the screen */
	uint64_t cursor; /* address under the cursor of the map */
	uint64_t top;    /* address of the first cell shown */
	uint8_t layer, mode;
	bool wants_chunks; /* the list has been opened: it is kept at hand */

	uint64_t anchor;      /* the list of chunks is asked for around this address … */
	bool is_seeking;      /* … which is to be selected when the answer is there */
	uint64_t chunk, word; /* whose bytes are shown, and the word under the cursor there */
	uint64_t first_byte;  /* address of the first row of bytes */
	struct map_place trail[MAP_TRAIL]; /* chunks that were left by following a pointer */
	int trail_len;

	/* as drawn last */
	uint64_t fit;         /* bytes of a cell that make the heap fit */
	int columns, rows;    /* of cells */
	int words, byte_rows; /* words in a row, rows of bytes */
	uint32_t word_bytes;
	struct window_request request;
	bool has_request;
};

#endif
