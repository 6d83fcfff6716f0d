/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <limits.h>

#include "model/glibc/pt_world.h"

/** glibc malloc/malloc.c:request2size */
uint64_t pt_request2size(const struct ptmalloc *pt, uint64_t bytes)
{
	uint64_t mask = pt->lay->alignment - 1, sum = bytes + word_size(pt) + mask;

	sum = as_word(pt, sum);
	return sum < pt->lay->min_size ? pt->lay->min_size : sum & ~mask;
}

/** glibc malloc/malloc.c:REQUEST_OUT_OF_RANGE, checked_request2size */
bool pt_is_too_large(const struct ptmalloc *pt, uint64_t bytes)
{
	uint64_t max = pt->is_64 ? UINT64_MAX : UINT32_MAX;
	uint64_t limit = max - 2 * (uint64_t)pt->lay->min_size + 1;

	if (bytes > max)
		return true;
	switch (pt->rules.limit) {
	case GLIBC_LIMIT_PTRDIFF:
		return bytes > max / 2;
	case GLIBC_LIMIT_WRAP:
		return bytes >= limit || pt_request2size(pt, bytes) < bytes;
	case GLIBC_LIMIT_MINSIZE:
		break;
	}
	return bytes >= limit;
}

uint64_t pt_checked_request2size(const struct ptmalloc *pt, uint64_t bytes)
{
	return pt_is_too_large(pt, bytes) ? 0 : pt_request2size(pt, bytes);
}

/** glibc malloc/malloc.c:set_max_fast */
void pt_set_max_fast(struct ptmalloc *pt, uint64_t s)
{
	uint64_t align = pt->lay->alignment, word = pt->lay->word, value;
	bool smallest = pt->rules.max_fast_seven ? s < align - word : s == 0;

	value = smallest ? pt->lay->min_size / 2 : (s + word) & ~(align - 1);
	set_var(pt, VAR_GLOBAL_MAX_FAST, value);
}

/** glibc malloc/malloc.c:malloc_init_state */
void pt_malloc_init_state(struct ptmalloc *pt, uint64_t av)
{
	uint64_t flags_at = av + pt->lay->arena.flags;
	uint32_t flags = image_get4(pt->image, flags_at);

	for (unsigned i = 1; i < 128; i++) {
		uint64_t bin = bin_at(pt, av, i);

		set_fd(pt, bin, bin);
		set_bk(pt, bin, bin);
	}
	if (av != pt->main_arena)
		flags |= NONCONTIGUOUS_BIT;
	else if (pt->rules.has_fastbins)
		pt_set_max_fast(pt, 16 * word_size(pt));
	if (av == pt->main_arena && pt->tuned_max_fast)
		set_var(pt, VAR_GLOBAL_MAX_FAST, pt->tuned_max_fast);
	if (pt->lay->fastchunks_flag_bit)
		flags |= FASTCHUNKS_BIT;
	else if (pt->lay->arena.have_fastchunks != FIELD_NONE)
		image_set4(pt->image, av + pt->lay->arena.have_fastchunks, 0);
	image_set4(pt->image, flags_at, flags);
	set_av_word(pt, av, top, unsorted_chunks(pt, av));
}

/** glibc malloc/arena.c:ptmalloc_init. To 2.26 main_arena's bins wait for malloc_consolidate. */
void pt_ensure_init(struct ptmalloc *pt)
{
	if (var(pt, VAR_INITIALIZED))
		return;
	pt_enter(pt, FN_PTMALLOC_INIT, 0, 0);
	why(pt->why, WHY_INIT);
	set_var(pt, VAR_INITIALIZED, 1);
	set_thread_var(pt, THREAD_ARENA, pt->main_arena);
	if (pt->rules.tcache_key_random)
		set_var(pt, VAR_TCACHE_KEY, as_word(pt, pt->random));
	if (!pt->rules.bins_by_consolidate)
		pt_malloc_init_state(pt, pt->main_arena);
	else if (pt->rules.tcache_birth != GLIBC_TCACHE_NONE)
		pt_malloc_consolidate(pt, pt->main_arena); /* 2.26: where tunables are read */
	pt_fast_prepare(pt);
	pt_leave(pt, FN_PTMALLOC_INIT);
}

void pt_init_fresh(struct ptmalloc *pt)
{
	const struct par_layout *par = &pt->lay->par;
	uint64_t av = pt->main_arena;

	pt->is_64 = pt->lay->word == 8;
	image_fill(pt->image, av, 0, pt->lay->arena.size);
	image_fill(pt->image, pt->mp, 0, par->size);
	set_av_word(pt, av, next, av);
	if (pt->lay->arena.attached_threads != FIELD_NONE)
		set_av_word(pt, av, attached_threads, 1);
	set_mp_word(pt, trim_threshold, 128 * KIB);
	set_mp_word(pt, top_pad, 128 * KIB);
	set_mp_word(pt, mmap_threshold, 128 * KIB);
	set_mp_word(pt, arena_test, pt->is_64 ? 8 : 2);
	set_mp_int(pt, n_mmaps_max_int, 65536);
	if (par->thp_mode_int != FIELD_NONE)
		set_mp_int(pt, thp_mode_int, 3);
	if (pt->lay->tcache.bins) {
		set_mp_word(pt, tcache_bins, pt->lay->tcache.small_bins);
		set_mp_word(pt, tcache_max_bytes, pt->lay->tcache.default_max_bytes);
		set_mp_word(pt, tcache_count, pt->lay->tcache.default_count);
	}
	pt_set_private(pt, &(struct pt_private){ .narenas = 1,
	                                         .may_shrink_heap = -1,
	                                         .is_single_threaded = true });
	if (pt->rules.init == GLIBC_INIT_EARLY)
		pt_ensure_init(pt);
}

