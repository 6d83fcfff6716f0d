/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scenario language: what lines mean, in which order they come, and how they are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/base/text.h"
#include "model/run/scenario.h"
#include "model/run/settings.h"

struct fixture {
	struct region *region;
	struct scenario scenario;
	struct scenario_cursor cursor;
	struct operation op;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->region = region_new();
	assert_non_null(f->region);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	region_free(f->region);
	free(f);
	return 0;
}

static void parse(struct fixture *f, const char *text)
{
	struct err err;

	if (!scenario_parse(f->region, text, strlen(text), "file", &f->scenario, &err))
		fail_msg("%s: %s", err.what, err.why);
	scenario_start(&f->cursor, &f->scenario);
}

/* The next operation; NULL at the end. */
static const struct operation *next(struct fixture *f)
{
	struct err err;
	bool is_end;

	if (!scenario_next(&f->cursor, &f->op, &is_end, &err))
		fail_msg("%s: %s", err.what, err.why);
	return is_end ? NULL : &f->op;
}

static const struct operation *one(struct fixture *f, const char *line)
{
	const struct operation *op;

	parse(f, line);
	op = next(f);
	assert_non_null(op);
	return op;
}

/* The texts of all operations, each in brackets. */
static void all_texts(struct fixture *f, char *to, size_t size)
{
	struct text text = text_in(to, size);

	for (const struct operation *op = next(f); op; op = next(f))
		text_addf(&text, "[%.*s]", (int)op->text_len, op->text);
}

static void runs_as(struct fixture *f, const char *scenario, const char *texts)
{
	char found[1024];

	parse(f, scenario);
	all_texts(f, found, sizeof(found));
	assert_string_equal(found, texts);
}

static void refused(struct fixture *f, const char *text, const char *what, const char *why)
{
	struct err err = { 0 };

	if (scenario_parse(f->region, text, strlen(text), "file", &f->scenario, &err))
		fail_msg("accepted: %s", text);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_string_equal(err.what, what);
	if (strncmp(err.why, why, strlen(why)) != 0)
		fail_msg("%s: '%s' does not begin with '%s'", text, err.why, why);
}

static bool is_name(const struct fixture *f, uint32_t id, const char *text)
{
	return id < f->scenario.name_count && f->scenario.names[id].len == strlen(text) &&
	       memcmp(f->scenario.names[id].text, text, strlen(text)) == 0;
}

/* --- what lines mean ------------------------------------------------------------------------------ */

static void sizes_have_bases_and_suffixes(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(one(f, "a = malloc 0")->number[0], 0);
	assert_int_equal(one(f, "a = malloc 0x1fK")->number[0], 31 * 1024);
	assert_int_equal(one(f, "a = malloc 3T")->number[0], 3ull << 40);
	assert_true(one(f, "a = malloc 18446744073709551615")->number[0] == UINT64_MAX);
	assert_true(one(f, "a = malloc 0xffffffffffffffff")->number[0] == UINT64_MAX);
	assert_true((int64_t)one(f, "sbrk -4K")->number[0] == -4096);
	assert_true((int64_t)one(f, "brk +5")->number[0] == 5);
	refused(f, "a = malloc 18446744073709551616", "file:1", "'18446744073709551616': expected");
	refused(f, "a = malloc 16777216T", "file:1", "'16777216T': expected");
	refused(f, "a = malloc 1k", "file:1", "'1k': expected");
	refused(f, "a = malloc -1", "file:1", "'-1': expected");
	refused(f, "a = malloc 0x", "file:1", "'0x': expected");
	refused(f, "sbrk -9223372036854775809", "file:1", "'-9223372036854775809': expected");
}

