/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stopping every thread of a process for a moment, by ptrace.
 *
 * A thread of our own is the tracer, for two reasons: ptrace calls are only valid from the thread that
 * attached, and the kernel lets all tracees of a thread go when that thread ends, whatever state they
 * are in. So nothing stays stopped, even when a thread could not be stopped in time (one that sleeps in
 * the kernel cannot be detached from either) or when heaptop itself is killed.
 *
 * PTRACE_SEIZE and PTRACE_INTERRUPT leave no trace in the process: no SIGSTOP, nothing its parent sees.
 * A signal that arrives while it is being stopped is reported to us instead of delivered; it is handed
 * on when we detach. What remains visible is that a few system calls (epoll_wait, sigtimedwait, semop:
 * signal(7), "interruption by stop signals") end with EINTR, as they do when a shell stops a job.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "probes/clock.h"
#include "probes/find.h"
#include "probes/probes.h"

/* YIELD_US: most threads stop within microseconds; a sleep would stop the process for longer. */
enum { STOP_LIMIT_MS = 2000, YIELD_US = 1000, PASSES_MAX = 100, TASKS_MAX = 1 << 17 };

struct stopped_task {
	int32_t tid;
	int signal;      /* to be delivered on detaching; 0: none */
	bool is_stopped; /* else only seized, or gone */
	bool is_gone;
};

struct freeze {
	int32_t pid;
	pthread_t tracer;
	pthread_mutex_t lock; /* guards the three below */
	pthread_cond_t changed;
	bool is_ready; /* the tracer has stopped all, or failed */
	bool has_failed, may_resume;
	struct err err;
	/* the tracer's own */
	struct stopped_task *tasks;
	size_t count, room;
	uint64_t first_stop_ns, stopped_ns;
};

/* --- why not ----------------------------------------------------------------------------------- */

static int32_t number_after(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? (int32_t)strtol(at + strlen(key), NULL, 10) : 0;
}

static size_t read_text(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, buf, size - 1);

	if (fd >= 0)
		close(fd);
	buf[got > 0 ? got : 0] = '\0';
	return got > 0 ? (size_t)got : 0;
}

/* State of a task ('Z', 'R' …; 0: gone) and who traces it (0: nobody). */
static char task_state(int32_t pid, int32_t tid, int32_t *ret_tracer)
{
	char path[64], text[2048];
	const char *state;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", pid, tid);
	*ret_tracer = 0;
	if (!read_text(path, text, sizeof(text)))
		return '\0';
	*ret_tracer = number_after(text, "\nTracerPid:");
	state = strstr(text, "\nState:\t");
	if (!state)
		return '\0';
	return state[8];
}

static bool explain_refusal(struct freeze *f, int32_t tid, int os_errno)
{
	char what[80], yama[8];
	int32_t tracer;

	snprintf(what, sizeof(what), "cannot stop process %d", f->pid);
	task_state(f->pid, tid, &tracer);
	if (tracer) {
		err_setf(&f->err, ERR_PERMISSION, what, "process %d already traces it", tracer);
		err_remedy(&f->err, "detach that debugger or tracer, or do without --freeze");
		return false;
	}
	err_set(&f->err, os_errno == ESRCH ? ERR_NO_PROCESS : ERR_PERMISSION, os_errno, what,
	        os_errno == ESRCH ? "it has ended" : "ptrace is not permitted");
	if (os_errno != ESRCH &&
	    read_text("/proc/sys/kernel/yama/ptrace_scope", yama, sizeof(yama)) && yama[0] != '0')
		err_remedy(&f->err,
		           "kernel.yama.ptrace_scope is %c: run as root, or with "
		           "CAP_SYS_PTRACE",
		           yama[0]);
	else if (os_errno != ESRCH)
		err_remedy(&f->err, "run as the process's user or as root (CAP_SYS_PTRACE)");
	return false;
}

/* --- stopping ---------------------------------------------------------------------------------- */

