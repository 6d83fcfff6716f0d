/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The grammar of one line. */
#include <stdio.h>

#include "model/run/scenario_private.h"
#include "model/run/settings.h"

/*
 * What follows a verb, letter by letter:
 *	N a NAME or 0xADDR that is read, n a NAME that is given, t a thread's,
 *	S a SIZE, D a signed one,
 *	o the rest may be absent, p both of the next two or none
 */
struct verb {
	const char *name;
	uint8_t len, kind;
	bool has_result; /* NAME = … */
	const char *form;
	bool (*rest)(struct line *line, struct operation *ret); /* NULL: nothing more */
	const char *usage;
};

#define VERB(name, kind, has_result, form, rest, usage)                                            \
	{                                                                                          \
		name, sizeof(name) - 1, kind, has_result, form, rest, usage                        \
	}

/* The usual ones first: they are looked for in this order. */
static const struct verb verbs[] = {
	VERB("malloc", OP_MALLOC, true, "S", NULL, "NAME = malloc SIZE"),
	VERB("free", OP_FREE, false, "N", NULL, "free NAME"),
	VERB("touch", OP_TOUCH, false, "NoSoS", NULL, "touch NAME [LEN [OFFSET]]"),
	VERB("calloc", OP_CALLOC, true, "SS", NULL, "NAME = calloc N SIZE"),
	VERB("realloc", OP_REALLOC, true, "NS", NULL, "NAME = realloc NAME2 SIZE"),
	VERB("memalign", OP_MEMALIGN, true, "SS", NULL, "NAME = memalign ALIGN SIZE"),
	VERB("posix_memalign", OP_POSIX_MEMALIGN, true, "SS", NULL,
	     "NAME = posix_memalign ALIGN SIZE"),
	VERB("aligned_alloc", OP_ALIGNED_ALLOC, true, "SS", NULL,
	     "NAME = aligned_alloc ALIGN SIZE"),
	VERB("valloc", OP_VALLOC, true, "S", NULL, "NAME = valloc SIZE"),
	VERB("pvalloc", OP_PVALLOC, true, "S", NULL, "NAME = pvalloc SIZE"),
	VERB("thread", OP_THREAD, false, "t", NULL, "thread NAME"),
	VERB("exit_thread", OP_EXIT_THREAD, false, "t", NULL, "exit_thread NAME"),
	VERB("mallopt", OP_MALLOPT, false, "", rest_mallopt, "mallopt PARAM VALUE"),
	VERB("trim", OP_TRIM, false, "S", NULL, "trim PAD"),
	VERB("mmap", OP_MMAP, true, "S", rest_mmap, "NAME = mmap SIZE [WORD]..."),
	VERB("munmap", OP_MUNMAP, false, "NpSS", NULL, "munmap NAME [OFFSET LEN]"),
	VERB("mprotect", OP_MPROTECT, false, "NpSS", rest_mprotect,
	     "mprotect NAME [OFFSET LEN] ro|rw|none"),
	VERB("mremap", OP_MREMAP, false, "NSS", rest_mremap,
	     "mremap NAME OLDSIZE NEWSIZE [maymove]"),
	VERB("madvise", OP_MADVISE, false, "NSS", rest_madvise, "madvise NAME OFFSET LEN ADVICE"),
	VERB("sbrk", OP_SBRK, false, "D", NULL, "sbrk DELTA"),
	VERB("brk", OP_BRK, false, "D", NULL, "brk DELTA"),
	VERB("set", OP_SET, false, "", rest_set, "set KEY VALUE"),
	VERB("arena", OP_SET, false, "", rest_arena, "arena busy|free"),
	VERB("fork", OP_FORK, false, "n", NULL, "fork NAME"),
	VERB("exit", OP_EXIT, false, "on", NULL, "exit [NAME]"),
	VERB("pause", OP_PAUSE, false, "", NULL, "pause"),
	VERB("for", OP_FOR, false, "n", rest_for, "for VAR FROM TO [STEP]"),
	VERB("until", OP_UNTIL, false, "", rest_until, "until enomem|oom"),
	VERB("end", OP_END, false, "", NULL, "end"),
};

static const struct verb *find_verb(struct word word)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (word_is(word, verbs[i].name, verbs[i].len))
			return &verbs[i];
	return NULL;
}

/* --- words ------------------------------------------------------------------------------------ */

