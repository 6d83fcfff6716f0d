/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_FACTS_SNAPSHOT_H
#define HEAPTOP_MODEL_FACTS_SNAPSHOT_H

/**
 * A snapshot is a value: everything known of one process and its system at one instant. One thread
 * builds it, seals it, and from then on nobody changes it; any thread may hold references.
 *
 * It is made of parts, each counted on its own and living on its own region, so that neighbours in
 * time share what did not change: the heap walk of ten ticks ago, the OOM table of the last second.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "model/base/region.h"
#include "model/facts/heap.h"
#include "model/facts/oom.h"
#include "model/facts/process.h"
#include "model/facts/system.h"
#include "model/facts/vma.h"
#include "model/facts/window.h"

enum part_kind {
	PART_PROCESS,
	PART_VMAS,
	PART_HEAP,
	PART_SYSTEM,
	PART_CGROUP,
	PART_OOM,
	PART_WINDOW,
	PART_COUNT
};

/** A counted owner of facts. `taken_ns` is CLOCK_REALTIME of the reading. */
struct part {
	atomic_uint refs;
	enum part_kind kind;
	struct region *region;
	uint64_t taken_ns;
	union {
		struct process_facts process;
		struct vma_set vmas;
		struct heap_facts heap;
		struct system_facts system;
		struct cgroup_facts cgroup;
		struct oom_table oom;
		struct window window;
	};
};

/** A fresh part with one reference and an empty region; NULL when out of memory. */
struct part *part_new(enum part_kind kind, uint64_t taken_ns);
struct part *part_ref(const struct part *part); /* accepts and returns NULL */
void part_unref(struct part *part);             /* accepts NULL */

/* What this sample cost and how far it can be trusted. */
struct sample_facts {
	uint64_t seq;
	uint64_t time_ns; /* CLOCK_REALTIME */
	uint64_t took_ns; /* the whole sample */
	uint64_t maps_ns, headers_ns, lists_ns, walk_ns, residency_ns, smaps_ns, host_ns, oom_ns;
	uint64_t window_ns;
	uint64_t read_ns;        /* inside remote reads, of the above */
	bool is_frozen;          /* taken while every thread was stopped … */
	uint64_t stopped_ns;     /* … for this long */
	char freeze_failed[128]; /* why a stop that was asked for did not happen; else empty */
	uint32_t header_reads, header_agreed; /* "3 of 3 reads agree" */
	uint32_t own_cpu_permille;            /* this tool's CPU use since the last sample */
	const char *source_kind;              /* "live", "core", "session", "world" */
};

struct snapshot {
	atomic_uint refs;
	struct sample_facts sample;
	struct part *parts[PART_COUNT]; /* NULL: not read (yet) */
};

/** A mutable snapshot that its maker owns alone; becomes immutable at the first hand-over. */
struct snapshot *snapshot_new(void);
const struct snapshot *snapshot_ref(const struct snapshot *snap);
void snapshot_unref(const struct snapshot *snap); /* accepts NULL */

/* Parts by name; NULL when not read. */
const struct process_facts *snapshot_process(const struct snapshot *snap);
const struct vma_set *snapshot_vmas(const struct snapshot *snap);
const struct heap_facts *snapshot_heap(const struct snapshot *snap);
const struct system_facts *snapshot_system(const struct snapshot *snap);
const struct cgroup_facts *snapshot_cgroup(const struct snapshot *snap);
const struct oom_table *snapshot_oom(const struct snapshot *snap);
const struct window *snapshot_window(const struct snapshot *snap);

/** The malloc that the program uses; NULL when none was found. */
const struct malloc_state *snapshot_malloc(const struct snapshot *snap);

#endif