static void names_and_addresses_are_told_apart(void **state)
{
	struct fixture *f = *state;
	const struct operation *op = one(f, "b = realloc 0x7f10 5");

	assert_true(is_name(f, op->dst, "b"));
	assert_int_equal(op->src, NAME_NONE);
	assert_int_equal(op->addr, 0x7f10);
	assert_int_equal(op->number[0], 5);
	op = one(f, "b = realloc a_long_name[12] 5");
	assert_true(is_name(f, op->src, "a_long_name[12]"));
	assert_int_equal(op->addr, 0);
	refused(f, "0x10 = malloc 5", "file:1", "'0x10': expected a NAME");
	refused(f, "free 0xzz", "file:1", "'0xzz': expected a NAME or 0xADDR");
	refused(f, "free a-b", "file:1", "'a-b': expected a NAME or 0xADDR");
}

static void equal_names_have_equal_numbers(void **state)
{
	struct fixture *f = *state;
	char line[32];
	uint32_t ids[3000];

	parse(f, "pause");
	for (unsigned i = 0; i < 3000; i++) {
		(void)snprintf(line, sizeof(line), i % 2 ? "n%u" : "a_longer_name_%u", i);
		ids[i] = scenario_name(&f->scenario, line, strlen(line));
		assert_int_equal(ids[i], i);
	}
	for (unsigned i = 0; i < 3000; i++) {
		(void)snprintf(line, sizeof(line), i % 2 ? "n%u" : "a_longer_name_%u", i);
		assert_int_equal(scenario_name(&f->scenario, line, strlen(line)), ids[i]);
		assert_true(is_name(f, ids[i], line));
	}
}

static void mmap_takes_words_in_any_order(void **state)
{
	struct fixture *f = *state;
	const struct operation *op = one(f, "m = mmap 8K none fixed x+0x1000 noreserve shared");

	assert_int_equal(op->flags, OPF_NONE | OPF_FIXED | OPF_NORESERVE | OPF_SHARED);
	assert_true(is_name(f, op->src, "x"));
	assert_int_equal(op->number[0], 8192);
	assert_int_equal(op->number[1], 4096);
	op = one(f, "m = mmap 4K at 0x7000-4096");
	assert_int_equal(op->flags, OPF_HINT);
	assert_int_equal(op->addr, 0x7000);
	assert_true((int64_t)op->number[1] == -4096);
	refused(f, "m = mmap 4K at", "file:1", "'end of line': expected");
	refused(f, "m = mmap 4K at x fixed x", "file:1", "'fixed': expected one PLACE");
	refused(f, "m = mmap 4K at x+", "file:1", "'x+': expected a PLACE");
}

static void optional_words_may_be_absent(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(one(f, "touch a")->count, 0);
	assert_int_equal(one(f, "touch a 5 6")->number[1], 6);
	assert_int_equal(one(f, "munmap a")->count, 0);
	assert_int_equal(one(f, "munmap a 1 2")->number[1], 2);
	assert_int_equal(one(f, "mprotect a ro")->flags, OPF_READ_ONLY);
	assert_int_equal(one(f, "mprotect a 1 2 none")->count, 2);
	assert_int_equal(one(f, "mremap a 1 2 maymove")->flags, OPF_MAYMOVE);
	refused(f, "munmap a 1", "file:1", "'end of line': expected a SIZE");
	refused(f, "touch a 1 2 3", "file:1", "'3': expected the end of the line");
	refused(f, "munmap 0x1000", "file:1", "'end of line': expected OFFSET LEN");
	refused(f, "mprotect 0x1000 ro", "file:1", "'end of line': expected OFFSET LEN");
}

static void wrong_words_are_named(void **state)
{
	struct fixture *f = *state;

	refused(f, "pause\n\n a = maloc 5", "file:3", "'maloc': expected malloc, calloc");
	refused(f, "malloc 5", "file:1", "'malloc': expected NAME = malloc SIZE");
	refused(f, "a = free b", "file:1", "'free': expected free NAME");
	refused(f, "mallopt M_FOO 1", "file:1", "'M_FOO': expected M_MMAP_THRESHOLD");
	refused(f, "mallopt M_PERTURB 2147483648", "file:1", "'2147483648': expected a VALUE");
	refused(f, "madvise a 0 1 willneed", "file:1", "'willneed': expected dontneed");
	refused(f, "fork", "file:1", "'end of line': expected a NAME");
	refused(f, "thread a_name_of_more_than_31_characters", "file:1",
	        "'a_name_of_more_than_31_");
	refused(f, "a =", "file:1", "'end of line': expected");
	refused(f, "= malloc 5", "file:1", "'=': expected");
}

