/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/theme.h"

#include <stdio.h>
#include <string.h>

#include "tui/canvas.h"
#include "tui/ini_lines.h"

enum { PALETTE_MAX = 128, WORD_MAX = 32 };

/* A theme file while it is read. */
struct reading {
	struct ini_lines lines;
	struct theme *theme;
	size_t rank[ROLE_COUNT]; /* length of the name that gave the look; 0: none yet */
	struct {
		char name[WORD_MAX];
		struct colour colour;
	} palette[PALETTE_MAX];
	size_t palette_count;
};

#define problem(reading, ...)                                                                      \
	file_problem((reading)->lines.problems, (reading)->lines.line, __VA_ARGS__)

/* --- looks ------------------------------------------------------------------------------------ */

/* The file's own names come first, but behind `16 =` "blue" is the terminal's blue. */
static bool find_colour(const struct reading *reading, const char *word, bool is_ansi,
                        struct colour *ret)
{
	if (is_ansi && colour_parse(word, ret))
		return true;
	for (size_t i = reading->palette_count; i-- > 0;) {
		if (!strcmp(reading->palette[i].name, word)) {
			*ret = reading->palette[i].colour;
			return true;
		}
	}
	return colour_parse(word, ret);
}

static uint8_t attr_of(const char *word)
{
	static const char *const words[] = { "bold", "dim", "underline", "reverse", "italic" };

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!strcmp(word, words[i]))
			return (uint8_t)(1u << i);
	}
	return 0;
}

/* A look while its words are read. */
struct look_words {
	struct style style;
	bool is_ansi;      /* behind `16 =` */
	bool wants_ground; /* the word before was "on" */
};

static bool look_word(struct reading *reading, const char *word, struct look_words *look)
{
	uint8_t attr = attr_of(word);
	struct colour colour;

	if (!strcmp(word, "on")) {
		look->wants_ground = true;
	} else if (attr && !look->wants_ground) {
		look->style.attrs |= attr;
	} else if (find_colour(reading, word, look->is_ansi, &colour)) {
		*(look->wants_ground ? &look->style.bg : &look->style.fg) = colour;
		look->wants_ground = false;
	} else {
		problem(reading,
		        "\"%s\" is neither a colour nor bold, dim, underline, reverse, italic",
		        word);
		return false;
	}
	return true;
}

static bool parse_look(struct reading *reading, char *text, bool is_ansi, struct style *ret)
{
	struct look_words look = { .is_ansi = is_ansi };

	look.style.fg.kind = look.style.bg.kind = COLOUR_NOT_GIVEN;
	char *rest = NULL;

	for (char *word = strtok_r(text, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest)) {
		if (!look_word(reading, word, &look))
			return false;
	}
	if (look.wants_ground) {
		problem(reading, "\"on\" needs a colour behind it");
		return false;
	}
	*ret = look.style;
	return true;
}

/* `16 = LOOK` or `mono = LOOK`. */
static bool parse_variant(struct reading *reading, char *text, struct theme_look *look)
{
	char *equals = strchr(text, '=');
	char depth[8] = "", extra;

	if (equals)
		*equals = '\0';
	if (!equals || sscanf(text, " %7s %c", depth, &extra) != 1 ||
	    (strcmp(depth, "16") != 0 && strcmp(depth, "mono") != 0)) {
		problem(reading, "expected \"16 =\" or \"mono =\" after \"|\"");
		return false;
	}
	if (!strcmp(depth, "16")) {
		look->has_ansi = parse_look(reading, equals + 1, true, &look->ansi);
		return look->has_ansi;
	}
	look->has_mono = parse_look(reading, equals + 1, false, &look->mono);
	return look->has_mono;
}

/* A longer name is nearer to its role: it wins wherever it stands in the file. */
static bool apply(struct reading *reading, const char *name, const struct theme_look *look)
{
	size_t len = strlen(name);
	bool is_known = false;

	for (unsigned role = 0; role < ROLE_COUNT; role++) {
		const char *full = role_names[role];

		if (strncmp(full, name, len) != 0 || (full[len] && full[len] != '.'))
			continue;
		is_known = true;
		if (look && len >= reading->rank[role]) {
			reading->rank[role] = len;
			reading->theme->looks[role] = *look;
		}
	}
	return is_known;
}

