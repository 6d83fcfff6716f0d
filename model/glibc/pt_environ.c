/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "model/glibc/pt_world.h"

/**
 * What malloc takes from a program's environment when it is set up: GLIBC_TUNABLES and the variables
 * that are older (glibc malloc/arena.c:ptmalloc_init, elf/dl-tunables.c:__tunables_init).
 */

enum { TOP_PAD, PERTURB, MMAP_THRESHOLD, TRIM_THRESHOLD, MMAP_MAX, ARENA_MAX, ARENA_TEST };

/* By enum pt_tunable's order; the names are cut from "glibc.malloc.". */
static const struct {
	const char *name, *alias; /* alias NULL: has none */
	int param;                /* mallopt's */
} tunables[] = {
	[TOP_PAD] = { "top_pad", "MALLOC_TOP_PAD_", -2 },
	[PERTURB] = { "perturb", "MALLOC_PERTURB_", -6 },
	[MMAP_THRESHOLD] = { "mmap_threshold", "MALLOC_MMAP_THRESHOLD_", -3 },
	[TRIM_THRESHOLD] = { "trim_threshold", "MALLOC_TRIM_THRESHOLD_", -1 },
	[MMAP_MAX] = { "mmap_max", "MALLOC_MMAP_MAX_", -4 },
	[ARENA_MAX] = { "arena_max", "MALLOC_ARENA_MAX", -8 },
	[ARENA_TEST] = { "arena_test", "MALLOC_ARENA_TEST", -7 },
	{ "tcache_max", NULL, 0 },
	{ "tcache_count", NULL, 0 },
	{ "tcache_unsorted_limit", NULL, 0 },
	{ "mxfast", NULL, 0 },
	{ "hugetlb", NULL, 0 }, /* last: where it looks at mmap_threshold */
};

enum { TUNABLES = sizeof(tunables) / sizeof(tunables[0]) };

struct span {
	const char *at;
	size_t len;
};

/* What was asked for, so far. */
struct asked {
	bool is_set[TUNABLES];
	uint64_t value[TUNABLES];
};

static bool begins(struct span t, const char *with)
{
	size_t len = strlen(with);

	return t.len >= len && memcmp(t.at, with, len) == 0;
}

static struct span behind(struct span t, size_t len)
{
	return (struct span){ t.at + len, t.len - len };
}

/* Cuts what stands before `c`, or all; the rest is behind it. */
static struct span cut(struct span *rest, char c)
{
	const char *end = rest->len ? memchr(rest->at, c, rest->len) : NULL;
	struct span part = { rest->at, end ? (size_t)(end - rest->at) : rest->len };

	*rest = behind(*rest, part.len + (end ? 1 : 0));
	return part;
}

/* --- numbers ------------------------------------------------------------------------------------------ */

static unsigned digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

/* How many characters of digits stand there; *ret saturates. */
static size_t digits(struct span t, unsigned base, uint64_t *ret)
{
	size_t i = 0;

	*ret = 0;
	for (; i < t.len && digit_of(t.at[i]) < base; i++) {
		unsigned d = digit_of(t.at[i]);

		*ret = *ret >= (UINT64_MAX - d) / base ? UINT64_MAX : *ret * base + d;
	}
	return i;
}

/** glibc elf/dl-minimal.c:_dl_strtoul. False: more than a number, which only some versions mind. */
static bool number(struct span t, uint64_t *ret)
{
	bool is_negative;

	while (t.len && (*t.at == ' ' || *t.at == '\t'))
		t = behind(t, 1);
	is_negative = begins(t, "-");
	if (is_negative || begins(t, "+"))
		t = behind(t, 1);
	if (begins(t, "0x") || begins(t, "0X")) {
		t = behind(t, 2);
		t = behind(t, digits(t, 16, ret));
	} else {
		t = behind(t, digits(t, begins(t, "0") ? 8 : 10, ret));
	}
	if (is_negative && *ret != UINT64_MAX)
		*ret = -*ret;
	return t.len == 0;
}

/* --- GLIBC_TUNABLES ----------------------------------------------------------------------------------- */

static size_t find(struct span name)
{
	static const char prefix[] = "glibc.malloc.";

	if (!begins(name, prefix))
		return TUNABLES;
	name = behind(name, sizeof(prefix) - 1);
	for (size_t i = 0; i < TUNABLES; i++)
		if (strlen(tunables[i].name) == name.len && begins(name, tunables[i].name))
			return i;
	return TUNABLES;
}

