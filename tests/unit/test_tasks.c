/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of all processes, compared with what /proc says of real ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model/linux/lx.h"
#include "probes/cgroup.h"
#include "probes/read.h"
#include "probes/read_file.h"

struct fixture {
	struct tasks *tasks;
	struct region *region;
	struct oom_table table;
	struct system_facts sys;
	const struct linux_rules *rules;
};

static void read_table(struct fixture *f)
{
	region_free(f->region);
	f->region = region_new();
	assert_non_null(f->region);
	assert_true(tasks_read(f->tasks, NULL, NULL, f->region, &f->table));
	f->table.totalpages = (f->sys.mem_total.v + f->sys.swap_total.v) / f->sys.page_size;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->tasks = tasks_new();
	assert_non_null(f->tasks);
	assert_true(system_read(&f->sys));
	f->rules = linux_rules_for(f->sys.kernel_major, f->sys.kernel_minor);
	read_table(f);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	tasks_free(f->tasks);
	region_free(f->region);
	free(f);
	return 0;
}

static bool find(const struct fixture *f, pid_t pid, struct oom_task *ret)
{
	for (size_t i = 0; i < f->table.count; i++)
		if (f->table.tasks[i].pid == pid) {
			*ret = f->table.tasks[i];
			return true;
		}
	return false;
}

static struct oom_task get(const struct fixture *f, pid_t pid)
{
	struct oom_task task = { 0 };

	assert_true(find(f, pid, &task));
	return task;
}

/* --- children that stand for something -------------------------------------------------------- */

