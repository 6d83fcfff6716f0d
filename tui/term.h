/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_TERM_H
#define HEAPTOP_TUI_TERM_H

/**
 * The terminal: keys, clicks, resizes and signals in, a canvas out. term*.c alone know curses. There is
 * one terminal; all calls come from the thread that opened it. However the program ends (but for
 * SIGKILL), the terminal is left as it was found.
 */
#include <stdbool.h>
#include <stdint.h>

#include "model/base/err.h"
#include "tui/canvas.h"
#include "tui/colour.h"
#include "tui/keys.h"
#include "tui/theme.h"

struct term_options {
	enum colour_choice colour;
	bool no_mouse;
};

/**
 * Takes over the terminal on standard input and output. What is written to standard error
 * meanwhile, if that is the terminal too, is kept and printed after term_close().
 */
bool term_open(const struct term_options *options, struct err *reterr);
void term_close(void);

/**
 * Waits until there is an event, `fd` (-1: none) is readable, or the time is over (-1: never).
 * Returns true when `fd` is readable. Ask term_event() in any case.
 */
bool term_wait(int fd, int timeout_ms);

enum event_kind {
	EVENT_NONE,
	EVENT_KEY,
	EVENT_MOUSE,
	EVENT_RESIZE,  /* term_size() has changed, or the screen needs to be shown again */
	EVENT_SUSPEND, /* the user's shell asks for it: call term_suspend() */
	EVENT_LEAVE,   /* a signal that ends the program, or a terminal that is gone */
};

enum mouse_action { MOUSE_CLICK, MOUSE_DOUBLE_CLICK, MOUSE_WHEEL_UP, MOUSE_WHEEL_DOWN };

struct event {
	enum event_kind kind;
	uint32_t key;             /* EVENT_KEY: see keys.h */
	enum mouse_action action; /* EVENT_MOUSE */
	int x, y;                 /* EVENT_MOUSE */
	int signal;               /* EVENT_LEAVE */
};

/** The next event; EVENT_NONE when there is none now. Never waits but for the rest of a key. */
struct event term_event(void);

void term_size(int *ret_width, int *ret_height);

/** The best that the terminal can show: ASCII without UTF-8, halves on the Linux console. */
enum symbols term_symbols(void);

/** The depth that its colours have got. */
enum colour_depth term_depth(void);

/** Looks for all roles from now on; the whole screen is drawn anew. */
void term_use_theme(const struct theme *theme);

/** Shows a canvas; only what has changed is sent. The cursor is hidden when x or y is negative. */
void term_show(const struct canvas *canvas, int cursor_x, int cursor_y);

/** Sends everything at the next term_show(), whatever the screen is thought to hold. */
void term_redraw(void);

/** Puts text into the terminal's clipboard where it offers that (terminfo's Ms); false: it does not. */
bool term_copy(const char *text);

/** Gives the terminal back and stops the process; returns when it is continued. */
void term_suspend(bool whole_group);

#endif
