/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_PROBES_MEM_FILE_H
#define HEAPTOP_PROBES_MEM_FILE_H

/**
 * Pages of private file mappings that the target has not touched: their content is the file's, so
 * it is read there. The few files in use last are kept open.
 */
#include "model/facts/vma.h"
#include "probes/read.h"

enum { MEM_FILES_KEPT = 8 };

struct mem_file {
	uint64_t inode;
	uint32_t dev_major, dev_minor;
	int fd;        /* -1: could not be opened, and is not tried again */
	uint64_t used; /* higher: later; 0: free place */
};

struct mem_files {
	const struct proc *proc; /* whose mappings they are */
	struct mem_file kept[MEM_FILES_KEPT];
	uint64_t uses;
};

void mem_files_close(struct mem_files *files);

/**
 * Reads what a private mapping shows at [addr, addr + len), inside `v`. Returns the leading bytes
 * that could be read; there are none behind the page in which the file ends.
 */
size_t mem_file_read(struct mem_files *files, const struct vma_set *set, const struct vma *v,
                     uint64_t addr, void *buf, size_t len);

#endif
