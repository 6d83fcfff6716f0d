/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tui/term_private.h"

#include <term.h>

static struct {
	enum colour_depth depth;
	bool has_default; /* -1 stands for the terminal's own colours */
} state;

const char *term_string(const char *name)
{
	/* the old prototype knows no const, and absent names are no pointers but -1 */
	const char *text = tigetstr((char *)(uintptr_t)name); // NOLINT(performance-no-int-to-ptr)

	return (intptr_t)text == -1 ? NULL : text;
}

/* RGB is a flag, a number or a string, as the entry's author liked. */
static bool has_rgb(void)
{
	const char *text = term_string("RGB");

	return tigetflag("RGB") > 0 || tigetnum("RGB") > 0 || (text && *text);
}

/* "xterm-256color" has the sibling "xterm-direct" when terminfo was installed whole. */
static bool find_sibling(const char *name, char *ret_entry, size_t size)
{
	TERMINAL *own = cur_term;
	int family = (int)strcspn(name, "-"), status = 0;
	bool is_known;

	if (snprintf(ret_entry, size, "%.*s-direct", family, name) >= (int)size)
		return false;
	is_known = setupterm(ret_entry, STDOUT_FILENO, &status) == OK;
	if (is_known)
		del_curterm(cur_term);
	set_curterm(own);
	return is_known;
}

enum colour_depth term_colour_probe(const char *name, enum colour_choice choice, char *ret_entry,
                                    size_t size)
{
	struct colour_terminal terminal = {
		.colours = max_colors,
		.is_direct = has_rgb(),
		.no_color = getenv("NO_COLOR"),
		.colorterm = getenv("COLORTERM"),
	};
	enum colour_depth depth;

	if (!terminal.is_direct)
		terminal.has_direct_sibling = find_sibling(name, ret_entry, size);
	depth = colour_decide(choice, &terminal);
	if (depth != DEPTH_DIRECT || terminal.is_direct)
		(void)snprintf(ret_entry, size, "%s", name);
	return depth;
}

void term_colour_start(enum colour_depth depth)
{
	state.depth = depth;
	if (depth == DEPTH_MONO)
		return;
	if (!has_colors() || start_color() == ERR) {
		state.depth = DEPTH_MONO;
		return;
	}
	state.has_default = use_default_colors() == OK;
}

static attr_t attrs_of(uint8_t attrs)
{
	attr_t out = A_NORMAL;

	if (attrs & STYLE_BOLD)
		out |= A_BOLD;
	if (attrs & STYLE_DIM)
		out |= A_DIM;
	if (attrs & STYLE_UNDERLINE)
		out |= A_UNDERLINE;
	if (attrs & STYLE_REVERSE)
		out |= A_REVERSE;
	if (attrs & STYLE_ITALIC)
		out |= A_ITALIC;
	return out;
}

void term_colour_looks(const struct theme *theme, struct term_look looks[ROLE_COUNT])
{
	struct colour_palette palette;

	colour_palette_init(&palette, state.depth);
	if (state.depth != DEPTH_MONO)
		reset_color_pairs(); /* those of the theme before are free again */
	for (unsigned role = 0; role < ROLE_COUNT; role++) {
		struct style style = theme_style(theme, (enum role)role, state.depth);
		int fg = colour_number(&palette, style.fg), bg = colour_number(&palette, style.bg);

		looks[role] = (struct term_look){ .attrs = attrs_of(style.attrs) };
		if (state.depth == DEPTH_MONO)
			continue;
		if (!state.has_default) {
			fg = fg < 0 ? COLOR_WHITE : fg;
			bg = bg < 0 ? COLOR_BLACK : bg;
		}
		/* curses shares equal pairs and gives the oldest away when there are no more */
		looks[role].pair = fg < 0 && bg < 0 ? 0 : alloc_pair(fg, bg);
		if (looks[role].pair < 0)
			looks[role].pair = 0;
	}
}
