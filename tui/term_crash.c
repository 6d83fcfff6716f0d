/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signals and the ways out. Signals that can wait go through a pipe to the event loop, whichever
 * thread they hit. After a fault nothing can be relied on, curses least of all: the handler writes
 * a string made beforehand, sets the terminal's old modes, and lets the signal do its work.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#include "tui/term_private.h"

#include <term.h>

static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };
static const int notices[] = { SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH };

enum { FAULT_COUNT = sizeof(faults) / sizeof(faults[0]) };
enum { NOTICE_COUNT = sizeof(notices) / sizeof(notices[0]) };

/* Written before the handlers are in place, only read by them. */
static struct {
	struct termios modes;
	bool has_modes;
	char reset[512];
	size_t reset_len;
	int pipe[2];
	int stderr_fd,
	        hidden_fd; /* the real standard error and what stands for it; -1: not hidden */
	struct sigaction old_faults[FAULT_COUNT], old_notices[NOTICE_COUNT];
	stack_t old_stack;
} crash = { .pipe = { -1, -1 }, .stderr_fd = -1, .hidden_fd = -1 };

static char handler_stack[64 << 10] __attribute__((aligned(16)));

/* --- the string that resets the terminal ------------------------------------------------------ */

static int keep_char(int c)
{
	if (crash.reset_len < sizeof(crash.reset))
		crash.reset[crash.reset_len++] = (char)c;
	return c;
}

/* tputs() takes the padding out that old entries have. */
static void keep(const char *name)
{
	const char *string = term_string(name);

	if (string)
		tputs(string, 1, keep_char);
}

void term_crash_prepare(void)
{
	static const char *const names[] = { "sgr0", "op", "rmkx", "rmcup", "cnorm" };

	crash.reset_len = 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		keep(names[i]);
	crash.has_modes = tcgetattr(STDOUT_FILENO, &crash.modes) == 0;
	for (size_t i = 0; i < FAULT_COUNT; i++)
		sigaction(faults[i], NULL, &crash.old_faults[i]);
	for (size_t i = 0; i < NOTICE_COUNT; i++)
		sigaction(notices[i], NULL, &crash.old_notices[i]);
}

void term_crash_mouse(void)
{
	static const char off[] = "\033[?1000l\033[?1002l\033[?1003l\033[?1006l";

	for (const char *at = off; *at; at++)
		keep_char(*at);
}

/* --- standard error --------------------------------------------------------------------------- */

void term_stderr_hide(void)
{
	if (!isatty(STDERR_FILENO))
		return;
	crash.hidden_fd = memfd_create("heaptop-stderr", MFD_CLOEXEC);
	if (crash.hidden_fd < 0)
		return;
	crash.stderr_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	if (crash.stderr_fd < 0 || dup2(crash.hidden_fd, STDERR_FILENO) < 0) {
		close(crash.hidden_fd);
		crash.hidden_fd = -1;
	}
}

/* Only async-signal-safe calls: a crash comes this way too. */
static void print_hidden(void)
{
	enum { MOST = 256 << 10 };
	char block[1024];
	ssize_t got;

	for (off_t at = 0; at < MOST; at += got) {
		got = pread(crash.hidden_fd, block, sizeof(block), at);
		if (got <= 0 || write(crash.stderr_fd, block, (size_t)got) != got)
			return;
	}
}

void term_stderr_show(void)
{
	if (crash.hidden_fd < 0)
		return;
	print_hidden();
	dup2(crash.stderr_fd, STDERR_FILENO);
	close(crash.stderr_fd);
	close(crash.hidden_fd);
	crash.stderr_fd = crash.hidden_fd = -1;
}

/* --- handlers --------------------------------------------------------------------------------- */

static void on_fault(int signal)
{
	ssize_t done = write(STDOUT_FILENO, crash.reset, crash.reset_len);

	(void)done;
	if (crash.has_modes)
		tcsetattr(STDOUT_FILENO, TCSANOW, &crash.modes);
	if (crash.hidden_fd >= 0)
		print_hidden();
	/* SA_RESETHAND has put the default back: it strikes as soon as this handler returns. */
	raise(signal);
}

static void on_notice(int signal)
{
	char byte = (char)signal;
	int saved = errno;
	ssize_t done = write(crash.pipe[1], &byte, 1);

	(void)done; /* a full pipe wakes the loop as well */
	errno = saved;
}

bool term_signals_start(struct err *reterr)
{
	struct sigaction fault = { .sa_handler = on_fault, .sa_flags = SA_ONSTACK };
	struct sigaction notice = { .sa_handler = on_notice, .sa_flags = SA_RESTART };
	stack_t stack = { .ss_sp = handler_stack, .ss_size = sizeof(handler_stack) };

	fault.sa_flags |= (int)SA_RESETHAND;
	if (pipe2(crash.pipe, O_CLOEXEC | O_NONBLOCK))
		return err_set(reterr, ERR_FAILED, errno, "signals", strerror(errno));
	sigaltstack(&stack, &crash.old_stack);
	sigemptyset(&fault.sa_mask);
	sigfillset(&notice.sa_mask);
	for (size_t i = 0; i < FAULT_COUNT; i++)
		sigaction(faults[i], &fault, NULL);
	for (size_t i = 0; i < NOTICE_COUNT; i++) {
		/* nohup and shells without job control have their reasons */
		if ((notices[i] != SIGHUP && notices[i] != SIGTSTP) ||
		    crash.old_notices[i].sa_handler != SIG_IGN)
			sigaction(notices[i], &notice, NULL);
	}
	return true;
}

void term_signals_stop(void)
{
	for (size_t i = 0; i < FAULT_COUNT; i++)
		sigaction(faults[i], &crash.old_faults[i], NULL);
	for (size_t i = 0; i < NOTICE_COUNT; i++)
		sigaction(notices[i], &crash.old_notices[i], NULL);
	sigaltstack(&crash.old_stack, NULL);
	close(crash.pipe[0]);
	close(crash.pipe[1]);
	crash.pipe[0] = crash.pipe[1] = -1;
}

int term_signal_fd(void)
{
	return crash.pipe[0];
}

int term_signal_next(void)
{
	char byte;

	return read(crash.pipe[0], &byte, 1) == 1 ? byte : 0;
}

/* Another thread may be the one that takes the signal: what tells is that SIGCONT has come. */
void term_signals_suspend(bool whole_group)
{
	enum { STOP_MS = 200 }; /* in an orphaned group nothing stops: go on then */
	struct pollfd wait = { .fd = crash.pipe[0], .events = POLLIN };
	struct sigaction stop = { .sa_handler = SIG_DFL }, own;
	int signal;

	sigaction(SIGTSTP, &stop, &own);
	kill(whole_group ? 0 : getpid(), SIGTSTP);
	while (poll(&wait, 1, STOP_MS) < 0 && errno == EINTR)
		continue;
	sigaction(SIGTSTP, &own, NULL);
	do {
		signal = term_signal_next();
		if (signal && signal != SIGCONT && signal != SIGWINCH)
			on_notice(signal); /* the loop will see to it */
	} while (signal == SIGCONT || signal == SIGWINCH);
}
