/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_CLI_ATTACH_H
#define HEAPTOP_TUI_CLI_ATTACH_H

#include <stdbool.h>
#include <stdint.h>

#include "tui/app.h"
#include "tui/cli.h"

/** The options that every command with a screen takes; checked. */
bool cli_app_options(const struct cli_args *args, struct app_options *ret, struct err *reterr);

/** "250ms", "1s", "0.5s" or a number of seconds; 100 ms to 10 s. */
bool cli_parse_interval(const char *word, uint32_t *ret_ms, struct err *reterr);

/** Runs the terminal UI on a live process until the user leaves; returns the exit code. */
int cli_attach_pid(int32_t pid, const struct app_options *options);

#endif
