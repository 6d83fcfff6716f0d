/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What holds of every view at every size: nothing outside, nothing raw, nothing invented. */
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
#include "tui/view_rows.h"
#include "tui/widget_bar.h"
#include "tui/widget_graph.h"

/* Cells are whole characters whose widths fill the row, without a control character. */
static void assert_canvas_is_sound(const struct canvas *canvas)
{
	for (int y = 0; y < canvas->height; y++) {
		int columns = 0;

		for (int x = 0; x < canvas->width; x++) {
			const struct cell *cell = &canvas->cells[y * canvas->width + x];
			unsigned char first = (unsigned char)cell->utf8[0];

			columns += cell->width;
			assert_true(cell->role < ROLE_COUNT);
			assert_true(cell->width ? first >= ' ' && first != 0x7f : first == 0);
			assert_false(first == 0xc2 && (unsigned char)cell->utf8[1] < 0xa0);
		}
		assert_int_equal(columns, canvas->width);
	}
}

/* Draws a view in the middle of a larger canvas and demands that its surroundings stay blank. */
static void draw_inside(const struct view_ops *view, const struct sample *sample, int width,
                        int height, int pane)
{
	struct screen screen;
	struct view_frame frame;

	screen_init(&screen, width + 4, height + 4);
	frame = screen_frame(&screen, sample);
	screen.state.pane = (uint8_t)pane;
	if (view->prepare)
		view->prepare(&frame);
	view->draw(&frame, area_part(canvas_area(&screen.canvas), 2, 2, width, height));
	assert_canvas_is_sound(&screen.canvas);
	for (int y = 0; y < height + 4; y++) {
		for (int x = 0; x < width + 4; x++) {
			bool is_inside = x >= 2 && x < width + 2 && y >= 2 && y < height + 2;

			if (!is_inside)
				assert_string_equal(screen.canvas.cells[y * (width + 4) + x].utf8,
				                    " ");
		}
	}
	screen_fini(&screen);
}

static void draw_all_sizes(const struct sample *sample)
{
	static const int widths[] = {
		1, 2, 5, 20, 40, 59, 60, 78, 80, 107, 108, 118, 151, 198, 250
	};
	static const int heights[] = { 1, 2, 3, 6, 10, 16, 20, 21, 25, 32, 46, 53, 70 };

	for (size_t view = 0; view < VIEW_COUNT; view++) {
		for (size_t w = 0; w < sizeof(widths) / sizeof(widths[0]); w++) {
			for (size_t h = 0; h < sizeof(heights) / sizeof(heights[0]); h++)
				draw_inside(views[view], sample, widths[w], heights[h],
				            (int)(w + h) % 5);
		}
	}
}

static void views_stay_inside_at_every_size(void **state)
{
	struct sample sample;

	(void)state;
	sample_new(&sample);
	draw_all_sizes(&sample);
	sample_free(&sample);
}

/* The heap map with an answer at hand, in each of its depths and layers, whatever the size. */
static void the_heap_map_stays_inside_with_chunks(void **state)
{
	static const int widths[] = { 1, 5, 20, 40, 60, 78, 99, 118, 150, 198 };
	static const int heights[] = { 1, 2, 6, 13, 14, 20, 32, 46 };
	struct sample sample;
	struct screen from;

	(void)state;
	sample_new(&sample);
	screen_init(&from, 120, 36);
	for (int depth = 0; depth < 4; depth++) {
		screen_look(&from, &view_map, &sample);
		for (size_t i = 0; i < 10 * 8; i++) {
			struct screen to;
			struct view_frame frame;

			screen_init(&to, widths[i % 10], heights[i / 10]);
			to.state = from.state;
			to.state.map.layer = (uint8_t)(i % MAP_LAYER_COUNT);
			frame = screen_frame(&to, &sample);
			view_map.draw(&frame, canvas_area(&to.canvas));
			assert_canvas_is_sound(&to.canvas);
			canvas_fini(&to.canvas);
		}
		if (depth < 3) {
			struct view_frame frame = screen_frame(&from, &sample);
			struct view_target target;

			assert_true(view_map.open(&frame, &target) || depth == 2);
		}
	}
	screen_fini(&from);
	sample_free(&sample);
}

static void foreign_bytes_never_reach_the_canvas(void **state)
{
	struct sample sample;

	(void)state;
	sample_new(&sample);
	sample_make_hostile(&sample);
	draw_all_sizes(&sample);
	sample_free(&sample);
}

