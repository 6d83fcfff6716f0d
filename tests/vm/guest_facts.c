/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a world starts from, in the words of `heaptop snapshot --json`, read without any allocation. */
#include "guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static char text[1 << 17];

void settle(void)
{
	volatile char stack[48 * 1024];

	for (size_t i = 0; i < sizeof(stack); i += 512)
		stack[i] = 1;
	memset(text, 1, sizeof(text));
	put("%s %llu %d", "x", 1ULL, 1);
	put_maps();
	drop_line();
}

static uint64_t sysctl_vm(const char *name)
{
	char path[96], number[32];

	(void)snprintf(path, sizeof(path), "/proc/sys/vm/%s", name);
	read_file(path, number, sizeof(number));
	return strtoull(number, NULL, 10);
}

/* A line of maps less its offset, device and inode: "START-END PERMS NAME". */
void put_mapping(const char *line, size_t len)
{
	char addresses[64], perms[8], words[512];
	int name = 0;

	if (sscanf(line, "%63s %7s %*s %*s %*s %n", addresses, perms, &name) != 2)
		return;
	if ((size_t)name < len)
		(void)snprintf(words, sizeof(words), "%s %s %.*s", addresses, perms,
		               (int)len - name, line + name);
	else
		(void)snprintf(words, sizeof(words), "%s %s", addresses, perms);
	put_text(words, strlen(words));
}

void put_maps(void)
{
	read_file("/proc/self/maps", text, sizeof(text));
	put("[");
	for (const char *at = text; *at; at += strcspn(at, "\n") + 1) {
		put("%s", at == text ? "" : ",");
		put_mapping(at, strcspn(at, "\n"));
	}
	put("]");
}

static void put_limit(const char *key, int limit)
{
	struct rlimit value;

	getrlimit(limit, &value);
	if (value.rlim_cur == RLIM_INFINITY)
		put("\"%s\":\"unlimited\"", key);
	else
		put("\"%s\":%llu", key, (unsigned long long)value.rlim_cur);
}

static void put_meminfo(void)
{
	static const char *const keys[][2] = {
		{ "mem_total", "MemTotal:" },         { "mem_free", "MemFree:" },
		{ "mem_available", "MemAvailable:" }, { "swap_total", "SwapTotal:" },
		{ "swap_free", "SwapFree:" },         { "committed_as", "Committed_AS:" },
		{ "commit_limit", "CommitLimit:" },   { "hugetlb", "Hugetlb:" },
	};

	read_file("/proc/meminfo", text, sizeof(text));
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		put("\"%s\":%llu,", keys[i][0],
		    (unsigned long long)number_behind(text, keys[i][1]) * 1024);
}

static void put_system(void)
{
	static const char *const names[] = { "overcommit_memory",   "overcommit_ratio",
		                             "overcommit_kbytes",   "admin_reserve_kbytes",
		                             "user_reserve_kbytes", "max_map_count" };
	size_t len;

	put(",\"system\":{");
	put_meminfo();
	len = read_file("/proc/sys/kernel/osrelease", text, sizeof(text));
	put("\"kernel\":");
	put_text(text, len ? len - 1 : 0);
	put(",\"cpus_online\":%ld,\"vm\":{", sysconf(_SC_NPROCESSORS_ONLN));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		put("%s\"%s\":%llu", i ? "," : "", names[i],
		    (unsigned long long)sysctl_vm(names[i]));
	put("}}");
}

/* Field 47 of stat; the name in it has no blanks. */
static uint64_t brk_start(void)
{
	const char *at = text;

	read_file("/proc/self/stat", text, sizeof(text));
	for (int field = 1; field < 47 && at; field++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at, NULL, 10) : 0;
}

void put_facts(void)
{
	put("\"schema\":\"heaptop.snapshot/1\",\"pid\":%d,\"comm\":\"init\",\"brk\":\"0x%lx\",",
	    getpid(), syscall(SYS_brk, 0));
	put("\"brk_start\":\"0x%llx\",\"vmas\":", (unsigned long long)brk_start());
	put_maps();
	put(",\"process\":{\"cap_sys_admin\":%s,\"rlimit\":{", geteuid() ? "false" : "true");
	put_limit("as", RLIMIT_AS);
	put(",");
	put_limit("data", RLIMIT_DATA);
	put(",");
	put_limit("stack", RLIMIT_STACK);
	read_file("/proc/self/status", text, sizeof(text));
	put("},\"vm_size\":%llu,\"vm_data\":%llu,\"vm_stack\":%llu}",
	    (unsigned long long)number_behind(text, "VmSize:") * 1024,
	    (unsigned long long)number_behind(text, "VmData:") * 1024,
	    (unsigned long long)number_behind(text, "VmStk:") * 1024);
	put_system();
}
