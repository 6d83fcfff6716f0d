/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/facts/heap_copy.h"

#include <string.h>

/* Replaces *array, still the original's, by a copy of its `count` elements of `width` bytes. */
static bool copy_array(struct region *region, void **array, size_t count, size_t width)
{
	const void *from = *array;
	void *to;

	if (!count) {
		*array = NULL;
		return true;
	}
	to = region_alloc(region, count * width);
	if (!to)
		return false;
	memcpy(to, from, count * width);
	*array = to;
	return true;
}

#define COPY_ARRAY(region, array, count)                                                           \
	copy_array((region), (void **)&(array), (count), sizeof(*(array)))

static bool copy_text(struct region *region, const char **text)
{
	if (!*text)
		return true;
	*text = region_text(region, *text, strlen(*text));
	return *text != NULL;
}

static bool copy_arena(struct region *region, struct arena *a)
{
	return COPY_ARRAY(region, a->heaps, a->heap_count) &&
	       COPY_ARRAY(region, a->fastbins, a->fastbin_count) &&
	       COPY_ARRAY(region, a->small, a->small_count) &&
	       COPY_ARRAY(region, a->large, a->large_count);
}

static bool copy_malloc(struct region *region, struct malloc_state *ms)
{
	bool ok = COPY_ARRAY(region, ms->arenas, ms->arena_count) &&
	          COPY_ARRAY(region, ms->threads, ms->thread_count) &&
	          COPY_ARRAY(region, ms->mmapped, ms->mmapped_count);

	for (size_t i = 0; ok && i < ms->arena_count; i++)
		ok = copy_arena(region, &ms->arenas[i]);
	for (size_t i = 0; ok && i < ms->thread_count; i++)
		ok = COPY_ARRAY(region, ms->threads[i].bins, ms->threads[i].bin_count);
	return ok;
}

static bool copy_errors(struct region *region, struct heap_facts *heap)
{
	size_t kept = heap->error_count < HEAP_ERRORS_MAX ? heap->error_count : HEAP_ERRORS_MAX;

	for (size_t i = 0; i < kept; i++)
		if (!copy_text(region, &heap->errors[i].what))
			return false;
	return true;
}

bool heap_facts_copy(struct region *region, const struct heap_facts *from, struct heap_facts *to)
{
	bool ok;

	*to = *from;
	ok = copy_text(region, &to->interposer) && copy_text(region, &to->libc_path) &&
	     copy_text(region, &to->runtime) && copy_text(region, &to->found_by) &&
	     copy_text(region, &to->layout) && copy_errors(region, to) &&
	     COPY_ARRAY(region, to->instances, to->instance_count);
	for (size_t i = 0; ok && i < to->instance_count; i++)
		ok = copy_malloc(region, &to->instances[i]);
	return ok;
}
