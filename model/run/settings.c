/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/run/settings.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "model/run/scenario_private.h"

#define SETTING(id, key, kind, unit, min, max, acts, meaning)                                      \
	[SET_##id] = { key, unit, min, max, SETTING_##kind, acts, meaning },
const struct setting settings[SET_COUNT] = {
#include "model/run/settings.def"
};
#undef SETTING

/* --- the nearest key --------------------------------------------------------------------------- */

enum { KEY_MAX = 40 };

/* Insertions, deletions and changes of one character that make one of the other. */
static unsigned edit_distance(const char *a, size_t a_len, const char *b)
{
	unsigned row[KEY_MAX + 1];
	size_t b_len = strlen(b);

	for (size_t j = 0; j <= b_len; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= a_len; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b_len; j++) {
			unsigned change = diagonal + (a[i - 1] != b[j - 1]);
			unsigned other = 1 + (row[j - 1] < row[j] ? row[j - 1] : row[j]);

			diagonal = row[j];
			row[j] = change < other ? change : other;
		}
	}
	return row[b_len];
}

static const char *nearest_key(const char *key, size_t len)
{
	const char *best = settings[0].key;
	unsigned least = UINT32_MAX;

	len = len < KEY_MAX ? len : KEY_MAX;
	for (size_t i = 0; i < SET_COUNT; i++) {
		unsigned distance = edit_distance(key, len, settings[i].key);

		if (distance < least) {
			least = distance;
			best = settings[i].key;
		}
	}
	return best;
}

/* --- values ------------------------------------------------------------------------------------- */

static bool refuse(char why[SETTING_WHY_MAX], const char *text)
{
	(void)snprintf(why, SETTING_WHY_MAX, "%s", text);
	return false;
}

static bool out_of_range(const struct setting *setting, char why[SETTING_WHY_MAX])
{
	(void)snprintf(why, SETTING_WHY_MAX, "expected %s of %s from %" PRId64 " to %" PRIu64,
	               setting->unit, setting->key, setting->min, setting->max);
	return false;
}

/* glibc[:SIZE] or own[:SIZE]; numbers are those of enum world_stacks. */
static bool parse_stacks(struct word word, struct setting_value *ret, char why[SETTING_WHY_MAX])
{
	static const char expected[] = "expected glibc[:SIZE] or own[:SIZE]";
	const char *colon = memchr(word.at, ':', word.len);
	struct word name = { word.at, colon ? (size_t)(colon - word.at) : word.len };

	if (word_is(name, "glibc", 5))
		ret->number = 0;
	else if (word_is(name, "own", 3))
		ret->number = 1;
	else
		return refuse(why, expected);
	if (!colon)
		return true;
	name = (struct word){ colon + 1, word.len - name.len - 1 };
	return (word_size(name, &ret->second) && ret->second) || refuse(why, expected);
}

static bool parse_arena(struct word word, struct setting_value *ret, char why[SETTING_WHY_MAX])
{
	ret->number = word_is(word, "busy", 4);
	return ret->number || word_is(word, "free", 4) || refuse(why, "expected busy or free");
}

/* The words of /sys/kernel/mm/transparent_hugepage/enabled; numbers are those of enum lx_thp. */
static bool parse_thp(struct word word, struct setting_value *ret, char why[SETTING_WHY_MAX])
{
	static const char *const words[] = { "always", "madvise", "never" };

	for (ret->number = 0; ret->number < 3; ret->number++)
		if (word_is(word, words[ret->number], strlen(words[ret->number])))
			return true;
	return refuse(why, "expected always, madvise or never");
}

static bool parse_number(const struct setting *setting, struct word word, struct setting_value *ret,
                         char why[SETTING_WHY_MAX])
{
	int64_t number;

	if (setting->kind == SETTING_SIGNED) {
		if (!word_signed(word, &number) || number < setting->min ||
		    number > (int64_t)setting->max)
			return out_of_range(setting, why);
		ret->number = (uint64_t)number;
		return true;
	}
	if (setting->kind == SETTING_SIZE && setting->max == UINT64_MAX &&
	    (word_is(word, "unlimited", 9) || word_is(word, "max", 3))) {
		ret->number = UINT64_MAX;
		return true;
	}
	if (!word_size(word, &ret->number) || ret->number < (uint64_t)setting->min ||
	    ret->number > setting->max)
		return out_of_range(setting, why);
	return true;
}

static const struct setting *find(struct word key)
{
	for (size_t i = 0; i < SET_COUNT; i++)
		if (word_is(key, settings[i].key, strlen(settings[i].key)))
			return &settings[i];
	return NULL;
}

bool setting_parse(const char *key, size_t key_len, const char *value, size_t value_len,
                   struct setting_value *ret, bool *ret_key_wrong, char why[SETTING_WHY_MAX])
{
	const struct setting *setting = find((struct word){ key, key_len });
	struct word word = { value, value_len };

	*ret_key_wrong = true;
	if (!setting) {
		(void)snprintf(why, SETTING_WHY_MAX, "expected a KEY; the nearest is %s",
		               nearest_key(key, key_len));
		return false;
	}
	if (!setting->acts)
		return refuse(why, "is a KEY whose rules are not simulated yet");
	*ret_key_wrong = false;
	*ret = (struct setting_value){ .index = (enum setting_id)(setting - settings) };
	switch (setting->kind) {
	case SETTING_STACKS:
		return parse_stacks(word, ret, why);
	case SETTING_ARENA:
		return parse_arena(word, ret, why);
	case SETTING_THP:
		return parse_thp(word, ret, why);
	case SETTING_NUMBER:
	case SETTING_SIZE:
	case SETTING_SIGNED:
	case SETTING_TUNABLE:
		break;
	}
	return parse_number(setting, word, ret, why);
}

/* --- GLIBC_TUNABLES ----------------------------------------------------------------------------- */

bool tunables_next(const char **text, size_t *len, struct setting_value *ret,
                   char why[SETTING_WHY_MAX], bool *ret_bad)
{
	const char *colon, *equals;
	size_t part;
	bool is_key_wrong;

	*ret_bad = false;
	while (*len && **text == ':') {
		++*text;
		--*len;
	}
	if (!*len)
		return false;
	colon = memchr(*text, ':', *len);
	part = colon ? (size_t)(colon - *text) : *len;
	equals = memchr(*text, '=', part);
	if (!equals) {
		*ret_bad = true;
		return refuse(why, "expected NAME=VALUE[:NAME=VALUE]...");
	}
	*ret_bad = !setting_parse(*text, (size_t)(equals - *text), equals + 1,
	                          part - (size_t)(equals - *text) - 1, ret, &is_key_wrong, why);
	if (!*ret_bad && settings[ret->index].kind != SETTING_TUNABLE) {
		*ret_bad = true;
		(void)refuse(why, "expected a tunable glibc.malloc.NAME");
	}
	*text += part;
	*len -= part;
	return !*ret_bad;
}

bool tunables_check(const char *text, size_t len, char why[SETTING_WHY_MAX])
{
	struct setting_value value;
	bool is_bad;

	while (tunables_next(&text, &len, &value, why, &is_bad))
		;
	return !is_bad;
}
