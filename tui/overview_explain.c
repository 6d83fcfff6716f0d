/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Overview: what Enter says of the selected row, and where it leads. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tui/view_overview.h"
#include "tui/view_parts.h"

static const struct {
	uint64_t item;
	const char *title, *rule, *source;
} texts[] = {
#define EXPLAIN(item, title, rule, source) { (item), (title), (rule), (source) },
#include "tui/explain.def"
#undef EXPLAIN
};

_Static_assert(sizeof(texts) / sizeof(texts[0]) == ITEM_EXPLAINED - 1, "every row is explained");

uint64_t overview_finding_key(const struct finding *finding)
{
	return overview_key(ITEM_FINDING, (uint64_t)finding->id << 48 |
	                                          (finding->object & ((UINT64_C(1) << 48) - 1)));
}

static void figure_line(struct text *to, const char *label, struct fact bytes)
{
	char short_form[TEXT_NUMBER], exact[TEXT_NUMBER];

	if (fact_known(bytes))
		text_addf(to, "\n  %-22s %12s   %s bytes", label, text_bytes(short_form, bytes.v),
		          text_count(exact, bytes.v));
	else
		text_addf(to, "\n  %-22s %12s", label, figure_bytes(short_form, bytes));
}

static void count_line(struct text *to, const char *label, struct fact count)
{
	char number[TEXT_NUMBER];

	text_addf(to, "\n  %-22s %12s", label, figure_count(number, count));
}

static void where_numbers(const struct view_frame *frame, const struct space_sum *sum,
                          struct text *to)
{
	figure_line(to, "virtual", fact_of(sum->virt));
	figure_line(to, "resident", sum->rss);
	count_line(to, "mappings", fact_of(sum->vmas));
	figure_line(to, "of VmSize", fact_of(frame->state->partition.total.virt));
}

static void system_numbers(const struct view_frame *frame, uint64_t item, struct text *to)
{
	const struct system_facts *sys = snapshot_system(frame->snap);

	if (!sys)
		return;
	if (item == ITEM_RAM) {
		figure_line(to, "MemTotal", sys->mem_total);
		figure_line(to, "MemAvailable", sys->mem_available);
		figure_line(to, "MemFree", sys->mem_free);
	} else if (item == ITEM_SWAP) {
		figure_line(to, "SwapTotal", sys->swap_total);
		figure_line(to, "SwapFree", sys->swap_free);
	} else if (item == ITEM_COMMIT) {
		count_line(to, "vm.overcommit_memory", sys->overcommit_memory);
		figure_line(to, "CommitLimit", sys->commit_limit);
		figure_line(to, "Committed_AS", sys->committed_as);
		if (frame->commit)
			figure_line(to, "of it this process", frame->commit->target_charged);
	}
}

static void cgroup_numbers(const struct view_frame *frame, struct text *to)
{
	const struct cgroup_facts *cgroup = snapshot_cgroup(frame->snap);

	for (size_t i = 0; cgroup && i < cgroup->level_count; i++) {
		const struct cgroup_level *level = &cgroup->levels[i];
		char path[64], current[TEXT_NUMBER], max[TEXT_NUMBER];
		bool is_limited = fact_known(level->max) && level->max.v != UINT64_MAX;

		text_clean(path, sizeof(path), level->path, strlen(level->path));
		text_addf(to, "\n  %s  %s of %s", path, figure_bytes(current, level->current),
		          is_limited ? text_bytes(max, level->max.v) : "no limit");
	}
}

static void malloc_numbers(const struct view_frame *frame, uint64_t item, struct text *to)
{
	const struct malloc_state *ms = snapshot_malloc(frame->snap);
	struct arena_sums sums;

	if (!ms)
		return;
	sums = arena_sums(ms);
	figure_line(to, "system", fact_of(sums.system));
	figure_line(to, "in use", sums.in_use);
	figure_line(to, "tcache", sums.tcache);
	figure_line(to, "fastbins", sums.fast);
	figure_line(to, "bins", sums.bins);
	figure_line(to, "top", sums.top);
	if (item == ITEM_MMAPPED) {
		count_line(to, "n_mmaps", ms->params.n_mmaps);
		figure_line(to, "mmapped_mem", ms->params.mmapped_mem);
		figure_line(to, "mmap_threshold", ms->params.mmap_threshold);
	} else if (item == ITEM_TOP || item == ITEM_TRIM) {
		figure_line(to, "trim_threshold", ms->params.trim_threshold);
		figure_line(to, "top_pad", ms->params.top_pad);
		figure_line(to, "malloc_trim(0) gives", ms->totals.trimmable);
	}
}

static void add_numbers(const struct view_frame *frame, uint64_t item, struct text *to)
{
	const struct partition *partition = &frame->state->partition;

	if (item < ITEM_TOTAL)
		where_numbers(frame, &partition->rows[item - ITEM_WHERE], to);
	else if (item == ITEM_TOTAL)
		where_numbers(frame, &partition->total, to);
	else if (item == ITEM_CGROUP)
		cgroup_numbers(frame, to);
	else if (item >= ITEM_SYSTEM)
		malloc_numbers(frame, item, to);
	else
		system_numbers(frame, item, to);
}

static bool explain_finding(const struct view_frame *frame, struct view_words *to)
{
	const struct findings_input input = { frame->snap, frame->history, frame->commit,
		                              frame->first_limit };
	struct finding findings[FINDINGS_MAX];
	size_t count = findings_make(&input, findings, FINDINGS_MAX);

	for (size_t i = 0; i < count && i < FINDINGS_MAX; i++) {
		const struct finding_rule *rule = finding_rule(findings[i].id);
		char clean[sizeof(findings[i].text)];

		if (overview_finding_key(&findings[i]) != frame->state->selected || !rule)
			continue;
		text_clean(clean, sizeof(clean), findings[i].text, strlen(findings[i].text));
		text_addf(&to->title, "finding: %s", finding_name(findings[i].id));
		text_addf(&to->body, "%s\n\n%s\n\n%s\n\nsource: %s", clean, rule->rule,
		          rule->remedy, rule->source);
		return true;
	}
	return false;
}

bool overview_explain(const struct view_frame *frame, struct view_words *to)
{
	uint64_t item = frame->state->selected >> ITEM_SHIFT;

	if (item == ITEM_FINDING)
		return explain_finding(frame, to);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (texts[i].item != item)
			continue;
		text_add(&to->title, texts[i].title);
		text_addf(&to->body, "%s\n", texts[i].rule);
		add_numbers(frame, item, &to->body);
		text_addf(&to->body, "\n\nsource: %s", texts[i].source);
		return true;
	}
	return false;
}

bool overview_open(const struct view_frame *frame, struct view_target *ret)
{
	if (frame->state->selected >> ITEM_SHIFT != ITEM_ARENA)
		return false;
	*ret = (struct view_target){ VIEW_ARENAS,
		                     frame->state->selected & ((UINT64_C(1) << ITEM_SHIFT) - 1) };
	return true;
}
