/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The address space on made-up VMAs: what the running kernel can't show. Rules of other releases,
 * charges, what a target's facts leave open, the journal and branches. test_lx_mm_real.c compares the
 * rest with the kernel.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/base/units.h"
#include "model/linux/lx_mm.h"

enum {
	PAGE = 4096,
	RW = SYS_PROT_READ | SYS_PROT_WRITE,
	ANON = SYS_MAP_PRIVATE | SYS_MAP_ANONYMOUS,
	ENOMEM_ = 12
};

#define BASE      ((uint64_t)0x7ffff7fff000) /* mmap_base of a fresh process */
#define START_BRK ((uint64_t)0x555555559000)

struct world {
	struct region *region;
	struct image_pool *pool;
	struct image image;
	struct lx_mm *mm;
	struct sys *sys;
};

static struct lx_mm_start plain_start(struct world *w, const struct vma_set *vmas, int major,
                                      int minor)
{
	return (struct lx_mm_start){ .vmas = vmas,
		                     .brk_start = START_BRK,
		                     .brk = START_BRK,
		                     .page = PAGE,
		                     .limit_as = UINT64_MAX,
		                     .limit_data = UINT64_MAX,
		                     .limit_stack = UINT64_MAX,
		                     .max_map_count = 65530,
		                     .rules = linux_rules_for(major, minor),
		                     .image = &w->image };
}

static void begin(struct world *w)
{
	w->region = region_new();
	w->pool = image_pool_new();
	assert_true(w->region && w->pool);
	image_init(&w->image, w->pool);
}

static void open_with(struct world *w, const struct lx_mm_start *start)
{
	w->mm = lx_mm_new(w->region, start);
	assert_non_null(w->mm);
	w->sys = lx_mm_sys(w->mm);
}

static void open_fresh(struct world *w, int major, int minor)
{
	struct vma_set vmas;
	uint64_t brk_start;

	begin(w);
	assert_true(lx_fresh_vmas(w->region, &vmas, &brk_start));
	assert_int_equal(brk_start, START_BRK);
	struct lx_mm_start start = plain_start(w, &vmas, major, minor);

	open_with(w, &start);
}

static void end(struct world *w)
{
	lx_mm_end(w->mm);
	image_end(&w->image);
	image_pool_free(w->pool);
	region_free(w->region);
}

static uint64_t map(struct world *w, uint64_t len, uint32_t prot, uint32_t flags)
{
	int64_t at = sys_mmap(w->sys, 0, len, prot, ANON | flags);

	assert_false(sys_failed(at));
	return (uint64_t)at;
}

static const struct lx_vma *vma_at(const struct world *w, uint64_t addr)
{
	const struct lx_vma *vma = lx_mm_find(w->mm, addr);

	assert_non_null(vma);
	return vma;
}

static void touch(struct world *w, uint64_t addr, uint64_t len)
{
	struct lx_touch ret;

	lx_touch(w->mm, addr, addr + len, &ret);
	assert_false(ret.segv);
	assert_int_equal(ret.pages, len / PAGE);
}

/* --- releases ------------------------------------------------------------------------------------------ */

/* The first mapping fills the hole below libc's data; what does not fit goes below libc. */
static void long_mappings_are_aligned_by_release(void **state)
{
	static const struct {
		int major, minor;
		bool three_is_aligned, four_is_aligned;
	} rows[] = { { 6, 6, false, false }, { 6, 7, true, true }, { 6, 12, false, true } };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct world w;
		uint64_t three, four;

		open_fresh(&w, rows[i].major, rows[i].minor);
		three = map(&w, 3 * MIB, RW, 0);
		assert_int_equal(is_aligned(three, 2 * MIB), rows[i].three_is_aligned);
		if (!rows[i].three_is_aligned)
			assert_int_equal(three, 0x7ffff7dd9000 - 3 * MIB);
		four = map(&w, 4 * MIB, RW, 0);
		assert_int_equal(is_aligned(four, 2 * MIB), rows[i].four_is_aligned);
		if (!rows[i].four_is_aligned)
			assert_int_equal(four, three - 4 * MIB);
		end(&w);
	}
}

