/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings about what may run out. */
#include <inttypes.h>

#include "model/run/findings_rules.h"

enum { NEAR_PERCENT = 90, AHEAD_HOURS = 24, GROWTH_WINDOW_S = 60 };

/* A full window: at ten samples a second the history is as long as that less a sample. */
enum { LEAST_SPAN_S = GROWTH_WINDOW_S - 1 };

static bool is_limit(struct fact limit)
{
	return fact_known(limit) && limit.v != UINT64_MAX;
}

static void find_level(const struct cgroup_level *level, const char *where,
                       struct finding_list *list)
{
	char current[TEXT_NUMBER], limit[TEXT_NUMBER];
	struct text text;

	if (!fact_known(level->current))
		return;
	if (is_limit(level->max) && is_share(level->current.v, level->max.v, NEAR_PERCENT)) {
		text = finding_add(list, FINDING_CGROUP_NEAR, SEVERITY_ERROR, 0);
		text_addf(&text,
		          "%s holds %s of memory.max %s (%u %%): beyond it the OOM killer runs",
		          where, text_bytes(current, level->current.v),
		          text_bytes(limit, level->max.v),
		          percent_of(level->current.v, level->max.v));
	} else if (is_limit(level->high) && level->current.v > level->high.v) {
		text = finding_add(list, FINDING_CGROUP_NEAR, SEVERITY_WARN, 0);
		text_addf(&text, "%s holds %s, above memory.high %s: its tasks are slowed down",
		          where, text_bytes(current, level->current.v),
		          text_bytes(limit, level->high.v));
	}
}

static void find_cgroup(const struct cgroup_facts *cgroup, struct finding_list *list)
{
	for (size_t i = cgroup->level_count; i-- > 0;)
		find_level(&cgroup->levels[i],
		           i + 1 == cgroup->level_count ? "the cgroup" : "a cgroup above this one",
		           list);
}

static void find_commit(const struct findings_input *input, struct finding_list *list)
{
	const struct system_facts *system = snapshot_system(input->snap);
	const struct commit_facts *commit = input->commit;
	char committed[TEXT_NUMBER], limit[TEXT_NUMBER];
	struct text text;

	if (!system || !commit || fact_or(system->overcommit_memory, 0) != 2)
		return;
	if (!fact_known(commit->committed) || !fact_known(commit->limit) ||
	    !is_share(commit->committed.v, commit->limit.v, NEAR_PERCENT))
		return;
	text = finding_add(list, FINDING_COMMIT_NEAR, SEVERITY_ERROR, 0);
	text_addf(&text,
	          "Committed_AS %s of CommitLimit %s (%u %%) in mode 2: mmap and fork fail beyond",
	          text_bytes(committed, commit->committed.v), text_bytes(limit, commit->limit.v),
	          percent_of(commit->committed.v, commit->limit.v));
}

static void find_rank(const struct findings_input *input, struct finding_list *list)
{
	const struct process_facts *process = snapshot_process(input->snap);
	const struct oom_table *oom = snapshot_oom(input->snap);
	struct text text;

	if (!process || !oom || oom->count < 2 || lx_oom_position(oom, process->id.pid, false) != 1)
		return;
	text = finding_add(list, FINDING_OOM_RANK, SEVERITY_WARN, (uint64_t)process->id.pid);
	text_addf(&text, "the OOM killer would choose this process first of %zu on this host",
	          oom->count);
}

static void find_map_count(const struct snapshot *snap, struct finding_list *list)
{
	const struct system_facts *system = snapshot_system(snap);
	const struct vma_set *vmas = snapshot_vmas(snap);
	char count[TEXT_NUMBER], limit[TEXT_NUMBER];
	struct text text;

	if (!system || !vmas || !fact_known(system->max_map_count) ||
	    !is_share(vmas->count, system->max_map_count.v, NEAR_PERCENT))
		return;
	text = finding_add(list, FINDING_MAP_COUNT, SEVERITY_ERROR, 0);
	text_addf(&text, "%s of %s VMAs allowed (vm.max_map_count): mmap and malloc fail beyond",
	          text_count(count, vmas->count), text_count(limit, system->max_map_count.v));
}

static void add_duration(struct text *text, uint64_t seconds)
{
	if (seconds < 120)
		text_addf(text, "%" PRIu64 " s", seconds);
	else if (seconds < 7200)
		text_addf(text, "%" PRIu64 " min", seconds / 60);
	else
		text_addf(text, "%" PRIu64 " h", seconds / 3600);
}

static const char *limit_name(enum oom_constraint constraint)
{
	return constraint == OOM_CONSTRAINT_MEMCG ? "the cgroup" : "the machine";
}

static void find_ahead(const struct findings_input *input, struct finding_list *list)
{
	const struct first_limit *first = input->first_limit;
	char per_minute[TEXT_NUMBER];
	int64_t rate;
	struct text text;
	uint64_t seconds;

	if (!first || !fact_known(first->room) || !input->history)
		return;
	/* What a start does in its first seconds is no pace. */
	if (history_span(input->history, HISTORY_RSS, 2 * GROWTH_WINDOW_S) < LEAST_SPAN_S)
		return;
	if (!history_rate(input->history, HISTORY_RSS, GROWTH_WINDOW_S, &rate) || rate <= 0)
		return;
	seconds = first->room.v / (uint64_t)rate;
	if (seconds > AHEAD_HOURS * UINT64_C(3600))
		return;
	text = finding_add(list, FINDING_LIMIT_AHEAD, seconds < 600 ? SEVERITY_WARN : SEVERITY_INFO,
	                   0);
	text_addf(&text, "RSS grows by %s a minute: at this pace %s is out of memory in about ",
	          text_bytes(per_minute, (uint64_t)rate * 60), limit_name(first->constraint));
	add_duration(&text, seconds);
}

/* During a freeze the tracer is heaptop itself. */
static void find_traced(const struct snapshot *snap, struct finding_list *list)
{
	const struct process_facts *process = snapshot_process(snap);
	struct text text;

	if (!process || process->tracer_pid <= 0 || snap->sample.is_frozen)
		return;
	text = finding_add(list, FINDING_TRACED, SEVERITY_INFO, (uint64_t)process->tracer_pid);
	text_addf(&text, "process %d traces this one%s", process->tracer_pid,
	          process->state == 't' ? " and holds it: nothing changes until it lets go"
	                                : ", as a debugger does");
}

/* Not 't': that is a tracer, which heaptop itself is during a freeze. */
static void find_stopped(const struct snapshot *snap, struct finding_list *list)
{
	const struct process_facts *process = snapshot_process(snap);
	struct text text;

	if (!process || process->state != 'T')
		return;
	text = finding_add(list, FINDING_STOPPED, SEVERITY_INFO, 0);
	text_add(&text, "the process is stopped by a signal: nothing changes until SIGCONT");
}

void findings_of_limits(const struct findings_input *input, struct finding_list *list)
{
	const struct cgroup_facts *cgroup = snapshot_cgroup(input->snap);

	if (cgroup)
		find_cgroup(cgroup, list);
	find_commit(input, list);
	find_map_count(input->snap, list);
	find_rank(input, list);
	find_ahead(input, list);
	find_traced(input->snap, list);
	find_stopped(input->snap, list);
}
