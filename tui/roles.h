/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_ROLES_H
#define HEAPTOP_TUI_ROLES_H

/* Style roles: what a cell means. Themes map them to colours; code never names a colour. */
enum role {
#define ROLE(id, name) ROLE_##id,
#include "tui/roles.def"
#undef ROLE
	ROLE_COUNT
};

/** "heap.free.fast" … */
extern const char *const role_names[ROLE_COUNT];

#endif
