/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probes/parse_cgroup.h"

/*
 * v1 shows "no limit" as LONG_MAX rounded down to a page (PAGE_COUNTER_MAX pages, Linux
 * mm/page_counter.c); pages may have up to 64 KiB.
 */
#define V1_UNLIMITED_MIN ((uint64_t)0x7fffffffffff0000)

/* True when a list "a,b,c" has `word`. */
static bool list_has(struct span list, const char *word)
{
	while (list.len) {
		const char *comma = memchr(list.at, ',', list.len);
		struct span item = { list.at, comma ? (size_t)(comma - list.at) : list.len };
		size_t used = item.len + (comma ? 1 : 0);

		if (span_is(item, word))
			return true;
		list.at += used;
		list.len -= used;
	}
	return false;
}

/* Cuts up to the next ':' off `rest`. */
static bool cut_colon(struct span *rest, struct span *ret)
{
	const char *colon = rest->len ? memchr(rest->at, ':', rest->len) : NULL;

	if (!colon)
		return false;
	*ret = (struct span){ rest->at, (size_t)(colon - rest->at) };
	rest->at = colon + 1;
	rest->len -= ret->len + 1;
	return true;
}

/* "N:CONTROLLERS:PATH"; the unified hierarchy is 0 with no controller named. */
void parse_cgroup_membership(const char *text, size_t len, struct cgroup_membership *ret)
{
	struct span rest = { text, len }, line, id, controllers;

	*ret = (struct cgroup_membership){ 0 };
	while (span_line(&rest, &line)) {
		if (!cut_colon(&line, &id) || !cut_colon(&line, &controllers) || !line.len ||
		    *line.at != '/')
			continue;
		if (span_is(id, "0") && !controllers.len)
			ret->v2 = line;
		else if (list_has(controllers, "memory"))
			ret->v1_memory = line;
	}
}

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* Undoes mountinfo's \040 for blanks, tabs, newlines and backslashes. False: too long. */
static bool unescape(struct span from, char to[CGROUP_MOUNT_MAX])
{
	size_t len = 0;

	for (size_t i = 0; i < from.len; i++) {
		char c = from.at[i];

		if (c == '\\' && from.len - i > 3 && is_octal(from.at[i + 1]) &&
		    is_octal(from.at[i + 2]) && is_octal(from.at[i + 3])) {
			c = (char)(unsigned char)((from.at[i + 1] - '0') * 64 +
			                          (from.at[i + 2] - '0') * 8 + from.at[i + 3] -
			                          '0');
			i += 3;
		}
		if (!c || len + 1 >= CGROUP_MOUNT_MAX)
			return false;
		to[len++] = c;
	}
	to[len] = '\0';
	return len != 0;
}

static void take_mount(struct cgroup_mount *mount, struct span root, struct span point)
{
	struct cgroup_mount fresh = { .is_there = true };

	if (mount->is_there && (strcmp(mount->root, "/") == 0 || !span_is(root, "/")))
		return;
	if (unescape(root, fresh.root) && unescape(point, fresh.point))
		*mount = fresh;
}

/* "ID PARENT DEV ROOT POINT OPTIONS [TAGS…] - TYPE SOURCE SUPEROPTIONS" */
static void read_mount_line(struct span line, struct cgroup_mounts *ret)
{
	struct span skipped, root, point, word, type, source, options;

	for (int i = 0; i < 3; i++)
		if (!span_word(&line, &skipped))
			return;
	if (!span_word(&line, &root) || !span_word(&line, &point))
		return;
	do {
		if (!span_word(&line, &word))
			return;
	} while (!span_is(word, "-"));
	if (!span_word(&line, &type) || !span_word(&line, &source))
		return;
	if (span_is(type, "cgroup2"))
		take_mount(&ret->v2, root, point);
	else if (span_is(type, "cgroup") && span_word(&line, &options) &&
	         list_has(options, "memory"))
		take_mount(&ret->v1_memory, root, point);
}

void parse_cgroup_mounts(const char *mountinfo, size_t len, struct cgroup_mounts *ret)
{
	struct span rest = { mountinfo, len }, line;

	*ret = (struct cgroup_mounts){ 0 };
	while (span_line(&rest, &line))
		read_mount_line(line, ret);
}

static bool has_dot_dot(struct span path)
{
	for (size_t i = 0; i + 3 <= path.len; i++)
		if (memcmp(path.at + i, "/..", 3) == 0 &&
		    (i + 3 == path.len || path.at[i + 3] == '/'))
			return true;
	return false;
}

struct span cgroup_path_below(struct span path, const char *mount_root)
{
	static const struct span outside = { NULL, 0 };

	if (!path.len || *path.at != '/')
		return outside;
	if (strcmp(mount_root, "/") != 0 && !span_skip(&path, mount_root))
		return outside;
	while (path.len && path.at[path.len - 1] == '/')
		path.len--;
	if ((path.len && *path.at != '/') || has_dot_dot(path))
		return outside;
	return path;
}

struct fact parse_cgroup_limit(const char *text, size_t len)
{
	struct span rest = { text, len };
	uint64_t value;

	if (span_skip(&rest, "max"))
		value = UINT64_MAX;
	else if (!span_number(&rest, &value))
		return fact_unknown();
	(void)span_skip(&rest, "\n");
	if (rest.len)
		return fact_unknown();
	return fact_of(value >= V1_UNLIMITED_MIN ? UINT64_MAX : value);
}

struct fact parse_cgroup_keyed(const char *text, size_t len, const char *key)
{
	struct span rest = { text, len }, line, word;
	uint64_t value;

	while (span_line(&rest, &line))
		if (span_word(&line, &word) && span_is(word, key) && span_word(&line, &word) &&
		    span_number(&word, &value) && !word.len)
			return fact_of(value);
	return fact_unknown();
}
