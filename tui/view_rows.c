/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/view_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_from(const struct view_rows *rows, const void *from, uint64_t stamp)
{
	return rows->is_ready && from && rows->made_from == from && rows->made_ns == stamp;
}

static bool is_of(const struct view_rows *rows, const struct part *part)
{
	return is_from(rows, part, part ? part->taken_ns : 0);
}

static bool is_current(const struct view_state *state, const void *from, uint64_t stamp)
{
	const struct view_rows *rows = &state->rows;

	return is_from(rows, from, stamp) && rows->sort == state->sort &&
	       rows->sort_reversed == state->sort_reversed && !strcmp(rows->filter, state->filter);
}

static bool make_room(struct view_rows *rows, size_t count)
{
	uint32_t *at;

	if (count <= rows->room)
		return true;
	at = reallocarray(rows->at, count, sizeof(*at));
	if (!at)
		return false;
	rows->at = at;
	rows->room = count;
	return true;
}

struct order {
	const struct rows_maker *maker;
	bool is_reversed;
};

/* Equal objects keep their order, so that rows do not dance from sample to sample. */
static int compare_objects(const void *left, const void *right, void *ctx)
{
	const struct order *order = ctx;
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
	int result = order->maker->compare(order->maker->ctx, a, b);

	if (result)
		return order->is_reversed ? -result : result;
	return a < b ? -1 : a > b;
}

static void reverse(struct view_rows *rows)
{
	for (size_t i = 0; i < rows->count / 2; i++) {
		uint32_t kept = rows->at[i];

		rows->at[i] = rows->at[rows->count - 1 - i];
		rows->at[rows->count - 1 - i] = kept;
	}
}

void view_rows_prepare(struct view_state *state, const struct rows_maker *maker)
{
	struct view_rows *rows = &state->rows;
	struct order order = { maker, state->sort_reversed };
	const void *from = maker->part ? (const void *)maker->part : maker->from;
	uint64_t stamp = maker->part ? maker->part->taken_ns : maker->stamp;

	if (is_current(state, from, stamp))
		return;
	rows->count = 0;
	rows->is_ready = maker->count <= UINT32_MAX && make_room(rows, maker->count);
	if (!rows->is_ready)
		return;
	for (uint32_t i = 0; i < maker->count; i++) {
		if (!maker->keep || maker->keep(maker->ctx, i))
			rows->at[rows->count++] = i;
	}
	if (maker->compare && rows->count > 1)
		qsort_r(rows->at, rows->count, sizeof(*rows->at), compare_objects, &order);
	else if (state->sort_reversed)
		reverse(rows);
	rows->made_from = from;
	rows->made_ns = stamp;
	rows->sort = state->sort;
	rows->sort_reversed = state->sort_reversed;
	(void)snprintf(rows->filter, sizeof(rows->filter), "%s", state->filter);
}

size_t view_rows_count(const struct view_state *state, const struct part *part, size_t objects)
{
	return is_of(&state->rows, part) ? state->rows.count : objects;
}

size_t view_rows_object(const struct view_state *state, const struct part *part, size_t row)
{
	return is_of(&state->rows, part) ? state->rows.at[row] : row;
}

size_t view_rows_count_from(const struct view_state *state, const void *from, uint64_t stamp,
                            size_t objects)
{
	return is_from(&state->rows, from, stamp) ? state->rows.count : objects;
}

size_t view_rows_object_from(const struct view_state *state, const void *from, uint64_t stamp,
                             size_t row)
{
	return is_from(&state->rows, from, stamp) ? state->rows.at[row] : row;
}

bool view_sort_command(struct view_state *state, uint8_t sorts, enum command_id command)
{
	if (command == CMD_SORT_INVERT) {
		state->sort_reversed = !state->sort_reversed;
		return true;
	}
	if (command != CMD_SORT)
		return false;
	state->sort = (uint8_t)((state->sort + 1) % sorts);
	state->sort_reversed = false;
	return true;
}

static int lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static bool begins_with(const char *bytes, const char *needle, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (lower(bytes[i]) != lower(needle[i]))
			return false;
	}
	return true;
}

bool view_contains(const char *bytes, size_t len, const char *needle)
{
	size_t needed = strlen(needle);

	for (size_t at = 0; at + needed <= len; at++) {
		if (begins_with(bytes + at, needle, needed))
			return true;
	}
	return false;
}
