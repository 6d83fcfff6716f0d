/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as a theme file: no crash, clean messages, a look for every role at every depth. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tui/theme.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_clean(const char *text, size_t room)
{
	for (const char *at = text; *at; at++) {
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			abort();
	}
	if (strlen(text) >= room)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct theme theme;
	struct file_problems problems = { .file = "" };
	struct colour_palette palette;

	theme_parse((const char *)data, size, &theme, &problems);
	expect_clean(theme.name, sizeof(theme.name));
	for (size_t i = 0; i < problems.count && i < FILE_PROBLEMS_MAX; i++)
		expect_clean(problems.at[i].what, sizeof(problems.at[i].what));
	for (enum colour_depth depth = DEPTH_MONO; depth < DEPTH_COUNT; depth++) {
		colour_palette_init(&palette, depth);
		for (unsigned role = 0; role < ROLE_COUNT; role++) {
			struct style style = theme_style(&theme, (enum role)role, depth);
			int number = colour_number(&palette, style.fg);

			if (number < -1 || number > 0xffffff)
				abort();
		}
	}
	return 0;
}
