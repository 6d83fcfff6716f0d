/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which bytes of a heap are read for the next headers: a piece, or single headers of large chunks. */
#include "model/glibc/pt_walk.h"

enum {
	SPARSE_CHUNK = 16 << 10, /* mean size from which pieces cost more than single headers */
	SPARSE_SAMPLE = 16,      /* chunks to judge that by */
};

void walk_drop_piece(struct stream *s)
{
	s->base = s->next;
	s->valid = 0;
}

/* Large chunks: a piece would be mostly their insides. */
static void judge_density(struct stream *s)
{
	uint64_t chunks = s->chunks - s->mark_chunks;

	if (chunks < SPARSE_SAMPLE || s->next < s->mark_addr)
		return;
	s->is_sparse = (s->next - s->mark_addr) / chunks >= SPARSE_CHUNK;
	s->mark_addr = s->next;
	s->mark_chunks = s->chunks;
}

bool walk_read_piece(struct walk *w, enum mem_status *ret_status)
{
	struct stream *s = &w->s;
	uint32_t word = w->d->lay->word;
	uint64_t want, got, at;

	judge_density(s);
	s->piece_len = min_u64(2 * (uint64_t)s->piece_len, WALK_PIECE) & UINT32_MAX;
	s->base = s->is_sparse ? s->next : align_down(s->next, WALK_PAGE);
	want = s->is_sparse ? 4 * (uint64_t)word : s->piece_len;
	want = min_u64(want, s->read_end > s->base ? s->read_end - s->base : 0);
	*ret_status = MEM_UNMAPPED;
	got = want ? mem_read(w->d->mem, s->base, w->piece, want, ret_status) : 0;
	s->valid = got;
	/* Where memory ends, a header may end with it: its user word is then taken as 0. */
	if (got < want || s->base + got >= s->read_end) {
		memset(w->piece + got, 0, word);
		s->valid += word;
	}
	at = s->next - s->base;
	return at + 2 * (uint64_t)word <= got && at + 3 * (uint64_t)word <= s->valid;
}
