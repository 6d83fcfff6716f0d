/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The built-in workload: a real program, run as a process of its own, that shows within a few seconds
 * what heaptop has screens for, and goes on moving at next to no cost (some 100 MiB at most).
 *
 *	main thread    main_arena: grows record by record, drops most of them at random when it is
 *		       full, so that holes stay; blocks of their own by mmap; a mapping reserved only
 *	ring 1 … 3     an arena each: messages of all sizes replaced at random; tcache and fastbins
 *	buffers	       an arena of two heaps, nearly all of it never touched
 *	batch	       an arena whose thread has gone: few survivors pin much free memory
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "model/base/units.h"
#include "probes/probes.h"

enum {
	RECORDS_MAX = 80000, /* main_arena: about 45 MiB of records */
	RECORDS_START = 30000,
	RECORDS_STEP = 1000, /* per turn of the main thread */
	TURN_MS = 200,
	LARGE_TURNS = 15, /* turns between two swings of the largest block */
	RINGS = 3,
	RING_SLOTS = 3000,
	RING_STEP = 24,
	RING_MS = 50,
	RING_BURST = 20, /* small blocks freed together: tcache holds 7, fastbins the rest */
	BUFFERS = 760,   /* of 96 KiB: more than one heap of 64 MiB holds */
	BUFFER_BYTES = 96 << 10,
	BATCH_BLOCKS = 20000,
	BATCH_KEPT = 400, /* every so many-th block survives */
	BLOCKS = 6,       /* mmapped chunks of 1, 2 … MiB */
	WORKERS = RINGS + 1,
};

static pthread_barrier_t all_have_arenas;

static void nap(int ms)
{
	const struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
}

/* xorshift64: the same run every time, no shared state. */
static uint32_t draw(uint64_t *seed, uint32_t below)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (uint32_t)(*seed >> 33) % below;
}

/* Mostly small, sometimes some KiB, as programs ask for memory. */
static size_t draw_size(uint64_t *seed)
{
	uint32_t kind = draw(seed, 100);

	if (kind < 60)
		return 16 + draw(seed, 240);
	if (kind < 97)
		return 256 + draw(seed, 1200);
	return 2048 + draw(seed, 12000);
}

static void *new_block(size_t size)
{
	void *block = malloc(size);

	if (block)
		memset(block, 0x5a, size);
	return block;
}

/* Makes one byte per page of the first `len` bytes present. */
static void touch(volatile char *at, size_t len)
{
	for (size_t i = 0; at && i < len; i += 4096)
		at[i] = 1;
}

/* --- worker threads ---------------------------------------------------------------------------- */

/* The last thing in a turn: any larger request would merge the fastbins (malloc_consolidate). */
static void burst(void)
{
	void *small[RING_BURST];

	for (int i = 0; i < RING_BURST; i++)
		small[i] = new_block(40);
	for (int i = 0; i < RING_BURST; i++)
		free(small[i]);
}

static void *run_ring(void *arg)
{
	uint64_t seed = *(const uint64_t *)arg;
	void **slots = calloc(RING_SLOTS, sizeof(*slots));

	for (uint32_t i = 0; slots && i < RING_SLOTS; i++)
		slots[i] = new_block(draw_size(&seed));
	(void)pthread_barrier_wait(&all_have_arenas);
	while (slots) {
		for (int i = 0; i < RING_STEP; i++) {
			uint32_t slot = draw(&seed, RING_SLOTS);

			free(slots[slot]);
			slots[slot] = new_block(draw_size(&seed));
		}
		burst();
		nap(RING_MS);
	}
	return NULL;
}

static void *run_buffers(void *arg)
{
	uint64_t seed = 362436069362436069u;
	void **slots = calloc(BUFFERS, sizeof(*slots));

	(void)arg;
	for (uint32_t i = 0; slots && i < BUFFERS; i++)
		slots[i] = malloc(BUFFER_BYTES);
	(void)pthread_barrier_wait(&all_have_arenas);
	while (slots) {
		uint32_t slot = draw(&seed, 32);

		free(slots[slot]);
		slots[slot] = malloc(BUFFER_BYTES);
		touch(slots[slot], BUFFER_BYTES / 2);
		nap(TURN_MS);
	}
	return NULL;
}

