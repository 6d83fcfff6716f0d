/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/lib/live_target.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model/glibc/decode.h"

enum { ARGS_MAX = 32 };

/* --- building ---------------------------------------------------------------------------------- */

static char work_dir[64];

static bool make_work_dir(void)
{
	if (work_dir[0])
		return true;
	strcpy(work_dir, "/tmp/heaptop-test-XXXXXX");
	return mkdtemp(work_dir) != NULL;
}

static int run(const char *const argv[])
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 1);
		dup2(null, 2);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid ? status : -1;
}

bool live_target_build(const char *source, const char *const *flags, char *path, size_t size)
{
	static unsigned number;
	const char *argv[ARGS_MAX] = { "cc", "-w", "-O1", "-o", path, source };
	size_t n = 6;

	if (!make_work_dir() || access(source, R_OK) != 0)
		return false;
	snprintf(path, size, "%s/program%u", work_dir, number++);
	while (*flags && n < ARGS_MAX - 1)
		argv[n++] = *flags++;
	return run(argv) == 0;
}

void live_target_clean(void)
{
	const char *const argv[] = { "rm", "-rf", work_dir, NULL };

	if (work_dir[0])
		run(argv);
	work_dir[0] = '\0';
}

/* --- running ----------------------------------------------------------------------------------- */

static bool read_until_ready(struct live_target *target, int fd)
{
	size_t len = 0;

	while (len < sizeof(target->said) - 1) {
		ssize_t got = read(fd, target->said + len, sizeof(target->said) - 1 - len);

		if (got <= 0)
			return false;
		len += (size_t)got;
		target->said[len] = '\0';
		if (len >= 6 && strcmp(target->said + len - 6, "ready\n") == 0)
			return true;
	}
	return false;
}

/* As fork(), but of that id; it must be free. */
static pid_t fork_as(pid_t pid)
{
	struct clone_args args = { .exit_signal = SIGCHLD,
		                   .set_tid = (uint64_t)(uintptr_t)&pid,
		                   .set_tid_size = 1 };

	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

/* With pid 0, one that the kernel chooses. */
static bool start_as(struct live_target *target, pid_t pid, char *const argv[], char *const env[])
{
	int out[2];
	bool ok;

	*target = (struct live_target){ 0 };
	if (pipe(out) != 0)
		abort();
	fflush(NULL);
	target->pid = pid ? fork_as(pid) : fork();
	if (target->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(out[1], 1);
		close(out[0]);
		close(out[1]);
		execve(argv[0], argv, env);
		_exit(127);
	}
	close(out[1]);
	ok = target->pid > 0 && read_until_ready(target, out[0]);
	close(out[0]);
	if (!ok) {
		live_target_end(target);
		return false;
	}
	live_target_open(target, target->pid);
	return true;
}

bool live_target_start(struct live_target *target, char *const argv[], char *const env[])
{
	return start_as(target, 0, argv, env);
}

bool live_target_start_highest(struct live_target *target, char *const argv[], char *const env[])
{
	FILE *file = fopen("/proc/sys/kernel/pid_max", "r");
	int pid_max = 0;

	if (!file || fscanf(file, "%d", &pid_max) != 1)
		pid_max = 0;
	if (file)
		fclose(file);
	/* The kernel's own choice goes on from the last one, wherever this is. */
	for (pid_t pid = pid_max - 1; pid_max && pid > pid_max - 16; pid--) {
		if (start_as(target, pid, argv, env))
			return true;
	}
	return false;
}

void live_target_open(struct live_target *target, pid_t pid)
{
	struct err err;

	target->region = region_new();
	target->maps = maps_cache_new();
	if (!target->region || !target->maps || !proc_open(pid, &target->proc, &err))
		abort();
	target->vmas = maps_read(&target->proc, target->maps, NULL, 0, &err);
	target->mem = mem_live_open(&target->proc, &err);
	if (!target->vmas || !target->mem)
		abort();
	mem_live_set_vmas(target->mem, &target->vmas->vmas);
}

static void read_instance(struct live_target *target, size_t i)
{
	struct heap_facts *heap = &target->heap;
	const struct found_malloc *found = &target->found.mallocs[i];
	struct malloc_state *ms = &heap->instances[i];
	const struct decode d = { .mem = target->mem,
		                  .lay = &found->layout,
		                  .vmas = &target->vmas->vmas,
		                  .region = target->region,
		                  .heap = heap,
		                  .main_arena_addr = found->main_arena_addr,
		                  .mp_addr = found->mp_addr,
		                  .heap_max = found->layout.heap.heap_max };

	ms->main_arena_addr = found->main_arena_addr;
	ms->mp_addr = found->mp_addr;
	heap->instance_count = i + 1;
	if (ms->mp_addr)
		pt_read_params(&d, &ms->params);
	if (pt_read_arenas(&d, ms))
		find_threads(target->proc.pid, d.vmas, d.mem, found, target->region, heap, ms);
}

void live_target_find(struct live_target *target)
{
	struct heap_facts *heap = &target->heap;

	/* By the thread that has the memory: the first one may have ended. */
	find_malloc(target->proc.mm_tid, &target->vmas->vmas, target->mem, target->region, heap,
	            &target->found);
	heap->instances =
	        region_alloc(target->region, (target->found.count + 1) * sizeof(*heap->instances));
	if (!heap->instances)
		abort();
	for (size_t i = 0; i < target->found.count; i++)
		read_instance(target, i);
}

void live_target_end(struct live_target *target)
{
	if (target->mem) {
		mem_live_close(target->mem);
		part_unref(target->vmas);
		proc_close(&target->proc);
	}
	maps_cache_free(target->maps);
	region_free(target->region);
	if (target->pid > 0) {
		kill(target->pid, SIGKILL);
		waitpid(target->pid, NULL, 0);
	}
	*target = (struct live_target){ 0 };
}
