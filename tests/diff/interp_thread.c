/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads of a scenario: started, ended and joined where it says so. */
#include <errno.h>
#include <malloc.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/diff/interp.h"

struct thread *thread_find(struct word name)
{
	uint64_t hash = word_hash(name);

	for (size_t i = 0; i < THREADS_MAX; i++)
		if (interp.threads[i].is_alive && interp.threads[i].hash == hash)
			return &interp.threads[i];
	return NULL;
}

static void *thread_body(void *arg)
{
	struct thread *me = arg;

	me->tid = (int)syscall(SYS_gettid);
	thread_wake(&me->is_ready);
	for (;;) {
		thread_wait(&me->turn);
		run_as(me);
		if (me->is_ending) {
			if (interp.joining == me)
				thread_wake(&interp.threads[0].turn);
			return NULL;
		}
		thread_wake(&interp.current->turn);
	}
}

static int create(struct thread *thread)
{
	pthread_attr_t attr;
	size_t index = (size_t)(thread - interp.threads);
	int error;

	if (!interp.is_stacks_own && !interp.stack_size)
		return pthread_create(&thread->id, NULL, thread_body, thread);
	pthread_attr_init(&attr);
	if (interp.is_stacks_own)
		pthread_attr_setstack(&attr, interp.stacks + index * interp.stack_size,
		                      interp.stack_size);
	else
		pthread_attr_setstacksize(&attr, interp.stack_size);
	error = pthread_create(&thread->id, &attr, thread_body, thread);
	pthread_attr_destroy(&attr);
	return error;
}

/* glibc's dtv: its second word is the thread control block's; two words before it is the block. */
static void note_dtv(const struct thread *thread, struct diff_record *record)
{
	uint64_t dtv;

	memcpy(&dtv, (const char *)thread->id + sizeof(void *), sizeof(dtv));
	record->dtv = dtv - 2 * sizeof(void *);
	memcpy(&record->dtv_usable, (const void *)(uintptr_t)(record->dtv - sizeof(size_t)),
	       sizeof(record->dtv_usable));
	record->dtv_usable = (record->dtv_usable & ~UINT64_C(7)) - sizeof(size_t);
	record->has |= DIFF_HAS_DTV;
}

void run_thread(const struct words *w, struct diff_record *record)
{
	struct thread *thread = thread_find(w->arg[0]);
	int error;

	if (!thread) {
		for (thread = interp.threads; thread->is_alive; thread++)
			if (thread == &interp.threads[THREADS_MAX - 1])
				refuse(&interp.reader, "too many threads", w->arg[0]);
		*thread = (struct thread){ .hash = word_hash(w->arg[0]) };
		errno = 0;
		error = create(thread);
		record->error = error ? error : errno;
		if (error)
			return;
		thread->is_alive = true;
		thread_wait(&thread->is_ready);
		note_dtv(thread, record);
	}
	interp.current = thread;
}

static void join(struct thread *thread)
{
	pthread_join(thread->id, NULL);
	thread->is_alive = false;
}

void join_ended(void)
{
	errno = 0;
	join(interp.joining);
	interp.record->error = errno;
	interp.joining = NULL;
}

void run_exit_thread(const struct words *w, struct diff_record *record)
{
	struct thread *thread = thread_find(w->arg[0]);

	if (!thread || thread == &interp.threads[0])
		refuse(&interp.reader, "no such thread to end", w->arg[0]);
	thread->is_ending = true;
	if (thread == interp.current) {
		interp.joining = thread;
		interp.current = &interp.threads[0];
		return;
	}
	errno = 0;
	thread_wake(&thread->turn);
	join(thread);
	record->error = errno;
}
