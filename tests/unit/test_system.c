/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine's facts against the running kernel, and the parsers on texts of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes/parse_zoneinfo.h"
#include "probes/probes.h"
#include "probes/read.h"
#include "probes/read_file.h"

static uint64_t meminfo_bytes(const char *key)
{
	char text[8192];
	const char *at;
	size_t len;

	assert_int_equal(read_file_small(AT_FDCWD, "/proc/meminfo", text, sizeof(text), &len),
	                 READ_OK);
	at = strstr(text, key);
	if (!at)
		fail_msg("no %s in meminfo", key);
	return at ? strtoull(at + strlen(key), NULL, 10) * 1024 : 0;
}

static uint64_t number_of(const char *path)
{
	char text[64];
	size_t len;

	if (read_file_small(AT_FDCWD, path, text, sizeof(text), &len) != READ_OK)
		fail_msg("can't read %s", path);
	return strtoull(text, NULL, 10);
}

static void totals_are_meminfos(void **state)
{
	struct system_facts sys;

	(void)state;
	assert_true(system_read(&sys));
	assert_int_equal(sys.mem_total.v, meminfo_bytes("MemTotal:"));
	assert_int_equal(sys.swap_total.v, meminfo_bytes("SwapTotal:"));
	assert_int_equal(sys.commit_limit.v, meminfo_bytes("CommitLimit:"));
	assert_int_equal(sys.page_size, sysconf(_SC_PAGESIZE));
	assert_true(sys.mem_free.v > 0 && sys.mem_free.v < sys.mem_total.v);
	assert_true(sys.committed_as.v > 0);
	assert_true(sys.cpus_online >= 1 && sys.cpus_present >= sys.cpus_online);
	assert_true(sys.kernel_major >= 3);
}

static void settings_are_the_sysctls(void **state)
{
	struct system_facts sys;

	(void)state;
	assert_true(system_read(&sys));
	assert_int_equal(sys.overcommit_memory.v, number_of("/proc/sys/vm/overcommit_memory"));
	assert_int_equal(sys.overcommit_ratio.v, number_of("/proc/sys/vm/overcommit_ratio"));
	assert_int_equal(sys.overcommit_kbytes.v, number_of("/proc/sys/vm/overcommit_kbytes"));
	assert_int_equal(sys.admin_reserve_kbytes.v,
	                 number_of("/proc/sys/vm/admin_reserve_kbytes"));
	assert_int_equal(sys.user_reserve_kbytes.v, number_of("/proc/sys/vm/user_reserve_kbytes"));
	assert_int_equal(sys.max_map_count.v, number_of("/proc/sys/vm/max_map_count"));
	assert_int_equal(sys.panic_on_oom.v, number_of("/proc/sys/vm/panic_on_oom"));
	assert_int_equal(sys.swappiness.v, number_of("/proc/sys/vm/swappiness"));
}

/* Linux mm/page_alloc.c:__setup_per_zone_wmarks spreads min_free_kbytes over the zones. */
static void watermarks_add_up_to_min_free_kbytes(void **state)
{
	uint64_t wanted = number_of("/proc/sys/vm/min_free_kbytes");
	struct system_facts sys;

	(void)state;
	assert_true(system_read(&sys));
	if (!fact_known(sys.watermark_min)) {
		print_message("skipped: no /proc/zoneinfo here\n");
		skip();
	}
	wanted /= sys.page_size / 1024;
	assert_in_range(sys.watermark_min.v, wanted > 32 ? wanted - 32 : 0, wanted + 32);
	assert_true(sys.watermark_low.v > sys.watermark_min.v);
	assert_true(sys.watermark_high.v > sys.watermark_low.v);
	assert_true(sys.totalreserve_pages.v >= sys.watermark_high.v);
	assert_true(sys.totalreserve_pages.v < sys.mem_total.v / sys.page_size);
}

/* --- parsers ---------------------------------------------------------------------------------- */

static const char zoneinfo[] = "Node 0, zone      DMA\n"
                               "  per-node stats\n"
                               "      nr_inactive_anon 3806\n"
                               "  pages free     3840\n"
                               "        boost    0\n"
                               "        min      60\n"
                               "        low      75\n"
                               "        high     90\n"
                               "        promo    105\n"
                               "        managed  3840\n"
                               "        protection: (0, 3012, 24093, 24093)\n"
                               "      nr_free_pages 3840\n"
                               "  pagesets\n"
                               "    cpu: 0\n"
                               "              count:    251\n"
                               "              high:     9999\n"
                               "              high_min: 7777\n"
                               "Node 0, zone   Normal\n"
                               "  pages free     178957\n"
                               "        min      4649\n"
                               "        low      5811\n"
                               "        high     6973\n"
                               "        managed  294912\n"
                               "        protection: (0, 0, 0, 0)\n"
                               "Node 0, zone  Movable\n"
                               "  pages free     0\n"
                               "        min      0\n"
                               "        low      0\n"
                               "        high     0\n"
                               "        managed  0\n"
                               "        protection: (0, 0, 0, 0)\n";

