/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/keymap.h"

#include <stdio.h>
#include <string.h>

#include <utf8proc.h>

#include "model/base/text.h"
#include "tui/view.h"

const struct key_binding key_bindings[] = {
#define KEY(key, command)           { (key), CMD_##command, CMD_ANYWHERE },
#define KEY_IN(where, key, command) { (key), CMD_##command, (where) },
#include "tui/keys.def"
#undef KEY
#undef KEY_IN
};

const size_t key_binding_count = sizeof(key_bindings) / sizeof(key_bindings[0]);

/* The binding of a key: of the view's own first, else of all views. */
static const struct key_binding *binding_of(unsigned view, uint32_t key)
{
	const struct key_binding *found = NULL;

	for (size_t i = 0; i < key_binding_count; i++) {
		const struct key_binding *binding = &key_bindings[i];

		if (binding->key != key || !(binding->where & (1u << view)))
			continue;
		if (binding->where != CMD_ANYWHERE)
			return binding;
		found = binding;
	}
	return found;
}

enum command_id keymap_command(unsigned view, uint32_t key)
{
	const struct key_binding *binding = binding_of(view, key);

	return binding ? binding->command : COMMAND_COUNT;
}

uint32_t keymap_key(unsigned view, enum command_id command)
{
	for (size_t i = 0; i < key_binding_count; i++) {
		const struct key_binding *binding = &key_bindings[i];

		if (binding->command == command && binding_of(view, binding->key) == binding)
			return binding->key;
	}
	return 0;
}

char *key_name(char buf[KEY_NAME], uint32_t key)
{
	static const struct {
		uint32_t key;
		const char *name;
	} names[] = {
		{ KEYCODE_TAB, "Tab" },
		{ KEYCODE_ENTER, "Enter" },
		{ KEYCODE_ESC, "Esc" },
		{ KEYCODE_SPACE, "Space" },
		{ KEYCODE_UP, "↑" },
		{ KEYCODE_DOWN, "↓" },
		{ KEYCODE_LEFT, "←" },
		{ KEYCODE_RIGHT, "→" },
		{ KEYCODE_PAGE_UP, "PgUp" },
		{ KEYCODE_PAGE_DOWN, "PgDn" },
		{ KEYCODE_HOME, "Home" },
		{ KEYCODE_END, "End" },
		{ KEYCODE_INSERT, "Ins" },
		{ KEYCODE_DELETE, "Del" },
		{ KEYCODE_BACKSPACE, "Backspace" },
		{ KEYCODE_BACKTAB, "Shift-Tab" },
	};
	struct text text = text_in(buf, KEY_NAME);
	char utf8[5] = "";

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].key == key) {
			text_add(&text, names[i].name);
			return buf;
		}
	}
	if (key >= KEYCODE_F1 && key <= KEYCODE_F12) {
		text_addf(&text, "F%u", key - KEYCODE_F1 + 1);
	} else if (key < ' ') {
		text_addf(&text, "^%c", (char)(key + '@'));
	} else {
		utf8proc_encode_char((utf8proc_int32_t)key, (utf8proc_uint8_t *)utf8);
		text_add(&text, utf8);
	}
	return buf;
}

char *keymap_names(char *to, size_t size, enum command_id command)
{
	struct text text = text_in(to, size);
	char name[KEY_NAME];

	for (size_t i = 0; i < key_binding_count; i++) {
		if (key_bindings[i].command != command)
			continue;
		key_name(name, key_bindings[i].key);
		if (text.len + 1 + strlen(name) >= size)
			break;
		text_addf(&text, "%s%s", text.len ? " " : "", name);
	}
	return to;
}
