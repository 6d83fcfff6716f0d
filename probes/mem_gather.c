/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many small pieces in few system calls: one look at the page map per group of neighbours, one
 * process_vm_readv for up to 1024 pieces. What is not plainly present is left to mem_live_read().
 */
#include <errno.h>
#include <stdlib.h>

#include "model/base/units.h"
#include "probes/mem_live.h"

enum {
	GAP_PAGES = 32,     /* looking at this many more pages costs less than a second call */
	GROUP_PAGES = 4096, /* 16 MiB: the map lock is held meanwhile */
	GROUP_SPANS = 512,
};

/* Up to MEM_IOV_MAX pieces, in address order. */
struct batch {
	struct mem_live *mem;
	struct mem_piece *sorted[MEM_IOV_MAX];
	size_t count;
	struct mem_piece *present[MEM_IOV_MAX]; /* those to be read in one call */
	size_t present_count;
	struct page_span spans[GROUP_SPANS];
	long span_count;
	uint64_t seen_to; /* pages below this were looked at */
};

static int by_addr(const void *a, const void *b)
{
	const struct mem_piece *const *left = a, *const *right = b;

	return ((*left)->addr > (*right)->addr) - ((*left)->addr < (*right)->addr);
}

static uint64_t piece_end(const struct mem_piece *piece)
{
	uint64_t end;

	return __builtin_add_overflow(piece->addr, piece->len, &end) ? UINT64_MAX : end;
}

static void sort_pieces(struct batch *b, struct mem_piece *pieces, size_t count)
{
	bool in_order = true;

	for (size_t i = 0; i < count; i++) {
		b->sorted[i] = &pieces[i];
		in_order = in_order && (i == 0 || pieces[i - 1].addr <= pieces[i].addr);
	}
	b->count = count;
	if (!in_order)
		qsort(b->sorted, count, sizeof(struct mem_piece *), by_addr);
}

/* Looks at the pages of piece `first` and of the neighbours that follow it closely. */
static void look_at_group(struct batch *b, size_t first)
{
	uint64_t page = b->mem->page;
	uint64_t start = align_down(b->sorted[first]->addr, page), end = start, reached;

	for (size_t i = first; i < b->count; i++) {
		uint64_t last = piece_end(b->sorted[i]);

		if (i > first && (b->sorted[i]->addr > end + GAP_PAGES * page ||
		                  last > start + GROUP_PAGES * page))
			break;
		if (last > UINT64_MAX - page)
			break;
		end = max_u64(end, align_up(last, page));
	}
	b->span_count = mem_look(b->mem, start, end, b->spans, GROUP_SPANS, &reached);
	b->seen_to = b->span_count < 0 ? start : reached;
}

static bool is_present(const struct batch *b, uint64_t addr, uint64_t end)
{
	long low = 0, high = b->span_count;

	while (low < high) {
		long mid = low + (high - low) / 2;

		if (b->spans[mid].end > addr)
			high = mid;
		else
			low = mid + 1;
	}
	return low < b->span_count && b->spans[low].start <= addr && b->spans[low].end >= end &&
	       (b->spans[low].bits & PAGE_PRESENT);
}

static void read_alone(struct mem_live *mem, struct mem_piece *piece)
{
	enum mem_status status;
	size_t got = mem_live_read(&mem->base, piece->addr, piece->buf, piece->len, &status);

	if (got == piece->len)
		piece->status = MEM_OK;
	else
		piece->status = status == MEM_OK ? MEM_FAILED : status;
}

/* Divides the batch into present pieces, and others that are settled at once. */
static void divide(struct batch *b)
{
	const struct vma_set *vmas = b->mem->vmas;
	const struct vma *v = NULL;

	b->present_count = 0;
	b->span_count = 0;
	b->seen_to = 0;
	for (size_t i = 0; i < b->count; i++) {
		struct mem_piece *piece = b->sorted[i];
		uint64_t end = piece_end(piece);

		if (vmas && (!v || piece->addr >= v->end || piece->addr < v->start))
			v = vma_find(vmas, piece->addr);
		piece->status = piece->len ? mem_may_read(vmas, v) : MEM_OK;
		if (piece->status != MEM_OK || piece->len == 0 || !v)
			continue;
		if (end <= v->end && end > b->seen_to)
			look_at_group(b, i);
		if (end <= v->end && end <= b->seen_to && is_present(b, piece->addr, end))
			b->present[b->present_count++] = piece;
		else
			read_alone(b->mem, piece);
	}
}

/* Reads the present pieces from number `first` on; returns how many came through. */
static size_t read_from(struct batch *b, size_t first, enum mem_status *ret_status)
{
	struct iovec local[MEM_IOV_MAX], remote[MEM_IOV_MAX];
	size_t count = b->present_count - first, done, good = 0;

	for (size_t i = 0; i < count; i++) {
		const struct mem_piece *piece = b->present[first + i];

		local[i] = (struct iovec){ piece->buf, piece->len };
		remote[i] = mem_remote(piece->addr, piece->len);
	}
	done = mem_read_present(b->mem, local, remote, count, ret_status);
	while (good < count && done >= b->present[first + good]->len)
		done -= b->present[first + good++]->len;
	return good;
}

static void read_present(struct batch *b)
{
	size_t first = 0;

	while (first < b->present_count) {
		enum mem_status status;

		first += read_from(b, first, &status);
		if (status == MEM_GONE) {
			for (size_t i = 0; i < b->present_count; i++)
				b->present[i]->status = MEM_GONE;
			return;
		}
		/* The piece that stopped it changed since the look: look again, then go on. */
		if (first < b->present_count)
			read_alone(b->mem, b->present[first++]);
	}
}

void mem_live_gather(struct memory *base, struct mem_piece *pieces, size_t count)
{
	struct batch b;

	b.mem = (struct mem_live *)base;
	while (count) {
		size_t some = count < MEM_IOV_MAX ? count : MEM_IOV_MAX;

		sort_pieces(&b, pieces, some);
		divide(&b);
		read_present(&b);
		pieces += some;
		count -= some;
	}
}
