/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where themes lie: $XDG_DATA_HOME/heaptop/themes, each of $XDG_DATA_DIRS, where `make install` put
 * them, and inside the program.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/base/text.h"
#include "tui/canvas.h"
#include "tui/text_file.h"
#include "tui/theme.h"

enum { PLACES_MAX = 16, PATH_ROOM = 1024 };

struct places {
	size_t count;
	char at[PLACES_MAX][PATH_ROOM];
};

/* The base directory specification wants relative values ignored. */
static void add_place(struct places *places, const char *base, size_t len, const char *below)
{
	if (!len || base[0] != '/' || places->count == PLACES_MAX)
		return;
	if (snprintf(places->at[places->count], PATH_ROOM, "%.*s%s", (int)len, base, below) <
	    PATH_ROOM)
		places->count++;
}

static void find_places(struct places *places)
{
	static const char below[] = "/heaptop/themes";
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
	const char *dirs = getenv("XDG_DATA_DIRS");

	places->count = 0;
	if (data && *data == '/')
		add_place(places, data, strlen(data), below);
	else if (home)
		add_place(places, home, strlen(home), "/.local/share/heaptop/themes");
	if (!dirs || !*dirs)
		dirs = "/usr/local/share:/usr/share";
	while (*dirs) {
		size_t len = strcspn(dirs, ":");

		add_place(places, dirs, len, below);
		dirs += len + (dirs[len] == ':');
	}
	add_place(places, HEAPTOP_DATADIR, strlen(HEAPTOP_DATADIR), "/themes");
}

static bool read_file(const char *path, struct theme *ret, struct file_problems *problems,
                      struct err *reterr)
{
	char *bytes;
	size_t len;

	if (!text_file_read(path, &bytes, &len, reterr))
		return false;
	file_problems_init(problems, path);
	theme_parse(bytes, len, ret, problems);
	free(bytes);
	return true;
}

static const struct theme_builtin *builtin_of(const char *name)
{
	for (size_t i = 0; i < theme_builtin_count; i++) {
		if (!strcmp(theme_builtins[i].name, name))
			return &theme_builtins[i];
	}
	return NULL;
}

/* True when a directory has the theme, readable or not: it is then the one that is meant. */
static bool find_file(const char *name, char path[PATH_ROOM])
{
	struct places places;

	find_places(&places);
	for (size_t i = 0; i < places.count; i++) {
		if (snprintf(path, PATH_ROOM, "%s/%s.theme", places.at[i], name) < PATH_ROOM &&
		    access(path, F_OK) == 0)
			return true;
	}
	return false;
}

static void name_theme(struct theme *theme, const char *name)
{
	const char *slash = strrchr(name, '/');

	if (theme->name[0])
		return;
	name = slash ? slash + 1 : name;
	text_clean(theme->name, sizeof(theme->name), name, strlen(name));
}

static void refuse_name(const char *name, struct err *reterr)
{
	char clean[64], names[160];
	struct text text = text_in(names, sizeof(names));

	text_clean(clean, sizeof(clean), name, strlen(name));
	err_setf(reterr, ERR_USAGE, "theme", "no theme is called \"%s\"", clean);
	for (size_t i = 0; i < theme_builtin_count; i++)
		text_addf(&text, "%s%s", i ? " " : "", theme_builtins[i].name);
	err_remedy(reterr, "use one of %s or the path of a .theme file", names);
}

bool theme_load(const char *name, struct theme *ret, struct file_problems *problems,
                struct err *reterr)
{
	const struct theme_builtin *builtin = builtin_of(name);
	char path[PATH_ROOM];

	if (strchr(name, '/')) {
		if (!read_file(name, ret, problems, reterr))
			return false;
	} else if (find_file(name, path)) {
		if (!read_file(path, ret, problems, reterr))
			return false;
	} else if (builtin) {
		theme_parse((const char *)builtin->bytes, builtin->len, ret, problems);
		(void)snprintf(problems->file, sizeof(problems->file), "%s.theme", builtin->name);
	} else {
		refuse_name(name, reterr);
		return false;
	}
	name_theme(ret, name);
	return true;
}

/* --- names ------------------------------------------------------------------------------------ */

static void add_name(struct theme_names *names, const char *name, size_t len)
{
	char *to;

	if (!len || len >= sizeof(names->at[0]) || names->count == THEME_NAMES_MAX)
		return;
	for (size_t i = 0; i < names->count; i++) {
		if (!strncmp(names->at[i], name, len) && !names->at[i][len])
			return;
	}
	to = names->at[names->count++];
	memcpy(to, name, len);
	to[len] = '\0';
}

static void add_directory(struct theme_names *names, const char *path)
{
	static const char suffix[] = ".theme";
	DIR *dir = opendir(path);
	const struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir))) { // NOLINT(concurrency-mt-unsafe): a stream of our own
		size_t len = strlen(entry->d_name);

		if (len > sizeof(suffix) - 1 && entry->d_name[0] != '.' &&
		    !strcmp(entry->d_name + len - (sizeof(suffix) - 1), suffix))
			add_name(names, entry->d_name, len - (sizeof(suffix) - 1));
	}
	(void)closedir(dir);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

void theme_list(struct theme_names *ret)
{
	struct places places;

	ret->count = 0;
	for (size_t i = 0; i < theme_builtin_count; i++)
		add_name(ret, theme_builtins[i].name, strlen(theme_builtins[i].name));
	find_places(&places);
	for (size_t i = 0; i < places.count; i++)
		add_directory(ret, places.at[i]);
	qsort(ret->at, ret->count, sizeof(ret->at[0]), by_name);
}
