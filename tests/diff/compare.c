/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "tests/diff/compare.h"
#include "tests/diff/predict.h"

/* --- one operation -------------------------------------------------------------------------------------- */

static bool same_calls(const struct predicted *p, const struct call *real, size_t count)
{
	if (p->is_more ? count <= PREDICTED_CALLS_MAX : count != p->call_count)
		return false;
	for (size_t i = 0; i < p->call_count; i++)
		if (p->calls[i].kind != real[i].kind || p->calls[i].result != real[i].result ||
		    memcmp(p->calls[i].arg, real[i].arg,
		           call_args[real[i].kind] * sizeof(uint64_t)) != 0)
			return false;
	return true;
}

/* The name of the first thing that differs; NULL: none. */
static const char *difference(const struct predicted *p, const struct diff_record *real)
{
	const bool is_block = real->has & DIFF_HAS_BLOCK;

	if (real->has & DIFF_IS_SKIPPED)
		return p->has & SAYS_SKIPPED ? NULL : "skipped";
	if (real->has & DIFF_HAS_ADDR && (p->has & SAYS_ADDR ? p->addr : 0) != real->addr)
		return "addr";
	if (is_block && (!(p->has & SAYS_USABLE) || p->usable != real->usable))
		return "usable";
	if (is_block && (!(p->has & SAYS_HDR) || p->hdr != real->hdr))
		return "hdr";
	if (!(p->has & SAYS_ERRNO) || p->error != real->error)
		return "errno";
	if (real->has & DIFF_HAS_RET && (!(p->has & SAYS_RET) || p->ret != real->ret))
		return "ret";
	if (p->has & SAYS_DTV && (!(real->has & DIFF_HAS_DTV) || p->dtv != real->dtv))
		return "dtv";
	if (p->has & SAYS_DTV_USABLE && p->dtv_usable != real->dtv_usable)
		return "dtv_usable";
	return NULL;
}

static bool span_is(struct span span, const char *text)
{
	return strlen(text) == span.len && memcmp(span.at, text, span.len) == 0;
}

static uint64_t words_hash(struct span op)
{
	uint64_t hash = DIFF_HASH_START;
	bool is_first = true;

	for (size_t i = 0; i < op.len;) {
		size_t start = i += strspn(op.at + i, " \t");

		while (i < op.len && op.at[i] != ' ' && op.at[i] != '\t')
			i++;
		if (i == start)
			break;
		hash = is_first ? hash : diff_hash(hash, " ", 1);
		hash = diff_hash(hash, op.at + start, i - start);
		is_first = false;
	}
	return hash;
}

/* --- telling ---------------------------------------------------------------------------------- */

static void print_call(const struct call *call, FILE *to)
{
	fprintf(to, "    %s(", call_names[call->kind]);
	for (unsigned i = 0; i < call_args[call->kind]; i++)
		fprintf(to, "%s0x%" PRIx64, i ? ", " : "", call->arg[i]);
	if (call->result < 0 && call->result > -4096)
		fprintf(to, ") = -%s\n", strerrorname_np((int)-call->result));
	else
		fprintf(to, ") = 0x%" PRIx64 "\n", (uint64_t)call->result);
}

static void print_record(const struct diff_record *r, FILE *to)
{
	if (r->has & DIFF_IS_SKIPPED)
		fprintf(to, " skipped");
	if (r->has & DIFF_HAS_ADDR)
		fprintf(to, " addr 0x%" PRIx64, r->addr);
	if (r->has & DIFF_HAS_BLOCK)
		fprintf(to, " usable %" PRIu64 " hdr 0x%" PRIx64, r->usable, r->hdr);
	if (r->has & DIFF_HAS_RET)
		fprintf(to, " ret %" PRId64, r->ret);
	if (r->has & DIFF_HAS_DTV)
		fprintf(to, " dtv 0x%" PRIx64 " dtv_usable %" PRIu64, r->dtv, r->dtv_usable);
	fprintf(to, " errno %d%s\n", r->error, r->has & DIFF_IS_ENOMEM ? " enomem" : "");
}

/* An array of objects, one a line. */
static void print_path(struct span path, FILE *to)
{
	const char *end = path.at + path.len;

	for (const char *at = path.at; at < end;) {
		const char *stop = memmem(at, (size_t)(end - at), "},{", 3);

		stop = stop ? stop + 1 : end;
		fprintf(to, "    %.*s\n", (int)(stop - at), at);
		at = stop + (stop < end);
	}
}

