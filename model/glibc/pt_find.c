/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/glibc/pt_find.h"

#define PAGE 4096u

enum {
	BINS_ODD_MAX = 3, /* bins that are caught half-written */
	RING_POINTS = 3,  /* a neighbour layout shifted by a word fits in all but this */
};

/* --- candidates ------------------------------------------------------------------------------- */

struct scan scan_open(const struct decode *d, const uint8_t *bytes, size_t len, uint64_t base)
{
	struct scan scan = { .d = d, .bytes = bytes, .len = len, .base = base };

	for (size_t i = 0; i < d->vmas->count; i++) {
		if (vma_is_named(d->vmas, &d->vmas->at[i], "[heap]"))
			scan.heap = &d->vmas->at[i];
	}
	return scan;
}

static bool is_better(const struct pt_candidate *a, const struct pt_candidate *b)
{
	if (a->score != b->score)
		return a->score > b->score;
	return a->addr == b->addr && a->lay->minor_first > b->lay->minor_first;
}

void scan_keep(struct scan *scan, struct pt_candidate candidate)
{
	size_t at;

	for (size_t i = 0; i < scan->count; i++) {
		if (scan->found[i].addr != candidate.addr)
			continue;
		if (!is_better(&candidate, &scan->found[i]))
			return;
		memmove(&scan->found[i], &scan->found[i + 1],
		        (--scan->count - i) * sizeof(*scan->found));
		break;
	}
	for (at = scan->count; at && is_better(&candidate, &scan->found[at - 1]); at--)
		;
	if (at == scan->room)
		return;
	if (scan->count == scan->room)
		scan->count--;
	memmove(&scan->found[at + 1], &scan->found[at], (scan->count - at) * sizeof(*scan->found));
	scan->found[at] = candidate;
	scan->count++;
}

bool ring_closes(const struct decode *d, const struct malloc_layout *lay, uint64_t addr)
{
	uint64_t at = addr;
	uint8_t word[8];

	for (int i = 0; i < DECODE_ARENAS_MAX; i++) {
		if (!pt_is_writable(d, at + lay->arena.next, lay->word) ||
		    !mem_read_all(d->mem, at + lay->arena.next, word, lay->word))
			return false;
		at = pt_word(lay, word);
		if (at == addr)
			return true;
		if (!at || !is_aligned(at, lay->word))
			return false;
	}
	return false;
}

/* --- main_arena ------------------------------------------------------------------------------- */

/* Bins of a candidate. */
struct bins_seen {
	unsigned empty, zero, odd;
};

static bool is_chunk_pointer(const struct decode *d, const struct malloc_layout *lay, uint64_t addr)
{
	return addr && pt_is_chunk_aligned(lay, addr) && pt_is_writable(d, addr, lay->min_size);
}

static bool look_at_bins(const struct decode *d, const struct malloc_layout *lay, uint64_t addr,
                         const uint8_t *copy, struct bins_seen *seen)
{
	*seen = (struct bins_seen){ 0 };
	for (unsigned bin = 1; bin <= PT_BINS && seen->odd <= BINS_ODD_MAX; bin++) {
		uint64_t own = pt_bin_addr(lay, addr, bin);
		uint64_t first = pt_bin_first(lay, copy, bin);
		uint64_t last = pt_bin_last(lay, copy, bin);

		if (first == own && last == own)
			seen->empty++;
		else if (first == 0 && last == 0)
			seen->zero++;
		else if (first == own || last == own || !is_chunk_pointer(d, lay, first) ||
		         !is_chunk_pointer(d, lay, last))
			seen->odd++;
	}
	if (seen->zero && seen->zero != PT_BINS)
		seen->odd += seen->zero;
	return seen->odd <= BINS_ODD_MAX;
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i])
			return false;
	}
	return true;
}

/** An arena that never had memory: all zero, or (2.42, or after a call that needed none) with bins. */
static int score_unused(const struct malloc_layout *lay, const struct arena *arena,
                        const uint8_t *copy)
{
	int score = fact_or(arena->attached_threads, 1) == 1;

	score += arena->top_addr ? 1
	                         : is_zero(copy + lay->arena.top, lay->arena.next - lay->arena.top);
	score += arena->next_free == 0;
	return score;
}

