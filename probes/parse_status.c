/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probes/parse_status.h"

#include <string.h>

#include "model/base/units.h"

#define CAP_SYS_ADMIN_BIT 21u /* Linux include/uapi/linux/capability.h */

/* A stretch of text that is consumed from the front. */
struct span {
	const char *at, *end;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void skip_blanks(struct span *s)
{
	while (s->at < s->end && is_blank(*s->at))
		s->at++;
}

static bool take_number(struct span *s, unsigned base, uint64_t *ret)
{
	uint64_t value = 0;
	const char *begin;

	skip_blanks(s);
	for (begin = s->at; s->at < s->end; s->at++) {
		unsigned char c = (unsigned char)*s->at;
		unsigned digit = c - (unsigned)'0';

		if (digit > 9)
			digit = (c | 0x20u) - (unsigned)'a' + 10;
		if (digit >= base)
			break;
		if (__builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			return false;
	}
	if (s->at == begin)
		return false;
	*ret = value;
	return true;
}

/* Numbers that fit 32 bits; a negative one (a foreign namespace's pid) counts as 0. */
static bool take_i32(struct span *s, int32_t *ret)
{
	uint64_t value;
	bool is_negative;

	skip_blanks(s);
	is_negative = s->at < s->end && *s->at == '-';
	if (is_negative)
		s->at++;
	if (!take_number(s, 10, &value) || value > INT32_MAX)
		return false;
	*ret = is_negative ? 0 : (int32_t)value;
	return true;
}

static bool take_line(struct span *text, struct span *ret)
{
	const char *stop;

	if (text->at >= text->end)
		return false;
	stop = memchr(text->at, '\n', (size_t)(text->end - text->at));
	*ret = (struct span){ text->at, stop ? stop : text->end };
	text->at = stop ? stop + 1 : text->end;
	return true;
}

/* Skips `key` when the line begins with it. */
static bool take_key(struct span *line, const char *key)
{
	size_t len = strlen(key);

	if ((size_t)(line->end - line->at) < len || memcmp(line->at, key, len) != 0)
		return false;
	line->at += len;
	return true;
}

static void take_kib(struct span *line, struct fact *ret)
{
	uint64_t kib;

	if (take_number(line, 10, &kib) && kib <= UINT64_MAX / KIB)
		*ret = fact_of(kib * KIB);
}

static bool take_ids(struct span *line, uint32_t ids[4])
{
	for (size_t i = 0; i < 4; i++) {
		uint64_t value;

		if (!take_number(line, 10, &value) || value > UINT32_MAX)
			return false;
		ids[i] = (uint32_t)value;
	}
	return true;
}

static bool take_size_line(struct span *line, struct process_facts *ret)
{
	const struct {
		const char *key;
		struct fact *to;
	} sizes[] = {
		{ "VmPeak:", &ret->vm_peak },   { "VmSize:", &ret->vm_size },
		{ "VmLck:", &ret->vm_lck },     { "VmHWM:", &ret->vm_hwm },
		{ "VmRSS:", &ret->vm_rss },     { "RssAnon:", &ret->rss_anon },
		{ "RssFile:", &ret->rss_file }, { "RssShmem:", &ret->rss_shmem },
		{ "VmData:", &ret->vm_data },   { "VmStk:", &ret->vm_stack },
		{ "VmPTE:", &ret->vm_pte },     { "VmSwap:", &ret->vm_swap },
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		if (take_key(line, sizes[i].key)) {
			take_kib(line, sizes[i].to);
			return true;
		}
	}
	return false;
}

static void take_ns_pids(struct span *line, struct process_facts *ret)
{
	int32_t pid;

	while (take_i32(line, &pid))
		ret->ns_pid = pid; /* the last is the innermost namespace's */
}

static void take_caps(struct span *line, uint64_t *ret, struct status_extra *extra)
{
	if (take_number(line, 16, ret))
		extra->has_caps = true;
}

static void take_status_line(struct span *line, struct process_facts *ret,
                             struct status_extra *extra)
{
	if (take_key(line, "State:")) {
		skip_blanks(line);
		if (line->at < line->end)
			ret->state = *line->at;
	} else if (take_key(line, "Tgid:")) {
		(void)take_i32(line, &extra->tgid);
	} else if (take_key(line, "PPid:")) {
		(void)take_i32(line, &ret->ppid);
	} else if (take_key(line, "TracerPid:")) {
		(void)take_i32(line, &ret->tracer_pid);
	} else if (take_key(line, "Uid:")) {
		extra->has_uids = take_ids(line, extra->uids);
		ret->uid = extra->uids[1];
	} else if (take_key(line, "Gid:")) {
		extra->has_uids = take_ids(line, extra->gids) && extra->has_uids;
	} else if (take_key(line, "NSpid:")) {
		take_ns_pids(line, ret);
	} else if (take_key(line, "Threads:")) {
		(void)take_i32(line, &ret->thread_count);
	} else if (take_key(line, "CapPrm:")) {
		take_caps(line, &extra->cap_permitted, extra);
	} else if (take_key(line, "CapEff:")) {
		take_caps(line, &extra->cap_effective, extra);
		ret->has_cap_sys_admin = extra->cap_effective >> CAP_SYS_ADMIN_BIT & 1;
	} else {
		(void)take_size_line(line, ret);
	}
}

bool parse_status(const char *text, size_t len, struct process_facts *ret,
                  struct status_extra *ret_extra)
{
	struct span rest = { text, text + len }, line;
	bool has_pid = false;
	int32_t pid = 0;

	*ret_extra = (struct status_extra){ 0 };
	while (take_line(&rest, &line)) {
		if (!has_pid && take_key(&line, "Pid:"))
			has_pid = take_i32(&line, &pid);
		else
			take_status_line(&line, ret, ret_extra);
	}
	if (has_pid && ret->ns_pid == 0)
		ret->ns_pid = pid; /* before 4.1 there is no NSpid */
	return has_pid;
}

enum { STAT_FIRST = 4, STAT_LAST = 52, STAT_NEEDED = 22 }; /* proc(5)'s field numbers */

/* Fields 4 … 52; signed ones (tpgid, priority, exit_signal) keep only their size. */
static int take_stat_fields(struct span *s, uint64_t fields[STAT_LAST + 1])
{
	int i;

	for (i = STAT_FIRST; i <= STAT_LAST; i++) {
		skip_blanks(s);
		if (s->at < s->end && *s->at == '-')
			s->at++;
		if (!take_number(s, 10, &fields[i]))
			break;
	}
	return i - 1;
}

/* The name may hold anything, ") R 1" too; it ends at the last parenthesis of the text. */
static bool take_comm(struct span *s, char comm[64])
{
	const char *close = memrchr(s->at, ')', (size_t)(s->end - s->at));
	size_t len;

	if (!take_key(s, " (") || !close || close < s->at)
		return false;
	len = min_u64((uint64_t)(close - s->at), 63);
	memcpy(comm, s->at, len);
	comm[len] = '\0';
	s->at = close + 1;
	return true;
}

bool parse_stat(const char *text, size_t len, struct stat_facts *ret)
{
	struct span s = { text, text + len };
	uint64_t f[STAT_LAST + 1] = { 0 };
	struct stat_facts facts = { 0 };

	if (!take_i32(&s, &facts.pid) || !take_comm(&s, facts.comm) || !take_key(&s, " ") ||
	    s.at == s.end)
		return false;
	facts.state = *s.at++;
	if (take_stat_fields(&s, f) < STAT_NEEDED)
		return false;
	facts.ppid = (int32_t)min_u64(f[4], INT32_MAX);
	facts.kernel_flags = f[9];
	facts.min_faults = f[10];
	facts.maj_faults = f[12];
	facts.thread_count = (int32_t)min_u64(f[20], INT32_MAX);
	facts.start_ticks = f[22];
	facts.start_code = f[26];
	facts.end_code = f[27];
	facts.start_stack = f[28];
	facts.start_brk = f[47];
	facts.exit_code = f[52];
	*ret = facts;
	return true;
}

bool parse_statm(const char *text, size_t len, struct statm_facts *ret)
{
	struct span s = { text, text + len };
	struct statm_facts facts;

	if (!take_number(&s, 10, &facts.size_pages) ||
	    !take_number(&s, 10, &facts.resident_pages) ||
	    !take_number(&s, 10, &facts.shared_pages))
		return false;
	*ret = facts;
	return true;
}

static void take_limit(struct span *line, struct fact *ret)
{
	uint64_t bytes;

	skip_blanks(line);
	if (take_key(line, "unlimited"))
		*ret = fact_of(UINT64_MAX);
	else if (take_number(line, 10, &bytes))
		*ret = fact_of(bytes);
}

void parse_limits(const char *text, size_t len, struct process_facts *ret)
{
	struct span rest = { text, text + len }, line;

	while (take_line(&rest, &line)) {
		if (take_key(&line, "Max address space"))
			take_limit(&line, &ret->limit_as);
		else if (take_key(&line, "Max data size"))
			take_limit(&line, &ret->limit_data);
		else if (take_key(&line, "Max stack size"))
			take_limit(&line, &ret->limit_stack);
	}
}
