/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_RUN_SCENARIO_PRIVATE_H
#define HEAPTOP_MODEL_RUN_SCENARIO_PRIVATE_H

/* Between scenario*.c. */
#include <string.h>

#include "model/run/scenario.h"

struct word {
	const char *at;
	size_t len; /* 0: the line has ended */
};

/* A line being read. */
struct line {
	struct scenario *scenario;
	const char *at, *end; /* what is left of it */
	uint32_t number;
	struct err *reterr;
};

/** Cuts the next word off; a comment ends the line. */
struct word line_word(struct line *line);
/** The next word, which stays. */
struct word line_peek(const struct line *line);
/** 'WORD': expected …; false. */
bool line_refuse(const struct line *line, struct word word, const char *why);

static inline bool word_is(struct word word, const char *text, size_t len)
{
	return word.len == len && memcmp(word.at, text, len) == 0;
}

bool word_is_name(struct word word);
/** Decimal or 0x, with an optional suffix. */
bool word_size(struct word word, uint64_t *ret);
/** The same with an optional sign. */
bool word_signed(struct word word, int64_t *ret);
/** "0x…", a whole address. */
bool word_address(struct word word, uint64_t *ret);

/** heaptop's own memory ran out; false. */
bool scenario_no_memory(struct err *reterr);

/** Reads one line that is not empty into *ret (kinds up to OP_END). */
bool line_parse(struct line *line, struct operation *ret);

/** The line with its variables replaced, in `to`; `*ret_len` its length. */
bool line_substitute(const struct line *line, const struct scenario_loop *loops, size_t depth,
                     char *to, size_t size, size_t *ret_len);

void scenario_unpack(const struct scenario *scenario, const struct scenario_row *row,
                     struct operation *ret);

#endif
