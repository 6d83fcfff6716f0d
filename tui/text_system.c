/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <string.h>

#include "tui/text_out.h"

enum { RANKING_SHOWN = 8 };

/* --- commit -------------------------------------------------------------------------------------- */

static const char *mode_words(struct fact mode)
{
	if (!fact_known(mode))
		return "unknown";
	switch (mode.v) {
	case 0:
		return "0, heuristic: only a single request beyond RAM and swap is refused";
	case 1:
		return "1, always: nothing is refused";
	case 2:
		return "2, never: requests beyond CommitLimit are refused";
	default:
		return "not one that is known";
	}
}

static void text_headroom(FILE *out, const struct commit_facts *c, struct fact mode)
{
	char room[TEXT_NUMBER];

	for (unsigned i = 0; i < 3; i++)
		(void)fprintf(out, "  %c largest mapping that would pass in mode %u: %s%s%s\n",
		              fact_known(mode) && mode.v == i ? '>' : ' ', i,
		              text_bytes_fact(room, c->headroom[i]),
		              c->decided_by[i] ? ", decided by " : "",
		              c->decided_by[i] ? c->decided_by[i] : "");
}

static void text_commit(FILE *out, const struct report *report, const struct system_facts *sys)
{
	const struct commit_facts *c = &report->commit;
	char limit[TEXT_NUMBER], used[TEXT_NUMBER], share[TEXT_NUMBER], own[TEXT_NUMBER];

	text_heading(out, "COMMIT", "");
	(void)fprintf(out, "  overcommit mode %s\n", mode_words(sys->overcommit_memory));
	(void)fprintf(out, "  Committed_AS %s, %s of CommitLimit %s\n",
	              text_bytes_fact(used, c->committed),
	              text_percent(share, c->committed, c->limit),
	              text_bytes_fact(limit, c->limit));
	(void)fprintf(out, "  this process is charged %s%s\n",
	              text_bytes_fact(own, c->target_charged),
	              c->target_is_estimate ? " (estimate)" : "");
	text_headroom(out, c, sys->overcommit_memory);
}

static void text_host(FILE *out, const struct system_facts *sys)
{
	char total[TEXT_NUMBER], available[TEXT_NUMBER], swap[TEXT_NUMBER], left[TEXT_NUMBER];

	text_heading(out, "SYSTEM", "");
	(void)fprintf(out, "  RAM %s, available %s; swap %s, free %s\n",
	              text_bytes_fact(total, sys->mem_total),
	              text_bytes_fact(available, sys->mem_available),
	              text_bytes_fact(swap, sys->swap_total),
	              text_bytes_fact(left, sys->swap_free));
	if (fact_known(sys->some.avg10) && fact_known(sys->full.avg10))
		(void)fprintf(out,
		              "  memory pressure, last 10 s: some %" PRIu64 ".%02" PRIu64
		              "%%, full %" PRIu64 ".%02" PRIu64 "%%\n",
		              sys->some.avg10.v / 100, sys->some.avg10.v % 100,
		              sys->full.avg10.v / 100, sys->full.avg10.v % 100);
}

/* --- cgroup -------------------------------------------------------------------------------------- */

static char *limit_text(char buf[TEXT_NUMBER], struct fact limit)
{
	if (fact_known(limit) && limit.v == UINT64_MAX)
		(void)snprintf(buf, TEXT_NUMBER, "-");
	else
		text_bytes_fact(buf, limit);
	return buf;
}

static void level_row(FILE *out, const struct cgroup_level *l)
{
	char current[TEXT_NUMBER], high[TEXT_NUMBER], max[TEXT_NUMBER], swap[TEXT_NUMBER];
	char kills[TEXT_NUMBER];

	(void)fprintf(out, "  %12s %12s %12s %12s %10s  ", text_bytes_fact(current, l->current),
	              limit_text(high, l->high), limit_text(max, l->max),
	              limit_text(swap, l->swap_max), text_count_fact(kills, l->events_oom_kill));
	text_foreign(out, l->path, strlen(l->path));
	(void)fputc('\n', out);
}

static void text_cgroup(FILE *out, const struct cgroup_facts *cgroup)
{
	text_heading(out, "CGROUP", cgroup->version == CGROUP_V1 ? "v1" : "v2");
	if (cgroup->unreadable) {
		(void)fprintf(out, "  ! ");
		text_foreign(out, cgroup->unreadable, strlen(cgroup->unreadable));
		(void)fputc('\n', out);
	}
	if (!cgroup->level_count)
		return;
	(void)fprintf(out, "  %12s %12s %12s %12s %10s  %s\n", "current", "high", "max", "swap max",
	              "oom kills", "path, root first");
	for (size_t i = 0; i < cgroup->level_count; i++)
		level_row(out, &cgroup->levels[i]);
}

