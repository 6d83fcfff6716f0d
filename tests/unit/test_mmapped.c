/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mmapped chunks: found among other mappings in real children, and in made-up memory of other layouts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include "model/base/units.h"
#include "model/glibc/pt.h"
#include "tests/lib/decoded_child.h"
#include "tests/lib/fake_memory.h"

enum { BLOCKS_MAX = 3000, PAGE = 4096 };

/* Shared with the child. */
static struct {
	struct mallinfo2 info;
	size_t count;
	uint64_t chunks[BLOCKS_MAX];
} * report;

#define SKIP_UNLESS_POSSIBLE()                                                                     \
	do {                                                                                       \
		if (!child_target_possible()) {                                                    \
			print_message("# skip: malloc is not glibc's here (a sanitizer's?)\n");    \
			skip();                                                                    \
		}                                                                                  \
	} while (0)

/* --- children -------------------------------------------------------------------------------------- */

static void note(void *block)
{
	if (!block)
		_exit(1);
	/* What the parent freed, below the break, may serve even a large request. */
	if ((uintptr_t)block > (uintptr_t)sbrk(0))
		report->chunks[report->count++] = (uintptr_t)block - 2 * sizeof(size_t);
}

static void tell(int in, int out)
{
	report->info = mallinfo2();
	child_say(out, "r", 1);
	child_hear(in);
}

/* Mappings of the program's own in between, some of them full of words that look like headers. */
static void map_own(size_t bytes, bool is_decoy)
{
	char *own = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (own == MAP_FAILED)
		_exit(1);
	memset(own, 0x7f, bytes);
	for (size_t at = PAGE; is_decoy && at < bytes; at += PAGE) {
		size_t header[2] = { 0, PAGE | 2 };

		memcpy(own + at, header, sizeof(header));
	}
}

static void mixed(int in, int out)
{
	mallopt(M_MMAP_THRESHOLD, 128 << 10);
	for (size_t i = 0; i < 200; i++) {
		size_t size = (200 << 10) + i * 7919;
		void *block;

		if (i % 5 == 0) {
			if (posix_memalign(&block, (size_t)64 << i % 13, size))
				_exit(1);
			note(block);
		} else {
			note(malloc(size));
		}
		if (i % 11 == 0)
			map_own(20 * PAGE, false);
	}
	tell(in, out);
}

/* mremap leaves the stale header of an aligned chunk's base behind. */
static void resized(int in, int out)
{
	mallopt(M_MMAP_THRESHOLD, 128 << 10);
	for (size_t i = 0; i < 20; i++) {
		void *block = NULL;

		if (posix_memalign(&block, 4096, 400000))
			_exit(1);
		note(realloc(block, i % 2 ? 900000 : 200000));
	}
	tell(in, out);
}

static void many(int in, int out)
{
	mallopt(M_MMAP_THRESHOLD, 128 << 10);
	for (size_t i = 0; i < BLOCKS_MAX; i++)
		note(malloc(160 << 10));
	tell(in, out);
}

/* Decoys are searched before the real ones, and there are more of them. */
static void decoys(int in, int out)
{
	mallopt(M_MMAP_THRESHOLD, 128 << 10);
	for (size_t i = 0; i < 4; i++)
		note(malloc(300000 + i * 100000));
	map_own(9 * PAGE, true);
	tell(in, out);
}

static void none(int in, int out)
{
	map_own(9 * PAGE, true);
	tell(in, out);
}

/* --- comparing --------------------------------------------------------------------------------------- */

struct opened {
	struct child_target target;
	struct decoded_child child;
};

static void open_child(struct opened *o, void (*body)(int in, int out))
{
	char ready;

	memset(report, 0, sizeof(*report));
	(void)child_target_main_arena();
	child_target_start(&o->target, body);
	child_target_hear(&o->target, &ready, 1);
	(void)decoded_child_open(&o->child, &o->target);
	o->child.ms.params.n_mmaps = fact_of(report->info.hblks);
	o->child.ms.params.mmapped_mem = fact_of(report->info.hblkhd);
}

static void close_child(struct opened *o)
{
	decoded_child_close(&o->child);
	child_target_end(&o->target);
}

static bool is_found(const struct malloc_state *ms, uint64_t chunk)
{
	for (size_t i = 0; i < ms->mmapped_count; i++) {
		if (ms->mmapped[i].addr == chunk && !ms->mmapped[i].is_excess)
			return true;
	}
	return false;
}

static void assert_all_found(const struct decoded_child *child)
{
	uint64_t bytes = 0;
	size_t count = 0;

	for (size_t i = 0; i < child->ms.mmapped_count; i++) {
		count += !child->ms.mmapped[i].is_excess;
		bytes += child->ms.mmapped[i].is_excess ? 0 : child->ms.mmapped[i].size;
	}
	assert_true(child->ms.has_mmapped);
	assert_int_equal(count, report->info.hblks);
	assert_int_equal(bytes, report->info.hblkhd);
	for (size_t i = 0; i < report->count; i++)
		assert_true(is_found(&child->ms, report->chunks[i]));
}