static void brk_by_release(void **state)
{
	(void)state;
	for (int minor = 0; minor < 2; minor++) {
		struct world w;

		open_fresh(&w, 6, minor);
		/* Where the break will come to, but for the page that must stay free. */
		assert_int_equal(sys_brk(w.sys, START_BRK + PAGE), START_BRK + PAGE);
		sys_mmap(w.sys, START_BRK + 2 * PAGE, PAGE, RW, ANON | SYS_MAP_FIXED);
		assert_int_equal(sys_brk(w.sys, START_BRK + 2 * PAGE), START_BRK + PAGE);
		sys_munmap(w.sys, START_BRK + 2 * PAGE, PAGE);
		assert_int_equal(sys_brk(w.sys, START_BRK + 2 * PAGE), START_BRK + 2 * PAGE);
		assert_int_equal(vma_at(&w, START_BRK)->end, START_BRK + 2 * PAGE);
		assert_string_equal(lx_vma_name(w.mm, vma_at(&w, START_BRK)), "[heap]");
		sys_munmap(w.sys, START_BRK, 2 * PAGE);
		assert_int_equal(sys_brk(w.sys, START_BRK),
		                 minor ? START_BRK + 2 * PAGE : START_BRK);
		end(&w);
	}
}

static void touched_joins_untouched_since_6_16(void **state)
{
	(void)state;
	for (int minor = 15; minor <= 16; minor++) {
		struct world w;
		uint64_t at;

		open_fresh(&w, 6, minor);
		at = map(&w, 4 * PAGE, SYS_PROT_NONE, 0);
		sys_mprotect(w.sys, at, 2 * PAGE, RW);
		touch(&w, at, PAGE);
		sys_mprotect(w.sys, at + 2 * PAGE, 2 * PAGE, RW);
		/* A range without an anon_vma may join one with, in every release. */
		assert_int_equal(vma_at(&w, at)->end, at + 4 * PAGE);
		at = map(&w, 4 * PAGE, SYS_PROT_READ | SYS_PROT_EXEC, SYS_MAP_NORESERVE);
		sys_mprotect(w.sys, at, 2 * PAGE, RW);
		touch(&w, at, PAGE);
		sys_mprotect(w.sys, at, 2 * PAGE, SYS_PROT_READ | SYS_PROT_EXEC);
		assert_int_equal(vma_at(&w, at)->end, at + (minor == 15 ? (uint64_t)2 : 4) * PAGE);
		end(&w);
	}
}

/* Mode 0 grants 100 pages at once. Since 6.12 only what a MAP_FIXED adds is asked for; before, all of
 * it, when what was there is gone already. */
static void fixed_is_charged_by_release(void **state)
{
	(void)state;
	for (int minor = 11; minor <= 12; minor++) {
		struct world w;
		struct vma_set vmas;
		uint64_t at, ignored;
		int64_t result;

		begin(&w);
		assert_true(lx_fresh_vmas(w.region, &vmas, &ignored));
		struct lx_mm_start start = plain_start(&w, &vmas, 6, minor);

		lx_commit_fresh(&start.commit);
		start.commit.ram = 100;
		open_with(&w, &start);
		assert_int_equal(sys_mmap(w.sys, 0, 101 * PAGE, RW, ANON), -ENOMEM_);
		at = map(&w, 100 * PAGE, RW, 0);
		result = sys_mmap(w.sys, at - PAGE, 101 * PAGE, RW, ANON | SYS_MAP_FIXED);
		assert_int_equal(result, minor == 11 ? -ENOMEM_ : (int64_t)(at - PAGE));
		assert_int_equal(lx_mm_find(w.mm, at) == NULL, minor == 11);
		end(&w);
	}
}

/* Of a process that was forked and has not execed, as it is known from outside: what was written before
 * is inherited and takes nothing in, in any release; what it wrote itself does. */
static void inherited_memory_does_not_grow(void **state)
{
	static const int kernels[][2] = { { 4, 3 }, { 5, 10 }, { 6, 12 }, { 6, 18 }, { 7, 2 } };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(kernels) / sizeof(kernels[0]); i++) {
		struct world w;
		struct vma_set vmas;
		uint64_t at, brk_start;
		bool is_forked = i % 2;

		begin(&w);
		assert_true(lx_fresh_vmas(w.region, &vmas, &brk_start));
		struct lx_mm_start start =
		        plain_start(&w, &vmas, kernels[i / 2][0], kernels[i / 2][1]);

		start.is_forked = is_forked;
		open_with(&w, &start);
		/* lands below libc's own, which was written to */
		at = map(&w, 8 * PAGE, RW, 0);
		assert_int_equal(at, 0x7ffff7dd9000 - 8 * PAGE);
		assert_int_equal(vma_at(&w, at)->end, is_forked ? 0x7ffff7dd9000 : 0x7ffff7ddc000);
		touch(&w, at, PAGE);
		/* its own takes in what comes next, and does not borrow the anon_vma above */
		at = map(&w, 8 * PAGE, RW, 0);
		assert_int_equal(vma_at(&w, at)->end, is_forked ? 0x7ffff7dd9000 : 0x7ffff7ddc000);
		end(&w);
	}
}

