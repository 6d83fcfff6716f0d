/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_LINUX_LX_MEMORY_H
#define HEAPTOP_MODEL_LINUX_LX_MEMORY_H

/**
 * Where a process's pages come from: the machine's free memory and its memory cgroups, and who else
 * lives there. Charges are exact to the page; what reclaim gives, and what a killed task gives back,
 * are estimates and told as such.
 *
 * All figures are pages. The struct is a value: copying it is branching it, and copying it back is
 * an undo. What it points to never changes.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/base/region.h"
#include "model/facts/oom.h"
#include "model/facts/system.h"
#include "model/linux/lx.h"
#include "model/linux/lx_mm.h"

enum { LX_CGROUP_LEVELS = 8, LX_KILLS = 4 };

#define LX_UNLIMITED UINT64_MAX

struct lx_cgroup {
	const char *path;
	uint64_t max, high, swap_max; /* LX_UNLIMITED: none */
	uint64_t current, swap_current;
	uint64_t file; /* page cache in it: what reclaim may give, an estimate */
	bool oom_group, may_swap;
	bool kill_disabled; /* v1 memory.oom_control: who is short sleeps until there is memory */
};

/* A task that died in this world. */
struct lx_gone {
	const struct lx_gone *older;
	int32_t pid;
};

/* A child that was forked here. */
struct lx_child {
	const struct lx_child *older;
	int32_t pid;
	uint32_t name;   /* as the scenario calls it */
	uint32_t number; /* see struct lx_forked */
	uint64_t rss, swap, tables;
};

struct lx_memory {
	const struct linux_rules *rules;
	struct region *region; /* for what it points to */
	bool is_bounded;       /* some limit is known: else nothing can run out */

	/* the machine; `free` LX_UNLIMITED: unknown */
	uint64_t free, watermark_min, cache, swap_free;
	uint64_t mem_total, swap_total;
	uint64_t panic_on_oom, kill_allocating_task;

	/* the process's cgroups, the root first, its own last */
	struct lx_cgroup level[LX_CGROUP_LEVELS];
	uint32_t level_count;

	/* who else there is; in_domain of its tasks: those below level[task_level] */
	const struct oom_task *tasks;
	size_t task_count;
	uint32_t task_level; /* level_count or more: which tasks are in a cgroup is unknown */

	struct oom_task self; /* the process; rss_pages and pgtables_bytes follow it */
	uint64_t resident;    /* of the image, as far as it is charged */
	uint64_t kept;        /* by children alone, as far as it is charged */
	uint64_t shares;      /* of rss_pages, outside of the image: what children share */
	uint64_t tables;      /* page-table pages by span, as far as they are charged */

	const struct lx_gone *gone;
	const struct lx_child *children; /* youngest first */
	int32_t next_pid;
};

/* --- lx_memcg.c ------------------------------------------------------------------------------- */

/** Pages that may be charged before any limit is exceeded. */
uint64_t lx_memory_room(const struct lx_memory *memory);
/** Charges pages that the process gets, past every limit. */
void lx_memory_charge(struct lx_memory *memory, uint64_t pages);
void lx_memory_uncharge(struct lx_memory *memory, uint64_t pages);
/** The limit that has no room for one page: a level, or level_count for the machine itself. */
uint32_t lx_memory_over(const struct lx_memory *memory);
/** What reclaim against that limit gives, at most `want`; 0: nothing is left. An estimate. */
uint64_t lx_memory_reclaim(struct lx_memory *memory, uint32_t over, uint64_t want, struct why *why);
/** Pages that somebody gives back to the machine and to the first `levels` cgroups of the path. */
void lx_memory_give_back(struct lx_memory *memory, uint32_t levels, uint64_t pages);
/** The lowest level that uses more than its memory.high; level_count: none. */
uint32_t lx_memory_over_high(const struct lx_memory *memory);
/** mem_cgroup_get_max() of a level, the machine's RAM and swap for level_count. */
uint64_t lx_memory_totalpages(const struct lx_memory *memory, uint32_t over);
/** The level that the process itself is in, made when there is none. */
struct lx_cgroup *lx_memory_own_cgroup(struct lx_memory *memory);

/* --- lx_oom_kill.c ---------------------------------------------------------------------------- */

struct lx_kill {
	int32_t pid;
	char comm[16];
	int64_t points;
	const char *cgroup; /* the level that was out of memory; NULL: the machine */
	uint64_t page;      /* pages that the operation had written before */
	size_t group_count; /* others that died with it */
};

enum lx_pressure_end {
	LX_GOES_ON,
	LX_KILLED, /* the process itself died */
	LX_PANIC,
	LX_STUCK,     /* its page faults are retried for ever */
	LX_NO_MEMORY, /* heaptop's own */
};

/* What shortage did to one operation. */
struct lx_pressure {
	enum lx_pressure_end end;
	const char *why; /* static text, of an end */
	struct lx_kill kills[LX_KILLS];
	size_t kill_count;  /* may be more than there are places */
	uint64_t reclaimed; /* pages: an estimate */
	bool is_throttled;  /* above memory.high */
	bool in_syscall; /* set before: no page fault of the user's. To 4.18 a cgroup's limit then
	                     * fails the charge, without a kill */
};

/** Nothing was left to reclaim against a limit: the OOM killer's way by the kernel's functions. */
void lx_memory_oom(struct lx_memory *memory, uint32_t over, uint64_t page, struct why *why,
                   struct lx_pressure *ret);
/** A child begins, with what it shares of the process's pages, and page tables of its own. NULL: there is
 * no room for these, see *ret; where that goes on, fork fails with ENOMEM. */
const struct lx_child *lx_memory_fork(struct lx_mm *mm, struct lx_memory *memory, uint32_t name,
                                      const struct lx_forked *forked, struct lx_pressure *ret);
/** What children keep alone goes with them: of those that have died it is given back. */
void lx_memory_follow_children(struct lx_mm *mm, struct lx_memory *memory);
/** A task ends by itself, or did; false when out of memory. */
bool lx_memory_exit(struct lx_memory *memory, int32_t pid);
bool lx_memory_is_gone(const struct lx_memory *memory, int32_t pid);

/* --- lx_fault.c ------------------------------------------------------------------------------- */

/** Page-table pages below the top level, by the span of what was touched and is still mapped. */
uint64_t lx_table_pages(const struct lx_mm *mm);

/** Writes to each page of [start, end) as lx_touch() does, each new page and page table charged. */
void lx_fault_range(struct lx_mm *mm, struct lx_memory *memory, uint64_t start, uint64_t end,
                    struct lx_touch *ret, struct lx_pressure *pressure);
/** Pages that a system call needs in the kernel; false: it does not get them. */
bool lx_memory_get(struct lx_mm *mm, struct lx_memory *memory, uint64_t pages,
                   struct lx_pressure *pressure);
/** Populates a new mapping as mmap does, each page charged. */
void lx_memory_populate(struct lx_mm *mm, struct lx_memory *memory, uint64_t start, uint64_t end,
                        struct lx_pressure *pressure);
/** Charges what an operation made resident, or gives back what it dropped; `resident`: pages of the
 * image that are the process's now. */
void lx_memory_settle(struct lx_mm *mm, struct lx_memory *memory, uint64_t resident,
                      struct lx_pressure *pressure);

#endif