static void missing_parts_and_numbers_are_survived(void **state)
{
	struct sample sample;

	(void)state;
	sample_new(&sample);
	sample_make_unknown(&sample);
	draw_all_sizes(&sample);
	for (size_t i = 0; i < PART_COUNT; i++) {
		part_unref(sample.snap->parts[i]);
		sample.snap->parts[i] = NULL;
		if (i == PART_CGROUP)
			sample.first_limit = (struct first_limit){ 0 };
		draw_all_sizes(&sample);
	}
	sample_free(&sample);
}

/* Every mapping is in one group: the sums are those of the list. */
static void groups_add_up(void **state)
{
	struct sample sample;
	struct screen screen;
	const struct vma_set *set;
	uint64_t size = 0, rss = 0, group_size = 0, group_rss = 0;
	size_t count = 0;

	(void)state;
	sample_new(&sample);
	screen_init(&screen, 120, 36);
	screen.state.pane = 1;
	screen_draw(&screen, &view_vmas, &sample);
	set = snapshot_vmas(sample.snap);
	for (size_t i = 0; i < set->count; i++) {
		size += vma_size(&set->at[i]);
		rss += set->at[i].rss;
	}
	for (size_t i = 0; i < screen.state.groups.count; i++) {
		group_size += screen.state.groups.at[i].size;
		group_rss += screen.state.groups.at[i].rss;
		count += screen.state.groups.at[i].count;
	}
	assert_int_equal(count, set->count);
	assert_int_equal(group_size, size);
	assert_int_equal(group_rss, rss);
	assert_true(screen.state.groups.count > 3 && screen.state.groups.count < set->count);
	screen_fini(&screen);
	sample_free(&sample);
}

/* A frame may lack everything but snapshot and state. */
static void bare_frame_is_enough(void **state)
{
	struct sample sample;
	struct screen screen;

	(void)state;
	sample_new(&sample);
	for (size_t i = 0; i < VIEW_COUNT; i++) {
		struct view_frame frame = { .snap = sample.snap, .state = &screen.state };

		screen_init(&screen, 118, 32);
		if (views[i]->prepare)
			views[i]->prepare(&frame);
		views[i]->draw(&frame, canvas_area(&screen.canvas));
		assert_canvas_is_sound(&screen.canvas);
		screen_fini(&screen);
	}
	sample_free(&sample);
}

static void ascii_terminals_get_ascii_only(void **state)
{
	struct sample sample;
	struct screen screen;

	(void)state;
	sample_new(&sample);
	for (size_t i = 0; i < VIEW_COUNT; i++) {
		screen_init(&screen, 120, 36);
		screen.canvas.ascii = true;
		screen_draw(&screen, views[i], &sample);
		for (int cell = 0; cell < 120 * 36; cell++)
			assert_true((unsigned char)screen.canvas.cells[cell].utf8[0] < 0x80);
		screen_fini(&screen);
	}
	sample_free(&sample);
}

static void overview_shows_unknown_as_unknown(void **state)
{
	struct sample sample;
	struct screen screen;

	(void)state;
	sample_new(&sample);
	screen_init(&screen, 120, 36);
	screen_draw(&screen, &view_overview, &sample);
	assert_true(screen_has(&screen, "VmSize 736.9 MiB", NULL));
	assert_true(screen_has(&screen, "402.8 MiB", NULL));
	/* One mapping whose pages were not read: its row says so, and so does the total … */
	sample.vmas->at[2].has_residency = false;
	sample.process->vm_rss = fact_unknown();
	view_state_fini(&screen.state);
	screen_draw(&screen, &view_overview, &sample);
	assert_true(screen_has(&screen, "malloc arenas    200.1 MiB           ?     ?", NULL));
	assert_true(
	        screen_has(&screen, "total                  736.9 MiB           ?     ?", NULL));
	/* … unless the kernel has counted itself. */
	sample.process->vm_rss = fact_of(402 * MIB);
	screen_draw(&screen, &view_overview, &sample);
	assert_true(screen_has(&screen, "total                  736.9 MiB   402.0 MiB", NULL));
	screen_fini(&screen);
	sample_free(&sample);
}

static void press(struct screen *screen, const struct view_ops *view, const struct sample *sample,
                  enum command_id command, int times)
{
	for (int i = 0; i < times; i++)
		assert_true(screen_command(screen, view, sample, command));
	screen_draw(screen, view, sample);
}

