/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One heap, piece by piece: reading, checking each header against its neighbour, and what to do when
 * they contradict one another because the target went on working.
 */
#include "model/glibc/pt_walk.h"

enum step {
	STEP_FULL, /* seen[] is full */
	STEP_READ, /* the next header is not in the piece */
	STEP_END,  /* at s->stop */
	STEP_BAD,  /* the next header can't be right */
};

enum {
	TRIES_MAX = 8,     /* back-ups in one place: 2, 4, 8 … chunks */
	UNCHANGED_MAX = 3, /* the same bad header so often: it is not in motion */
	RESTARTS_MAX = 2,
	MOVES_MAX = 16, /* of top, while one heap is walked */
};

static inline uint64_t load(const uint8_t *at, unsigned word)
{
	uint64_t wide;
	uint32_t narrow;

	if (word == 8) {
		memcpy(&wide, at, sizeof(wide));
		return wide;
	}
	memcpy(&narrow, at, sizeof(narrow));
	return narrow;
}

/*
 * The hot loop: a million chunks in a few ms. `word` is a constant in each of its two instances.
 * A header is three words: the size of the chunk before (valid when that one is free), its own size with
 * flags, its first user word.
 */
static inline __attribute__((always_inline)) enum step parse(struct walk *w, const unsigned word)
{
	struct stream *s = &w->s;
	const uint8_t *piece = w->piece;
	const uint64_t base = s->base, bad_bits = s->bad_bits, min = w->d->lay->min_size;
	const uint64_t stop = s->stop, need = 3 * (uint64_t)word;
	const uint64_t whole = s->valid >= need ? s->valid - need + 1 : 0;
	const uint64_t span = stop - base < whole ? stop - base : whole;
	uint64_t next = s->next;
	size_t n = s->count;
	uint64_t last = n ? pt_chunk_size(w->seen[n - 1].raw) : 0;
	enum step step = STEP_FULL;

	while (n < WALK_SEEN) {
		const uint8_t *at;
		uint64_t raw, size;

		if (next - base >= span) {
			step = next >= stop ? STEP_END : STEP_READ;
			break;
		}
		at = piece + (next - base);
		/* The next header is found by this one: all that can be done early is to bring the
		 * piece nearer, about four cache lines per chunk of usual size. */
		for (size_t ahead = 1024; ahead < 1024 + 256; ahead += 64)
			__builtin_prefetch(at + ahead);
		raw = load(at + word, word);
		size = pt_chunk_size(raw);
		if ((raw & bad_bits) || size < min || size > stop - next ||
		    (!(raw & PREV_INUSE) && last && load(at, word) != last)) {
			step = STEP_BAD;
			break;
		}
		w->seen[n++] = (struct seen){ next, raw, load(at + 2 * (size_t)word, word) };
		last = size;
		next += size;
	}
	s->chunks += n - s->count;
	s->count = n;
	s->next = next;
	return step;
}

static enum step parse_lp64(struct walk *w)
{
	return parse(w, 8);
}

static enum step parse_i386(struct walk *w)
{
	return parse(w, 4);
}

/*
 * Gives up the chunk before a place that stays bad, and goes on at the next chunk that the arena's
 * own lists name. What lies between is counted, not guessed.
 */
static void skip(struct walk *w, bool is_unreadable)
{
	struct stream *s = &w->s;
	uint64_t lost = s->next, anchor;

	if (s->count) {
		lost = w->seen[s->count - 1].addr;
		walk_account(w, s->count - 1);
	}
	walk_run_end(w);
	anchor = walk_anchor_above(w, lost);
	if (is_unreadable) {
		w->tally->unreadable += anchor - lost;
	} else {
		w->tally->torn_bytes += anchor - lost;
		w->tally->torn_chunks++;
		if (s->unchanged >= UNCHANGED_MAX)
			heap_error_add(w->d->heap, s->next,
			               "a chunk's header contradicts its neighbours");
	}
	s->count = 0;
	s->next = anchor;
	walk_drop_piece(s);
}

