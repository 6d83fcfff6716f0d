/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random system calls on one process's address space, each written as a line of a scenario together
 * with what it did: the address or errno, the VMAs that went and came, the change of Committed_AS.
 */
#include "guest.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
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

/* --- the VMAs between two steps -------------------------------------------------------------------------- */

static char maps[2][1 << 16];
static int now;

static bool has_line(const char *text, const char *line, size_t len)
{
	for (const char *at = text; *at; at += strcspn(at, "\n") + 1)
		if (strncmp(at, line, len + 1) == 0)
			return true;
	return false;
}

static void put_missing(const char *from, const char *in)
{
	bool is_first = true;

	put("[");
	for (const char *at = from; *at;) {
		size_t len = strcspn(at, "\n");

		if (!has_line(in, at, len)) {
			put("%s", is_first ? "" : ",");
			put_mapping(at, len);
			is_first = false;
		}
		at += len + 1;
	}
	put("]");
}

static void read_maps(void)
{
	now = !now;
	read_file("/proc/self/maps", maps[now], sizeof(maps[now]));
}

static bool is_writable(const char *addr)
{
	unsigned long start, end;
	char perms[5];

	for (const char *at = maps[now]; *at; at += strcspn(at, "\n") + 1)
		if (sscanf(at, "%lx-%lx %4s", &start, &end, perms) == 3 &&
		    (unsigned long)addr >= start && (unsigned long)addr < end)
			return perms[1] == 'w';
	return false;
}

/* --- the operations --------------------------------------------------------------------------------------- */

struct result {
	long value; /* address, or -1 */
	int error;
	bool is_address;
};

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

/* What lies above the first mapping is the program itself, but in a static one. */
static const char *top;

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

static struct result do_mremap(int name)
{
	uint64_t old = names[name].size, size = random_size();
	bool may_move = chance(70);
	void *got;

	if (chance(15) && old > PAGE)
		old = (1 + below(old / PAGE)) * PAGE;
	if (chance(30))
		size = old + (1 + below(30)) * PAGE;
	(void)snprintf(op, sizeof(op), "mremap m%d %llu %llu%s", name, (unsigned long long)old,
	               (unsigned long long)size, may_move ? " maymove" : "");
	got = mremap(names[name].at, old, size, may_move ? MREMAP_MAYMOVE : 0);
	if (got != MAP_FAILED) {
		names[name].at = got;
		names[name].size = size;
	}
	return taken(got == MAP_FAILED ? -1 : (long)got, true);
}

static struct result do_madvise(int name)
{
	static const struct {
		const char *word;
		int advice;
	} advices[] = { { "dontneed", MADV_DONTNEED },   { "free", MADV_FREE },
		        { "hugepage", MADV_HUGEPAGE },   { "nohugepage", MADV_NOHUGEPAGE },
		        { "mergeable", MADV_MERGEABLE }, { "dontfork", MADV_DONTFORK },
		        { "dofork", MADV_DOFORK } };
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
	const char *at = strstr(maps[now], "[stack]");

