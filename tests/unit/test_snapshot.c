/* SPDX-License-Identifier: GPL-2.0-or-later */
/* model/facts: snapshots are shared values; VMA sets; copies of heap facts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include "model/facts/heap_copy.h"
#include "model/facts/snapshot.h"
#include "model/facts/vma_set.h"

/* Takes and drops references as UI and sampler do; a wrong count shows under any sanitizer. */
static void *use_snapshot(void *arg)
{
	const struct snapshot *snap = arg;

	for (int i = 0; i < 10000; i++) {
		const struct snapshot *mine = snapshot_ref(snap);
		struct part *part = part_ref(mine->parts[PART_SYSTEM]);

		part_unref(part);
		snapshot_unref(mine);
	}
	return NULL;
}

static void the_last_reference_frees_from_any_thread(void **state)
{
	struct snapshot *snap = snapshot_new();
	struct part *system = part_new(PART_SYSTEM, 1);
	pthread_t threads[4];

	(void)state;
	snap->parts[PART_SYSTEM] = system;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use_snapshot, snap), 0);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(atomic_load(&snap->refs), 1);
	assert_int_equal(atomic_load(&system->refs), 1);
	part_ref(system);
	snapshot_unref(snap);
	assert_int_equal(atomic_load(&system->refs), 1);
	part_unref(system);
}

static void parts_not_read_are_null(void **state)
{
	struct snapshot *snap = snapshot_new();

	(void)state;
	assert_null(snapshot_process(snap));
	assert_null(snapshot_vmas(snap));
	assert_null(snapshot_malloc(snap));
	assert_null(part_ref(NULL));
	part_unref(NULL);
	snapshot_unref(NULL);
	snapshot_unref(snap);
}

static struct vma row(uint64_t start, uint64_t end, uint8_t prot)
{
	return (struct vma){ .start = start, .end = end, .prot = prot, .owner = -1 };
}

static void vmas_are_found_by_address(void **state)
{
	struct vma rows[] = { row(0x1000, 0x2000, VMA_READ),
		              row(0x2000, 0x5000, VMA_READ | VMA_WRITE),
		              row(0x5000, 0x6000, VMA_READ | VMA_WRITE),
		              row(0x9000, 0xa000, VMA_READ | VMA_WRITE | VMA_SHARED) };
	struct vma_set set = { .at = rows, .count = 4 };

	(void)state;
	assert_null(vma_find(&set, 0xfff));
	assert_ptr_equal(vma_find(&set, 0x1000), &rows[0]);
	assert_ptr_equal(vma_find(&set, 0x2000), &rows[1]);
	assert_null(vma_find(&set, 0x6000));
	assert_ptr_equal(vma_find_next(&set, 0x6000), &rows[3]);
	assert_null(vma_find_next(&set, 0xa000));
	assert_true(vma_is_writable(&set, 0x2000, 0x4000));
	assert_false(vma_is_writable(&set, 0x2000, 0x4001));
	assert_false(vma_is_writable(&set, 0x1fff, 2));
	assert_false(vma_is_writable(&set, 0x9000, 8));
	assert_false(vma_is_writable(&set, 0x2000, UINT64_MAX));
}

static void only_the_same_mapping_inherits_its_figures(void **state)
{
	struct vma before[] = { row(0x1000, 0x2000, VMA_READ), row(0x3000, 0x5000, VMA_READ),
		                row(0x7000, 0x8000, VMA_READ) };
	struct vma after[] = { row(0x1000, 0x2000, VMA_READ), row(0x3000, 0x6000, VMA_READ),
		               row(0x7000, 0x8000, VMA_READ | VMA_WRITE) };
	struct vma_set older = { .at = before, .count = 3 }, newer = { .at = after, .count = 3 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		before[i].has_smaps = before[i].has_residency = true;
		before[i].rss = 4096;
	}
	vma_set_inherit(&older, &newer);
	assert_true(after[0].has_smaps);
	assert_int_equal(after[0].rss, 4096);
	assert_false(after[1].has_smaps);     /* grew */
	assert_false(after[2].has_residency); /* became writable */
}

static void a_copy_of_heap_facts_shares_nothing(void **state)
{
	struct region *one = region_new(), *two = region_new();
	struct heap_facts heap = { .found_by = "scan", .instance_count = 1 }, copy;

	(void)state;
	heap.instances = region_alloc(one, sizeof(*heap.instances));
	heap.instances->arenas = region_alloc(one, sizeof(struct arena));
	heap.instances->arena_count = 1;
	heap.instances->arenas[0].small = region_alloc(one, sizeof(struct size_count));
	heap.instances->arenas[0].small[0] = (struct size_count){ 0x40, 5 };
	heap.instances->arenas[0].small_count = 1;
	heap_error_add(&heap, 0x10, "first");
	assert_true(heap_facts_copy(two, &heap, &copy));
	region_free(one);
	assert_string_equal(copy.found_by, "scan");
	assert_string_equal(copy.errors[0].what, "first");
	assert_int_equal(copy.instances[0].arenas[0].small[0].count, 5);
	region_free(two);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_reference_frees_from_any_thread),
		cmocka_unit_test(parts_not_read_are_null),
		cmocka_unit_test(vmas_are_found_by_address),
		cmocka_unit_test(only_the_same_mapping_inherits_its_figures),
		cmocka_unit_test(a_copy_of_heap_facts_shares_nothing),
	};

	return cmocka_run_group_tests_name("snapshot", tests, NULL, NULL);
}
