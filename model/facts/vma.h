/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_FACTS_VMA_H
#define HEAPTOP_MODEL_FACTS_VMA_H

/**
 * The VMAs of one process at one instant: what the kernel says of each, and what malloc says it is.
 * A set is sorted by address, without overlaps, and never changes once its snapshot is sealed.
 * Sizes are bytes. 50,000 VMAs are normal: nothing here may cost more than O(n).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/base/fact.h"

enum vma_prot { VMA_READ = 1, VMA_WRITE = 2, VMA_EXEC = 4, VMA_SHARED = 8 };

/* What a VMA is for. Order: by who owns it, malloc first. */
enum vma_kind {
	VMA_ANON,    /* other private anonymous memory */
	VMA_HEAP,    /* [heap]: the brk area */
	VMA_ARENA,   /* the readable and writable part of an arena's heap */
	VMA_RESERVE, /* PROT_NONE: an arena heap's room to grow, or the program's own reservation */
	VMA_MMAPPED, /* holds at least one mmapped chunk (neighbours merge: see heap.h's list) */
	VMA_STACK,   /* main or thread stack */
	VMA_GUARD,   /* PROT_NONE next to a stack */
	VMA_FILE,    /* private file mapping */
	VMA_BSS,     /* anonymous, directly behind a file's writable mapping */
	VMA_SHM, /* any shared mapping of memory: shared anonymous, /dev/shm, memfd, SysV, file */
	VMA_KERNEL, /* [vdso] [vvar] [vsyscall] … */
	VMA_KIND_COUNT
};

/* VmFlags of smaps that decide something here; known only when `has_smaps`. */
enum vma_flag {
	VMA_FLAG_AC = 1 << 0,  /* charged to Committed_AS */
	VMA_FLAG_NR = 1 << 1,  /* MAP_NORESERVE */
	VMA_FLAG_GD = 1 << 2,  /* grows down */
	VMA_FLAG_LO = 1 << 3,  /* locked */
	VMA_FLAG_HT = 1 << 4,  /* huge TLB */
	VMA_FLAG_HG = 1 << 5,  /* MADV_HUGEPAGE */
	VMA_FLAG_NH = 1 << 6,  /* MADV_NOHUGEPAGE */
	VMA_FLAG_DC = 1 << 7,  /* MADV_DONTFORK */
	VMA_FLAG_DD = 1 << 8,  /* MADV_DONTDUMP */
	VMA_FLAG_MG = 1 << 9,  /* MADV_MERGEABLE */
	VMA_FLAG_PF = 1 << 10, /* raw PFN mapping */
	VMA_FLAG_IO = 1 << 11, /* device memory */
	VMA_FLAG_UM = 1 << 12, /* userfaultfd, missing */
	VMA_FLAG_UW = 1 << 13, /* userfaultfd, write-protect */
	VMA_FLAG_SD = 1 << 14, /* soft-dirty */
};

/* The two letters that smaps has for each (Linux fs/proc/task_mmu.c:show_smap_vma_flags). */
struct vma_flag_word {
	char word[3];
	uint32_t flag;
};
enum { VMA_FLAG_WORDS = 15 };
extern const struct vma_flag_word vma_flag_words[VMA_FLAG_WORDS];

/** Rights (enum vma_prot) as maps has them: "rw-p". Returns `buf`. */
char *vma_prot_text(char buf[5], uint32_t prot);

enum vma_charge {
	VMA_CHARGE_UNKNOWN,
	VMA_CHARGE_NO,
	VMA_CHARGE_YES,
	VMA_CHARGE_GUESS_NO, /* from the rules below, smaps not read: linux-commit in docs */
	VMA_CHARGE_GUESS_YES,
};

struct vma {
	uint64_t start, end; /* [start, end) */
	uint64_t offset, inode;
	uint32_t dev_major, dev_minor;
	uint32_t name_at, name_len; /* in vma_set.names; raw bytes, hostile */
	uint8_t prot;               /* enum vma_prot */
	uint8_t kind;               /* enum vma_kind */
	uint8_t charge;             /* enum vma_charge */
	bool has_residency;         /* rss and swap are known (from the page map or smaps) */
	bool has_smaps;             /* flags, pss, anonymous, dirty are known */
	uint32_t flags;             /* enum vma_flag */
	int32_t owner;      /* arena index (ARENA, its RESERVE), tid (STACK, GUARD), else -1 */
	int32_t owner_heap; /* heap number within the arena, 1-based; else 0 */
	uint64_t rss, swap; /* residency; swap counts pages with a swap entry */
	uint64_t pss, anonymous, dirty;
};

struct vma_set {
	struct vma *at; /* sorted by start */
	size_t count;
	const char *names; /* not NUL-terminated; name_at + name_len stay inside names_len */
	size_t names_len;
};

/** The VMA that holds `addr`, or NULL. O(log n). */
const struct vma *vma_find(const struct vma_set *set, uint64_t addr);

/** The first VMA that ends above `addr`, or NULL. */
const struct vma *vma_find_next(const struct vma_set *set, uint64_t addr);

/** True when [addr, addr + len) lies in readable and writable private VMAs without a gap. */
bool vma_is_writable(const struct vma_set *set, uint64_t addr, uint64_t len);

static inline uint64_t vma_size(const struct vma *v)
{
	return v->end - v->start;
}

/** True when the VMA's name equals `name` byte for byte. */
bool vma_is_named(const struct vma_set *set, const struct vma *v, const char *name);

/** True when the VMA's name begins with `prefix`. */
bool vma_name_begins(const struct vma_set *set, const struct vma *v, const char *prefix);

/** Short lower-case word of a kind: "heap", "arena", "reserve", "mmapped", … */
const char *vma_kind_word(enum vma_kind kind);

#endif
