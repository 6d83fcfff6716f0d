/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/rules/nptl_rules.h"

enum {
	ALIASING = 65536,        /* sysdeps/x86_64: MULTI_PAGE_ALIASING */
	MULTIPLE_THREADS = 0x18, /* sysdeps/x86_64/nptl/tls.h:tcbhead_t */
};

/*
 * 2.31, 2.36, 2.41 and 2.43 were traced. The others are from nptl/allocatestack.c:allocate_stack: the
 * guard's turn-around came with BZ 18988, its being added with BZ 22637.
 */
static const struct nptl_rules rows[] = {
	{ .minor = 22,
	  .guard = NPTL_GUARD_CLOSED,
	  .aliasing = ALIASING,
	  .multiple_threads = MULTIPLE_THREADS },
	{ .minor = 26,
	  .guard = NPTL_GUARD_OPENED,
	  .aliasing = ALIASING,
	  .multiple_threads = MULTIPLE_THREADS },
	{ .minor = 27,
	  .guard = NPTL_GUARD_OPENED,
	  .adds_guard = true,
	  .aliasing = ALIASING,
	  .multiple_threads = MULTIPLE_THREADS },
	{ .minor = 32, .guard = NPTL_GUARD_OPENED, .adds_guard = true, .aliasing = ALIASING },
	{ .minor = 34, .guard = NPTL_GUARD_OPENED, .adds_guard = true },
	{ .minor = 42, .guard = NPTL_GUARD_INSTALL, .adds_guard = true },
};

const struct nptl_rules *nptl_rules_for(int minor)
{
	size_t i = sizeof(rows) / sizeof(rows[0]) - 1;

	while (i && rows[i].minor > minor)
		i--;
	return &rows[i];
}
