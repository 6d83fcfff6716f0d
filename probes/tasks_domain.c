/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Membership is read from the cgroups' side: one file per cgroup instead of one per process. */
#include "probes/tasks_domain.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes/cgroup.h"
#include "probes/parse_words.h"
#include "probes/read_file.h"

#define CGROUPS_MAX 16384 /* visited below one domain: bounded time, whatever was nested there */
#define DEPTH_MAX   64

struct walk {
	struct domain_pids *pids;
	struct file_text text;
	size_t visited;
	bool out_of_memory;
};

static void add_pid(struct walk *walk, int32_t pid)
{
	struct domain_pids *pids = walk->pids;

	if (pids->count == pids->room) {
		size_t room = pids->room ? pids->room * 2 : 256;
		int32_t *grown = reallocarray(pids->at, room, sizeof(*grown));

		if (!grown) {
			walk->out_of_memory = true;
			return;
		}
		pids->at = grown;
		pids->room = room;
	}
	pids->at[pids->count++] = pid;
}

/* Pid 0 stands for a process that this pid namespace can't see. */
static bool read_members(struct walk *walk, int dir)
{
	int fd = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	struct span rest, line;
	uint64_t pid;
	bool ok;

	if (fd < 0)
		return false;
	ok = read_fd(fd, &walk->text) == READ_OK;
	close(fd);
	rest = (struct span){ walk->text.at, ok ? walk->text.len : 0 };
	while (span_line(&rest, &line))
		if (span_number(&line, &pid) && pid && pid <= INT32_MAX)
			add_pid(walk, (int32_t)pid);
	return ok;
}

/* Takes over `dir`. Recursion is bounded by DEPTH_MAX. A threaded cgroup lists nobody: no error. */
static bool walk_cgroup(struct walk *walk, int dir, int depth)
{
	bool ok = read_members(walk, dir);
	const struct dirent *entry;
	DIR *list = fdopendir(dir);

	if (!list) {
		close(dir);
		return ok;
	}
	while (depth < DEPTH_MAX && walk->visited < CGROUPS_MAX &&
	       (entry = readdir(list))) { // NOLINT(concurrency-mt-unsafe): a stream of our own
		int child;

		if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		walk->visited++;
		child = openat(dir, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (child >= 0)
			(void)walk_cgroup(walk, child, depth + 1);
	}
	closedir(list);
	return ok;
}

static int compare_pids(const void *left, const void *right)
{
	const int32_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

bool domain_pids_read(const struct cgroup_facts *cgroup, const struct cgroup_level *level,
                      struct domain_pids *ret)
{
	struct walk walk = { .pids = ret };
	int path = cgroup_open_level(cgroup, level);
	int dir = path >= 0 ? openat(path, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	bool ok = false;

	*ret = (struct domain_pids){ 0 };
	if (path >= 0)
		close(path);
	if (dir >= 0)
		ok = walk_cgroup(&walk, dir, 0) && !walk.out_of_memory;
	file_text_free(&walk.text);
	if (!ok)
		domain_pids_free(ret);
	else if (ret->count)
		qsort(ret->at, ret->count, sizeof(*ret->at), compare_pids);
	return ok;
}

bool domain_pids_has(const struct domain_pids *pids, int32_t pid)
{
	return pids->count && bsearch(&pid, pids->at, pids->count, sizeof(*pids->at), compare_pids);
}

void domain_pids_free(struct domain_pids *pids)
{
	free(pids->at);
	*pids = (struct domain_pids){ 0 };
}
