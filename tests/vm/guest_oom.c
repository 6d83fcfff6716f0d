/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shortages of memory: processes are started one after the other, the last one eats. What the kernel
 * says of it is in its log; here only the circumstances are added to it, as lines of JSON behind
 * "heaptop-vm:". dump.py makes records of both.
 */
#include "guest.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { READY_FD = 10, ACTORS_MAX = 16, WORDS_MAX = 16, SHORTEST_MS = 700, LONGEST_MS = 20000 };

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *format, ...)
{
	char text[900];
	int fd = open("/dev/kmsg", O_WRONLY), len;
	va_list args;

	va_start(args, format);
	len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	(void)!write(fd, text, (size_t)len);
	close(fd);
}

static uint64_t now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

/* --- circumstances ------------------------------------------------------------------------------------------ */

/* "name=number name=number" of /proc/sys/vm; told as JSON. */
static void set_sysctls(const char *text, char *told, size_t size)
{
	static const char *const all[] = { "panic_on_oom", "oom_kill_allocating_task" };
	size_t len = 0;

	for (size_t i = 0; i < 2; i++) {
		const char *at = strstr(text, all[i]);
		uint64_t value = at ? strtoull(at + strlen(all[i]) + 1, NULL, 10) : 0;
		char path[96];

		(void)snprintf(path, sizeof(path), "/proc/sys/vm/%s", all[i]);
		(void)write_number(path, value);
		len += (size_t)snprintf(told + len, size - len, "%s\"%s\":%llu", i ? "," : "",
		                        all[i], (unsigned long long)value);
	}
}

static void set_cgroup(const char *name, const char *file, const char *value)
{
	char path[160];

	(void)snprintf(path, sizeof(path), "/cg/%s/%s", name, file);
	(void)write_file(path, value);
}

/* "NAME max=MIB swap=MIB group; NAME/CHILD …": made and told one by one. */
static void make_cgroups(const char *text)
{
	char copy[512], *rest, *one;

	(void)snprintf(copy, sizeof(copy), "%s", text);
	for (one = strtok_r(copy, ";", &rest); one; one = strtok_r(NULL, ";", &rest)) {
		char *words, *name = strtok_r(one, " ", &words), *word, path[128], bytes[32];
		uint64_t max = 0, swap = UINT64_MAX;
		bool is_group = false;

		(void)snprintf(path, sizeof(path), "/cg/%s", name);
		mkdir(path, 0755);
		if (strchr(name, '/')) {
			(void)snprintf(bytes, sizeof(bytes), "%.*s", (int)strcspn(name, "/"), name);
			set_cgroup(bytes, "cgroup.subtree_control", "+memory");
		}
		while ((word = strtok_r(NULL, " ", &words))) {
			uint64_t number =
			        strchr(word, '=') ? strtoull(strchr(word, '=') + 1, NULL, 10) : 0;

			(void)snprintf(bytes, sizeof(bytes), "%llu",
			               (unsigned long long)(number * MIB));
			if (strncmp(word, "max=", 4) == 0) {
				set_cgroup(name, "memory.max", bytes);
				max = number * MIB / PAGE;
			} else if (strncmp(word, "swap=", 5) == 0) {
				set_cgroup(name, "memory.swap.max", bytes);
				swap = number * MIB / PAGE;
			} else if (strcmp(word, "group") == 0) {
				set_cgroup(name, "memory.oom.group", "1");
				is_group = true;
			}
		}
		say("heaptop-vm: {\"cgroup\":\"/%s\",\"max\":%lld,\"swap_max\":%lld,\"group\":%s}",
		    name, max ? (long long)max : -1, swap == UINT64_MAX ? -1 : (long long)swap,
		    is_group ? "true" : "false");
	}
}

