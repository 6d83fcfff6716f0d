/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_EVENT_WORDS_H
#define HEAPTOP_TUI_EVENT_WORDS_H

/** How views show an event of the log and where it leads to. */
#include "tui/view.h"

/** Its sentence, clean. */
char *event_words(const struct run_event *event, const struct view_frame *frame,
                  char to[EVENT_TEXT]);

/** "x", "!", "i", and "m" of a mark. */
const char *event_sign(const struct run_event *event);
enum role event_role(const struct run_event *event);

/** Events of the frame's past that are no newer than its snapshot; *ret_first is the newest. */
size_t events_until(const struct view_frame *frame, size_t *ret_first);

/** The view and the object that an event is about; false: none. */
bool event_target(const struct run_event *event, struct view_target *ret);

/** "the arena", "the thread", … of what Enter goes to; NULL: nowhere. */
const char *event_target_word(const struct run_event *event);

#endif
