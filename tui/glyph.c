/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/glyph.h"

#include <stddef.h>
#include <string.h>

#include <utf8proc.h>

#include "tui/canvas.h"

/* The ASCII stand-ins of every sign that heaptop draws with, by meaning rather than by looks. */
static const struct {
	uint32_t sign;
	char ascii;
} stand_ins[] = {
	{ u'█', '#' }, { u'▓', 'X' },  { u'▒', '+' }, { u'░', '-' }, { u'·', '.' }, { u'▚', '%' },
	{ u'▞', '&' }, { u'─', '-' },  { u'┄', '-' }, { u'│', '|' }, { u'┆', '|' }, { u'┤', '|' },
	{ u'▌', '[' }, { u'▐', ']' },  { u'▶', '>' }, { u'◀', '<' }, { u'▲', '^' }, { u'▼', 'v' },
	{ u'●', '*' }, { u'○', 'o' },  { u'‖', '=' }, { u'✕', 'x' }, { u'…', '~' }, { u'×', 'x' },
	{ u'→', '>' }, { u'←', '<' },  { u'↑', '^' }, { u'↓', 'v' }, { u'↵', '<' }, { u'␣', '_' },
	{ u'≤', '<' }, { u'≥', '>' },  { u'±', '~' }, { u'–', '-' }, { u'—', '-' }, { u'−', '-' },
	{ u'▁', '_' }, { u'▂', '_' },  { u'▃', '-' }, { u'▄', '-' }, { u'▅', '-' }, { u'▆', '^' },
	{ u'▇', '^' }, { u'’', '\'' }, { u'¹', '1' }, { u'²', '2' }, { u'³', '3' }, { u'µ', 'u' },
};

static uint32_t first_code(const char *utf8)
{
	utf8proc_int32_t code = -1;

	utf8proc_iterate((const utf8proc_uint8_t *)utf8, -1, &code);
	return code < 0 ? '?' : (uint32_t)code;
}

/* Braille cells are charts: the more dots, the darker. */
static char braille_ascii(uint32_t code)
{
	int dots = __builtin_popcount(code & 0xff);

	return " .:#"[dots == 0 ? 0 : dots <= 2 ? 1 : dots <= 5 ? 2 : 3];
}

char glyph_ascii(const struct glyph *glyph)
{
	uint32_t code = first_code(glyph->utf8);

	if (code < 0x80)
		return (char)code;
	for (size_t i = 0; i < sizeof(stand_ins) / sizeof(stand_ins[0]); i++) {
		if (stand_ins[i].sign == code)
			return stand_ins[i].ascii;
	}
	if (code >= 0x2500 && code <= 0x257f) /* the other lines are corners and junctions */
		return '+';
	if (code >= 0x2589 && code <= 0x258f) /* a cell that is partly full from the left */
		return code <= 0x258c ? '#' : '-';
	if (code >= 0x2800 && code <= 0x28ff)
		return braille_ascii(code);
	return '?';
}

bool glyph_half(const struct glyph *glyph, struct glyph *ret)
{
	/* What the console's usual fonts lack, by what they have; the rest of them is left alone. */
	static const struct {
		uint32_t sign;
		const char *utf8;
	} halves[] = {
		{ u'╭', "┌" }, { u'╮', "┐" }, { u'╰', "└" }, { u'╯', "┘" }, { u'┄', "─" },
		{ u'┆', "│" }, { u'▚', "%" }, { u'▞', "&" }, { u'▶', "►" }, { u'◀', "◄" },
		{ u'●', "•" }, { u'‖', "=" }, { u'✕', "x" }, { u'…', "~" }, { u'↵', "<" },
		{ u'␣', "_" }, { u'–', "-" }, { u'—', "-" }, { u'−', "-" }, { u'’', "'" },
	};
	uint32_t code = first_code(glyph->utf8);
	const char *utf8 = NULL;

	for (size_t i = 0; i < sizeof(halves) / sizeof(halves[0]); i++) {
		if (halves[i].sign == code)
			utf8 = halves[i].utf8;
	}
	if (code >= 0x2581 && code <= 0x2587) /* from below, in eighths: less than ▄, ▄, more */
		utf8 = code <= 0x2582 ? "_" : code <= 0x2586 ? "▄" : "█";
	else if (code >= 0x2589 && code <= 0x258f) /* from the left */
		utf8 = code <= 0x258a ? "█" : code <= 0x258d ? "▌" : "│";
	else if (code >= 0x2800 && code <= 0x28ff)
		utf8 = __builtin_popcount(code & 0xff) > 4 ? "█" : "▄";
	if (!utf8)
		return false;
	*ret = (struct glyph){ .width = 1 };
	memcpy(ret->utf8, utf8, strlen(utf8) + 1);
	return true;
}

/* True for marks that a terminal puts over the character before. */
static bool is_mark(utf8proc_int32_t code)
{
	utf8proc_category_t category = utf8proc_category(code);

	return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_ME;
}

static void add_marks(struct glyph *glyph, size_t len, const char **at)
{
	utf8proc_int32_t code;
	utf8proc_ssize_t size;

	while ((unsigned char)**at >= 0x80) {
		size = utf8proc_iterate((const utf8proc_uint8_t *)*at, -1, &code);
		if (size <= 0 || !is_mark(code))
			return;
		if (len + (size_t)size < sizeof(glyph->utf8)) {
			memcpy(glyph->utf8 + len, *at, (size_t)size);
			len += (size_t)size;
		}
		*at += size;
	}
}

struct glyph glyph_next(const char **at)
{
	struct glyph glyph = { .utf8 = "?", .width = 1 };
	unsigned char first = (unsigned char)**at;
	utf8proc_ssize_t size = 1;
	utf8proc_int32_t code = first;
	int width;

	if (first >= ' ' && first < 0x7f) {
		glyph.utf8[0] = **at;
	} else if (first >= 0x80) {
		size = utf8proc_iterate((const utf8proc_uint8_t *)*at, -1, &code);
		width = size > 0 ? utf8proc_charwidth(code) : 0;
		if (width == 1 || width == 2) {
			memcpy(glyph.utf8, *at, (size_t)size);
			glyph.utf8[size] = '\0';
			glyph.width = (uint8_t)width;
		}
		if (size <= 0)
			size = 1;
	}
	*at += size;
	add_marks(&glyph, strlen(glyph.utf8), at);
	return glyph;
}

int text_columns(const char *text)
{
	int columns = 0;

	while (*text)
		columns += glyph_next(&text).width;
	return columns;
}
