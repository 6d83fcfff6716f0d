/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_PROBES_CGROUP_H
#define HEAPTOP_PROBES_CGROUP_H

/** Private to probes/: where a level of the memory hierarchy lies in the file system. */
#include <stdbool.h>

#include "model/facts/system.h"

/** An O_PATH descriptor of a level's directory; -1 when it is gone or was never visible. */
int cgroup_open_level(const struct cgroup_facts *cgroup, const struct cgroup_level *level);

#endif
