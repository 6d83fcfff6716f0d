/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stopping and resuming real processes: everything stops, nothing is lost, nothing stays stopped. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "probes/find.h"
#include "probes/probes.h"

enum { THREADS = 8, ROUNDS = 30, SIGNALS = 2000 };

/* What a child and the test share. */
static struct shared {
	_Atomic unsigned long turns[THREADS];
	_Atomic unsigned long handled;
	_Atomic int is_ready;
} * shared;

static void nap_ms(long ms)
{
	const struct timespec pause_ = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&pause_, NULL);
}

/* Counts as seen through all threads. */
static unsigned long turns(void)
{
	unsigned long sum = 0;

	for (int i = 0; i < THREADS; i++)
		sum += shared->turns[i];
	return sum;
}

static void wait_for_turns(unsigned long more)
{
	unsigned long until = turns() + more;

	while (turns() < until)
		nap_ms(1);
}

static pid_t start(void (*body)(void))
{
	pid_t pid;

	memset(shared, 0, sizeof(*shared));
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		body();
		_exit(0);
	}
	while (!shared->is_ready)
		nap_ms(1);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static char state_of(pid_t pid)
{
	char path[64], line[256] = "";
	FILE *stat;
	const char *at;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	stat = fopen(path, "r");
	if (!stat)
		return 0;
	at = fgets(line, sizeof(line), stat) ? strrchr(line, ')') : NULL;
	fclose(stat);
	return at ? at[2] : 0;
}

/* --- children ---------------------------------------------------------------------------------- */

static void *count(void *arg)
{
	_Atomic unsigned long *mine = arg;

	for (;;) {
		(*mine)++;
		if (*mine % 64 == 0)
			nap_ms(1);
	}
	return NULL;
}

static void counting(void)
{
	pthread_t thread;

	for (int i = 1; i < THREADS; i++)
		pthread_create(&thread, NULL, count, &shared->turns[i]);
	shared->is_ready = 1;
	count(&shared->turns[0]);
}

static void *count_once(void *arg)
{
	(*(_Atomic unsigned long *)arg)++;
	return NULL;
}

/* Threads that come and go all the time. */
static void churning(void)
{
	pthread_t threads[THREADS];

	shared->is_ready = 1;
	for (;;) {
		for (int i = 0; i < THREADS; i++)
			pthread_create(&threads[i], NULL, count_once, &shared->turns[i]);
		for (int i = 0; i < THREADS; i++)
			pthread_join(threads[i], NULL);
	}
}

static void handle(int signal)
{
	(void)signal;
	shared->handled++;
}

static void handling(void)
{
	const struct sigaction action = { .sa_handler = handle, .sa_flags = SA_RESTART };

	sigaction(SIGRTMIN, &action, NULL);
	counting();
}

/* The first thread ends; the others go on. */
static void headless(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, count, &shared->turns[1]);
	shared->is_ready = 1;
	pthread_exit(NULL);
}

/* --- tests ------------------------------------------------------------------------------------- */

static void check_stops(pid_t pid)
{
	struct freeze *freeze;
	struct err err = { 0 };
	unsigned long before;

	if (!freeze_stop(pid, &freeze, &err))
		fail_msg("%s: %s", err.what, err.why);
	before = turns();
	nap_ms(5);
	assert_int_equal(turns(), before);
	assert_true(freeze_resume(freeze) >= 5000000);
	wait_for_turns(1);
}

static void every_thread_stops_and_goes_on(void **state)
{
	pid_t pid = start(counting);

	(void)state;
	wait_for_turns(100);
	for (int i = 0; i < ROUNDS; i++)
		check_stops(pid);
	end(pid);
}

static void threads_that_come_and_go_stop_too(void **state)
{
	pid_t pid = start(churning);

	(void)state;
	wait_for_turns(10);
	for (int i = 0; i < ROUNDS; i++)
		check_stops(pid);
	end(pid);
}

