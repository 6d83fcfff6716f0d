/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_KEYMAP_H
#define HEAPTOP_TUI_KEYMAP_H

/** Which key gives which command, from keys.def; footer, help view and README's table read it here. */
#include <stddef.h>
#include <stdint.h>

#include "tui/command.h"
#include "tui/keys.h"

struct key_binding {
	uint32_t key; /* enum key or a character */
	enum command_id command;
	uint32_t
	        where; /* a bit per view in which it goes before the others; CMD_ANYWHERE: no such */
};

/* In the order of keys.def: a command's first key is the one to be shown. */
extern const struct key_binding key_bindings[];
extern const size_t key_binding_count;

/** The command of a key in a view (enum view_id); COMMAND_COUNT when it has none. */
enum command_id keymap_command(unsigned view, uint32_t key);

/** The key to show for a command in a view; 0 when it has none there. */
uint32_t keymap_key(unsigned view, enum command_id command);

#define KEY_NAME 16

/** "q", "F1", "^C", "Space", "PgUp", "↑": writes into `buf` and returns it. */
char *key_name(char buf[KEY_NAME], uint32_t key);

/** All keys of a command, "j ↓", blank-separated, most useful first; returns `to`. */
char *keymap_names(char *to, size_t size, enum command_id command);

#endif
