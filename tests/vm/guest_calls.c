/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The random system calls of guest_steps.c. */
#include "guest_calls.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* One child at a time: which of several maps a piece of shared memory is not simulated. */
enum { NAMES = 10, CHILDREN = 1, OP_SIZE = 200 };

/* What a scenario's name stands for. */
static struct {
	char *at;
	uint64_t size;
	bool is_alive;
} names[NAMES];
static pid_t children[CHILDREN];

static uint64_t state;
/* What lies above the first mapping is the program itself, but in a static one. */
static const char *top;
static const char *maps;
static char op[OP_SIZE];

static uint64_t below(uint64_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 11) % n;
}

static bool chance(uint64_t percent)
{
	return below(100) < percent;
}

static bool is_writable(const char *addr)
{
	unsigned long start, end;
	char perms[5];

	for (const char *at = maps; *at; at += strcspn(at, "\n") + 1)
		if (sscanf(at, "%lx-%lx %4s", &start, &end, perms) == 3 &&
		    (unsigned long)addr >= start && (unsigned long)addr < end)
			return perms[1] == 'w';
	return false;
}

/* --- the operations --------------------------------------------------------------------------------------- */

static struct result taken(long value, bool is_address)
{
	return (struct result){ value, value == -1 ? errno : 0, is_address };
}

static uint64_t random_size(void)
{
	static const uint64_t odd[] = { 1,           4095,     4097,       2052 * 1024,
		                        3 * MIB,     33 * MIB, 132 * 1024, 1 * MIB,
		                        2 * MIB + 1, 20 * MIB, 64 * MIB };

	if (chance(60))
		return (1 + below(40)) * PAGE;
	if (chance(50))
		return (1 + below(4)) * 2 * MIB;
	return odd[below(sizeof(odd) / sizeof(odd[0]))];
}

static int any_alive(void)
{
	int first = (int)below(NAMES);

	for (int i = 0; i < NAMES; i++)
		if (names[(first + i) % NAMES].is_alive)
			return (first + i) % NAMES;
	return -1;
}

static uint64_t pages_up(uint64_t size)
{
	return (size + PAGE - 1) / PAGE;
}

/* Somewhere in or about a mapping, on a page, with its words. */
static char *random_place(int name, char *words, size_t size)
{
	int64_t offset = (int64_t)(below(pages_up(names[name].size) + 8) * PAGE);

	if (chance(20))
		offset = -(int64_t)((1 + below(600)) * PAGE);
	if (chance(30))
		offset = 0;
	if (chance(5))
		offset += 123;
	(void)snprintf(words, size, offset < 0 ? "m%d-%lld" : "m%d+%lld", name,
	               (long long)(offset < 0 ? -offset : offset));
	return names[name].at + offset;
}

/* What is locked would take memory for all that it grows by. */
static bool has_locked;

static bool is_own(const char *at, uint64_t len)
{
	return top && at + len > top;
}

static bool do_mmap(struct result *ret)
{
	static const struct {
		const char *word;
		int flag;
	} extras[] = { { " noreserve", MAP_NORESERVE },
		       { " stack", MAP_STACK },
		       { " populate", MAP_POPULATE },
		       { " locked", MAP_LOCKED } };
	static const char *const access_words[] = { "", " ro", " rw", " none" };
	static const int accesses[] = { PROT_READ | PROT_WRITE, PROT_READ, PROT_READ | PROT_WRITE,
		                        PROT_NONE };
	int name = (int)below(NAMES), access = (int)below(4), flags = MAP_ANONYMOUS, from;
	uint64_t size = random_size();
	char extra[64] = "", place[64] = "", *hint = NULL;
	bool is_shared = chance(20);
	void *got;

	flags |= is_shared ? MAP_SHARED : MAP_PRIVATE;
	/* A user may lock no more than a limit that a scenario does not know. */
	for (size_t i = 0; i < (geteuid() ? 3 : 4); i++)
		if (chance(12) && (i < 2 || size < 3 * MIB)) {
			flags |= extras[i].flag;
			has_locked |= extras[i].flag == MAP_LOCKED;
			strcat(extra, extras[i].word);
		}
	from = any_alive();
	if (from >= 0 && chance(35)) {
		bool is_fixed = chance(55);
		char words[48];

		hint = random_place(from, words, sizeof(words));
		flags |= is_fixed ? MAP_FIXED : 0;
		if (is_fixed && is_own(hint, size))
			return false;
		(void)snprintf(place, sizeof(place), is_fixed ? " fixed %s" : " at %s", words);
	}
	(void)snprintf(op, sizeof(op), "m%d = mmap %llu%s%s%s%s", name, (unsigned long long)size,
	               is_shared ? " shared" : "", extra, access_words[access], place);
	got = mmap(hint, size, accesses[access], flags, -1, 0);
	names[name].is_alive = got != MAP_FAILED;
	if (got != MAP_FAILED) {
		names[name].at = got;
		names[name].size = size;
	}
	*ret = taken(got == MAP_FAILED ? -1 : (long)got, true);
	return true;
}

