/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_LINUX_LX_COMMIT_STATE_H
#define HEAPTOP_MODEL_LINUX_LX_COMMIT_STATE_H

/**
 * The machine as far as it decides whether more may be committed. Committed_AS itself moves with every
 * charge and is kept by the address space (lx_mm.h).
 */
#include <stdbool.h>
#include <stdint.h>

#include "model/facts/process.h"
#include "model/facts/system.h"

enum lx_overcommit { LX_OVERCOMMIT_GUESS, LX_OVERCOMMIT_ALWAYS, LX_OVERCOMMIT_NEVER };

struct lx_commit_state {
	uint64_t page; /* bytes; all that follows is in pages unless named otherwise */
	uint64_t ram, swap, hugetlb; /* hugetlb: set aside as huge pages, used or not */
	/* What mode 0 adds up to 5.1. */
	uint64_t free, swap_free, file, shmem, slab_reclaimable, totalreserve;
	uint64_t ratio; /* percent */
	uint64_t kbytes, admin_reserve_kbytes, user_reserve_kbytes;
	uint32_t mode; /* enum lx_overcommit */
	uint32_t cpus;
	bool cap_sys_admin;
};

/** What --fresh starts with: 16 GiB, 12 of them free, no swap, mode 0. */
void lx_commit_fresh(struct lx_commit_state *ret);
/** From facts; what they don't tell is as with --fresh. Either may be NULL. */
void lx_commit_of_facts(const struct system_facts *sys, const struct process_facts *process,
                        struct lx_commit_state *ret);

/** CommitLimit in pages. */
uint64_t lx_commit_limit(const struct lx_commit_state *state);

/** admin_reserve_kbytes in pages; 0 for whoever may use it. */
uint64_t lx_commit_admin_reserve(const struct lx_commit_state *state);
/** What is kept back from a process with `total_vm` pages of address space. */
uint64_t lx_commit_user_reserve(const struct lx_commit_state *state, uint64_t total_vm);

/** Pages at which a CPU's own part of Committed_AS reaches the counter that mode 2 reads. */
uint64_t lx_commit_batch(const struct lx_commit_state *state);
/** How far off that counter can be when it judges a request of `pages`. */
uint64_t lx_commit_bound(const struct lx_commit_state *state, uint64_t pages);

/** Another size of RAM or swap, of which the same share is free. */
void lx_commit_set_ram(struct lx_commit_state *state, uint64_t pages);
void lx_commit_set_swap(struct lx_commit_state *state, uint64_t pages);
/** More or less of it free. */
void lx_commit_set_free(struct lx_commit_state *state, uint64_t pages);

/** True for a machine that can't be; the field, by the name of its setting, and why. */
bool lx_commit_contradicts(const struct lx_commit_state *state, const char **ret_field,
                           const char **ret_why);

#endif
