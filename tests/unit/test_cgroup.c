/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory cgroups: texts as kernels and containers write them, and a real one with limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/linux/lx.h"
#include "probes/cgroup.h"
#include "probes/parse_cgroup.h"
#include "probes/read.h"
#include "tests/lib/sample_snapshot.h"

#define GROUP_NAME "heaptop test\xff\x1b[1m"

/* --- texts ------------------------------------------------------------------------------------ */

static struct cgroup_membership membership(const char *text)
{
	struct cgroup_membership in;

	parse_cgroup_membership(text, strlen(text), &in);
	return in;
}

static void membership_is_found_by_controller(void **state)
{
	struct cgroup_membership in =
	        membership("12:cpu,cpuacct:/a\n4:rdma,memory:/b:c\n1:name=memory:/x\n0::/d\n");

	(void)state;
	assert_true(span_is(in.v1_memory, "/b:c"));
	assert_true(span_is(in.v2, "/d"));
	in = membership("0::/system.slice/a.service (deleted)\n");
	assert_null(in.v1_memory.at);
	assert_true(span_is(in.v2, "/system.slice/a.service (deleted)"));
	in = membership("1:name=systemd:/\n2:memory_x:/\n0:memory\n:::\n3:memory:relative\n");
	assert_null(in.v1_memory.at);
	assert_null(in.v2.at);
	in = membership("");
	assert_null(in.v2.at);
}

static struct cgroup_mounts mounts_of(const char *text)
{
	struct cgroup_mounts mounts;

	parse_cgroup_mounts(text, strlen(text), &mounts);
	return mounts;
}

static void hybrid_mounts_are_told_apart(void **state)
{
	static const char text[] =
	        "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
	        "35 31 0:32 / /sys/fs/cgroup/memory rw shared:7 - cgroup cgroup rw,memory\n"
	        "36 31 0:33 / /sys/fs/cgroup/devices rw - cgroup cgroup rw,devices\n"
	        "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";
	struct cgroup_mounts mounts = mounts_of(text);

	(void)state;
	assert_true(mounts.v1_memory.is_there);
	assert_string_equal(mounts.v1_memory.point, "/sys/fs/cgroup/memory");
	assert_string_equal(mounts.v1_memory.root, "/");
	assert_true(mounts.v2.is_there);
	assert_string_equal(mounts.v2.point, "/sys/fs/cgroup/unified");
}

static void the_widest_mount_is_taken(void **state)
{
	static const char text[] = "40 1 0:9 /docker/1 /inner rw - cgroup2 cgroup2 rw\n"
	                           "41 1 0:9 / /sys/fs/cg\\040roup rw - cgroup2 cgroup2 rw\n"
	                           "42 1 0:9 /other /later rw - cgroup2 cgroup2 rw\n";
	struct cgroup_mounts mounts = mounts_of(text);

	(void)state;
	assert_string_equal(mounts.v2.root, "/");
	assert_string_equal(mounts.v2.point, "/sys/fs/cg roup");
	mounts = mounts_of("40 1 0:9 /docker/1 /a\\04 rw - cgroup2 cgroup2 rw\n40 1 0:9\n- - -\n");
	assert_string_equal(mounts.v2.root, "/docker/1");
	assert_string_equal(mounts.v2.point, "/a\\04");
	assert_false(mounts.v1_memory.is_there);
}

