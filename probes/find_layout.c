/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which layout row a libc has. Its version names one, but versions are not always known (the file is
 * gone, a program is static), and stable branches change layouts (2.22, 2.26, 2.28 and 2.29 did). What
 * is there counts, from the outside in:
 *
 *	struct malloc_state	the relocation's distance, or the scan
 *	struct malloc_par	where mp_ is recognised best
 *	tcache			the first chunk of [heap]: its size, its counters, how its links are stored
 */
#include <string.h>

#include "model/base/units.h"
#include "probes/find_roads.h"

enum { TCACHE_MAX = 1024, COUNT_MAX = 127, CANDIDATES = 4 };

const struct malloc_layout *layout_choose(const struct roads *roads)
{
	const struct malloc_layout *row = roads->row;

	if (roads->next_offset && (!row || row->arena.next != roads->next_offset))
		row = glibc_layout_by_next(roads->next_offset, roads->abi);
	if (roads->candidate.lay &&
	    (!row || row->arena.system_mem != roads->candidate.lay->arena.system_mem))
		row = roads->candidate.lay;
	return row;
}

static bool has_same_arena(const struct malloc_layout *a, const struct malloc_layout *b)
{
	return a->abi == b->abi && a->alignment == b->alignment &&
	       memcmp(&a->arena, &b->arena, sizeof(a->arena)) == 0;
}

static bool has_same_par(const struct malloc_layout *a, const struct malloc_layout *b)
{
	return memcmp(&a->par, &b->par, sizeof(a->par)) == 0;
}

/* --- the tcache at the start of [heap] --------------------------------------------------------- */

struct first_chunk {
	uint64_t mem, size; /* user memory; chunk size */
	size_t len;         /* bytes read */
	uint8_t bytes[TCACHE_MAX];
};

/* malloc's first chunk; by then a thread has a tcache, so that is what it usually is. */
static bool read_first_chunk(struct roads *roads, const struct malloc_layout *lay,
                             uint64_t sbrk_base, struct first_chunk *ret)
{
	const uint64_t head = 2 * (uint64_t)lay->word;
	enum mem_status status;

	ret->mem = align_up(sbrk_base + head, lay->alignment);
	ret->size = 0;
	if (!sbrk_base || !vma_is_writable(roads->vmas, ret->mem - head, TCACHE_MAX) ||
	    !mem_read_all(roads->mem, ret->mem - lay->word, &ret->size, lay->word))
		return false;
	ret->size &= ~(uint64_t)7;
	ret->len = mem_read(roads->mem, ret->mem, ret->bytes, sizeof(ret->bytes), &status);
	return true;
}

static uint64_t value_at(const struct first_chunk *chunk, size_t offset, size_t width)
{
	uint64_t value = 0;

	memcpy(&value, chunk->bytes + offset, width);
	return value;
}

static uint64_t entry_at(const struct first_chunk *chunk, const struct malloc_layout *lay,
                         uint32_t i)
{
	return value_at(chunk, lay->tcache.entries + i * (size_t)lay->word, lay->word);
}

/* Every bin's counter and list agree on whether it is empty. */
static bool is_tcache(const struct roads *roads, const struct first_chunk *chunk,
                      const struct malloc_layout *lay)
{
	const struct tcache_layout *t = &lay->tcache;
	if (!t->bins || t->size > chunk->len ||
	    (chunk->size != t->chunk_sizes[0] && chunk->size != t->chunk_sizes[1]))
		return false;
	for (uint32_t i = 0; i < t->bins; i++) {
		uint64_t count = value_at(chunk, i * (size_t)t->count_bytes, t->count_bytes);
		uint64_t entry = entry_at(chunk, lay, i);

		if (count > COUNT_MAX || (entry && (!is_aligned(entry, lay->alignment) ||
		                                    !vma_is_writable(roads->vmas, entry, 1))))
			return false;
		if (!t->counts_down && (count != 0) != (entry != 0))
			return false;
	}
	return true;
}

/* Lists end in a link that is 0, or its own address shifted (safe-linking): one entry tells. */
static bool links_agree(const struct roads *roads, const struct first_chunk *chunk,
                        const struct malloc_layout *lay)
{
	for (uint32_t i = 0; i < lay->tcache.bins; i++) {
		uint64_t entry = entry_at(chunk, lay, i), link = 0, next;

		if (!entry || !mem_read_all(roads->mem, entry, &link, lay->word))
			continue;
		next = glibc_reveal(lay, entry, link);
		return !next ||
		       (is_aligned(next, lay->alignment) && vma_is_writable(roads->vmas, next, 1));
	}
	/* With a known version an empty one is not enough to believe another. */
	return !roads->row;
}

/* The better of two rows that fit: the one the version names, its nearest neighbour, the newest. */
static const struct malloc_layout *nearer(const struct roads *roads, const struct malloc_layout *a,
                                          const struct malloc_layout *b)
{
	int to_a, to_b;

	if (!a || !roads->row)
		return a && a->minor_last > b->minor_last ? a : b;
	to_a = a->minor_first - roads->row->minor_first;
	to_b = b->minor_first - roads->row->minor_first;
	return to_a * to_a <= to_b * to_b ? a : b;
}

static const struct malloc_layout *
refine_by_tcache(struct roads *roads, const struct malloc_layout *row, uint64_t sbrk_base)
{
	const struct malloc_layout *best = NULL;
	struct first_chunk chunk;

	if (!read_first_chunk(roads, row, sbrk_base, &chunk) ||
	    (row == roads->row && is_tcache(roads, &chunk, row)))
		return row;
	for (size_t i = 0; i < glibc_layout_count; i++) {
		const struct malloc_layout *lay = &glibc_layouts[i];

		if (has_same_arena(lay, row) && has_same_par(lay, row) &&
		    is_tcache(roads, &chunk, lay) && links_agree(roads, &chunk, lay))
			best = nearer(roads, best, lay);
	}
	return best ? best : row;
}

/* --- mp_ ---------------------------------------------------------------------------------------- */

static const struct malloc_layout *refine_by_mp(struct roads *roads,
                                                const struct malloc_layout *row,
                                                uint64_t main_arena, uint64_t *ret_mp)
{
	const struct pt_candidate candidate = { .addr = main_arena, .lay = row };
	struct decode d = roads_decode(roads, row);
	struct pt_candidate found[CANDIDATES];
	size_t count;

	d.main_arena_addr = main_arena;
	count = pt_scan_mp(&d, roads->live_data, roads->len,
	                   roads->data_vaddr + roads->module->bias, &candidate, found, CANDIDATES);
	if (!count)
		return row;
	*ret_mp = found[0].addr;
	return row == roads->row || !found[0].lay ? row : found[0].lay;
}

const struct malloc_layout *layout_refine(struct roads *roads, const struct malloc_layout *row,
                                          uint64_t main_arena)
{
	struct malloc_params params = { 0 };
	uint64_t mp = 0;
	struct decode d;

	row = refine_by_mp(roads, row, main_arena, &mp);
	d = roads_decode(roads, row);
	d.mp_addr = mp;
	if (!mp || !pt_read_params(&d, &params))
		return row;
	return refine_by_tcache(roads, row, fact_or(params.sbrk_base, 0));
}
