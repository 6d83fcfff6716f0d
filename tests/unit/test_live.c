/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A live process as a source of snapshots: what one shows stays as it was, and what changes is seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "probes/probes.h"
#include "tests/lib/child_target.h"

enum {
	THREADS = 4,
	TAKES = 20,
	EXEC_TAKES = 1000,
	TRIES = 500,
	TRY_US = 10000,
	ODD_CHUNKS = 40,
	EXACT_CHUNKS = 500,
};

/* A child that does as it is told, one byte at a time, and answers each. */
struct worker {
	pid_t pid;
	int to, from;
	struct source *source;
};

static void *idle(void *arg)
{
	void *volatile used = malloc(100); /* not optimised away */

	free(used);
	for (;;)
		(void)pause();
	return arg;
}

/* All threads share an arena in which there are only free chunks a little larger than a tcache. */
static void offer_odd_chunks(void)
{
	const size_t size = child_target_layout()->tcache.chunk_sizes[0] - sizeof(size_t);
	void *volatile kept;
	void *odd[ODD_CHUNKS];

	(void)mallopt(M_ARENA_MAX, 1);
	for (int i = 0; i < EXACT_CHUNKS; i++)
		kept = malloc(size);
	for (size_t i = 0; i < ODD_CHUNKS; i++) {
		odd[i] = malloc(size + 16);
		kept = malloc(24);
	}
	(void)kept;
	for (size_t i = 0; i < ODD_CHUNKS; i++)
		free(odd[i]);
}

static void work(int from, int to)
{
	char order;

	while (read(from, &order, 1) == 1) {
		pthread_t thread;
		void *volatile kept = NULL; /* lost, but not optimised away */

		if (order == 'o')
			offer_odd_chunks();
		if (order == 't' && pthread_create(&thread, NULL, idle, NULL) != 0)
			break;
		for (int i = 0; order == 'g' && i < 500; i++)
			kept = malloc(2000);
		(void)kept;
		if (write(to, &order, 1) != 1)
			break;
	}
	_exit(0);
}

static void start(struct worker *w)
{
	int orders[2], answers[2];
	struct err err;

	assert_int_equal(pipe(orders), 0);
	assert_int_equal(pipe(answers), 0);
	w->pid = fork();
	assert_true(w->pid >= 0);
	if (w->pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)close(orders[1]);
		work(orders[0], answers[1]);
	}
	(void)close(orders[0]);
	(void)close(answers[1]);
	w->to = orders[1];
	w->from = answers[0];
	assert_true(source_live_open(w->pid, &w->source, &err));
}

static void stop(struct worker *w)
{
	source_close(w->source);
	(void)close(w->to);
	(void)close(w->from);
	(void)kill(w->pid, SIGKILL);
	(void)waitpid(w->pid, NULL, 0);
}

static void tell(struct worker *w, char order)
{
	char answer;

	assert_int_equal(write(w->to, &order, 1), 1);
	assert_int_equal(read(w->from, &answer, 1), 1);
	assert_int_equal(answer, order);
}

static const struct snapshot *take_looking(struct worker *w, uint32_t what,
                                           const struct window_request *window)
{
	const struct take_request request = { .what = what, .window = window };
	const struct snapshot *snap;
	struct err err;

	assert_true(w->source->ops->take(w->source, &request, &snap, &err));
	return snap;
}

static const struct snapshot *take(struct worker *w, uint32_t what)
{
	return take_looking(w, what, NULL);
}

/* Everything of a snapshot that the source keeps and goes on with. */
static uint64_t hash_of(const struct snapshot *snap)
{
	const struct vma_set *vmas = snapshot_vmas(snap);
	const struct malloc_state *ms = snapshot_malloc(snap);
	const struct process_facts *process = snapshot_process(snap);
	uint64_t hash = XXH3_64bits(process, sizeof(*process));

	hash = XXH3_64bits_withSeed(vmas->at, vmas->count * sizeof(*vmas->at), hash);
	hash = XXH3_64bits_withSeed(snapshot_heap(snap), sizeof(struct heap_facts), hash);
	hash = XXH3_64bits_withSeed(ms, sizeof(*ms), hash);
	hash = XXH3_64bits_withSeed(ms->threads, ms->thread_count * sizeof(*ms->threads), hash);
	return XXH3_64bits_withSeed(ms->arenas, ms->arena_count * sizeof(*ms->arenas), hash);
}

