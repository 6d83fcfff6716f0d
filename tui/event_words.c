/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/event_words.h"

#include <string.h>

char *event_words(const struct run_event *event, const struct view_frame *frame,
                  char to[EVENT_TEXT])
{
	char text[EVENT_TEXT];

	event_text(event, snapshot_malloc(frame->snap), text, sizeof(text));
	return text_clean(to, EVENT_TEXT, text, strlen(text));
}

static enum severity severity_of(const struct run_event *event)
{
	const struct event_kind_facts *kind = event_kind_facts(event->kind);

	return kind ? kind->severity : SEVERITY_INFO;
}

const char *event_sign(const struct run_event *event)
{
	static const char *const signs[] = {
		[SEVERITY_ERROR] = "x", [SEVERITY_WARN] = "!", [SEVERITY_INFO] = "i"
	};

	return event->kind == RUN_EVENT_MARK ? "m" : signs[severity_of(event)];
}

enum role event_role(const struct run_event *event)
{
	static const enum role roles[] = { [SEVERITY_ERROR] = ROLE_STATUS_ERROR,
		                           [SEVERITY_WARN] = ROLE_STATUS_WARN,
		                           [SEVERITY_INFO] = ROLE_STATUS_INFO };

	return event->kind == RUN_EVENT_MARK ? ROLE_MARK : roles[severity_of(event)];
}

/* While the picture is paused the log goes on: what came later is not shown. */
size_t events_until(const struct view_frame *frame, size_t *ret_first)
{
	const struct event_log *log = frame->past ? &frame->past->events : NULL;
	size_t low = 0, high = log ? log->count : 0, count = high;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (event_log_at(log, mid)->time_ns > frame->snap->sample.time_ns)
			low = mid + 1;
		else
			high = mid;
	}
	*ret_first = low;
	return count - low;
}

static enum event_object object_of(const struct run_event *event)
{
	const struct event_kind_facts *kind = event_kind_facts(event->kind);

	return kind ? kind->object : EVENT_OF_NONE;
}

bool event_target(const struct run_event *event, struct view_target *ret)
{
	switch (object_of(event)) {
	case EVENT_OF_ARENA:
		*ret = (struct view_target){ VIEW_ARENAS, event->object };
		return event->object != 0;
	case EVENT_OF_THREAD:
		*ret = (struct view_target){ VIEW_THREADS, event->object };
		return true;
	case EVENT_OF_VMA:
		*ret = (struct view_target){ VIEW_VMAS, event->object + 1 };
		return true;
	case EVENT_OF_OOM:
		*ret = (struct view_target){ VIEW_OOM, event->object };
		return true;
	case EVENT_OF_NONE:
		break;
	}
	return false;
}

const char *event_target_word(const struct run_event *event)
{
	static const char *const words[] = {
		[EVENT_OF_NONE] = NULL,
		[EVENT_OF_ARENA] = "the arena",
		[EVENT_OF_THREAD] = "the thread",
		[EVENT_OF_VMA] = "the mapping",
		[EVENT_OF_OOM] = "commit and OOM",
	};
	struct view_target ignored;

	return event_target(event, &ignored) ? words[object_of(event)] : NULL;
}
