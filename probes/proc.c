/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The handle of a process. /proc/PID opened once is the identity: what is opened below it, then or
 * later, belongs to that process and fails when it has ended, whoever got its pid since.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probes/parse_status.h"
#include "probes/read.h"
#include "probes/read_file.h"

#define PF_KTHREAD 0x00200000u /* Linux include/linux/sched.h; shown in stat's field 9 */

/* stat's largest case: a 64-byte name and 50 numbers of at most 20 digits. */
enum { STAT_ROOM = 2048, STATUS_ROOM = 8192 };

static bool is_dead(const struct stat_facts *stat)
{
	return (stat->state == 'Z' || stat->state == 'X') && stat->thread_count <= 1;
}

int proc_open_file(const struct proc *proc, const char *name, int flags)
{
	char path[64];

	flags |= O_CLOEXEC | O_NOCTTY;
	if (proc->mm_tid == proc->pid)
		return openat(proc->dir_fd, name, flags);
	(void)snprintf(path, sizeof(path), "task/%d/%s", proc->mm_tid, name);
	return openat(proc->dir_fd, path, flags);
}

bool proc_is_same_mm(const struct proc *proc)
{
	char entry[8];
	ssize_t got;

	/* Both files keep the address space they were opened on; of a dead one nothing is left to
	 * read. The page map's entry of page 0 is the cheapest answer (0.5 us). */
	if (proc->pagemap_fd >= 0)
		got = pread(proc->pagemap_fd, entry, sizeof(entry), 0);
	else if (proc->maps_fd >= 0)
		got = pread(proc->maps_fd, entry, 1, 0);
	else
		return true;
	return got > 0;
}

