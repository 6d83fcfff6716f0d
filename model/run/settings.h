/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_RUN_SETTINGS_H
#define HEAPTOP_MODEL_RUN_SETTINGS_H

/**
 * What `set KEY VALUE` and --set KEY=VALUE may change: one table, settings.def. Reading a value says
 * whether it is in range; what it does is operate.h's.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum setting_kind {
	SETTING_NUMBER,
	SETTING_SIZE, /* bytes; "unlimited" is UINT64_MAX */
	SETTING_SIGNED,
	SETTING_TUNABLE,
	SETTING_STACKS, /* number: enum world_stacks, second: size or 0 */
	SETTING_ARENA,  /* number: 1 busy, 0 free */
	SETTING_THP,    /* number: enum lx_thp */
};

enum setting_id {
#define SETTING(id, key, kind, unit, min, max, acts, meaning) SET_##id,
#include "model/run/settings.def"
#undef SETTING
	SET_COUNT
};

struct setting {
	const char *key, *unit;
	int64_t min;
	uint64_t max;
	enum setting_kind kind;
	bool acts; /* false: named, but refused: its rules are not simulated */
	const char *meaning;
};

extern const struct setting settings[SET_COUNT];

struct setting_value {
	enum setting_id index;
	uint64_t number, second;
};

enum { SETTING_WHY_MAX = 200 };

/**
 * Reads a value. On failure `why` says what was expected, with the nearest key for an unknown one, and
 * *ret_key_wrong whether it was the key.
 */
bool setting_parse(const char *key, size_t key_len, const char *value, size_t value_len,
                   struct setting_value *ret, bool *ret_key_wrong, char why[SETTING_WHY_MAX]);

/** True when `text` is a GLIBC_TUNABLES list of known names with values in range. */
bool tunables_check(const char *text, size_t len, char why[SETTING_WHY_MAX]);

/** Cuts the next NAME=VALUE off such a list; false at its end. */
bool tunables_next(const char **text, size_t *len, struct setting_value *ret,
                   char why[SETTING_WHY_MAX], bool *ret_bad);

#endif
