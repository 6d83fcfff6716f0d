/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_PICKER_H
#define HEAPTOP_TUI_PICKER_H

/** The list from which a process is chosen when heaptop is started without a pid. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/app.h"

/* One process; comm and cmdline are raw bytes, NUL-terminated. */
struct picker_row {
	int32_t pid;
	char user[32];
	char comm[64];
	char cmdline[128];
	uint64_t rss_bytes, swap_bytes;
	int32_t oom_score;
	bool may_read; /* malloc's state can be shown */
};

/* Gives the processes. Rows belong to the source and live until the next refresh(). */
struct picker_source {
	void *ctx;
	/** False: the list could not be read; the picker shows the error and keeps its rows. */
	bool (*refresh)(void *ctx, const struct picker_row **ret_rows, size_t *ret_count,
	                struct err *reterr);
};

/**
 * Lets the user choose. Returns 0 with *ret_pid set, 0 being that he left without choosing; else an
 * exit code as app_run() does, and *ret_pid is 0.
 */
int picker_run(const struct app_options *options, const struct picker_source *source,
               int32_t *ret_pid);

#endif
