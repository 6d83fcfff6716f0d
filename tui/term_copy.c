/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The terminal's clipboard: terminfo's extended capability Ms takes a selection's name and base64. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/term_private.h"

#include <term.h>

enum { COPY_MAX = 1024, PAD = 64 };

static void encode(char *to, const unsigned char *from, size_t len)
{
	static const char digits[] =
	        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";

	for (size_t i = 0; i < len; i += 3) {
		unsigned word = (unsigned)from[i] << 16;

		if (i + 1 < len)
			word |= (unsigned)from[i + 1] << 8;
		if (i + 2 < len)
			word |= from[i + 2];
		*to++ = digits[word >> 18];
		*to++ = digits[word >> 12 & 63];
		*to++ = digits[i + 1 < len ? word >> 6 & 63 : PAD];
		*to++ = digits[i + 2 < len ? word & 63 : PAD];
	}
	*to = '\0';
}

bool term_copy(const char *text)
{
	char name[] = "c", base64[COPY_MAX / 3 * 4 + 8];
	const char *set = term_string("Ms"), *out;
	size_t len = strlen(text);

	if (!set || len > COPY_MAX)
		return false;
	encode(base64, (const unsigned char *)text, len);
	out = tiparm(set, name, base64);
	if (!out)
		return false;
	(void)putp(out);
	(void)fflush(stdout);
	return true;
}