	while (at && at > maps[now] && at[-1] != '\n')
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

static bool do_any(bool has_children, struct result *ret)
{
	uint64_t dice = below(100);
	int name = any_alive();

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
		*ret = do_mremap(name);
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

/* --- a sequence --------------------------------------------------------------------------------------------- */

static void record(const struct result *result, int64_t change)
{
	put("{\"op\":\"%s\"", op);
	if (result->is_address && !result->error)
		put(",\"addr\":\"0x%lx\"", (unsigned long)result->value);
	if (result->error)
		put(",\"errno\":%d", result->error);
	if (change)
		put(",\"commit\":%lld", (long long)change);
	if (strcmp(maps[0], maps[1]) != 0) {
		put(",\"-\":");
		put_missing(maps[!now], maps[now]);
		put(",\"+\":");
		put_missing(maps[now], maps[!now]);
	}
	put("}");
	end_line();
}

static void set_limit(int resource, const char *text)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

	if (strcmp(text, "-") == 0)
		return;
	limit.rlim_cur = limit.rlim_max = strtoull(text, NULL, 10) * PAGE;
	setrlimit(resource, &limit);
}

/* Behind the end of shared memory that has grown: a scenario has no word for it, so it ends here. */
static void on_bus(int signal)
{
	(void)signal;
	_exit(0);
}

/* step SEED COUNT AS DATA CHILDREN */
int steps_one(int argc, char **argv)
{
	uint64_t count = argc > 3 ? strtoull(argv[3], NULL, 10) : 0, committed;
	char exe[64], *marker;
	struct result result;

	state = argc > 2 ? strtoull(argv[2], NULL, 10) * 0x9e3779b97f4a7c15 | 1 : 1;
	settle();
	memset(maps, 1, sizeof(maps));
	meminfo_pages("MemTotal:");
	/* Shows where mappings begin. */
	marker = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (readlink("/proc/self/exe", exe, sizeof(exe)) != 5)
		top = marker + PAGE;
	signal(SIGBUS, on_bus);
	set_limit(RLIMIT_AS, argc > 4 ? argv[4] : "-");
	set_limit(RLIMIT_DATA, argc > 5 ? argv[5] : "-");
	put("{\"steps\":{");
	put_facts();
	put("}}");
	end_line();
	read_maps();
	committed = meminfo_pages("Committed_AS:");
	for (uint64_t i = 0; i < count;) {
		uint64_t then;

		if (!do_any(argc > 6 && argv[6][0] == '1', &result))
			continue;
		then = meminfo_pages("Committed_AS:");
		read_maps();
		record(&result, (int64_t)(then - committed));
		committed = then;
		i++;
	}
	for (int i = 0; i < CHILDREN; i++)
		if (children[i])
			kill(children[i], SIGKILL);
	return 0;
}

/* --- the settings -------------------------------------------------------------------------------------------- */

static const struct {
	const char *mode, *ratio, *map_count, *as, *data, *children;
	bool is_root;
} settings[] = {
	{ "0", "50", "65530", "-", "-", "0", true },
	{ "0", "50", "65530", "-", "-", "1", true },
	{ "1", "50", "65530", "-", "-", "0", false },
	{ "2", "95", "65530", "-", "-", "0", true },
	{ "2", "80", "65530", "-", "-", "1", false },
	{ "0", "50", "26", "-", "-", "0", true },
	{ "0", "50", "65530", "12000", "-", "0", true },
	{ "0", "50", "65530", "-", "6000", "1", true },
	{ "1", "50", "65530", "-", "-", "1", true },
	{ "0", "50", "34", "30000", "9000", "0", false },
};

void steps_all(uint64_t seed)
{
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		char number[32];
		char *argv[] = { "init",
			         "step",
			         number,
			         "50",
			         (char *)(uintptr_t)settings[i].as,
			         (char *)(uintptr_t)settings[i].data,
			         (char *)(uintptr_t)settings[i].children,
			         NULL };

		(void)snprintf(number, sizeof(number), "%llu",
		               (unsigned long long)(seed * 100 + i));
		write_file("/proc/sys/vm/overcommit_ratio", settings[i].ratio);
		write_file("/proc/sys/vm/max_map_count", settings[i].map_count);
		write_file("/proc/sys/kernel/randomize_va_space", i % 4 == 3 ? "0" : "2");
		write_file("/proc/sys/vm/overcommit_memory", settings[i].mode);
		if (run_as(settings[i].is_root, i, argv)) {
			put("{\"failed\":%zu}", i);
			end_line();
		}
	}
	write_file("/proc/sys/vm/overcommit_memory", "0");
	write_file("/proc/sys/vm/max_map_count", "65530");
	write_file("/proc/sys/kernel/randomize_va_space", "2");
}
