/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Help: keys and commands, straight from their tables; what the signs on the screens mean. */
#include <stdio.h>

#include "tui/keymap.h"
#include "tui/view_parts.h"

enum { KEYS_AT = 1, NAME_AT = 17, HELP_AT = 34, SIGN_AT = 1, MEANS_AT = 12 };

/* Widths from which names have a column, and signs stand beside the commands. */
enum { WITH_NAMES = 96, TWO_COLUMNS = 150 };

static const struct {
	const char *sign, *means;
} signs[] = {
	{ "?", "could not be read; the screen says why" },
	{ "…", "has not been read yet" },
	{ "-", "does not apply" },
	{ "~", "estimated by a rule that is right for nearly all" },
	{ "!", "torn: read while it changed, and no retry agreed" },
	{ "█ ▓ ▒ ░ ·", "from full to absent; each row's sign is in front of it" },
	{ "T", "top chunk: free, at the end of a heap" },
	{ "▶", "the selected row; it stays with its object when rows move" },
	{ "KiB, MiB", "1,024 and 1,048,576 bytes; kB where a kernel file says kB" },
};

enum { SIGN_COUNT = sizeof(signs) / sizeof(signs[0]) };

/* Rows of the help: commands, a blank one, a title, the signs. */
enum { HELP_ROWS = COMMAND_COUNT + 2 + SIGN_COUNT };

static void draw_command(struct area area, int y, enum command_id id)
{
	char keys[64];

	keymap_names(keys, sizeof(keys), id);
	draw_text(area_part(area, 0, 0, NAME_AT - 1, -1), KEYS_AT, y, ROLE_KEY, keys);
	if (area.width < WITH_NAMES) {
		draw_text(area, NAME_AT, y, ROLE_TEXT, commands[id].help);
		return;
	}
	draw_text(area_part(area, 0, 0, HELP_AT - 1, -1), NAME_AT, y, ROLE_KEY_LABEL,
	          commands[id].name);
	draw_text(area, HELP_AT, y, ROLE_TEXT, commands[id].help);
}

static void draw_sign(struct area area, int y, size_t i)
{
	draw_text(area, SIGN_AT, y, ROLE_TEXT_STRONG, signs[i].sign);
	draw_text(area, MEANS_AT, y, ROLE_TEXT, signs[i].means);
}

static void draw_row(struct area area, int y, int row)
{
	if (row < COMMAND_COUNT)
		draw_command(area, y, (enum command_id)row);
	else if (row == COMMAND_COUNT + 1)
		draw_text(area, SIGN_AT, y, ROLE_TEXT_STRONG, "signs");
	else if (row > COMMAND_COUNT + 1)
		draw_sign(area, y, (size_t)(row - COMMAND_COUNT - 2));
}

/* With room for both, commands stand at the left and signs at the right. */
static bool has_two_columns(struct area area)
{
	return area.width >= TWO_COLUMNS && area.height > COMMAND_COUNT;
}

static void draw_two_columns(struct area area)
{
	struct pane_pair pair = pane_pair(area, area.width * 3 / 5, "keys and commands", "signs");

	for (int row = 0; row < COMMAND_COUNT; row++)
		draw_row(pair.left, row, row);
	for (size_t i = 0; i < SIGN_COUNT; i++)
		draw_sign(pair.right, (int)i, i);
}

static void help_draw(const struct view_frame *frame, struct area area)
{
	struct view_state *state = frame->state;
	int page = area.height - 1, last_top = HELP_ROWS - page;
	struct area rows = area_part(area, 0, 1, -1, -1);
	char right[48];

	if (has_two_columns(area)) {
		draw_two_columns(area);
		return;
	}
	if (state->top_row > last_top)
		state->top_row = last_top;
	if (state->top_row < 0)
		state->top_row = 0;
	state->page_rows = page;
	state->row_count = HELP_ROWS;
	for (int y = 0; y < page && state->top_row + y < HELP_ROWS; y++)
		draw_row(rows, y, state->top_row + y);
	right[0] = '\0';
	if (last_top > 0)
		(void)snprintf(right, sizeof(right), "lines %d-%d of %d", state->top_row + 1,
		               state->top_row + page, HELP_ROWS);
	draw_divider(area, 0,
	             area.width < WITH_NAMES ? "keys" : "keys and commands (type a name after :)",
	             right);
}

static bool help_command(const struct view_frame *frame, enum command_id command)
{
	struct view_state *state = frame->state;
	int page = state->page_rows > 1 ? state->page_rows - 1 : 1, top = state->top_row;

	switch ((int)command) {
	case CMD_UP:
		top--;
		break;
	case CMD_DOWN:
		top++;
		break;
	case CMD_PAGE_UP:
		top -= page;
		break;
	case CMD_PAGE_DOWN:
		top += page;
		break;
	case CMD_FIRST:
		top = 0;
		break;
	case CMD_LAST:
		top = HELP_ROWS;
		break;
	default:
		return false;
	}
	state->top_row = top < 0 ? 0 : top < HELP_ROWS ? top : HELP_ROWS - 1;
	return true;
}

const struct view_ops view_help = {
	.id = VIEW_HELP,
	.title = "Help",
	.draw = help_draw,
	.command = help_command,
};