/* Alike and still two: the heap's upper part, and a mapping's lower one, came after the fork. */
static void what_grew_after_fork_is_its_own(void **state)
{
	const struct vma heap[] = {
		{ .start = START_BRK,
		  .end = START_BRK + 8 * PAGE,
		  .prot = RW,
		  .has_residency = true,
		  .rss = PAGE,
		  .charge = VMA_CHARGE_YES,
		  .name_len = 6 },
		{ .start = START_BRK + 8 * PAGE,
		  .end = START_BRK + 16 * PAGE,
		  .prot = RW,
		  .has_residency = true,
		  .rss = PAGE,
		  .charge = VMA_CHARGE_YES,
		  .name_len = 6 },
	};
	const struct vma_set vmas = {
		.at = (struct vma *)(uintptr_t)heap, .count = 2, .names = "[heap]", .names_len = 6
	};

	(void)state;
	for (int two = 0; two < 2; two++) {
		struct world w;
		struct vma_set some = vmas;
		uint64_t top;

		begin(&w);
		some.count = (size_t)two + 1;
		top = heap[two].end;
		struct lx_mm_start start = plain_start(&w, &some, 6, 12);

		start.is_forked = true;
		start.brk = top;
		start.mmap_base = BASE;
		open_with(&w, &start);
		assert_int_equal(sys_brk(w.sys, top + 4 * PAGE), top + 4 * PAGE);
		assert_int_equal(vma_at(&w, top)->start, two ? heap[1].start : top);
		end(&w);
	}
}

/* --- charges ------------------------------------------------------------------------------------------- */

static void charges_follow_the_table(void **state)
{
	struct world w;
	uint64_t zero, at, shared;

	(void)state;
	open_fresh(&w, 6, 18);
	zero = lx_mm_charged_pages(w.mm);
	map(&w, 8 * PAGE, SYS_PROT_EXEC,
	    0); /* so that nothing joins libc's data, which is touched */
	at = map(&w, 64 * PAGE, RW, 0);
	assert_int_equal(lx_mm_charged_pages(w.mm), zero + 64);
	sys_munmap(w.sys, at + 16 * PAGE, 16 * PAGE);
	assert_int_equal(lx_mm_charged_pages(w.mm), zero + 48);
	sys_mmap(w.sys, at, 64 * PAGE, RW, ANON | SYS_MAP_FIXED);
	assert_int_equal(lx_mm_charged_pages(w.mm), zero + 64);
	/* untouched: uncharged when made unwritable; touched: stays */
	sys_mprotect(w.sys, at, 64 * PAGE, SYS_PROT_NONE);
	assert_int_equal(lx_mm_charged_pages(w.mm), zero);
	sys_mprotect(w.sys, at, 32 * PAGE, RW);
	touch(&w, at, PAGE);
	sys_mprotect(w.sys, at, 32 * PAGE, SYS_PROT_NONE);
	assert_int_equal(lx_mm_charged_pages(w.mm), zero + 32);
	sys_munmap(w.sys, at, 64 * PAGE);
	assert_int_equal(lx_mm_charged_pages(w.mm), zero);
	/* neither room without rights nor MAP_NORESERVE */
	map(&w, 8 * PAGE, SYS_PROT_READ, 0);
	at = map(&w, 8 * PAGE, SYS_PROT_NONE, SYS_MAP_NORESERVE);
	sys_mprotect(w.sys, at, 8 * PAGE, RW);
	assert_int_equal(lx_mm_charged_pages(w.mm), zero);
	/* shared memory is its file's: until the last mapping of it is gone */
	shared = (uint64_t)sys_mmap(w.sys, 0, 10 * PAGE, SYS_PROT_NONE,
	                            SYS_MAP_SHARED | SYS_MAP_ANONYMOUS);
	assert_int_equal(lx_mm_charged_pages(w.mm), zero + 10);
	sys_munmap(w.sys, shared, 4 * PAGE);
	assert_int_equal(lx_mm_charged_pages(w.mm), zero + 10);
	sys_munmap(w.sys, shared, 10 * PAGE);
	assert_int_equal(lx_mm_charged_pages(w.mm), zero);
	sys_brk(w.sys, START_BRK + 33 * PAGE);
	assert_int_equal(lx_mm_charged_pages(w.mm), zero + 33);
	end(&w);
}

