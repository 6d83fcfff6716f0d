/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What version of which libc a file says it is. glibc's libc.so has a banner; a static program does
 * not link it, but it has the bare number, which gnu_get_libc_version() would return.
 */
#include <ctype.h>
#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "probes/find_libc.h"

/* A program's constants are searched as far as this. */
#define CONSTANTS_MAX ((uint64_t)64 << 20)

struct version_search {
	int banner; /* from "… release version 2.NN"; -1: not seen */
	int lone;   /* from a text that is nothing but "2.NN"; -1: not seen, -2: several differ */
};

static int parse_minor(const uint8_t *digits, size_t len)
{
	int minor = 0;
	size_t i = 0;

	for (; i < len && i < 3 && isdigit(digits[i]); i++)
		minor = minor * 10 + (digits[i] - '0');
	return i == 0 || i > 2 ? -1 : minor;
}

/* The loader has a banner of its own that begins otherwise ("ld.so ("), hence the full opening. */
static int banner_minor(const uint8_t *bytes, size_t len)
{
	static const char opening[] = "GNU C Library (", version[] = "release version 2.";
	const uint8_t *at = memmem(bytes, len, opening, sizeof(opening) - 1), *found;
	size_t left, pos;

	if (!at)
		return -1;
	left = len - (size_t)(at - bytes);
	if (left > 200)
		left = 200;
	found = memmem(at, left, version, sizeof(version) - 1);
	if (!found)
		return -1;
	pos = (size_t)(found - at) + sizeof(version) - 1;
	return parse_minor(at + pos, left - pos);
}

static void note_lone(struct version_search *s, int minor)
{
	if (s->lone == -1)
		s->lone = minor;
	else if (s->lone != minor)
		s->lone = -2;
}

static bool version_piece(void *ctx, const uint8_t *bytes, size_t len)
{
	static const char opening[] = "\0"
	                              "2.";
	struct version_search *s = ctx;
	const uint8_t *at = bytes, *end = bytes + len;

	if (s->banner < 0)
		s->banner = banner_minor(bytes, len);
	while ((at = memmem(at, (size_t)(end - at), opening, sizeof(opening) - 1))) {
		const uint8_t *digits = at + sizeof(opening) - 1;

		at = digits;
		if (end - digits >= 3 && isdigit(digits[0]) && isdigit(digits[1]) && !digits[2])
			note_lone(s, parse_minor(digits, 2));
	}
	return s->banner < 0;
}

/* "libc-2.31.so", as it was called up to 2.33. */
static int minor_of_name(const char *name)
{
	static const char opening[] = "libc-2.";

	if (strncmp(name, opening, sizeof(opening) - 1) != 0)
		return -1;
	return parse_minor((const uint8_t *)name + sizeof(opening) - 1,
	                   strlen(name) - (sizeof(opening) - 1));
}

int module_glibc_minor(const struct module *module, char text[32])
{
	struct version_search s = { -1, -1 };
	int minor = -1;

	text[0] = '\0';
	if (module->elf)
		elf_each_constant(module->elf, CONSTANTS_MAX, 256, version_piece, &s);
	minor = s.banner >= 0 ? s.banner : s.lone >= 0 ? s.lone : minor_of_name(module->name);
	if (minor >= 0)
		snprintf(text, 32, "2.%d", minor);
	return minor;
}

/* --- musl's ------------------------------------------------------------------------------------ */

/* Length of "1.N.N" in front of a NUL; 0: it is something else. */
static size_t musl_version_len(const uint8_t *text, size_t len)
{
	size_t i = 2, dots = 1;

	for (; i < len && i < 12 && (isdigit(text[i]) || (text[i] == '.' && isdigit(text[i - 1])));
	     i++)
		dots += text[i] == '.';
	return i < len && text[i] == '\0' && dots == 2 && isdigit(text[i - 1]) ? i : 0;
}

static bool musl_piece(void *ctx, const uint8_t *bytes, size_t len)
{
	static const char opening[] = "\0"
	                              "1.";
	const uint8_t *at = bytes, *end = bytes + len;
	char *text = ctx;

	while ((at = memmem(at, (size_t)(end - at), opening, sizeof(opening) - 1))) {
		size_t found;

		at++;
		found = musl_version_len(at, (size_t)(end - at));
		if (!found)
			continue;
		memcpy(text, at, found);
		text[found] = '\0';
		return false;
	}
	return true;
}

void module_musl_version(const struct module *module, char text[32])
{
	text[0] = '\0';
	if (module->elf)
		elf_each_constant(module->elf, CONSTANTS_MAX, 64, musl_piece, text);
}

/* --- ABI --------------------------------------------------------------------------------------- */

bool modules_abi(const struct modules *modules, enum abi *ret)
{
	if (modules->word == 8 && (modules->machine == EM_X86_64 || modules->machine == EM_AARCH64))
		*ret = ABI_LP64;
	else if (modules->word == 4 && modules->machine == EM_386)
		*ret = ABI_I386;
	else
		return false;
	return true;
}
