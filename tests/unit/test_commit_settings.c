/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings of the machine in a scenario: each one decides something, and none may contradict another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/run/operate.h"

struct run {
	struct region *region;
	struct world *world;
	struct scenario scenario;
	struct operate operate;
	struct op_result last;
	struct err err;
	bool ok;
};

/* Runs a scenario on a kernel; the result of its last operation stays. */
static void begin(struct run *r, int major, int minor, const char *text)
{
	const struct world_start from = {
		.glibc_minor = 36, .kernel_major = major, .kernel_minor = minor, .cpus = 1
	};
	struct scenario_cursor cursor;
	struct operation op;
	bool is_end = false;

	memset(r, 0, sizeof(*r));
	r->region = region_new();
	assert_non_null(r->region);
	assert_true(world_new(&from, &r->world, &r->err));
	if (!scenario_parse(r->region, text, strlen(text), "test", &r->scenario, &r->err) ||
	    !operate_start(&r->operate, r->region, r->world, &r->scenario, &r->err))
		fail_msg("%s: %s", r->err.what, r->err.why);
	scenario_start(&cursor, &r->scenario);
	r->ok = true;
	while (r->ok && scenario_next(&cursor, &op, &is_end, &r->err) && !is_end)
		r->ok = operate_run(&r->operate, &op, &r->last, &r->err);
}

static void end(struct run *r)
{
	world_end(r->world);
	region_free(r->region);
}

static enum outcome outcome_of(int major, int minor, const char *before, const char *set,
                               const char *after)
{
	enum outcome outcome;
	struct run r;
	char text[512];

	(void)snprintf(text, sizeof(text), "%s\n%s\n%s\n", before, set, after);
	begin(&r, major, minor, text);
	if (!r.ok)
		fail_msg("%s: %s: %s", text, r.err.what, r.err.why);
	outcome = r.last.outcome;
	end(&r);
	return outcome;
}

/* A machine of 1 GiB in mode 2: 131,072 pages by ratio 50, no reserves. */
#define MACHINE                                                                                    \
	"set system.mem_total 1G\nset vm.overcommit_memory 2\nset vm.admin_reserve_kbytes 0\n"     \
	"set vm.user_reserve_kbytes 0\nset system.committed 100M\n"

/* What the last operation ends as without the setting, and with it. */
static const struct {
	const char *key, *before, *set, *after;
	enum outcome without, with;
} cases[] = {
	{ "vm.overcommit_memory", MACHINE, "set vm.overcommit_memory 1", "a = mmap 20G",
	  OUTCOME_ENOMEM, OUTCOME_OK },
	{ "vm.overcommit_ratio", MACHINE, "set vm.overcommit_ratio 90", "a = mmap 600M",
	  OUTCOME_ENOMEM, OUTCOME_OK },
	{ "vm.overcommit_kbytes", MACHINE, "set vm.overcommit_kbytes 0x100000", "a = mmap 600M",
	  OUTCOME_ENOMEM, OUTCOME_OK },
	{ "vm.admin_reserve_kbytes", MACHINE, "set vm.admin_reserve_kbytes 10240", "a = mmap 405M",
	  OUTCOME_OK, OUTCOME_ENOMEM },
	{ "vm.user_reserve_kbytes", MACHINE "p = mmap 1G none\n",
	  "set vm.user_reserve_kbytes 131072", "a = mmap 400M", OUTCOME_OK, OUTCOME_ENOMEM },
	{ "cap_sys_admin", MACHINE "set vm.admin_reserve_kbytes 10240\n", "set cap_sys_admin 1",
	  "a = mmap 405M", OUTCOME_ENOMEM, OUTCOME_OK },
	{ "system.mem_total", MACHINE, "set system.mem_total 2G", "a = mmap 600M", OUTCOME_ENOMEM,
	  OUTCOME_OK },
	{ "system.swap_total", MACHINE, "set system.swap_total 1G", "a = mmap 600M", OUTCOME_ENOMEM,
	  OUTCOME_OK },
	{ "system.committed", MACHINE, "set system.committed 300M", "a = mmap 400M", OUTCOME_OK,
	  OUTCOME_ENOMEM },
	{ "system.hugepages", MACHINE, "set system.hugepages 100", "a = mmap 400M", OUTCOME_OK,
	  OUTCOME_ENOMEM },
	{ "process.total_vm", MACHINE "set vm.user_reserve_kbytes 131072\n",
	  "set process.total_vm 1000000", "a = mmap 400M", OUTCOME_OK, OUTCOME_ENOMEM },
	{ "process.data_vm", "set rlimit.data 1G",
	  "set process.data_vm 1K\nset process.total_vm 1M\n"
	  "set process.data_vm 260000",
	  "a = mmap 64M", OUTCOME_OK, OUTCOME_ENOMEM },
};

static void each_setting_decides(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum outcome without = outcome_of(6, 12, cases[i].before, "", cases[i].after);
		enum outcome with =
		        outcome_of(6, 12, cases[i].before, cases[i].set, cases[i].after);

		if (without != cases[i].without || with != cases[i].with)
			fail_msg("%s: %s without, %s with", cases[i].key, outcome_word(without),
			         outcome_word(with));
	}
	/* What is free decides up to 5.1 only. */
	assert_int_equal(outcome_of(4, 3, "", "", "a = mmap 8G"), OUTCOME_OK);
	assert_int_equal(outcome_of(4, 3, "", "set system.mem_free 1G", "a = mmap 8G"),
	                 OUTCOME_ENOMEM);
	assert_int_equal(outcome_of(6, 12, "", "set system.mem_free 1G", "a = mmap 8G"),
	                 OUTCOME_OK);
}

