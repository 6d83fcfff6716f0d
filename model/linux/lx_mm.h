/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_LINUX_LX_MM_H
#define HEAPTOP_MODEL_LINUX_LX_MM_H

/**
 * A process's address space that can be changed: its VMAs, its break, and the system calls that change
 * them, by Linux's rules. It stands behind sim/sys.h.
 *
 * The bytes are the image's; this is where mappings end and what they allow. A branch shares the list
 * of VMAs until one side changes it; changes are journaled, so that an operation can be taken back.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/base/err.h"
#include "model/base/region.h"
#include "model/facts/process.h"
#include "model/facts/system.h"
#include "model/facts/vma.h"
#include "model/linux/lx_commit_state.h"
#include "model/rules/linux.h"
#include "model/sim/image.h"
#include "model/sim/sys.h"

/* Of a VMA, as far as it decides something (Linux include/linux/mm.h:VM_…; own numbers). */
enum lx_vm_flag {
	LX_VM_READ = 1 << 0,
	LX_VM_WRITE = 1 << 1,
	LX_VM_EXEC = 1 << 2,
	LX_VM_SHARED = 1 << 3,
	LX_VM_GROWSDOWN = 1 << 4,
	LX_VM_LOCKED = 1 << 5,
	LX_VM_ACCOUNT = 1 << 6,
	LX_VM_NORESERVE = 1 << 7,
	LX_VM_HUGEPAGE = 1 << 8,
	LX_VM_NOHUGEPAGE = 1 << 9,
	LX_VM_DONTCOPY = 1 << 10,
	LX_VM_MERGEABLE = 1 << 11,
	LX_VM_DONTDUMP = 1 << 12,
	LX_VM_SPECIAL = 1 << 13, /* never merges: VM_IO, VM_PFNMAP, VM_DONTEXPAND, VM_MIXEDMAP */
	LX_VM_HUGETLB = 1 << 14,
	LX_VM_MAYBE_GUARD = 1 << 15,
	LX_VM_SHM = 1 << 16,    /* shared anonymous memory that was made here: begins as zeroes */
	LX_VM_PFNMAP = 1 << 18, /* or VM_IO: no pages of memory */
	LX_VM_WHOLE = 1 << 17,  /* the kernel's own, [vdso] and [vvar]: never cut */
};

struct lx_vma {
	uint64_t start, end;
	uint64_t pgoff; /* pages; of private anonymous memory: start >> 12 when it was made */
	uint32_t flags; /* enum lx_vm_flag */
	uint32_t file;  /* 0: anonymous; else which file, shared object or special mapping */
	uint32_t anon;  /* anon_vma: 0 none, else which */
	uint32_t name;  /* index into lx_mm.names; 0: none */
};

struct lx_mm;

/* What a new address space starts with. Unknown limits: UINT64_MAX. */
struct lx_mm_start {
	const struct vma_set *vmas; /* facts of a target, of a file, or of lx_fresh_vmas() */
	uint64_t brk_start, brk;    /* exact break if known (libc's __curbrk), else the page's */
	uint64_t mmap_base;         /* 0: derived from the VMAs */
	uint64_t page;              /* page size */
	uint64_t limit_as, limit_data, limit_stack; /* bytes; UINT64_MAX: unlimited */
	uint64_t data_bytes; /* end_data - start_data: counts for RLIMIT_DATA of brk; 0: unknown */
	uint64_t max_map_count;
	bool is_forked;  /* and has not execed since: what was written then is inherited */
	struct fact thp; /* enum lx_thp; unknown: madvise */
	struct lx_commit_state commit;
	struct fact committed; /* bytes, Committed_AS; unknown: nothing else is committed */
	const struct linux_rules *rules;
	struct image *image; /* may be NULL: only the map is simulated */
};

/** NULL when out of memory. `region` owns everything that is shared between branches. The image asks
 * this address space from now on (image.backing). */
struct lx_mm *lx_mm_new(struct region *region, const struct lx_mm_start *start);
/** A branch that works on another image. NULL when out of memory. */
struct lx_mm *lx_mm_branch(struct lx_mm *from, struct image *image);
void lx_mm_end(struct lx_mm *mm);

/** The system calls of sim/sys.h; the calls list is the caller's to clear. */
struct sys *lx_mm_sys(struct lx_mm *mm);
/** Where decisions are told from now on; NULL: nowhere. */
void lx_mm_set_why(struct lx_mm *mm, struct why *why);

/* Addresses that no process has: libc's data where the target's is not known, always IMAGE_OK. */
#define LX_OWN_START IMAGE_PRIVATE_END
#define LX_OWN_END   (LX_OWN_START + (UINT64_C(4) << 20))
/* From here up to there: who shares which page, the kernel model's own. */
#define LX_COW_START UINT64_C(0x0e00000000000000)

/** What the image asks of a struct lx_mm on a TLB miss (see struct image_backing). */
enum image_fault lx_mm_access(void *of, uint64_t addr, bool is_write);

/* What writing to each page of a range did. */
struct lx_touch {
	uint64_t pages;   /* written, touched before or not */
	uint64_t faulted; /* of them, newly resident */
	bool segv;        /* stopped at an address that may not be written */
	uint64_t segv_addr;
};
/** Writes to each page of [start, end), as a program would. Without an image all count as faulted. */
void lx_touch(struct lx_mm *mm, uint64_t start, uint64_t end, struct lx_touch *ret);

