/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes from a terminal's keyboard and mouse: through curses, the decoder, the keymap and the
 * prompts. No crash, no endless loop, only keys and places that there are, a line that stays sound.
 */
#include <fcntl.h>
#include <locale.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tui/keymap.h"
#include "tui/prompt.h"
#include "tui/view.h"

/* curses has one of its own, of another type */
#define key_name curses_key_name
#include "tui/term_private.h"
#undef key_name

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BYTES_MAX = 2048 };

static int reading_end;

static void expect(bool holds)
{
	if (!holds)
		abort();
}

/* A terminal whose keyboard is a pipe; -1: terminfo knows no xterm here. */
static int open_keyboard(void)
{
	int ends[2];
	FILE *in, *out;

	(void)setlocale(LC_CTYPE, "C.UTF-8");
	expect(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
	reading_end = ends[0];
	in = fdopen(reading_end, "r");
	out = fopen("/dev/null", "we");
	expect(in && out);
	use_env(FALSE);
	set_escdelay(1);
	if (!newterm("xterm-256color", out, in)) {
		(void)fputs("# SKIP: terminfo has no xterm-256color\n", stderr);
		return -1;
	}
	(void)raw();
	(void)noecho();
	(void)keypad(stdscr, TRUE);
	(void)nodelay(stdscr, TRUE);
	term_input_start(false);
	return ends[1];
}

static int bytes_left(void)
{
	int count = 0;

	expect(ioctl(reading_end, FIONREAD, &count) == 0);
	return count;
}

static void expect_key(uint32_t key)
{
	char name[KEY_NAME];

	expect(key <= KEYCODE_F12);
	expect(strlen(key_name(name, key)) < KEY_NAME);
	for (unsigned view = 0; view < VIEW_COUNT; view++)
		expect(keymap_command(view, key) <= COMMAND_COUNT);
}

static void type(struct prompt *prompt, uint32_t key)
{
	if (prompt->kind == PROMPT_NONE)
		prompt_open(prompt, (enum prompt_kind)(1 + key % 3), "");
	(void)prompt_key(prompt, key);
	expect(prompt->line.len < LINE_ROOM && prompt->line.cursor <= prompt->line.len);
	expect(strlen(prompt->line.text) == prompt->line.len);
	for (const char *at = prompt->line.text; *at; at++)
		expect((unsigned char)*at >= ' ' && *at != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int keyboard = -2;
	struct prompt prompt = { .kind = PROMPT_NONE };
	struct event event;
	size_t events = 0;

	if (keyboard == -2)
		keyboard = open_keyboard();
	if (keyboard < 0 || !size)
		return 0;
	size = size < BYTES_MAX ? size : BYTES_MAX;
	expect(write(keyboard, data, size) == (ssize_t)size);
	/* a broken character looks like no key at all: what follows it is asked for again */
	for (;;) {
		event = term_input_next();
		if (event.kind == EVENT_NONE && !bytes_left())
			break;
		/* a byte is a key at most, but curses may keep a few from the input before */
		expect(++events <= size + 64);
		if (event.kind == EVENT_KEY) {
			expect_key(event.key);
			type(&prompt, event.key);
		} else if (event.kind == EVENT_MOUSE) {
			expect(event.action <= MOUSE_WHEEL_DOWN);
		}
	}
	return 0;
}