static void comments_and_blanks_are_no_operations(void **state)
{
	runs_as(*state, "#!/usr/bin/env x\r\n\t\n  a = malloc 5 # five\r\n#x\nfree a#b\n\npause",
	        "[a = malloc 5][free a][pause]");
	runs_as(*state, "", "");
}

/* --- loops ------------------------------------------------------------------------------------------ */

static void for_includes_its_end(void **state)
{
	struct fixture *f = *state;

	runs_as(f, "for i 1 3\na$i = malloc ${i}K\nend\npause",
	        "[a1 = malloc 1K][a2 = malloc 2K][a3 = malloc 3K][pause]");
	runs_as(f, "for i 3 -1 -2\nsbrk $i\nend", "[sbrk 3][sbrk 1][sbrk -1]");
	runs_as(f, "for i 3 1\npause\nend\nfree a", "[free a]");
	runs_as(f, "for i 1 9223372036854775807 9223372036854775806\nsbrk $i\nend",
	        "[sbrk 1][sbrk 9223372036854775807]");
}

static void loops_nest(void **state)
{
	runs_as(*state, "for i 1 2\nfor j $i 2\nfree a${i}_$j\nend\nfor k 1 0\npause\nend\nend",
	        "[free a1_1][free a1_2][free a2_2]");
	/* The inner one of two variables of one name counts. */
	runs_as(*state, "for i 1 2\nfor i 7 7\nfree a$i\nend\nend", "[free a7][free a7]");
}

static void until_turns_until_told(void **state)
{
	struct fixture *f = *state;

	parse(f, "until enomem\nfor i 1 2\nfree a$i\nend\nend\npause");
	for (int i = 0; i < 10; i++)
		assert_int_equal(next(f)->kind, OP_FREE);
	scenario_tell(&f->cursor, UNTIL_OOM); /* nobody waits for it */
	assert_int_equal(next(f)->kind, OP_FREE);
	scenario_tell(&f->cursor, UNTIL_ENOMEM);
	assert_int_equal(next(f)->kind, OP_PAUSE);
	assert_null(next(f));
}

static void loops_are_checked_when_read(void **state)
{
	struct fixture *f = *state;

	refused(f, "pause\nfor i 1 2\npause", "file:2", "expected an end");
	refused(f, "end", "file:1", "'end': expected a for or until");
	refused(f, "for i 1 5 0\nend", "file:1", "'0': expected a STEP");
	refused(f, "for i 1\nend", "file:1", "'end of line': expected a whole number");
	refused(f, "free a$i", "file:1", "'$i': expected $VAR");
	refused(f, "for i 1 2\nfree a${i\nend", "file:2", "'${i': expected $VAR");
	refused(f, "for i 1 2\nend\nfree a$i", "file:3", "'$i': expected $VAR");
	refused(f, "for i -1 2\na = malloc $i\nend", "file:2", "'-1': expected a SIZE");
	refused(f, "until done\nend", "file:1", "'done': expected enomem or oom");
}

static void a_turn_may_turn_out_wrong(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	bool is_end;

	parse(f, "for i 1 -1 -2\na = malloc $i\nend");
	assert_non_null(next(f));
	assert_false(scenario_next(&f->cursor, &f->op, &is_end, &err));
	assert_string_equal(err.what, "file:2");
}

static void loops_without_operations_end(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	bool is_end = false;

	runs_as(f, "until enomem\nend\nfor i 1 9223372036854775807\nend\npause", "[pause]");
	parse(f, "until enomem\nfor i 1 0\npause\nend\nend");
	assert_false(scenario_next(&f->cursor, &f->op, &is_end, &err));
	assert_int_equal(err.kind, ERR_USAGE);
}

