/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_LINUX_LX_VMAS_H
#define HEAPTOP_MODEL_LINUX_LX_VMAS_H

/**
 * Private to the files behind lx_mm.h: the sorted list of VMAs, and what every call needs of it.
 *
 * All changes go through lx_splice(), which keeps the counters and the journal. It does not fail:
 * when heaptop is out of memory it changes nothing and sets `failed`, which the calls look at once,
 * at their end.
 */
#include "model/base/units.h"
#include "model/linux/lx_list.h"
#include "model/linux/lx_mm.h"

enum {
	LX_ENOMEM = 12,
	LX_EAGAIN = 11,
	LX_EACCES = 13,
	LX_EFAULT = 14,
	LX_EEXIST = 17,
	LX_EINVAL = 22,
	LX_EPERM = 1,
	LX_EBADF = 9
};

#define LX_ACCESS_FLAGS ((uint32_t)(LX_VM_READ | LX_VM_WRITE | LX_VM_EXEC))
#define LX_PMD          (2 * MIB)

/* What a change takes along and an undo brings back. */
struct lx_scalars {
	uint64_t brk;
	uint64_t total_vm, data_vm;      /* pages */
	uint64_t accounted, shm;         /* pages of VM_ACCOUNT VMAs; of shared memory made here */
	int64_t total_extra, data_extra; /* what a setting says beyond the VMAs that are listed */
	/* Committed_AS is all of: */
	int64_t elsewhere; /* charged by all that is not simulated; may be set below 0 */
	uint64_t children; /* by children that live */
	/* Of all that, what this CPU keeps from the counter that mode 2 reads. */
	int64_t own_part;
	uint64_t shm_kept; /* for shared memory that only children still map */
	uint64_t child_count;
	uint32_t inherited_below;             /* files with smaller numbers are mapped by a child */
	uint32_t thp;                         /* enum lx_thp */
	uint32_t forks, living;               /* children by number, and how many of them live */
	const struct lx_commit_state *commit; /* never changed, replaced */
	uint64_t limit[LX_LIMIT_COUNT];
};

struct lx_change {
	struct lx_scalars before;
	size_t at;
	size_t old_count, new_count; /* the old VMAs lie on top of `kept` */
	uint32_t block_file;         /* shared memory that got `blocks` pages */
	uint64_t blocks;
};

/* By `file`, ascending. Charged as long as a VMA shows any of it: whole, or what was touched. */
struct lx_shm {
	uint32_t file;
	uint32_t vmas;
	uint64_t pages;
};

struct lx_mm {
	struct sys sys;        /* first: the calls get this */
	struct region *region; /* of this branch alone; holds the lx_mm itself */
	struct lx_list *list;
	struct lx_scalars now;
	struct image *image;
	const struct linux_rules *rules;
	uint64_t page, task_size, mmap_base, brk_start;
	uint64_t data_bytes;      /* end_data - start_data */
	bool leaves_populate;     /* see lx_mm_leave_populate() */
	bool no_huge;             /* for now there is no room for a huge page */
	uint64_t huge_faults;     /* since the start, undone ones included */
	uint64_t band;            /* of the decisions since it was cleared: see lx_mm_band() */
	const char *const *names; /* [0] is "" */
	uint32_t next_anon, next_file;
	uint32_t inherited_anon; /* smaller numbers are anon_vmas that fork gave the process */
	struct lx_shm *shm;
	size_t shm_count, shm_room;

	bool is_journaling;
	bool failed; /* heaptop itself is out of memory */
	struct lx_change *changes;
	size_t change_count, change_room;
	struct lx_vma *kept;
	size_t kept_count, kept_room;
};

/** A name or a rule of Linux that came with a release. */
static inline bool lx_is_since(const struct linux_rules *rules, int major, int minor)
{
	return rules->major > major || (rules->major == major && rules->minor >= minor);
}

/* --- lx_vmas.c ------------------------------------------------------------------------------------ */

static inline struct lx_vma *lx_at(const struct lx_mm *mm, size_t i)
{
	return lx_list_at(mm->list, i);
}

static inline size_t lx_count(const struct lx_mm *mm)
{
	return mm->list->count;
}

static inline uint64_t lx_pages(const struct lx_mm *mm, const struct lx_vma *vma)
{
	return (vma->end - vma->start) / mm->page;
}

/** find_vma(): index of the first VMA that ends above `addr`; lx_count() when there is none. */
static inline size_t lx_find_vma(const struct lx_mm *mm, uint64_t addr)
{
	return lx_list_find(mm->list, addr);
}

/** Replaces `old_count` VMAs from index `at` on by those of `with`, which may not lie in the list. */
void lx_splice(struct lx_mm *mm, size_t at, size_t old_count, const struct lx_vma *with,
               size_t new_count);
/** Keeps that too for an undo that shared memory gets new pages. */
bool lx_note_blocks(struct lx_mm *mm, uint32_t file, uint64_t blocks);
/** Keeps the scalars for an undo, before one of them changes without a splice. */
void lx_note_scalars(struct lx_mm *mm);
/** Heaptop is out of memory. */
void lx_fail(struct lx_mm *mm);

/* --- lx_huge.c ------------------------------------------------------------------------------------ */

/** Whether a VMA may have huge pages at all. */
bool lx_thp_is_wanted(const struct lx_mm *mm, const struct lx_vma *vma);
/** Whether a write to `addr` of a VMA brings in a huge page. */
bool lx_thp_is_eligible(const struct lx_mm *mm, const struct lx_vma *vma, uint64_t addr);
/** Brings in those of [start, end); pages that became resident. */
uint64_t lx_thp_fault(struct lx_mm *mm, const struct lx_vma *vma, uint64_t start, uint64_t end);

