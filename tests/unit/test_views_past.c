/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Timeline, Events and Threads: what their keys do. How they look is test_views_golden's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/base/units.h"
#include "tests/lib/screen.h"
#include "tui/clock_words.h"
#include "tui/widget_graph.h"

#define SECOND UINT64_C(1000000000)

struct stage {
	struct sample sample;
	struct screen screen;
};

static int stage_setup(void **state)
{
	struct stage *stage = calloc(1, sizeof(*stage));

	if (!stage)
		return -1;
	sample_new(&stage->sample);
	screen_init(&stage->screen, 120, 36);
	*state = stage;
	return 0;
}

static int stage_teardown(void **state)
{
	struct stage *stage = *state;

	screen_fini(&stage->screen);
	sample_free(&stage->sample);
	free(stage);
	return 0;
}

static void show(struct stage *stage, const struct view_ops *view)
{
	screen_draw(&stage->screen, view, &stage->sample);
}

static void press(struct stage *stage, const struct view_ops *view, enum command_id command,
                  int times)
{
	for (int i = 0; i < times; i++)
		assert_true(screen_command(&stage->screen, view, &stage->sample, command));
	show(stage, view);
}

static void assert_shows(struct stage *stage, const char *text)
{
	if (!screen_has(&stage->screen, text, NULL)) {
		char *dump = canvas_dump(&stage->screen.canvas, false);

		print_error("%s\n", dump);
		free(dump);
		fail_msg("\"%s\" is not on the screen", text);
	}
}

static void assert_hides(struct stage *stage, const char *text)
{
	if (screen_has(&stage->screen, text, NULL))
		fail_msg("\"%s\" is on the screen", text);
}

/* --- timeline ----------------------------------------------------------------------------------- */

static void cursor_goes_back_in_time_and_shows_that_instant(void **state)
{
	struct stage *stage = *state;
	struct view_frame frame = screen_frame(&stage->screen, &stage->sample);

	show(stage, &view_timeline);
	assert_shows(stage, "last 60 s");
	assert_shows(stage, "RSS                402.8 MiB");
	press(stage, &view_timeline, CMD_FIRST, 1);
	assert_shows(stage, "60 s, at 12:03:31, 60 s ago");
	assert_shows(stage, "RSS                401.9 MiB");
	assert_shows(stage, "events around the cursor");
	press(stage, &view_timeline, CMD_RIGHT, 1);
	assert_true(stage->screen.state.time.cursor_ns >
	            stage->sample.snap->sample.time_ns - 60 * SECOND);
	assert_true(view_timeline.back(&frame));
	assert_false(view_timeline.back(&frame));
	show(stage, &view_timeline);
	assert_int_equal(stage->screen.state.time.cursor_ns, 0);
	press(stage, &view_timeline, CMD_LEFT, 1);
	press(stage, &view_timeline, CMD_LAST, 1);
	assert_int_equal(stage->screen.state.time.cursor_ns, 0);
	assert_shows(stage, "latest events");
}

/* New samples come in while somebody looks at an old one. */
static void window_stands_still_under_a_cursor(void **state)
{
	struct stage *stage = *state;
	uint64_t cursor, end;

	show(stage, &view_timeline);
	press(stage, &view_timeline, CMD_LEFT, 20);
	cursor = stage->screen.state.time.cursor_ns;
	end = stage->screen.state.time.end_ns;
	assert_true(cursor < end);
	stage->sample.snap->sample.time_ns += 30 * SECOND;
	show(stage, &view_timeline);
	assert_true(stage->screen.state.time.cursor_ns == cursor);
	assert_true(stage->screen.state.time.end_ns == end);
	assert_shows(stage, "60 s, at ");
	assert_shows(stage, " 12:04:31 ");
}

