/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/rules/glibc.h"

enum { SMALL_BINS = 64, LAST_BIN = 126 };

const struct malloc_layout *glibc_layout_for(int minor, enum abi abi)
{
	for (size_t i = 0; i < glibc_layout_count; i++) {
		const struct malloc_layout *lay = &glibc_layouts[i];

		if (lay->abi == abi && lay->minor_first <= minor && minor <= lay->minor_last)
			return lay;
	}
	return NULL;
}

const struct malloc_layout *glibc_layout_by_next(uint32_t next_offset, enum abi abi)
{
	const struct malloc_layout *newest = NULL;

	for (size_t i = 0; i < glibc_layout_count; i++) {
		const struct malloc_layout *lay = &glibc_layouts[i];

		if (lay->abi == abi && lay->arena.next == next_offset &&
		    (!newest || lay->minor_first > newest->minor_first))
			newest = lay;
	}
	return newest;
}

/*
 * Large bins in five groups, each with a wider spacing (glibc malloc/malloc.c:largebin_index_64,
 * largebin_index_32, largebin_index_32_big). The groups are tried in this order: a size belongs to the
 * first whose quotient is within its limit.
 */
struct large_group {
	unsigned shift;
	unsigned limit; /* of size >> shift */
	unsigned base;  /* bin = base + (size >> shift) */
};

static const struct large_group wide_groups[] = {
	{ 9, 20, 91 },
	{ 12, 10, 110 },
	{ 15, 4, 119 },
	{ 18, 2, 124 },
};

enum { WIDE_GROUPS = sizeof(wide_groups) / sizeof(wide_groups[0]) };

/* The first group starts where the small bins end, so it depends on alignment and word. */
static struct large_group first_group(const struct malloc_layout *lay)
{
	if (lay->word == 8)
		return (struct large_group){ 6, 48, 48 };
	return lay->small_bin_shift ? (struct large_group){ 6, 45, 49 }
	                            : (struct large_group){ 6, 38, 56 };
}

unsigned glibc_bin_index(const struct malloc_layout *lay, uint64_t chunk_size)
{
	struct large_group group;

	/* Alignment is a power of two; a division would be most of a walk's work on a free chunk. */
	if (chunk_size < lay->min_large)
		return (unsigned)(chunk_size >> __builtin_ctz(lay->alignment)) +
		       lay->small_bin_shift;
	group = first_group(lay);
	for (unsigned i = 0; chunk_size >> group.shift > group.limit; i++) {
		if (i == WIDE_GROUPS)
			return LAST_BIN;
		group = wide_groups[i];
	}
	return group.base + (unsigned)(chunk_size >> group.shift);
}

uint64_t glibc_bin_min(const struct malloc_layout *lay, unsigned bin)
{
	uint64_t low = lay->min_large, high = UINT64_C(1) << 20;

	if (bin < SMALL_BINS)
		return (uint64_t)(bin - lay->small_bin_shift) * lay->alignment;
	/* The index never falls as the size grows: search for the first size that reaches `bin`. */
	while (low < high) {
		uint64_t mid = low + (high - low) / 2 / lay->alignment * lay->alignment;

		if (glibc_bin_index(lay, mid) < bin)
			low = mid + lay->alignment;
		else
			high = mid;
	}
	return low;
}

uint64_t glibc_tcache_size(const struct malloc_layout *lay, unsigned index)
{
	unsigned small = lay->tcache.small_bins;

	if (index < small)
		return lay->min_size + (uint64_t)index * lay->alignment;
	/* glibc 2.42 malloc/malloc.c:large_csize2tidx: one class per power of two, the first from
	 * the largest small size on. */
	if (index == small)
		return lay->min_size + (uint64_t)small * lay->alignment;
	return UINT64_C(1024) << (index - small);
}

/*
 * Most come from top and have their very size. One from a bin is larger when the rest of the free
 * chunk would have been less than MINSIZE (malloc.c:_int_malloc): where arenas are shared or used again.
 */
bool glibc_is_tcache_chunk(const struct malloc_layout *lay, uint64_t size)
{
	for (int i = 0; i < 2; i++) {
		uint64_t wanted = lay->tcache.chunk_sizes[i];

		if (wanted && size >= wanted && size - wanted < lay->min_size &&
		    (size - wanted) % lay->alignment == 0)
			return true;
	}
	return false;
}

uint64_t glibc_fastbin_size(const struct malloc_layout *lay, unsigned index)
{
	/* Steps of two words, also where the alignment is larger (i386 from 2.26). */
	return (uint64_t)(index + 2) * 2 * lay->word;
}

uint64_t glibc_reveal(const struct malloc_layout *lay, uint64_t field_addr, uint64_t stored)
{
	return lay->safe_linking ? stored ^ field_addr >> 12 : stored;
}
