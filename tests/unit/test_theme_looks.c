/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every built-in theme at every depth: complete, readable, and apart for colour-blind eyes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/eyes.h"

static struct theme theme;

static const char *const depth_names[DEPTH_COUNT] = {
	[DEPTH_MONO] = "mono", [DEPTH_8] = "8",           [DEPTH_16] = "16",
	[DEPTH_256] = "256",   [DEPTH_DIRECT] = "direct",
};

static void load(const struct theme_builtin *b)
{
	struct file_problems problems;

	theme_parse((const char *)b->bytes, b->len, &theme, &problems);
	assert_int_equal(problems.count, 0);
}

static bool begins(enum role role, const char *prefix)
{
	return strncmp(role_names[role], prefix, strlen(prefix)) == 0;
}

/* Lines and empty parts: seen, never read. */
static bool is_ornament(enum role role)
{
	return role == ROLE_FRAME || role == ROLE_GAUGE_EMPTY || role == ROLE_GRAPH_GRID;
}

/* What is said beside something that matters more. */
static bool is_dim(enum role role)
{
	static const enum role roles[] = {
		ROLE_TEXT_DIM,      ROLE_TAB,          ROLE_KEY_LABEL,   ROLE_NUMBER_UNIT,
		ROLE_HEAP_RESERVE,  ROLE_HEAP_UNKNOWN, ROLE_PAGE_ABSENT, ROLE_PAGE_ZERO,
		ROLE_VMA_KERNEL,    ROLE_VMA_GUARD,    ROLE_VMA_RESERVE, ROLE_GRAPH_AXIS,
		ROLE_OOM_PROTECTED,
	};

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		if (roles[i] == role)
			return true;
	}
	return false;
}

/* Filled cells: WCAG asks 3:1 of graphics. */
static bool is_graphic(enum role role)
{
	return begins(role, "graph.") || begins(role, "gauge.") || begins(role, "page.") ||
	       begins(role, "heap.free.large");
}

/*
 * With 16 colours and fewer it is the user's palette that decides; xterm's own pure red and blue
 * stay below 4.5:1 on anything dark.
 */
static double least_contrast(enum role role, enum colour_depth depth)
{
	if (is_ornament(role))
		return 1.25;
	if (depth <= DEPTH_16)
		return is_dim(role) || is_graphic(role) ? 2.0 : 3.5;
	return is_dim(role) || is_graphic(role) ? 3.0 : 4.5;
}

static void every_role_is_readable(void **state)
{
	bool all_fine = true;

	(void)state;
	for (size_t i = 0; i < theme_builtin_count; i++) {
		load(&theme_builtins[i]);
		for (enum colour_depth depth = DEPTH_8; depth < DEPTH_COUNT; depth++) {
			for (enum role role = 0; role < ROLE_COUNT; role++) {
				struct shown shown = eye_shown(&theme, role, depth);
				double contrast = eye_contrast(shown.fg, shown.bg);

				if (contrast >= least_contrast(role, depth))
					continue;
				all_fine = false;
				print_error("%s, %s: %s has %.2f:1, not %.2f:1\n", theme.name,
				            depth_names[depth], role_names[role], contrast,
				            least_contrast(role, depth));
			}
		}
	}
	assert_true(all_fine);
}

/* High contrast is a promise of its own. */
static void high_contrast_is_high(void **state)
{
	(void)state;
	for (size_t i = 0; i < theme_builtin_count; i++) {
		if (strcmp(theme_builtins[i].name, "high-contrast") != 0)
			continue;
		load(&theme_builtins[i]);
		for (enum role role = 0; role < ROLE_COUNT; role++) {
			struct shown shown = eye_shown(&theme, role, DEPTH_DIRECT);
			double contrast = eye_contrast(shown.fg, shown.bg);

			if (contrast < (is_ornament(role) ? 3.0 : 7.0))
				fail_msg("%s has %.2f:1", role_names[role], contrast);
		}
		return;
	}
	fail_msg("there is no theme high-contrast");
}

/* True when a file gives the role a line of its own. */
static bool gives(const struct theme_builtin *b, const char *role)
{
	const char *at = (const char *)b->bytes, *end = at + b->len;
	size_t len = strlen(role);

	for (; at && at < end; at = memchr(at, '\n', (size_t)(end - at))) {
		at += *at == '\n';
		if ((size_t)(end - at) > len + 1 && !memcmp(at, role, len) &&
		    (at[len] == ' ' || at[len] == '='))
			return true;
	}
	return false;
}