static void a_snapshot_never_changes(void **state)
{
	static const uint32_t more[] = { 0, TAKE_RESIDENCY, TAKE_LISTS, TAKE_SMAPS, TAKE_WALK };
	const uint32_t each = TAKE_PROCESS | TAKE_VMAS | TAKE_HEADERS | TAKE_SYSTEM;
	const struct snapshot *snaps[TAKES];
	uint64_t hashes[TAKES];
	struct worker w;

	(void)state;
	start(&w);
	for (size_t i = 0; i < TAKES; i++) {
		tell(&w, i % 7 == 6 ? 't' : 'g');
		snaps[i] = take(&w, each | more[i % (sizeof(more) / sizeof(more[0]))]);
		if (!snapshot_malloc(snaps[i])) {
			print_message("skipped: the target's memory may not be read here\n");
			skip();
		}
		hashes[i] = hash_of(snaps[i]);
	}
	for (size_t i = 0; i < TAKES; i++) {
		assert_true(hash_of(snaps[i]) == hashes[i]);
		snapshot_unref(snaps[i]);
	}
	stop(&w);
}

/* What may be a little late for the sake of its cost, but not for good. */
static void new_threads_are_seen(void **state)
{
	const uint32_t what = TAKE_PROCESS | TAKE_VMAS | TAKE_HEADERS;
	struct worker w;
	size_t seen = 0;

	(void)state;
	start(&w);
	for (size_t i = 1; i <= THREADS; i++) {
		tell(&w, 't');
		for (int tries = 0; seen != i + 1 && tries < TRIES; tries++) {
			const struct snapshot *snap = take(&w, what);
			const struct malloc_state *ms = snapshot_malloc(snap);

			seen = ms ? ms->thread_count : 0;
			snapshot_unref(snap);
			if (seen != i + 1)
				(void)usleep(TRY_US);
		}
		assert_int_equal(seen, i + 1);
	}
	stop(&w);
}

static uint64_t size_word_of(struct worker *w, uint64_t mem)
{
	uint64_t word = 0;
	struct iovec local = { &word, sizeof(word) };
	/* an address in the child */
	struct iovec remote = {
		(void *)(uintptr_t)(mem - sizeof(word)), // NOLINT(performance-no-int-to-ptr)
		sizeof(word)
	};

	assert_int_equal(process_vm_readv(w->pid, &local, 1, &remote, 1, 0), sizeof(word));
	return word & ~UINT64_C(7);
}

/* How many tcaches are found, and how many of them in a chunk that is larger than asked for. */
static size_t count_tcaches(struct worker *w, size_t *ret_odd)
{
	const size_t odd = child_target_layout()->tcache.chunk_sizes[0] + 16;
	const struct snapshot *snap = take(w, TAKE_PROCESS | TAKE_VMAS | TAKE_HEADERS);
	const struct malloc_state *ms = snapshot_malloc(snap);
	size_t found = 0;

	assert_non_null(ms);
	*ret_odd = 0;
	for (size_t i = 0; i < ms->thread_count; i++) {
		if (!fact_or(ms->threads[i].tcache, 0))
			continue;
		found++;
		*ret_odd += size_word_of(w, ms->threads[i].tcache.v) == odd;
	}
	snapshot_unref(snap);
	return found;
}

/* A tcache is one of malloc's chunks like any other: it can be larger than was asked for. */
static void an_odd_tcache_is_found(void **state)
{
	struct worker w;
	size_t found = 0, odd = 0;

	(void)state;
	if (!child_target_possible() || !child_target_layout()->tcache.chunk_sizes[0]) {
		print_message("skipped: this program's malloc has no tcache that could be found\n");
		skip();
	}
	start(&w);
	tell(&w, 'o');
	tell(&w, 't');
	tell(&w, 't');
	for (int tries = 0; found < 3 && tries < TRIES; tries++) {
		(void)usleep(TRY_US);
		found = count_tcaches(&w, &odd);
	}
	assert_int_equal(found, 3);
	/* Else nothing was tried. */
	assert_true(odd > 0);
	stop(&w);
}

