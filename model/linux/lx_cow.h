/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_LINUX_LX_COW_H
#define HEAPTOP_MODEL_LINUX_LX_COW_H

/**
 * Private to model/linux: pages that the process shares with its children since fork, copied when it
 * writes to them (Linux 4.3 … 7.2 mm/memory.c:copy_page_range, do_wp_page). Children never write.
 *
 * Forks are numbered from 1. Of each page is kept after which fork the process got it for itself; the
 * children forked since share it as long as they live. A page that the process has copied or given up
 * is kept by those children alone, and given back with the last of them. All of it lies in the image,
 * at addresses that no process has, so that branches and undo cover it.
 */
#include "model/linux/lx_mm.h"

enum { LX_COW_FORKS = 65535 }; /* copies are counted for so many */

/** A child begins: what is resident in VMAs that are copied is shared with it. Its number. */
uint32_t lx_cow_fork(struct lx_mm *mm);
/** A child is gone; pages that nobody holds any more. 0 when it was gone already. */
uint64_t lx_cow_exit(struct lx_mm *mm, uint32_t fork);

/** [start, end) of a private VMA is about to be written. */
void lx_cow_written(struct lx_mm *mm, uint64_t start, uint64_t end);
/** How many pages of a part of a VMA would be copied. */
uint64_t lx_cow_copies(struct lx_mm *mm, uint64_t start, uint64_t end);
/** [start, end) is about to be given up: its private pages stay with the children that share them. */
void lx_cow_dropped(struct lx_mm *mm, uint64_t start, uint64_t end);
/** What lies at `from` is about to be moved. */
void lx_cow_moved(struct lx_mm *mm, uint64_t from, uint64_t to, uint64_t len);

/** True while a write to a page has to be told. */
bool lx_cow_is_watching(const struct lx_mm *mm);

#endif
