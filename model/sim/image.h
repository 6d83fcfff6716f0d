/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_SIM_IMAGE_H
#define HEAPTOP_MODEL_SIM_IMAGE_H

/**
 * A world's memory: a sparse, copy-on-write copy of a target's bytes, addressed as the target is.
 *
 * Pages of 4 KiB hang in leaves of 2 MiB, leaves in a sorted root; pages and leaves are counted and
 * shared between branches, so that a branch costs its root. A slot without a page says what is known:
 *
 *	EMPTY	not resident: zeroes, if its VMA is anonymous
 *	ZERO	resident and zero
 *	UNKNOWN	resident, but its bytes were not copied
 *	SWAPPED	swapped out: bytes unknown
 *	READ	only read: the kernel's zero page, which counts for nobody
 *	GUARD	MADV_GUARD_INSTALL: each access is a SEGV
 *
 * What a page without bytes means is the backing's to say (the VMA set knows which addresses exist),
 * asked only when the software TLB misses.
 *
 * Errors are sticky, not returned: the first failed access is kept in `fault`; a read that fails
 * gives 0, a write that fails goes nowhere. Who runs an operation tests the flag at its end, and inside
 * every loop whose end depends on what was read. Nobody has addresses from 2^60 on.
 *
 * IMAGE_PRIVATE_START to IMAGE_PRIVATE_END, which no process has, are the models' own: only
 * image_private_get8() and image_private_set8() reach them, so that no pointer of the target's does.
 *
 * With a journal each change can be taken back. Not thread safe; images of one pool share it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "model/base/region.h"

#define IMAGE_PRIVATE_START UINT64_C(0x0f00000000000000)
#define IMAGE_PRIVATE_END   (IMAGE_PRIVATE_START + (UINT64_C(4) << 20))

enum { IMAGE_PAGE = 4096, IMAGE_LEAF_PAGES = 512, IMAGE_TLB_ROWS = 4096 };

/* Slot values below the first page number. */
enum image_slot {
	SLOT_EMPTY,
	SLOT_ZERO,
	SLOT_UNKNOWN,
	SLOT_SWAPPED,
	SLOT_READ,
	SLOT_GUARD,
	SLOT_FIRST_PAGE
};

enum image_fault {
	IMAGE_OK,
	IMAGE_SEGV,      /* no VMA there, or one that forbids the access: the target would die */
	IMAGE_UNALIGNED, /* a write through a pointer that no allocator made: the state is corrupt */
	IMAGE_UNKNOWN,   /* our copy is incomplete there */
	IMAGE_NO_MEMORY, /* heaptop's own */
};

struct image_pool;

/** What the owner of the address space says of an address: IMAGE_OK (anonymous, so zero when
 * empty), IMAGE_SEGV, or IMAGE_UNKNOWN (mapped, but its empty pages hold a file's bytes). */
struct image_backing {
	enum image_fault (*access)(void *ctx, uint64_t addr, bool is_write);
	void *ctx;
};

/* Reads and writes have a table each, so that a row is half as large and more of them stay near. */
struct image_row {
	uint64_t tag;  /* page address, UINT64_MAX: none */
	uint8_t *host; /* the page's bytes */
};

struct image_leaf;

/* Where the backing was asked last: it would answer IMAGE_OK for all of [start, end). The backing fills
 * it, and empties it whenever its answer may change. */
struct image_window {
	uint64_t start, end;
	bool may_write;
};

enum { IMAGE_LEAF_CACHE = 32, IMAGE_SCRATCH = 4 };

struct image_root_row {
	uint64_t number;         /* address >> 21 */
	struct image_leaf *leaf; /* NULL: every slot is `uniform` */
	uint32_t uniform;
};

/* One change, to be taken back: `old` bytes of a width, or a slot. */
struct image_change {
	uint64_t where; /* address, kind in the top 4 bits */
	uint64_t old;
};

struct image {
	struct image_row readable[IMAGE_TLB_ROWS], writable[IMAGE_TLB_ROWS];
	struct image_pool *pool;
	struct image_backing backing;
	struct image_window window;
	struct image_leaf *leaf_cache[IMAGE_LEAF_CACHE]; /* by number; NULL: look it up */
	uint64_t leaf_cache_number[IMAGE_LEAF_CACHE];
	struct image_root_row *root; /* sorted; on the heap of `pool` */
	size_t root_count, root_room;
	uint64_t resident; /* pages: ZERO, UNKNOWN or with bytes */

	/* Changes are noted in [journal, journal_at); journal_at == journal_end: no room, or off. */
	bool is_journaling;
	struct image_change *journal, *journal_at, *journal_end;
	size_t journal_room; /* rows that there is memory for, also while it is off */
	size_t slot_changes; /* of them, those that hold a page's reference */