void pt_set_private(struct ptmalloc *pt, const struct pt_private *from)
{
	pt->is_64 = pt->lay->word == 8;
	pt->cached_thread = PT_THREADS_MAX;
	set_var(pt, VAR_NARENAS, from->narenas);
	set_var(pt, VAR_NARENAS_LIMIT, from->narenas_limit);
	set_var(pt, VAR_FREE_LIST, from->free_list);
	set_var(pt, VAR_NEXT_TO_USE, from->next_to_use);
	set_var(pt, VAR_ALIGNED_HEAP_AREA, from->aligned_heap_area);
	set_var(pt, VAR_TCACHE_KEY, from->tcache_key);
	set_var(pt, VAR_GLOBAL_MAX_FAST, from->global_max_fast);
	set_var(pt, VAR_CURBRK, from->curbrk);
	set_var(pt, VAR_MAY_SHRINK_HEAP, (uint64_t)from->may_shrink_heap + 1);
	set_var(pt, VAR_PERTURB_BYTE, from->perturb_byte);
	set_var(pt, VAR_INITIALIZED, from->is_initialized);
	set_var(pt, VAR_SINGLE_THREADED, from->is_single_threaded);
	pt_fast_prepare(pt);
}

void pt_get_private(struct ptmalloc *pt, struct pt_private *ret)
{
	*ret = (struct pt_private){
		.narenas = var(pt, VAR_NARENAS),
		.narenas_limit = var(pt, VAR_NARENAS_LIMIT),
		.free_list = var(pt, VAR_FREE_LIST),
		.next_to_use = var(pt, VAR_NEXT_TO_USE),
		.aligned_heap_area = var(pt, VAR_ALIGNED_HEAP_AREA),
		.tcache_key = var(pt, VAR_TCACHE_KEY),
		.global_max_fast = var(pt, VAR_GLOBAL_MAX_FAST),
		.curbrk = var(pt, VAR_CURBRK),
		.may_shrink_heap = (int32_t)var(pt, VAR_MAY_SHRINK_HEAP) - 1,
		.perturb_byte = (uint32_t)var(pt, VAR_PERTURB_BYTE),
		.is_initialized = var(pt, VAR_INITIALIZED),
		.is_single_threaded = var(pt, VAR_SINGLE_THREADED),
	};
}

void pt_set_thread(struct ptmalloc *pt, uint32_t index, uint64_t arena, uint64_t tcache)
{
	image_private_set8(pt->image, thread_var_addr(index, THREAD_ARENA), arena);
	image_private_set8(pt->image, thread_var_addr(index, THREAD_TCACHE), tcache);
	image_private_set8(pt->image, thread_var_addr(index, THREAD_SHUTTING_DOWN), 0);
	pt->cached_thread = PT_THREADS_MAX;
}

void pt_switch_thread(struct ptmalloc *pt)
{
	for (unsigned v = 0; v < PT_THREAD_VARS; v++)
		pt->cached[v] = image_private_get8(pt->image, thread_var_addr(pt->thread, v));
	pt->cached_thread = pt->thread;
	pt_fast_prepare(pt);
}

uint64_t pt_thread_arena(struct ptmalloc *pt, uint32_t index)
{
	return image_private_get8(pt->image, thread_var_addr(index, THREAD_ARENA));
}

uint64_t pt_thread_tcache(struct ptmalloc *pt, uint32_t index)
{
	return image_private_get8(pt->image, thread_var_addr(index, THREAD_TCACHE));
}

void pt_thread_created(struct ptmalloc *pt)
{
	set_var(pt, VAR_SINGLE_THREADED, 0);
}

/* --- outcome --------------------------------------------------------------------------------------- */

static void note_fault(struct ptmalloc *pt)
{
	switch (pt->image->fault) {
	case IMAGE_OK:
		break;
	case IMAGE_SEGV:
		pt->stop = PT_SEGV;
		pt->stop_text = "an address outside memory";
		break;
	case IMAGE_UNALIGNED:
		/* On x86-64 such an access works; where it lands is not what malloc wrote. */
		pt->stop = PT_UNKNOWN;
		pt->stop_text = "a pointer of malloc's is not aligned: its state is corrupt";
		break;
	case IMAGE_UNKNOWN:
		pt->stop = PT_UNKNOWN;
		pt->stop_text = "memory that was not copied from the target decides";
		break;
	case IMAGE_NO_MEMORY:
		pt->stop = PT_NO_MEMORY;
		pt->stop_text =
		        "heaptop is out of memory, or at its bound of 2 GiB of pages written";
		break;
	}
}

void pt_stop_with(struct ptmalloc *pt, enum pt_stop stop, const char *text)
{
	if (pt->stop != PT_RUNNING)
		return;
	note_fault(pt);
	if (pt->stop != PT_RUNNING)
		return;
	pt->stop = stop;
	pt->stop_text = text;
}

uint64_t pt_fuel(struct ptmalloc *pt, uint64_t av)
{
	/* MINSIZE is at least 16. What is not resident is zero, and no link leads on from there. */
	uint64_t chunks = av_word(pt, av, system_mem) / 16;
	uint64_t resident = pt->image->resident * (IMAGE_PAGE / 16);

	return min_u64(chunks, resident) + 65536;
}

void pt_end(struct ptmalloc *pt)
{
	if (pt->stop == PT_RUNNING)
		note_fault(pt);
}
