/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One process of a shortage of memory. Its words are done in order; behind the last one it tells that
 * it is ready and waits for ever:
 *
 *	adj=N user touch=MIB pages=N tables=N shm=MIB kids=NxMIB share vfork cg=NAME tmpfs=MIB eat
 *
 * "eat" tells first and then writes to one page after the other until somebody dies.
 */
#include "guest.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READY_FD = 10, STACK_SIZE = 64 * 1024, REGION = 2 << 20 };

static void ready(void)
{
	(void)!write(READY_FD, "r", 1);
	close(READY_FD);
}

static void wait_for_ever(void)
{
	for (;;)
		pause();
}

static char *map_pages(uint64_t pages, int flags)
{
	char *at = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		_exit(3);
	madvise(at, pages * PAGE, MADV_NOHUGEPAGE);
	return at;
}

static void touch_pages(uint64_t pages, int flags)
{
	char *at = map_pages(pages, flags);

	for (uint64_t i = 0; i < pages; i++)
		at[i * PAGE] = 1;
}

/* Page tables without pages: one read in each 2 MiB. */
static void fill_tables(uint64_t count)
{
	char *at = mmap(NULL, count * REGION, PROT_READ,
	                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		_exit(3);
	madvise(at, count * REGION, MADV_NOHUGEPAGE);
	for (uint64_t i = 0; i < count; i++)
		(void)*(volatile char *)(at + i * REGION);
}

static void make_children(const char *words)
{
	uint64_t count = strtoull(words, NULL, 10);
	const char *each = strchr(words, 'x');
	char name[40], own[16];

	prctl(PR_GET_NAME, own);
	for (uint64_t i = 0; i < count; i++) {
		if (fork() != 0)
			continue;
		(void)snprintf(name, sizeof(name), "%.10s.%llu", own, (unsigned long long)i);
		prctl(PR_SET_NAME, name);
		close(READY_FD);
		touch_pages(strtoull(each + 1, NULL, 10) * MIB / PAGE, MAP_PRIVATE);
		wait_for_ever();
	}
	/* They are to have their pages before this process says that it is ready. */
	usleep(300000);
}

static int child_of_clone(void *unused)
{
	(void)unused;
	prctl(PR_SET_NAME, "sharer");
	wait_for_ever();
	return 0;
}

/* A second process with the same memory: as vfork has it, its parent waits. */
static void share_memory(bool is_vfork)
{
	char *stack = map_pages(STACK_SIZE / PAGE, MAP_PRIVATE);
	int flags = CLONE_VM | SIGCHLD | (is_vfork ? CLONE_VFORK : 0);

	if (is_vfork)
		ready();
	if (clone(child_of_clone, stack + STACK_SIZE, flags, NULL) < 0)
		_exit(4);
}

static void fill_tmpfs(uint64_t mib)
{
	static char block[64 * 1024];
	int fd = open("/mnt/hog", O_CREAT | O_WRONLY | O_APPEND, 0600);

	memset(block, 1, sizeof(block));
	for (uint64_t i = 0; i < mib * MIB / sizeof(block); i++)
		if (write(fd, block, sizeof(block)) < 0)
			break;
	close(fd);
}

static void eat(void)
{
	char *at = map_pages(65536, MAP_PRIVATE | MAP_NORESERVE);

	ready();
	for (uint64_t i = 0; i < 65536; i++)
		at[i * PAGE] = 1;
}

static void enter_cgroup(const char *name)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "/cg/%s/cgroup.procs", name);
	if (!write_number(path, (uint64_t)getpid()))
		_exit(5);
}

static void do_word(char *word)
{
	char *value = strchr(word, '=');
	uint64_t number;

	if (value)
		*value++ = '\0';
	number = value ? strtoull(value, NULL, 10) : 0;
	if (strcmp(word, "adj") == 0)
		(void)write_file("/proc/self/oom_score_adj", value);
	else if (strcmp(word, "user") == 0)
		(void)!setuid(1000);
	else if (strcmp(word, "touch") == 0)
		touch_pages(number * MIB / PAGE, MAP_PRIVATE);
	else if (strcmp(word, "pages") == 0)
		touch_pages(number, MAP_PRIVATE);
	else if (strcmp(word, "shm") == 0)
		touch_pages(number * MIB / PAGE, MAP_SHARED);
	else if (strcmp(word, "tables") == 0)
		fill_tables(number);
	else if (strcmp(word, "kids") == 0)
		make_children(value);
	else if (strcmp(word, "share") == 0 || strcmp(word, "vfork") == 0)
		share_memory(word[0] == 'v');
	else if (strcmp(word, "tmpfs") == 0)
		fill_tmpfs(number);
	else if (strcmp(word, "cg") == 0)
		enter_cgroup(value);
	else if (strcmp(word, "eat") == 0)
		eat();
	else
		_exit(6);
}

/* actor NAME WORD… */
int oom_one(int argc, char **argv)
{
	prctl(PR_SET_NAME, argv[2]);
	for (int i = 3; i < argc; i++)
		do_word(argv[i]);
	ready();
	wait_for_ever();
	return 0;
}