	bool admits_private; /* while one of the models' own words is accessed */

	enum image_fault fault; /* the first one since image_clear_fault() */
	uint64_t fault_addr;
	bool fault_is_write;
	struct image_change scratch[IMAGE_SCRATCH];
	uint8_t dummy[64]; /* what failed reads see */
};

/** Pages and leaves for a family of images. Ends with image_pool_free(), after its images. */
struct image_pool *image_pool_new(void);
void image_pool_free(struct image_pool *pool);
/** From now on at most bytes of pages more than there are; the next one fails with IMAGE_NO_MEMORY. */
void image_pool_limit(struct image_pool *pool, uint64_t bytes);
/** Bytes held, of them pages in use (refs > 0) × 4 KiB. */
size_t image_pool_bytes(const struct image_pool *pool, size_t *ret_page_bytes);

/** An empty image. */
void image_init(struct image *image, struct image_pool *pool);
/** A second image of the same bytes; the journal stays with `from`. False when out of memory. */
bool image_branch(struct image *from, struct image *to);
void image_end(struct image *image);

/* --- filling a base: not journaled, no backing asked -------------------------------------------- */

/** Copies whole pages in. */
bool image_put(struct image *image, uint64_t page_addr, const void *bytes, size_t pages);
/** Says of [start, end), page aligned, what its pages are (a value below SLOT_FIRST_PAGE). */
bool image_mark(struct image *image, uint64_t start, uint64_t end, enum image_slot slot);

/* --- the kernel's side --------------------------------------------------------------------------- */

/** [start, end) becomes EMPTY (munmap, brk down). Returns resident pages given up. */
uint64_t image_drop(struct image *image, uint64_t start, uint64_t end);
/** The same but for guards (MADV_DONTNEED). */
uint64_t image_zap(struct image *image, uint64_t start, uint64_t end);
/** [start, end) becomes a guard, whatever was there; or no guard any more. */
void image_guard(struct image *image, uint64_t start, uint64_t end);
void image_unguard(struct image *image, uint64_t start, uint64_t end);
/** Reads each page of [start, end), of which those that are EMPTY become READ, or ZERO where a read
 * makes a page; returns how many pages that made. */
uint64_t image_read(struct image *image, uint64_t start, uint64_t end, enum image_slot as);
/** The first guard in [start, end); `end`: there is none. */
uint64_t image_find_guard(const struct image *image, uint64_t start, uint64_t end);
/** Moves pages, as mremap does; the destination is dropped first. */
void image_move(struct image *image, uint64_t from, uint64_t to, uint64_t len);
/** Access rights of [start, end) changed: forget what the TLB knows. */
void image_flush(struct image *image, uint64_t start, uint64_t end);
/** Makes [start, end) resident as a write to each page would; returns pages that became so. */
uint64_t image_touch(struct image *image, uint64_t start, uint64_t end);
/** Resident pages of [start, end). */
uint64_t image_resident(const struct image *image, uint64_t start, uint64_t end);
/** Whether any page of [start, end) is; looks no further than the first. */
bool image_is_any_resident(const struct image *image, uint64_t start, uint64_t end);
/** Whether any page of it is known to the page tables: resident, swapped, read or a guard. */
bool image_is_any_mapped(const struct image *image, uint64_t start, uint64_t end);
/** The first address from `addr` (a multiple of 2 MiB) on where anything is known; beyond all of them. */
uint64_t image_next_leaf(const struct image *image, uint64_t addr);

/* --- journal ------------------------------------------------------------------------------------- */

/** Whether changes are noted from now on. */
void image_set_journal(struct image *image, bool on);
/** Where the journal stands. */
static inline size_t image_mark_journal(const struct image *image)
{
	return (size_t)(image->journal_at - image->journal);
}
/**
 * Takes changes back, newest first, until `mark` (an earlier image_mark_journal()). False: there was no
 * memory for a page that a branch has shared since, and the image is of no instant.
 */
bool image_undo(struct image *image, size_t mark);
/** Forgets the changes after `mark`: they can't be taken back any more. */
void image_commit(struct image *image, size_t mark);

static inline void image_clear_fault(struct image *image)
{
	image->fault = IMAGE_OK;
}

/* --- accesses ------------------------------------------------------------------------------------ */

/* Kinds of struct image_change, in the top 4 bits of `where`. */
#define IMAGE_KIND(kind) ((uint64_t)(kind) << 60)
enum image_kind { IMAGE_WORD8, IMAGE_WORD4, IMAGE_WORD2, IMAGE_BYTE, IMAGE_SLOT };

