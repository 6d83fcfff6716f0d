/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What VMAs are called and whether they are charged: by maps alone, by malloc's state, by smaps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/mman.h>
#include <unistd.h>

#include "model/base/units.h"
#include "model/linux/lx.h"
#include "probes/parse_maps.h"
#include "probes/read.h"
#include "tests/lib/peer.h"

/* A made-up process with everything in it; the comments are what each line shall be. */
static const char maps_text[] =
        "00400000-00401000 r-xp 00000000 08:01 5 /bin/x\n"              /* 0 file */
        "00401000-00402000 rw-p 00001000 08:01 5 /bin/x\n"              /* 1 file */
        "00402000-00404000 rw-p 00000000 00:00 0 \n"                    /* 2 bss */
        "00500000-00600000 rw-p 00000000 00:00 0 [heap]\n"              /* 3 heap, arena 0 */
        "00600000-00700000 ---p 00000000 00:00 0 [heap]\n"              /* 4 heap */
        "10000000-10200000 rw-p 00000000 00:00 0 \n"                    /* 5 arena 1 heap 1 */
        "10200000-14000000 ---p 00000000 00:00 0 \n"                    /* 6 reserve of it */
        "14000000-18100000 rw-p 00000000 00:00 0 \n"                    /* 7 heap 2 and 3, merged */
        "18100000-1c000000 ---p 00000000 00:00 0 \n"                    /* 8 reserve of heap 3 */
        "20000000-20100000 rw-p 00000000 00:00 0 \n"                    /* 9 mmapped */
        "20200000-20300000 rw-p 00000000 00:00 0 \n"                    /* 10 anon: excess chunk */
        "30000000-30001000 ---p 00000000 00:00 0 \n"                    /* 11 guard of 12 */
        "30001000-30800000 rw-p 00000000 00:00 0 \n"                    /* 12 stack of 4712 */
        "40000000-40001000 rw-s 00000000 00:01 9 /dev/zero (deleted)\n" /* 13 shm */
        "40002000-40003000 rw-p 00000000 00:05 8 /dev/zero\n"           /* 14 anon */
        "40004000-40005000 r--p 00000000 00:00 0 [anon:name]\n"         /* 15 anon */
        "40006000-40007000 ---p 00000000 00:00 0 [anon:name]\n"         /* 16 reserve */
        "40100000-40300000 rw-p 00000000 00:0f 3 /anon_hugepage (deleted)\n" /* 17 anon, not charged */
        "40400000-40500000 rw-p 00000000 00:00 0 [stack:4713]\n"             /* 18 stack of 4713 */
        "50000000-50100000 rw-p 00000000 00:00 0 \n"        /* 19 main_arena by mmap */
        "7fff0000-80000000 rw-p 00000000 00:00 0 [stack]\n" /* 20 stack of 4711 */
        "80001000-80002000 r--p 00000000 00:00 0 [vvar]\n"  /* 21 kernel */
        "80002000-80003000 r-xp 00000000 00:00 0 [vdso]\n"  /* 22 kernel */
        "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]\n"; /* 23 kernel */

enum { VMAS = 24 };

struct made_up {
	struct region *region;
	struct vma_set set;
	struct heap_facts heap;
	struct malloc_state ms;
	struct arena arenas[2];
	struct malloc_heap main_heaps[2], heaps[3];
	struct malloc_thread threads[1];
	struct mmapped_chunk chunks[2];
	struct process_facts process;
};

static void make_up(struct made_up *m)
{
	*m = (struct made_up){
		.region = region_new(),
		.main_heaps = { { 0x500000, 0x700000, 0x700000, 0x700000 },
		                { 0x50000000, 0x50100000, 0x50100000, 0x50100000 } },
		.heaps = { { 0x10000000, 0x10200000, 0x10200000, 0x14000000 },
		           { 0x14000000, 0x18000000, 0x18000000, 0x18000000 },
		           { 0x18000000, 0x18100000, 0x18100000, 0x1c000000 } },
		.threads = { { .tid = 4712, .stack_start = 0x30000000, .stack_end = 0x30800000 } },
		.chunks = { { .addr = 0x20000000, .size = 0x100000, .base = 0x20000000 },
		            { .addr = 0x20200000,
		              .size = 0x100000,
		              .base = 0x20200000,
		              .is_excess = true } },
		.process = { .id = { .pid = 4711 } },
	};
	m->arenas[0] = (struct arena){ .is_main = true, .heaps = m->main_heaps, .heap_count = 2 };
	m->arenas[1] = (struct arena){ .heaps = m->heaps, .heap_count = 3 };
	m->ms = (struct malloc_state){ .arenas = m->arenas,
		                       .arena_count = 2,
		                       .threads = m->threads,
		                       .thread_count = 1,
		                       .mmapped = m->chunks,
		                       .mmapped_count = 2 };
	m->heap = (struct heap_facts){ .instances = &m->ms, .instance_count = 1 };
	assert_true(parse_maps(maps_text, sizeof(maps_text) - 1, m->region, &m->set, NULL));
	assert_int_equal(m->set.count, VMAS);
}

