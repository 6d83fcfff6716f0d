/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/base/units.h"
#include "model/run/growth.h"
#include "tests/lib/sample_snapshot.h"

#define SECOND UINT64_C(1000000000)

enum { ROOM = 64 };

/* Two neighbours that are equal until a test changes one of them. */
struct pair {
	struct sample before, after;
	struct run_event at[ROOM];
	size_t count;
};

static int pair_setup(void **state)
{
	struct pair *pair = calloc(1, sizeof(*pair));

	if (!pair)
		return -1;
	sample_new(&pair->before);
	sample_new(&pair->after);
	pair->after.snap->sample.time_ns += SECOND;
	pair->after.snap->sample.seq++;
	*state = pair;
	return 0;
}

static int pair_teardown(void **state)
{
	struct pair *pair = *state;

	sample_free(&pair->before);
	sample_free(&pair->after);
	free(pair);
	return 0;
}

static void look(struct pair *pair)
{
	pair->count = events_between(pair->before.snap, pair->after.snap, pair->at, ROOM);
}

static const struct run_event *find(const struct pair *pair, enum run_event_kind kind)
{
	for (size_t i = 0; i < pair->count && i < ROOM; i++) {
		if (pair->at[i].kind == kind)
			return &pair->at[i];
	}
	return NULL;
}

/* Exactly one event, of this kind, that says these words. */
static const struct run_event *assert_only(struct pair *pair, enum run_event_kind kind,
                                           const char *words)
{
	char text[EVENT_TEXT];

	look(pair);
	if (pair->count != 1)
		fail_msg("%zu events instead of one %s", pair->count, event_kind_facts(kind)->name);
	assert_int_equal(pair->at[0].kind, kind);
	event_text(&pair->at[0], pair->after.ms, text, sizeof(text));
	if (!strstr(text, words))
		fail_msg("\"%s\" does not say \"%s\"", text, words);
	assert_int_equal(pair->at[0].time_ns, pair->after.snap->sample.time_ns);
	return &pair->at[0];
}

static void nothing_happens_between_equals(void **state)
{
	struct pair *pair = *state;

	look(pair);
	assert_int_equal(pair->count, 0);
}

static void first_snapshot_says_what_is_watched(void **state)
{
	struct pair *pair = *state;

	pair->count = events_between(NULL, pair->after.snap, pair->at, ROOM);
	assert_int_equal(pair->count, 1);
	assert_int_equal(pair->at[0].kind, RUN_EVENT_ATTACHED);
	assert_string_equal(pair->at[0].name, "ledgerd");
}

static void unknown_numbers_are_no_events(void **state)
{
	struct pair *pair = *state;

	sample_make_unknown(&pair->after);
	pair->after.process->life = PROCESS_ALIVE;
	pair->after.process->state = pair->before.process->state;
	look(pair);
	assert_int_equal(pair->count, 0);
	sample_make_unknown(&pair->before);
	look(pair);
	assert_int_equal(pair->count, 0);
}

/* --- arenas ------------------------------------------------------------------------------------- */

static void arena_that_grew_and_one_that_was_trimmed(void **state)
{
	struct pair *pair = *state;

	pair->after.ms->arenas[1].system_mem += 132 * KIB;
	assert_int_equal(
	        assert_only(pair, RUN_EVENT_HEAP_GROWN, "arena #1 (7f2a34000030) grew by 132.0 KiB")
	                ->object,
	        pair->after.ms->arenas[1].addr);
	pair->after.ms->arenas[1].system_mem -= 264 * KIB;
	(void)assert_only(pair, RUN_EVENT_TOP_TRIMMED, "gave back 132.0 KiB");
	pair->after.ms->arenas[1].is_torn = true;
	look(pair);
	assert_int_equal(pair->count, 0);
}

static void new_arena_names_the_thread_that_got_it(void **state)
{
	struct pair *pair = *state;
	struct malloc_state *before = pair->before.ms;

	before->arena_count--; /* #4 is not there yet */
	(void)assert_only(pair, RUN_EVENT_ARENA_NEW,
	                  "arena #4 (7f2a1c000030) created for tid 48229");
}

