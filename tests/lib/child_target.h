/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TESTS_LIB_CHILD_TARGET_H
#define HEAPTOP_TESTS_LIB_CHILD_TARGET_H

/**
 * A real target: a forked child that builds a heap with the real malloc and then holds still, seen
 * through a plain struct memory (process_vm_readv and pagemap). Allocation failures abort.
 *
 * The child's function gets two descriptors: it writes what it knows of itself to `out` and waits for
 * orders on `in`; when `in` ends, it ends.
 */
#include <sys/types.h>

#include "model/facts/memory.h"
#include "model/facts/vma.h"
#include "model/rules/glibc.h"

struct child_target {
	struct memory mem; /* first: the decoder's handle */
	pid_t pid;
	int in, out; /* the parent's ends: what the child wrote, what it reads */
	int pagemap_fd;
	struct vma_set vmas;
	char *names;
};

/** False when this program's malloc is not glibc's (a sanitizer's): nothing can be compared then. */
bool child_target_possible(void);

void child_target_start(struct child_target *target, void (*body)(int in, int out));
void child_target_end(struct child_target *target);

/** Reads exactly `len` bytes of what the child says; aborts when it ends before. */
void child_target_hear(struct child_target *target, void *buf, size_t len);
/** Sends an order of one byte. */
void child_target_tell(struct child_target *target, char order);

/** Reads the child's VMAs anew. */
const struct vma_set *child_target_vmas(struct child_target *target);
/** Bytes of [start, end) that are present. */
uint64_t child_target_resident(struct child_target *target, uint64_t start, uint64_t end);

/** This program's own glibc: the layout, and main_arena (the same in every child). */
const struct malloc_layout *child_target_layout(void);
uint64_t child_target_main_arena(void);

/* For the child's side. */
void child_say(int out, const void *buf, size_t len);
/** The next order, 0 when the parent is gone. */
char child_hear(int in);

#endif
