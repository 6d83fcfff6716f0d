/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <time.h>
#include <wchar.h>

#include "tui/term_private.h"

#include <term.h>

enum { DOUBLE_CLICK_MS = 400 };

static struct {
	int x, y;
	int64_t at_ms;
} last_click;

void term_input_start(bool no_mouse)
{
	last_click.at_ms = -DOUBLE_CLICK_MS;
	if (no_mouse || !key_mouse)
		return;
	/* Presses only: drags stay with the terminal, so that text can be marked with Shift. */
	mousemask(BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
	mouseinterval(0);
	term_crash_mouse();
}

static uint32_t key_of(int code)
{
	static const struct {
		int code;
		uint32_t key;
	} keys[] = {
		{ KEY_UP, KEYCODE_UP },         { KEY_DOWN, KEYCODE_DOWN },
		{ KEY_LEFT, KEYCODE_LEFT },     { KEY_RIGHT, KEYCODE_RIGHT },
		{ KEY_PPAGE, KEYCODE_PAGE_UP }, { KEY_NPAGE, KEYCODE_PAGE_DOWN },
		{ KEY_HOME, KEYCODE_HOME },     { KEY_END, KEYCODE_END },
		{ KEY_FIND, KEYCODE_HOME },     { KEY_SELECT, KEYCODE_END },
		{ KEY_IC, KEYCODE_INSERT },     { KEY_DC, KEYCODE_DELETE },
		{ KEY_BTAB, KEYCODE_BACKTAB },  { KEY_BACKSPACE, KEYCODE_BACKSPACE },
		{ KEY_ENTER, KEYCODE_ENTER },
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (keys[i].code == code)
			return keys[i].key;
	}
	if (code >= KEY_F(1) && code <= KEY_F(12))
		return (uint32_t)(code - KEY_F(1)) + KEYCODE_F1;
	return 0;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool is_double(int x, int y)
{
	int64_t now = now_ms();
	bool is_second =
	        last_click.x == x && last_click.y == y && now - last_click.at_ms < DOUBLE_CLICK_MS;

	last_click.x = x;
	last_click.y = y;
	last_click.at_ms = is_second ? now - DOUBLE_CLICK_MS : now;
	return is_second;
}

static struct event mouse_event(void)
{
	struct event event = { .kind = EVENT_MOUSE };
	MEVENT mouse;

	if (getmouse(&mouse) == ERR)
		return (struct event){ .kind = EVENT_NONE };
	event.x = mouse.x;
	event.y = mouse.y;
	if (mouse.bstate & BUTTON4_PRESSED)
		event.action = MOUSE_WHEEL_UP;
	else if (mouse.bstate & BUTTON5_PRESSED)
		event.action = MOUSE_WHEEL_DOWN;
	else
		event.action = is_double(mouse.x, mouse.y) ? MOUSE_DOUBLE_CLICK : MOUSE_CLICK;
	return event;
}

struct event term_input_next(void)
{
	struct event event = { .kind = EVENT_KEY };
	wint_t wide = 0;

	for (;;) {
		int kind = get_wch(&wide);

		if (kind == ERR)
			return (struct event){ .kind = EVENT_NONE };
		/* of broken UTF-8 curses makes numbers that are no character */
		if (kind != KEY_CODE_YES && wide > 0x10ffff)
			continue;
		if (kind != KEY_CODE_YES)
			break;
		if (wide == KEY_MOUSE) {
			event = mouse_event();
			if (event.kind != EVENT_NONE)
				return event;
			event.kind = EVENT_KEY;
			continue;
		}
		event.key = key_of((int)wide);
		if (event.key)
			return event;
	}
	event.key = wide;
	if (wide == '\n')
		event.key = KEYCODE_ENTER;
	else if (wide == 0x7f || wide == '\b')
		event.key = KEYCODE_BACKSPACE;
	return event;
}
