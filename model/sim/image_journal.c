/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/base/units.h"
#include "model/sim/image_private.h"

/** Changes, noted to be taken back or to be forgotten. */

void image_set_journal(struct image *image, bool on)
{
	image->is_journaling = on;
	/* Off: the next change finds no room, and image_note_slow() looks at the flag. */
	image->journal_at = image->journal_end = image->journal;
	if (on && image->journal)
		image->journal_end = image->journal + image->journal_room;
}

/* False: no journal, or no memory for a longer one. */
static bool grow_journal(struct image *image)
{
	size_t count = image_mark_journal(image);

	if (!image->is_journaling)
		return false;
	if (!pool_journal_room(image->pool, &image->journal, &image->journal_room)) {
		image_fail(image, IMAGE_NO_MEMORY, 0, true);
		return false;
	}
	image->journal_at = image->journal + count;
	image->journal_end = image->journal + image->journal_room;
	return true;
}

void image_note_slow(struct image *image, uint64_t where, uint64_t old)
{
	if (grow_journal(image))
		*image->journal_at++ = (struct image_change){ where, old };
}

struct image_change *image_reserve_slow(struct image *image, size_t count)
{
	return count <= IMAGE_SCRATCH && grow_journal(image) ? image->journal_at : image->scratch;
}

/* The page that was written last: rows of one page follow one another. The TLB is not for it: what was
 * allowed then may be forbidden now. */
struct undo_page {
	uint64_t addr; /* UINT64_MAX: none */
	uint8_t *host;
};

static void undo_bytes(struct image *image, struct undo_page *last, uint64_t addr, unsigned width,
                       uint64_t old)
{
	uint64_t page_addr = align_down(addr, IMAGE_PAGE);
	uint32_t page;

	if (page_addr != last->addr) {
		page = image_own_page(image, addr);
		if (!page)
			return;
		*last = (struct undo_page){ page_addr, pool_page_bytes(image->pool, page) };
	}
	memcpy(last->host + addr % IMAGE_PAGE, &old, width);
}

bool image_undo(struct image *image, size_t mark)
{
	struct image_change *end = image->journal_end;
	struct undo_page last = { .addr = UINT64_MAX };
	bool was = image->is_journaling;
	enum image_fault fault = image->fault;
	bool done;
	/* Rights may have changed meanwhile; what is taken back was allowed then. */
	struct image_backing backing = image->backing;

	image->is_journaling = false;
	image->backing.access = NULL;
	image->admits_private = true;
	image->fault = IMAGE_OK;
	while (image_mark_journal(image) > mark) {
		const struct image_change *c = --image->journal_at;
		uint64_t addr = c->where & (IMAGE_KIND(1) - 1);

		switch ((enum image_kind)(c->where >> 60)) {
		case IMAGE_WORD8:
			undo_bytes(image, &last, addr, 8, c->old);
			break;
		case IMAGE_WORD4:
			undo_bytes(image, &last, addr, 4, c->old);
			break;
		case IMAGE_WORD2:
			undo_bytes(image, &last, addr, 2, c->old);
			break;
		case IMAGE_BYTE:
			undo_bytes(image, &last, addr, 1, c->old);
			break;
		case IMAGE_SLOT:
			(void)image_slot_put(image, addr, (uint32_t)c->old);
			image->slot_changes--;
			last.addr = UINT64_MAX;
			break;
		}
	}
	done = image->fault == IMAGE_OK;
	image->admits_private = false;
	image->backing = backing;
	image->is_journaling = was;
	image->journal_end = end;
	image->fault = fault;
	return done;
}

void image_commit(struct image *image, size_t mark)
{
	struct image_change *from;

	if (!image->journal)
		return;
	from = image->journal + mark;
	while (image->slot_changes && image->journal_at > from) {
		const struct image_change *c = --image->journal_at;

		if (c->where >> 60 != IMAGE_SLOT)
			continue;
		image->slot_changes--;
		if (c->old >= SLOT_FIRST_PAGE)
			pool_page_unref(image->pool, (uint32_t)c->old);
	}
	if (image->journal_at > from)
		image->journal_at = from;
}
