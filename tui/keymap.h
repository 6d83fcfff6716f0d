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
	uint32_t where; /* a bit per view; CMD_ANYWHERE: all that have no binding of their own */
};

/* In the order of keys.def: a command's first key is the one to be shown. */
extern const struct key_binding key_bindings[];
extern const size_t key_binding_count;

/** The command of a key in the views of `where`; COMMAND_COUNT when it has none. */
enum command_id keymap_command_in(uint32_t key, uint32_t where);

/** The command that a key has in most views. */
enum command_id keymap_command(uint32_t key);

/** The key to show for a command; 0 when it has none. */
uint32_t keymap_key(enum command_id command);

#define KEY_NAME 16

/** "q", "F1", "^C", "Space", "PgUp", "↑": writes into `buf` and returns it. */
char *key_name(char buf[KEY_NAME], uint32_t key);

/** All keys of a command, "j ↓", blank-separated, most useful first; returns `to`. */
char *keymap_names(char *to, size_t size, enum command_id command);

#endif
