/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/command.h"

#include <string.h>

#include "tui/view.h"

#define CMD_IN_SETUP    (1u << VIEW_SETUP)
#define CMD_IN_MAP      (1u << VIEW_MAP)
#define CMD_TO_MAP      (1u << VIEW_ARENAS | 1u << VIEW_VMAS)
#define CMD_IN_TIMELINE (1u << VIEW_TIMELINE)
#define CMD_IN_CURSORED (CMD_IN_MAP | CMD_IN_TIMELINE)
#define CMD_IN_FILTERED                                                                            \
	(1u << VIEW_VMAS | 1u << VIEW_OOM | 1u << VIEW_EVENTS | 1u << VIEW_THREADS |               \
	 CMD_IN_TIMELINE)
#define CMD_IN_LISTS                                                                               \
	(1u << VIEW_ARENAS | 1u << VIEW_VMAS | 1u << VIEW_OOM | 1u << VIEW_EVENTS |                \
	 1u << VIEW_THREADS)

const struct command commands[COMMAND_COUNT] = {
#define COMMAND(id, name, hint, help, where) [CMD_##id] = { name, hint, help, where },
#include "tui/commands.def"
#undef COMMAND
};

enum command_id command_by_name(const char *name)
{
	for (enum command_id id = 0; id < COMMAND_COUNT; id++) {
		if (!strcmp(commands[id].name, name))
			return id;
	}
	return COMMAND_COUNT;
}
