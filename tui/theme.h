/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_THEME_H
#define HEAPTOP_TUI_THEME_H

/**
 * Themes map style roles to looks. A theme is an INI file:
 *
 *	[meta]		name, author, licence, background = dark | light
 *	[palette]	NAME = #rrggbb | 0-255 | default | red … bright-white | earlier NAME
 *	[role]		ROLE = LOOK [| 16 = LOOK] [| mono = LOOK]
 *
 * LOOK is [COLOUR] [on COLOUR] [bold] [dim] [underline] [reverse] [italic]. The look after `16 =` is for
 * terminals with 16 or 8 colours (there "blue" is the terminal's own, whatever the palette says),
 * the one after `mono =` for those without. A colour that a look does not name is text's. A role that
 * is not given takes the look of the nearest name above it (heap.free.fast, heap.free, heap), then
 * text's.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/base/err.h"
#include "tui/colour.h"
#include "tui/file_problems.h"
#include "tui/roles.h"

enum style_attr {
	STYLE_BOLD = 1 << 0,
	STYLE_DIM = 1 << 1,
	STYLE_UNDERLINE = 1 << 2,
	STYLE_REVERSE = 1 << 3,
	STYLE_ITALIC = 1 << 4,
};

struct style {
	struct colour fg, bg;
	uint8_t attrs; /* enum style_attr */
};

/* A role's looks. */
struct theme_look {
	struct style full, ansi, mono;
	bool has_ansi, has_mono;
};

struct theme {
	char name[48]; /* clean text */
	bool is_light;
	struct theme_look looks[ROLE_COUNT];
};

/** Reads a theme's text, which may be anything at all. */
void theme_parse(const char *bytes, size_t len, struct theme *ret, struct file_problems *problems);

/**
 * Finds a theme and reads it: a path when `name` has a slash, else NAME.theme in the user's and
 * the system's directories, else the one built in.
 */
bool theme_load(const char *name, struct theme *ret, struct file_problems *problems,
                struct err *reterr);

/** The look of a role on a terminal; colours are still the theme's own. */
struct style theme_style(const struct theme *theme, enum role role, enum colour_depth depth);

enum { THEME_NAMES_MAX = 64 };

/* Names of all themes there are, sorted. */
struct theme_names {
	size_t count;
	char at[THEME_NAMES_MAX][48];
};

void theme_list(struct theme_names *ret);

/* The themes compiled in: generated from themes/ by themes/embed.sh. */
struct theme_builtin {
	const char *name;
	const unsigned char *bytes;
	size_t len;
};

extern const struct theme_builtin theme_builtins[];
extern const size_t theme_builtin_count;

#endif
