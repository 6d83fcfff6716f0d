/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rest of a scenario, as a world of this process has to be told it: loops unrolled, names of
 * blocks that live replaced by addresses, threads by their tid. A name's new meaning in the rest
 * shadows the old one.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "tests/diff/interp.h"

struct out {
	int fd;
	bool is_bad;
	size_t len;
	char text[1 << 16];
};

static struct out out;

static void flush(void)
{
	if (out.len && write(out.fd, out.text, out.len) != (ssize_t)out.len)
		out.is_bad = true;
	out.len = 0;
}

static void put(const char *text, size_t len)
{
	if (out.len + len > sizeof(out.text))
		flush();
	memcpy(out.text + out.len, text, len);
	out.len += len;
}

static void put_number(uint64_t value, unsigned base)
{
	char digits[24];
	size_t at = sizeof(digits);

	do
		digits[--at] = "0123456789abcdef"[value % base];
	while (value /= base);
	if (base == 16)
		put("0x", 2);
	put(digits + at, sizeof(digits) - at);
}

static bool is_from_before(const struct name *name)
{
	return name->is_alive && name->shadow != interp.pauses;
}

/* A place may have an offset behind the name. */
static void put_operand(struct word word)
{
	struct word name_word = word;
	const struct name *name;

	for (size_t i = 1; i < word.len; i++)
		if (word.at[i] == '+' || word.at[i] == '-') {
			name_word.len = i;
			break;
		}
	name = name_find(name_word);
	if (word.at[0] == '0' || !is_from_before(name)) {
		put(word.at, word.len);
		return;
	}
	put_number(name->addr, 16);
	put(word.at + name_word.len, word.len - name_word.len);
}

static void put_thread(struct word word)
{
	const struct thread *thread = thread_find(word);

	if (!thread || thread == interp.threads || thread->shadow == interp.pauses)
		put(word.at, word.len);
	else
		put_number((uint64_t)thread->tid, 10);
}

/* What is left out because the name says it, must be said when the name is gone. */
static void put_length(const struct words *w)
{
	const struct name *name = name_find(w->arg[0]);

	if (!is_from_before(name) || !name->is_map)
		return;
	if (word_is(w->verb, "touch") && w->arg_count == 1) {
		put(" ", 1);
		put_number(name->len, 10);
	} else if ((word_is(w->verb, "munmap") && w->arg_count == 1) ||
	           (word_is(w->verb, "mprotect") && w->arg_count == 2)) {
		put(" 0 ", 3);
		put_number(name->len, 10);
	}
}

static bool reads_name(const struct words *w)
{
	static const char *const verbs[] = { "free",     "touch",  "realloc", "munmap",
		                             "mprotect", "mremap", "madvise" };

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (word_is(w->verb, verbs[i]))
			return true;
	return false;
}

/* What names mean after this line. */
static void shadow(const struct words *w)
{
	struct thread *thread;

	if (word_is(w->verb, "free") || word_is(w->verb, "realloc") ||
	    (word_is(w->verb, "munmap") && w->arg_count == 1))
		name_find(w->arg[0])->shadow = interp.pauses;
	if (w->dst.len)
		name_find(w->dst)->shadow = interp.pauses;
	if (word_is(w->verb, "mremap") && is_from_before(name_find(w->arg[0])))
		out.is_bad = true; /* its new address has no name */
	if (word_is(w->verb, "exit_thread")) {
		thread = thread_find(w->arg[0]);
		if (thread)
			thread->shadow = interp.pauses;
	}
}

static void put_line(const struct words *w)
{
	bool has_name = reads_name(w), is_place = false;
	bool has_thread = word_is(w->verb, "thread") || word_is(w->verb, "exit_thread");

	if (w->dst.len) {
		put(w->dst.at, w->dst.len);
		put(" = ", 3);
	}
	put(w->verb.at, w->verb.len);
	for (size_t i = 0; i < w->arg_count; i++) {
		put(" ", 1);
		if (has_thread)
			put_thread(w->arg[i]);
		else if ((has_name && i == 0) || is_place)
			put_operand(w->arg[i]);
		else
			put(w->arg[i].at, w->arg[i].len);
		is_place = word_is(w->verb, "mmap") &&
		           (word_is(w->arg[i], "at") || word_is(w->arg[i], "fixed"));
		if (has_name && i == 0)
			put_length(w);
	}
	put("\n", 1);
}

static void put_directives(void)
{
	const char *at = interp.text, *end = at + interp.text_len;

	for (const char *newline; at < end; at = newline + 1) {
		newline = memchr(at, '\n', (size_t)(end - at));
		newline = newline ? newline : end - 1;
		if (newline - at > 2 && at[0] == '#' && at[1] == '!')
			put(at, (size_t)(newline - at) + 1);
	}
}

static bool open_out(void)
{
	char path[512];
	size_t len = strlen(interp.rest_prefix);

	if (len + 8 > sizeof(path) || interp.pauses > 9999)
		return false;
	memcpy(path, interp.rest_prefix, len);
	path[len++] = '.';
	for (unsigned unit = 1000; unit; unit /= 10)
		path[len++] = (char)('0' + interp.pauses / unit % 10);
	path[len] = '\0';
	out.fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	out.is_bad = out.fd < 0;
	return !out.is_bad;
}

bool write_rest(void)
{
	static struct reader reader;
	struct words w;

	if (reader_has_until(&interp.reader) || !open_out())
		return false;
	reader = interp.reader;
	put_directives();
	if (interp.current != interp.threads) {
		put("thread ", 7);
		put_number((uint64_t)interp.current->tid, 10);
		put("\n", 1);
		interp.head->prefix = 1;
	}
	while (!out.is_bad && reader_next(&reader, &w)) {
		put_line(&w);
		shadow(&w);
	}
	flush();
	close(out.fd);
	return !out.is_bad;
}
