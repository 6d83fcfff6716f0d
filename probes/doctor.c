/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probes/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "model/base/text.h"
#include "model/rules/linux.h"
#include "probes/pagemap.h"
#include "probes/probes.h"
#include "probes/read.h"
#include "probes/read_file.h"

void doctor_heading(struct doctor *doctor, const char *title)
{
	(void)fprintf(doctor->out, "%s\n", title);
}

void doctor_say(struct doctor *doctor, enum verdict verdict, const char *what, const char *format,
                ...)
{
	static const char *const words[] = { "ok", "note", "MISSING" };
	va_list args;

	if (verdict == VERDICT_MISSING)
		doctor->is_missing = true;
	(void)fprintf(doctor->out, "  %-8s %-20s ", words[verdict], what);
	va_start(args, format);
	(void)vfprintf(doctor->out, format, args);
	va_end(args);
	(void)fputc('\n', doctor->out);
}

void doctor_remedy(struct doctor *doctor, const char *remedy)
{
	if (remedy[0])
		(void)fprintf(doctor->out, "  %-8s %-20s %s\n", "", "", remedy);
}

/* --- permissions --------------------------------------------------------------------------------- */

static bool have_cap(cap_value_t cap)
{
	cap_flag_value_t value = CAP_CLEAR;
	cap_t caps = cap_get_proc();

	if (caps) {
		(void)cap_get_flag(caps, cap, CAP_EFFECTIVE, &value);
		(void)cap_free(caps);
	}
	return value == CAP_SET;
}

static void check_ptrace(struct doctor *doctor)
{
	bool all = have_cap(CAP_SYS_PTRACE);
	char text[16];
	long scope = 0;

	doctor_say(doctor, all ? VERDICT_OK : VERDICT_NOTE, "CAP_SYS_PTRACE", "%s",
	           all ? "present: processes of every user can be read"
	               : "absent: only your own processes can be read");
	if (!all)
		doctor_remedy(doctor,
		              "For others: run as root, or setcap cap_sys_ptrace+ep on heaptop.");
	if (read_file_small(-1, "/proc/sys/kernel/yama/ptrace_scope", text, sizeof(text), NULL) ==
	    READ_OK)
		scope = strtol(text, NULL, 10);
	if (scope == 0 || (all && scope < 3)) {
		doctor_say(doctor, VERDICT_OK, "yama ptrace_scope", "%ld: no further bound", scope);
		return;
	}
	doctor_say(doctor, VERDICT_MISSING, "yama ptrace_scope", "%ld: %s", scope,
	           scope == 1   ? "only programs that heaptop itself started can be read"
	           : scope == 2 ? "CAP_SYS_PTRACE is needed for every process"
	                        : "no process can be read until the next boot");
	doctor_remedy(doctor, scope == 3 ? ""
	                                 : "Run as root, use `heaptop run -- CMD`, or set "
	                                   "kernel.yama.ptrace_scope=0 by sysctl.");
}

static void check_map_files(struct doctor *doctor)
{
	bool may = have_cap(CAP_SYS_ADMIN) || have_cap(CAP_CHECKPOINT_RESTORE);

	doctor_say(
	        doctor, may ? VERDICT_OK : VERDICT_NOTE, "map_files", "%s",
	        may ? "mapped files are opened even when deleted or in a container"
	            : "needs CAP_CHECKPOINT_RESTORE: deleted libraries are found by content only");
}

/* --- the kernel's files -------------------------------------------------------------------------- */

/* A seccomp filter, as container engines install, refuses the call even on oneself. */
static void check_readv(struct doctor *doctor)
{
	char from = 'x', to = 0;
	struct iovec local = { &to, 1 }, remote = { &from, 1 };
	bool ok = process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == 1 && to == 'x';

	doctor_say(doctor, ok ? VERDICT_OK : VERDICT_MISSING, "process_vm_readv", "%s",
	           ok ? "reads memory without a stop" : strerrordesc_np(errno));
	if (!ok)
		doctor_remedy(doctor,
		              "In a container: allow the system call, or --cap-add SYS_PTRACE.");
}

static void check_pagemap(struct doctor *doctor)
{
	struct pagemap map = { .fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC) };
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), reached;
	uint64_t here = (uint64_t)(uintptr_t)&map / page * page;
	struct page_span span;
	bool ok = map.fd >= 0 && pagemap_spans(&map, here, here + page, &span, 1, 1, &reached) == 1;

	if (!ok) {
		doctor_say(doctor, VERDICT_MISSING, "pagemap",
		           "not there: residency is unknown, and memory can't be read without"
		           " touching it");
		doctor_remedy(doctor,
		              "The kernel needs CONFIG_PROC_PAGE_MONITOR; containers must not"
		              " mask /proc/PID/pagemap.");
	} else if (map.no_scan) {
		doctor_say(doctor, VERDICT_NOTE, "pagemap",
		           "readable; no PAGEMAP_SCAN (Linux 6.7): residency costs three times as"
		           " much");
	} else {
		doctor_say(doctor, VERDICT_OK, "pagemap", "readable, with PAGEMAP_SCAN");
	}
	if (map.fd >= 0)
		(void)close(map.fd);
}

