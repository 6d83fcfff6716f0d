/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each VMA is for, and whether the kernel charges it to Committed_AS. Two passes: what maps
 * itself says, then what malloc's state says of anonymous memory. A VMA can hold several things,
 * since the kernel merges neighbours of equal rights; it is named after the one that malloc owns.
 */
#include <string.h>

#include "model/base/units.h"
#include "model/linux/lx.h"

static bool has_rights(const struct vma *v)
{
	return v->prot & (VMA_READ | VMA_WRITE | VMA_EXEC);
}

/* "[stack:1234]", as kernels up to 4.4 call the stack of a thread; 0 when it is not one. */
static int32_t stack_tid(const struct vma_set *set, const struct vma *v)
{
	const char *at = set->names + v->name_at, *end = at + v->name_len;
	int32_t tid = 0;

	if (!vma_name_begins(set, v, "[stack:"))
		return 0;
	for (at += 7; at < end && *at >= '0' && *at <= '9' && tid < INT32_MAX / 10 - 1; at++)
		tid = tid * 10 + (*at - '0');
	return tid;
}

/* Names in brackets that are the kernel's own, not "[anon:…]", which a program may give. */
static enum vma_kind kind_of_bracket(const struct vma_set *set, const struct vma *v)
{
	if (vma_is_named(set, v, "[heap]"))
		return VMA_HEAP;
	if (vma_is_named(set, v, "[stack]") || stack_tid(set, v))
		return VMA_STACK;
	if (vma_name_begins(set, v, "[anon:"))
		return has_rights(v) ? VMA_ANON : VMA_RESERVE;
	return VMA_KERNEL;
}

static enum vma_kind kind_by_maps(const struct vma_set *set, const struct vma *v)
{
	if (v->prot & VMA_SHARED)
		return VMA_SHM;
	if (v->name_len && set->names[v->name_at] == '[')
		return kind_of_bracket(set, v);
	/* A private mapping of /dev/zero, or of huge pages without a file, is anonymous memory. */
	if (v->inode && !vma_name_begins(set, v, "/dev/zero") &&
	    !vma_name_begins(set, v, "/anon_hugepage"))
		return VMA_FILE;
	return has_rights(v) ? VMA_ANON : VMA_RESERVE;
}

/* Where a program's zeroed data begins: directly behind the writable mapping of its file. */
static bool is_bss(const struct vma *v, const struct vma *before)
{
	return v->kind == VMA_ANON && (v->prot & VMA_WRITE) && before && before->kind == VMA_FILE &&
	       (before->prot & VMA_WRITE) && before->end == v->start;
}

static void classify_by_maps(struct vma_set *set, const struct process_facts *process)
{
	for (size_t i = 0; i < set->count; i++) {
		struct vma *v = &set->at[i];

		v->owner = -1;
		v->owner_heap = 0;
		v->kind = (uint8_t)kind_by_maps(set, v);
		if (is_bss(v, i ? v - 1 : NULL))
			v->kind = VMA_BSS;
		if (v->kind == VMA_STACK)
			v->owner = stack_tid(set, v);
		if (v->kind == VMA_STACK && v->owner == 0)
			v->owner = process ? process->id.pid : -1;
	}
}

/* --- what malloc knows ------------------------------------------------------------------------- */

static struct vma *first_in(struct vma_set *set, uint64_t start)
{
	const struct vma *v = vma_find_next(set, start);

	return v ? &set->at[v - set->at] : NULL;
}

struct claim {
	uint64_t start, end;
	enum vma_kind kind;
	int32_t owner, owner_heap;
};

/* BSS too: the kernel merges what is mapped directly above it. */
static bool may_claim(const struct vma *v, enum vma_kind kind)
{
	if (kind == VMA_RESERVE)
		return v->kind == VMA_RESERVE && v->owner < 0;
	if (kind == VMA_ARENA && v->kind == VMA_HEAP)
		return v->owner < 0;
	return v->kind == VMA_ANON || v->kind == VMA_BSS;
}

