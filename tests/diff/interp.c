/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 *	interp SCENARIO LOGFD [REST_PREFIX]
 *
 * LOGFD is a file of struct diff_head and records. At each `pause` the rest of the scenario is
 * written to REST_PREFIX.N, in terms of the addresses and threads that there are by then.
 */
#include <fcntl.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/diff/interp.h"

enum { NAME_SLOTS = 1 << 21, STACK_DEFAULT = 256 << 10 };

struct interp interp;

/* --- names ----------------------------------------------------------------------------------------- */

struct name *name_find(struct word word)
{
	static size_t count;
	uint64_t hash = word_hash(word);
	struct name *name;

	for (size_t i = hash % NAME_SLOTS;; i = (i + 1) % NAME_SLOTS) {
		name = &interp.names[i];
		if (name->hash == hash)
			return name;
		if (!name->hash)
			break;
	}
	if (++count > NAME_SLOTS / 4 * 3)
		refuse(&interp.reader, "too many names", word);
	name->hash = hash;
	return name;
}

/* --- threads take turns ------------------------------------------------------------------------------ */

void thread_wait(_Atomic uint32_t *word)
{
	while (!atomic_exchange(word, 0))
		syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

void thread_wake(_Atomic uint32_t *word)
{
	atomic_store(word, 1);
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void stop_here(enum diff_stop why)
{
	interp.head->tid = (uint32_t)interp.current->tid;
	syscall(DIFF_STOP_NR, why);
}

static void step(void)
{
	struct words w;
	struct diff_record *record;

	if (!reader_next(&interp.reader, &w)) {
		interp.is_done = true;
		interp.current = &interp.threads[0];
		return;
	}
	if (interp.head->n == interp.head->capacity)
		refuse(&interp.reader, "more operations than the log has room for", w.verb);
	record = &interp.records[interp.head->n];
	interp.record = record;
	record->text_hash = DIFF_HASH_START;
	for (size_t i = 0; i < w.count; i++) {
		if (i)
			record->text_hash = diff_hash(record->text_hash, " ", 1);
		record->text_hash = diff_hash(record->text_hash, w.word[i].at, w.word[i].len);
	}
	run_operation(&w, record);
	if (interp.joining)
		return; /* ends when main has joined */
	interp.head->done = ++interp.head->n;
	if (record->has & DIFF_IS_ENOMEM)
		reader_leave_until(&interp.reader);
}

void run_as(struct thread *me)
{
	while (interp.current == me && !interp.is_done && !me->is_ending)
		step();
}

static void run_main(void)
{
	struct thread *me = &interp.threads[0];

	for (;;) {
		run_as(me);
		if (interp.is_done)
			return;
		thread_wake(&interp.current->turn);
		thread_wait(&me->turn);
		if (interp.joining) {
			join_ended();
			interp.head->done = ++interp.head->n;
		}
	}
}

/* --- start ----------------------------------------------------------------------------------------- */

static _Noreturn void fail(const char *what)
{
	refuse(&interp.reader, "cannot start", (struct word){ what, strlen(what) });
}

static void *map_own(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE,
	                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		fail("mmap");
	return at;
}

static void open_scenario(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	char *text;

	if (size < 0 || lseek(fd, 0, SEEK_SET) < 0)
		fail("the scenario can't be read");
	interp.text_len = (size_t)size;
	interp.text = "";
	if (size) {
		/* A copy and not the file: heaptop knows the bytes of anonymous memory only. */
		text = map_own(interp.text_len);
		for (size_t have = 0; have < interp.text_len;) {
			ssize_t got = read(fd, text + have, interp.text_len - have);

			if (got <= 0)
				fail("the scenario can't be read");
			have += (size_t)got;
		}
		interp.text = text;
	}
	close(fd);
	interp.reader.at = interp.text;
	interp.reader.end = interp.text + interp.text_len;
}

static void open_log(const char *fd_text)
{
	int64_t fd;
	off_t size;
	void *log;

	if (!word_number((struct word){ fd_text, strlen(fd_text) }, &fd))
		fail("no log");
	size = lseek((int)fd, 0, SEEK_END); /* fstat() is not in every libc.so */
	log = size <= 0 ? MAP_FAILED
	                : mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, (int)fd, 0);
	if (log == MAP_FAILED)
		fail("the log can't be mapped");
	close((int)fd);
	interp.head = log;
	interp.records = (struct diff_record *)(void *)((char *)log + DIFF_HEAD_SIZE);
}

/* `#! stacks=own[:SIZE]`, wherever it stands. */
static void read_directives(void)
{
	static const char key[] = "#! stacks=";
	const char *at = interp.text, *end = at + interp.text_len;

	for (const char *newline; at < end; at = newline + 1) {
		size_t len;

		newline = memchr(at, '\n', (size_t)(end - at));
		newline = newline ? newline : end;
		len = (size_t)(newline - at);
		if (len > sizeof(key) - 1 && memcmp(at, key, sizeof(key) - 1) == 0) {
			struct word value = { at + sizeof(key) - 1, len - (sizeof(key) - 1) };
			const char *colon;

			while (value.len && (unsigned char)value.at[value.len - 1] <= ' ')
				value.len--;
			colon = memchr(value.at, ':', value.len);
			if (colon)
				interp.stack_size = word_size(
				        &interp.reader,
				        (struct word){ colon + 1, (size_t)(value.at + value.len -
				                                           colon - 1) });
			interp.is_stacks_own = *value.at == 'o';
		}
	}
	if (interp.is_stacks_own) {
		interp.stack_size = interp.stack_size ? interp.stack_size : STACK_DEFAULT;
		interp.stacks = map_own(THREADS_MAX * interp.stack_size);
		interp.head->stacks = (uint64_t)(uintptr_t)interp.stacks;
		interp.head->stacks_end = interp.head->stacks + THREADS_MAX * interp.stack_size;
	}
}

int main(int argc, char **argv)
{
	struct thread *me = &interp.threads[0];

	if (argc < 3)
		fail("usage: interp SCENARIO LOGFD [REST_PREFIX]");
	open_scenario(argv[1]);
	open_log(argv[2]);
	interp.rest_prefix = argc > 3 ? argv[3] : NULL;
	interp.names = map_own(NAME_SLOTS * sizeof(*interp.names));
	read_directives();
	me->hash = word_hash((struct word){ "main", 4 });
	me->id = pthread_self();
	me->tid = (int)getpid();
	me->is_alive = true;
	interp.current = me;
	stop_here(DIFF_STOP_START);
	run_main();
	stop_here(DIFF_STOP_END);
	_exit(DIFF_EXIT_OK);
}
