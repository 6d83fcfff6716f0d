/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tui/canvas.h"

static void expect_clean(const char *from, size_t len, const char *want)
{
	char to[64];

	assert_ptr_equal(text_clean(to, sizeof(to), from, len), to);
	assert_string_equal(to, want);
}

#define EXPECT(from, want) expect_clean(from, sizeof(from) - 1, want)

static void plain_text_stays(void **state)
{
	(void)state;
	EXPECT("", "");
	EXPECT("/usr/lib/libc.so.6", "/usr/lib/libc.so.6");
	EXPECT("größe 日本 שלום é", "größe 日本 שלום é");
}

static void controls_are_spelt_out(void **state)
{
	(void)state;
	EXPECT("\033[2J\033]0;x\007", "^[[2J^[]0;x^G");
	EXPECT("a\0b\nc\td\177", "a^@b^Jc^Id^?");
	EXPECT("\xc2\x9b"
	       "31m",
	       "?31m"); /* C1 CSI */
}

static void broken_utf8_becomes_question_marks(void **state)
{
	(void)state;
	EXPECT("a\x80z", "a?z");
	EXPECT("\xc3", "?");
	EXPECT("\xe6\x97", "??");
	EXPECT("\xc0\xaf", "??");           /* overlong slash */
	EXPECT("\xed\xa0\x80", "???");      /* surrogate */
	EXPECT("\xf5\x80\x80\x80", "????"); /* beyond Unicode */
}

static void nothing_hides_or_reorders(void **state)
{
	(void)state;
	EXPECT("a\u202egpj.exe", "a?gpj.exe"); /* right-to-left override */
	EXPECT("\u2066x\u2069", "?x?");
	EXPECT("a\u200bb\u200dc\ufeff", "a?b?c?");
	EXPECT("x\u2028y\u00ad", "x?y?");
	EXPECT("\ufe0f\U000e0041", "??"); /* variation selector, tag */
	EXPECT("\ue000\U0010ffff", "??"); /* private, unassigned */
	EXPECT("a\u00a0b\u3000c", "a b c");
}

static void marks_need_a_letter_and_are_single(void **state)
{
	(void)state;
	EXPECT("\u0301x", "?x");
	EXPECT("e\u0301\u0301\u0301", "e\u0301??");
}

static void the_end_of_the_buffer_is_a_boundary(void **state)
{
	char to[5];

	(void)state;
	text_clean(to, sizeof(to), "ab\u65e5x", 6);
	assert_string_equal(to, "ab"); /* no half character */
	text_clean(to, sizeof(to), "abc\033", 4);
	assert_string_equal(to, "abc"); /* no half escape */
	text_clean(to, 1, "abc", 3);
	assert_string_equal(to, "");
	to[0] = 'k';
	text_clean(to, 0, "abc", 3);
	assert_int_equal(to[0], 'k');
}

static void columns_count_what_is_seen(void **state)
{
	(void)state;
	assert_int_equal(text_columns(""), 0);
	assert_int_equal(text_columns("abc"), 3);
	assert_int_equal(text_columns("日本"), 4);
	assert_int_equal(text_columns("e\u0301"), 1);
	assert_int_equal(text_columns("█▏⣿…"), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_text_stays),
		cmocka_unit_test(controls_are_spelt_out),
		cmocka_unit_test(broken_utf8_becomes_question_marks),
		cmocka_unit_test(nothing_hides_or_reorders),
		cmocka_unit_test(marks_need_a_letter_and_are_single),
		cmocka_unit_test(the_end_of_the_buffer_is_a_boundary),
		cmocka_unit_test(columns_count_what_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