/*
 * Gives the VMAs of a range to a claim. Ranges come from the target and may overlap: apart from
 * the first VMA, which neighbours can share by a merge, a claim ends where another one begins, so
 * that all claims together cost no more than there are claims and VMAs.
 */
static void claim_range(struct vma_set *set, const struct claim *claim)
{
	struct vma *first = first_in(set, claim->start), *past = set->at + set->count;

	if (claim->start >= claim->end)
		return;
	for (struct vma *v = first; v && v < past && v->start < claim->end; v++) {
		if (may_claim(v, claim->kind)) {
			if (v->kind != VMA_HEAP)
				v->kind = (uint8_t)claim->kind;
			v->owner = claim->owner;
			v->owner_heap = claim->owner_heap;
		} else if (v != first) {
			break;
		}
	}
}

static void claim_heaps(struct vma_set *set, const struct arena *arena, int32_t index)
{
	for (size_t i = 0; i < arena->heap_count; i++) {
		const struct malloc_heap *heap = &arena->heaps[i];
		struct claim used = { heap->start, heap->rw_end, VMA_ARENA, index,
			              (int32_t)(i + 1) };
		struct claim room = { heap->rw_end, heap->reserve_end, VMA_RESERVE, index,
			              (int32_t)(i + 1) };

		claim_range(set, &used);
		claim_range(set, &room);
	}
}

static void claim_mmapped(struct vma_set *set, const struct malloc_state *ms)
{
	for (size_t i = 0; i < ms->mmapped_count; i++) {
		const struct mmapped_chunk *chunk = &ms->mmapped[i];
		struct vma *v = first_in(set, chunk->base);

		if (!chunk->is_excess && v && v->start <= chunk->base && may_claim(v, VMA_MMAPPED))
			v->kind = VMA_MMAPPED;
	}
}

/* A stack, and the pages without rights below it that catch its overflow. */
static void claim_stack(struct vma_set *set, const struct malloc_thread *thread)
{
	struct vma *v = first_in(set, thread->stack_start);

	if (!v || thread->stack_start == 0)
		return;
	/* The range may begin with the guard. */
	if (v->kind == VMA_RESERVE && v->owner < 0 && v + 1 < set->at + set->count &&
	    v->end < thread->stack_end)
		v++;
	if (v->start >= thread->stack_end || !may_claim(v, VMA_STACK))
		return;
	v->kind = VMA_STACK;
	v->owner = thread->tid;
	if (v > set->at && v[-1].kind == VMA_RESERVE && v[-1].owner < 0 && v[-1].end == v->start) {
		v[-1].kind = VMA_GUARD;
		v[-1].owner = thread->tid;
	}
}

/* Arenas are numbered within the malloc that the program uses; those of a second libc are not. */
static void classify_by_malloc(struct vma_set *set, const struct malloc_state *ms, bool is_first)
{
	for (size_t i = 0; i < ms->arena_count; i++)
		claim_heaps(set, &ms->arenas[i], is_first ? (int32_t)i : -1);
	claim_mmapped(set, ms);
	for (size_t i = 0; i < ms->thread_count; i++)
		claim_stack(set, &ms->threads[i]);
}

/* --- charge ------------------------------------------------------------------------------------ */

/*
 * Arena heaps are reserved with MAP_NORESERVE (glibc malloc/arena.c:new_heap) and stay uncharged
 * when they become writable; only mode 2 ignores that flag (Linux mm/mmap.c:do_mmap). What
 * main_arena got by mmap is an ordinary mapping.
 */
static bool is_unreserved_heap(const struct vma *v, const struct heap_facts *heap, uint64_t mode)
{
	const struct malloc_state *ms = heap && heap->instance_count ? heap->instances : NULL;

	bool is_main = ms && v->owner >= 0 && (size_t)v->owner < ms->arena_count &&
	               ms->arenas[v->owner].is_main;

	return v->kind == VMA_ARENA && mode != 2 && !is_main;
}

