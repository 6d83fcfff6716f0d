/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/run/findings.h"

#include <inttypes.h>

#include "model/base/text.h"
#include "model/base/units.h"
#include "model/run/findings_rules.h"

static const char *const names[FINDING_COUNT] = {
	[FINDING_HEAP_ERRORS] = "heap-errors",
	[FINDING_TORN_WALK] = "torn-walk",
	[FINDING_UNREADABLE] = "unreadable-heap",
	[FINDING_CGROUP_NEAR] = "cgroup-near",
	[FINDING_COMMIT_NEAR] = "commit-near",
	[FINDING_OOM_RANK] = "oom-rank",
	[FINDING_MAP_COUNT] = "map-count",
	[FINDING_TRIMMABLE] = "trimmable",
	[FINDING_TOP_KEPT] = "top-kept",
	[FINDING_TOP_PINNED] = "top-pinned",
	[FINDING_MMAP_THRESHOLD] = "mmap-threshold",
	[FINDING_ARENA_IDLE] = "arena-idle",
	[FINDING_LIMIT_AHEAD] = "limit-ahead",
	[FINDING_SECOND_MALLOC] = "second-malloc",
	[FINDING_TRACED] = "traced",
	[FINDING_STOPPED] = "stopped",
};

const char *finding_name(enum finding_id id)
{
	return id < FINDING_COUNT ? names[id] : "?";
}

/* Keeps the list sorted by severity; among equals the earlier one stays first. */
static struct finding *make_place(struct finding_list *list, enum severity severity)
{
	size_t at = list->count < list->room ? list->count : list->room;

	list->count++;
	while (at > 0 && list->at[at - 1].severity > severity)
		at--;
	if (at == list->room)
		return NULL;
	for (size_t i = list->count <= list->room ? list->count - 1 : list->room - 1; i > at; i--)
		list->at[i] = list->at[i - 1];
	return &list->at[at];
}

struct text finding_add(struct finding_list *list, enum finding_id id, enum severity severity,
                        uint64_t object)
{
	struct finding *finding = make_place(list, severity);

	if (!finding)
		return text_in(list->spill, sizeof(list->spill));
	*finding = (struct finding){ .id = id, .severity = severity, .object = object };
	return text_in(finding->text, sizeof(finding->text));
}

size_t findings_make(const struct findings_input *input, struct finding *ret, size_t room)
{
	struct finding_list list = { .at = ret, .room = room };

	findings_of_heap(input, &list);
	findings_of_limits(input, &list);
	return list.count;
}
