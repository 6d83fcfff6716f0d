/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_PROBES_PARSE_CGROUP_H
#define HEAPTOP_PROBES_PARSE_CGROUP_H

/**
 * The texts around memory cgroups as pure functions from bytes to facts: /proc/PID/cgroup,
 * mountinfo, limits and keyed files. All of them may be written by somebody hostile: a cgroup's
 * name is any bytes but '/', newline and NUL.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/base/fact.h"
#include "probes/parse_words.h"

/* Where a process lives; spans of the text, at NULL: not in such a hierarchy. */
struct cgroup_membership {
	struct span v1_memory; /* path in the v1 hierarchy with the memory controller */
	struct span v2;        /* path in the unified hierarchy */
};

void parse_cgroup_membership(const char *text, size_t len, struct cgroup_membership *ret);

#define CGROUP_MOUNT_MAX 1024

/* A mount of a hierarchy: the directory `root` of the hierarchy is visible at `point`. */
struct cgroup_mount {
	bool is_there;
	char root[CGROUP_MOUNT_MAX];
	char point[CGROUP_MOUNT_MAX];
};

struct cgroup_mounts {
	struct cgroup_mount v1_memory, v2;
};

/** The widest mount of each of the two: one whose root is "/", else the first. */
void parse_cgroup_mounts(const char *mountinfo, size_t len, struct cgroup_mounts *ret);

/**
 * The part of `path` below the directory that a mount shows: "" for that directory itself, else
 * "/…". at NULL when it lies outside, or is written with "..".
 */
struct span cgroup_path_below(struct span path, const char *mount_root);

/** "max", a number, or v1's largest number: the last and "max" give UINT64_MAX. */
struct fact parse_cgroup_limit(const char *text, size_t len);

/** The number behind `key` in a file of "KEY NUMBER" lines. */
struct fact parse_cgroup_keyed(const char *text, size_t len, const char *key);

#endif