static void print_difference(const char *what, const struct predicted *p,
                             const struct diff_record *real, const struct call *calls, size_t count,
                             FILE *to)
{
	fprintf(to, "  differs: %s\n  operation: %.*s\n", what, (int)p->op.len, p->op.at);
	fprintf(to, "  predicted:");
	if (p->has & SAYS_SKIPPED)
		fprintf(to, " skipped");
	if (p->has & SAYS_ADDR)
		fprintf(to, " addr 0x%" PRIx64, p->addr);
	if (p->has & SAYS_USABLE)
		fprintf(to, " usable %" PRIu64, p->usable);
	if (p->has & SAYS_HDR)
		fprintf(to, " hdr 0x%" PRIx64, p->hdr);
	if (p->has & SAYS_RET)
		fprintf(to, " ret %" PRId64, p->ret);
	if (p->has & SAYS_DTV)
		fprintf(to, " dtv 0x%" PRIx64 " dtv_usable %" PRIu64, p->dtv, p->dtv_usable);
	if (p->has & SAYS_ERRNO)
		fprintf(to, " errno %" PRId64, p->error);
	fprintf(to, " outcome %.*s\n", (int)p->outcome.len, p->outcome.at);
	for (size_t i = 0; i < p->call_count; i++)
		print_call(&p->calls[i], to);
	fprintf(to, "  real:     ");
	print_record(real, to);
	for (size_t i = 0; i < count; i++)
		print_call(&calls[i], to);
	if (p->path.len) {
		fprintf(to, "  explained:\n");
		print_path(p->path, to);
	}
}

void print_run(const struct run *run, FILE *to)
{
	size_t from = 0;

	for (uint64_t n = 0; n < run->head->done; n++) {
		size_t count;
		const struct call *calls = calls_of(run, n, &from, &count);

		fprintf(to, "%" PRIu64, n);
		print_record(&run->records[n], to);
		for (size_t i = 0; i < count; i++)
			print_call(&calls[i], to);
	}
}

/* --- the end of a process --------------------------------------------------------------------- */

/* Did the process say this and abort? (2.22 prints a backtrace first, in which it may crash.) */
static bool has_aborted_with(const struct run *run, struct span message)
{
	static char text[1 << 16];
	char path[512];
	FILE *f = fopen(work_path(run, "stderr", path), "re");
	size_t len = f ? fread(text, 1, sizeof(text), f) : 0;

	if (f)
		fclose(f);
	return WIFSIGNALED(run->status) &&
	       (WTERMSIG(run->status) == SIGABRT || WTERMSIG(run->status) == SIGSEGV) &&
	       memmem(text, len, message.at, message.len) != NULL;
}

/* Of the operation in which the process died. */
static const char *death_difference(const struct run *run, struct span outcome)
{
	static const char abort_key[] = "abort: ";
	const size_t key_len = sizeof(abort_key) - 1;

	if (outcome.len > key_len && memcmp(outcome.at, abort_key, key_len) == 0) {
		struct span message = { outcome.at + key_len, outcome.len - key_len };

		return has_aborted_with(run, message) ? NULL : "outcome (abort)";
	}
	if (span_is(outcome, "segv"))
		return WIFSIGNALED(run->status) && (WTERMSIG(run->status) == SIGSEGV ||
		                                    WTERMSIG(run->status) == SIGBUS)
		               ? NULL
		               : "outcome (segv)";
	return "outcome (the process died)";
}

static const char *outcome_of(const struct diff_record *real)
{
	return real->has & DIFF_IS_ENOMEM ? "enomem" : "ok";
}

/* --- a whole prediction ----------------------------------------------------------------------- */

struct comparison {
	const struct run *run;
	const struct prediction *prediction;
	struct tally *tally;
	FILE *to;
	size_t from;
	bool has_ended, is_cut;
};

static bool tell(struct comparison *c, uint64_t n, const char *what, const struct predicted *p,
                 const struct call *calls, size_t count)
{
	char path[512];

	fprintf(c->to, "  operation %" PRIu64 ", foretold before operation %" PRIu64 "\n", n,
	        c->prediction->first);
	print_difference(what, p, &c->run->records[n], calls, count, c->to);
	if (n >= c->run->head->done) {
		fprintf(c->to, "  the process ended there, status 0x%x, and said:\n",
		        c->run->status);
		fflush(c->to);
		snprintf(path, sizeof(path), "%s/stderr", c->run->work);
		FILE *f = fopen(path, "re");
		for (int ch; f && (ch = fgetc(f)) != EOF;)
			fputc(ch, c->to);
		if (f)
			fclose(f);
	}
	return false;
}

static bool compare_line(struct comparison *c, struct predicted *p)
{
	const struct run *run = c->run;
	uint64_t n = p->n - c->prediction->prefix + c->prediction->first;
	const struct diff_record *real;
	const struct call *calls;
	const char *what;
	size_t count;

	if (p->n < c->prediction->prefix)
		return true;
	if (n > run->head->done || (n == run->head->done && WIFEXITED(run->status)) ||
	    n >= run->head->capacity) {
		fprintf(c->to, "  foretold %.*s, but there was no operation %" PRIu64 "\n",
		        (int)p->op.len, p->op.at, n);
		return false;
	}
	real = &run->records[n];
	calls = calls_of(run, n, &c->from, &count);
	if (!c->prediction->first && words_hash(p->op) != real->text_hash)
		return tell(c, n, "op (its words)", p, calls, count);
	if (n == run->head->done) {
		c->has_ended = true;
		what = death_difference(run, p->outcome);
		return what ? tell(c, n, what, p, calls, count) : true;
	}
	for (size_t i = 0; i < p->call_count; i++)
		normalize_call(&p->calls[i]);
	what = difference(p, real);
	if (!what && !same_calls(p, calls, count))
		what = "syscalls";
	if (!what && !span_is(p->outcome, outcome_of(real)))
		what = "outcome";
	/* Its block lives on under a name that the rest could not be told. */
	c->is_cut = c->prediction->first && real->has & DIFF_IS_ENOMEM &&
	            memmem(p->op.at, p->op.len, "realloc 0x", 10) != NULL;
	c->tally->operations++;
	c->tally->calls += count;
	return what ? tell(c, n, what, p, calls, count) : true;
}

