/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much may be committed, against what real kernels accepted: Debian's 5.10, 6.1, 6.12 and 7.2 with
 * 256 MiB, where the largest request of each kind was searched.
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

enum { PAGE = 4096, RW = SYS_PROT_READ | SYS_PROT_WRITE, ANON = SYS_MAP_ANONYMOUS };

#define RAM ((uint64_t)54295) /* of the machine with 6.12 */

struct world {
	struct region *region;
	struct lx_mm *mm;
	struct sys *sys;
	uint64_t at; /* what a request works on */
};

/* A request of so many pages; false: refused. */
typedef bool try_pages(struct world *w, uint64_t pages);

static void begin(struct world *w, int major, int minor)
{
	struct lx_mm_start start = { .brk_start = 0x555555559000,
		                     .brk = 0x555555559000,
		                     .page = PAGE,
		                     .limit_as = UINT64_MAX,
		                     .limit_data = UINT64_MAX,
		                     .limit_stack = UINT64_MAX,
		                     .max_map_count = 65530,
		                     .rules = linux_rules_for(major, minor) };
	struct vma_set vmas;
	uint64_t brk_start;

	*w = (struct world){ .region = region_new() };
	assert_non_null(w->region);
	assert_true(lx_fresh_vmas(w->region, &vmas, &brk_start));
	start.vmas = &vmas;
	lx_commit_fresh(&start.commit);
	start.commit.ram = RAM;
	start.commit.cpus = 1;
	w->mm = lx_mm_new(w->region, &start);
	assert_non_null(w->mm);
	w->sys = lx_mm_sys(w->mm);
	lx_mm_journal(w->mm, true);
}

static void end(struct world *w)
{
	lx_mm_end(w->mm);
	region_free(w->region);
}

static struct lx_commit_state state_of(const struct world *w)
{
	return *lx_mm_commit_state(w->mm);
}

/* Mode 2 without reserves but total_vm / 32, by ratio 80. */
static void never(struct world *w, uint64_t committed, uint64_t total_vm)
{
	struct lx_commit_state state = state_of(w);

	state.mode = LX_OVERCOMMIT_NEVER;
	state.ratio = 80;
	state.admin_reserve_kbytes = 0;
	lx_mm_set_commit_state(w->mm, &state);
	lx_mm_set_committed(w->mm, committed);
	lx_mm_set_total_pages(w->mm, total_vm);
}

/* The largest request that is accepted; each is taken back. */
static uint64_t largest(struct world *w, try_pages *try)
{
	uint64_t low = 0, high = (uint64_t)1 << 34;

	while (low < high) {
		uint64_t pages = low + (high - low + 1) / 2;
		size_t mark = lx_mm_mark(w->mm);

		if (try(w, pages))
			low = pages;
		else
			high = pages - 1;
		lx_mm_undo(w->mm, mark);
		sys_clear(w->sys);
	}
	return low;
}

static bool map(struct world *w, uint64_t pages, uint32_t prot, uint32_t flags)
{
	int64_t at = sys_mmap(w->sys, 0, pages * PAGE, prot, ANON | flags);

	w->at = sys_failed(at) ? 0 : (uint64_t)at;
	return w->at != 0;
}

static bool private_rw(struct world *w, uint64_t pages)
{
	return map(w, pages, RW, SYS_MAP_PRIVATE);
}

static bool noreserve(struct world *w, uint64_t pages)
{
	return map(w, pages, RW, SYS_MAP_PRIVATE | SYS_MAP_NORESERVE);
}

static bool read_only(struct world *w, uint64_t pages)
{
	return map(w, pages, SYS_PROT_READ, SYS_MAP_PRIVATE);
}

static bool shared(struct world *w, uint64_t pages)
{
	return map(w, pages, RW, SYS_MAP_SHARED);
}

static bool shared_none(struct world *w, uint64_t pages)
{
	return map(w, pages, SYS_PROT_NONE, SYS_MAP_SHARED);
}

static bool shared_noreserve(struct world *w, uint64_t pages)
{
	return map(w, pages, RW, SYS_MAP_SHARED | SYS_MAP_NORESERVE);
}

