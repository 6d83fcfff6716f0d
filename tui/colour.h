/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_COLOUR_H
#define HEAPTOP_TUI_COLOUR_H

/** Colours as themes name them, and what is left of them on terminals that have fewer. */
#include <stdbool.h>
#include <stdint.h>

enum colour_kind {
	COLOUR_DEFAULT, /* the terminal's own */
	COLOUR_INDEX,   /* of the 256-colour palette; the first 16 look as the user likes them */
	COLOUR_RGB,
	COLOUR_NOT_GIVEN, /* only while a theme is read */
};

struct colour {
	uint8_t kind; /* enum colour_kind */
	uint8_t index, red, green, blue;
};

/** "#e69f00", "0" … "255", "default", "red", "bright-red" …; false: none of these. */
bool colour_parse(const char *word, struct colour *ret);

enum colour_depth { DEPTH_MONO, DEPTH_8, DEPTH_16, DEPTH_256, DEPTH_DIRECT, DEPTH_COUNT };

/** Reads the word of --color: auto, never, 8, 16, 256, direct. */
enum colour_choice {
	COLOUR_AUTO,
	COLOUR_NEVER,
	COLOUR_USE_8,
	COLOUR_USE_16,
	COLOUR_USE_256,
	COLOUR_USE_DIRECT,
};

bool colour_choice_parse(const char *word, enum colour_choice *ret);

/* What is known of a terminal before it is opened. */
struct colour_terminal {
	int colours;             /* terminfo's max_colors; below 8: none */
	bool is_direct;          /* TERM itself has RGB */
	bool has_direct_sibling; /* terminfo knows a -direct entry of the same family */
	const char *no_color;    /* NO_COLOR, or NULL */
	const char *colorterm;   /* COLORTERM, or NULL */
};

/**
 * The depth to use. An explicit choice wins over NO_COLOR, but no terminal gets more than it has.
 * DEPTH_DIRECT with !is_direct asks for the sibling entry.
 */
enum colour_depth colour_decide(enum colour_choice choice, const struct colour_terminal *terminal);

/* A palette in a perceptual space (OKLab), made once per theme. */
struct colour_palette {
	enum colour_depth depth;
	struct {
		float l, a, b;
	} at[256];
};

void colour_palette_init(struct colour_palette *palette, enum colour_depth depth);

/**
 * The terminal's number for a colour: -1 the default, an index, or with DEPTH_DIRECT 0xRRGGBB (or
 * 0 … 7 for the ANSI colours, which such terminals keep there).
 */
int colour_number(const struct colour_palette *palette, struct colour colour);

#endif
