/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_VIEW_ARENAS_H
#define HEAPTOP_TUI_VIEW_ARENAS_H

/* Private to view_arenas.c and arenas_*.c: the panes below the list. */
#include "tui/view.h"

/** Heaps, top and state of the arena with that index. */
void arenas_heaps(const struct view_frame *frame, size_t index, struct area area);

/** Its fastbins, unsorted, small and large bins. */
void arenas_bins(const struct view_frame *frame, size_t index, struct area area);

/** All threads with their tcaches, those of the arena first. */
void arenas_threads(const struct view_frame *frame, size_t arena, struct area area);

/** malloc's settings and the mmapped chunks; they belong to no arena. */
void arenas_settings(const struct view_frame *frame, struct area area);

/** What Enter says of an arena. */
void arenas_explain(const struct view_frame *frame, size_t i, struct view_words *to);

#endif
