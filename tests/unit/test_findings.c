/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/base/units.h"
#include "model/run/findings.h"
#include "model/run/partition.h"
#include "tests/lib/sample_snapshot.h"

enum { ROOM = 32 };

struct found {
	struct sample sample;
	struct finding at[ROOM];
	size_t count;
};

static int found_setup(void **state)
{
	static struct found found;

	sample_new(&found.sample);
	*state = &found;
	return 0;
}

static int found_teardown(void **state)
{
	struct found *found = *state;

	sample_free(&found->sample);
	return 0;
}

static void look(struct found *found)
{
	const struct findings_input input = { found->sample.snap, found->sample.history,
		                              &found->sample.commit, &found->sample.first_limit };

	found->count = findings_make(&input, found->at, ROOM);
	assert_in_range(found->count, 0, ROOM);
}

static const struct finding *find(const struct found *found, enum finding_id id)
{
	for (size_t i = 0; i < found->count; i++) {
		if (found->at[i].id == id)
			return &found->at[i];
	}
	return NULL;
}

static void assert_says(const struct found *found, enum finding_id id, const char *words)
{
	const struct finding *finding = find(found, id);

	if (!finding)
		fail_msg("no finding %s", finding_name(id));
	else if (!strstr(finding->text, words))
		fail_msg("\"%s\" does not say \"%s\"", finding->text, words);
}

static bool is_about(const struct found *found, enum finding_id id, uint64_t object)
{
	const struct finding *finding = find(found, id);

	return finding && finding->object == object;
}

static void large_top_below_the_trim_threshold_is_told(void **state)
{
	struct found *found = *state;

	look(found);
	assert_says(found, FINDING_TOP_KEPT, "arena #3 holds 6.0 MiB in its top chunk");
	assert_true(is_about(found, FINDING_TOP_KEPT, found->sample.ms->arenas[3].addr));
	/* At the threshold free() does return it. */
	found->sample.ms->params.trim_threshold = fact_of(6 * MIB);
	look(found);
	assert_null(find(found, FINDING_TOP_KEPT));
}

static void pinned_top_names_the_chunk(void **state)
{
	struct found *found = *state;

	look(found);
	assert_says(found, FINDING_TOP_PINNED, "a 48 B chunk in use at 7f2a2d55f7d0 pins");
	found->sample.ms->arenas[2].below_pin = fact_of(MIB / 2);
	look(found);
	assert_null(find(found, FINDING_TOP_PINNED));
}

static void trimmable_counts_from_a_tenth_of_rss(void **state)
{
	struct found *found = *state;

	found->sample.ms->totals.trimmable = fact_of(39 * MIB);
	look(found);
	assert_null(find(found, FINDING_TRIMMABLE));
	found->sample.ms->totals.trimmable = fact_of(41 * MIB);
	look(found);
	assert_says(found, FINDING_TRIMMABLE, "would give back 41.0 MiB now, 10 % of RSS");
}

static void fixed_mmap_threshold_has_not_grown(void **state)
{
	struct found *found = *state;

	look(found);
	assert_says(found, FINDING_MMAP_THRESHOLD, "128.0 KiB to 4.0 MiB");
	found->sample.ms->params.no_dyn_threshold = fact_of(1);
	look(found);
	assert_null(find(found, FINDING_MMAP_THRESHOLD));
}

static void idle_arena_is_told_but_never_main(void **state)
{
	struct found *found = *state;

	found->sample.ms->arenas[0].attached_threads = fact_of(0);
	look(found);
	assert_says(found, FINDING_ARENA_IDLE, "arena #3");
	for (size_t i = 0; i < found->count; i++) {
		if (found->at[i].id == FINDING_ARENA_IDLE)
			assert_true(found->at[i].object != found->sample.ms->arenas[0].addr);
	}
}