static void check_file(struct doctor *doctor, const char *path, const char *what, const char *good,
                       const char *bad)
{
	bool ok = access(path, R_OK) == 0;

	doctor_say(doctor, ok ? VERDICT_OK : VERDICT_NOTE, what, "%s", ok ? good : bad);
}

static void check_system(struct doctor *doctor)
{
	struct system_facts sys = { 0 };
	char ram[TEXT_NUMBER], swap[TEXT_NUMBER];

	if (!system_read(&sys)) {
		doctor_say(doctor, VERDICT_MISSING, "meminfo", "/proc/meminfo can't be read");
		return;
	}
	doctor_say(doctor, VERDICT_OK, "kernel", "Linux %s, by the rules of %s and later",
	           sys.kernel_release, linux_rules_for(sys.kernel_major, sys.kernel_minor)->name);
	doctor_say(doctor, VERDICT_OK, "memory", "RAM %s, swap %s, overcommit mode %s",
	           text_bytes_fact(ram, sys.mem_total),
	           fact_or(sys.swap_total, 1) ? text_bytes_fact(swap, sys.swap_total) : "none",
	           !fact_known(sys.overcommit_memory) ? "?"
	           : sys.overcommit_memory.v == 0     ? "0"
	           : sys.overcommit_memory.v == 1     ? "1"
	                                              : "2");
}

static void check_cgroup(struct doctor *doctor)
{
	struct region *region = region_new();
	struct cgroup_facts cgroup = { 0 };

	if (!region)
		return;
	cgroup_read(getpid(), NULL, region, &cgroup);
	if (cgroup.version == CGROUP_NONE || !cgroup.level_count)
		doctor_say(doctor, VERDICT_NOTE, "cgroup", "limits are not visible here%s%s",
		           cgroup.unreadable ? ": " : "",
		           cgroup.unreadable ? cgroup.unreadable : "");
	else
		doctor_say(doctor, VERDICT_OK, "cgroup",
		           "v%d with the memory controller, own path %s", (int)cgroup.version,
		           cgroup.path ? cgroup.path : "?");
	region_free(region);
}

static void check_processes(struct doctor *doctor)
{
	struct process_list list;
	struct err err;
	size_t readable = 0;

	if (!process_list_read(&list, &err)) {
		doctor_say(doctor, VERDICT_MISSING, "processes", "%s", err.why);
		return;
	}
	for (size_t i = 0; i < list.count; i++)
		readable += list.rows[i].may_read;
	doctor_say(doctor, VERDICT_OK, "processes",
	           "%zu listed by libproc2, memory of %zu readable", list.count, readable);
	process_list_free(&list);
	if (access("/proc/1/stat", R_OK) != 0) {
		doctor_say(doctor, VERDICT_NOTE, "hidepid",
		           "/proc hides other users' processes: the OOM ranking is not complete");
		doctor_remedy(doctor,
		              "Run as root, or join the group named by /proc's gid= option.");
	}
}

/* --- the screen ---------------------------------------------------------------------------------- */

// NOLINTBEGIN(concurrency-mt-unsafe): a command of its own, in which no other thread runs

static void check_screen(struct doctor *doctor)
{
	const char *term = getenv("TERM"), *colours = getenv("COLORTERM");
	const char *codeset = nl_langinfo(CODESET);
	bool is_utf8 = strcmp(codeset, "UTF-8") == 0;

	doctor_say(doctor, is_utf8 ? VERDICT_OK : VERDICT_NOTE, "locale", "%s%s", codeset,
	           is_utf8 ? "" : ": lines and charts fall back to ASCII");
	if (!is_utf8)
		doctor_remedy(doctor, "Set LANG to a UTF-8 locale, C.UTF-8 for instance.");
	doctor_say(doctor, term && term[0] ? VERDICT_OK : VERDICT_NOTE, "terminal",
	           "TERM=%s COLORTERM=%s, standard output is %s", term ? term : "",
	           colours ? colours : "", isatty(STDOUT_FILENO) ? "a terminal" : "none");
}

// NOLINTEND(concurrency-mt-unsafe)

bool doctor_report(int32_t pid, FILE *out)
{
	struct doctor doctor = { .out = out };

	doctor_heading(&doctor, "This machine");
	check_system(&doctor);
	check_cgroup(&doctor);
	check_file(&doctor, "/proc/pressure/memory", "pressure", "PSI is there",
	           "no PSI: the kernel has none or it is off (psi=1)");
	check_file(&doctor, "/proc/self/smaps", "smaps", "PSS, VmFlags and charge can be read",
	           "not there: PSS is unknown and charge is an estimate");
	check_pagemap(&doctor);
	doctor_heading(&doctor, "Permissions");
	check_ptrace(&doctor);
	check_map_files(&doctor);
	check_readv(&doctor);
	check_processes(&doctor);
	doctor_heading(&doctor, "Screen");
	check_screen(&doctor);
	if (pid)
		doctor_process(&doctor, pid);
	return !doctor.is_missing;
}
