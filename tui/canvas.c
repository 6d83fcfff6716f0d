/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/canvas.h"

#include <stdlib.h>
#include <string.h>

bool canvas_init(struct canvas *canvas, int width, int height)
{
	*canvas = (struct canvas){ .width = width > 0 ? width : 0,
		                   .height = height > 0 ? height : 0 };
	canvas->cells =
	        calloc((size_t)canvas->width * (size_t)canvas->height + 1, sizeof(*canvas->cells));
	if (!canvas->cells) {
		canvas->width = canvas->height = 0;
		return false;
	}
	canvas_clear(canvas);
	return true;
}

void canvas_fini(struct canvas *canvas)
{
	free(canvas->cells);
	*canvas = (struct canvas){ 0 };
}

void canvas_use_symbols(struct canvas *canvas, enum symbols symbols)
{
	canvas->ascii = symbols == SYMBOLS_ASCII;
	canvas->symbols = (uint8_t)symbols;
}

void canvas_clear(struct canvas *canvas)
{
	size_t count = (size_t)canvas->width * (size_t)canvas->height;

	for (size_t i = 0; i < count; i++)
		canvas->cells[i] = (struct cell){ .utf8 = " ", .width = 1, .role = ROLE_TEXT };
}

struct area canvas_area(struct canvas *canvas)
{
	return (struct area){ .canvas = canvas, .width = canvas->width, .height = canvas->height };
}

struct cell *area_cell(struct area area, int x, int y)
{
	int column = area.x + x, row = area.y + y;

	if (x < 0 || y < 0 || x >= area.width || y >= area.height)
		return NULL;
	if (column < 0 || row < 0 || column >= area.canvas->width || row >= area.canvas->height)
		return NULL;
	return &area.canvas->cells[(size_t)row * (size_t)area.canvas->width + (size_t)column];
}

/* Moves [*at, *at + *len) into [0, limit); -1 in *len means up to the limit. */
static void clip(int *at, int *len, int limit)
{
	if (*len < 0)
		*len = limit > *at ? limit - *at : 0;
	if (*at < 0) {
		*len = *len > -*at ? *len + *at : 0;
		*at = 0;
	}
	if (*at > limit)
		*at = limit;
	if (*len > limit - *at)
		*len = limit - *at;
}

struct area area_part(struct area area, int x, int y, int width, int height)
{
	clip(&x, &width, area.width);
	clip(&y, &height, area.height);
	return (struct area){ area.canvas, area.x + x, area.y + y, width, height };
}

/* A growing text whose room was reckoned beforehand. */
struct dump {
	char *at;
	size_t len;
};

static void dump_add(struct dump *dump, const char *text)
{
	size_t len = strlen(text);

	memcpy(dump->at + dump->len, text, len + 1);
	dump->len += len;
}

static void dump_end_row(struct dump *dump)
{
	while (dump->len && dump->at[dump->len - 1] == ' ')
		dump->len--;
	dump_add(dump, "\n");
}

/* Roles are lettered in the order in which they are met, so that adding one changes no dump. */
static void dump_roles(const struct canvas *canvas, struct dump *dump)
{
	static const char letters[] =
	        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	        "!#$%&*+-/:;<>?@^_~";
	char letter_of[ROLE_COUNT] = { [ROLE_TEXT] = '.' };
	enum role met[ROLE_COUNT];
	size_t met_count = 0;

	_Static_assert(ROLE_COUNT < sizeof(letters), "every role needs a letter");
	for (int y = 0; y < canvas->height; y++) {
		for (int x = 0; x < canvas->width; x++) {
			uint8_t role = canvas->cells[y * canvas->width + x].role;

			if (role >= ROLE_COUNT)
				role = ROLE_TEXT;
			if (!letter_of[role]) {
				letter_of[role] = letters[met_count];
				met[met_count++] = (enum role)role;
			}
			dump_add(dump, (char[]){ letter_of[role], '\0' });
		}
		dump_add(dump, "\n");
	}
	for (size_t i = 0; i < met_count; i++) {
		dump_add(dump, (char[]){ letters[i], '=', '\0' });
		dump_add(dump, role_names[met[i]]);
		dump_add(dump, "\n");
	}
}

char *canvas_dump(const struct canvas *canvas, bool with_roles)
{
	size_t cells = ((size_t)canvas->width + 1) * (size_t)canvas->height;
	struct dump dump = { .at = malloc(cells * (sizeof(canvas->cells[0].utf8) + 1) + 1 +
		                          (size_t)ROLE_COUNT * 40) };

	if (!dump.at)
		return NULL;
	dump.at[0] = '\0';
	for (int y = 0; y < canvas->height; y++) {
		for (int x = 0; x < canvas->width; x++)
			dump_add(&dump, canvas->cells[y * canvas->width + x].utf8);
		dump_end_row(&dump);
	}
	if (with_roles)
		dump_roles(canvas, &dump);
	return dump.at;
}
