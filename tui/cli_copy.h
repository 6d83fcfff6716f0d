/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_CLI_COPY_H
#define HEAPTOP_TUI_CLI_COPY_H

/** A world from a live process; for cli_*.c. */
#include <stdbool.h>
#include <stdint.h>

#include "model/base/err.h"
#include "model/run/world.h"

struct process_copy {
	const struct snapshot *snap; /* what the world began from; it lives as long */
	struct world *world;
	bool is_moving; /* the process ran while it was copied, however often that was tried */
};

/**
 * Copies a process at one instant: again and again until it has not run meanwhile, for half a second at
 * most; or once, with all its threads stopped. `start` gets snapshot and memory. The copy is complete: the
 * process may end afterwards. Free the world, then the snapshot, after a failure as well.
 */
bool cli_copy_process(int32_t pid, bool wants_freeze, struct world_start *start,
                      struct process_copy *ret, struct err *reterr);

#endif
