/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The dear part of one process of the OOM table: status, which alone has swap, page tables, name
 * and capabilities; and the threads of a process whose first one has ended.
 */
#include "probes/tasks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/base/text.h"
#include "probes/parse_status.h"
#include "probes/parse_words.h"

#define CAP_SYS_ADMIN 21 /* Linux include/uapi/linux/capability.h */
#define STATUS_ROOM   8192

/* Status shows a newline as \n and a backslash twice. */
static void copy_name(struct span from, char to[16])
{
	size_t len = 0;

	for (size_t i = 0; i < from.len && len < 15; i++) {
		char c = from.at[i];

		if (c == '\\' && i + 1 < from.len) {
			i++;
			c = from.at[i] == 'n' ? '\n' : '\\';
		}
		to[len++] = c;
	}
	memset(to + len, 0, 16 - len);
}

/* Takes over the status text in the context; true when it tells of a memory. */
static bool take_status(struct slot_context *context, struct task_slot *slot, bool with_rss)
{
	const char *text = context->status.at;
	size_t len = context->status.len;
	struct process_facts facts = { 0 };
	struct status_extra extra = { 0 };
	struct span line, rest = { text, len };
	struct oom_task *task = &slot->task;

	if (!parse_status(text, len, &facts, &extra))
		return false;
	if (span_line(&rest, &line) && span_skip(&line, "Name:\t"))
		copy_name(line, task->comm);
	task->ppid = facts.ppid;
	task->uid = facts.uid;
	text_copy(task->user, sizeof(task->user), user_names_find(&context->users, task->uid));
	slot->thread_count = facts.thread_count > 0 ? (uint32_t)facts.thread_count : 1;
	task_slot_set_flag(task, OOM_TASK_SYS_ADMIN, (extra.cap_effective >> CAP_SYS_ADMIN) & 1);
	if (!fact_known(facts.vm_rss))
		return false;
	task->swap_pages = fact_or(facts.vm_swap, 0) / context->page_size;
	if (with_rss)
		task->rss_pages = facts.vm_rss.v / context->page_size;
	task->pgtables_bytes = fact_or(facts.vm_pte, 0);
	return true;
}

/* All of a status file, however long its list of groups is. */
static enum read_status read_status_text(int fd, struct file_text *text)
{
	size_t len = 0;
	enum read_status status;

	text->len = 0;
	if (!file_text_reserve(text, STATUS_ROOM))
		return READ_NO_MEMORY;
	status = task_slot_read_once(fd, text->at, STATUS_ROOM, &len);
	if (status != READ_OK)
		return status;
	text->len = len;
	return len < STATUS_ROOM - 1 ? READ_OK : read_fd(fd, text);
}

static enum read_status read_status_of_slot(struct slot_context *context,
                                            const struct task_slot *slot)
{
	int fd = openat(slot->dir_fd, "status", O_RDONLY | O_CLOEXEC);
	enum read_status status;

	if (fd < 0)
		return task_slot_open_status(errno);
	status = read_status_text(fd, &context->status);
	close(fd);
	return status;
}

/*
 * The directory was opened by pid; that a kept descriptor still reads afterwards proves that the
 * pid did not change hands.
 */
static enum read_status read_status_by_pid(struct slot_context *context, struct task_slot *slot)
{
	enum read_status status;
	char text[32];

	slot->dir_fd = task_slot_open_directory(context, slot->task.pid);
	if (slot->dir_fd < 0)
		return task_slot_open_status(errno);
	status = read_status_of_slot(context, slot);
	close(slot->dir_fd);
	slot->dir_fd = -1;
	if (status != READ_OK)
		return status;
	return task_slot_read(slot, SLOT_ADJ, text, sizeof(text));
}

/* The first other thread that still has the memory, as status text in the context. */
static bool read_living_thread(struct slot_context *context, int32_t pid, DIR *threads)
{
	const struct dirent *entry;

	while ((entry = readdir(threads))) { // NOLINT(concurrency-mt-unsafe): a stream of our own
		struct process_facts facts = { 0 };
		struct status_extra extra = { 0 };
		char path[64 + sizeof(entry->d_name)];
		bool has_memory;
		int fd;

		if (entry->d_name[0] == '.' || strtol(entry->d_name, NULL, 10) == pid)
			continue;
		(void)snprintf(path, sizeof(path), "%d/task/%s/status", pid, entry->d_name);
		fd = openat(context->proc_fd, path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		has_memory =
		        read_status_text(fd, &context->status) == READ_OK &&
		        parse_status(context->status.at, context->status.len, &facts, &extra) &&
		        fact_known(facts.vm_rss);
		close(fd);
		if (has_memory)
			return true;
	}
	return false;
}

/*
 * A first thread that has ended while others live on is a zombie without figures; the memory is
 * still the process's, and the OOM killer counts it (mm/oom_kill.c:find_lock_task_mm).
 */
static void look_at_other_threads(struct slot_context *context, struct task_slot *slot)
{
	struct oom_task *task = &slot->task;
	char path[64];
	DIR *threads;
	int fd;

	(void)snprintf(path, sizeof(path), "%d/task", task->pid);
	fd = openat(context->proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	threads = fd >= 0 ? fdopendir(fd) : NULL;
	if (!threads) {
		if (fd >= 0)
			close(fd);
		return;
	}
	if (read_living_thread(context, task->pid, threads))
		task_slot_set_flag(task, OOM_TASK_NO_MM, !take_status(context, slot, true));
	closedir(threads);
}

enum read_status task_slot_refresh_status(struct slot_context *context, struct task_slot *slot)
{
	enum read_status status = slot->dir_fd >= 0 ? read_status_of_slot(context, slot)
	                                            : read_status_by_pid(context, slot);
	struct oom_task *task = &slot->task;

	task->is_partial = status != READ_OK;
	if (status != READ_OK)
		return status;
	task_slot_set_flag(task, OOM_TASK_NO_MM, !take_status(context, slot, false));
	if ((task->flags & OOM_TASK_NO_MM) && fact_or(task->score, 0))
		look_at_other_threads(context, slot);
	slot->status_round = context->round;
	return READ_OK;
}
