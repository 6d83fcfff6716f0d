/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random system calls on one process's address space, each written as a line of a scenario together
 * with what it did: the address or errno, the VMAs that went and came, the change of Committed_AS.
 */
#include "guest_calls.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

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

/* --- a sequence --------------------------------------------------------------------------------------------- */

static void record(const struct result *result, int64_t change)
{
	put("{\"op\":\"%s\"", call_words());
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

/* A guard, or behind the end of shared memory that has grown: a scenario does not go on there. */
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
	bool is_static;
	struct result result;

	settle();
	memset(maps, 1, sizeof(maps));
	meminfo_pages("MemTotal:");
	/* Shows where mappings begin. */
	marker = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	is_static = readlink("/proc/self/exe", exe, sizeof(exe)) == 5;
	calls_begin(argc > 2 ? strtoull(argv[2], NULL, 10) : 1, is_static ? NULL : marker + PAGE);
	signal(SIGBUS, on_bus);
	signal(SIGSEGV, on_bus);
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

		if (!call_any(maps[now], argc > 6 && argv[6][0] == '1', &result))
			continue;
		then = meminfo_pages("Committed_AS:");
		read_maps();
		record(&result, (int64_t)(then - committed));
		committed = then;
		i++;
	}
	calls_end();
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
