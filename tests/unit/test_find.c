/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding glibc's malloc and the threads, against programs that know both of themselves. */
#include <inttypes.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/live_target.h"

#define SOURCE "tests/programs/find_target.c"

enum { THREADS = 4 };

static char *const no_env[] = { NULL };

static bool start_target(struct live_target *target, const char *const *flags, char *const env[])
{
	char path[128], threads[4];
	char *const argv[] = { path, threads, NULL };

	snprintf(threads, sizeof(threads), "%d", THREADS);
	if (!live_target_build(SOURCE, flags, path, sizeof(path)) ||
	    !live_target_start(target, argv, env)) {
		print_message("skip: %s can't be built or run with these flags here\n", SOURCE);
		return false;
	}
	return true;
}

/* --- what must hold ---------------------------------------------------------------------------- */

static const struct malloc_thread *thread_of(const struct malloc_state *ms, int32_t tid)
{
	for (size_t i = 0; i < ms->thread_count; i++) {
		if (ms->threads[i].tid == tid)
			return &ms->threads[i];
	}
	print_message("thread %d is not listed\n", tid);
	abort();
}

struct told {
	int tid, uses_malloc;
	uint64_t pthread_addr, stack_end;
	char arena[24];
};

static void check_thread(const struct live_target *target, const struct told *told)
{
	const struct malloc_state *ms = &target->heap.instances[0];
	const struct malloc_thread *t = thread_of(ms, told->tid);

	assert_int_equal(t->pthread_addr, told->pthread_addr);
	if (told->stack_end)
		assert_int_equal(t->stack_end, told->stack_end);
	assert_true(t->stack_start < t->stack_end);
	assert_int_equal(t->arena.state, FACT_KNOWN);
	assert_int_equal(t->tcache.state, FACT_KNOWN);
	if (!told->uses_malloc) {
		assert_int_equal(t->arena.v, 0);
		assert_int_equal(t->tcache.v, 0);
		return;
	}
	if (strcmp(told->arena, "0") == 0)
		assert_int_equal(t->arena.v, target->found.mallocs[0].main_arena_addr);
	else
		assert_int_equal(t->arena.v, strtoull(told->arena, NULL, 16));
	if (target->found.mallocs[0].layout.tcache.bins)
		assert_int_not_equal(t->tcache.v, 0);
}

/* Everything the target told of itself was found. */
static void check_threads(const struct live_target *target)
{
	const char *line = target->said;
	size_t count = 0;
	struct told told;

	assert_true(target->heap.instance_count > 0);
	while (sscanf(line, "thread %d %" SCNx64 " %" SCNx64 " %23s %d", &told.tid,
	              &told.pthread_addr, &told.stack_end, told.arena, &told.uses_malloc) == 5) {
		check_thread(target, &told);
		line = strchr(line, '\n') + 1;
		count++;
	}
	assert_int_equal(count, THREADS + 1);
	assert_int_equal(target->heap.instances[0].thread_count, THREADS + 1);
}

static const struct road *road_named(const struct heap_facts *heap, const char *name)
{
	for (size_t i = 0; i < heap->road_count; i++) {
		if (strcmp(heap->roads[i].name, name) == 0)
			return &heap->roads[i];
	}
	print_message("road %s was not tried\n", name);
	abort();
}

/* Each road that led anywhere led to the same place. */
static void check_roads(const struct live_target *target)
{
	const struct found_malloc *found = &target->found.mallocs[0];

	for (size_t i = 0; i < target->heap.road_count; i++) {
		const struct road *road = &target->heap.roads[i];

		if (road->main_arena)
			assert_int_equal(road->main_arena, found->main_arena_addr);
		if (road->mp)
			assert_int_equal(road->mp, found->mp_addr);
		if (!road->main_arena && !road->mp)
			assert_non_null(road->note);
	}
	assert_int_equal(road_named(&target->heap, "relocation")->main_arena,
	                 found->main_arena_addr);
	assert_int_equal(road_named(&target->heap, "pattern")->mp, found->mp_addr);
	assert_int_equal(road_named(&target->heap, "scan")->main_arena, found->main_arena_addr);
	assert_int_equal(road_named(&target->heap, "heap_info")->main_arena,
	                 found->main_arena_addr);
}

