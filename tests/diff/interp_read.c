/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scenario language: words, numbers, $VAR, loops. Reads line by line, again in every turn. */
#include <string.h>
#include <unistd.h>

#include "tests/diff/interp.h"

/* --- words --------------------------------------------------------------------------------------- */

bool word_is(struct word word, const char *text)
{
	return strlen(text) == word.len && memcmp(word.at, text, word.len) == 0;
}

bool word_same(struct word a, struct word b)
{
	return a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

uint64_t word_hash(struct word word)
{
	uint64_t hash = diff_hash(DIFF_HASH_START, word.at, word.len);

	hash ^= hash >> 29;
	return hash ? hash : 1;
}

static unsigned digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A') + 10;
	return 99;
}

static unsigned suffix_shift(char c)
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

bool word_number(struct word word, int64_t *ret)
{
	const char *at = word.at, *end = word.at + word.len;
	bool is_negative = at < end && *at == '-';
	unsigned base = 10, shift;
	uint64_t value = 0;
	const char *first;

	at += at < end && (*at == '-' || *at == '+');
	if (end - at > 2 && at[0] == '0' && at[1] == 'x') {
		base = 16;
		at += 2;
	}
	for (first = at; at < end && digit_of(*at) < base; at++)
		value = value * base + digit_of(*at);
	if (at == first)
		return false;
	shift = at < end ? suffix_shift(*at) : 0;
	at += shift != 0;
	value <<= shift;
	*ret = is_negative ? (int64_t)(0 - value) : (int64_t)value;
	return at == end;
}

static void say(const char *text, size_t len)
{
	ssize_t written = write(STDERR_FILENO, text, len);

	(void)written;
}

_Noreturn void refuse(const struct reader *reader, const char *what, struct word word)
{
	say("interp: line ", 13);
	for (unsigned unit = 1000000; unit; unit /= 10) {
		char digit = (char)('0' + reader->line / unit % 10);

		if (reader->line >= unit)
			say(&digit, 1);
	}
	say(": ", 2);
	say(what, strlen(what));
	say(": ", 2);
	say(word.at, word.len);
	say("\n", 1);
	_exit(DIFF_EXIT_REFUSED);
}

_Noreturn void unsupported(struct word word)
{
	say("interp: can't be done for real: ", 32);
	say(word.at, word.len);
	say("\n", 1);
	_exit(DIFF_EXIT_UNSUPPORTED);
}

uint64_t word_size(const struct reader *reader, struct word word)
{
	int64_t value;

	if (!word_number(word, &value))
		refuse(reader, "not a number", word);
	return (uint64_t)value;
}

/* --- lines ---------------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool is_name_char(char c)
{
	return digit_of(c) < 10 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static size_t put_value(char *to, int64_t value)
{
	char digits[24];
	size_t count = 0, len = 0;
	uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

	do
		digits[count++] = (char)('0' + left % 10);
	while (left /= 10);
	if (value < 0)
		to[len++] = '-';
	while (count)
		to[len++] = digits[--count];
	return len;
}

/* At a `$`: writes the variable's value and says how many characters named it. */
static size_t substitute(const struct reader *reader, const char *at, const char *end, char *to,
                         size_t *len)
{
	bool has_brace = at + 1 < end && at[1] == '{';
	struct word var = { at + 1 + has_brace, 0 };

	while (var.at + var.len < end && is_name_char(var.at[var.len]))
		var.len++;
	for (size_t i = reader->depth; i-- > 0;) {
		const struct loop *loop = &reader->loops[i];

		if (loop->kind == LOOP_FOR &&
		    word_same(var, (struct word){ loop->var, loop->var_len })) {
			*len += put_value(to + *len, loop->value);
			return (size_t)(var.at + var.len - at) + has_brace;
		}
	}
	refuse(reader, "no such variable", var);
}

/* Cuts [at, end) into words, with variables replaced. */
static void split(struct reader *reader, const char *at, const char *end, struct words *ret)
{
	size_t len = 0;
	bool is_within = false;

	ret->count = 0;
	while (at < end && *at != '#') {
		if (is_blank(*at)) {
			is_within = false;
			at++;
			continue;
		}
		if (!is_within) {
			if (ret->count == WORDS_MAX)
				refuse(reader, "too many words", ret->word[0]);
			ret->word[ret->count++] = (struct word){ reader->text + len, 0 };
			is_within = true;
		}
		if (len + 32 > LINE_SIZE)
			refuse(reader, "line too long", ret->word[0]);
		if (*at == '$')
			at += substitute(reader, at, end, reader->text, &len);
		else
			reader->text[len++] = *at++;
		ret->word[ret->count - 1].len =
		        (size_t)(reader->text + len - ret->word[ret->count - 1].at);
	}
}