/**
 * mm_populate() of a part of a VMA: writes what is private and may be written, reads the rest. A page of
 * shared memory is its file's at once; of private memory the zero page is read.
 */
void lx_populate(struct lx_mm *mm, uint64_t start, uint64_t end);
/** From now on mmap() leaves that to its caller, who knows what memory there is. */
void lx_mm_leave_populate(struct lx_mm *mm);

/* --- what it looks like --------------------------------------------------------------------------- */

size_t lx_mm_count(const struct lx_mm *mm);
const struct lx_vma *lx_mm_at(const struct lx_mm *mm, size_t i); /* by address */
/** The VMA that holds `addr`, or NULL. */
const struct lx_vma *lx_mm_find(const struct lx_mm *mm, uint64_t addr);
/** Its rights as enum vma_prot. */
static inline uint32_t lx_vma_prot(const struct lx_vma *vma)
{
	_Static_assert((int)LX_VM_READ == (int)VMA_READ && (int)LX_VM_WRITE == (int)VMA_WRITE &&
	                       (int)LX_VM_EXEC == (int)VMA_EXEC &&
	                       (int)LX_VM_SHARED == (int)VMA_SHARED,
	               "the same bits");
	return vma->flags & (LX_VM_READ | LX_VM_WRITE | LX_VM_EXEC | LX_VM_SHARED);
}

/** "[heap]", "[stack]", a file's path or "" (raw bytes of the target, as in maps). */
const char *lx_vma_name(const struct lx_mm *mm, const struct lx_vma *vma);
const struct linux_rules *lx_mm_rules(const struct lx_mm *mm);
uint64_t lx_mm_brk(const struct lx_mm *mm);
uint64_t lx_mm_total_pages(const struct lx_mm *mm); /* mm->total_vm */
uint64_t lx_mm_data_pages(const struct lx_mm *mm);  /* mm->data_vm */
/** Pages of VM_ACCOUNT VMAs and of shared memory made here. */
uint64_t lx_mm_charged_pages(const struct lx_mm *mm);

/* Limits that a scenario may set. */
enum lx_limit { LX_LIMIT_AS, LX_LIMIT_DATA, LX_LIMIT_STACK, LX_LIMIT_MAP_COUNT, LX_LIMIT_COUNT };
void lx_mm_set_limit(struct lx_mm *mm, enum lx_limit limit, uint64_t value);

/** Counters that a setting may give another value than the VMAs have, in pages. */
void lx_mm_set_total_pages(struct lx_mm *mm, uint64_t pages);
void lx_mm_set_data_pages(struct lx_mm *mm, uint64_t pages);

/* --- transparent huge pages ------------------------------------------------------------------------- */

/* /sys/kernel/mm/transparent_hugepage/enabled, in the order of its words. */
enum lx_thp { LX_THP_ALWAYS, LX_THP_MADVISE, LX_THP_NEVER };
void lx_mm_set_thp(struct lx_mm *mm, enum lx_thp mode);
/** How many were taken to be had so far: each an estimate of 512 pages. */
uint64_t lx_mm_huge_faults(const struct lx_mm *mm);

/* --- commitment ------------------------------------------------------------------------------------- */

const struct lx_commit_state *lx_mm_commit_state(const struct lx_mm *mm);
void lx_mm_set_commit_state(struct lx_mm *mm, const struct lx_commit_state *state);

/** Committed_AS in pages; below 0 only when it was set below what is charged. */
int64_t lx_mm_committed(const struct lx_mm *mm);
void lx_mm_set_committed(struct lx_mm *mm, uint64_t pages);
/** The part of it that what was simulated adds: the process, its children, shared memory. */
uint64_t lx_mm_own_committed(const struct lx_mm *mm);

/**
 * How far off the kernel's counter can have been, in pages, when a decision since the last clearing was
 * so close that this mattered: the kernel may then have decided otherwise. 0: all were certain.
 */
uint64_t lx_mm_band(const struct lx_mm *mm);
void lx_mm_clear_band(struct lx_mm *mm);

/** fork(): charges a child, which shares what is resident. 0 or -errno. */
struct lx_forked {
	uint64_t pages;  /* that lx_mm_child_exit() gives back to Committed_AS */
	uint32_t number; /* from 1; 0: too many to be told apart */
};
int lx_mm_fork(struct lx_mm *mm, struct lx_forked *ret);
void lx_mm_child_exit(struct lx_mm *mm, const struct lx_forked *child);
/** What a child has of the process's resident pages, and page tables for them. */
void lx_fork_share(const struct lx_mm *mm, uint64_t *ret_rss, uint64_t *ret_tables);
/** Pages that only children hold: the process has written to its copy, or given the page up. */
uint64_t lx_mm_kept(const struct lx_mm *mm);

/* --- journal ---------------------------------------------------------------------------------------- */

/** Where the journal stands; lx_mm_undo() returns to it. Off (always 0) until lx_mm_journal(true). */
void lx_mm_journal(struct lx_mm *mm, bool on);
size_t lx_mm_mark(const struct lx_mm *mm);
void lx_mm_undo(struct lx_mm *mm, size_t mark);
void lx_mm_commit(struct lx_mm *mm, size_t mark);

/* --- a new process ------------------------------------------------------------------------------------ */

/** The VMAs that `--fresh` starts with: program, libc, loader, stack, vdso at fixed addresses. */
bool lx_fresh_vmas(struct region *region, struct vma_set *ret, uint64_t *ret_brk_start);

#endif