static void check_kind(const char *const *flags, enum libc_kind kind)
{
	struct live_target target;

	if (!start_target(&target, flags, no_env))
		skip();
	live_target_find(&target);
	assert_int_equal(target.heap.libc_kind, kind);
	assert_int_equal(target.heap.allocator, ALLOCATOR_GLIBC);
	assert_int_equal(target.heap.confidence, 'A');
	assert_true(target.heap.minor >= 22);
	assert_null(target.heap.interposer);
	assert_non_null(target.heap.libc_path);
	assert_non_null(target.heap.layout);
	assert_int_equal(target.found.count, 1);
	assert_false(target.found.mallocs[0].never_used);
	check_roads(&target);
	check_threads(&target);
	live_target_end(&target);
}

/* --- tests ------------------------------------------------------------------------------------- */

static void a_dynamic_program(void **state)
{
	(void)state;
	check_kind((const char *const[]){ "-pthread", NULL }, LIBC_GLIBC);
}

/* The program's variable is nearer to the thread pointer than libc's, and full in more threads. */
static void a_thread_local_arena_of_the_programs_own(void **state)
{
	(void)state;
	check_kind((const char *const[]){ "-pthread", "-DWITH_DECOY", NULL }, LIBC_GLIBC);
}

static void a_dynamic_program_at_fixed_addresses(void **state)
{
	(void)state;
	check_kind((const char *const[]){ "-pthread", "-no-pie", "-fno-pie", NULL }, LIBC_GLIBC);
}

static void a_static_program(void **state)
{
	(void)state;
	check_kind((const char *const[]){ "-pthread", "-static", NULL }, LIBC_STATIC_GLIBC);
}

static void a_stripped_static_program(void **state)
{
	(void)state;
	check_kind((const char *const[]){ "-pthread", "-static", "-s", NULL }, LIBC_STATIC_GLIBC);
}

static void a_static_pie(void **state)
{
	(void)state;
	check_kind((const char *const[]){ "-pthread", "-static-pie", NULL }, LIBC_STATIC_GLIBC);
}

static void a_stripped_static_pie(void **state)
{
	(void)state;
	check_kind((const char *const[]){ "-pthread", "-static-pie", "-s", NULL },
	           LIBC_STATIC_GLIBC);
}

/* --- other glibcs, where tests/truth/fetch-glibc.sh has put them -------------------------------- */

static void glibc_store(char *path, size_t size)
{
	const char *store = getenv("HEAPTOP_GLIBCS"), *cache = getenv("XDG_CACHE_HOME");

	if (store)
		snprintf(path, size, "%s", store);
	else if (cache)
		snprintf(path, size, "%s/heaptop/glibcs", cache);
	else
		snprintf(path, size, "%s/.cache/heaptop/glibcs", getenv("HOME"));
}

/* A program linked against the oldest runs under all. */
static bool build_for_all(const char *store, char *program, size_t size)
{
	char libc[256], libpthread[256];
	const char *const flags[] = { "-nodefaultlibs", libc,
		                      libpthread,       "-Wl,--allow-shlib-undefined",
		                      "-lgcc",          NULL };

	snprintf(libc, sizeof(libc), "%s/2.31/lib/libc.so.6", store);
	snprintf(libpthread, sizeof(libpthread), "%s/2.31/lib/libpthread.so.0", store);
	return access(libc, R_OK) == 0 && live_target_build(SOURCE, flags, program, size);
}