static bool read_given(struct line *line, const char *what, uint32_t *ret)
{
	struct word word = line_word(line);

	if (!word_is_name(word))
		return line_refuse(line, word, what);
	*ret = scenario_name(line->scenario, word.at, word.len);
	return *ret != NAME_NONE || scenario_no_memory(line->reterr);
}

bool line_operand(struct line *line, struct word word, struct operation *ret)
{
	if (word_address(word, &ret->addr))
		return true;
	if (!word_is_name(word))
		return line_refuse(line, word, "expected a NAME or 0xADDR");
	ret->src = scenario_name(line->scenario, word.at, word.len);
	return ret->src != NAME_NONE || scenario_no_memory(line->reterr);
}

static bool read_thread(struct line *line, struct operation *ret)
{
	struct word word = line_peek(line);

	if (word.len > 31)
		return line_refuse(line, word, "expected a thread's NAME of at most 31 characters");
	return read_given(line, "expected a thread's NAME", &ret->dst);
}

static bool read_size(struct line *line, struct operation *ret)
{
	struct word word = line_word(line);

	if (!word_size(word, &ret->number[ret->count]))
		return line_refuse(line, word,
		                   "expected a SIZE: decimal or 0x, with an optional K, M, G or T");
	ret->count++;
	return true;
}

bool line_delta(struct line *line, struct operation *ret, const char *why)
{
	struct word word = line_word(line);
	int64_t value;

	if (!word_signed(word, &value))
		return line_refuse(line, word, why);
	ret->number[ret->count++] = (uint64_t)value;
	return true;
}

static bool is_digit_word(struct word word)
{
	return word.len && *word.at >= '0' && *word.at <= '9';
}

static bool read_form(struct line *line, const char *form, struct operation *ret)
{
	bool ok = true;

	for (; ok && *form; form++)
		switch (*form) {
		case 'N':
			ok = line_operand(line, line_word(line), ret);
			break;
		case 'n':
			ok = read_given(line, "expected a NAME", &ret->dst);
			break;
		case 't':
			ok = read_thread(line, ret);
			break;
		case 'S':
			ok = read_size(line, ret);
			break;
		case 'D':
			ok = line_delta(line, ret,
			                "expected a DELTA: a SIZE with an optional sign");
			break;
		case 'o':
			if (!line_peek(line).len)
				return true;
			break;
		case 'p':
			if (!is_digit_word(line_peek(line)))
				return true;
			break;
		default:
			break;
		}
	return ok;
}

/* --- the line ----------------------------------------------------------------------------------- */

/* An address has no length of its own. */
static bool has_length(const struct line *line, const struct operation *op)
{
	if ((op->kind != OP_MUNMAP && op->kind != OP_MPROTECT) || op->src != NAME_NONE || op->count)
		return true;
	return line_refuse(line, line_peek(line), "expected OFFSET LEN after an address");
}

static bool unknown_verb(const struct line *line, struct word word, bool has_result)
{
	const struct verb *verb = find_verb(word);

	char why[96];

	if (!verb)
		return line_refuse(line, word,
		                   has_result ? "expected malloc, calloc, realloc, memalign or one "
		                                "of its siblings, or mmap"
		                              : "expected an operation, or NAME = operation, as "
		                                "in: a = malloc 1000");
	(void)snprintf(why, sizeof(why), "expected %s", verb->usage);
	return line_refuse(line, word, why);
}

bool line_parse(struct line *line, struct operation *ret)
{
	struct word first = line_word(line), word = first;
	struct line start = *line;
	bool has_result = word_is(line_peek(line), "=", 1);
	const struct verb *verb;

	*ret = (struct operation){ .dst = NAME_NONE, .src = NAME_NONE, .line = line->number };
	if (has_result) {
		if (!word_is_name(first))
			return line_refuse(line, first, "expected a NAME before =");
		(void)line_word(line);
		word = line_word(line);
	}
	verb = find_verb(word);
	if (!verb || verb->has_result != has_result)
		return unknown_verb(&start, word, has_result);
	if (has_result) {
		ret->dst = scenario_name(line->scenario, first.at, first.len);
		if (ret->dst == NAME_NONE)
			return scenario_no_memory(line->reterr);
	}
	ret->kind = verb->kind;
	if (!read_form(line, verb->form, ret) || (verb->rest && !verb->rest(line, ret)) ||
	    !has_length(line, ret))
		return false;
	word = line_peek(line);
	return !word.len || line_refuse(line, word, "expected the end of the line");
}