static bool is_same_file(const struct vma_set *set, const struct vma *a, const struct vma *b)
{
	return a->end == b->start && a->inode == b->inode && a->name_len == b->name_len &&
	       a->name_len && !((a->prot | b->prot) & VMA_SHARED) &&
	       memcmp(set->names + a->name_at, set->names + b->name_at, a->name_len) == 0;
}

static bool is_read_only(const struct vma *v)
{
	return (v->prot & (VMA_READ | VMA_WRITE | VMA_EXEC)) == VMA_READ;
}

/*
 * The part of a program's data that its loader makes read-only once it is relocated (PT_GNU_RELRO)
 * was writable, and stays charged. It ends where the data that stays writable begins. Constants of a
 * program without such a part can end there, too: they follow its code, which follows its headers.
 */
static bool is_relro(const struct vma_set *set, const struct vma *v)
{
	const struct vma *next = v + 1, *past = set->at + set->count;

	if (!is_read_only(v) || next >= past || !(next->prot & VMA_WRITE) ||
	    !is_same_file(set, v, next))
		return false;
	return v < set->at + 2 || !is_same_file(set, v - 1, v) || !(v[-1].prot & VMA_EXEC) ||
	       !is_same_file(set, v - 2, v - 1) || !is_read_only(v - 2);
}

/*
 * Without smaps: private writable memory is charged (Linux mm/vma.c:accountable_mapping), and so
 * are the break area and the stack. What maps does not show, MAP_NORESERVE and memory that was once
 * writable, makes this an estimate.
 */
static bool guess_charge(const struct vma_set *set, const struct vma *v,
                         const struct heap_facts *heap, uint64_t mode)
{
	if (v->kind == VMA_HEAP || is_relro(set, v))
		return true;
	if ((v->prot & (VMA_WRITE | VMA_SHARED)) != VMA_WRITE || v->kind == VMA_KERNEL)
		return false;
	return !is_unreserved_heap(v, heap, mode) && !vma_name_begins(set, v, "/anon_hugepage");
}

static void charge(struct vma_set *set, const struct heap_facts *heap, uint64_t mode)
{
	for (size_t i = 0; i < set->count; i++) {
		struct vma *v = &set->at[i];

		if (v->has_smaps)
			v->charge = v->flags & VMA_FLAG_AC ? VMA_CHARGE_YES : VMA_CHARGE_NO;
		else
			v->charge = guess_charge(set, v, heap, mode) ? VMA_CHARGE_GUESS_YES
			                                             : VMA_CHARGE_GUESS_NO;
	}
}

void lx_classify_vmas(struct vma_set *set, const struct heap_facts *heap,
                      const struct process_facts *process, uint64_t overcommit_mode)
{
	classify_by_maps(set, process);
	for (size_t i = 0; heap && i < heap->instance_count; i++)
		classify_by_malloc(set, &heap->instances[i], i == 0);
	charge(set, heap, overcommit_mode);
}

size_t lx_map_count(const struct vma_set *set)
{
	size_t count = set->count;

	if (count && vma_is_named(set, &set->at[count - 1], "[vsyscall]"))
		count--;
	return count;
}

void lx_find_break(const struct vma_set *set, struct process_facts *process)
{
	uint64_t start = 0, end = 0;

	for (size_t i = 0; i < set->count; i++) {
		const struct vma *v = &set->at[i];

		if (v->name_len != 6 || !vma_is_named(set, v, "[heap]"))
			continue;
		start = start ? start : v->start;
		end = v->end;
	}
	if (!fact_known(process->brk_start) && start)
		process->brk_start = fact_estimate(start);
	if (end)
		process->brk_end = fact_of(end);
	else
		process->brk_end = process->brk_start;
}
