/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules of the address space that emulated machines showed (tests/vm), on made-up VMAs: each by the
 * release that changed it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/base/units.h"
#include "model/linux/lx.h"
#include "model/linux/lx_mm.h"

enum {
	PAGE = 4096,
	RW = SYS_PROT_READ | SYS_PROT_WRITE,
	ANON = SYS_MAP_PRIVATE | SYS_MAP_ANONYMOUS,
	SHARED = SYS_MAP_SHARED | SYS_MAP_ANONYMOUS,
	EPERM_ = 1,
	EAGAIN_ = 11,
	EFAULT_ = 14,
	EINVAL_ = 22,
	ENOMEM_ = 12,
	VMAS_MAX = 16
};

struct world {
	struct region *region;
	struct vma vmas[VMAS_MAX];
	char names[256];
	struct vma_set set;
	struct lx_mm *mm;
	struct sys *sys;
};

static void add_vma(struct world *w, uint64_t start, uint64_t end, uint8_t prot, const char *name)
{
	size_t len = strlen(name);

	w->vmas[w->set.count++] = (struct vma){ .start = start,
		                                .end = end,
		                                .prot = prot,
		                                .owner = -1,
		                                .name_at = (uint32_t)w->set.names_len,
		                                .name_len = (uint32_t)len };
	memcpy(w->names + w->set.names_len, name, len);
	w->set.names_len += len;
}

#define PROGRAM UINT64_C(0x400000)
#define HEAP    UINT64_C(0x1000000)
#define STACK   UINT64_C(0x7ffd1a605000)
#define VDSO    UINT64_C(0x7ffd1a697000)

/* A static program, as 6.1 shows it: the vdso lies above the stack. */
static void begin(struct world *w)
{
	*w = (struct world){ .region = region_new() };
	w->set.at = w->vmas;
	w->set.names = w->names;
	add_vma(w, PROGRAM, PROGRAM + PAGE, VMA_READ, "/init");
	add_vma(w, PROGRAM + PAGE, PROGRAM + 9 * PAGE, VMA_READ | VMA_EXEC, "/init");
	add_vma(w, PROGRAM + 9 * PAGE, PROGRAM + 12 * PAGE, VMA_READ, "/init");
	add_vma(w, PROGRAM + 12 * PAGE, PROGRAM + 17 * PAGE, VMA_READ, "/init");
	add_vma(w, PROGRAM + 17 * PAGE, PROGRAM + 20 * PAGE, VMA_READ | VMA_WRITE, "/init");
	add_vma(w, HEAP, HEAP + 34 * PAGE, VMA_READ | VMA_WRITE, "[heap]");
	add_vma(w, STACK, STACK + 33 * PAGE, VMA_READ | VMA_WRITE, "[stack]");
	add_vma(w, VDSO, VDSO + 2 * PAGE, VMA_READ | VMA_EXEC, "[vdso]");
}

static void open_mm(struct world *w, int major, int minor, uint64_t map_count)
{
	struct lx_mm_start start = { .vmas = &w->set,
		                     .page = PAGE,
		                     .limit_as = UINT64_MAX,
		                     .limit_data = UINT64_MAX,
		                     .limit_stack = UINT64_MAX,
		                     .max_map_count = map_count,
		                     .rules = linux_rules_for(major, minor) };

	lx_classify_vmas(&w->set, NULL, NULL, 0);
	w->mm = lx_mm_new(w->region, &start);
	assert_non_null(w->mm);
	w->sys = lx_mm_sys(w->mm);
}

static void end(struct world *w)
{
	lx_mm_end(w->mm);
	region_free(w->region);
}

/* --- where it starts -------------------------------------------------------------------------------------- */

static void relocated_data_stays_charged(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	open_mm(&w, 6, 1, 65530);
	/* 5 read-only once relocated, 3 writable, 34 of the heap, 33 of the stack */
	assert_int_equal(lx_mm_charged_pages(w.mm), 5 + 3 + 34 + 33);
	end(&w);
}

/* Without such a part constants end where the data begins. */
static void constants_are_not_charged(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.vmas[2].end = w.vmas[4].start;
	memmove(&w.vmas[3], &w.vmas[4], (w.set.count - 4) * sizeof(w.vmas[0]));
	w.set.count--;
	open_mm(&w, 6, 1, 65530);
	assert_int_equal(lx_mm_charged_pages(w.mm), 3 + 34 + 33);
	end(&w);
}