static uint64_t read_top_end(const struct decode *d, const struct arena *arena)
{
	uint64_t at = arena->top_addr + d->lay->word, raw, end;
	uint8_t word[8];

	if (!pt_is_writable(d, at, d->lay->word) || !mem_read_all(d->mem, at, word, d->lay->word))
		return 0;
	raw = pt_word(d->lay, word);
	end = arena->top_addr + pt_chunk_size(raw);
	return (raw & PREV_INUSE) && is_aligned(end, PAGE) ? end : 0;
}

static int score_used(const struct scan *scan, const struct decode *d, const struct arena *arena)
{
	uint64_t end = read_top_end(d, arena), heap_size;
	int score = 0;

	score += arena->system_mem && is_aligned(arena->system_mem, PAGE) &&
	         arena->system_mem <= arena->max_system_mem;
	score += end != 0;
	if (!scan->heap)
		return score;
	heap_size = vma_size(scan->heap);
	score += arena->top_addr >= scan->heap->start && arena->top_addr < scan->heap->end;
	score += end == scan->heap->end;
	/* A static program's own use of brk comes before sbrk_base. */
	score += arena->system_mem <= heap_size &&
	         heap_size - arena->system_mem < (uint64_t)2 * PAGE;
	return score;
}

static void examine(struct scan *scan, const struct malloc_layout *lay, size_t at)
{
	struct decode d = *scan->d;
	const uint8_t *copy = scan->bytes + at;
	uint64_t addr = scan->base + at;
	struct pt_candidate candidate = { .addr = addr, .lay = lay };
	struct bins_seen seen;
	struct arena arena = { 0 };

	d.lay = lay;
	d.main_arena_addr = addr;
	pt_parse_arena(&d, addr, copy, &arena);
	/* Cheap on the copy: a link, and top. */
	if (!arena.next || !is_aligned(arena.next, lay->word) ||
	    (arena.top_addr && !pt_is_chunk_aligned(lay, arena.top_addr) &&
	     !pt_is_initial_top(&d, &arena)))
		return;
	if (!look_at_bins(&d, lay, addr, copy, &seen))
		return;
	if (pt_is_initial_top(&d, &arena)) {
		/* Zero everywhere is only convincing when the ring closes upon itself. */
		if ((seen.zero || !arena.top_addr) && arena.next != addr)
			return;
		candidate.never_used = arena.system_mem == 0 && arena.next == addr;
		candidate.score = score_unused(lay, &arena, copy);
	} else {
		if (seen.zero || !is_chunk_pointer(&d, lay, arena.top_addr))
			return;
		candidate.score = score_used(scan, &d, &arena);
	}
	candidate.score += seen.odd == 0;
	candidate.score += ring_closes(&d, lay, addr) ? RING_POINTS : 0;
	scan_keep(scan, candidate);
}

/** One row stands for all that have the same arena: the newest. */
static bool is_representative(const struct malloc_layout *lay)
{
	for (size_t i = 0; i < glibc_layout_count; i++) {
		const struct malloc_layout *other = &glibc_layouts[i];

		if (other->abi == lay->abi && other->minor_first > lay->minor_first &&
		    !memcmp(&other->arena, &lay->arena, sizeof(lay->arena)) &&
		    other->alignment == lay->alignment)
			return false;
	}
	return true;
}

static void scan_with(struct scan *scan, const struct malloc_layout *lay)
{
	if (lay->arena.size > PT_ARENA_MAX || scan->len < lay->arena.size)
		return;
	for (size_t at = 0; at <= scan->len - lay->arena.size; at += lay->word)
		examine(scan, lay, at);
}

// NOLINTNEXTLINE(readability-function-size): what is scanned takes three parameters
size_t pt_scan_main_arena(const struct decode *d, const uint8_t *bytes, size_t len, uint64_t base,
                          enum abi abi, const struct malloc_layout *only, struct pt_candidate *ret,
                          size_t room)
{
	struct scan scan = scan_open(d, bytes, len, base);

	scan.found = ret;
	scan.room = room;
	if (only) {
		scan_with(&scan, only);
		return scan.count;
	}
	for (size_t i = 0; i < glibc_layout_count; i++) {
		if (glibc_layouts[i].abi == abi && is_representative(&glibc_layouts[i]))
			scan_with(&scan, &glibc_layouts[i]);
	}
	return scan.count;
}
