/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes/probes.h"

enum { END_PATIENCE_MS = 2000 };

/*
 * Signals as at login (heaptop ignores some and blocks others), and a process group of its own, so
 * that neither Ctrl-C in the terminal nor job control reaches the program.
 */
static int set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t all, none;

	(void)sigfillset(&all);
	(void)sigemptyset(&none);
	posix_spawnattr_setsigdefault(attributes, &all);
	posix_spawnattr_setsigmask(attributes, &none);
	posix_spawnattr_setpgroup(attributes, 0);
	return posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
	                                                    POSIX_SPAWN_SETPGROUP);
}

static int set_files(posix_spawn_file_actions_t *files, bool quiet)
{
	int rc = posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);

	for (int fd = STDOUT_FILENO; rc == 0 && quiet && fd <= STDERR_FILENO; fd++)
		rc = posix_spawn_file_actions_addopen(files, fd, "/dev/null", O_WRONLY, 0);
	return rc;
}

static int spawn(const char *file, char *const argv[], bool quiet, pid_t *ret)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	int rc;

	rc = posix_spawn_file_actions_init(&files);
	if (rc)
		return rc;
	rc = posix_spawnattr_init(&attributes);
	if (rc) {
		(void)posix_spawn_file_actions_destroy(&files);
		return rc;
	}
	rc = set_files(&files, quiet);
	rc = rc ? rc : set_attributes(&attributes);
	rc = rc ? rc : posix_spawnp(ret, file, &files, &attributes, argv, environ);
	(void)posix_spawnattr_destroy(&attributes);
	(void)posix_spawn_file_actions_destroy(&files);
	return rc;
}

bool spawn_program(char *const argv[], bool quiet, pid_t *ret, struct err *reterr)
{
	int rc = spawn(argv[0], argv, quiet, ret);

	if (!rc)
		return true;
	err_set(reterr, rc == EACCES || rc == EPERM ? ERR_PERMISSION : ERR_FAILED, rc, argv[0],
	        strerrordesc_np(rc));
	if (rc == ENOENT)
		err_remedy(reterr, "Give the program's path, or a name that $PATH leads to.");
	return false;
}

bool spawn_demo(pid_t *ret, struct err *reterr)
{
	char word[] = "demo-workload", name[] = "heaptop-demo", parent[16];
	char *const argv[] = { name, word, parent, NULL };
	int rc;

	(void)snprintf(parent, sizeof(parent), "%d", getpid());
	rc = spawn("/proc/self/exe", argv, true, ret);
	return rc == 0 || err_set(reterr, ERR_FAILED, rc, "the demo workload", strerrordesc_np(rc));
}

static bool has_ended(pid_t pid)
{
	siginfo_t info = { .si_pid = 0 };

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid;
}

/* Without a pidfd (before Linux 5.3) the wait is a series of short naps. */
static bool wait_end(pid_t pid, int patience_ms)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd ready = { .fd = fd, .events = POLLIN };

	if (fd >= 0) {
		(void)poll(&ready, 1, patience_ms);
		(void)close(fd);
		return has_ended(pid);
	}
	for (; patience_ms > 0 && !has_ended(pid); patience_ms -= 10)
		(void)poll(NULL, 0, 10);
	return has_ended(pid);
}

void spawn_end(pid_t pid)
{
	/* The child is not reaped yet, so neither its pid nor its group's can mean anyone else. */
	if (!has_ended(pid)) {
		(void)kill(-pid, SIGTERM);
		(void)kill(-pid, SIGCONT);
		if (!wait_end(pid, END_PATIENCE_MS))
			(void)kill(-pid, SIGKILL);
	}
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
}
