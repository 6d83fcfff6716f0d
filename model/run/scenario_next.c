/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Walking through a scenario, and what $VAR stands for. */
#include <inttypes.h>
#include <stdio.h>

#include "model/run/scenario_private.h"

/* Blocks begun and ended without an operation in between. */
enum { TURNS_MAX = 1000000 };

/* --- substitution ------------------------------------------------------------------------------ */

static bool is_var_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

/* The variable at a '$'; the word is empty when none is named. */
static struct word variable_at(const char *dollar, const char *end, size_t *ret_used)
{
	const char *at = dollar + 1, *start;
	bool has_brace = at < end && *at == '{';

	at += has_brace;
	for (start = at; at < end && is_var_char(*at);)
		at++;
	*ret_used = (size_t)(at - dollar);
	if (has_brace && (at == end || *at != '}'))
		return (struct word){ dollar, 0 };
	*ret_used += has_brace;
	return (struct word){ start, (size_t)(at - start) };
}

static const struct scenario_loop *find_variable(const struct line *line,
                                                 const struct scenario_loop *loops, size_t depth,
                                                 struct word name)
{
	while (depth--) {
		const struct scenario_name *known;

		if (loops[depth].var == NAME_NONE)
			continue;
		known = &line->scenario->names[loops[depth].var];
		if (word_is(name, known->text, known->len))
			return &loops[depth];
	}
	return NULL;
}

bool line_substitute(const struct line *line, const struct scenario_loop *loops, size_t depth,
                     char *to, size_t size, size_t *ret_len)
{
	struct word whole = line_peek(line);
	size_t len = 0, used;

	for (const char *at = whole.at; at < line->end && *at != '#'; at += used) {
		const struct scenario_loop *loop;
		struct word name;
		int digits;

		if (len + 24 > size)
			return line_refuse(line, whole, "expected a shorter line where $ is used");
		used = 1;
		if (*at != '$') {
			to[len++] = *at;
			continue;
		}
		name = variable_at(at, line->end, &used);
		loop = name.len ? find_variable(line, loops, depth, name) : NULL;
		if (!loop)
			return line_refuse(line, (struct word){ at, used },
			                   "expected $VAR or ${VAR} of a for around this line");
		digits = snprintf(to + len, size - len, "%" PRId64, loop->value);
		len += digits > 0 ? (size_t)digits : 0;
	}
	*ret_len = len;
	return true;
}

/* --- the cursor -------------------------------------------------------------------------------- */

void scenario_start(struct scenario_cursor *cursor, struct scenario *scenario)
{
	cursor->scenario = scenario;
	cursor->row = 0;
	cursor->depth = 0;
}

static bool read_again(struct scenario_cursor *cursor, const struct scenario_row *row,
                       struct operation *ret, struct err *reterr)
{
	struct scenario *s = cursor->scenario;
	const char *at = s->text + row->at;
	const char *end = memchr(at, '\n', s->len - row->at);
	struct line line = { .scenario = s,
		             .at = at,
		             .end = end ? end : s->text + s->len,
		             .number = row->line,
		             .reterr = reterr };
	size_t len = 0;

	if (!line_substitute(&line, cursor->loops, cursor->depth, cursor->text,
	                     sizeof(cursor->text), &len))
		return false;
	line.at = cursor->text;
	line.end = cursor->text + len;
	if (!line_parse(&line, ret))
		return false;
	while (len && line_is_blank(cursor->text[len - 1]))
		len--;
	ret->text = cursor->text;
	ret->text_len = len;
	return true;
}

static bool is_over(const struct scenario_loop *loop)
{
	if (loop->var == NAME_NONE)
		return false;
	return loop->step > 0 ? loop->value > loop->to : loop->value < loop->to;
}

/* Goes into a block, or past it when it has no turn. */
static bool begin_block(struct scenario_cursor *cursor, const struct scenario_row *row,
                        struct err *reterr)
{
	struct scenario_loop *loop = &cursor->loops[cursor->depth];
	struct operation op;

	if (row->kind == OP_FOR && row->flags & OPF_HINT) {
		if (!read_again(cursor, row, &op, reterr))
			return false;
	} else {
		scenario_unpack(cursor->scenario, row, &op);
	}
	*loop = (struct scenario_loop){ .row = (uint32_t)cursor->row,
		                        .var = NAME_NONE,
		                        .what = (enum until_what)row->flags };
	if (row->kind == OP_FOR) {
		loop->var = op.dst;
		loop->value = (int64_t)op.number[0];
		loop->to = (int64_t)op.number[1];
		loop->step = (int64_t)op.number[2];
	}
	if (is_over(loop)) {
		cursor->row = (size_t)row->src + 1;
		return true;
	}
	cursor->depth++;
	cursor->row++;
	return true;
}

static void end_block(struct scenario_cursor *cursor)
{
	struct scenario_loop *loop = &cursor->loops[cursor->depth - 1];
	bool is_past = loop->var != NAME_NONE &&
	               __builtin_add_overflow(loop->value, loop->step, &loop->value);

	if (is_past || is_over(loop)) {
		cursor->depth--;
		cursor->row++;
	} else {
		cursor->row = (size_t)loop->row + 1;
	}
}

/* An `until` around nothing would turn for ever without an operation to count. */
static bool is_empty(const struct scenario *s, const struct scenario_row *row)
{
	return row == &s->rows[row->src - 1];
}

bool scenario_next(struct scenario_cursor *cursor, struct operation *ret, bool *ret_end,
                   struct err *reterr)
{
	struct scenario *s = cursor->scenario;
	uint32_t fuel = TURNS_MAX;

	while (cursor->row < s->row_count) {
		const struct scenario_row *row = &s->rows[cursor->row];

		if (!fuel--)
			return scenario_error(s, row->line, NULL, 0,
			                      "expected an operation: these loops have none to run",
			                      reterr);
		if (row->kind == OP_END) {
			end_block(cursor);
			continue;
		}
		if (row->kind == OP_FOR || row->kind == OP_UNTIL) {
			if (is_empty(s, row))
				cursor->row += 2;
			else if (!begin_block(cursor, row, reterr))
				return false;
			continue;
		}
		cursor->row++;
		*ret_end = false;
		if (row->kind == OP_LATER)
			return read_again(cursor, row, ret, reterr);
		scenario_unpack(s, row, ret);
		return true;
	}
	*ret_end = true;
	return true;
}

void scenario_tell(struct scenario_cursor *cursor, enum until_what what)
{
	for (size_t depth = cursor->depth; depth--;) {
		const struct scenario_loop *loop = &cursor->loops[depth];

		if (loop->var == NAME_NONE && loop->what == what) {
			cursor->row = (size_t)cursor->scenario->rows[loop->row].src + 1;
			cursor->depth = depth;
			return;
		}
	}
}
