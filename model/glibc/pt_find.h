/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_GLIBC_PT_FIND_H
#define HEAPTOP_MODEL_GLIBC_PT_FIND_H

/**
 * Private to pt_find*.c: recognising main_arena and mp_ by what they hold. Points are added up rather
 * than tests required, because tunables, mallopt() and a busy target each break one or the other.
 */
#include "model/glibc/pt_header.h"

/* A copy of a module's writable data under examination. */
struct scan {
	const struct decode *d;
	const uint8_t *bytes;
	size_t len;
	uint64_t base;
	const struct vma *heap;     /* [heap], or NULL */
	struct pt_candidate *found; /* best first */
	size_t count, room;
};

/** Looks up [heap]; found stays empty. */
struct scan scan_open(const struct decode *d, const uint8_t *bytes, size_t len, uint64_t base);

/** Keeps the best candidates, each address once with its best layout (the newest of equals). */
void scan_keep(struct scan *scan, struct pt_candidate candidate);

/** True when following `next` from `addr` leads back to it. */
bool ring_closes(const struct decode *d, const struct malloc_layout *lay, uint64_t addr);

#endif
