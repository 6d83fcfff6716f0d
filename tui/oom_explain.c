/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commit·OOM: the arithmetic behind one row of the ranking. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tui/view_oom.h"
#include "tui/view_parts.h"

static void add_term(struct text *to, const char *sign, const char *label, int64_t pages)
{
	char number[TEXT_NUMBER];

	text_addf(to, "\n  %s %-28s %16s pages", sign, label, text_signed(number, pages));
}

static void add_sum(const struct oom_task *task, uint64_t totalpages, uint64_t page_size,
                    struct text *to)
{
	char label[48];

	add_term(to, " ", "resident", (int64_t)task->rss_pages);
	if (task->is_partial) {
		text_addf(to, "\n  + %-28s %16s pages", "swapped, page tables", "?");
	} else {
		add_term(to, "+", "swapped", (int64_t)task->swap_pages);
		add_term(to, "+", "page tables", (int64_t)(task->pgtables_bytes / page_size));
	}
	(void)snprintf(label, sizeof(label), "adj %d x (%" PRIu64 " / 1000)", task->adj,
	               totalpages);
	add_term(to, "+", label, task->adj * (int64_t)(totalpages / 1000));
	add_term(to, "=", "badness", task->badness);
}

void oom_explain(const struct view_frame *frame, const struct oom_task *task, struct view_words *to)
{
	const struct oom_table *oom = snapshot_oom(frame->snap);
	const struct system_facts *sys = snapshot_system(frame->snap);
	uint64_t totalpages = task->in_domain && oom->domain_totalpages ? oom->domain_totalpages
	                                                                : oom->totalpages;
	char comm[3 * sizeof(task->comm)], score[TEXT_NUMBER];

	text_clean(comm, sizeof(comm), task->comm, strnlen(task->comm, sizeof(task->comm)));
	text_addf(&to->title, "%s (%d)", comm, task->pid);
	if (!task->is_eligible) {
		text_addf(&to->body, "It is never chosen: %s.",
		          task->why_not ? task->why_not : "?");
	} else {
		text_addf(&to->body, "Rank %u of the %zu processes on this host.\n",
		          lx_oom_position(oom, task->pid, false), oom->count);
		add_sum(task, totalpages, sys && sys->page_size ? sys->page_size : 4096, &to->body);
		if (task->is_partial)
			text_add(&to->body, "\nIts swap and page tables could not be read: they "
			                    "are missing in the sum.");
	}
	text_addf(&to->body,
	          "\n\n/proc/%d/oom_score says %s: the same sum in thousandths of all memory, "
	          "rounded and "
	          "shifted, always with the host's memory, even inside a cgroup. The kernel "
	          "compares badness.",
	          task->pid, text_count_fact(score, task->score));
	text_add(&to->body, "\n\nsource: Linux mm/oom_kill.c:oom_badness; statm, status and "
	                    "oom_score_adj in /proc");
}
