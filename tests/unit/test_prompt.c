/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tui/keys.h"
#include "tui/prompt.h"

static struct line_edit line;
static struct prompt prompt;

static void type(const char *text)
{
	for (; *text; text++)
		assert_true(line_key(&line, (uint32_t)*text));
}

static void typing_inserts_at_the_cursor(void **state)
{
	(void)state;
	line_set(&line, "");
	type("held");
	line_key(&line, KEYCODE_LEFT);
	type("lo wor");
	line_key(&line, KEYCODE_END);
	line_key(&line, 0xe9); /* é */
	assert_string_equal(line.text, "hello wordé");
	assert_int_equal(line.cursor, line.len);
}

static void keys_move_over_whole_characters(void **state)
{
	(void)state;
	line_set(&line, "aé日b");
	line_key(&line, KEYCODE_LEFT);
	line_key(&line, KEYCODE_BACKSPACE); /* 日 */
	assert_string_equal(line.text, "aéb");
	line_key(&line, KEYCODE_HOME);
	line_key(&line, KEYCODE_RIGHT);
	line_key(&line, KEYCODE_DELETE); /* é */
	assert_string_equal(line.text, "ab");
	line_key(&line, KEYCODE_HOME);
	line_key(&line, KEYCODE_LEFT);
	line_key(&line, KEYCODE_BACKSPACE);
	assert_string_equal(line.text, "ab");
}

static void words_and_lines_are_erased(void **state)
{
	(void)state;
	line_set(&line, "one two  ");
	line_key(&line, KEYCODE_CTRL('W'));
	assert_string_equal(line.text, "one ");
	line_set(&line, "one two");
	line_key(&line, KEYCODE_HOME);
	line_key(&line, KEYCODE_RIGHT);
	line_key(&line, KEYCODE_CTRL('K'));
	assert_string_equal(line.text, "o");
	line_key(&line, KEYCODE_CTRL('U'));
	assert_string_equal(line.text, "");
	assert_int_equal(line.len, 0);
}

static void a_line_has_an_end(void **state)
{
	(void)state;
	line_set(&line, "");
	for (int i = 0; i < 200; i++)
		line_key(&line, 0x65e5); /* 日, three bytes */
	assert_true(line.len < LINE_ROOM);
	assert_int_equal(line.len % 3, 0);
	line_key(&line, 0x202e); /* right-to-left override: never raw */
	assert_null(strstr(line.text, "\xe2\x80\xae"));
	assert_false(line_key(&line, KEYCODE_UP));
	assert_false(line_key(&line, 1 << 20 | 0x10000));
}

/* Any sequence of keys leaves a sound line. */
static void any_keys_are_survived(void **state)
{
	static const uint32_t keys[] = {
		'a',
		0xe9,
		0x65e5,
		0x1f600,
		0x301,
		KEYCODE_LEFT,
		KEYCODE_RIGHT,
		KEYCODE_HOME,
		KEYCODE_END,
		KEYCODE_BACKSPACE,
		KEYCODE_DELETE,
		KEYCODE_CTRL('W'),
		KEYCODE_CTRL('K'),
		' ',
	};

	(void)state;
	srand(1);
	line_set(&line, "");
	for (int i = 0; i < 20000; i++) {
		line_key(&line, keys[(size_t)rand() % (sizeof(keys) / sizeof(keys[0]))]);
		assert_true(line.cursor <= line.len && line.len < LINE_ROOM);
		assert_int_equal(strlen(line.text), line.len);
		assert_int_not_equal((unsigned char)line.text[line.cursor] & 0xc0, 0x80);
	}
}

static enum prompt_result answer(const char *text, uint32_t last)
{
	for (; *text; text++)
		assert_int_equal(prompt_key(&prompt, (uint32_t)*text), PROMPT_CHANGED);
	return prompt_key(&prompt, last);
}

static void tab_completes_as_far_as_it_is_clear(void **state)
{
	(void)state;
	prompt_open(&prompt, PROMPT_COMMAND, "");
	answer("vi", KEYCODE_TAB);
	assert_string_equal(prompt.line.text, "view-");
	answer("oo", KEYCODE_TAB);
	assert_string_equal(prompt.line.text, "view-oom");
	answer("zzz", KEYCODE_TAB);
	assert_string_equal(prompt.line.text, "view-oomzzz");
}

static void history_goes_back_and_forth(void **state)
{
	(void)state;
	memset(&prompt, 0, sizeof(prompt));
	prompt_open(&prompt, PROMPT_COMMAND, "");
	assert_int_equal(answer("first", KEYCODE_ENTER), PROMPT_DONE);
	prompt_open(&prompt, PROMPT_COMMAND, "");
	assert_int_equal(answer("second", KEYCODE_ENTER), PROMPT_DONE);
	prompt_open(&prompt, PROMPT_COMMAND, "");
	prompt_key(&prompt, KEYCODE_UP);
	assert_string_equal(prompt.line.text, "second");
	prompt_key(&prompt, KEYCODE_UP);
	prompt_key(&prompt, KEYCODE_UP);
	assert_string_equal(prompt.line.text, "first");
	prompt_key(&prompt, KEYCODE_DOWN);
	prompt_key(&prompt, KEYCODE_DOWN);
	assert_string_equal(prompt.line.text, "");
	for (int i = 0; i < 3 * PROMPT_HISTORY; i++) {
		prompt_open(&prompt, PROMPT_COMMAND, i % 2 ? "x" : "y");
		prompt_key(&prompt, KEYCODE_ENTER);
	}
	assert_int_equal(prompt.history_count, PROMPT_HISTORY);
}

static void cancelling_brings_back_what_was(void **state)
{
	(void)state;
	prompt_open(&prompt, PROMPT_FILTER, "heap");
	assert_int_equal(answer("xyz", KEYCODE_ESC), PROMPT_CANCELLED);
	assert_string_equal(prompt.line.text, "heap");
	assert_int_equal(prompt.kind, PROMPT_NONE);
	prompt_open(&prompt, PROMPT_SEARCH, "");
	assert_int_equal(prompt_key(&prompt, KEYCODE_BACKSPACE), PROMPT_CANCELLED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(typing_inserts_at_the_cursor),
		cmocka_unit_test(keys_move_over_whole_characters),
		cmocka_unit_test(words_and_lines_are_erased),
		cmocka_unit_test(a_line_has_an_end),
		cmocka_unit_test(any_keys_are_survived),
		cmocka_unit_test(tab_completes_as_far_as_it_is_clear),
		cmocka_unit_test(history_goes_back_and_forth),
		cmocka_unit_test(cancelling_brings_back_what_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
