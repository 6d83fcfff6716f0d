/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A filter stops the interpreter's threads at memory system calls only, so that all others cost
 * nothing; ptrace then tells arguments and result.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/diff/trace.h"

/* <sys/ptrace.h> and <linux/ptrace.h> can't be had together. */
struct call_info {
	uint8_t op, pad[3];
	uint32_t arch;
	uint64_t ip, sp;
	union {
		struct {
			uint64_t nr, args[6];
		} entry;
		struct {
			int64_t rval;
			uint8_t is_error;
		} exit;
	};
};

const char *const call_names[CALL_KINDS] = { "brk",    "mmap",     "munmap",
	                                     "mremap", "mprotect", "madvise" };
const unsigned call_args[CALL_KINDS] = { 1, 6, 2, 5, 3, 3 };
static const int call_nrs[CALL_KINDS] = { SYS_brk,    SYS_mmap,     SYS_munmap,
	                                  SYS_mremap, SYS_mprotect, SYS_madvise };

enum { THREADS_MAX = 512 };

/* A thread within a traced call. */
struct within {
	pid_t tid;
	struct call call;
};

struct trace {
	struct run *run;
	bool has_started;
	struct within within[THREADS_MAX];
	size_t within_count;
};

const char *work_path(const struct run *run, const char *name, char to[512])
{
	snprintf(to, 512, "%s/%s", run->work, name);
	return to;
}

void normalize_call(struct call *call)
{
	if (call->kind == CALL_MMAP)
		for (unsigned i = 2; i <= 4; i++)
			call->arg[i] &= UINT32_MAX;
	if (call->kind == CALL_MREMAP && !(call->arg[3] & MREMAP_FIXED))
		call->arg[4] = 0;
}

/* --- the interpreter's side of exec ---------------------------------------------------------------- */

static bool install_filter(void)
{
	struct sock_filter filter[CALL_KINDS + 5];
	struct sock_fprog program = { .filter = filter };
	unsigned short len = 0;

	filter[len++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
	                                             offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < CALL_KINDS; i++)
		filter[len++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
		                                             (uint32_t)call_nrs[i],
		                                             (uint8_t)(CALL_KINDS + 1 - i), 0);
	filter[len++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, DIFF_STOP_NR, 1, 0);
	filter[len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	filter[len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
	program.len = len;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* `#! tunables=…` is what the loader must be told. */
/* "NAME=VALUE", to the line's end */
static void set_variable(char *text)
{
	char *equals = strchr(text, '=');

	if (!equals)
		return;
	*equals = '\0';
	setenv(text, equals + 1, 1);
}

/* A comment "# environment NAME=VALUE" sets that too, of which heaptop learns from the process only. */
static void set_tunables(const char *scenario)
{
	static const char key[] = "#! tunables=", variable[] = "# environment ";
	FILE *f = fopen(scenario, "re");
	char line[1024];

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, key, sizeof(key) - 1) == 0) {
			line[strcspn(line, "\r\n")] = '\0';
			setenv("GLIBC_TUNABLES", line + sizeof(key) - 1, 1);
		} else if (strncmp(line, variable, sizeof(variable) - 1) == 0) {
			line[strcspn(line, "\r\n")] = '\0';
			set_variable(line + sizeof(variable) - 1);
		}
	if (f)
		fclose(f);
}

static _Noreturn void become_interpreter(const struct run *run, int log)
{
	char *argv[24], fd_text[16], rest[512], path[512];
	size_t count = 0;
	int err = open(work_path(run, "stderr", path), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	while (run->command[count] && count < 16) {
		argv[count] = run->command[count];
		count++;
	}
	snprintf(fd_text, sizeof(fd_text), "%d", log);
	argv[count++] = strdup(run->scenario);
	argv[count++] = fd_text;
	if (run->wants_rests)
		argv[count++] = strdup(work_path(run, "rest", rest));
	argv[count] = NULL;
	unsetenv("GLIBC_TUNABLES");
	setenv("LIBC_FATAL_STDERR_", "1", 1); /* before 2.26 messages go to the terminal */
	set_tunables(run->scenario);
	dup2(err, STDERR_FILENO);
	dup2(err, STDOUT_FILENO);
	close(err);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 || raise(SIGSTOP) != 0 || !install_filter())
		_exit(126);
	execvp(argv[0], argv);
	_exit(127);
}

/* --- watching ----------------------------------------------------------------------------------------- */

static void keep_call(struct run *run, const struct call *call)
{
	if (run->call_count == run->call_room) {
		run->call_room = run->call_room ? run->call_room * 2 : 1024;
		run->calls = realloc(run->calls, run->call_room * sizeof(*run->calls));
		if (!run->calls)
			abort();
	}
	run->calls[run->call_count++] = *call;
}

static bool call_info(pid_t tid, struct call_info *ret)
{
	return ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(*ret), ret) > 0;
}

/* Where a program puts stacks of its own, no world of it can know; older glibcs advise the kernel
 * about them when a thread ends. */