/* One "NAME=VALUE"; a later one of the same name counts when it is a value. */
static void take(struct ptmalloc *pt, struct asked *asked, struct span part)
{
	struct span value = part, name = cut(&value, '=');
	size_t i = find(name);
	uint64_t v;
	bool is_whole;

	if (i == TUNABLES || name.len == part.len)
		return;
	is_whole = number(value, &v);
	if (pt->rules.environ == GLIBC_ENVIRON_STRICT)
		asked->is_set[i] = is_whole;
	else
		asked->is_set[i] = true;
	asked->value[i] = v;
}

/* From 2.39 on nothing of a string counts that has a name without value, or a value with '='. */
static bool is_well_formed(struct span t)
{
	while (t.len) {
		struct span part = cut(&t, ':'), value = part, name = cut(&value, '=');
		bool is_last = t.len == 0;

		if (name.len == part.len ? is_last : value.len && memchr(value.at, '=', value.len))
			return false;
	}
	return true;
}

static void take_string(struct ptmalloc *pt, struct asked *asked, struct span t)
{
	if (pt->rules.environ == GLIBC_ENVIRON_STRICT && !is_well_formed(t))
		return;
	while (t.len)
		take(pt, asked, cut(&t, ':'));
}

/* --- the older variables ------------------------------------------------------------------------------ */

static size_t find_alias(struct span entry, struct span *ret_value)
{
	struct span name = cut(&entry, '=');

	*ret_value = entry;
	for (size_t i = 0; i < TUNABLES; i++)
		if (tunables[i].alias && strlen(tunables[i].alias) == name.len &&
		    begins(name, tunables[i].alias))
			return i;
	return TUNABLES;
}

static void take_alias(struct ptmalloc *pt, struct asked *aliases, struct span entry)
{
	struct span value;
	size_t i = find_alias(entry, &value);
	uint64_t v;
	bool is_whole;

	if (i == TUNABLES)
		return;
	is_whole = number(value, &v);
	if (pt->rules.environ == GLIBC_ENVIRON_STRICT) {
		aliases->is_set[i] = is_whole;
		aliases->value[i] = v;
	} else if (!aliases->is_set[i]) {
		aliases->is_set[i] = true;
		aliases->value[i] = v;
	}
}

/* atoi() and mallopt(), as they come. */
static void take_classic(struct ptmalloc *pt, struct span entry)
{
	struct span value;
	size_t i = find_alias(entry, &value);
	bool is_negative;
	uint64_t v;

	if (i == TUNABLES)
		return;
	while (value.len && (*value.at == ' ' || (*value.at >= '\t' && *value.at <= '\r')))
		value = behind(value, 1);
	is_negative = begins(value, "-");
	if (is_negative || begins(value, "+"))
		value = behind(value, 1);
	(void)digits(value, 10, &v);
	/* strtol's limits, cut to an int */
	v = v > INT64_MAX ? (is_negative ? (uint64_t)INT64_MIN : INT64_MAX) : is_negative ? -v : v;
	(void)pt_set_param(pt, tunables[i].param, (int)(uint32_t)v);
}

/* --- all ------------------------------------------------------------------------------------------------ */

static void apply(struct ptmalloc *pt, const struct asked *asked, const struct asked *aliases)
{
	char name[64] = "glibc.malloc.";
	size_t prefix = strlen(name);

	for (size_t i = 0; i < TUNABLES; i++) {
		const struct asked *from = asked->is_set[i] ? asked : aliases;

		if (!from->is_set[i])
			continue;
		memcpy(name + prefix, tunables[i].name, strlen(tunables[i].name) + 1);
		(void)pt_tunable(pt, name, from->value[i]);
	}
}

void pt_take_environ(struct ptmalloc *pt, const char *environ, size_t len)
{
	static const char tunables_name[] = "GLIBC_TUNABLES=";
	struct asked asked = { 0 }, aliases = { 0 };
	struct span rest = { environ, len };

	if (pt->is_secure)
		return;
	while (rest.len) {
		struct span entry = cut(&rest, '\0');

		if (pt->rules.environ == GLIBC_ENVIRON_MALLOPT)
			take_classic(pt, entry);
		else if (begins(entry, tunables_name))
			take_string(pt, &asked, behind(entry, sizeof(tunables_name) - 1));
		else
			take_alias(pt, &aliases, entry);
	}
	apply(pt, &asked, &aliases);
}
