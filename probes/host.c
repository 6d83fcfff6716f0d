/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A snapshot of the machine alone, for `heaptop oom`: no process is attached to. */
#include <errno.h>

#include "model/linux/lx.h"
#include "probes/clock.h"
#include "probes/probes.h"
#include "probes/read.h"

static bool add_system(struct snapshot *snap, struct err *reterr)
{
	struct part *part = part_new(PART_SYSTEM, snap->sample.time_ns);

	snap->parts[PART_SYSTEM] = part;
	if (!part)
		return err_set(reterr, ERR_NO_MEMORY, ENOMEM, "the machine", "out of memory");
	if (!system_read(&part->system))
		return err_set(reterr, ERR_FAILED, 0, "the machine", "can't read /proc/meminfo");
	return true;
}

/* `path` is a cgroup's; all levels above it come along, its own last. */
static bool add_cgroup(struct snapshot *snap, const char *path, struct err *reterr)
{
	struct part *part = part_new(PART_CGROUP, snap->sample.time_ns);

	snap->parts[PART_CGROUP] = part;
	if (!part)
		return err_set(reterr, ERR_NO_MEMORY, ENOMEM, path, "out of memory");
	cgroup_read(0, path, part->region, &part->cgroup);
	if (!part->cgroup.unreadable)
		return true;
	err_set(reterr, ERR_FAILED, 0, path, part->cgroup.unreadable);
	err_remedy(reterr, "Give its path as /proc/PID/cgroup shows it, or its directory.");
	return false;
}

static bool add_oom(struct snapshot *snap, struct err *reterr)
{
	const struct system_facts *sys = snapshot_system(snap);
	const struct cgroup_facts *cgroup = snapshot_cgroup(snap);
	const struct cgroup_level *domain =
	        cgroup ? &cgroup->levels[cgroup->level_count - 1] : NULL;
	struct part *part = part_new(PART_OOM, snap->sample.time_ns);
	struct tasks *tasks = tasks_new();
	bool ok;

	snap->parts[PART_OOM] = part;
	ok = part && tasks && tasks_read(tasks, cgroup, domain, part->region, &part->oom);
	tasks_free(tasks);
	if (!ok)
		return err_set(reterr, ERR_FAILED, 0, "the process table", "can't read /proc");
	part->oom.totalpages =
	        (fact_or(sys->mem_total, 0) + fact_or(sys->swap_total, 0)) / sys->page_size;
	if (domain)
		part->oom.domain_totalpages = lx_memcg_totalpages(domain, sys);
	lx_oom_rank(linux_rules_for(sys->kernel_major, sys->kernel_minor), &part->oom);
	return true;
}

bool host_snapshot(const char *cgroup, const struct snapshot **ret, struct err *reterr)
{
	struct snapshot *snap = snapshot_new();
	uint64_t began = clock_monotonic_ns();

	if (!snap)
		return err_set(reterr, ERR_NO_MEMORY, ENOMEM, "no snapshot", "out of memory");
	snap->sample =
	        (struct sample_facts){ .time_ns = clock_realtime_ns(), .source_kind = "live" };
	if (!add_system(snap, reterr) || (cgroup && !add_cgroup(snap, cgroup, reterr)) ||
	    !add_oom(snap, reterr)) {
		snapshot_unref(snap);
		return false;
	}
	snap->sample.took_ns = clock_monotonic_ns() - began;
	*ret = snap;
	return true;
}
