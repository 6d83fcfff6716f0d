/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The handle of a process: who may be opened, and what is said when not. */
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
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes/read.h"
#include "tests/lib/peer.h"

enum { NOBODY = 65534 };

static void do_nothing(uint64_t words[PEER_WORDS])
{
	words[0] = (uint64_t)getpid();
}

static void facts_of_this_process(void **state)
{
	struct process_facts facts;
	struct proc proc;
	struct err err = { 0 };
	char exe[512] = "";

	(void)state;
	assert_true(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0);
	assert_true(proc_open(getpid(), &proc, &err));
	assert_true(proc_is_same_mm(&proc));
	assert_true(proc_read_process(&proc, &facts));
	assert_int_equal(facts.life, PROCESS_ALIVE);
	assert_int_equal(facts.id.pid, getpid());
	assert_int_equal(facts.id.start_ticks, proc.start_ticks);
	assert_string_equal(facts.exe, exe);
	assert_int_equal(facts.elf_class, sizeof(void *) * 8);
	assert_int_equal(facts.ppid, getppid());
	assert_int_equal(facts.ns_pid, getpid());
	assert_true(facts.cpu_ns.v > 0 && facts.min_faults.v > 0 && facts.vm_rss.v > 0);
	assert_true(fact_known(facts.limit_as) && fact_known(facts.limit_data));
	assert_true(facts.brk_start.v <= (uint64_t)(uintptr_t)sbrk(0));
	assert_false(facts.access_denied);
	assert_false(fact_known(facts.exit_status));
	proc_close(&proc);
}

static void what_is_no_process_is_named(void **state)
{
	struct proc proc;
	struct err err = { 0 };

	(void)state;
	assert_false(proc_open(0, &proc, &err));
	assert_int_equal(err.kind, ERR_NO_PROCESS);
	assert_false(proc_open(-1, &proc, &err));
	assert_int_equal(err.kind, ERR_NO_PROCESS);
	assert_false(proc_open(INT32_MAX, &proc, &err));
	assert_int_equal(err.kind, ERR_NO_PROCESS);
	assert_non_null(strstr(err.why, "no such process"));
	assert_int_equal(err_exit_code(&err), 4);
}

static void a_zombie_is_named(void **state)
{
	pid_t pid = fork();
	struct proc proc;
	struct err err = { 0 };

	(void)state;
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &(siginfo_t){ 0 }, WEXITED | WNOWAIT), 0);
	assert_false(proc_open(pid, &proc, &err));
	assert_int_equal(err.kind, ERR_NO_PROCESS);
	assert_non_null(strstr(err.why, "zombie"));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static int32_t find_kernel_thread(void)
{
	struct proc proc;
	struct err err = { 0 };

	if (proc_open(2, &proc, &err)) /* kthreadd, outside pid namespaces */
		proc_close(&proc);
	return err.kind == ERR_UNSUPPORTED ? 2 : 0;
}

static void a_kernel_thread_is_named(void **state)
{
	struct proc proc;
	struct err err = { 0 };

	(void)state;
	if (!find_kernel_thread()) {
		print_message("# skip: process 2 is no kernel thread here (pid namespace)\n");
		skip();
	}
	assert_false(proc_open(2, &proc, &err));
	assert_int_equal(err.kind, ERR_UNSUPPORTED);
	assert_non_null(strstr(err.why, "kernel thread"));
}

static void *just_wait(void *arg)
{
	while (pause() == -1)
		;
	return arg;
}

static void start_a_thread(uint64_t words[PEER_WORDS])
{
	pthread_t thread;
	struct dirent *entry;
	DIR *dir;

	if (pthread_create(&thread, NULL, just_wait, NULL) != 0)
		_exit(96);
	dir = opendir("/proc/self/task");
	while (dir && (entry = readdir(dir))) {
		long tid = strtol(entry->d_name, NULL, 10);

		if (tid > 0 && tid != getpid())
			words[0] = (uint64_t)tid;
	}
}

static void a_thread_id_leads_to_its_process(void **state)
{
	struct peer peer = peer_start(start_a_thread);
	struct proc proc;
	struct err err = { 0 };
	char pid[16];

	(void)state;
	(void)snprintf(pid, sizeof(pid), "%d", peer.pid);
	assert_false(proc_open((int32_t)peer.words[0], &proc, &err));
	assert_int_equal(err.kind, ERR_NO_PROCESS);
	assert_non_null(strstr(err.why, pid));
	assert_non_null(strstr(err.remedy, pid));
	(void)peer_end(&peer);
}

/* --- refusals, seen by a process without privileges -------------------------------------------- */

/* Runs `check` as nobody; 0 when all is as it should be, else the step at fault. */
static int result_as_nobody(int (*check)(pid_t), pid_t target)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
		    setresuid(NOBODY, NOBODY, NOBODY) || prctl(PR_SET_DUMPABLE, 1))
			_exit(255);
		_exit(check(target));
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 253;
}

static void as_nobody(int (*check)(pid_t), pid_t target)
{
	int result = result_as_nobody(check, target);

	if (result)
		fail_msg("step %d", result);
}

