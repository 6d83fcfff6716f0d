/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_CLOCK_WORDS_H
#define HEAPTOP_TUI_CLOCK_WORDS_H

/** Instants and spans of time as the screens write them. */
#include <stdint.h>

#define CLOCK_WORDS 24

/** "12:04:31" in local time, of CLOCK_REALTIME nanoseconds. */
char *clock_words(char buf[CLOCK_WORDS], uint64_t time_ns);

/** "0.4 s", "45 s", "12 min", "3 h 20", "2 d 4 h". */
char *span_words(char buf[CLOCK_WORDS], uint64_t span_ns);

#endif
