/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_KEYS_H
#define HEAPTOP_TUI_KEYS_H

/**
 * Keys as numbers: a Unicode character stands for itself (Ctrl-A … Ctrl-Z are 1 … 26), keys without
 * a character get a number above all characters.
 */
enum key {
	KEYCODE_TAB = 9,
	KEYCODE_ENTER = 13,
	KEYCODE_ESC = 27,
	KEYCODE_SPACE = ' ',
	KEYCODE_UP = 0x110000,
	KEYCODE_DOWN,
	KEYCODE_LEFT,
	KEYCODE_RIGHT,
	KEYCODE_PAGE_UP,
	KEYCODE_PAGE_DOWN,
	KEYCODE_HOME,
	KEYCODE_END,
	KEYCODE_INSERT,
	KEYCODE_DELETE,
	KEYCODE_BACKSPACE,
	KEYCODE_BACKTAB,
	KEYCODE_F1,
	KEYCODE_F12 = KEYCODE_F1 + 11,
};

#define KEYCODE_CTRL(letter) ((letter) - 'A' + 1)
#define KEYCODE_F(n)         (KEYCODE_F1 + (n)-1)

#endif
