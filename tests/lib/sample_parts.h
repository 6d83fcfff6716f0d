/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TESTS_LIB_SAMPLE_PARTS_H
#define HEAPTOP_TESTS_LIB_SAMPLE_PARTS_H

/* What sample_snapshot.c is put together from. */
#include "tests/lib/sample_snapshot.h"

/** Fills the VMAs and, from their sums, VmSize and VmRSS. */
void sample_fill_vmas(struct part *part, struct process_facts *process);

void sample_fill_heap(struct part *part);

/** The machine, the cgroup path and the process table with its ranking. */
void sample_fill_system(struct part *part);
void sample_fill_cgroup(struct part *part);
void sample_fill_oom(struct part *part);

/** Events of the last minute and a mark in it. */
void sample_fill_past(struct sample *sample);

/** Gives a VMA a name of raw bytes. */
void sample_name(struct region *region, struct vma_set *set, struct vma *v, const char *name,
                 size_t len);

#endif