/* The break is no mapping: what is mapped neither lies below it nor joins it. */
static void the_break_shows_no_mmap_base(void **state)
{
	struct world w;
	int64_t at;

	(void)state;
	begin(&w);
	open_mm(&w, 6, 1, 65530);
	at = sys_mmap(w.sys, 0, 10 * PAGE, RW, ANON);
	assert_true(at > (int64_t)(HEAP + 34 * PAGE) && at < (int64_t)STACK);
	end(&w);
}

/* --- calls ---------------------------------------------------------------------------------------------------- */

static void the_vdso_is_never_cut(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	open_mm(&w, 5, 10, 65530);
	assert_int_equal(sys_munmap(w.sys, VDSO, PAGE), 0);
	end(&w);
	begin(&w);
	open_mm(&w, 5, 11, 65530);
	assert_int_equal(sys_munmap(w.sys, VDSO, PAGE), -EINVAL_);
	assert_int_equal(sys_munmap(w.sys, VDSO + PAGE, PAGE), -EINVAL_);
	assert_int_equal(sys_mprotect(w.sys, VDSO, PAGE, SYS_PROT_READ), -EINVAL_);
	assert_int_equal(sys_munmap(w.sys, VDSO, 2 * PAGE), 0);
	end(&w);
	/* What replaces mappings says why from 6.12 on. */
	begin(&w);
	open_mm(&w, 6, 11, 65530);
	assert_int_equal(sys_mmap(w.sys, VDSO, PAGE, RW, ANON | SYS_MAP_FIXED), -ENOMEM_);
	end(&w);
	begin(&w);
	open_mm(&w, 6, 12, 65530);
	assert_int_equal(sys_mmap(w.sys, VDSO, PAGE, RW, ANON | SYS_MAP_FIXED), -EINVAL_);
	end(&w);
}

/* [vvar] has no pages of memory, [vdso] has. */
static void the_vvar_drops_nothing(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	add_vma(&w, VDSO + 2 * PAGE, VDSO + 6 * PAGE, VMA_READ, "[vvar]");
	open_mm(&w, 6, 12, 65530);
	assert_int_equal(sys_madvise(w.sys, VDSO, 2 * PAGE, SYS_MADV_DONTNEED), 0);
	assert_int_equal(sys_madvise(w.sys, VDSO, 3 * PAGE, SYS_MADV_DONTNEED), -EINVAL_);
	assert_int_equal(sys_madvise(w.sys, VDSO, 2 * PAGE, SYS_MADV_DOFORK), 0);
	assert_int_equal(sys_madvise(w.sys, VDSO + 2 * PAGE, 4 * PAGE, SYS_MADV_DOFORK), -EINVAL_);
	end(&w);
}

static void a_shrink_looked_at_nothing(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	open_mm(&w, 5, 10, 65530);
	assert_int_equal(sys_mremap(w.sys, 0x10000, 4 * PAGE, PAGE, 0), 0x10000);
	assert_int_equal(sys_mremap(w.sys, 0x10000, PAGE, PAGE, 0), 0x10000);
	end(&w);
	begin(&w);
	open_mm(&w, 5, 16, 65530);
	assert_int_equal(sys_mremap(w.sys, 0x10000, 4 * PAGE, PAGE, 0), -EFAULT_);
	assert_int_equal(sys_mremap(w.sys, 0x10000, PAGE, PAGE, 0), -EFAULT_);
	end(&w);
}

static void mremap_asks_for_room_first(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	open_mm(&w, 6, 18, 11);
	assert_int_equal(sys_mremap(w.sys, HEAP, 2 * PAGE, PAGE, 0), HEAP);
	end(&w);
	begin(&w);
	open_mm(&w, 7, 2, 12); /* 8 VMAs and 4 more */
	assert_int_equal(sys_mremap(w.sys, HEAP, 2 * PAGE, PAGE, 0), HEAP);
	assert_int_equal(sys_mremap(w.sys, HEAP, PAGE, PAGE, 0), -ENOMEM_);
	end(&w);
}

