/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/rules/linux.h"

const struct linux_rules *linux_rules_for(int major, int minor)
{
	const struct linux_rules *found = &linux_rows[0];

	for (size_t i = 1; i < linux_row_count; i++) {
		const struct linux_rules *row = &linux_rows[i];

		if (row->major < major || (row->major == major && row->minor <= minor))
			found = row;
	}
	return found;
}

/* At most four digits: no release has more, and the value can't overflow. */
static const char *read_number(const char *at, int *ret)
{
	int value = 0, digits = 0;

	while (*at >= '0' && *at <= '9' && digits < 4) {
		value = value * 10 + (*at++ - '0');
		digits++;
	}
	if (!digits || (*at >= '0' && *at <= '9'))
		return NULL;
	*ret = value;
	return at;
}

bool linux_parse_release(const char *release, int *ret_major, int *ret_minor)
{
	int major, minor;
	const char *at = read_number(release, &major);

	if (!at || *at != '.' || !read_number(at + 1, &minor))
		return false;
	*ret_major = major;
	*ret_minor = minor;
	return true;
}

/* Mainline's series: each ended with this minor number; the last is the newest that was read. */
static const struct {
	int major, first, last;
} series[] = { { 4, 3, 20 }, { 5, 0, 19 }, { 6, 0, 19 }, { 7, 0, 2 } };

bool linux_is_known(int major, int minor)
{
	for (size_t i = 0; i < sizeof(series) / sizeof(series[0]); i++)
		if (series[i].major == major)
			return minor >= series[i].first && minor <= series[i].last;
	return false;
}
