/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TESTS_LIB_SAMPLE_SNAPSHOT_H
#define HEAPTOP_TESTS_LIB_SAMPLE_SNAPSHOT_H

/**
 * An invented process that agrees with itself: `ledgerd` (48213), 9 threads, 5 arenas, 11 mmapped
 * chunks, on a host of 15.6 GiB in mode 0, in a cgroup v2 with limits. VMAs add up to VmSize and
 * VmRSS, arenas' parts to their system memory, bins to their totals.
 *
 * Tests may change any part before they use it: every pointer is the test's own.
 */
#include <stdbool.h>

#include "model/facts/history.h"
#include "model/facts/snapshot.h"
#include "model/linux/lx.h"
#include "model/rules/linux.h"
#include "model/run/past.h"

struct sample {
	struct snapshot *snap;
	struct process_facts *process;
	struct vma_set *vmas;
	struct heap_facts *heap;
	struct malloc_state *ms;
	struct system_facts *system;
	struct cgroup_facts *cgroup;
	struct oom_table *oom;
	struct commit_facts commit;
	struct first_limit first_limit;
	struct linux_rules rules;
	struct past *past;       /* 60 s at 1 Hz, growing; some events, a mark 40 s ago */
	struct history *history; /* of it */
};

enum { SAMPLE_PID = 48213 };

/** Asserts (cmocka) that memory was there. */
void sample_new(struct sample *ret);
void sample_free(struct sample *sample);

/** Answers what a view looks at (view_ops.wants) from made-up chunks in the sample's heaps. */
void sample_look(struct sample *sample, const struct window_request *request);

/** Replaces the VMAs by `count` ones of alternating permissions, as a VMA-heavy program has. */
void sample_many_vmas(struct sample *sample, size_t count);

/** Gives every foreign string of the sample escape sequences, newlines and broken UTF-8. */
void sample_make_hostile(struct sample *sample);

/** Makes everything unknown that a source may fail to read; the parts stay. */
void sample_make_unknown(struct sample *sample);

#endif