/* glibc puts a new arena behind main_arena, so that all others move by one. */
static void arenas_are_known_by_address_not_by_place(void **state)
{
	struct pair *pair = *state;
	struct malloc_state *ms = pair->after.ms;
	struct arena last = ms->arenas[ms->arena_count - 1];

	memmove(&ms->arenas[2], &ms->arenas[1], (ms->arena_count - 2) * sizeof(last));
	ms->arenas[1] = last;
	look(pair);
	assert_int_equal(pair->count, 0);
}

static void arena_is_left_and_taken_up_again(void **state)
{
	struct pair *pair = *state;
	struct arena *old = &pair->before.ms->arenas[2], *now = &pair->after.ms->arenas[2];

	old->attached_threads = fact_of(1);
	now->attached_threads = fact_of(0);
	(void)assert_only(pair, RUN_EVENT_ARENA_LEFT, "left by its last thread");
	old->attached_threads = fact_of(0);
	now->attached_threads = fact_of(1);
	(void)assert_only(pair, RUN_EVENT_ARENA_REUSED, "taken from the free list by tid 48224");
	now->attached_threads = fact_unknown();
	look(pair);
	assert_int_equal(pair->count, 0);
}

static void thresholds_say_from_and_to(void **state)
{
	struct pair *pair = *state;

	pair->before.ms->params.mmap_threshold = fact_of(128 * KIB);
	(void)assert_only(pair, RUN_EVENT_MMAP_THRESHOLD, "mmap_threshold 128.0 KiB → 4.0 MiB");
	pair->before.ms->params.mmap_threshold = fact_unknown();
	look(pair);
	assert_int_equal(pair->count, 0);
}

static void corruption_is_told_once_and_only_of_a_quiet_process(void **state)
{
	struct pair *pair = *state;

	heap_error_add(pair->after.heap, 0x7f2a34000990, "size does not fit");
	(void)assert_only(pair, RUN_EVENT_CORRUPT, "first at 7f2a34000990: size does not fit");
	heap_error_add(pair->before.heap, 0x7f2a34000990, "size does not fit");
	look(pair);
	assert_int_equal(pair->count, 0);
	pair->before.heap->error_count = 0;
	pair->after.heap->has_moved = true;
	look(pair);
	assert_int_equal(pair->count, 0);
}

/* --- threads ------------------------------------------------------------------------------------ */

static void threads_that_came_and_went(void **state)
{
	struct pair *pair = *state;
	struct malloc_state *ms = pair->after.ms;
	char text[EVENT_TEXT];

	/* the third is gone, and the last has another tid */
	memmove(&ms->threads[2], &ms->threads[3], (ms->thread_count - 3) * sizeof(*ms->threads));
	ms->thread_count--;
	ms->threads[ms->thread_count - 1].tid = 50000;
	look(pair);
	assert_int_equal(pair->count, 3);
	event_text(&pair->at[0], ms, text, sizeof(text));
	assert_string_equal(text, "thread 48215 (checkpoint) ended, used main arena");
	assert_int_equal(pair->at[1].kind, RUN_EVENT_THREAD_ENDED);
	assert_int_equal(pair->at[1].a, 48229);
	assert_int_equal(pair->at[2].kind, RUN_EVENT_THREAD_STARTED);
	assert_int_equal(pair->at[2].object, 50000);
}

static void without_glibc_the_number_of_threads_is_told(void **state)
{
	struct pair *pair = *state;

	pair->before.heap->instance_count = pair->after.heap->instance_count = 0;
	pair->after.process->thread_count = 12;
	(void)assert_only(pair, RUN_EVENT_THREADS, "12 threads now");
}

static void many_events_of_a_kind_are_told_in_sum(void **state)
{
	struct pair *pair = *state;
	struct malloc_state *ms = pair->after.ms;
	struct malloc_thread *many = calloc(1000, sizeof(*many));
	struct malloc_thread *kept = ms->threads;
	const struct run_event *omitted;
	struct run_event at[2];

	assert_non_null(many);
	for (int32_t i = 0; i < 1000; i++)
		many[i].tid = 60000 + i;
	ms->threads = many;
	ms->thread_count = 1000;
	pair->before.ms->thread_count = 1;
	look(pair);
	assert_in_range(pair->count, 20, ROOM);
	omitted = find(pair, RUN_EVENT_OMITTED);
	assert_true(omitted && omitted->a + pair->count - 1 == 1001);
	/* without room nothing is written beyond it, and all are counted */
	assert_int_equal(events_between(pair->before.snap, pair->after.snap, at, 2), pair->count);
	ms->threads = kept;
	free(many);
}