/* A child that runs `body`, says so through a pipe, and then sleeps until it is killed. */
static pid_t start_child(void (*body)(void))
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (body)
			body();
		(void)!write(ready[1], "r", 1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void end_child(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* The number behind "KEY:" in status, in bytes; UINT64_MAX when the key is not there. */
static uint64_t status_bytes(pid_t pid, const char *key)
{
	char path[64], text[8192];
	const char *at;
	size_t len;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (read_file_small(AT_FDCWD, path, text, sizeof(text), &len) != READ_OK)
		return UINT64_MAX;
	at = strstr(text, key);
	return at ? strtoull(at + strlen(key) + 1, NULL, 10) * 1024 : UINT64_MAX;
}

static void touch_30_mib(void)
{
	size_t size = (size_t)30 << 20;
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		_exit(1);
	memset(at, 1, size);
}

static void a_child_shows_its_figures(void **state)
{
	struct fixture *f = *state;
	pid_t pid = start_child(touch_30_mib);
	struct oom_task task;

	read_table(f);
	task = get(f, pid);
	assert_int_equal(task.ppid, getpid());
	assert_int_equal(task.uid, geteuid());
	assert_int_equal(task.rss_pages * f->sys.page_size, status_bytes(pid, "VmRSS"));
	assert_int_equal(task.pgtables_bytes, status_bytes(pid, "VmPTE"));
	assert_int_equal(task.swap_pages * f->sys.page_size, status_bytes(pid, "VmSwap"));
	assert_true(task.in_domain);
	assert_false(task.is_partial);
	end_child(pid);
	read_table(f);
	assert_false(find(f, pid, &task));
}

/* --- oom_score -------------------------------------------------------------------------------- */

/* One reading of a process by a fresh table, compared with the kernel's own score. */
static bool score_agrees(const struct fixture *f, const struct oom_task *task)
{
	return fact_known(task->score) &&
	       lx_oom_score(f->rules, task, f->table.totalpages) == (int64_t)task->score.v;
}

/*
 * Processes change between the reading of their files, so those that disagree get further chances;
 * a wrong rule would fail in all of them.
 */
static void scores_equal_the_kernels(void **state)
{
	struct fixture *f = *state;
	size_t checked = 0, wrong = 0;

	for (int attempt = 0; attempt < 5; attempt++) {
		read_table(f);
		checked = wrong = 0;
		for (size_t i = 0; i < f->table.count; i++) {
			const struct oom_task *task = &f->table.tasks[i];

			if (task->flags & OOM_TASK_KTHREAD)
				continue;
			checked++;
			wrong += !score_agrees(f, task);
		}
		if (!wrong)
			break;
	}
	print_message("%zu processes compared with /proc/PID/oom_score\n", checked);
	assert_true(checked > 1);
	assert_true(wrong * 50 <= checked);
}

static bool set_adj(pid_t pid, int adj)
{
	char path[64], text[16];
	int fd, len;
	bool ok;

	(void)snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", pid);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	len = snprintf(text, sizeof(text), "%d", adj);
	ok = write(fd, text, (size_t)len) == len;
	close(fd);
	return ok;
}

static void adj_enters_the_score(void **state)
{
	static const int adjs[] = { 0, 7, 500, 1000 };
	struct fixture *f = *state;
	pid_t pid = start_child(touch_30_mib);

	for (size_t i = 0; i < sizeof(adjs) / sizeof(adjs[0]); i++) {
		struct oom_task task;

		assert_true(set_adj(pid, adjs[i]));
		read_table(f);
		task = get(f, pid);
		assert_int_equal(task.adj, adjs[i]);
		assert_true(score_agrees(f, &task));
	}
	end_child(pid);
}

static void negative_adj_enters_the_score(void **state)
{
	static const int adjs[] = { -1, -500, -998, -999, -1000 };
	struct fixture *f = *state;
	pid_t pid = start_child(touch_30_mib);

	if (!set_adj(pid, -1)) {
		print_message("skipped: lowering oom_score_adj needs CAP_SYS_RESOURCE\n");
		end_child(pid);
		skip();
	}
	for (size_t i = 0; i < sizeof(adjs) / sizeof(adjs[0]); i++) {
		struct oom_task task;

		assert_true(set_adj(pid, adjs[i]));
		read_table(f);
		task = get(f, pid);
		assert_true(score_agrees(f, &task));
	}
	end_child(pid);
}

/* --- unusual processes ------------------------------------------------------------------------ */

static void kernel_threads_and_init_are_known(void **state)
{
	struct fixture *f = *state;
	struct oom_task kthreadd = { 0 }, init = { 0 };

	if (!find(f, 2, &kthreadd) || strcmp(kthreadd.comm, "kthreadd") != 0 ||
	    !find(f, 1, &init)) {
		print_message("skipped: not in the machine's own pid namespace\n");
		skip();
	}
	assert_true(kthreadd.flags & OOM_TASK_KTHREAD);
	assert_true(init.flags & OOM_TASK_INIT);
}

static void a_zombie_has_no_memory(void **state)
{
	struct fixture *f = *state;
	pid_t pid = fork();
	siginfo_t info;
	struct oom_task task;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	read_table(f);
	task = get(f, pid);
	assert_true(task.flags & OOM_TASK_NO_MM);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void *sleep_forever(void *unused)
{
	(void)unused;
	for (;;)
		pause();
	return NULL;
}

/* Runs in the child: its first thread ends, the second one keeps the memory. */
static void leave_a_thread(int ready)
{
	pthread_t thread;

	touch_30_mib();
	if (pthread_create(&thread, NULL, sleep_forever, NULL) != 0)
		_exit(1);
	(void)!write(ready, "r", 1);
	pthread_exit(NULL);
}

static void a_dead_first_thread_hides_nothing(void **state)
{
	struct fixture *f = *state;
	struct oom_task task;
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		leave_a_thread(ready[1]);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	while (status_bytes(pid, "VmRSS") != UINT64_MAX)
		(void)sched_yield();
	read_table(f);
	task = get(f, pid);
	assert_false(task.flags & OOM_TASK_NO_MM);
	assert_true(task.rss_pages * f->sys.page_size > (size_t)30 << 20);
	assert_true(score_agrees(f, &task));
	end_child(pid);
	close(ready[0]);
	close(ready[1]);
}

static int announce_and_sleep(void *shared)
{
	__atomic_store_n((pid_t *)shared, (pid_t)syscall(SYS_getpid), __ATOMIC_RELEASE);
	for (;;)
		pause();
	return 0;
}

/* Starts a child that does as vfork does, with a stack of its own for the inner one. */
static pid_t start_vfork(pid_t *ret_inner)
{
	pid_t *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t outer;

	assert_true(shared != MAP_FAILED);
	outer = fork();
	assert_true(outer >= 0);
	if (outer == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		static char stack[16384] __attribute__((aligned(16)));

		(void)clone(announce_and_sleep, stack + sizeof(stack),
		            CLONE_VM | CLONE_VFORK | SIGCHLD, shared);
		_exit(0);
	}
	while (!(*ret_inner = __atomic_load_n(shared, __ATOMIC_ACQUIRE)))
		(void)sched_yield();
	(void)munmap(shared, 4096);
	return outer;
}

static void a_vfork_child_is_told(void **state)
{
	struct fixture *f = *state;
	struct oom_task task;
	pid_t inner, outer = start_vfork(&inner);

	if (!f->rules->oom_score_two_thirds) {
		print_message("skipped: this kernel's oom_score does not tell\n");
		end_child(inner);
		skip();
	}
	read_table(f);
	task = get(f, inner);
	assert_true(task.flags & OOM_TASK_VFORK);
	assert_true(score_agrees(f, &task));
	(void)kill(inner, SIGKILL);
	assert_int_equal(waitpid(outer, NULL, 0), outer);
}

static void take_a_hostile_name(void)
{
	(void)prctl(PR_SET_NAME, "a\\\n\x1b[31m)\xff(");
}

static void names_are_raw_bytes(void **state)
{
	struct fixture *f = *state;
	pid_t pid = start_child(take_a_hostile_name);
	struct oom_task task;

	for (int round = 0; round < 2; round++) {
		read_table(f);
		task = get(f, pid);
		assert_string_equal(task.comm, "a\\\n\x1b[31m)\xff(");
	}
	end_child(pid);
}

/* --- pids that come again --------------------------------------------------------------------- */

/* A child with a chosen pid; -1 where that is not allowed. */
static pid_t fork_as(pid_t wanted)
{
	pid_t set_tid[1] = { wanted };
	struct clone_args args = { .exit_signal = SIGCHLD,
		                   .set_tid = (uint64_t)(uintptr_t)set_tid,
		                   .set_tid_size = 1 };
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)prctl(PR_SET_NAME, "successor");
		for (;;)
			pause();
	}
	return (pid_t)pid;
}

static void a_reused_pid_is_another_process(void **state)
{
	struct fixture *f = *state;
	pid_t pid = start_child(touch_30_mib), again;
	uint64_t rss;

	read_table(f);
	rss = get(f, pid).rss_pages;
	end_child(pid);
	again = fork_as(pid);
	if (again < 0) {
		print_message("skipped: choosing a pid needs CAP_CHECKPOINT_RESTORE: %s\n",
		              strerrordesc_np(errno));
		skip();
	}
	assert_int_equal(again, pid);
	read_table(f);
	assert_true(get(f, pid).rss_pages < rss);
	end_child(pid);
}

/* --- few descriptors -------------------------------------------------------------------------- */

/* In a process of its own, as the hard limit can't be raised again. */
static int read_with_few_descriptors(void)
{
	struct rlimit few = { 64, 64 };
	struct region *region = region_new();
	struct oom_table table;
	struct tasks *tasks;
	bool found = false;

	if (setrlimit(RLIMIT_NOFILE, &few) != 0)
		return 2;
	tasks = tasks_new();
	for (int round = 0; round < 3; round++)
		if (!tasks || !tasks_read(tasks, NULL, NULL, region, &table) || table.unreadable)
			return 3;
	for (size_t i = 0; i < table.count; i++)
		found |= table.tasks[i].pid == getpid() && table.tasks[i].rss_pages &&
		         table.tasks[i].pgtables_bytes && !table.tasks[i].is_partial;
	tasks_free(tasks);
	region_free(region);
	return found ? 0 : 4;
}

static void few_descriptors_only_cost_time(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(read_with_few_descriptors());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static size_t count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t count = 0;

	assert_non_null(dir);
	while (readdir(dir)) // NOLINT(concurrency-mt-unsafe): a stream of our own
		count++;
	closedir(dir);
	return count;
}

static void nothing_leaks(void **state)
{
	size_t before = count_descriptors();
	struct region *region = region_new();
	struct tasks *tasks = tasks_new();
	struct oom_table table;

	(void)state;
	assert_true(tasks_read(tasks, NULL, NULL, region, &table));
	tasks_free(tasks);
	region_free(region);
	assert_int_equal(count_descriptors(), before);
}

/* --- the domain ------------------------------------------------------------------------------- */

static bool write_pid(int dir, const char *name, pid_t pid)
{
	char text[16];
	int fd = openat(dir, name, O_WRONLY | O_CLOEXEC), len;
	bool ok;

	if (fd < 0)
		return false;
	len = snprintf(text, sizeof(text), "%d", pid);
	ok = write(fd, text, (size_t)len) == len;
	close(fd);
	return ok;
}

/* A child inside a fresh cgroup below ours is in the domain, its sibling is not. */
static void the_domain_is_a_subtree(void **state)
{
	struct fixture *f = *state;
	struct cgroup_facts cgroup, below;
	const struct cgroup_level *own;
	pid_t inside, outside;
	int dir, made = -1;

	cgroup_read(getpid(), NULL, f->region, &cgroup);
	if (cgroup.unreadable) {
		print_message("skipped: %s\n", cgroup.unreadable);
		skip();
	}
	own = &cgroup.levels[cgroup.level_count - 1];
	dir = cgroup_open_level(&cgroup, own);
	if (dir < 0 || mkdirat(dir, "heaptop-test", 0755) != 0 ||
	    (made = openat(dir, "heaptop-test", O_PATH | O_DIRECTORY)) < 0) {
		print_message("skipped: can't make a cgroup: %s\n", strerrordesc_np(errno));
		skip();
	}
	inside = start_child(NULL);
	outside = start_child(NULL);
	if (write_pid(made, "cgroup.procs", inside)) {
		cgroup_read(inside, NULL, f->region, &below);
		assert_null(below.unreadable);
		assert_int_equal(below.level_count, cgroup.level_count + 1);
		assert_true(tasks_read(f->tasks, &below, &below.levels[below.level_count - 1],
		                       f->region, &f->table));
		assert_true(get(f, inside).in_domain);
		assert_false(get(f, outside).in_domain);
		assert_true(tasks_read(f->tasks, &below, &below.levels[below.level_count - 2],
		                       f->region, &f->table));
		assert_true(get(f, inside).in_domain);
		assert_true(get(f, outside).in_domain);
	} else {
		print_message("the domain was not checked: can't move a process\n");
	}
	end_child(inside);
	end_child(outside);
	close(made);
	assert_int_equal(unlinkat(dir, "heaptop-test", AT_REMOVEDIR), 0);
	close(dir);
}

static void be_a_user_without_a_name(void)
{
	if (setuid(3999999998) != 0)
		_exit(1);
}

static void users_have_the_names_the_system_gives(void **state)
{
	struct fixture *f = *state;
	const struct passwd *own = getpwuid(geteuid()); // NOLINT(concurrency-mt-unsafe): one thread
	char name[sizeof(((struct oom_task *)0)->user)] = "";
	pid_t child;

	if (own)
		(void)snprintf(name, sizeof(name), "%.15s", own->pw_name);
	assert_string_equal(get(f, getpid()).user, name);
	if (geteuid() != 0 || getpwuid(3999999998)) // NOLINT(concurrency-mt-unsafe): one thread
		return;
	child = start_child(be_a_user_without_a_name);
	read_table(f);
	assert_string_equal(get(f, child).user, "");
	assert_int_equal(get(f, child).uid, 3999999998);
	end_child(child);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_child_shows_its_figures, set_up, tear_down),
		cmocka_unit_test_setup_teardown(scores_equal_the_kernels, set_up, tear_down),
		cmocka_unit_test_setup_teardown(adj_enters_the_score, set_up, tear_down),
		cmocka_unit_test_setup_teardown(negative_adj_enters_the_score, set_up, tear_down),
		cmocka_unit_test_setup_teardown(kernel_threads_and_init_are_known, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(a_zombie_has_no_memory, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_dead_first_thread_hides_nothing, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(a_vfork_child_is_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(names_are_raw_bytes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(users_have_the_names_the_system_gives, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(a_reused_pid_is_another_process, set_up, tear_down),
		cmocka_unit_test(few_descriptors_only_cost_time),
		cmocka_unit_test(nothing_leaks),
		cmocka_unit_test_setup_teardown(the_domain_is_a_subtree, set_up, tear_down),
	};

	(void)alarm(120); /* nothing here may hang */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
