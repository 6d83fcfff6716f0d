/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_CONFIG_FILE_H
#define HEAPTOP_TUI_CONFIG_FILE_H

/** Where heaptop.ini lies, and how it is read and replaced. */
#include "model/base/err.h"
#include "tui/config.h"

struct config_file {
	char path[1024];               /* "": there is no place for one */
	bool is_explicit;              /* the command line named it */
	struct file_problems problems; /* of the last reading */
};

/**
 * Reads the file that `path` names, or $XDG_CONFIG_HOME/heaptop/heaptop.ini when it is NULL, into the
 * settings. False only when a file that was named can't be read; lines that are wrong are in
 * ret->problems.
 */
bool config_file_load(const char *path, struct config_file *ret, struct config *config,
                      struct err *reterr);

/**
 * Writes what was changed here into the file: a new one beside it takes its place, so that it is
 * never half written. Refused in the home of another user. What was changed is then "from the file".
 */
bool config_file_save(struct config_file *file, struct config *config, struct err *reterr);

#endif
