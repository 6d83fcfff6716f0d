/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tui/canvas.h"
#include "tui/glyph.h"

/* A wide character of which one half is overwritten leaves a blank in the other. */
static void break_wide(struct area area, int x, int y)
{
	struct area whole = canvas_area(area.canvas);
	struct cell *cell = area_cell(area, x, y), *other;

	if (cell->width == 2)
		other = area_cell(whole, area.x + x + 1, area.y + y);
	else if (cell->width == 0)
		other = area_cell(whole, area.x + x - 1, area.y + y);
	else
		return;
	if (other)
		*other = (struct cell){ .utf8 = " ", .width = 1, .role = other->role };
}

static void put_cell(struct area area, int x, int y, enum role role, const struct glyph *glyph)
{
	struct cell *cell = area_cell(area, x, y);

	if (!cell)
		return;
	break_wide(area, x, y);
	cell->width = glyph->width;
	cell->role = (uint8_t)role;
	memcpy(cell->utf8, glyph->utf8, sizeof(cell->utf8));
}

/* One glyph, wide or not, whole or not at all; the fallback on a terminal without Unicode. */
static void put_glyph(struct area area, int x, int y, enum role role, const struct glyph *glyph)
{
	static const struct glyph right_half = { .utf8 = "", .width = 0 };
	struct glyph plain = { .width = 1 };

	if (area.canvas->ascii && (unsigned char)glyph->utf8[0] >= 0x80) {
		plain.utf8[0] = glyph_ascii(glyph);
		for (int i = 0; i < glyph->width; i++)
			put_cell(area, x + i, y, role, &plain);
	} else if (area.canvas->symbols == SYMBOLS_HALF && glyph_half(glyph, &plain)) {
		put_cell(area, x, y, role, &plain);
	} else if (glyph->width == 2) {
		if (!area_cell(area, x, y) || !area_cell(area, x + 1, y))
			return;
		put_cell(area, x, y, role, glyph);
		put_cell(area, x + 1, y, role, &right_half);
	} else {
		put_cell(area, x, y, role, glyph);
	}
}

static void put(struct area area, int x, int y, enum role role, const char *utf8)
{
	struct glyph glyph = glyph_next(&utf8);

	put_glyph(area, x, y, role, &glyph);
}

int draw_text(struct area area, int x, int y, enum role role, const char *text)
{
	int start = x, end = area.width;
	bool is_cut = x + text_columns(text) > end;

	if (is_cut)
		end--;
	while (*text) {
		struct glyph glyph = glyph_next(&text);

		if (x + glyph.width > end)
			break;
		put_glyph(area, x, y, role, &glyph);
		x += glyph.width;
	}
	if (is_cut && x <= end && start <= end) {
		draw_fill(area, x, y, end - x, role, " ");
		put(area, end, y, role, "…");
		x = end + 1;
	}
	return x - start;
}

int draw_textf(struct area area, int x, int y, enum role role, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return draw_text(area, x, y, role, text);
}

int draw_right(struct area area, int x_end, int y, enum role role, const char *text)
{
	int columns = text_columns(text), x = x_end > columns ? x_end - columns : 0;

	return draw_text(area_part(area, 0, 0, x_end > 0 ? x_end : 0, -1), x, y, role, text);
}

void draw_fill(struct area area, int x, int y, int width, enum role role, const char *utf8)
{
	struct glyph glyph;

	if (!*utf8)
		return;
	glyph = glyph_next(&utf8);
	for (int at = x < 0 ? 0 : x; at + glyph.width <= x + width && at < area.width;
	     at += glyph.width)
		put_glyph(area, at, y, role, &glyph);
}

void draw_role(struct area area, int x, int y, int width, enum role role)
{
	for (int at = x < 0 ? 0 : x; at < x + width && at < area.width; at++) {
		struct cell *cell = area_cell(area, at, y);

		if (cell)
			cell->role = (uint8_t)role;
	}
}

void draw_gauge(struct area area, int x, int y, int width, unsigned permille, enum role fill)
{
	static const char *const parts[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
	unsigned all, eighths;
	int full;

	if (width <= 0)
		return;
	all = (unsigned)width * 8;
	if (permille > 1000)
		permille = 1000;
	eighths = (all * permille + 500) / 1000;
	/* "a little" never looks like nothing, "nearly all" never like all */
	if (!eighths && permille)
		eighths = 1;
	if (eighths == all && permille < 1000)
		eighths = all - 1;
	full = (int)(eighths / 8);
	draw_fill(area, x, y, full, fill, shade(area.canvas, 0));
	draw_fill(area, x + full, y, width - full, ROLE_GAUGE_EMPTY, shade(area.canvas, 3));
	if (eighths % 8 && (!area.canvas->ascii || eighths % 8 >= 4))
		put(area, x + full, y, fill, area.canvas->ascii ? "#" : parts[eighths % 8]);
}

const char *shade(const struct canvas *canvas, unsigned level)
{
	static const char *const unicode[] = { "█", "▓", "▒", "░", "·" };
	static const char *const ascii[] = { "#", "X", "+", "-", "." };

	if (level > 4)
		level = 4;
	return canvas->ascii ? ascii[level] : unicode[level];
}
