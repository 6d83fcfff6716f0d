/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "tui/canvas.h"

/* A line cell is known by the neighbours that it reaches. */
enum line_end { LINE_UP = 1, LINE_RIGHT = 2, LINE_DOWN = 4, LINE_LEFT = 8, LINE_ALL = 15 };

static const char *const signs[LINE_ALL + 1] = {
	[LINE_UP] = "│",
	[LINE_RIGHT] = "─",
	[LINE_RIGHT | LINE_UP] = "╰",
	[LINE_DOWN] = "│",
	[LINE_DOWN | LINE_UP] = "│",
	[LINE_DOWN | LINE_RIGHT] = "╭",
	[LINE_DOWN | LINE_RIGHT | LINE_UP] = "├",
	[LINE_LEFT] = "─",
	[LINE_LEFT | LINE_UP] = "╯",
	[LINE_LEFT | LINE_RIGHT] = "─",
	[LINE_LEFT | LINE_RIGHT | LINE_UP] = "┴",
	[LINE_LEFT | LINE_DOWN] = "╮",
	[LINE_LEFT | LINE_DOWN | LINE_UP] = "┤",
	[LINE_LEFT | LINE_DOWN | LINE_RIGHT] = "┬",
	[LINE_ALL] = "┼",
};

/* Which neighbours a cell reaches; 0 for text. ASCII's `+` may reach all: that decides nothing. */
static unsigned ends_of(const struct cell *cell)
{
	if (!cell || (cell->role != ROLE_FRAME && cell->role != ROLE_FRAME_FOCUS))
		return 0;
	if (!strcmp(cell->utf8, "+"))
		return LINE_ALL;
	if (!strcmp(cell->utf8, "-") || !strcmp(cell->utf8, "─"))
		return LINE_LEFT | LINE_RIGHT;
	if (!strcmp(cell->utf8, "|") || !strcmp(cell->utf8, "│"))
		return LINE_UP | LINE_DOWN;
	for (unsigned ends = 1; ends <= LINE_ALL; ends++) {
		if (signs[ends] && !strcmp(cell->utf8, signs[ends]))
			return ends;
	}
	return 0;
}

static const char *sign_of(const struct canvas *canvas, unsigned ends)
{
	if (!canvas->ascii)
		return signs[ends];
	if (!(ends & (LINE_LEFT | LINE_RIGHT)))
		return "|";
	return ends & (LINE_UP | LINE_DOWN) ? "+" : "-";
}

static unsigned ends_at(struct area area, int x, int y)
{
	return ends_of(area_cell(canvas_area(area.canvas), area.x + x, area.y + y));
}

/* The ends by which the cells around (x, y) reach for it. */
static unsigned reached_from(struct area area, int x, int y)
{
	unsigned ends = 0;

	if (ends_at(area, x, y - 1) & LINE_DOWN)
		ends |= LINE_UP;
	if (ends_at(area, x, y + 1) & LINE_UP)
		ends |= LINE_DOWN;
	if (ends_at(area, x - 1, y) & LINE_RIGHT)
		ends |= LINE_LEFT;
	if (ends_at(area, x + 1, y) & LINE_LEFT)
		ends |= LINE_RIGHT;
	return ends;
}

static void put_line(struct area area, int x, int y, enum role role, unsigned ends)
{
	struct cell *cell = area_cell(area, x, y);

	if (!cell)
		return;
	/* In ASCII an old `+` says too little to be kept; what reaches for the cell is enough. */
	if (strcmp(cell->utf8, "+") != 0)
		ends |= ends_of(cell);
	ends |= reached_from(area, x, y);
	draw_fill(area, x, y, 1, role, sign_of(area.canvas, ends));
}

/* Lets an existing line at (x, y) reach one neighbour more. */
static void join(struct area area, int x, int y, unsigned end)
{
	struct area whole = canvas_area(area.canvas);
	const struct cell *cell = area_cell(whole, area.x + x, area.y + y);
	unsigned ends = ends_of(cell);

	if (ends)
		draw_fill(whole, area.x + x, area.y + y, 1, (enum role)cell->role,
		          sign_of(area.canvas, ends | end));
}

void draw_frame(struct area area, enum role role)
{
	int right = area.width - 1, bottom = area.height - 1;

	if (right < 1 || bottom < 1)
		return;
	put_line(area, 0, 0, role, LINE_RIGHT | LINE_DOWN);
	put_line(area, right, 0, role, LINE_LEFT | LINE_DOWN);
	put_line(area, 0, bottom, role, LINE_RIGHT | LINE_UP);
	put_line(area, right, bottom, role, LINE_LEFT | LINE_UP);
	for (int x = 1; x < right; x++) {
		put_line(area, x, 0, role, LINE_LEFT | LINE_RIGHT);
		put_line(area, x, bottom, role, LINE_LEFT | LINE_RIGHT);
	}
	for (int y = 1; y < bottom; y++) {
		put_line(area, 0, y, role, LINE_UP | LINE_DOWN);
		put_line(area, right, y, role, LINE_UP | LINE_DOWN);
	}
}

/* A text in a divider with a blank on either side. */
static void put_title(struct area area, int x, int y, enum role role, const char *text, int room)
{
	struct area part = area_part(area, x, 0, room, -1);
	int used = 1;

	draw_fill(part, 0, y, 1, ROLE_FRAME, " ");
	used += draw_text(area_part(part, 0, 0, room - 1, -1), used, y, role, text);
	draw_fill(part, used, y, 1, ROLE_FRAME, " ");
}

void draw_divider(struct area area, int y, const char *title, const char *right)
{
	bool on_left = ends_at(area, 0, y) & (LINE_UP | LINE_DOWN);
	bool on_right = ends_at(area, area.width - 1, y) & (LINE_UP | LINE_DOWN);
	int left_at = on_left ? 2 : 1, room = area.width - left_at - (on_right ? 2 : 1), used = 0;
	int right_columns = right ? text_columns(right) + 2 : 0;

	for (int x = 0; x < area.width; x++) {
		unsigned ends = LINE_LEFT | LINE_RIGHT;

		/* On a border the line starts or ends, inside it goes through. */
		if (x == 0 && on_left)
			ends = LINE_RIGHT;
		else if (x == area.width - 1 && on_right)
			ends = LINE_LEFT;
		put_line(area, x, y, ROLE_FRAME, ends);
	}
	join(area, -1, y, LINE_RIGHT);
	join(area, area.width, y, LINE_LEFT);
	if (title && *title && room > 4) {
		used = text_columns(title) + 2;
		if (used > room)
			used = room;
		put_title(area, left_at, y, ROLE_FRAME_TITLE, title, used);
	}
	if (right && *right && used + 1 + right_columns <= room)
		put_title(area, left_at + room - right_columns, y, ROLE_TEXT_DIM, right,
		          right_columns);
}

void draw_vertical(struct area area, int x, int y, int height)
{
	if (height < 0 || height > area.height - y)
		height = area.height - y;
	if (height <= 0 || x < 0 || x >= area.width)
		return;
	for (int row = y; row < y + height; row++)
		put_line(area, x, row, ROLE_FRAME, LINE_UP | LINE_DOWN);
	join(area, x, y - 1, LINE_DOWN);
	join(area, x, y + height, LINE_UP);
}
