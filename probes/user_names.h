/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_PROBES_USER_NAMES_H
#define HEAPTOP_PROBES_USER_NAMES_H

/**
 * Names of user ids. A directory service may take its time to answer, so each id is asked for once,
 * and never by the thread that draws.
 */
#include <stddef.h>
#include <stdint.h>

enum { USER_NAME_SIZE = 16, USER_NAMES_KEPT = 128 };

struct user_names {
	struct {
		uint32_t uid;
		char name[USER_NAME_SIZE];
	} kept[USER_NAMES_KEPT];
	size_t count; /* ever asked for; the oldest give way */
};

/** Raw bytes, cut at 15; "" when the id has no name. Valid until the next call. */
const char *user_names_find(struct user_names *names, uint32_t uid);

#endif
