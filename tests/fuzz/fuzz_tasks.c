/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as the file of `heaptop oom --tasks`: refused with a word, or decided by every row of
 * rules with a ranking in order and a victim that may be one.
 */
#include <stdlib.h>

#include "tui/oom_case.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_ranking(const struct oom_table *table)
{
	for (size_t i = 1; i < table->count; i++) {
		const struct oom_task *a = &table->tasks[i - 1], *b = &table->tasks[i];

		must(a->is_eligible || !b->is_eligible);
		must(!b->is_eligible || a->badness >= b->badness);
	}
	for (size_t i = 0; i < table->count; i++)
		must(table->tasks[i].is_eligible == !table->tasks[i].why_not);
}

static void check_verdict(const struct oom_verdict *verdict)
{
	must(verdict->why != NULL);
	must((verdict->outcome == OOM_OUTCOME_KILL) == (verdict->victim != NULL));
	must(!verdict->victim || verdict->victim->adj != -1000 ||
	     (verdict->victim->flags & OOM_TASK_ORIGIN));
}

static void write_both(const struct oom_case *oom)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	must(out != NULL);
	(void)oom_case_write_json(out, oom);
	oom_case_write_text(out, oom);
	(void)fclose(out);
	for (size_t i = 0; i < len; i++)
		must((unsigned char)text[i] >= ' ' || text[i] == '\n');
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *root = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	struct region *region = region_new();
	struct err err = { 0 };
	struct oom_case oom;

	if (root && region && oom_case_from_json(root, "file", region, &oom, &err)) {
		for (size_t i = 0; i < linux_row_count; i++) {
			oom.rules = &linux_rows[i];
			oom_case_decide(&oom);
			check_ranking(&oom.table);
			check_verdict(&oom.verdict);
		}
		write_both(&oom);
	} else if (root) {
		must(err.kind != ERR_NONE && err.why[0]);
	}
	region_free(region);
	json_decref(root);
	return 0;
}
