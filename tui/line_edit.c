/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/line_edit.h"

#include <string.h>

#include <utf8proc.h>

#include "tui/canvas.h"
#include "tui/keys.h"

static bool is_inside(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

static size_t before(const struct line_edit *line, size_t at)
{
	while (at > 0 && is_inside(line->text[--at]))
		continue;
	return at;
}

static size_t behind(const struct line_edit *line, size_t at)
{
	if (at < line->len)
		at++;
	while (at < line->len && is_inside(line->text[at]))
		at++;
	return at;
}

static void erase(struct line_edit *line, size_t from, size_t to)
{
	memmove(line->text + from, line->text + to, line->len - to + 1);
	line->len -= to - from;
	line->cursor = from;
}

static void insert(struct line_edit *line, uint32_t key)
{
	char raw[4], clean[8];
	size_t len = (size_t)utf8proc_encode_char((utf8proc_int32_t)key, (utf8proc_uint8_t *)raw);

	text_clean(clean, sizeof(clean), raw, len);
	len = strlen(clean);
	if (line->len + len >= LINE_ROOM)
		return;
	memmove(line->text + line->cursor + len, line->text + line->cursor,
	        line->len - line->cursor + 1);
	memcpy(line->text + line->cursor, clean, len);
	line->len += len;
	line->cursor += len;
}

static size_t word_start(const struct line_edit *line)
{
	size_t at = line->cursor;

	while (at > 0 && line->text[at - 1] == ' ')
		at--;
	while (at > 0 && line->text[at - 1] != ' ')
		at--;
	return at;
}

void line_set(struct line_edit *line, const char *text)
{
	text_clean(line->text, sizeof(line->text), text, strlen(text));
	line->len = line->cursor = strlen(line->text);
}

static bool edit_key(struct line_edit *line, uint32_t key)
{
	switch (key) {
	case KEYCODE_BACKSPACE:
		erase(line, before(line, line->cursor), line->cursor);
		return true;
	case KEYCODE_DELETE:
		erase(line, line->cursor, behind(line, line->cursor));
		return true;
	case KEYCODE_CTRL('U'):
		erase(line, 0, line->cursor);
		return true;
	case KEYCODE_CTRL('K'):
		erase(line, line->cursor, line->len);
		return true;
	case KEYCODE_CTRL('W'):
		erase(line, word_start(line), line->cursor);
		return true;
	default:
		return false;
	}
}

bool line_key(struct line_edit *line, uint32_t key)
{
	switch (key) {
	case KEYCODE_LEFT:
		line->cursor = before(line, line->cursor);
		return true;
	case KEYCODE_RIGHT:
		line->cursor = behind(line, line->cursor);
		return true;
	case KEYCODE_HOME:
	case KEYCODE_CTRL('A'):
		line->cursor = 0;
		return true;
	case KEYCODE_END:
	case KEYCODE_CTRL('E'):
		line->cursor = line->len;
		return true;
	default:
		break;
	}
	if (edit_key(line, key))
		return true;
	if (key < ' ' || key > 0x10ffff)
		return false;
	insert(line, key);
	return true;
}