static bool none_then_rw(struct world *w, uint64_t pages)
{
	return map(w, pages, SYS_PROT_NONE, SYS_MAP_PRIVATE) &&
	       sys_mprotect(w->sys, w->at, pages * PAGE, RW) == 0;
}

static bool by_brk(struct world *w, uint64_t pages)
{
	uint64_t to = lx_mm_brk(w->mm) + pages * PAGE;

	return sys_brk(w->sys, to) == to;
}

static bool one_page_grown(struct world *w, uint64_t pages)
{
	return private_rw(w, 1) &&
	       !sys_failed(sys_mremap(w->sys, w->at, PAGE, pages * PAGE, SYS_MREMAP_MAYMOVE));
}

/* A child of a process that has so much. */
static bool with_child(struct world *w, uint64_t pages)
{
	struct lx_forked ignored;

	return private_rw(w, pages) && lx_mm_fork(w->mm, &ignored) == 0;
}

/* What half of the machine's pages would be, replaced. */
static uint64_t replaced_pages;

static bool replacing(struct world *w, uint64_t pages)
{
	int64_t at;

	if (pages < replaced_pages)
		return true;
	if (!map(w, pages, SYS_PROT_NONE, SYS_MAP_PRIVATE | SYS_MAP_NORESERVE) ||
	    sys_munmap(w->sys, w->at, pages * PAGE) ||
	    sys_failed(sys_mmap(w->sys, w->at, replaced_pages * PAGE, RW,
	                        ANON | SYS_MAP_PRIVATE | SYS_MAP_FIXED)))
		return false;
	at = sys_mmap(w->sys, w->at, pages * PAGE, RW, ANON | SYS_MAP_PRIVATE | SYS_MAP_FIXED);
	return !sys_failed(at);
}

/* --- mode 0 ------------------------------------------------------------------------------------------ */

static void mode_0_judges_one_request(void **state)
{
	struct world w;
	struct lx_commit_state commit;

	(void)state;
	begin(&w, 6, 12);
	assert_int_equal(largest(&w, private_rw), RAM);
	assert_int_equal(largest(&w, none_then_rw), RAM);
	assert_int_equal(largest(&w, shared), RAM);
	assert_int_equal(largest(&w, shared_none), RAM);
	assert_int_equal(largest(&w, by_brk), RAM);
	assert_int_equal(largest(&w, one_page_grown), RAM + 1);
	assert_true(largest(&w, noreserve) > 1000 * RAM);
	assert_true(largest(&w, shared_noreserve) > 1000 * RAM);
	assert_true(largest(&w, read_only) > 1000 * RAM);
	/* Neither reserves nor huge pages nor root play a part; swap does. */
	commit = state_of(&w);
	commit.swap = 16384;
	commit.hugetlb = 5000;
	commit.cap_sys_admin = true;
	lx_mm_set_commit_state(w.mm, &commit);
	assert_int_equal(largest(&w, private_rw), RAM + 16384);
	/* What is committed already does not count: 16 GiB in parts on a machine of 212 MiB. */
	for (int i = 0; i < 4096; i++)
		assert_true(private_rw(&w, 1024));
	assert_int_equal(largest(&w, private_rw), RAM + 16384);
	assert_int_equal(lx_mm_band(w.mm), 0);
	end(&w);
}

static void a_replacement_is_judged_by_release(void **state)
{
	struct world w;

	(void)state;
	replaced_pages = 27147;
	begin(&w, 6, 12);
	assert_int_equal(largest(&w, replacing), 81442);
	end(&w);
	begin(&w, 6, 1);
	assert_int_equal(largest(&w, replacing), 54295);
	end(&w);
}

/* Linux 4.3: free memory, caches, swap and slab, less the reserves, must exceed it. */
static void mode_0_of_4_3_adds_what_is_free(void **state)
{
	struct world w;
	struct lx_commit_state c;

	(void)state;
	begin(&w, 4, 3);
	c = state_of(&w);
	c.free = 20000;
	c.file = 9000;
	c.shmem = 1500;
	c.swap = 7000;
	c.swap_free = 3000;
	c.slab_reclaimable = 500;
	c.totalreserve = 1200;
	c.admin_reserve_kbytes = 4096;
	lx_mm_set_commit_state(w.mm, &c);
	assert_int_equal(largest(&w, private_rw),
	                 20000 + 9000 - 1500 + 3000 + 500 - 1200 - 1024 - 1);
	c.cap_sys_admin = true;
	lx_mm_set_commit_state(w.mm, &c);
	assert_int_equal(largest(&w, private_rw), 20000 + 9000 - 1500 + 3000 + 500 - 1200 - 1);
	c.totalreserve = 31000; /* all there is */
	lx_mm_set_commit_state(w.mm, &c);
	assert_int_equal(largest(&w, private_rw), 0);
	end(&w);
}

