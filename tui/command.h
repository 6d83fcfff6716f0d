/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_COMMAND_H
#define HEAPTOP_TUI_COMMAND_H

/**
 * Every action of the user, once: commands.def gives id, name (as typed after `:`), key hint and
 * help; keys.def binds keys to commands. Help, footer, completion and README's table come from them.
 */
#include <stddef.h>
#include <stdint.h>

enum command_id {
#define COMMAND(id, name, hint, help, where) CMD_##id,
#include "tui/commands.def"
#undef COMMAND
	COMMAND_COUNT
};

/* Where a command applies: a bit per view, see view.h; CMD_ANYWHERE for all. */
#define CMD_ANYWHERE UINT32_MAX

struct command {
	const char *name; /* "view-arenas" */
	const char *hint; /* footer's word: "Arenas" */
	const char *help; /* one sentence */
	uint32_t where;
};

extern const struct command commands[COMMAND_COUNT];

/** The command of a name, or COMMAND_COUNT. */
enum command_id command_by_name(const char *name);

#endif
