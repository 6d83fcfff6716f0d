/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_PROBES_TASKS_DOMAIN_H
#define HEAPTOP_PROBES_TASKS_DOMAIN_H

/** Private to tasks*.c: the processes of a cgroup and of all cgroups below it. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/facts/system.h"

struct domain_pids {
	int32_t *at; /* sorted */
	size_t count, room;
};

/** False, with nothing to free, when the cgroup can't be read at all. */
bool domain_pids_read(const struct cgroup_facts *cgroup, const struct cgroup_level *level,
                      struct domain_pids *ret);
bool domain_pids_has(const struct domain_pids *pids, int32_t pid);
void domain_pids_free(struct domain_pids *pids);

#endif
