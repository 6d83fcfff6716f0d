/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/report.h"

static const struct oom_task *find_task(const struct snapshot *snap)
{
	const struct process_facts *process = snapshot_process(snap);
	const struct oom_table *table = snapshot_oom(snap);

	for (size_t i = 0; process && table && i < table->count; i++)
		if (table->tasks[i].pid == process->id.pid)
			return &table->tasks[i];
	return NULL;
}

static void make_findings(struct report *report)
{
	const struct findings_input input = {
		.snap = report->snap,
		.commit = &report->commit,
		.first_limit = &report->first,
	};
	size_t all = findings_make(&input, report->findings, REPORT_FINDINGS_MAX);

	report->finding_count = all < REPORT_FINDINGS_MAX ? all : REPORT_FINDINGS_MAX;
}

void report_init(struct report *report, const struct snapshot *snap)
{
	const struct system_facts *sys = snapshot_system(snap);

	*report = (struct report){
		.snap = snap,
		.rules = linux_rules_for(sys ? sys->kernel_major : 0, sys ? sys->kernel_minor : 0),
		.task = find_task(snap),
	};
	lx_commit(snap, report->rules, &report->commit);
	lx_first_limit(snap, &report->first);
	make_findings(report);
}

const char *severity_word(enum severity severity)
{
	switch (severity) {
	case SEVERITY_ERROR:
		return "error";
	case SEVERITY_WARN:
		return "warning";
	case SEVERITY_INFO:
		return "info";
	}
	return "?";
}

const char *constraint_word(enum oom_constraint constraint)
{
	switch (constraint) {
	case OOM_CONSTRAINT_NONE:
		return "none";
	case OOM_CONSTRAINT_CPUSET:
		return "cpuset";
	case OOM_CONSTRAINT_MEMORY_POLICY:
		return "memory_policy";
	case OOM_CONSTRAINT_MEMCG:
		return "memcg";
	case OOM_CONSTRAINT_COUNT:
		break;
	}
	return "?";
}
