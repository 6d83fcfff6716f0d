/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `heaptop simulate --json`: a line for each operation, then {"summary":{…}}. */
#include <inttypes.h>
#include <string.h>

#include "model/sim/why_text.h"
#include "tui/json_stream.h"
#include "tui/simulate.h"

/* Numbers need no library to be written: there is nothing in them to escape. */
static void put_hex(struct json_stream *out, const char *key, uint64_t number)
{
	json_stream_key(out, key);
	(void)fprintf(out->out, "\"0x%" PRIx64 "\"", number);
}

static void put_count(struct json_stream *out, const char *key, int64_t number)
{
	json_stream_key(out, key);
	(void)fprintf(out->out, "%" PRId64, number);
}

/* What a size word says that was overwritten may not fit an int64_t. */
static void put_size(struct json_stream *out, const char *key, uint64_t bytes)
{
	json_stream_key(out, key);
	(void)fprintf(out->out, "%" PRIu64, bytes);
}

/* --- system calls --------------------------------------------------------------------------------- */

static void put_call_result(struct json_stream *out, const struct sys_call *call)
{
	const char *word = sys_failed(call->result) ? errno_word((int)-call->result) : NULL;

	json_stream_key(out, NULL);
	if (word)
		(void)fprintf(out->out, "\"-%s\"", word);
	else
		(void)fprintf(out->out, "\"0x%" PRIx64 "\"", (uint64_t)call->result);
}

static void put_call(struct json_stream *out, const struct sys_call *call)
{
	enum sys_nr nr = (enum sys_nr)call->nr;

	json_stream_open(out, NULL, '[');
	json_stream_key(out, NULL);
	(void)fprintf(out->out, "\"%s\"", sys_name(nr));
	json_stream_open(out, NULL, '[');
	for (unsigned i = 0; i < sys_arg_count(nr); i++) {
		if (!sys_is_no_file(call, i)) {
			put_hex(out, NULL, call->arg[i]);
			continue;
		}
		json_stream_key(out, NULL);
		(void)fputs("\"-1\"", out->out);
	}
	json_stream_close(out, ']');
	put_call_result(out, call);
	json_stream_close(out, ']');
}

static void put_calls(struct json_stream *out, const struct sys *sys)
{
	json_stream_open(out, "syscalls", '[');
	for (size_t i = 0; i < sys->count; i++)
		put_call(out, &sys->calls[i]);
	json_stream_close(out, ']');
}

/* --- the parts of a line -------------------------------------------------------------------------- */

static void put_path(struct json_stream *out, const struct why *why)
{
	struct why_words words;

	json_stream_open(out, "path", '[');
	for (size_t i = 0; i < why->count; i++) {
		why_words(&why->at[i], &words);
		json_stream_open(out, NULL, '{');
		json_stream_put(out, "fn", json_string(words.fn));
		json_stream_put(out, "why", json_string(words.why));
		json_stream_put(out, "took", json_string(words.took));
		put_count(out, "depth", why->at[i].depth);
		json_stream_key(out, "enter");
		(void)fputs(why->at[i].is_enter ? "true" : "false", out->out);
		json_stream_close(out, '}');
	}
	json_stream_close(out, ']');
	if (why->lost)
		json_stream_put(out, "path_lost", json_true());
}

static void put_vma(struct json_stream *out, const struct lx_mm *mm, const struct lx_vma *vma)
{
	const char *name = lx_vma_name(mm, vma);
	char perms[5];

	json_stream_open(out, NULL, '[');
	put_hex(out, NULL, vma->start);
	put_hex(out, NULL, vma->end);
	json_stream_put(out, NULL, json_string(vma_prot_text(perms, lx_vma_prot(vma))));
	json_stream_put(out, NULL, json_text(name, strlen(name)));
	json_stream_close(out, ']');
}

static void put_vmas(struct json_stream *out, const struct lx_mm *mm)
{
	json_stream_open(out, "vmas", '[');
	for (size_t i = 0; i < lx_mm_count(mm); i++)
		put_vma(out, mm, lx_mm_at(mm, i));
	json_stream_close(out, ']');
}

static json_t *outcome_json(const struct op_result *result)
{
	char text[sizeof(result->outcome_text) + 16];

	if (!result->outcome_text[0])
		return json_string(outcome_word(result->outcome));
	(void)snprintf(text, sizeof(text), "%s: %s", outcome_word(result->outcome),
	               result->outcome_text);
	return json_text(text, strlen(text));
}

static void put_kill(struct json_stream *out, const struct lx_kill *kill)
{
	json_stream_open(out, NULL, '{');
	put_count(out, "pid", kill->pid);
	json_stream_put(out, "comm",
	                json_text(kill->comm, strnlen(kill->comm, sizeof(kill->comm))));
	put_count(out, "points", kill->points);
	json_stream_put(out, "constraint", json_string(kill->cgroup ? "memcg" : "none"));
	json_stream_put(out, "cgroup", json_word(kill->cgroup));
	put_count(out, "page", (int64_t)kill->page);
	put_count(out, "with_it", (int64_t)kill->group_count);
	json_stream_close(out, '}');
}