static void zones_are_summed(void **state)
{
	struct zone_totals totals = { 0 };

	(void)state;
	assert_true(parse_zoneinfo(zoneinfo, sizeof(zoneinfo) - 1, &totals));
	assert_int_equal(totals.zones, 3);
	assert_int_equal(totals.min, 60 + 4649);
	assert_int_equal(totals.low, 75 + 5811);
	assert_int_equal(totals.high, 90 + 6973);
	assert_int_equal(totals.managed, 3840 + 294912);
	/* DMA would withhold 24183 pages and has 3840 */
	assert_int_equal(totals.totalreserve, 3840 + 6973);
}

static void zoneinfo_may_be_cut_anywhere(void **state)
{
	(void)state;
	for (size_t len = 0; len < sizeof(zoneinfo); len++) {
		char *exact = malloc(len + 1);
		struct zone_totals totals;

		assert_non_null(exact);
		memcpy(exact, zoneinfo, len);
		(void)parse_zoneinfo(exact, len, &totals);
		free(exact);
	}
	assert_false(parse_zoneinfo("", 0, &(struct zone_totals){ 0 }));
	assert_false(parse_zoneinfo("nonsense\n", 9, &(struct zone_totals){ 0 }));
}

static void pressure_is_in_hundredths(void **state)
{
	static const char text[] = "some avg10=0.12 avg60=10.05 avg300=100.00 total=987654321\n"
	                           "full avg10=0.00 avg60=x avg300=1.5 total=7\n";
	struct pressure some = { 0 }, full = { 0 };

	(void)state;
	assert_true(parse_pressure(text, sizeof(text) - 1, &some, &full));
	assert_int_equal(some.avg10.v, 12);
	assert_int_equal(some.avg60.v, 1005);
	assert_int_equal(some.avg300.v, 10000);
	assert_int_equal(some.total_us.v, 987654321);
	assert_true(fact_known(full.avg10));
	assert_false(fact_known(full.avg60));
	assert_false(fact_known(full.avg300));
	assert_int_equal(full.total_us.v, 7);
	assert_false(parse_pressure("x", 1, &some, &full));
}

static void cpu_lists_are_counted(void **state)
{
	static const struct {
		const char *text;
		uint32_t count;
	} cases[] = {
		{ "0\n", 1 },  { "0-1\n", 2 }, { "0-3,8,10-11\n", 7 },
		{ "", 0 },     { "3-1\n", 0 }, { "0-99999999\n", 0 },
		{ "0,\n", 0 }, { "a\n", 0 },   { "0-1 \n", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(parse_cpu_count(cases[i].text, strlen(cases[i].text)),
		                 cases[i].count);
}

/* --- the list of processes -------------------------------------------------------------------- */

static void the_list_has_us(void **state)
{
	struct process_list list;
	const struct process_row *own = NULL;

	(void)state;
	assert_true(process_list_read(&list, NULL));
	for (size_t i = 0; i < list.count; i++) {
		if (list.rows[i].pid == getpid())
			own = &list.rows[i];
		if (i)
			assert_true(list.rows[i - 1].rss_bytes >= list.rows[i].rss_bytes);
	}
	if (!own) {
		fail_msg("we are not in the list");
		return;
	}
	assert_int_equal(own->uid, geteuid());
	assert_string_equal(own->comm, "test_system");
	assert_non_null(strstr(own->cmdline, "test_system"));
	assert_true(own->rss_bytes > 0);
	assert_false(own->is_kthread);
	assert_true(own->may_read);
	process_list_free(&list);
	assert_null(list.rows);
}

static void the_host_has_a_snapshot(void **state)
{
	const struct snapshot *snap;
	struct err err;

	(void)state;
	assert_true(host_snapshot(NULL, &snap, &err));
	assert_non_null(snapshot_system(snap));
	assert_non_null(snapshot_oom(snap));
	assert_null(snapshot_cgroup(snap));
	assert_true(snapshot_oom(snap)->count > 0);
	assert_true(snapshot_oom(snap)->totalpages > 0);
	snapshot_unref(snap);
	assert_false(host_snapshot("/there/is/no/such/cgroup", &snap, &err));
	assert_int_equal(err.kind, ERR_FAILED);
	assert_true(err.why[0] != '\0');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(totals_are_meminfos),
		cmocka_unit_test(settings_are_the_sysctls),
		cmocka_unit_test(watermarks_add_up_to_min_free_kbytes),
		cmocka_unit_test(zones_are_summed),
		cmocka_unit_test(zoneinfo_may_be_cut_anywhere),
		cmocka_unit_test(pressure_is_in_hundredths),
		cmocka_unit_test(cpu_lists_are_counted),
		cmocka_unit_test(the_list_has_us),
		cmocka_unit_test(the_host_has_a_snapshot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
