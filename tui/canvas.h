/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_CANVAS_H
#define HEAPTOP_TUI_CANVAS_H

/**
 * A grid of cells that views draw on: one character and one style role each. Knows no terminal, no
 * colour, no clock; the same grid is shown by term.c, dumped as text by tests and pictures.
 * Everything is clipped; drawing outside is harmless.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/roles.h"

struct cell {
	char utf8
	        [8]; /* one character with its combining marks, NUL-terminated; "" right half of a wide one */
	uint8_t width; /* columns: 1, 2, or 0 (right half) */
	uint8_t role;  /* enum role */
};

/* What charts, bars and lines are made of, best first. */
enum symbols {
	SYMBOLS_BRAILLE, /* all there is */
	SYMBOLS_BLOCK,   /* charts in eighths of a cell */
	SYMBOLS_HALF,    /* what the Linux console's font has: halves, shades, single lines */
	SYMBOLS_ASCII,
};

struct canvas {
	int width, height;
	struct cell *cells; /* row-major */
	bool ascii;         /* the terminal can't show more: shades and lines fall back */
	uint8_t symbols;    /* enum symbols */
};

/** A window on a canvas; coordinates are relative to it. Passed by value. */
struct area {
	struct canvas *canvas;
	int x, y, width, height;
};

bool canvas_init(struct canvas *canvas, int width, int height);
void canvas_fini(struct canvas *canvas);
/** For all that is drawn from now on. */
void canvas_use_symbols(struct canvas *canvas, enum symbols symbols);
void canvas_clear(struct canvas *canvas);
struct area canvas_area(struct canvas *canvas);

/** A part of an area, clipped to it; width or height -1: up to the edge. */
struct area area_part(struct area area, int x, int y, int width, int height);

/** The cell at a place of an area; NULL outside. */
struct cell *area_cell(struct area area, int x, int y);

/**
 * Text in one role; returns the columns used. `text` is trusted UTF-8 of ours, or comes from
 * text_clean(): raw foreign bytes never get here. Cut at the area's edge with `…` when it is longer.
 */
int draw_text(struct area area, int x, int y, enum role role, const char *text);
int draw_textf(struct area area, int x, int y, enum role role, const char *format, ...)
        __attribute__((format(printf, 5, 6)));
/** Right-aligned so that it ends before column `x_end`. */
int draw_right(struct area area, int x_end, int y, enum role role, const char *text);
void draw_fill(struct area area, int x, int y, int width, enum role role, const char *utf8);
/** Changes the role of cells already drawn (selection bars). */
void draw_role(struct area area, int x, int y, int width, enum role role);

/**
 * Lines join by themselves: wherever two of them meet or end beside one another the junction is
 * drawn, in whatever order they come. Only cells in a frame role take part, text never does.
 */
/** A frame with rounded corners (ASCII: + - |). */
void draw_frame(struct area area, enum role role);
/**
 * A horizontal divider across the area's full width with a title in it and one at its right end;
 * both may be NULL. The right one is left out when there is no room for both.
 */
void draw_divider(struct area area, int y, const char *title, const char *right);
/** A vertical line of `height` rows (-1: down to the edge), joined to the lines above and below. */
void draw_vertical(struct area area, int x, int y, int height);

/** A gauge of `width` cells, `permille` full, in eighths of a cell. */
void draw_gauge(struct area area, int x, int y, int width, unsigned permille, enum role fill);
/** One of the five shades █ ▓ ▒ ░ · (0 … 4) or its ASCII fallback. */
const char *shade(const struct canvas *canvas, unsigned level);

/** Two planes as text for tests: glyphs, then role letters. Free with free(). */
char *canvas_dump(const struct canvas *canvas, bool with_roles);

/** Columns that a clean UTF-8 text takes. */
int text_columns(const char *text);

/**
 * The one way in for foreign bytes: at most `size` - 1 bytes of UTF-8 in `to`, control, escape,
 * bidirectional and invalid sequences made visible (`?` or ^X), never raw. Returns `to`.
 */
char *text_clean(char *to, size_t size, const char *from, size_t len);

#endif