static void find_and_compare(void (*body)(int in, int out))
{
	struct opened o;

	SKIP_UNLESS_POSSIBLE();
	open_child(&o, body);
	assert_true(pt_find_mmapped(&o.child.d, &o.child.ms));
	assert_all_found(&o.child);
	assert_int_equal(o.child.heap.error_count, 0);
	close_child(&o);
}

static void chunks_among_other_mappings(void **state)
{
	(void)state;
	find_and_compare(mixed);
}

static void aligned_chunks_after_mremap(void **state)
{
	(void)state;
	find_and_compare(resized);
}

static void three_thousand_in_merged_vmas(void **state)
{
	(void)state;
	find_and_compare(many);
}

static void decoys_are_not_counted_as_malloc_s(void **state)
{
	struct opened o;

	(void)state;
	SKIP_UNLESS_POSSIBLE();
	open_child(&o, decoys);
	assert_true(pt_find_mmapped(&o.child.d, &o.child.ms));
	assert_all_found(&o.child);
	close_child(&o);
}

static void nothing_is_searched_when_there_is_nothing(void **state)
{
	struct opened o;

	(void)state;
	SKIP_UNLESS_POSSIBLE();
	open_child(&o, none);
	o.child.ms.params.n_mmaps = o.child.ms.params.mmapped_mem = fact_of(0);
	assert_true(pt_find_mmapped(&o.child.d, &o.child.ms));
	assert_int_equal(o.child.ms.mmapped_count, 0);
	close_child(&o);
}

/* --- made-up memory --------------------------------------------------------------------------------- */

struct made {
	struct fake_memory fake;
	struct region *region;
	struct heap_facts heap;
	struct malloc_state ms;
	struct decode d;
};

#define AT UINT64_C(0x70000000)

static void make(struct made *m, int minor, enum abi abi, uint64_t bytes)
{
	*m = (struct made){ .region = region_new() };
	fake_memory_init(&m->fake);
	fake_memory_map(&m->fake, AT, bytes, NULL);
	m->d = (struct decode){ .mem = &m->fake.mem,
		                .lay = glibc_layout_for(minor, abi),
		                .vmas = fake_memory_vmas(&m->fake),
		                .region = m->region,
		                .heap = &m->heap };
}

static void put_header(struct made *m, uint64_t chunk, uint64_t prev, uint64_t raw)
{
	fake_memory_put(&m->fake, chunk, m->d.lay->word, prev);
	fake_memory_put(&m->fake, chunk + m->d.lay->word, m->d.lay->word, raw);
}

static void find(struct made *m, uint64_t count, uint64_t bytes)
{
	m->ms.params.n_mmaps = fact_of(count);
	m->ms.params.mmapped_mem = fact_of(bytes);
	assert_true(pt_find_mmapped(&m->d, &m->ms));
}

static void unmake(struct made *m)
{
	region_free(m->region);
	fake_memory_fini(&m->fake);
}

static void i386_chunks_begin_behind_the_base(void **state)
{
	struct made m;

	(void)state;
	make(&m, 36, ABI_I386, 40 * PAGE);
	put_header(&m, AT + 8, 8, (4 * PAGE - 8) | 2);
	put_header(&m, AT + 4 * PAGE + 8, 8, (3 * PAGE - 8) | 2);
	find(&m, 2, 7 * PAGE);
	assert_int_equal(m.ms.mmapped_count, 2);
	assert_int_equal(m.ms.mmapped[0].addr, AT + 8);
	assert_int_equal(m.ms.mmapped[0].size, 4 * PAGE);
	assert_int_equal(m.ms.mmapped[1].addr, AT + 4 * PAGE + 8);
	assert_int_equal(m.heap.error_count, 0);
	unmake(&m);
}

static void sizes_without_header_and_huge_pages(void **state)
{
	struct made m;

	(void)state;
	make(&m, 43, ABI_LP64, 600 * PAGE);
	put_header(&m, AT, 1, (512 * PAGE - 16) | 2);
	/* Aligned to a page: the stale header at the base, its own further in. */
	put_header(&m, AT + 512 * PAGE, 0, (9 * PAGE - 16) | 2);
	put_header(&m, AT + 513 * PAGE - 16, PAGE - 16, (8 * PAGE) | 2);
	find(&m, 2, 521 * PAGE);
	assert_int_equal(m.ms.mmapped_count, 2);
	assert_int_equal(m.ms.mmapped[0].addr, AT);
	assert_int_equal(m.ms.mmapped[0].size, 512 * PAGE);
	assert_int_equal(m.ms.mmapped[1].addr, AT + 513 * PAGE - 16);
	assert_int_equal(m.ms.mmapped[1].size, 9 * PAGE);
	assert_int_equal(m.heap.error_count, 0);
	unmake(&m);
}

