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

static bool rest_mallopt(struct line *line, struct operation *ret);
static bool rest_mmap(struct line *line, struct operation *ret);
static bool rest_mprotect(struct line *line, struct operation *ret);
static bool rest_mremap(struct line *line, struct operation *ret);
static bool rest_madvise(struct line *line, struct operation *ret);
static bool rest_set(struct line *line, struct operation *ret);
static bool rest_for(struct line *line, struct operation *ret);
static bool rest_until(struct line *line, struct operation *ret);
static bool rest_arena(struct line *line, struct operation *ret);

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

static bool read_operand(struct line *line, struct word word, struct operation *ret)
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

static bool read_delta(struct line *line, struct operation *ret, const char *why)
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
			ok = read_operand(line, line_word(line), ret);
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
			ok = read_delta(line, ret,
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

/* --- what is particular to a verb --------------------------------------------------------------- */

struct choice {
	const char *name;
	int64_t value;
};

static const struct choice *choose(const struct choice *choices, size_t count, struct word word)
{
	for (size_t i = 0; i < count; i++)
		if (word_is(word, choices[i].name, strlen(choices[i].name)))
			return &choices[i];
	return NULL;
}

#define CHOOSE(choices, word) choose(choices, sizeof(choices) / sizeof((choices)[0]), word)

/* malloc/malloc.h */
static const struct choice mallopt_params[] = {
	{ "M_MMAP_THRESHOLD", -3 }, { "M_TRIM_THRESHOLD", -1 }, { "M_TOP_PAD", -2 },
	{ "M_MMAP_MAX", -4 },       { "M_ARENA_TEST", -7 },     { "M_ARENA_MAX", -8 },
	{ "M_MXFAST", 1 },          { "M_PERTURB", -6 },
};

static bool rest_mallopt(struct line *line, struct operation *ret)
{
	static const char why[] = "expected a VALUE that an int can hold";
	struct word word = line_word(line);
	const struct choice *param = CHOOSE(mallopt_params, word);
	int64_t value;

	if (!param)
		return line_refuse(line, word,
		                   "expected M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_TOP_PAD, "
		                   "M_MMAP_MAX, M_ARENA_TEST, M_ARENA_MAX, M_MXFAST or M_PERTURB");
	word = line_word(line);
	if (!word_signed(word, &value) || value < INT32_MIN || value > INT32_MAX)
		return line_refuse(line, word, why);
	ret->number[0] = (uint64_t)param->value;
	ret->number[1] = (uint64_t)value;
	ret->count = 2;
	return true;
}

/* NAME, NAME+OFFSET, NAME-OFFSET or 0xADDR (which may have an offset too). */
static bool read_place(struct line *line, struct operation *ret)
{
	struct word word = line_word(line), name = word, offset = { word.at, 0 };
	int64_t value = 0;

	for (size_t i = 1; i < word.len; i++)
		if (word.at[i] == '+' || word.at[i] == '-') {
			name.len = i;
			offset = (struct word){ word.at + i, word.len - i };
			break;
		}
	if (offset.len && !word_signed(offset, &value))
		return line_refuse(line, word,
		                   "expected a PLACE: NAME, NAME+OFFSET, NAME-OFFSET or 0xADDR");
	ret->number[1] = (uint64_t)value;
	ret->count = 2;
	return read_operand(line, name, ret);
}

static const struct choice mmap_words[] = {
	{ "private", 0 },
	{ "shared", OPF_SHARED },
	{ "noreserve", OPF_NORESERVE },
	{ "populate", OPF_POPULATE },
	{ "locked", OPF_LOCKED },
	{ "stack", OPF_STACK },
	{ "ro", OPF_READ_ONLY },
	{ "rw", 0 },
	{ "none", OPF_NONE },
	{ "at", OPF_HINT },
	{ "fixed", OPF_FIXED },
};

static bool rest_mmap(struct line *line, struct operation *ret)
{
	struct word word = line_peek(line);

	for (; word.len; word = line_peek(line)) {
		const struct choice *choice = CHOOSE(mmap_words, word);

		if (!choice)
			return line_refuse(
			        line, word,
			        "expected private, shared, noreserve, populate, locked, stack, "
			        "ro, rw, none, at PLACE or fixed PLACE");
		if (choice->value & (OPF_HINT | OPF_FIXED) && ret->flags & (OPF_HINT | OPF_FIXED))
			return line_refuse(line, word, "expected one PLACE only");
		(void)line_word(line);
		ret->flags |= (uint32_t)choice->value;
		if (choice->value & (OPF_HINT | OPF_FIXED) && !read_place(line, ret))
			return false;
	}
	return true;
}

static bool read_protection(struct line *line, struct operation *ret)
{
	static const struct choice words[] = { { "ro", OPF_READ_ONLY },
		                               { "rw", 0 },
		                               { "none", OPF_NONE } };
	struct word word = line_word(line);
	const struct choice *choice = CHOOSE(words, word);

	if (!choice)
		return line_refuse(line, word,
		                   ret->count ? "expected ro, rw or none"
		                              : "expected OFFSET LEN or one of ro, rw, none");
	ret->flags |= (uint32_t)choice->value;
	return true;
}

static bool rest_mprotect(struct line *line, struct operation *ret)
{
	return read_protection(line, ret);
}

static bool rest_mremap(struct line *line, struct operation *ret)
{
	struct word word = line_word(line);

	if (word.len && !word_is(word, "maymove", 7))
		return line_refuse(line, word, "expected maymove or the end of the line");
	ret->flags |= word.len ? OPF_MAYMOVE : 0;
	return true;
}

/* Linux include/uapi/asm-generic/mman-common.h */
static const struct choice advices[] = {
	{ "dontneed", 4 },       { "free", 8 },      { "hugepage", 14 }, { "nohugepage", 15 },
	{ "mergeable", 12 },     { "dontfork", 10 }, { "dofork", 11 },   { "guard_install", 102 },
	{ "guard_remove", 103 },
};

static bool rest_madvise(struct line *line, struct operation *ret)
{
	struct word word = line_word(line);
	const struct choice *advice = CHOOSE(advices, word);

	if (!advice)
		return line_refuse(
		        line, word,
		        "expected dontneed, free, hugepage, nohugepage, mergeable, dontfork, "
		        "dofork, guard_install or guard_remove");
	ret->number[2] = (uint64_t)advice->value;
	ret->count = 3;
	return true;
}

static bool read_setting(struct line *line, struct word key, struct word value,
                         struct operation *ret)
{
	struct setting_value parsed;
	char why[SETTING_WHY_MAX];
	bool is_key_wrong;

	if (!setting_parse(key.at, key.len, value.at, value.len, &parsed, &is_key_wrong, why))
		return line_refuse(line, is_key_wrong ? key : value, why);
	ret->number[0] = parsed.index;
	ret->number[1] = parsed.number;
	ret->number[2] = parsed.second;
	ret->count = 3;
	return true;
}

static bool rest_set(struct line *line, struct operation *ret)
{
	struct word key = line_word(line), value = line_word(line);

	if (!key.len)
		return line_refuse(line, key, "expected a KEY");
	return read_setting(line, key, value, ret);
}

static bool rest_arena(struct line *line, struct operation *ret)
{
	return read_setting(line, (struct word){ "arena", 5 }, line_word(line), ret);
}

static bool rest_for(struct line *line, struct operation *ret)
{
	static const char why[] = "expected a whole number";

	if (!read_delta(line, ret, why) || !read_delta(line, ret, why))
		return false;
	if (!line_peek(line).len) {
		ret->number[ret->count++] = 1;
		return true;
	}
	if (!read_delta(line, ret, why))
		return false;
	return ret->number[2] != 0 ||
	       line_refuse(line, (struct word){ "0", 1 }, "expected a STEP other than 0");
}

static bool rest_until(struct line *line, struct operation *ret)
{
	static const struct choice words[] = { { "enomem", UNTIL_ENOMEM }, { "oom", UNTIL_OOM } };
	struct word word = line_word(line);
	const struct choice *choice = CHOOSE(words, word);

	if (!choice)
		return line_refuse(line, word, "expected enomem or oom");
	ret->flags = (uint32_t)choice->value;
	return true;
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
		                   has_result ? "expected malloc, calloc, realloc, memalign or mmap"
		                              : "expected an operation, or NAME = operation");
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
