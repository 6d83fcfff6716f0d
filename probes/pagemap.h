/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_PROBES_PAGEMAP_H
#define HEAPTOP_PROBES_PAGEMAP_H

/**
 * Which pages of an address range are there, without touching any: by one PAGEMAP_SCAN call per
 * range (Linux 6.7), else from the entries of /proc/PID/pagemap.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum page_bits {
	PAGE_PRESENT = 1,
	PAGE_SWAPPED = 2, /* has a swap entry */
	PAGE_GUARD = 4,   /* guard page (Linux 6.13): any access faults */
	PAGE_ZERO = 8,    /* present, but the shared zero page: not counted as resident */
};

/** Neighbouring pages with the same bits; never all absent. */
struct page_span {
	uint64_t start, end;
	uint32_t bits; /* enum page_bits */
};

struct pagemap {
	int fd;        /* borrowed: struct proc's */
	bool no_scan;  /* PAGEMAP_SCAN is refused here */
	bool no_guard; /* … knows no guard pages, which it then calls swapped */
};

/**
 * Spans of [start, end) that are not absent, in address order: at most `room` of them and at most
 * `max_pages` pages (0: no bound). *ret_reached says up to where the answer holds; go on from there.
 * Returns their number, or -1 with errno (ESRCH: the address space is gone).
 */
long pagemap_spans(struct pagemap *map, uint64_t start, uint64_t end, struct page_span *ret,
                   size_t room, uint64_t max_pages, uint64_t *ret_reached);

#endif
