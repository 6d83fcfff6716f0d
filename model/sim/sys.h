/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_SIM_SYS_H
#define HEAPTOP_MODEL_SIM_SYS_H

/**
 * The narrow waist: all that an allocator asks of a kernel. Behind it stands model/linux (struct
 * lx_mm), or a test's script. Arguments and results are those of the system calls of x86-64 and
 * aarch64 (asm-generic values): a failure is -errno, a success an address or 0.
 *
 * Callers use the sys_…() functions, which keep a list of the calls of one operation.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/base/region.h"
#include "model/sim/why.h"

enum sys_nr { SYS_BRK, SYS_MMAP, SYS_MUNMAP, SYS_MREMAP, SYS_MPROTECT, SYS_MADVISE, SYS_NR_COUNT };

/* Linux include/uapi/asm-generic/mman-common.h, mman.h */
enum {
	SYS_PROT_NONE = 0,
	SYS_PROT_READ = 1,
	SYS_PROT_WRITE = 2,
	SYS_PROT_EXEC = 4,

	SYS_MAP_SHARED = 0x01,
	SYS_MAP_PRIVATE = 0x02,
	SYS_MAP_FIXED = 0x10,
	SYS_MAP_ANONYMOUS = 0x20,
	SYS_MAP_GROWSDOWN = 0x100,
	SYS_MAP_LOCKED = 0x2000,
	SYS_MAP_NORESERVE = 0x4000,
	SYS_MAP_POPULATE = 0x8000,
	SYS_MAP_STACK = 0x20000,
	SYS_MAP_HUGETLB = 0x40000,

	SYS_MREMAP_MAYMOVE = 1,

	SYS_MADV_DONTNEED = 4,
	SYS_MADV_FREE = 8,
	SYS_MADV_DONTFORK = 10,
	SYS_MADV_DOFORK = 11,
	SYS_MADV_MERGEABLE = 12,
	SYS_MADV_UNMERGEABLE = 13,
	SYS_MADV_HUGEPAGE = 14,
	SYS_MADV_NOHUGEPAGE = 15,
	SYS_MADV_GUARD_INSTALL = 102,
	SYS_MADV_GUARD_REMOVE = 103,
};

struct sys_call {
	uint64_t arg[6]; /* as the kernel sees them; how many: sys_arg_count() */
	int64_t result;  /* brk: the break afterwards, also when it refused */
	uint8_t nr;      /* enum sys_nr */
};

struct sys;

struct sys_ops {
	uint64_t (*brk)(struct sys *sys, uint64_t addr);
	int64_t (*mmap)(struct sys *sys, uint64_t addr, uint64_t len, uint32_t prot,
	                uint32_t flags);
	int64_t (*munmap)(struct sys *sys, uint64_t addr, uint64_t len);
	int64_t (*mremap)(struct sys *sys, uint64_t addr, uint64_t old_len, uint64_t new_len,
	                  uint32_t flags);
	int64_t (*mprotect)(struct sys *sys, uint64_t addr, uint64_t len, uint32_t prot);
	int64_t (*madvise)(struct sys *sys, uint64_t addr, uint64_t len, uint32_t advice);
};

struct sys {
	const struct sys_ops *ops;
	struct why *why;        /* where calls are told; NULL: nowhere */
	struct region *region;  /* owner of `calls` */
	struct sys_call *calls; /* of the operation under way */
	size_t count, room;
	bool lost; /* out of memory: calls are missing from the list */
};

uint64_t sys_brk(struct sys *sys, uint64_t addr);
int64_t sys_mmap(struct sys *sys, uint64_t addr, uint64_t len, uint32_t prot, uint32_t flags);
int64_t sys_munmap(struct sys *sys, uint64_t addr, uint64_t len);
int64_t sys_mremap(struct sys *sys, uint64_t addr, uint64_t old_len, uint64_t new_len,
                   uint32_t flags);
int64_t sys_mprotect(struct sys *sys, uint64_t addr, uint64_t len, uint32_t prot);
int64_t sys_madvise(struct sys *sys, uint64_t addr, uint64_t len, uint32_t advice);

/** Forgets the calls so far: a new operation begins. Keeps the memory. */
static inline void sys_clear(struct sys *sys)
{
	sys->count = 0;
}

/** True when a result is -errno (Linux: the last 4095 values). */
static inline bool sys_failed(int64_t result)
{
	return result < 0 && result >= -4095;
}

/** True of mmap's file when there is none, which people write as -1. */
static inline bool sys_is_no_file(const struct sys_call *call, unsigned arg)
{
	return call->nr == SYS_MMAP && arg == 4 && call->arg[arg] == UINT64_MAX;
}

const char *sys_name(enum sys_nr nr); /* "brk", "mmap", … */
unsigned sys_arg_count(enum sys_nr nr);

#endif
