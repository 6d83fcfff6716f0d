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

/* Of the text, '\n' is none of its lines' characters. */
static inline bool line_is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

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

/** NAME or 0xADDR that is read; a number with a sign. Both refuse what is none. */
bool line_operand(struct line *line, struct word word, struct operation *ret);
bool line_delta(struct line *line, struct operation *ret, const char *why);

/* The rest of a verb's line. */
bool rest_mallopt(struct line *line, struct operation *ret);
bool rest_mmap(struct line *line, struct operation *ret);
bool rest_mprotect(struct line *line, struct operation *ret);
bool rest_mremap(struct line *line, struct operation *ret);
bool rest_madvise(struct line *line, struct operation *ret);
bool rest_set(struct line *line, struct operation *ret);
bool rest_arena(struct line *line, struct operation *ret);
bool rest_for(struct line *line, struct operation *ret);
bool rest_until(struct line *line, struct operation *ret);

/** Reads one line that is not empty into *ret (kinds up to OP_END). */
bool line_parse(struct line *line, struct operation *ret);

/** The line with its variables replaced, in `to`; `*ret_len` its length. */
bool line_substitute(const struct line *line, const struct scenario_loop *loops, size_t depth,
                     char *to, size_t size, size_t *ret_len);

void scenario_unpack(const struct scenario *scenario, const struct scenario_row *row,
                     struct operation *ret);

#endif
