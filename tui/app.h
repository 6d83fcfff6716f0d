/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_APP_H
#define HEAPTOP_TUI_APP_H

/**
 * The terminal program on one target: frame, views, prompts, keys. It takes snapshots from a feed
 * and knows nothing of where they come from. Runs on the calling thread until the user leaves.
 */
#include <stdbool.h>
#include <stdint.h>

#include "model/base/err.h"
#include "model/facts/snapshot.h"
#include "tui/config_file.h"

/* How to use the terminal and what to show first. Zero-initialised is all defaults. */
struct app_options {
	struct config config;
	struct config_file
	        file; /* from which they came; a path of "": there is no place to save them */
};

/* Where snapshots come from. Every function is called on the thread of app_run(), never waits. */
struct app_feed {
	int fd; /* readable whenever take() has something newer; -1: never */
	void *ctx;
	/** The newest unread snapshot, whose reference the caller gets, or NULL. */
	const struct snapshot *(*take)(void *ctx);
	void (*set_interval)(void *ctx, uint32_t ms);
	void (*set_budget)(void *ctx, uint32_t permille); /* of a core; may be NULL */
	void (*want)(void *ctx, uint32_t what);  /* enum take_what: parts to be read soon */
	void (*focus)(void *ctx, uint32_t what); /* enum take_what: parts the screen shows */
	/* What a view looks at in malloc's memory; NULL: nothing any more. May be NULL. */
	void (*look)(void *ctx, const struct window_request *request);
	uint32_t (*walked)(void *ctx); /* thousandths of the walk under way; 0: none */
};

/** Checks the theme that the command line named, before anything is opened. */
bool app_options_check(const struct app_options *options, struct err *reterr);

/**
 * Shows the feed until the user leaves. Opens the terminal and leaves it as it was found. Returns
 * the exit code: 0, or 128 + N when signal N ended it; errors are printed (no usable terminal: 2).
 */
int app_run(const struct app_options *options, const struct app_feed *feed);

#endif