/* --- oom ----------------------------------------------------------------------------------------- */

static void oom_row(FILE *out, const struct oom_task *t, uint64_t page_size, bool is_target)
{
	char badness[TEXT_NUMBER], rss[TEXT_NUMBER], swap[TEXT_NUMBER], tables[TEXT_NUMBER];
	char score[TEXT_NUMBER];

	(void)fprintf(out, "  %c %8d %6d %6s %14s %12s %12s %11s  ", is_target ? '>' : ' ', t->pid,
	              t->adj, text_count_fact(score, t->score),
	              t->is_eligible ? text_signed(badness, t->badness) : "-",
	              text_bytes(rss, t->rss_pages * page_size),
	              text_bytes(swap, t->swap_pages * page_size),
	              text_bytes(tables, t->pgtables_bytes));
	text_foreign(out, t->comm, strnlen(t->comm, sizeof(t->comm)));
	if (!t->is_eligible && t->why_not)
		(void)fprintf(out, " (never: %s)", t->why_not);
	(void)fputc('\n', out);
}

static void first_limit_line(FILE *out, const struct first_limit *first)
{
	char distance[TEXT_NUMBER];

	(void)fputs("  first limit to bite: ", out);
	if (first->level)
		text_foreign(out, first->level->path, strlen(first->level->path));
	else
		(void)fputs(first->constraint == OOM_CONSTRAINT_NONE ? "the machine's RAM and swap"
		                                                     : "this task's memory nodes",
		            out);
	(void)fprintf(out, ", %s away\n", text_bytes_fact(distance, first->distance));
}

static void rank_line(FILE *out, const struct report *report, const struct oom_table *table)
{
	const struct oom_task *task = report->task;
	uint32_t rank = lx_oom_position(table, task->pid, false);
	uint32_t within = lx_oom_position(table, task->pid, true);
	char score[TEXT_NUMBER], badness[TEXT_NUMBER];

	(void)fprintf(out, "  score %s, adj %d, ", text_count_fact(score, task->score), task->adj);
	if (task->is_eligible)
		(void)fprintf(out, "badness %s pages, rank %u of %zu",
		              text_signed(badness, task->badness), rank, table->count);
	else
		(void)fprintf(out, "never chosen: %s", task->why_not ? task->why_not : "?");
	if (task->is_eligible && report->first.constraint != OOM_CONSTRAINT_NONE && within)
		(void)fprintf(out, ", rank %u where the first limit bites", within);
	(void)fputc('\n', out);
}

static void text_oom(FILE *out, const struct report *report, const struct oom_table *table)
{
	const struct system_facts *sys = snapshot_system(report->snap);
	uint64_t page_size = sys && sys->page_size ? sys->page_size : 4096;
	size_t shown = table->count < RANKING_SHOWN ? table->count : RANKING_SHOWN;
	bool seen = false;

	text_heading(out, "OOM", "who would be killed, worst first");
	first_limit_line(out, &report->first);
	if (report->task)
		rank_line(out, report, table);
	(void)fprintf(out, "    %8s %6s %6s %14s %12s %12s %11s  %s\n", "pid", "adj", "score",
	              "badness", "rss", "swap", "page tables", "command");
	for (size_t i = 0; i < shown; i++) {
		const struct oom_task *t = &table->tasks[i];
		bool is_target = report->task && t->pid == report->task->pid;

		oom_row(out, t, page_size, is_target);
		seen = seen || is_target;
	}
	if (report->task && !seen)
		oom_row(out, report->task, page_size, true);
	if (table->unreadable)
		(void)fprintf(out, "  ! %" PRIu64 " processes could not be read\n",
		              table->unreadable);
}

void text_system(FILE *out, const struct report *report)
{
	const struct system_facts *sys = snapshot_system(report->snap);
	const struct cgroup_facts *cgroup = snapshot_cgroup(report->snap);
	const struct oom_table *table = snapshot_oom(report->snap);

	if (sys) {
		text_host(out, sys);
		text_commit(out, report, sys);
	}
	if (cgroup && cgroup->version != CGROUP_NONE)
		text_cgroup(out, cgroup);
	if (table)
		text_oom(out, report, table);
}
