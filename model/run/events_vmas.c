/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events of the address space: large mappings that came, went, grew or shrank. */
#include "model/base/units.h"
#include "model/run/events_rules.h"

/* Smaller ones come and go all the time. */
#define LARGE MIB

/* Heaps are told by their arenas, stacks by their threads. */
static bool is_told_elsewhere(const struct vma *v)
{
	return v->kind == VMA_HEAP || v->kind == VMA_ARENA || v->kind == VMA_RESERVE ||
	       v->kind == VMA_STACK || v->kind == VMA_GUARD;
}

/* Bytes of `v` that no mapping of `set` covers; *at moves along the set. */
static uint64_t uncovered(const struct vma *v, const struct vma_set *set, size_t *at)
{
	uint64_t bare = vma_size(v);

	while (*at < set->count && set->at[*at].end <= v->start)
		++*at;
	for (size_t i = *at; i < set->count && set->at[i].start < v->end; i++)
		bare -= min_u64(set->at[i].end, v->end) - max_u64(set->at[i].start, v->start);
	return bare;
}

/* What `of` maps that `other` does not. */
static void compare(struct event_list *list, enum run_event_kind kind, const struct vma_set *of,
                    const struct vma_set *other)
{
	size_t at = 0;

	for (size_t i = 0; i < of->count; i++) {
		const struct vma *v = &of->at[i];
		uint64_t bare;
		struct run_event *event;

		if (is_told_elsewhere(v) || vma_size(v) < LARGE)
			continue;
		bare = uncovered(v, other, &at);
		if (bare < LARGE)
			continue;
		event = event_add(list, kind, v->start);
		event->a = bare;
		event->b = v->kind;
	}
}

void events_of_vmas(struct event_list *list)
{
	const struct vma_set *from = snapshot_vmas(list->before), *to = snapshot_vmas(list->after);

	if (!from || !to || from == to || !from->count || !to->count)
		return;
	compare(list, RUN_EVENT_MAPPING_NEW, to, from);
	compare(list, RUN_EVENT_MAPPING_GONE, from, to);
}