static void zoom_has_ends_and_keeps_the_cursor_in_sight(void **state)
{
	struct stage *stage = *state;

	show(stage, &view_timeline);
	press(stage, &view_timeline, CMD_LEFT, 5);
	press(stage, &view_timeline, CMD_ZOOM_OUT, 3);
	assert_shows(stage, "10 min, at ");
	assert_true(stage->screen.state.time.end_ns <= stage->sample.snap->sample.time_ns);
	assert_true(stage->screen.state.time.cursor_ns <= stage->screen.state.time.end_ns);
	press(stage, &view_timeline, CMD_ZOOM_IN, 3);
	assert_shows(stage, "60 s, at ");
	press(stage, &view_timeline, CMD_ZOOM_IN, 1);
	assert_string_equal(stage->screen.state.note, "a minute is the shortest span");
	press(stage, &view_timeline, CMD_ZOOM_OUT, 20);
	assert_string_equal(stage->screen.state.note, "a day is the longest");
}

static void graphs_scroll_to_the_last_and_are_filtered_by_name(void **state)
{
	struct stage *stage = *state;

	show(stage, &view_timeline);
	assert_hides(stage, "PSI memory some");
	press(stage, &view_timeline, CMD_DOWN, 40);
	assert_shows(stage, "PSI memory some");
	assert_shows(stage, "graphs 13-17 of 17");
	press(stage, &view_timeline, CMD_UP, 40);
	assert_shows(stage, "graphs 1-5 of 17");
	(void)snprintf(stage->screen.state.filter, sizeof(stage->screen.state.filter), "FAULTS");
	show(stage, &view_timeline);
	assert_shows(stage, "graphs 1-2 of 2");
	assert_shows(stage, "minor faults");
	assert_shows(stage, "9,100/s");
	(void)snprintf(stage->screen.state.filter, sizeof(stage->screen.state.filter), "xyz");
	show(stage, &view_timeline);
	assert_shows(stage, "no graph has a name like that");
	press(stage, &view_timeline, CMD_DOWN, 1);
	press(stage, &view_timeline, CMD_LEFT, 1);
}

/* Half an hour ago the process had 2 GiB for a second: the column of that time still shows it. */
static void peak_of_a_thinned_past_is_drawn(void **state)
{
	struct stage *stage = *state;
	uint64_t now = stage->sample.snap->sample.time_ns;

	memset(stage->sample.history, 0, sizeof(*stage->sample.history));
	for (uint64_t age = 3600; age > 0; age--) {
		struct history_sample at = { .time_ns = now - age * SECOND };

		at.value[HISTORY_RSS] = fact_of(age == 1800 ? 2 * GIB : 100 * MIB);
		history_put(stage->sample.history, &at);
	}
	stage->screen.state.time.zoom = 6; /* an hour */
	show(stage, &view_timeline);
	assert_shows(stage, "max 2.0 GiB");
	assert_shows(stage, "min 100.0 MiB");
}

static void enter_at_the_cursor_leads_to_the_event(void **state)
{
	struct stage *stage = *state;
	struct view_frame frame = screen_frame(&stage->screen, &stage->sample);
	struct view_target target;

	show(stage, &view_timeline);
	assert_false(view_timeline.open(&frame, &target));
	press(stage, &view_timeline, CMD_FIRST, 1);
	assert_true(view_timeline.open(&frame, &target));
	assert_int_equal(target.view, VIEW_EVENTS);
	assert_int_equal(target.selected, 1);
}

static void growth_list_selects_arenas_and_leads_there(void **state)
{
	struct stage *stage = *state;
	struct view_frame frame = screen_frame(&stage->screen, &stage->sample);
	char title[64], body[1024], copy[256];
	struct view_words words = { text_in(title, sizeof(title)), text_in(body, sizeof(body)) };
	struct text copied = text_in(copy, sizeof(copy));
	struct view_target target;
	int rows = 0;

	show(stage, &view_timeline);
	press(stage, &view_timeline, CMD_NEXT_PANE, 1);
	assert_shows(stage, "since mark 1, 40 s ago: before the import");
	assert_shows(stage, "#4 at 7f2a1c000030");
	assert_false(view_timeline.open(&frame, &target));
	while (!view_timeline.open(&frame, &target) && rows++ < 100)
		press(stage, &view_timeline, CMD_DOWN, 1);
	assert_int_equal(target.view, VIEW_ARENAS);
	assert_true(target.selected == stage->sample.ms->main_arena_addr);
	press(stage, &view_timeline, CMD_UP, 1); /* a total: it is explained */
	assert_false(view_timeline.open(&frame, &target));
	assert_true(view_timeline.explain(&frame, &words));
	assert_string_equal(title, "total VMAs");
	assert_non_null(strstr(body, "since mark 1, 40 s ago"));
	assert_true(view_timeline.copy(&frame, &copied));
	assert_string_equal(copy, "total VMAs: 53 → 53, ±0");
	press(stage, &view_timeline, CMD_NEXT_PANE, 1);
	assert_shows(stage, "last 60 s");
}

