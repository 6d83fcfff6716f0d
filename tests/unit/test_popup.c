/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The box that explains: it wraps, scrolls, stays inside, closes; and every row has something to say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/screen.h"
#include "tui/popup.h"
#include "tui/view_overview.h"

static struct popup open_popup(const char *body)
{
	struct popup popup = { .is_open = true };

	(void)snprintf(popup.title, sizeof(popup.title), "title");
	(void)snprintf(popup.body, sizeof(popup.body), "%s", body);
	return popup;
}

static void long_paragraphs_wrap_at_blanks(void **state)
{
	struct popup popup = open_popup("one two three four five six seven eight nine ten eleven "
	                                "twelve thirteen fourteen fifteen");
	struct screen screen;
	int first, second;

	(void)state;
	screen_init(&screen, 60, 20);
	popup_draw(&popup, canvas_area(&screen.canvas));
	assert_int_equal(popup.lines, 2);
	assert_true(screen_has(&screen, "one two three", &first));
	assert_true(screen_has(&screen, "fifteen", &second));
	assert_int_equal(second, first + 1);
	screen_fini(&screen);
}

static void it_scrolls_to_its_end_and_no_further(void **state)
{
	char body[1024] = "";
	struct popup popup;
	struct screen screen;

	(void)state;
	for (int i = 0; i < 40; i++)
		(void)snprintf(body + strlen(body), sizeof(body) - strlen(body), "line %d\n", i);
	popup = open_popup(body);
	screen_init(&screen, 80, 24);
	popup_draw(&popup, canvas_area(&screen.canvas));
	assert_true(screen_has(&screen, "line 0 ", NULL));
	assert_false(screen_has(&screen, "line 39", NULL));
	assert_true(popup_command(&popup, CMD_LAST));
	canvas_clear(&screen.canvas);
	popup_draw(&popup, canvas_area(&screen.canvas));
	assert_true(screen_has(&screen, "line 39", NULL));
	assert_int_equal(popup.top, 40 - popup.page);
	assert_true(popup_command(&popup, CMD_UP));
	assert_true(popup_command(&popup, CMD_BACK));
	assert_false(popup.is_open);
	screen_fini(&screen);
}

static void it_survives_every_size(void **state)
{
	struct popup popup =
	        open_popup("ein Wort, dann \xe4\xb8\xad\xe6\x96\x87\xe5\xad\x97\n  table   1\n");

	(void)state;
	for (int width = 1; width < 130; width += 3) {
		for (int height = 1; height < 50; height += 5) {
			struct screen screen;

			screen_init(&screen, width, height);
			popup_draw(&popup, canvas_area(&screen.canvas));
			screen_fini(&screen);
		}
	}
}

/* Down from the first item to the last: each is selected once, and Enter has an answer to each. */
static void every_row_of_the_overview_leads_somewhere(void **state)
{
	struct sample sample;
	struct screen screen;
	struct view_frame frame;
	uint64_t last = 0;
	int count = 0;

	(void)state;
	sample_new(&sample);
	screen_init(&screen, 120, 36);
	screen_draw(&screen, &view_overview, &sample);
	for (;; count++) {
		char title[POPUP_TITLE], body[POPUP_TEXT];
		struct view_words words = { text_in(title, sizeof(title)),
			                    text_in(body, sizeof(body)) };
		struct view_target target;

		assert_true(screen_command(&screen, &view_overview, &sample, CMD_DOWN));
		if (screen.state.selected == last)
			break;
		last = screen.state.selected;
		screen.state.item_count = 0;
		screen_draw(&screen, &view_overview, &sample);
		frame = screen_frame(&screen, &sample);
		assert_true(view_overview.open(&frame, &target) ||
		            view_overview.explain(&frame, &words));
		assert_false(words.title.cut || words.body.cut);
	}
	assert_true(count > 24);
	screen_fini(&screen);
	sample_free(&sample);
}

static void lists_explain_and_copy_their_selection(void **state)
{
	static const struct view_ops *const lists[] = { &view_arenas, &view_vmas, &view_oom };
	struct sample sample;

	(void)state;
	sample_new(&sample);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		char title[POPUP_TITLE], body[POPUP_TEXT], line[512];
		struct view_words words = { text_in(title, sizeof(title)),
			                    text_in(body, sizeof(body)) };
		struct text copy = text_in(line, sizeof(line));
		struct screen screen;
		struct view_frame frame;

		screen_init(&screen, 120, 36);
		screen_draw(&screen, lists[i], &sample);
		frame = screen_frame(&screen, &sample);
		assert_true(lists[i]->explain(&frame, &words));
		assert_non_null(strstr(body, "source: "));
		assert_false(words.title.cut || words.body.cut);
		assert_true(lists[i]->copy(&frame, &copy));
		assert_false(copy.cut);
		screen_fini(&screen);
	}
	sample_free(&sample);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(long_paragraphs_wrap_at_blanks),
		cmocka_unit_test(it_scrolls_to_its_end_and_no_further),
		cmocka_unit_test(it_survives_every_size),
		cmocka_unit_test(every_row_of_the_overview_leads_somewhere),
		cmocka_unit_test(lists_explain_and_copy_their_selection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