static bool next_line(struct reader *reader, const char **ret_start, const char **ret_end)
{
	const char *newline;

	if (reader->at >= reader->end)
		return false;
	newline = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));
	*ret_start = reader->at;
	*ret_end = newline ? newline : reader->end;
	reader->at = newline ? newline + 1 : reader->end;
	reader->line++;
	return true;
}

/* The first word, as it stands. */
static struct word first_word(const char *at, const char *end)
{
	struct word word;

	while (at < end && is_blank(*at))
		at++;
	word = (struct word){ at, 0 };
	while (at + word.len < end && !is_blank(at[word.len]) && at[word.len] != '#')
		word.len++;
	return word;
}

/* --- blocks --------------------------------------------------------------------------------------- */

static void skip_block(struct reader *reader)
{
	const char *start, *end;
	unsigned depth = 1;

	while (depth && next_line(reader, &start, &end)) {
		struct word word = first_word(start, end);

		depth += word_is(word, "for") || word_is(word, "until");
		depth -= word_is(word, "end");
	}
}

static bool is_over(const struct loop *loop)
{
	return loop->step > 0 ? loop->value > loop->to : loop->value < loop->to;
}

static void begin_block(struct reader *reader, const struct words *w, enum loop_kind kind)
{
	struct loop *loop = &reader->loops[reader->depth];

	if (reader->depth == LOOPS_MAX)
		refuse(reader, "nested too deep", w->word[0]);
	*loop = (struct loop){ .kind = kind, .body = reader->at, .step = 1 };
	if (kind == LOOP_FOR) {
		if (w->count < 4 || w->word[1].len >= NAME_SIZE)
			refuse(reader, "for VAR FROM TO [STEP]", w->word[0]);
		loop->var_len = w->word[1].len;
		memcpy(loop->var, w->word[1].at, loop->var_len);
		loop->value = (int64_t)word_size(reader, w->word[2]);
		loop->to = (int64_t)word_size(reader, w->word[3]);
		if (w->count > 4)
			loop->step = (int64_t)word_size(reader, w->word[4]);
		if (!loop->step)
			refuse(reader, "a step of 0", w->word[4]);
		if (is_over(loop)) {
			skip_block(reader);
			return;
		}
	} else if (w->count < 2 || !word_is(w->word[1], "enomem")) {
		unsupported(w->count > 1 ? w->word[1] : w->word[0]);
	}
	reader->depth++;
}

static void end_block(struct reader *reader, const struct words *w)
{
	struct loop *loop = &reader->loops[reader->depth - 1];

	if (!reader->depth)
		refuse(reader, "no block to end", w->word[0]);
	if (loop->kind == LOOP_FOR) {
		loop->value += loop->step;
		if (is_over(loop)) {
			reader->depth--;
			return;
		}
	}
	reader->at = loop->body;
}

void reader_leave_until(struct reader *reader)
{
	size_t i = reader->depth;

	while (i && reader->loops[i - 1].kind != LOOP_UNTIL)
		i--;
	if (!i)
		return;
	reader->at = reader->loops[i - 1].body;
	reader->depth = i - 1;
	skip_block(reader);
}

bool reader_has_until(const struct reader *reader)
{
	struct reader copy = { .at = reader->at, .end = reader->end };
	const char *start, *end;

	for (size_t i = 0; i < reader->depth; i++)
		if (reader->loops[i].kind == LOOP_UNTIL)
			return true;
	while (next_line(&copy, &start, &end))
		if (word_is(first_word(start, end), "until"))
			return true;
	return false;
}

bool reader_next(struct reader *reader, struct words *ret)
{
	const char *start, *end;

	while (next_line(reader, &start, &end)) {
		split(reader, start, end, ret);
		if (!ret->count)
			continue;
		if (word_is(ret->word[0], "for")) {
			begin_block(reader, ret, LOOP_FOR);
		} else if (word_is(ret->word[0], "until")) {
			begin_block(reader, ret, LOOP_UNTIL);
		} else if (word_is(ret->word[0], "end")) {
			end_block(reader, ret);
		} else {
			bool has_dst = ret->count > 2 && word_is(ret->word[1], "=");
			size_t verb = has_dst ? 2 : 0;

			ret->dst = has_dst ? ret->word[0] : (struct word){ NULL, 0 };
			ret->verb = ret->word[verb];
			ret->arg = &ret->word[verb + 1];
			ret->arg_count = ret->count - verb - 1;
			return true;
		}
	}
	return false;
}
