/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probes/parse_maps.h"

#include <string.h>

/*
 * "START-END rwxp OFFSET MAJOR:MINOR INODE      NAME\n", all but the inode in hexadecimal
 * (Linux fs/proc/task_mmu.c:show_vma_header_prefix). Written as one loop per number because sscanf
 * takes the length of the whole remaining text at each call: quadratic on 50,000 lines.
 */
static const uint8_t hex_digit[256] = {
	/* One more than the digit's value, 0 for what is none: a table has no branch to guess. */
	['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,
	['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
	['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

static bool take_hex(const char **at, const char *end, uint64_t *ret)
{
	const char *p = *at;
	uint64_t value = 0;

	for (; p < end; p++) {
		unsigned digit = hex_digit[(unsigned char)*p];

		if (digit == 0)
			break;
		value = value << 4 | (digit - 1);
	}
	if (p == *at || p - *at > 16)
		return false;
	*at = p;
	*ret = value;
	return true;
}

static bool take_decimal(const char **at, const char *end, uint64_t *ret)
{
	const char *p = *at;
	uint64_t value = 0;

	for (; p < end && *p >= '0' && *p <= '9'; p++) {
		if (__builtin_mul_overflow(value, 10u, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
			return false;
	}
	if (p == *at)
		return false;
	*at = p;
	*ret = value;
	return true;
}

static bool take_char(const char **at, const char *end, char c)
{
	if (*at == end || **at != c)
		return false;
	(*at)++;
	return true;
}

static bool take_rights(const char **at, const char *end, uint8_t *ret)
{
	const char *p = *at;

	if (end - p < 4 || (p[0] != 'r' && p[0] != '-') || (p[1] != 'w' && p[1] != '-') ||
	    (p[2] != 'x' && p[2] != '-') || (p[3] != 's' && p[3] != 'p'))
		return false;
	*ret = (uint8_t)((p[0] == 'r' ? VMA_READ : 0) | (p[1] == 'w' ? VMA_WRITE : 0) |
	                 (p[2] == 'x' ? VMA_EXEC : 0) | (p[3] == 's' ? VMA_SHARED : 0));
	*at += 4;
	return true;
}

static bool take_fields(const char **at, const char *end, struct vma *v)
{
	uint64_t major, minor;

	if (!take_hex(at, end, &v->start) || !take_char(at, end, '-') ||
	    !take_hex(at, end, &v->end) || !take_char(at, end, ' ') ||
	    !take_rights(at, end, &v->prot) || !take_char(at, end, ' ') ||
	    !take_hex(at, end, &v->offset) || !take_char(at, end, ' ') ||
	    !take_hex(at, end, &major) || !take_char(at, end, ':') || !take_hex(at, end, &minor) ||
	    !take_char(at, end, ' ') || !take_decimal(at, end, &v->inode))
		return false;
	if (major > UINT32_MAX || minor > UINT32_MAX || v->start >= v->end)
		return false;
	v->dev_major = (uint32_t)major;
	v->dev_minor = (uint32_t)minor;
	return true;
}

bool parse_maps_line(const char **at, const char *end, struct vma *ret, struct maps_name *ret_name)
{
	const char *p = *at, *stop;
	struct vma v;
	bool good;

	/* No field goes on behind a newline, so the end of the line can be looked for afterwards. */
	good = take_fields(&p, end, &v) && (p == end || *p == ' ' || *p == '\n');
	while (p < end && *p == ' ')
		p++;
	stop = memchr(p, '\n', (size_t)(end - p));
	*at = stop ? stop + 1 : end;
	if (!good)
		return false;
	ret->start = v.start;
	ret->end = v.end;
	ret->prot = v.prot;
	ret->offset = v.offset;
	ret->inode = v.inode;
	ret->dev_major = v.dev_major;
	ret->dev_minor = v.dev_minor;
	*ret_name = (struct maps_name){ .at = p, .len = (size_t)((stop ? stop : end) - p) };
	return true;
}

/* Names of a set: one run of bytes in which neighbours with the same name share it. */
struct names {
	char *at;
	size_t len, room;
	struct maps_name last; /* in the text */
	uint32_t last_at;
};

static bool name_add(struct region *region, struct names *names, struct maps_name name,
                     struct vma *v)
{
	if (name.len == 0)
		return true;
	if (name.len != names->last.len || memcmp(name.at, names->last.at, name.len) != 0) {
		if (!names->at || names->room - names->len < name.len) {
			size_t room = names->room * 2 + name.len + 1024;
			char *grown = region_grow(region, names->at, names->room, room);

			if (!grown || room > UINT32_MAX)
				return false;
			names->at = grown;
			names->room = room;
		}
		memcpy(names->at + names->len, name.at, name.len);
		names->last = name;
		names->last_at = (uint32_t)names->len;
		names->len += name.len;
	}
	v->name_at = names->last_at;
	v->name_len = (uint32_t)name.len;
	return true;
}

/*
 * Room for the lines of a text: no mapping of a 64-bit process has a shorter line, so that one guess is
 * enough; what has (32 bits, or no kernel's at all) makes it grow. Counting lines first would
 * read the text twice.
 */
enum { LINE_SHORTEST = 48, ROOM_LEAST = 64 };

static bool make_room(struct region *region, struct vma **list, size_t *room, size_t wanted)
{
	struct vma *grown;
	size_t more = wanted + wanted / 2, bytes;

	if (wanted <= *room)
		return true;
	if (__builtin_mul_overflow(more, sizeof(*grown), &bytes))
		return false;
	grown = region_grow(region, *list, *room * sizeof(*grown), bytes);
	if (!grown)
		return false;
	*list = grown;
	*room = more;
	return true;
}

bool parse_maps(const char *text, size_t len, struct region *region, struct vma_set *ret,
                size_t *ret_bad)
{
	const char *at = text, *end = text + len;
	size_t room = len / LINE_SHORTEST + ROOM_LEAST, count = 0, bad = 0;
	struct names names = { .last = { "", 0 } };
	struct vma *list = region_alloc(region, room * sizeof(*list));
	uint64_t reached = 0;

	if (!list)
		return false;
	while (at < end) {
		struct maps_name name;
		struct vma *v;

		if (!make_room(region, &list, &room, count + 1))
			return false;
		v = &list[count];
		if (!parse_maps_line(&at, end, v, &name) || v->start < reached) {
			bad++;
			continue;
		}
		if (!name_add(region, &names, name, v))
			return false;
		v->owner = -1;
		reached = v->end;
		count++;
	}
	*ret = (struct vma_set){ .at = list,
		                 .count = count,
		                 .names = names.at ? names.at : "",
		                 .names_len = names.len };
	if (ret_bad)
		*ret_bad = bad;
	return true;
}
