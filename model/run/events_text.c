/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events in words. `a` and `b` mean here what the rules put there. */
#include <inttypes.h>
#include <stdio.h>

#include "model/base/text.h"
#include "model/run/events.h"

/* "arena #2 (7f2a2c000030)": its number changes when others are created, its address does not. */
static void add_arena(struct text *text, uint64_t addr, const struct malloc_state *ms)
{
	char number[TEXT_NUMBER];

	for (size_t i = 0; ms && i < ms->arena_count; i++) {
		if (ms->arenas[i].addr != addr)
			continue;
		if (ms->arenas[i].is_main)
			text_add(text, "main arena");
		else
			text_addf(text, "arena #%zu (%s)", i, text_addr(number, addr));
		return;
	}
	text_addf(text, "arena %s", text_addr(number, addr));
}

static void add_bytes(struct text *text, const char *before, uint64_t bytes)
{
	char number[TEXT_NUMBER];

	text_addf(text, "%s%s", before, text_bytes(number, bytes));
}

static void add_thread(struct text *text, const struct run_event *event)
{
	text_addf(text, "%" PRIu64, event->a);
	if (event->name[0])
		text_addf(text, " (%s)", event->name);
}

static void add_times(struct text *text, const struct run_event *event)
{
	if (event->times > 1)
		text_addf(text, " in %u steps, %.1f s", event->times,
		          (double)(event->until_ns - event->time_ns) / 1e9);
}

static void arena_words(struct text *text, const struct run_event *event,
                        const struct malloc_state *ms)
{
	char number[TEXT_NUMBER];

	add_arena(text, event->object, ms);
	switch ((int)event->kind) {
	case RUN_EVENT_ARENA_NEW:
	case RUN_EVENT_ARENA_REUSED:
		text_add(text, event->kind == RUN_EVENT_ARENA_NEW ? " created"
		                                                  : " taken from the free list");
		if (!event->a)
			break;
		text_add(text, event->kind == RUN_EVENT_ARENA_NEW ? " for tid " : " by tid ");
		add_thread(text, event);
		break;
	case RUN_EVENT_ARENA_LEFT:
		add_bytes(text, " left by its last thread, ", event->a);
		text_add(text, " stay in it");
		break;
	case RUN_EVENT_HEAP_NEW:
		text_addf(text, " got heap %" PRIu64 " at %s", event->b,
		          text_addr(number, event->a));
		break;
	case RUN_EVENT_HEAP_GONE:
		text_addf(text, " unmapped its heap at %s", text_addr(number, event->a));
		break;
	case RUN_EVENT_HEAP_GROWN:
		add_bytes(text, " grew by ", event->a);
		add_times(text, event);
		break;
	case RUN_EVENT_TOP_TRIMMED:
		add_bytes(text, " gave back ", event->a);
		add_times(text, event);
		break;
	default:
		break;
	}
}

static void exit_words(struct text *text, const struct run_event *event)
{
	text_add(text, "the process ended");
	if (!event->b)
		text_add(text, ", how is not known");
	else if (event->a & 0x7f)
		text_addf(text, " by signal %" PRIu64, event->a & 0x7f);
	else
		text_addf(text, " with code %" PRIu64, event->a >> 8 & 0xff);
}

static void process_words(struct text *text, const struct run_event *event)
{
	switch ((int)event->kind) {
	case RUN_EVENT_ATTACHED:
		text_addf(text, "watching %s, pid %" PRIu64, event->name, event->a);
		break;
	case RUN_EVENT_MARK:
		text_addf(text, "mark %" PRIu64 "%s%s", event->a, event->name[0] ? ": " : "",
		          event->name);
		break;
	case RUN_EVENT_RATE:
		text_addf(text, "a sample every %" PRIu64 " ms, before: %" PRIu64 " ms", event->b,
		          event->a);
		break;
	case RUN_EVENT_GAP:
		text_addf(text, "no sample for %.1f s", (double)event->a / 1e9);
		break;
	case RUN_EVENT_FROZEN:
		text_addf(text, "every thread stood still for %.2f ms", (double)event->a / 1e6);
		break;
	case RUN_EVENT_STOPPED:
		text_add(text, "stopped by a signal");
		break;
	case RUN_EVENT_CONTINUED:
		text_add(text, "goes on after a stop");
		break;
	case RUN_EVENT_TRACED:
	case RUN_EVENT_UNTRACED:
		text_addf(text, "%s by pid %" PRIu64,
		          event->kind == RUN_EVENT_TRACED ? "traced" : "no longer traced",
		          event->a);
		break;
	case RUN_EVENT_EXECED:
		text_addf(text, "runs another program now: %s", event->name);
		break;
	case RUN_EVENT_EXITED:
		exit_words(text, event);
		break;
	case RUN_EVENT_OMITTED:
		text_addf(text, "%" PRIu64 " more events in the same step", event->a);
		break;
	default:
		break;
	}
}

