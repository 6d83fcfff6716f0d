/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/popup.h"

#include <stdio.h>
#include <string.h>

enum { WIDEST = 84, MARGIN = 4, FRAME = 2, PADDING = 1 };

bool popup_command(struct popup *popup, enum command_id command)
{
	int page = popup->page > 1 ? popup->page - 1 : 1;

	switch ((int)command) {
	case CMD_BACK:
	case CMD_QUIT:
	case CMD_OPEN:
		popup->is_open = false;
		return true;
	case CMD_UP:
		popup->top--;
		return true;
	case CMD_DOWN:
		popup->top++;
		return true;
	case CMD_PAGE_UP:
		popup->top -= page;
		return true;
	case CMD_PAGE_DOWN:
		popup->top += page;
		return true;
	case CMD_FIRST:
		popup->top = 0;
		return true;
	case CMD_LAST:
		popup->top = popup->lines;
		return true;
	default:
		return false;
	}
}

/* Bytes of `text` that fit into `width` columns, ending at a blank where there is one. */
static size_t line_bytes(const char *text, size_t len, int width)
{
	char line[4 * WIDEST];
	size_t fits = 0, at_blank = 0;

	for (size_t n = 1; n <= len && n < sizeof(line); n++) {
		if (n < len && ((unsigned char)text[n] & 0xc0) == 0x80)
			continue;
		memcpy(line, text, n);
		line[n] = '\0';
		if (text_columns(line) > width)
			break;
		fits = n;
		if (n == len || text[n] == ' ')
			at_blank = n;
	}
	if (fits == len || text[0] == ' ')
		return fits;
	return at_blank ? at_blank : fits;
}

/* Calls for one paragraph; draws the lines from `top` on that the area has rows for. */
static int draw_paragraph(struct area area, int row, int top, const char *text, size_t len)
{
	bool is_table = len && text[0] == ' ';
	enum role role = !strncmp(text, "source: ", 8) ? ROLE_TEXT_DIM : ROLE_TEXT;
	char line[4 * WIDEST];

	do {
		size_t bytes = line_bytes(text, len, area.width);

		if (!bytes)
			bytes = len ? 1 : 0;
		(void)snprintf(line, sizeof(line), "%.*s", (int)bytes, text);
		if (row >= top && row - top < area.height)
			draw_text(area, 0, row - top, is_table ? ROLE_NUMBER : role, line);
		row++;
		text += bytes;
		len -= bytes;
		if (is_table)
			break;
		while (len && *text == ' ') {
			text++;
			len--;
		}
	} while (len);
	return row;
}

static int draw_body(struct area area, int top, const char *body)
{
	int row = 0;

	while (*body) {
		size_t len = strcspn(body, "\n");

		row = draw_paragraph(area, row, top, body, len);
		body += len + (body[len] == '\n');
	}
	return row;
}

static void clear(struct area box)
{
	for (int y = 0; y < box.height; y++)
		draw_fill(box, 0, y, box.width, ROLE_TEXT, " ");
}

void popup_draw(struct popup *popup, struct area screen)
{
	int width = screen.width - 2 * MARGIN < WIDEST ? screen.width - 2 * MARGIN : WIDEST;
	int most = screen.height - 2 * MARGIN > 6 ? screen.height - 2 * MARGIN : screen.height - 2;
	int inside = width - FRAME - 2 * PADDING, height;
	struct area box;
	char right[80] = " Esc closes ";

	if (!popup->is_open)
		return;
	popup->lines = draw_body(area_part(screen, 0, 0, inside, 0), 0, popup->body);
	height = popup->lines + FRAME < most ? popup->lines + FRAME : most;
	popup->page = height - FRAME;
	if (popup->top > popup->lines - popup->page)
		popup->top = popup->lines - popup->page;
	if (popup->top < 0)
		popup->top = 0;
	box = area_part(screen, (screen.width - width) / 2, (screen.height - height) / 2, width,
	                height);
	/* A blank cell all around, or the lines below would join the frame. */
	clear(area_part(screen, box.x - screen.x - 1, box.y - screen.y - 1, width + 2, height + 2));
	draw_frame(box, ROLE_FRAME_FOCUS);
	if (popup->lines > popup->page)
		(void)snprintf(right, sizeof(right), " lines %d-%d of %d   Esc closes ",
		               popup->top + 1, popup->top + popup->page, popup->lines);
	draw_textf(box, 2, 0, ROLE_FRAME_TITLE, " %s ", popup->title);
	draw_right(box, width - 2, height - 1, ROLE_TEXT_DIM, right);
	(void)draw_body(area_part(box, 1 + PADDING, 1, inside, popup->page), popup->top,
	                popup->body);
}
