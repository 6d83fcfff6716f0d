/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/word_distance.h"

#include <string.h>

enum { LETTERS_MAX = 31 };

static unsigned min_of(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned word_distance(const char *a, const char *b)
{
	/* rows of the table: two letters back, one back, this one */
	unsigned rows[3][LETTERS_MAX + 1];
	size_t a_len = strnlen(a, LETTERS_MAX), b_len = strnlen(b, LETTERS_MAX);

	for (size_t k = 0; k <= b_len; k++)
		rows[0][k] = (unsigned)k;
	for (size_t i = 1; i <= a_len; i++) {
		unsigned *now = rows[i % 3];
		const unsigned *before = rows[(i + 2) % 3], *earlier = rows[(i + 1) % 3];

		now[0] = (unsigned)i;
		for (size_t k = 1; k <= b_len; k++) {
			now[k] = min_of(before[k], now[k - 1]) + 1;
			now[k] = min_of(now[k], before[k - 1] + (a[i - 1] != b[k - 1]));
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
				now[k] = min_of(now[k], earlier[k - 2] + 1);
		}
	}
	return rows[a_len % 3][b_len];
}

unsigned word_slip(size_t len)
{
	return len < 4 ? 1 : len < 8 ? 2 : 3;
}