/* What is not told of a machine is no figure of another one: a small machine is --fresh in small, and
 * where what is free was read, nothing is made up beside it. */
static void what_is_not_told_fits_what_is(void **state)
{
	struct system_facts sys = { .page_size = PAGE, .mem_total = fact_of(RAM * (uint64_t)PAGE) };
	struct lx_commit_state c, fresh;
	const char *field, *why;

	(void)state;
	lx_commit_fresh(&fresh);
	lx_commit_of_facts(&sys, NULL, &c);
	assert_int_equal(c.ram, RAM);
	assert_int_equal(c.free, RAM * fresh.free / fresh.ram);
	assert_int_equal(c.slab_reclaimable, RAM * fresh.slab_reclaimable / fresh.ram);
	assert_int_equal(c.totalreserve, RAM * fresh.totalreserve / fresh.ram);
	assert_true(c.free + c.file + c.slab_reclaimable <= c.ram);
	sys.mem_free = fact_of(100 * (uint64_t)PAGE);
	lx_commit_of_facts(&sys, NULL, &c);
	assert_int_equal(c.free, 100);
	assert_int_equal(c.file + c.slab_reclaimable, 0);
	sys.cached = fact_of(50 * (uint64_t)PAGE);
	lx_commit_of_facts(&sys, NULL, &c);
	assert_int_equal(c.file, 50);
	assert_int_equal(c.slab_reclaimable, 0);
	/* what is set aside as huge pages is not free */
	sys.mem_free = fact_unknown();
	sys.hugetlb = fact_of((RAM - 300) * (uint64_t)PAGE);
	lx_commit_of_facts(&sys, NULL, &c);
	assert_int_equal(c.free, 300);
	assert_false(lx_commit_contradicts(&c, &field, &why));
}

/* --- modes 1 and 2 ----------------------------------------------------------------------------------- */

static void mode_1_refuses_nothing(void **state)
{
	struct world w;
	struct lx_commit_state c;

	(void)state;
	begin(&w, 6, 1);
	c = state_of(&w);
	c.mode = LX_OVERCOMMIT_ALWAYS;
	lx_mm_set_commit_state(w.mm, &c);
	assert_true(largest(&w, private_rw) > (uint64_t)34 << 28);
	assert_int_equal(lx_mm_band(w.mm), 0);
	end(&w);
}

/* A mapping is judged with the size before it, mprotect with the mapping in it: 41,686 and 40,422. */
static void mode_2_takes_total_vm_as_it_is(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 6, 12);
	/* RAM * 80 / 100 = 43436; committed so that 41,686 are left to a process of 350 pages */
	never(&w, 43436 - 41686 - 350 / 32 - 1, 350);
	assert_int_equal(largest(&w, private_rw), 41686);
	assert_int_equal(largest(&w, shared), 41686);
	assert_int_equal(largest(&w, by_brk), 41686);
	assert_int_equal(largest(&w, noreserve), 41686);
	assert_int_equal(largest(&w, shared_noreserve), 41686);
	assert_int_equal(largest(&w, none_then_rw), 40422);
	assert_true(largest(&w, read_only) > 1000 * RAM);
	end(&w);
}

/* 652 pages less on 6.12: the old mapping still counts in total_vm / 32. */
static void a_replacement_in_mode_2_by_release(void **state)
{
	struct world w;
	uint64_t before, since;

	(void)state;
	replaced_pages = 20870;
	begin(&w, 6, 1);
	never(&w, 1000, 352);
	before = largest(&w, replacing);
	end(&w);
	begin(&w, 6, 12);
	never(&w, 1000, 352);
	since = largest(&w, replacing);
	end(&w);
	assert_int_equal(before, 43436 - 1000 - 352 / 32 - 1);
	assert_int_equal(before - since, 652);
}