static void too_deep_is_refused(void **state)
{
	char text[SCENARIO_NESTED_MAX * 24 + 64] = "";

	for (int i = 0; i <= SCENARIO_NESTED_MAX; i++)
		strcat(text, "for i 1 2\n");
	refused(*state, text, "file:33", "'for': expected at most 32");
}

/* --- directives and settings ------------------------------------------------------------------------ */

static void directives_are_kept(void **state)
{
	struct fixture *f = *state;

	parse(f, "pause\n#! stacks=own:64K tunables=glibc.malloc.arena_max=1\n");
	assert_string_equal(f->scenario.stacks, "own:64K");
	assert_string_equal(f->scenario.tunables, "glibc.malloc.arena_max=1");
	refused(f, "#! stack=own", "file:1", "'stack=own': expected stacks=");
	refused(f, "#! stacks=mine", "file:1", "'stacks=mine': expected glibc");
	refused(f, "#! stacks=own:", "file:1", "'stacks=own:': expected glibc");
	refused(f, "#! tunables=glibc.malloc.arena_mx=1", "file:1", "'tunables=glibc");
	refused(f, "#! tunables=vm.max_map_count=1", "file:1", "'tunables=vm");
	refused(f, "#! tunables=glibc.malloc.perturb", "file:1", "'tunables=glibc");
}

static void settings_say_what_is_near(void **state)
{
	struct fixture *f = *state;
	const struct operation *op = one(f, "set rlimit.as 64M");

	assert_int_equal(op->number[0], SET_RLIMIT_AS);
	assert_int_equal(op->number[1], 64 << 20);
	assert_true(one(f, "set rlimit.as unlimited")->number[1] == UINT64_MAX);
	assert_int_equal(one(f, "arena busy")->number[1], 1);
	assert_int_equal(one(f, "set arena free")->number[1], 0);
	refused(f, "set rlimt.as 5", "file:1",
	        "'rlimt.as': expected a KEY; the nearest is rlimit.as");
	refused(f, "set system.cpus 0", "file:1", "'0': expected CPUs of system.cpus from 1");
	refused(f, "set", "file:1", "'end of line': expected a KEY");
	refused(f, "set arena", "file:1", "'end of line': expected busy or free");
	assert_int_equal((int64_t)one(f, "set oom_score_adj -1000")->number[1], -1000);
	refused(f, "set oom_score_adj 1001", "file:1",
	        "'1001': expected points of oom_score_adj from -1000 to 1000");
}

static void every_setting_has_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < SET_COUNT; i++) {
		assert_true(settings[i].key[0] && settings[i].unit[0] && settings[i].meaning[0]);
		assert_true(strlen(settings[i].key) < 40);
	}
}

static void memory_that_runs_out_is_said(void **state)
{
	struct fixture *f = *state;
	static const char text[] = "a = calloc 1 2\nfor i 1 2\nfree b$i\nend\n#! stacks=own\n";
	struct err err;
	size_t k = 1;

	for (;; k++) {
		region_fail_at(f->region, k);
		err = (struct err){ 0 };
		if (scenario_parse(f->region, text, strlen(text), "file", &f->scenario, &err))
			break;
		assert_int_equal(err.kind, ERR_NO_MEMORY);
		assert_true(k < 1000);
	}
	region_fail_at(f->region, 0);
	assert_true(k > 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sizes_have_bases_and_suffixes),
		TEST(names_and_addresses_are_told_apart),
		TEST(equal_names_have_equal_numbers),
		TEST(mmap_takes_words_in_any_order),
		TEST(optional_words_may_be_absent),
		TEST(wrong_words_are_named),
		TEST(comments_and_blanks_are_no_operations),
		TEST(for_includes_its_end),
		TEST(loops_nest),
		TEST(until_turns_until_told),
		TEST(loops_are_checked_when_read),
		TEST(a_turn_may_turn_out_wrong),
		TEST(loops_without_operations_end),
		TEST(too_deep_is_refused),
		TEST(directives_are_kept),
		TEST(settings_say_what_is_near),
		TEST(every_setting_has_words),
		TEST(memory_that_runs_out_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
