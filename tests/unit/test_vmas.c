/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The VMA list of a live process, its residency and its smaps figures, against the kernel's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "model/base/units.h"
#include "model/facts/vma_set.h"
#include "model/linux/lx.h"
#include "probes/parse_maps.h"
#include "probes/read.h"
#include "tests/lib/peer.h"

#define PAGE ((size_t)4096)

#ifndef PR_SET_VMA
#define PR_SET_VMA           0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

static char *map_anon(size_t bytes)
{
	char *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		_exit(98);
	return at;
}

static void be_varied(uint64_t words[PEER_WORDS])
{
	char *at = map_anon(64 * MIB), *named = map_anon(4 * PAGE);
	volatile char seen = 0;

	for (size_t i = 0; i < 64 * MIB; i += 3 * PAGE)
		at[i] = 1;
	for (size_t i = 0; i < 64; i++) /* every second page another VMA */
		(void)mprotect(at + 2 * i * PAGE, PAGE, PROT_READ);
	named[0] = 'n';
	seen = named[2 * PAGE]; /* the zero page: not resident */
	(void)prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, named, 4 * PAGE, "a name");
	at = mmap(NULL, 4 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	memset(at, 's', 1 * MIB);
	words[0] = (uint64_t)(uintptr_t)map_anon(64 * GIB); /* nothing in it: quickly passed */
	words[1] = (uint64_t)seen;
	at = map_anon(8 * PAGE);
	memset(at, 'g', 8 * PAGE);
	(void)madvise(at + PAGE, 2 * PAGE, MADV_GUARD_INSTALL);
}

struct opened {
	struct peer peer;
	struct proc proc;
	struct maps_cache *cache;
	struct part *vmas;
};

static void open_peer(struct opened *o, peer_work *prepare)
{
	struct err err = { 0 };

	o->peer = peer_start(prepare);
	if (prepare == be_varied)
		peer_settle(&o->peer);
	o->cache = maps_cache_new();
	assert_true(proc_open(o->peer.pid, &o->proc, &err));
	o->vmas = maps_read(&o->proc, o->cache, NULL, 1, &err);
	assert_non_null(o->vmas);
}

static void close_peer(struct opened *o)
{
	part_unref(o->vmas);
	maps_cache_free(o->cache);
	proc_close(&o->proc);
	(void)peer_end(&o->peer);
}

/* --- the list ---------------------------------------------------------------------------------- */

static void grow_when_told(uint64_t words[PEER_WORDS])
{
	map_anon(PAGE);
	peer_ready(words);
	peer_wait();
	words[0] = (uint64_t)(uintptr_t)mmap(NULL, 3 * PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS,
	                                     -1, 0);
	peer_ready(words);
	peer_wait();
	(void)munmap((char *)(uintptr_t)words[0], 3 * PAGE);
}

static void an_unchanged_list_is_shared(void **state)
{
	struct opened o;
	struct part *again;
	struct err err = { 0 };

	(void)state;
	open_peer(&o, grow_when_told);
	again = maps_read(&o.proc, o.cache, o.vmas, 2, &err);
	assert_ptr_equal(again, o.vmas);
	part_unref(again);
	again = maps_read(&o.proc, o.cache, NULL, 2, &err);
	assert_ptr_not_equal(again, o.vmas);
	assert_int_equal(again->vmas.count, o.vmas->vmas.count);
	part_unref(again);
	close_peer(&o);
}

static void a_changed_list_is_new(void **state)
{
	struct opened o;
	struct part *grown, *shrunk;
	struct err err = { 0 };

	(void)state;
	open_peer(&o, grow_when_told);
	peer_go(&o.peer);
	peer_await(&o.peer);
	grown = maps_read(&o.proc, o.cache, o.vmas, 2, &err);
	assert_ptr_not_equal(grown, o.vmas);
	assert_non_null(vma_find(&grown->vmas, o.peer.words[0]));
	assert_null(vma_find(&o.vmas->vmas, o.peer.words[0]));
	peer_go(&o.peer);
	peer_await(&o.peer);
	shrunk = maps_read(&o.proc, o.cache, grown, 3, &err);
	assert_ptr_not_equal(shrunk, grown);
	assert_int_equal(shrunk->vmas.count, o.vmas->vmas.count);
	assert_null(vma_find(&shrunk->vmas, o.peer.words[0]));
	part_unref(grown);
	part_unref(shrunk);
	close_peer(&o);
}

/* --- residency --------------------------------------------------------------------------------- */

static void assert_rss_is_vm_rss(struct opened *o)
{
	struct process_facts facts;
	uint64_t rss = 0, swap = 0, size = 0;

	for (size_t i = 0; i < o->vmas->vmas.count; i++) {
		const struct vma *v = &o->vmas->vmas.at[i];

		assert_true(v->has_residency);
		rss += v->rss;
		swap += v->swap;
		if (i < lx_map_count(&o->vmas->vmas))
			size += vma_size(v);
	}
	assert_true(proc_read_process(&o->proc, &facts));
	assert_int_equal(size, facts.vm_size.v);
	assert_int_equal(swap, facts.vm_swap.v);
	/* The kernel's own sum may lag by what each CPU has not folded in yet. */
	if (rss > facts.vm_rss.v + 2 * MIB || rss + 2 * MIB < facts.vm_rss.v)
		fail_msg("%llu, not %llu", (unsigned long long)rss,
		         (unsigned long long)facts.vm_rss.v);
}