static void reserves_and_limits(void **state)
{
	struct world w;
	struct lx_commit_state c;
	uint64_t plain;

	(void)state;
	begin(&w, 6, 1);
	never(&w, 2000, 320);
	plain = 43436 - 2000 - 10 - 1;
	assert_int_equal(largest(&w, private_rw), plain);
	c = state_of(&w);
	c.admin_reserve_kbytes = 8192 + 3; /* in whole pages */
	lx_mm_set_commit_state(w.mm, &c);
	assert_int_equal(largest(&w, private_rw), plain - 2048);
	c.cap_sys_admin = true;
	lx_mm_set_commit_state(w.mm, &c);
	assert_int_equal(largest(&w, private_rw), plain);
	c.user_reserve_kbytes = 16; /* less than total_vm / 32 */
	lx_mm_set_commit_state(w.mm, &c);
	assert_int_equal(largest(&w, private_rw), plain + 6);
	c.hugetlb = 1024;
	lx_mm_set_commit_state(w.mm, &c);
	assert_int_equal(largest(&w, private_rw), (RAM - 1024) * 80 / 100 - 2000 - 4 - 1);
	c.kbytes = 120000; /* huge pages do not matter then */
	c.ratio = 0;
	c.swap = 5000;
	lx_mm_set_commit_state(w.mm, &c);
	assert_int_equal(lx_commit_limit(&c), 35000);
	assert_int_equal(largest(&w, private_rw), 35000 - 2000 - 4 - 1);
	lx_mm_set_committed(w.mm, 40000); /* above the limit */
	assert_int_equal(largest(&w, private_rw), 0);
	end(&w);
}

static void limits_of_the_process_come_first(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 6, 12);
	never(&w, 1000, 400);
	lx_mm_set_data_pages(w.mm, 205);
	lx_mm_set_limit(w.mm, LX_LIMIT_AS, (400 + 5000) * (uint64_t)PAGE);
	assert_int_equal(largest(&w, private_rw), 5000);
	assert_int_equal(largest(&w, shared), 5000);
	lx_mm_set_limit(w.mm, LX_LIMIT_DATA, (205 + 300) * (uint64_t)PAGE);
	assert_int_equal(largest(&w, private_rw), 300);
	assert_int_equal(largest(&w, shared), 5000);
	lx_mm_set_limit(w.mm, LX_LIMIT_AS, UINT64_MAX);
	assert_int_equal(largest(&w, none_then_rw), 300);
	end(&w);
}

/* --- fork -------------------------------------------------------------------------------------------- */

static uint64_t charged_above(const struct world *w, uint64_t addr)
{
	uint64_t pages = 0;

	for (size_t i = 0; i < lx_mm_count(w->mm); i++) {
		const struct lx_vma *vma = lx_mm_at(w->mm, i);

		if (vma->start > addr && (vma->flags & LX_VM_ACCOUNT))
			pages += (vma->end - vma->start) / PAGE;
	}
	return pages;
}

/* Twice the mapping and the rest of the parent, each piece with the parent's size; by address, and the
 * last ones stay in the CPU's own part. */
static void fork_charges_every_vma_again(void **state)
{
	struct world w;
	uint64_t own, n, before, hidden;
	struct lx_forked child;

	(void)state;
	begin(&w, 6, 12);
	own = lx_mm_charged_pages(w.mm);
	never(&w, 1000, 350);
	n = largest(&w, with_child);
	assert_true(private_rw(&w, 100));
	hidden = charged_above(&w, w.at);
	assert_in_range(hidden, 1, 211); /* fewer than a batch of the parent's come behind it */
	/* 1000 + 2n + own < 43436 - (350 + n) / 32 */
	assert_true(1000 + 2 * n + own - hidden < 43436 - (350 + n) / 32);
	assert_false(1000 + 2 * (n + 1) + own - hidden < 43436 - (350 + n + 1) / 32);
	before = (uint64_t)lx_mm_committed(w.mm);
	assert_int_equal(lx_mm_fork(w.mm, &child), 0);
	assert_int_equal(child.pages, own + 100);
	assert_int_equal(lx_mm_committed(w.mm), before + child.pages);
	sys_madvise(w.sys, w.at, 100 * PAGE, SYS_MADV_DONTFORK);
	lx_mm_child_exit(w.mm, &child);
	assert_int_equal(lx_mm_committed(w.mm), before);
	assert_int_equal(lx_mm_fork(w.mm, &child), 0);
	assert_int_equal(child.pages, own);
	/* A refusal returns what was charged on the way. */
	assert_true(private_rw(&w, 300));
	lx_mm_set_committed(w.mm, 43436 - 750 / 32 - 250);
	before = (uint64_t)lx_mm_committed(w.mm);
	assert_int_equal(lx_mm_fork(w.mm, &child), -12);
	assert_int_equal(lx_mm_committed(w.mm), before);
	end(&w);
}

