/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_BASE_ERR_H
#define HEAPTOP_MODEL_BASE_ERR_H

/**
 * An error as its reader needs it: what could not be done, why, and the way out.
 *
 * A `struct err` lives in the caller's frame. A function that can fail returns bool (true: done)
 * and takes `struct err *reterr` last; it fills *reterr only on failure. Only tui/ prints errors.
 * Setting an error allocates nothing, so that "out of memory" can always be reported.
 */
#include <stdbool.h>

enum err_kind {
	ERR_NONE,
	ERR_FAILED,      /* the job failed: exit 1 */
	ERR_USAGE,       /* the command line or an input file is wrong: exit 2 */
	ERR_PERMISSION,  /* exit 3 */
	ERR_NO_PROCESS,  /* no such process, or it has ended: exit 4 */
	ERR_UNSUPPORTED, /* an ABI, libc or kernel that is not decoded: exit 1 */
	ERR_NO_MEMORY,   /* heaptop's own memory: exit 1 */
	ERR_KIND_COUNT
};

struct err {
	enum err_kind kind;
	int os_errno; /* 0: not from a system call */
	char what[160];
	char why[256];
	char remedy[256]; /* empty: none is known */
};

/** Fills *err (which may be NULL) and returns false, so that callers can `return err_set(…)`. */
bool err_set(struct err *err, enum err_kind kind, int os_errno, const char *what, const char *why);

/** Adds the remedy, printf style. Truncates silently. */
void err_remedy(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** As err_set, with `why` printf style. */
bool err_setf(struct err *err, enum err_kind kind, const char *what, const char *why, ...)
        __attribute__((format(printf, 4, 5)));

/** The program's exit code for an error: 0 for ERR_NONE. */
int err_exit_code(const struct err *err);

#endif
