/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `heaptop oom` as JSON and as text. */
#include <inttypes.h>
#include <string.h>

#include "model/base/text.h"
#include "tui/json_stream.h"
#include "tui/oom_case.h"
#include "tui/report.h"
#include "tui/text_out.h"

/* --- JSON ------------------------------------------------------------------------------------- */

static json_t *comm_json(const struct oom_task *task)
{
	return json_text(task->comm, strnlen(task->comm, sizeof(task->comm)));
}

static json_t *victim_json(const struct oom_verdict *verdict)
{
	if (!verdict->victim)
		return json_null();
	return json_pack("{s:i s:o s:I}", "pid", verdict->victim->pid, "comm",
	                 comm_json(verdict->victim), "points", (json_int_t)verdict->points);
}

static json_t *task_json(const struct oom_case *oom, const struct oom_task *task)
{
	return json_pack(
	        "{s:i s:o s:o s:i s:o s:o s:o s:o s:b s:o}", "pid", task->pid, "comm",
	        comm_json(task), "score", json_fact(oom_case_score(oom, task)), "adj", task->adj,
	        "badness", task->is_eligible ? json_integer(task->badness) : json_null(), "rss",
	        json_number(task->rss_pages), "swap", json_number(task->swap_pages), "pgtables",
	        json_number(task->pgtables_bytes), "eligible", task->is_eligible, "why_not",
	        task->is_eligible ? json_null() : json_word(task->why_not));
}

/* Who dies with the victim, as a list of pids. */
static void put_group(struct json_stream *stream, const struct oom_case *oom)
{
	const struct oom_verdict *verdict = &oom->verdict;

	json_stream_open(stream, "group", '[');
	for (size_t i = 0; verdict->group_count && i < oom->table.count; i++)
		if (lx_oom_dies_with(oom->rules, verdict->victim, &oom->table.tasks[i]))
			json_stream_put(stream, NULL, json_integer(oom->table.tasks[i].pid));
	json_stream_close(stream, ']');
}

bool oom_case_write_json(FILE *out, const struct oom_case *oom)
{
	struct json_stream stream = { .out = out };
	const struct oom_verdict *verdict = &oom->verdict;

	json_stream_open(&stream, NULL, '{');
	json_stream_put(&stream, "victim", victim_json(verdict));
	json_stream_put(&stream, "schema", json_string("heaptop.oom/1"));
	json_stream_put(&stream, "outcome", json_string(lx_outcome_word(verdict->outcome)));
	json_stream_put(&stream, "why", json_word(verdict->why));
	json_stream_put(&stream, "instead_of",
	                verdict->instead_of ? json_integer(verdict->instead_of->pid) : json_null());
	put_group(&stream, oom);
	json_stream_put(&stream, "constraint", json_string(constraint_word(oom->call.constraint)));
	json_stream_put(&stream, "cgroup", json_word(oom->cgroup));
	json_stream_put(&stream, "totalpages", json_number(oom->table.totalpages));
	json_stream_put(&stream, "mem_total", json_number(oom->mem_total_pages));
	json_stream_put(&stream, "swap_total", json_number(oom->swap_total_pages));
	json_stream_put(&stream, "rules", json_string(oom->rules->name));
	json_stream_put(&stream, "unreadable", json_number(oom->table.unreadable));
	json_stream_open(&stream, "ranking", '[');
	for (size_t i = 0; i < oom->table.count; i++)
		json_stream_put(&stream, NULL, task_json(oom, &oom->table.tasks[i]));
	json_stream_close(&stream, ']');
	json_stream_close(&stream, '}');
	(void)fputc('\n', out);
	return !stream.failed;
}

/* --- text ------------------------------------------------------------------------------------- */

static void write_pages(FILE *out, const struct oom_case *oom, uint64_t pages)
{
	char count[TEXT_NUMBER], bytes[TEXT_NUMBER];
	uint64_t size;

	if (__builtin_mul_overflow(pages, oom->page_size, &size))
		(void)fprintf(out, "%s pages", text_count(count, pages));
	else
		(void)fprintf(out, "%s pages (%s)", text_count(count, pages),
		              text_bytes(bytes, size));
}

static void write_foreign(FILE *out, const char *text)
{
	text_foreign(out, text, strlen(text));
}

static void write_comm(FILE *out, const struct oom_task *task)
{
	text_foreign(out, task->comm, strnlen(task->comm, sizeof(task->comm)));
}

static void write_head(FILE *out, const struct oom_case *oom)
{
	char weight[TEXT_NUMBER];

	(void)fprintf(out, "if memory ran out: ");
	if (oom->cgroup)
		write_foreign(out, oom->cgroup);
	else
		(void)fputs(oom->call.constraint == OOM_CONSTRAINT_MEMCG ? "a memory cgroup"
		                                                         : "the whole machine",
		            out);
	if (oom->file) {
		(void)fputs(", as given in ", out);
		write_foreign(out, oom->file);
	}
	(void)fprintf(out, "; rules of Linux %s and later\n  RAM         ", oom->rules->name);
	write_pages(out, oom, oom->mem_total_pages);
	(void)fputs("\n  swap        ", out);
	write_pages(out, oom, oom->swap_total_pages);
	(void)fprintf(out, "\n  constraint  %s\n  totalpages  ",
	              constraint_word(oom->call.constraint));
	write_pages(out, oom, oom->table.totalpages);
	(void)fprintf(out, "; one point of oom_score_adj weighs %s pages\n",
	              text_count(weight, oom->table.totalpages / 1000));
}

