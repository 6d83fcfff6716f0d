/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parsers of /proc texts: what the running kernel writes, and what nobody should write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "probes/parse_maps.h"
#include "probes/parse_smaps.h"
#include "probes/parse_status.h"
#include "probes/read_file.h"

/* --- maps -------------------------------------------------------------------------------------- */

static void parse_text(const char *text, struct region *region, struct vma_set *set, size_t *bad)
{
	/* An exact copy, so that a sanitizer sees any step behind its end. */
	size_t len = strlen(text);
	char *copy = malloc(len ? len : 1);

	memcpy(copy, text, len);
	assert_true(parse_maps(copy, len, region, set, bad));
	free(copy);
}

static void maps_of_this_process_agree_with_sscanf(void **state)
{
	struct file_text text = { 0 };
	int fd = open("/proc/self/maps", O_RDONLY);
	struct region *region = region_new();
	struct vma_set set;
	size_t bad, i = 0;
	char *save = NULL;

	(void)state;
	assert_int_equal(read_fd(fd, &text), READ_OK);
	assert_true(parse_maps(text.at, text.len, region, &set, &bad));
	assert_int_equal(bad, 0);
	for (char *line = strtok_r(text.at, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		unsigned long start, end, offset, inode;
		unsigned major, minor;
		char rights[5], name[4096] = "";
		const struct vma *v = &set.at[i++];

		assert_true(sscanf(line, "%lx-%lx %4s %lx %x:%x %lu %4095[^\n]", &start, &end,
		                   rights, &offset, &major, &minor, &inode, name) >= 7);
		assert_int_equal(v->start, start);
		assert_int_equal(v->end, end);
		assert_int_equal(v->offset, offset);
		assert_int_equal(v->inode, inode);
		assert_int_equal(v->dev_major, major);
		assert_int_equal(v->dev_minor, minor);
		assert_int_equal(!!(v->prot & VMA_READ), rights[0] == 'r');
		assert_int_equal(!!(v->prot & VMA_WRITE), rights[1] == 'w');
		assert_int_equal(!!(v->prot & VMA_EXEC), rights[2] == 'x');
		assert_int_equal(!!(v->prot & VMA_SHARED), rights[3] == 's');
		assert_true(vma_is_named(&set, v, name));
	}
	assert_int_equal(i, set.count);
	close(fd);
	file_text_free(&text);
	region_free(region);
}

static void hostile_maps_lines_are_left_out(void **state)
{
	static const char *const bad_lines[] = {
		"zz-2000 rw-p 0 00:00 0 \n",
		"1000-2000\n",
		"1000\n",
		"\n",
		"1000-2000 rw-q 0 00:00 0 \n",
		"1000-2000 rw-p 0 00:00 99999999999999999999999 \n",
		"1000-2000 rw-p 0 00:00 0x \n",
		"2000-1000 rw-p 0 00:00 0 \n",
		"1000-1000 rw-p 0 00:00 0 \n",
		"11112222333344445-2 rw-p 0 00:00 0 \n",
		"1000-2000 rw-p 0 123456789:00 0 \n",
		"1000-2000 rw-p 0 00:00 \n",
		"1000-2000 rw-p 0 00:00",
		"1000-2000 rw",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad_lines) / sizeof(bad_lines[0]); i++) {
		struct region *region = region_new();
		struct vma_set set;
		size_t bad;

		parse_text(bad_lines[i], region, &set, &bad);
		assert_int_equal(set.count, 0);
		assert_int_equal(bad, 1);
		region_free(region);
	}
}

static void a_set_is_always_sorted(void **state)
{
	struct region *region = region_new();
	struct vma_set set;
	size_t bad;

	(void)state;
	parse_text("3000-5000 r--p 00000000 08:01 7      /a b\n"
	           "1000-2000 rw-p 00000000 00:00 0 \n"
	           "4000-6000 rw-p 00000000 00:00 0 \n"
	           "5000-6000 rw-s 00000000 08:01 7      /a b\n"
	           "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]",
	           region, &set, &bad);
	assert_int_equal(bad, 2);
	assert_int_equal(set.count, 3);
	assert_int_equal(set.at[0].start, 0x3000);
	assert_int_equal(set.at[1].start, 0x5000);
	assert_int_equal(set.at[1].prot, VMA_READ | VMA_WRITE | VMA_SHARED);
	assert_true(vma_is_named(&set, &set.at[0], "/a b"));
	assert_int_equal(set.at[0].name_at, set.at[1].name_at);
	assert_true(vma_is_named(&set, &set.at[2], "[vsyscall]"));
	assert_true(set.names_len < 20);
	region_free(region);
}

