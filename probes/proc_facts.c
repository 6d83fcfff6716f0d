/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process itself, once per tick: stat, status, limits, the exe link, the CPU clock. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "model/base/text.h"
#include "probes/parse_environ.h"
#include "probes/parse_status.h"
#include "probes/read.h"
#include "probes/read_file.h"

/* Linux include/linux/sched.h; shown in stat's field 9 */
#define PF_EXITING    0x4u
#define PF_FORKNOEXEC 0x40u

enum { TEXT_ROOM = 8192 }; /* status, the largest, has about 1.5 KiB */

/*
 * exec keeps the pid and the start time. It shows as a dead address space behind the kept
 * descriptors, or, when that was shared with a parent (vfork), as a program laid out elsewhere.
 */
static bool has_execed(const struct proc *proc, const struct stat_facts *stat)
{
	if (!proc_is_same_mm(proc))
		return true;
	if (proc->start_stack == 0 || stat->start_stack == 0)
		return false; /* hidden from us, then or now */
	return stat->start_stack != proc->start_stack || stat->start_code != proc->start_code ||
	       stat->end_code != proc->end_code;
}

static enum process_life life_of(const struct proc *proc, const struct stat_facts *stat)
{
	bool is_last = stat->thread_count <= 1;

	if (is_last && stat->state == 'Z')
		return PROCESS_ZOMBIE;
	if (is_last && (stat->state == 'X' || (stat->kernel_flags & PF_EXITING)))
		return PROCESS_EXITED;
	return has_execed(proc, stat) ? PROCESS_EXECED : PROCESS_ALIVE;
}

/* The exit status is shown to those with ptrace-read access, 0 to others. Following the exe link
 * needs that access too, and says so even when the program behind it is gone. */
static void set_exit_status(const struct proc *proc, const struct stat_facts *stat,
                            struct process_facts *ret)
{
	char ignored[8];

	if (ret->life == PROCESS_ZOMBIE &&
	    (readlinkat(proc->dir_fd, "exe", ignored, sizeof(ignored)) >= 0 || errno == ENOENT))
		ret->exit_status = fact_of(stat->exit_code);
}

static void read_status(const struct proc *proc, struct process_facts *ret)
{
	struct status_extra extra;
	struct statm_facts statm;
	char text[TEXT_ROOM];
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	size_t len;

	if (proc->status_fd < 0 ||
	    read_fd_small(proc->status_fd, text, sizeof(text), &len) != READ_OK ||
	    !parse_status(text, len, ret, &extra))
		return;
	if (!fact_known(ret->vm_rss) || fact_known(ret->rss_anon) || proc->statm_fd < 0)
		return;
	/* Before 4.5 status does not divide RSS; statm's `shared` is file and shared memory. */
	if (read_fd_small(proc->statm_fd, text, sizeof(text), &len) == READ_OK &&
	    parse_statm(text, len, &statm) && statm.resident_pages >= statm.shared_pages)
		ret->rss_anon = fact_of((statm.resident_pages - statm.shared_pages) * page);
}

static void read_exe(const struct proc *proc, struct process_facts *ret)
{
	char path[64] = "exe";
	ssize_t len;

	if (proc->mm_tid != proc->pid)
		(void)snprintf(path, sizeof(path), "task/%d/exe", proc->mm_tid);
	len = readlinkat(proc->dir_fd, path, ret->exe, sizeof(ret->exe) - 1);
	ret->exe[len > 0 ? len : 0] = '\0';
}

static void read_cpu_clock(const struct proc *proc, struct process_facts *ret)
{
	struct timespec spent;
	clockid_t id;

	if (clock_getcpuclockid(proc->pid, &id) == 0 && clock_gettime(id, &spent) == 0)
		ret->cpu_ns =
		        fact_of((uint64_t)spent.tv_sec * 1000000000u + (uint64_t)spent.tv_nsec);
}

static void note_access(const struct proc *proc, struct process_facts *ret)
{
	struct err err = { 0 };
	struct text why;

	if (proc->maps_fd >= 0)
		return;
	proc_explain_denied(proc, proc->maps_errno, &err);
	if (err.kind == ERR_NO_PROCESS)
		return; /* opened while it ended: nobody refused anything */
	ret->access_denied = true;
	why = text_in(ret->denied_why, sizeof(ret->denied_why));
	text_add(&why, err.why);
	if (err.remedy[0])
		text_addf(&why, "; %s", err.remedy);
}

static bool has_mm_thread(const struct proc *proc)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "task/%d", proc->mm_tid);
	return proc->mm_tid != proc->pid && faccessat(proc->dir_fd, name, F_OK, 0) == 0;
}

/* A first thread that ended no longer shows the memory that the others go on using: any of those
 * stands in for it, as long as it lives. */
static void follow_threads(struct proc *proc, const struct stat_facts *stat)
{
	struct err ignored;

	if (stat->state == 'Z' && stat->thread_count > 1 && !has_mm_thread(proc))
		(void)proc_reopen(proc, &ignored);
}

static void read_with(const struct proc *proc, const char *name, struct process_facts *ret,
                      void (*parse)(const char *text, size_t len, struct process_facts *ret))
{
	struct file_text text = { 0 };
	int fd = proc_open_file(proc, name, O_RDONLY);

	if (fd < 0)
		return;
	if (read_fd(fd, &text) == READ_OK)
		parse(text.at, text.len, ret);
	file_text_free(&text);
	close(fd);
}

static void take_auxv(const char *text, size_t len, struct process_facts *ret)
{
	ret->is_secure = parse_auxv_is_secure(text, len, ret->elf_class == 32 ? 4 : 8);
}

void proc_read_environ(const struct proc *proc, struct process_facts *ret)
{
	read_with(proc, "environ", ret, parse_environ);
	read_with(proc, "auxv", ret, take_auxv);
}

bool proc_read_process(struct proc *proc, struct process_facts *ret)
{
	struct process_facts facts = { .id = { proc->pid, proc->start_ticks } };
	struct stat_facts stat;
	char text[TEXT_ROOM];
	size_t len;

	if (read_fd_small(proc->stat_fd, text, sizeof(text), &len) != READ_OK ||
	    !parse_stat(text, len, &stat) || stat.start_ticks != proc->start_ticks)
		return false;
	follow_threads(proc, &stat);
	(void)snprintf(facts.comm, sizeof(facts.comm), "%s", stat.comm);
	facts.state = stat.state;
	facts.ppid = stat.ppid;
	facts.thread_count = stat.thread_count;
	facts.is_forked = (stat.kernel_flags & PF_FORKNOEXEC) != 0;
	facts.elf_class = proc->elf_class;
	facts.min_faults = fact_of(stat.min_faults);
	facts.maj_faults = fact_of(stat.maj_faults);
	if (stat.start_brk)
		facts.brk_start = fact_of(stat.start_brk);
	facts.life = life_of(proc, &stat);
	set_exit_status(proc, &stat, &facts);
	read_status(proc, &facts);
	if (facts.ns_pid == 0)
		facts.ns_pid = proc->pid;
	if (read_file_small(proc->dir_fd, "limits", text, sizeof(text), &len) == READ_OK)
		parse_limits(text, len, &facts);
	read_exe(proc, &facts);
	read_cpu_clock(proc, &facts);
	note_access(proc, &facts);
	*ret = facts;
	return true;
}
