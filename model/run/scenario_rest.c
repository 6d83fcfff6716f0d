/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is particular to a verb: the words after those that its form names. */
#include "model/run/scenario_private.h"
#include "model/run/settings.h"

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

bool rest_mallopt(struct line *line, struct operation *ret)
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
	return line_operand(line, name, ret);
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

bool rest_mmap(struct line *line, struct operation *ret)
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

bool rest_mprotect(struct line *line, struct operation *ret)
{
	return read_protection(line, ret);
}

bool rest_mremap(struct line *line, struct operation *ret)
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

bool rest_madvise(struct line *line, struct operation *ret)
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

bool rest_set(struct line *line, struct operation *ret)
{
	struct word key = line_word(line), value = line_word(line);

	if (!key.len)
		return line_refuse(line, key, "expected a KEY");
	return read_setting(line, key, value, ret);
}

bool rest_arena(struct line *line, struct operation *ret)
{
	return read_setting(line, (struct word){ "arena", 5 }, line_word(line), ret);
}

bool rest_for(struct line *line, struct operation *ret)
{
	static const char why[] = "expected a whole number";

	while (ret->count < 2)
		if (!line_delta(line, ret, why))
			return false;
	if (!line_peek(line).len) {
		ret->number[ret->count++] = 1;
		return true;
	}
	if (!line_delta(line, ret, why))
		return false;
	return ret->number[2] != 0 ||
	       line_refuse(line, (struct word){ "0", 1 }, "expected a STEP other than 0");
}

bool rest_until(struct line *line, struct operation *ret)
{
	static const struct choice words[] = { { "enomem", UNTIL_ENOMEM }, { "oom", UNTIL_OOM } };
	struct word word = line_word(line);
	const struct choice *choice = CHOOSE(words, word);

	if (!choice)
		return line_refuse(line, word, "expected enomem or oom");
	ret->flags = (uint32_t)choice->value;
	return true;
}
