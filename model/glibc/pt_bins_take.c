/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/glibc/pt_bins_take.h"

/* Cuts nb from the front of an unlinked chunk; the rest goes to the front of the unsorted bin. */
static void split(struct ptmalloc *pt, struct pt_request *r, uint64_t victim, uint64_t size,
                  bool is_last_remainder, const char *message)
{
	uint64_t rest = victim + r->nb, rest_size = size - r->nb;
	uint64_t bck = unsorted_chunks(pt, r->av), fwd = fd(pt, bck);

	if (rest_size < pt->lay->min_size) {
		why(pt->why, WHY_EXHAUST, size, r->nb);
		set_inuse_bit_at(pt, victim, size);
		if (r->av != pt->main_arena)
			set_head(pt, victim, size_word(pt, victim) | NON_MAIN_ARENA);
		return;
	}
	if (bk(pt, fwd) != bck) {
		pt_abort(pt, message);
		return;
	}
	why(pt->why, WHY_SPLIT, size, r->nb, rest_size);
	set_bk(pt, rest, bck);
	set_fd(pt, rest, fwd);
	set_fd(pt, bck, rest);
	set_bk(pt, fwd, rest);
	if (is_last_remainder)
		set_av_word(pt, r->av, last_remainder, rest);
	if (!in_smallbin_range(pt, rest_size)) {
		set_fd_nextsize(pt, rest, 0);
		set_bk_nextsize(pt, rest, 0);
	}
	set_head(pt, victim, r->nb | PREV_INUSE | arena_bit(pt, r->av));
	set_head(pt, rest, rest_size | PREV_INUSE);
	set_foot(pt, rest, rest_size);
}

uint64_t pt_take_large(struct ptmalloc *pt, struct pt_request *r)
{
	uint64_t bin = bin_at(pt, r->av, r->idx), victim = fd(pt, bin), size;
	uint64_t fuel = pt_fuel(pt, r->av);

	if (victim == bin || size_word(pt, victim) < r->nb) {
		why(pt->why, WHY_LARGE_NONE, r->idx, r->nb);
		return 0;
	}
	victim = bk_nextsize(pt, victim);
	while ((size = chunksize(pt, victim)) < r->nb && pt_turn(pt, &fuel))
		victim = bk_nextsize(pt, victim);
	/* The second of a size spares the ring a repair. */
	if (victim != bk(pt, bin) && size_word(pt, victim) == size_word(pt, fd(pt, victim)))
		victim = fd(pt, victim);
	why(pt->why, WHY_LARGE_FIT, r->idx, size, r->nb);
	pt_unlink_chunk(pt, victim);
	split(pt, r, victim, size, false, "malloc(): corrupted unsorted chunks");
	return pt_ok(pt) ? victim : 0;
}

uint64_t pt_scan_binmap(struct ptmalloc *pt, struct pt_request *r)
{
	for (unsigned i = r->idx + 1; i < 128; i++) {
		uint64_t at = binmap_at(pt, r->av, i / 32), bin, victim;
		uint32_t map = image_get4(pt->image, at);

		/* Bits of this block from i on; none: the next block. */
		if (!(map >> (i % 32))) {
			i |= 31;
			continue;
		}
		i += (unsigned)__builtin_ctz(map >> (i % 32));
		bin = bin_at(pt, r->av, i);
		victim = bk(pt, bin);
		if (victim == bin) {
			image_set4(pt->image, at, map & ~(UINT32_C(1) << (i % 32)));
			continue;
		}
		uint64_t size = chunksize(pt, victim);

		if (size < r->nb) {
			pt_assert_failed(pt, PT_ASSERT_BIN_FITS);
			return 0;
		}
		why(pt->why, WHY_BINMAP_HIT, i, size, r->nb);
		pt_unlink_chunk(pt, victim);
		split(pt, r, victim, size, in_smallbin_range(pt, r->nb),
		      "malloc(): corrupted unsorted chunks 2");
		return pt_ok(pt) ? victim : 0;
	}
	why(pt->why, WHY_BINMAP_NONE, r->idx);
	return 0;
}

uint64_t pt_use_top(struct ptmalloc *pt, struct pt_request *r)
{
	uint64_t av = r->av, victim = av_word(pt, av, top), size = chunksize(pt, victim);

	if (pt->rules.checks_unsorted && size > av_word(pt, av, system_mem)) {
		pt_abort(pt, "malloc(): corrupted top size");
		return 0;
	}
	if (size < r->nb + pt->lay->min_size) {
		why(pt->why, WHY_TOP_TOO_SMALL, size, r->nb + pt->lay->min_size);
		return 0;
	}
	why(pt->why, WHY_TOP_SPLIT, size, r->nb + pt->lay->min_size, size - r->nb);
	set_av_word(pt, av, top, victim + r->nb);
	set_head(pt, victim, r->nb | PREV_INUSE | arena_bit(pt, av));
	set_head(pt, victim + r->nb, (size - r->nb) | PREV_INUSE);
	return victim;
}