static void every_theme_is_complete(void **state)
{
	static const char *const must[] = { "default",        "light",
		                            "high-contrast",  "colour-blind",
		                            "solarized-dark", "solarized-light",
		                            "gruvbox",        "mono" };
	size_t found = 0;

	(void)state;
	for (size_t i = 0; i < theme_builtin_count; i++) {
		const struct theme_builtin *b = &theme_builtins[i];

		for (size_t k = 0; k < sizeof(must) / sizeof(must[0]); k++)
			found += !strcmp(must[k], b->name);
		for (enum role role = 0; role < ROLE_COUNT; role++) {
			if (!gives(b, role_names[role]))
				fail_msg("themes/%s.theme has no line for %s", b->name,
				         role_names[role]);
		}
	}
	assert_int_equal(found, sizeof(must) / sizeof(must[0]));
}

/* Curses has 64 pairs with 8 colours and 256 with 16, the first of them taken. */
static void pairs_fit_into_the_terminals_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < theme_builtin_count; i++) {
		load(&theme_builtins[i]);
		for (enum colour_depth depth = DEPTH_8; depth < DEPTH_COUNT; depth++) {
			struct shown seen[ROLE_COUNT];
			size_t count = 0;
			int limit = depth == DEPTH_8 ? 8 : depth == DEPTH_16 ? 16 : 256;

			for (enum role role = 0; role < ROLE_COUNT; role++) {
				struct shown shown = eye_shown(&theme, role, depth);
				size_t k = 0;

				if (depth != DEPTH_DIRECT) {
					assert_in_range(shown.fg_number + 1, 0, limit);
					assert_in_range(shown.bg_number + 1, 0, limit);
				}
				while (k < count && (seen[k].fg_number != shown.fg_number ||
				                     seen[k].bg_number != shown.bg_number))
					k++;
				if (k == count)
					seen[count++] = shown;
			}
			assert_true(count < (depth == DEPTH_8 ? 64u : 256u));
		}
	}
}

/* --- colour-blind eyes ------------------------------------------------------------------------- */

/* States that stand side by side: every two of a group must be told apart. */
static const enum role groups[][9] = {
	{ ROLE_STATUS_OK, ROLE_STATUS_INFO, ROLE_STATUS_WARN, ROLE_STATUS_ERROR, ROLE_STATUS_PAUSED,
	  ROLE_STATUS_REPLAY, ROLE_STATUS_EXITED },
	{ ROLE_CHANGED_UP, ROLE_CHANGED_DOWN },
	{ ROLE_ARENA_MAIN, ROLE_ARENA_THREAD },
	{ ROLE_HEAP_USED, ROLE_HEAP_USED_TCACHE, ROLE_HEAP_FREE, ROLE_HEAP_TOP, ROLE_HEAP_MMAPPED,
	  ROLE_HEAP_RESERVE, ROLE_HEAP_CORRUPT },
	{ ROLE_HEAP_FREE_FAST, ROLE_HEAP_FREE_SMALL, ROLE_HEAP_FREE_LARGE,
	  ROLE_HEAP_FREE_UNSORTED },
	{ ROLE_PAGE_RESIDENT, ROLE_PAGE_SWAPPED, ROLE_PAGE_ABSENT, ROLE_PAGE_DIRTY,
	  ROLE_PAGE_SHARED, ROLE_PAGE_HUGE },
	{ ROLE_VMA_HEAP, ROLE_VMA_ANON, ROLE_VMA_STACK, ROLE_VMA_FILE, ROLE_VMA_SHM,
	  ROLE_VMA_KERNEL, ROLE_VMA_RESERVE },
	{ ROLE_ACCT_CHARGED, ROLE_ACCT_NORESERVE },
	{ ROLE_GAUGE_FILL, ROLE_GAUGE_OVER, ROLE_GAUGE_EMPTY },
	{ ROLE_GAUGE_FILL, ROLE_GAUGE_LIMIT },
	{ ROLE_GRAPH_1, ROLE_GRAPH_2, ROLE_GRAPH_3, ROLE_GRAPH_4, ROLE_GRAPH_5, ROLE_GRAPH_6 },
	{ ROLE_OOM_VICTIM, ROLE_OOM_SAFE, ROLE_OOM_PROTECTED },
};

enum { LEAST_DISTANCE = 12 };

static bool are_apart(struct shown a, struct shown b, enum eye eye)
{
	const unsigned seen = STYLE_UNDERLINE | STYLE_REVERSE | STYLE_BOLD;

	return (a.attrs & seen) != (b.attrs & seen) ||
	       eye_distance(eye, a.bg, b.bg) >= LEAST_DISTANCE ||
	       eye_distance(eye, a.fg, b.fg) >= LEAST_DISTANCE;
}

