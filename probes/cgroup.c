/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory cgroup of a process: which hierarchy has the controller, what of it is visible here,
 * and the limits of every level down to the process's own.
 *
 * On a hybrid machine the unified hierarchy exists without a memory controller, so v1 goes first.
 * In a cgroup namespace the visible root is not the real one: limits above it are unknown here.
 */
#include "probes/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "model/base/region.h"
#include "probes/parse_cgroup.h"
#include "probes/read.h"
#include "probes/read_file.h"

#define PATH_BYTES 4096
#define STAT_BYTES 16384 /* memory.stat has about 3 KiB */

/* A hierarchy as it is visible: its directory, and what part of the hierarchy that shows. */
struct hierarchy {
	enum cgroup_version version;
	const struct cgroup_mount *mount;
};

static bool read_mounts(struct cgroup_mounts *ret)
{
	struct file_text text = { 0 };
	int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	bool ok = fd >= 0 && read_fd(fd, &text) == READ_OK;

	if (ok)
		parse_cgroup_mounts(text.at, text.len, ret);
	file_text_free(&text);
	if (fd >= 0)
		close(fd);
	return ok;
}

/* The unified hierarchy serves memory when its root offers the controller to its children. */
static bool v2_has_memory(const struct cgroup_mount *mount)
{
	char name[CGROUP_MOUNT_MAX + 32], text[512];
	struct span rest, word;
	size_t len;

	(void)snprintf(name, sizeof(name), "%s/cgroup.controllers", mount->point);
	if (read_file_small(AT_FDCWD, name, text, sizeof(text), &len) != READ_OK)
		return false;
	if (len && text[len - 1] == '\n')
		len--;
	rest = (struct span){ text, len };
	while (span_word(&rest, &word))
		if (span_is(word, "memory"))
			return true;
	return false;
}

static bool pick_visible(const struct cgroup_mounts *mounts, struct hierarchy *ret)
{
	if (mounts->v1_memory.is_there)
		*ret = (struct hierarchy){ CGROUP_V1, &mounts->v1_memory };
	else if (mounts->v2.is_there && v2_has_memory(&mounts->v2))
		*ret = (struct hierarchy){ CGROUP_V2, &mounts->v2 };
	else
		return false;
	return true;
}

/* --- one level -------------------------------------------------------------------------------- */

static size_t read_text(int dir, const char *name, char *text, size_t size)
{
	size_t len;

	return read_file_small(dir, name, text, size, &len) == READ_OK ? len : 0;
}

static struct fact read_limit(int dir, const char *name)
{
	char text[64];

	return parse_cgroup_limit(text, read_text(dir, name, text, sizeof(text)));
}

/* a - b, never below 0; no limit stays no limit. */
static struct fact difference(struct fact a, struct fact b)
{
	if (!fact_known(a) || !fact_known(b))
		return fact_unknown();
	if (a.v == UINT64_MAX)
		return a;
	return fact_of(a.v > b.v ? a.v - b.v : 0);
}

static void read_v2_level(int dir, struct cgroup_level *level)
{
	char text[STAT_BYTES];
	size_t len;

	level->current = read_limit(dir, "memory.current");
	level->max = read_limit(dir, "memory.max");
	level->high = read_limit(dir, "memory.high");
	level->low = read_limit(dir, "memory.low");
	level->min = read_limit(dir, "memory.min");
	level->swap_current = read_limit(dir, "memory.swap.current");
	level->swap_max = read_limit(dir, "memory.swap.max");
	level->oom_group = read_limit(dir, "memory.oom.group");
	len = read_text(dir, "memory.stat", text, sizeof(text));
	level->anon = parse_cgroup_keyed(text, len, "anon");
	level->file = parse_cgroup_keyed(text, len, "file");
	level->kernel = parse_cgroup_keyed(text, len, "kernel");
	len = read_text(dir, "memory.events", text, sizeof(text));
	level->events_high = parse_cgroup_keyed(text, len, "high");
	level->events_max = parse_cgroup_keyed(text, len, "max");
	level->events_oom = parse_cgroup_keyed(text, len, "oom");
	level->events_oom_kill = parse_cgroup_keyed(text, len, "oom_kill");
}

