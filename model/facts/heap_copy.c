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

static struct fact as_estimate(struct fact f)
{
	if (f.state == FACT_KNOWN)
		f.state = FACT_ESTIMATE;
	return f;
}

static void inherit_arena(const struct arena *older, struct arena *newer)
{
	if (!fact_known(newer->in_use.count))
		newer->in_use.count = as_estimate(older->in_use.count);
	if (!fact_known(newer->in_use.bytes))
		newer->in_use.bytes = as_estimate(older->in_use.bytes);
	if (!fact_known(newer->trimmable))
		newer->trimmable = as_estimate(older->trimmable);
	if (!newer->top_pin.size) {
		newer->top_pin = older->top_pin;
		newer->below_pin = as_estimate(older->below_pin);
	}
}

static void inherit_malloc(const struct malloc_state *older, struct malloc_state *newer)
{
	if (newer->has_walk || !older->has_walk || newer->main_arena_addr != older->main_arena_addr)
		return;
	newer->has_walk = true;
	newer->walk = older->walk;
	newer->walk_taken_ns = older->walk_taken_ns;
	for (size_t i = 0; i < newer->arena_count; i++)
		for (size_t k = 0; k < older->arena_count; k++)
			if (older->arenas[k].addr == newer->arenas[i].addr)
				inherit_arena(&older->arenas[k], &newer->arenas[i]);
}

void heap_facts_inherit_walk(const struct heap_facts *older, struct heap_facts *newer)
{
	for (size_t i = 0; i < newer->instance_count && i < older->instance_count; i++)
		inherit_malloc(&older->instances[i], &newer->instances[i]);
}
