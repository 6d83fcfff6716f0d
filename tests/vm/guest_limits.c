/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The largest request that is accepted: of each kind, under each setting, as root and as a user. Each
 * setting has a process of its own; what it tried it gives back before the next try.
 */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- the kinds ---------------------------------------------------------------------------------------- */

/*
 * A kind is a scenario whose last operation is the one that is asked about, of `n` pages; `p` pages
 * are mapped before it. What `do_…` does is what the words say; it returns whether it was accepted.
 */
struct kind {
	const char *name, *before, *asked;
	uint64_t most; /* pages: where the search begins */
	bool (*try)(uint64_t n, uint64_t p);
};

enum { RW = PROT_READ | PROT_WRITE, ANON = MAP_PRIVATE | MAP_ANONYMOUS };

static void *map(void *at, uint64_t pages, int prot, int flags)
{
	return mmap(at, pages * PAGE, prot, flags, -1, 0);
}

static bool try_map(uint64_t n, int prot, int flags)
{
	void *got = map(NULL, n, prot, flags);

	if (got == MAP_FAILED)
		return false;
	munmap(got, n * PAGE);
	return true;
}

static bool try_private(uint64_t n, uint64_t p)
{
	(void)p;
	return try_map(n, RW, ANON);
}

static bool try_after(uint64_t n, uint64_t p)
{
	void *before = map(NULL, p, RW, ANON);
	bool is_accepted = before != MAP_FAILED && try_map(n, RW, ANON);

	if (before != MAP_FAILED)
		munmap(before, p * PAGE);
	return is_accepted;
}

static bool try_read_only(uint64_t n, uint64_t p)
{
	(void)p;
	return try_map(n, PROT_READ, ANON);
}

static bool try_noreserve(uint64_t n, uint64_t p)
{
	(void)p;
	return try_map(n, RW, ANON | MAP_NORESERVE);
}

static bool try_shared(uint64_t n, uint64_t p)
{
	(void)p;
	return try_map(n, RW, MAP_SHARED | MAP_ANONYMOUS);
}

static bool try_shared_none(uint64_t n, uint64_t p)
{
	(void)p;
	return try_map(n, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS);
}

static bool try_protect(uint64_t n, int from)
{
	void *got = map(NULL, n, from, ANON);
	bool is_accepted = got != MAP_FAILED && mprotect(got, n * PAGE, RW) == 0;

	if (got != MAP_FAILED)
		munmap(got, n * PAGE);
	return is_accepted;
}

static bool try_none_rw(uint64_t n, uint64_t p)
{
	(void)p;
	return try_protect(n, PROT_NONE);
}

static bool try_read_rw(uint64_t n, uint64_t p)
{
	(void)p;
	return try_protect(n, PROT_READ);
}

static bool try_brk(uint64_t n, uint64_t p)
{
	long old = syscall(SYS_brk, 0), want = old + (long)(n * PAGE);
	bool is_accepted = syscall(SYS_brk, want) == want;

	(void)p;
	if (is_accepted)
		syscall(SYS_brk, old);
	return is_accepted;
}

static bool try_fork(uint64_t n, uint64_t p)
{
	void *got = map(NULL, n, RW, ANON);
	pid_t pid = got == MAP_FAILED ? -1 : fork();

	(void)p;
	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	if (got != MAP_FAILED)
		munmap(got, n * PAGE);
	return pid > 0;
}

/* In a reservation, so that what lies above stays. */
static bool try_fixed(uint64_t n, uint64_t p)
{
	uint64_t room = n > p ? n : p;
	char *whole = map(NULL, room, PROT_NONE, ANON | MAP_NORESERVE);
	bool is_accepted = false;

	if (whole == MAP_FAILED)
		return false;
	if (map(whole, p, RW, ANON | MAP_FIXED) != MAP_FAILED)
		is_accepted = map(whole, n, RW, ANON | MAP_FIXED) != MAP_FAILED;
	munmap(whole, room * PAGE);
	return is_accepted;
}

static bool try_mremap(uint64_t n, uint64_t p)
{
	char *old = map(NULL, p, RW, ANON), *got;

	if (old == MAP_FAILED)
		return false;
	got = mremap(old, p * PAGE, n * PAGE, MREMAP_MAYMOVE);
	if (got == MAP_FAILED)
		munmap(old, p * PAGE);
	else
		munmap(got, n * PAGE);
	return got != MAP_FAILED;
}

#define MOST (UINT64_C(1) << 36)