static void shared_memory_stays_while_a_child_has_it(void **state)
{
	struct world w;
	struct lx_forked child;
	int64_t before;

	(void)state;
	begin(&w, 6, 12);
	before = lx_mm_committed(w.mm);
	assert_true(shared(&w, 64));
	assert_int_equal(lx_mm_fork(w.mm, &child), 0);
	assert_int_equal(lx_mm_committed(w.mm), before + 64 + (int64_t)child.pages);
	sys_munmap(w.sys, w.at, 64 * PAGE);
	assert_int_equal(lx_mm_committed(w.mm), before + 64 + (int64_t)child.pages);
	assert_true(shared(&w, 32)); /* the child does not have this one */
	sys_munmap(w.sys, w.at, 32 * PAGE);
	assert_int_equal(lx_mm_committed(w.mm), before + 64 + (int64_t)child.pages);
	lx_mm_child_exit(w.mm, &child);
	assert_int_equal(lx_mm_committed(w.mm), before);
	end(&w);
}

/* Split, cut and taken back: it is charged as long as any of it is mapped. */
static void shared_memory_is_charged_whole(void **state)
{
	struct world w;
	int64_t before;
	size_t mark;

	(void)state;
	begin(&w, 6, 12);
	before = lx_mm_committed(w.mm);
	assert_true(shared(&w, 64));
	sys_mprotect(w.sys, w.at + 8 * PAGE, 8 * PAGE, SYS_PROT_READ);
	mark = lx_mm_mark(w.mm);
	sys_munmap(w.sys, w.at, 63 * PAGE);
	assert_int_equal(lx_mm_committed(w.mm), before + 64);
	sys_munmap(w.sys, w.at + 63 * PAGE, PAGE);
	assert_int_equal(lx_mm_committed(w.mm), before);
	lx_mm_undo(w.mm, mark);
	assert_int_equal(lx_mm_committed(w.mm), before + 64);
	sys_munmap(w.sys, w.at, 64 * PAGE);
	assert_int_equal(lx_mm_committed(w.mm), before);
	end(&w);
}

/* --- the counter's parts ----------------------------------------------------------------------------- */

static void the_batch_is_the_kernels(void **state)
{
	struct lx_commit_state c;

	(void)state;
	lx_commit_fresh(&c);
	c.ram = 57371;
	c.cpus = 1;
	assert_int_equal(lx_commit_batch(&c), 224); /* 223 more were accepted, one by one */
	assert_int_equal(lx_commit_bound(&c, 1), 223);
	assert_int_equal(lx_commit_bound(&c, 2 * 224), 0);
	c.ram = 6171024;
	c.cpus = 2;
	assert_int_equal(lx_commit_batch(&c), 12052);
	assert_int_equal(lx_commit_bound(&c, 1), 2 * 12051);
	assert_int_equal(lx_commit_bound(&c, 2 * 12052), 12051);
	c.ram = 1000;
	assert_int_equal(lx_commit_batch(&c), 32);
	c.cpus = 64;
	assert_int_equal(lx_commit_batch(&c), 128);
}

static bool is_either(struct world *w, uint64_t pages)
{
	size_t mark = lx_mm_mark(w->mm);
	bool is;

	lx_mm_clear_band(w->mm);
	(void)private_rw(w, pages);
	is = lx_mm_band(w->mm) != 0;
	lx_mm_undo(w->mm, mark);
	return is;
}