static void no_signal_is_lost(void **state)
{
	pid_t pid = start(handling);
	struct freeze *freeze;
	struct err err;
	unsigned sent = 0;

	(void)state;
	while (sent < SIGNALS) {
		for (int i = 0; i < 20 && sent < SIGNALS; i++, sent++)
			assert_int_equal(sigqueue(pid, SIGRTMIN, (union sigval){ 0 }), 0);
		assert_true(freeze_stop(pid, &freeze, &err));
		freeze_resume(freeze);
	}
	for (int i = 0; i < 2000 && shared->handled < SIGNALS; i++)
		nap_ms(1);
	assert_int_equal(shared->handled, SIGNALS);
	end(pid);
}

static void a_stopped_process_stays_stopped(void **state)
{
	pid_t pid = start(counting);
	struct freeze *freeze;
	struct err err;

	(void)state;
	kill(pid, SIGSTOP);
	while (state_of(pid) != 'T')
		nap_ms(1);
	assert_true(freeze_stop(pid, &freeze, &err));
	freeze_resume(freeze);
	for (int i = 0; i < 1000 && state_of(pid) != 'T'; i++)
		nap_ms(1);
	assert_int_equal(state_of(pid), 'T');
	kill(pid, SIGCONT);
	wait_for_turns(1);
	end(pid);
}

static void a_process_whose_first_thread_has_ended(void **state)
{
	pid_t pid = start(headless);

	(void)state;
	while (state_of(pid) != 'Z')
		nap_ms(1);
	check_stops(pid);
	end(pid);
}

/* Another process traces it: refused with its pid, and nothing is disturbed. */
static void another_tracer_is_named(void **state)
{
	pid_t pid = start(counting), tracer;
	struct freeze *freeze;
	struct err err = { 0 };
	char text[64];

	(void)state;
	shared->is_ready = 0;
	tracer = fork();
	if (tracer == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		shared->is_ready = ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0 ? 1 : 2;
		for (;;)
			pause();
	}
	while (!shared->is_ready)
		nap_ms(1);
	assert_int_equal(shared->is_ready, 1);
	assert_false(freeze_stop(pid, &freeze, &err));
	assert_int_equal(err.kind, ERR_PERMISSION);
	snprintf(text, sizeof(text), "process %d already traces it", (int)tracer);
	assert_string_equal(err.why, text);
	assert_true(err.remedy[0]);
	wait_for_turns(100);
	end(tracer);
	end(pid);
}

static void a_process_that_has_ended(void **state)
{
	pid_t pid = start(counting);
	struct freeze *freeze;
	struct err err = { 0 };

	(void)state;
	end(pid);
	assert_false(freeze_stop(pid, &freeze, &err));
	assert_int_equal(err.kind, ERR_NO_PROCESS);
	assert_int_equal(freeze_resume(NULL), 0);
}

/* It is killed while it is stopped. */
static void a_process_that_is_killed_meanwhile(void **state)
{
	pid_t pid = start(counting);
	struct freeze *freeze;
	struct err err;
	int status;

	(void)state;
	assert_true(freeze_stop(pid, &freeze, &err));
	kill(pid, SIGKILL);
	nap_ms(10);
	freeze_resume(freeze);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static int map_shared(void **state)
{
	(void)state;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
	              0);
	return shared == MAP_FAILED;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_thread_stops_and_goes_on),
		cmocka_unit_test(threads_that_come_and_go_stop_too),
		cmocka_unit_test(no_signal_is_lost),
		cmocka_unit_test(a_stopped_process_stays_stopped),
		cmocka_unit_test(a_process_whose_first_thread_has_ended),
		cmocka_unit_test(another_tracer_is_named),
		cmocka_unit_test(a_process_that_has_ended),
		cmocka_unit_test(a_process_that_is_killed_meanwhile),
	};

	return cmocka_run_group_tests(tests, map_shared, NULL);
}
