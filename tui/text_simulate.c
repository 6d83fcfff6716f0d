/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `heaptop simulate` for people: a row for each operation, below it its system calls and its path. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "model/base/text.h"
#include "model/base/units.h"
#include "model/sim/why_text.h"
#include "tui/simulate.h"
#include "tui/text_out.h"

enum { THREAD_WIDTH = 10, OP_WIDTH = 34, FACTS_AT = 8 + 2 + THREAD_WIDTH + 1 + OP_WIDTH };

void text_simulate_begin(struct simulate_output *out)
{
	const struct world *world = out->world;

	(void)fprintf(out->to, "base %s, glibc 2.%d", world->started_from, world->why.glibc_minor);
	if (world->note[0]) {
		(void)fputs("; ", out->to);
		text_foreign(out->to, world->note, strlen(world->note));
	}
	(void)fprintf(out->to, "\n\n%8s  %-*s %-*s %-18s %13s %8s %7s  %s\n", "n", THREAD_WIDTH,
	              "thread", OP_WIDTH, "operation", "address", "usable", "commit", "rss",
	              "outcome");
	(void)fprintf(out->to, "%*s %-18s %13s %8s %7s\n", FACTS_AT, "", "", "bytes", "pages",
	              "pages");
}

/* The columns behind begin in the same place in each row: a long name or operation has a line for itself. */
static void put_op(struct simulate_output *out, const struct op_result *r)
{
	const size_t thread_len = strlen(r->thread), op_len = r->op->text_len, number = 8 + 2;
	size_t used = number + max_u64(thread_len, THREAD_WIDTH) + 1 + op_len;

	(void)fprintf(out->to, "%8" PRIu64 "  ", r->n);
	text_foreign(out->to, r->thread, thread_len);
	(void)fprintf(out->to, "%*s ",
	              thread_len < THREAD_WIDTH ? (int)(THREAD_WIDTH - thread_len) : 0, "");
	/* A cut in the middle of a character is cleaned as an invalid byte would be. */
	text_foreign(out->to, r->op->text, op_len);
	if (used > FACTS_AT) {
		(void)fputc('\n', out->to);
		used = 0;
	}
	(void)fprintf(out->to, "%*s ", (int)(FACTS_AT - used), "");
}

static void put_address(struct simulate_output *out, const struct op_result *r)
{
	char text[32] = "-", usable[TEXT_NUMBER] = "-";

	if (r->has_dtv)
		(void)snprintf(text, sizeof(text), "dtv %" PRIx64, r->dtv);
	else if (r->has_addr && r->addr)
		(void)text_addr(text, r->addr);
	else if (r->has_addr)
		(void)text_copy(text, sizeof(text), "0");
	else if (r->has_ret)
		(void)snprintf(text, sizeof(text), "= %" PRId64, r->ret);
	if (r->has_block)
		(void)text_count(usable, r->usable);
	(void)fprintf(out->to, "%-18s %13s ", text, usable);
}

/* The error that the call returned; 0: it did what it was asked for, whatever it has left in errno. */
static int call_error(const struct op_result *r)
{
	if (r->op->kind == OP_POSIX_MEMALIGN && r->has_ret)
		return (int)r->ret;
	return (r->has_addr && !r->addr) || (r->has_ret && r->ret < 0) ? r->error : 0;
}

static void put_error(FILE *out, int error)
{
	const char *word = errno_word(error);

	if (word)
		(void)fputs(word, out);
	else
		(void)fprintf(out, "errno %d", error);
}

static void put_outcome(struct simulate_output *out, const struct op_result *r)
{
	int error = call_error(r);
	bool has_failed = error && r->outcome == OUTCOME_OK;

	(void)fputs(r->is_skipped ? "skipped"
	            : has_failed  ? "failed"
	                          : outcome_word(r->outcome),
	            out->to);
	if (r->outcome_text[0]) {
		(void)fputs(": ", out->to);
		text_foreign(out->to, r->outcome_text, strlen(r->outcome_text));
	} else if (error || r->error) {
		(void)fputs(error || r->outcome == OUTCOME_ENOMEM ? " (" : " (errno is left at ",
		            out->to);
		put_error(out->to, error ? error : r->error);
		(void)fputc(')', out->to);
	}
	if (r->huge_faults)
		(void)fprintf(out->to,
		              "; with %" PRIu64 " huge page%s, an estimate: where none is free "
		              "there is a page in its place",
		              r->huge_faults, r->huge_faults == 1 ? "" : "s");
	if (r->band_pages)
		(void)fprintf(out->to,
		              "; or the contrary: Committed_AS as the kernel reads it is off by up "
		              "to %" PRIu64 " pages",
		              r->band_pages);
	(void)fputc('\n', out->to);
}

/* What reclaim gave, and who died while the operation waited. */
static void put_pressure(FILE *out, const struct lx_pressure *pressure)
{
	char number[TEXT_NUMBER];

	if (pressure->reclaimed)
		(void)fprintf(out, "%20s ~%s pages reclaimed (estimate)\n", "",
		              text_count(number, pressure->reclaimed));
	if (pressure->is_throttled)
		(void)fprintf(out, "%20s above memory.high: slowed down, not killed\n", "");
	for (size_t i = 0; i < pressure->kill_count && i < LX_KILLS; i++) {
		const struct lx_kill *kill = &pressure->kills[i];

		(void)fprintf(out, "%20s killed: %d ", "", kill->pid);
		text_foreign(out, kill->comm, strnlen(kill->comm, sizeof(kill->comm)));
		(void)fprintf(out, ", %s points, after %s pages; short: ",
		              text_signed(number, kill->points),
		              text_count((char[TEXT_NUMBER]){ 0 }, kill->page));
		if (kill->cgroup)
			text_foreign(out, kill->cgroup, strlen(kill->cgroup));
		else
			(void)fputs("the machine", out);
		if (kill->group_count)
			(void)fprintf(out, "; %zu more by memory.oom.group", kill->group_count);
		(void)fputc('\n', out);
	}
}