/* A large mapping is certain on one CPU; single pages near the limit are not. */
static void decisions_near_the_limit_may_go_either_way(void **state)
{
	struct world w;
	uint64_t left;

	(void)state;
	begin(&w, 5, 10);
	never(&w, 1000, 320);
	left = largest(&w, private_rw);
	assert_false(is_either(&w, left));
	assert_false(is_either(&w, left + 1));
	lx_mm_set_committed(w.mm, 1000 + left);
	assert_int_equal(RAM / 256, 212);
	assert_int_equal(largest(&w, private_rw), 211); /* less than a batch is not seen */
	assert_true(is_either(&w, 1));
	assert_true(is_either(&w, 211));
	assert_false(is_either(&w, 212)); /* 211 can be hidden at most */
	lx_mm_set_committed(w.mm, 1000 + left - 300);
	assert_true(is_either(&w, 300));
	assert_true(is_either(&w, 90));
	assert_false(is_either(&w, 89));
	end(&w);
}

/* A large mapping up to the limit, then single pages: a batch less one is accepted, as 5.10, 6.12 and 7.2
 * did on one CPU. */
static void small_charges_are_seen_by_the_batch(void **state)
{
	struct world w;
	struct lx_commit_state c;
	uint64_t count = 0;

	(void)state;
	begin(&w, 6, 12);
	never(&w, 1000, 320);
	c = state_of(&w);
	c.user_reserve_kbytes = 0; /* it would grow with the process */
	lx_mm_set_commit_state(w.mm, &c);
	assert_true(private_rw(&w, largest(&w, private_rw)));
	while (private_rw(&w, 1) && count < 1000)
		count++;
	assert_int_equal(count, 211);
	end(&w);
}

/* --- taken back ---------------------------------------------------------------------------------------- */

static void settings_are_journaled_and_branches_have_their_own(void **state)
{
	struct world w;
	struct lx_mm *branch;
	struct lx_commit_state c;
	size_t mark;

	(void)state;
	begin(&w, 6, 12);
	mark = lx_mm_mark(w.mm);
	never(&w, 5000, 700);
	lx_mm_set_data_pages(w.mm, 77);
	assert_int_equal(lx_mm_committed(w.mm), 5000);
	assert_int_equal(lx_mm_total_pages(w.mm), 700);
	branch = lx_mm_branch(w.mm, NULL);
	assert_non_null(branch);
	c = state_of(&w);
	c.ram = 5;
	lx_mm_set_commit_state(branch, &c);
	lx_mm_set_committed(branch, 9);
	assert_int_equal(state_of(&w).ram, RAM);
	assert_int_equal(lx_mm_committed(w.mm), 5000);
	assert_int_equal(lx_mm_committed(branch), 9);
	lx_mm_end(branch);
	lx_mm_undo(w.mm, mark);
	assert_int_equal(state_of(&w).mode, LX_OVERCOMMIT_GUESS);
	assert_int_equal(lx_mm_committed(w.mm), lx_mm_own_committed(w.mm));
	assert_int_not_equal(lx_mm_total_pages(w.mm), 700);
	assert_int_not_equal(lx_mm_data_pages(w.mm), 77);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mode_0_judges_one_request),
		cmocka_unit_test(a_replacement_is_judged_by_release),
		cmocka_unit_test(mode_0_of_4_3_adds_what_is_free),
		cmocka_unit_test(what_is_not_told_fits_what_is),
		cmocka_unit_test(mode_1_refuses_nothing),
		cmocka_unit_test(mode_2_takes_total_vm_as_it_is),
		cmocka_unit_test(a_replacement_in_mode_2_by_release),
		cmocka_unit_test(reserves_and_limits),
		cmocka_unit_test(limits_of_the_process_come_first),
		cmocka_unit_test(fork_charges_every_vma_again),
		cmocka_unit_test(shared_memory_stays_while_a_child_has_it),
		cmocka_unit_test(shared_memory_is_charged_whole),
		cmocka_unit_test(the_batch_is_the_kernels),
		cmocka_unit_test(small_charges_are_seen_by_the_batch),
		cmocka_unit_test(decisions_near_the_limit_may_go_either_way),
		cmocka_unit_test(settings_are_journaled_and_branches_have_their_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