static void remove_cgroups(const char *text)
{
	char copy[512], *rest, *one, *names[8];
	size_t count = 0;

	(void)snprintf(copy, sizeof(copy), "%s", text);
	for (one = strtok_r(copy, ";", &rest); one && count < 8; one = strtok_r(NULL, ";", &rest))
		names[count++] = strtok(one, " ");
	while (count--) {
		char path[128];

		(void)snprintf(path, sizeof(path), "/cg/%s", names[count]);
		for (int i = 0; i < 50 && rmdir(path); i++)
			usleep(20000);
	}
}

/* --- actors --------------------------------------------------------------------------------------------------- */

static pid_t actors[ACTORS_MAX];
static size_t actor_count;

static void start_actor(char *words)
{
	char *argv[WORDS_MAX + 4] = { "init", "actor" }, *rest, byte;
	int argc = 2, ends[2];
	pid_t pid;

	for (char *w = strtok_r(words, " ", &rest); w && argc < WORDS_MAX;
	     w = strtok_r(NULL, " ", &rest))
		argv[argc++] = w;
	if (pipe(ends))
		return;
	pid = fork();
	if (pid == 0) {
		setsid();
		dup2(ends[1], READY_FD);
		close(ends[0]);
		close(ends[1]);
		execv("/init", argv);
		_exit(127);
	}
	close(ends[1]);
	actors[actor_count++] = pid;
	(void)!read(ends[0], &byte, 1);
	close(ends[0]);
}

/* Until one of them, or of their children, was killed. */
static void wait_for_death(uint64_t begun, uint64_t longest)
{
	int status;

	while (now_ms() - begun < longest) {
		if (waitpid(-1, &status, WNOHANG) > 0)
			break;
		usleep(10000);
	}
	usleep(100000);
}

static void end_actors(void)
{
	/* Whoever is there besides pid 1. */
	kill(-1, SIGKILL);
	while (wait(NULL) > 0)
		;
	actor_count = 0;
}

struct shortage {
	const char *name, *sysctls, *cgroups, *actors;
	bool has_swap;
};

static void play(const struct shortage *s)
{
	uint64_t begun = now_ms(), spent;
	char copy[512], sysctls[128], *rest;

	if (s->has_swap && !swap_on(64 * MIB / PAGE))
		say("heaptop-vm: {\"no_swap\":true}");
	set_sysctls(s->sysctls, sysctls, sizeof(sysctls));
	say("heaptop-vm: {\"oom\":\"%s\",\"mem_total\":%llu,\"swap_total\":%llu,\"sysctl\":{%s}}",
	    s->name, (unsigned long long)meminfo_pages("MemTotal:"),
	    (unsigned long long)meminfo_pages("SwapTotal:"), sysctls);
	say("heaptop-vm: {\"actors\":\"%s\"}", s->actors);
	make_cgroups(s->cgroups);
	mount("tmpfs", "/mnt", "tmpfs", 0, "size=95%");
	(void)snprintf(copy, sizeof(copy), "%s", s->actors);
	for (char *a = strtok_r(copy, ";", &rest); a; a = strtok_r(NULL, ";", &rest))
		start_actor(a);
	wait_for_death(begun, strstr(s->name, "nobody") ? 3000 : LONGEST_MS);
	end_actors();
	umount("/mnt");
	remove_cgroups(s->cgroups);
	if (s->has_swap)
		swap_off();
	say("heaptop-vm: {\"over\":\"%s\"}", s->name);
	spent = now_ms() - begun;
	/* The kernel shows 10 tables in 5 s and no more. */
	if (spent < SHORTEST_MS)
		usleep((useconds_t)(SHORTEST_MS - spent) * 1000);
}

/* --- what is played ---------------------------------------------------------------------------------------------- */

