/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tui/canvas.h"

struct screen {
	struct canvas canvas;
	struct area area;
};

static struct screen screen_of(int width, int height, bool ascii)
{
	struct screen screen;

	assert_true(canvas_init(&screen.canvas, width, height));
	screen.canvas.ascii = ascii;
	return screen;
}

/* The dump equals `want`; frees the canvas. */
static void expect(struct screen *screen, const char *want)
{
	char *got = canvas_dump(&screen->canvas, false);

	assert_non_null(got);
	assert_string_equal(got, want);
	free(got);
	canvas_fini(&screen->canvas);
}

#define SCREEN(name, width, height, ascii)                                                         \
	struct screen name = screen_of(width, height, ascii);                                      \
	name.area = canvas_area(&name.canvas)

static void text_is_cut_with_an_ellipsis(void **state)
{
	(void)state;
	SCREEN(s, 8, 3, false);
	assert_int_equal(draw_text(s.area, 0, 0, ROLE_TEXT, "exactly8"), 8);
	assert_int_equal(draw_text(s.area, 0, 1, ROLE_TEXT, "one too many"), 8);
	assert_int_equal(draw_text(s.area, 3, 2, ROLE_TEXT, "ab"), 2);
	expect(&s, "exactly8\none too…\n   ab\n");
}

static void wide_characters_are_never_halved(void **state)
{
	(void)state;
	SCREEN(s, 6, 4, false);
	draw_text(s.area, 0, 0, ROLE_TEXT, "日本語");
	draw_text(s.area, 1, 1, ROLE_TEXT, "日本語");
	draw_text(s.area, 0, 2, ROLE_TEXT, "日本語");
	draw_text(s.area, 1, 2, ROLE_TEXT, "x");
	draw_text(s.area, 0, 3, ROLE_TEXT, "日本語");
	draw_text(s.area, 2, 3, ROLE_TEXT, "x");
	expect(&s, "日本語\n 日本…\n x本語\n日x 語\n");
}

static void marks_stay_with_their_letter(void **state)
{
	(void)state;
	SCREEN(s, 4, 1, false);
	assert_int_equal(draw_text(s.area, 0, 0, ROLE_TEXT, "e\xcc\x81x"), 2);
	assert_string_equal(area_cell(s.area, 0, 0)->utf8, "e\xcc\x81");
	assert_string_equal(area_cell(s.area, 1, 0)->utf8, "x");
	expect(&s, "e\xcc\x81x\n");
}

static void drawing_outside_is_harmless(void **state)
{
	(void)state;
	SCREEN(s, 4, 2, false);
	draw_text(s.area, -2, 0, ROLE_TEXT, "abcd");
	draw_text(s.area, 9, 0, ROLE_TEXT, "abcd");
	draw_text(s.area, 0, 7, ROLE_TEXT, "abcd");
	draw_text(s.area, 0, -1, ROLE_TEXT, "abcd");
	draw_fill(s.area, -5, 1, 6, ROLE_TEXT, "#");
	draw_fill(s.area, 3, 1, 100, ROLE_TEXT, "#");
	draw_role(s.area, -5, 5, 100, ROLE_SELECT);
	draw_gauge(s.area, 2, 9, 50, 500, ROLE_GAUGE_FILL);
	draw_vertical(s.area, 7, -3, 99);
	draw_divider(s.area, 12, "title", "right");
	draw_frame(area_part(s.area, 2, 1, 50, 0), ROLE_FRAME);
	assert_null(area_cell(s.area, 4, 0));
	expect(&s, "cd\n#  #\n");
}

static void parts_are_clipped_to_their_whole(void **state)
{
	struct area part;

	(void)state;
	SCREEN(s, 10, 5, false);
	part = area_part(area_part(s.area, 2, 1, -1, -1), 3, 1, 100, 2);
	assert_int_equal(part.x, 5);
	assert_int_equal(part.y, 2);
	assert_int_equal(part.width, 5);
	assert_int_equal(part.height, 2);
	part = area_part(s.area, -3, 0, 5, -1);
	assert_int_equal(part.x, 0);
	assert_int_equal(part.width, 2);
	part = area_part(s.area, 40, 40, 5, 5);
	assert_int_equal(part.width, 0);
	assert_int_equal(part.height, 0);
	canvas_fini(&s.canvas);
}

static void right_aligned_text_ends_where_told(void **state)
{
	(void)state;
	SCREEN(s, 10, 2, false);
	draw_right(s.area, 6, 0, ROLE_NUMBER, "12.5");
	draw_right(s.area, 6, 1, ROLE_NUMBER, "123456789");
	expect(&s, "  12.5\n12345…\n");
}