static char state_of(pid_t pid)
{
	char path[32], text[256] = "";
	const char *comm_end;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (file && !fgets(text, sizeof(text), file))
		text[0] = '\0';
	if (file)
		(void)fclose(file);
	comm_end = strrchr(text, ')');
	return comm_end && comm_end[1] ? comm_end[2] : '\0';
}

static void must_find_malloc(struct worker *w)
{
	const struct snapshot *snap = take(w, TAKE_PROCESS | TAKE_VMAS | TAKE_HEADERS);

	assert_non_null(snapshot_malloc(snap));
	assert_int_equal(snapshot_malloc(snap)->thread_count, 2);
	snapshot_unref(snap);
}

/* A child with two threads, of which the first ends when the parent closes its pipe. */
static void start_ending(struct worker *w)
{
	int orders[2], answers[2];
	pthread_t thread;
	char order = 0;

	assert_int_equal(pipe(orders), 0);
	assert_int_equal(pipe(answers), 0);
	w->pid = fork();
	assert_true(w->pid >= 0);
	if (w->pid == 0) {
		(void)close(orders[1]);
		if (pthread_create(&thread, NULL, idle, NULL) != 0)
			_exit(1);
		(void)!write(answers[1], &order, 1);
		while (read(orders[0], &order, 1) == 1)
			;
		pthread_exit(NULL);
	}
	(void)close(orders[0]);
	(void)close(answers[1]);
	w->to = orders[1];
	w->from = answers[0];
	assert_int_equal(read(w->from, &order, 1), 1);
}

/* /proc shows neither memory nor files of such a process under its own number. */
static void a_first_thread_may_end(void **state)
{
	struct worker w;
	struct err err;

	(void)state;
	start_ending(&w);
	assert_true(source_live_open(w.pid, &w.source, &err));
	must_find_malloc(&w);
	/* pthread_exit() loads a library, so that all are looked at again. */
	(void)close(w.to);
	for (int tries = 0; state_of(w.pid) != 'Z' && tries < TRIES; tries++)
		(void)usleep(TRY_US);
	must_find_malloc(&w);
	source_close(w.source);
	assert_true(source_live_open(w.pid, &w.source, &err));
	must_find_malloc(&w);
	source_close(w.source);
	(void)close(w.from);
	(void)kill(w.pid, SIGKILL);
	(void)waitpid(w.pid, NULL, 0);
}

/* A shell that does nothing but exec itself, until the file is there. */
static pid_t start_execs(char *file)
{
	static char name[] = "sh", option[] = "-c",
	            again[] = "[ -e \"$1\" ] && exec sleep 600; exec sh -c \"$0\" \"$0\" \"$1\"";
	char *const argv[] = { name, option, again, again, file, NULL };
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)execv("/bin/sh", argv);
		_exit(127);
	}
	return pid;
}

/* Whatever an exec cuts in two, it takes no permission away. */
static void must_not_be_denied(struct worker *w)
{
	const struct snapshot *snap = take(w, TAKE_PROCESS | TAKE_VMAS | TAKE_HEADERS);

	assert_string_equal(snapshot_process(snap)->denied_why, "");
	assert_false(snapshot_process(snap)->access_denied);
	snapshot_unref(snap);
}

static void an_exec_while_it_is_read(void **state)
{
	char dir[] = "/tmp/heaptop-test-XXXXXX", file[64];
	struct worker w, kept;
	bool is_read = false;
	struct err err;

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(file, sizeof(file), "%s/end", dir);
	w.pid = start_execs(file);
	assert_true(source_live_open(w.pid, &kept.source, &err));
	for (int i = 0; i < EXEC_TAKES; i++) {
		assert_true(source_live_open(w.pid, &w.source, &err));
		must_not_be_denied(&w);
		source_close(w.source);
		must_not_be_denied(&kept);
	}
	(void)fclose(fopen(file, "w"));
	for (int tries = 0; !is_read && tries < TRIES; tries++) {
		const struct snapshot *snap = take(&kept, TAKE_PROCESS | TAKE_VMAS);

		is_read = strcmp(snapshot_process(snap)->comm, "sleep") == 0 && snapshot_vmas(snap);
		snapshot_unref(snap);
		(void)usleep(TRY_US);
	}
	assert_true(is_read);
	source_close(kept.source);
	(void)kill(w.pid, SIGKILL);
	(void)waitpid(w.pid, NULL, 0);
	(void)unlink(file);
	(void)rmdir(dir);
}

