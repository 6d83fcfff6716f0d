/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as the file of `heaptop simulate --from FILE`: refused with a word, or a world in which a
 * scenario can be run under any row of Linux's rules, with an address space that stays in order.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/rules/linux.h"
#include "model/run/operate.h"
#include "tui/simulate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char scenario_text[] =
        "a = malloc 1000\nb = malloc 300000\ntouch b\nfree b\n"
        "m = mmap 3M\ntouch m 1M\nmunmap m 0 1M\nmprotect m 2M 4K none\n"
        "thread t\nc = malloc 100\nthread main\nfork k\nsbrk 64K\n"
        "free a\ntrim 0\nexit k\n";

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_vmas(const struct vma_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct vma *v = &set->at[i];

		must(v->start < v->end && (!i || set->at[i - 1].end <= v->start));
		must(v->name_at <= set->names_len && v->name_len <= set->names_len - v->name_at);
	}
}

static void check_space(const struct lx_mm *mm)
{
	for (size_t i = 0; i < lx_mm_count(mm); i++) {
		const struct lx_vma *v = lx_mm_at(mm, i);

		must(v->start < v->end && (!i || lx_mm_at(mm, i - 1)->end <= v->start));
	}
}

static void run_scenario(struct world *world)
{
	struct region *region = region_new();
	struct scenario scenario;
	struct scenario_cursor cursor;
	struct operate operate;
	struct operation op;
	struct op_result result;
	struct err err = { 0 };
	bool is_whole = false;

	must(region && scenario_parse(region, scenario_text, strlen(scenario_text), "scenario",
	                              &scenario, &err));
	must(operate_start(&operate, region, world, &scenario, &err));
	scenario_start(&cursor, &scenario);
	while (!operate.is_over && scenario_next(&cursor, &op, &is_whole, &err) && !is_whole) {
		if (!operate_run(&operate, &op, &result, &err))
			break;
		check_space(world->mm);
	}
	region_free(region);
}

static void simulate(const struct snapshot *snap, const struct linux_rules *rules)
{
	const struct world_start start = { .glibc_minor = -1,
		                           .kernel_major = rules->major,
		                           .kernel_minor = rules->minor,
		                           .snap = snap };
	struct world *world;
	struct err err = { 0 };

	if (!world_new(&start, &world, &err)) {
		must(err.kind != ERR_NONE && err.why[0]);
		return;
	}
	check_space(world->mm);
	run_scenario(world);
	world_end(world);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct snapshot *snap;
	struct err err = { 0 };
	FILE *file = size ? fmemopen((void *)(uintptr_t)data, size, "r") : NULL;

	if (!file)
		return 0;
	if (snapshot_from_json(file, "file", &snap, &err)) {
		check_vmas(snapshot_vmas(snap));
		simulate(snap, &linux_rows[0]);
		simulate(snap, &linux_rows[linux_row_count - 1]);
		snapshot_unref(snap);
	} else {
		must(err.kind != ERR_NONE && err.why[0]);
	}
	(void)fclose(file);
	return 0;
}
