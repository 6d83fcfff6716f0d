/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A reader of one line of JSON, fast enough for millions of them. */
#include <stdlib.h>
#include <string.h>

#include "tests/diff/predict.h"

struct in {
	const char *at, *end;
	bool is_bad;
};

static void skip_blanks(struct in *in)
{
	while (in->at < in->end && (*in->at == ' ' || *in->at == '\n'))
		in->at++;
}

static bool take(struct in *in, char c)
{
	skip_blanks(in);
	if (in->at == in->end || *in->at != c)
		return false;
	in->at++;
	return true;
}

static void need(struct in *in, char c)
{
	if (!take(in, c))
		in->is_bad = true;
}

/* A string's characters as they stand: escapes are not needed here. */
static struct span string(struct in *in)
{
	struct span span = { in->at, 0 };

	need(in, '"');
	span.at = in->at;
	while (in->at < in->end && *in->at != '"')
		in->at += *in->at == '\\' && in->end - in->at > 1 ? 2 : 1;
	span.len = (size_t)(in->at - span.at);
	need(in, '"');
	return span;
}

/* Any value, as it stands. */
static struct span skip(struct in *in)
{
	unsigned depth = 0;
	struct span span;

	skip_blanks(in);
	span.at = in->at;
	while (in->at < in->end) {
		if (*in->at == '"') {
			(void)string(in);
			continue;
		}
		if (!depth && (*in->at == ',' || *in->at == '}' || *in->at == ']'))
			break;
		depth += *in->at == '[' || *in->at == '{';
		depth -= *in->at == ']' || *in->at == '}';
		in->at++;
	}
	span.len = (size_t)(in->at - span.at);
	return span;
}

static bool span_is(struct span span, const char *text)
{
	return strlen(text) == span.len && memcmp(span.at, text, span.len) == 0;
}

/* A number, "0x…" or "-1"; a failure's name stands for nothing known here. False: null. */
static bool number(struct in *in, uint64_t *ret)
{
	struct span span;
	char *end;

	skip_blanks(in);
	span = in->at < in->end && *in->at == '"' ? string(in) : skip(in);
	if (span_is(span, "null"))
		return false;
	if (span.len && *span.at == '-')
		*ret = (uint64_t)strtoll(span.at, &end, 0);
	else
		*ret = strtoull(span.at, &end, 0);
	if (end != span.at + span.len)
		in->is_bad = true;
	return true;
}

static int64_t result(struct in *in)
{
	static const struct {
		const char *name;
		int64_t value;
	} errors[] = {
		{ "-ENOMEM", -12 }, { "-EINVAL", -22 }, { "-EEXIST", -17 }, { "-EPERM", -1 },
		{ "-EACCES", -13 }, { "-EFAULT", -14 }, { "-EAGAIN", -11 }, { "-EBUSY", -16 },
	};
	struct in ahead = *in;
	struct span span;
	uint64_t value = 0;

	skip_blanks(&ahead);
	span = ahead.at < ahead.end && *ahead.at == '"' ? string(&ahead) : (struct span){ "", 0 };
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (span_is(span, errors[i].name)) {
			*in = ahead;
			return errors[i].value;
		}
	(void)number(in, &value);
	return (int64_t)value;
}

static void one_call(struct in *in, struct predicted *ret)
{
	struct call call = { .kind = 0 };
	struct span name;
	unsigned count = 0;

	need(in, '[');
	name = string(in);
	while (call.kind < CALL_KINDS && !span_is(name, call_names[call.kind]))
		call.kind++;
	need(in, ',');
	need(in, '[');
	while (!in->is_bad && !take(in, ']')) {
		uint64_t arg = 0;

		(void)number(in, &arg);
		if (count < 6)
			call.arg[count++] = arg;
		(void)take(in, ',');
	}
	need(in, ',');
	call.result = result(in);
	need(in, ']');
	if (call.kind == CALL_KINDS || count > 6)
		in->is_bad = true;
	else if (ret->call_count < PREDICTED_CALLS_MAX)
		ret->calls[ret->call_count++] = call;
	else
		ret->is_more = true;
}

static void calls(struct in *in, struct predicted *ret)
{
	need(in, '[');
	while (!in->is_bad && !take(in, ']')) {
		one_call(in, ret);
		(void)take(in, ',');
	}
}

static void note(struct in *in, struct predicted *ret, uint64_t *value, enum predicted_has has)
{
	if (number(in, value))
		ret->has |= has;
}

static void one_key(struct in *in, struct span key, struct predicted *ret)
{
	uint64_t value = 0;

	if (span_is(key, "n")) {
		(void)number(in, &ret->n);
	} else if (span_is(key, "addr")) {
		note(in, ret, &ret->addr, SAYS_ADDR);
	} else if (span_is(key, "usable")) {
		note(in, ret, &ret->usable, SAYS_USABLE);
	} else if (span_is(key, "hdr")) {
		note(in, ret, &ret->hdr, SAYS_HDR);
	} else if (span_is(key, "dtv")) {
		note(in, ret, &ret->dtv, SAYS_DTV);
	} else if (span_is(key, "dtv_usable")) {
		note(in, ret, &ret->dtv_usable, SAYS_DTV_USABLE);
	} else if (span_is(key, "ret")) {
		note(in, ret, &value, SAYS_RET);
		ret->ret = (int64_t)value;
	} else if (span_is(key, "errno")) {
		note(in, ret, &value, SAYS_ERRNO);
		ret->error = (int64_t)value;
	} else if (span_is(key, "op")) {
		ret->op = string(in);
	} else if (span_is(key, "outcome")) {
		ret->outcome = string(in);
	} else if (span_is(key, "syscalls")) {
		calls(in, ret);
	} else if (span_is(key, "path")) {
		ret->path = skip(in);
	} else if (span_is(key, "skipped")) {
		ret->has |= span_is(skip(in), "true") ? SAYS_SKIPPED : 0;
	} else if (span_is(key, "summary")) {
		ret->has |= SAYS_SUMMARY;
		(void)skip(in);
	} else {
		(void)skip(in);
	}
}

bool predicted_read(const char *line, size_t len, struct predicted *ret)
{
	struct in in = { line, line + len, false };

	ret->has = 0;
	ret->op = ret->outcome = ret->path = (struct span){ line, 0 };
	ret->call_count = 0;
	ret->is_more = false;
	need(&in, '{');
	while (!in.is_bad && !take(&in, '}')) {
		struct span key = string(&in);

		need(&in, ':');
		one_key(&in, key, ret);
		(void)take(&in, ',');
	}
	return !in.is_bad;
}
