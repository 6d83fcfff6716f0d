/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_PROBES_TASKS_H
#define HEAPTOP_PROBES_TASKS_H

/**
 * Private to tasks*.c: one process of the OOM table, with the descriptors that make re-reading it
 * cheap. Open, read and close cost three times a read; a kept descriptor also never shows another
 * process that was given the same pid.
 */
#include <stdbool.h>
#include <stdint.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

/* uthash's own function does not compile without warnings, and it would exit when out of memory. */
#define HASH_FUNCTION(key, len, hash) ((hash) = (unsigned)XXH3_64bits((key), (len)))
#define HASH_NONFATAL_OOM             1
#include <uthash.h>

#include "model/facts/oom.h"
#include "probes/read_file.h"
#include "probes/user_names.h"

/*
 * Those that are kept open. Not status: it is rarely read, and behind each open file of this kind
 * the kernel keeps a buffer of a page.
 */
enum slot_file { SLOT_STATM, SLOT_SCORE, SLOT_ADJ, SLOT_FILES };

struct task_slot {
	UT_hash_handle hh; /* by task.pid */
	struct oom_task task;
	int fds[SLOT_FILES];   /* -1: not kept */
	int dir_fd;            /* only while files are opened anew; else -1 */
	char statm[96];        /* as it was read last; any change calls for status */
	uint64_t seen_round;   /* when the pid was listed last */
	uint64_t status_round; /* when status was read last */
	uint32_t thread_count; /* as of status */
};

/* What all slots share. */
struct slot_context {
	int proc_fd;    /* /proc */
	uint64_t round; /* from 1 */
	uint64_t page_size;
	bool is_init_ns;  /* pid 1 is the machine's init */
	bool score_tells; /* this kernel's oom_score is 0 only for those that are never chosen */
	size_t fds_open, fds_max;
	struct user_names users;
	struct file_text status; /* reused by every reading of status */
};

/** A process seen for the first time, read in full; NULL with *ret_why when it can't be. */
struct task_slot *task_slot_open(struct slot_context *context, int32_t pid,
                                 enum read_status *ret_why);
void task_slot_close(struct slot_context *context, struct task_slot *slot);

/** Reads what is cheap, and status when something moved or `with_status`. READ_GONE: it ended. */
enum read_status task_slot_refresh(struct slot_context *context, struct task_slot *slot,
                                   bool with_status);

/* --- shared by tasks_slot.c and tasks_status.c --- */

void task_slot_set_flag(struct oom_task *task, enum oom_task_flag flag, bool on);

/** A directory that stays one process's: when that has ended, opening below it fails. */
int task_slot_open_directory(const struct slot_context *context, int32_t pid);

/** What an errno of opening below a process's directory means; never READ_OK. */
enum read_status task_slot_open_status(int os_errno);

/** A small file in one read: the kernel hands it over in one piece, its end needs no second one. */
enum read_status task_slot_read_once(int fd, char *text, size_t size, size_t *ret_len);

/** Through the kept descriptor, or one that is opened for this reading only. */
enum read_status task_slot_read(const struct task_slot *slot, enum slot_file file, char *text,
                                size_t size);

/** Reads status, through slot->dir_fd when that is open. */
enum read_status task_slot_refresh_status(struct slot_context *context, struct task_slot *slot);

#endif
