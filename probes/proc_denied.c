/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which rule refused ptrace access. The kernel says EACCES or EPERM for all of them, so its checks
 * are repeated here in its order (Linux kernel/ptrace.c:__ptrace_may_access,
 * security/commoncap.c:cap_ptrace_access_check, security/yama/yama_lsm.c).
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/capability.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probes/parse_status.h"
#include "probes/read.h"
#include "probes/read_file.h"

enum { STATUS_ROOM = 8192 };

static bool have_cap_ptrace(void)
{
	cap_flag_value_t value = CAP_CLEAR;
	cap_t caps = cap_get_proc();

	if (caps) {
		(void)cap_get_flag(caps, CAP_SYS_PTRACE, CAP_EFFECTIVE, &value);
		(void)cap_free(caps);
	}
	return value == CAP_SET;
}

/* 0 where Yama is not built in. */
static int yama_scope(void)
{
	char text[16];

	if (read_file_small(-1, "/proc/sys/kernel/yama/ptrace_scope", text, sizeof(text), NULL) !=
	    READ_OK)
		return 0;
	return (int)strtol(text, NULL, 10);
}

static bool read_status_at(int dir_fd, const char *name, struct status_extra *ret)
{
	struct process_facts facts = { 0 };
	char text[STATUS_ROOM];
	size_t len;

	return read_file_small(dir_fd, name, text, sizeof(text), &len) == READ_OK &&
	       parse_status(text, len, &facts, ret) && ret->has_uids;
}

static bool all_equal(const uint32_t ids[4], uint32_t id)
{
	return ids[0] == id && ids[1] == id && ids[2] == id;
}

static void user_name(uint32_t uid, char *buf, size_t size)
{
	struct passwd entry, *found = NULL;
	char strings[1024];

	if (getpwuid_r(uid, &entry, strings, sizeof(strings), &found) == 0 && found)
		(void)snprintf(buf, size, "%s (uid %u)", found->pw_name, uid);
	else
		(void)snprintf(buf, size, "uid %u", uid);
}

static void explain_ids(const struct status_extra *its, const char *what, struct err *reterr)
{
	char owner[64], self[64];

	user_name(geteuid(), self, sizeof(self));
	if (!all_equal(its->uids, geteuid())) {
		user_name(its->uids[1], owner, sizeof(owner));
		err_setf(reterr, ERR_PERMISSION, what, "it belongs to %s, heaptop runs as %s",
		         owner, self);
	} else {
		err_setf(reterr, ERR_PERMISSION, what, "its group ids (%u %u %u) are not ours (%u)",
		         its->gids[0], its->gids[1], its->gids[2], getegid());
	}
	err_remedy(reterr, "run heaptop with sudo");
}

static void explain_yama(int scope, const char *what, struct err *reterr)
{
	static const char *const rules[] = {
		[1] = "only the process's ancestors may read its memory (kernel.yama.ptrace_scope "
		      "= 1)",
		[2] = "reading memory needs CAP_SYS_PTRACE (kernel.yama.ptrace_scope = 2)",
		[3] = "nobody may read another process's memory (kernel.yama.ptrace_scope = 3)",
	};
	static const char *const remedies[] = {
		[1] = "run heaptop with sudo, start the program with 'heaptop run', or set "
		      "kernel.yama.ptrace_scope to 0",
		[2] = "run heaptop with sudo",
		[3] = "boot with a lower kernel.yama.ptrace_scope; 3 cannot be lowered while "
		      "running",
	};

	scope = scope > 3 ? 3 : scope;
	err_set(reterr, ERR_PERMISSION, EPERM, what, rules[scope]);
	err_remedy(reterr, "%s", remedies[scope]);
}

/* Files of a process that is not dumpable belong to root (Linux fs/proc/base.c:task_dump_owner). */
static bool is_undumpable(const struct proc *proc, const struct status_extra *its)
{
	struct stat st;

	return fstatat(proc->dir_fd, "maps", &st, 0) == 0 && st.st_uid != its->uids[1];
}

static void explain_capable(const char *what, struct err *reterr)
{
	if (yama_scope() >= 3) {
		explain_yama(3, what, reterr);
		return;
	}
	err_set(reterr, ERR_PERMISSION, EPERM, what,
	        "CAP_SYS_PTRACE is not enough: the process lives in a user namespace above ours, "
	        "or a "
	        "security module (AppArmor, SELinux, seccomp) refuses");
	err_remedy(reterr, "run heaptop as root outside the container");
}

void proc_explain_denied(const struct proc *proc, int os_errno, struct err *reterr)
{
	struct status_extra its, ours;
	int scope = yama_scope();
	char what[80];

	(void)snprintf(what, sizeof(what), "cannot read the memory of process %d", proc->pid);
	if (os_errno == ENOENT) {
		err_set(reterr, ERR_UNSUPPORTED, os_errno, what,
		        "this kernel or container has no page map (/proc/PID/pagemap), without "
		        "which "
		        "reading could touch pages");
		err_remedy(reterr, "run heaptop outside the container");
	} else if (os_errno != EACCES && os_errno != EPERM) {
		err_set(reterr, ERR_NO_PROCESS, os_errno, what, "it has ended or called exec");
	} else if (have_cap_ptrace()) {
		explain_capable(what, reterr);
	} else if (!read_status_at(proc->dir_fd, "status", &its) ||
	           !read_status_at(-1, "/proc/self/status", &ours)) {
		err_set(reterr, ERR_PERMISSION, os_errno, what, "permission denied");
		err_remedy(reterr, "run heaptop with sudo");
	} else if (!all_equal(its.uids, geteuid()) || !all_equal(its.gids, getegid())) {
		explain_ids(&its, what, reterr);
	} else if (is_undumpable(proc, &its)) {
		err_set(reterr, ERR_PERMISSION, os_errno, what,
		        "it is not dumpable: it changed credentials, its program is not readable, "
		        "or "
		        "it asked for that with prctl(PR_SET_DUMPABLE)");
		err_remedy(reterr, "run heaptop with CAP_SYS_PTRACE, for example with sudo");
	} else if (its.cap_permitted & ~ours.cap_permitted) {
		err_set(reterr, ERR_PERMISSION, os_errno, what,
		        "it holds capabilities that heaptop does not");
		err_remedy(reterr, "run heaptop with CAP_SYS_PTRACE, for example with sudo");
	} else if (scope > 0 && proc->maps_fd >= 0) {
		explain_yama(scope, what, reterr); /* Yama lets maps pass and stops memory only */
	} else {
		err_set(reterr, ERR_PERMISSION, os_errno, what,
		        "a security module (AppArmor, SELinux, seccomp) or a user namespace "
		        "refuses");
		err_remedy(reterr, "run heaptop with sudo, outside the container");
	}
}
