/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_FACTS_PROCESS_H
#define HEAPTOP_MODEL_FACTS_PROCESS_H

/* The target process itself, from its /proc files. Bytes unless the name says otherwise. */
#include <stdbool.h>
#include <stdint.h>

#include "model/base/fact.h"

enum process_life {
	PROCESS_ALIVE,
	PROCESS_EXITED, /* the last data stays */
	PROCESS_EXECED, /* same pid, another program: everything is read anew */
	PROCESS_ZOMBIE,
	PROCESS_KTHREAD,
};

/* Enough to know a process again: a pid alone is reused. */
struct process_id {
	int32_t pid;
	uint64_t start_ticks; /* field 22 of stat */
};

struct process_facts {
	struct process_id id;
	char comm[64]; /* raw bytes */
	char exe[512]; /* raw bytes; empty: unknown */
	char state;    /* R S D Z … ; '?' unknown */
	enum process_life life;
	struct fact exit_status; /* wait(2) status, where it can be known */
	int32_t ppid, tracer_pid;
	uint32_t uid;
	int32_t ns_pid; /* innermost pid, == pid outside containers */
	int32_t thread_count;
	uint8_t elf_class; /* 32, 64, 0 unknown */
	struct fact vm_peak, vm_size, vm_hwm, vm_rss, rss_anon, rss_file, rss_shmem;
	struct fact vm_data, vm_stack, vm_pte, vm_swap, vm_lck;
	struct fact min_faults, maj_faults;            /* since start */
	struct fact cpu_ns;                            /* process CPU clock */
	struct fact brk_start, brk_end;                /* [start_brk, brk) */
	struct fact limit_as, limit_data, limit_stack; /* soft limits; UINT64_MAX: unlimited */
	bool is_secure;          /* AT_SECURE: libc does not heed the environment */
	bool has_malloc_environ; /* what malloc heeds of the environment is known: */
	uint32_t malloc_environ_len;
	char malloc_environ[2048]; /* raw "NAME=VALUE", each with its NUL */
	bool has_cap_sys_admin;
	bool is_forked;       /* without an exec since: parts of its memory are inherited */
	bool access_denied;   /* ptrace-read access refused: maps, memory … are unknown */
	char denied_why[200]; /* which rule refused, and the remedy */
};

#endif