static void cgroup_is_near_at_nine_tenths_and_throttled_above_high(void **state)
{
	struct found *found = *state;
	struct cgroup_level *own = &found->sample.cgroup->levels[2];

	look(found);
	assert_null(find(found, FINDING_CGROUP_NEAR));
	own->current = fact_of(660 * MIB);
	look(found);
	assert_says(found, FINDING_CGROUP_NEAR, "above memory.high 640.0 MiB");
	own->current = fact_of(700 * MIB);
	look(found);
	assert_says(found, FINDING_CGROUP_NEAR, "of memory.max 768.0 MiB (91 %)");
	assert_int_equal(found->at[0].id, FINDING_CGROUP_NEAR);
	assert_int_equal(found->at[0].severity, SEVERITY_ERROR);
}

static void commit_limit_matters_in_mode_2_only(void **state)
{
	struct found *found = *state;

	found->sample.commit.committed = fact_of(10000000 * KIB);
	look(found);
	assert_null(find(found, FINDING_COMMIT_NEAR));
	found->sample.system->overcommit_memory = fact_of(2);
	look(found);
	assert_says(found, FINDING_COMMIT_NEAR, "(97 %) in mode 2");
}

static void first_in_the_oom_ranking_is_told(void **state)
{
	struct found *found = *state;

	look(found);
	assert_null(find(found, FINDING_OOM_RANK));
	found->sample.process->id.pid = found->sample.oom->tasks[0].pid;
	look(found);
	assert_says(found, FINDING_OOM_RANK, "first of 212");
}

static void vma_limit_is_told_in_time(void **state)
{
	struct found *found = *state;

	sample_many_vmas(&found->sample, 60000);
	look(found);
	assert_says(found, FINDING_MAP_COUNT, "60,000 of 65,530");
}

static void torn_walks_and_errors_come_with_their_numbers(void **state)
{
	struct found *found = *state;

	found->sample.ms->walk.torn_chunks = 3;
	found->sample.ms->walk.retries = 4;
	found->sample.ms->walk.unreadable = 2 * MIB;
	heap_error_add(found->sample.heap, 0x7f0000001000, "size 0");
	look(found);
	assert_says(found, FINDING_TORN_WALK, "3 of ");
	assert_says(found, FINDING_TORN_WALK, "4 retries");
	assert_says(found, FINDING_UNREADABLE, "2.0 MiB");
	assert_says(found, FINDING_HEAP_ERRORS, "7f0000001000: size 0");
	assert_int_equal(found->at[0].id, FINDING_HEAP_ERRORS);
}

static void growth_towards_the_first_limit_is_told(void **state)
{
	struct found *found = *state;

	look(found);
	assert_says(found, FINDING_LIMIT_AHEAD, "the cgroup is out of memory in about 12 h");
	found->sample.history->count = 30;
	look(found);
	assert_null(find(found, FINDING_LIMIT_AHEAD));
	found->sample.history->count = 1;
	look(found);
	assert_null(find(found, FINDING_LIMIT_AHEAD));
}

static void a_stopped_process_is_told(void **state)
{
	struct found *found = *state;

	look(found);
	assert_null(find(found, FINDING_STOPPED));
	found->sample.process->state = 'T';
	look(found);
	assert_says(found, FINDING_STOPPED, "until SIGCONT");
}

static void a_tracer_is_named(void **state)
{
	struct found *found = *state;

	found->sample.process->tracer_pid = 4711;
	look(found);
	assert_says(found, FINDING_TRACED, "process 4711 traces this one, as a debugger does");
	found->sample.process->state = 't';
	look(found);
	assert_says(found, FINDING_TRACED, "until it lets go");
	found->sample.snap->sample.is_frozen = true;
	look(found);
	assert_null(find(found, FINDING_TRACED));
}

static void every_finding_has_a_rule(void **state)
{
	(void)state;
	for (unsigned id = 0; id < FINDING_COUNT; id++) {
		const struct finding_rule *rule = finding_rule((enum finding_id)id);

		assert_non_null(rule);
		assert_true(strlen(rule->rule) > 20 && rule->remedy && rule->source);
	}
	assert_null(finding_rule(FINDING_COUNT));
}

