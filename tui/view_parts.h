/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_VIEW_PARTS_H
#define HEAPTOP_TUI_VIEW_PARTS_H

/** What all views draw with: panes, figures that may be unknown, words for states. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/base/fact.h"
#include "model/base/text.h"
#include "tui/canvas.h"
#include "tui/view.h"

/* --- panes -------------------------------------------------------------------------------------- */

/** The area below a divider in the area's first row. */
struct area pane_area(struct area area, const char *title, const char *right);

struct pane_pair {
	struct area left, right;
};

/** Two panes side by side with a divider above each; the line between them is at column `x`. */
struct pane_pair pane_pair(struct area area, int x, const char *left_title,
                           const char *right_title);

/**
 * A part `height` rows high off the top of *area, which shrinks to the rest; fewer rows when there
 * are no more.
 */
struct area take_rows(struct area *area, int height);

/* --- figures ------------------------------------------------------------------------------------ */

/* The mark of a figure that is not simply known: `~` estimated, `!` torn, `?` not readable. */
char *figure_bytes(char buf[TEXT_NUMBER], struct fact bytes);
char *figure_count(char buf[TEXT_NUMBER], struct fact count);
enum role figure_role(struct fact figure);

/** Right-aligned before `x_end`, in the role of a number; dim when unknown. */
void draw_bytes(struct area area, int x_end, int y, struct fact bytes);
void draw_count(struct area area, int x_end, int y, struct fact count);

/** part in thousandths of whole, at most 1000; 0 for an empty whole. */
unsigned permille_of(uint64_t part, uint64_t whole);

/** "93%", right-aligned before `x_end`; "?" when one of both is unknown, "-" of an empty whole. */
void draw_percent(struct area area, int x_end, int y, struct fact part, struct fact whole);

/** A gauge of a known share; empty with a `?` in it otherwise. */
void draw_share(struct area area, int x, int y, int width, struct fact part, struct fact whole);

/** A pair of label and text: the label dim at `x`, the text at `x_text`. */
void draw_labelled(struct area area, int x, int x_text, int y, const char *label, const char *text);

/** Trusted text over as many rows as it needs, broken at blanks; returns the rows used. */
int draw_wrapped(struct area area, int y, enum role role, const char *text);

/* --- selection ---------------------------------------------------------------------------------- */

/** Notes that the area's row `y` shows an object, and marks it if it is the selected one. */
void view_item(struct view_state *state, struct area area, int y, uint64_t key);

/** Moves the selection over the items drawn last: up, down, first, last; false: another command. */
bool view_items_command(struct view_state *state, enum command_id command);

/* --- sums over arenas --------------------------------------------------------------------------- */

struct arena_sums {
	uint64_t system;
	size_t heaps;
	struct fact in_use, tcache, fast, bins, top, trimmable; /* unknown when one arena's is */
};

struct arena_sums arena_sums(const struct malloc_state *ms);

/** The index of an arena's address in the ring, or ms->arena_count. */
size_t arena_index(const struct malloc_state *ms, uint64_t addr);

/** "main" or "#3". */
char *arena_name(char buf[TEXT_NUMBER], const struct malloc_state *ms, size_t index);

/** Draws what an arena's system memory is made of, to a scale of `total` bytes. */
void draw_arena_bar(struct area area, int y, const struct arena *arena, uint64_t total);

/* --- words -------------------------------------------------------------------------------------- */

/**
 * Why there is no malloc to be shown: another allocator, not found, never used, not readable, not
 * read yet. Empty when there is one. Clean text.
 */
void malloc_absence(const struct snapshot *snap, char *to, size_t size);

/** Why there are no mappings, and what still works. Clean text. */
void vmas_absence(const struct snapshot *snap, char *to, size_t size);

/** The C library and its version: "glibc 2.36", "jemalloc, glibc 2.36", "musl", "?". */
void libc_words(const struct heap_facts *heap, char *to, size_t size);

#endif