/* Its pages come at once when it becomes writable: what was written keeps its charge. */
static void locked_memory_is_filled(void **state)
{
	struct world w;
	uint64_t before;
	int64_t at;

	(void)state;
	begin(&w);
	open_mm(&w, 6, 12, 65530);
	before = lx_mm_charged_pages(w.mm);
	at = sys_mmap(w.sys, 0, 4 * PAGE, SYS_PROT_READ, ANON | SYS_MAP_LOCKED);
	assert_true(at > 0);
	assert_int_equal(sys_madvise(w.sys, (uint64_t)at, PAGE, SYS_MADV_FREE), -EINVAL_);
	assert_int_equal(sys_mprotect(w.sys, (uint64_t)at, 4 * PAGE, RW), 0);
	assert_int_equal(sys_mprotect(w.sys, (uint64_t)at, 4 * PAGE, 0), 0);
	assert_int_equal(lx_mm_charged_pages(w.mm), before + 4);
	/* What is not locked gives its charge back. */
	at = sys_mmap(w.sys, 0, 4 * PAGE, SYS_PROT_READ, ANON);
	assert_int_equal(sys_mprotect(w.sys, (uint64_t)at, 4 * PAGE, RW), 0);
	assert_int_equal(sys_mprotect(w.sys, (uint64_t)at, 4 * PAGE, 0), 0);
	assert_int_equal(lx_mm_charged_pages(w.mm), before + 4);
	end(&w);
}

static void madvise_at_the_limit_by_release(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	open_mm(&w, 5, 16, 8);
	assert_int_equal(sys_madvise(w.sys, HEAP, PAGE, SYS_MADV_DONTFORK), -ENOMEM_);
	end(&w);
	begin(&w);
	open_mm(&w, 5, 17, 8);
	assert_int_equal(sys_madvise(w.sys, HEAP, PAGE, SYS_MADV_DONTFORK), -EAGAIN_);
	end(&w);
}

/* Where the only place left lies below vm.mmap_min_addr. */
static int64_t map_lowest(int major, int minor, bool is_root)
{
	struct world w;
	struct lx_commit_state c;
	int64_t at;

	begin(&w);
	open_mm(&w, major, minor, 65530);
	c = *lx_mm_commit_state(w.mm);
	c.mode = 1;
	c.cap_sys_admin = is_root;
	lx_mm_set_commit_state(w.mm, &c);
	/* All above is taken, but for the first 16 pages and one. */
	assert_true(sys_mmap(w.sys, 0x11000, PROGRAM - 0x11000, 0, ANON | SYS_MAP_FIXED) > 0);
	assert_true(sys_mmap(w.sys, PROGRAM + 20 * PAGE, HEAP - PROGRAM - 20 * PAGE, 0,
	                     ANON | SYS_MAP_FIXED) > 0);
	assert_true(sys_mmap(w.sys, HEAP + 34 * PAGE, STACK - HEAP - 34 * PAGE, 0,
	                     ANON | SYS_MAP_FIXED) > 0);
	assert_true(sys_mmap(w.sys, VDSO + 2 * PAGE, 0x7ffffffff000 - VDSO - 2 * PAGE, 0,
	                     ANON | SYS_MAP_FIXED) > 0);
	assert_true(sys_mmap(w.sys, STACK + 33 * PAGE, VDSO - STACK - 33 * PAGE, 0,
	                     ANON | SYS_MAP_FIXED) > 0);
	at = sys_mmap(w.sys, 0, 2 * PAGE, RW, ANON);
	end(&w);
	return at;
}

static void a_search_below_the_lowest_address_by_release(void **state)
{
	(void)state;
	assert_int_equal(map_lowest(6, 1, true), 0xf000);
	assert_int_equal(map_lowest(6, 1, false), -EPERM_);
	assert_int_equal(map_lowest(6, 12, true), -ENOMEM_);
	assert_int_equal(map_lowest(6, 12, false), -ENOMEM_);
}

static void what_touches_the_heap_by_release(void **state)
{
	struct world w;
	int64_t at;

	(void)state;
	begin(&w);
	open_mm(&w, 6, 5, 65530);
	at = sys_mmap(w.sys, HEAP + 34 * PAGE, PAGE, SYS_PROT_READ, ANON | SYS_MAP_FIXED);
	assert_string_equal(lx_vma_name(w.mm, lx_mm_find(w.mm, (uint64_t)at)), "[heap]");
	end(&w);
	begin(&w);
	open_mm(&w, 6, 6, 65530);
	at = sys_mmap(w.sys, HEAP + 34 * PAGE, PAGE, SYS_PROT_READ, ANON | SYS_MAP_FIXED);
	assert_string_equal(lx_vma_name(w.mm, lx_mm_find(w.mm, (uint64_t)at)), "");
	end(&w);
}

/* A gap between what was written (or not) below and what was written above is filled: how far the VMA
 * reaches that comes of it, in pages below and above the gap. */