/* Lives for a moment; the blocks it leaves behind keep its arena's memory from going back. */
static void *run_batch(void *arg)
{
	uint64_t seed = 521288629u;
	void **slots = calloc(BATCH_BLOCKS, sizeof(*slots));

	(void)arg;
	for (uint32_t i = 0; slots && i < BATCH_BLOCKS; i++)
		slots[i] = new_block(draw_size(&seed));
	nap(TURN_MS);
	for (uint32_t i = 0; slots && i < BATCH_BLOCKS; i++) {
		if (i % BATCH_KEPT != BATCH_KEPT - 1)
			free(slots[i]);
	}
	free(slots);
	return NULL;
}

static bool start_thread(const char *name, void *(*run)(void *), void *arg)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, arg) != 0)
		return false;
	(void)pthread_setname_np(thread, name);
	(void)pthread_detach(thread);
	return true;
}

/* The batch starts last: a thread that came after its end would take its arena over. */
static bool start_threads(void)
{
	static const char *const names[RINGS] = { "demo-ring-1", "demo-ring-2", "demo-ring-3" };
	static uint64_t seeds[RINGS] = { 88172645463325252u, 6906962830371u, 7783226115961u };
	bool ok = pthread_barrier_init(&all_have_arenas, NULL, WORKERS + 1) == 0;

	for (size_t i = 0; ok && i < RINGS; i++)
		ok = start_thread(names[i], run_ring, &seeds[i]);
	ok = ok && start_thread("demo-buffers", run_buffers, NULL);
	if (!ok)
		return false;
	(void)pthread_barrier_wait(&all_have_arenas);
	return start_thread("demo-batch", run_batch, NULL);
}

/* --- main thread ------------------------------------------------------------------------------- */

static void map_reserve(void)
{
	size_t len = 256 * MIB, used = MIB;
	char *at = mmap(NULL, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at != MAP_FAILED && mprotect(at, used, PROT_READ | PROT_WRITE) == 0)
		touch(at, used / 4);
}

static void map_shared(void)
{
	size_t len = 8 * MIB;
	char *at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (at != MAP_FAILED)
		touch(at, len / 4);
}

/*
 * Mmapped chunks of 1 to 6 MiB, half of each touched. Freeing the smallest raises mmap_threshold to its
 * size and trim_threshold to twice that (glibc malloc/malloc.c:__libc_free).
 */
static void make_blocks(void)
{
	static char *blocks[BLOCKS];

	for (size_t i = 0; i < BLOCKS; i++) {
		blocks[i] = malloc((i + 1) * MIB);
		touch(blocks[i], (i + 1) * MIB / 2);
	}
	free(blocks[0]);
}

struct records {
	void **at;
	uint32_t count;
	uint64_t seed;
};

static void add_records(struct records *r, uint32_t more)
{
	for (uint32_t i = 0; i < more && r->count < RECORDS_MAX; i++) {
		void *record = new_block(draw_size(&r->seed));

		if (record)
			r->at[r->count++] = record;
	}
}

/* Two of three go; what stays lies between the holes. */
static void drop_records(struct records *r)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < r->count; i++) {
		if (draw(&r->seed, 3) == 0)
			r->at[kept++] = r->at[i];
		else
			free(r->at[i]);
	}
	r->count = kept;
}

/* Beyond DEFAULT_MMAP_THRESHOLD_MAX (32 MiB): a mapping of its own; freeing it moves no threshold. */
static void swing_large(char **large)
{
	size_t len = 34 * MIB;

	if (*large) {
		free(*large);
		*large = NULL;
		return;
	}
	*large = malloc(len);
	touch(*large, len / 16);
}

static void run_main(void)
{
	struct records records = { .seed = 2463534242u };
	char *large = NULL;

	records.at = calloc(RECORDS_MAX, sizeof(*records.at));
	if (!records.at)
		return;
	add_records(&records, RECORDS_START);
	drop_records(&records);
	for (unsigned turn = 0;; turn++) {
		add_records(&records, RECORDS_STEP);
		if (records.count == RECORDS_MAX)
			drop_records(&records);
		if (turn % LARGE_TURNS == 0)
			swing_large(&large);
		nap(TURN_MS);
	}
}

int demo_workload(pid_t parent)
{
	(void)prctl(PR_SET_NAME, "heaptop-demo");
	if (parent) {
		/* Its parent may have gone before the wish was heard. */
		(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != parent)
			return 0;
	}
	map_reserve();
	map_shared();
	make_blocks();
	if (!start_threads())
		return 1;
	run_main();
	return 1;
}
