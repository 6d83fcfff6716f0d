/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probes/pagemap.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "model/base/units.h"

/*
 * Linux 6.7 include/uapi/linux/fs.h, written down here because the headers in use may be older than
 * the kernel.
 */
struct scan_arg {
	uint64_t size, flags, start, end, walk_end;
	uint64_t vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};

struct scan_region {
	uint64_t start, end, categories;
};

#define SCAN_IOCTL _IOWR('f', 16, struct scan_arg)

_Static_assert(sizeof(struct scan_arg) == 96, "as in the kernel's interface");

enum scan_category {
	SCAN_PRESENT = 1 << 3,
	SCAN_SWAPPED = 1 << 4,
	SCAN_ZERO = 1 << 5,
	SCAN_GUARD = 1 << 8, /* from 6.15 on */
};

/* Bits of a page map entry: Linux Documentation/admin-guide/mm/pagemap.rst */
#define ENTRY_PRESENT ((uint64_t)1 << 63)
#define ENTRY_SWAPPED ((uint64_t)1 << 62)
#define ENTRY_GUARD   ((uint64_t)1 << 58)

enum {
	/*
	 * Regions of one call. No more than the kernel's own buffer holds (Linux
	 * fs/proc/task_mmu.c:pagemap_scan_init_bounce_buffer): when it must empty that on the way,
	 * some regions come twice (seen on 6.18: 4,416 for 4,000 pages).
	 */
	SCAN_ROOM = 512,
	ENTRY_ROOM = 512, /* page map entries of one read: what the kernel walks in one go */
};

static uint64_t page_bytes(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

/* --- by entries -------------------------------------------------------------------------------- */

static uint32_t bits_of_entry(uint64_t entry)
{
	if (entry & ENTRY_GUARD)
		return PAGE_GUARD;
	if (entry & ENTRY_PRESENT)
		return PAGE_PRESENT;
	return entry & ENTRY_SWAPPED ? PAGE_SWAPPED : 0;
}

/* Appends a page to the spans; false when there is no room. */
static bool add_page(struct page_span *spans, size_t room, long *count, uint64_t addr,
                     uint32_t bits)
{
	uint64_t page = page_bytes();

	if (*count > 0 && spans[*count - 1].end == addr && spans[*count - 1].bits == bits) {
		spans[*count - 1].end += page;
		return true;
	}
	if ((size_t)*count == room)
		return false;
	spans[(*count)++] = (struct page_span){ addr, addr + page, bits };
	return true;
}

static long spans_by_entries(const struct pagemap *map, uint64_t start, uint64_t end,
                             struct page_span *ret, size_t room, uint64_t *ret_reached)
{
	uint64_t page = page_bytes(), entries[ENTRY_ROOM], at = start;
	long count = 0;

	while (at < end) {
		size_t want = (size_t)min_u64((end - at) / page, ENTRY_ROOM);
		ssize_t got = pread(map->fd, entries, want * 8, (off_t)(at / page * 8));

		if (got < 8) {
			errno = got < 0 ? errno : ESRCH;
			return -1;
		}
		for (size_t i = 0; i < (size_t)got / 8; i++, at += page) {
			uint32_t bits = bits_of_entry(entries[i]);

			if (bits && !add_page(ret, room, &count, at, bits)) {
				*ret_reached = at;
				return count;
			}
		}
	}
	*ret_reached = at;
	return count;
}

/* --- by PAGEMAP_SCAN ---------------------------------------------------------------------------- */

static uint32_t bits_of_region(uint64_t categories)
{
	if (categories & SCAN_GUARD)
		return PAGE_GUARD;
	if (categories & SCAN_PRESENT)
		return PAGE_PRESENT | (categories & SCAN_ZERO ? PAGE_ZERO : 0);
	return PAGE_SWAPPED;
}

static long scan(struct pagemap *map, uint64_t start, uint64_t end, struct scan_region *regions,
                 size_t room, uint64_t max_pages, uint64_t *ret_reached)
{
	uint64_t found = SCAN_PRESENT | SCAN_SWAPPED | (map->no_guard ? 0 : SCAN_GUARD);
	struct scan_arg arg = {
		.size = sizeof(arg),
		.start = start,
		.end = end,
		.vec = (uint64_t)(uintptr_t)regions,
		.vec_len = room,
		.max_pages = max_pages,
		.category_anyof_mask = found,
		.return_mask = found | SCAN_ZERO,
	};
	int got;

	do {
		got = ioctl(map->fd, SCAN_IOCTL, &arg);
	} while (got < 0 && errno == EINTR);
	*ret_reached = got < 0 ? start : min_u64(arg.walk_end, end);
	return got;
}

/*
 * Before it had a category of its own, PAGEMAP_SCAN called a guard page swapped; the page map's
 * entry tells them apart. Such spans are short unless much is swapped out.
 */
static long split_swapped(struct pagemap *map, const struct scan_region *region,
                          struct page_span *ret, size_t room, uint64_t *ret_reached)
{
	if (!map->no_guard || (region->categories & SCAN_PRESENT)) {
		*ret_reached = region->end;
		*ret = (struct page_span){ region->start, region->end,
			                   bits_of_region(region->categories) };
		return room > 0;
	}
	return spans_by_entries(map, region->start, region->end, ret, room, ret_reached);
}

static long spans_by_scan(struct pagemap *map, uint64_t start, uint64_t end, struct page_span *ret,
                          size_t room, uint64_t max_pages, uint64_t *ret_reached)
{
	struct scan_region regions[SCAN_ROOM];
	size_t want = room < SCAN_ROOM ? room : SCAN_ROOM;
	long got = scan(map, start, end, regions, want, max_pages, ret_reached), count = 0;

	for (long i = 0; i < got; i++) {
		uint64_t reached = regions[i].end;
		long added;

		added = (size_t)count == room ? 0
		                              : split_swapped(map, &regions[i], ret + count,
		                                              room - (size_t)count, &reached);
		if (added < 0)
			return -1;
		count += added;
		if (added == 0 || reached < regions[i].end) {
			*ret_reached = added ? reached : regions[i].start;
			break;
		}
	}
	return got < 0 ? got : count;
}

long pagemap_spans(struct pagemap *map, uint64_t start, uint64_t end, struct page_span *ret,
                   size_t room, uint64_t max_pages, uint64_t *ret_reached)
{
	*ret_reached = start;
	if (start >= end || room == 0)
		return 0;
	while (!map->no_scan) {
		long got = spans_by_scan(map, start, end, ret, room, max_pages, ret_reached);

		if (got >= 0 || (errno != EINVAL && errno != ENOTTY))
			return got;
		/* EINVAL: first for the guard category, then for the call as a whole. */
		map->no_scan = map->no_guard || errno == ENOTTY;
		map->no_guard = true;
	}
	if (max_pages)
		end = min_u64(end, start + max_pages * page_bytes());
	return spans_by_entries(map, start, end, ret, room, ret_reached);
}