static void marks_take_turns(void **state)
{
	struct stage *stage = *state;
	struct past *past = stage->sample.past;

	show(stage, &view_timeline);
	press(stage, &view_timeline, CMD_MARK_NEXT, 1);
	assert_string_equal(stage->screen.state.note, "there is only one mark");
	assert_non_null(past_mark(past, stage->sample.snap, "\x1b[2Jnow"));
	show(stage, &view_timeline);
	assert_shows(stage, "since mark 2, 0 s ago: ^[[2Jnow");
	press(stage, &view_timeline, CMD_MARK_NEXT, 1);
	assert_shows(stage, "since mark 1, 40 s ago");
	press(stage, &view_timeline, CMD_MARK_NEXT, 1);
	assert_shows(stage, "since mark 2");
	/* a picture of before the marks knows of none */
	stage->sample.snap->sample.time_ns -= 50 * SECOND;
	show(stage, &view_timeline);
	assert_shows(stage, "no mark is set");
}

/* --- events ------------------------------------------------------------------------------------- */

static void selection_stays_with_the_event_when_new_ones_come(void **state)
{
	struct stage *stage = *state;
	struct run_event event = { .kind = RUN_EVENT_STOPPED, .times = 1 };
	int y;

	show(stage, &view_events);
	press(stage, &view_events, CMD_DOWN, 2);
	assert_shows(stage, "▶ 12:04:19     12 s  !  mmap-threshold");
	event.time_ns = event.until_ns = stage->sample.snap->sample.time_ns;
	event_log_add(&stage->sample.past->events, &event);
	show(stage, &view_events);
	assert_true(screen_has(&stage->screen, "▶ 12:04:19     12 s  !  mmap-threshold", &y));
	assert_int_equal(y, 7);
	assert_shows(stage, "event 9 · mmap-threshold");
	assert_shows(stage, "raises the threshold to its size");
}

static void events_after_the_picture_are_not_shown(void **state)
{
	struct stage *stage = *state;

	stage->sample.snap->sample.time_ns -= 30 * SECOND;
	show(stage, &view_events);
	assert_hides(stage, "mmap-threshold");
	assert_shows(stage, "mark 1: before the import");
	assert_shows(stage, "events of this run 5");
}

static void filter_search_and_sort_of_events(void **state)
{
	struct stage *stage = *state;
	struct view_state *view = &stage->screen.state;

	(void)snprintf(view->filter, sizeof(view->filter), "Arena");
	show(stage, &view_events);
	assert_int_equal(view->row_count, 5);
	assert_shows(stage, "5 match");
	view->filter[0] = '\0';
	(void)snprintf(view->search, sizeof(view->search), "48226");
	press(stage, &view_events, CMD_SEARCH, 1);
	assert_shows(stage, "▶ 12:04:02     29 s  i  thread-ended");
	view->selected = 0;
	view->selected_row = 0;
	press(stage, &view_events, CMD_SORT, 1);
	assert_shows(stage, "▶ 12:04:23      8 s  !  cgroup-high");
	(void)snprintf(view->filter, sizeof(view->filter), "no such");
	show(stage, &view_events);
	assert_shows(stage, "no event matches the filter");
}

