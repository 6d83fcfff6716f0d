/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words, numbers and names of a scenario's line. */
#include "model/run/scenario_private.h"

struct word line_peek(const struct line *line)
{
	const char *at = line->at, *start;

	while (at < line->end && line_is_blank(*at))
		at++;
	start = at;
	while (at < line->end && !line_is_blank(*at) && *at != '#')
		at++;
	return (struct word){ start, (size_t)(at - start) };
}

struct word line_word(struct line *line)
{
	struct word word = line_peek(line);

	line->at = word.at + word.len;
	return word;
}

bool line_refuse(const struct line *line, struct word word, const char *why)
{
	return scenario_error(line->scenario, line->number, word.len ? word.at : "end of line",
	                      word.len ? word.len : strlen("end of line"), why, line->reterr);
}

/* Letters, digits and what people put between them; not what PLACE and comments use. */
static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '.' || c == ':' || c == '[' || c == ']' || c == '@';
}

static bool begins_address(const char *at, size_t len)
{
	return len >= 2 && at[0] == '0' && (at[1] == 'x' || at[1] == 'X');
}

bool word_is_name(struct word word)
{
	if (!word.len || word.len > 255 || begins_address(word.at, word.len))
		return false;
	for (size_t i = 0; i < word.len; i++)
		if (!is_name_char(word.at[i]))
			return false;
	return true;
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

static unsigned suffix_bits(char c)
{
	switch (c) {
	case 'K':
		return 10;
	case 'M':
		return 20;
	case 'G':
		return 30;
	case 'T':
		return 40;
	default:
		return 0;
	}
}

bool word_size(struct word word, uint64_t *ret)
{
	const char *at = word.at, *end = word.at + word.len, *first;
	uint64_t value = 0;
	unsigned base = 10, bits;

	if (begins_address(at, word.len)) {
		base = 16;
		at += 2;
	}
	for (first = at; at < end; at++) {
		unsigned digit = (unsigned)digit_of(*at);

		if (digit >= base)
			break;
		if (__builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			return false;
	}
	if (at == first)
		return false;
	if (at < end) {
		bits = suffix_bits(*at++);
		if (!bits || at != end || value > UINT64_MAX >> bits)
			return false;
		value <<= bits;
	}
	*ret = value;
	return true;
}

bool word_signed(struct word word, int64_t *ret)
{
	bool is_negative = word.len && *word.at == '-';
	uint64_t value;

	if (word.len && (*word.at == '-' || *word.at == '+')) {
		word.at++;
		word.len--;
	}
	if (!word_size(word, &value) || value > (uint64_t)INT64_MAX + is_negative)
		return false;
	*ret = (int64_t)(is_negative ? 0 - value : value);
	return true;
}

bool word_address(struct word word, uint64_t *ret)
{
	return begins_address(word.at, word.len) && digit_of(word.at[word.len - 1]) < 16 &&
	       word_size(word, ret);
}
