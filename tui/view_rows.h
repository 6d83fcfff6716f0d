/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_VIEW_ROWS_H
#define HEAPTOP_TUI_VIEW_ROWS_H

/** Filtered and sorted row orders, made once per snapshot, sort or filter; see view.h. */
#include "tui/view.h"

/* What an order is made from. */
struct rows_maker {
	const struct part *part; /* whose objects they are; NULL: see `from` */
	const void *from;        /* without a part: what holds the objects … */
	uint64_t stamp;          /* … and a number that is another one when they changed */
	size_t count;            /* of objects */
	const void *ctx;
	/** False hides an object; NULL: all are shown. */
	bool (*keep)(const void *ctx, uint32_t object);
	/** As for qsort, in the sort that the state names; NULL: as they come. */
	int (*compare)(const void *ctx, uint32_t a, uint32_t b);
};

/** Makes state->rows anew when part, sort or filter changed since; else costs nothing. */
void view_rows_prepare(struct view_state *state, const struct rows_maker *maker);

/** How many rows there are: all objects when the order belongs to another part. */
size_t view_rows_count(const struct view_state *state, const struct part *part, size_t objects);

/** The object in a row below view_rows_count(). */
size_t view_rows_object(const struct view_state *state, const struct part *part, size_t row);

/** The same two for rows that were made `from` something else than a part. */
size_t view_rows_count_from(const struct view_state *state, const void *from, uint64_t stamp,
                            size_t objects);
size_t view_rows_object_from(const struct view_state *state, const void *from, uint64_t stamp,
                             size_t row);

/** SORT and SORT_INVERT for a view with `sorts` orders; false: another command. */
bool view_sort_command(struct view_state *state, uint8_t sorts, enum command_id command);

/** True when raw bytes contain `needle`, letters of either case alike (ASCII). */
bool view_contains(const char *bytes, size_t len, const char *needle);

#endif