static void check_glibc(const char *store, int minor, char *program)
{
	char loader[256], library[256], option[] = "--library-path", threads[] = "4";
	char *const argv[] = { loader, option, library, program, threads, NULL };
	struct live_target target;

	snprintf(loader, sizeof(loader), "%s/2.%d/ld.so", store, minor);
	snprintf(library, sizeof(library), "%s/2.%d/lib", store, minor);
	if (!live_target_start(&target, argv, no_env)) {
		print_message("glibc 2.%d: the target does not run under it\n", minor);
		fail();
	}
	live_target_find(&target);
	assert_int_equal(target.heap.minor, minor);
	assert_int_equal(target.heap.confidence, 'A');
	assert_int_equal(target.heap.libc_kind, LIBC_GLIBC);
	assert_true(target.found.mallocs[0].layout.minor_first <= minor &&
	            target.found.mallocs[0].layout.minor_last >= minor);
	check_roads(&target);
	check_threads(&target);
	live_target_end(&target);
}

static void four_debian_glibcs(void **state)
{
	static const int minors[] = { 31, 36, 41, 43 };
	char store[200], program[128];

	(void)state;
	glibc_store(store, sizeof(store));
	if (!build_for_all(store, program, sizeof(program))) {
		print_message("skip: no glibcs in %s (tests/truth/fetch-glibc.sh)\n", store);
		skip();
	}
	for (size_t i = 0; i < sizeof(minors) / sizeof(minors[0]); i++)
		check_glibc(store, minors[i], program);
}

/* The first thread used both, the others the first one only. */
static void check_second_libc(const struct live_target *target)
{
	const struct malloc_state *first = &target->heap.instances[0],
	                          *second = &target->heap.instances[1];

	assert_int_equal(first->thread_count, second->thread_count);
	for (size_t i = 0; i < second->thread_count; i++) {
		const struct malloc_thread *t = &second->threads[i];

		assert_int_equal(t->pthread_addr, thread_of(first, t->tid)->pthread_addr);
		assert_int_equal(t->arena.state, FACT_KNOWN);
		assert_int_equal(t->arena.v, t->tid == target->pid
		                                     ? target->found.mallocs[1].main_arena_addr
		                                     : 0);
	}
}

/* A second libc in a namespace of its own: both are found, the program's comes first. */
static void two_libcs(void **state)
{
	static const char *const flags[] = { "-pthread", "-DWITH_DLMOPEN", "-ldl", NULL };
	struct live_target target;

	(void)state;
	if (!start_target(&target, flags, no_env))
		skip();
	live_target_find(&target);
	assert_int_equal(target.found.count, 2);
	assert_int_not_equal(target.found.mallocs[0].main_arena_addr,
	                     target.found.mallocs[1].main_arena_addr);
	assert_false(target.found.mallocs[1].never_used);
	check_threads(&target);
	check_second_libc(&target);
	live_target_end(&target);
}

/* Ids wrap at pid_max, so that a first thread can have the highest; the list goes by id. */
static void a_first_thread_with_the_highest_id(void **state)
{
	static const char *const flags[] = { "-pthread", "-DWITH_DLMOPEN", "-ldl", NULL };
	/* More than vote, and the last of the list is none of the evenly spaced ones. */
	char path[128], threads[] = "41";
	char *const argv[] = { path, threads, NULL };
	struct live_target target;

	(void)state;
	if (!live_target_build(SOURCE, flags, path, sizeof(path)) ||
	    !live_target_start_highest(&target, argv, no_env)) {
		print_message("skip: no process can be given an id of choice here\n");
		skip();
	}
	live_target_find(&target);
	assert_int_equal(target.found.count, 2);
	assert_int_equal(target.heap.instances[1].thread_count, 42);
	assert_int_equal(target.heap.instances[1].threads[41].tid, target.pid);
	check_second_libc(&target);
	live_target_end(&target);
}

