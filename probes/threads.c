/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probes/threads.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/base/vec.h"
#include "model/glibc/decode.h"

enum { STATUS_SIZE = 4096 };

/* Reads a small file of a task; returns its length, 0 when the task is gone. */
static size_t read_task_file(int task_fd, int32_t tid, const char *name, char *buf, size_t size)
{
	char path[40];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "%d/%s", tid, name);
	fd = openat(task_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	got = read(fd, buf, size - 1);
	close(fd);
	if (got < 0)
		got = 0;
	buf[got] = '\0';
	return (size_t)got;
}

static void read_name(int task_fd, struct malloc_thread *thread)
{
	char buf[64];
	size_t len = read_task_file(task_fd, thread->tid, "comm", buf, sizeof(buf));

	/* The name itself may hold newlines; the last one is the kernel's. */
	if (len && buf[len - 1] == '\n')
		len--;
	if (len >= sizeof(thread->name))
		len = sizeof(thread->name) - 1;
	memcpy(thread->name, buf, len);
}

/* The task id in the innermost pid namespace: the one that glibc stores. 0: unknown. */
static int32_t read_inner_tid(int task_fd, int32_t tid)
{
	char buf[STATUS_SIZE];
	const char *line, *end, *last;

	if (!read_task_file(task_fd, tid, "status", buf, sizeof(buf)))
		return 0;
	line = strstr(buf, "\nNSpid:"); /* Linux 4.1 */
	if (!line)
		return tid;
	end = strchrnul(line + 1, '\n');
	last = end;
	while (last > line && (last[-1] >= '0' && last[-1] <= '9'))
		last--;
	return (int32_t)strtol(last, NULL, 10);
}

static int compare_threads(const void *a, const void *b)
{
	const struct malloc_thread *x = a, *y = b;

	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

/* All tasks with their names, by tid. */
static bool list_tasks(struct thread_search *search, int task_fd, struct region *region)
{
	VEC(struct malloc_thread) list = { 0 };
	int fd = fcntl(task_fd, F_DUPFD_CLOEXEC, 0);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	while (list.count < DECODE_THREADS_MAX &&
	       (entry = readdir(dir))) { // NOLINT(concurrency-mt-unsafe): a stream of our own
		int32_t tid = (int32_t)strtol(entry->d_name, NULL, 10);
		struct malloc_thread *thread;

		if (tid <= 0)
			continue;
		thread = VEC_ADD(region, &list);
		if (!thread)
			break;
		thread->tid = tid;
		read_name(task_fd, thread);
	}
	closedir(dir);
	search->threads = list.at;
	search->count = list.count;
	if (list.count)
		qsort(list.at, list.count, sizeof(list.at[0]), compare_threads);
	return list.count > 0;
}

static int compare_inner(const void *a, const void *b)
{
	const struct inner_tid *x = a, *y = b;

	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

/* Only a process in another pid namespace needs each task's status read. */
static bool list_inner_tids(struct thread_search *search, int task_fd, struct region *region)
{
	bool is_inside;

	search->inner = region_alloc(region, search->count * sizeof(search->inner[0]));
	if (!search->inner)
		return false;
	is_inside = read_inner_tid(task_fd, search->threads[0].tid) != search->threads[0].tid;
	for (uint32_t i = 0; i < search->count; i++) {
		int32_t tid = search->threads[i].tid;

		if (is_inside)
			tid = read_inner_tid(task_fd, tid);
		search->inner[i] = (struct inner_tid){ (uint32_t)tid, i };
	}
	if (is_inside)
		qsort(search->inner, search->count, sizeof(search->inner[0]), compare_inner);
	return true;
}

/* What another malloc of the same process already learned: threads are the same ones. */
static void inherit(struct thread_search *search, const struct malloc_state *first)
{
	for (size_t i = 0, k = 0; i < search->count; i++) {
		struct malloc_thread *t = &search->threads[i];

		while (k < first->thread_count && first->threads[k].tid < t->tid)
			k++;
		if (k == first->thread_count || first->threads[k].tid != t->tid)
			continue;
		t->pthread_addr = first->threads[k].pthread_addr;
		t->stack_start = first->threads[k].stack_start;
		t->stack_end = first->threads[k].stack_end;
	}
}

static void find_main_stack(struct thread_search *search)
{
	for (size_t i = 0; i < search->count; i++) {
		struct malloc_thread *t = &search->threads[i];

		if (t->tid != search->pid)
			continue;
		for (size_t k = search->vmas->count; k-- > 0;) {
			const struct vma *v = &search->vmas->at[k];

			if (!vma_is_named(search->vmas, v, "[stack]"))
				continue;
			t->stack_start = v->start;
			t->stack_end = v->end;
			return;
		}
	}
}

// NOLINTNEXTLINE(readability-function-size): seven things that only live.c has together
void find_threads(int32_t pid, const struct vma_set *vmas, struct memory *mem,
                  const struct found_malloc *found, struct region *region, struct heap_facts *heap,
                  struct malloc_state *ms)
{
	struct thread_search search = {
		.pid = pid, .vmas = vmas, .mem = mem, .found = found, .ms = ms
	};
	char path[40];
	int task_fd;
	bool is_listed;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	task_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (task_fd < 0)
		return;
	is_listed =
	        list_tasks(&search, task_fd, region) && list_inner_tids(&search, task_fd, region);
	close(task_fd);
	if (!is_listed)
		return;
	ms->threads = search.threads;
	ms->thread_count = search.count;
	if (heap->instance_count && heap->instances && ms != &heap->instances[0])
		inherit(&search, &heap->instances[0]);
	if (threads_by_tables(&search))
		threads_by_scan(&search);
	threads_stacks(&search);
	find_main_stack(&search);
	threads_malloc(&search);
}
