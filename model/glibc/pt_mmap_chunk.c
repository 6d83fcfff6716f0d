/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/glibc/pt_world.h"

/**
 * Chunks with a mapping of their own, and all that malloc asks of the kernel. Up to 2.42 the size word
 * holds the mapping's length less the offset, from 2.43 a header's size less than that; a mapping
 * of huge pages is marked in prev_size's lowest bit there.
 */

/* The system call's wrapper sets errno; a success leaves it. */
static int64_t noted(struct ptmalloc *pt, int64_t result)
{
	if (sys_failed(result))
		pt->error = (int)-result;
	return result;
}

int64_t pt_mmap(struct ptmalloc *pt, uint64_t addr, uint64_t len, uint32_t prot, uint32_t flags)
{
	return pt_ok(pt) ? noted(pt, sys_mmap(pt->sys, addr, len, prot, flags)) : -1;
}

int64_t pt_munmap(struct ptmalloc *pt, uint64_t addr, uint64_t len)
{
	return pt_ok(pt) ? noted(pt, sys_munmap(pt->sys, addr, len)) : -1;
}

int64_t pt_mprotect(struct ptmalloc *pt, uint64_t addr, uint64_t len, uint32_t prot)
{
	return pt_ok(pt) ? noted(pt, sys_mprotect(pt->sys, addr, len, prot)) : -1;
}

int64_t pt_madvise(struct ptmalloc *pt, uint64_t addr, uint64_t len, uint32_t advice)
{
	return pt_ok(pt) ? noted(pt, sys_madvise(pt->sys, addr, len, advice)) : -1;
}

int64_t pt_mremap(struct ptmalloc *pt, uint64_t addr, uint64_t old_len, uint64_t new_len)
{
	return pt_ok(pt)
	               ? noted(pt, sys_mremap(pt->sys, addr, old_len, new_len, SYS_MREMAP_MAYMOVE))
	               : -1;
}

/** glibc 2.35 malloc/malloc.c:madvise_thp */
void pt_madvise_thp(struct ptmalloc *pt, uint64_t addr, uint64_t size)
{
	enum { THP_MODE_MADVISE = 1 };
	uint64_t thp, lead;

	if (!pt->rules.thp || pt->lay->par.thp_pagesize == FIELD_NONE)
		return;
	thp = mp_word(pt, thp_pagesize);
	if (!thp || size < thp)
		return;
	if (pt->lay->par.thp_mode_int != FIELD_NONE && mp_int(pt, thp_mode_int) != THP_MODE_MADVISE)
		return;
	lead = addr & (pt->page - 1);
	if (lead && pt->rules.thp_in_heaps) {
		addr += pt->page - lead;
		size -= pt->page - lead;
	} else {
		addr -= lead;
		size += lead;
	}
	pt_enter(pt, FN_MADVISE_THP, addr, size);
	pt_madvise(pt, addr, size, SYS_MADV_HUGEPAGE);
	pt_leave(pt, FN_MADVISE_THP);
}

/* --- headers of mmapped chunks ------------------------------------------------------------------------ */

uint64_t pt_mmap_base_offset(struct ptmalloc *pt, uint64_t p)
{
	uint64_t offset = prev_size(pt, p);

	return pt->lay->mmapped_size_without_header ? offset & ~UINT64_C(1) : offset;
}

static bool is_hp(struct ptmalloc *pt, uint64_t p)
{
	return pt->lay->mmapped_size_without_header && (prev_size(pt, p) & 1);
}

uint64_t pt_mmap_size(struct ptmalloc *pt, uint64_t p)
{
	uint64_t size = pt_mmap_base_offset(pt, p) + chunksize(pt, p);

	return as_word(pt, pt->lay->mmapped_size_without_header ? size + chunk_hdr_sz(pt) : size);
}

uint64_t pt_mmap_set_chunk(struct ptmalloc *pt, uint64_t base, uint64_t size, uint64_t offset,
                           bool huge)
{
	uint64_t p = base + offset, length = size - offset;

	if (pt->lay->mmapped_size_without_header) {
		length -= chunk_hdr_sz(pt);
		st(pt, p, offset | (huge ? 1 : 0));
	} else if (offset || pt->rules.mmapped_fresh_prev_size) {
		st(pt, p, offset);
	}
	set_head(pt, p, length | IS_MMAPPED);
	return p;
}

/* --- malloc -------------------------------------------------------------------------------------------- */

/** glibc 2.35 malloc/malloc.c:sysmalloc_mmap; before it part of sysmalloc */
uint64_t pt_sysmalloc_mmap(struct ptmalloc *pt, uint64_t nb, uint64_t pagesize,
                           uint32_t extra_flags)
{
	uint64_t mask = pt->lay->alignment - 1, hdr = chunk_hdr_sz(pt), padding, size, p;
	int64_t at;

	padding = pt->lay->alignment - hdr;
	if (pt->lay->mmapped_size_without_header)
		size = align_up(nb + padding + hdr, pagesize);
	else if (padding == 0)
		size = align_up(nb + word_size(pt), pagesize);
	else
		size = align_up(nb + word_size(pt) + mask, pagesize);
	size = as_word(pt, size);
	/* To 2.42 a length that wrapped is not tried. */
	if (size <= nb)
		return 0;
	pt_enter(pt, FN_SYSMALLOC_MMAP, nb, 0);
	at = pt_mmap(pt, 0, size, SYS_PROT_READ | SYS_PROT_WRITE,
	             SYS_MAP_PRIVATE | SYS_MAP_ANONYMOUS | extra_flags);
	if (sys_failed(at)) {
		why(pt->why, WHY_MMAP_FAILED, size);
		pt_leave(pt, FN_SYSMALLOC_MMAP);
		return 0;
	}
	if (!extra_flags)
		pt_madvise_thp(pt, (uint64_t)at, size);
	p = pt_mmap_set_chunk(pt, (uint64_t)at, size, padding, extra_flags != 0);
	set_mp_int(pt, n_mmaps_int, mp_int(pt, n_mmaps_int) + 1);
	if (mp_int(pt, n_mmaps_int) > mp_int(pt, max_n_mmaps_int))
		set_mp_int(pt, max_n_mmaps_int, mp_int(pt, n_mmaps_int));
	set_mp_word(pt, mmapped_mem, mp_word(pt, mmapped_mem) + size);
	if (mp_word(pt, mmapped_mem) > mp_word(pt, max_mmapped_mem))
		set_mp_word(pt, max_mmapped_mem, mp_word(pt, mmapped_mem));
	pt_leave(pt, FN_SYSMALLOC_MMAP);
	return chunk2mem(pt, p);
}