static bool is_own_stack(const struct diff_head *head, const struct call *call)
{
	return call->kind == CALL_MADVISE && call->arg[0] >= head->stacks &&
	       call->arg[0] < head->stacks_end;
}

/* At the entry of a filtered call. Returns how the thread goes on. */
static int at_entry(struct trace *trace, pid_t tid)
{
	struct run *run = trace->run;
	struct call_info info;
	struct within *within;

	if (!call_info(tid, &info))
		return PTRACE_CONT;
	if (info.entry.nr == DIFF_STOP_NR) {
		trace->has_started = true;
		if (run->stopped)
			run->stopped(run, (enum diff_stop)info.entry.args[0]);
		return PTRACE_CONT;
	}
	if (!trace->has_started || run->head->is_quiet || trace->within_count == THREADS_MAX)
		return PTRACE_CONT;
	within = &trace->within[trace->within_count++];
	*within = (struct within){ .tid = tid, .call.n = run->head->n };
	memcpy(within->call.arg, info.entry.args, sizeof(within->call.arg));
	while (call_nrs[within->call.kind] != (int)info.entry.nr)
		within->call.kind++;
	if (is_own_stack(run->head, &within->call))
		trace->within_count--;
	else
		normalize_call(&within->call);
	return PTRACE_SYSCALL;
}

static void at_exit(struct trace *trace, pid_t tid)
{
	struct call_info info;

	for (size_t i = 0; i < trace->within_count; i++) {
		struct within *within = &trace->within[i];

		if (within->tid != tid)
			continue;
		if (call_info(tid, &info))
			within->call.result = info.exit.rval;
		keep_call(trace->run, &within->call);
		*within = trace->within[--trace->within_count];
		return;
	}
}

/* One report of the kernel's. False: the process has ended. */
static bool handle(struct trace *trace, pid_t tid, int status)
{
	int request = PTRACE_CONT, signal = 0;

	if (WIFEXITED(status) || WIFSIGNALED(status)) {
		if (tid != trace->run->pid)
			return true;
		trace->run->status = status;
		return false;
	}
	if (!WIFSTOPPED(status))
		return true;
	if (status >> 16 == PTRACE_EVENT_SECCOMP)
		request = at_entry(trace, tid);
	else if (WSTOPSIG(status) == (SIGTRAP | 0x80))
		at_exit(trace, tid);
	else if (status >> 16 == 0 && WSTOPSIG(status) != SIGSTOP && WSTOPSIG(status) != SIGTRAP)
		signal = WSTOPSIG(status);
	ptrace((enum __ptrace_request)request, tid, NULL, signal);
	return true;
}

static bool watch(struct run *run)
{
	static struct trace trace;
	const int options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC |
	                    PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL;
	int status;
	pid_t tid;

	trace = (struct trace){ .run = run };
	if (waitpid(run->pid, &status, 0) != run->pid || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, run->pid, NULL, options) < 0 ||
	    ptrace(PTRACE_CONT, run->pid, NULL, 0) < 0) {
		perror("diff: ptrace");
		return false;
	}
	do {
		tid = waitpid(-1, &status, __WALL);
		if (tid < 0 && errno != EINTR) {
			perror("diff: waitpid");
			return false;
		}
	} while (tid < 0 || handle(&trace, tid, status));
	return trace.has_started;
}

bool run_for_real(struct run *run)
{
	const size_t size = DIFF_HEAD_SIZE + DIFF_RECORDS_DEFAULT * sizeof(struct diff_record);
	int log = memfd_create("diff-log", 0);
	bool ok;

	if (log < 0 || ftruncate(log, (off_t)size) < 0) {
		perror("diff: log");
		return false;
	}
	run->head = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, log, 0);
	if (run->head == MAP_FAILED) {
		perror("diff: mmap");
		close(log);
		return false;
	}
	run->records = (struct diff_record *)(void *)((char *)run->head + DIFF_HEAD_SIZE);
	run->head->capacity = DIFF_RECORDS_DEFAULT;
	run->call_count = 0;
	run->pid = fork();
	if (run->pid == 0)
		become_interpreter(run, log);
	close(log);
	ok = run->pid > 0 && watch(run);
	if (!ok)
		fprintf(stderr, "diff: %s did not run under %s\n", run->scenario, run->command[0]);
	return ok;
}

void run_end(struct run *run)
{
	if (run->head && run->head != MAP_FAILED)
		munmap(run->head,
		       DIFF_HEAD_SIZE + DIFF_RECORDS_DEFAULT * sizeof(struct diff_record));
	free(run->calls);
	run->head = NULL;
	run->calls = NULL;
	run->call_room = run->call_count = 0;
}

const struct call *calls_of(const struct run *run, uint64_t n, size_t *from, size_t *ret_count)
{
	size_t start;

	while (*from < run->call_count && run->calls[*from].n < n)
		++*from;
	start = *from;
	while (*from < run->call_count && run->calls[*from].n == n)
		++*from;
	*ret_count = *from - start;
	return *ret_count ? &run->calls[start] : NULL;
}
