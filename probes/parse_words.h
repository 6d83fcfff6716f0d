/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_PROBES_PARSE_WORDS_H
#define HEAPTOP_PROBES_PARSE_WORDS_H

/**
 * Lines and blank-separated words of a kernel text, without copies. A span never leaves the bytes
 * it was cut from; nothing needs to be NUL-terminated.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
	const char *at;
	size_t len;
};

/** Cuts the first line off `rest`, without its newline; false when nothing is left. */
static inline bool span_line(struct span *rest, struct span *ret)
{
	const char *end;

	if (!rest->len)
		return false;
	end = memchr(rest->at, '\n', rest->len);
	ret->at = rest->at;
	ret->len = end ? (size_t)(end - rest->at) : rest->len;
	rest->at += ret->len + (end ? 1 : 0);
	rest->len -= ret->len + (end ? 1 : 0);
	return true;
}

/** Cuts the first word off `rest`; blanks are spaces and tabs. False when there is none. */
static inline bool span_word(struct span *rest, struct span *ret)
{
	while (rest->len && (*rest->at == ' ' || *rest->at == '\t')) {
		rest->at++;
		rest->len--;
	}
	*ret = (struct span){ .at = rest->at };
	while (rest->len && *rest->at != ' ' && *rest->at != '\t') {
		rest->at++;
		rest->len--;
		ret->len++;
	}
	return ret->len != 0;
}

static inline bool span_is(struct span span, const char *text)
{
	size_t len = strlen(text);

	return span.len == len && memcmp(span.at, text, len) == 0;
}

/** True and cut off when `rest` begins with `text`. */
static inline bool span_skip(struct span *rest, const char *text)
{
	size_t len = strlen(text);

	if (rest->len < len || memcmp(rest->at, text, len) != 0)
		return false;
	rest->at += len;
	rest->len -= len;
	return true;
}

/** A decimal number at the front of `rest`, cut off; false without a digit or beyond 64 bits. */
static inline bool span_number(struct span *rest, uint64_t *ret)
{
	uint64_t value = 0;
	size_t i = 0;

	for (; i < rest->len && rest->at[i] >= '0' && rest->at[i] <= '9'; i++)
		if (__builtin_mul_overflow(value, 10u, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(rest->at[i] - '0'), &value))
			return false;
	if (!i)
		return false;
	rest->at += i;
	rest->len -= i;
	*ret = value;
	return true;
}

#endif
