/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_WIDGET_BAR_H
#define HEAPTOP_TUI_WIDGET_BAR_H

/** A bar of stacked parts, each with its own glyph, so that it reads without colour, too. */
#include <stddef.h>
#include <stdint.h>

#include "tui/canvas.h"

struct bar_part {
	uint64_t value;
	const char *glyph; /* one cell wide */
	enum role role;
};

enum { BAR_PARTS_MAX = 16 };

/**
 * Draws `count` parts into `width` cells that stand for `total` (0: the parts' sum). A part that is
 * not 0 gets a cell as long as there is one to spare.
 */
void bar_draw(struct area area, int x, int y, int width, const struct bar_part *parts, size_t count,
              uint64_t total);

/** How many cells each part gets; the rules behind bar_draw(). Sums to at most `width`. */
void bar_cells(const struct bar_part *parts, size_t count, uint64_t total, int width,
               int *ret_cells);

#endif
