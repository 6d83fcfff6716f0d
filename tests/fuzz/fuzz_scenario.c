/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a scenario: refused with a line and a reason, or walked through; never a crash, never
 * an endless walk without an operation.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/run/scenario.h"

enum { STEPS_MAX = 5000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_sound(const struct scenario *s, const struct operation *op)
{
	if (op->kind >= OP_KIND_COUNT || op->count > 3 || !op->line)
		abort();
	if ((op->dst != NAME_NONE && op->dst >= s->name_count) ||
	    (op->src != NAME_NONE && op->src >= s->name_count))
		abort();
	if (op->text_len && memchr(op->text, '\n', op->text_len))
		abort();
}

static void walk(struct scenario *s)
{
	struct scenario_cursor *cursor = malloc(sizeof(*cursor));
	struct operation op;
	struct err err;
	bool is_end = false;

	if (!cursor)
		return;
	scenario_start(cursor, s);
	for (int i = 0; i < STEPS_MAX; i++) {
		err = (struct err){ 0 };
		if (!scenario_next(cursor, &op, &is_end, &err)) {
			if (err.kind != ERR_USAGE || !strchr(err.what, ':'))
				abort();
			break;
		}
		if (is_end)
			break;
		expect_sound(s, &op);
		if (i % 7 == 6)
			scenario_tell(cursor, i % 2 ? UNTIL_OOM : UNTIL_ENOMEM);
	}
	free(cursor);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct region *region = region_new();
	/* Of its exact size, so that a read beyond it is seen. */
	char *text = malloc(size ? size : 1);
	struct scenario scenario;
	struct err err = { 0 };

	if (text && region) {
		memcpy(text, data, size);
		if (scenario_parse(region, text, size, "f", &scenario, &err))
			walk(&scenario);
		else if (err.kind != ERR_USAGE || !err.why[0])
			abort();
	}
	free(text);
	region_free(region);
	return 0;
}