static bool compare_lines(struct comparison *c, FILE *f)
{
	static struct predicted p;
	char *line = NULL;
	size_t room = 0;
	ssize_t len;
	uint64_t lines = 0, expected;
	bool ok = true, has_summary = false;

	while (ok && !c->is_cut && (len = getline(&line, &room, f)) > 0) {
		if (!predicted_read(line, (size_t)len, &p)) {
			fprintf(c->to, "  not a line of JSON as promised: %.200s\n", line);
			ok = false;
		} else if (p.has & SAYS_SUMMARY) {
			has_summary = true;
		} else {
			ok = compare_line(c, &p);
			lines++;
		}
	}
	free(line);
	expected = c->run->head->done - c->prediction->first + c->prediction->prefix + c->has_ended;
	if (ok && !c->is_cut && lines != expected) {
		fprintf(c->to, "  foretold %" PRIu64 " operations of %" PRIu64 "\n", lines,
		        expected);
		ok = false;
	} else if (ok && !c->is_cut && !has_summary) {
		fprintf(c->to, "  no summary at the end\n");
		ok = false;
	}
	return ok;
}

static void print_file(const char *path, FILE *to)
{
	FILE *f = fopen(path, "re");
	char line[512];

	for (unsigned i = 0; f && i < 8 && fgets(line, sizeof(line), f); i++)
		fprintf(to, "  %s", line);
	if (f)
		fclose(f);
}

bool compare_prediction(const struct run *run, const struct prediction *prediction,
                        struct tally *tally, FILE *to)
{
	struct comparison c = { .run = run, .prediction = prediction, .tally = tally, .to = to };
	FILE *f = fopen(prediction->out, "re");
	bool ok = f && compare_lines(&c, f);

	if (f)
		fclose(f);
	if (!ok || (prediction->status && !c.has_ended)) {
		fprintf(to, "  heaptop simulate ended with 0x%x\n", prediction->status);
		print_file(prediction->err, to);
		return false;
	}
	return true;
}

/* --- words ------------------------------------------------------------------------------------ */

/* A file of {address, length, bytes} says what malloc's own memory will hold. */
static bool compare_range(const struct run *run, uint64_t addr, uint64_t len, FILE *f, FILE *to)
{
	static unsigned char foretold[1 << 16], real[1 << 16];

	for (uint64_t done = 0; done < len;) {
		size_t part = len - done < sizeof(foretold) ? len - done : sizeof(foretold);
		struct iovec here = { real, part };
		struct iovec there = { (void *)(uintptr_t)(addr + done), part }; /* NOLINT */

		if (fread(foretold, 1, part, f) != part) {
			fprintf(to, "  the words of 0x%" PRIx64 " end too early\n", addr);
			return false;
		}
		if (process_vm_readv(run->pid, &here, 1, &there, 1, 0) != (ssize_t)part) {
			fprintf(to, "  0x%" PRIx64 " + 0x%zx was foretold but can't be read\n",
			        addr + done, part);
			return false;
		}
		for (size_t i = 0; i + 8 <= part; i += 8) {
			uint64_t a, b;

			memcpy(&a, foretold + i, sizeof(a));
			memcpy(&b, real + i, sizeof(b));
			if (a != b) {
				fprintf(to,
				        "  word at 0x%" PRIx64 " (in 0x%" PRIx64 " + 0x%" PRIx64
				        "): foretold 0x%" PRIx64 ", is 0x%" PRIx64 "\n",
				        addr + done + i, addr, len, a, b);
				return false;
			}
		}
		done += part;
	}
	return true;
}

bool compare_words(const struct run *run, const struct prediction *prediction, FILE *to)
{
	FILE *f = fopen(prediction->words, "re");
	uint64_t range[2];
	bool ok = f != NULL;
	size_t ranges = 0;

	while (ok && fread(range, sizeof(range), 1, f) == 1) {
		ok = compare_range(run, range[0], range[1], f, to);
		ranges++;
	}
	if (f)
		fclose(f);
	if (ok && !ranges)
		fprintf(to, "  no words were foretold\n");
	if (!ok || !ranges)
		fprintf(to, "  foretold before operation %" PRIu64 "\n", prediction->first);
	return ok && ranges;
}