/* Only of operations that met a limit. */
static void put_pressure(struct json_stream *out, const struct lx_pressure *pressure)
{
	if (pressure->reclaimed)
		put_count(out, "reclaimed_estimate", (int64_t)pressure->reclaimed);
	if (pressure->is_throttled)
		json_stream_put(out, "throttled", json_true());
	if (!pressure->kill_count)
		return;
	json_stream_open(out, "kills", '[');
	for (size_t i = 0; i < pressure->kill_count && i < LX_KILLS; i++)
		put_kill(out, &pressure->kills[i]);
	json_stream_close(out, ']');
	if (pressure->kill_count > LX_KILLS)
		put_count(out, "kill_count", (int64_t)pressure->kill_count);
}

static void put_values(struct json_stream *out, const struct op_result *result)
{
	if (result->has_addr)
		put_hex(out, "addr", result->addr);
	if (result->has_block) {
		put_size(out, "usable", result->usable);
		put_hex(out, "hdr", result->size_word);
	}
	if (result->has_ret)
		put_count(out, "ret", result->ret);
	if (result->has_dtv) {
		put_hex(out, "dtv", result->dtv);
		put_size(out, "dtv_usable", result->dtv_usable);
	}
	if (result->is_skipped)
		json_stream_put(out, "skipped", json_true());
}

void json_simulate_result(struct simulate_output *output, const struct op_result *result)
{
	struct json_stream out = { .out = output->to };

	json_stream_open(&out, NULL, '{');
	put_count(&out, "n", (int64_t)result->n);
	json_stream_put(&out, "thread", json_text(result->thread, strlen(result->thread)));
	json_stream_put(&out, "op", json_text(result->op->text, result->op->text_len));
	put_values(&out, result);
	put_count(&out, "errno", result->error);
	put_calls(&out, result->sys);
	put_count(&out, "commit_pages", result->commit_pages);
	put_count(&out, "rss_pages", result->rss_pages);
	if (result->huge_faults)
		put_count(&out, "huge_pages_estimate", (int64_t)result->huge_faults);
	if (result->band_pages)
		put_count(&out, "band_pages", (int64_t)result->band_pages);
	put_pressure(&out, &result->pressure);
	json_stream_put(&out, "outcome", outcome_json(result));
	if (output->explain && result->why)
		put_path(&out, result->why);
	if (output->vmas)
		put_vmas(&out, output->world->mm);
	json_stream_close(&out, '}');
	(void)fputc('\n', output->to);
	output->failed = output->failed || out.failed || result->sys->lost;
}

/* --- the end --------------------------------------------------------------------------------------- */

static json_t *outcomes_json(const struct simulate_summary *summary)
{
	json_t *json = json_object();

	for (int i = 0; i < OUTCOME_COUNT; i++)
		json_add(&json, outcome_word((enum outcome)i), json_number(summary->outcomes[i]));
	return json;
}

void json_simulate_end(struct simulate_output *output, const struct simulate_summary *summary)
{
	const struct world *world = output->world;
	struct json_stream out = { .out = output->to };
	char glibc[16];

	(void)snprintf(glibc, sizeof(glibc), "2.%d", world->why.glibc_minor);
	json_stream_open(&out, NULL, '{');
	json_stream_open(&out, "summary", '{');
	json_stream_put(&out, "operations", json_number(summary->operations));
	json_stream_put(&out, "skipped", json_number(summary->skipped));
	json_stream_put(&out, "outcomes", outcomes_json(summary));
	json_stream_put(&out, "complete", json_boolean(summary->is_whole));
	json_stream_put(&out, "limit_reached", json_boolean(summary->is_limited));
	json_stream_put(&out, "syscalls", json_number(summary->syscalls));
	put_count(&out, "commit_pages", summary->commit_pages);
	put_count(&out, "rss_pages", summary->rss_pages);
	put_hex(&out, "brk", lx_mm_brk(world->mm));
	json_stream_put(&out, "vmas", json_number(lx_mm_count(world->mm)));
	json_stream_put(&out, "charged_pages", json_number(lx_mm_charged_pages(world->mm)));
	put_count(&out, "committed_pages", lx_mm_committed(world->mm));
	json_stream_put(&out, "commit_limit_pages",
	                json_number(lx_commit_limit(lx_mm_commit_state(world->mm))));
	json_stream_put(&out, "from", json_word(world->started_from));
	json_stream_put(&out, "glibc", json_string(glibc));
	json_stream_put(&out, "note", json_word(world->note));
	json_stream_close(&out, '}');
	json_stream_close(&out, '}');
	(void)fputc('\n', output->to);
	output->failed = output->failed || out.failed;
}
