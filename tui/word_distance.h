/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_WORD_DISTANCE_H
#define HEAPTOP_TUI_WORD_DISTANCE_H

/** Which word was perhaps meant by a mistyped one. */
#include <stddef.h>

/**
 * How many letters must be added, taken away, changed or swapped with their neighbour to make one
 * word of the other; only the first 31 count.
 */
unsigned word_distance(const char *a, const char *b);

/** The largest distance at which a word of this length may be a slip for another one. */
unsigned word_slip(size_t len);

#endif
