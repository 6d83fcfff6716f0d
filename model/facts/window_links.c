/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the words among a window's bytes lead to. */
#include <stdlib.h>

#include "model/facts/window.h"

static int by_value(const void *a, const void *b)
{
	const struct window_link *left = a, *right = b;

	return left->value < right->value ? -1 : left->value > right->value;
}

static int by_offset(const void *a, const void *b)
{
	const struct window_link *left = a, *right = b;

	return left->at < right->at ? -1 : left->at > right->at;
}

/* The first link whose value is not below `addr`. */
static size_t first_from(const struct window *w, uint64_t addr)
{
	size_t low = 0, high = w->link_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (w->links[mid].value < addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

void window_resolve(const struct chunk_spool *spool, struct window *w)
{
	struct chunk_cursor cursor = { 0 };
	struct chunk_record c;
	size_t kept = 0;

	qsort(w->links, w->link_count, sizeof(*w->links), by_value);
	while (w->link_count && chunk_spool_next(spool, &cursor, &c)) {
		for (size_t i = first_from(w, c.addr);
		     i < w->link_count && w->links[i].value - c.addr < c.size; i++) {
			w->links[i].chunk = c.addr;
			w->links[i].size = c.size;
			w->links[i].state = c.state;
		}
	}
	for (size_t i = 0; i < w->link_count; i++) {
		if (w->links[i].size)
			w->links[kept++] = w->links[i];
	}
	w->link_count = kept;
	qsort(w->links, w->link_count, sizeof(*w->links), by_offset);
}
