/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nptl/allocatestack.c (2.34: nptl-stack.c) of upstream glibc. */
#include "model/glibc/nptl_stack.h"

#include "model/base/units.h"
#include "model/base/vec.h"

#define CACHE_BYTES (40 * MIB) /* stack_cache_maxsize */

enum {
	STACK_ALIGN = 64,  /* of the static TLS block */
	STACK_MIN = 16384, /* PTHREAD_STACK_MIN */
	STACK_TOP_USED =
	        4416, /* struct pthread, static TLS and start_thread's frame (2.36, x86-64) */
	ERR_NOMEM = 12,
};

static const uint32_t map_flags = SYS_MAP_PRIVATE | SYS_MAP_ANONYMOUS | SYS_MAP_STACK;

/* nptl/nptl-init.c:__pthread_initialize_minimal_internal (2.34: pthread_early_init.h) */
uint64_t nptl_default_stack(uint64_t limit, uint64_t page)
{
	if (limit > INT64_MAX)
		return 2 * MIB; /* unlimited: ARCH_STACK_DEFAULT_SIZE */
	return align_up(max_u64(limit, STACK_MIN), page);
}

/* --- the cache ----------------------------------------------------------------------------------- */

bool nptl_cache_copy(const struct nptl_cache *from, struct nptl_cache *to)
{
	*to = *from;
	to->room = from->count;
	to->at = region_alloc(from->region, from->count * sizeof(*to->at));
	for (size_t i = 0; to->at && i < from->count; i++)
		to->at[i] = from->at[i];
	return to->at != NULL;
}

static void take_out(struct nptl_cache *cache, size_t i)
{
	cache->bytes -= cache->at[i].size;
	for (size_t next = i + 1; next < cache->count; next++)
		cache->at[next - 1] = cache->at[next];
	cache->count--;
}

/* The one that fits best, of equals the one joined last; none that is more than four times too large. */
static bool get_cached(struct ptmalloc *pt, struct nptl_cache *cache, uint64_t size,
                       struct nptl_stack *ret)
{
	size_t best = SIZE_MAX;

	for (size_t i = cache->count; i--;) {
		if (cache->at[i].size < size)
			continue;
		if (best == SIZE_MAX || cache->at[i].size < cache->at[best].size)
			best = i;
		if (cache->at[best].size == size)
			break;
	}
	if (best == SIZE_MAX || cache->at[best].size > 4 * size) {
		why(pt->why, WHY_STACK_NOT_CACHED, size, cache->count);
		return false;
	}
	*ret = cache->at[best];
	take_out(cache, best);
	why(pt->why, WHY_STACK_CACHED, ret->addr, ret->size);
	return true;
}

static void free_stacks(struct ptmalloc *pt, struct nptl_cache *cache)
{
	while (cache->bytes > CACHE_BYTES && cache->count && pt->stop == PT_RUNNING) {
		const struct nptl_stack oldest = cache->at[0];

		why(pt->why, WHY_STACK_CACHE_FULL, cache->bytes, CACHE_BYTES);
		take_out(cache, 0);
		if (oldest.dtv)
			pt_free(pt, oldest.dtv);
		(void)sys_munmap(pt->sys, oldest.addr, oldest.size);
	}
}

/* --- making one ----------------------------------------------------------------------------------- */

static uint64_t whole_size(const struct ptmalloc *pt, const struct nptl_rules *rules, uint64_t size)
{
	size = align_down(size, STACK_ALIGN);
	if (rules->adds_guard)
		size += pt->page;
	if (rules->aliasing && size % rules->aliasing == 0)
		size += pt->page;
	return size;
}

static bool open_or_guard(struct ptmalloc *pt, const struct nptl_rules *rules,
                          const struct nptl_stack *stack)
{
	int64_t result;

	switch (rules->guard) {
	case NPTL_GUARD_CLOSED:
		result = sys_mprotect(pt->sys, stack->addr, pt->page, SYS_PROT_NONE);
		return !sys_failed(result);
	case NPTL_GUARD_OPENED:
		result = sys_mprotect(pt->sys, stack->addr + pt->page, stack->size - pt->page,
		                      SYS_PROT_READ | SYS_PROT_WRITE);
		return !sys_failed(result);
	case NPTL_GUARD_INSTALL:
		result = sys_madvise(pt->sys, stack->addr, pt->page, SYS_MADV_GUARD_INSTALL);
		/* A kernel that does not know it: as ever. */
		if (sys_failed(result))
			result = sys_mprotect(pt->sys, stack->addr, pt->page, SYS_PROT_NONE);
		return !sys_failed(result);
	}
	return true;
}

static bool give_up(struct ptmalloc *pt, const struct nptl_stack *stack)
{
	(void)sys_munmap(pt->sys, stack->addr, stack->size);
	pt->error = ERR_NOMEM;
	return false;
}

static bool map_stack(struct ptmalloc *pt, const struct nptl_rules *rules, uint64_t size,
                      struct nptl_stack *ret)
{
	uint32_t prot =
	        rules->guard == NPTL_GUARD_OPENED ? SYS_PROT_NONE : SYS_PROT_READ | SYS_PROT_WRITE;
	int64_t at = sys_mmap(pt->sys, 0, size, prot, map_flags);
	bool closes_late = rules->guard == NPTL_GUARD_CLOSED;

	if (sys_failed(at)) {
		pt->error = ERR_NOMEM;
		return false;
	}
	*ret = (struct nptl_stack){ .addr = (uint64_t)at, .size = size };
	if (!closes_late && !open_or_guard(pt, rules, ret))
		return give_up(pt, ret);
	ret->dtv = pt_calloc(pt, NPTL_DTV_SLOTS, NPTL_DTV_SLOT);
	if (pt->stop != PT_RUNNING)
		return false;
	if (!ret->dtv)
		return give_up(pt, ret);
	return !closes_late || open_or_guard(pt, rules, ret) || give_up(pt, ret);
}

bool nptl_allocate_stack(struct ptmalloc *pt, struct nptl_cache *cache, uint64_t size,
                         struct nptl_stack *ret, bool *ret_is_cached)
{
	const struct nptl_rules *rules = nptl_rules_for(pt->rules.minor);
	bool ok = true;

	pt->error = 0;
	why_enter(pt->why, FN_ALLOCATE_STACK, size, 0, 0);
	size = whole_size(pt, rules, size);
	*ret_is_cached = get_cached(pt, cache, size, ret);
	if (!*ret_is_cached)
		ok = map_stack(pt, rules, size, ret);
	why_leave(pt->why, FN_ALLOCATE_STACK);
	return ok;
}

void nptl_advise_stack(struct ptmalloc *pt, const struct nptl_stack *stack)
{
	uint64_t unused;

	if (stack->size <= STACK_TOP_USED)
		return;
	unused = align_down(stack->size - STACK_TOP_USED, pt->page);
	if (unused > STACK_MIN)
		(void)sys_madvise(pt->sys, stack->addr, unused - STACK_MIN, SYS_MADV_DONTNEED);
}

bool nptl_queue_stack(struct ptmalloc *pt, struct nptl_cache *cache, const struct nptl_stack *stack)
{
	if (!vec_room(cache->region, (void **)&cache->at, cache->count, &cache->room,
	              sizeof(*cache->at)))
		return false;
	cache->at[cache->count++] = *stack;
	cache->bytes += stack->size;
	if (cache->bytes > CACHE_BYTES)
		free_stacks(pt, cache);
	return true;
}
