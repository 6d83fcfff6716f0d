/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Anchors: chunk starts that an arena's own lists name, for a walk that can't go on by itself because
 * the next header is swapped out or broken.
 */
#include <stdlib.h>

#include "model/glibc/pt_walk.h"

enum {
	BIN_LANES = 126, /* unsorted, small and large bins */
	LANES_MAX = 2 * BIN_LANES + PT_FASTBINS_MAX,
	ARENA_BYTES_MAX = 4096,
};

/* A list that is followed in one direction, in step with all others: one gathered read per step. */
struct lane {
	uint64_t at;     /* the chunk it has come to */
	unsigned follow; /* 0: fd, 1: bk, 2: fd of a fastbin entry */
};

struct lanes {
	struct lane at[LANES_MAX];
	struct mem_piece pieces[LANES_MAX];
	uint8_t links[LANES_MAX][16];
	size_t count;
};

static void add_lane(struct lanes *lanes, const struct malloc_layout *lay, uint64_t chunk,
                     uint64_t head, unsigned follow)
{
	if (chunk && chunk != head && pt_is_chunk_aligned(lay, chunk) && lanes->count < LANES_MAX)
		lanes->at[lanes->count++] = (struct lane){ chunk, follow };
}

/* Both ends of each bin and the head of each fastbin. */
static void begin_lanes(const struct walk *w, struct lanes *lanes)
{
	const struct malloc_layout *lay = w->d->lay;
	uint8_t header[ARENA_BYTES_MAX];
	uint64_t word = lay->word;

	if (lay->arena.size > sizeof(header) ||
	    !mem_read_all(w->d->mem, w->arena->addr, header, lay->arena.size))
		return;
	for (size_t i = 0; i < BIN_LANES; i++) {
		uint64_t at = lay->arena.bins + 2 * i * word;
		uint64_t head = w->arena->addr + at - 2 * word;

		add_lane(lanes, lay, pt_word(lay, header + at), head, 0);
		add_lane(lanes, lay, pt_word(lay, header + at + word), head, 1);
	}
	for (size_t i = 0; i < lay->fastbins && i < PT_FASTBINS_MAX; i++)
		add_lane(lanes, lay, pt_word(lay, header + lay->arena.fastbins + i * word), 0, 2);
}

/* Notes the chunk of each lane and moves all of them on by one; lanes that end are dropped. */
static void step_lanes(struct walk *w, struct lanes *lanes)
{
	const struct malloc_layout *lay = w->d->lay;
	uint64_t word = lay->word;
	size_t count = lanes->count;

	for (size_t i = 0; i < count; i++)
		lanes->pieces[i] = (struct mem_piece){ .addr = pt_mem(lay, lanes->at[i].at),
			                               .buf = lanes->links[i],
			                               .len = 2 * lay->word };
	mem_gather(w->d->mem, lanes->pieces, count);
	lanes->count = 0;
	for (size_t i = 0; i < count; i++) {
		struct lane lane = lanes->at[i];
		uint64_t next;

		if (lanes->pieces[i].status != MEM_OK || w->anchors.count >= WALK_ANCHORS_MAX)
			continue;
		w->anchors.at[w->anchors.count++] = lane.at;
		next = pt_word(lay, lanes->links[i] + (lane.follow == 1 ? word : 0));
		if (lane.follow == 2)
			next = glibc_reveal(lay, pt_mem(lay, lane.at), next);
		/* A bin's list ends in the arena's header. */
		if (next - w->arena->addr >= lay->arena.size)
			add_lane(lanes, lay, next, 0, lane.follow);
	}
}

static int by_addr(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void collect(struct walk *w)
{
	struct lanes *lanes = region_alloc(w->scratch, sizeof(*lanes));

	w->anchors.arena = w->arena_index;
	w->anchors.count = 0;
	if (!w->anchors.at)
		w->anchors.at = region_alloc(w->scratch, WALK_ANCHORS_MAX * sizeof(*w->anchors.at));
	if (!lanes || !w->anchors.at)
		return;
	begin_lanes(w, lanes);
	while (lanes->count && w->anchors.count < WALK_ANCHORS_MAX)
		step_lanes(w, lanes);
	qsort(w->anchors.at, w->anchors.count, sizeof(*w->anchors.at), by_addr);
}

uint64_t walk_anchor_above(struct walk *w, uint64_t addr)
{
	size_t low = 0, high;

	if (w->anchors.arena != w->arena_index)
		collect(w);
	high = w->anchors.count;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (w->anchors.at[mid] > addr)
			high = mid;
		else
			low = mid + 1;
	}
	return low < w->anchors.count && w->anchors.at[low] < w->s.stop ? w->anchors.at[low]
	                                                                : w->s.stop;
}
