/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_TEXT_FILE_H
#define HEAPTOP_TUI_TEXT_FILE_H

/** Small files that the user writes by hand: themes, settings. */
#include <stdbool.h>
#include <stddef.h>

#include "model/base/err.h"

enum { TEXT_FILE_MAX = 256 << 10 };

/**
 * Reads a whole file, at most TEXT_FILE_MAX bytes; free(*ret) it. Never waits: what is neither a file
 * nor /dev/null is refused. The error's cause is an errno value where there is one.
 */
bool text_file_read(const char *path, char **ret, size_t *ret_len, struct err *reterr);

#endif
