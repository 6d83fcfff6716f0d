/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Being looked at costs the target nothing: RSS, page tables, swap and fault counts stay as they
 * were after all of its memory, and all that /proc says of it, was read in every way we have.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "model/base/units.h"
#include "probes/mem_live.h"
#include "probes/parse_status.h"
#include "probes/read.h"
#include "probes/read_file.h"
#include "tests/lib/peer.h"
#include "tests/lib/swap.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

enum { PIECE = 256 << 10 };

/* What a disturbance would move. */
struct footprint {
	uint64_t rss, anon, file, shmem, pte, swap, min_faults, maj_faults;
};

static struct peer start_still(peer_work *prepare)
{
	struct peer peer = peer_start(prepare);

	peer_settle(&peer);
	return peer;
}

static struct footprint footprint_of(pid_t pid)
{
	struct process_facts facts = { 0 };
	struct status_extra extra;
	struct stat_facts stat;
	char path[64], text[8192];
	size_t len;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
	assert_int_equal(read_file_small(AT_FDCWD, path, text, sizeof(text), &len), READ_OK);
	assert_true(parse_status(text, len, &facts, &extra));
	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	assert_int_equal(read_file_small(AT_FDCWD, path, text, sizeof(text), &len), READ_OK);
	assert_true(parse_stat(text, len, &stat));
	return (struct footprint){ facts.vm_rss.v,    facts.rss_anon.v, facts.rss_file.v,
		                   facts.rss_shmem.v, facts.vm_pte.v,   facts.vm_swap.v,
		                   stat.min_faults,   stat.maj_faults };
}

static void assert_same_footprint(const struct footprint *before, const struct footprint *after)
{
	assert_int_equal(before->rss, after->rss);
	assert_int_equal(before->anon, after->anon);
	assert_int_equal(before->file, after->file);
	assert_int_equal(before->shmem, after->shmem);
	assert_int_equal(before->pte, after->pte);
	assert_int_equal(before->swap, after->swap);
	assert_int_equal(before->min_faults, after->min_faults);
	assert_int_equal(before->maj_faults, after->maj_faults);
}

/* --- reading everything in every way ----------------------------------------------------------- */

/* A sanitizer's shadow has terabytes: the first part of such a VMA stands for the rest. */
static uint64_t end_of(const struct vma *v)
{
	return min_u64(v->end, v->start + GIB);
}

static uint64_t read_all_vmas(struct memory *mem, const struct vma_set *set, char *buffer)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < set->count; i++) {
		for (uint64_t at = set->at[i].start; at < end_of(&set->at[i]); at += PIECE) {
			enum mem_status status;
			uint64_t len = min_u64(PIECE, set->at[i].end - at);

			bytes += mem_read(mem, at, buffer, (size_t)len, &status);
		}
	}
	return bytes;
}

static void gather_from_all_vmas(struct memory *mem, const struct vma_set *set)
{
	enum { COUNT = 2048 };
	static struct mem_piece pieces[COUNT];
	static uint64_t words[COUNT];

	for (size_t i = 0; i < COUNT; i++) {
		const struct vma *v = &set->at[i % set->count];

		pieces[i] = (struct mem_piece){ .addr = v->start + i * 7919 * 8 % vma_size(v),
			                        .buf = &words[i],
			                        .len = 8 };
	}
	mem_gather(mem, pieces, COUNT);
}

static void look_at_all_pages(struct memory *mem, const struct vma_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		uint64_t at = set->at[i].start;

		while (at < end_of(&set->at[i])) {
			struct mem_range ranges[64];
			size_t count = mem_pages(mem, at, end_of(&set->at[i]), ranges, 64);

			if (count == 0)
				break; /* [vsyscall] */
			at = ranges[count - 1].end;
		}
	}
}

static uint64_t read_in_every_way(pid_t pid)
{
	struct maps_cache *cache = maps_cache_new();
	char *buffer = malloc(PIECE);
	struct err err = { 0 };
	struct process_facts facts;
	struct memory *mem;
	struct proc proc;
	struct part *vmas;
	uint64_t bytes = 0;

	assert_true(proc_open(pid, &proc, &err));
	assert_true(proc_read_process(&proc, &facts));
	vmas = maps_read(&proc, cache, NULL, 1, &err);
	mem = mem_live_open(&proc, &err);
	assert_non_null(vmas);
	assert_non_null(mem);
	mem_live_set_vmas(mem, &vmas->vmas);
	for (int way = 0; way < 4; way++) {
		struct mem_live *live = (struct mem_live *)mem;

		live->no_vm_readv = way & 1;
		live->map.no_scan = way & 2;
		bytes = read_all_vmas(mem, &vmas->vmas, buffer);
		gather_from_all_vmas(mem, &vmas->vmas);
		look_at_all_pages(mem, &vmas->vmas);
	}
	assert_true(residency_read(&proc, &vmas->vmas));
	assert_true(smaps_read(&proc, &vmas->vmas));
	mem_live_close(mem);
	part_unref(vmas);
	proc_close(&proc);
	maps_cache_free(cache);
	free(buffer);
	return bytes;
}

