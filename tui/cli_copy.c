/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A process's memory as a world: a copy of one instant, though the process is not stopped. */
#include "tui/cli_copy.h"

#include <time.h>
#include <unistd.h>

#include "probes/probes.h"
#include "tui/cli_snapshot.h"

/* Copies of a process that runs: the first that it did not run through is taken. */
enum { COPY_TRIES = 12, COPY_PAUSE_US = 3000, COPY_PATIENCE_MS = 500 };

struct copying {
	struct source *source;
	struct process_copy *copy;
};

/* True when the process has not run since the snapshot: nothing in the copy is newer than another. */
static bool stood_still(struct copying *s)
{
	const struct take_request again = { .what = TAKE_PROCESS, .previous = s->copy->snap };
	const struct process_facts *before = snapshot_process(s->copy->snap), *after;
	const struct snapshot *later;
	struct err ignored;
	bool same;

	if (!s->source->ops->take(s->source, &again, &later, &ignored))
		return false;
	after = snapshot_process(later);
	same = before && after && fact_known(before->cpu_ns) && fact_known(after->cpu_ns) &&
	       before->cpu_ns.v == after->cpu_ns.v && before->state != 'R';
	snapshot_unref(later);
	return same;
}

static bool copy_process(struct copying *s, struct world_start *start, struct err *reterr)
{
	const struct take_request request = { .what = TAKE_ALL };

	if (!s->source->ops->take(s->source, &request, &s->copy->snap, reterr) ||
	    cli_snapshot_denied(s->copy->snap, reterr))
		return false;
	start->mem = s->source->ops->memory(s->source);
	start->snap = s->copy->snap;
	return world_new(start, &s->copy->world, reterr);
}

static void drop_copy(struct copying *s)
{
	world_end(s->copy->world);
	s->copy->world = NULL;
	snapshot_unref(s->copy->snap);
	s->copy->snap = NULL;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A process that runs meanwhile leaves a copy of several instants: it is copied again, some times. */
static bool copy_when_still(struct copying *s, struct world_start *start, bool is_frozen,
                            struct err *reterr)
{
	uint64_t began = now_ms();

	for (int tries = 1;; tries++) {
		if (!copy_process(s, start, reterr))
			return false;
		if (is_frozen || stood_still(s))
			return true;
		if (tries == COPY_TRIES || now_ms() - began > COPY_PATIENCE_MS)
			break;
		drop_copy(s);
		(void)usleep(COPY_PAUSE_US);
	}
	s->copy->is_moving = true;
	world_remark(s->copy->world,
	             "the process ran while it was copied; --freeze stops it meanwhile");
	return true;
}

bool cli_copy_process(int32_t pid, bool wants_freeze, struct world_start *start,
                      struct process_copy *ret, struct err *reterr)
{
	struct copying s = { .copy = ret };
	struct freeze *freeze = NULL;
	bool ok;

	*ret = (struct process_copy){ 0 };
	ok = source_live_open(pid, &s.source, reterr) &&
	     (!wants_freeze || freeze_stop(pid, &freeze, reterr)) &&
	     copy_when_still(&s, start, wants_freeze, reterr);
	(void)freeze_resume(freeze);
	source_close(s.source);
	start->mem = NULL;
	return ok;
}
