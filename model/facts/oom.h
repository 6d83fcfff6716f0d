/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_FACTS_OOM_H
#define HEAPTOP_MODEL_FACTS_OOM_H

/* What the OOM killer needs of each process, and the ranking that model/linux makes of it. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/base/fact.h"

enum oom_task_flag {
	OOM_TASK_INIT = 1 << 0, /* pid 1 of the init pid namespace */
	OOM_TASK_KTHREAD = 1 << 1,
	OOM_TASK_VFORK = 1 << 2,     /* shares its parent's mm until exec */
	OOM_TASK_NO_MM = 1 << 3,     /* zombie or exiting: nothing left to free */
	OOM_TASK_REAPED = 1 << 4,    /* MMF_OOM_SKIP */
	OOM_TASK_VICTIM = 1 << 5,    /* already being killed */
	OOM_TASK_SYS_ADMIN = 1 << 6, /* CAP_SYS_ADMIN: matters up to 4.16 */
	OOM_TASK_ORIGIN = 1 << 7,    /* oom_task_origin: swapoff, KSM unmerge */
	OOM_TASK_EXITING = 1 << 8,   /* ending by itself, its memory still there */
	OOM_TASK_ELSEWHERE = 1 << 9, /* no memory node in common with who asks */
};

struct oom_task {
	int32_t pid;
	int32_t ppid;
	char comm[16]; /* raw bytes, NUL-terminated */
	uint32_t uid;
	char user[16]; /* its name: raw bytes, NUL-terminated; "" when it has none */
	int16_t adj;
	bool in_domain;  /* belongs to the target's OOM domain; everybody, when that is global */
	bool is_partial; /* swap or page tables are unknown: status could not be read */
	uint32_t flags;  /* enum oom_task_flag */
	uint64_t rss_pages, swap_pages, pgtables_bytes;
	struct fact score;    /* /proc/PID/oom_score */
	uint64_t start_ticks; /* for the order of the task list */
	uint32_t group;       /* who shares it dies together (memory.oom.group); 0: none */
	/* set by lx_oom_rank() */
	int64_t badness;      /* pages; meaningful when eligible */
	uint32_t domain_rank; /* 1-based, among the eligible tasks of the domain; 0: none */
	bool is_eligible;
	const char *why_not; /* static text when not eligible: "oom_score_adj -1000", … */
};

struct oom_table {
	struct oom_task *tasks; /* after ranking: worst first; ineligible ones last */
	size_t count;
	uint64_t totalpages;        /* what adj is scaled by: global */
	uint64_t domain_totalpages; /* the same inside the domain; 0: as global */
	uint64_t unreadable;        /* processes that hidepid or an error hid; at most that many */
};

#endif