static const struct shortage shortages[] = {
	{ "plain", "", "", "small touch=20;middle touch=50;eater eat", false },
	{ "spared", "", "", "big touch=90 adj=-300;small touch=20;eater adj=-900 eat", false },
	{ "preferred", "", "", "big touch=60;small touch=10 adj=400;eater adj=-300 eat", false },
	{ "tiny-1000", "", "", "big touch=60;tiny adj=1000;eater eat", false },
	{ "never", "", "", "big touch=110 adj=-1000;small touch=20;eater eat", false },
	{ "never-eater", "", "", "big touch=50;small touch=20;eater adj=-1000 eat", false },
	{ "minus-999", "", "", "big touch=70 adj=-999;small touch=15;eater adj=-1000 eat", false },
	{ "tie", "", "", "one touch=30;two touch=30;three touch=30;eater adj=-1000 eat", false },
	{ "tie-adj", "", "", "one touch=30;two pages=7625 adj=1;eater adj=-1000 eat", false },
	{ "tables", "", "", "tables tables=7000;middle touch=25;eater adj=-1000 eat", false },
	{ "tables-less", "", "", "tables tables=4000;middle touch=25;eater adj=-1000 eat", false },
	{ "children", "", "", "parent touch=20 kids=5x2;single touch=20;eater adj=-1000 eat",
	  false },
	{ "children-adj", "", "",
	  "parent touch=25 adj=50 kids=3x1;single touch=40;eater adj=-1000 eat", false },
	{ "tmpfs", "", "", "hog tmpfs=100;middle touch=20;small touch=5;eater adj=-1000 eat",
	  false },
	{ "shared", "", "", "shm shm=60;middle touch=40;eater adj=-1000 eat", false },
	{ "sharers", "", "", "first touch=50 share;middle touch=40;eater adj=-1000 eat", false },
	{ "vfork", "", "", "first touch=50 vfork;middle touch=40;eater adj=-1000 eat", false },
	{ "user", "", "", "root touch=50;user user touch=49;eater adj=-1000 eat", false },
	{ "allocating", "oom_kill_allocating_task=1", "", "big touch=120;small touch=10;eater eat",
	  false },
	{ "allocating-never", "oom_kill_allocating_task=1", "",
	  "big touch=50;small touch=20 adj=10;eater adj=-1000 eat", false },
	{ "swap", "", "", "big touch=80;middle touch=42;eater adj=-1000 eat", true },
	{ "swap-adj", "", "", "big touch=42;small touch=20 adj=90;eater adj=-1000 eat", true },
	{ "swap-less", "", "", "big touch=60;small touch=30 adj=60;eater adj=-900 eat", true },
	{ "cg-plain", "", "a max=24", "outside touch=60;small cg=a touch=4;eater cg=a eat", false },
	{ "cg-bigger", "", "a max=24", "big cg=a touch=15;eater cg=a eat", false },
	{ "cg-adj", "", "a max=24",
	  "big cg=a touch=10;small cg=a touch=3 adj=400;eater cg=a adj=-200 eat", false },
	{ "cg-adj-light", "", "a max=16",
	  "big cg=a touch=8;small cg=a touch=3 adj=300;eater cg=a adj=-500 eat", false },
	{ "cg-minus-1000", "", "a max=20", "never cg=a adj=-1000 touch=14;eater cg=a eat", false },
	{ "cg-nobody", "", "a max=12", "never cg=a adj=-1000 touch=4;eater cg=a adj=-1000 eat",
	  false },
	{ "cg-panic-1", "panic_on_oom=1", "a max=16", "small cg=a touch=4;eater cg=a eat", false },
	{ "cg-allocating", "oom_kill_allocating_task=1", "a max=24",
	  "big cg=a touch=14;eater cg=a eat", false },
	{ "cg-group", "", "a max=20 group",
	  "one cg=a touch=4;never cg=a touch=3 adj=-1000;less cg=a adj=-900 touch=2;eater cg=a eat",
	  false },
	{ "cg-nested", "", "a max=28;a/b;a/c", "big cg=a/b touch=16;eater cg=a/c eat", false },
	{ "cg-nested-own", "", "a max=40;a/b;a/c max=10", "big cg=a/b touch=16;eater cg=a/c eat",
	  false },
	{ "cg-group-parent", "", "a max=28 group;a/b;a/c", "big cg=a/b touch=16;eater cg=a/c eat",
	  false },
	{ "cg-group-child", "", "a max=28;a/b group;a/c",
	  "big cg=a/b touch=16;other cg=a/b touch=1;eater cg=a/c eat", false },
	{ "cg-tables", "", "a max=32",
	  "tables cg=a tables=3000;middle cg=a touch=8;eater cg=a adj=-500 eat", false },
	{ "cg-children", "", "a max=32",
	  "parent cg=a touch=8 kids=3x2;single cg=a touch=9;eater cg=a adj=-900 eat", false },
	{ "cg-shared", "", "a max=24", "shm cg=a shm=9;middle cg=a touch=7;eater cg=a adj=-900 eat",
	  false },
	{ "cg-swap-0", "", "a max=20 swap=0", "small cg=a touch=6;eater cg=a eat", true },
	{ "cg-swap-8", "", "a max=20 swap=8", "small cg=a touch=6 adj=200;eater cg=a adj=-300 eat",
	  true },
	{ "cg-tie", "", "a max=24", "one cg=a touch=6;two cg=a touch=6;eater cg=a adj=-1000 eat",
	  false },
	/* Each ends its machine. */
	{ "panic-1", "panic_on_oom=1", "", "small touch=20;eater eat", false },
	{ "panic-2", "panic_on_oom=2", "", "small touch=20;eater eat", false },
	{ "cg-panic-2", "panic_on_oom=2", "a max=16", "small cg=a touch=4;eater cg=a eat", false },
	{ "deadlock", "", "", "small touch=20 adj=-1000;eater adj=-1000 eat", false },
};