/* Slow halves; `width` 1, 2, 4 or 8. A write that fails gives NULL, and leaves nothing in the journal. */
const uint8_t *image_read_miss(struct image *image, uint64_t addr, unsigned width);
uint8_t *image_write_miss(struct image *image, uint64_t addr, unsigned width);
void image_set_miss(struct image *image, uint64_t addr, uint64_t v, enum image_kind kind);
void image_note_slow(struct image *image, uint64_t where, uint64_t old);

static inline const uint8_t *image_at(struct image *image, uint64_t addr, unsigned width)
{
	struct image_row *row = &image->readable[(addr / IMAGE_PAGE) % IMAGE_TLB_ROWS];

	/* One compare: the page is there, and the access is aligned and so within it. */
	if (__builtin_expect((addr & (~(uint64_t)(IMAGE_PAGE - 1) | (width - 1))) == row->tag, 1))
		return row->host + addr % IMAGE_PAGE;
	return image_read_miss(image, addr, width);
}

/* The bytes at `addr` when its page may be written and is this image's own; else NULL. */
static inline uint8_t *image_ready(struct image *image, uint64_t addr, unsigned width)
{
	struct image_row *row = &image->writable[(addr / IMAGE_PAGE) % IMAGE_TLB_ROWS];

	if (__builtin_expect((addr & (~(uint64_t)(IMAGE_PAGE - 1) | (width - 1))) == row->tag, 1))
		return row->host + addr % IMAGE_PAGE;
	return NULL;
}

static inline void image_note(struct image *image, uint64_t where, uint64_t old)
{
	struct image_change *at = image->journal_at;

	if (__builtin_expect(at != image->journal_end, 1)) {
		at->where = where;
		at->old = old;
		image->journal_at = at + 1;
		return;
	}
	image_note_slow(image, where, old);
}

#define IMAGE_ACCESS(name, type, kind)                                                             \
	static inline type image_get##name(struct image *image, uint64_t addr)                     \
	{                                                                                          \
		type v;                                                                            \
                                                                                                   \
		memcpy(&v, image_at(image, addr, sizeof(v)), sizeof(v));                           \
		return v;                                                                          \
	}                                                                                          \
	static inline void image_set##name(struct image *image, uint64_t addr, type v)             \
	{                                                                                          \
		uint8_t *to = image_ready(image, addr, sizeof(v));                                 \
		type old;                                                                          \
                                                                                                   \
		if (__builtin_expect(!to, 0)) {                                                    \
			image_set_miss(image, addr, v, kind);                                      \
			return;                                                                    \
		}                                                                                  \
		memcpy(&old, to, sizeof(old));                                                     \
		image_note(image, addr | IMAGE_KIND(kind), old);                                   \
		memcpy(to, &v, sizeof(v));                                                         \
	}

IMAGE_ACCESS(8, uint64_t, IMAGE_WORD8)
IMAGE_ACCESS(4, uint32_t, IMAGE_WORD4)
IMAGE_ACCESS(2, uint16_t, IMAGE_WORD2)
IMAGE_ACCESS(1, uint8_t, IMAGE_BYTE)
#undef IMAGE_ACCESS

/** A word of the models' own. */
uint64_t image_private_get8(struct image *image, uint64_t addr);
void image_private_set8(struct image *image, uint64_t addr, uint64_t v);

/**
 * The host's bytes of the page of `addr` from there on, owned and ready to be changed; NULL after a
 * fault. `addr` is aligned to 8.
 */
static inline uint8_t *image_own(struct image *image, uint64_t addr)
{
	uint8_t *host = image_ready(image, addr, 1);

	return __builtin_expect(host != NULL, 1) ? host : image_write_miss(image, addr, 8);
}

/**
 * Room for `count` (at most IMAGE_SCRATCH) changes, to be filled before anything else and then kept
 * by image_keep(). Never NULL: without a journal it is a scratch. One test for several changes.
 */
struct image_change *image_reserve_slow(struct image *image, size_t count);

static inline struct image_change *image_reserve(struct image *image, size_t count)
{
	if (__builtin_expect((size_t)(image->journal_end - image->journal_at) >= count, 1))
		return image->journal_at;
	return image_reserve_slow(image, count);
}

static inline void image_keep(struct image *image, const struct image_change *rows, size_t count)
{
	if (rows == image->journal_at)
		image->journal_at += count;
}

/** Fills, or copies without overlap; any alignment. Of a part of the source that is not known the
 * destination only becomes resident: it is a program's data, which malloc writes before it reads. */
void image_fill(struct image *image, uint64_t addr, uint8_t byte, uint64_t len);
void image_copy(struct image *image, uint64_t to, uint64_t from, uint64_t len);

/** Copies `len` bytes out as far as they are known; false when some are not. Never a fault. */
bool image_peek(const struct image *image, uint64_t addr, void *ret, size_t len);

#endif