static void mode_2_knows_no_noreserve(void **state)
{
	struct world w;
	struct vma_set vmas;
	uint64_t zero, ignored;

	(void)state;
	begin(&w);
	assert_true(lx_fresh_vmas(w.region, &vmas, &ignored));
	struct lx_mm_start start = plain_start(&w, &vmas, 6, 18);

	lx_commit_fresh(&start.commit);
	start.commit.mode = LX_OVERCOMMIT_NEVER;
	open_with(&w, &start);
	zero = lx_mm_charged_pages(w.mm);
	map(&w, 8 * PAGE, RW, SYS_MAP_NORESERVE);
	assert_int_equal(lx_mm_charged_pages(w.mm), zero + 8);
	end(&w);
}

/* --- bytes --------------------------------------------------------------------------------------------- */

static void the_image_sees_rights(void **state)
{
	struct world w;
	uint64_t at, to;

	(void)state;
	open_fresh(&w, 6, 18);
	at = map(&w, 4 * PAGE, RW, 0);
	image_set8(&w.image, at + 8, 42);
	assert_int_equal(w.image.fault, IMAGE_OK);
	assert_int_not_equal(vma_at(&w, at)->anon, 0);
	/* Rights that were cached end with mprotect. */
	sys_mprotect(w.sys, at, PAGE, SYS_PROT_READ);
	assert_int_equal(image_get8(&w.image, at + 8), 42);
	image_set8(&w.image, at + 8, 43);
	assert_int_equal(w.image.fault, IMAGE_SEGV);
	assert_int_equal(w.image.fault_addr, at + 8);
	image_clear_fault(&w.image);
	sys_mprotect(w.sys, at, PAGE, SYS_PROT_NONE);
	(void)image_get8(&w.image, at + 8);
	assert_int_equal(w.image.fault, IMAGE_SEGV);
	image_clear_fault(&w.image);
	/* mremap takes bytes along; what was freed reads as zero, or not at all. */
	sys_mprotect(w.sys, at, PAGE, RW);
	map(&w, PAGE, SYS_PROT_NONE, 0);
	to = (uint64_t)sys_mremap(w.sys, at, 4 * PAGE, 64 * PAGE, SYS_MREMAP_MAYMOVE);
	assert_int_not_equal(to, at);
	assert_int_equal(image_get8(&w.image, to + 8), 42);
	sys_madvise(w.sys, to, PAGE, SYS_MADV_DONTNEED);
	assert_int_equal(image_get8(&w.image, to + 8), 0);
	sys_munmap(w.sys, to, 64 * PAGE);
	assert_int_equal(w.image.fault, IMAGE_OK);
	(void)image_get8(&w.image, to + 8);
	assert_int_equal(w.image.fault, IMAGE_SEGV);
	image_clear_fault(&w.image);
	/* A file's bytes are not known; the model's own addresses are always there. */
	assert_int_equal(lx_mm_access(w.mm, 0x7ffff7ddc000, false), IMAGE_UNKNOWN);
	assert_int_equal(lx_mm_access(w.mm, 0x7ffff7ddc000, true), IMAGE_SEGV);
	assert_int_equal(lx_mm_access(w.mm, LX_OWN_START, true), IMAGE_OK);
	image_private_set8(&w.image, IMAGE_PRIVATE_START, 7);
	assert_int_equal(image_private_get8(&w.image, IMAGE_PRIVATE_START), 7);
	assert_int_equal(w.image.fault, IMAGE_OK);
	assert_int_equal(image_get8(&w.image, IMAGE_PRIVATE_START), 0);
	assert_int_equal(w.image.fault, IMAGE_SEGV);
	image_clear_fault(&w.image);
	assert_int_equal(lx_mm_access(w.mm, LX_OWN_END, true), IMAGE_SEGV);
	assert_int_equal(lx_mm_access(w.mm, (uint64_t)1 << 57, true), IMAGE_SEGV);
	end(&w);
}

