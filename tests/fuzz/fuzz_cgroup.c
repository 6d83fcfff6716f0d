/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as /proc/PID/cgroup and mountinfo together (the process's file ends at the first NUL,
 * the mounts follow), and as a limit or keyed file: what is found lies inside the text, and no path
 * leads out of a mount.
 */
#include <stdlib.h>

#include "probes/parse_cgroup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_inside(struct span span, const char *text, size_t len)
{
	if (!span.at)
		return;
	must(span.at >= text && span.len <= len && (size_t)(span.at - text) <= len - span.len);
	must(span.len > 0 && *span.at == '/');
}

static void check_below(struct span path, const struct cgroup_mount *mount)
{
	struct span below = cgroup_path_below(path, mount->root);

	if (!below.at)
		return;
	must(below.len <= path.len && (!below.len || *below.at == '/'));
	for (size_t i = 0; i + 4 <= below.len; i++)
		must(memcmp(below.at + i, "/../", 4) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *nul = size ? memchr(text, '\0', size) : NULL;
	size_t len = nul ? (size_t)(nul - text) : size, rest = nul ? size - len - 1 : 0;
	struct cgroup_membership in;
	struct cgroup_mounts mounts;

	parse_cgroup_membership(text, len, &in);
	check_inside(in.v1_memory, text, len);
	check_inside(in.v2, text, len);
	parse_cgroup_mounts(nul ? nul + 1 : text, nul ? rest : 0, &mounts);
	if (mounts.v1_memory.is_there && in.v1_memory.at)
		check_below(in.v1_memory, &mounts.v1_memory);
	if (mounts.v2.is_there && in.v2.at)
		check_below(in.v2, &mounts.v2);
	(void)parse_cgroup_limit(text, size);
	(void)parse_cgroup_keyed(text, size, "anon");
	return 0;
}
