/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_PROBES_MEM_LIVE_H
#define HEAPTOP_PROBES_MEM_LIVE_H

/** The inside of a live process's memory, shared by mem.c and mem_gather.c only. */
#include <sys/uio.h>

#include "model/facts/memory.h"
#include "model/facts/vma.h"
#include "probes/mem_file.h"
#include "probes/pagemap.h"
#include "probes/read.h"

enum { MEM_IOV_MAX = 1024 }; /* the kernel's UIO_MAXIOV */

struct mem_live {
	struct memory base;
	const struct proc *proc;
	const struct vma_set *vmas; /* NULL: nothing is known to be mapped */
	struct pagemap map;         /* by mem_look() only: proc may have opened its page map anew */
	struct mem_files files;
	uint64_t page;    /* bytes */
	int mem_fd;       /* /proc/PID/mem: the fall-back */
	bool no_vm_readv; /* process_vm_readv is refused here (seccomp, kernel without it) */
	uint64_t read_ns;
	/* The present pages met last: reading on within them needs no second look, for a while. */
	uint64_t present_start, present_end, present_seen_ns;
};

/** pagemap_spans() of this memory. */
long mem_look(struct mem_live *mem, uint64_t start, uint64_t end, struct page_span *ret,
              size_t room, uint64_t *ret_reached);

/** A stretch of the target, as the kernel's interface wants it. */
static inline struct iovec mem_remote(uint64_t addr, size_t len)
{
	/* NOLINTNEXTLINE(performance-no-int-to-ptr): never dereferenced here */
	return (struct iovec){ .iov_base = (void *)(uintptr_t)addr, .iov_len = len };
}

/** MEM_OK when present pages of `v` (may be NULL) may be read. */
enum mem_status mem_may_read(const struct vma_set *vmas, const struct vma *v);

/**
 * Reads the remote pieces into the local ones, pairwise of equal length, all on pages seen present
 * a moment ago; `local` and `remote` are used up. Returns the bytes read before the first failure;
 * *ret_status says why there are no more: MEM_OK, MEM_GONE, MEM_DENIED or MEM_FAILED.
 */
size_t mem_read_present(struct mem_live *mem, struct iovec *local, struct iovec *remote,
                        size_t count, enum mem_status *ret_status);

size_t mem_live_read(struct memory *base, uint64_t addr, void *buf, size_t len,
                     enum mem_status *ret_status);
size_t mem_live_pages(struct memory *base, uint64_t start, uint64_t end, struct mem_range *ranges,
                      size_t room);
void mem_live_gather(struct memory *base, struct mem_piece *pieces, size_t count);

/** Memory of which every reading is refused. Nobody frees it. */
struct memory *mem_denied(void);

#endif