static void touching_stops_where_it_is_forbidden(void **state)
{
	struct world w;
	struct lx_touch ret;
	uint64_t at;

	(void)state;
	open_fresh(&w, 6, 18);
	at = map(&w, 8 * PAGE, RW, 0);
	touch(&w, at, 2 * PAGE);
	sys_mprotect(w.sys, at + 4 * PAGE, PAGE, SYS_PROT_READ);
	lx_touch(w.mm, at, at + 8 * PAGE, &ret);
	assert_true(ret.segv);
	assert_int_equal(ret.segv_addr, at + 4 * PAGE);
	assert_int_equal(ret.pages, 4);
	assert_int_equal(ret.faulted, 2);
	end(&w);
}

/* --- from a target's facts ---------------------------------------------------------------------------- */

/* An arena's heap of 64 MiB: the part in use and its room began as one MAP_NORESERVE mapping, so
 * what mprotect opens joins, and is not charged. */
static void an_arena_heap_grows_as_one(void **state)
{
	struct vma list[] = {
		{ .start = 0x7f0000000000,
		  .end = 0x7f0000021000,
		  .prot = RW,
		  .kind = VMA_ARENA,
		  .owner = 1,
		  .owner_heap = 1,
		  .charge = VMA_CHARGE_GUESS_NO },
		{ .start = 0x7f0000021000,
		  .end = 0x7f0004000000,
		  .kind = VMA_RESERVE,
		  .owner = 1,
		  .owner_heap = 1,
		  .charge = VMA_CHARGE_GUESS_NO },
		{ .start = 0x7ffffffde000,
		  .end = 0x7ffffffff000,
		  .prot = RW,
		  .kind = VMA_STACK,
		  .owner = -1,
		  .charge = VMA_CHARGE_GUESS_YES,
		  .name_at = 0,
		  .name_len = 7 },
	};
	struct vma_set vmas = { list, 3, "[stack]", 7 };
	struct world w;
	uint64_t charged;

	(void)state;
	begin(&w);
	struct lx_mm_start start = plain_start(&w, &vmas, 6, 18);

	open_with(&w, &start);
	charged = lx_mm_charged_pages(w.mm);
	assert_int_equal(charged, 33); /* the stack's */
	assert_int_equal(sys_mprotect(w.sys, 0x7f0000021000, 4 * PAGE, RW), 0);
	assert_int_equal(lx_mm_count(w.mm), 3);
	assert_int_equal(lx_mm_at(w.mm, 0)->end, 0x7f0000025000);
	assert_int_equal(lx_mm_charged_pages(w.mm), charged);
	/* mmap_base: the end of the highest VMA below the stack */
	assert_int_equal(map(&w, PAGE, SYS_PROT_NONE, 0), 0x7f0000000000 - PAGE);
	end(&w);
}

/* --- journal and branches ------------------------------------------------------------------------------ */

static uint64_t next_random(uint64_t *random, uint64_t below)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return (*random >> 11) % below;
}

static void random_call(struct sys *sys, uint64_t *random)
{
	uint64_t at = BASE - 40 * MIB + next_random(random, 64) * PAGE;
	uint64_t len = (1 + next_random(random, 12)) * PAGE;
	uint32_t prot = (uint32_t)next_random(random, 4);

	switch (next_random(random, 6)) {
	case 0:
		sys_munmap(sys, at, len);
		break;
	case 1:
		sys_mmap(sys, at, len, prot, ANON | SYS_MAP_FIXED | SYS_MAP_POPULATE);
		break;
	case 2:
		sys_mremap(sys, at, len, len + PAGE, SYS_MREMAP_MAYMOVE);
		break;
	case 3:
		sys_brk(sys, START_BRK + next_random(random, 1 << 18));
		break;
	case 4:
		sys_mmap(sys, 0, len, prot,
		         ANON ^ (next_random(random, 2) ? 0 : SYS_MAP_PRIVATE | SYS_MAP_SHARED));
		break;
	default:
		sys_mprotect(sys, at, len, prot);
	}
	sys_clear(sys);
}

struct copy {
	struct lx_vma vmas[400];
	size_t count;
	uint64_t brk, total, charged;
};

