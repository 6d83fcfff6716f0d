/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One process of the OOM table. Each round reads statm, oom_score and oom_score_adj; swap and page
 * tables are only in status, ten times dearer, which is read when one of the three moved. A change
 * of the page tables alone that is too small for a step of oom_score shows at the next full turn.
 */
#include "probes/tasks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes/parse_status.h"
#include "probes/parse_words.h"

#define PF_KTHREAD 0x00200000u /* Linux include/linux/sched.h */

static const char *const file_names[SLOT_FILES] = {
	[SLOT_STATM] = "statm",
	[SLOT_SCORE] = "oom_score",
	[SLOT_ADJ] = "oom_score_adj",
};

int task_slot_open_directory(const struct slot_context *context, int32_t pid)
{
	char name[16];

	(void)snprintf(name, sizeof(name), "%d", pid);
	return openat(context->proc_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static int open_file(const struct task_slot *slot, enum slot_file file)
{
	return openat(slot->dir_fd, file_names[file], O_RDONLY | O_CLOEXEC);
}

enum read_status task_slot_open_status(int os_errno)
{
	/* a process that is gone has no files */
	enum read_status status = os_errno == ENOENT ? READ_GONE : read_status_of(os_errno);

	return status == READ_OK ? READ_FAILED : status;
}

enum read_status task_slot_read_once(int fd, char *text, size_t size, size_t *ret_len)
{
	ssize_t got;

	do {
		got = pread(fd, text, size - 1, 0);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return read_status_of(errno);
	text[got] = '\0';
	*ret_len = (size_t)got;
	return READ_OK;
}

enum read_status task_slot_read(const struct task_slot *slot, enum slot_file file, char *text,
                                size_t size)
{
	int fd = slot->fds[file] >= 0 ? slot->fds[file] : open_file(slot, file);
	enum read_status status;
	size_t len;

	if (fd < 0)
		return task_slot_open_status(errno);
	status = task_slot_read_once(fd, text, size, &len);
	if (fd != slot->fds[file])
		close(fd);
	return status;
}

void task_slot_set_flag(struct oom_task *task, enum oom_task_flag flag, bool on)
{
	if (on)
		task->flags |= (uint32_t)flag;
	else
		task->flags &= ~(uint32_t)flag;
}

/* --- each round ------------------------------------------------------------------------------- */

/* An optional minus and digits. */
static bool read_signed(const char *text, int64_t *ret)
{
	struct span rest = { text, strlen(text) };
	bool negative = span_skip(&rest, "-");
	uint64_t value;

	if (!span_number(&rest, &value) || value > INT32_MAX)
		return false;
	*ret = negative ? -(int64_t)value : (int64_t)value;
	return true;
}

static enum read_status refresh_adj(struct task_slot *slot, bool *ret_moved)
{
	char text[32];
	int64_t adj;
	enum read_status status = task_slot_read(slot, SLOT_ADJ, text, sizeof(text));

	if (status != READ_OK)
		return status;
	if (read_signed(text, &adj) && adj >= -1000 && adj <= 1000 && adj != slot->task.adj) {
		slot->task.adj = (int16_t)adj;
		*ret_moved = true;
	}
	return READ_OK;
}

static enum read_status refresh_score(struct task_slot *slot, bool *ret_moved)
{
	char text[32];
	int64_t score;
	enum read_status status = task_slot_read(slot, SLOT_SCORE, text, sizeof(text));

	if (status != READ_OK)
		return status;
	if (!read_signed(text, &score) || score < 0) {
		slot->task.score = fact_unknown();
	} else if (!fact_known(slot->task.score) || slot->task.score.v != (uint64_t)score) {
		slot->task.score = fact_of((uint64_t)score);
		*ret_moved = true;
	}
	return READ_OK;
}

static enum read_status refresh_statm(struct task_slot *slot, bool *ret_moved)
{
	char text[sizeof(slot->statm)];
	struct statm_facts statm;
	enum read_status status = task_slot_read(slot, SLOT_STATM, text, sizeof(text));

	if (status != READ_OK || strcmp(text, slot->statm) == 0)
		return status;
	memcpy(slot->statm, text, sizeof(text));
	*ret_moved = true;
	if (parse_statm(text, strlen(text), &statm))
		slot->task.rss_pages = statm.resident_pages;
	return READ_OK;
}

static enum read_status refresh_files(struct slot_context *context, struct task_slot *slot,
                                      bool with_status)
{
	bool moved = with_status || !slot->status_round;
	enum read_status status = refresh_adj(slot, &moved);

	if (slot->task.flags & OOM_TASK_KTHREAD)
		return status;
	if (status == READ_OK)
		status = refresh_statm(slot, &moved);
	if (status == READ_OK)
		status = refresh_score(slot, &moved);
	if (status == READ_OK && moved)
		status = task_slot_refresh_status(context, slot);
	return status;
}

static enum read_status read_stat(const struct task_slot *slot, struct stat_facts *ret)
{
	int fd = openat(slot->dir_fd, "stat", O_RDONLY | O_CLOEXEC);
	char text[1024];
	enum read_status status;
	size_t len = 0;

	if (fd < 0)
		return task_slot_open_status(errno);
	status = task_slot_read_once(fd, text, sizeof(text), &len);
	close(fd);
	if (status != READ_OK)
		return status;
	return parse_stat(text, len, ret) ? READ_OK : READ_FAILED;
}

/* Without kept descriptors, the start time tells whether the pid still means the same process. */
static enum read_status refresh_anew(struct slot_context *context, struct task_slot *slot,
                                     bool with_status)
{
	struct stat_facts stat = { 0 };
	enum read_status status;

	slot->dir_fd = task_slot_open_directory(context, slot->task.pid);
	if (slot->dir_fd < 0)
		return task_slot_open_status(errno);
	status = read_stat(slot, &stat);
	if (status == READ_OK && stat.start_ticks != slot->task.start_ticks)
		status = READ_GONE;
	if (status == READ_OK)
		status = refresh_files(context, slot, with_status);
	close(slot->dir_fd);
	slot->dir_fd = -1;
	return status;
}

enum read_status task_slot_refresh(struct slot_context *context, struct task_slot *slot,
                                   bool with_status)
{
	if (slot->fds[SLOT_ADJ] < 0)
		return refresh_anew(context, slot, with_status);
	return refresh_files(context, slot, with_status);
}

/* --- first and last --------------------------------------------------------------------------- */

static void drop_descriptors(struct slot_context *context, struct task_slot *slot)
{
	for (int i = 0; i < SLOT_FILES; i++) {
		if (slot->fds[i] < 0)
			continue;
		close(slot->fds[i]);
		slot->fds[i] = -1;
		context->fds_open--;
	}
}

/* All or none. Kernel threads never score; one descriptor shows that they live. */
static void keep_descriptors(struct slot_context *context, struct task_slot *slot)
{
	bool is_kthread = slot->task.flags & OOM_TASK_KTHREAD;

	if (context->fds_open + SLOT_FILES > context->fds_max)
		return;
	for (int i = 0; i < SLOT_FILES; i++) {
		if (is_kthread && i != SLOT_ADJ)
			continue;
		slot->fds[i] = open_file(slot, (enum slot_file)i);
		if (slot->fds[i] < 0) {
			drop_descriptors(context, slot);
			return;
		}
		context->fds_open++;
	}
}

static enum read_status first_look(struct slot_context *context, struct task_slot *slot)
{
	struct oom_task *task = &slot->task;
	struct stat_facts stat = { 0 };
	enum read_status status;

	slot->dir_fd = task_slot_open_directory(context, task->pid);
	if (slot->dir_fd < 0)
		return task_slot_open_status(errno);
	status = read_stat(slot, &stat);
	if (status == READ_OK) {
		task->start_ticks = stat.start_ticks;
		task->ppid = stat.ppid;
		memcpy(task->comm, stat.comm, sizeof(task->comm) - 1);
		task_slot_set_flag(task, OOM_TASK_KTHREAD, stat.kernel_flags & PF_KTHREAD);
		task_slot_set_flag(task, OOM_TASK_INIT, task->pid == 1 && context->is_init_ns);
		keep_descriptors(context, slot);
		status = refresh_files(context, slot, true);
	}
	close(slot->dir_fd);
	slot->dir_fd = -1;
	return status;
}

struct task_slot *task_slot_open(struct slot_context *context, int32_t pid,
                                 enum read_status *ret_why)
{
	struct task_slot *slot = calloc(1, sizeof(*slot));

	*ret_why = READ_NO_MEMORY;
	if (!slot)
		return NULL;
	slot->task.pid = pid;
	slot->thread_count = 1;
	slot->dir_fd = -1;
	for (int i = 0; i < SLOT_FILES; i++)
		slot->fds[i] = -1;
	*ret_why = first_look(context, slot);
	if (*ret_why == READ_OK)
		return slot;
	task_slot_close(context, slot);
	return NULL;
}

void task_slot_close(struct slot_context *context, struct task_slot *slot)
{
	drop_descriptors(context, slot);
	free(slot);
}