/* total_… includes the levels below, as the limit does. */
static struct fact v1_stat(const char *text, size_t len, const char *total, const char *own)
{
	struct fact sum = parse_cgroup_keyed(text, len, total);

	return fact_known(sum) ? sum : parse_cgroup_keyed(text, len, own);
}

static void read_v1_level(int dir, struct cgroup_level *level)
{
	struct fact memsw_current = read_limit(dir, "memory.memsw.usage_in_bytes");
	char text[STAT_BYTES];
	size_t len;

	level->current = read_limit(dir, "memory.usage_in_bytes");
	level->max = read_limit(dir, "memory.limit_in_bytes");
	level->memsw_max = read_limit(dir, "memory.memsw.limit_in_bytes");
	level->swap_current = difference(memsw_current, level->current);
	/* without a limit on memory, one on both together says nothing about swap alone */
	if (fact_or(level->max, UINT64_MAX) != UINT64_MAX ||
	    fact_or(level->memsw_max, 0) == UINT64_MAX)
		level->swap_max = difference(level->memsw_max, level->max);
	level->swappiness = read_limit(dir, "memory.swappiness");
	level->kernel = read_limit(dir, "memory.kmem.usage_in_bytes");
	level->events_max = read_limit(dir, "memory.failcnt");
	len = read_text(dir, "memory.stat", text, sizeof(text));
	level->anon = v1_stat(text, len, "total_rss", "rss");
	level->file = v1_stat(text, len, "total_cache", "cache");
	len = read_text(dir, "memory.oom_control", text, sizeof(text));
	level->oom_kill_disable = parse_cgroup_keyed(text, len, "oom_kill_disable");
	level->under_oom = parse_cgroup_keyed(text, len, "under_oom");
	level->events_oom_kill = parse_cgroup_keyed(text, len, "oom_kill");
}

/* --- the path --------------------------------------------------------------------------------- */