/* --- looking at chunks ------------------------------------------------------------------------ */

static struct window_cell sum_of(const struct window *w)
{
	struct window_cell sum = { 0 };

	for (size_t i = 0; i < w->cell_count; i++) {
		sum.in_use += w->cells[i].in_use;
		sum.used_chunks += w->cells[i].used_chunks;
		sum.free_chunks += w->cells[i].free_chunks;
		sum.top += w->cells[i].top;
		sum.resident += w->cells[i].resident;
	}
	return sum;
}

/* What a view looks at agrees with the walk's sums, and a second look needs no second walk. */
static void a_look_agrees_with_the_walk(void **state)
{
	const uint32_t first = TAKE_PROCESS | TAKE_VMAS | TAKE_HEADERS | TAKE_SYSTEM;
	struct window_request request = { .cell = 4096, .chunks_max = 100 };
	const struct snapshot *snap;
	const struct window *window;
	const struct arena *arena;
	struct window_cell sum;
	struct worker w;

	(void)state;
	start(&w);
	tell(&w, 'g');
	snap = take(&w, first);
	if (!snapshot_malloc(snap) || !snapshot_malloc(snap)->arena_count ||
	    !snapshot_malloc(snap)->arenas[0].heap_count) {
		snapshot_unref(snap);
		stop(&w);
		print_message("skipped: the target's malloc is not glibc's, or may not be read\n");
		skip();
	}
	assert_null(snapshot_window(snap));
	arena = &snapshot_malloc(snap)->arenas[0];
	request.scope_start = request.start = request.chunks_at = arena->heaps[0].start;
	request.scope_end = request.end = arena->heaps[0].end;
	snapshot_unref(snap);

	snap = take_looking(&w, first | TAKE_WINDOW, &request);
	window = snapshot_window(snap);
	arena = &snapshot_malloc(snap)->arenas[0];
	assert_non_null(window);
	assert_true(window_request_equal(&window->asked, &request));
	sum = sum_of(window);
	assert_int_equal(sum.in_use, arena->in_use.bytes.v);
	assert_int_equal(sum.used_chunks, arena->in_use.count.v);
	assert_int_equal(sum.free_chunks, arena->free_total.count.v);
	assert_int_equal(sum.top, arena->top_size.v);
	assert_true(sum.resident > 0 && sum.resident <= request.end - request.start);
	assert_true(window->chunk_count > 0 && window->chunks[0].has_header);

	/* the target goes on: the chunks are still those of that walk, the bytes are new */
	request.bytes_at = window->chunks[0].addr;
	request.bytes_len = 64;
	snapshot_unref(snap);
	tell(&w, 'g');
	snap = take_looking(&w, first | TAKE_WINDOW, &request);
	window = snapshot_window(snap);
	assert_int_equal(sum_of(window).used_chunks, sum.used_chunks);
	assert_int_equal(window->holder.addr, request.bytes_at);
	assert_memory_equal(window->bytes + window->word, &window->holder.raw, window->word);
	snapshot_unref(snap);

	/* with a walk there are more; when nobody looks any more it is gone */
	snap = take_looking(&w, first | TAKE_WINDOW | TAKE_WALK | TAKE_LISTS, &request);
	assert_true(sum_of(snapshot_window(snap)).used_chunks > sum.used_chunks);
	snapshot_unref(snap);
	snap = take(&w, first);
	assert_null(snapshot_window(snap));
	snapshot_unref(snap);
	stop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_look_agrees_with_the_walk),
		cmocka_unit_test(a_snapshot_never_changes),
		cmocka_unit_test(new_threads_are_seen),
		cmocka_unit_test(an_odd_tcache_is_found),
		cmocka_unit_test(a_first_thread_may_end),
		cmocka_unit_test(an_exec_while_it_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