/* --- lx_stack.c ----------------------------------------------------------------------------------- */

/** The VMA that an access to `addr` meets; a stack grows down to it. LX_NONE: there is none. */
size_t lx_vma_at_fault(struct lx_mm *mm, uint64_t addr);

/* --- lx_shm.c ------------------------------------------------------------------------------------- */

/** Makes shared memory for a range and numbers it; `pages` are charged once a VMA shows it. */
bool lx_shm_add(struct lx_mm *mm, struct lx_vma *range, uint64_t pages);
/** A VMA of shared memory appears (1) or goes (-1); `counts`: Committed_AS follows. */
void lx_shm_count(struct lx_mm *mm, uint32_t file, int change, bool counts);
/** What `vma` shows got `pages` new pages: of memory that was not charged whole they are charged now. */
void lx_shm_fault(struct lx_mm *mm, const struct lx_vma *vma, uint64_t pages);
/** Takes that back. */
void lx_shm_undo_fault(struct lx_mm *mm, uint32_t file, uint64_t pages);

/* --- lx_vma_merge.c --------------------------------------------------------------------------------- */

/** Adds a range where nothing is mapped; `at`: index of the next VMA. Joins it with its neighbours,
 * with the previous one only when `just_expand`. Returns the VMA's index. */
size_t lx_vma_merge_new_range(struct lx_mm *mm, size_t at, const struct lx_vma *range,
                              bool just_expand);
/** The same for mmap. */
void lx_vma_merge_mapping(struct lx_mm *mm, size_t at, const struct lx_vma *range);
/** Adds it beside its neighbours. */
void lx_vma_link(struct lx_mm *mm, size_t at, const struct lx_vma *range);
/** True when no VMA may be added to more than vm.max_map_count. */
bool lx_map_count_exceeded(const struct lx_mm *mm);
/** Gives [start, end) of the VMA at `i` other flags, merging and splitting. 0 or -errno. */
int lx_vma_modify_flags(struct lx_mm *mm, size_t i, uint64_t start, uint64_t end, uint32_t flags);
/** Whether the VMA at `i` may be cut at all: 0 or -EINVAL. */
int lx_may_split(const struct lx_mm *mm, size_t i);
/** Cuts the VMA that holds `addr` inside in two there, past any limit. */
void lx_split_at(struct lx_mm *mm, uint64_t addr);
/** The VMA at `i` is about to get its first own page. */
void lx_anon_vma_prepare(struct lx_mm *mm, size_t i);

/** The part of a VMA that begins at `start`. */
static inline struct lx_vma lx_part(const struct lx_mm *mm, const struct lx_vma *vma,
                                    uint64_t start, uint64_t end)
{
	struct lx_vma part = *vma;

	part.pgoff += (start - vma->start) / mm->page;
	part.start = start;
	part.end = end;
	return part;
}

/* --- lx_unmapped_area.c ----------------------------------------------------------------------------- */

/** Where the gap below a VMA ends: a stack keeps room below itself. */
uint64_t lx_vm_start_gap(const struct lx_mm *mm, const struct lx_vma *vma);
/** An address or -errno; `flags` are SYS_MAP_…; `addr` is a hint, page aligned, or 0. */
int64_t lx_get_unmapped_area(struct lx_mm *mm, uint64_t addr, uint64_t len, uint32_t flags);

/* --- lx_may_expand.c -------------------------------------------------------------------------------------- */

/** RLIMIT_AS and RLIMIT_DATA for `pages` more (may be negative) of such memory. */
bool lx_may_expand_vm(const struct lx_mm *mm, uint32_t flags, int64_t pages);
/** Whether `pages` more may be committed: the overcommit decision. Charges nothing. */
bool lx_vm_enough_memory(struct lx_mm *mm, int64_t pages);
bool lx_is_data_mapping(uint32_t flags);
/** `pages` (below 0: less) are committed: this CPU keeps them until it has a batch of them. */
void lx_commit_add(struct lx_mm *mm, int64_t pages);

/* --- the calls ---------------------------------------------------------------------------------------- */

/* Which tables were counted last. */
struct lx_tables {
	uint64_t pte, pmd, pud; /* address >> shift, plus 1; 0: none */
};

/** Page-table pages for what is resident in [start, end), as far as they were not counted yet; in order
 * of addresses. */
uint64_t lx_tables_of(const struct lx_mm *mm, uint64_t start, uint64_t end, struct lx_tables *seen);

/** do_munmap() of a checked range: 0 or -errno. */
int lx_do_munmap(struct lx_mm *mm, uint64_t start, uint64_t end);

uint64_t lx_brk(struct sys *sys, uint64_t addr);
int64_t lx_mmap(struct sys *sys, uint64_t addr, uint64_t len, uint32_t prot, uint32_t flags);
int64_t lx_munmap(struct sys *sys, uint64_t addr, uint64_t len);
int64_t lx_mremap(struct sys *sys, uint64_t addr, uint64_t old_len, uint64_t new_len,
                  uint32_t flags);
int64_t lx_mprotect(struct sys *sys, uint64_t addr, uint64_t len, uint32_t prot);
int64_t lx_madvise(struct sys *sys, uint64_t addr, uint64_t len, uint32_t advice);

/** Of the calls that take it: PROT_… as flags of a VMA. */
static inline uint32_t lx_calc_vm_prot_bits(uint32_t prot)
{
	return prot & LX_ACCESS_FLAGS;
}

#endif
