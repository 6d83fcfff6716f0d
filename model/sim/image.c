/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/sim/image.h"

#include "model/base/units.h"
#include "model/sim/image_pool.h"

#define LEAF_SHIFT 21
#define NO_TAG     UINT64_MAX

static void flush_all(struct image *image)
{
	for (size_t i = 0; i < IMAGE_TLB_ROWS; i++)
		image->readable[i] = image->writable[i] =
		        (struct image_row){ NO_TAG, image->dummy };
}

static size_t row_of(uint64_t addr)
{
	return (addr / IMAGE_PAGE) % IMAGE_TLB_ROWS;
}

static void flush_page(struct image *image, uint64_t addr)
{
	image->readable[row_of(addr)].tag = image->writable[row_of(addr)].tag = NO_TAG;
}

static void fail(struct image *image, enum image_fault fault, uint64_t addr, bool is_write)
{
	if (image->fault != IMAGE_OK)
		return;
	image->fault = fault;
	image->fault_addr = addr;
	image->fault_is_write = is_write;
}

bool image_init(struct image *image, struct image_pool *pool)
{
	memset(image, 0, sizeof(*image));
	image->pool = pool;
	flush_all(image);
	return true;
}

/* --- root ----------------------------------------------------------------------------------------- */

/* Index of the first root row whose number is not below. */
static size_t root_find(const struct image *image, uint64_t number)
{
	size_t low = 0, high = image->root_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (image->root[mid].number < number)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct image_root_row *root_at(const struct image *image, uint64_t number)
{
	size_t i = root_find(image, number);

	return i < image->root_count && image->root[i].number == number ? &image->root[i] : NULL;
}

static struct image_root_row *root_add(struct image *image, uint64_t number)
{
	size_t i = root_find(image, number);

	if (i < image->root_count && image->root[i].number == number)
		return &image->root[i];
	if (!pool_root_room(image->pool, &image->root, image->root_count, &image->root_room)) {
		fail(image, IMAGE_NO_MEMORY, number << LEAF_SHIFT, true);
		return NULL;
	}
	memmove(&image->root[i + 1], &image->root[i],
	        (image->root_count - i) * sizeof(*image->root));
	image->root_count++;
	image->root[i] = (struct image_root_row){ .number = number, .uniform = SLOT_EMPTY };
	return &image->root[i];
}

static void cache_leaf(struct image *image, uint64_t number, struct image_leaf *leaf)
{
	image->leaf_cache[number % IMAGE_LEAF_CACHE] = leaf;
	image->leaf_cache_number[number % IMAGE_LEAF_CACHE] = number;
}

/* The leaf of an address, shared or not; NULL: there is none. */
static struct image_leaf *leaf_at(struct image *image, uint64_t addr)
{
	uint64_t number = addr >> LEAF_SHIFT;
	struct image_leaf *leaf = image->leaf_cache[number % IMAGE_LEAF_CACHE];
	const struct image_root_row *row;

	if (leaf && image->leaf_cache_number[number % IMAGE_LEAF_CACHE] == number)
		return leaf;
	row = root_at(image, number);
	leaf = row ? row->leaf : NULL;
	if (leaf)
		cache_leaf(image, number, leaf);
	return leaf;
}

uint32_t image_slot_at(const struct image *image, uint64_t addr)
{
	const struct image_root_row *row = root_at(image, addr >> LEAF_SHIFT);

	if (!row)
		return SLOT_EMPTY;
	return row->leaf ? row->leaf->slot[(addr / IMAGE_PAGE) % IMAGE_LEAF_PAGES] : row->uniform;
}

static bool is_resident(uint32_t slot)
{
	return slot != SLOT_EMPTY && slot != SLOT_SWAPPED;
}

/* The leaf of a root row, owned by this image alone, so that its slots may be written. */
static struct image_leaf *leaf_own(struct image *image, struct image_root_row *row)
{
	struct image_leaf *leaf;

	if (row->leaf && row->leaf->refs == 1)
		return row->leaf;
	leaf = pool_leaf_new(image->pool);
	if (!leaf) {
		fail(image, IMAGE_NO_MEMORY, row->number << LEAF_SHIFT, true);
		return NULL;
	}
	if (row->leaf) {
		memcpy(leaf->slot, row->leaf->slot, sizeof(leaf->slot));
		for (size_t i = 0; i < IMAGE_LEAF_PAGES; i++)
			if (leaf->slot[i] >= SLOT_FIRST_PAGE)
				pool_page_ref(image->pool, leaf->slot[i]);
		pool_leaf_unref(image->pool, row->leaf);
	} else {
		for (size_t i = 0; i < IMAGE_LEAF_PAGES; i++)
			leaf->slot[i] = row->uniform;
	}
	row->leaf = leaf;
	cache_leaf(image, row->number, leaf);
	return leaf;
}

/* Puts `slot` there, taking over its reference; the old one goes to the journal or back. */
static bool slot_set(struct image *image, uint64_t addr, uint32_t slot)
{
	struct image_leaf *leaf = leaf_at(image, addr);
	uint32_t *at, old;

	if (!leaf || leaf->refs != 1) {
		struct image_root_row *row = root_add(image, addr >> LEAF_SHIFT);

		leaf = row ? leaf_own(image, row) : NULL;
		if (!leaf)
			return false;
	}
	at = &leaf->slot[(addr / IMAGE_PAGE) % IMAGE_LEAF_PAGES];
	old = *at;
	*at = slot;
	image->resident += (uint64_t)is_resident(slot) - (uint64_t)is_resident(old);
	if (image->is_journaling) {
		image_note(image, addr | IMAGE_KIND(IMAGE_SLOT), old);
		image->slot_changes++;
	} else if (old >= SLOT_FIRST_PAGE)
		pool_page_unref(image->pool, old);
	flush_page(image, addr);
	return true;
}

/* The same for a page that is given back when it can't be put there. */
static bool slot_put(struct image *image, uint64_t addr, uint32_t slot)
{
	if (slot_set(image, addr, slot))
		return true;
	if (slot >= SLOT_FIRST_PAGE)
		pool_page_unref(image->pool, slot);
	return false;
}

bool image_branch(struct image *from, struct image *to)
{
	memset(to, 0, sizeof(*to));
	to->pool = from->pool;
	to->backing = from->backing;
	to->resident = from->resident;
	if (!pool_root_copy(from->pool, from->root, from->root_count, &to->root, &to->root_room))
		return false;
	to->root_count = from->root_count;
	for (size_t i = 0; i < to->root_count; i++)
		if (to->root[i].leaf)
			to->root[i].leaf->refs++;
	flush_all(from); /* its own pages are shared now: the next write must find that out */
	flush_all(to);
	return true;
}

void image_end(struct image *image)
{
	image_commit(image, 0);
	for (size_t i = 0; i < image->root_count; i++)
		if (image->root[i].leaf)
			pool_leaf_unref(image->pool, image->root[i].leaf);
	pool_root_free(image->pool, image->root);
	pool_journal_free(image->pool, image->journal);
	image->root = NULL;
	image->root_count = image->root_room = 0;
	image->journal = NULL;
	image->journal_at = image->journal_end = NULL;
}

/* --- filling -------------------------------------------------------------------------------------- */

bool image_put(struct image *image, uint64_t page_addr, const void *bytes, size_t pages)
{
	for (size_t i = 0; i < pages; i++) {
		uint32_t page = pool_page_new(image->pool);

		if (!page)
			return false;
		memcpy(pool_page_bytes(image->pool, page), (const uint8_t *)bytes + i * IMAGE_PAGE,
		       IMAGE_PAGE);
		if (!slot_put(image, page_addr + i * IMAGE_PAGE, page))
			return false;
	}
	return true;
}

bool image_mark(struct image *image, uint64_t start, uint64_t end, enum image_slot slot)
{
	uint64_t leaf_bytes = (uint64_t)1 << LEAF_SHIFT;

	while (start < end) {
		uint64_t next = min_u64(align_down(start, leaf_bytes) + leaf_bytes, end);

		if (next - start == leaf_bytes && !root_at(image, start >> LEAF_SHIFT)) {
			struct image_root_row *row = root_add(image, start >> LEAF_SHIFT);

			if (!row)
				return false;
			row->uniform = slot;
			image->resident += is_resident(slot) ? IMAGE_LEAF_PAGES : 0;
			start = next;
			continue;
		}
		for (; start < next; start += IMAGE_PAGE)
			if (!slot_set(image, start, slot))
				return false;
	}
	return true;
}

/* --- misses --------------------------------------------------------------------------------------- */

/* True when the access may go on. */
static bool ask_backing(struct image *image, uint64_t addr, bool is_write, uint32_t slot)
{
	enum image_fault fault = addr >> 60 ? IMAGE_SEGV : IMAGE_OK;

	if (addr >= image->window.start && addr < image->window.end &&
	    (!is_write || image->window.may_write))
		return true;
	if (fault == IMAGE_OK && image->backing.access)
		fault = image->backing.access(image->backing.ctx, addr, is_write);
	/* A file's pages have bytes of their own once they were copied. */
	if (fault == IMAGE_UNKNOWN && slot >= SLOT_FIRST_PAGE)
		fault = IMAGE_OK;
	if (fault != IMAGE_OK)
		fail(image, fault, addr, is_write);
	return fault == IMAGE_OK;
}

static uint8_t *dummy(struct image *image)
{
	memset(image->dummy, 0, sizeof(image->dummy));
	return image->dummy;
}

static const uint8_t zero_page[IMAGE_PAGE];

const uint8_t *image_read_miss(struct image *image, uint64_t addr, unsigned width)
{
	struct image_row *row = &image->readable[row_of(addr)];
	struct image_leaf *leaf;
	uint32_t slot;

	if (!is_aligned(addr, width)) {
		fail(image, IMAGE_UNALIGNED, addr, false);
		return dummy(image);
	}
	leaf = leaf_at(image, addr);
	slot = leaf ? leaf->slot[(addr / IMAGE_PAGE) % IMAGE_LEAF_PAGES]
	            : image_slot_at(image, addr);
	if (!ask_backing(image, addr, false, slot))
		return dummy(image);
	if (slot == SLOT_UNKNOWN || slot == SLOT_SWAPPED) {
		fail(image, IMAGE_UNKNOWN, addr, false);
		return dummy(image);
	}
	if (slot < SLOT_FIRST_PAGE)
		return zero_page + addr % IMAGE_PAGE;
	row->host = pool_page_bytes(image->pool, slot);
	row->tag = align_down(addr, IMAGE_PAGE);
	return row->host + addr % IMAGE_PAGE;
}

/* The page at `addr` with bytes of its own in a leaf of its own; 0 after a fault. */
static uint32_t own_page(struct image *image, uint64_t addr)
{
	struct image_leaf *leaf = leaf_at(image, addr);
	uint32_t page, slot = leaf ? leaf->slot[(addr / IMAGE_PAGE) % IMAGE_LEAF_PAGES]
	                           : image_slot_at(image, addr);

	if (!ask_backing(image, addr, true, slot))
		return 0;
	if (slot == SLOT_UNKNOWN || slot == SLOT_SWAPPED) {
		fail(image, IMAGE_UNKNOWN, addr, true);
		return 0;
	}
	if (slot >= SLOT_FIRST_PAGE && leaf->refs == 1 && pool_page_refs(image->pool, slot) == 1)
		return slot;
	page = pool_page_new(image->pool);
	if (!page) {
		fail(image, IMAGE_NO_MEMORY, addr, true);
		return 0;
	}
	if (slot >= SLOT_FIRST_PAGE)
		memcpy(pool_page_bytes(image->pool, page), pool_page_bytes(image->pool, slot),
		       IMAGE_PAGE);
	return slot_put(image, align_down(addr, IMAGE_PAGE), page) ? page : 0;
}

uint8_t *image_write_miss(struct image *image, uint64_t addr, unsigned width)
{
	uint32_t page;
	struct image_row *row = &image->writable[row_of(addr)];

	if (!is_aligned(addr, width)) {
		fail(image, IMAGE_UNALIGNED, addr, true);
		return NULL;
	}
	page = own_page(image, addr);
	if (!page)
		return NULL;
	row->host = pool_page_bytes(image->pool, page);
	row->tag = align_down(addr, IMAGE_PAGE);
	image->readable[row_of(addr)] = *row;
	return row->host + addr % IMAGE_PAGE;
}

void image_set_miss(struct image *image, uint64_t addr, uint64_t v, enum image_kind kind)
{
	unsigned width = 8u >> kind;
	uint8_t *to = image_write_miss(image, addr, width);
	uint64_t old = 0;

	if (!to)
		return;
	memcpy(&old, to, width); /* little endian: the low bytes come first */
	image_note(image, addr | IMAGE_KIND(kind), old);
	memcpy(to, &v, width);
}

void image_zero_page(struct image *image, uint64_t page_addr)
{
	uint32_t slot = image_slot_at(image, page_addr), zero = SLOT_ZERO;

	if (!ask_backing(image, page_addr, true, slot))
		return;
	if (slot == SLOT_UNKNOWN || slot == SLOT_SWAPPED) {
		fail(image, IMAGE_UNKNOWN, page_addr, true);
		return;
	}
	/* A file's page is known by having bytes. */
	if (slot >= SLOT_FIRST_PAGE)
		zero = pool_page_new(image->pool);
	if (!zero)
		fail(image, IMAGE_NO_MEMORY, page_addr, true);
	else if (slot != SLOT_ZERO)
		(void)slot_put(image, page_addr, zero);
}

/* --- the kernel's side ----------------------------------------------------------------------------- */

void image_flush(struct image *image, uint64_t start, uint64_t end)
{
	if (end - start > (uint64_t)IMAGE_TLB_ROWS * IMAGE_PAGE) {
		flush_all(image);
		return;
	}
	for (uint64_t at = align_down(start, IMAGE_PAGE); at < end; at += IMAGE_PAGE)
		flush_page(image, at);
}

/* Sets [start, end) of one leaf to EMPTY. */
static void drop_in_leaf(struct image *image, const struct image_root_row *row, uint64_t start,
                         uint64_t end)
{
	/* Another leaf when this one is shared and becomes the image's own: the same slots. */
	const struct image_leaf *leaf = row->leaf;

	if (!leaf && row->uniform == SLOT_EMPTY)
		return;
	for (uint64_t at = start; at < end; at += IMAGE_PAGE)
		if ((!leaf || leaf->slot[(at / IMAGE_PAGE) % IMAGE_LEAF_PAGES] != SLOT_EMPTY) &&
		    !slot_set(image, at, SLOT_EMPTY))
			return;
}

uint64_t image_drop(struct image *image, uint64_t start, uint64_t end)
{
	uint64_t before = image->resident, leaf_bytes = (uint64_t)1 << LEAF_SHIFT;

	for (size_t i = root_find(image, start >> LEAF_SHIFT);
	     i < image->root_count && image->root[i].number << LEAF_SHIFT < end; i++) {
		uint64_t base = image->root[i].number << LEAF_SHIFT;

		drop_in_leaf(image, &image->root[i], max_u64(base, start),
		             min_u64(base + leaf_bytes, end));
	}
	image_flush(image, start, end);
	return before - image->resident;
}

/* After an empty page: the next page, or where the next leaf begins when this one does not exist. */
static uint64_t next_leaf(const struct image *image, uint64_t addr)
{
	size_t i = root_find(image, addr >> LEAF_SHIFT);

	if (i < image->root_count && image->root[i].number == addr >> LEAF_SHIFT)
		return addr + IMAGE_PAGE;
	return i < image->root_count ? image->root[i].number << LEAF_SHIFT
	                             : UINT64_MAX & ~(uint64_t)(IMAGE_PAGE - 1);
}

void image_move(struct image *image, uint64_t from, uint64_t to, uint64_t len)
{
	image_drop(image, to, to + len);
	for (uint64_t at = 0; at < len; at += IMAGE_PAGE) {
		uint32_t slot = image_slot_at(image, from + at);

		if (slot == SLOT_EMPTY) {
			at = next_leaf(image, from + at) - from - IMAGE_PAGE;
			continue;
		}
		if (slot >= SLOT_FIRST_PAGE)
			pool_page_ref(image->pool, slot);
		if (!slot_put(image, to + at, slot) || !slot_set(image, from + at, SLOT_EMPTY))
			return;
	}
	image_flush(image, from, from + len);
	image_flush(image, to, to + len);
}

uint64_t image_touch(struct image *image, uint64_t start, uint64_t end)
{
	uint64_t before = image->resident;

	for (uint64_t at = align_down(start, IMAGE_PAGE); at < end; at += IMAGE_PAGE) {
		uint32_t slot = image_slot_at(image, at);

		if (!ask_backing(image, at, true, slot))
			break;
		if (slot == SLOT_EMPTY && !slot_set(image, at, SLOT_ZERO))
			break;
		if (slot == SLOT_SWAPPED && !slot_set(image, at, SLOT_UNKNOWN))
			break;
	}
	return image->resident - before;
}

uint64_t image_resident(const struct image *image, uint64_t start, uint64_t end)
{
	uint64_t count = 0, leaf_bytes = (uint64_t)1 << LEAF_SHIFT;

	for (size_t i = root_find(image, start >> LEAF_SHIFT);
	     i < image->root_count && image->root[i].number << LEAF_SHIFT < end; i++) {
		const struct image_root_row *row = &image->root[i];
		uint64_t base = row->number << LEAF_SHIFT;
		uint64_t first = max_u64(base, start), last = min_u64(base + leaf_bytes, end);

		if (!row->leaf) {
			count += is_resident(row->uniform) ? (last - first) / IMAGE_PAGE : 0;
			continue;
		}
		for (uint64_t at = first; at < last; at += IMAGE_PAGE)
			count += is_resident(row->leaf->slot[(at / IMAGE_PAGE) % IMAGE_LEAF_PAGES]);
	}
	return count;
}

/* --- journal --------------------------------------------------------------------------------------- */

void image_set_journal(struct image *image, bool on)
{
	image->is_journaling = on;
	/* Off: the next change finds no room, and image_note_slow() looks at the flag. */
	image->journal_at = image->journal_end = image->journal;
}

/* False: no journal, or no memory for a longer one. */
static bool grow_journal(struct image *image)
{
	size_t count = image_mark_journal(image);
	size_t room = (size_t)(image->journal_end - image->journal);

	if (!image->is_journaling)
		return false;
	if (!pool_journal_room(image->pool, &image->journal, &room)) {
		fail(image, IMAGE_NO_MEMORY, 0, true);
		return false;
	}
	image->journal_at = image->journal + count;
	image->journal_end = image->journal + room;
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
	uint64_t addr; /* NO_TAG: none */
	uint8_t *host;
};

static void undo_bytes(struct image *image, struct undo_page *last, uint64_t addr, unsigned width,
                       uint64_t old)
{
	uint64_t page_addr = align_down(addr, IMAGE_PAGE);
	uint32_t page;

	if (page_addr != last->addr) {
		page = own_page(image, addr);
		if (!page)
			return;
		*last = (struct undo_page){ page_addr, pool_page_bytes(image->pool, page) };
	}
	memcpy(last->host + addr % IMAGE_PAGE, &old, width);
}

void image_undo(struct image *image, size_t mark)
{
	struct image_change *end = image->journal_end;
	struct undo_page last = { .addr = NO_TAG };
	bool was = image->is_journaling;
	enum image_fault fault = image->fault;
	/* Rights may have changed meanwhile; what is taken back was allowed then. */
	struct image_backing backing = image->backing;

	image->is_journaling = false;
	image->backing.access = NULL;
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
			last.addr = NO_TAG;
			(void)slot_put(image, addr, (uint32_t)c->old);
			image->slot_changes--;
			break;
		}
	}
	image->backing = backing;
	image->is_journaling = was;
	image->journal_end = end;
	image->fault = fault;
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
