/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_TERM_PRIVATE_H
#define HEAPTOP_TUI_TERM_PRIVATE_H

/** What the term*.c share; for them alone. */
#include <stdbool.h>

#include <curses.h>

#include "tui/term.h"

/* Curses' view of a role. */
struct term_look {
	attr_t attrs;
	int pair;
};

/* --- term_colour.c ---------------------------------------------------------------------------- */

/** A string of the terminal's entry; NULL when it has none. */
const char *term_string(const char *name);

/** The depth for TERM's `name`, which setupterm() has chosen, and the entry to open it by. */
enum colour_depth term_colour_probe(const char *name, enum colour_choice choice, char *ret_entry,
                                    size_t size);

/** Starts colours at a depth; after newterm(). */
void term_colour_start(enum colour_depth depth);

/** Makes the looks of all roles. */
void term_colour_looks(const struct theme *theme, struct term_look looks[ROLE_COUNT]);

/* --- term_crash.c ----------------------------------------------------------------------------- */

/** Keeps what restores terminal and signals; after setupterm(), before newterm() changes them. */
void term_crash_prepare(void);

/** Adds to what a crash writes: mouse reports were switched on. */
void term_crash_mouse(void);

/** Installs all signal handlers; after newterm(), which has handlers of its own. */
bool term_signals_start(struct err *reterr);
void term_signals_stop(void);

/** Readable when a signal came. */
int term_signal_fd(void);

/** The next signal that came; 0 when none did. */
int term_signal_next(void);

/** Stops this process, or its whole group, as the terminal's own suspend key would. */
void term_signals_suspend(bool whole_group);

/** Moves standard error out of the terminal's way, and back, printing what came meanwhile. */
void term_stderr_hide(void);
void term_stderr_show(void);

/* --- term_input.c ----------------------------------------------------------------------------- */

void term_input_start(bool no_mouse);

/** A key or click from curses; EVENT_NONE when there is none. */
struct event term_input_next(void);

#endif