static void check_kinds(const struct vma_set *set, const enum vma_kind kinds[VMAS])
{
	for (size_t i = 0; i < VMAS; i++) {
		if (set->at[i].kind != kinds[i])
			fail_msg("VMA %zu is %s, not %s", i, vma_kind_word(set->at[i].kind),
			         vma_kind_word(kinds[i]));
	}
}

static void kinds_by_maps_alone(void **state)
{
	static const enum vma_kind kinds[VMAS] = {
		VMA_FILE,    VMA_FILE, VMA_BSS,     VMA_HEAP,   VMA_HEAP,    VMA_ANON,
		VMA_RESERVE, VMA_ANON, VMA_RESERVE, VMA_ANON,   VMA_ANON,    VMA_RESERVE,
		VMA_ANON,    VMA_SHM,  VMA_ANON,    VMA_ANON,   VMA_RESERVE, VMA_ANON,
		VMA_STACK,   VMA_ANON, VMA_STACK,   VMA_KERNEL, VMA_KERNEL,  VMA_KERNEL,
	};
	struct made_up m;

	(void)state;
	make_up(&m);
	lx_classify_vmas(&m.set, NULL, &m.process, 0);
	check_kinds(&m.set, kinds);
	assert_int_equal(m.set.at[18].owner, 4713);
	assert_int_equal(m.set.at[20].owner, 4711);
	assert_int_equal(m.set.at[5].owner, -1);
	assert_int_equal(lx_map_count(&m.set), VMAS - 1);
	region_free(m.region);
}

static void kinds_with_malloc(void **state)
{
	static const enum vma_kind kinds[VMAS] = {
		VMA_FILE,    VMA_FILE,  VMA_BSS,     VMA_HEAP,    VMA_HEAP,    VMA_ARENA,
		VMA_RESERVE, VMA_ARENA, VMA_RESERVE, VMA_MMAPPED, VMA_ANON,    VMA_GUARD,
		VMA_STACK,   VMA_SHM,   VMA_ANON,    VMA_ANON,    VMA_RESERVE, VMA_ANON,
		VMA_STACK,   VMA_ARENA, VMA_STACK,   VMA_KERNEL,  VMA_KERNEL,  VMA_KERNEL,
	};
	struct made_up m;
	const struct vma *v;

	(void)state;
	make_up(&m);
	/* Twice: classifying again must not depend on what was found before. */
	lx_classify_vmas(&m.set, &m.heap, &m.process, 0);
	lx_classify_vmas(&m.set, &m.heap, &m.process, 0);
	check_kinds(&m.set, kinds);
	v = m.set.at;
	assert_true(v[3].owner == 0 && v[3].owner_heap == 1);
	assert_true(v[5].owner == 1 && v[5].owner_heap == 1);
	assert_true(v[6].owner == 1 && v[6].owner_heap == 1);
	assert_true(v[7].owner == 1 && v[7].owner_heap >= 2);
	assert_true(v[8].owner == 1 && v[8].owner_heap == 3);
	assert_true(v[11].owner == 4712 && v[12].owner == 4712);
	assert_int_equal(v[16].owner, -1);
	assert_true(v[19].owner == 0 && v[19].owner_heap == 2);
	region_free(m.region);
}

static void guesses_of_charge(void **state)
{
	/* By number above: what is charged when overcommit mode is 0 or 1. */
	static const bool charged[VMAS] = {
		[1] = true,  [2] = true,  [3] = true,  [4] = true,  [9] = true, [10] = true,
		[12] = true, [14] = true, [18] = true, [19] = true, [20] = true
	};
	struct made_up m;

	(void)state;
	make_up(&m);
	for (uint64_t mode = 0; mode < 3; mode++) {
		lx_classify_vmas(&m.set, &m.heap, &m.process, mode);
		for (size_t i = 0; i < VMAS; i++) {
			bool is_arena = i == 5 || i == 7; /* MAP_NORESERVE, which mode 2 ignores */
			bool want = charged[i] || (is_arena && mode == 2);

			if (m.set.at[i].charge !=
			    (want ? VMA_CHARGE_GUESS_YES : VMA_CHARGE_GUESS_NO))
				fail_msg("VMA %zu in mode %u", i, (unsigned)mode);
		}
	}
	m.set.at[5].has_smaps = m.set.at[10].has_smaps = true;
	m.set.at[5].flags = VMA_FLAG_AC;
	m.set.at[10].flags = VMA_FLAG_NR;
	lx_classify_vmas(&m.set, &m.heap, &m.process, 0);
	assert_int_equal(m.set.at[5].charge, VMA_CHARGE_YES);
	assert_int_equal(m.set.at[10].charge, VMA_CHARGE_NO);
	region_free(m.region);
}