/* A part of a mapping and a little beyond. */
static void random_part(int name, uint64_t *offset, uint64_t *len)
{
	uint64_t pages = pages_up(names[name].size);

	*offset = below(pages) * PAGE;
	*len = (1 + below(pages)) * PAGE;
	if (is_own(names[name].at + *offset, *len))
		*len = pages * PAGE - *offset;
	if (chance(4))
		*offset += 8;
	if (chance(10))
		*len -= 5;
}

static struct result do_munmap(int name)
{
	uint64_t offset = 0, len = names[name].size;
	long result;

	if (chance(50)) {
		(void)snprintf(op, sizeof(op), "munmap m%d", name);
	} else {
		random_part(name, &offset, &len);
		(void)snprintf(op, sizeof(op), "munmap m%d %llu %llu", name,
		               (unsigned long long)offset, (unsigned long long)len);
	}
	result = munmap(names[name].at + offset, len);
	if (result == 0 && offset == 0 && len >= names[name].size)
		names[name].is_alive = false;
	return taken(result, false);
}

static struct result do_mprotect(int name)
{
	static const char *const words[] = { "ro", "rw", "none" };
	static const int accesses[] = { PROT_READ, PROT_READ | PROT_WRITE, PROT_NONE };
	int access = (int)below(3);
	uint64_t offset = 0, len = names[name].size;

	if (chance(30)) {
		(void)snprintf(op, sizeof(op), "mprotect m%d %s", name, words[access]);
	} else {
		random_part(name, &offset, &len);
		(void)snprintf(op, sizeof(op), "mprotect m%d %llu %llu %s", name,
		               (unsigned long long)offset, (unsigned long long)len, words[access]);
	}
	return taken(mprotect(names[name].at + offset, len, accesses[access]), false);
}

static bool do_mremap(int name, struct result *ret)
{
	uint64_t old = names[name].size, size = random_size();
	bool may_move = chance(70);
	void *got;

	if (chance(15) && old > PAGE)
		old = (1 + below(old / PAGE)) * PAGE;
	if (chance(30))
		size = old + (1 + below(30)) * PAGE;
	if (has_locked && size > 3 * MIB)
		return false;
	(void)snprintf(op, sizeof(op), "mremap m%d %llu %llu%s", name, (unsigned long long)old,
	               (unsigned long long)size, may_move ? " maymove" : "");
	got = mremap(names[name].at, old, size, may_move ? MREMAP_MAYMOVE : 0);
	if (got != MAP_FAILED) {
		names[name].at = got;
		names[name].size = size;
	}
	*ret = taken(got == MAP_FAILED ? -1 : (long)got, true);
	return true;
}

static struct result do_madvise(int name)
{
	static const struct {
		const char *word;
		int advice;
	} advices[] = { { "dontneed", MADV_DONTNEED },   { "free", MADV_FREE },
		        { "hugepage", MADV_HUGEPAGE },   { "nohugepage", MADV_NOHUGEPAGE },
		        { "mergeable", MADV_MERGEABLE }, { "dontfork", MADV_DONTFORK },
		        { "dofork", MADV_DOFORK },       { "guard_install", 102 },
		        { "guard_remove", 103 } };
	size_t which = below(sizeof(advices) / sizeof(advices[0]));
	uint64_t offset, len;

	random_part(name, &offset, &len);
	(void)snprintf(op, sizeof(op), "madvise m%d %llu %llu %s", name, (unsigned long long)offset,
	               (unsigned long long)len, advices[which].word);
	return taken(madvise(names[name].at + offset, len, advices[which].advice), false);
}

/* Only where it may be written: the process is to live. */
static bool do_touch(int name, struct result *ret)
{
	uint64_t offset, len, pages;

	random_part(name, &offset, &len);
	offset &= ~(PAGE - 1);
	pages = 1 + below(3);
	for (uint64_t i = 0; i < pages; i++)
		if (!is_writable(names[name].at + offset + i * PAGE))
			return false;
	(void)snprintf(op, sizeof(op), "touch m%d %llu %llu", name,
	               (unsigned long long)(pages * PAGE), (unsigned long long)offset);
	for (uint64_t i = 0; i < pages; i++)
		*(volatile char *)(names[name].at + offset + i * PAGE) = 1;
	*ret = (struct result){ 0 };
	return true;
}

static struct result do_brk(void)
{
	long old = syscall(SYS_brk, 0), want;
	long delta = ((long)below(400) - 150) * (long)(chance(90) ? PAGE : 999);

	if (chance(10))
		delta = (long)(20 * MIB);
	want = old + delta;
	(void)snprintf(op, sizeof(op), "brk %ld", delta);
	want = syscall(SYS_brk, want) == want ? want : -1;
	return (struct result){ 0, want == -1 ? ENOMEM : 0, false };
}

static struct result do_child(int which)
{
	pid_t pid;

	if (children[which]) {
		(void)snprintf(op, sizeof(op), "exit c%d", which);
		kill(children[which], SIGKILL);
		waitpid(children[which], NULL, 0);
		children[which] = 0;
		return (struct result){ 0 };
	}
	(void)snprintf(op, sizeof(op), "fork c%d", which);
	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	children[which] = pid > 0 ? pid : 0;
	return taken(pid < 0 ? -1 : 0, false);
}

