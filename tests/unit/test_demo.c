/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The demo workload shows what it promises within ten seconds. Its own glibc is the witness: the
 * workload runs in a child of this test beside a thread that asks malloc_info() and /proc/self.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model/base/units.h"
#include "probes/probes.h"

/* What the witness saw, by the bits of its exit code: those still missing when time was up. */
enum promise {
	PROMISE_ARENAS = 1 << 0,        /* five or more */
	PROMISE_MMAPPED = 1 << 1,       /* five or more mmapped chunks */
	PROMISE_FRAGMENTATION = 1 << 2, /* a MiB and more free in main_arena's bins */
	PROMISE_FREE_ARENA = 1 << 3,    /* an arena without a thread */
	PROMISE_SECOND_HEAP = 1 << 4,   /* an arena of two heaps */
	PROMISE_RESERVE = 1 << 5,       /* a PROT_NONE mapping of 128 MiB and more, no arena's */
	PROMISE_GROWTH = 1 << 6,        /* main_arena got a MiB and more since the first look */
	PROMISE_ALL = (1 << 7) - 1,
};

enum { TRIES = 100, TRY_MS = 100, EXIT_UNREADABLE = 99 };

static char *own_malloc_info(void)
{
	char *text = NULL;
	size_t len;
	FILE *stream = open_memstream(&text, &len);

	if (!stream || malloc_info(0, stream) != 0 || fclose(stream) != 0)
		_exit(EXIT_UNREADABLE);
	return text;
}

static unsigned count_text(const char *text, const char *part)
{
	unsigned count = 0;

	for (text = strstr(text, part); text; text = strstr(text + 1, part))
		count++;
	return count;
}