static void malloc_words(struct text *text, const struct run_event *event,
                         const struct malloc_state *ms)
{
	char from[TEXT_NUMBER], to[TEXT_NUMBER];

	switch ((int)event->kind) {
	case RUN_EVENT_THREAD_STARTED:
		text_add(text, "thread ");
		add_thread(text, event);
		text_add(text, " started");
		break;
	case RUN_EVENT_THREAD_ENDED:
		text_add(text, "thread ");
		add_thread(text, event);
		text_add(text, " ended");
		if (event->object) {
			text_add(text, ", used ");
			add_arena(text, event->object, ms);
		}
		break;
	case RUN_EVENT_THREADS:
		text_addf(text, "%" PRIu64 " threads now", event->b);
		break;
	case RUN_EVENT_MMAP_THRESHOLD:
	case RUN_EVENT_TRIM_THRESHOLD:
		text_addf(text, "%s %s → %s",
		          event->kind == RUN_EVENT_MMAP_THRESHOLD ? "mmap_threshold"
		                                                  : "trim_threshold",
		          text_bytes(from, event->a), text_bytes(to, event->b));
		break;
	case RUN_EVENT_MAPPING_NEW:
	case RUN_EVENT_MAPPING_GONE:
		text_addf(text, "%s %s at %s", text_bytes(from, event->a),
		          event->kind == RUN_EVENT_MAPPING_NEW ? "mapped" : "unmapped",
		          text_addr(to, event->object));
		/* anonymous memory is told apart later, when malloc's chunks are looked for */
		if (event->b != VMA_ANON)
			text_addf(text, " (%s)", vma_kind_word((enum vma_kind)event->b));
		break;
	case RUN_EVENT_CORRUPT:
		text_addf(text, "malloc contradicts itself in %" PRIu64 " places, first at %s: %s",
		          event->b, text_addr(from, event->a), event->name);
		break;
	case RUN_EVENT_TORN:
		text_addf(text, "%" PRIu64 " chunks torn", event->a);
		if (event->times > 1)
			text_addf(text, " in %u walks", event->times);
		break;
	default:
		break;
	}
}

static void limit_word(char to[TEXT_NUMBER], uint64_t limit)
{
	if (limit == UINT64_MAX)
		(void)snprintf(to, TEXT_NUMBER, "none");
	else
		text_bytes(to, limit);
}

static void system_words(struct text *text, const struct run_event *event)
{
	char from[TEXT_NUMBER], to[TEXT_NUMBER];

	switch ((int)event->kind) {
	case RUN_EVENT_CGROUP_HIGH:
		text_addf(text, "memory.high exceeded ×%" PRIu64 ": %s", event->a, event->name);
		break;
	case RUN_EVENT_CGROUP_MAX:
		text_addf(text, "memory.max hit ×%" PRIu64 ": %s", event->a, event->name);
		break;
	case RUN_EVENT_CGROUP_OOM:
		text_addf(text, "out of memory ×%" PRIu64 " in %s", event->a, event->name);
		break;
	case RUN_EVENT_CGROUP_KILL:
		text_addf(text, "%" PRIu64 " killed in %s", event->a, event->name);
		break;
	case RUN_EVENT_CGROUP_LIMIT:
		limit_word(from, event->a);
		limit_word(to, event->b);
		text_addf(text, "memory.max %s → %s: %s", from, to, event->name);
		break;
	case RUN_EVENT_HOST_KILL:
		text_addf(text, "%" PRIu64 " killed on this machine", event->a);
		break;
	case RUN_EVENT_PRESSURE_UP:
	case RUN_EVENT_PRESSURE_DOWN:
		text_addf(text, "PSI memory some avg10 %" PRIu64 ".%02" PRIu64 " %%: %s 10 %%",
		          event->b / 100, event->b % 100,
		          event->kind == RUN_EVENT_PRESSURE_UP ? "above" : "below");
		break;
	default:
		break;
	}
}

void event_text(const struct run_event *event, const struct malloc_state *ms, char *to, size_t size)
{
	struct text text = text_in(to, size);

	if (event->kind >= RUN_EVENT_ARENA_NEW && event->kind <= RUN_EVENT_TOP_TRIMMED)
		arena_words(&text, event, ms);
	process_words(&text, event);
	malloc_words(&text, event, ms);
	system_words(&text, event);
}
