/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a live process's pages are, as ranges without gaps. */
#include "model/base/units.h"
#include "probes/mem_live.h"

enum { LOOK_ROOM = 512 };

static enum mem_page page_of(uint32_t bits)
{
	if (bits & PAGE_GUARD)
		return MEM_PAGE_GUARD;
	if (bits & PAGE_PRESENT)
		return MEM_PAGE_PRESENT;
	return bits ? MEM_PAGE_SWAPPED : MEM_PAGE_ABSENT;
}

/* Continues the ranges up to `end`; false when that needs one more than there is room for. */
static bool add_range(struct mem_range *ranges, size_t room, size_t *count, uint64_t end,
                      enum mem_page page)
{
	if (*count && ranges[*count - 1].page == page) {
		ranges[*count - 1].end = end;
		return true;
	}
	if (*count == room)
		return false;
	if (*count)
		ranges[*count].start = ranges[*count - 1].end;
	ranges[*count].end = end;
	ranges[(*count)++].page = page;
	return true;
}

/* One look per call, so that whoever asks for much does other things in between. */
size_t mem_live_pages(struct memory *base, uint64_t start, uint64_t end, struct mem_range *ranges,
                      size_t room)
{
	struct mem_live *mem = (struct mem_live *)base;
	struct page_span spans[LOOK_ROOM];
	uint64_t reached, at = start;
	size_t count = 0;
	long got;

	if (start >= end || room == 0)
		return 0;
	got = mem_look(mem, start, end, spans, room < LOOK_ROOM ? room : LOOK_ROOM, &reached);
	if (got < 0)
		return 0;
	ranges[0].start = start;
	for (long i = 0; i < got; i++) {
		if (spans[i].start > at &&
		    !add_range(ranges, room, &count, spans[i].start, MEM_PAGE_ABSENT))
			return count;
		if (!add_range(ranges, room, &count, spans[i].end, page_of(spans[i].bits)))
			return count;
		at = spans[i].end;
	}
	if (at < reached)
		(void)add_range(ranges, room, &count, reached, MEM_PAGE_ABSENT);
	return count;
}
