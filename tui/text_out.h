/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_TEXT_OUT_H
#define HEAPTOP_TUI_TEXT_OUT_H

/**
 * Private to text_*.c: the sections of `heaptop snapshot PID` as text. Plain ASCII but for names, which
 * come last in their row and are cleaned; figures are aligned; `?` is what could not be read.
 */
#include <stdio.h>

#include "model/base/text.h"
#include "tui/report.h"

/** "ARENAS" and a note beside it, after an empty line. */
void text_heading(FILE *out, const char *title, const char *note);

/** Foreign bytes, made clean. */
void text_foreign(FILE *out, const char *bytes, size_t len);

/** `part` of `whole` in percent; "?" when it is not known, "-" of nothing. */
char *text_percent(char buf[TEXT_NUMBER], struct fact part, struct fact whole);

void text_malloc(FILE *out, const struct report *report);
void text_system(FILE *out, const struct report *report);
void text_vmas(FILE *out, const struct report *report);
void text_chunks(FILE *out, const struct report *report);

#endif
