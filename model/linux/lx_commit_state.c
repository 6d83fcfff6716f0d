/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine's side of overcommit (Linux mm/util.c:vm_commit_limit, mm/mm_init.c:mm_compute_batch).
 */
#include "model/linux/lx_commit_state.h"

#include <stddef.h>

#include "model/base/units.h"

/* --fresh is a machine that has just been started, with the kernel's own defaults. */
enum {
	FRESH_PAGE = 4096,
	FRESH_RATIO = 50,
	FRESH_ADMIN_KBYTES = 8192,
	FRESH_USER_KBYTES = 131072,
	FRESH_RESERVE_PAGES = 16384,
	FRESH_CPUS = 2
};

#define FRESH_RAM  (16 * GIB)
#define FRESH_FREE (12 * GIB)
#define FRESH_FILE (2 * GIB)
#define FRESH_SLAB (128 * MIB)

/* More than any machine has, so that sums of a few such numbers stay numbers. */
#define MOST_PAGES (UINT64_C(1) << 58)

static uint64_t minus(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

void lx_commit_fresh(struct lx_commit_state *ret)
{
	*ret = (struct lx_commit_state){
		.page = FRESH_PAGE,
		.ram = FRESH_RAM / FRESH_PAGE,
		.free = FRESH_FREE / FRESH_PAGE,
		.file = FRESH_FILE / FRESH_PAGE,
		.slab_reclaimable = FRESH_SLAB / FRESH_PAGE,
		.totalreserve = FRESH_RESERVE_PAGES,
		.ratio = FRESH_RATIO,
		.admin_reserve_kbytes = FRESH_ADMIN_KBYTES,
		.user_reserve_kbytes = FRESH_USER_KBYTES,
		.mode = LX_OVERCOMMIT_GUESS,
		.cpus = FRESH_CPUS,
	};
}

static void take_pages(uint64_t *to, struct fact bytes, uint64_t page)
{
	if (fact_known(bytes))
		*to = bytes.v / page;
}

static void take(uint64_t *to, struct fact number)
{
	if (fact_known(number))
		*to = number.v;
}

/* NR_FILE_PAGES: the page cache with buffers and what is swapped out and still cached. */
static void take_file(const struct system_facts *sys, struct lx_commit_state *ret)
{
	if (!fact_known(sys->cached))
		return;
	ret->file = (sys->cached.v + fact_or(sys->buffers, 0) + fact_or(sys->swap_cached, 0)) /
	            ret->page;
}

/*
 * A machine whose size alone is known is taken as --fresh in small. Where it is told how much is free,
 * nothing is made up of what else there is: page cache and slab that are not told count for nothing.
 */
static void take_sizes(const struct system_facts *sys, struct lx_commit_state *ret)
{
	if (fact_known(sys->mem_total))
		lx_commit_set_ram(ret, sys->mem_total.v / ret->page);
	if (fact_known(sys->mem_free)) {
		ret->free = sys->mem_free.v / ret->page;
		ret->file = ret->shmem = ret->slab_reclaimable = 0;
		/* A default never contradicts what was told. */
		if (!fact_known(sys->mem_total))
			ret->ram = max_u64(ret->ram, ret->free);
	}
	take_pages(&ret->swap, sys->swap_total, ret->page);
	ret->swap_free = ret->swap;
	take_pages(&ret->swap_free, sys->swap_free, ret->page);
	if (!fact_known(sys->swap_total))
		ret->swap = max_u64(ret->swap, ret->swap_free);
	take_pages(&ret->hugetlb, sys->hugetlb, ret->page);
	if (!fact_known(sys->mem_free))
		lx_commit_set_free(ret, min_u64(ret->free, minus(ret->ram, ret->hugetlb)));
	take_file(sys, ret);
	take_pages(&ret->shmem, sys->shmem, ret->page);
	take_pages(&ret->slab_reclaimable, sys->slab_reclaimable, ret->page);
	take(&ret->totalreserve, sys->totalreserve_pages);
}

void lx_commit_of_facts(const struct system_facts *sys, const struct process_facts *process,
                        struct lx_commit_state *ret)
{
	lx_commit_fresh(ret);
	ret->cap_sys_admin = process && process->has_cap_sys_admin;
	if (!sys)
		return;
	if (sys->page_size >= 1024)
		ret->page = sys->page_size;
	take_sizes(sys, ret);
	take(&ret->ratio, sys->overcommit_ratio);
	take(&ret->kbytes, sys->overcommit_kbytes);
	take(&ret->admin_reserve_kbytes, sys->admin_reserve_kbytes);
	take(&ret->user_reserve_kbytes, sys->user_reserve_kbytes);
	ret->mode = (uint32_t)fact_or(sys->overcommit_memory, LX_OVERCOMMIT_GUESS);
	if (sys->cpus_present)
		ret->cpus = sys->cpus_present;
}

/* --- the rules --------------------------------------------------------------------------------------- */

static uint64_t kbytes_to_pages(const struct lx_commit_state *state, uint64_t kbytes)
{
	return kbytes / (state->page / 1024);
}

/* overcommit_kbytes wins when it is set, and then huge pages do not matter. */
uint64_t lx_commit_limit(const struct lx_commit_state *state)
{
	uint64_t allowed;

	if (state->kbytes)
		allowed = kbytes_to_pages(state, state->kbytes);
	else if (__builtin_mul_overflow(minus(state->ram, state->hugetlb), state->ratio, &allowed))
		allowed = MOST_PAGES;
	else
		allowed /= 100;
	return min_u64(allowed, MOST_PAGES) + min_u64(state->swap, MOST_PAGES);
}

uint64_t lx_commit_admin_reserve(const struct lx_commit_state *state)
{
	return state->cap_sys_admin
	               ? 0
	               : min_u64(kbytes_to_pages(state, state->admin_reserve_kbytes), MOST_PAGES);
}

uint64_t lx_commit_user_reserve(const struct lx_commit_state *state, uint64_t total_vm)
{
	return min_u64(total_vm / 32, kbytes_to_pages(state, state->user_reserve_kbytes));
}

uint64_t lx_commit_batch(const struct lx_commit_state *state)
{
	uint64_t cpus = state->cpus ? state->cpus : 1;

	return max_u64(max_u64(2 * cpus, 32), state->ram / cpus / 256);
}

/*
 * Each CPU keeps up to batch - 1 pages, charged or given back, to itself. A request that reaches the
 * batch whatever was kept brings its own CPU's part along.
 */
uint64_t lx_commit_bound(const struct lx_commit_state *state, uint64_t pages)
{
	uint64_t batch = lx_commit_batch(state), cpus = state->cpus ? state->cpus : 1;

	return (pages >= 2 * batch - 1 ? cpus - 1 : cpus) * (batch - 1);
}

/* --- another machine --------------------------------------------------------------------------------- */

/* The same share of another whole. */
static uint64_t share(uint64_t part, uint64_t of, uint64_t whole)
{
	uint64_t product;

	if (!of || part >= of || __builtin_mul_overflow(part, whole, &product))
		return whole;
	return product / of;
}

void lx_commit_set_ram(struct lx_commit_state *state, uint64_t pages)
{
	uint64_t was = state->ram;

	state->ram = pages;
	state->free = share(state->free, was, pages);
	state->file = share(state->file, was, pages);
	state->shmem = share(state->shmem, was, pages);
	state->slab_reclaimable = share(state->slab_reclaimable, was, pages);
	state->totalreserve = share(state->totalreserve, was, pages);
}

/* What is free now holds no page cache. */
void lx_commit_set_free(struct lx_commit_state *state, uint64_t pages)
{
	uint64_t rest = minus(state->ram, pages);

	state->free = pages;
	state->file = min_u64(state->file, rest);
	state->shmem = min_u64(state->shmem, state->file);
	state->slab_reclaimable = min_u64(state->slab_reclaimable, rest - state->file);
}

void lx_commit_set_swap(struct lx_commit_state *state, uint64_t pages)
{
	state->swap_free = share(state->swap_free, state->swap, pages);
	state->swap = pages;
}

bool lx_commit_contradicts(const struct lx_commit_state *state, const char **ret_field,
                           const char **ret_why)
{
	const struct {
		bool is_wrong;
		const char *field, *why;
	} tests[] = {
		{ !state->ram, "system.mem_total", "a machine without memory" },
		{ state->free > state->ram, "system.mem_free", "more than system.mem_total" },
		{ state->hugetlb > state->ram, "system.hugepages",
		  "more than system.mem_total holds" },
		{ state->swap_free > state->swap, "system.swap_free",
		  "more than system.swap_total" },
		{ state->mode > LX_OVERCOMMIT_NEVER, "vm.overcommit_memory", "must be 0, 1 or 2" },
	};

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		if (!tests[i].is_wrong)
			continue;
		*ret_field = tests[i].field;
		*ret_why = tests[i].why;
		return true;
	}
	return false;
}
