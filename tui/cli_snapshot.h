/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_CLI_SNAPSHOT_H
#define HEAPTOP_TUI_CLI_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "model/base/err.h"
#include "model/facts/snapshot.h"

struct snapshot_wish {
	bool json, chunks, vmas, freeze;
};

/** Takes one full snapshot of a process and writes it on standard output; returns the exit code. */
int cli_snapshot_pid(int32_t pid, const struct snapshot_wish *wish);

/** True when its memory could not be read; *ret then says which rule refused. */
bool cli_snapshot_denied(const struct snapshot *snap, struct err *ret);

#endif