/* --- mappings ----------------------------------------------------------------------------------- */

static void large_mappings_come_and_go(void **state)
{
	struct pair *pair = *state;
	struct vma_set *set = pair->before.vmas;
	size_t i = 0;
	uint64_t size;

	while (set->at[i].kind != VMA_MMAPPED)
		i++;
	size = vma_size(&set->at[i]);
	assert_true(size >= MIB);
	memmove(&set->at[i], &set->at[i + 1], (set->count - i - 1) * sizeof(*set->at));
	set->count--;
	look(pair);
	assert_int_equal(pair->count, 1);
	assert_int_equal(pair->at[0].kind, RUN_EVENT_MAPPING_NEW);
	assert_int_equal(pair->at[0].a, size);
	assert_int_equal(pair->at[0].object, pair->after.vmas->at[i].start);
	/* the same the other way round */
	pair->count = events_between(pair->after.snap, pair->before.snap, pair->at, ROOM);
	assert_int_equal(pair->count, 1);
	assert_int_equal(pair->at[0].kind, RUN_EVENT_MAPPING_GONE);
}

static void mappings_that_grow_by_little_are_no_event(void **state)
{
	struct pair *pair = *state;
	struct vma_set *set = pair->after.vmas;
	size_t i = 0;

	while (set->at[i].kind != VMA_MMAPPED || vma_size(&set->at[i]) < 8 * MIB)
		i++;
	/* nobody looks at the others here */
	for (size_t k = 0; k < pair->before.vmas->count; k++) {
		if (k != i)
			pair->before.vmas->at[k].kind = set->at[k].kind = VMA_STACK;
	}
	pair->before.vmas->at[i].end -= KIB * 4;
	look(pair);
	assert_int_equal(pair->count, 0);
}

/* --- process and machine ------------------------------------------------------------------------ */

static void life_of_the_process(void **state)
{
	struct pair *pair = *state;
	struct process_facts *from = pair->before.process, *to = pair->after.process;

	to->state = 'T';
	(void)assert_only(pair, RUN_EVENT_STOPPED, "stopped by a signal");
	to->state = 'S';
	from->state = 'T';
	(void)assert_only(pair, RUN_EVENT_CONTINUED, "goes on");
	from->state = 'S';
	to->tracer_pid = 77;
	(void)assert_only(pair, RUN_EVENT_TRACED, "traced by pid 77");
	to->tracer_pid = 0;
	to->life = PROCESS_EXITED;
	to->exit_status = fact_of(9);
	(void)assert_only(pair, RUN_EVENT_EXITED, "by signal 9");
	to->exit_status = fact_of(3 << 8);
	(void)assert_only(pair, RUN_EVENT_EXITED, "with code 3");
	to->exit_status = fact_unknown();
	(void)assert_only(pair, RUN_EVENT_EXITED, "how is not known");
	from->life = PROCESS_EXITED;
	look(pair);
	assert_int_equal(pair->count, 0);
}

/* Another program's arenas are not those of this one. */
static void exec_is_one_event(void **state)
{
	struct pair *pair = *state;

	pair->after.process->life = PROCESS_EXECED;
	pair->after.ms->arenas[1].system_mem += MIB;
	pair->after.vmas->count = 3;
	(void)assert_only(pair, RUN_EVENT_EXECED, "runs another program now: ledgerd");
	/* a process on its way out has lost its memory, too */
	pair->after.process->vm_size = fact_unknown();
	look(pair);
	assert_int_equal(pair->count, 0);
}

static void limits_that_were_hit(void **state)
{
	struct pair *pair = *state;
	struct cgroup_level *from, *to;

	from = &pair->before.cgroup->levels[pair->before.cgroup->level_count - 1];
	to = &pair->after.cgroup->levels[pair->after.cgroup->level_count - 1];
	from->events_high = fact_of(5);
	to->events_high = fact_of(8);
	(void)assert_only(pair, RUN_EVENT_CGROUP_HIGH, "memory.high exceeded ×3: ");
	to->events_high = fact_of(5);
	from->events_oom_kill = fact_of(0);
	to->events_oom_kill = fact_of(1);
	(void)assert_only(pair, RUN_EVENT_CGROUP_KILL, "1 killed in ");
	to->events_oom_kill = fact_unknown();
	to->max = fact_of(UINT64_MAX);
	(void)assert_only(pair, RUN_EVENT_CGROUP_LIMIT, "→ none");
}