static const struct kind kinds[] = {
	{ "private", "", "a = mmap $n", MOST, try_private },
	{ "after", "b = mmap $p", "a = mmap $n", MOST, try_after },
	{ "read-only", "", "a = mmap $n ro", MOST, try_read_only },
	{ "noreserve", "", "a = mmap $n noreserve", MOST, try_noreserve },
	{ "shared", "", "a = mmap $n shared", MOST, try_shared },
	{ "shared-none", "", "a = mmap $n shared none", MOST, try_shared_none },
	{ "none-rw", "a = mmap $n none", "mprotect a rw", MOST, try_none_rw },
	{ "read-rw", "a = mmap $n ro", "mprotect a rw", MOST, try_read_rw },
	{ "brk", "", "brk $n", MOST, try_brk },
	{ "fork", "a = mmap $n", "fork c", MOST, try_fork },
	{ "fixed", "r = mmap $m none noreserve;b = mmap $p fixed r", "a = mmap $n fixed r", MOST,
	  try_fixed },
	{ "mremap", "b = mmap $p", "mremap b $p $n maymove", MOST, try_mremap },
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* --- the search --------------------------------------------------------------------------------------- */

static uint64_t largest(const struct kind *kind, uint64_t p)
{
	uint64_t low = 0, high = kind->most;

	while (high - low > 1) {
		uint64_t middle = low + (high - low) / 2;

		if (kind->try(middle, p))
			low = middle;
		else
			high = middle;
	}
	return low;
}

static void record(const struct kind *kind, uint64_t p)
{
	uint64_t committed = meminfo_pages("Committed_AS:"), most, again;

	most = largest(kind, p);
	again = largest(kind, p);
	put("{\"limit\":\"%s\",\"p\":%llu,\"most\":%llu", kind->name, (unsigned long long)p,
	    (unsigned long long)most);
	if (again != most)
		put(",\"again\":%llu", (unsigned long long)again);
	put(",\"committed\":%llu}", (unsigned long long)committed);
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

/* limit P AS DATA KIND…: limits in pages, "-" for none; no KIND: all. */
int limits_one(int argc, char **argv)
{
	uint64_t p = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;

	settle();
	/* A first mapping shows where mappings begin. */
	if (geteuid() == 0)
		map(NULL, 1, PROT_READ | PROT_EXEC, ANON);
	set_limit(RLIMIT_AS, argc > 3 ? argv[3] : "-");
	set_limit(RLIMIT_DATA, argc > 4 ? argv[4] : "-");
	put("{\"start\":{");
	put_facts();
	put("}}");
	end_line();
	for (size_t i = 0; i < KINDS; i++) {
		bool is_wanted = argc <= 5;

		for (int k = 5; k < argc; k++)
			is_wanted |= strcmp(argv[k], kinds[i].name) == 0;
		if (is_wanted)
			record(&kinds[i], p);
	}
	return 0;
}

/* --- the settings -------------------------------------------------------------------------------------- */

struct setting {
	uint64_t mode, ratio, kbytes, admin, user, hugepages;
	const char *p, *as, *data; /* pages */
};

static const struct setting settings[] = {
	{ 0, 50, 0, 8192, 8192, 0, "27147", "-", "-" },
	{ 0, 80, 0, 0, 131072, 0, "1", "-", "-" },
	{ 0, 50, 0, 8192, 8192, 0, "300", "20000", "-" },
	{ 0, 50, 0, 8192, 8192, 0, "300", "-", "9000" },
	{ 0, 50, 0, 8192, 8192, 8, "1000", "-", "-" },
	{ 1, 50, 0, 8192, 8192, 0, "5000", "-", "-" },
	{ 1, 50, 0, 8192, 8192, 0, "70", "100000", "-" },
	{ 1, 50, 0, 8192, 8192, 0, "70", "-", "70000" },
	{ 2, 50, 0, 8192, 8192, 0, "1000", "-", "-" },
	{ 2, 80, 0, 8192, 131072, 0, "3000", "-", "-" },
	{ 2, 80, 0, 0, 0, 0, "3000", "-", "-" },
	{ 2, 95, 0, 16384, 512, 0, "5000", "-", "-" },
	{ 2, 150, 0, 4096, 131072, 0, "20000", "-", "-" },
	{ 2, 30, 0, 3000, 7, 0, "500", "-", "-" },
	{ 2, 0, 100001, 8192, 8192, 0, "2000", "-", "-" },
	{ 2, 0, 400000, 0, 131072, 0, "10000", "-", "-" },
	{ 2, 80, 0, 8192, 8192, 8, "1000", "-", "-" },
	{ 2, 0, 200000, 8192, 8192, 8, "1000", "-", "-" },
	{ 2, 80, 0, 8192, 8192, 0, "1000", "30000", "-" },
	{ 2, 80, 0, 8192, 8192, 0, "1000", "-", "12345" },
	/* with swap */
	{ 0, 50, 0, 8192, 8192, 0, "2000", "-", "-" },
	{ 2, 40, 0, 8192, 131072, 0, "2000", "-", "-" },
	{ 2, 0, 150000, 4096, 4096, 0, "2000", "-", "-" },
};

enum { SETTINGS = sizeof(settings) / sizeof(settings[0]), WITH_SWAP = SETTINGS - 3 };

static void write_vm(const char *name, uint64_t number)
{
	char path[96];

	(void)snprintf(path, sizeof(path), "/proc/sys/vm/%s", name);
	(void)write_number(path, number);
}

/* Writing the mode folds every CPU's part of Committed_AS: it comes last. */
static void apply(const struct setting *s)
{
	write_vm("nr_hugepages", s->hugepages);
	write_vm("overcommit_ratio", s->ratio);
	if (s->kbytes)
		write_vm("overcommit_kbytes", s->kbytes);
	write_vm("admin_reserve_kbytes", s->admin);
	write_vm("user_reserve_kbytes", s->user);
	write_vm("overcommit_memory", s->mode);
}

static void put_kinds(void)
{
	for (size_t i = 0; i < KINDS; i++) {
		put("{\"kind\":\"%s\",\"before\":\"%s\",\"asked\":\"%s\"}", kinds[i].name,
		    kinds[i].before, kinds[i].asked);
		end_line();
	}
}

void limits_all(void)
{
	put_kinds();
	for (size_t i = 0; i < SETTINGS; i++) {
		for (int is_root = 0; is_root < 2; is_root++) {
			const struct setting *s = &settings[i];
			char *argv[] = { "init",
				         "limit",
				         (char *)(uintptr_t)s->p,
				         (char *)(uintptr_t)s->as,
				         (char *)(uintptr_t)s->data,
				         NULL };
			int status;

			if (i == WITH_SWAP && !is_root)
				swap_on(16383);
			apply(s);
			status = run_as(is_root, i + (size_t)is_root, argv);
			if (status) {
				put("{\"failed\":%zu,\"status\":%d}", i, status);
				end_line();
			}
		}
	}
	write_vm("overcommit_memory", 0);
	write_vm("nr_hugepages", 0);
	swap_off();
}