/* One voter only, with another arena's address on its stack. */
static void a_last_thread_with_an_arena_on_its_stack(void **state)
{
	static const char *const flags[] = { "-pthread", "-DFIRST_ENDS", NULL };
	char path[128], threads[] = "1";
	char *const argv[] = { path, threads, NULL };
	struct live_target target;
	struct told told = { 0 };
	const char *line;
	uint64_t kept;

	(void)state;
	if (!live_target_build(SOURCE, flags, path, sizeof(path)) ||
	    !live_target_start(&target, argv, no_env)) {
		print_message("skip: %s can't be built or run with these flags here\n", SOURCE);
		skip();
	}
	live_target_find(&target);
	line = strchr(target.said, '\n') + 1; /* the first thread's comes first */
	assert_int_equal(sscanf(line, "thread %d %" SCNx64 " %" SCNx64 " %23s %d\nkept %" SCNx64,
	                        &told.tid, &told.pthread_addr, &told.stack_end, told.arena,
	                        &told.uses_malloc, &kept),
	                 6);
	assert_int_not_equal(told.tid, target.pid);
	assert_int_equal(kept, target.found.mallocs[0].main_arena_addr);
	assert_string_not_equal(told.arena, "0");
	check_thread(&target, &told);
	live_target_end(&target);
}

/* Another malloc in front: glibc's stays unused and the library is named. */
static void an_interposed_malloc(void **state)
{
	static const char *const library[] = { "-shared", "-fPIC", NULL };
	static const char *const program[] = { "-pthread", NULL };
	char path[128], preload[160];
	char *const env[] = { preload, NULL };
	struct live_target target;

	(void)state;
	if (!live_target_build("tests/programs/bump_malloc.c", library, path, sizeof(path)))
		skip();
	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", path);
	if (!start_target(&target, program, env))
		skip();
	live_target_find(&target);
	assert_int_equal(target.heap.libc_kind, LIBC_GLIBC);
	assert_int_equal(target.heap.allocator, ALLOCATOR_OTHER);
	assert_string_equal(target.heap.interposer, strrchr(path, '/') + 1);
	assert_int_equal(target.heap.confidence, 'N');
	assert_int_equal(target.found.count, 1);
	assert_true(target.found.mallocs[0].never_used);
	live_target_end(&target);
}

/* No C library at all: nothing is found, and nothing is claimed. */
static void a_program_without_libc(void **state)
{
	static const char *const flags[] = { "-static", "-nostdlib", "-ffreestanding", NULL };
	struct live_target target;
	char path[128];
	char *const argv[] = { path, NULL };

	(void)state;
	if (!live_target_build("tests/programs/no_libc.c", flags, path, sizeof(path)) ||
	    !live_target_start(&target, argv, no_env))
		skip();
	live_target_find(&target);
	assert_int_equal(target.heap.libc_kind, LIBC_OTHER);
	assert_int_equal(target.heap.allocator, ALLOCATOR_UNKNOWN);
	assert_int_equal(target.heap.confidence, '?');
	assert_int_equal(target.found.count, 0);
	live_target_end(&target);
}

/* The program was replaced on disk: what is mapped counts. */
static void a_deleted_program(void **state)
{
	static const char *const flags[] = { "-pthread", "-static", NULL };
	struct live_target target;
	char link[64], path[256];
	ssize_t len;

	(void)state;
	if (geteuid() != 0) {
		print_message("skip: opening a deleted file needs CAP_SYS_ADMIN\n");
		skip();
	}
	if (!start_target(&target, flags, no_env))
		skip();
	snprintf(link, sizeof(link), "/proc/%d/exe", (int)target.pid);
	len = readlink(link, path, sizeof(path) - 1);
	assert_true(len > 0);
	path[len] = '\0';
	assert_int_equal(unlink(path), 0);
	live_target_find(&target);
	assert_int_equal(target.heap.confidence, 'A');
	check_threads(&target);
	live_target_end(&target);
}

