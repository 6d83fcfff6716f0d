/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include <utf8proc.h>

#include "tui/canvas.h"

#define CATEGORY(name) (1u << UTF8PROC_CATEGORY_##name)

/*
 * Terminals act on more than C0: C1 controls are escape sequences to some, format characters
 * reorder or hide what stands beside them, variation selectors change a width after the fact.
 */
static bool is_visible(utf8proc_int32_t code)
{
	const unsigned hidden = CATEGORY(CN) | CATEGORY(CC) | CATEGORY(CF) | CATEGORY(CS) |
	                        CATEGORY(CO) | CATEGORY(ZL) | CATEGORY(ZP);
	const unsigned marks = CATEGORY(MN) | CATEGORY(ME);
	unsigned category = 1u << (unsigned)utf8proc_category(code);

	if ((category & hidden) || (code >= 0xfe00 && code <= 0xfe0f))
		return false;
	return (category & marks) || utf8proc_charwidth(code) > 0;
}

static bool is_mark(utf8proc_int32_t code)
{
	utf8proc_category_t category = utf8proc_category(code);

	return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_ME;
}

/*
 * One character of `from`, made visible in `out`; returns the bytes taken off `from`. *has_base
 * says whether a mark has something to stand on; a text never starts with one.
 */
static size_t clean_one(const char *from, size_t len, char out[5], bool *has_base)
{
	unsigned char first = (unsigned char)*from;
	utf8proc_int32_t code;
	utf8proc_ssize_t size;

	memset(out, 0, 5);
	if (first < 0x80) {
		out[0] = *from;
		if (first < ' ' || first == 0x7f) {
			out[0] = '^';
			out[1] = (char)(first ^ 0x40u);
		}
		*has_base = true;
		return 1;
	}
	size = utf8proc_iterate((const utf8proc_uint8_t *)from, (utf8proc_ssize_t)len, &code);
	if (size <= 0 || !is_visible(code) || (is_mark(code) && !*has_base)) {
		out[0] = '?';
		*has_base = false;
		return size > 0 ? (size_t)size : 1;
	}
	if (utf8proc_category(code) == UTF8PROC_CATEGORY_ZS)
		out[0] = ' '; /* a blank that is no blank only deceives */
	else
		memcpy(out, from, (size_t)size);
	*has_base = !is_mark(code); /* one mark each: towers of them leave their row */
	return (size_t)size;
}

char *text_clean(char *to, size_t size, const char *from, size_t len)
{
	bool has_base = false;
	size_t out = 0;
	char one[5];

	if (!size)
		return to;
	for (size_t at = 0; at < len;) {
		size_t bytes;

		at += clean_one(from + at, len - at, one, &has_base);
		bytes = strlen(one);
		if (out + bytes >= size)
			break;
		memcpy(to + out, one, bytes);
		out += bytes;
	}
	to[out] = '\0';
	return to;
}
