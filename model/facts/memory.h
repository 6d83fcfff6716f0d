/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_MODEL_FACTS_MEMORY_H
#define HEAPTOP_MODEL_FACTS_MEMORY_H

/**
 * Reading a target's memory, whatever it is: a live process, a core, a recording, a test's bytes.
 * An implementation never makes a page present that was not: an untouched anonymous page reads as
 * zeroes without being touched, an untouched private file page is read from the file, a page that
 * is swapped out, a guard page or device memory is refused.
 * Not thread safe; used by one thread at a time.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mem_status {
	MEM_OK,
	MEM_UNMAPPED, /* no readable VMA there */
	MEM_SWAPPED,  /* swapped out: reading would bring it in */
	MEM_GUARD,    /* guard page, device memory, userfaultfd: reading would fail or block */
	MEM_DENIED,   /* no permission */
	MEM_GONE,     /* the process has ended or called exec */
	MEM_FAILED,
};

struct mem_piece {
	uint64_t addr;
	void *buf;
	uint32_t len;
	enum mem_status status; /* out; `buf` is valid only when MEM_OK */
};

/* What a page range holds. */
enum mem_page {
	MEM_PAGE_ABSENT, /* never touched, or given back */
	MEM_PAGE_PRESENT,
	MEM_PAGE_SWAPPED,
	MEM_PAGE_GUARD,
};

struct mem_range {
	uint64_t start, end;
	enum mem_page page;
};

struct memory {
	const struct memory_ops *ops;
};

struct memory_ops {
	/**
	 * Reads up to `len` bytes at `addr`; returns how many leading bytes were read. When that is
	 * less than `len`, *ret_status says what lies at addr + returned. Pieces of up to 256 KiB.
	 */
	size_t (*read)(struct memory *mem, uint64_t addr, void *buf, size_t len,
	               enum mem_status *ret_status);
	/** Reads `count` small pieces in few system calls; each piece gets its own status. */
	void (*gather)(struct memory *mem, struct mem_piece *pieces, size_t count);
	/**
	 * Residency of [start, end), page aligned: fills at most `room` ranges that cover it from
	 * `start` without gaps; returns their number, 0 when residency can't be read here. The last
	 * range's end says how far it got. (Cores and tests may call every page present.)
	 */
	size_t (*pages)(struct memory *mem, uint64_t start, uint64_t end, struct mem_range *ranges,
	                size_t room);
};

static inline size_t mem_read(struct memory *mem, uint64_t addr, void *buf, size_t len,
                              enum mem_status *ret_status)
{
	return mem->ops->read(mem, addr, buf, len, ret_status);
}

/** True when all of it could be read. */
static inline bool mem_read_all(struct memory *mem, uint64_t addr, void *buf, size_t len)
{
	enum mem_status status;

	return mem->ops->read(mem, addr, buf, len, &status) == len;
}

static inline void mem_gather(struct memory *mem, struct mem_piece *pieces, size_t count)
{
	mem->ops->gather(mem, pieces, count);
}

static inline size_t mem_pages(struct memory *mem, uint64_t start, uint64_t end,
                               struct mem_range *ranges, size_t room)
{
	return mem->ops->pages(mem, start, end, ranges, room);
}

#endif
