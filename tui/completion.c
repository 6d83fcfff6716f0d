/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/completion.h"

#include <stdio.h>
#include <string.h>

#include "tui/command.h"
#include "tui/config.h"

struct completion completion_of(const char *line, const struct theme_names *themes)
{
	return (struct completion){ .line = line, .themes = themes };
}

/* True when the line begins with the command's name and a blank; *ret_rest is what follows. */
static bool follows(const char *line, enum command_id command, const char **ret_rest)
{
	size_t len = strlen(commands[command].name);

	if (strncmp(line, commands[command].name, len) != 0 || line[len] != ' ')
		return false;
	*ret_rest = line + len + 1;
	return true;
}

/* The setting whose value is being typed; CONFIG_COUNT: its key is. */
static enum config_id setting_of(const char *rest)
{
	size_t len = strcspn(rest, " ");
	char key[LINE_ROOM];

	if (!rest[len])
		return CONFIG_COUNT;
	(void)snprintf(key, sizeof(key), "%.*s", (int)len, rest);
	return config_by_key(key);
}

static bool theme_word(const struct completion *c, size_t at, char to[CONFIG_TEXT])
{
	if (!c->themes || at >= c->themes->count)
		return false;
	(void)snprintf(to, CONFIG_TEXT, "%s", c->themes->at[at]);
	return true;
}

/* The candidate for the last word of the line; false behind the last one. */
static bool candidate(const struct completion *c, size_t at, char to[CONFIG_TEXT])
{
	const char *rest, *name = NULL;
	enum config_id id;

	if (follows(c->line, CMD_THEME, &rest))
		return theme_word(c, at, to);
	if (follows(c->line, CMD_SET, &rest)) {
		id = setting_of(rest);
		if (id == CONFIG_THEME)
			return theme_word(c, at, to);
		if (id != CONFIG_COUNT)
			return config_choice(id, at, to);
		if (!strchr(rest, ' ') && at < CONFIG_COUNT)
			name = config_rows[at].key;
	} else if (!strchr(c->line, ' ') && at < COMMAND_COUNT) {
		name = commands[at].name;
	}
	if (name)
		(void)snprintf(to, CONFIG_TEXT, "%s", name);
	return name != NULL;
}

bool completion_next(struct completion *c, char to[LINE_ROOM])
{
	const char *blank = strrchr(c->line, ' ');
	size_t head = blank ? (size_t)(blank + 1 - c->line) : 0;
	char word[CONFIG_TEXT];

	while (candidate(c, c->at, word)) {
		c->at++;
		if (strncmp(word, c->line + head, strlen(c->line + head)) != 0 ||
		    head + strlen(word) >= LINE_ROOM)
			continue;
		memcpy(to, c->line, head);
		memcpy(to + head, word, strlen(word) + 1);
		return true;
	}
	return false;
}

const char *completion_help(const char *line)
{
	enum command_id command = command_by_name(line);
	const char *rest;
	char key[LINE_ROOM];
	enum config_id id;

	if (command != COMMAND_COUNT)
		return commands[command].help;
	if (!follows(line, CMD_SET, &rest))
		return "";
	(void)snprintf(key, sizeof(key), "%.*s", (int)strcspn(rest, " "), rest);
	id = config_by_key(key);
	return id == CONFIG_COUNT ? "" : config_rows[id].help;
}