static int open_below(const struct cgroup_mount *mount, struct span below)
{
	char name[PATH_BYTES + CGROUP_MOUNT_MAX];

	if (below.len >= PATH_BYTES)
		return -1;
	(void)snprintf(name, sizeof(name), "%s%.*s", mount->point, (int)below.len, below.at);
	return open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* The level whose path below the mount is `below`. False when its directory can't be opened. */
static bool read_level(const struct hierarchy *hierarchy, struct span path, struct span below,
                       struct region *region, struct cgroup_level *ret)
{
	int dir = open_below(hierarchy->mount, below);

	if (dir < 0)
		return false;
	ret->path = path.len ? region_text(region, path.at, path.len) : "/";
	if (hierarchy->version == CGROUP_V2)
		read_v2_level(dir, ret);
	else
		read_v1_level(dir, ret);
	close(dir);
	return ret->path != NULL;
}

static size_t count_levels(struct span below)
{
	size_t count = 1;

	for (size_t i = 0; i < below.len; i++)
		count += below.at[i] == '/';
	return count;
}

/*
 * Every level from the visible root down to `path`. `above` bytes of the path name the visible
 * root itself.
 */
static void read_levels(const struct hierarchy *hierarchy, struct span path, size_t above,
                        struct region *region, struct cgroup_facts *ret)
{
	size_t room = count_levels((struct span){ path.at + above, path.len - above });
	size_t at = above;

	ret->levels = region_alloc(region, room * sizeof(*ret->levels));
	while (ret->levels && ret->level_count < room) {
		struct span below = { path.at + above, at - above };

		if (!read_level(hierarchy, (struct span){ path.at, at }, below, region,
		                &ret->levels[ret->level_count])) {
			ret->unreadable = "the cgroup's directory is gone or can't be opened";
			return;
		}
		ret->level_count++;
		do {
			at++;
		} while (at < path.len && path.at[at] != '/');
	}
	if (!ret->levels)
		ret->unreadable = "out of memory";
}

static void read_path(const struct hierarchy *hierarchy, struct span path, struct region *region,
                      struct cgroup_facts *ret)
{
	struct span below = cgroup_path_below(path, hierarchy->mount->root);

	ret->version = hierarchy->version;
	ret->path = region_text(region, path.at, path.len);
	if (!below.at) {
		ret->unreadable =
		        "its cgroup lies outside what is mounted here (a cgroup namespace)";
		return;
	}
	while (path.len && path.at[path.len - 1] == '/')
		path.len--;
	read_levels(hierarchy, path, path.len - below.len, region, ret);
}

/* --- where a process lives -------------------------------------------------------------------- */

static bool of_process(const struct cgroup_mounts *mounts, struct span text, struct hierarchy *ret,
                       struct span *ret_path, const char **ret_why)
{
	struct cgroup_membership in;

	parse_cgroup_membership(text.at, text.len, &in);
	if (in.v1_memory.at) {
		*ret = (struct hierarchy){ CGROUP_V1, &mounts->v1_memory };
		*ret_path = in.v1_memory;
	} else if (in.v2.at) {
		*ret = (struct hierarchy){ CGROUP_V2, &mounts->v2 };
		*ret_path = in.v2;
	} else {
		*ret_why = "the kernel has no memory cgroups";
		return false;
	}
	if (!ret->mount->is_there)
		*ret_why = "the memory cgroup hierarchy is not mounted here";
	else if (ret->version == CGROUP_V2 && !v2_has_memory(ret->mount))
		*ret_why = "no hierarchy has the memory controller";
	else
		return true;
	return false;
}

static void read_of_process(const struct cgroup_mounts *mounts, int32_t pid, struct region *region,
                            struct cgroup_facts *ret)
{
	char name[64], text[4 * PATH_BYTES];
	struct hierarchy hierarchy;
	struct span path;
	size_t len;

	(void)snprintf(name, sizeof(name), "/proc/%d/cgroup", pid);
	if (read_file_small(AT_FDCWD, name, text, sizeof(text), &len) != READ_OK)
		ret->unreadable = "/proc/PID/cgroup can't be read";
	else if (of_process(mounts, (struct span){ text, len }, &hierarchy, &path,
	                    &ret->unreadable))
		read_path(&hierarchy, path, region, ret);
}

/* A path of the hierarchy, or of its directory in the file system. */
static void read_of_path(const struct cgroup_mounts *mounts, const char *path,
                         struct region *region, struct cgroup_facts *ret)
{
	char full[PATH_BYTES + CGROUP_MOUNT_MAX];
	struct span span = { path, strlen(path) }, rest = span;
	struct hierarchy hierarchy;
	int len;

	if (!pick_visible(mounts, &hierarchy)) {
		ret->unreadable = "no hierarchy with the memory controller is mounted here";
		return;
	}
	if (span_skip(&rest, hierarchy.mount->point) && (!rest.len || *rest.at == '/')) {
		len = snprintf(full, sizeof(full), "%s%s",
		               strcmp(hierarchy.mount->root, "/") == 0 ? "" : hierarchy.mount->root,
		               rest.len ? rest.at : "/");
	} else {
		len = snprintf(full, sizeof(full), "%s%s", *path == '/' ? "" : "/", path);
	}
	if (len < 0 || (size_t)len >= PATH_BYTES) {
		ret->unreadable = "the path is too long";
		return;
	}
	read_path(&hierarchy, (struct span){ full, (size_t)len }, region, ret);
}

void cgroup_read(int32_t pid, const char *path, struct region *region, struct cgroup_facts *ret)
{
	struct cgroup_mounts mounts;

	*ret = (struct cgroup_facts){ .version = CGROUP_NONE };
	if (!read_mounts(&mounts))
		ret->unreadable = "/proc/self/mountinfo can't be read";
	else if (pid)
		read_of_process(&mounts, pid, region, ret);
	else if (path)
		read_of_path(&mounts, path, region, ret);
}

int cgroup_open_level(const struct cgroup_facts *cgroup, const struct cgroup_level *level)
{
	struct cgroup_mounts mounts;
	const struct cgroup_mount *mount;
	struct span below;

	if (!read_mounts(&mounts))
		return -1;
	mount = cgroup->version == CGROUP_V2 ? &mounts.v2 : &mounts.v1_memory;
	if (!mount->is_there)
		return -1;
	below = cgroup_path_below((struct span){ level->path, strlen(level->path) }, mount->root);
	return below.at ? open_below(mount, below) : -1;
}