static void impossible_sizes_are_no_chunks(void **state)
{
	static const uint64_t raws[] = {
		2,                         /* size 0 */
		UINT64_MAX & ~(uint64_t)5, /* wraps around */
		(100 * PAGE) | 2,          /* past the end of memory */
		(2 * PAGE) | 3,            /* another flag */
		(2 * PAGE + 16) | 2,       /* no whole pages */
	};
	struct made m;

	(void)state;
	make(&m, 36, ABI_LP64, 16 * PAGE);
	for (uint64_t i = 0; i < sizeof(raws) / sizeof(raws[0]); i++)
		put_header(&m, AT + i * PAGE, 0, raws[i]);
	put_header(&m, AT + 6 * PAGE, 16, (2 * PAGE) | 2); /* a prev_size that is none */
	put_header(&m, AT + 12 * PAGE, 0, (2 * PAGE) | 2);
	find(&m, 2, 4 * PAGE);
	assert_int_equal(m.ms.mmapped_count, 1);
	assert_int_equal(m.ms.mmapped[0].addr, AT + 12 * PAGE);
	assert_int_equal(m.heap.error_count, 1);
	unmake(&m);
}

static void the_excess_is_marked_not_dropped(void **state)
{
	struct made m;

	(void)state;
	make(&m, 36, ABI_LP64, 32 * PAGE);
	put_header(&m, AT, 0, (3 * PAGE) | 2);
	put_header(&m, AT + 3 * PAGE, 0, (2 * PAGE) | 2);
	put_header(&m, AT + 9 * PAGE, 0, (5 * PAGE) | 2);
	find(&m, 2, 11 * PAGE);
	assert_int_equal(m.ms.mmapped_count, 3);
	assert_false(m.ms.mmapped[0].is_excess);
	assert_false(m.ms.mmapped[1].is_excess);
	assert_true(m.ms.mmapped[2].is_excess); /* the one amid other data */
	assert_int_equal(m.heap.error_count, 1);
	/* Nothing is looked for beyond what malloc counts. */
	find(&m, 2, 5 * PAGE);
	assert_int_equal(m.ms.mmapped_count, 2);
	unmake(&m);
}

static void memory_full_of_false_headers_has_an_end(void **state)
{
	struct made m;

	(void)state;
	make(&m, 36, ABI_LP64, 4096 * PAGE);
	for (uint64_t i = 0; i < 4096; i++)
		put_header(&m, AT + i * PAGE, 0, (i % 3 ? PAGE : (4096 - i) * PAGE * 2) | 2);
	find(&m, 1, PAGE * 7);
	assert_true(m.fake.reads < 200000);
	assert_true(m.heap.error_count > 0);
	unmake(&m);
}

static void heaps_and_stacks_are_left_out(void **state)
{
	struct malloc_thread thread = { .stack_start = AT + 8 * PAGE, .stack_end = AT + 12 * PAGE };
	struct malloc_heap heap = { AT, AT + 4 * PAGE, AT + 4 * PAGE, AT + 8 * PAGE };
	struct arena arena = { .heaps = &heap, .heap_count = 1 };
	struct made m;

	(void)state;
	make(&m, 36, ABI_LP64, 16 * PAGE);
	for (uint64_t i = 0; i < 14; i++)
		put_header(&m, AT + i * PAGE, 0, PAGE | 2);
	m.ms.arenas = &arena;
	m.ms.arena_count = 1;
	m.ms.threads = &thread;
	m.ms.thread_count = 1;
	find(&m, 2, 2 * PAGE);
	assert_int_equal(m.ms.mmapped_count, 2);
	assert_int_equal(m.ms.mmapped[0].addr, AT + 12 * PAGE);
	assert_int_equal(m.ms.mmapped[1].addr, AT + 13 * PAGE);
	unmake(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chunks_among_other_mappings),
		cmocka_unit_test(aligned_chunks_after_mremap),
		cmocka_unit_test(three_thousand_in_merged_vmas),
		cmocka_unit_test(decoys_are_not_counted_as_malloc_s),
		cmocka_unit_test(nothing_is_searched_when_there_is_nothing),
		cmocka_unit_test(i386_chunks_begin_behind_the_base),
		cmocka_unit_test(sizes_without_header_and_huge_pages),
		cmocka_unit_test(impossible_sizes_are_no_chunks),
		cmocka_unit_test(the_excess_is_marked_not_dropped),
		cmocka_unit_test(memory_full_of_false_headers_has_an_end),
		cmocka_unit_test(heaps_and_stacks_are_left_out),
	};

	report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
	              0);
	if (report == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
