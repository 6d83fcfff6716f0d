/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a foreign name: what comes out is valid UTF-8 without anything that a terminal acts
 * on, fits, does not change when cleaned again, and takes the columns it says it takes.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "tui/canvas.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_harmless(const char *text)
{
	while (*text) {
		utf8proc_int32_t code;
		utf8proc_ssize_t len = utf8proc_iterate((const utf8proc_uint8_t *)text, -1, &code);

		if (len <= 0 || code < ' ' || (code >= 0x7f && code < 0xa0))
			abort();
		if (utf8proc_category(code) == UTF8PROC_CATEGORY_CF)
			abort();
		text += len;
	}
}

static void draw(const char *text)
{
	struct canvas canvas;
	struct area area;
	int used;

	if (!canvas_init(&canvas, 24, 1))
		abort();
	area = canvas_area(&canvas);
	used = draw_text(area, 0, 0, ROLE_TEXT, text);
	if (text_columns(text) <= 24 ? used != text_columns(text) : used != 24)
		abort();
	canvas_fini(&canvas);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char once[300], twice[300];
	size_t room = size ? data[0] + 1u : 1;

	text_clean(once, room, (const char *)data, size);
	if (strlen(once) >= room)
		abort();
	expect_harmless(once);
	text_clean(twice, sizeof(twice), once, strlen(once));
	if (strcmp(once, twice) != 0)
		abort();
	draw(once);
	return 0;
}