static int compare_tasks(const void *a, const void *b)
{
	const struct stopped_task *x = a, *y = b;

	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

/* By id, without those that have ended: their ids can be used again. */
static void sort_tasks(struct freeze *f)
{
	size_t kept = 0;

	for (size_t i = 0; i < f->count; i++) {
		if (!f->tasks[i].is_gone)
			f->tasks[kept++] = f->tasks[i];
	}
	f->count = kept;
	if (kept)
		qsort(f->tasks, kept, sizeof(f->tasks[0]), compare_tasks);
}

/* Among the `earlier` ones, which are sorted. */
static bool is_known(const struct freeze *f, size_t earlier, int32_t tid)
{
	const struct stopped_task key = { .tid = tid };

	return earlier && bsearch(&key, f->tasks, earlier, sizeof(key), compare_tasks);
}

static struct stopped_task *add_task(struct freeze *f, int32_t tid)
{
	if (f->count == f->room) {
		size_t room = f->room ? 2 * f->room : 64;
		struct stopped_task *grown =
		        room > TASKS_MAX ? NULL : realloc(f->tasks, room * sizeof(*grown));

		if (!grown)
			return NULL;
		f->tasks = grown;
		f->room = room;
	}
	f->tasks[f->count] = (struct stopped_task){ .tid = tid };
	return &f->tasks[f->count++];
}

/* Attaches to one task and asks it to stop. False: refused; a task that ended is no failure. */
static bool seize(struct freeze *f, int32_t tid)
{
	struct stopped_task *task;
	int32_t tracer;
	char state;

	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) != 0) {
		int os_errno = errno;

		state = task_state(f->pid, tid, &tracer);
		/* A first thread that has ended stays as a zombie until the others have. */
		if (os_errno == ESRCH || !state || state == 'Z' || state == 'X')
			return true;
		return explain_refusal(f, tid, os_errno);
	}
	task = add_task(f, tid);
	if (!task)
		return err_set(&f->err, ERR_NO_MEMORY, 0, "cannot stop the process",
		               "out of memory");
	if (!f->first_stop_ns)
		f->first_stop_ns = clock_monotonic_ns();
	if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) != 0)
		task->is_gone = true;
	return true;
}

/* Seizes what is not seized yet; *ret_new says how many those were. */
static bool seize_new(struct freeze *f, size_t *ret_new)
{
	char path[40];
	const struct dirent *entry;
	size_t before = f->count;
	bool ok = true;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", f->pid);
	dir = opendir(path);
	if (!dir)
		return explain_refusal(f, f->pid, errno == ENOENT ? ESRCH : errno);
	while (ok && (entry = readdir(dir))) { // NOLINT(concurrency-mt-unsafe): a stream of our own
		int32_t tid = (int32_t)strtol(entry->d_name, NULL, 10);

		if (tid > 0 && !is_known(f, before, tid))
			ok = seize(f, tid);
	}
	closedir(dir);
	*ret_new = f->count - before;
	return ok;
}

/*
 * What a wait status says. A stop by our request, or because the whole process is stopped, is an
 * event stop (status >> 16); any other stop is a signal on its way to the task.
 */
static void take_status(struct stopped_task *task, int status)
{
	if (!WIFSTOPPED(status)) {
		task->is_gone = true;
		return;
	}
	task->is_stopped = true;
	if (status >> 16 == 0)
		task->signal = WSTOPSIG(status);
}

/* Waits until each seized task has stopped or ended; false after too long. */
static bool wait_for_stops(struct freeze *f, uint64_t deadline_ns)
{
	const uint64_t yield_until_ns = clock_monotonic_ns() + YIELD_US * (uint64_t)1000;
	const struct timespec pause = { 0, 100000 };

	for (size_t i = 0; i < f->count; i++) {
		struct stopped_task *task = &f->tasks[i];

		while (!task->is_stopped && !task->is_gone) {
			int status;
			pid_t got = waitpid(task->tid, &status, __WALL | __WNOTHREAD | WNOHANG);

			if (got == task->tid) {
				take_status(task, status);
			} else if (got < 0 && errno != EINTR) {
				task->is_gone = true;
			} else if (clock_monotonic_ns() > deadline_ns) {
				err_setf(&f->err, ERR_FAILED, "cannot stop the process",
				         "thread %d does not stop: it waits inside the kernel",
				         task->tid);
				err_remedy(&f->err, "try again later, or do without --freeze");
				return false;
			} else if (clock_monotonic_ns() < yield_until_ns) {
				sched_yield();
			} else {
				nanosleep(&pause, NULL);
			}
		}
	}
	return true;
}

