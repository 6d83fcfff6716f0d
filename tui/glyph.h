/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_GLYPH_H
#define HEAPTOP_TUI_GLYPH_H

/**
 * One character as a cell holds it: a base character with its combining marks. Widths come from
 * the Unicode tables of utf8proc, not from the locale, so that a canvas is the same everywhere;
 * term.c reconciles them with what the terminal's C library thinks.
 */
#include <stdbool.h>
#include <stdint.h>

struct glyph {
	char utf8[8];  /* NUL-terminated */
	uint8_t width; /* columns: 1 or 2 */
};

/**
 * Takes the next character off *at and moves *at behind it; *at is not at its end. Control bytes
 * and broken UTF-8 come out as `?`, marks that do not fit into `utf8` are dropped.
 */
struct glyph glyph_next(const char **at);

/**
 * What stands for `glyph` where the font has halves, shades, single lines and Latin letters only, as
 * the Linux console's; false: it can stand for itself.
 */
bool glyph_half(const struct glyph *glyph, struct glyph *ret);

/** The character that stands for `glyph` on a terminal without Unicode; `?` where none is near. */
char glyph_ascii(const struct glyph *glyph);

#endif
