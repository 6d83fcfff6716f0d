/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/widget_bar.h"

#include "model/base/units.h"

static uint64_t add_capped(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static uint64_t sum_of(const struct bar_part *parts, size_t count)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum = add_capped(sum, parts[i].value);
	return sum;
}

/* Borders are rounded, not lengths: then the cells always add up to the bar. */
static int border(uint64_t at, uint64_t total, int width)
{
	uint64_t cells = (uint64_t)width;

	while (total > UINT64_MAX / 2 / cells) {
		total /= 2;
		at /= 2;
	}
	at = min_u64(at, total);
	return (int)((at * cells + total / 2) / total);
}

/* Gives a cell to each part that rounding left without one, from the part that has most. */
static void spare_cells(const struct bar_part *parts, size_t count, int *cells)
{
	for (size_t i = 0; i < count; i++) {
		size_t most = 0;

		if (!parts[i].value || cells[i])
			continue;
		for (size_t j = 1; j < count; j++) {
			if (cells[j] > cells[most])
				most = j;
		}
		if (cells[most] < 2)
			return;
		cells[most]--;
		cells[i]++;
	}
}

/* A bar of one cell, or one that rounds away, shows its largest part. */
static void give_single_cell(const struct bar_part *parts, size_t count, int *cells)
{
	size_t largest = 0;

	for (size_t i = 0; i < count; i++) {
		cells[i] = 0;
		if (parts[i].value > parts[largest].value)
			largest = i;
	}
	cells[largest] = 1;
}

void bar_cells(const struct bar_part *parts, size_t count, uint64_t total, int width,
               int *ret_cells)
{
	uint64_t sum = sum_of(parts, count), at = 0;
	int from = 0;

	for (size_t i = 0; i < count; i++)
		ret_cells[i] = 0;
	if (width <= 0 || !sum)
		return;
	total = max_u64(total, sum);
	for (size_t i = 0; i < count; i++) {
		int to;

		at = add_capped(at, parts[i].value);
		to = border(at, total, width);
		ret_cells[i] = to - from;
		from = to;
	}
	spare_cells(parts, count, ret_cells);
	if (from < 2)
		give_single_cell(parts, count, ret_cells);
}

void bar_draw(struct area area, int x, int y, int width, const struct bar_part *parts, size_t count,
              uint64_t total)
{
	int cells[BAR_PARTS_MAX];

	if (count > BAR_PARTS_MAX)
		count = BAR_PARTS_MAX;
	bar_cells(parts, count, total, width, cells);
	for (size_t i = 0; i < count; i++) {
		draw_fill(area, x, y, cells[i], parts[i].role, parts[i].glyph);
		x += cells[i];
	}
}