static void paths_are_cut_at_what_is_mounted(void **state)
{
	static const struct {
		const char *path, *root, *below; /* below NULL: outside */
	} cases[] = {
		{ "/", "/", "" },
		{ "/a/b", "/", "/a/b" },
		{ "/a/b/", "/", "/a/b" },
		{ "/docker/1", "/docker/1", "" },
		{ "/docker/1/sub", "/docker/1", "/sub" },
		{ "/docker/12", "/docker/1", NULL },
		{ "/other", "/docker/1", NULL },
		{ "/../sibling", "/", NULL },
		{ "/a/..", "/", NULL },
		{ "/a/..b/...", "/", "/a/..b/..." },
		{ "relative", "/", NULL },
		{ "", "/", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span below = cgroup_path_below(
		        (struct span){ cases[i].path, strlen(cases[i].path) }, cases[i].root);

		if (!cases[i].below)
			assert_null(below.at);
		else
			assert_true(below.at && span_is(below, cases[i].below));
	}
}

static void assert_limit(const char *text, enum fact_state known, uint64_t value)
{
	struct fact limit = parse_cgroup_limit(text, strlen(text));

	assert_int_equal(limit.state, known);
	if (known == FACT_KNOWN)
		assert_int_equal(limit.v, value);
}

static void limits_and_keys_are_read(void **state)
{
	static const char stat[] = "anon 10\nfile 20\nfile_mapped 30\nbroken x\nkernel 5x\n";

	(void)state;
	assert_limit("max\n", FACT_KNOWN, UINT64_MAX);
	assert_limit("0\n", FACT_KNOWN, 0);
	assert_limit("805306368\n", FACT_KNOWN, 805306368);
	assert_limit("9223372036854771712\n", FACT_KNOWN, UINT64_MAX);
	assert_limit("9223372036854710272\n", FACT_KNOWN, UINT64_MAX); /* 64 KiB pages */
	assert_limit("9223372036854710271\n", FACT_KNOWN, 9223372036854710271u);
	assert_limit("", FACT_UNKNOWN, 0);
	assert_limit("-1\n", FACT_UNKNOWN, 0);
	assert_limit("12 34\n", FACT_UNKNOWN, 0);
	assert_limit("99999999999999999999\n", FACT_UNKNOWN, 0);
	assert_int_equal(parse_cgroup_keyed(stat, strlen(stat), "file").v, 20);
	assert_int_equal(parse_cgroup_keyed(stat, strlen(stat), "anon").v, 10);
	assert_false(fact_known(parse_cgroup_keyed(stat, strlen(stat), "fil")));
	assert_false(fact_known(parse_cgroup_keyed(stat, strlen(stat), "broken")));
	assert_false(fact_known(parse_cgroup_keyed(stat, strlen(stat), "kernel")));
}

/* --- real ones -------------------------------------------------------------------------------- */

struct fixture {
	struct region *region;
	struct cgroup_facts own;
	int parent, made; /* -1: could not be made, and why_not says why */
	char why_not[128];
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const char *why = NULL;

	assert_non_null(f);
	f->region = region_new();
	f->parent = f->made = -1;
	cgroup_read(getpid(), NULL, f->region, &f->own);
	if (f->own.unreadable)
		why = f->own.unreadable;
	else
		f->parent = cgroup_open_level(&f->own, &f->own.levels[f->own.level_count - 1]);
	if (f->parent >= 0 && mkdirat(f->parent, GROUP_NAME, 0755) == 0)
		f->made = openat(f->parent, GROUP_NAME, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (f->made < 0)
		(void)snprintf(f->why_not, sizeof(f->why_not), "%s",
		               why ? why : strerrordesc_np(errno));
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	if (f->made >= 0) {
		close(f->made);
		(void)unlinkat(f->parent, GROUP_NAME, AT_REMOVEDIR);
	}
	if (f->parent >= 0)
		close(f->parent);
	region_free(f->region);
	free(f);
	return 0;
}

static bool write_file(const struct fixture *f, const char *name, const char *text)
{
	int fd = openat(f->made, name, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

static void our_own_is_read_to_the_root(void **state)
{
	struct fixture *f = *state;
	const struct cgroup_level *last;

	if (f->own.unreadable) {
		print_message("skipped: %s\n", f->own.unreadable);
		skip();
	}
	assert_true(f->own.version == CGROUP_V1 || f->own.version == CGROUP_V2);
	assert_string_equal(f->own.levels[0].path, "/");
	last = &f->own.levels[f->own.level_count - 1];
	assert_string_equal(last->path, f->own.path);
	if (f->own.level_count > 1)
		assert_true(fact_known(last->current) && fact_known(last->max));
}

/* Made below our own, with a name that no terminal should see. */
static void a_new_one_shows_its_limits(void **state)
{
	struct fixture *f = *state;
	struct cgroup_facts facts;
	const struct cgroup_level *level;
	char path[4096];
	bool is_v2 = f->own.version == CGROUP_V2;

	if (f->made < 0) {
		print_message("skipped: can't make a cgroup: %s\n", f->why_not);
		skip();
	}
	if (!write_file(f, is_v2 ? "memory.max" : "memory.limit_in_bytes", "67108864")) {
		print_message("skipped: can't set a limit\n");
		skip();
	}
	(void)snprintf(path, sizeof(path), "%s/%s", strcmp(f->own.path, "/") ? f->own.path : "",
	               GROUP_NAME);
	cgroup_read(0, path, f->region, &facts);
	assert_null(facts.unreadable);
	assert_string_equal(facts.path, path);
	assert_int_equal(facts.level_count, f->own.level_count + 1);
	level = &facts.levels[facts.level_count - 1];
	assert_string_equal(level->path, path);
	assert_int_equal(level->max.v, 67108864);
	assert_int_equal(level->current.v, 0);
	assert_int_equal(level->events_oom_kill.v, 0);
	if (!is_v2 && write_file(f, "memory.memsw.limit_in_bytes", "100663296")) {
		cgroup_read(0, path, f->region, &facts);
		level = &facts.levels[facts.level_count - 1];
		assert_int_equal(level->memsw_max.v, 100663296);
		assert_int_equal(level->swap_max.v, 100663296 - 67108864);
	}
}

static void what_is_not_there_is_said(void **state)
{
	struct fixture *f = *state;
	struct cgroup_facts facts;

	cgroup_read(0, "/no/such/cgroup", f->region, &facts);
	assert_non_null(facts.unreadable);
	cgroup_read(0, "/a/../../..", f->region, &facts);
	assert_non_null(facts.unreadable);
	cgroup_read(INT32_MAX, NULL, f->region, &facts);
	assert_non_null(facts.unreadable);
	assert_int_equal(facts.level_count, 0);
}

/* --- what limits mean ------------------------------------------------------------------------- */

static const uint64_t page = 4096;

static void a_level_has_totalpages(void **state)
{
	struct system_facts sys = { .page_size = page,
		                    .mem_total = fact_of(1000 * page),
		                    .swap_total = fact_of(300 * page) };
	struct cgroup_level level = { .max = fact_of(UINT64_MAX) };

	(void)state;
	assert_int_equal(lx_memcg_totalpages(&level, &sys), 1300);
	level.max = fact_of(100 * page);
	assert_int_equal(lx_memcg_totalpages(&level, &sys), 400);
	level.swap_max = fact_of(50 * page);
	assert_int_equal(lx_memcg_totalpages(&level, &sys), 150);
	level.swappiness = fact_of(0);
	assert_int_equal(lx_memcg_totalpages(&level, &sys), 100);
	level.max = fact_of(0);
	assert_int_equal(lx_memcg_totalpages(&level, &sys), 1);
}

static void the_tightest_limit_bites_first(void **state)
{
	struct sample sample;
	struct first_limit first;
	struct cgroup_level *leaf;

	(void)state;
	sample_new(&sample);
	leaf = &sample.cgroup->levels[sample.cgroup->level_count - 1];
	leaf->max = fact_of(100 * page);
	leaf->current = fact_of(40 * page);
	leaf->file = fact_of(10 * page);
	sample.system->swap_free = fact_of(0);
	lx_first_limit(sample.snap, &first);
	assert_int_equal(first.constraint, OOM_CONSTRAINT_MEMCG);
	assert_ptr_equal(first.level, leaf);
	assert_int_equal(first.distance.v, 60 * page);
	assert_int_equal(first.room.v, 70 * page);
	leaf->current = fact_of(110 * page);
	lx_first_limit(sample.snap, &first);
	assert_int_equal(first.distance.v, 0);
	for (size_t i = 0; i < sample.cgroup->level_count; i++)
		sample.cgroup->levels[i].max = fact_of(UINT64_MAX);
	lx_first_limit(sample.snap, &first);
	assert_int_equal(first.constraint, OOM_CONSTRAINT_NONE);
	assert_null(first.level);
	sample_free(&sample);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(membership_is_found_by_controller),
		cmocka_unit_test(hybrid_mounts_are_told_apart),
		cmocka_unit_test(the_widest_mount_is_taken),
		cmocka_unit_test(paths_are_cut_at_what_is_mounted),
		cmocka_unit_test(limits_and_keys_are_read),
		cmocka_unit_test_setup_teardown(our_own_is_read_to_the_root, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_new_one_shows_its_limits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_not_there_is_said, set_up, tear_down),
		cmocka_unit_test(a_level_has_totalpages),
		cmocka_unit_test(the_tightest_limit_bites_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