static void selection_follows_the_arena_through_sorts(void **state)
{
	struct sample sample;
	struct screen screen;
	int y;

	(void)state;
	sample_new(&sample);
	screen_init(&screen, 120, 36);
	screen_draw(&screen, &view_arenas, &sample);
	press(&screen, &view_arenas, &sample, CMD_DOWN, 4);
	assert_true(screen_has(&screen, "▶ #4", &y));
	assert_int_equal(y, 8);
	press(&screen, &view_arenas, &sample, CMD_SORT, 1);
	press(&screen, &view_arenas, &sample, CMD_SORT_INVERT, 1);
	assert_true(screen_has(&screen, "▶ #4", &y));
	assert_int_equal(y, 4);
	assert_true(screen_has(&screen, "arena #4 · heaps", NULL));
	screen_fini(&screen);
	sample_free(&sample);
}

static void neighbour_takes_over_when_the_object_is_gone(void **state)
{
	struct sample sample;
	struct screen screen;

	(void)state;
	sample_new(&sample);
	screen_init(&screen, 120, 36);
	screen_draw(&screen, &view_vmas, &sample);
	press(&screen, &view_vmas, &sample, CMD_DOWN, 2);
	assert_true(screen_has(&screen, "▶ 55d0c1a3e000", NULL));
	memmove(&sample.vmas->at[2], &sample.vmas->at[3],
	        (sample.vmas->count - 3) * sizeof(*sample.vmas->at));
	sample.vmas->count--;
	sample.snap->parts[PART_VMAS]->taken_ns++;
	screen_draw(&screen, &view_vmas, &sample);
	assert_true(screen_has(&screen, "▶ 7f2a1c000000", NULL));
	assert_true(screen.state.selected == UINT64_C(0x7f2a1c000000) + 1);
	screen_fini(&screen);
	sample_free(&sample);
}

static void filter_and_search_look_at_malloc_words_too(void **state)
{
	struct sample sample;
	struct screen screen;

	(void)state;
	sample_new(&sample);
	screen_init(&screen, 120, 36);
	(void)snprintf(screen.state.search, sizeof(screen.state.search), "ARENA #2");
	screen_draw(&screen, &view_vmas, &sample);
	press(&screen, &view_vmas, &sample, CMD_SEARCH, 1);
	assert_true(screen_has(&screen, "▶ 7f2a2c000000", NULL));
	press(&screen, &view_vmas, &sample, CMD_SEARCH_NEXT, 1);
	assert_true(screen_has(&screen, "▶ 7f2a2d580000", NULL));
	press(&screen, &view_vmas, &sample, CMD_SEARCH_NEXT, 1);
	assert_true(screen_has(&screen, "▶ 7f2a2c000000", NULL));
	assert_true(screen.state.note[0]);

	(void)snprintf(screen.state.filter, sizeof(screen.state.filter), "stack of");
	screen_draw(&screen, &view_vmas, &sample);
	assert_int_equal(screen.state.row_count, 8);
	(void)snprintf(screen.state.filter, sizeof(screen.state.filter), "no such thing");
	screen_draw(&screen, &view_vmas, &sample);
	assert_int_equal(screen.state.row_count, 0);
	assert_true(screen_has(&screen, "no mapping matches", NULL));
	press(&screen, &view_vmas, &sample, CMD_DOWN, 1);
	screen_fini(&screen);
	sample_free(&sample);
}

static void ranking_starts_at_the_target(void **state)
{
	struct sample sample;
	struct screen screen;

	(void)state;
	sample_new(&sample);
	screen_init(&screen, 120, 36);
	screen_draw(&screen, &view_oom, &sample);
	assert_true(screen_has(&screen, "▶    48213", NULL));
	press(&screen, &view_oom, &sample, CMD_LAST, 1);
	assert_true(screen_has(&screen, "(never: ", NULL));
	assert_true(screen_has(&screen, "▶      640", NULL));
	press(&screen, &view_oom, &sample, CMD_FIRST, 1);
	assert_true(screen_has(&screen, "▶     2211", NULL));
	screen_fini(&screen);
	sample_free(&sample);
}

static void fifty_thousand_vmas_scroll_to_the_last(void **state)
{
	struct sample sample;
	struct screen screen;

	(void)state;
	sample_new(&sample);
	sample_many_vmas(&sample, 50000);
	screen_init(&screen, 120, 36);
	screen_draw(&screen, &view_vmas, &sample);
	press(&screen, &view_vmas, &sample, CMD_LAST, 1);
	assert_true(screen_has(&screen, "rows 49977-50000 of 50000", NULL));
	press(&screen, &view_vmas, &sample, CMD_SORT, 1);
	assert_int_equal(screen.state.row_count, 50000);
	/* Equal sizes keep the order of their addresses. */
	for (size_t i = 1; i < 50000; i++) {
		const struct part *part = sample.snap->parts[PART_VMAS];
		const struct vma *a = &part->vmas.at[view_rows_object(&screen.state, part, i - 1)];
		const struct vma *b = &part->vmas.at[view_rows_object(&screen.state, part, i)];

		assert_true(vma_size(a) > vma_size(b) ||
		            (vma_size(a) == vma_size(b) && a->start < b->start));
	}
	screen_fini(&screen);
	sample_free(&sample);
}