static void unknown_numbers_find_nothing(void **state)
{
	struct found *found = *state;

	sample_make_unknown(&found->sample);
	look(found);
	assert_int_equal(found->count, 0);
	for (size_t i = 0; i < PART_COUNT; i++) {
		part_unref(found->sample.snap->parts[i]);
		found->sample.snap->parts[i] = NULL;
	}
	look(found);
	assert_int_equal(found->count, 0);
}

static void findings_are_sorted_and_the_mildest_are_left_out(void **state)
{
	struct found *found = *state;
	struct finding few[2];
	size_t count;

	heap_error_add(found->sample.heap, 0x1000, "size 0");
	look(found);
	for (size_t i = 1; i < found->count; i++)
		assert_true(found->at[i - 1].severity <= found->at[i].severity);
	count = findings_make(&(struct findings_input){ .snap = found->sample.snap }, few, 2);
	assert_true(count > 2);
	assert_int_equal(few[0].id, FINDING_HEAP_ERRORS);
	assert_int_equal(few[1].severity, SEVERITY_WARN);
	assert_true(findings_make(&(struct findings_input){ .snap = found->sample.snap }, NULL,
	                          0) == count);
}

static void every_rule_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (int i = 0; i < FINDING_COUNT; i++) {
		assert_non_null(finding_name((enum finding_id)i));
		for (int j = 0; j < i; j++)
			assert_string_not_equal(finding_name((enum finding_id)i),
			                        finding_name((enum finding_id)j));
	}
}

static void partition_adds_up_to_vm_size(void **state)
{
	struct found *found = *state;
	struct partition partition;
	uint64_t virt = 0, rss = 0, vmas = 0;

	partition_sum(found->sample.vmas, &partition);
	for (size_t i = 0; i < SPACE_ROW_COUNT; i++) {
		virt += partition.rows[i].virt;
		rss += partition.rows[i].rss.v;
		vmas += partition.rows[i].vmas;
	}
	assert_true(virt == found->sample.process->vm_size.v);
	assert_true(virt == partition.total.virt);
	assert_true(rss == found->sample.process->vm_rss.v);
	/* [vsyscall] is listed, but is in nobody's VmSize. */
	assert_int_equal(vmas, found->sample.vmas->count - 1);
}

static void one_unread_mapping_makes_its_row_unknown(void **state)
{
	struct found *found = *state;
	struct partition partition;

	found->sample.vmas->at[2].has_residency = false;
	partition_sum(found->sample.vmas, &partition);
	assert_false(fact_known(partition.rows[SPACE_HEAP].rss));
	assert_false(fact_known(partition.total.rss));
	assert_true(fact_known(partition.rows[SPACE_FILE].rss));
}

#define FINDING_TEST(f) cmocka_unit_test_setup_teardown(f, found_setup, found_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FINDING_TEST(large_top_below_the_trim_threshold_is_told),
		FINDING_TEST(pinned_top_names_the_chunk),
		FINDING_TEST(trimmable_counts_from_a_tenth_of_rss),
		FINDING_TEST(fixed_mmap_threshold_has_not_grown),
		FINDING_TEST(idle_arena_is_told_but_never_main),
		FINDING_TEST(cgroup_is_near_at_nine_tenths_and_throttled_above_high),
		FINDING_TEST(commit_limit_matters_in_mode_2_only),
		FINDING_TEST(first_in_the_oom_ranking_is_told),
		FINDING_TEST(vma_limit_is_told_in_time),
		FINDING_TEST(torn_walks_and_errors_come_with_their_numbers),
		FINDING_TEST(growth_towards_the_first_limit_is_told),
		FINDING_TEST(a_stopped_process_is_told),
		FINDING_TEST(a_tracer_is_named),
		FINDING_TEST(every_finding_has_a_rule),
		FINDING_TEST(unknown_numbers_find_nothing),
		FINDING_TEST(findings_are_sorted_and_the_mildest_are_left_out),
		FINDING_TEST(every_rule_has_a_name_of_its_own),
		FINDING_TEST(partition_adds_up_to_vm_size),
		FINDING_TEST(one_unread_mapping_makes_its_row_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