static void names_stay_raw_bytes(void **state)
{
	static const char name[] = "/tmp/\033]0;x\007\\012 \377\303 (deleted)";
	struct region *region = region_new();
	struct vma_set set;
	char text[128];
	size_t bad;

	(void)state;
	(void)snprintf(text, sizeof(text), "1000-2000 r--p 0 08:01 7 %s\n", name);
	parse_text(text, region, &set, &bad);
	assert_int_equal(set.count, 1);
	assert_true(vma_is_named(&set, &set.at[0], name));
	region_free(region);
}

static void an_empty_text_is_an_empty_set(void **state)
{
	struct region *region = region_new();
	struct vma_set set;
	size_t bad;

	(void)state;
	parse_text("", region, &set, &bad);
	assert_int_equal(set.count, 0);
	assert_non_null(set.names);
	region_free(region);
}

static void out_of_memory_is_reported(void **state)
{
	static const char text[] = "1000-2000 r--p 0 08:01 7 /x\n2000-3000 r--p 0 08:01 7 /y\n";
	size_t failures = 0;

	(void)state;
	for (size_t k = 1;; k++) {
		struct region *region = region_new();
		struct vma_set set;
		bool done;

		region_fail_at(region, k);
		done = parse_maps(text, sizeof(text) - 1, region, &set, NULL);
		region_free(region);
		if (done)
			break;
		failures++;
	}
	assert_int_equal(failures, 2); /* the list, the names */
}

/* --- smaps ------------------------------------------------------------------------------------- */

static const char smaps_text[] =
        "1000-2000 rw-p 00000000 00:00 0                          [heap]\n"
        "Size:                  4 kB\nRss:                   4 kB\nPss:                   2 kB\n"
        "Pss_Dirty:             9 kB\nShared_Dirty:          1 kB\nPrivate_Dirty:         3 kB\n"
        "Anonymous:             4 kB\nSwap:                  8 kB\nSwapPss:               7 kB\n"
        "VmFlags: rd wr mr mw me ac sd \n"
        "2000-3000 rw-p 00000000 00:00 0 \n"
        "Rss:                   4 kB\nVmFlags: rd wr nr\n"
        "3000-5000 ---p 00000000 00:00 0 \n"
        "Rss:      99999999999999999999999999 kB\nVmFlags: mr zz hg u\n";

static void check_smaps(const struct vma_set *set)
{
	const struct vma *v = set->at;

	assert_true(v[0].has_smaps && v[0].has_residency);
	assert_int_equal(v[0].flags, VMA_FLAG_AC | VMA_FLAG_SD);
	assert_int_equal(v[0].rss, 4096);
	assert_int_equal(v[0].pss, 2048);
	assert_int_equal(v[0].dirty, 4096);
	assert_int_equal(v[0].anonymous, 4096);
	assert_int_equal(v[0].swap, 8192);
	assert_false(v[1].has_smaps); /* the set has it with other rights */
	assert_true(v[2].has_smaps);
	assert_int_equal(v[2].rss, 0);
	assert_int_equal(v[2].flags, VMA_FLAG_HG);
}

static void smaps_may_come_in_any_pieces(void **state)
{
	size_t len = sizeof(smaps_text) - 1;

	(void)state;
	for (size_t piece = 1; piece <= len; piece++) {
		struct vma list[3] = {
			{ .start = 0x1000, .end = 0x2000, .prot = VMA_READ | VMA_WRITE },
			{ .start = 0x2000, .end = 0x3000, .prot = VMA_READ },
			{ .start = 0x3000, .end = 0x5000 },
		};
		struct vma_set set = { .at = list, .count = 3, .names = "" };
		struct smaps_pos pos = { 0 };
		size_t from = 0;

		for (size_t to = piece;; to += piece) {
			to = to < len ? to : len;
			from += parse_smaps(smaps_text + from, to - from, &set, &pos);
			if (to == len)
				break;
		}
		assert_int_equal(from, len);
		check_smaps(&set);
	}
}

/* --- status, stat, statm, limits --------------------------------------------------------------- */

static void status_of_this_process(void **state)
{
	struct process_facts facts = { 0 };
	struct status_extra extra;
	char text[8192];
	size_t len;

	(void)state;
	assert_int_equal(read_file_small(AT_FDCWD, "/proc/self/status", text, sizeof(text), &len),
	                 READ_OK);
	assert_true(parse_status(text, len, &facts, &extra));
	assert_int_equal(facts.ppid, getppid());
	assert_int_equal(extra.tgid, getpid());
	assert_int_equal(facts.uid, geteuid());
	assert_int_equal(extra.gids[1], getegid());
	assert_int_equal(facts.state, 'R');
	assert_int_equal(facts.thread_count, 1);
	assert_true(extra.has_uids && extra.has_caps);
	assert_true(fact_known(facts.vm_rss) && facts.vm_rss.v % 4096 == 0 && facts.vm_rss.v);
	assert_true(facts.vm_size.v > facts.vm_rss.v);
	assert_true(fact_known(facts.vm_pte) && fact_known(facts.vm_swap));
}