/* In another pid namespace glibc stores other task ids than we see. */
static void a_container(void **state)
{
	static const char *const flags[] = { "-pthread", NULL };
	char path[128], line[64];
	struct live_target target = { 0 };
	int out[2];
	pid_t helper;

	(void)state;
	if (!live_target_build(SOURCE, flags, path, sizeof(path)))
		skip();
	assert_int_equal(pipe(out), 0);
	helper = fork();
	if (helper == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWPID) != 0)
			_exit(77);
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			dup2(out[1], 1);
			execl(path, path, "3", (char *)NULL);
		}
		wait(NULL);
		_exit(0);
	}
	close(out[1]);
	if (read(out[0], line, sizeof(line)) <= 0) {
		print_message("skip: no pid namespace can be made here\n");
		waitpid(helper, NULL, 0);
		close(out[0]);
		skip();
	}
	while (!memmem(target.said, sizeof(target.said), "ready", 5) &&
	       read(out[0], target.said, sizeof(target.said)) > 0)
		;
	snprintf(line, sizeof(line), "/proc/%d/task/%d/children", (int)helper, (int)helper);
	FILE *children = fopen(line, "r");
	int pid = 0;

	assert_non_null(children);
	assert_int_equal(fscanf(children, "%d", &pid), 1);
	fclose(children);
	live_target_open(&target, pid);
	live_target_find(&target);
	assert_int_equal(target.heap.instances[0].thread_count, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_not_equal(target.heap.instances[0].threads[i].pthread_addr, 0);
	target.pid = 0;
	live_target_end(&target);
	kill(helper, SIGKILL);
	waitpid(helper, NULL, 0);
	close(out[0]);
}

/* Without access to memory the library is still named, and nothing is claimed of its state. */
static size_t refuse_read(struct memory *mem, uint64_t addr, void *buf, size_t len,
                          enum mem_status *ret_status)
{
	(void)mem, (void)addr, (void)buf, (void)len;
	*ret_status = MEM_DENIED;
	return 0;
}

static void refuse_gather(struct memory *mem, struct mem_piece *pieces, size_t count)
{
	(void)mem;
	for (size_t i = 0; i < count; i++)
		pieces[i].status = MEM_DENIED;
}

static size_t refuse_pages(struct memory *mem, uint64_t start, uint64_t end,
                           struct mem_range *ranges, size_t room)
{
	(void)mem, (void)start, (void)end, (void)ranges, (void)room;
	return 0;
}

static void memory_that_is_refused(void **state)
{
	static const char *const flags[] = { "-pthread", NULL };
	const struct memory_ops ops = { refuse_read, refuse_gather, refuse_pages };
	struct memory refused = { &ops };
	struct live_target target;

	(void)state;
	if (!start_target(&target, flags, no_env))
		skip();
	find_malloc(target.pid, &target.vmas->vmas, &refused, target.region, &target.heap,
	            &target.found);
	assert_int_equal(target.heap.libc_kind, LIBC_GLIBC);
	assert_true(target.heap.minor >= 22);
	assert_true(target.heap.confidence == 'C' || target.heap.confidence == '?');
	live_target_end(&target);
}

static int clean(void **state)
{
	(void)state;
	live_target_clean();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_dynamic_program),
		cmocka_unit_test(a_thread_local_arena_of_the_programs_own),
		cmocka_unit_test(a_dynamic_program_at_fixed_addresses),
		cmocka_unit_test(a_static_program),
		cmocka_unit_test(a_stripped_static_program),
		cmocka_unit_test(a_static_pie),
		cmocka_unit_test(a_stripped_static_pie),
		cmocka_unit_test(four_debian_glibcs),
		cmocka_unit_test(two_libcs),
		cmocka_unit_test(a_first_thread_with_the_highest_id),
		cmocka_unit_test(a_last_thread_with_an_arena_on_its_stack),
		cmocka_unit_test(an_interposed_malloc),
		cmocka_unit_test(a_program_without_libc),
		cmocka_unit_test(a_deleted_program),
		cmocka_unit_test(a_container),
		cmocka_unit_test(memory_that_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, clean);
}