static void enter_leads_to_what_an_event_is_about(void **state)
{
	static const struct {
		enum run_event_kind kind;
		enum view_id view;
		uint64_t selected;
	} cases[] = {
		{ RUN_EVENT_HEAP_GROWN, VIEW_ARENAS, 0x1000 },
		{ RUN_EVENT_THREAD_STARTED, VIEW_THREADS, 0x1000 },
		{ RUN_EVENT_MAPPING_NEW, VIEW_VMAS, 0x1001 },
		{ RUN_EVENT_CGROUP_KILL, VIEW_OOM, 0x1000 },
		{ RUN_EVENT_STOPPED, VIEW_COUNT, 0 },
	};
	struct stage *stage = *state;
	struct view_frame frame = screen_frame(&stage->screen, &stage->sample);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct run_event event = { .kind = (uint8_t)cases[i].kind,
			                   .times = 1,
			                   .object = 0x1000 };
		struct view_target target = { VIEW_COUNT, 0 };

		event.time_ns = event.until_ns = frame.snap->sample.time_ns;
		event_log_add(&stage->sample.past->events, &event);
		view_events.prepare(&frame);
		assert_int_equal(view_events.open(&frame, &target), cases[i].view != VIEW_COUNT);
		assert_int_equal(target.view, cases[i].view);
		if (target.view != VIEW_COUNT)
			assert_int_equal(target.selected, cases[i].selected);
	}
}

/* --- threads ------------------------------------------------------------------------------------ */

static void threads_sort_by_every_column_and_keep_the_selection(void **state)
{
	struct stage *stage = *state;

	show(stage, &view_threads);
	assert_shows(stage, "▶    48213  ledgerd");
	press(stage, &view_threads, CMD_LAST, 1);
	assert_shows(stage, "▶    48229  metrics");
	for (int i = 0; i < 7; i++) {
		press(stage, &view_threads, CMD_SORT, 1);
		assert_shows(stage, "▶    48229  metrics");
	}
	assert_shows(stage, "sort: tid");
	press(stage, &view_threads, CMD_SORT_INVERT, 1);
	assert_int_equal(stage->screen.state.selected_row, 0);
	assert_shows(stage, "8.0 MiB, resident 88.0 KiB");
}

static void thread_says_who_shares_its_arena(void **state)
{
	struct stage *stage = *state;
	struct view_frame frame = screen_frame(&stage->screen, &stage->sample);
	struct view_target target;

	show(stage, &view_threads);
	assert_shows(stage, "with 4 others");
	assert_shows(stage, "48214 wal-writer, 48215 checkpoint");
	assert_true(view_threads.open(&frame, &target));
	assert_int_equal(target.view, VIEW_ARENAS);
	assert_true(target.selected == stage->sample.ms->main_arena_addr);
	(void)snprintf(stage->screen.state.search, sizeof(stage->screen.state.search), "compact");
	press(stage, &view_threads, CMD_SEARCH, 1);
	assert_shows(stage, "with nobody");
	stage->sample.ms->threads[7].arena = fact_of(0);
	stage->sample.ms->threads[7].tcache = fact_of(0);
	show(stage, &view_threads);
	assert_shows(stage, "none yet: it has not called malloc");
	assert_false(view_threads.open(&frame, &target));
}

static void total_is_unknown_when_one_thread_is(void **state)
{
	struct stage *stage = *state;

	show(stage, &view_threads);
	assert_shows(stage, " 1,070 ");
	stage->sample.ms->threads[3].total.count = fact_unknown();
	show(stage, &view_threads);
	assert_hides(stage, "1,070");
}

static void thousands_of_threads_scroll_filter_and_sort(void **state)
{
	enum { MANY = 10000 };
	struct stage *stage = *state;
	struct malloc_state *ms = stage->sample.ms;
	struct malloc_thread *many = calloc(MANY, sizeof(*many)), *kept = ms->threads;

	assert_non_null(many);
	for (size_t i = 0; i < MANY; i++) {
		many[i] = kept[i % ms->thread_count];
		many[i].tid = 100000 + (int32_t)i;
	}
	ms->threads = many;
	ms->thread_count = MANY;
	show(stage, &view_threads);
	press(stage, &view_threads, CMD_LAST, 1);
	assert_shows(stage, "▶   109999");
	press(stage, &view_threads, CMD_SORT, 4);
	assert_int_equal(stage->screen.state.row_count, MANY);
	(void)snprintf(stage->screen.state.filter, sizeof(stage->screen.state.filter), "10999");
	show(stage, &view_threads);
	assert_int_equal(stage->screen.state.row_count, 10);
	ms->threads = kept;
	free(many);
}