/* --- untouched --------------------------------------------------------------------------------- */

static char *map_anon(size_t bytes)
{
	char *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		_exit(98);
	return at;
}

static void hold_much_and_touch_little(uint64_t words[PEER_WORDS])
{
	int self = open("/proc/self/exe", O_RDONLY);
	char *heap = malloc(64 << 10), *partly;

	words[0] = (uint64_t)(uintptr_t)map_anon(256 * MIB);
	partly = map_anon(32 * MIB);
	for (size_t i = 0; i < 32 * MIB; i += 7 * 4096)
		partly[i] = 1;
	for (size_t i = 0; i < 4 * MIB; i += 4096) /* read only: the shared zero page */
		words[1] += (uint64_t)partly[i + 4096];
	(void)sbrk(32 << 20); /* a heap with untouched room */
	heap[100] = 1;
	(void)mmap(NULL, 1 * MIB, PROT_READ, MAP_PRIVATE, self, 0);
	(void)mmap(NULL, 8 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	(void)mmap(NULL, 64 * MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	words[2] = (uint64_t)(uintptr_t)heap;
}

static void untouched_memory_stays_untouched(void **state)
{
	struct peer peer = start_still(hold_much_and_touch_little);
	struct footprint before = footprint_of(peer.pid), after;
	uint64_t bytes = read_in_every_way(peer.pid);

	(void)state;
	after = footprint_of(peer.pid);
	assert_true(bytes >= 320 * MIB);
	assert_same_footprint(&before, &after);
	(void)peer_end(&peer);
}

/* Without the look at the page map this test would see something: the same read, done plainly. */
static void a_plain_read_would_show(void **state)
{
	struct peer peer = start_still(hold_much_and_touch_little);
	struct footprint before = footprint_of(peer.pid), after;
	char *buffer = malloc(64 * MIB);
	struct iovec local = { buffer, 64 * MIB };
	struct iovec remote = { (void *)(uintptr_t)peer.words[0], 64 * MIB };

	(void)state;
	assert_int_equal(process_vm_readv(peer.pid, &local, 1, &remote, 1, 0), 64 * MIB);
	after = footprint_of(peer.pid);
	assert_true(after.pte > before.pte || after.rss > before.rss);
	free(buffer);
	(void)peer_end(&peer);
}

/* --- swapped out ------------------------------------------------------------------------------- */

static void swap_out(uint64_t words[PEER_WORDS])
{
	char *at = map_anon(16 * MIB);

	memset(at, 's', 16 * MIB);
	words[0] = (uint64_t)(uintptr_t)at;
	words[1] = madvise(at, 16 * MIB, MADV_PAGEOUT) == 0;
}

static void swapped_memory_stays_out(void **state)
{
	const char *no_swap = swap_need(64 * MIB);
	struct peer peer;
	struct footprint before, after;

	(void)state;
	if (no_swap) {
		print_message("# skip: %s\n", no_swap);
		skip();
	}
	peer = start_still(swap_out);
	before = footprint_of(peer.pid);
	if (!peer.words[1] || before.swap < 8 * MIB) {
		print_message("# skip: MADV_PAGEOUT swapped only %llu KiB out\n",
		              (unsigned long long)(before.swap >> 10));
		(void)peer_end(&peer);
		swap_done();
		skip();
	}
	(void)read_in_every_way(peer.pid);
	after = footprint_of(peer.pid);
	(void)peer_end(&peer);
	swap_done();
	assert_same_footprint(&before, &after);
}

static int give_swap_back(void **state)
{
	(void)state;
	swap_done();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(untouched_memory_stays_untouched),
		cmocka_unit_test(a_plain_read_would_show),
		cmocka_unit_test_teardown(swapped_memory_stays_out, give_swap_back),
	};

	return cmocka_run_group_tests_name("no_disturbance", tests, NULL, NULL);
}
