/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/roles.h"

const char *const role_names[ROLE_COUNT] = {
#define ROLE(id, name) [ROLE_##id] = (name),
#include "tui/roles.def"
#undef ROLE
};