static void role_line(struct reading *reading, const char *name, const char *value)
{
	struct theme_look look = { 0 };
	char text[256], *rest = NULL, *part;

	if (!*name || !apply(reading, name, NULL)) {
		problem(reading, "unknown role \"%s\"", name);
		return;
	}
	(void)snprintf(text, sizeof(text), "%s", value);
	part = strtok_r(text, "|", &rest);
	if (part && !parse_look(reading, part, false, &look.full))
		return;
	while ((part = strtok_r(NULL, "|", &rest))) {
		if (!parse_variant(reading, part, &look))
			return;
	}
	apply(reading, name, &look);
}

/* --- other sections --------------------------------------------------------------------------- */

static void palette_line(struct reading *reading, const char *name, const char *value)
{
	struct colour colour;
	size_t at = reading->palette_count;

	if (!*name || strlen(name) >= WORD_MAX || attr_of(name) || !strcmp(name, "on"))
		problem(reading, "\"%s\" can't be the name of a colour", name);
	else if (!find_colour(reading, value, false, &colour))
		problem(reading, "\"%s\" is not a colour: #rrggbb, 0-255 or a name", value);
	else if (at == PALETTE_MAX)
		problem(reading, "more than %d colours", PALETTE_MAX);
	else {
		memcpy(reading->palette[at].name, name, strlen(name) + 1);
		reading->palette[at].colour = colour;
		reading->palette_count++;
	}
}

static void meta_line(struct reading *reading, const char *name, const char *value)
{
	struct theme *theme = reading->theme;

	if (!strcmp(name, "name"))
		text_clean(theme->name, sizeof(theme->name), value, strlen(value));
	else if (!strcmp(name, "background") && (!strcmp(value, "dark") || !strcmp(value, "light")))
		theme->is_light = !strcmp(value, "light");
	else if (!strcmp(name, "background"))
		problem(reading, "background is dark or light");
	else if (strcmp(name, "author") != 0 && strcmp(name, "licence") != 0)
		problem(reading, "unknown key \"%s\" in [meta]", name);
}

static void pair(void *ctx, const char *section, const char *name, const char *value)
{
	struct reading *reading = ctx;

	if (!strcmp(section, "role"))
		role_line(reading, name, value);
	else if (!strcmp(section, "palette"))
		palette_line(reading, name, value);
	else if (!strcmp(section, "meta"))
		meta_line(reading, name, value);
	else
		problem(reading, "unknown section [%s]: it is meta, palette or role", section);
}

/* --- what a look leaves out ------------------------------------------------------------------- */

static void fill_in(struct style *style, const struct style *text)
{
	if (style->fg.kind == COLOUR_NOT_GIVEN)
		style->fg = text->fg;
	if (style->bg.kind == COLOUR_NOT_GIVEN)
		style->bg = text->bg;
}

/*
 * A colour that a look does not name is that of text, so that a theme with a ground of its own says
 * so once. A variant takes those of text's look for the same terminals.
 */
static void fill_in_looks(struct theme *theme)
{
	static const struct style own = { .fg = { .kind = COLOUR_DEFAULT } };
	struct theme_look *text = &theme->looks[ROLE_TEXT];

	fill_in(&text->full, &own);
	fill_in(&text->ansi, text->has_ansi ? &own : &text->full);
	for (unsigned role = 0; role < ROLE_COUNT; role++) {
		struct theme_look *look = &theme->looks[role];

		if (!look->has_ansi && text->has_ansi && look->full.bg.kind == COLOUR_NOT_GIVEN) {
			/* its colours are matched later, but the ground must be the same */
			look->ansi = look->full;
			look->has_ansi = true;
		}
		fill_in(&look->full, &text->full);
		fill_in(&look->ansi, &text->ansi);
		fill_in(&look->mono, &own);
	}
}

void theme_parse(const char *bytes, size_t len, struct theme *ret, struct file_problems *problems)
{
	struct reading reading = {
		.theme = ret,
		.lines = { .problems = problems, .pair = pair, .ctx = &reading },
	};

	*ret = (struct theme){ 0 };
	problems->count = 0;
	ini_lines_read(&reading.lines, bytes, len);
	for (unsigned role = 0; role < ROLE_COUNT; role++) {
		if (!reading.rank[role])
			ret->looks[role] = ret->looks[ROLE_TEXT];
	}
	fill_in_looks(ret);
}

struct style theme_style(const struct theme *theme, enum role role, enum colour_depth depth)
{
	const struct theme_look *look = &theme->looks[role];

	if (depth == DEPTH_MONO)
		return look->has_mono ? look->mono : (struct style){ .attrs = look->full.attrs };
	if (depth <= DEPTH_16 && look->has_ansi)
		return look->ansi;
	return look->full;
}
