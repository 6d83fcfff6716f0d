/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_FACTS_SYSTEM_H
#define HEAPTOP_MODEL_FACTS_SYSTEM_H

/* The machine and the target's memory cgroup. Bytes unless the name says otherwise. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/base/fact.h"

struct pressure {
	/* averages in hundredths of a percent (0.12 % is 12), total in microseconds */
	struct fact avg10, avg60, avg300, total_us;
};

struct system_facts {
	char kernel_release[65]; /* "6.18.44-…" raw bytes */
	int kernel_major, kernel_minor;
	uint32_t cpus_online, cpus_present;
	uint64_t page_size;

	struct fact mem_total, mem_free, mem_available, buffers, cached, swap_cached;
	struct fact active, inactive, anon_pages, mapped, shmem, slab_reclaimable, page_tables;
	struct fact swap_total, swap_free, committed_as, commit_limit, hugetlb;

	struct fact overcommit_memory; /* mode 0, 1, 2 */
	struct fact overcommit_ratio;  /* percent */
	struct fact overcommit_kbytes, admin_reserve_kbytes, user_reserve_kbytes;
	struct fact max_map_count, panic_on_oom, oom_kill_allocating_task, swappiness;

	struct fact thp_mode;      /* enabled: 0 always, 1 madvise, 2 never */
	struct fact thp_page_size; /* of a transparent huge page */

	struct fact watermark_min, watermark_low, watermark_high; /* sums over zones, pages */
	struct fact
	        totalreserve_pages; /* linux-memory: mm/page_alloc.c:calculate_totalreserve_pages */
	struct pressure some, full;
	struct fact oom_kills; /* vmstat oom_kill, since boot */
};

enum cgroup_version { CGROUP_NONE, CGROUP_V1, CGROUP_V2 };

/* Memory limits and events of one level. UINT64_MAX in a limit: "max", no limit. */
struct cgroup_level {
	const char *path; /* raw bytes, relative to the hierarchy's root, "/" for the root */
	struct fact current, max, high, low, min;
	struct fact swap_current, swap_max; /* v1: memsw minus memory where both are known */
	struct fact memsw_max;              /* v1 only */
	struct fact anon, file, kernel;     /* memory.stat */
	struct fact oom_group, oom_kill_disable, under_oom, swappiness;
	struct fact events_high, events_max, events_oom, events_oom_kill; /* v1: failcnt in max */
};

struct cgroup_facts {
	enum cgroup_version version; /* of the hierarchy that has the memory controller */
	const char *path;            /* the target's; raw bytes */
	struct cgroup_level *levels; /* root first, the target's own last */
	size_t level_count;
	const char *unreadable; /* why it could not be read, or NULL */
};

#endif
