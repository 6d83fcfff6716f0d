/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/view_parts.h"

#include <stdio.h>
#include <string.h>

#include "model/base/units.h"

struct area take_rows(struct area *area, int height)
{
	struct area taken = area_part(*area, 0, 0, -1, height > 0 ? height : 0);

	*area = area_part(*area, 0, taken.height, -1, -1);
	return taken;
}

/* --- selection ---------------------------------------------------------------------------------- */

void view_item(struct view_state *state, struct area area, int y, uint64_t key)
{
	if (y < 0 || y >= area.height || state->item_count == VIEW_ITEMS)
		return;
	state->items[state->item_count++] =
	        (struct view_item){ key, area.x, area.y + y, area.width };
	if (state->selected != key)
		return;
	draw_role(area, 0, y, area.width, ROLE_SELECT);
	draw_text(area_part(area, 0, y, 1, 1), 0, 0, ROLE_SELECT, "▶");
}

bool view_items_command(struct view_state *state, enum command_id command)
{
	int at = -1, last = state->item_count - 1;

	for (int i = 0; i <= last; i++) {
		if (state->items[i].key == state->selected)
			at = i;
	}
	switch ((int)command) {
	case CMD_UP:
		at = at < 0 ? last : at - (at > 0);
		break;
	case CMD_DOWN:
		at += at < last;
		break;
	case CMD_FIRST:
		at = 0;
		break;
	case CMD_LAST:
		at = last;
		break;
	default:
		return false;
	}
	if (at >= 0 && at <= last)
		state->selected = state->items[at].key;
	return true;
}

/* --- panes -------------------------------------------------------------------------------------- */

struct area pane_area(struct area area, const char *title, const char *right)
{
	draw_divider(area, 0, title, right);
	return area_part(area, 0, 1, -1, -1);
}

struct pane_pair pane_pair(struct area area, int x, const char *left_title, const char *right_title)
{
	struct area right = area_part(area, x + 1, 0, -1, -1);

	draw_divider(area, 0, NULL, NULL);
	draw_divider(area_part(area, 0, 0, x, -1), 0, left_title, NULL);
	draw_divider(right, 0, right_title, NULL);
	draw_vertical(area, x, 1, -1);
	return (struct pane_pair){ area_part(area, 0, 1, x, -1), area_part(right, 0, 1, -1, -1) };
}

static char *with_mark(char buf[TEXT_NUMBER], enum fact_state state)
{
	size_t len = strlen(buf);

	if ((state == FACT_ESTIMATE || state == FACT_TORN) && len + 1 < TEXT_NUMBER) {
		memmove(buf + 1, buf, len + 1);
		buf[0] = state == FACT_TORN ? '!' : '~';
	}
	return buf;
}

char *figure_bytes(char buf[TEXT_NUMBER], struct fact bytes)
{
	return with_mark(text_bytes_fact(buf, bytes), bytes.state);
}

char *figure_count(char buf[TEXT_NUMBER], struct fact count)
{
	return with_mark(text_count_fact(buf, count), count.state);
}

enum role figure_role(struct fact figure)
{
	switch (figure.state) {
	case FACT_UNKNOWN:
		return ROLE_TEXT_DIM;
	case FACT_TORN:
		return ROLE_STATUS_WARN;
	case FACT_KNOWN:
	case FACT_ESTIMATE:
		break;
	}
	return ROLE_NUMBER;
}

void draw_bytes(struct area area, int x_end, int y, struct fact bytes)
{
	char buf[TEXT_NUMBER];

	draw_right(area, x_end, y, figure_role(bytes), figure_bytes(buf, bytes));
}

void draw_count(struct area area, int x_end, int y, struct fact count)
{
	char buf[TEXT_NUMBER];

	draw_right(area, x_end, y, figure_role(count), figure_count(buf, count));
}

unsigned permille_of(uint64_t part, uint64_t whole)
{
	part = min_u64(part, whole);
	while (whole > UINT64_MAX / 2000) {
		part /= 2;
		whole /= 2;
	}
	return whole ? (unsigned)((part * 1000 + whole / 2) / whole) : 0;
}

void draw_percent(struct area area, int x_end, int y, struct fact part, struct fact whole)
{
	char text[TEXT_NUMBER] = "-";

	if (!fact_known(part) || !fact_known(whole))
		text[0] = '?';
	else if (whole.v)
		(void)snprintf(text, sizeof(text), "%u%%", (permille_of(part.v, whole.v) + 5) / 10);
	draw_right(area, x_end, y, text[0] == '?' ? ROLE_TEXT_DIM : ROLE_NUMBER, text);
}

void draw_share(struct area area, int x, int y, int width, struct fact part, struct fact whole)
{
	bool is_known = fact_known(part) && fact_known(whole);
	unsigned permille = is_known ? permille_of(part.v, whole.v) : 0;

	draw_gauge(area, x, y, width, permille,
	           permille >= 900 ? ROLE_GAUGE_OVER : ROLE_GAUGE_FILL);
	if (!is_known && width > 2)
		draw_text(area_part(area, x + width / 2 - 1, y, 3, 1), 0, 0, ROLE_TEXT_DIM, " ? ");
}

void draw_labelled(struct area area, int x, int x_text, int y, const char *label, const char *text)
{
	draw_text(area_part(area, 0, 0, x_text, -1), x, y, ROLE_TEXT_DIM, label);
	draw_text(area, x_text, y, ROLE_TEXT, text);
}

/* Bytes of `text` that fit into `columns`, broken at the last blank where there is one. */
static size_t line_bytes(const char *text, int columns)
{
	char line[512];
	size_t fits = 0, at_blank = 0, len = strlen(text);

	for (size_t end = 1; end <= len && end < sizeof(line); end++) {
		if (text[end] && ((unsigned char)text[end] & 0xc0) == 0x80)
			continue; /* inside a character */
		memcpy(line, text, end);
		line[end] = '\0';
		if (text_columns(line) > columns)
			break;
		fits = end;
		if (text[end] == ' ' || !text[end])
			at_blank = end;
	}
	return at_blank ? at_blank : fits;
}

int draw_wrapped(struct area area, int y, enum role role, const char *text)
{
	char line[512];
	int rows = 0;

	while (*text && y + rows < area.height && area.width > 2) {
		size_t bytes = line_bytes(text, area.width - 2);

		if (!bytes)
			break;
		memcpy(line, text, bytes);
		line[bytes] = '\0';
		draw_text(area, 1, y + rows, role, line);
		text += bytes;
		while (*text == ' ')
			text++;
		rows++;
	}
	return rows;
}
