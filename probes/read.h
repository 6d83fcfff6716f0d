/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_PROBES_READ_H
#define HEAPTOP_PROBES_READ_H

/**
 * The parts of a live snapshot, each read by its own file. All functions take a kept process handle
 * (directory and file descriptors) so that a reused pid can never be read by mistake.
 */
#include "model/base/err.h"
#include "model/facts/memory.h"
#include "model/facts/snapshot.h"

/* --- proc.c: the handle ------------------------------------------------------------------------ */

struct proc {
	int32_t pid;
	int32_t mm_tid; /* whose memory is read: pid, or a living thread when the first has exited */
	int dir_fd;     /* O_PATH | O_DIRECTORY of /proc/PID: the identity */
	int pid_fd;     /* pidfd, -1 where the kernel has none */
	uint64_t start_ticks;
	int maps_fd, status_fd, stat_fd, statm_fd, pagemap_fd; /* kept open; -1 when refused */
	int maps_errno, pagemap_errno;              /* why the two were refused; 0 when open */
	uint8_t elf_class;                          /* 32, 64, 0 unknown */
	uint64_t start_code, end_code, start_stack; /* set once by exec; 0 or 1 without access */
};

/** Opens a file of the process below /proc/PID ("smaps"); -1 with errno. */
int proc_open_file(const struct proc *proc, const char *name, int flags);
/**
 * False once the address space behind the kept descriptors is gone: the process ended or called
 * exec. True too when access was refused, since then nothing is known.
 */
bool proc_is_same_mm(const struct proc *proc);

/** Opens a process; says precisely what is wrong when it can't (no such pid, kernel thread …). */
bool proc_open(int32_t pid, struct proc *ret, struct err *reterr);
void proc_close(struct proc *proc);
/** Why ptrace-read access is refused (other user, not dumpable, capability, yama), with a remedy. */
void proc_explain_denied(const struct proc *proc, int os_errno, struct err *reterr);
/** status, stat, statm, limits, exe → facts. False when the process is gone. */
bool proc_read_process(struct proc *proc, struct process_facts *ret);
/** The part of the environment that malloc heeds; it stays until the next exec. */
void proc_read_environ(const struct proc *proc, struct process_facts *ret);
/** After exec: reopens what refers to the old address space. */
bool proc_reopen(struct proc *proc, struct err *reterr);

/** Finds a thread that the memory can be reached by, when the first one has ended since. */
void proc_find_mm(struct proc *proc);

/* --- maps.c, residency.c, smaps.c ----------------------------------------------------------------- */

struct maps_cache; /* the previous text, so that an unchanged list costs no parsing */
struct maps_cache *maps_cache_new(void);
void maps_cache_free(struct maps_cache *cache);

/**
 * Reads maps into a fresh part (kind PART_VMAS), or returns a reference to `previous` when the text
 * did not change. NULL with *reterr on failure.
 */
struct part *maps_read(struct proc *proc, struct maps_cache *cache, struct part *previous,
                       uint64_t now_ns, struct err *reterr);
/** rss and swap of every VMA from the page map, in paced calls. False when it can't be read. */
bool residency_read(struct proc *proc, struct vma_set *set);
/** flags, pss, anonymous, dirty of every VMA from smaps, read once from the front. */
bool smaps_read(struct proc *proc, struct vma_set *set);

/* --- mem.c ----------------------------------------------------------------------------------------- */

/** A live process's memory (facts/memory.h); *vmas may be exchanged with mem_live_set_vmas(). */
struct memory *mem_live_open(const struct proc *proc, struct err *reterr);
void mem_live_set_vmas(struct memory *mem, const struct vma_set *vmas);
void mem_live_close(struct memory *mem);
/** Time spent inside remote reads since the last call, in ns. */
uint64_t mem_live_read_ns(struct memory *mem);

/* --- system.c, cgroup.c, tasks.c --------------------------------------------------------------------- */

bool system_read(struct system_facts *ret);
/** The memory cgroup path of a process (pid 0: the given path). */
void cgroup_read(int32_t pid, const char *path, struct region *region, struct cgroup_facts *ret);

/** The table of all processes for the OOM killer, kept between readings (delta rule). */
struct tasks;
struct tasks *tasks_new(void);
void tasks_free(struct tasks *tasks);
/** Refreshes and copies the table; `domain` (may be NULL) is the cgroup that bounds the target. */
bool tasks_read(struct tasks *tasks, const struct cgroup_facts *cgroup,
                const struct cgroup_level *domain, struct region *region, struct oom_table *ret);

#endif
