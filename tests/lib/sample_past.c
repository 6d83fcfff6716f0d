/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/lib/sample_parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "model/base/units.h"
#include "model/facts/heap_copy.h"

#define NS_PER_S UINT64_C(1000000000)

enum { MARK_AGE_S = 40 };

struct told {
	enum run_event_kind kind;
	uint32_t age_s;
	uint64_t object, a, b;
	uint32_t times;
	const char *name;
};

static const struct told told[] = {
	{ RUN_EVENT_ATTACHED, 60, 0, SAMPLE_PID, 0, 1, "ledgerd" },
	{ RUN_EVENT_HEAP_GROWN, 56, 0x7f2a4c9f6c60, 660 * KIB, 0, 5, "" },
	{ RUN_EVENT_THREAD_STARTED, 41, 48229, 48229, 0, 1, "ledgerd-io" },
	{ RUN_EVENT_ARENA_NEW, 41, 0x7f2a1c000030, 48229, 0, 1, "ledgerd-io" },
	{ RUN_EVENT_MARK, MARK_AGE_S, 0, 1, 0, 1, "before the import" },
	{ RUN_EVENT_THREAD_ENDED, 29, 0x7f2a24000030, 48226, 0, 1, "ledgerd-job" },
	{ RUN_EVENT_ARENA_LEFT, 29, 0x7f2a24000030, 8448 * KIB, 0, 1, "" },
	{ RUN_EVENT_MAPPING_GONE, 12, 0x7f2a4e000000, 4100 * KIB, VMA_MMAPPED, 1, "" },
	{ RUN_EVENT_MMAP_THRESHOLD, 12, 0, 128 * KIB, 4100 * KIB, 1, "" },
	{ RUN_EVENT_CGROUP_HIGH, 8, 0, 3, 0, 1, "/system.slice/ledgerd.service" },
	{ RUN_EVENT_HEAP_GROWN, 3, 0x7f2a34000030, 132 * KIB, 0, 1, "" },
};

static void tell(struct sample *sample, const struct told *from)
{
	struct run_event event = { .kind = (uint8_t)from->kind,
		                   .object = from->object,
		                   .a = from->a,
		                   .b = from->b,
		                   .times = from->times };

	event.time_ns = sample->snap->sample.time_ns - from->age_s * NS_PER_S;
	event.until_ns = event.time_ns + (from->times - 1) * NS_PER_S;
	memcpy(event.name, from->name, strlen(from->name) + 1);
	event_log_add(&sample->past->events, &event);
}

/* Two arenas had less then, one was not there yet; some free chunks were fewer. */
static struct part *older_heap(const struct sample *sample)
{
	struct part *part = part_new(PART_HEAP, sample->snap->sample.time_ns);
	struct malloc_state *ms;

	assert_non_null(part);
	assert_true(heap_facts_copy(part->region, sample->heap, &part->heap));
	ms = part->heap.instances;
	ms->arena_count--;
	ms->arenas[0].system_mem -= 528 * KIB;
	ms->arenas[1].system_mem -= 132 * KIB;
	for (size_t i = 0; i < ms->arenas[2].small_count; i++)
		ms->arenas[2].small[i].count /= i + 1;
	return part;
}

/* The mark's own values are those of the history; arenas and free chunks had less. */
static void set_mark(struct sample *sample)
{
	struct past *past = sample->past;
	struct mark *mark = &past->marks[past->mark_count++];
	const struct history_sample *then = history_at(&past->history, MARK_AGE_S);

	assert_non_null(then);
	mark->number = past->marks_ever = 1;
	mark->seq = sample->snap->sample.seq - MARK_AGE_S;
	mark->time_ns = then->time_ns;
	mark->values = *then;
	memcpy(mark->note, "before the import", 18);
	vma_kind_sums(sample->snap, mark->kinds);
	mark->kinds[VMA_ARENA].size.v -= 660 * KIB;
	mark->kinds[VMA_MMAPPED].size.v += 4100 * KIB;
	mark->kinds[VMA_MMAPPED].count.v += 1;
	mark->heap = older_heap(sample);
}

void sample_fill_past(struct sample *sample)
{
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++)
		tell(sample, &told[i]);
	set_mark(sample);
}
