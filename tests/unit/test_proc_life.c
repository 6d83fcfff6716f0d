/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What becomes of a process under watch: another program, or another process of the same number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes/read.h"
#include "tests/lib/peer.h"

static void do_nothing(uint64_t words[PEER_WORDS])
{
	words[0] = (uint64_t)getpid();
}

/* --- exec -------------------------------------------------------------------------------------- */

static void exec_when_told(uint64_t words[PEER_WORDS])
{
	words[0] = 7;
	peer_ready(words);
	peer_wait();
	(void)execl("/bin/sleep", "sleep", "1000", (char *)NULL);
	_exit(94);
}

static void vfork_and_exec_when_told(uint64_t words[PEER_WORDS])
{
	pid_t pid = vfork();

	if (pid == 0) {
		words[0] = (uint64_t)getpid();
		peer_ready(words);
		peer_wait();
		(void)execl("/bin/sleep", "sleep", "1000", (char *)NULL);
		_exit(94);
	}
}

/* Waits until the process is seen to have called exec, and looks at what it became. */
static void expect_exec(struct proc *proc, struct maps_cache *cache, struct part *before)
{
	struct process_facts facts;
	struct err err = { 0 };
	struct part *after;
	bool was_seen = false;

	/* The kernel lays the new program out step by step: it may be seen more than once. */
	for (;;) {
		assert_true(proc_read_process(proc, &facts));
		if (facts.life == PROCESS_ALIVE && was_seen && strcmp(facts.comm, "sleep") == 0)
			break;
		if (facts.life == PROCESS_ALIVE)
			continue;
		assert_int_equal(facts.life, PROCESS_EXECED);
		was_seen = true;
		assert_true(proc_reopen(proc, &err));
	}
	after = maps_read(proc, cache, before, 2, &err);
	assert_non_null(after);
	assert_ptr_not_equal(after, before);
	part_unref(after);
}

static void exec_is_noticed(void **state)
{
	struct peer peer = peer_start(exec_when_told);
	struct maps_cache *cache = maps_cache_new();
	enum mem_status status;
	struct err err = { 0 };
	struct memory *mem;
	struct proc proc;
	struct part *vmas;
	char c;

	(void)state;
	assert_true(proc_open(peer.pid, &proc, &err));
	vmas = maps_read(&proc, cache, NULL, 1, &err);
	mem = mem_live_open(&proc, &err);
	assert_non_null(vmas);
	assert_non_null(mem);
	mem_live_set_vmas(mem, &vmas->vmas);
	assert_int_equal(mem_read(mem, vmas->vmas.at[0].start, &c, 1, &status), 1);
	peer_go(&peer);
	while (proc_is_same_mm(&proc))
		;
	/* Nothing of the new program may pass for the old one's. */
	assert_int_equal(mem_read(mem, vmas->vmas.at[0].start, &c, 1, &status), 0);
	assert_int_equal(status, MEM_GONE);
	assert_null(maps_read(&proc, cache, vmas, 1, &err));
	assert_int_equal(err.kind, ERR_NO_PROCESS);
	mem_live_close(mem);
	expect_exec(&proc, cache, vmas);
	part_unref(vmas);
	maps_cache_free(cache);
	proc_close(&proc);
	(void)peer_end(&peer);
}

/* A vfork child's old address space lives on in its parent. */
static void exec_after_vfork_is_noticed(void **state)
{
	struct peer peer = peer_start(vfork_and_exec_when_told);
	struct maps_cache *cache = maps_cache_new();
	struct err err = { 0 };
	struct proc proc;
	struct part *vmas;

	(void)state;
	assert_true(proc_open((int32_t)peer.words[0], &proc, &err));
	vmas = maps_read(&proc, cache, NULL, 1, &err);
	assert_non_null(vmas);
	peer_go(&peer);
	expect_exec(&proc, cache, vmas);
	part_unref(vmas);
	maps_cache_free(cache);
	(void)kill((pid_t)peer.words[0], SIGKILL);
	proc_close(&proc);
	(void)peer_end(&peer);
}

/* --- the same number, another process ---------------------------------------------------------- */

/* A child that gets a certain pid, when the kernel and our rights allow; else -1. */
static pid_t fork_as(pid_t pid)
{
	/* Linux 5.5 include/uapi/linux/sched.h:struct clone_args */
	struct {
		uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
		uint64_t set_tid, set_tid_size;
	} args = { .exit_signal = SIGCHLD,
		   .set_tid = (uint64_t)(uintptr_t)&pid,
		   .set_tid_size = 1 };
	pid_t child = (pid_t)syscall(SYS_clone3, &args, sizeof(args));

	if (child == 0) {
		for (;;)
			pause();
	}
	return child;
}

static void a_reused_pid_is_another_process(void **state)
{
	struct peer peer = peer_start(do_nothing);
	struct maps_cache *cache = maps_cache_new();
	struct process_facts facts;
	struct err err = { 0 };
	enum mem_status status;
	struct memory *mem;
	struct proc proc;
	struct part *vmas;
	pid_t old = peer.pid;
	char c;

	(void)state;
	assert_true(proc_open(old, &proc, &err));
	vmas = maps_read(&proc, cache, NULL, 1, &err);
	mem = mem_live_open(&proc, &err);
	assert_non_null(vmas);
	assert_non_null(mem);
	mem_live_set_vmas(mem, &vmas->vmas);
	(void)peer_end(&peer);
	if (fork_as(old) == old) {
		/* A fork of this program: the very same addresses are mapped there. */
		assert_false(proc_read_process(&proc, &facts));
		assert_int_equal(mem_read(mem, vmas->vmas.at[0].start, &c, 1, &status), 0);
		assert_int_equal(status, MEM_GONE);
		assert_null(maps_read(&proc, cache, vmas, 1, &err));
		assert_int_equal(err.kind, ERR_NO_PROCESS);
		assert_false(residency_read(&proc, &vmas->vmas));
		assert_false(smaps_read(&proc, &vmas->vmas));
		(void)kill(old, SIGKILL);
		(void)waitpid(old, NULL, 0);
	} else {
		print_message("# skip: choosing a pid needs CAP_CHECKPOINT_RESTORE\n");
	}
	mem_live_close(mem);
	part_unref(vmas);
	maps_cache_free(cache);
	proc_close(&proc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exec_is_noticed),
		cmocka_unit_test(exec_after_vfork_is_noticed),
		cmocka_unit_test(a_reused_pid_is_another_process),
	};

	return cmocka_run_group_tests_name("proc_life", tests, NULL, NULL);
}