static bool restart(struct walk *w)
{
	struct stream *s = &w->s;
	uint64_t top;

	/* What a sink was told can't be taken back. */
	if (!s->has_top || w->sink || s->restarts >= RESTARTS_MAX || !walk_read_top(w, &top))
		return false;
	if (top == s->stop && s->unchanged >= UNCHANGED_MAX)
		return false;
	if (top < s->start || top >= s->read_end)
		return false;
	s->restarts++;
	s->stop = top;
	walk_restart(w);
	return true;
}

/* Steps back `chunks` known chunk starts, as far as they are kept. */
static void step_back(struct walk *w, size_t chunks)
{
	struct stream *s = &w->s;

	s->count -= chunks < s->count ? chunks : s->count;
	s->next = w->seen[s->count].addr;
	walk_drop_piece(s);
}

/*
 * A contradiction: the target changed the heap between two reads. Reads again from 2, 4, 8 … chunks
 * before; when that does not help, the heap from its start with a fresh top. False: it stays torn.
 */
static bool mend(struct walk *w, uint64_t raw)
{
	struct stream *s = &w->s;

	if (w->retries >= WALK_RETRIES_MAX || s->retries >= WALK_HEAP_RETRIES_MAX)
		return false;
	w->retries++;
	s->retries++;
	s->piece_len = WALK_PIECE_LEAST / 2; /* each read doubles it first */
	if (s->next > s->bad_addr) {
		s->tries = s->unchanged = 0;
		s->bad_addr = s->next;
	} else if (s->next == s->bad_addr && raw == s->bad_raw) {
		s->unchanged++;
	}
	s->bad_raw = raw;
	if (s->count && ++s->tries <= TRIES_MAX && s->unchanged < UNCHANGED_MAX) {
		step_back(w, (size_t)1 << s->tries);
		return true;
	}
	return restart(w);
}

static bool is_fencepost(const struct walk *w, uint64_t raw)
{
	return (raw & ~(uint64_t)PREV_INUSE) == pt_fencepost_size(w->d->lay);
}

/* The second of two fenceposts, or the first of them. */
static bool is_one_of_two(const struct walk *w)
{
	const struct stream *s = &w->s;
	uint64_t fence = pt_fencepost_size(w->d->lay);
	uint32_t word = w->d->lay->word;
	uint8_t other[8];

	if (s->count && is_fencepost(w, w->seen[s->count - 1].raw))
		return true;
	return s->stop - s->next >= 2 * fence &&
	       mem_read_all(w->d->mem, s->next + fence + word, other, word) &&
	       load(other, word) == (fence | PREV_INUSE);
}

/*
 * Headers smaller than any chunk end a part of an arena that could not grow: glibc
 * malloc/malloc.c:sysmalloc closes a thread arena's heap with one fencepost and a size of 0, and a
 * piece of main_arena with two fenceposts. True: accepted.
 */
static bool accept_end_mark(struct walk *w, uint64_t raw)
{
	struct stream *s = &w->s;
	const struct malloc_layout *lay = w->d->lay;
	uint64_t left = s->stop - s->next;

	if (!s->has_top && raw == PREV_INUSE && left < pt_fencepost_size(lay) + lay->alignment) {
		w->seen[s->count].raw = raw;
		walk_account(w, s->count);
		w->tally->fencepost_bytes += left;
		s->next = s->stop;
		return true;
	}
	if (!is_fencepost(w, raw) || left < pt_fencepost_size(lay))
		return false;
	if (w->arena->is_main ? !is_one_of_two(w)
	                      : s->has_top || left > 2 * (uint64_t)lay->min_size)
		return false;
	w->seen[s->count++] = (struct seen){ .addr = s->next, .raw = raw };
	s->next += pt_fencepost_size(lay);
	return true;
}

/*
 * A piece of main_arena that was not the last ends in fenceposts; then comes what somebody else got
 * from sbrk(), which is not malloc's, and the next piece. What is in between may look like chunks, so it
 * is not tried as such unless `must` (it does not) or no other piece is found. True: there is a gap, and
 * it is behind us.
 */
