/* SPDX-License-Identifier: GPL-2.0-or-later */
/* heaptop.ini, read and written anew. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/config.h"
#include "tui/ini_lines.h"

struct reading {
	struct ini_lines lines;
	struct config *config;
};

static bool is_section(const char *word)
{
	for (enum config_id id = 0; id < CONFIG_COUNT; id++) {
		if (!strcmp(config_rows[id].section, word))
			return true;
	}
	return false;
}

static void unknown_key(struct reading *reading, const char *key)
{
	const char *nearest = config_nearest_key(key);

	if (nearest)
		file_problem(reading->lines.problems, reading->lines.line,
		             "unknown key \"%.32s\"; the nearest is \"%s\"", key, nearest);
	else
		file_problem(reading->lines.problems, reading->lines.line,
		             "unknown key \"%.32s\"; heaptop(5) has all of them", key);
}

/* Sections are for the reader's eye: a key means the same wherever it stands. */
static void pair(void *ctx, const char *section, const char *name, const char *value)
{
	struct reading *reading = ctx;
	enum config_id id = config_by_key(name);
	char why[CONFIG_WHY];

	if (*section && !is_section(section))
		file_problem(reading->lines.problems, reading->lines.line,
		             "unknown section [%.32s]: it is screen, sampling or lists", section);
	if (id == CONFIG_COUNT)
		unknown_key(reading, name);
	else if (!config_set(reading->config, id, value, CONFIG_FROM_FILE, why))
		file_problem(reading->lines.problems, reading->lines.line, "%s", why);
	else
		reading->config->at[id].line = reading->lines.line;
}

void config_parse(const char *bytes, size_t len, struct config *config,
                  struct file_problems *problems)
{
	struct config better = *config;
	struct reading reading = {
		.config = config,
		.lines = { .problems = problems, .pair = pair, .ctx = &reading },
	};

	problems->count = 0;
	ini_lines_read(&reading.lines, bytes, len);
	for (enum config_id id = 0; id < CONFIG_COUNT; id++) {
		if (better.at[id].origin > CONFIG_FROM_FILE)
			config->at[id] = better.at[id];
	}
}

/* --- writing anew ------------------------------------------------------------------------------- */

/* One line of the file as it was. */
struct old_line {
	const char *at;
	size_t len;        /* without the newline */
	const char *value; /* of NAME = VALUE; NULL: another kind of line */
	size_t value_len;  /* without blanks and comment */
	enum config_id id; /* CONFIG_COUNT: not one of ours */
	char section[32];  /* that it stands in */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

/* As inih does it: a value ends at the line's end or at a `;` behind a blank. */
static void find_value(struct old_line *line)
{
	const char *equals = line->at, *end = line->at + line->len, *key_end, *at;
	char key[40];

	while (equals < end && *equals != '=' && *equals != ':')
		equals++;
	if (equals == end)
		return;
	key_end = equals;
	while (key_end > line->at && is_blank(key_end[-1]))
		key_end--;
	if (key_end - line->at >= (ptrdiff_t)sizeof(key))
		return;
	memcpy(key, line->at, (size_t)(key_end - line->at));
	key[key_end - line->at] = '\0';
	line->id = config_by_key(key);
	line->value = equals + 1;
	while (line->value < end && is_blank(*line->value))
		line->value++;
	for (at = line->value; at < end; at++) {
		if (*at == ';' && is_blank(at[-1]))
			break;
	}
	while (at > line->value && is_blank(at[-1]))
		at--;
	line->value_len = (size_t)(at - line->value);
}

/* Takes a line off *at; `section` is the one that it stands in, and changes with a heading. */
static struct old_line take_line(const char **at, const char *end, char section[32])
{
	const char *newline = memchr(*at, '\n', (size_t)(end - *at)), *close;
	struct old_line line = { .at = *at, .id = CONFIG_COUNT };