static void put_argument(FILE *out, const struct sys_call *call, unsigned i)
{
	(void)fputs(i ? ", " : "", out);
	if (sys_is_no_file(call, i))
		(void)fputs("-1", out);
	else
		(void)fprintf(out, "0x%" PRIx64, call->arg[i]);
}

static void put_calls(struct simulate_output *out, const struct sys *sys)
{
	for (size_t i = 0; i < sys->count; i++) {
		const struct sys_call *call = &sys->calls[i];
		const char *word = sys_failed(call->result) ? errno_word((int)-call->result) : NULL;

		(void)fprintf(out->to, "%20s %s(", "", sys_name((enum sys_nr)call->nr));
		for (unsigned a = 0; a < sys_arg_count((enum sys_nr)call->nr); a++)
			put_argument(out->to, call, a);
		if (word)
			(void)fprintf(out->to, ") = -%s\n", word);
		else
			(void)fprintf(out->to, ") = 0x%" PRIx64 "\n", (uint64_t)call->result);
	}
}

/* --- the path ---------------------------------------------------------------------------------------- */

/*
 * Of each event, a bit for every depth at which another one follows before the tree goes back above it;
 * in one pass, since a path may have a hundred thousand events. NULL when out of memory.
 */
static uint64_t *find_siblings(const struct why *why)
{
	uint64_t *siblings = malloc((why->count + 1) * sizeof(*siblings)), after = 0;

	for (size_t i = why->count; siblings && i--;) {
		unsigned depth = why->at[i].depth;

		siblings[i] = after;
		after = (after & ((UINT64_C(2) << depth) - 1)) | UINT64_C(1) << depth;
	}
	return siblings;
}

static void put_event(struct simulate_output *out, const struct why_event *event, uint64_t siblings)
{
	struct why_words words;

	why_words(event, &words);
	(void)fprintf(out->to, "%20s ", "");
	for (unsigned depth = 1; depth < event->depth; depth++)
		(void)fputs(siblings >> depth & 1 ? "│ " : "  ", out->to);
	if (event->depth)
		(void)fputs(siblings >> event->depth & 1 ? "├ " : "└ ", out->to);
	if (event->is_enter)
		(void)fprintf(out->to, "%s(%s)\n", words.fn, words.why);
	else
		(void)fprintf(out->to, "%s%s%s\n", words.why, words.took[0] ? "  → " : "",
		              words.took);
}

static void put_path(struct simulate_output *out, const struct why *why)
{
	uint64_t *siblings = find_siblings(why);

	for (size_t i = 0; siblings && i < why->count; i++)
		put_event(out, &why->at[i], siblings[i]);
	out->failed = out->failed || !siblings;
	free(siblings);
	if (why->lost)
		(void)fprintf(out->to,
		              "%20s (more was lost: too much, too deep, or out of memory)\n", "");
}

static void put_vmas(struct simulate_output *out)
{
	const struct lx_mm *mm = out->world->mm;

	for (size_t i = 0; i < lx_mm_count(mm); i++) {
		const struct lx_vma *vma = lx_mm_at(mm, i);
		const char *name = lx_vma_name(mm, vma);
		char perms[5];

		(void)fprintf(out->to, "%20s %012" PRIx64 "-%012" PRIx64 " %s ", "", vma->start,
		              vma->end, vma_prot_text(perms, lx_vma_prot(vma)));
		text_foreign(out->to, name, strlen(name));
		(void)fputc('\n', out->to);
	}
}

void text_simulate_result(struct simulate_output *out, const struct op_result *r)
{
	put_op(out, r);
	put_address(out, r);
	(void)fprintf(out->to, "%+8" PRId64 " %+7" PRId64 "  ", r->commit_pages, r->rss_pages);
	put_outcome(out, r);
	put_pressure(out->to, &r->pressure);
	put_calls(out, r->sys);
	if (out->explain && r->why)
		put_path(out, r->why);
	if (out->vmas)
		put_vmas(out);
	out->failed = out->failed || r->sys->lost;
}

void text_simulate_end(struct simulate_output *out, const struct simulate_summary *s)
{
	char count[TEXT_NUMBER], calls[TEXT_NUMBER];

	(void)fprintf(out->to,
	              "\n%s operations, %s system calls, commit %+" PRId64 " pages, rss %+" PRId64
	              " pages",
	              text_count(count, s->operations), text_count(calls, s->syscalls),
	              s->commit_pages, s->rss_pages);
	for (int i = 1; i < OUTCOME_COUNT; i++)
		if (s->outcomes[i])
			(void)fprintf(out->to, ", %s %s", text_count(count, s->outcomes[i]),
			              outcome_word((enum outcome)i));
	if (s->skipped)
		(void)fprintf(out->to, ", %s skipped", text_count(count, s->skipped));
	if (s->is_limited)
		(void)fputs("; --limit reached", out->to);
	else if (!s->is_whole)
		(void)fputs("; the scenario was not run to its end", out->to);
	(void)fputc('\n', out->to);
}