static void the_break_is_where_heap_ends(void **state)
{
	struct made_up m;

	(void)state;
	make_up(&m);
	lx_find_break(&m.set, &m.process);
	assert_int_equal(m.process.brk_start.state, FACT_ESTIMATE);
	assert_int_equal(m.process.brk_start.v, 0x500000);
	assert_int_equal(m.process.brk_end.v, 0x700000);
	m.process.brk_start = fact_of(0x4ff123);
	m.set.count = 3; /* no [heap] yet */
	lx_find_break(&m.set, &m.process);
	assert_int_equal(m.process.brk_end.v, 0x4ff123);
	region_free(m.region);
}

/* Claims that all cover everything must not take the square of their number. */
static void hostile_heaps_cost_no_more_than_their_number(void **state)
{
	enum { COUNT = 60000 };
	struct vma *list = calloc(COUNT, sizeof(*list));
	struct malloc_heap *heaps = calloc(COUNT, sizeof(*heaps));
	struct vma_set set = { .at = list, .count = COUNT, .names = "" };
	struct arena arena = { .heaps = heaps, .heap_count = COUNT };
	struct malloc_state ms = { .arenas = &arena, .arena_count = 1 };
	struct heap_facts heap = { .instances = &ms, .instance_count = 1 };

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		list[i] = (struct vma){ .start = i << 12,
			                .end = (i + 1) << 12,
			                .prot = VMA_READ | VMA_WRITE };
		heaps[i] = (struct malloc_heap){ 0, UINT64_MAX, UINT64_MAX, UINT64_MAX };
	}
	lx_classify_vmas(&set, &heap, NULL, 0);
	assert_int_equal(list[COUNT - 1].kind, VMA_ARENA);
	assert_int_equal(list[COUNT - 1].owner_heap, 1);
	free(list);
	free(heaps);
}

/* --- against the kernel ------------------------------------------------------------------------ */

static void map_of_each_sort(uint64_t words[PEER_WORDS])
{
	int rw = PROT_READ | PROT_WRITE, anon = MAP_PRIVATE | MAP_ANONYMOUS;

	(void)words;
	(void)mmap(NULL, 64 * KIB, rw, anon, -1, 0);
	(void)mmap(NULL, 68 * KIB, PROT_READ, anon, -1, 0);
	(void)mmap(NULL, 72 * KIB, PROT_NONE, anon, -1, 0);
	(void)mmap(NULL, 76 * KIB, rw, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	(void)sbrk(1 << 20);
}

/* A fresh process without MAP_NORESERVE: every guess is right but for RELRO, once writable. */
static void guesses_agree_with_smaps(void **state)
{
	struct peer peer = peer_start(map_of_each_sort);
	struct maps_cache *cache = maps_cache_new();
	struct err err = { 0 };
	struct proc proc;
	struct part *vmas;
	uint8_t guess[512];

	(void)state;
	assert_true(proc_open(peer.pid, &proc, &err));
	vmas = maps_read(&proc, cache, NULL, 1, &err);
	assert_non_null(vmas);
	assert_true(vmas->vmas.count < 512);
	lx_classify_vmas(&vmas->vmas, NULL, NULL, 0);
	for (size_t i = 0; i < vmas->vmas.count; i++)
		guess[i] = vmas->vmas.at[i].charge;
	assert_true(smaps_read(&proc, &vmas->vmas));
	lx_classify_vmas(&vmas->vmas, NULL, NULL, 0);
	for (size_t i = 0; i < vmas->vmas.count; i++) {
		const struct vma *v = &vmas->vmas.at[i];
		bool guessed = guess[i] == VMA_CHARGE_GUESS_YES;
		bool once_writable = !(v->prot & VMA_WRITE) && v->charge == VMA_CHARGE_YES;

		assert_true(guess[i] >= VMA_CHARGE_GUESS_NO);
		if (guessed != (v->charge == VMA_CHARGE_YES) && !once_writable &&
		    !(v->flags & VMA_FLAG_NR))
			fail_msg("%llx %.*s", (unsigned long long)v->start, (int)v->name_len,
			         vmas->vmas.names + v->name_at);
	}
	part_unref(vmas);
	maps_cache_free(cache);
	proc_close(&proc);
	(void)peer_end(&peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_by_maps_alone),
		cmocka_unit_test(kinds_with_malloc),
		cmocka_unit_test(guesses_of_charge),
		cmocka_unit_test(the_break_is_where_heap_ends),
		cmocka_unit_test(hostile_heaps_cost_no_more_than_their_number),
		cmocka_unit_test(guesses_agree_with_smaps),
	};

	return cmocka_run_group_tests_name("lx_vma", tests, NULL, NULL);
}
