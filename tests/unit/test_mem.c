/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading a live process's memory: every kind of page gives what the process would see, or a word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model/base/units.h"
#include "probes/mem_live.h"
#include "probes/parse_status.h"
#include "probes/read.h"
#include "probes/read_file.h"
#include "tests/lib/peer.h"

#define PAGE ((size_t)4096)

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

/* A peer, opened in every way that reading needs. */
struct opened {
	struct peer peer;
	struct proc proc;
	struct maps_cache *cache;
	struct part *vmas;
	struct memory *mem;
};

static void list_vmas(struct opened *o)
{
	struct err err = { 0 };
	struct part *fresh = maps_read(&o->proc, o->cache, o->vmas, 1, &err);

	assert_non_null(fresh);
	part_unref(o->vmas);
	o->vmas = fresh;
	mem_live_set_vmas(o->mem, &fresh->vmas);
}

static void open_peer(struct opened *o, peer_work *prepare)
{
	struct err err = { 0 };

	*o = (struct opened){ .peer = peer_start(prepare), .cache = maps_cache_new() };
	assert_true(proc_open(o->peer.pid, &o->proc, &err));
	o->mem = mem_live_open(&o->proc, &err);
	if (!o->mem)
		fail_msg("%s: %s", err.what, err.why);
	list_vmas(o);
}

static void close_peer(struct opened *o)
{
	mem_live_close(o->mem);
	part_unref(o->vmas);
	maps_cache_free(o->cache);
	proc_close(&o->proc);
	(void)peer_end(&o->peer);
}

static char *map(size_t pages, int prot, int flags, int fd)
{
	char *at = mmap(NULL, pages * PAGE, prot, flags, fd, 0);

	if (at == MAP_FAILED) {
		perror("mmap");
		_exit(98);
	}
	return at;
}