static bool group_is_apart(const enum role *group, enum colour_depth depth)
{
	bool all_fine = true;

	/* a group ends with zeroes, which is text: no state */
	for (size_t i = 0; i < 9 && group[i]; i++) {
		for (size_t k = 0; k < i; k++) {
			struct shown a = eye_shown(&theme, group[i], depth);
			struct shown b = eye_shown(&theme, group[k], depth);

			for (enum eye eye = EYE_USUAL; eye < EYE_COUNT; eye++) {
				if (are_apart(a, b, eye))
					continue;
				all_fine = false;
				print_error("%s, %s: %s looks as %s does (%.1f)\n",
				            depth_names[depth], eye_names[eye],
				            role_names[group[i]], role_names[group[k]],
				            eye_distance(eye, a.fg, b.fg));
			}
		}
	}
	return all_fine;
}

static void states_stay_apart_for_colour_blind_eyes(void **state)
{
	bool all_fine = true, is_there = false;

	(void)state;
	for (size_t i = 0; i < theme_builtin_count; i++) {
		if (strcmp(theme_builtins[i].name, "colour-blind") != 0)
			continue;
		is_there = true;
		load(&theme_builtins[i]);
		for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]); g++) {
			all_fine &= group_is_apart(groups[g], DEPTH_DIRECT);
			all_fine &= group_is_apart(groups[g], DEPTH_256);
		}
	}
	assert_true(is_there);
	assert_true(all_fine);
}

/* --- looks as they were approved ----------------------------------------------------------------- */

static void colour_word(char *to, size_t size, enum colour_depth depth, int number)
{
	if (number < 0)
		(void)snprintf(to, size, "-");
	else if (depth == DEPTH_DIRECT && number > 7)
		(void)snprintf(to, size, "#%06x", (unsigned)number);
	else
		(void)snprintf(to, size, "%d", number);
}

/* "244 on 234 bold underline" */
static void look_words(char *to, size_t size, struct shown shown, enum colour_depth depth)
{
	static const char letters[] = "bdurI"; /* in the order of enum style_attr */
	char fg[16], bg[16], attrs[8] = "";
	size_t len = 0;

	colour_word(fg, sizeof(fg), depth, shown.fg_number);
	colour_word(bg, sizeof(bg), depth, shown.bg_number);
	for (unsigned i = 0; letters[i]; i++) {
		if (shown.attrs & 1u << i)
			attrs[len++] = letters[i];
	}
	attrs[len] = '\0';
	(void)snprintf(to, size, "%s/%s%s%s", fg, bg, len ? " " : "", attrs);
}

static char *dump_looks(void)
{
	char *text = NULL, look[64];
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	(void)fprintf(out, "%-20s", "role");
	for (enum colour_depth depth = DEPTH_COUNT; depth-- > 0;)
		(void)fprintf(out, "%-*s", depth == DEPTH_DIRECT ? 22 : 14, depth_names[depth]);
	(void)fputc('\n', out);
	for (enum role role = 0; role < ROLE_COUNT; role++) {
		(void)fprintf(out, "%-20s", role_names[role]);
		for (enum colour_depth depth = DEPTH_COUNT; depth-- > 0;) {
			look_words(look, sizeof(look), eye_shown(&theme, role, depth), depth);
			(void)fprintf(out, "%-*s", depth == DEPTH_DIRECT ? 22 : 14, look);
		}
		(void)fputc('\n', out);
	}
	assert_int_equal(fclose(out), 0);
	return text;
}

static char *slurp_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;

	if (file && getdelim(&text, &size, '\0', file) < 0) {
		free(text);
		text = NULL;
	}
	if (file)
		(void)fclose(file);
	return text;
}

static void looks_are_as_they_were_approved(void **state)
{
	const char *update = getenv("UPDATE");

	(void)state;
	for (size_t i = 0; i < theme_builtin_count; i++) {
		char path[128], *looks, *golden;

		load(&theme_builtins[i]);
		looks = dump_looks();
		(void)snprintf(path, sizeof(path), "tests/screens/golden/theme-%s.txt", theme.name);
		if (update && *update == '1') {
			FILE *file = fopen(path, "we");

			assert_non_null(file);
			assert_true(fputs(looks, file) >= 0);
			assert_int_equal(fclose(file), 0);
		}
		golden = slurp_file(path);
		if (!golden || strcmp(golden, looks) != 0)
			fail_msg("%s\n%s differs; if this is right: UPDATE=1, look, commit", looks,
			         path);
		free(golden);
		free(looks);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_theme_is_complete),
		cmocka_unit_test(every_role_is_readable),
		cmocka_unit_test(high_contrast_is_high),
		cmocka_unit_test(pairs_fit_into_the_terminals_table),
		cmocka_unit_test(states_stay_apart_for_colour_blind_eyes),
		cmocka_unit_test(looks_are_as_they_were_approved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