static void fill_gap(int major, int minor, bool is_below_written, uint64_t below, uint64_t above)
{
	struct world w;
	struct lx_touch touch;
	const struct lx_vma *vma;
	uint64_t at;

	begin(&w);
	open_mm(&w, major, minor, 65530);
	at = (uint64_t)sys_mmap(w.sys, 0, 12 * PAGE, RW, ANON);
	assert_int_equal(sys_munmap(w.sys, at + 4 * PAGE, 4 * PAGE), 0);
	if (is_below_written)
		lx_touch(w.mm, at, at + PAGE, &touch);
	lx_touch(w.mm, at + 8 * PAGE, at + 9 * PAGE, &touch);
	assert_true(sys_mmap(w.sys, at + 4 * PAGE, 4 * PAGE, RW, ANON | SYS_MAP_FIXED) > 0);
	vma = lx_mm_find(w.mm, at + 4 * PAGE);
	assert_int_equal(vma->start, at + 4 * PAGE - below * PAGE);
	assert_int_equal(vma->end, at + 8 * PAGE + above * PAGE);
	end(&w);
}

static void mmap_joins_by_release(void **state)
{
	(void)state;
	fill_gap(5, 10, false, 4, 4);
	fill_gap(6, 1, false, 0, 4);
	fill_gap(6, 12, false, 4, 4);
	fill_gap(5, 10, true, 4, 0);
	fill_gap(6, 1, true, 0, 4);
	fill_gap(6, 12, true, 4, 0);
}

/* --- shared memory ------------------------------------------------------------------------------------------ */

static uint64_t map_shared(struct world *w, uint32_t prot, uint32_t flags)
{
	int64_t at = sys_mmap(w->sys, 0, 8 * PAGE, prot, SHARED | flags);

	assert_true(at > 0);
	return (uint64_t)at;
}

static void noreserve_shared_memory_is_charged_by_touch(void **state)
{
	struct world w;
	struct lx_touch touch;
	uint64_t at, before;
	size_t mark;

	(void)state;
	begin(&w);
	open_mm(&w, 6, 1, 65530);
	lx_mm_journal(w.mm, true);
	before = lx_mm_charged_pages(w.mm);
	at = map_shared(&w, RW, SYS_MAP_NORESERVE);
	assert_string_equal(lx_vma_name(w.mm, lx_mm_find(w.mm, at)), "/dev/zero (deleted)");
	assert_int_equal(lx_mm_charged_pages(w.mm), before);
	mark = lx_mm_mark(w.mm);
	lx_touch(w.mm, at, at + 3 * PAGE, &touch);
	assert_int_equal(lx_mm_charged_pages(w.mm), before + 3);
	lx_mm_undo(w.mm, mark);
	assert_int_equal(lx_mm_charged_pages(w.mm), before);
	lx_touch(w.mm, at, at + 2 * PAGE, &touch);
	/* The file keeps them until nobody maps it. */
	assert_int_equal(sys_munmap(w.sys, at, 4 * PAGE), 0);
	assert_int_equal(lx_mm_charged_pages(w.mm), before + 2);
	assert_int_equal(sys_munmap(w.sys, at + 4 * PAGE, 4 * PAGE), 0);
	assert_int_equal(lx_mm_charged_pages(w.mm), before);
	/* Reading makes them, too. */
	map_shared(&w, SYS_PROT_READ, SYS_MAP_NORESERVE | SYS_MAP_POPULATE);
	assert_int_equal(lx_mm_charged_pages(w.mm), before + 8);
	map_shared(&w, 0, SYS_MAP_NORESERVE | SYS_MAP_POPULATE);
	assert_int_equal(lx_mm_charged_pages(w.mm), before + 8);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(relocated_data_stays_charged),
		cmocka_unit_test(constants_are_not_charged),
		cmocka_unit_test(the_break_shows_no_mmap_base),
		cmocka_unit_test(the_vdso_is_never_cut),
		cmocka_unit_test(the_vvar_drops_nothing),
		cmocka_unit_test(a_shrink_looked_at_nothing),
		cmocka_unit_test(mremap_asks_for_room_first),
		cmocka_unit_test(locked_memory_is_filled),
		cmocka_unit_test(madvise_at_the_limit_by_release),
		cmocka_unit_test(a_search_below_the_lowest_address_by_release),
		cmocka_unit_test(what_touches_the_heap_by_release),
		cmocka_unit_test(mmap_joins_by_release),
		cmocka_unit_test(noreserve_shared_memory_is_charged_by_touch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
