/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as heaptop.ini: no crash, clean messages, values that are valid ones; and written anew it
 * says the same again, but for what was changed.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tui/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
	if (!holds)
		abort();
}

static void expect_clean(const char *text)
{
	for (; *text; text++)
		expect((unsigned char)*text >= ' ' && *text != 0x7f);
}

/* What was taken is taken again, and stays what it is. */
static void expect_valid(const struct config *config)
{
	struct config again = { 0 };
	char why[CONFIG_WHY], step[CONFIG_TEXT];

	for (enum config_id id = 0; id < CONFIG_COUNT; id++) {
		const char *text = config_text(config, id);

		expect_clean(text);
		expect(config_set(&again, id, text, CONFIG_FROM_HERE, why));
		expect(!strcmp(config_text(&again, id), text));
		if (config_rows[id].type == CONFIG_IS_THEME)
			continue;
		if (config_rows[id].type == CONFIG_IS_WORDS)
			config_toggle(config, id, strlen(text) % 8, step);
		else
			config_step(config, id, text[0] % 2 ? 1 : -1, step);
		expect(config_set(&again, id, step, CONFIG_FROM_HERE, why));
	}
}

static void expect_same(const struct config *a, const struct config *b)
{
	for (enum config_id id = 0; id < CONFIG_COUNT; id++)
		expect(!strcmp(config_text(a, id), config_text(b, id)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config config = { 0 }, again = { 0 }, changed;
	struct file_problems problems = { .file = "" };
	char *text, *twice, why[CONFIG_WHY];

	config_parse((const char *)data, size, &config, &problems);
	for (size_t i = 0; i < problems.count && i < FILE_PROBLEMS_MAX; i++)
		expect_clean(problems.at[i].what);
	expect_valid(&config);

	changed = config;
	expect(config_set(&changed, CONFIG_THEME, "mono", CONFIG_FROM_HERE, why));
	expect(config_set(&changed, CONFIG_INTERVAL, "5s", CONFIG_FROM_HERE, why));
	expect(config_set(&changed, CONFIG_VMAS_COLUMNS, "name", CONFIG_FROM_HERE, why));
	text = config_rewrite((const char *)data, size, &changed);
	expect(text != NULL);
	twice = config_rewrite(text, strlen(text), &changed);
	expect(twice != NULL);
	/* a NUL ends the text, not the file: only then is the rest not seen again */
	if (!memchr(data, 0, size) || !size) {
		config_parse(text, strlen(text), &again, &problems);
		expect_same(&changed, &again);
		expect(!strcmp(text, twice));
	}
	free(text);
	free(twice);
	return 0;
}