static bool cross_gap(struct walk *w, bool must)
{
	struct stream *s = &w->s;
	uint64_t at;

	if (!w->arena->is_main || !s->count || !is_fencepost(w, w->seen[s->count - 1].raw))
		return false;
	at = pt_next_piece(w->d, s->next, s->stop, &w->gap_reads_left);
	if (at == s->stop && !must)
		return false;
	if (!w->gap_reads_left) {
		heap_error_add(w->d->heap, s->next, "the next piece of main_arena was not found");
		w->tally->torn_chunks++;
	}
	w->seen[s->count].raw = PREV_INUSE;
	walk_account(w, s->count);
	s->next = at;
	walk_drop_piece(s);
	return true;
}

static bool is_second_fencepost(const struct walk *w)
{
	const struct stream *s = &w->s;

	return s->count >= 2 && is_fencepost(w, w->seen[s->count - 1].raw) &&
	       is_fencepost(w, w->seen[s->count - 2].raw) && s->next < s->stop;
}

/* seen[] is never full here: parse() would have said so first. */
static void bad_header(struct walk *w)
{
	struct stream *s = &w->s;
	uint32_t word = w->d->lay->word;
	uint64_t raw = load(w->piece + (s->next - s->base) + word, word);

	if (accept_end_mark(w, raw)) {
		if (s->has_top && is_second_fencepost(w))
			(void)cross_gap(w, false);
	} else if (!cross_gap(w, true) && !mend(w, raw)) {
		skip(w, false);
	}
}

/* Top moved up: go on; it moved down: the last chunks are part of it now. False: it stays. */
static bool follow_top(struct walk *w)
{
	struct stream *s = &w->s;
	uint64_t top;

	if (!walk_read_top(w, &top) || top == s->stop)
		return false;
	w->tally->is_moving = true;
	if (s->moves++ >= MOVES_MAX || top < s->start || top >= s->read_end)
		return false;
	if (top < s->stop) {
		while (s->count && w->seen[s->count - 1].addr >= top)
			s->count--;
		if (!s->count)
			return restart(w);
		step_back(w, 1);
	}
	s->stop = top;
	walk_drop_piece(s);
	return true;
}

/* At top: its header decides whether the last chunk is in use. True: the heap is done. */
static bool end_at_top(struct walk *w)
{
	struct stream *s = &w->s;
	uint32_t word = w->d->lay->word;
	uint8_t header[16];
	uint64_t raw, last;

	if (follow_top(w))
		return false;
	if (!s->count)
		return true;
	last = pt_chunk_size(w->seen[s->count - 1].raw);
	if (!mem_read_all(w->d->mem, s->stop, header, 2 * (size_t)word)) {
		skip(w, true);
		return false;
	}
	raw = load(header + word, word);
	if (!(raw & PREV_INUSE) && load(header, word) != last) {
		if (!mend(w, raw))
			skip(w, false);
		return false;
	}
	w->seen[s->count].raw = raw;
	walk_account(w, s->count);
	return true;
}

/* A heap that is not the newest ends with its end marks, which were accepted before. */
static bool end_without_top(struct walk *w)
{
	struct stream *s = &w->s;

	if (!s->count)
		return true;
	if (!is_fencepost(w, w->seen[s->count - 1].raw)) {
		skip(w, false);
		return false;
	}
	w->seen[s->count].raw = PREV_INUSE;
	walk_account(w, s->count);
	return true;
}

void walk_stream(struct walk *w)
{
	struct stream *s = &w->s;
	enum mem_status status;

	s->next = s->mark_addr = s->start;
	s->piece_len = WALK_PIECE;
	walk_drop_piece(s);
	for (;;) {
		switch (w->d->lay->word == 8 ? parse_lp64(w) : parse_i386(w)) {
		case STEP_FULL:
			walk_account(w, s->count - WALK_KEPT);
			break;
		case STEP_READ:
			if (!walk_read_piece(w, &status))
				skip(w, true);
			break;
		case STEP_BAD:
			bad_header(w);
			break;
		case STEP_END:
			if (s->has_top ? end_at_top(w) : end_without_top(w))
				return;
			break;
		}
	}
}
