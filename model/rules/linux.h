/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_RULES_LINUX_H
#define HEAPTOP_MODEL_RULES_LINUX_H

/** What differs between kernels, as complete rows of data; defaults come from the running kernel. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Private anonymous mappings that begin on a boundary of 2 MiB. */
enum linux_thp_align {
	LINUX_THP_ALIGN_NONE,
	LINUX_THP_ALIGN_LONG,      /* of 2 MiB and more */
	LINUX_THP_ALIGN_MULTIPLES, /* of a multiple of 2 MiB */
};

struct linux_rules {
	const char *name;             /* "5.9" */
	int major, minor;             /* first release with this behaviour */
	bool commit_guess_free_pages; /* mode 0 by free + reclaimable pages (to 5.1), else RAM + swap */
	bool committed_as_is_exact; /* meminfo sums all CPUs (5.9) */
	bool commit_batch_by_mode;  /* batch is RAM/cpus/4 outside mode 2 (5.9) */
	bool oom_root_bonus;        /* CAP_SYS_ADMIN: 3 % off (to 4.16) */
	bool oom_points_signed;     /* negative badness possible (5.9); else at least 1 */
	bool oom_sacrifices_child;  /* a child with the highest badness dies first (to 5.0) */
	bool oom_last_tie_wins;     /* among equals the later task is chosen (5.3) */
	bool oom_waits_for_exiting; /* a task that ends by itself stops the scan (to 4.5) */
	bool oom_skips_reaped;      /* an mm that was reaped is not chosen again (4.6) */
	bool oom_skips_vfork;       /* nor a vfork child before its exec (4.8) */
	bool oom_score_two_thirds;  /* /proc/PID/oom_score = (1000 + share) * 2 / 3 (5.9) */
	bool memcg_kill_at_charge;  /* cgroup OOM kill inside the charge (4.19) */
	bool pagemap_scan;          /* PAGEMAP_SCAN exists (6.7) */

	/* address space */
	bool limit_data_maps;     /* RLIMIT_DATA covers private writable mappings (4.5), */
	bool mprotect_limit_data; /* and mprotect asks it (4.7) */
	bool madv_free;           /* MADV_FREE (4.5) */
	bool madv_guard;          /* MADV_GUARD_INSTALL (6.13), */
	bool madv_guard_files;    /* and of shared and files' memory (6.15) */
	bool stack_near_sp; /* touched 64 KiB below the stack pointer it does not grow (to 4.19) */
	bool stack_guard_gap;     /* 256 pages below a stack stay free (4.12, all stable series) */
	bool special_stays_whole; /* [vdso] and [vvar] can't be cut (5.11) */
	bool mremap_looks_first;  /* nothing mapped is EFAULT of a shrink, too (5.16) */
	bool madvise_says_again;  /* EAGAIN, not ENOMEM, at max_map_count (5.17) */
	bool search_ends_at_min_addr; /* a place below vm.mmap_min_addr is none (6.7; 6.1 finds it) */
	bool mremap_merges_next;      /* what grew in place joins the VMA above (6.0) */
	bool guard_gap_lowers_search; /* a stack's guard gap hides what lies in it from a search (6.1) */
	bool mmap_joins_next_first; /* mmap asks the VMA above before the one below (6.1 to 6.11) */
	bool brk_extends_only;      /* brk joins the VMA below only (6.1) */
	bool heap_touches; /* what ends or begins at the break area is [heap], too (to 6.5) */
	bool brk_shrink_needs_vma;  /* and refuses to shrink what is unmapped (6.1) */
	uint8_t thp_align;          /* enum linux_thp_align (6.7, 6.12) */
	bool map_stack_no_hugepage; /* MAP_STACK sets VM_NOHUGEPAGE (6.7) */
	bool mprotect_uncharges; /* what was never written is uncharged when made read-only (6.7) */
	bool fixed_charges_difference; /* MAP_FIXED is charged less what it replaces (6.12) */
	bool mremap_checks_new_len; /* longer than the address space is EINVAL, not ENOMEM (6.17) */
	bool mremap_counts_first;   /* the room for 4 more VMAs is asked for by every call (7.1) */
	bool merge_touched;         /* a VMA with an anon_vma may join one without (6.16) */
};

extern const struct linux_rules linux_rows[];
extern const size_t linux_row_count;

/** The row in force for a release; the oldest row for older kernels. */
const struct linux_rules *linux_rules_for(int major, int minor);

/** Parses "6.18.44-foo" or "6.1"; false when it does not begin with MAJOR.MINOR. */
bool linux_parse_release(const char *release, int *ret_major, int *ret_minor);

/** Whether there was such a release, and its rules are in the rows. */
bool linux_is_known(int major, int minor);
/** The same in words, for who asked for another one. */
#define LINUX_KNOWN "4.3 to 4.20, 5.0 to 5.19, 6.0 to 6.19, 7.0 to 7.2"

#endif
