/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TESTS_DIFF_PREDICT_H
#define HEAPTOP_TESTS_DIFF_PREDICT_H

/* What `heaptop simulate --json` says of an operation, one line of it. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/diff/trace.h"

struct span {
	const char *at;
	size_t len;
};

enum predicted_has {
	SAYS_ADDR = 1 << 0,
	SAYS_USABLE = 1 << 1,
	SAYS_HDR = 1 << 2,
	SAYS_RET = 1 << 3,
	SAYS_DTV = 1 << 4,
	SAYS_DTV_USABLE = 1 << 5,
	SAYS_ERRNO = 1 << 6,
	SAYS_SKIPPED = 1 << 7,
	SAYS_SUMMARY = 1 << 8,
};

enum { PREDICTED_CALLS_MAX = 64 };

struct predicted {
	uint64_t n, addr, usable, hdr, dtv, dtv_usable;
	int64_t ret, error;
	uint32_t has; /* enum predicted_has */
	struct span op, outcome, path;
	struct call calls[PREDICTED_CALLS_MAX];
	size_t call_count;
	bool is_more; /* calls than there is room for */
};

/** Reads one line; spans point into it. False: not JSON of that kind. */
bool predicted_read(const char *line, size_t len, struct predicted *ret);

#endif