static bool need_root(void)
{
	if (geteuid() == 0)
		return true;
	print_message("# skip: changing the user needs root\n");
	return false;
}

static int check_other_user(pid_t target)
{
	struct process_facts facts;
	struct proc proc;
	struct err err = { 0 };

	if (!proc_open(target, &proc, &err))
		return 1;
	if (proc.maps_fd >= 0 || !proc_read_process(&proc, &facts))
		return 2;
	if (!facts.access_denied || !strstr(facts.denied_why, "belongs to") ||
	    !strstr(facts.denied_why, "sudo"))
		return 3;
	if (!fact_known(facts.vm_rss) || !fact_known(facts.limit_as) || facts.comm[0] == '\0')
		return 4; /* what is public is still shown */
	if (fact_known(facts.brk_start) || facts.exe[0])
		return 5;
	if (maps_read(&proc, NULL, NULL, 0, &err) || err.kind != ERR_PERMISSION)
		return 6;
	if (mem_live_open(&proc, &err) || err.kind != ERR_PERMISSION || err_exit_code(&err) != 3)
		return 7;
	proc_close(&proc);
	return 0;
}

static void other_users_are_named(void **state)
{
	struct peer peer;

	(void)state;
	if (!need_root())
		skip();
	peer = peer_start(do_nothing);
	as_nobody(check_other_user, peer.pid);
	(void)peer_end(&peer);
}

static void become_undumpable_nobody(uint64_t words[PEER_WORDS])
{
	(void)words;
	if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
	    setresuid(NOBODY, NOBODY, NOBODY) || prctl(PR_SET_DUMPABLE, 0))
		_exit(95);
}

static int check_undumpable(pid_t target)
{
	struct proc proc;
	struct err err = { 0 };

	if (!proc_open(target, &proc, &err))
		return 1;
	if (mem_live_open(&proc, &err) || err.kind != ERR_PERMISSION)
		return 2;
	if (!strstr(err.why, "not dumpable") || !strstr(err.remedy, "CAP_SYS_PTRACE"))
		return 3;
	proc_close(&proc);
	return 0;
}

static void undumpable_is_named(void **state)
{
	struct peer peer;

	(void)state;
	if (!need_root())
		skip();
	peer = peer_start(become_undumpable_nobody);
	as_nobody(check_undumpable, peer.pid);
	(void)peer_end(&peer);
}

static void a_missing_page_map_is_named(void **state)
{
	struct proc proc;
	struct err err = { 0 };

	(void)state;
	assert_true(proc_open(getpid(), &proc, &err));
	proc_explain_denied(&proc, ENOENT, &err);
	assert_int_equal(err.kind, ERR_UNSUPPORTED);
	assert_non_null(strstr(err.why, "pagemap"));
	proc_close(&proc);
}

/* --- hidepid ----------------------------------------------------------------------------------- */

static int check_hidden(pid_t target)
{
	struct proc proc;
	struct err err = { 0 };

	if (proc_open(target, &proc, &err) || err.kind != ERR_PERMISSION)
		return 1;
	return strstr(err.why, "hidepid") && strstr(err.remedy, "hidepid") ? 0 : 2;
}

/* In a mount namespace of its own; before 5.8 the option would have changed every mount of /proc. */
static int check_under(const char *option, pid_t target)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		    mount("proc", "/proc", "proc", 0, option))
			_exit(254);
		_exit(result_as_nobody(check_hidden, target));
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static bool has_private_hidepid(void)
{
	int major = 0, minor = 0;
	struct utsname name;

	return uname(&name) == 0 && sscanf(name.release, "%d.%d", &major, &minor) == 2 &&
	       (major > 5 || (major == 5 && minor >= 8));
}

static void hidden_processes_are_named(void **state)
{
	static const char *const options[] = { "hidepid=1", "hidepid=2", "hidepid=4" };
	struct peer peer;

	(void)state;
	if (!need_root())
		skip();
	if (!has_private_hidepid()) {
		print_message("# skip: hidepid belongs to a mount only from Linux 5.8 on\n");
		skip();
	}
	peer = peer_start(do_nothing);
	for (size_t i = 0; i < 3; i++) {
		int result = check_under(options[i], peer.pid);

		if (result == 254)
			print_message("# skip: /proc cannot be mounted with %s here\n", options[i]);
		else if (result)
			fail_msg("%s: step %d", options[i], result);
	}
	(void)peer_end(&peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(facts_of_this_process),
		cmocka_unit_test(what_is_no_process_is_named),
		cmocka_unit_test(a_zombie_is_named),
		cmocka_unit_test(a_kernel_thread_is_named),
		cmocka_unit_test(a_thread_id_leads_to_its_process),
		cmocka_unit_test(other_users_are_named),
		cmocka_unit_test(undumpable_is_named),
		cmocka_unit_test(a_missing_page_map_is_named),
		cmocka_unit_test(hidden_processes_are_named),
	};

	return cmocka_run_group_tests_name("proc", tests, NULL, NULL);
}