/* --- at the edges ---------------------------------------------------------------------------------------------- */

static uint64_t stack_start(void)
{
	const char *at = strstr(maps, "[stack]");

	while (at && at > maps && at[-1] != '\n')
		at--;
	return at ? strtoull(at, NULL, 16) : 0;
}

/* Hints that are taken, moved or ignored. */
static uint64_t odd_address(uint64_t pages)
{
	static const uint64_t below_stack[] = { 1, 100, 255, 256, 257, 258, 300, 5000 };
	static const uint64_t fixed[] = { 1,       0xfff,          0x1000,         0xffff,
		                          0x20000, 0x7ffffffff000, 0x7fffffffe000, 0x800000000000 };

	if (chance(40))
		return stack_start() - (below_stack[below(8)] + (chance(70) ? pages : 0)) * PAGE;
	if (chance(50))
		return (uint64_t)syscall(SYS_brk, 0) + below(40) * PAGE;
	return fixed[below(8)];
}

static void odd_mmap(struct result *ret)
{
	static const uint64_t sizes[] = { 0, UINT64_C(1) << 46, UINT64_C(1) << 47,
		                          (UINT64_C(1) << 47) - PAGE };
	int name = (int)below(NAMES);
	bool is_odd_size = chance(30);
	uint64_t size = is_odd_size ? sizes[below(4)] : random_size();
	uint64_t hint = is_odd_size && chance(50) ? 0 : odd_address(pages_up(size));
	void *got;

	(void)snprintf(op, sizeof(op), "m%d = mmap %llu noreserve", name, (unsigned long long)size);
	if (hint)
		(void)snprintf(op + strlen(op), sizeof(op) - strlen(op), " at 0x%llx",
		               (unsigned long long)hint);
	got = mmap((void *)hint, size, PROT_READ | PROT_WRITE,
	           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	names[name].is_alive = got != MAP_FAILED;
	if (got != MAP_FAILED) {
		names[name].at = got;
		names[name].size = size;
	}
	*ret = taken(got == MAP_FAILED ? -1 : (long)got, true);
}

static bool odd_other(struct result *ret)
{
	static const long deltas[] = { 1L << 46, -(1L << 40), 1L << 33, 1 };
	int name = any_alive();
	uint64_t offset = below(8) * PAGE, old, size;
	long want, delta;
	void *got;

	if (chance(30)) {
		delta = deltas[below(4)];
		want = syscall(SYS_brk, 0) + delta;
		(void)snprintf(op, sizeof(op), "brk %ld", delta);
		*ret = (struct result){ 0, syscall(SYS_brk, want) == want ? 0 : ENOMEM, false };
		return true;
	}
	if (name < 0)
		return false;
	if (chance(30)) {
		(void)snprintf(op, sizeof(op), "munmap m%d %llu 0", name,
		               (unsigned long long)offset);
		*ret = taken(munmap(names[name].at + offset, 0), false);
		return true;
	}
	if (chance(40)) {
		(void)snprintf(op, sizeof(op), "mprotect m%d %llu 0 none", name,
		               (unsigned long long)offset);
		*ret = taken(mprotect(names[name].at + offset, 0, PROT_NONE), false);
		return true;
	}
	old = chance(30) ? 0 : names[name].size;
	size = chance(30) ? 0 : chance(50) ? UINT64_C(1) << 47 : UINT64_C(1) << 46;
	if (has_locked && size)
		return false;
	(void)snprintf(op, sizeof(op), "mremap m%d %llu %llu maymove", name,
	               (unsigned long long)old, (unsigned long long)size);
	got = mremap(names[name].at, old, size, MREMAP_MAYMOVE);
	if (got != MAP_FAILED) {
		names[name].at = got;
		names[name].size = size;
	}
	*ret = taken(got == MAP_FAILED ? -1 : (long)got, true);
	return true;
}

bool call_any(const char *text, bool has_children, struct result *ret)
{
	uint64_t dice = below(100);
	int name = any_alive();

	maps = text;

	if (chance(6)) {
		if (chance(40))
			return odd_other(ret);
		odd_mmap(ret);
	} else if (name < 0 || dice < 35)
		return do_mmap(ret);
	else if (dice < 47)
		*ret = do_munmap(name);
	else if (dice < 62)
		*ret = do_mprotect(name);
	else if (dice < 72)
		return do_mremap(name, ret);
	else if (dice < 79)
		*ret = do_madvise(name);
	else if (dice < 90)
		return do_touch(name, ret);
	else if (dice < 95 || !has_children)
		*ret = do_brk();
	else
		*ret = do_child((int)below(CHILDREN));
	return true;
}

/* --- begin and end ------------------------------------------------------------------------------------------------ */

void calls_begin(uint64_t seed, const char *program)
{
	state = seed * 0x9e3779b97f4a7c15 | 1;
	top = program;
}

const char *call_words(void)
{
	return op;
}

void calls_end(void)
{
	for (int i = 0; i < CHILDREN; i++)
		if (children[i])
			kill(children[i], SIGKILL);
}