/* Every key that acts takes its least and its greatest value; tunables have tests of their own. */
static void every_key_can_be_set(void **state)
{
	(void)state;
	for (size_t i = 0; i < SET_COUNT; i++) {
		struct setting_value value = { .index = (enum setting_id)i };
		struct err err = { 0 };
		struct run r;

		if (!settings[i].acts || settings[i].kind == SETTING_TUNABLE)
			continue;
		begin(&r, 6, 12, "");
		value.number = (uint64_t)settings[i].min;
		if (!operate_set(&r.operate, &value, &err))
			fail_msg("%s: %s", settings[i].key, err.why);
		value.number = settings[i].max;
		assert_true(operate_set(&r.operate, &value, &err));
		end(&r);
	}
}

static void refused(const char *text, const char *field)
{
	struct run r;

	begin(&r, 6, 12, text);
	assert_false(r.ok);
	assert_int_equal(r.err.kind, ERR_USAGE);
	assert_string_equal(r.err.what, field);
	end(&r);
}

static void contradictions_name_their_field(void **state)
{
	(void)state;
	refused("set system.mem_total 1G\nset system.mem_free 2G\npause", "system.mem_free");
	refused("set system.mem_free 2G\nset system.mem_total 1G\npause", "system.mem_free");
	refused("set system.mem_total 1G\nset system.hugepages 600\npause", "system.hugepages");
	refused("set process.total_vm 10\npause", "process.data_vm");
	/* The order does not matter: only what is set when something runs. */
	assert_int_equal(
	        outcome_of(6, 12, "set system.mem_free 20G", "set system.mem_total 32G", "pause"),
	        OUTCOME_OK);
	/* Committed above the limit is the kernel's to refuse. */
	assert_int_equal(outcome_of(6, 12, MACHINE, "set system.committed 10G", "a = mmap 4K"),
	                 OUTCOME_ENOMEM);
}

/* Writing one takes the other's place; 0 at the start says that there is none. */
static void ratio_and_kbytes_exclude_each_other(void **state)
{
	struct run r;

	(void)state;
	begin(&r, 6, 12, "set vm.overcommit_ratio 80\nset vm.overcommit_kbytes 0\npause");
	assert_int_equal(lx_mm_commit_state(r.world->mm)->ratio, 80);
	end(&r);
	begin(&r, 6, 12, "set vm.overcommit_kbytes 4096\nset vm.overcommit_ratio 0\npause");
	assert_int_equal(lx_mm_commit_state(r.world->mm)->kbytes, 4096);
	assert_int_equal(lx_commit_limit(lx_mm_commit_state(r.world->mm)), 1024);
	end(&r);
	begin(&r, 6, 12, "pause\nset vm.overcommit_kbytes 4096\nset vm.overcommit_ratio 0\npause");
	assert_int_equal(lx_commit_limit(lx_mm_commit_state(r.world->mm)), 0);
	end(&r);
}

static void children_count_and_can_be_refused(void **state)
{
	struct run r;

	(void)state;
	begin(&r, 6, 12, MACHINE "a = mmap 300M\nfork c");
	assert_int_equal(r.last.outcome, OUTCOME_ENOMEM);
	assert_int_equal(r.last.error, 12);
	assert_int_equal(r.last.commit_pages, 0);
	end(&r);
	begin(&r, 6, 12, MACHINE "a = mmap 200M\nfork c\nb = mmap 50M");
	assert_int_equal(r.last.outcome, OUTCOME_ENOMEM);
	end(&r);
	begin(&r, 6, 12, MACHINE "a = mmap 200M\nfork c\nexit c\nb = mmap 50M");
	assert_int_equal(r.last.outcome, OUTCOME_OK);
	end(&r);
	/* The youngest child goes, not the one whose name came up last. */
	begin(&r, 6, 12,
	      MACHINE "fork c\nfork d\nexit c\na = mmap 100M\nfork c\nexit\nb = mmap 250M");
	assert_int_equal(r.last.outcome, OUTCOME_OK);
	end(&r);
}

static void a_close_decision_says_so(void **state)
{
	struct run r;

	(void)state;
	/* 131,072 pages of limit, 25,600 committed: 105,471 are left. */
	begin(&r, 6, 12, MACHINE "a = mmap 432009216\nb = mmap 4K");
	assert_int_equal(r.last.outcome, OUTCOME_OK);
	assert_int_equal(r.last.band_pages, 1023); /* one CPU, batch 262,144 / 256 */
	end(&r);
	begin(&r, 6, 12, MACHINE "a = mmap 400M\nb = mmap 4K");
	assert_int_equal(r.last.outcome, OUTCOME_OK);
	assert_int_equal(r.last.band_pages, 0);
	end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_setting_decides),
		cmocka_unit_test(every_key_can_be_set),
		cmocka_unit_test(contradictions_name_their_field),
		cmocka_unit_test(ratio_and_kbytes_exclude_each_other),
		cmocka_unit_test(children_count_and_can_be_refused),
		cmocka_unit_test(a_close_decision_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
