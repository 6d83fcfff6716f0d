/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words, numbers and names of a scenario's line. */
#include <string.h>

#include "model/base/text.h"
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

bool word_size(struct word word, uint64_t *ret)
{
	return text_parse_size_in(word.at, word.len, ret);
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
	/* Without a suffix: an address has no unit. */
	return begins_address(word.at, word.len) && !strchr("KMGT", word.at[word.len - 1]) &&
	       word_size(word, ret);
}
