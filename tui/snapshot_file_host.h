/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_SNAPSHOT_FILE_HOST_H
#define HEAPTOP_TUI_SNAPSHOT_FILE_HOST_H

/* Between snapshot_file*.c. */
#include <jansson.h>
#include <stdbool.h>

#include "model/base/err.h"
#include "model/facts/snapshot.h"

/** Adds the parts that decide who dies when memory runs out, as far as the file has them. */
bool snapshot_host_from_json(const json_t *root, const char *file, struct snapshot *snap,
                             struct err *reterr);

#endif
