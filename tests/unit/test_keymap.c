/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tui/keymap.h"
#include "tui/view.h"

/* A view's own keys go before those of all views; two of one rank would hide one another. */
static void no_key_has_two_commands_in_a_view(void **state)
{
	char name[KEY_NAME];

	(void)state;
	for (size_t i = 0; i < key_binding_count; i++) {
		const struct key_binding *a = &key_bindings[i];

		for (size_t k = 0; k < i; k++) {
			const struct key_binding *b = &key_bindings[k];
			bool is_own = a->where != CMD_ANYWHERE, is_other = b->where != CMD_ANYWHERE;

			/* a view's own goes before that of all views */
			if (a->key == b->key && is_own == is_other && (a->where & b->where))
				fail_msg("%s is bound twice", key_name(name, a->key));
		}
	}
}

/* A command without a key where it applies can't be found from the footer. */
static void every_command_has_a_key_where_it_applies(void **state)
{
	(void)state;
	for (enum command_id id = 0; id < COMMAND_COUNT; id++) {
		for (unsigned view = 0; view < VIEW_COUNT; view++) {
			if ((commands[id].where & (1u << view)) && !keymap_key(view, id) &&
			    id != CMD_NEXT_VIEW)
				fail_msg("no key for \"%s\" in view %u", commands[id].name, view);
		}
	}
}

static void a_views_own_keys_go_before_the_others(void **state)
{
	(void)state;
	assert_int_equal(keymap_command(VIEW_TIMELINE, 'h'), CMD_LEFT);
	assert_int_equal(keymap_command(VIEW_OVERVIEW, 'h'), CMD_HELP);
	assert_int_equal(keymap_command(VIEW_TIMELINE, KEYCODE_RIGHT), CMD_RIGHT);
	assert_int_equal(keymap_command(VIEW_ARENAS, KEYCODE_RIGHT), CMD_NEXT_VIEW);
	assert_int_equal(keymap_key(VIEW_TIMELINE, CMD_PAUSE), KEYCODE_SPACE);
	assert_int_equal(keymap_key(VIEW_OVERVIEW, CMD_ZOOM_IN), 0);
	/* a key that the view took for itself is not shown for its other command */
	assert_int_equal(keymap_key(VIEW_TIMELINE, CMD_NEXT_VIEW), 0);
}

/* Function keys never reach a program in some terminals and multiplexers. */
static void every_command_has_a_key_besides_function_keys(void **state)
{
	(void)state;
	for (enum command_id id = 0; id < COMMAND_COUNT; id++) {
		bool has_other = false;

		for (size_t i = 0; i < key_binding_count; i++) {
			const struct key_binding *b = &key_bindings[i];

			if (b->command == id && (b->key < KEYCODE_F1 || b->key > KEYCODE_F12))
				has_other = true;
		}
		if (!has_other)
			fail_msg("only function keys for \"%s\"", commands[id].name);
	}
}

static void every_command_is_documented(void **state)
{
	(void)state;
	for (enum command_id id = 0; id < COMMAND_COUNT; id++) {
		const struct command *c = &commands[id];

		assert_true(c->name && *c->name && c->hint && *c->hint);
		assert_true(c->help && strlen(c->help) > 10);
		assert_null(strchr(c->name, ' '));
		assert_int_not_equal(c->where, 0);
		assert_int_equal(command_by_name(c->name), id);
	}
	assert_int_equal(command_by_name("no-such-command"), COMMAND_COUNT);
	assert_int_equal(command_by_name(""), COMMAND_COUNT);
}

static void keys_find_their_command(void **state)
{
	(void)state;
	assert_int_equal(keymap_command(VIEW_OVERVIEW, 'q'), CMD_QUIT);
	assert_int_equal(keymap_command(VIEW_OVERVIEW, KEYCODE_F(10)), CMD_QUIT);
	assert_int_equal(keymap_command(VIEW_OVERVIEW, 3), CMD_QUIT);
	assert_int_equal(keymap_command(VIEW_OVERVIEW, 0x1f600), COMMAND_COUNT);
	assert_int_equal(keymap_command(VIEW_OVERVIEW, 0), COMMAND_COUNT);
}

/* A key may mean something else in one view, and only there. */
static void a_view_has_keys_of_its_own(void **state)
{
	(void)state;
	assert_int_equal(keymap_command(VIEW_SETUP, KEYCODE_RIGHT), CMD_VALUE_NEXT);
	assert_int_equal(keymap_command(VIEW_OVERVIEW, KEYCODE_RIGHT), CMD_NEXT_VIEW);
	assert_int_equal(keymap_key(VIEW_OVERVIEW, CMD_SAVE), 0);
	assert_int_equal(keymap_key(VIEW_SETUP, CMD_SAVE), 'w');
	assert_int_equal(keymap_command(VIEW_MAP, 'r'), CMD_LAYER_RESIDENT);
	assert_int_equal(keymap_command(VIEW_OVERVIEW, 'r'), CMD_REFRESH);
	assert_int_equal(keymap_key(VIEW_MAP, CMD_REFRESH), 'R');
	assert_int_equal(keymap_key(VIEW_OVERVIEW, CMD_REFRESH), 'r');
	assert_int_equal(keymap_command(VIEW_MAP, 'q'), CMD_QUIT);
	assert_int_equal(keymap_key(VIEW_OVERVIEW, CMD_LAYER_BIN), 0);
}

static void keys_have_names(void **state)
{
	static const struct {
		uint32_t key;
		const char *name;
	} cases[] = { { 'q', "q" },
		      { KEYCODE_F(12), "F12" },
		      { 3, "^C" },
		      { KEYCODE_SPACE, "Space" },
		      { KEYCODE_UP, "↑" },
		      { 0xe9, "é" },
		      { KEYCODE_ESC, "Esc" },
		      { KEYCODE_TAB, "Tab" } };
	char buf[KEY_NAME], names[64];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(key_name(buf, cases[i].key), cases[i].name);
	assert_string_equal(keymap_names(names, sizeof(names), CMD_DOWN), "↓ j");
	assert_string_equal(keymap_names(names, 4, CMD_QUIT), "q");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_key_has_two_commands_in_a_view),
		cmocka_unit_test(every_command_has_a_key_where_it_applies),
		cmocka_unit_test(a_views_own_keys_go_before_the_others),
		cmocka_unit_test(every_command_has_a_key_besides_function_keys),
		cmocka_unit_test(every_command_is_documented),
		cmocka_unit_test(keys_find_their_command),
		cmocka_unit_test(a_view_has_keys_of_its_own),
		cmocka_unit_test(keys_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
