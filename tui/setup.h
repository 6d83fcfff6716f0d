/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_SETUP_H
#define HEAPTOP_TUI_SETUP_H

/** What the setup view shows; app_setup.c changes it. */
#include "tui/canvas.h"
#include "tui/config_file.h"
#include "tui/theme.h"

struct setup {
	const struct config *config;
	const struct config_file *file;
	const struct theme *theme;
	const struct file_problems *theme_problems;
	const struct theme_names *themes;
	enum colour_depth depth; /* what "auto" has come to */
	enum symbols symbols;
	bool is_choosing; /* the selected setting's values are gone through */
	size_t choice;    /* the one that the user is at */
};

/** The values of a setting that can be chosen: themes, words of the table; false behind the last. */
bool setup_choice(const struct setup *setup, enum config_id id, size_t number,
                  char to[CONFIG_TEXT]);

/** The number of the present value among them; 0 when it is none of them. */
size_t setup_choice_now(const struct setup *setup, enum config_id id);

/** The setting of a selection of the view. */
enum config_id setup_selected(uint64_t selected);

/** A sample of every role, for the theme in force; setup_sample.c. */
void setup_draw_sample(struct area area);

#endif