static void pressure_crosses_its_level(void **state)
{
	struct pair *pair = *state;

	pair->before.system->some.avg10 = fact_of(999);
	pair->after.system->some.avg10 = fact_of(1000);
	(void)assert_only(pair, RUN_EVENT_PRESSURE_UP, "10.00 %");
	pair->before.system->some.avg10 = fact_of(1000);
	look(pair);
	assert_int_equal(pair->count, 0);
	pair->after.system->some.avg10 = fact_of(400);
	(void)assert_only(pair, RUN_EVENT_PRESSURE_DOWN, "4.00 %");
}

static void gaps_and_freezes_are_told(void **state)
{
	struct pair *pair = *state;

	pair->after.snap->sample.is_frozen = true;
	pair->after.snap->sample.stopped_ns = 1234567;
	(void)assert_only(pair, RUN_EVENT_FROZEN, "1.23 ms");
	pair->after.snap->sample.is_frozen = false;
	pair->after.snap->sample.time_ns += 40 * SECOND;
	(void)assert_only(pair, RUN_EVENT_GAP, "no sample for 41.0 s");
}

/* --- log, marks and growth ---------------------------------------------------------------------- */

static void log_keeps_the_newest_and_counts_the_rest(void **state)
{
	struct event_log *log = calloc(1, sizeof(*log));

	(void)state;
	assert_non_null(log);
	for (uint64_t i = 0; i < EVENT_LOG_ROOM + 10; i++) {
		struct run_event event = { .kind = RUN_EVENT_THREAD_STARTED,
			                   .time_ns = i * SECOND,
			                   .times = 1,
			                   .object = i };

		event_log_add(log, &event);
	}
	assert_int_equal(log->count, EVENT_LOG_ROOM);
	assert_int_equal(log->total, EVENT_LOG_ROOM + 10);
	assert_int_equal(event_log_at(log, 0)->object, EVENT_LOG_ROOM + 9);
	assert_int_equal(event_log_at(log, EVENT_LOG_ROOM - 1)->object, 10);
	assert_null(event_log_at(log, EVENT_LOG_ROOM));
	assert_int_equal(event_log_at(log, 0)->number, EVENT_LOG_ROOM + 10);
	free(log);
}

static void repeated_growth_is_summed_up(void **state)
{
	struct event_log *log = calloc(1, sizeof(*log));
	struct run_event event = {
		.kind = RUN_EVENT_HEAP_GROWN, .times = 1, .object = 1, .a = KIB
	};
	char text[EVENT_TEXT];

	(void)state;
	assert_non_null(log);
	for (uint64_t i = 0; i < 3; i++) {
		event.time_ns = event.until_ns = (100 + 2 * i) * SECOND;
		event_log_add(log, &event);
	}
	assert_int_equal(log->count, 1);
	event_text(event_log_at(log, 0), NULL, text, sizeof(text));
	assert_string_equal(text, "arena 000000000001 grew by 3.0 KiB in 3 steps, 4.0 s");
	event.object = 2; /* another arena */
	event_log_add(log, &event);
	assert_int_equal(log->count, 2);
	event.object = 1;
	event.time_ns += 60 * SECOND; /* too late for the sum */
	event_log_add(log, &event);
	assert_int_equal(log->count, 3);
	assert_int_equal(event_log_at(log, 0)->a, KIB);
	free(log);
}

static void every_kind_has_a_name_and_a_meaning(void **state)
{
	(void)state;
	for (unsigned i = 0; i < RUN_EVENT_KIND_COUNT; i++) {
		const struct run_event event = { .kind = (uint8_t)i, .times = 1, .name = "x" };
		const struct event_kind_facts *facts = event_kind_facts(i);
		char text[EVENT_TEXT];

		assert_true(facts->name && facts->meaning && strlen(facts->meaning) > 20);
		event_text(&event, NULL, text, sizeof(text));
		if (!text[0])
			fail_msg("%s has no words", facts->name);
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(facts->name, event_kind_facts(k)->name);
	}
	assert_null(event_kind_facts(RUN_EVENT_KIND_COUNT));
}