static void bars_fill_their_width_and_hide_no_part(void **state)
{
	(void)state;
	for (int width = 0; width < 60; width++) {
		for (uint64_t seed = 1; seed < 40; seed++) {
			struct bar_part parts[5] = { 0 };
			uint64_t sum = 0;
			int cells[5], total = 0;

			for (uint64_t i = 0; i < 5; i++) {
				parts[i].value = seed * (i + 3) * 2654435761u % (1u << (6 * i));
				sum += parts[i].value;
			}
			bar_cells(parts, 5, 0, width, cells);
			for (int i = 0; i < 5; i++) {
				assert_true(cells[i] >= 0);
				if (parts[i].value && width >= 10)
					assert_true(cells[i] > 0);
				if (!parts[i].value)
					assert_int_equal(cells[i], 0);
				total += cells[i];
			}
			assert_int_equal(total, sum ? width : 0);
		}
	}
}

static void bars_survive_huge_values(void **state)
{
	const struct bar_part parts[] = { { UINT64_MAX, "#", ROLE_TEXT },
		                          { UINT64_MAX, "+", ROLE_TEXT } };
	int cells[2];

	(void)state;
	bar_cells(parts, 2, 0, 200, cells);
	assert_true(cells[0] > 0 && cells[1] >= 0 && cells[0] + cells[1] == 200);
}

static void graph_gap_is_not_a_zero(void **state)
{
	struct graph graph = { .count = 4, .window_s = 60, .role = ROLE_GRAPH_1 };
	struct canvas canvas;

	(void)state;
	assert_true(canvas_init(&canvas, 13, 3));
	for (size_t i = 0; i < 4; i++)
		graph.points[i] = fact_of(10 * MIB);
	graph.points[2] = graph.points[3] = fact_unknown();
	graph_draw(&graph, canvas_area(&canvas));
	assert_string_not_equal(canvas.cells[13 + 11].utf8, " ");
	assert_string_equal(canvas.cells[13 + 12].utf8, " ");
	canvas_fini(&canvas);
}

/* As a real redis-server looks: jemalloc serves it, glibc's own malloc was found and never used. */
static void an_unused_glibc_behind_another_allocator_is_told_apart(void **state)
{
	struct sample sample;
	struct screen screen;

	(void)state;
	sample_new(&sample);
	sample.ms->is_used = false;
	screen_init(&screen, 120, 36);
	screen_draw(&screen, &view_arenas, &sample);
	assert_true(screen_has(&screen, "has not called malloc yet", NULL));
	sample.heap->interposer = "libfast.so";
	sample.heap->allocator = ALLOCATOR_OTHER;
	screen_draw(&screen, &view_arenas, &sample);
	assert_true(screen_has(&screen, "served by an allocator of its own (libfast.so)", NULL));
	sample.heap->allocator = ALLOCATOR_JEMALLOC;
	screen_draw(&screen, &view_arenas, &sample);
	assert_true(screen_has(&screen, "served by jemalloc (libfast.so)", NULL));
	screen_fini(&screen);
	sample_free(&sample);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(views_stay_inside_at_every_size),
		cmocka_unit_test(the_heap_map_stays_inside_with_chunks),
		cmocka_unit_test(foreign_bytes_never_reach_the_canvas),
		cmocka_unit_test(missing_parts_and_numbers_are_survived),
		cmocka_unit_test(groups_add_up),
		cmocka_unit_test(bare_frame_is_enough),
		cmocka_unit_test(ascii_terminals_get_ascii_only),
		cmocka_unit_test(overview_shows_unknown_as_unknown),
		cmocka_unit_test(selection_follows_the_arena_through_sorts),
		cmocka_unit_test(neighbour_takes_over_when_the_object_is_gone),
		cmocka_unit_test(filter_and_search_look_at_malloc_words_too),
		cmocka_unit_test(ranking_starts_at_the_target),
		cmocka_unit_test(fifty_thousand_vmas_scroll_to_the_last),
		cmocka_unit_test(bars_fill_their_width_and_hide_no_part),
		cmocka_unit_test(bars_survive_huge_values),
		cmocka_unit_test(graph_gap_is_not_a_zero),
		cmocka_unit_test(an_unused_glibc_behind_another_allocator_is_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
