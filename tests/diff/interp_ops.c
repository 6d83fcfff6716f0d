/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each verb does. errno is 0 before the call and read right after it. */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/diff/interp.h"

/* --- the allocator ------------------------------------------------------------------------------------- */

static void note_block(struct diff_record *record, void *block)
{
	record->error = errno;
	record->addr = (uint64_t)(uintptr_t)block;
	record->has |= DIFF_HAS_ADDR;
	if (!block) {
		record->has |= record->error == ENOMEM ? DIFF_IS_ENOMEM : 0;
		return;
	}
	record->usable = malloc_usable_size(block);
	memcpy(&record->hdr, (const char *)block - sizeof(size_t), sizeof(record->hdr));
	record->has |= DIFF_HAS_BLOCK;
}

static void run_malloc(const struct words *w, struct diff_record *record)
{
	uint64_t a = number(w, 0), b = w->arg_count > 1 ? number(w, 1) : 0;
	void *block;

	errno = 0;
	if (word_is(w->verb, "malloc"))
		block = malloc(a);
	else if (word_is(w->verb, "calloc"))
		block = calloc(a, b);
	else if (word_is(w->verb, "memalign"))
		block = memalign(a, b);
	else if (word_is(w->verb, "aligned_alloc"))
		block = aligned_alloc(a, b);
	else if (word_is(w->verb, "valloc"))
		block = valloc(a);
	else
		block = pvalloc(a);
	note_block(record, block);
	bind_name(w->dst, record->addr, record->usable, false);
}

static void run_posix_memalign(const struct words *w, struct diff_record *record)
{
	uint64_t alignment = number(w, 0), size = number(w, 1);
	void *block = NULL;

	errno = 0;
	record->ret = posix_memalign(&block, alignment, size);
	record->has |= DIFF_HAS_RET;
	note_block(record, record->ret ? NULL : block);
	bind_name(w->dst, record->addr, record->usable, false);
}

static void run_realloc(const struct words *w, struct diff_record *record)
{
	uint64_t old, size = number(w, 1);
	struct name *from = operand(w, 0, &old);
	bool is_failure;
	void *block;

	errno = 0;
	block = realloc(pointer(old), size);
	note_block(record, block);
	is_failure = !block && (record->has & DIFF_IS_ENOMEM);
	if (from && !is_failure)
		from->is_alive = false;
	if (!is_failure || from != name_find(w->dst))
		bind_name(w->dst, record->addr, record->usable, false);
}

static void run_free(const struct words *w, struct diff_record *record)
{
	struct name *name = operand(w, 0, &record->addr);

	errno = 0;
	free(pointer(record->addr));
	record->error = errno;
	record->has |= DIFF_HAS_ADDR;
	if (name)
		name->is_alive = false;
}

static void run_mallopt(const struct words *w, struct diff_record *record)
{
	static const struct {
		const char *name;
		int value;
	} params[] = {
		{ "M_MMAP_THRESHOLD", M_MMAP_THRESHOLD },
		{ "M_TRIM_THRESHOLD", M_TRIM_THRESHOLD },
		{ "M_TOP_PAD", M_TOP_PAD },
		{ "M_MMAP_MAX", M_MMAP_MAX },
		{ "M_ARENA_TEST", M_ARENA_TEST },
		{ "M_ARENA_MAX", M_ARENA_MAX },
		{ "M_MXFAST", M_MXFAST },
		{ "M_PERTURB", M_PERTURB },
	};
	int value = (int)number(w, 1);

	for (size_t i = 0; i < sizeof(params) / sizeof(params[0]); i++)
		if (word_is(w->arg[0], params[i].name)) {
			errno = 0;
			record->ret = mallopt(params[i].value, value);
			record->error = errno;
			record->has |= DIFF_HAS_RET;
			return;
		}
	refuse(&interp.reader, "no such parameter", w->arg[0]);
}

static void run_trim(const struct words *w, struct diff_record *record)
{
	uint64_t pad = number(w, 0);

	errno = 0;
	record->ret = malloc_trim(pad);
	record->error = errno;
	record->has |= DIFF_HAS_RET;
}

/* --- the rest --------------------------------------------------------------------------------- */

static void run_set(const struct words *w)
{
	static const struct {
		const char *name;
		int value;
	} limits[] = {
		{ "rlimit.as", RLIMIT_AS },
		{ "rlimit.data", RLIMIT_DATA },
		{ "rlimit.stack", RLIMIT_STACK },
	};
	struct rlimit limit;

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (word_is(w->arg[0], limits[i].name)) {
			int resource = limits[i].value;

			getrlimit((unsigned)resource, &limit);
			limit.rlim_cur =
			        word_is(w->arg[1], "unlimited") ? RLIM_INFINITY : number(w, 1);
			setrlimit((unsigned)resource, &limit);
			return;
		}
	unsupported(w->arg[0]);
}

static void run_fork(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
}

static void run_pause(void)
{
	interp.head->pauses = ++interp.pauses;
	interp.head->prefix = 0;
	interp.head->has_rest = interp.rest_prefix && write_rest();
	stop_here(DIFF_STOP_PAUSE);
}

struct verb {
	const char *name;
	size_t args;
	bool has_dst;
	void (*run)(const struct words *w, struct diff_record *record);
};

static const struct verb verbs[] = {
	{ "malloc", 1, true, run_malloc },
	{ "free", 1, false, run_free },
	{ "touch", 1, false, run_touch },
	{ "calloc", 2, true, run_malloc },
	{ "realloc", 2, true, run_realloc },
	{ "memalign", 2, true, run_malloc },
	{ "aligned_alloc", 2, true, run_malloc },
	{ "posix_memalign", 2, true, run_posix_memalign },
	{ "valloc", 1, true, run_malloc },
	{ "pvalloc", 1, true, run_malloc },
	{ "thread", 1, false, run_thread },
	{ "exit_thread", 1, false, run_exit_thread },
	{ "mallopt", 2, false, run_mallopt },
	{ "trim", 1, false, run_trim },
	{ "mmap", 1, true, run_mmap },
	{ "munmap", 1, false, run_munmap },
	{ "mprotect", 2, false, run_mprotect },
	{ "mremap", 3, false, run_mremap },
	{ "madvise", 4, false, run_madvise },
	{ "sbrk", 1, false, run_sbrk },
	{ "brk", 1, false, run_brk },
};

void run_operation(const struct words *w, struct diff_record *record)
{
	if (word_is(w->verb, "pause")) {
		run_pause();
		return;
	}
	if (word_is(w->verb, "set") && w->arg_count == 2) {
		run_set(w);
		return;
	}
	if (word_is(w->verb, "fork")) {
		run_fork();
		return;
	}
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (word_is(w->verb, verbs[i].name)) {
			if (w->arg_count < verbs[i].args || verbs[i].has_dst != (w->dst.len != 0))
				refuse(&interp.reader, "wrong words", w->verb);
			verbs[i].run(w, record);
			return;
		}
	unsupported(w->verb);
}
