/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Headers of mmapped chunks. A chunk begins a mapping, so it begins a page; neighbouring mappings merge
 * into one VMA, so each page that no chunk covers may begin one:
 *
 *	VMA  |H......|H..|H...........|.......|H....|
 *	      chunk   ch  chunk        other   chunk
 *
 * All stretches are searched side by side, one gathered read for a header of each. An aligned
 * allocation leaves the header that malloc wrote at the mapping's base, and its own further in
 * (glibc malloc/malloc.c:_int_memalign): the inner one is the chunk.
 */
#include "model/glibc/pt_mmapped.h"

enum {
	PAGE = 4096,
	BATCH = 1024,          /* pieces of one gathered read */
	AHEAD_MAX = 64,        /* headers of one stretch in one read, where chunks are alike */
	PAGES_AHEAD_MAX = 256, /* and where there are none */
	HEADER_MAX = 16,
	ALIGN_FIRST = 5, /* log2 of the alignments that leave an inner header */
	ALIGN_LAST = 30,
	NEAR = 2048 + HEADER_MAX,
	NEAR_BATCH = 128,
	LOOK_AHEAD = 16 << 20, /* of one question for residency */
};

/* A page that may begin a mapping. */
struct probe {
	struct mm_stretch *stretch;
	uint64_t base;
	uint64_t chunk, total; /* total 0: nothing begins here */
	bool is_plausible;     /* the header at the base is that of a mapping */
	bool is_inner;         /* an aligned allocation's own header was found */
	bool is_unreadable;
};

/*
 * Inner headers come in one piece for those up to NEAR bytes from the base, which share its first page,
 * and one piece each for the others.
 */
struct batch {
	struct probe probes[BATCH];
	size_t count;
	struct mem_piece pieces[BATCH];
	uint8_t headers[BATCH][HEADER_MAX];
	uint16_t owner[BATCH]; /* pieces[i] belongs to probes[owner[i]] */
	size_t inner_count;
	uint8_t near[NEAR_BATCH][NEAR];
	size_t near_count;
};

bool mm_is_complete(const struct mm_search *m)
{
	return fact_known(m->want_count) && fact_known(m->want_bytes) &&
	       m->found.count == m->want_count.v && m->found_bytes == m->want_bytes.v;
}

/* Bytes of the mapping by a header at base + front; 0: it is none of a mapping. */
static uint64_t mapping_size(const struct malloc_layout *lay, const uint8_t *header, uint64_t front)
{
	uint64_t prev = pt_word(lay, header), raw = pt_word(lay, header + lay->word), total;

	/* glibc 2.43 malloc/malloc.c:mmap_set_chunk keeps a huge page flag in prev_size. */
	if (lay->mmapped_size_without_header)
		prev &= ~(uint64_t)1;
	if ((raw & SIZE_BITS) != IS_MMAPPED || prev != front ||
	    __builtin_add_overflow(pt_chunk_size(raw), prev, &total))
		return 0;
	if (lay->mmapped_size_without_header &&
	    __builtin_add_overflow(total, 2 * (uint64_t)lay->word, &total))
		return 0;
	return is_aligned(total, PAGE) ? total : 0;
}

/* --- bases ---------------------------------------------------------------------------------------- */

static void read_bases(struct mm_search *m, struct batch *b)
{
	const struct malloc_layout *lay = m->d->lay;

	for (size_t i = 0; i < b->count; i++) {
		struct probe *p = &b->probes[i];

		p->chunk = pt_chunk_align_up(lay, p->base);
		b->pieces[i] = (struct mem_piece){ .addr = p->chunk,
			                           .buf = b->headers[i],
			                           .len = 2 * lay->word };
	}
	mem_gather(m->d->mem, b->pieces, b->count);
	for (size_t i = 0; i < b->count; i++) {
		struct probe *p = &b->probes[i];
		uint64_t room = p->stretch->limit - p->base;

		p->is_unreadable = b->pieces[i].status != MEM_OK;
		p->total =
		        p->is_unreadable ? 0 : mapping_size(lay, b->headers[i], p->chunk - p->base);
		p->is_plausible = p->total != 0;
		if (p->total > room)
			p->total = 0;
	}
}

/* --- aligned allocations --------------------------------------------------------------------------- */

/* After mremap the base's header is out of date, so any inner one that fits decides; the first does. */
static void judge_inner(struct mm_search *m, struct probe *p, uint64_t chunk, const uint8_t *header)
{
	uint64_t total = mapping_size(m->d->lay, header, chunk - p->base);

	if (p->is_inner || !total || total > p->stretch->limit - p->base)
		return;
	p->is_inner = true;
	p->chunk = chunk;
	p->total = total;
}

/* Where the chunk of an allocation with alignment 2^k lies in the mapping at `base`. */
static uint64_t inner_at(const struct malloc_layout *lay, uint64_t base, unsigned k)
{
	uint64_t mem = pt_mem(lay, pt_chunk_align_up(lay, base));

	return pt_chunk_of_mem(lay, align_up(mem, UINT64_C(1) << k));
}

static void judge_near(struct mm_search *m, struct probe *p, const uint8_t *bytes)
{
	const struct malloc_layout *lay = m->d->lay;

	for (unsigned k = ALIGN_FIRST; k <= ALIGN_LAST; k++) {
		uint64_t chunk = inner_at(lay, p->base, k), at = chunk - p->base;

		if (at + 2 * (uint64_t)lay->word > NEAR)
			return;
		if (chunk != pt_chunk_align_up(lay, p->base))
			judge_inner(m, p, chunk, bytes + at);
	}
}

