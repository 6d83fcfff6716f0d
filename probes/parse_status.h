/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_PROBES_PARSE_STATUS_H
#define HEAPTOP_PROBES_PARSE_STATUS_H

/**
 * /proc/PID/status, stat, statm and limits as pure functions from bytes to facts. Texts need not be
 * NUL-terminated. What a text lacks stays as the caller left it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/base/fact.h"
#include "model/facts/process.h"

/** What status says beyond struct process_facts. */
struct status_extra {
	int32_t tgid;
	uint32_t uids[4], gids[4]; /* real, effective, saved, file system */
	uint64_t cap_permitted, cap_effective;
	bool has_uids, has_caps;
};

/**
 * Fills state, ppid, tracer_pid, uid (effective), ns_pid, thread_count, the Vm… and Rss… figures and
 * has_cap_sys_admin of *ret. True when the text is one of status: it has a Pid.
 */
bool parse_status(const char *text, size_t len, struct process_facts *ret,
                  struct status_extra *ret_extra);

/** What stat says; the address fields read as 0 or 1 without ptrace-read access. */
struct stat_facts {
	int32_t pid;
	char comm[64]; /* raw bytes, cut at 63 */
	char state;
	int32_t ppid;
	int32_t thread_count;
	uint64_t kernel_flags; /* PF_… */
	uint64_t min_faults, maj_faults;
	uint64_t start_ticks;
	uint64_t start_code, end_code, start_stack;
	uint64_t start_brk;
	uint64_t exit_code; /* wait(2) status, meaningful for a zombie with access */
};

/** True when all fields up to start_ticks are there; later ones are 0 where a kernel lacks them. */
bool parse_stat(const char *text, size_t len, struct stat_facts *ret);

/** Sizes in pages. */
struct statm_facts {
	uint64_t size_pages, resident_pages, shared_pages;
};

bool parse_statm(const char *text, size_t len, struct statm_facts *ret);

/** Soft limits of address space, data and stack, in bytes; UINT64_MAX when unlimited. */
void parse_limits(const char *text, size_t len, struct process_facts *ret);

#endif