/* A frame, dividers and a column between them, in two orders of drawing: the same junctions. */
static void lines_join_in_any_order(void **state)
{
	static const char want[] = "╭────────────────────╮\n"
	                           "├─ left ────┬────────┤\n"
	                           "│           │        │\n"
	                           "├───────────┼────────┤\n"
	                           "│           │        │\n"
	                           "├─ title ───┴─ end ──┤\n"
	                           "╰────────────────────╯\n";

	(void)state;
	for (int order = 0; order < 2; order++) {
		struct area inner;

		SCREEN(s, 22, 7, false);
		inner = area_part(s.area, 1, 1, 20, 5);
		if (order == 0)
			draw_frame(s.area, ROLE_FRAME);
		else
			draw_vertical(inner, 11, 1, 3);
		draw_divider(inner, 0, "left", NULL);
		draw_divider(inner, 2, NULL, NULL);
		draw_divider(inner, 4, "title", NULL);
		draw_text(inner, 11, 4, ROLE_TEXT, "");
		if (order == 0)
			draw_vertical(inner, 11, 1, 3);
		else
			draw_frame(s.area, ROLE_FRAME);
		draw_text(inner, 13, 4, ROLE_FRAME_TITLE, " end ");
		expect(&s, want);
	}
}

static void dividers_over_the_border_join_it(void **state)
{
	(void)state;
	SCREEN(s, 24, 3, false);
	draw_frame(s.area, ROLE_FRAME);
	draw_divider(s.area, 1, "title", "right");
	expect(&s,
	       "╭──────────────────────╮\n├─ title ────── right ─┤\n╰──────────────────────╯\n");
}

static void narrow_dividers_keep_the_title(void **state)
{
	(void)state;
	SCREEN(s, 14, 2, false);
	draw_divider(s.area, 0, "title", "does not fit");
	draw_divider(s.area, 1, "a title that is long", NULL);
	expect(&s, "─ title ──────\n─ a title t… ─\n");
}

static void ascii_has_a_sign_for_everything(void **state)
{
	(void)state;
	SCREEN(s, 16, 6, true);
	draw_frame(s.area, ROLE_FRAME);
	draw_divider(s.area, 2, "a", NULL);
	draw_vertical(s.area, 8, 3, 2);
	draw_text(s.area, 1, 1, ROLE_TEXT, "█▓▒░· ▶●… é日");
	draw_gauge(s.area, 1, 3, 6, 600, ROLE_GAUGE_FILL);
	draw_text(s.area, 1, 4, ROLE_TEXT, "⣿⠁⠤ ▁▄█");
	expect(&s, "+--------------+\n"
	           "|#X+-. >*~ ??? |\n"
	           "+- a ---+------+\n"
	           "|####-- |      |\n"
	           "|#.. _-#|      |\n"
	           "+-------+------+\n");
}

static void gauges_tell_little_from_none(void **state)
{
	(void)state;
	SCREEN(s, 4, 5, false);
	draw_gauge(s.area, 0, 0, 4, 0, ROLE_GAUGE_FILL);
	draw_gauge(s.area, 0, 1, 4, 1, ROLE_GAUGE_FILL);
	draw_gauge(s.area, 0, 2, 4, 500, ROLE_GAUGE_FILL);
	draw_gauge(s.area, 0, 3, 4, 999, ROLE_GAUGE_FILL);
	draw_gauge(s.area, 0, 4, 4, 4000, ROLE_GAUGE_FILL);
	expect(&s, "░░░░\n▏░░░\n██░░\n███▉\n████\n");
}

static void dump_letters_roles_in_order_of_appearance(void **state)
{
	char *got;

	(void)state;
	SCREEN(s, 6, 2, false);
	draw_text(s.area, 1, 0, ROLE_HEAP_TOP, "top");
	draw_text(s.area, 0, 1, ROLE_ADDRESS, "7f");
	draw_role(s.area, 1, 1, 1, ROLE_HEAP_TOP);
	got = canvas_dump(&s.canvas, true);
	assert_string_equal(got, " top\n7f\n.aaa..\nba....\na=heap.top\nb=address\n");
	free(got);
	canvas_fini(&s.canvas);
}

static void an_empty_canvas_is_fine(void **state)
{
	(void)state;
	SCREEN(s, 0, -3, false);
	draw_text(s.area, 0, 0, ROLE_TEXT, "x");
	draw_divider(s.area, 0, "x", "y");
	draw_frame(s.area, ROLE_FRAME);
	canvas_clear(&s.canvas);
	expect(&s, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_cut_with_an_ellipsis),
		cmocka_unit_test(wide_characters_are_never_halved),
		cmocka_unit_test(marks_stay_with_their_letter),
		cmocka_unit_test(drawing_outside_is_harmless),
		cmocka_unit_test(parts_are_clipped_to_their_whole),
		cmocka_unit_test(right_aligned_text_ends_where_told),
		cmocka_unit_test(lines_join_in_any_order),
		cmocka_unit_test(dividers_over_the_border_join_it),
		cmocka_unit_test(narrow_dividers_keep_the_title),
		cmocka_unit_test(ascii_has_a_sign_for_everything),
		cmocka_unit_test(gauges_tell_little_from_none),
		cmocka_unit_test(dump_letters_roles_in_order_of_appearance),
		cmocka_unit_test(an_empty_canvas_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