static void read_inner(struct mm_search *m, struct batch *b)
{
	mem_gather(m->d->mem, b->pieces, b->inner_count);
	for (size_t i = 0; i < b->inner_count; i++) {
		struct probe *p = &b->probes[b->owner[i]];

		if (b->pieces[i].status != MEM_OK)
			continue;
		if (b->pieces[i].len == NEAR)
			judge_near(m, p, b->pieces[i].buf);
		else
			judge_inner(m, p, b->pieces[i].addr, b->pieces[i].buf);
	}
	b->inner_count = b->near_count = 0;
}

static void want_inner(struct mm_search *m, struct batch *b, size_t probe, uint64_t at,
                       bool is_near)
{
	size_t i;

	if (b->inner_count == BATCH || (is_near && b->near_count == NEAR_BATCH))
		read_inner(m, b);
	i = b->inner_count++;
	b->owner[i] = (uint16_t)probe;
	b->pieces[i].addr = at;
	b->pieces[i].buf = is_near ? b->near[b->near_count++] : b->headers[i];
	b->pieces[i].len = is_near ? NEAR : 2 * m->d->lay->word;
}

static void find_inner(struct mm_search *m, struct batch *b)
{
	const struct malloc_layout *lay = m->d->lay;

	for (size_t i = 0; i < b->count; i++) {
		const struct probe *p = &b->probes[i];
		uint64_t room = p->stretch->limit - p->base;

		if (!p->is_plausible)
			continue;
		room = p->total ? p->total : room;
		want_inner(m, b, i, p->base, true);
		for (unsigned k = ALIGN_FIRST; k <= ALIGN_LAST; k++) {
			uint64_t at = inner_at(lay, p->base, k) - p->base;

			if (at >= room)
				break;
			if (at + 2 * (uint64_t)lay->word > NEAR)
				want_inner(m, b, i, p->base + at, false);
		}
	}
	read_inner(m, b);
}

/* --- progress --------------------------------------------------------------------------------------- */

/* Moves to the next page that is present; absent ones hold no header. */
static void next_present(struct mm_search *m, struct mm_stretch *s)
{
	struct mem_range ranges[32];

	while (s->at < s->end && s->at >= s->present_end) {
		size_t n = mem_pages(m->d->mem, s->at, min_u64(s->end, s->at + LOOK_AHEAD), ranges,
		                     sizeof(ranges) / sizeof(ranges[0]));
		size_t i = 0;

		if (!n || ranges[n - 1].end <= s->at) {
			s->present_end = s->end; /* not known here: try every page */
			return;
		}
		for (; i < n && ranges[i].page != MEM_PAGE_PRESENT; i++)
			m->met_unreadable |= ranges[i].page == MEM_PAGE_SWAPPED;
		s->at = i < n ? max_u64(s->at, ranges[i].start) : ranges[n - 1].end;
		s->present_end = i < n ? ranges[i].end : s->at;
	}
}

/* What was right once is tried further ahead: mappings of one size, or pages that begin none. */
static void look_further(struct mm_stretch *s, uint64_t stride, uint32_t most)
{
	if (stride != s->stride)
		s->ahead = 1;
	else if (s->ahead < most)
		s->ahead *= 2;
	s->stride = stride;
}

static bool take(struct mm_search *m, const struct probe *p)
{
	struct mm_stretch *s = p->stretch;
	struct mmapped_chunk *chunk;

	chunk = VEC_ADD(m->d->region, &m->found);
	if (!chunk)
		return false;
	*chunk = (struct mmapped_chunk){ .addr = p->chunk, .size = p->total, .base = p->base };
	m->found_bytes += p->total;
	s->at += p->total;
	look_further(s, p->total, AHEAD_MAX);
	return true;
}

/* Of the probes of one stretch, those count that the chunks before them lead to. */
static bool advance(struct mm_search *m, const struct batch *b)
{
	for (size_t i = 0; i < b->count; i++) {
		const struct probe *p = &b->probes[i];
		struct mm_stretch *s = p->stretch;

		if (p->base != s->at)
			continue;
		m->met_unreadable |= p->is_unreadable;
		if (p->total) {
			if (!take(m, p))
				return false;
			continue;
		}
		s->at += PAGE;
		look_further(s, PAGE, PAGES_AHEAD_MAX);
		next_present(m, s);
	}
	return true;
}

static bool flush(struct mm_search *m, struct batch *b)
{
	bool done;

	if (!b->count)
		return true;
	read_bases(m, b);
	find_inner(m, b);
	m->headers_left -= min_u64(m->headers_left, b->count);
	done = advance(m, b);
	b->count = 0;
	return done;
}

/* One step of every stretch that is not at its end; *ret_active tells whether there were any. */
static bool step(struct mm_search *m, struct batch *b, bool *ret_active)
{
	*ret_active = false;
	for (size_t i = 0; i < m->stretches.count; i++) {
		struct mm_stretch *s = &m->stretches.at[i];
		uint64_t base = s->at;

		if (s->at >= s->end)
			continue;
		*ret_active = true;
		if (b->count + s->ahead > BATCH && !flush(m, b))
			return false;
		for (uint32_t k = 0; k < s->ahead && base < s->end; k++, base += s->stride)
			b->probes[b->count++] = (struct probe){ .stretch = s, .base = base };
	}
	return flush(m, b);
}

bool mm_scan(struct mm_search *m)
{
	struct batch *b = region_alloc(m->scratch, sizeof(*b));
	bool is_active = true;

	if (!b)
		return false;
	while (is_active && m->headers_left && !mm_is_complete(m)) {
		if (!step(m, b, &is_active))
			return false;
	}
	return true;
}
