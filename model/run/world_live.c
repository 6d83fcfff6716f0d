/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A live process's malloc and threads, as a world starts from them. */
#include <stdio.h>
#include <string.h>

#include "model/base/units.h"
#include "model/glibc/nptl_live.h"
#include "model/rules/nptl_rules.h"
#include "model/run/world_private.h"

enum { SHRINK_UNKNOWN = -1, TUNABLES_MAX = 1 << 20 };

/* --- variables -------------------------------------------------------------------------------- */

static bool read_number(struct memory *mem, uint64_t addr, size_t width, uint64_t *ret)
{
	uint64_t v = 0;

	if (!addr || width > sizeof(v) || !mem_read_all(mem, addr, &v, width))
		return false;
	*ret = v;
	return true;
}

/* Length of the string at `at`, with its NUL; 0: there is none before `end`. */
static uint64_t string_size(struct memory *mem, uint64_t at, uint64_t end)
{
	char piece[512];

	for (uint64_t from = at; from < end;) {
		size_t want = (size_t)min_u64(end - from, sizeof(piece));
		const char *nul;

		if (!mem_read_all(mem, from, piece, want))
			return 0;
		nul = memchr(piece, 0, want);
		if (nul)
			return from + (uint64_t)(nul - piece) + 1 - at;
		from += want;
	}
	return 0;
}

/*
 * Where the break stood when libc began: the loader of 2.26 to 2.34 has asked __sbrk for a copy of each
 * GLIBC_TUNABLES=... in the environment. 0: not so.
 */
static uint64_t break_behind_tunables(struct memory *mem, uint64_t start, uint64_t end)
{
	static const char name[] = "GLIBC_TUNABLES=";
	char text[sizeof(name) - 1];
	uint64_t at = start, size;

	end = min_u64(end, start + TUNABLES_MAX);
	while (end - at > sizeof(text) && mem_read_all(mem, at, text, sizeof(text)) &&
	       memcmp(text, name, sizeof(text)) == 0) {
		size = string_size(mem, at, end);
		if (!size)
			return 0;
		at += size;
	}
	return at == start ? 0 : at;
}

uint64_t world_find_break(struct memory *mem, const struct malloc_state *ms, uint64_t page,
                          uint64_t start, uint64_t end)
{
	uint64_t brk = 0;

	if (end <= start || !read_number(mem, ms->private.curbrk, 8, &brk))
		return end;
	/* Set by nobody: libc has not asked for it yet. */
	if (!brk)
		brk = break_behind_tunables(mem, start, end);
	/* Another than libc has moved the break when it is not in the last page. */
	return brk <= end && end - brk < page ? brk : end;
}

/* The free list by its rule: arenas without threads, in the order of their links. */
static uint64_t derive_free_list(const struct malloc_state *ms)
{
	for (size_t i = 0; i < ms->arena_count; i++) {
		const struct arena *a = &ms->arenas[i];
		bool is_linked = false;

		if (!fact_known(a->attached_threads) || a->attached_threads.v)
			continue;
		for (size_t k = 0; k < ms->arena_count; k++)
			is_linked |= k != i && fact_known(ms->arenas[k].attached_threads) &&
			             !ms->arenas[k].attached_threads.v &&
			             ms->arenas[k].next_free == a->addr;
		if (!is_linked)
			return a->addr;
	}
	return 0;
}

/* The key that a chunk of a tcache carries. */
static uint64_t derive_key(struct world *world, const struct malloc_state *ms)
{
	const struct tcache_layout *lay = &world->pt.lay->tcache;

	for (size_t i = 0; i < ms->thread_count; i++) {
		uint64_t cache = fact_or(ms->threads[i].tcache, 0);

		for (uint32_t b = 0; cache && b < lay->bins; b++) {
			uint64_t e = 0, key = 0;

			if (image_peek(&world->image, cache + lay->entries + 8 * (uint64_t)b, &e,
			               8) &&
			    e && image_peek(&world->image, e + 8, &key, 8) && key)
				return key;
		}
	}
	return world->pt.random;
}

/* False: a thread was created at some time. */
static bool is_single_threaded(struct memory *mem, const struct malloc_state *ms, int minor)
{
	uint32_t in_header = nptl_rules_for(minor)->multiple_threads;
	uint64_t v;

	if (ms->thread_count > 1)
		return false;
	if (read_number(mem, ms->private.single_threaded, 1, &v))
		return v != 0;
	if (read_number(mem, ms->private.multiple_threads, 4, &v))
		return v == 0;
	/* Older ones keep it in the thread's own block, which pthread_create marks. */
	if (in_header && ms->thread_count && ms->threads[0].pthread_addr &&
	    read_number(mem, ms->threads[0].pthread_addr + in_header, 4, &v))
		return v == 0;
	return ms->arena_count <= 1;
}