static int refused(int fd, int *ret_errno)
{
	*ret_errno = fd < 0 ? errno : 0;
	return fd;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static bool read_stat(int fd, struct stat_facts *ret)
{
	char text[STAT_ROOM];
	size_t len;
	enum read_status status = read_fd_small(fd, text, sizeof(text), &len);

	if (status == READ_OK && parse_stat(text, len, ret))
		return true;
	if (status == READ_OK)
		errno = EIO;
	return false;
}

static bool thread_lives(int task_fd, const char *tid)
{
	struct stat_facts stat;
	char name[32];
	int fd;
	bool lives;

	(void)snprintf(name, sizeof(name), "%.10s/stat", tid);
	fd = openat(task_fd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	lives = read_stat(fd, &stat) && stat.state != 'Z' && stat.state != 'X';
	close(fd);
	return lives;
}

/*
 * A first thread that called pthread_exit() stays as a zombie without memory while the others run
 * on. Then the address space is reached through one of those.
 */
static int32_t find_mm_tid(const struct proc *proc, const struct stat_facts *stat)
{
	int fd = -1;
	int32_t found = proc->pid;
	struct dirent *entry;
	DIR *dir;

	if (stat->state == 'Z' && stat->thread_count > 1)
		fd = openat(proc->dir_fd, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (!dir) {
		if (fd >= 0)
			close(fd);
		return proc->pid;
	}
	while (found == proc->pid && (entry = readdir(dir))) {
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
		    thread_lives(fd, entry->d_name))
			found = (int32_t)strtol(entry->d_name, NULL, 10);
	}
	closedir(dir);
	return found;
}

static uint8_t read_elf_class(const struct proc *proc)
{
	unsigned char ident[5] = { 0 };
	int fd = proc_open_file(proc, "exe", O_RDONLY | O_NONBLOCK);

	if (fd < 0)
		return 0;
	if (pread(fd, ident, sizeof(ident), 0) != (ssize_t)sizeof(ident) ||
	    memcmp(ident, "\177ELF", 4) != 0)
		ident[4] = 0;
	close(fd);
	return ident[4] == 1 ? 32 : ident[4] == 2 ? 64 : 0;
}

static void open_mm_files(struct proc *proc, const struct stat_facts *stat)
{
	proc->mm_tid = find_mm_tid(proc, stat);
	proc->maps_fd = refused(proc_open_file(proc, "maps", O_RDONLY), &proc->maps_errno);
	proc->pagemap_fd = refused(proc_open_file(proc, "pagemap", O_RDONLY), &proc->pagemap_errno);
	proc->status_fd = proc_open_file(proc, "status", O_RDONLY);
	proc->statm_fd = proc_open_file(proc, "statm", O_RDONLY);
	proc->elf_class = read_elf_class(proc);
	proc->start_code = stat->start_code;
	proc->end_code = stat->end_code;
	proc->start_stack = stat->start_stack;
}

static void close_mm_files(struct proc *proc)
{
	close_fd(&proc->maps_fd);
	close_fd(&proc->pagemap_fd);
	close_fd(&proc->status_fd);
	close_fd(&proc->statm_fd);
}

void proc_close(struct proc *proc)
{
	close_mm_files(proc);
	close_fd(&proc->stat_fd);
	close_fd(&proc->pid_fd);
	close_fd(&proc->dir_fd);
}

static bool no_such_process(int32_t pid, const char *what, struct err *reterr)
{
	if (access("/proc/self/stat", F_OK) != 0) {
		err_set(reterr, ERR_FAILED, errno, what, "/proc is not mounted");
		err_remedy(reterr, "mount -t proc proc /proc");
		return false;
	}
	/* A pid that signals reach but /proc does not show is hidden by the mount. */
	if (pid > 0 && (kill(pid, 0) == 0 || errno == EPERM)) {
		err_set(reterr, ERR_PERMISSION, EPERM, what,
		        "the process exists, but /proc hides it (mount option hidepid)");
		err_remedy(reterr, "run as its user or with sudo, or remount /proc with hidepid=0");
		return false;
	}
	return err_set(reterr, ERR_NO_PROCESS, ESRCH, what, "no such process");
}

static bool explain_stat(int32_t pid, const char *what, struct err *reterr)
{
	if (errno != EPERM && errno != EACCES)
		return no_such_process(pid, what, reterr);
	err_set(reterr, ERR_PERMISSION, errno, what,
	        "/proc shows the process but none of its files (mount option hidepid=1)");
	err_remedy(reterr, "run as its user or with sudo, or remount /proc with hidepid=0");
	return false;
}

/* A thread's id works in /proc like a pid, but half of the files would be the thread's own. */
static bool refuse_thread(const struct proc *proc, const char *what, struct err *reterr)
{
	struct process_facts facts = { 0 };
	struct status_extra extra = { 0 };
	char text[STATUS_ROOM];
	size_t len;

	if (read_file_small(proc->dir_fd, "status", text, sizeof(text), &len) != READ_OK ||
	    !parse_status(text, len, &facts, &extra) || extra.tgid == proc->pid || extra.tgid == 0)
		return true;
	err_setf(reterr, ERR_NO_PROCESS, what, "%d is a thread of process %d", proc->pid,
	         extra.tgid);
	err_remedy(reterr, "name the process: %d", extra.tgid);
	return false;
}

static bool check_kind(const struct proc *proc, const struct stat_facts *stat, const char *what,
                       struct err *reterr)
{
	if (stat->kernel_flags & PF_KTHREAD)
		return err_set(reterr, ERR_UNSUPPORTED, 0, what,
		               "it is a kernel thread, which has no memory of its own");
	if (is_dead(stat))
		return err_setf(reterr, ERR_NO_PROCESS, what,
		                "it has ended; its parent %d has not collected it yet (zombie)",
		                stat->ppid);
	return refuse_thread(proc, what, reterr);
}

bool proc_open(int32_t pid, struct proc *ret, struct err *reterr)
{
	struct proc proc = { .pid = pid,
		             .mm_tid = pid,
		             .dir_fd = -1,
		             .pid_fd = -1,
		             .maps_fd = -1,
		             .status_fd = -1,
		             .stat_fd = -1,
		             .statm_fd = -1,
		             .pagemap_fd = -1 };
	struct stat_facts stat;
	char what[64], path[32];

	(void)snprintf(what, sizeof(what), "cannot attach to process %d", pid);
	(void)snprintf(path, sizeof(path), "/proc/%d", pid);
	proc.dir_fd = pid > 0 ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	if (proc.dir_fd < 0)
		return no_such_process(pid, what, reterr);
	/* In this order: if stat can still be read below, the pid was not reused before pidfd_open. */
	proc.pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
	proc.stat_fd = openat(proc.dir_fd, "stat", O_RDONLY | O_CLOEXEC);
	if (proc.stat_fd < 0 || !read_stat(proc.stat_fd, &stat)) {
		(void)explain_stat(pid, what, reterr);
		proc_close(&proc);
		return false;
	}
	if (!check_kind(&proc, &stat, what, reterr)) {
		proc_close(&proc);
		return false;
	}
	proc.start_ticks = stat.start_ticks;
	open_mm_files(&proc, &stat);
	*ret = proc;
	return true;
}

bool proc_reopen(struct proc *proc, struct err *reterr)
{
	struct stat_facts stat;

	if (!read_stat(proc->stat_fd, &stat) || is_dead(&stat))
		return err_setf(reterr, ERR_NO_PROCESS, "cannot read the process anew",
		                "process %d has ended", proc->pid);
	close_mm_files(proc);
	open_mm_files(proc, &stat);
	return true;
}

void proc_find_mm(struct proc *proc)
{
	struct stat_facts stat;

	if (read_stat(proc->stat_fd, &stat))
		proc->mm_tid = find_mm_tid(proc, &stat);
}
