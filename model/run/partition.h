/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_RUN_PARTITION_H
#define HEAPTOP_MODEL_RUN_PARTITION_H

/**
 * Where a process's address space goes: every VMA in exactly one row, so that the rows add up to
 * VmSize to the byte.
 */
#include <stdbool.h>
#include <stdint.h>

#include "model/base/fact.h"
#include "model/facts/vma.h"

enum space_row {
	SPACE_HEAP,    /* the brk area and the arenas' heaps */
	SPACE_MMAPPED, /* mappings that hold mmapped chunks */
	SPACE_FILE,    /* private file mappings, their bss, vdso and vvar */
	SPACE_STACK,   /* main and thread stacks */
	SPACE_ANON,    /* other private anonymous memory */
	SPACE_SHM,     /* shared mappings */
	SPACE_RESERVE, /* PROT_NONE: reservations and guards */
	SPACE_ROW_COUNT
};

struct space_sum {
	uint64_t virt; /* bytes */
	uint64_t vmas;
	struct fact rss; /* unknown as long as one VMA's is */
};

struct partition {
	struct space_sum rows[SPACE_ROW_COUNT];
	struct space_sum total;
};

/** The row that a kind of VMA belongs to. */
enum space_row partition_row(enum vma_kind kind);

/** True for mappings that the kernel does not count in VmSize: the vsyscall page, which has no VMA. */
bool partition_is_outside(const struct vma *v);

/** Sums a set up. O(n). */
void partition_sum(const struct vma_set *set, struct partition *ret);

#endif