static void hostile_status(void **state)
{
	static const char text[] =
	        "Name:\tPid:\t7\nPid:\t-5\nPid:\t12\nVmRSS:\t99999999999999999999 kB\n"
	        "VmSize:\t18446744073709551615 kB\nUid:\t1 2 3\nState:\nTgid:\t\n"
	        "Threads:\t99999999999\nCapEff:\tffffffffffffffff\nNSpid:\t12\t3\t1";
	struct process_facts facts = { 0 };
	struct status_extra extra;

	(void)state;
	assert_true(parse_status(text, sizeof(text) - 1, &facts, &extra));
	assert_false(fact_known(facts.vm_rss));
	assert_false(fact_known(facts.vm_size));
	assert_false(extra.has_uids);
	assert_int_equal(facts.thread_count, 0);
	assert_true(facts.has_cap_sys_admin);
	assert_int_equal(facts.ns_pid, 1);
	assert_false(parse_status("Name:\tx\n", 8, &facts, &extra));
	assert_false(parse_status("", 0, &facts, &extra));
}

static void stat_survives_any_name(void **state)
{
	struct stat_facts stat;
	char text[2048], old[16];
	size_t len;

	(void)state;
	assert_int_equal(prctl(PR_GET_NAME, old), 0);
	assert_int_equal(prctl(PR_SET_NAME, "a) Z 1 (\n\033[2J)"), 0);
	assert_int_equal(read_file_small(AT_FDCWD, "/proc/self/stat", text, sizeof(text), &len),
	                 READ_OK);
	assert_true(parse_stat(text, len, &stat));
	assert_string_equal(stat.comm, "a) Z 1 (\n\033[2J)");
	assert_int_equal(stat.pid, getpid());
	assert_int_equal(stat.ppid, getppid());
	assert_int_equal(stat.state, 'R');
	assert_int_equal(stat.thread_count, 1);
	assert_true(stat.start_ticks > 0 && stat.start_brk > 0);
	assert_int_equal(prctl(PR_SET_NAME, old), 0);
}

static void cut_stat_is_refused(void **state)
{
	static const char text[] = "7 (x) S 1 7 7 0 -1 4194560 10 0 2 0 1 1 0 0 20 0 3 0 5000 1 2";
	struct stat_facts stat;

	(void)state;
	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		if (parse_stat(text, len, &stat))
			assert_true(
			        len >=
			        strlen("7 (x) S 1 7 7 0 -1 4194560 10 0 2 0 1 1 0 0 20 0 3 0 5"));
	}
	assert_true(parse_stat(text, sizeof(text) - 1, &stat));
	assert_int_equal(stat.min_faults, 10);
	assert_int_equal(stat.maj_faults, 2);
	assert_int_equal(stat.thread_count, 3);
	assert_int_equal(stat.start_ticks, 5000);
	assert_int_equal(stat.start_stack, 0);
}

static void statm_is_in_pages(void **state)
{
	struct statm_facts statm;

	(void)state;
	assert_true(parse_statm("300 20 10 1 0 50 0\n", 19, &statm));
	assert_int_equal(statm.size_pages, 300);
	assert_int_equal(statm.shared_pages, 10);
	assert_false(parse_statm("300 20", 6, &statm));
}

static void limits_equal_getrlimit(void **state)
{
	struct process_facts facts = { 0 };
	struct rlimit as, stack;
	char text[4096];
	size_t len;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_AS, &as), 0);
	assert_int_equal(getrlimit(RLIMIT_STACK, &stack), 0);
	assert_int_equal(read_file_small(AT_FDCWD, "/proc/self/limits", text, sizeof(text), &len),
	                 READ_OK);
	parse_limits(text, len, &facts);
	assert_int_equal(facts.limit_as.v, as.rlim_cur);
	assert_int_equal(facts.limit_stack.v, stack.rlim_cur);
	assert_true(fact_known(facts.limit_data));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_of_this_process_agree_with_sscanf),
		cmocka_unit_test(hostile_maps_lines_are_left_out),
		cmocka_unit_test(a_set_is_always_sorted),
		cmocka_unit_test(names_stay_raw_bytes),
		cmocka_unit_test(an_empty_text_is_an_empty_set),
		cmocka_unit_test(out_of_memory_is_reported),
		cmocka_unit_test(smaps_may_come_in_any_pieces),
		cmocka_unit_test(status_of_this_process),
		cmocka_unit_test(hostile_status),
		cmocka_unit_test(stat_survives_any_name),
		cmocka_unit_test(cut_stat_is_refused),
		cmocka_unit_test(statm_is_in_pages),
		cmocka_unit_test(limits_equal_getrlimit),
	};

	return cmocka_run_group_tests_name("parse_proc", tests, NULL, NULL);
}