static void copy_of(const struct lx_mm *mm, struct copy *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->count = lx_mm_count(mm);
	assert_true(ret->count <= 400);
	for (size_t i = 0; i < ret->count; i++)
		ret->vmas[i] = *lx_mm_at(mm, i);
	ret->brk = lx_mm_brk(mm);
	ret->total = lx_mm_total_pages(mm);
	ret->charged = lx_mm_charged_pages(mm);
}

static void undo_returns_to_every_mark(void **state)
{
	static struct copy before[64], after;
	struct world w;
	size_t marks[64], image_marks[64];
	uint64_t random = 7;

	(void)state;
	open_fresh(&w, 6, 18);
	lx_mm_journal(w.mm, true);
	image_set_journal(&w.image, true);
	for (int round = 0; round < 30; round++) {
		for (int i = 0; i < 64; i++) {
			copy_of(w.mm, &before[i]);
			marks[i] = lx_mm_mark(w.mm);
			image_marks[i] = image_mark_journal(&w.image);
			random_call(w.sys, &random);
		}
		for (int i = 64; i-- > (round % 2 ? 0 : 40);) {
			assert_true(image_undo(&w.image, image_marks[i]));
			lx_mm_undo(w.mm, marks[i]);
			copy_of(w.mm, &after);
			assert_memory_equal(&after, &before[i], sizeof(after));
		}
		image_commit(&w.image, 0);
		lx_mm_commit(w.mm, 0);
		assert_int_equal(lx_mm_mark(w.mm), 0);
	}
	assert_int_equal(w.image.fault, IMAGE_OK);
	end(&w);
}

static void branches_go_on_alone(void **state)
{
	static struct copy first, second;
	struct image image;
	struct lx_mm *branch;
	struct world w;
	uint64_t random = 3, replay;

	(void)state;
	open_fresh(&w, 6, 18);
	for (int i = 0; i < 100; i++)
		random_call(w.sys, &random);
	assert_true(image_branch(&w.image, &image));
	branch = lx_mm_branch(w.mm, &image);
	assert_non_null(branch);
	copy_of(w.mm, &first);
	replay = random;
	for (int i = 0; i < 100; i++)
		random_call(lx_mm_sys(branch), &random);
	copy_of(w.mm, &second);
	assert_memory_equal(&first, &second, sizeof(first));
	/* The same calls end the same, in either. */
	for (int i = 0; i < 100; i++)
		random_call(w.sys, &replay);
	copy_of(w.mm, &first);
	copy_of(branch, &second);
	assert_int_equal(first.count, second.count);
	for (size_t i = 0; i < first.count; i++) {
		assert_int_equal(first.vmas[i].start, second.vmas[i].start);
		assert_int_equal(first.vmas[i].end, second.vmas[i].end);
		assert_int_equal(first.vmas[i].flags, second.vmas[i].flags);
	}
	assert_int_equal(first.charged, second.charged);
	lx_mm_end(branch);
	image_end(&image);
	end(&w);
}

static void placement_remembers_what_is_full(void **state)
{
	struct world w;
	uint64_t hole, at;

	(void)state;
	open_fresh(&w, 6, 18);
	at = map(&w, 64 * PAGE, SYS_PROT_READ, 0);
	hole = at + 8 * PAGE;
	for (uint32_t i = 0; i < 20000; i++)
		map(&w, 5 * PAGE, 1 + i % 2, 0);
	sys_munmap(w.sys, hole, 8 * PAGE);
	assert_int_equal(map(&w, 8 * PAGE, 4, 0), hole);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(long_mappings_are_aligned_by_release),
		cmocka_unit_test(brk_by_release),
		cmocka_unit_test(touched_joins_untouched_since_6_16),
		cmocka_unit_test(fixed_is_charged_by_release),
		cmocka_unit_test(inherited_memory_does_not_grow),
		cmocka_unit_test(what_grew_after_fork_is_its_own),
		cmocka_unit_test(charges_follow_the_table),
		cmocka_unit_test(mode_2_knows_no_noreserve),
		cmocka_unit_test(the_image_sees_rights),
		cmocka_unit_test(touching_stops_where_it_is_forbidden),
		cmocka_unit_test(an_arena_heap_grows_as_one),
		cmocka_unit_test(undo_returns_to_every_mark),
		cmocka_unit_test(branches_go_on_alone),
		cmocka_unit_test(placement_remembers_what_is_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
