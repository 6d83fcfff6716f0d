/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TESTS_LIB_SCREEN_H
#define HEAPTOP_TESTS_LIB_SCREEN_H

/** Draws views of a sample on a canvas, in a frame like the program's, and compares with goldens. */
#include "tests/lib/sample_snapshot.h"
#include "tui/view.h"

struct screen {
	struct canvas canvas;
	struct view_state state;
};

/** Asserts (cmocka) that memory was there. */
void screen_init(struct screen *screen, int width, int height);
void screen_fini(struct screen *screen);

/** The frame that a view gets of a sample. */
struct view_frame screen_frame(struct screen *screen, const struct sample *sample);

/** Prepares and draws a view: frame, the view inside, its status line in the last row but one. */
void screen_draw(struct screen *screen, const struct view_ops *view, const struct sample *sample);

/**
 * Draws a view that looks at malloc's memory: once to learn at what, and, with the sample's answer,
 * again until it asks for nothing new.
 */
void screen_look(struct screen *screen, const struct view_ops *view, struct sample *sample);

/** Prepares, and hands a command to the view. */
bool screen_command(struct screen *screen, const struct view_ops *view, const struct sample *sample,
                    enum command_id command);

/** One row as text; free() it. */
char *screen_row(const struct screen *screen, int y);

/** True when a row contains a text; *ret_y (may be NULL) is the first such row. */
bool screen_has(const struct screen *screen, const char *text, int *ret_y);

/**
 * Compares the canvas with tests/screens/golden/NAME.txt, seen from the tree's root. With UPDATE=1
 * in the environment the file is written instead.
 */
void screen_golden(const struct screen *screen, const char *name);

#endif
