/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_PROBES_PROBES_H
#define HEAPTOP_PROBES_PROBES_H

/**
 * All that the outside may ask of probes/: sources of snapshots, the sampler that drives one, the
 * list of processes, starting a program, the diagnosis of what can be read. Included by main.c and
 * cli_*.c only.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "model/base/err.h"
#include "model/facts/source.h"

/* --- sources ---------------------------------------------------------------------------------- */

/** A live process. Fails for: no such process, kernel thread, zombie (each said so). */
bool source_live_open(int32_t pid, struct source **ret, struct err *reterr);

/** Closes and frees any source; accepts NULL. */
void source_close(struct source *source);

/** Fills the machine-wide parts only (system, OOM table), for `heaptop oom`. `cgroup` may be NULL. */
bool host_snapshot(const char *cgroup, const struct snapshot **ret, struct err *reterr);

/* --- freezing --------------------------------------------------------------------------------- */

struct freeze; /* every thread of a process, stopped by ptrace */

/** Stops all threads (PTRACE_SEIZE, PTRACE_INTERRUPT); on failure none stays stopped. */
bool freeze_stop(int32_t pid, struct freeze **ret, struct err *reterr);
/** Lets them go on and returns how long they were stopped, in ns. Accepts NULL. */
uint64_t freeze_resume(struct freeze *freeze);

/* --- sampler: one thread, one-slot mailbox ---------------------------------------------------- */

struct sampler;

struct sampler_settings {
	uint32_t interval_ms;         /* 100 … 10,000 */
	uint32_t cpu_budget_permille; /* of one core, for walks; default 50 */
};

/** Takes over `source`, which it closes in the end. */
bool sampler_start(struct source *source, const struct sampler_settings *settings,
                   struct sampler **ret, struct err *reterr);
/** Readable (poll) whenever a newer snapshot waits. */
int sampler_fd(const struct sampler *sampler);
/** The newest unread snapshot, whose reference the caller gets; NULL when there is none. */
const struct snapshot *sampler_take(struct sampler *sampler);
void sampler_set_interval(struct sampler *sampler, uint32_t interval_ms);
void sampler_set_budget(struct sampler *sampler, uint32_t cpu_budget_permille);
/** Asks for parts sooner than their pace (enum take_what); TAKE_FREEZE stops the target once. */
void sampler_want(struct sampler *sampler, uint32_t what);
/** Which parts the view on screen shows, so that others may rest (enum take_what). */
void sampler_focus(struct sampler *sampler, uint32_t what);
/** What a view looks at in malloc's memory, answered soon and after each walk; NULL: nothing any more. */
void sampler_look(struct sampler *sampler, const struct window_request *request);
/** The walk under way, in thousandths of the heap; 0: none is. */
uint32_t sampler_walk_permille(struct sampler *sampler);
/** Asks to stop, joins, closes the source; accepts NULL. Never waits for the target. */
void sampler_stop(struct sampler *sampler);

/* --- processes -------------------------------------------------------------------------------- */

struct process_row {
	int32_t pid;
	uint32_t uid;
	char user[32];     /* name, or the uid as text */
	char comm[64];     /* raw bytes */
	char cmdline[128]; /* raw bytes, NULs turned into blanks; empty for kernel threads */
	uint64_t rss_bytes, swap_bytes;
	int16_t oom_adj;
	int32_t oom_score;
	bool is_kthread;
	bool may_read; /* ptrace-read access: malloc's state can be shown */
};

struct process_list {
	struct process_row *rows;
	size_t count;
};

/** All processes, largest RSS first; free with process_list_free(). */
bool process_list_read(struct process_list *ret, struct err *reterr);
void process_list_free(struct process_list *list);

/* --- starting programs ------------------------------------------------------------------------ */

/** Starts argv with its output kept off the terminal when `quiet`; returns its pid. */
bool spawn_program(char *const argv[], bool quiet, pid_t *ret, struct err *reterr);
/** Starts the built-in demonstration workload as a child. */
bool spawn_demo(pid_t *ret, struct err *reterr);
/**
 * The workload itself; returns only when it could not start (exit code). It ends by SIGTERM, and with
 * `parent` given also when that process ends.
 */
int demo_workload(pid_t parent);
/** Ends a child that spawn_… started and waits for it. */
void spawn_end(pid_t pid);

/* --- doctor ----------------------------------------------------------------------------------- */

/** What can be read here and of `pid` (0: only here), with remedies. False when something is missing. */
bool doctor_report(int32_t pid, FILE *out);

#endif
