/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A world's system calls with 60,000 VMAs: next to each other, as programs make them, and spread over
 * all of the address space.
 */
#include <stdint.h>
#include <time.h>

#include "model/base/units.h"
#include "model/linux/lx_mm.h"
#include "tests/lib/bench.h"

enum { PAGE = 4096, VMAS = 60000, OPS = 20000, ROUNDS = 5, ANON = SYS_MAP_ANONYMOUS };

enum { RO = SYS_PROT_READ, RW = SYS_PROT_READ | SYS_PROT_WRITE };

static uint64_t at[VMAS];
static uint64_t seed = 1;

static uint64_t any(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (seed >> 11) % below;
}

static double now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static uint64_t map(struct sys *sys, uint64_t pages, uint32_t prot, uint32_t kind)
{
	return (uint64_t)sys_mmap(sys, 0, pages * PAGE, prot, ANON | kind);
}

/* Neighbours differ, so that none merge. */
static void fill(struct sys *sys, uint32_t kind)
{
	for (size_t i = 0; i < VMAS; i++) {
		at[i] = map(sys, 4, i % 2 ? RO : RW, kind);
		sys_clear(sys);
	}
}

/* Placement below all that is there, and away again. */
static void place(struct sys *sys, size_t i)
{
	uint64_t where = map(sys, 6, i % 2 ? RO : RW, SYS_MAP_PRIVATE);

	sys_munmap(sys, where, 6 * PAGE);
}

/* Anywhere: a VMA goes, the gap is found again. */
static void replace(struct sys *sys, size_t i)
{
	size_t one = any(VMAS);

	(void)i;
	sys_munmap(sys, at[one], 4 * PAGE);
	at[one] = map(sys, 4, one % 2 ? RO : RW, SYS_MAP_PRIVATE);
}

static void replace_shared(struct sys *sys, size_t i)
{
	size_t one = any(VMAS);

	(void)i;
	sys_munmap(sys, at[one], 4 * PAGE);
	at[one] = map(sys, 4, one % 2 ? RO : RW, SYS_MAP_SHARED);
}

/* Anywhere: rights that split nothing and merge nothing. */
static void protect(struct sys *sys, size_t i)
{
	size_t one = any(VMAS);

	sys_mprotect(sys, at[one], 4 * PAGE, i % 2 ? SYS_PROT_NONE : SYS_PROT_EXEC);
}

/* Anywhere: a VMA is cut in three and joined again. */
static void split(struct sys *sys, size_t i)
{
	static size_t one;

	if (i % 2 == 0)
		one = any(VMAS);
	sys_mprotect(sys, at[one] + PAGE, PAGE, i % 2 == 0 ? SYS_PROT_NONE : (one % 2 ? RO : RW));
}

static void grow_break(struct sys *sys, size_t i)
{
	sys_brk(sys, 0x555555559000 + (1 + i % 64) * 33 * PAGE);
}

static double per_call(struct lx_mm *mm, void (*op)(struct sys *, size_t), unsigned calls)
{
	double figures[ROUNDS];

	for (size_t round = 0; round < ROUNDS; round++) {
		double start = now_us();

		for (size_t i = 0; i < OPS; i++) {
			op(lx_mm_sys(mm), i);
			sys_clear(lx_mm_sys(mm));
			lx_mm_commit(mm, 0);
		}
		figures[round] = (now_us() - start) / OPS / calls;
	}
	return bench_median(figures, ROUNDS);
}

static struct lx_mm *make(struct region *region, uint32_t kind)
{
	struct lx_mm_start start = { .brk_start = 0x555555559000,
		                     .brk = 0x555555559000,
		                     .page = PAGE,
		                     .limit_as = UINT64_MAX,
		                     .limit_data = UINT64_MAX,
		                     .limit_stack = UINT64_MAX,
		                     .max_map_count = 1 << 20,
		                     .rules = linux_rules_for(6, 18) };
	struct vma_set vmas;
	uint64_t ignored;
	struct lx_mm *mm;

	if (!lx_fresh_vmas(region, &vmas, &ignored))
		return NULL;
	start.vmas = &vmas;
	lx_commit_fresh(&start.commit);
	start.commit.mode = LX_OVERCOMMIT_NEVER;
	mm = lx_mm_new(region, &start);
	if (!mm)
		return NULL;
	lx_mm_journal(mm, true);
	fill(lx_mm_sys(mm), kind);
	return mm;
}

int main(void)
{
	static const struct {
		const char *name;
		void (*op)(struct sys *, size_t);
		unsigned calls;
		uint32_t kind;
	} runs[] = {
		{ "60k VMAs: mmap + munmap, lowest", place, 2, SYS_MAP_PRIVATE },
		{ "60k VMAs: brk", grow_break, 1, SYS_MAP_PRIVATE },
		{ "60k VMAs: mprotect anywhere", protect, 1, SYS_MAP_PRIVATE },
		{ "60k VMAs: mprotect splits and joins anywhere", split, 1, SYS_MAP_PRIVATE },
		{ "60k VMAs: munmap + mmap anywhere", replace, 2, SYS_MAP_PRIVATE },
		{ "60k shared: munmap + mmap anywhere", replace_shared, 2, SYS_MAP_SHARED },
	};

	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
		struct region *region = region_new();
		struct lx_mm *mm = region ? make(region, runs[i].kind) : NULL;

		if (!mm)
			return 1;
		bench_at_most(runs[i].name, per_call(mm, runs[i].op, runs[i].calls), 5.0, "us");
		lx_mm_end(mm);
		region_free(region);
	}
	return 0;
}
