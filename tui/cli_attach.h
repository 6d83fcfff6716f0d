/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_CLI_ATTACH_H
#define HEAPTOP_TUI_CLI_ATTACH_H

#include <stdbool.h>
#include <stdint.h>

#include "tui/app.h"
#include "tui/cli.h"

/** The options that every command with a screen takes, and the file of settings; checked. */
bool cli_app_options(const struct cli_args *args, struct app_options *ret, struct err *reterr);

/** Runs the terminal UI on a live process until the user leaves; returns the exit code. */
int cli_attach_pid(int32_t pid, const struct app_options *options);

#endif