static const struct growth_row *find_row(const struct growth_row *rows, size_t count,
                                         enum growth_group group, uint64_t index)
{
	for (size_t i = 0; i < count; i++) {
		if (rows[i].group == group &&
		    (group == GROWTH_ARENA || group == GROWTH_CLASS ? rows[i].object
		                                                    : rows[i].index) == index)
			return &rows[i];
	}
	return NULL;
}

static void growth_since_a_mark_is_exact(void **state)
{
	struct pair *pair = *state;
	struct past *past = calloc(1, sizeof(*past));
	struct growth_row rows[GROWTH_ROWS];
	struct malloc_state *ms = pair->after.ms;
	const struct growth_row *row;
	int64_t change = 0;
	size_t count;

	assert_non_null(past);
	assert_null(past_mark(past, NULL, ""));
	past_add(past, pair->before.snap);
	assert_non_null(past_mark(past, pair->before.snap, "start"));
	pair->after.process->vm_rss.v += 5 * MIB;
	ms->arenas[2].system_mem -= 8 * KIB;
	ms->arenas[2].small[0].count += 3;
	pair->after.process->vm_swap = fact_unknown();
	count = growth_since(&past->marks[0], pair->after.snap, rows);
	assert_in_range(count, 10, GROWTH_ROWS);
	row = find_row(rows, count, GROWTH_TOTAL, HISTORY_RSS);
	assert_true(row && growth_change(row, &change));
	assert_int_equal(change, 5 * MIB);
	row = find_row(rows, count, GROWTH_TOTAL, HISTORY_SWAP);
	assert_true(row && !growth_change(row, &change));
	row = find_row(rows, count, GROWTH_ARENA, ms->arenas[2].addr);
	assert_true(row && growth_change(row, &change));
	assert_int_equal(change, -(int64_t)(8 * KIB));
	row = find_row(rows, count, GROWTH_CLASS, ms->arenas[2].small[0].size);
	assert_true(row && growth_change(row, &change) &&
	            row->count_now.v - row->count_then.v == 3);
	assert_int_equal(change, 3 * ms->arenas[2].small[0].size);
	past_fini(past);
	free(past);
}

static void the_oldest_mark_goes_when_there_are_too_many(void **state)
{
	struct pair *pair = *state;
	struct past *past = calloc(1, sizeof(*past));

	assert_non_null(past);
	for (int i = 0; i < PAST_MARKS + 3; i++)
		(void)past_mark(past, pair->before.snap, "again");
	assert_int_equal(past->mark_count, PAST_MARKS);
	assert_int_equal(past->marks[0].number, 4);
	assert_int_equal(past->marks[PAST_MARKS - 1].number, PAST_MARKS + 3);
	assert_int_equal(event_log_at(&past->events, 0)->kind, RUN_EVENT_MARK);
	past_fini(past);
	free(past);
}

#define PAIR_TEST(f) cmocka_unit_test_setup_teardown(f, pair_setup, pair_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PAIR_TEST(nothing_happens_between_equals),
		PAIR_TEST(first_snapshot_says_what_is_watched),
		PAIR_TEST(unknown_numbers_are_no_events),
		PAIR_TEST(arena_that_grew_and_one_that_was_trimmed),
		PAIR_TEST(new_arena_names_the_thread_that_got_it),
		PAIR_TEST(arenas_are_known_by_address_not_by_place),
		PAIR_TEST(arena_is_left_and_taken_up_again),
		PAIR_TEST(thresholds_say_from_and_to),
		PAIR_TEST(corruption_is_told_once_and_only_of_a_quiet_process),
		PAIR_TEST(threads_that_came_and_went),
		PAIR_TEST(without_glibc_the_number_of_threads_is_told),
		PAIR_TEST(many_events_of_a_kind_are_told_in_sum),
		PAIR_TEST(large_mappings_come_and_go),
		PAIR_TEST(mappings_that_grow_by_little_are_no_event),
		PAIR_TEST(life_of_the_process),
		PAIR_TEST(exec_is_one_event),
		PAIR_TEST(limits_that_were_hit),
		PAIR_TEST(pressure_crosses_its_level),
		PAIR_TEST(gaps_and_freezes_are_told),
		cmocka_unit_test(log_keeps_the_newest_and_counts_the_rest),
		cmocka_unit_test(repeated_growth_is_summed_up),
		cmocka_unit_test(every_kind_has_a_name_and_a_meaning),
		PAIR_TEST(growth_since_a_mark_is_exact),
		PAIR_TEST(the_oldest_mark_goes_when_there_are_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