static void residency_equals_smaps(void **state)
{
	struct opened o;
	struct region *region = region_new();
	struct vma_set by_smaps;

	(void)state;
	open_peer(&o, be_varied);
	assert_true(vma_set_copy(region, &o.vmas->vmas, &by_smaps));
	assert_true(residency_read(&o.proc, &o.vmas->vmas));
	assert_true(smaps_read(&o.proc, &by_smaps));
	for (size_t i = 0; i < by_smaps.count; i++) {
		const struct vma *a = &o.vmas->vmas.at[i], *b = &by_smaps.at[i];

		assert_true(a->has_residency && b->has_residency && b->has_smaps);
		assert_false(a->has_smaps);
		if (a->rss != b->rss || a->swap != b->swap)
			fail_msg("%llx-%llx %.*s: rss %llu, smaps %llu; swap %llu, smaps %llu",
			         (unsigned long long)a->start, (unsigned long long)a->end,
			         (int)a->name_len, o.vmas->vmas.names + a->name_at,
			         (unsigned long long)a->rss, (unsigned long long)b->rss,
			         (unsigned long long)a->swap, (unsigned long long)b->swap);
	}
	assert_rss_is_vm_rss(&o);
	region_free(region);
	close_peer(&o);
}

/* --- many -------------------------------------------------------------------------------------- */

static uint64_t max_map_count(void)
{
	FILE *file = fopen("/proc/sys/vm/max_map_count", "r");
	unsigned long long count = 0;

	if (file && fscanf(file, "%llu", &count) != 1)
		count = 0;
	if (file)
		(void)fclose(file);
	return count;
}

#define MAPPED_PAGES 80000ul

/* As many VMAs as the kernel allows, one resident page in each second one. */
static void map_all_it_may(uint64_t words[PEER_WORDS])
{
	char *at = map_anon(MAPPED_PAGES * PAGE);

	for (size_t i = 0; i < MAPPED_PAGES; i += 2) {
		at[i * PAGE] = 1;
		if (mprotect(at + i * PAGE, PAGE, PROT_READ) != 0)
			break;
	}
	words[0] = (uint64_t)(uintptr_t)at;
}

static void as_many_vmas_as_there_can_be(void **state)
{
	struct opened o;
	uint64_t limit = max_map_count(), singles = 0, inside = 0;

	(void)state;
	if (limit == 0 || limit > 70000) {
		print_message("# skip: vm.max_map_count is %llu\n", (unsigned long long)limit);
		skip();
	}
	open_peer(&o, map_all_it_may);
	assert_true(lx_map_count(&o.vmas->vmas) >= limit - 2);
	assert_true(lx_map_count(&o.vmas->vmas) <= limit + 1);
	assert_true(residency_read(&o.proc, &o.vmas->vmas));
	for (size_t i = 0; i < o.vmas->vmas.count; i++) {
		const struct vma *v = &o.vmas->vmas.at[i];

		if (v->start < o.peer.words[0] || v->start >= o.peer.words[0] + MAPPED_PAGES * PAGE)
			continue;
		inside++;
		singles += v->prot == VMA_READ && v->rss == PAGE;
	}
	/* The rest is the program's own: far more under a sanitizer. */
	assert_true(inside > limit / 2);
	assert_true(singles >= inside / 2 - 1);
	assert_rss_is_vm_rss(&o);
	lx_classify_vmas(&o.vmas->vmas, NULL, NULL, 0);
	close_peer(&o);
}

/* --- names ------------------------------------------------------------------------------------- */

static void map_a_hostile_name(uint64_t words[PEER_WORDS])
{
	char path[64] = "/tmp/\n\033[2Jheaptop-test \377XXXXXX";
	int fd = mkstemp(path);

	if (fd < 0 || ftruncate(fd, PAGE) != 0)
		_exit(97);
	(void)unlink(path);
	words[0] = (uint64_t)(uintptr_t)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
}

static void hostile_names_come_through_as_bytes(void **state)
{
	struct opened o;
	const struct vma *v;
	const char *name;

	(void)state;
	open_peer(&o, map_a_hostile_name);
	v = vma_find(&o.vmas->vmas, o.peer.words[0]);
	assert_non_null(v);
	name = o.vmas->vmas.names + v->name_at;
	assert_memory_equal(name, "/tmp/\\012\033[2Jheaptop-test \377", 27);
	assert_memory_equal(name + v->name_len - 10, " (deleted)", 10);
	close_peer(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_unchanged_list_is_shared),
		cmocka_unit_test(a_changed_list_is_new),
		cmocka_unit_test(residency_equals_smaps),
		cmocka_unit_test(as_many_vmas_as_there_can_be),
		cmocka_unit_test(hostile_names_come_through_as_bytes),
	};

	return cmocka_run_group_tests_name("vmas", tests, NULL, NULL);
}