/* rss + swap + page tables + adj x totalpages/1000, with what old kernels do to the sum. */
static void write_sum(FILE *out, const struct oom_case *oom, const struct oom_task *task)
{
	char rss[TEXT_NUMBER], swap[TEXT_NUMBER], tables[TEXT_NUMBER], points[TEXT_NUMBER];
	char weight[TEXT_NUMBER];

	(void)fprintf(out, "  rss %s + swap %s + page tables %s", text_count(rss, task->rss_pages),
	              text_count(swap, task->swap_pages),
	              text_count(tables, task->pgtables_bytes / oom->page_size));
	if (oom->rules->oom_root_bonus && (task->flags & OOM_TASK_SYS_ADMIN))
		(void)fputs(" - 3 % (CAP_SYS_ADMIN)", out);
	(void)fprintf(out, " + adj %d x %s = %s pages\n", task->adj,
	              text_count(weight, oom->table.totalpages / 1000),
	              text_signed(points, task->badness));
}

static void write_verdict(FILE *out, const struct oom_case *oom)
{
	const struct oom_verdict *verdict = &oom->verdict;
	char points[TEXT_NUMBER];

	if (!verdict->victim) {
		(void)fprintf(out, "\nnobody would be killed: %s%s\n",
		              verdict->outcome == OOM_OUTCOME_PANIC ? "the kernel would panic, "
		                                                    : "",
		              verdict->why);
		return;
	}
	(void)fprintf(out, "\nvictim: %d ", verdict->victim->pid);
	write_comm(out, verdict->victim);
	(void)fprintf(out, ", %s points: %s\n", text_signed(points, verdict->points), verdict->why);
	if (verdict->instead_of) {
		(void)fprintf(out, "  it dies in the place of its parent %d ",
		              verdict->instead_of->pid);
		write_comm(out, verdict->instead_of);
		(void)fputc('\n', out);
	}
	if (verdict->group_count)
		(void)fprintf(out, "  memory.oom.group: %zu more die with it\n",
		              verdict->group_count);
	if (!(verdict->victim->flags & OOM_TASK_ORIGIN))
		write_sum(out, oom, verdict->victim);
}

static void write_row(FILE *out, const struct oom_case *oom, const struct oom_task *task)
{
	char score[TEXT_NUMBER], points[TEXT_NUMBER], rss[TEXT_NUMBER], swap[TEXT_NUMBER],
	        tables[TEXT_NUMBER];

	(void)fprintf(out, "%7d %5d %5s %11s %10s %10s %10s  ", task->pid, task->adj,
	              text_count_fact(score, oom_case_score(oom, task)),
	              text_signed(points, task->badness), text_count(rss, task->rss_pages),
	              task->is_partial ? "?" : text_count(swap, task->swap_pages),
	              task->is_partial ? "?" : text_count(tables, task->pgtables_bytes));
	write_comm(out, task);
	(void)fputc('\n', out);
}

static void write_ranking(FILE *out, const struct oom_case *oom)
{
	struct oom_task sum = { 0 };
	char rss[TEXT_NUMBER], swap[TEXT_NUMBER], tables[TEXT_NUMBER], count[TEXT_NUMBER];
	size_t shown = 0;

	(void)fputs("\nranking; badness, rss and swap in pages, page tables in bytes", out);
	(void)fprintf(out, "\n%7s %5s %5s %11s %10s %10s %10s  %s\n", "pid", "adj", "score",
	              "badness", "rss", "swap", "pgtables", "command");
	for (; shown < oom->table.count && oom->table.tasks[shown].is_eligible; shown++) {
		const struct oom_task *task = &oom->table.tasks[shown];

		write_row(out, oom, task);
		sum.rss_pages += task->rss_pages;
		sum.swap_pages += task->swap_pages;
		sum.pgtables_bytes += task->pgtables_bytes;
	}
	(void)fprintf(out, "%7s %5s %5s %11s %10s %10s %10s  %s task%s\n", "total", "", "", "",
	              text_count(rss, sum.rss_pages), text_count(swap, sum.swap_pages),
	              text_count(tables, sum.pgtables_bytes), text_count(count, shown),
	              shown == 1 ? "" : "s");
}

/* Kernel threads are a crowd without interest: only their number. */
static void write_protected(FILE *out, const struct oom_case *oom)
{
	size_t kthreads = 0;
	bool has_title = false;

	for (size_t i = 0; i < oom->table.count; i++) {
		const struct oom_task *task = &oom->table.tasks[i];

		if (task->is_eligible)
			continue;
		if (task->flags & OOM_TASK_KTHREAD) {
			kthreads++;
			continue;
		}
		(void)fprintf(out, "%s%7d  %s: ", has_title ? "" : "\nnever chosen\n", task->pid,
		              task->why_not);
		has_title = true;
		write_comm(out, task);
		(void)fputc('\n', out);
	}
	if (kthreads)
		(void)fprintf(out, "%sand %zu kernel threads\n",
		              has_title ? "" : "\nnever chosen: ", kthreads);
	if (oom->table.unreadable)
		(void)fprintf(out,
		              "\nup to %" PRIu64
		              " processes are hidden or unreadable: the ranking is without them\n",
		              oom->table.unreadable);
}

void oom_case_write_text(FILE *out, const struct oom_case *oom)
{
	write_head(out, oom);
	write_verdict(out, oom);
	write_ranking(out, oom);
	write_protected(out, oom);
}