/* --- free ------------------------------------------------------------------------------------- */

/* What munmap_chunk and mremap_chunk check: whole pages, and a place that memalign could have made. */
static bool is_whole(struct ptmalloc *pt, uint64_t p)
{
	uint64_t base = p - pt_mmap_base_offset(pt, p), size = pt_mmap_size(pt, p);
	uint64_t in_page = chunk2mem(pt, p) & (pt->page - 1);

	if ((base | size) & (pt->page - 1))
		return false;
	return !pt->rules.checks_mmapped_place || !(in_page & (in_page - 1));
}

/** glibc malloc/malloc.c:munmap_chunk */
void pt_munmap_chunk(struct ptmalloc *pt, uint64_t p)
{
	uint64_t base = p - pt_mmap_base_offset(pt, p), size = pt_mmap_size(pt, p);

	pt_enter(pt, FN_MUNMAP_CHUNK, p, size);
	if (!is_whole(pt, p)) {
		pt_abort(pt, "munmap_chunk(): invalid pointer");
	} else {
		set_mp_int(pt, n_mmaps_int, mp_int(pt, n_mmaps_int) - 1);
		set_mp_word(pt, mmapped_mem, mp_word(pt, mmapped_mem) - size);
		pt_munmap(pt, base, size);
	}
	pt_leave(pt, FN_MUNMAP_CHUNK);
}

/* free of a mmapped chunk: the threshold follows it (malloc.c:__libc_free, 2.42: _int_free_chunk). */
void pt_free_mmapped(struct ptmalloc *pt, uint64_t p)
{
	uint64_t raw = size_word(pt, p), threshold = mp_word(pt, mmap_threshold);
	uint64_t max = pt->is_64 ? 32 * MIB : 512 * KIB;

	if (!mp_int(pt, no_dyn_threshold_int) && raw > threshold && raw <= max) {
		uint64_t size = chunksize(pt, p);

		why(pt->why, WHY_THRESHOLD_UP, raw, threshold, 2 * size);
		set_mp_word(pt, mmap_threshold, size);
		set_mp_word(pt, trim_threshold, 2 * size);
	}
	pt_munmap_chunk(pt, p);
}

/* --- realloc ---------------------------------------------------------------------------------- */

/** glibc malloc/malloc.c:mremap_chunk */
uint64_t pt_mremap_chunk(struct ptmalloc *pt, uint64_t p, uint64_t nb)
{
	uint64_t offset = pt_mmap_base_offset(pt, p), total = pt_mmap_size(pt, p), page = pt->page;
	uint64_t base = p - offset, size = chunksize(pt, p), new_size, mem_delta;
	bool huge = is_hp(pt, p);
	int64_t at;

	pt_enter(pt, FN_MREMAP_CHUNK, p, nb);
	if (!is_whole(pt, p)) {
		pt_abort(pt, "mremap_chunk(): invalid pointer");
		pt_leave(pt, FN_MREMAP_CHUNK);
		return 0;
	}
	if (huge)
		page = mp_word(pt, hp_pagesize);
	new_size = nb + offset +
	           (pt->lay->mmapped_size_without_header ? chunk_hdr_sz(pt) : pt->lay->word);
	new_size = align_up(new_size, page);
	if (total == new_size) {
		why(pt->why, WHY_MREMAP_SAME, total);
		pt_leave(pt, FN_MREMAP_CHUNK);
		return p;
	}
	at = pt_mremap(pt, base, total, new_size);
	if (sys_failed(at)) {
		why(pt->why, WHY_MREMAP_FAILED, new_size);
		pt_leave(pt, FN_MREMAP_CHUNK);
		return 0;
	}
	if (!pt->rules.thp_in_heaps || total < mp_word(pt, thp_pagesize))
		pt_madvise_thp(pt, (uint64_t)at, new_size);
	if (pt->lay->mmapped_size_without_header) {
		p = pt_mmap_set_chunk(pt, (uint64_t)at, new_size, offset, huge);
	} else {
		p = (uint64_t)at + offset;
		set_head(pt, p, (new_size - offset) | IS_MMAPPED);
	}
	/* 2.43 leaves the header out of what it takes off, so that mmapped_mem gains 16 each time. */
	mem_delta = new_size - size - offset;
	set_mp_word(pt, mmapped_mem, as_word(pt, mp_word(pt, mmapped_mem) + mem_delta));
	if (mp_word(pt, mmapped_mem) > mp_word(pt, max_mmapped_mem))
		set_mp_word(pt, max_mmapped_mem, mp_word(pt, mmapped_mem));
	pt_leave(pt, FN_MREMAP_CHUNK);
	return p;
}