/* Passes over the task list until it holds nothing new: stopped threads start no others. */
static bool stop_all(struct freeze *f)
{
	const uint64_t deadline_ns = clock_monotonic_ns() + STOP_LIMIT_MS * (uint64_t)1000000;
	size_t fresh = 1;

	for (int pass = 0; pass < PASSES_MAX && fresh; pass++) {
		if (!seize_new(f, &fresh) || !wait_for_stops(f, deadline_ns))
			return false;
		sort_tasks(f);
	}
	if (fresh)
		return err_set(&f->err, ERR_FAILED, 0, "cannot stop the process",
		               "it starts threads faster than they can be stopped");
	for (size_t i = 0; i < f->count; i++) {
		if (f->tasks[i].is_stopped)
			return true;
	}
	return explain_refusal(f, f->pid, ESRCH);
}

static void let_go(struct freeze *f)
{
	for (size_t i = 0; i < f->count; i++) {
		if (f->tasks[i].is_stopped)
			ptrace(PTRACE_DETACH, f->tasks[i].tid, NULL, (long)f->tasks[i].signal);
	}
	f->stopped_ns = f->first_stop_ns ? clock_monotonic_ns() - f->first_stop_ns : 0;
}

/* --- the tracer -------------------------------------------------------------------------------- */

static void *tracer_main(void *arg)
{
	struct freeze *f = arg;
	bool ok = stop_all(f);

	pthread_mutex_lock(&f->lock);
	f->is_ready = true;
	f->has_failed = !ok;
	pthread_cond_broadcast(&f->changed);
	while (ok && !f->may_resume)
		pthread_cond_wait(&f->changed, &f->lock);
	pthread_mutex_unlock(&f->lock);
	let_go(f);
	return NULL;
}

static bool start_tracer(struct freeze *f)
{
	sigset_t all, old;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&f->tracer, NULL, tracer_main, f);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return error == 0;
}

bool freeze_stop(int32_t pid, struct freeze **ret, struct err *reterr)
{
	struct freeze *f = calloc(1, sizeof(*f));

	if (!f)
		return err_set(reterr, ERR_NO_MEMORY, 0, "cannot stop the process",
		               "out of memory");
	f->pid = pid;
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->changed, NULL);
	if (!start_tracer(f)) {
		free(f);
		return err_set(reterr, ERR_NO_MEMORY, 0, "cannot stop the process",
		               "no thread can be started");
	}
	pthread_mutex_lock(&f->lock);
	while (!f->is_ready)
		pthread_cond_wait(&f->changed, &f->lock);
	pthread_mutex_unlock(&f->lock);
	if (f->has_failed) {
		if (reterr)
			*reterr = f->err;
		freeze_resume(f);
		return false;
	}
	*ret = f;
	return true;
}

uint64_t freeze_resume(struct freeze *freeze)
{
	uint64_t stopped_ns;

	if (!freeze)
		return 0;
	pthread_mutex_lock(&freeze->lock);
	freeze->may_resume = true;
	pthread_cond_broadcast(&freeze->changed);
	pthread_mutex_unlock(&freeze->lock);
	pthread_join(freeze->tracer, NULL);
	stopped_ns = freeze->stopped_ns;
	pthread_cond_destroy(&freeze->changed);
	pthread_mutex_destroy(&freeze->lock);
	free(freeze->tasks);
	free(freeze);
	return stopped_ns;
}