enum { SHORTAGES = sizeof(shortages) / sizeof(shortages[0]), PANICS = 4 };

/* --- random ones -------------------------------------------------------------------------------------------------- */

static uint64_t state;

static uint64_t below(uint64_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 11) % n;
}

static void play_random(uint64_t number)
{
	static const int adjs[] = { 0, 0, 0, 100, -100, 30, -30, 300, -300, 7, -1000, 500 };
	char name[32], actors_text[400];
	bool is_cgroup = number % 2, has_swap = below(4) == 0;
	struct shortage s = { name, "", is_cgroup ? "a max=32" : "", actors_text,
		              has_swap && !is_cgroup };
	uint64_t room = is_cgroup ? 24 : 150, count = 2 + below(5);
	size_t len = 0;

	(void)snprintf(name, sizeof(name), "random-%llu", (unsigned long long)number);
	for (uint64_t i = 0; i < count; i++) {
		uint64_t pages = (1 + below(2 * room / count)) * 128;

		len += (size_t)snprintf(actors_text + len, sizeof(actors_text) - len,
		                        "a%llu%s adj=%d %spages=%llu;", (unsigned long long)i,
		                        is_cgroup ? " cg=a" : "", adjs[below(12)],
		                        below(2) ? "user " : "", (unsigned long long)pages);
	}
	(void)snprintf(actors_text + len, sizeof(actors_text) - len, "eater%s adj=%d eat",
	               is_cgroup ? " cg=a" : "", adjs[below(10)]);
	play(&s);
}

/* oom: all but those that panic; oom:N: the Nth of those; oom:SEED from 100 on: random ones. */
void oom_all(uint64_t which)
{
	mkdir("/cg", 0755);
	mkdir("/mnt", 0755);
	if (mount("cgroup2", "/cg", "cgroup2", 0, ""))
		say("heaptop-vm: {\"no_cgroup2\":true}");
	set_cgroup(".", "cgroup.subtree_control", "+memory");
	if (which == 0)
		for (size_t i = 0; i < SHORTAGES - PANICS; i++)
			play(&shortages[i]);
	else if (which <= PANICS)
		play(&shortages[SHORTAGES - PANICS + which - 1]);
	state = which * 0x9e3779b97f4a7c15 | 1;
	for (uint64_t i = 0; which >= 100 && i < 12; i++)
		play_random(i);
	write_file("/proc/sys/vm/panic_on_oom", "0");
}