	line.len = (size_t)((newline ? newline : end) - *at);
	*at = newline ? newline + 1 : end;
	while (line.len && is_blank(*line.at)) {
		line.at++;
		line.len--;
	}
	close = line.len ? memchr(line.at, ']', line.len) : NULL;
	if (line.len && line.at[0] == '[' && close)
		(void)snprintf(section, 32, "%.*s", (int)(close - line.at - 1), line.at + 1);
	else if (line.len && line.at[0] != '#' && line.at[0] != ';')
		find_value(&line);
	memcpy(line.section, section, sizeof(line.section));
	return line;
}

struct rewriting {
	FILE *out;
	const struct config *config;
	int last_line
	        [CONFIG_COUNT]; /* where a key was last set: that one is in force; 0: nowhere */
	int section_end[CONFIG_COUNT]; /* the last line with something in it of the key's section */
	bool is_written[CONFIG_COUNT];
};

static bool is_changed(const struct rewriting *w, enum config_id id)
{
	return w->config->at[id].origin == CONFIG_FROM_HERE;
}

/* A key that the file lacks is added when it says something else than the default. */
static bool is_missing(const struct rewriting *w, enum config_id id)
{
	return is_changed(w, id) && !w->last_line[id] && !w->is_written[id] &&
	       strcmp(config_text(w->config, id), config_rows[id].preset) != 0;
}

static void look_over(struct rewriting *w, const char *at, const char *end)
{
	char section[32] = "";

	for (int number = 1; at < end; number++) {
		struct old_line line = take_line(&at, end, section);

		for (enum config_id id = 0; id < CONFIG_COUNT; id++) {
			if (line.len && !strcmp(line.section, config_rows[id].section))
				w->section_end[id] = number;
		}
		if (line.id != CONFIG_COUNT)
			w->last_line[line.id] = number;
	}
}

static void write_pair(struct rewriting *w, enum config_id id)
{
	(void)fprintf(w->out, "%s = %s\n", config_rows[id].key, config_text(w->config, id));
	w->is_written[id] = true;
}

static void write_line(struct rewriting *w, const char *start, const char *next,
                       const struct old_line *line, int number)
{
	bool is_ours = line->id != CONFIG_COUNT && is_changed(w, line->id) &&
	               w->last_line[line->id] == number;

	if (!is_ours) {
		(void)fwrite(start, 1, (size_t)(next - start), w->out);
	} else {
		const char *rest = line->value + line->value_len;

		(void)fwrite(start, 1, (size_t)(line->value - start), w->out);
		if (line->value[-1] == '=' || line->value[-1] == ':')
			(void)fputc(' ', w->out);
		(void)fputs(config_text(w->config, line->id), w->out);
		if (rest < next && *rest == ';') /* a comment behind no value at all */
			(void)fputc(' ', w->out);
		(void)fwrite(rest, 1, (size_t)(next - rest), w->out);
	}
	if (next > start && next[-1] != '\n')
		(void)fputc('\n', w->out);
	for (enum config_id id = 0; id < CONFIG_COUNT; id++) {
		if (w->section_end[id] == number && is_missing(w, id))
			write_pair(w, id);
	}
}

/* Sections that the file does not have yet. */
static void write_rest(struct rewriting *w, bool is_empty)
{
	const char *section = "";

	for (enum config_id id = 0; id < CONFIG_COUNT; id++) {
		if (!is_missing(w, id))
			continue;
		if (strcmp(section, config_rows[id].section) != 0) {
			section = config_rows[id].section;
			(void)fprintf(w->out, "%s[%s]\n", is_empty ? "" : "\n", section);
			is_empty = false;
		}
		write_pair(w, id);
	}
}

char *config_rewrite(const char *bytes, size_t len, const struct config *config)
{
	struct rewriting w = { .config = config };
	const char *at = bytes, *end = bytes + len;
	char section[32] = "", *text = NULL;
	bool is_bad;
	size_t size;

	w.out = open_memstream(&text, &size);
	if (!w.out)
		return NULL;
	look_over(&w, at, end);
	for (int number = 1; at < end; number++) {
		const char *start = at;
		struct old_line line = take_line(&at, end, section);

		write_line(&w, start, at, &line, number);
	}
	write_rest(&w, len == 0);
	is_bad = ferror(w.out) != 0;
	if (fclose(w.out) || is_bad) {
		free(text);
		return NULL;
	}
	return text;
}
