/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/base/text.h"
#include "tui/canvas.h"
#include "tui/word_distance.h"

const struct config_row config_rows[CONFIG_COUNT] = {
#define CONFIG(id, key, section, type, preset, choices, help)                                      \
	[CONFIG_##id] = { (key), (section), CONFIG_IS_##type, (preset), (choices), (help) },
#include "tui/config.def"
#undef CONFIG
};

enum config_id config_by_key(const char *key)
{
	for (enum config_id id = 0; id < CONFIG_COUNT; id++) {
		if (!strcmp(config_rows[id].key, key))
			return id;
	}
	return CONFIG_COUNT;
}

const char *config_nearest_key(const char *word)
{
	unsigned least = word_slip(strlen(word)) + 1;
	const char *nearest = NULL;

	for (enum config_id id = 0; id < CONFIG_COUNT; id++) {
		unsigned distance = word_distance(word, config_rows[id].key);

		if (distance < least) {
			least = distance;
			nearest = config_rows[id].key;
		}
	}
	return nearest;
}

const char *config_text(const struct config *config, enum config_id id)
{
	return config->at[id].text[0] ? config->at[id].text : config_rows[id].preset;
}

/* --- words -------------------------------------------------------------------------------------- */

/* Takes the next word off *at; its length, 0 at the end. */
static size_t next_word(const char **at, const char **ret)
{
	size_t len;

	*at += strspn(*at, " \t");
	len = strcspn(*at, " \t");
	*ret = *at;
	*at += len;
	return len;
}

/* The number of a word among the choices; SIZE_MAX: none of them. */
static size_t choice_of(enum config_id id, const char *word, size_t len)
{
	const char *at = config_rows[id].choices, *choice;
	size_t choice_len;

	for (size_t i = 0; (choice_len = next_word(&at, &choice)); i++) {
		if (choice_len == len && !memcmp(choice, word, len))
			return i;
	}
	return SIZE_MAX;
}

bool config_choice(enum config_id id, size_t number, char to[CONFIG_TEXT])
{
	const char *at = config_rows[id].choices, *word;
	size_t len = next_word(&at, &word);

	for (; number && len; number--)
		len = next_word(&at, &word);
	if (!len || len >= CONFIG_TEXT)
		return false;
	memcpy(to, word, len);
	to[len] = '\0';
	return true;
}

static uint32_t words_number(enum config_id id, const char *text)
{
	const char *word;
	uint32_t bits = 0;
	size_t len;

	while ((len = next_word(&text, &word))) {
		size_t at = choice_of(id, word, len);

		if (at < 32)
			bits |= UINT32_C(1) << at;
	}
	return bits;
}

/* The words of a number, in the table's order. */
static void words_text(enum config_id id, uint32_t bits, char to[CONFIG_TEXT])
{
	struct text text = text_in(to, CONFIG_TEXT);
	char word[CONFIG_TEXT];

	for (size_t i = 0; config_choice(id, i, word); i++) {
		if (bits & UINT32_C(1) << i)
			text_addf(&text, "%s%s", text.len ? " " : "", word);
	}
}

/* --- numbers ------------------------------------------------------------------------------------ */

/* Milliseconds or thousandths; false: not a number with a unit of this type. */
static bool parse_number(enum config_type type, const char *text, uint32_t *ret)
{
	char *end;
	double number = strtod(text, &end);

	if (end == text || !(number >= 0 && number < 1e6) || *text == '+' || *text == ' ')
		return false;
	if (type == CONFIG_IS_PERCENT) {
		*ret = (uint32_t)(number * 10 + 0.5);
		return !*end || !strcmp(end, "%");
	}
	if (*end && strcmp(end, "s") != 0 && strcmp(end, "ms") != 0)
		return false;
	*ret = (uint32_t)((strcmp(end, "ms") != 0 ? number * 1000 : number) + 0.5);
	return true;
}

static void number_text(enum config_type type, uint32_t number, char to[CONFIG_TEXT])
{
	if (type == CONFIG_IS_PERCENT && number % 10)
		(void)snprintf(to, CONFIG_TEXT, "%u.%u%%", number / 10, number % 10);
	else if (type == CONFIG_IS_PERCENT)
		(void)snprintf(to, CONFIG_TEXT, "%u%%", number / 10);
	else if (number % 1000)
		(void)snprintf(to, CONFIG_TEXT, "%ums", number);
	else
		(void)snprintf(to, CONFIG_TEXT, "%us", number / 1000);
}

/* First and last step. */
static void limits(enum config_id id, char first[CONFIG_TEXT], char last[CONFIG_TEXT])
{
	(void)config_choice(id, 0, first);
	for (size_t i = 0; config_choice(id, i, last); i++)
		;
}

static bool check_number(enum config_id id, const char *text, char to[CONFIG_TEXT],
                         char why[CONFIG_WHY])
{
	enum config_type type = config_rows[id].type;
	char first[CONFIG_TEXT], last[CONFIG_TEXT];
	uint32_t number, least = 0, most = 0;

	limits(id, first, last);
	(void)parse_number(type, first, &least);
	(void)parse_number(type, last, &most);
	if (parse_number(type, text, &number) && number >= least && number <= most) {
		number_text(type, number, to);
		return true;
	}
	(void)snprintf(why, CONFIG_WHY, "\"%.24s\" is not %s from %.16s to %.16s", text,
	               type == CONFIG_IS_TIME ? "a time" : "a share", first, last);
	return false;
}

/* --- values ------------------------------------------------------------------------------------- */

static void refuse_word(enum config_id id, const char *word, size_t len, char why[CONFIG_WHY])
{
	char own[24], choice[CONFIG_TEXT], nearest[CONFIG_TEXT] = "";
	unsigned least = word_slip(len) + 1;

	(void)snprintf(own, sizeof(own), "%.*s", (int)(len < 23 ? len : 23), word);
	for (size_t i = 0; config_choice(id, i, choice); i++) {
		unsigned distance = word_distance(own, choice);

		if (distance < least) {
			least = distance;
			memcpy(nearest, choice, sizeof(nearest));
		}
	}
	if (nearest[0])
		(void)snprintf(why, CONFIG_WHY,
		               "\"%s\" is no value of %s; the nearest is \"%.40s\"", own,
		               config_rows[id].key, nearest);
	else
		(void)snprintf(why, CONFIG_WHY, "\"%s\" is none of: %s", own,
		               config_rows[id].choices);
}

static bool check_words(enum config_id id, const char *text, char to[CONFIG_TEXT],
                        char why[CONFIG_WHY])
{
	const char *at = text, *word;
	size_t len, count = 0;

	while ((len = next_word(&at, &word))) {
		count++;
		if (choice_of(id, word, len) != SIZE_MAX)
			continue;
		refuse_word(id, word, len, why);
		return false;
	}
	if (!count)
		(void)snprintf(why, CONFIG_WHY, "at least one column must stay");
	else
		words_text(id, words_number(id, text), to);
	return count > 0;
}

/* A theme's name goes into a line of a file and comes back the same. */
static bool check_theme(const char *text, char to[CONFIG_TEXT], char why[CONFIG_WHY])
{
	size_t len = strlen(text);
	char clean[CONFIG_TEXT];

	text_clean(clean, sizeof(clean), text, len);
	if (len && len < CONFIG_TEXT && !strcmp(clean, text) && !strpbrk(text, ";\"") &&
	    text[0] != ' ' && text[len - 1] != ' ') {
		memcpy(to, text, len + 1);
		return true;
	}
	(void)snprintf(why, CONFIG_WHY, "\"%.40s\" can't be the name of a theme", clean);
	return false;
}

static bool check(enum config_id id, const char *text, char to[CONFIG_TEXT], char why[CONFIG_WHY])
{
	size_t len = strlen(text);

	switch (config_rows[id].type) {
	case CONFIG_IS_THEME:
		return check_theme(text, to, why);
	case CONFIG_IS_TIME:
	case CONFIG_IS_PERCENT:
		return check_number(id, text, to, why);
	case CONFIG_IS_WORDS:
		return check_words(id, text, to, why);
	case CONFIG_IS_CHOICE:
		break;
	}
	if (len < CONFIG_TEXT && choice_of(id, text, len) != SIZE_MAX) {
		memcpy(to, text, len + 1);
		return true;
	}
	refuse_word(id, text, len, why);
	return false;
}

bool config_set(struct config *config, enum config_id id, const char *text,
                enum config_origin origin, char why[CONFIG_WHY])
{
	char fine[CONFIG_TEXT] = "";

	if (!check(id, text, fine, why))
		return false;
	memcpy(config->at[id].text, fine, sizeof(fine));
	config->at[id].origin = (uint8_t)origin;
	return true;
}

uint32_t config_number(const struct config *config, enum config_id id)
{
	const char *text = config_text(config, id);
	uint32_t number = 0;

	switch (config_rows[id].type) {
	case CONFIG_IS_THEME:
		break;
	case CONFIG_IS_CHOICE:
		number = (uint32_t)choice_of(id, text, strlen(text));
		break;
	case CONFIG_IS_TIME:
	case CONFIG_IS_PERCENT:
		(void)parse_number(config_rows[id].type, text, &number);
		break;
	case CONFIG_IS_WORDS:
		number = words_number(id, text);
		break;
	}
	return number;
}

/* A number between two steps goes to the next of them. */
static void step_number(const struct config *config, enum config_id id, int step,
                        char to[CONFIG_TEXT])
{
	uint32_t now = config_number(config, id), number = 0;
	char choice[CONFIG_TEXT];

	(void)snprintf(to, CONFIG_TEXT, "%s", config_text(config, id));
	for (size_t i = 0; config_choice(id, i, choice); i++) {
		(void)parse_number(config_rows[id].type, choice, &number);
		if (step < 0 ? number < now : number > now)
			memcpy(to, choice, sizeof(choice));
		if (step > 0 && number > now)
			return;
	}
}

void config_step(const struct config *config, enum config_id id, int step, char to[CONFIG_TEXT])
{
	size_t number = config_number(config, id);
	enum config_type type = config_rows[id].type;

	if (type == CONFIG_IS_TIME || type == CONFIG_IS_PERCENT)
		step_number(config, id, step, to);
	else if ((step < 0 && !number) || !config_choice(id, number + (size_t)step, to))
		(void)snprintf(to, CONFIG_TEXT, "%s", config_text(config, id));
}

void config_toggle(const struct config *config, enum config_id id, size_t number,
                   char to[CONFIG_TEXT])
{
	uint32_t bits = config_number(config, id), flipped = bits;

	if (number < 32)
		flipped ^= UINT32_C(1) << number;
	words_text(id, flipped ? flipped : bits, to);
}