static char *map_anon(size_t pages)
{
	return map(pages, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

/* --- anonymous memory -------------------------------------------------------------------------- */

static void touch_every_third(uint64_t words[PEER_WORDS])
{
	char *at = map_anon(300);

	for (size_t i = 0; i < 300; i += 3)
		memset(at + i * PAGE, (int)(1 + i % 250), PAGE);
	words[0] = (uint64_t)(uintptr_t)at;
}

static void check_thirds(struct opened *o)
{
	unsigned char *copy = malloc(300 * PAGE);
	enum mem_status status;

	assert_int_equal(mem_read(o->mem, o->peer.words[0], copy, 300 * PAGE, &status), 300 * PAGE);
	assert_int_equal(status, MEM_OK);
	for (size_t i = 0; i < 300 * PAGE; i++) {
		size_t page = i / PAGE;

		if (copy[i] != (page % 3 == 0 ? 1 + page % 250 : 0))
			fail_msg("byte %zu is %u", i, copy[i]);
	}
	/* At odd places, with odd lengths. */
	for (uint64_t at = 1; at < 299 * PAGE; at += 3701) {
		unsigned char some[5000];
		size_t len = 1 + at % sizeof(some);

		len = len > 300 * PAGE - at ? 300 * PAGE - at : len;
		assert_true(mem_read_all(o->mem, o->peer.words[0] + at, some, len));
		assert_memory_equal(some, copy + at, len);
	}
	free(copy);
}

static void absent_pages_read_as_zeroes(void **state)
{
	struct opened o;

	(void)state;
	open_peer(&o, touch_every_third);
	check_thirds(&o);
	assert_true(mem_live_read_ns(o.mem) > 0);
	close_peer(&o);
}

/* Kernels before 6.7 have no PAGEMAP_SCAN; containers may forbid process_vm_readv. */
static void older_ways_give_the_same(void **state)
{
	struct opened o;
	struct mem_live *live;

	(void)state;
	open_peer(&o, touch_every_third);
	live = (struct mem_live *)o.mem;
	live->map.no_scan = true;
	check_thirds(&o);
	live->no_vm_readv = true;
	check_thirds(&o);
	live->map.no_scan = false;
	check_thirds(&o);
	close_peer(&o);
}

static void pieces_are_gathered_from_anywhere(void **state)
{
	enum { COUNT = 3000 };
	struct opened o;
	struct mem_piece *pieces = calloc(COUNT, sizeof(*pieces));
	unsigned char(*bytes)[16] = calloc(COUNT, 16);
	uint64_t seed = 7;

	(void)state;
	open_peer(&o, touch_every_third);
	for (size_t i = 0; i < COUNT; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		pieces[i] = (struct mem_piece){ .addr = o.peer.words[0] +
			                                (seed >> 33) % (300 * PAGE - 16),
			                        .buf = bytes[i],
			                        .len = (uint32_t)(seed >> 20) % 17,
			                        .status = MEM_FAILED };
	}
	pieces[17].addr = 16; /* nothing is mapped there */
	pieces[17].len = 8;
	pieces[18].addr = UINT64_MAX - 3; /* wraps */
	pieces[18].len = 8;
	mem_gather(o.mem, pieces, COUNT);
	for (size_t i = 0; i < COUNT; i++) {
		unsigned char direct[16];

		if (i == 17 || i == 18) {
			assert_int_equal(pieces[i].status, MEM_UNMAPPED);
			continue;
		}
		assert_int_equal(pieces[i].status, MEM_OK);
		assert_true(mem_read_all(o.mem, pieces[i].addr, direct, pieces[i].len));
		assert_memory_equal(bytes[i], direct, pieces[i].len);
	}
	free(pieces);
	free(bytes);
	close_peer(&o);
}

/* --- what must not be read --------------------------------------------------------------------- */

static void map_forbidden(uint64_t words[PEER_WORDS])
{
	char *guarded = map_anon(8);

	memset(guarded, 'g', 8 * PAGE);
	words[0] = (uint64_t)(uintptr_t)guarded;
	words[1] = madvise(guarded + 2 * PAGE, PAGE, MADV_GUARD_INSTALL) == 0;
	words[2] =
	        (uint64_t)(uintptr_t)map(4, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);
	words[3] = (uint64_t)(uintptr_t)map(4, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static void forbidden_pages_are_refused(void **state)
{
	struct opened o;
	enum mem_status status;
	char copy[8 * PAGE];
	struct mem_piece piece = { .buf = copy, .len = 8 };

	(void)state;
	open_peer(&o, map_forbidden);
	assert_int_equal(mem_read(o.mem, o.peer.words[2], copy, 8, &status), 0);
	assert_int_equal(status, MEM_GUARD);
	assert_int_equal(mem_read(o.mem, o.peer.words[3], copy, 8, &status), 0);
	assert_int_equal(status, MEM_UNMAPPED);
	assert_int_equal(mem_read(o.mem, 0xfffffffffff00000, copy, 8, &status), 0);
	assert_int_equal(status, MEM_UNMAPPED);
	if (o.peer.words[1]) {
		uint64_t at = o.peer.words[0];

		assert_int_equal(mem_read(o.mem, at + 8, copy, sizeof(copy) - 8, &status),
		                 2 * PAGE - 8);
		assert_int_equal(status, MEM_GUARD);
		assert_true(mem_read_all(o.mem, at + 3 * PAGE, copy, 5 * PAGE));
		piece.addr = at + 2 * PAGE;
		mem_gather(o.mem, &piece, 1);
		assert_int_equal(piece.status, MEM_GUARD);
	} else {
		print_message("# this kernel has no MADV_GUARD_INSTALL (Linux 6.13)\n");
	}
	close_peer(&o);
}

/* --- files ------------------------------------------------------------------------------------- */

static char file_path[64];

static void map_files_privately(uint64_t words[PEER_WORDS])
{
	int fd = open(file_path, O_RDWR);
	char *at;

	if (fd < 0)
		_exit(97);
	at = map(4, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd);
	(void)madvise(at, 4 * PAGE, MADV_RANDOM); /* no fault-around */
	at[PAGE] = 'w';
	words[0] = (uint64_t)(uintptr_t)at;
	words[1] = (uint64_t)(uintptr_t)map(2, PROT_READ, MAP_PRIVATE, open("/dev/zero", O_RDONLY));
}

static void make_file(size_t bytes)
{
	int fd;

	(void)snprintf(file_path, sizeof(file_path), "/tmp/heaptop-test-mem.XXXXXX");
	fd = mkstemp(file_path);
	assert_true(fd >= 0);
	for (size_t i = 0; i < bytes; i++) {
		char c = (char)('a' + i / PAGE);

		assert_int_equal(write(fd, &c, 1), 1);
	}
	close(fd);
}

static void untouched_file_pages_come_from_the_file(void **state)
{
	struct opened o;
	char copy[4 * PAGE];
	enum mem_status status;

	(void)state;
	make_file(2 * PAGE + 100);
	open_peer(&o, map_files_privately);
	/* The file ends in the third page; behind that page the process would get SIGBUS. */
	assert_int_equal(mem_read(o.mem, o.peer.words[0], copy, sizeof(copy), &status), 3 * PAGE);
	assert_int_not_equal(status, MEM_OK);
	assert_int_equal(copy[0], 'a');
	assert_int_equal(copy[PAGE - 1], 'a');
	assert_int_equal(copy[PAGE], 'w');
	assert_int_equal(copy[PAGE + 1], 'b');
	assert_int_equal(copy[2 * PAGE + 99], 'c');
	assert_int_equal(copy[2 * PAGE + 100], 0);
	assert_int_equal(copy[3 * PAGE - 1], 0);
	assert_true(mem_read_all(o.mem, o.peer.words[1], copy, 2 * PAGE));
	assert_int_equal(copy[2 * PAGE - 1], 0);
	assert_int_equal(unlink(file_path), 0);
	close_peer(&o);
}

static void another_file_in_its_place_is_not_read(void **state)
{
	struct opened o;
	enum mem_status status;
	char copy[PAGE], moved[80];

	(void)state;
	make_file(2 * PAGE);
	open_peer(&o, map_files_privately);
	(void)snprintf(moved, sizeof(moved), "%s.old", file_path);
	assert_int_equal(rename(file_path, moved), 0);
	assert_int_equal(mkfifo(file_path, 0600), 0); /* opening it for reading would hang */
	if (mem_read(o.mem, o.peer.words[0], copy, PAGE, &status) == PAGE)
		assert_int_equal(copy[7], 'a'); /* by map_files, which root may use */
	else
		assert_int_equal(status, MEM_FAILED);
	assert_int_equal(unlink(file_path), 0);
	assert_int_equal(unlink(moved), 0);
	close_peer(&o);
}

/* --- residency --------------------------------------------------------------------------------- */

static void ranges_cover_without_gaps(void **state)
{
	struct opened o;

	(void)state;
	open_peer(&o, touch_every_third);
	for (size_t room = 1; room < 9; room++) {
		uint64_t at = o.peer.words[0], end = at + 300 * PAGE;

		while (at < end) {
			struct mem_range ranges[8];
			size_t count = mem_pages(o.mem, at, end, ranges, room);

			assert_true(count >= 1 && count <= room);
			for (size_t i = 0; i < count; i++) {
				assert_int_equal(ranges[i].start, at);
				assert_true(ranges[i].end > at && ranges[i].end <= end);
				for (; at < ranges[i].end; at += PAGE)
					assert_int_equal(ranges[i].page,
					                 (at - o.peer.words[0]) / PAGE % 3
					                         ? MEM_PAGE_ABSENT
					                         : MEM_PAGE_PRESENT);
			}
		}
	}
	close_peer(&o);
}

/* --- endings ----------------------------------------------------------------------------------- */

static void the_end_of_a_process_is_noticed(void **state)
{
	struct opened o;
	enum mem_status status;
	char copy[16];
	struct err err = { 0 };
	struct mem_piece piece = { .buf = copy, .len = 8 };
	struct process_facts facts;

	(void)state;
	open_peer(&o, touch_every_third);
	assert_int_equal(kill(o.peer.pid, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)o.peer.pid, &(siginfo_t){ 0 }, WEXITED | WNOWAIT), 0);
	assert_true(proc_read_process(&o.proc, &facts));
	assert_int_equal(facts.life, PROCESS_ZOMBIE);
	assert_true(fact_known(facts.exit_status) && facts.exit_status.v == SIGKILL);
	assert_int_equal(mem_read(o.mem, o.peer.words[0], copy, 16, &status), 0);
	assert_int_equal(status, MEM_GONE);
	piece.addr = o.peer.words[0];
	mem_gather(o.mem, &piece, 1);
	assert_int_equal(piece.status, MEM_GONE);
	(void)peer_end(&o.peer);
	assert_int_equal(mem_read(o.mem, o.peer.words[0], copy, 16, &status), 0);
	assert_int_equal(status, MEM_GONE);
	assert_false(proc_read_process(&o.proc, &facts));
	assert_null(maps_read(&o.proc, o.cache, o.vmas, 1, &err));
	assert_int_equal(err.kind, ERR_NO_PROCESS);
	assert_false(proc_reopen(&o.proc, &err));
	assert_int_equal(err.kind, ERR_NO_PROCESS);
	close_peer(&o);
}

static bool first_thread_is_zombie(void)
{
	struct stat_facts stat;
	char text[1024];
	size_t len;

	return read_file_small(AT_FDCWD, "/proc/self/stat", text, sizeof(text), &len) == READ_OK &&
	       parse_stat(text, len, &stat) && stat.state == 'Z';
}

static void *touch_and_wait(void *arg)
{
	uint64_t words[PEER_WORDS];

	touch_every_third(words);
	while (!first_thread_is_zombie())
		(void)sched_yield();
	peer_ready(words);
	while (pause() == -1)
		;
	return arg;
}

static void leave_by_pthread_exit(uint64_t words[PEER_WORDS])
{
	pthread_t other;

	(void)words;
	if (pthread_create(&other, NULL, touch_and_wait, NULL) != 0)
		_exit(96);
	pthread_exit(NULL);
}

static void a_process_outlives_its_first_thread(void **state)
{
	struct opened o;
	struct process_facts facts;
	unsigned char copy[16];

	(void)state;
	open_peer(&o, leave_by_pthread_exit);
	assert_int_not_equal(o.proc.mm_tid, o.peer.pid);
	assert_true(proc_read_process(&o.proc, &facts));
	assert_int_equal(facts.life, PROCESS_ALIVE);
	assert_true(fact_known(facts.vm_rss));
	assert_true(mem_read_all(o.mem, o.peer.words[0], copy, 16));
	assert_int_equal(copy[3], 1);
	close_peer(&o);
}

static void *outlive_first_thread(void *arg)
{
	uint64_t words[PEER_WORDS];

	touch_every_third(words);
	peer_ready(words);
	while (!first_thread_is_zombie())
		(void)sched_yield();
	peer_ready(words);
	while (pause() == -1)
		;
	return arg;
}

static void leave_when_told(uint64_t words[PEER_WORDS])
{
	pthread_t other;

	(void)words;
	if (pthread_create(&other, NULL, outlive_first_thread, NULL) != 0)
		_exit(96);
	peer_wait();
	pthread_exit(NULL);
}

static void a_first_thread_may_end_while_watched(void **state)
{
	struct opened o;
	struct process_facts facts;
	unsigned char copy[16];

	(void)state;
	open_peer(&o, leave_when_told);
	assert_int_equal(o.proc.mm_tid, o.peer.pid);
	peer_go(&o.peer);
	peer_await(&o.peer);
	assert_true(mem_read_all(o.mem, o.peer.words[0], copy, 16));
	assert_true(proc_read_process(&o.proc, &facts));
	assert_int_equal(facts.life, PROCESS_ALIVE);
	assert_true(fact_known(facts.vm_rss));
	assert_true(mem_read_all(o.mem, o.peer.words[0] + 3 * PAGE, copy, 16));
	assert_int_equal(copy[3], 4);
	list_vmas(&o);
	close_peer(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(absent_pages_read_as_zeroes),
		cmocka_unit_test(older_ways_give_the_same),
		cmocka_unit_test(pieces_are_gathered_from_anywhere),
		cmocka_unit_test(forbidden_pages_are_refused),
		cmocka_unit_test(untouched_file_pages_come_from_the_file),
		cmocka_unit_test(another_file_in_its_place_is_not_read),
		cmocka_unit_test(ranges_cover_without_gaps),
		cmocka_unit_test(the_end_of_a_process_is_noticed),
		cmocka_unit_test(a_process_outlives_its_first_thread),
		cmocka_unit_test(a_first_thread_may_end_while_watched),
	};

	return cmocka_run_group_tests_name("mem", tests, NULL, NULL);
}