static void take_variables(struct world *world, struct memory *mem, const struct malloc_state *ms)
{
	const struct malloc_private *at = &ms->private;
	struct pt_private own = { .narenas = ms->arena_count ? ms->arena_count : 1,
		                  .may_shrink_heap = SHRINK_UNKNOWN };
	uint64_t v;
	bool is_set_up = world->pt.rules.init == GLIBC_INIT_EARLY ||
	                 image_get8(&world->image, world->pt.main_arena + world->pt.lay->arena.top);
	bool known = at->next_to_use != 0;

	own.is_initialized = is_set_up;
	if (world->pt.rules.has_fastbins && is_set_up)
		own.global_max_fast = 16 * (uint64_t)world->pt.lay->word;
	if (read_number(mem, at->curbrk, 8, &v))
		own.curbrk = v;
	own.is_single_threaded = is_single_threaded(mem, ms, world->pt.rules.minor);
	if (read_number(mem, at->narenas, 8, &v))
		own.narenas = v;
	if (read_number(mem, at->narenas_limit, 8, &v))
		own.narenas_limit = v;
	if (read_number(mem, at->free_list, 8, &v))
		own.free_list = v;
	else
		own.free_list = derive_free_list(ms);
	if (read_number(mem, at->next_to_use, 8, &v))
		own.next_to_use = v;
	if (read_number(mem, at->aligned_heap_area, 8, &v))
		own.aligned_heap_area = v;
	if (read_number(mem, at->global_max_fast, at->max_fast_bytes, &v))
		own.global_max_fast = v;
	if (read_number(mem, at->perturb_byte, 4, &v))
		own.perturb_byte = (uint32_t)v;
	if (read_number(mem, at->may_shrink_heap, 4, &v))
		own.may_shrink_heap = (int32_t)v;
	if (world->pt.rules.tcache_key_random &&
	    !read_number(mem, at->tcache_key, 8, &own.tcache_key))
		own.tcache_key = derive_key(world, ms);
	if (!known && ms->arena_count > 1)
		world_remark(world, "malloc's own variables were not found: which arena is shared "
		                    "next is assumed");
	pt_set_private(&world->pt, &own);
}

/* A malloc that is set up already has its tunables in its variables. */
static void take_environ(struct world *world, const struct process_facts *process)
{
	struct pt_private own;

	pt_get_private(&world->pt, &own);
	if (own.is_initialized)
		return;
	if (process && process->has_malloc_environ)
		pt_take_environ(&world->pt, process->malloc_environ, process->malloc_environ_len);
	else
		world_remark(world,
		             "the environment was not read: malloc's tunables are taken as unset");
}

/* --- threads ---------------------------------------------------------------------------------- */

static bool take_thread(struct world *world, struct memory *mem, const struct malloc_thread *t,
                        bool is_first)
{
	struct nptl_stack stack;
	char tid[16];
	struct world_thread *thread;

	(void)snprintf(tid, sizeof(tid), "%d", t->tid);
	thread = is_first ? world_thread_add(world, "main", 4)
	                  : world_thread_add(world, tid, strlen(tid));
	if (!thread)
		return false;
	thread->tid = t->tid;
	if (!fact_known(t->arena) || !fact_known(t->tcache))
		world_remark(world,
		             "a thread's arena or tcache was not found: it is taken for new");
	if (nptl_read_thread(mem, t->pthread_addr, world->pt.page, &stack)) {
		thread->stack_addr = stack.addr;
		thread->stack_size = stack.size;
		thread->dtv = stack.dtv;
	}
	pt_set_thread(&world->pt, thread->pt_index, fact_or(t->arena, 0), fact_or(t->tcache, 0));
	return true;
}

static bool take_threads(struct world *world, const struct snapshot *snap, struct memory *mem,
                         const struct malloc_state *ms)
{
	const struct process_facts *process = snapshot_process(snap);
	int32_t pid = process ? process->id.pid : 0;
	bool has_first = false;

	for (size_t i = 0; i < ms->thread_count; i++)
		if (ms->threads[i].tid == pid) {
			has_first = take_thread(world, mem, &ms->threads[i], true);
			if (!has_first)
				return false;
		}
	if (!has_first && !world_thread_add(world, "main", 4))
		return false;
	for (size_t i = 0; i < ms->thread_count && i < PT_THREADS_MAX - 1; i++)
		if (ms->threads[i].tid != pid && !take_thread(world, mem, &ms->threads[i], false))
			return false;
	return true;
}

bool world_take_malloc(struct world *world, const struct snapshot *snap, struct memory *mem,
                       const struct malloc_state *ms)
{
	const struct process_facts *process = snapshot_process(snap);
	const struct heap_facts *heap = snapshot_heap(snap);
	uint64_t v;

	if (heap && heap->instance_count > 1)
		world_remark(world,
		             "the process has more than one libc: the one that is simulated is "
		             "taken for the program's own, which may move the break");
	world->pt.main_arena = ms->main_arena_addr;
	world->pt.mp = ms->mp_addr;
	for (size_t i = 0; i < 4; i++)
		world->pt.hook_is_set[i] = read_number(mem, ms->private.hook[i], 8, &v) && v &&
		                           v != ms->private.hook_first[i];
	world->pt.is_secure = process && process->is_secure;
	take_variables(world, mem, ms);
	take_environ(world, process);
	if (!take_threads(world, snap, mem, ms) ||
	    !nptl_read_cache(mem, ms->private.stack_cache, ms->private.pthread_list, world->pt.page,
	                     &world->stack_cache))
		return false;
	if (ms->walk.is_done && ms->walk.torn_chunks)
		world_remark(world,
		             "the process ran while it was copied: freeze it for an exact start");
	return true;
}