/* --- words -------------------------------------------------------------------------------------- */

static void spans_and_values_have_words(void **state)
{
	static const struct {
		uint64_t s;
		const char *words;
	} spans[] = { { 0, "0 s" },       { 119, "119 s" },     { 120, "2 min" },
		      { 7200, "2 h 00" }, { 86399, "23 h 59" }, { 200000, "2 d 7 h" } };
	char buf[CLOCK_WORDS], value[TEXT_NUMBER];

	(void)state;
	for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++)
		assert_string_equal(span_words(buf, spans[i].s * SECOND), spans[i].words);
	assert_string_equal(span_words(buf, SECOND * 5 / 2), "2.5 s");
	assert_string_equal(graph_value(value, fact_of(12), GRAPH_PERCENT), "0.12 %");
	assert_string_equal(graph_value(value, fact_of(0), GRAPH_PER_SECOND), "0/s");
	assert_string_equal(graph_value(value, fact_of(120449), GRAPH_PER_SECOND), "1,204/s");
	assert_string_equal(graph_value(value, fact_unknown(), GRAPH_COUNT), "?");
	assert_string_equal(graph_value(value, fact_of(UINT64_MAX), GRAPH_COUNT),
	                    "18,446,744,073,709,551,615");
}

/* A chart of any unit has labels that differ, and no range is empty. */
static void axis_of_every_unit_survives_every_range(void **state)
{
	static const uint64_t values[] = { 0,         1, 99, 100, 4096, 123456789, UINT64_MAX / 2,
		                           UINT64_MAX };
	enum { N = sizeof(values) / sizeof(values[0]) };
	struct canvas canvas;

	(void)state;
	assert_true(canvas_init(&canvas, 40, 4));
	for (unsigned unit = GRAPH_BYTES; unit <= GRAPH_PERCENT; unit++) {
		for (size_t a = 0; a < N; a++) {
			for (size_t b = 0; b < N; b++) {
				struct graph graph = { .count = 2,
					               .unit = (enum graph_unit)unit,
					               .role = ROLE_GRAPH_1 };

				graph.points[0] = fact_of(values[a]);
				graph.points[1] = fact_of(values[b]);
				canvas_clear(&canvas);
				graph_draw_chart(&graph, canvas_area(&canvas));
				assert_string_equal(canvas.cells[10].utf8, "┤");
				/* what is known shows at least a dot */
				assert_string_not_equal(canvas.cells[3 * 40 + 11].utf8, " ");
			}
		}
	}
	canvas_fini(&canvas);
}

#define STAGE_TEST(f) cmocka_unit_test_setup_teardown(f, stage_setup, stage_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STAGE_TEST(cursor_goes_back_in_time_and_shows_that_instant),
		STAGE_TEST(window_stands_still_under_a_cursor),
		STAGE_TEST(zoom_has_ends_and_keeps_the_cursor_in_sight),
		STAGE_TEST(graphs_scroll_to_the_last_and_are_filtered_by_name),
		STAGE_TEST(peak_of_a_thinned_past_is_drawn),
		STAGE_TEST(enter_at_the_cursor_leads_to_the_event),
		STAGE_TEST(growth_list_selects_arenas_and_leads_there),
		STAGE_TEST(marks_take_turns),
		STAGE_TEST(selection_stays_with_the_event_when_new_ones_come),
		STAGE_TEST(events_after_the_picture_are_not_shown),
		STAGE_TEST(filter_search_and_sort_of_events),
		STAGE_TEST(enter_leads_to_what_an_event_is_about),
		STAGE_TEST(threads_sort_by_every_column_and_keep_the_selection),
		STAGE_TEST(thread_says_who_shares_its_arena),
		STAGE_TEST(total_is_unknown_when_one_thread_is),
		STAGE_TEST(thousands_of_threads_scroll_filter_and_sort),
		cmocka_unit_test(spans_and_values_have_words),
		cmocka_unit_test(axis_of_every_unit_survives_every_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
