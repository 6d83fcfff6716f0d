/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_CONFIG_H
#define HEAPTOP_TUI_CONFIG_H

/**
 * The user's settings: one table (config.def) from which the file heaptop.ini, the setup screen,
 * `:set` and heaptop(5) come. A setting is kept as its text; a zeroed struct config is all defaults.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/file_problems.h"

enum config_id {
#define CONFIG(id, key, section, type, preset, choices, help) CONFIG_##id,
#include "tui/config.def"
#undef CONFIG
	CONFIG_COUNT
};

enum config_type {
	CONFIG_IS_THEME,   /* a name, or a path */
	CONFIG_IS_CHOICE,  /* one of the words */
	CONFIG_IS_TIME,    /* "500ms", "2s" */
	CONFIG_IS_PERCENT, /* "5%" */
	CONFIG_IS_WORDS,   /* some of the words, at least one */
};

struct config_row {
	const char *key, *section;
	enum config_type type;
	const char *preset, *choices; /* choices are blank-separated */
	const char *help;             /* no full stop */
};

extern const struct config_row config_rows[CONFIG_COUNT];

/* Where a value comes from; a later one wins. */
enum config_origin { CONFIG_FROM_DEFAULT, CONFIG_FROM_FILE, CONFIG_FROM_OPTION, CONFIG_FROM_HERE };

enum { CONFIG_TEXT = 128, CONFIG_WHY = 120 };

struct config {
	struct {
		char text[CONFIG_TEXT]; /* "": the default */
		uint8_t origin;         /* enum config_origin */
		int line;               /* of the file */
	} at[CONFIG_COUNT];
};

/** The setting of a key; CONFIG_COUNT when there is none. */
enum config_id config_by_key(const char *key);

/** The key that a mistyped one was perhaps meant to be; NULL when none is near. */
const char *config_nearest_key(const char *word);

const char *config_text(const struct config *config, enum config_id id);

/** What the text means: a choice's index, milliseconds, thousandths, a bit for each word. */
uint32_t config_number(const struct config *config, enum config_id id);

/** Sets a value that is fine; else says in `why` what would be, and leaves it as it is. */
bool config_set(struct config *config, enum config_id id, const char *text,
                enum config_origin origin, char why[CONFIG_WHY]);

/** The choice of a number; false behind the last. */
bool config_choice(enum config_id id, size_t number, char to[CONFIG_TEXT]);

/** The choice before (-1) or behind (1) the present one; at an end it stays. Not for words. */
void config_step(const struct config *config, enum config_id id, int step, char to[CONFIG_TEXT]);

/** The words with one of them added or taken away; the last one stays. */
void config_toggle(const struct config *config, enum config_id id, size_t number,
                   char to[CONFIG_TEXT]);

/** Reads a file's text, which may be anything at all, into the settings that are no better known. */
void config_parse(const char *bytes, size_t len, struct config *config,
                  struct file_problems *problems);

/**
 * The file's new text, in which what was changed here has its new value; all else stays as it is,
 * comments and unknown keys too. free() it; NULL: no memory.
 */
char *config_rewrite(const char *bytes, size_t len, const struct config *config);

#endif