/* The figure behind `key` in the first place after `from`. */
static uint64_t figure(const char *from, const char *key)
{
	const char *at = strstr(from, key);

	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

/* The last number of an element in main_arena's part, which is the first: size comes last there. */
static uint64_t main_figure(const char *info, const char *element)
{
	const char *at = strstr(info, element), *end = strstr(info, "</heap>"), *size;

	if (!at || !end || at > end)
		return 0;
	size = strstr(at, "size=\"");
	return size ? strtoull(size + 6, NULL, 10) : 0;
}

/* Second heaps of an arena are counted by the gap between its sizes and one heap's maximum. */
static bool has_second_heap(const char *info)
{
	for (const char *heap = strstr(info, "<heap nr="); heap;
	     heap = strstr(heap + 1, "<heap nr="))
		if (figure(heap, "<aspace type=\"subheaps\" size=\"") >= 2)
			return true;
	return false;
}

static bool has_reserve(void)
{
	unsigned long start, end;
	char line[512], perms[5];
	FILE *maps = fopen("/proc/self/maps", "re");
	bool found = false;

	while (maps && fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx %4s", &start, &end, perms) == 3)
			found = found || (strcmp(perms, "---p") == 0 && end - start >= 128 * MIB);
	if (maps)
		(void)fclose(maps);
	return found;
}

static void *use_malloc(void *arg)
{
	free(malloc(1000));
	return arg;
}

/*
 * A new thread takes an arena off the free list before it makes one (arena.c:arena_get2): when the
 * number stays, there was one that nobody was attached to. Only asked when all else is there.
 */
static bool has_free_arena(unsigned arenas)
{
	pthread_t thread;
	char *info;
	bool same;

	if (pthread_create(&thread, NULL, use_malloc, NULL) != 0)
		return false;
	(void)pthread_join(thread, NULL);
	info = own_malloc_info();
	same = count_text(info, "<heap nr=") == arenas;
	free(info);
	return same;
}

static bool batch_has_gone(void)
{
	DIR *tasks = opendir("/proc/self/task");
	char path[300], name[32];
	bool gone = true;

	for (struct dirent *d = tasks ? readdir(tasks) : NULL; d; d = readdir(tasks)) {
		FILE *comm;

		(void)snprintf(path, sizeof(path), "/proc/self/task/%s/comm", d->d_name);
		comm = fopen(path, "re");
		if (comm && fgets(name, sizeof(name), comm) && strcmp(name, "demo-batch\n") == 0)
			gone = false;
		if (comm)
			(void)fclose(comm);
	}
	if (tasks)
		(void)closedir(tasks);
	return gone;
}

/* Adds to what was seen before: holes are filled while the heap is about to grow, say. */
static unsigned look(unsigned seen, uint64_t *first_system)
{
	char *info = own_malloc_info();
	unsigned arenas = count_text(info, "<heap nr=");
	uint64_t free_bytes = main_figure(info, "<total type=\"rest\" count=");
	uint64_t system = main_figure(info, "<system type=\"current\" size=");

	if (!*first_system)
		*first_system = system;
	if (system >= *first_system + MIB)
		seen |= PROMISE_GROWTH;
	if (arenas >= 5)
		seen |= PROMISE_ARENAS;
	if (figure(info, "<total type=\"mmap\" count=\"") >= 5)
		seen |= PROMISE_MMAPPED;
	if (free_bytes >= MIB)
		seen |= PROMISE_FRAGMENTATION;
	if (has_second_heap(info))
		seen |= PROMISE_SECOND_HEAP;
	if (has_reserve())
		seen |= PROMISE_RESERVE;
	free(info);
	if ((seen | PROMISE_FREE_ARENA) == PROMISE_ALL && batch_has_gone() &&
	    has_free_arena(arenas))
		seen |= PROMISE_FREE_ARENA;
	return seen;
}

static void *witness(void *arg)
{
	uint64_t first_system = 0;
	unsigned seen = 0;

	(void)arg;
	for (int i = 0; i < TRIES && seen != PROMISE_ALL; i++) {
		(void)poll(NULL, 0, TRY_MS);
		seen = look(seen, &first_system);
	}
	_exit(PROMISE_ALL & (int)~seen);
}

/* Under a sanitizer malloc is another's, and glibc's arenas stay empty. */
static bool malloc_is_glibcs(void)
{
	size_t before = mallinfo2().uordblks;
	void *volatile block = malloc(10000);
	bool counted = mallinfo2().uordblks > before;

	free(block);
	return counted;
}

static void shows_everything_within_ten_seconds(void **state)
{
	pthread_t thread;
	int status;
	pid_t pid;

	(void)state;
	if (!malloc_is_glibcs()) {
		print_message("# SKIP: another malloc serves this build (a sanitizer's)\n");
		skip();
	}
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (pthread_create(&thread, NULL, witness, NULL) != 0)
			_exit(EXIT_UNREADABLE);
		_exit(demo_workload(getppid()) ? 98 : 97);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0); /* bits: enum promise, what was missing */
}

/* --- as heaptop starts it ------------------------------------------------------------------------ */

static void ends_when_told(void **state)
{
	struct err err;
	pid_t pid;

	(void)state;
	assert_true(spawn_demo(&pid, &err));
	assert_int_equal(kill(pid, 0), 0);
	spawn_end(pid);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/* A pipe's end that only the workload holds says when it has gone, whoever inherited it. */
static void ends_with_its_parent(void **state)
{
	struct pollfd gone = { .events = POLLIN };
	int status, pipes[2];
	pid_t parent;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	parent = fork();
	assert_true(parent >= 0);
	if (parent == 0) {
		struct err err;
		pid_t demo;

		_exit(spawn_demo(&demo, &err) ? 0 : 1);
	}
	(void)close(pipes[1]);
	assert_int_equal(waitpid(parent, &status, 0), parent);
	assert_int_equal(status, 0);
	gone.fd = pipes[0];
	assert_int_equal(poll(&gone, 1, 10000), 1);
	(void)close(pipes[0]);
}

static void missing_program_is_said(void **state)
{
	char name[] = "/nonexistent/program";
	char *argv[] = { name, NULL };
	struct err err;
	pid_t pid;

	(void)state;
	assert_false(spawn_program(argv, true, &pid, &err));
	assert_int_equal(err.kind, ERR_FAILED);
	assert_int_equal(err.os_errno, ENOENT);
	assert_string_equal(err.what, name);
	assert_true(err.remedy[0] != '\0');
}

static void program_gets_default_signals(void **state)
{
	char sh[] = "/bin/sh", c[] = "-c", script[] = "kill -PIPE $$; exit 3";
	char *argv[] = { sh, c, script, NULL };
	struct err err;
	int status;
	pid_t pid;

	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	assert_true(spawn_program(argv, true, &pid, &err));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGPIPE);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shows_everything_within_ten_seconds),
		cmocka_unit_test(ends_when_told),
		cmocka_unit_test(ends_with_its_parent),
		cmocka_unit_test(missing_program_is_said),
		cmocka_unit_test(program_gets_default_signals),
	};

	/* spawn_demo() runs this very program again, as it does with heaptop. */
	if (argc == 3 && strcmp(argv[1], "demo-workload") == 0)
		return demo_workload((pid_t)strtol(argv[2], NULL, 10));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
